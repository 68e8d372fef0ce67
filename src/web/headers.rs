//! Middleware for response headers: security, compression, closing of connections; and rejection of cross-site requests.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;

use super::Error;
use super::cookies::{self, Cookie};
use super::state::DrainFlag;
use crate::config::Config;
use crate::sessions::CookieOptions;

/// No third-party and no inline content. Images may be `data:` URLs, which Bootstrap's style sheet uses for arrows and
/// check marks.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'; object-src 'none'";

const SECURITY_HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
];

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Allows a page that reads QR codes to use the camera. No other page may.
pub fn with_camera(mut page: Response) -> Response {
    let policy = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()";
    page.headers_mut().insert(PERMISSIONS_POLICY, HeaderValue::from_static(policy));
    page
}

/// Middleware: adds the security headers and `Cache-Control: no-store` where the handler has not set them.
pub(super) async fn security_headers(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    // Without `includeSubDomains`: the shop may have the domain itself, and knows nothing of its other hosts.
    if config.behind_tls && !config.uses_shop_ca() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Cookie of a page that waits for a file; it is deleted when the answer to its form begins.
const AWAITED_FILE: &str = "download";

/// Middleware: tells a page that waits for a file that the answer to its form begins.
pub(super) async fn tell_of_file(State(options): State<CookieOptions>, request: Request, next: Next) -> Response {
    let waits = request.method() == Method::POST && cookies::values(request.headers(), AWAITED_FILE).next().is_some();
    let mut response = next.run(request).await;
    let cookie = Cookie { name: AWAITED_FILE, value: "", same_site: "Strict", max_age: Some(0) };
    if waits && let Ok(cookie) = cookie.header(&options) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// Middleware: closes connections after their response while the server is draining, so that clients reconnect to
/// another instance.
pub(super) async fn close_when_draining(State(draining): State<DrainFlag>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if draining.is_requested() {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Middleware: rejects POST requests from other sites by `Sec-Fetch-Site` and `Origin`.
pub(super) fn reject_cross_site() -> CsrfLayer<impl Fn(tower_http::csrf::ProtectionError) -> Response + Clone> {
    CsrfLayer::new().with_rejection_response(|_| Error::FormExpired.into_response())
}

/// Middleware: compresses responses, except formats that are compressed already.
pub(super) fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new().compress_when(
        DefaultPredicate::new()
            .and(NotForContentType::const_new("font/"))
            .and(NotForContentType::const_new("application/vnd.openxmlformats")),
    )
}
