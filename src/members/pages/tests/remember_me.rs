//! Remember-me tokens as browsers use them: concurrent tabs, lost responses, copied cookies.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, COOKIE, SET_COOKIE};

use crate::members::model::sign_in::SignInOutcome;
use crate::members::store::{self, sign_ins};
use crate::sessions::CookieOptions;
use crate::web::Role;
use crate::web::testing::{PASSWORD, START, TestApp, TestResponse};

const HOUR_MS: i64 = 60 * 60_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// The names of the cookies of every test: its shop is created when its clock starts.
fn cookie_names() -> [String; 2] {
    let options = CookieOptions::new(false, START);
    [options.remember_me_name(), options.session_name()]
}

/// The cookies of a browser.
#[derive(Clone)]
struct CookieJar {
    stay: String,
    session: String,
}

impl CookieJar {
    fn store(&mut self, answer: &TestResponse) {
        for line in answer.headers.get_all(SET_COOKIE) {
            let line = line.to_str().expect("text");
            let (name, rest) = line.split_once('=').expect("a cookie");
            let value = rest.split(';').next().expect("a value").to_owned();
            let [stay, session] = cookie_names();
            if name == stay {
                self.stay = value;
            } else if name == session {
                self.session = value;
            }
        }
    }

    /// Without the session cookie, as after closing the browser.
    fn without_session(&self) -> Self {
        Self { session: String::new(), ..self.clone() }
    }
}

/// Navigates to a page with the cookies of `jar`; discards the response's cookies.
async fn send(app: &TestApp, jar: &CookieJar, path: &str) -> TestResponse {
    let bare = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    let [stay, session] = cookie_names();
    let cookies = format!("{stay}={}; {session}={}", jar.stay, jar.session);
    app.send(bare.get(app.url(path)).header(COOKIE, cookies).header(ACCEPT, "text/html,*/*")).await
}

/// Navigates to a page; returns whether the member is logged in.
async fn visit(app: &TestApp, jar: &mut CookieJar) -> bool {
    let answer = send(app, jar, "/account").await;
    jar.store(&answer);
    answer.status == StatusCode::OK
}

async fn sign_in(app: &TestApp, stays: bool) -> CookieJar {
    let browser = app.another_browser();
    let fields = [("username", "driver"), ("password", PASSWORD), ("stay", "1")];
    let fields = if stays { &fields[..] } else { &fields[..2] };
    let answer = browser.post_form_from("/login", "/login", fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    let mut jar = CookieJar { stay: String::new(), session: String::new() };
    jar.store(&answer);
    jar
}

async fn app_with_members() -> TestApp {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    app.add_member("driver", Role::Logistics).await;
    app
}

async fn outcomes(app: &TestApp) -> Vec<SignInOutcome> {
    let read = app.state.storage.read(|tx| {
        let id = store::find_id(tx, "driver")?.expect("is there");
        sign_ins::of_member(tx, id, 50, 0)
    });
    read.await.expect("reads").into_iter().map(|line| line.outcome).collect()
}

#[tokio::test]
async fn remember_me_lasts_fourteen_days() {
    let app = app_with_members().await;
    let mut jar = sign_in(&app, true).await;
    for day in 1..=13 {
        app.clock.advance_ms(DAY_MS);
        let before = jar.stay.clone();
        assert!(visit(&app, &mut jar).await, "day {day}");
        assert_ne!(jar.stay, before, "the token is rotated at each use");
        let now = jar.stay.clone();
        assert!(visit(&app, &mut jar).await && jar.stay == now, "and at no other time");
    }
    app.clock.advance_ms(DAY_MS);
    assert!(!visit(&app, &mut jar).await, "expired after fourteen days");
    assert_eq!(jar.stay, "", "the cookie is deleted");

    let mut other = sign_in(&app, false).await;
    assert_eq!(other.stay, "");
    app.clock.advance_ms(DAY_MS);
    assert!(!visit(&app, &mut other).await, "not remembered without the option");
}

#[tokio::test]
async fn cookie_is_http_only_and_same_site() {
    let app = app_with_members().await;
    let fields = [("username", "driver"), ("password", PASSWORD), ("stay", "1")];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    let cookies: Vec<&str> = answer.headers.get_all(SET_COOKIE).iter().filter_map(|line| line.to_str().ok()).collect();
    let cookie = cookies.iter().find(|line| line.starts_with(&cookie_names()[0])).expect("is set");
    for word in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Max-Age=1209600"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let token = cookie.split(['.', ';']).nth(1).expect("a token").to_owned();
    let kept = app.state.storage.read(move |tx| {
        tx.scalar("SELECT count(*) FROM remember_tokens WHERE instr(record, ?) > 0", &[(&token).into()])
    });
    assert_eq!(kept.await.expect("reads"), 0, "only its hash is stored");
}

#[tokio::test]
async fn concurrent_tabs_are_not_a_theft() {
    let app = app_with_members().await;
    let mut jar = sign_in(&app, true).await.without_session();
    let (one, two) = (jar.clone(), jar.clone());
    let (one, two) = tokio::join!(send(&app, &one, "/deliveries"), send(&app, &two, "/deliveries"));
    assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK));
    jar.store(&one);
    jar.store(&two);
    assert!(visit(&app, &mut jar).await);
    app.clock.advance_ms(DAY_MS);
    assert!(visit(&app, &mut jar).await, "independent of the order of the responses");
    assert!(!outcomes(&app).await.contains(&SignInOutcome::TokenTheft));
}

