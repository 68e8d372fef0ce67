//! Coming in and going out, as a browser does it.

use reqwest::StatusCode;
use reqwest::header::HOST;

use crate::members::store::{self, Unchanged};
use crate::sessions;
use crate::web::Role;
use crate::web::testing::{PASSWORD, TestApp};

const FIRST: [(&str, &str); 3] = [("username", "사장님"), ("password", PASSWORD), ("again", PASSWORD)];
const MINUTE_MS: i64 = 60_000;

async fn is_signed_in(app: &TestApp) -> bool {
    app.get("/account").await.status == StatusCode::OK
}

/// As an administrator does it elsewhere.
pub(super) async fn set_enabled(app: &TestApp, username: &'static str, enabled: bool) -> Result<(), Unchanged> {
    let changed = app.state.storage.write(move |tx| match store::id_of(tx, username)? {
        Ok(id) => store::set_enabled(tx, id, enabled),
        Err(unknown) => Ok(Err(unknown)),
    });
    changed.await.expect("writes")
}

async fn try_password(app: &TestApp, username: &str, password: &str) -> StatusCode {
    app.post_form_from("/login", "/login", &[("username", username), ("password", password)]).await.status
}

#[tokio::test]
async fn the_first_administrator_is_made_in_the_browser_and_only_once() {
    let app = TestApp::start().await;
    assert_eq!(app.get("/").await.location(), "/login");
    assert_eq!(app.get("/login").await.location(), "/setup");
    let answer = app.post_form_from("/setup", "/setup", &FIRST).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
    assert!(is_signed_in(&app).await);

    let other = app.another_browser();
    assert_eq!(other.get("/setup").await.location(), "/login");
    let token = other.token("/login").await;
    let fields = [("username", "도둑"), ("password", PASSWORD), ("again", PASSWORD), ("csrf", token.as_str())];
    assert_eq!(other.post_bare("/setup", &fields).await.location(), "/login");
    let count = app.state.storage.read(store::all).await.expect("reads").len();
    assert_eq!(count, 1);
}

