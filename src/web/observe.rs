//! Seeing requests: a number for each, a line in the log, a count and a duration.

use std::fmt;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tracing::Instrument;

use super::AppState;
use crate::storage::crockford;

/// The header that tells the number of a request.
const HEADER: &str = "x-request-id";

/// The number of a request: in the log, on error pages, in a header.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestId(i64);

impl RequestId {
    fn new() -> Self {
        let mut bytes = [0; 8];
        // Without randomness there is still a page, only its number says nothing.
        let drawn = getrandom::fill(&mut bytes);
        Self(drawn.map_or(0, |()| i64::from_le_bytes(bytes) & 0xFF_FFFF_FFFF))
    }
}

/// Eight characters, short enough to read on the telephone.
impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crockford(self.0)[5..])
    }
}

pub(super) fn layer(router: Router<AppState>) -> Router<AppState> {
    router.layer(from_fn(observe))
}

async fn observe(mut request: Request, next: Next) -> Response {
    let id = RequestId::new();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    // The path, not what follows it: searches hold names and telephone numbers.
    let span = tracing::info_span!("request", %id, %method, path = request.uri().path());
    request.extensions_mut().insert(id);

    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let elapsed = started.elapsed();

    let status = response.status();
    let (status_code, milliseconds) = (status.as_u16(), elapsed.as_millis());
    if is_routine(&route) {
        span.in_scope(|| tracing::debug!(status = status_code, milliseconds, "answered"));
    } else {
        span.in_scope(|| tracing::info!(status = status_code, milliseconds, "answered"));
    }
    let labels = [("method", known(&method).to_owned()), ("route", route), ("status", status.as_u16().to_string())];
    ::metrics::counter!("http_requests_total", &labels).increment(1);
    ::metrics::histogram!("http_request_duration_seconds", &labels[..2]).record(elapsed.as_secs_f64());

    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

/// The method's name, if it is one that this application answers: anybody may invent others, and
/// each would be counted for ever.
fn known(method: &Method) -> &str {
    if [Method::GET, Method::HEAD, Method::POST].contains(method) { method.as_str() } else { "other" }
}

/// What machines ask all day: of no interest until something is looked for.
fn is_routine(route: &str) -> bool {
    ["/health/", "/metrics", "/assets/"].iter().any(|prefix| route.starts_with(prefix))
}
