//! The path below which a reverse proxy serves the application: `/oms` of `https://gagu.example/oms/orders`.
//!
//! Handlers, templates and scripts know paths from `/` only. [`strip`] removes the base path from requests, for proxies that
//! pass it on, and [`rewrite_response`] adds it to the links, forms and redirects of responses.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};

use super::Error;
use crate::config::Config;

/// Attributes of HTML that hold a path. User input cannot imitate them: it is escaped, also its quotes.
const PATH_ATTRIBUTES: [&str; 5] = ["href", "action", "src", "formaction", "data-address-search"];

/// Headers that hold a path.
const PATH_HEADERS: [HeaderName; 2] = [header::LOCATION, header::REFRESH];

/// Size limit of a rewritten response: pages and style sheets are kept in memory anyway.
const MAX_REWRITTEN_BYTES: usize = 64 << 20;

/// `router` below the base path, and still at `/`.
pub fn strip(router: Router, base_path: &str) -> Router {
    if base_path.is_empty() {
        return router;
    }
    // A layer of `router` itself would run after the route is chosen.
    Router::new().fallback_service(router).layer(from_fn_with_state(base_path.to_owned(), strip_request))
}

async fn strip_request(State(base_path): State<String>, mut request: Request, next: Next) -> Response {
    let stripped = request.uri().path_and_query().and_then(|path| strip_path(path, &base_path));
    if let Some(path) = stripped {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    next.run(request).await
}

/// The path without the base path; None if it is not below it.
fn strip_path(path: &PathAndQuery, base_path: &str) -> Option<PathAndQuery> {
    let rest = path.as_str().strip_prefix(base_path)?;
    match rest.chars().next() {
        Some('/') => rest.parse().ok(),
        None | Some('?') => format!("/{rest}").parse().ok(),
        Some(_) => None,
    }
}

/// Middleware: adds the base path to the paths in a response. Inside of the compression.
pub(super) async fn rewrite_response(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let base_path = &config.base_path;
    if base_path.is_empty() {
        response
    } else {
        rewrite(response, base_path).await.unwrap_or_else(IntoResponse::into_response)
    }
}

async fn rewrite(mut response: Response, base_path: &str) -> Result<Response, Error> {
    for name in PATH_HEADERS {
        let path = response.headers().get(&name).and_then(|path| path.to_str().ok());
        if let Some(path) = path.map(|path| add_to_header(path, base_path)) {
            response.headers_mut().insert(name, HeaderValue::from_str(&path).map_err(Error::internal)?);
        }
    }
    let content_type = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let add: fn(&str, &str) -> String = match content_type {
        kind if kind.starts_with(b"text/html") => add_to_html,
        kind if kind.starts_with(b"text/css") => add_to_css,
        _ => return Ok(response),
    };
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, MAX_REWRITTEN_BYTES).await.map_err(Error::internal)?;
    let text = add(&String::from_utf8_lossy(&body), base_path);
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(text)))
}

/// `/orders` → `/oms/orders`; `5; url=/login` → `5; url=/oms/login`. Other sites stay.
fn add_to_header(value: &str, base_path: &str) -> String {
    let (before, path) = value.split_once("url=").map_or(("", value), |(before, path)| (before, path));
    let url = if before.is_empty() { "" } else { "url=" };
    let is_path = path.starts_with('/') && !path.starts_with("//");
    format!("{before}{url}{}{path}", if is_path { base_path } else { "" })
}

fn add_to_css(css: &str, base_path: &str) -> String {
    css.replace("url(\"/", &format!("url(\"{base_path}/"))
}

fn add_to_html(html: &str, base_path: &str) -> String {
    let marked = html.replacen("<html ", &format!("<html data-base=\"{base_path}\" "), 1);
    PATH_ATTRIBUTES
        .iter()
        .fold(marked, |html, name| html.replace(&format!(" {name}=\"/"), &format!(" {name}=\"{base_path}/")))
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;
    use crate::config::AdminTotp;
    use crate::web::Routes;
    use crate::web::testing::TestApp;

    #[test]
    fn base_path_is_removed_from_paths_below_it_only() {
        let strip = |path: &str| strip_path(&path.parse().expect("a path"), "/oms").map(|path| path.to_string());
        assert_eq!(strip("/oms/orders?q=1").as_deref(), Some("/orders?q=1"));
        assert_eq!(strip("/oms").as_deref(), Some("/"));
        assert_eq!(strip("/oms?q=1").as_deref(), Some("/?q=1"));
        assert_eq!([strip("/omsx"), strip("/orders"), strip("/")], [None, None, None]);
    }

    #[test]
    fn base_path_is_added_to_paths_and_not_to_text() {
        let html = "<html lang=\"ko\"><a href=\"/orders\">/orders</a><input value=\"/orders\"><form action=\"/\"><a href=\"https://a/\">";
        let added = "<html data-base=\"/oms\" lang=\"ko\"><a href=\"/oms/orders\">/orders</a><input value=\"/orders\"><form action=\"/oms/\"><a href=\"https://a/\">";
        assert_eq!(add_to_html(html, "/oms"), added);
        assert_eq!(add_to_header("/orders", "/oms"), "/oms/orders");
        assert_eq!(add_to_header("5; url=/login", "/oms"), "5; url=/oms/login");
        assert_eq!(add_to_header("https://a/b", "/oms"), "https://a/b");
    }

    #[tokio::test]
    async fn application_works_below_a_base_path() {
        let below = |config: &mut Config| {
            config.base_path = "/oms".to_owned();
            config.admin_totp = AdminTotp::Off;
        };
        let app = TestApp::start_with(below, Routes::new()).await;
        app.sign_in_admin().await;
        assert_eq!(
            app.get("/oms/practice").await.status,
            app.get("/practice").await.status,
            "stripped by the proxy, or not"
        );
        let page = app.get("/oms/orders").await;
        assert_eq!(page.status, StatusCode::OK);
        for attribute in [" href=\"", " action=\"", " src=\""] {
            let links = page.text.split(attribute).skip(1).filter(|link| link.starts_with('/'));
            assert!(links.clone().count() > 0 && links.clone().all(|link| link.starts_with("/oms/")), "{attribute}");
        }
        let stylesheet = page.text.split('"').find(|part| part.ends_with("app.css")).expect("a style sheet").to_owned();
        assert!(app.get(&stylesheet).await.ok().contains("url(\"/oms/assets/"));
        let redirect = app.post_form_from("/oms/account", "/oms/logout", &[]).await;
        assert_eq!(redirect.location(), "/oms/login?bye=1");
        assert_eq!(app.get("/oms/orders?page=2").await.location(), "/oms/login?next=%2Forders%3Fpage%3D2");
    }
}