#[tokio::test]
async fn from_elsewhere_the_first_administrator_needs_the_code() {
    let app = TestApp::start().await;
    let through_a_proxy = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", "127.0.0.1");
    let page = app.send(through_a_proxy(app.browser.get(app.url("/setup")))).await.ok();
    assert!(page.contains("name=\"code\""));
    let by_another_name = app.send(app.browser.get(app.url("/setup")).header(HOST, "evil.example")).await.ok();
    assert!(by_another_name.contains("name=\"code\""));
    assert!(!app.get("/setup").await.ok().contains("name=\"code\""));

    let token = app.token("/setup").await;
    let send = async |code: &str| {
        let fields: Vec<_> = FIRST.into_iter().chain([("code", code), ("csrf", token.as_str())]).collect();
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
async fn mistakes_come_back_at_their_fields_and_passwords_do_not() {
    let app = TestApp::start().await;
    let fields = [("username", "김"), ("password", "secret1"), ("again", "secret2")];
    let answer = app.post_form_from("/setup", "/setup", &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text.contains("id=\"username-problem\"") && answer.text.contains("id=\"password-problem\""));
    assert!(answer.text.contains("value=\"김\""), "what was typed stays");
    assert!(!answer.text.contains("secret"), "but passwords do not");
}

#[tokio::test]
async fn after_login_comes_the_page_that_was_asked_for() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let asked = app.get("/account?tab=1").await;
    assert_eq!(asked.location(), "/login?next=%2Faccount%3Ftab%3D1");
    let sign_in = async |next| {
        let fields = [("username", "admin"), ("password", PASSWORD), ("next", next)];
        app.another_browser().post_form_from("/login", "/login", &fields).await.location().to_owned()
    };
    assert_eq!(sign_in("/account?tab=1").await, "/account?tab=1");
    assert_eq!(sign_in("//evil.example").await, "/");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_are_told_alike() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let answer = async |username, password| {
        let fields = [("username", username), ("password", password)];
        let answer = app.post_form_from("/login", "/login", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!answer.text.contains("wrong password"));
        answer.text.contains("아이디나 비밀번호가 맞지 않아요")
    };
    assert!(answer("admin", "wrong password").await);
    assert!(answer("nobody", "wrong password").await);
}

#[tokio::test]
async fn an_account_waits_after_ten_failures_and_is_forgiven_after_a_quarter_of_an_hour() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    app.add_member("other", Role::Admin).await;
    for _ in 0..10 {
        assert_eq!(try_password(&app, "admin", "wrong").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.text.contains("15분 뒤에"), "{}", answer.text);
    let other = app.another_browser();
    assert_eq!(try_password(&other, "other", PASSWORD).await, StatusCode::SEE_OTHER, "others may come in");
    app.clock.advance_ms(15 * MINUTE_MS);
    assert_eq!(try_password(&app, "admin", PASSWORD).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn an_address_waits_after_fifty_failures_whatever_the_names() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let token = app.token("/login").await;
    for round in 0..50 {
        let username = format!("guess-{round}");
        let fields = [("username", username.as_str()), ("password", "wrong"), ("csrf", token.as_str())];
        assert_eq!(app.post_bare("/login", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(try_password(&app, "admin", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn signing_in_often_is_no_failure() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    for _ in 0..60 {
        assert_eq!(try_password(&app.another_browser(), "admin", PASSWORD).await, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn logout_ends_the_session_and_not_only_the_cookie() {
    let app = TestApp::as_admin().await;
    let stolen = session_cookie(&app).await;
    assert_eq!(app.post_form("/logout", &[]).await.location(), "/login?bye=1");
    assert!(!is_signed_in(&app).await);
    let thief = app.another_browser();
    let request = thief.browser.get(thief.url("/account")).header("cookie", stolen);
    assert_eq!(thief.send(request).await.status, StatusCode::SEE_OTHER);
}

/// The cookie of a fresh login.
async fn session_cookie(app: &TestApp) -> String {
    let browser = app.another_browser();
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = browser.post_form_from("/login", "/login", &fields).await;
    let cookie = answer.header("set-cookie").to_owned();
    for word in ["mukkeum=", "HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    assert!(!cookie.contains("Secure"), "not behind TLS: {cookie}");
    assert_eq!(browser.post_form("/logout", &[]).await.status, StatusCode::SEE_OTHER);
    cookie.split(';').next().expect("a pair").to_owned()
}

#[tokio::test]
async fn behind_tls_cookies_are_secure() {
    let app = TestApp::start_with(|config| config.behind_tls = true, crate::web::Routes::new()).await;
    let answer = app.get("/setup").await;
    assert!(answer.header("set-cookie").contains("; Secure"));
    assert!(!answer.header("strict-transport-security").is_empty());
}

#[tokio::test]
async fn a_session_planted_before_the_login_is_worth_nothing_after_it() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let planted = "mukkeum=AAAAAAAAAAAAAAAAAAAAAA";
    let page = app.send(app.browser.get(app.url("/login")).header("cookie", planted)).await;
    let form_cookie = page.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let token = page.text.split_once("name=\"csrf\" value=\"").expect("a form").1.split('"').next().expect("a value");
    let body = serde_html_form::to_string([("username", "admin"), ("password", PASSWORD), ("csrf", token)]);
    let request = app.browser.post(app.url("/login")).header("cookie", format!("{planted}; {form_cookie}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.expect("pairs"));
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(!answer.header("set-cookie").contains("AAAAAAAAAAAAAAAAAAAAAA"));
    let thief = app.another_browser();
    let request = thief.browser.get(thief.url("/account")).header("cookie", planted);
    assert_eq!(thief.send(request).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_disabled_member_is_out_at_once() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    app.sign_in_logistics().await;
    assert!(is_signed_in(&app).await);
    assert_eq!(set_enabled(&app, "driver", false).await, Ok(()));
    assert!(!is_signed_in(&app).await);
    assert_eq!(try_password(&app, "driver", PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set_enabled(&app, "driver", true).await, Ok(()));
    assert!(!is_signed_in(&app).await, "the old session stays dead");
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let last = Err(Unchanged::LastAdmin);
    assert_eq!(set_enabled(&app, "admin", false).await, last);
    let demoted = app.state.storage.write(|tx| {
        let id = store::id_of(tx, "admin")?.expect("is there");
        store::set_role(tx, id, Role::Logistics)
    });
    assert_eq!(demoted.await.expect("writes"), last);
    app.add_member("second", Role::Admin).await;
    assert_eq!(set_enabled(&app, "admin", false).await, Ok(()));
    assert_eq!(set_enabled(&app, "second", false).await, last, "only one is left");
    assert_eq!(set_enabled(&app, "nobody", false).await, Err(Unchanged::Unknown));
}

#[tokio::test]
async fn an_idle_session_ends_and_a_busy_one_lasts_a_week() {
    let app = TestApp::as_admin().await;
    for _ in 0..20 {
        app.clock.advance_ms(7 * 60 * MINUTE_MS);
        assert!(is_signed_in(&app).await);
    }
    app.clock.advance_ms(8 * 60 * MINUTE_MS + 1);
    assert!(!is_signed_in(&app).await, "idle for more than eight hours");

    app.sign_in_admin().await;
    for _ in 0..24 {
        app.clock.advance_ms(7 * 60 * MINUTE_MS);
        assert!(is_signed_in(&app).await);
    }
    app.clock.advance_ms(MINUTE_MS);
    assert!(!is_signed_in(&app).await, "a week is over");
    let left = app.state.storage.read(|tx| tx.number("SELECT count(*) FROM sessions", &[])).await.expect("reads");
    assert_eq!(left, 0, "nothing of it is left");
}

#[tokio::test]
async fn expired_sessions_are_swept() {
    let app = TestApp::as_admin().await;
    app.clock.advance_ms(10 * 60 * MINUTE_MS);
    assert_eq!(app.state.storage.write(sessions::delete_expired).await.expect("writes"), 1);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions_only() {
    let app = TestApp::as_admin().await;
    let other = app.another_browser();
    other.sign_in_admin().await;
    let change = async |current, password, again| {
        app.post_form("/account", &[("current", current), ("password", password), ("again", again)]).await
    };
    assert!(change("wrong", "새로운 비밀번호", "새로운 비밀번호").await.text.contains("id=\"current-problem\""));
    assert!(change(PASSWORD, "새로운 비밀번호", "다른 비밀번호요").await.text.contains("id=\"again-problem\""));
    let answer = change(PASSWORD, "새로운 비밀번호", "새로운 비밀번호").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(answer.location().starts_with("/?done="));
    let here = answer.location().replacen('/', "/account", 1);
    assert!(app.get(&here).await.ok().contains("비밀번호를 바꿨어요"));
    assert!(!is_signed_in(&other).await);
    assert_eq!(try_password(&other, "admin", PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(try_password(&other, "admin", "새로운 비밀번호").await, StatusCode::SEE_OTHER);
    let driver = app.another_browser();
    driver.sign_in_logistics().await;
    assert!(!driver.get(&here).await.ok().contains("비밀번호를 바꿨어요"), "an answer is its member's alone");
}
