//! The application as seen by a browser: access, headers, errors, forms, health checks.

use axum::extract::Request;
use reqwest::StatusCode;

use super::testing::TestApp;
use super::{
    Access, AuthContext, FlashId, Form, PageAction, PageKind, PageResult, Role, RouteSpec, Routes, UploadForm,
    local_path, redirect_with_flash,
};
use crate::app::rooms;
use crate::config::{AdminNetworks, AdminTotp, Config, TrustedProxies};
use crate::members::model::rights::may;
use crate::storage::schema;

fn routes() -> Vec<RouteSpec> {
    rooms().iter().flat_map(Routes::specs).cloned().collect()
}

/// A path that matches the route.
fn example_path(path: &str) -> String {
    path.split('/').map(|part| if part.starts_with('{') { "1" } else { part }).collect::<Vec<_>>().join("/")
}

async fn request(app: &TestApp, route: &RouteSpec) -> (StatusCode, String) {
    let path = example_path(route.path);
    let answer =
        if route.method == axum::http::Method::GET { app.get(&path).await } else { app.post_bare(&path, &[]).await };
    (answer.status, answer.location().to_owned())
}

/// Whether a member of the role may call a route.
fn may_call(role: Role, access: Access) -> bool {
    access.right().is_none_or(|(page, action)| may(role, page, action))
}

#[tokio::test]
async fn routes_are_accessible_to_exactly_the_declared_roles() {
    let anonymous = TestApp::start().await;
    let mut browsers = Vec::new();
    for role in Role::ALL {
        let browser = anonymous.another_browser();
        browser.sign_in_as(role).await;
        browsers.push((role, browser));
    }
    for route in routes().into_iter().filter(|route| route.access != Access::Public) {
        let label = format!("{} {} {:?}", route.method, route.path, route.access);
        let is_get = route.method == axum::http::Method::GET;

        let (status, location) = request(&anonymous, &route).await;
        assert!(status == StatusCode::SEE_OTHER && location.starts_with("/login"), "anonymous: {label}: {status}");

        for (role, browser) in &browsers {
            let (status, location) = request(browser, &route).await;
            assert!(!location.starts_with("/login"), "{role:?}: {label}: {status}");
            // 보기 is refused to a role whose masked data stays masked. Data whose use was stopped is masked for all others.
            let opens = *role != Role::Viewer || route.path != "/masking/reveal";
            // A form without a token is refused before anything else is looked at; an empty body is no form with files.
            let uploads = ["/uploads", "/reconcile", "/districts/import", "/channels/profiles", "/downloads/verify"];
            let is_upload = uploads.contains(&route.path);
            let is_expected = match (opens && may_call(*role, route.access), is_get, is_upload) {
                (true, true, _) => status != StatusCode::FORBIDDEN,
                (true, false, true) => status == StatusCode::BAD_REQUEST,
                // There is no product 1 and no stop 1, which are looked up first.
                (true, false, false) if ["/products/{id}", "/drive/{stop}/photos"].contains(&route.path) => {
                    status == StatusCode::NOT_FOUND
                }
                (false, ..) | (true, false, false) => status == StatusCode::FORBIDDEN,
            };
            assert!(is_expected, "{role:?}: {label}: {status}");
        }
    }
}

/// Lists every public route, so that adding one is a deliberate decision.
#[test]
fn public_routes_are_these() {
    let public = routes().into_iter().filter(|route| route.access == Access::Public);
    let names: Vec<String> = public.map(|route| format!("{} {}", route.method, route.path)).collect();
    assert_eq!(
        names,
        [
            "GET /setup",
            "POST /setup",
            "GET /setup/restore",
            "POST /setup/restore",
            "GET /setup/restore/progress",
            "POST /setup/practice",
            "GET /login",
            "POST /login",
            "GET /login/code",
            "POST /login/code",
            "GET /drive/pack",
            "POST /drive/events",
            "GET /drive/offline",
            "GET /drive/worker.js",
            "GET /drive/manifest.webmanifest",
            "PUT /drive/proofs/{proof}",
            "GET /phones",
            "GET /phones/ca.crt",
            "GET /phones/ca.mobileconfig",
            "GET /phones/worker.js",
            "GET /help",
            "GET /help/{topic}"
        ]
    );
}

