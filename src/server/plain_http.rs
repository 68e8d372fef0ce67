//! Plain HTTP on the port of HTTPS.
//!
//! A phone that does not trust the shop's certificate authority yet needs its certificate first, without a warning that
//! people would learn to click away. Therefore the page 휴대전화 준비 and the two files with the certificate are answered;
//! everything else gets the hint to use `https://`.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::body::Peer;

/// Path of the page 휴대전화 준비.
pub const PHONES_PATH: &str = "/phones";

/// Path of the certificate for Android, Windows and macOS.
pub const CA_FILE_PATH: &str = "/phones/ca.crt";

/// Path of the configuration profile for iOS.
pub const CA_PROFILE_PATH: &str = "/phones/ca.mobileconfig";

/// Answer to any other request.
const HTTPS_REQUIRED: &str = "이 주소는 https로만 열려요. 주소 앞의 http://를 https://로 바꿔 주세요.\n";

/// How much of the body of a refused request is read and discarded, in bytes. Closing a socket with unread data sends RST, and
/// the client might lose the response.
const MAX_DRAINED_BYTES: usize = 64 << 10;

const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// Marks a request that came over plain HTTP to a server with HTTPS.
#[derive(Clone, Copy, Debug)]
pub struct PlainHttpRequest;

/// Middleware of a server with HTTPS: restricts requests over plain HTTP.
pub(super) async fn restrict(ConnectInfo(peer): ConnectInfo<Peer>, mut request: Request, next: Next) -> Response {
    if !peer.connection.is_plaintext() {
        return next.run(request).await;
    }
    let is_open = [PHONES_PATH, CA_FILE_PATH, CA_PROFILE_PATH].contains(&request.uri().path());
    if is_open && [Method::GET, Method::HEAD].contains(request.method()) {
        // Nobody is logged in over plain HTTP, whatever a client sends.
        request.headers_mut().remove(header::COOKIE);
        *request.body_mut() = Body::empty();
        request.extensions_mut().insert(PlainHttpRequest);
        let mut response = next.run(request).await;
        // Neither may be set over plain HTTP (RFC 6797, section 7.2).
        for name in [header::SET_COOKIE, header::STRICT_TRANSPORT_SECURITY] {
            response.headers_mut().remove(name);
        }
        return response;
    }
    let _ = timeout(DRAIN_TIMEOUT, to_bytes(request.into_body(), MAX_DRAINED_BYTES)).await;
    let mut response = (StatusCode::BAD_REQUEST, HTTPS_REQUIRED).into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}