#[tokio::test]
async fn lost_response_is_not_a_theft() {
    let app = app_with_members().await;
    let mut jar = sign_in(&app, true).await.without_session();
    let lost = send(&app, &jar, "/deliveries").await;
    assert_eq!(lost.status, StatusCode::OK);
    app.clock.advance_ms(3 * HOUR_MS);
    assert!(visit(&app, &mut jar).await, "the previous token is still accepted");
    app.clock.advance_ms(DAY_MS);
    assert!(visit(&app, &mut jar).await, "and so is the one after it");
}

#[tokio::test]
async fn reused_token_revokes_all_sessions_and_warns_the_member() {
    let app = app_with_members().await;
    let mut phone = sign_in(&app, true).await;
    let mut office = sign_in(&app, true).await;
    let mut thief = phone.without_session();
    app.clock.advance_ms(DAY_MS);
    assert!(visit(&app, &mut phone).await && visit(&app, &mut phone).await && visit(&app, &mut office).await);

    app.clock.advance_ms(HOUR_MS);
    let refused = send(&app, &thief, "/deliveries").await;
    assert_eq!((refused.status, refused.location()), (StatusCode::SEE_OTHER, "/login?stolen=1&next=%2Fdeliveries"));
    let told = send(&app, &thief, "/login?stolen=1").await.ok();
    assert!(told.contains("모든 기기에서 로그아웃했어요"));
    assert!(!visit(&app, &mut thief).await);
    assert!(!visit(&app, &mut phone).await, "the open session is revoked");
    assert!(!visit(&app, &mut office).await, "on every device");
    assert!(!visit(&app, &mut phone.without_session()).await && !visit(&app, &mut office.without_session()).await);
    assert_eq!(outcomes(&app).await[0], SignInOutcome::TokenTheft);

    let browser = app.another_browser();
    let fields = [("username", "driver"), ("password", PASSWORD)];
    let answer = browser.post_form_from("/login", "/login", &fields).await;
    let list = browser.get(answer.location()).await.location().to_owned();
    assert!(browser.get(&list).await.ok().contains("예전 로그인 정보를 누군가 다시 써서"), "{list}");
    assert!(browser.get("/account").await.ok().contains("도난 의심"));
    assert_eq!(browser.post_form("/logout", &[]).await.status, StatusCode::SEE_OTHER);
    let answer = browser.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.location(), Role::Logistics.home(), "the warning is shown once");
}

