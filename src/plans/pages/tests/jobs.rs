//! The pages of jobs beside deliveries (일감), and what other pages show of them.

use super::*;
use crate::id::{DeliveryId, OrderId};

/// A delivery of two orders, and its orders.
async fn bundle(app: &TestApp) -> (DeliveryId, Vec<OrderId>) {
    let read = app.state.storage.read(|tx| {
        let sql = "SELECT delivery_id FROM orders WHERE delivery_id IN (SELECT id FROM deliveries WHERE state = 0) \
                   GROUP BY delivery_id HAVING count(*) > 1 ORDER BY delivery_id LIMIT 1";
        let id = DeliveryId::from_raw(tx.scalar(sql, &[])?);
        let rows = tx.query("SELECT id FROM orders WHERE delivery_id = ? ORDER BY id", &[id.into()])?;
        Ok::<_, StorageError>((id, rows.iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>, _>>()?))
    });
    read.await.expect("a bundle")
}

/// A location without its query.
fn path(location: &str) -> &str {
    location.split('?').next().unwrap_or_default()
}

async fn set_claim(app: &TestApp, order_id: OrderId, claim: &'static str) {
    let write = app.state.storage.write(move |tx| {
        let sql = "UPDATE orders SET claim = ?, state = 3, shipped_at = 1, shipping_method = 'DIRECT' WHERE id = ?";
        tx.exec(sql, &[claim.into(), order_id.into()])
    });
    write.await.expect("writes");
}

#[tokio::test]
async fn claim_becomes_a_job_with_one_click() {
    let app = dispatcher().await;
    let admin = app.another_browser();
    admin.sign_in_admin().await;
    let (id, orders) = bundle(&app).await;
    set_claim(&app, orders[0], "반품요청").await;
    let (delivery, order) = (id.to_string(), orders[0].to_string());
    for page in [app.get(&format!("/deliveries/{delivery}")).await, admin.get(&format!("/orders/{order}")).await] {
        assert!(page.ok().contains("회수 일감 만들기"));
    }
    let fields = [("act", "claim"), ("delivery", &*delivery), ("kind", "collect"), ("order", &*order)];
    let made = app.post_form("/plans/jobs/new", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.text);
    let job = path(made.location()).to_owned();
    let page = app.get(made.location()).await.ok();
    assert!(page.contains("일감을 만들었어요: 회수") && page.contains("할 일") && page.contains("일감 취소"), "{page}");
    let note = [("kind", "collect"), ("goods", "침대"), ("pieces", "1"), ("note", "환불 국민 123456-78-901234")];
    let secret = app.post_form(&job, &note).await;
    assert!(secret.status == StatusCode::UNPROCESSABLE_ENTITY && secret.text.contains("계좌번호가 들어 있어요"));
    let (sql, here) = ("SELECT count(*) FROM access_records WHERE action = 'edit' AND page = ?", job.clone());
    let edits = app.state.storage.read(move |tx| tx.scalar(sql, &[here.as_str().into()])).await;
    assert_eq!(edits.expect("reads"), 1, "the job as it was made");
    let again = app.post_form("/plans/jobs/new", &fields).await;
    assert!(app.get(again.location()).await.ok().contains("이 주문을 가져오는 일감이 이미 있어요"));
    for page in [app.get(&format!("/deliveries/{delivery}")).await, admin.get(&format!("/orders/{order}")).await] {
        assert!(!page.ok().contains("회수 일감 만들기"), "it is made");
    }
    assert!(app.get(&format!("/deliveries/{delivery}")).await.ok().contains(&*format!("href=\"{job}\"")));

    let board = app.get(BOARD).await.ok();
    let key = job.rsplit('/').next().expect("a key");
    let card = board.split("data-card=\"").find(|rest| rest.starts_with(key)).expect("a card");
    assert!(card.contains("회수</span>") && card.contains("날짜 없음"), "{card}");
    let column = value_after(&board, "<option value=\"").to_owned();
    let planned = press(&app, &board, &[("act", "move"), ("to", &column), ("tick", key)]).await;
    let tour = format!("/plans/tours/{}", value_after(&planned, "href=\"/plans/tours/"));
    let page = app.get(&tour).await.ok();
    assert!(page.contains("회수</span>") && page.contains(&format!("id={key}")), "{page}");
    assert!(app.get(&format!("{tour}/loading")).await.ok().contains("모두 0개"), "nothing is loaded");
    let slip = app.get(&format!("/deliveries/slips?id={key}")).await.ok();
    assert!(slip.contains("회수 전표") && slip.contains("[회수]"), "{slip}");
    let printed = app.post_form("/deliveries/slips", &[("id", key)]).await;
    assert!(printed.location().contains(key) && app.get(printed.location()).await.ok().contains("회수 전표"));
}