#[tokio::test]
async fn pages_have_security_headers() {
    let app = TestApp::as_admin().await;
    let everywhere =
        ["/account", "/no/such/page", "/health/live", "/version", "/metrics", &super::assets::url("icons.svg")];
    for path in everywhere {
        let answer = app.get(path).await;
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "same-origin", "{path}");
    }
    for answer in [app.get("/account").await, app.get("/no/such/page").await] {
        assert!(answer.header("content-security-policy").contains("default-src 'self'"));
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(!answer.header("x-request-id").is_empty());
        assert!(!answer.text.contains("<style") && !answer.text.contains(" style="));
    }
}

#[tokio::test]
async fn cross_site_requests_are_rejected() {
    let app = TestApp::as_admin().await;
    let token = app.token("/account").await;
    let request = app.browser.post(app.url("/logout")).header("sec-fetch-site", "cross-site");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(format!("csrf={token}"));
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.text.contains("화면이 오래되어 저장하지 못했어요"));
    assert_eq!(app.get("/account").await.status, StatusCode::OK, "still signed in");
}

#[tokio::test]
async fn unknown_paths_get_an_error_page() {
    let app = TestApp::start().await;
    let answer = app.get("/no/such/page").await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(answer.text.contains("페이지를 찾지 못했어요"));
    assert!(answer.text.contains(answer.header("x-request-id")));
    assert!(!answer.text.contains("로그아웃"), "no menu without a login");
    let answer = app.browser.delete(app.url("/login")).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn panics_fail_their_own_request_only() {
    let room = Routes::new().get("/panic", Access::Public, panicking);
    let app = TestApp::start_with(|_| (), room).await;
    let answer = app.get("/panic").await;
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(answer.text.contains("문제가 생겼어요") && !answer.text.contains("on purpose"));
    assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
}

async fn panicking() -> PageResult {
    panic!("on purpose");
}

#[derive(serde::Deserialize)]
struct RowsForm {
    #[serde(default)]
    id: Vec<i64>,
    memo: String,
}

#[tokio::test]
async fn forms_accept_repeated_fields_up_to_a_size_limit() {
    let room = Routes::new()
        .post("/rows", Access::Public, async |Form(form): Form<RowsForm>| format!("{:?} {}", form.id, form.memo.len()));
    let app = TestApp::start_with(|_| (), room).await;
    app.sign_in_admin().await;
    let fields = [("id", "1"), ("memo", "조심"), ("id", "2")];
    assert_eq!(app.post_form("/rows", &fields).await.ok(), "[1, 2] 6");
    assert_eq!(app.post_bare("/rows", &fields).await.status, StatusCode::FORBIDDEN);
    assert_eq!(app.post_form("/rows", &[("id", "x"), ("memo", "")]).await.status, StatusCode::BAD_REQUEST);
    let long = "x".repeat(3 * 1024 * 1024);
    assert_eq!(app.post_form("/rows", &[("memo", &long)]).await.status, StatusCode::PAYLOAD_TOO_LARGE);
}

async fn receive(auth: AuthContext, request: Request) -> PageResult<String> {
    let mut form = UploadForm::open(&auth, request, 8 << 20).await?;
    let mut last = String::new();
    while let Some(mut field) = form.next_field().await? {
        let (name, mut length) = (field.name().to_owned(), 0);
        while let Some(chunk) = field.chunk().await? {
            length += chunk.len();
        }
        last = format!("{name} {length}");
    }
    Ok(last)
}

async fn app_with_upload() -> TestApp {
    let app = TestApp::start_with(
        |_| (),
        Routes::new().upload("/files", Access::Page(PageKind::Deliveries, PageAction::View), receive),
    )
    .await;
    app.sign_in_admin().await;
    app
}

/// Posts a raw multipart body; `TOKEN` stands for the CSRF token.
async fn post_raw(app: &TestApp, parts: &[&str]) -> StatusCode {
    let token = app.token("/account").await;
    let body: Vec<u8> = parts.concat().replace("TOKEN", &token).into_bytes();
    let request = app.browser.post(app.url("/files")).header("content-type", "multipart/form-data; boundary=B");
    // In pieces, as from a network: the parser must not depend on where they end.
    let chunks: Vec<_> = body.chunks(1000).map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec())).collect();
    let stream = futures_util::stream::iter(chunks);
    app.send(request.body(reqwest::Body::wrap_stream(stream))).await.status
}

const TOKEN_PART: &str = "--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\nTOKEN\r\n";
const FILE_PART: &str = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";