#[tokio::test]
async fn theft_is_detected_when_the_owner_returns_after_the_thief() {
    let app = app_with_members().await;
    let mut owner = sign_in(&app, true).await.without_session();
    let mut thief = owner.clone();
    assert!(visit(&app, &mut thief).await && visit(&app, &mut thief).await);
    app.clock.advance_ms(HOUR_MS);
    assert!(!visit(&app, &mut owner).await);
    assert!(!visit(&app, &mut thief).await, "the thief is logged out too");
}

#[tokio::test]
async fn disabling_and_password_change_revoke_tokens() {
    let app = app_with_members().await;
    let mut jar = sign_in(&app, true).await;
    super::set_enabled(&app, "driver", false).await.expect("is not the last administrator");
    assert!(!visit(&app, &mut jar).await);
    super::set_enabled(&app, "driver", true).await.expect("is known");
    assert!(!visit(&app, &mut jar.without_session()).await, "the persistent login stays revoked");
    assert!(!outcomes(&app).await.contains(&SignInOutcome::TokenTheft));

    let (mut here, mut there) = (sign_in(&app, true).await, sign_in(&app, true).await);
    let changed = app.state.storage.write(|tx| {
        let id = store::find_id(tx, "driver")?.expect("is there");
        store::set_password(tx, id, "another")
    });
    changed.await.expect("writes").expect("is known");
    assert!(!visit(&app, &mut here).await && !visit(&app, &mut there.without_session()).await);
    assert!(!visit(&app, &mut there).await);
}

#[tokio::test]
async fn logout_revokes_the_token_of_this_browser_only() {
    let app = app_with_members().await;
    let mut other = sign_in(&app, true).await;
    let browser = app.another_browser();
    let fields = [("username", "driver"), ("password", PASSWORD), ("stay", "1")];
    let mut jar = CookieJar { stay: String::new(), session: String::new() };
    jar.store(&browser.post_form_from("/login", "/login", &fields).await);
    let bye = browser.post_form("/logout", &[]).await;
    let mut left = jar.clone();
    left.store(&bye);
    assert_eq!(left.stay, "", "the cookie is deleted");
    assert!(!visit(&app, &mut jar.without_session()).await, "a copy of it is rejected");
    assert!(visit(&app, &mut other.without_session()).await);
    assert!(!outcomes(&app).await.contains(&SignInOutcome::TokenTheft));
    app.clock.advance_ms(DAY_MS);
    assert!(visit(&app, &mut other).await);
}

#[tokio::test]
async fn member_logs_other_devices_out() {
    let app = app_with_members().await;
    let (mut phone, mut tablet) = (sign_in(&app, true).await, sign_in(&app, true).await);
    let here = app.another_browser();
    here.sign_in_logistics().await;
    let page = here.get("/account").await.ok();
    assert_eq!(page.matches("까지</td>").count(), 2, "two stay signed in: {page}");
    let device = page.split("name=\"device\" value=\"").nth(1).expect("another device").split('"').next().expect("it");
    let answer = here.post_form("/account/devices", &[("device", device)]).await;
    assert!(here.get(answer.location()).await.ok().contains("그 기기에서 로그아웃했어요"));
    let again = here.post_form("/account/devices", &[("device", device)]).await;
    assert!(here.get(again.location()).await.ok().contains("이미 로그아웃된 기기예요"));
    let (on_phone, on_tablet) = (visit(&app, &mut phone).await, visit(&app, &mut tablet).await);
    assert!(on_phone != on_tablet, "one of the two is logged out");
    assert!(!visit(&app, &mut if on_phone { tablet.without_session() } else { phone.without_session() }).await);

    here.post_form("/account/devices", &[]).await;
    assert!(!visit(&app, &mut phone).await && !visit(&app, &mut tablet).await);
    assert_eq!(here.get("/account").await.status, StatusCode::OK, "the current device stays logged in");
}

#[tokio::test]
async fn devices_of_other_members_cannot_be_logged_out() {
    let app = app_with_members().await;
    let mut phone = sign_in(&app, false).await;
    let device = app.state.storage.read(|tx| tx.scalar("SELECT id FROM devices", &[])).await.expect("reads");
    let admin = app.another_browser();
    admin.sign_in_admin().await;
    let device = crate::id::number_code(device);
    admin.post_form("/account/devices", &[("device", &device)]).await;
    assert!(visit(&app, &mut phone).await);
}

