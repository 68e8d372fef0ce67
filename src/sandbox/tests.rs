//! A public demo as its visitors use it.

use reqwest::StatusCode;

use super::rate_limit::{MAX_REQUESTS_PER_MINUTE, WINDOW_MS};
use super::*;
use crate::config::{DemoPlan, ResetSchedule};
use crate::demo::ACCOUNTS;
use crate::web::testing::TestApp;

const LIMITS: SandboxLimits = SandboxLimits { max_total: 4, max_per_network: 2 };

async fn open() -> (TestApp, Sandboxes) {
    let plan = DemoPlan { orders: 20, reset_every: ResetSchedule::DAILY, is_public: true };
    TestApp::start_sandboxes(plan, LIMITS).await
}

async fn sign_in(app: &TestApp) {
    let fields = [("username", ACCOUNTS[0].username), ("password", ACCOUNTS[0].password)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}

fn folders(sandboxes: &Sandboxes) -> usize {
    let entries = std::fs::read_dir(&sandboxes.inner.folder).expect("a folder");
    entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir())).count()
}

#[tokio::test]
async fn visitors_do_not_see_changes_of_others() {
    let (one, sandboxes) = open().await;
    let other = one.another_browser();
    for visitor in [&one, &other] {
        sign_in(visitor).await;
        assert!(visitor.get("/orders").await.ok().contains("한 시간 동안 쓰지 않으면"));
    }
    let answer = one.post_form("/members", &[("username", "mine"), ("role", "logistics")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(one.get("/members").await.ok().contains("mine"));
    assert!(!other.get("/members").await.ok().contains("mine"));
    assert_eq!((lock(&sandboxes.inner.sandboxes).len(), folders(&sandboxes)), (2, 2));

    // A reset affects the visitor's own sandbox only.
    one.clock.advance_ms(2 * WINDOW_MS);
    assert_eq!(one.post_form("/practice/reset", &[]).await.location(), "/login");
    sign_in(&one).await;
    assert!(!one.get("/members").await.ok().contains("mine"));
    other.get("/members").await.ok();
}

#[tokio::test]
async fn idle_sandbox_is_evicted_with_its_folder() {
    let (app, sandboxes) = open().await;
    sign_in(&app).await;
    app.clock.advance_ms(EVICT_AFTER_MS - 1);
    app.get("/orders").await.ok();
    app.clock.advance_ms(EVICT_AFTER_MS - 1);
    sandboxes.evict_idle();
    assert_eq!(folders(&sandboxes), 1, "used in between");
    app.clock.advance_ms(1);
    sandboxes.evict_idle();
    assert_eq!(folders(&sandboxes), 0);
    let late = app.post_bare("/orders", &[("csrf", "x")]).await;
    assert_eq!((late.status, late.location()), (StatusCode::SEE_OTHER, "/login"));
    assert_eq!(folders(&sandboxes), 0, "a POST creates no sandbox");
    sign_in(&app).await;
    assert_eq!(folders(&sandboxes), 1);
}

#[tokio::test]
async fn sandbox_is_usable_after_its_caches_were_released() {
    let (app, sandboxes) = open().await;
    sign_in(&app).await;
    app.clock.advance_ms(RELEASE_AFTER_MS);
    sandboxes.release_caches().await;
    assert!(app.get("/orders").await.ok().contains("한 시간 동안 쓰지 않으면"));
}

#[tokio::test]
async fn number_of_sandboxes_is_limited() {
    let (first, sandboxes) = open().await;
    let from = |visitor: &TestApp, address: u8| {
        visitor.browser.get(visitor.url("/login")).header("x-forwarded-for", format!("192.0.2.{address}"))
    };
    let mut visitors = vec![];
    for index in 0..LIMITS.max_total {
        let visitor = first.another_browser();
        let address = u8::try_from(index / LIMITS.max_per_network).expect("few");
        assert_eq!(visitor.send(from(&visitor, address)).await.status, StatusCode::OK);
        first.clock.advance_ms(1_000);
        visitors.push(visitor);
    }
    let late = first.another_browser();
    let answer = late.send(from(&late, 100)).await;
    assert!(
        answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.text.contains("빈 가게가 없어요"),
        "{}",
        answer.text
    );
    assert!(answer.header("set-cookie").is_empty());

    // A network at its limit keeps its sandboxes that are in use; the newcomer is refused.
    let same = first.another_browser();
    assert_eq!(same.send(from(&same, 0)).await.status, StatusCode::SERVICE_UNAVAILABLE);
    for visitor in &visitors[..2] {
        assert!(!visitor.send(from(visitor, 0)).await.header("set-cookie").contains(COOKIE), "still exists");
    }

    // A network without a sandbox gets one of the network that has most.
    first.clock.advance_ms(YIELD_AFTER_MS);
    assert_eq!(late.send(from(&late, 100)).await.status, StatusCode::OK);
    let second = first.another_browser();
    assert_eq!(second.send(from(&second, 100)).await.status, StatusCode::SERVICE_UNAVAILABLE, "it has one");
    first.clock.advance_ms(RECLAIM_AFTER_MS);
    assert_eq!(second.send(from(&second, 100)).await.status, StatusCode::OK);
    assert_eq!((lock(&sandboxes.inner.sandboxes).len(), folders(&sandboxes)), (LIMITS.max_total, LIMITS.max_total));
}

#[tokio::test]
async fn rate_limited_visitor_continues_in_the_next_minute() {
    let (app, _) = open().await;
    sign_in(&app).await;
    let mut last = app.get("/deliveries").await;
    for _ in 0..MAX_REQUESTS_PER_MINUTE {
        last = app.get("/deliveries").await;
    }
    assert!(last.status == StatusCode::TOO_MANY_REQUESTS && last.text.contains("1분 뒤에"), "{}", last.text);
    assert!(last.header("set-cookie").is_empty());
    assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
    app.clock.advance_ms(WINDOW_MS);
    assert_eq!(app.get("/deliveries").await.status, StatusCode::OK);
}

#[tokio::test]
async fn pages_about_the_host_are_not_offered() {
    let (app, _) = open().await;
    sign_in(&app).await;
    for path in ["/other-devices", "/phones", "/settings", "/backup", "/districts/import", "/setup", "/backup/download"]
    {
        let answer = app.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(answer.text.contains("교육용 가게에는 없는 화면"), "{path}: {}", answer.text);
    }
    assert_eq!(app.get("/districts").await.status, StatusCode::OK);
}