#[tokio::test]
async fn uploads_exceed_the_form_limit_and_send_their_token_first() {
    let app = app_with_upload().await;
    let file = || reqwest::multipart::Part::bytes(vec![0; 5 * 1024 * 1024]);
    assert_eq!(app.post_multipart("/files", |form| form.part("file", file())).await.ok(), "file 5242880");
    assert_eq!(post_raw(&app, &[FILE_PART, "\r\n", TOKEN_PART, "--B--\r\n"]).await, StatusCode::FORBIDDEN);
    let wrong = TOKEN_PART.replace("TOKEN", "AAAA");
    assert_eq!(post_raw(&app, &[&wrong, FILE_PART, "\r\n--B--\r\n"]).await, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn multipart_of_any_shape_is_limited() {
    let app = app_with_upload().await;
    let megabyte = "x".repeat(1 << 20);
    let filled = ["y\r\n"; 50].concat();
    assert_eq!(post_raw(&app, &[TOKEN_PART, FILE_PART, &megabyte, &filled, "\r\n--B--\r\n"]).await, StatusCode::OK);
    for (name, parts) in [
        ("a preamble", vec![megabyte.as_str(), "\r\n", TOKEN_PART, "--B--\r\n"]),
        ("a token", vec!["--B\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n", &megabyte, "\r\n--B--\r\n"]),
        ("a header", vec![TOKEN_PART, "--B\r\nX-A: ", &megabyte, "\r\n\r\n\r\n--B--\r\n"]),
        ("transport padding", vec![TOKEN_PART, "--B", &" ".repeat(1 << 20), "\r\n\r\n\r\n--B--\r\n"]),
    ] {
        let status = post_raw(&app, &parts).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
    }
    let many = [TOKEN_PART.to_owned(), [FILE_PART, "\r\n"].concat().repeat(600), "--B--\r\n".to_owned()];
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(post_raw(&app, &many).await, StatusCode::PAYLOAD_TOO_LARGE, "600 parts");
    let whole = [TOKEN_PART, FILE_PART, &megabyte.repeat(9), "\r\n--B--\r\n"];
    assert_eq!(post_raw(&app, &whole).await, StatusCode::PAYLOAD_TOO_LARGE, "9 MB");
    let cut = [TOKEN_PART, FILE_PART, "half"];
    assert_eq!(post_raw(&app, &cut).await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn floods_of_fields_are_refused_before_they_are_parsed() {
    let room = Routes::new().post("/rows", Access::Public, async |Form(form): Form<RowsForm>| form.memo);
    let app = TestApp::start_with(|_| (), room).await;
    app.add_member("admin", crate::web::Role::Admin).await;
    let anonymous = app.token("/login").await;
    let large = "x".repeat(17 * 1024);
    let answer = app.post_bare("/rows", &[("csrf", &anonymous), ("memo", &large)]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    app.sign_in_admin().await;
    let answer = app.post_form("/rows", &[("memo", &large)]).await;
    assert_eq!(answer.status, StatusCode::OK, "a member may send more");
    let many = vec![("a", "b"); 5_001];
    assert_eq!(app.post_form("/rows", &many).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    let token = app.token("/account").await;
    assert_eq!(app.post_bare("/rows", &[("memo", "a"), ("xcsrf", &token)]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn readiness_fails_while_draining() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/health/ready").await.ok(), "ready\n");
    let version: serde_json::Value = serde_json::from_str(&app.get("/version").await.ok()).expect("JSON");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    app.state.drain();
    assert_eq!(app.get("/health/ready").await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
}

#[tokio::test]
async fn readiness_fails_when_nothing_can_be_written() {
    let app = TestApp::start().await;
    app.get("/login").await;
    std::fs::remove_dir_all(&app.state.config.data).expect("removes");
    let answer = app.get("/health/ready").await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::SERVICE_UNAVAILABLE, "read-only\n"));
}

#[tokio::test]
async fn readiness_allows_the_next_schema_version_only() {
    let app = TestApp::start().await;
    let ready = async |version: i64| {
        let record = "INSERT INTO schema_versions (version, applied_at) VALUES (?, 0)";
        let recorded = app.state.storage.write(move |tx| tx.exec(record, &[version.into()])).await;
        recorded.expect("records");
        app.get("/health/ready").await
    };
    assert_eq!(ready(schema::VERSION + 1).await.ok(), "ready\n");
    let answer = ready(schema::VERSION + 2).await;
    assert_eq!((answer.status, &*answer.text), (StatusCode::SERVICE_UNAVAILABLE, "schema\n"));
}

#[tokio::test]
async fn database_errors_are_reported_and_recovered_from() {
    let app = TestApp::as_admin().await;
    let rename = async |from: &'static str, to: &'static str| {
        let sql = format!("ALTER TABLE {from} RENAME TO {to}");
        app.state.storage.write(move |tx| tx.exec(&sql, &[])).await.expect("renames");
    };
    rename("sessions", "hidden").await;
    let answer = app.get("/account").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.contains("지금은 연결할 수 없어요") && !answer.text.contains("no such table"));
    rename("hidden", "sessions").await;
    assert_eq!(app.get("/account").await.status, StatusCode::OK, "and still signed in");
}

#[tokio::test]
async fn metrics_are_shown_to_this_computer_only() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/metrics").await.status, StatusCode::OK);
    for (header, value) in [("x-forwarded-for", "127.0.0.1"), ("forwarded", "for=127.0.0.1"), ("host", "shop.example")]
    {
        let ask = async |path| app.send(app.browser.get(app.url(path)).header(header, value)).await;
        assert_eq!(ask("/metrics").await.status, StatusCode::NOT_FOUND, "{header}");
        assert!(!ask("/version").await.ok().contains("engine"), "{header}");
        assert_eq!(ask("/health/live").await.status, StatusCode::OK, "{header}");
    }
    assert!(app.get("/version").await.ok().contains("engine"));
}

#[tokio::test]
async fn metrics_are_labelled_by_route_not_by_path() {
    let app = TestApp::start().await;
    app.get("/login").await;
    app.get("/secret-name").await;
    let text = app.get("/metrics").await.ok();
    assert!(text.contains("http_requests_total{method=\"GET\",route=\"/login\""), "{text}");
    assert!(text.contains("mukkeum_build_info"));
    assert!(!text.contains("secret-name"));
}

#[tokio::test]
async fn assets_are_cached_for_a_year_under_their_hash() {
    let app = TestApp::start().await;
    let url = super::assets::url("app.css");
    let answer = app.get(&url).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    let other = app.get("/assets/000000000000/app.css").await;
    assert_eq!((other.status, other.header("cache-control")), (StatusCode::OK, "no-cache"));
    assert_eq!(app.get("/assets/000000000000/none.css").await.status, StatusCode::NOT_FOUND);
    let sprite = app.get(&super::assets::url("icons.svg")).await;
    assert_eq!(sprite.header("content-type"), "image/svg+xml");
}

#[test]
fn only_local_paths_are_redirect_targets() {
    assert_eq!(local_path("/orders?page=2"), Some("/orders?page=2"));
    assert_eq!(local_path("/"), Some("/"));
    for other in ["//evil", "/\\evil", "https://evil", "orders", "", "/a\r\nb"] {
        assert_eq!(local_path(other), None, "{other}");
    }
}

#[test]
fn flash_parameter_is_replaced_in_redirects() {
    let response = redirect_with_flash("/orders?state=1&done=OLD&page=2", FlashId::from_raw(1));
    let location = response.headers()[axum::http::header::LOCATION].to_str().expect("text");
    assert_eq!(location, "/orders?state=1&page=2&done=0000000000001");
}

#[tokio::test]
async fn administrators_pages_open_from_their_networks_only() {
    let limit = |config: &mut Config| {
        config.trusted_proxies = TrustedProxies::new(vec!["127.0.0.1".parse().expect("an address")]);
        config.admin_networks = AdminNetworks::new(vec!["192.168.0.0/24".parse().expect("a network")]);
        config.admin_totp = AdminTotp::Off;
    };
    let app = TestApp::start_with(limit, Routes::new()).await;
    app.sign_in_admin().await;
    let status = async |path: &str, from: Option<&str>| {
        let request = app.browser.get(app.url(path));
        let request = match from {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        app.send(request).await
    };
    for (path, from, expected) in [
        ("/orders", Some("192.168.0.7"), StatusCode::OK),
        ("/orders", Some("203.0.113.7"), StatusCode::FORBIDDEN),
        ("/access", Some("203.0.113.7"), StatusCode::FORBIDDEN),
        ("/deliveries", Some("203.0.113.7"), StatusCode::OK),
        ("/orders", None, StatusCode::OK),
    ] {
        let answer = status(path, from).await;
        assert_eq!(answer.status, expected, "{path} from {from:?}");
        assert_eq!(answer.text.contains("admin_networks"), expected == StatusCode::FORBIDDEN, "{path}");
    }
}
