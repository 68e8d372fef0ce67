//! The search for an address: a page inside the page, which alone may load the public service.
//!
//! It holds nothing of ours: no name, no token. What it finds it tells the page around it, and so it
//! does when the service cannot be reached. A training shop asks nobody outside, and has no search.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;

use crate::web::{AppState, Error, PageResult, page};

/// The script of the 우편번호 서비스 and the frame it opens, whose addresses are those that its makers
/// gave out for 2026; nothing else from elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self' https://t1.kakaocdn.net; \
     frame-src https://postcode.map.kakao.com; style-src 'self'; font-src 'self'; frame-ancestors 'self'; \
     form-action 'none'; base-uri 'none'";

#[derive(Template)]
#[template(path = "orders/address_search.html")]
struct AddressSearchPage;

pub(super) async fn show(State(state): State<AppState>) -> PageResult<Response> {
    if state.demo.is_some() {
        return Err(Error::NotFound);
    }
    let mut response = page(AddressSearchPage);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use crate::web::testing::TestApp;

    #[tokio::test]
    async fn only_the_search_may_load_the_public_service() {
        let app = TestApp::as_admin().await;
        let search = app.get("/addresses/search").await;
        let policy = search.header("content-security-policy").to_owned();
        assert!(policy.contains("script-src 'self' https://t1.kakaocdn.net;"), "{policy}");
        assert!(policy.contains("frame-src https://postcode.map.kakao.com;"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(!search.ok().contains("csrf"), "it holds nothing worth having");
        for other in ["/orders/new", "/orders"] {
            let answer = app.get(other).await;
            assert!(!answer.header("content-security-policy").contains("kakao"), "{other}");
        }
    }
}
