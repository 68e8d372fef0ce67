//! Administration of members.

use reqwest::StatusCode;

use crate::members::store::{self, UpdateError};
use crate::web::Role;
use crate::web::testing::{PASSWORD, TestApp, TestResponse};

const DAY_MS: i64 = 24 * 60 * 60_000;

async fn member_url(app: &TestApp, username: &'static str) -> String {
    let found = app.state.storage.read(move |tx| store::find_id(tx, username)).await.expect("reads");
    format!("/members/{}", found.expect("is there"))
}

/// The one-time password on a page.
fn issued_password(page: &str) -> String {
    let (_, after) = page.split_once("임시 비밀번호</dt><dd><code>").expect("a password");
    after.split('<').next().expect("it").to_owned()
}

async fn sign_in(app: &TestApp, username: &str, password: &str) -> TestResponse {
    app.post_form_from("/login", "/login", &[("username", username), ("password", password)]).await
}

#[tokio::test]
async fn new_member_must_change_the_password_first() {
    let app = TestApp::as_admin().await;
    let page = app.post_form("/members", &[("username", " 김기사 "), ("role", "logistics")]).await.ok();
    let password = issued_password(&page);
    assert_eq!(password.len(), "XXXX-XXXX-XXXX".len());
    assert!(!app.get("/members").await.ok().contains(&password), "it is shown once");
    assert!(app.get("/members").await.ok().contains("임시 비밀번호"), "the list shows that it is unused");

    let driver = app.another_browser();
    let answer = sign_in(&driver, "김기사", &password).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/account"));
    for path in ["/", "/deliveries", "/orders"] {
        assert_eq!(driver.get(path).await.location(), "/account", "{path}");
    }
    assert_eq!(driver.post_form("/account/devices", &[]).await.location(), "/account");
    let change = async |current: &str, password: &str| {
        driver.post_form("/account", &[("current", current), ("password", password), ("again", password)]).await
    };
    let same = change(&password, &password).await;
    assert_eq!(same.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(same.text.contains("현재 비밀번호와 다른 비밀번호"));
    assert_eq!(change(&password, "나만 아는 비밀번호").await.status, StatusCode::SEE_OTHER);
    assert_eq!(driver.get("/deliveries").await.status, StatusCode::OK);
    assert_eq!(sign_in(&app.another_browser(), "김기사", &password).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn one_time_password_expires_after_a_week() {
    let app = TestApp::as_admin().await;
    let password =
        issued_password(&app.post_form("/members", &[("username", "김기사"), ("role", "logistics")]).await.ok());
    app.clock.advance_ms(7 * DAY_MS + 1);
    let late = sign_in(&app.another_browser(), "김기사", &password).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(late.text.contains("임시 비밀번호의 기한이 지났어요"));
    let guess = sign_in(&app.another_browser(), "김기사", "guess-guess").await;
    assert!(!guess.text.contains("기한"), "the reason requires the right password");
}

#[tokio::test]
async fn session_of_a_one_time_password_ends_with_its_deadline() {
    let app = TestApp::as_admin().await;
    let password =
        issued_password(&app.post_form("/members", &[("username", "김기사"), ("role", "logistics")]).await.ok());
    app.clock.advance_ms(7 * DAY_MS - 60_000);
    let driver = app.another_browser();
    assert_eq!(sign_in(&driver, "김기사", &password).await.location(), "/account");
    app.clock.advance_ms(2 * 60_000);
    let new = "나만 아는 비밀번호";
    let late = driver.post_form("/account", &[("current", &password), ("password", new), ("again", new)]).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", late.text);
    assert_eq!(driver.get("/deliveries").await.location(), "/account");
}

#[tokio::test]
async fn form_with_a_taken_username_keeps_its_values() {
    let app = TestApp::as_admin().await;
    for (name, problem) in [("admin", "이미 쓰고 있는 아이디예요"), ("김", "2~32자")] {
        let answer = app.post_form("/members", &[("username", name), ("role", "admin")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains(problem) && answer.text.contains(&format!("value=\"{name}\"")));
        assert!(answer.text.contains("value=\"admin\" checked"), "the role as well");
    }
}

#[tokio::test]
async fn password_reset_revokes_sessions() {
    let app = TestApp::as_admin().await;
    let driver = app.another_browser();
    driver.sign_in_logistics().await;
    let page = app.post_form(&format!("{}/password", member_url(&app, "driver").await), &[]).await.ok();
    assert_eq!(driver.get("/deliveries").await.status, StatusCode::SEE_OTHER);
    assert_eq!(sign_in(&driver, "driver", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(sign_in(&driver, "driver", &issued_password(&page)).await.location(), "/account");
    assert_eq!(app.post_form("/members/0000000000001/password", &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn disabled_member_is_logged_out_until_enabled_again() {
    let app = TestApp::as_admin().await;
    let driver = app.another_browser();
    driver.sign_in_logistics().await;
    let member = member_url(&app, "driver").await;
    let set = async |enabled| app.post_form(&format!("{member}/enabled"), &[("enabled", enabled)]).await;
    let answer = set("0").await;
    assert!(app.get(answer.location()).await.ok().contains("이제 로그인하지 못해요"));
    assert_eq!(driver.get("/deliveries").await.status, StatusCode::SEE_OTHER);
    assert!(sign_in(&driver, "driver", PASSWORD).await.text.contains("지금은 쓸 수 없는 아이디예요"));
    assert!(sign_in(&driver, "driver", "wrong").await.text.contains("아이디나 비밀번호가 맞지 않아요"));
    let history = app.get(&member).await.ok();
    assert!(history.contains("사용 중지된 아이디") && history.contains("비밀번호 틀림"));
    set("1").await;
    assert_eq!(sign_in(&driver, "driver", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn last_administrator_cannot_be_demoted_or_disabled() {
    let app = TestApp::as_admin().await;
    let admin = member_url(&app, "admin").await;
    for (act, field) in [("role", ("role", "logistics")), ("enabled", ("enabled", "0"))] {
        let answer = app.post_form(&format!("{admin}/{act}"), &[field]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.text.contains("사용 중인 마지막 관리자예요"));
    }
    app.add_member("second", Role::Admin).await;
    let answer = app.post_form(&format!("{admin}/role"), &[("role", "logistics")]).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(app.get("/members").await.location(), "/login?next=%2Fmembers", "a change of role revokes the session");
}

#[tokio::test]
async fn two_administrators_cannot_disable_each_other_at_once() {
    let app = TestApp::start().await;
    app.add_member("admin", Role::Admin).await;
    app.add_member("second", Role::Admin).await;
    let disable = |username: &'static str| {
        app.state.storage.write(move |tx| match store::find_id(tx, username)? {
            Ok(id) => store::set_enabled(tx, id, false),
            Err(unknown) => Ok(Err(unknown)),
        })
    };
    let (one, two) = tokio::join!(disable("admin"), disable("second"));
    let answers = [one.expect("writes"), two.expect("writes")];
    assert!(answers.contains(&Ok(())) && answers.contains(&Err(UpdateError::LastAdmin)), "{answers:?}");
}

#[tokio::test]
async fn grants_are_on_the_page_of_the_member() {
    let app = TestApp::as_admin().await;
    let issued = app.post_form("/members", &[("username", "상담원"), ("role", "support")]).await;
    assert_eq!(issued.status, StatusCode::OK);
    let member = member_url(&app, "상담원").await;
    app.post_form(&format!("{member}/role"), &[("role", "viewer")]).await;
    app.post_form(&format!("{member}/enabled"), &[("enabled", "0")]).await;
    let page = app.get(&member).await.ok();
    let at = |sentence: &str| page.find(sentence).unwrap_or_else(|| panic!("{sentence} in {page}"));
    let (added, changed) = (at("상담원 회원을 추가했어요 (상담)."), at("상담원 회원의 역할을 바꿨어요: 조회만"));
    assert!(at("상담원 회원이 로그인하지 못하게 했어요.") < changed && changed < added, "newest first");
    assert!(page[changed..added].contains("admin"), "by whom");
}

#[tokio::test]
async fn absent_member_is_asked_about_until_an_administrator_decides() {
    let app = TestApp::start().await;
    app.add_member("driver", Role::Logistics).await;
    app.sign_in_admin().await;
    assert!(!app.get("/members").await.ok().contains("오래 들어오지 않은 회원"));
    app.clock.advance_ms(store::ABSENCE_MS + 60_000);
    app.sign_in_admin().await;
    assert!(app.get("/").await.ok().contains("오래 들어오지 않은 회원"));
    let (list, member) = (app.get("/members").await.ok(), member_url(&app, "driver").await);
    assert!(list.contains(&format!("{member}/keep")) && !list.contains("admin 잠그기"), "{list}");
    app.post_form(&format!("{member}/keep"), &[]).await;
    assert!(!app.get("/members").await.ok().contains("오래 들어오지 않은 회원"));
    assert!(app.get(&member).await.ok().contains("오래 들어오지 않은 driver 회원을 그대로 두었어요."));
    app.clock.advance_ms(store::ABSENCE_MS + 60_000);
    app.sign_in_admin().await;
    assert!(app.get("/members").await.ok().contains("오래 들어오지 않은 회원"), "asked again");
    app.post_form(&format!("{member}/enabled"), &[("enabled", "0")]).await;
    assert!(!app.get("/members").await.ok().contains("오래 들어오지 않은 회원"));
}

#[tokio::test]
async fn table_of_roles_is_that_of_the_functions() {
    let app = TestApp::as_admin().await;
    let page = app.get("/members/roles").await.ok();
    for label in ["주문 담당", "상담", "조회만", "오늘과 내일 것만", "가림, 이유를 입력하면 보기"]
    {
        assert!(page.contains(label), "{label}");
    }
    let viewer = app.another_browser();
    viewer.sign_in_as(Role::Viewer).await;
    assert_eq!(viewer.get("/members/roles").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn login_history_shows_time_address_and_outcome() {
    let app = TestApp::as_admin().await;
    let driver = app.another_browser();
    driver.sign_in_logistics().await;
    for _ in 0..12 {
        app.clock.advance_ms(20 * 60_000);
        sign_in(&app.another_browser(), "driver", "wrong").await;
    }
    let member = member_url(&app, "driver").await;
    let page = app.get(&format!("{member}?size=10")).await.ok();
    assert_eq!(page.matches("비밀번호 틀림").count(), 10);
    let last = app.get(&format!("{member}?size=10&page=2")).await.ok();
    assert_eq!(last.matches("비밀번호 틀림").count(), 2);
    assert!(last.contains("2024-03-15 10:00") && last.contains("127.0.0.1") && last.contains("알 수 없는 기기"));
    assert!(driver.get("/account").await.ok().contains("비밀번호 틀림"), "the member sees it too");
}
