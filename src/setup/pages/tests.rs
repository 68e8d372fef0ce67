//! First start in a browser, on this computer and on another.

use reqwest::StatusCode;
use reqwest::header::HOST;

use crate::members::store;
use crate::web::testing::{PASSWORD, TestApp};

const FORM: [(&str, &str); 3] = [("username", "사장님"), ("password", PASSWORD), ("again", PASSWORD)];

#[tokio::test]
async fn first_administrator_is_created_once() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/").await.location(), "/login");
    assert_eq!(app.get("/login").await.location(), "/setup");
    let answer = app.post_form_from("/setup", "/setup", &FORM).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(app.get("/account").await.status, StatusCode::OK, "logged in");

    let other = app.another_browser();
    assert_eq!(other.get("/setup").await.location(), "/login");
    let token = other.token("/login").await;
    let fields = [("username", "도둑"), ("password", PASSWORD), ("again", PASSWORD), ("csrf", token.as_str())];
    assert_eq!(other.post_bare("/setup", &fields).await.location(), "/login");
    let count = app.state.storage.read(store::list).await.expect("reads").len();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn other_computers_need_the_setup_code() {
    let app = TestApp::start().await;
    let through_a_proxy = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", "127.0.0.1");
    let page = app.send(through_a_proxy(app.browser.get(app.url("/setup")))).await.ok();
    assert!(page.contains("name=\"code\""));
    let by_another_name = app.send(app.browser.get(app.url("/setup")).header(HOST, "evil.example")).await.ok();
    assert!(by_another_name.contains("name=\"code\""));
    assert!(!app.get("/setup").await.ok().contains("name=\"code\""));

    let token = app.token("/setup").await;
    let send = async |code: &str| {
        let fields: Vec<_> = FORM.into_iter().chain([("code", code), ("csrf", token.as_str())]).collect();
        let body = serde_html_form::to_string(&fields).expect("pairs");
        let request = app.browser.post(app.url("/setup")).header("content-type", "application/x-www-form-urlencoded");
        app.send(through_a_proxy(request.body(body))).await
    };
    let refused = send("AAAA-AAAA").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text.contains("설치 확인 번호가 맞지 않아요"));
    let code = app.state.setup_code.to_string();
    assert_eq!(send(&code.to_lowercase()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn errors_are_shown_at_their_fields_without_the_passwords() {
    let app = TestApp::start().await;
    let fields = [("username", "김"), ("password", "secret1"), ("again", "secret2")];
    let answer = app.post_form_from("/setup", "/setup", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("id=\"username-problem\"") && answer.text.contains("id=\"password-problem\""));
    assert!(answer.text.contains("value=\"김\""), "the username is kept");
    assert!(!answer.text.contains("secret"), "passwords are not");
}