#[tokio::test]
async fn job_is_made_by_hand_changed_cancelled_and_opened_again() {
    let app = dispatcher().await;
    let (id, orders) = bundle(&app).await;
    let number = app
        .state
        .storage
        .read(move |tx| {
            tx.query_one("SELECT bundle_number FROM deliveries WHERE id = ?", &[id.into()])?.expect("a row").text(0)
        })
        .await
        .expect("reads");
    assert!(app.get("/plans/jobs/new").await.ok().contains("묶음배송번호나 상품주문번호"));
    assert!(app.get("/plans/jobs/new?number=없는번호").await.ok().contains("그런 번호의 배송이 없어요"));
    assert!(app.get(&format!("/plans/jobs/new?number={number}")).await.ok().contains("무슨 일"));
    let (delivery, order) = (id.to_string(), orders[0].to_string());
    let wrong =
        app.post_form("/plans/jobs/new", &[("delivery", &*delivery), ("kind", "collect"), ("act", "save")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.text.contains("무엇을 가져오거나") && wrong.text.contains("회수할 수량을"), "{}", wrong.text);
    let swap = [("delivery", &*delivery), ("kind", "swap"), ("goods", "헌 침대"), ("pieces", "1"), ("act", "save")];
    assert!(app.post_form("/plans/jobs/new", &swap).await.text.contains("주문을 선택해 주세요"));
    let fields = [
        ("delivery", &*delivery),
        ("kind", "service"),
        ("order", &*order),
        ("goods", "서랍 레일 교체"),
        ("note", "3층"),
        ("day", "2024-03-16"),
        ("minutes", "40"),
        ("crew", "1"),
        ("act", "save"),
    ];
    let made = app.post_form("/plans/jobs/new", &fields).await;
    let job = path(made.location()).to_owned();
    let page = app.get(&job).await.ok();
    assert!(page.contains("A/S</span>") && page.contains("서랍 레일 교체") && page.contains("3층"), "{page}");
    let changed = [("goods", "서랍 교체"), ("note", "2층"), ("minutes", "50"), ("version", "0"), ("act", "save")];
    assert_eq!(app.post_form(&job, &changed).await.status, StatusCode::SEE_OTHER);
    let stale = app.post_form(&job, &changed).await;
    assert!(stale.status == StatusCode::UNPROCESSABLE_ENTITY && stale.text.contains("그 사이 다른 사람이"));
    let cancelled = app.post_form(&job, &[("act", "cancel")]).await;
    let page = app.get(cancelled.location()).await.ok();
    assert!(page.contains("일감을 취소했어요: A/S") && page.contains("다시 열기") && page.contains("서랍 교체"));
    assert!(!app.get(BOARD).await.ok().contains("서랍 교체"));
    assert!(
        app.get(app.post_form(&job, &[("act", "reopen")]).await.location()).await.ok().contains("일감을 다시 열었어요")
    );
}

#[tokio::test]
async fn divided_delivery_names_on_both_slips_what_comes_when() {
    let app = dispatcher().await;
    let (id, orders) = bundle(&app).await;
    let delivery = id.to_string();
    let page = app.get(&format!("/plans/jobs/{delivery}")).await.ok();
    assert!(page.contains("나누어 배송"), "{page}");
    let order = orders[1].to_string();
    let fields =
        [("delivery", &*delivery), ("kind", "deliver"), ("order", &*order), ("day", "2024-03-18"), ("act", "save")];
    let part = app.post_form("/plans/jobs/new", &fields).await;
    let page = app.get(part.location()).await.ok();
    assert!(page.contains("나눈 배송") && page.contains("나누기 취소"), "{page}");
    let key = path(part.location()).rsplit('/').next().expect("a key").to_owned();
    let slips = app.get(&format!("/deliveries/slips?id={delivery}&id={key}")).await.ok();
    assert_eq!(slips.matches("다른 날 배송:").count(), 2, "{slips}");
    assert!(slips.contains(" 03-18 (월)"), "{slips}");
    assert!(app.get(BOARD).await.ok().contains("나눔</span>"));
    let all: Vec<String> = orders.iter().map(ToString::to_string).collect();
    let mut fields: Vec<(&str, &str)> =
        vec![("delivery", &*delivery), ("kind", "deliver"), ("day", "2024-03-18"), ("act", "save")];
    fields.extend(all.iter().map(|id| ("order", id.as_str())));
    let refused = app.post_form("/plans/jobs/new", &fields).await;
    assert!(app.get(refused.location()).await.ok().contains("이미 배송했거나 나눈 주문"));
}
