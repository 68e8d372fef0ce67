//! Visitors of a public training shop, each in a shop of their own.

use reqwest::StatusCode;

use super::pace::{A_MINUTE, MINUTE_MS};
use super::*;
use crate::demo::{ACCOUNTS, DemoPlan, ResetSchedule};
use crate::web::testing::TestApp;

async fn open() -> (TestApp, OpenHouse) {
    let plan = DemoPlan { orders: 20, reset_every: ResetSchedule::DAILY, is_public: true };
    TestApp::open_house(plan).await
}

async fn sign_in(app: &TestApp) {
    let fields = [("username", ACCOUNTS[0].username), ("password", ACCOUNTS[0].password)];
    let answer = app.post_form_from("/login", "/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
}

fn folders(house: &OpenHouse) -> usize {
    let entries = std::fs::read_dir(&house.inner.folder).expect("a folder");
    entries.filter(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_dir())).count()
}

#[tokio::test]
async fn two_visitors_do_not_see_what_the_other_does() {
    let (one, house) = open().await;
    let other = one.another_browser();
    for visitor in [&one, &other] {
        sign_in(visitor).await;
        assert!(visitor.get("/orders").await.ok().contains("한 시간 동안 쓰지 않으면"));
    }
    let answer = one.post_form("/members", &[("username", "mine"), ("role", "logistics")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(one.get("/members").await.ok().contains("mine"));
    assert!(!other.get("/members").await.ok().contains("mine"));
    assert_eq!((lock(&house.inner.shops).len(), folders(&house)), (2, 2));

    // By the button one's own shop is as it was; the other's stays.
    one.clock.advance_ms(2 * MINUTE_MS);
    assert_eq!(one.post_form("/practice/reset", &[]).await.location(), "/login");
    sign_in(&one).await;
    assert!(!one.get("/members").await.ok().contains("mine"));
    other.get("/members").await.ok();
}

#[tokio::test]
async fn a_shop_that_nobody_uses_goes_with_its_folder_and_its_visitor_begins_anew() {
    let (app, house) = open().await;
    sign_in(&app).await;
    app.clock.advance_ms(IDLE_MS - 1);
    app.get("/orders").await.ok();
    app.clock.advance_ms(IDLE_MS - 1);
    house.forget_idle();
    assert_eq!(folders(&house), 1, "it was used in between");
    app.clock.advance_ms(1);
    house.forget_idle();
    assert_eq!(folders(&house), 0);
    let late = app.post_bare("/orders", &[("csrf", "x")]).await;
    assert_eq!((late.status, late.location()), (StatusCode::SEE_OTHER, "/login"));
    assert_eq!(folders(&house), 0, "nothing is made for what can only fail");
    sign_in(&app).await;
    assert_eq!(folders(&house), 1);
}

#[tokio::test]
async fn a_shop_whose_visitor_pauses_rests_and_goes_on() {
    let (app, house) = open().await;
    sign_in(&app).await;
    app.clock.advance_ms(PAUSE_MS);
    house.rest_paused().await;
    assert!(app.get("/orders").await.ok().contains("한 시간 동안 쓰지 않으면"));
}

#[tokio::test]
async fn there_are_no_more_shops_than_there_is_room_for() {
    let (first, house) = open().await;
    let from = |visitor: &TestApp, address: u8| {
        visitor.browser.get(visitor.url("/login")).header("x-forwarded-for", format!("192.0.2.{address}"))
    };
    let mut visitors = vec![];
    for place in 0..MOST {
        let visitor = first.another_browser();
        let address = u8::try_from(place / MOST_OF_A_HOUSEHOLD).expect("few");
        assert_eq!(visitor.send(from(&visitor, address)).await.status, StatusCode::OK);
        first.clock.advance_ms(1_000);
        visitors.push(visitor);
    }
    let late = first.another_browser();
    let answer = late.send(from(&late, 100)).await;
    assert!(
        answer.status == StatusCode::SERVICE_UNAVAILABLE && answer.text.contains("자리가 없어요"),
        "{}",
        answer.text
    );
    assert!(answer.header("set-cookie").is_empty());

    // Of a household that wants another, the shop goes that has rested longest.
    let same = first.another_browser();
    assert_eq!(same.send(from(&same, 0)).await.status, StatusCode::OK);
    assert_eq!(lock(&house.inner.shops).len(), MOST);
    let answer = visitors[1].send(from(&visitors[1], 0)).await;
    assert!(!answer.header("set-cookie").contains(COOKIE), "the younger one is there still");

    first.clock.advance_ms(RESTING_MS);
    assert_eq!(late.send(from(&late, 100)).await.status, StatusCode::OK);
    assert_eq!((lock(&house.inner.shops).len(), folders(&house)), (MOST, MOST));
}

#[tokio::test]
async fn who_asks_too_often_waits_for_the_next_minute_and_stays_signed_in() {
    let (app, _) = open().await;
    sign_in(&app).await;
    let mut last = app.get("/deliveries").await;
    for _ in 0..A_MINUTE {
        last = app.get("/deliveries").await;
    }
    assert!(last.status == StatusCode::TOO_MANY_REQUESTS && last.text.contains("1분 뒤에"), "{}", last.text);
    assert!(last.header("set-cookie").is_empty());
    assert_eq!(app.get("/health/live").await.status, StatusCode::OK);
    app.clock.advance_ms(MINUTE_MS);
    assert_eq!(app.get("/deliveries").await.status, StatusCode::OK);
}
