//! Login and logout as a browser does them.

mod members;
mod remember_me;
mod second_factor;

use reqwest::StatusCode;

use crate::members::store::{self, UpdateError};
use crate::sessions;
use crate::web::Role;
use crate::web::testing::{PASSWORD, TestApp};

const MINUTE_MS: i64 = 60_000;

async fn is_logged_in(app: &TestApp) -> bool {
    app.get("/account").await.status == StatusCode::OK
}

/// Enables or disables a member as an administrator does.
async fn set_enabled(app: &TestApp, username: &'static str, enabled: bool) -> Result<(), UpdateError> {
    let changed = app.state.storage.write(move |tx| match store::find_id(tx, username)? {
        Ok(id) => store::set_enabled(tx, id, enabled),
        Err(unknown) => Ok(Err(unknown)),
    });
    changed.await.expect("writes")
}

async fn log_in(app: &TestApp, username: &str, password: &str) -> StatusCode {
    app.post_form_from("/login", "/login", &[("username", username), ("password", password)]).await.status
}

#[tokio::test]
async fn login_redirects_to_the_requested_page() {
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
async fn unknown_username_and_wrong_password_get_the_same_response() {
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

/// Ten wrong passwords for `username` from a browser that nobody has used before.
async fn use_up_attempts(app: &TestApp, username: &str) {
    let stranger = app.another_browser();
    for _ in 0..10 {
        assert_eq!(log_in(&stranger, username, "wrong").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(log_in(&stranger, username, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn account_is_delayed_longer_after_each_failure() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    app.add_member("other", Role::Admin).await;
    use_up_attempts(&app, "admin").await;
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert!(answer.text.contains("1분 뒤에"), "{}", answer.text);
    let other = app.another_browser();
    assert_eq!(log_in(&other, "other", PASSWORD).await, StatusCode::SEE_OTHER, "other accounts are not affected");
    app.clock.advance_ms(MINUTE_MS);
    assert_eq!(log_in(&app, "admin", "wrong").await, StatusCode::UNPROCESSABLE_ENTITY);
    app.clock.advance_ms(MINUTE_MS);
    assert_eq!(log_in(&app, "admin", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS, "two minutes now");
    app.clock.advance_ms(MINUTE_MS);
    assert_eq!(log_in(&app, "admin", PASSWORD).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn outsiders_cannot_lock_a_browser_that_logged_in_before() {
    let app = TestApp::as_admin().await;
    app.post_form("/logout", &[]).await;
    use_up_attempts(&app, "admin").await;
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert!(app.get(answer.location()).await.text.contains("10번 틀렸어요"), "the member is told");
    app.post_form("/logout", &[]).await;
    for _ in 0..10 {
        assert_eq!(log_in(&app, "admin", "wrong").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(log_in(&app, "admin", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS, "it has a limit of its own");
}

#[tokio::test]
async fn new_password_lifts_the_delay() {
    let app = TestApp::as_admin().await;
    app.add_member("truck", Role::Logistics).await;
    use_up_attempts(&app, "truck").await;
    let unlocked = app.state.storage.write(|tx| store::login_throttle::unlock(tx, "truck"));
    unlocked.await.expect("writes");
    assert_eq!(log_in(&app.another_browser(), "truck", PASSWORD).await, StatusCode::SEE_OTHER);
    use_up_attempts(&app, "truck").await;
    let hash = store::credentials;
    let reset = app.state.storage.write(move |tx| {
        let credentials = hash(tx, "truck")?.expect("is there");
        store::set_password(tx, credentials.member.id, &credentials.password_hash)
    });
    reset.await.expect("writes").expect("a member");
    assert_eq!(log_in(&app.another_browser(), "truck", PASSWORD).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn failures_of_the_future_do_not_count() {
    let app = TestApp::as_admin().await;
    app.clock.advance_ms(3 * 24 * 60 * MINUTE_MS);
    use_up_attempts(&app, "admin").await;
    app.clock.advance_ms(-3 * 24 * 60 * MINUTE_MS);
    assert_eq!(log_in(&app.another_browser(), "admin", PASSWORD).await, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn address_is_throttled_after_fifty_failures_of_any_username() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let token = app.token("/login").await;
    for round in 0..50 {
        let username = format!("guess-{round}");
        let fields = [("username", username.as_str()), ("password", "wrong"), ("csrf", token.as_str())];
        assert_eq!(app.post_bare("/login", &fields).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(log_in(&app, "admin", PASSWORD).await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn successful_logins_are_not_throttled() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    for _ in 0..60 {
        assert_eq!(log_in(&app.another_browser(), "admin", PASSWORD).await, StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn logout_ends_the_session_on_the_server() {
    let app = TestApp::as_admin().await;
    let stolen = session_cookie(&app).await;
    assert_eq!(app.post_form("/logout", &[]).await.location(), "/login?bye=1");
    assert!(!is_logged_in(&app).await);
    let thief = app.another_browser();
    let request = thief.browser.get(thief.url("/account")).header("cookie", stolen);
    assert_eq!(thief.send(request).await.status, StatusCode::SEE_OTHER);
}

/// The session cookie of a new login, which is logged out again.
async fn session_cookie(app: &TestApp) -> String {
    let browser = app.another_browser();
    let fields = [("username", "admin"), ("password", PASSWORD)];
    let answer = browser.post_form_from("/login", "/login", &fields).await;
    let name = app.state.cookies.session_name();
    let cookies = answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text").to_owned());
    let cookie = cookies.into_iter().find(|cookie| cookie.starts_with(&name)).expect("a session");
    for word in ["HttpOnly", "SameSite=Lax", "Path=/"] {
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
    assert!(answer.header("set-cookie").starts_with("__Host-") && answer.header("set-cookie").contains("; Secure"));
    assert!(!app.get("/health/live").await.header("strict-transport-security").is_empty());
    assert!(!answer.header("strict-transport-security").is_empty());
}

#[tokio::test]
async fn session_identifier_changes_at_login() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let planted = &format!("{}=AAAAAAAAAAAAAAAAAAAAAA", app.state.cookies.session_name());
    let page = app.send(app.browser.get(app.url("/login")).header("cookie", planted)).await;
    let form_cookie = page.header("set-cookie").split(';').next().expect("a cookie").to_owned();
    let token = page.text.split_once("name=\"csrf\" value=\"").expect("a form").1.split('"').next().expect("a value");
    let body = serde_html_form::to_string([("username", "admin"), ("password", PASSWORD), ("csrf", token)]);
    let request = app.browser.post(app.url("/login")).header("cookie", format!("{planted}; {form_cookie}"));
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.expect("pairs"));
    let answer = app.send(request).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    let cookies: Vec<_> =
        answer.headers.get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text")).collect();
    assert!(!cookies.concat().contains("AAAAAAAAAAAAAAAAAAAAAA"));
    let thief = app.another_browser();
    let request = thief.browser.get(thief.url("/account")).header("cookie", planted);
    assert_eq!(thief.send(request).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn disabled_member_is_logged_out_at_once() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    app.sign_in_logistics().await;
    assert!(is_logged_in(&app).await);
    assert_eq!(set_enabled(&app, "driver", false).await, Ok(()));
    assert!(!is_logged_in(&app).await);
    assert_eq!(log_in(&app, "driver", PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(set_enabled(&app, "driver", true).await, Ok(()));
    assert!(!is_logged_in(&app).await, "the old session stays revoked");
}

#[tokio::test]
async fn last_administrator_cannot_be_disabled() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let last = Err(UpdateError::LastAdmin);
    assert_eq!(set_enabled(&app, "admin", false).await, last);
    let demoted = app.state.storage.write(|tx| {
        let id = store::find_id(tx, "admin")?.expect("is there");
        store::set_role(tx, id, Role::Logistics)
    });
    assert_eq!(demoted.await.expect("writes"), last);
    app.add_member("second", Role::Admin).await;
    assert_eq!(set_enabled(&app, "admin", false).await, Ok(()));
    assert_eq!(set_enabled(&app, "second", false).await, last, "the only administrator left");
    assert_eq!(set_enabled(&app, "nobody", false).await, Err(UpdateError::Unknown));
}

#[tokio::test]
async fn session_ends_when_idle_and_after_a_week() {
    let app = TestApp::as_admin().await;
    for _ in 0..20 {
        app.clock.advance_ms(7 * 60 * MINUTE_MS);
        assert!(is_logged_in(&app).await);
    }
    app.clock.advance_ms(8 * 60 * MINUTE_MS + 1);
    assert!(!is_logged_in(&app).await, "idle for more than eight hours");

    app.sign_in_admin().await;
    for _ in 0..24 {
        app.clock.advance_ms(7 * 60 * MINUTE_MS);
        assert!(is_logged_in(&app).await);
    }
    app.clock.advance_ms(MINUTE_MS);
    assert!(!is_logged_in(&app).await, "older than a week");
    let left = app.state.storage.read(|tx| tx.scalar("SELECT count(*) FROM sessions", &[])).await.expect("reads");
    assert_eq!(left, 0, "the record is deleted");
}

#[tokio::test]
async fn expired_sessions_are_deleted() {
    let app = TestApp::as_admin().await;
    app.clock.advance_ms(10 * 60 * MINUTE_MS);
    assert_eq!(app.state.storage.write(sessions::delete_expired).await.expect("writes"), 1);
}

#[tokio::test]
async fn password_change_revokes_other_sessions_only() {
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
    assert!(!is_logged_in(&other).await);
    assert_eq!(log_in(&other, "admin", PASSWORD).await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(log_in(&other, "admin", "새로운 비밀번호").await, StatusCode::SEE_OTHER);
    let driver = app.another_browser();
    driver.sign_in_logistics().await;
    assert!(!driver.get(&here).await.ok().contains("비밀번호를 바꿨어요"), "an answer is its member's alone");
}
