//! Demo shop through its pages, with a manual clock.

use reqwest::StatusCode;

use super::*;
use crate::config::ResetSchedule;
use crate::storage::schema;
use crate::web::Routes;
use crate::web::testing::TestApp;

const HOUR_MS: i64 = 60 * 60 * 1000;
const ORDERS: u64 = 60;

async fn open(reset_every: ResetSchedule) -> (TestApp, Demo) {
    let app = TestApp::start_with(
        |config| config.demo = Some(DemoPlan { orders: ORDERS, reset_every, is_public: false }),
        Routes::new(),
    )
    .await;
    let demo = app.state.demo.clone().expect("a demo");
    assert!(reset_if_due(&app, &demo).await);
    (app, demo)
}

async fn reset_if_due(app: &TestApp, demo: &Demo) -> bool {
    demo.reset_if_due(&app.state.storage, &app.state.passwords).await.expect("is a demo shop")
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    app.state.storage.read(move |tx| tx.scalar(sql, &[])).await.expect("counts")
}

async fn sign_in(app: &TestApp, account: DemoAccount) -> String {
    let fields = [("username", account.username), ("password", account.password)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().to_owned()
}

#[tokio::test]
async fn login_page_shows_accounts_that_can_log_in() {
    let (app, _) = open(ResetSchedule::DAILY).await;
    let login = app.get("/login").await.ok();
    for account in ACCOUNTS {
        assert!(
            login.contains(account.username) && login.contains(account.password) && login.contains(account.description)
        );
        let visitor = app.another_browser();
        assert_eq!(sign_in(&visitor, account).await, account.role.home());
        assert!(visitor.get("/account").await.ok().contains(account.username));
    }
    let [_, team, _] = ACCOUNTS;
    let visitor = app.another_browser();
    sign_in(&visitor, team).await;
    assert_eq!(visitor.get("/orders").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_day_has_a_bundle_and_today_a_tour_of_the_driver() {
    let (app, _) = open(ResetSchedule::DAILY).await;
    // A Friday, a Saturday and a Sunday.
    for orders in [4_000, 4_001, 4_002] {
        let demo = Demo::new(DemoPlan { orders, reset_every: ResetSchedule::DAILY, is_public: false });
        assert!(reset_if_due(&app, &demo).await);
        let today = app.state.now().date();
        let counted = app.state.storage.read(move |tx| {
            let sql = "SELECT count(*) FROM tours t JOIN members m ON m.id = t.driver_id AND m.username = 'demo-driver' \
                       WHERE t.day = ? AND t.state = 'loading'";
            let handed_out = tx.scalar(sql, &[today.into()])?;
            let sql = "SELECT count(*) FROM deliveries d WHERE d.preferred_shipping_date = ? AND d.shipping_method = 'DIRECT' \
                       AND (SELECT count(*) FROM orders o WHERE o.delivery_id = d.id AND o.claim = '') > 1";
            let bundles = (1..5).map(|days| tx.scalar(sql, &[(today + chrono::Days::new(days)).into()]));
            Ok::<_, StorageError>((handed_out, bundles.collect::<Result<Vec<i64>>>()?))
        });
        let (handed_out, bundles) = counted.await.expect("counts");
        assert_eq!(handed_out, 1, "{today}");
        assert!(bundles.iter().all(|count| *count > 0), "{today}: {bundles:?}");
        app.clock.advance_ms(24 * HOUR_MS);
    }
}

#[tokio::test]
async fn every_page_shows_the_demo_banner() {
    let (app, _) = open(ResetSchedule::DAILY).await;
    let banner = format!("{BANNER} 내일 10:00에 처음으로 돌아가요.");
    assert!(app.get("/login").await.ok().contains(&banner));
    sign_in(&app, ACCOUNTS[0]).await;
    for path in ["/orders", "/uploads", "/deliveries", "/products", "/account"] {
        assert!(app.get(path).await.ok().contains(&banner), "{path}");
    }
    let lost = app.get("/nowhere").await;
    assert!(lost.status == StatusCode::NOT_FOUND && lost.text.contains(&banner), "{}", lost.text);
}

#[tokio::test]
async fn real_shop_shows_no_demo_banner_or_accounts() {
    let app = TestApp::as_admin().await;
    assert!(!app.get("/orders").await.ok().contains("class=\"banner\""));
    assert!(!app.another_browser().get("/login").await.ok().contains("demo-admin"));
}

#[tokio::test]
async fn due_shop_is_reset_and_sessions_end() {
    let (app, demo) = open(ResetSchedule::DAILY).await;
    sign_in(&app, ACCOUNTS[0]).await;
    let untouched = number(&app, "SELECT sum(price) FROM orders").await;
    let oldest = number(&app, "SELECT min(placed_at) FROM orders").await;
    app.add_member("trainee", Role::Admin).await;
    let changed = app.state.storage.write(|tx| tx.exec("UPDATE orders SET price = price + 1", &[])).await;
    assert_eq!(changed.expect("changes"), ORDERS);

    app.clock.advance_ms(24 * HOUR_MS - 1);
    assert!(!reset_if_due(&app, &demo).await, "not yet");
    app.clock.advance_ms(1);
    assert!(app.get("/nowhere").await.text.contains("곧 처음으로 돌아가요."));
    assert!(reset_if_due(&app, &demo).await);
    assert!(!reset_if_due(&app, &demo).await, "once");

    assert_eq!(number(&app, "SELECT count(*) FROM orders").await, 60);
    assert_eq!(number(&app, "SELECT sum(price) FROM orders").await, untouched);
    assert_eq!(number(&app, "SELECT min(placed_at) FROM orders").await, oldest + 24 * HOUR_MS, "the dates move along");
    assert_eq!(number(&app, "SELECT count(*) FROM members").await, 3);
    assert_eq!(app.get("/account").await.location(), "/login?next=%2Faccount", "signed out");
    sign_in(&app, ACCOUNTS[0]).await;
}

#[tokio::test]
async fn schedule_never_still_resets_for_another_order_count() {
    let (app, demo) = open(ResetSchedule::NEVER).await;
    app.clock.advance_ms(5 * 366 * 24 * HOUR_MS);
    assert!(!reset_if_due(&app, &demo).await);
    assert_eq!(demo.banner(app.state.now()), BANNER);
    let larger = Demo::new(DemoPlan { orders: 70, reset_every: ResetSchedule::NEVER, is_public: false });
    assert!(reset_if_due(&app, &larger).await);
    assert_eq!(number(&app, "SELECT count(*) FROM orders").await, 70);
}

#[tokio::test]
async fn real_shop_is_never_emptied() {
    let app = TestApp::as_admin().await;
    let demo = Demo::new(DemoPlan { orders: 1, reset_every: ResetSchedule::DAILY, is_public: false });
    let refused = demo.reset_if_due(&app.state.storage, &app.state.passwords).await;
    assert!(matches!(refused, Err(DemoError::NotDemoData)));
    assert_eq!(number(&app, "SELECT count(*) FROM members").await, 1);
}

#[tokio::test]
async fn shared_password_cannot_be_changed() {
    let (app, _) = open(ResetSchedule::DAILY).await;
    sign_in(&app, ACCOUNTS[0]).await;
    let fields = [("current", ACCOUNTS[0].password), ("password", "my-own-password"), ("again", "my-own-password")];
    let answer = app.post_form("/account", &fields).await;
    assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.text.contains("모두 함께 써서"));
    sign_in(&app.another_browser(), ACCOUNTS[0]).await;
}

#[tokio::test]
async fn reset_empties_every_table() {
    let (app, _) = open(ResetSchedule::NEVER).await;
    let mut found = app.state.storage.read(|tx| tx.tables()).await.expect("reads");
    found.retain(|name| !["schema_versions", "writers", "leases"].contains(&name.as_str()));
    found.sort_unstable();
    let mut emptied: Vec<_> = schema::tables().collect();
    emptied.sort_unstable();
    assert_eq!(emptied, found);
}

#[test]
fn next_reset_text_names_the_day() {
    let demo = Demo::new(DemoPlan { orders: 1, reset_every: "7d".parse().expect("a week"), is_public: false });
    let created_at = crate::web::testing::START;
    demo.created_at.store(created_at.0, Ordering::Relaxed);
    let text = |hours| demo.next_reset_text(created_at.plus_ms(hours * HOUR_MS)).expect("some day");
    assert_eq!(text(0), "2024-03-22 (금) 10:00에 처음으로 돌아가요.");
    assert_eq!(text(6 * 24), "내일 10:00에 처음으로 돌아가요.");
    assert_eq!(text(6 * 24 + 14), "오늘 10:00에 처음으로 돌아가요.");
    assert_eq!(text(7 * 24), "곧 처음으로 돌아가요.");
}
