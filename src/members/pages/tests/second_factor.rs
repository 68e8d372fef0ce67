//! Login with an authenticator app.

use reqwest::StatusCode;

use crate::members::totp::TotpSecret;
use crate::web::Routes;
use crate::web::testing::{PASSWORD, TestApp, TestResponse};

const STEP_MS: i64 = 30_000;

/// Sets up the app of the logged-in member; returns its secret and the recovery codes.
async fn enroll(app: &TestApp) -> (TotpSecret, Vec<String>) {
    let page = app.get("/account/totp").await.ok();
    let secret = page.split("name=\"secret\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let secret = secret.expect("a secret");
    let totp = TotpSecret::parse(secret).expect("base 32");
    let code = totp.code_at(app.state.now());
    let form = [("secret", secret), ("code", &code), ("password", PASSWORD)];
    let answer = app.post_form("/account/totp", &form).await.ok();
    let codes = answer.split("<li><code>").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned);
    let codes: Vec<String> = codes.collect();
    assert_eq!(codes.len(), 10, "{answer}");
    (totp, codes)
}

async fn enter_password(app: &TestApp) -> TestResponse {
    app.post_form_from("/login", "/login", &[("username", "admin"), ("password", PASSWORD)]).await
}

async fn enter_code(app: &TestApp, code: &str) -> TestResponse {
    app.post_form_from("/login/code", "/login/code", &[("code", code)]).await
}

