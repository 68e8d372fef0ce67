//! Log and metrics of requests: an identifier for each, a log line, a count and a duration.

use std::fmt;
use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

use crate::id::number_code;
use crate::random;

/// The response header with the request's identifier.
const HEADER: &str = "x-request-id";

/// Identifier of a request in the log, on error pages and in a response header.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestId(i64);

impl RequestId {
    /// A random identifier of 40 bits; 0 when the random number generator fails, which must not fail the request.
    fn new() -> Self {
        Self(random::bytes().map_or(0, |bytes| i64::from_le_bytes(bytes) & 0xFF_FFFF_FFFF))
    }
}

/// Eight characters, short enough to be read out on the telephone.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&number_code(self.0)[5..])
    }
}

/// Middleware: logs and counts a request.
pub(super) async fn log_request(mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    // Without the query, which may contain names and telephone numbers.
    let span = tracing::info_span!("request", %id, %method, path = request.uri().path());
    request.extensions_mut().insert(id);

    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = started.elapsed();

    let status = response.status();
    let (status_code, milliseconds) = (status.as_u16(), elapsed.as_millis());
    // For those who look for a fault (`--log-level debug`); the window of a shop says what matters to its owner.
    if is_polled(&route) {
        span.in_scope(|| tracing::trace!(status = status_code, milliseconds, "answered"));
    } else {
        span.in_scope(|| tracing::debug!(status = status_code, milliseconds, "answered"));
    }
    let method = method_label(&method).to_owned();
    let labels = [("method", method), ("route", route), ("status", status.as_u16().to_string())];
    ::metrics::counter!("http_requests_total", &labels).increment(1);
    ::metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(elapsed.as_secs_f64());

    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// The method as a metric label. Methods that no route has share one label: clients can invent any number of them.
fn method_label(method: &Method) -> &str {
    if [Method::GET, Method::HEAD, Method::POST].contains(method) { method.as_str() } else { "other" }
}

/// Whether machines request the route regularly, so that it is logged at trace level only.
fn is_polled(route: &str) -> bool {
    ["/health/", "/metrics", "/assets/"].iter().any(|prefix| route.starts_with(prefix))
}
