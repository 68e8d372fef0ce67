//! First start in a browser.

use reqwest::StatusCode;

use crate::members::store;
use crate::web::testing::{PASSWORD, TestApp, TestResponse};

const FORM: [(&str, &str); 3] = [("username", "사장님"), ("password", PASSWORD), ("again", PASSWORD)];

/// Submits the setup form with this code.
async fn send(app: &TestApp, code: &str) -> TestResponse {
    let fields: Vec<_> = FORM.into_iter().chain([("code", code)]).collect();
    app.post_form_from("/setup", "/setup", &fields).await
}

#[tokio::test]
async fn first_administrator_is_created_once() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/").await.location(), "/login");
    assert_eq!(app.get("/login").await.location(), "/setup");
    let answer = send(&app, &app.state.setup_code.to_string()).await;
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
async fn first_administrator_needs_the_setup_code_from_every_place() {
    let app = TestApp::start().await;
    let refused = send(&app, "").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "this computer may be a proxy or the end of a tunnel");
    assert!(refused.text.contains("설치 확인 번호가 맞지 않아요"));
    let code = app.state.setup_code.to_string();
    let page = app.get(&app.state.setup_code.path()).await.ok();
    assert!(page.contains(&format!("name=\"code\" value=\"{code}\"")), "the link of the console fills it in");
    assert!(!app.get("/setup").await.ok().contains(&code));
    assert_eq!(send(&app, &code.to_lowercase()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn wrong_codes_of_others_do_not_keep_the_owner_out() {
    let app = TestApp::start().await;
    for _ in 0..10 {
        assert_eq!(send(&app, "AAAA-AAAA-AAAA").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(send(&app, "AAAA-AAAA-AAAA").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(send(&app, &app.state.setup_code.to_string()).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessable_password_is_refused() {
    let app = TestApp::start().await;
    let code = app.state.setup_code.to_string();
    for password in ["password", "12345678", "gisagisa"] {
        let fields = [("code", code.as_str()), ("username", "gisa"), ("password", password), ("again", password)];
        let answer = app.post_form_from("/setup", "/setup", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("알아맞히기 쉬운"), "{}", answer.text);
    }
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
