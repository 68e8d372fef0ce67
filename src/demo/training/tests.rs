//! The training shop as its visitors see it, with a clock that a test moves.

use reqwest::StatusCode;

use super::*;
use crate::web::Routes;
use crate::web::testing::TestApp;

const HOUR_MS: i64 = 60 * 60 * 1000;
const ORDERS: u64 = 60;

async fn open(reset_every: ResetEvery) -> (TestApp, Demo) {
    let app = TestApp::start_with(
        |config| config.demo = Some(Plan { orders: ORDERS, reset_every, is_public: false }),
        Routes::new(),
    )
    .await;
    let demo = app.state.demo.clone().expect("a training shop");
    assert!(keep_fresh(&app, &demo).await);
    (app, demo)
}

async fn keep_fresh(app: &TestApp, demo: &Demo) -> bool {
    demo.keep_fresh(&app.state.storage, &app.state.passwords).await.expect("is a training shop")
}

async fn number(app: &TestApp, sql: &'static str) -> i64 {
    app.state.storage.read(move |tx| tx.number(sql, &[])).await.expect("counts")
}

async fn sign_in(app: &TestApp, account: DemoAccount) -> String {
    let fields = [("username", account.username), ("password", account.password)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    answer.location().to_owned()
}

#[tokio::test]
async fn the_login_page_shows_the_accounts_and_both_come_in() {
    let (app, _) = open(ResetEvery::DAILY).await;
    let login = app.get("/login").await.ok();
    for account in ACCOUNTS {
        assert!(login.contains(account.username) && login.contains(account.password) && login.contains(account.sees));
        let visitor = app.another_browser();
        assert_eq!(sign_in(&visitor, account).await, account.role.home());
        assert!(visitor.get(account.role.home()).await.ok().contains(account.username));
    }
    let [_, team] = ACCOUNTS;
    let visitor = app.another_browser();
    sign_in(&visitor, team).await;
    assert_eq!(visitor.get("/orders").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_page_says_that_it_is_for_training() {
    let (app, _) = open(ResetEvery::DAILY).await;
    let words = format!("{WORDS} 내일 10:00에 처음으로 돌아가요.");
    assert!(app.get("/login").await.ok().contains(&words));
    sign_in(&app, ACCOUNTS[0]).await;
    for path in ["/orders", "/uploads", "/deliveries", "/products", "/account"] {
        assert!(app.get(path).await.ok().contains(&words), "{path}");
    }
    let lost = app.get("/nowhere").await;
    assert!(lost.status == StatusCode::NOT_FOUND && lost.text.contains(&words), "{}", lost.text);
}

#[tokio::test]
async fn a_real_shop_shows_nothing_of_it() {
    let app = TestApp::as_admin().await;
    assert!(!app.get("/orders").await.ok().contains("class=\"banner\""));
    assert!(!app.another_browser().get("/login").await.ok().contains("demo-admin"));
}

#[tokio::test]
async fn when_its_time_comes_the_shop_is_as_it_was_and_everybody_signed_out() {
    let (app, demo) = open(ResetEvery::DAILY).await;
    sign_in(&app, ACCOUNTS[0]).await;
    let untouched = number(&app, "SELECT sum(price) FROM orders").await;
    let oldest = number(&app, "SELECT min(placed_at) FROM orders").await;
    app.add_member("trainee", Role::Admin).await;
    let changed = app.state.storage.write(|tx| tx.exec("UPDATE orders SET price = price + 1", &[])).await;
    assert_eq!(changed.expect("changes"), ORDERS);

    app.clock.advance_ms(24 * HOUR_MS - 1);
    assert!(!keep_fresh(&app, &demo).await, "not yet");
    app.clock.advance_ms(1);
    assert!(app.get("/nowhere").await.text.contains("곧 처음으로 돌아가요."));
    assert!(keep_fresh(&app, &demo).await);
    assert!(!keep_fresh(&app, &demo).await, "once");

    assert_eq!(number(&app, "SELECT count(*) FROM orders").await, 60);
    assert_eq!(number(&app, "SELECT sum(price) FROM orders").await, untouched);
    assert_eq!(number(&app, "SELECT min(placed_at) FROM orders").await, oldest + 24 * HOUR_MS, "the dates move along");
    assert_eq!(number(&app, "SELECT count(*) FROM members").await, 2);
    assert_eq!(app.get("/account").await.location(), "/login?next=%2Faccount", "signed out");
    sign_in(&app, ACCOUNTS[0]).await;
}

#[tokio::test]
async fn with_never_it_stays_but_not_when_another_number_of_orders_is_wanted() {
    let (app, demo) = open(ResetEvery::NEVER).await;
    app.clock.advance_ms(5 * 366 * 24 * HOUR_MS);
    assert!(!keep_fresh(&app, &demo).await);
    assert_eq!(demo.banner(app.state.now()), WORDS);
    let larger = Demo::new(Plan { orders: 70, reset_every: ResetEvery::NEVER, is_public: false });
    assert!(keep_fresh(&app, &larger).await);
    assert_eq!(number(&app, "SELECT count(*) FROM orders").await, 70);
}

#[tokio::test]
async fn a_shop_that_was_not_made_here_is_never_emptied() {
    let app = TestApp::as_admin().await;
    let demo = Demo::new(Plan { orders: 1, reset_every: ResetEvery::DAILY, is_public: false });
    let refused = demo.keep_fresh(&app.state.storage, &app.state.passwords).await;
    assert!(matches!(refused, Err(DemoError::NotOurs)));
    assert_eq!(number(&app, "SELECT count(*) FROM members").await, 1);
}

#[tokio::test]
async fn nobody_takes_the_shared_password_from_the_others() {
    let (app, _) = open(ResetEvery::DAILY).await;
    sign_in(&app, ACCOUNTS[0]).await;
    let fields = [("current", ACCOUNTS[0].password), ("password", "my-own-password"), ("again", "my-own-password")];
    let answer = app.post_form("/account", &fields).await;
    assert!(answer.status == StatusCode::UNPROCESSABLE_ENTITY && answer.text.contains("모두 함께 써서"));
    sign_in(&app.another_browser(), ACCOUNTS[0]).await;
}

#[tokio::test]
async fn every_table_is_emptied() {
    let (app, _) = open(ResetEvery::NEVER).await;
    let mut found = app.state.storage.read(|tx| tx.tables()).await.expect("reads");
    found.retain(|name| !["schema_versions", "writers", "leases"].contains(&name.as_str()));
    found.sort_unstable();
    let mut emptied: Vec<_> = schema::tables().collect();
    emptied.sort_unstable();
    assert_eq!(emptied, found);
}

#[test]
fn the_day_it_returns_is_named_as_people_do() {
    let demo = Demo::new(Plan { orders: 1, reset_every: "7d".parse().expect("a week"), is_public: false });
    let made_at = crate::web::testing::START;
    demo.made_at.store(made_at.0, Ordering::Relaxed);
    let said = |hours| demo.returns(made_at.plus_ms(hours * HOUR_MS)).expect("some day");
    assert_eq!(said(0), "2024-03-22 (금) 10:00에 처음으로 돌아가요.");
    assert_eq!(said(6 * 24), "내일 10:00에 처음으로 돌아가요.");
    assert_eq!(said(6 * 24 + 14), "오늘 10:00에 처음으로 돌아가요.");
    assert_eq!(said(7 * 24), "곧 처음으로 돌아가요.");
}