#[tokio::test]
async fn form_of_an_expired_session_is_accepted_after_token_login() {
    let app = app_with_members().await;
    let browser = app.another_browser();
    let fields = [("username", "driver"), ("password", PASSWORD), ("stay", "1")];
    browser.post_form_from("/login", "/login", &fields).await;
    let token = browser.token("/account").await;
    app.clock.advance_ms(14 * HOUR_MS);
    let body = format!("csrf={token}");
    let request = browser.browser.post(browser.url("/account/devices")).header(ACCEPT, "text/html").body(body);
    let answer = browser.send(request.header("content-type", "application/x-www-form-urlencoded")).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    assert!(answer.location().starts_with("/account?done="));
}

#[tokio::test]
async fn token_is_used_by_navigations_only() {
    let app = app_with_members().await;
    let mut jar = sign_in(&app, true).await.without_session();
    let bare = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().expect("a client");
    for (name, value) in [("sec-fetch-mode", "cors"), ("accept", "image/*")] {
        let request = bare
            .get(app.url("/account"))
            .header(COOKIE, format!("{}={}", cookie_names()[0], jar.stay))
            .header(name, value);
        let answer = app.send(request).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{name}");
        assert!(!answer.header("set-cookie").contains(&cookie_names()[0]));
    }
    assert!(visit(&app, &mut jar).await);
}

#[tokio::test]
async fn token_login_does_not_replace_reauthentication() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    let fields = [("username", "admin"), ("password", PASSWORD), ("stay", "1")];
    let mut jar = CookieJar { stay: String::new(), session: String::new() };
    jar.store(&app.another_browser().post_form_from("/login", "/login", &fields).await);
    assert_eq!(send(&app, &jar, "/members").await.status, StatusCode::OK);
    app.clock.advance_ms(9 * HOUR_MS);
    let led = send(&app, &jar, "/members").await;
    assert_eq!((led.status, led.location()), (StatusCode::SEE_OTHER, "/password?next=%2Fmembers"));
}

#[tokio::test]
async fn login_replaces_the_persistent_login_of_another_member() {
    let app = app_with_members().await;
    let browser = app.another_browser();
    let stays = |username| [("username", username), ("password", PASSWORD), ("stay", "1")];
    browser.post_form_from("/login", "/login", &stays("driver")).await;
    app.clock.advance_ms(DAY_MS);
    browser.post_form_from("/login", "/login", &stays("admin")[..2]).await;
    app.clock.advance_ms(DAY_MS);
    let request = browser.browser.get(browser.url("/account")).header(ACCEPT, "text/html");
    assert_eq!(browser.send(request).await.status, StatusCode::SEE_OTHER, "the token of the other member is revoked");
}

#[tokio::test]
async fn expired_devices_tokens_and_history_are_deleted() {
    let app = app_with_members().await;
    sign_in(&app, true).await;
    sign_in(&app, false).await;
    app.clock.advance_ms(DAY_MS);
    let left = async |table: &'static str| {
        let sql = format!("SELECT count(*) FROM {table}");
        app.state.storage.read(move |tx| tx.scalar(&sql, &[])).await.expect("reads")
    };
    let delete_expired = async || {
        let deleted = app.state.storage.write(|tx| {
            crate::sessions::remember_me::delete_expired(tx)?;
            crate::members::delete_expired(tx)
        });
        deleted.await.expect("writes");
    };
    delete_expired().await;
    assert_eq!((left("devices").await, left("remember_tokens").await, left("sign_ins").await), (1, 1, 2));
    app.clock.advance_ms(14 * DAY_MS);
    delete_expired().await;
    assert_eq!((left("devices").await, left("remember_tokens").await, left("sign_ins").await), (0, 0, 2));
    app.clock.advance_ms(200 * DAY_MS);
    delete_expired().await;
    assert_eq!(left("sign_ins").await, 0);
}