#[tokio::test]
async fn password_alone_grants_no_access() {
    let app = TestApp::as_admin().await;
    let (totp, _) = enroll(&app).await;
    let other = app.another_browser();
    assert_eq!(other.get("/login/code").await.location(), "/login", "without a password");
    assert_eq!(enter_password(&other).await.location(), "/login/code");
    assert!(other.get("/orders").await.location().starts_with("/login"));
    assert_eq!(enter_code(&other, "000000").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let used = totp.code_at(app.state.now());
    assert_eq!(enter_code(&other, &used).await.status, StatusCode::UNPROCESSABLE_ENTITY, "a code is used once");
    app.clock.advance_ms(STEP_MS);
    let right = enter_code(&other, &totp.code_at(app.state.now())).await;
    assert_eq!((right.status, right.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(other.get("/orders").await.status, StatusCode::OK);
    assert_eq!(other.get("/login/code").await.location(), "/login", "the password counts for one login");
}

#[tokio::test]
async fn code_is_waited_for_five_minutes() {
    let app = TestApp::as_admin().await;
    let (totp, _) = enroll(&app).await;
    let other = app.another_browser();
    enter_password(&other).await;
    let token = other.token("/login/code").await;
    app.clock.advance_ms(5 * 60_000 + 1);
    let code = totp.code_at(app.state.now());
    let late = other.post_bare("/login/code", &[("csrf", &token), ("code", &code)]).await;
    assert_eq!(late.location(), "/login");
}

#[tokio::test]
async fn recovery_code_replaces_the_app_once() {
    let app = TestApp::as_admin().await;
    let (_, codes) = enroll(&app).await;
    for accepted in [true, false] {
        let other = app.another_browser();
        enter_password(&other).await;
        let answer = enter_code(&other, &codes[0].to_lowercase()).await;
        assert_eq!(answer.status == StatusCode::SEE_OTHER, accepted);
    }
    assert!(app.get("/account/totp").await.ok().contains("남은 복구 코드는 9개"));
}

#[tokio::test]
async fn guesses_of_the_code_lock_the_account() {
    let app = TestApp::as_admin().await;
    let (totp, _) = enroll(&app).await;
    let other = app.another_browser();
    enter_password(&other).await;
    for _ in 0..9 {
        assert_eq!(enter_code(&other, "000000").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    app.clock.advance_ms(STEP_MS);
    let locked = enter_code(&other, &totp.code_at(app.state.now())).await;
    assert_eq!(locked.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        enter_password(&other).await.status,
        StatusCode::TOO_MANY_REQUESTS,
        "the password does not reset the count"
    );
}

#[tokio::test]
async fn wrong_code_does_not_set_the_app_up() {
    let app = TestApp::as_admin().await;
    let secret = TotpSecret::generate().expect("random").to_base32();
    let form = [("secret", secret.as_str()), ("code", "123"), ("password", PASSWORD)];
    let wrong = app.post_form("/account/totp", &form).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains(&secret), "the secret that the phone has already");
    assert_eq!(app.post_form("/account/totp", &[("secret", "x"), ("code", "1")]).await.status, StatusCode::BAD_REQUEST);
    assert!(app.get("/account").await.ok().contains("연결하지 않았어요"));
}

#[tokio::test]
async fn open_screen_is_not_enough_to_connect_an_app_or_to_replace_it() {
    let app = TestApp::as_admin().await;
    let attempt = async |password: &str| {
        let secret = TotpSecret::generate().expect("random");
        let (text, code) = (secret.to_base32(), secret.code_at(app.state.now()));
        app.post_form("/account/totp", &[("secret", &text), ("code", &code), ("password", password)]).await
    };
    for password in ["", "wrong"] {
        let refused = attempt(password).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("현재 비밀번호가 맞지 않아요"), "{}", refused.text);
    }
    assert!(app.get("/account").await.ok().contains("연결하지 않았어요"));

    let (totp, _) = enroll(&app).await;
    let refused = attempt(PASSWORD).await;
    assert!(app.get(refused.location()).await.ok().contains("먼저 연결을 풀어 주세요"));
    let other = app.another_browser();
    enter_password(&other).await;
    app.clock.advance_ms(STEP_MS);
    let right = enter_code(&other, &totp.code_at(app.state.now())).await;
    assert_eq!(right.status, StatusCode::SEE_OTHER, "the former app is in force");
}

#[tokio::test]
async fn app_is_removed_with_the_password() {
    let app = TestApp::as_admin().await;
    enroll(&app).await;
    let wrong = app.post_form("/account/totp/remove", &[("password", "wrong")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(app.post_form("/account/totp/remove", &[("password", PASSWORD)]).await.status, StatusCode::SEE_OTHER);
    let other = app.another_browser();
    assert_eq!(enter_password(&other).await.location(), "/");
}

#[tokio::test]
async fn administrators_need_an_app_where_others_can_connect() {
    let public = |config: &mut crate::config::Config| config.listen = ([0, 0, 0, 0], 8080).into();
    let app = TestApp::start_with(public, Routes::new()).await;
    app.sign_in_admin().await;
    assert_eq!(app.get("/orders").await.location(), "/account");
    assert!(app.get("/account").await.ok().contains("인증 앱 연결하기"));
    let team = app.another_browser();
    team.sign_in_logistics().await;
    assert_eq!(team.get("/deliveries").await.status, StatusCode::OK, "it is demanded of administrators");
    enroll(&app).await;
    assert_eq!(app.get("/orders").await.status, StatusCode::OK);

    // A proxy on this computer, or a socket that the service manager opened.
    let proxied = |config: &mut crate::config::Config| config.behind_tls = true;
    let app = TestApp::start_with(proxied, Routes::new()).await;
    app.sign_in_admin().await;
    assert_eq!(app.get("/orders").await.location(), "/account");
    let inherited = |state: &mut crate::web::AppState| state.urls.address = ([0, 0, 0, 0], 8080).into();
    let app = TestApp::start_with_state(|_| (), Routes::new(), inherited).await;
    app.sign_in_admin().await;
    assert_eq!(app.get("/orders").await.location(), "/account");

    let waived = |config: &mut crate::config::Config| {
        public(config);
        config.admin_totp = crate::config::AdminTotp::Off;
    };
    let app = TestApp::start_with(waived, Routes::new()).await;
    app.sign_in_admin().await;
    assert_eq!(app.get("/orders").await.status, StatusCode::OK);
}

#[tokio::test]
async fn administrator_demands_and_resets_the_app_of_a_member() {
    let app = TestApp::as_admin().await;
    let team = app.another_browser();
    team.sign_in_logistics().await;
    let id = app.state.storage.read(|tx| crate::members::store::find_id(tx, "driver")).await.expect("reads");
    let path = format!("/members/{}/totp", id.expect("a member"));
    assert_eq!(app.post_form(&path, &[("act", "demand")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(team.get("/deliveries").await.location(), "/account");
    enroll(&team).await;
    assert_eq!(team.get("/deliveries").await.status, StatusCode::OK);
    assert_eq!(app.post_form(&path, &[("act", "reset")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(team.get("/deliveries").await.location(), "/account", "it is demanded again");
    assert_eq!(app.post_form(&path, &[("act", "optional")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(team.get("/deliveries").await.status, StatusCode::OK);
    assert_eq!(app.post_form(&path, &[("act", "x")]).await.status, StatusCode::BAD_REQUEST);
}
