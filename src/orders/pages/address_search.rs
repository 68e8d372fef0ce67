//! The address search: a page for an iframe, the only page that may load a public service.
//!
//! It has no data of the shop and no CSRF token. It passes the address found, or that the service is
//! unreachable, to the page around it. A training shop has no address search, because it connects to no
//! external service.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::demo::Demo;
use crate::web::{Error, PageResult, page};

/// Allows the script of the 우편번호 서비스 and the frame it opens, at the URLs its provider publishes for 2026; no other
/// external source.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' https://t1.kakaocdn.net; \
     frame-src https://postcode.map.kakao.com; style-src 'self'; font-src 'self'; frame-ancestors 'self'; \
     form-action 'none'; base-uri 'none'";

#[derive(Template)]
#[template(path = "orders/address_search.html")]
struct AddressSearchPage;

pub(super) async fn show(State(demo): State<Option<Demo>>) -> PageResult<Response> {
    if demo.is_some() {
        return Err(Error::NotFound);
    }
    let mut response = page(AddressSearchPage);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn only_address_search_may_load_the_public_service() {
        let app = TestApp::as_admin().await;
        let search = app.get("/addresses/search").await;
        let policy = search.header("content-security-policy").to_owned();
        assert!(policy.contains("script-src 'self' https://t1.kakaocdn.net;"), "{policy}");
        assert!(policy.contains("frame-src https://postcode.map.kakao.com;"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(!search.ok().contains("csrf"), "it has no CSRF token");
        for other in ["/orders/new", "/orders"] {
            let answer = app.get(other).await;
            assert!(!answer.header("content-security-policy").contains("kakao"), "{other}");
        }
    }
}
