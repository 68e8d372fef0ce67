//! The dates of an order over HTTP.

use reqwest::StatusCode;

use crate::id::OrderId;
use crate::members::model::Role;
use crate::storage::Tx;
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A shop whose first order was paid at the start, is in 주문 and has no agreed day; the others are delivered.
async fn shop() -> (TestApp, OrderId) {
    let app = TestApp::as_admin().await;
    let upload = upload_fixture(&app, ORDERS_FILE).await;
    app.post_form(&format!("{upload}/apply"), &[]).await;
    let set = |tx: &mut dyn Tx| {
        let (now, id) = (tx.now(), OrderId::from_raw(tx.scalar("SELECT min(id) FROM orders", &[])?));
        tx.exec("UPDATE orders SET state = 3, shipped_at = ?", &[now.into()])?;
        let sql = "UPDATE orders SET state = 0, shipped_at = NULL, purchased_at = NULL, dispatched_at = NULL, \
                   preferred_shipping_date = NULL, claim = '', placed_at = ? WHERE id = ?";
        tx.exec(sql, &[now.into(), id.into()])?;
        Ok::<_, crate::storage::StorageError>(id)
    };
    let id = app.state.storage.write(set).await.expect("writes");
    (app, id)
}

#[tokio::test]
async fn late_order_is_listed_until_the_buyer_is_told() {
    let (app, id) = shop().await;
    let path = format!("/consumer/orders/{id}");
    assert!(app.get("/consumer").await.ok().contains("알리지 않은 주문이 없어요"));
    assert!(app.get(&path).await.ok().contains("2024-03-20 (수)까지"), "Friday and three business days");
    app.clock.advance_ms(6 * DAY_MS);
    app.sign_in_admin().await;
    assert!(app.get("/consumer").await.ok().contains(&path));
    assert!(app.get("/").await.ok().contains("href=\"/consumer\""));
    assert!(app.get("/access/law").await.ok().contains("알리지 않은 주문이 1건"));
    let refused = app.post_form(&format!("{path}/notices"), &[("reason", ""), ("way", "message")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.text.contains("왜 늦는지"));
    let past = [("reason", "원목이 늦어요."), ("way", "message"), ("new_day", "2024-03-01")];
    assert!(app.post_form(&format!("{path}/notices"), &past).await.text.contains("이미 지났어요"));
    let told = [("reason", "원목이 늦어요."), ("way", "message"), ("new_day", "2024-03-29")];
    app.post_form(&format!("{path}/notices"), &told).await;
    let shown = app.get(&path).await.ok();
    assert!(
        shown.contains("원목이 늦어요. 2024-03-29 (금)까지") && shown.contains("지연을 알리며 약속한 날"),
        "{shown}"
    );
    assert!(app.get("/consumer").await.ok().contains("알리지 않은 주문이 없어요"));
    app.clock.advance_ms(9 * DAY_MS);
    app.sign_in_admin().await;
    assert!(app.get("/consumer").await.ok().contains(&path), "the new day is over too");
}

/// A day that nobody knows yet has to be told some day.
#[tokio::test]
async fn notice_without_a_new_day_holds_for_three_business_days() {
    let (app, id) = shop().await;
    let path = format!("/consumer/orders/{id}");
    app.clock.advance_ms(6 * DAY_MS); // Thursday
    app.sign_in_admin().await;
    app.post_form(&format!("{path}/notices"), &[("reason", "원목이 늦어요."), ("way", "message")]).await;
    for (days, is_late) in [(5, false), (1, true)] {
        app.clock.advance_ms(days * DAY_MS);
        app.sign_in_admin().await;
        assert_eq!(app.get("/consumer").await.ok().contains(&path), is_late, "{days}");
    }
}

#[tokio::test]
async fn consent_after_the_work_began_restricts_nothing() {
    let (app, id) = shop().await;
    let begin = move |tx: &mut dyn Tx| {
        let at = tx.now().plus_ms(-2 * DAY_MS);
        tx.exec("UPDATE orders SET state = 1, purchased_at = ? WHERE id = ?", &[at.into(), id.into()])
    };
    app.state.storage.write(begin).await.expect("writes");
    let path = format!("/consumer/orders/{id}");
    let consent = |day: &'static str| [("given_on", day), ("way", "paper"), ("proof", "계약서 12번")];
    let late = app.post_form(&format!("{path}/consent"), &consent("2024-03-14")).await;
    assert!(late.text.contains("다음에 받은 동의로는"), "{}", late.text);
    assert_eq!(app.post_form(&format!("{path}/consent"), &consent("2024-03-13")).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_is_recorded_has_no_number_that_must_not_be_stored_and_is_an_edit() {
    let (app, id) = shop().await;
    let path = format!("/consumer/orders/{id}");
    let notice = |reason: &'static str| [("reason", reason), ("way", "message")];
    let consent = |proof: &'static str| [("given_on", "2024-03-14"), ("way", "paper"), ("proof", proof)];
    for refused in [
        app.post_form(&format!("{path}/notices"), &notice("900101-1234567 님 것이 늦어요.")).await,
        app.post_form(&format!("{path}/consent"), &consent("계약서, 국민 123456-78-901234")).await,
    ] {
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text.contains("지우고 다시 저장해 주세요"), "{}", refused.text);
    }
    app.post_form(&format!("{path}/notices"), &notice("원목이 늦어요.")).await;
    app.post_form(&format!("{path}/consent"), &consent("계약서 12번")).await;
    let sql = "SELECT count(*) FROM access_records WHERE action = 'edit' AND page = ? AND first_order_id = ?";
    let count = app.state.storage.read(move |tx| tx.scalar(sql, &[path.as_str().into(), id.into()])).await;
    assert_eq!(count.expect("reads"), 2);
}

#[tokio::test]
async fn withdrawal_is_restricted_only_with_a_recorded_consent() {
    let (app, id) = shop().await;
    let path = format!("/consumer/orders/{id}");
    assert!(app.get(&path).await.ok().contains("서면 동의를 받지 않았으면 제한할 수 없어요"));
    let without = [("given_on", "2024-03-14"), ("way", "paper"), ("proof", " ")];
    let refused = app.post_form(&format!("{path}/consent"), &without).await;
    assert!(refused.text.contains("없으면 청약철회를 제한할 수 없어요"), "{}", refused.text);
    let consent = [("given_on", "2024-03-14"), ("way", "paper"), ("proof", "계약서 12번")];
    app.post_form(&format!("{path}/consent"), &consent).await;
    assert!(app.get(&path).await.ok().contains("증거: 계약서 12번"));
    let again = app
        .post_form(&format!("{path}/consent"), &[("given_on", "2024-03-15"), ("way", "paper"), ("proof", "다른 것")])
        .await;
    assert!(app.get(again.location()).await.ok().contains("바꿀 수 없어요"));
}

#[tokio::test]
async fn cost_of_a_cancellation_is_shown_with_its_basis() {
    let (app, id) = shop().await;
    let path = format!("/consumer/orders/{id}");
    let asked = "price=1000000&paid=1000000&cancelled_on=2024-03-18&delivery_on=2024-03-20&fault=buyer";
    let shown = app.get(&format!("{path}?{asked}")).await.ok();
    assert!(shown.contains("위약금 100,000원, 돌려줄 돈 900,000원") && shown.contains("배달 2일 전 해약"), "{shown}");
    let late = app.get(&format!("{path}?price=365000&returned_on=2024-03-15&refunded_on=2024-03-30")).await.ok();
    assert!(late.contains("지연이자 1,500원"), "{late}");
    let support = app.another_browser();
    support.sign_in_as(Role::Viewer).await;
    let shown = support.get(&path).await.ok();
    assert!(!shown.contains("알렸어요</button>"), "a viewer records nothing: {shown}");
}
