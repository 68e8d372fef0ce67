//! The pages about one person and about destruction.

mod breaches;
mod requests;

use reqwest::StatusCode;

use crate::access::list::{self, AccessFilter};
use crate::access::{AccessAction, AccessedOrders};
use crate::id::OrderId;
use crate::storage::{StorageError, Tx};
use crate::uploads::pages::tests::{ORDERS_FILE, upload_fixture};
use crate::web::testing::TestApp;

/// A shop in which the first order is of 홍길동, the second of his wife at the same number, and the third of a namesake.
async fn shop() -> (TestApp, Vec<OrderId>) {
    let app = TestApp::as_admin().await;
    let upload = upload_fixture(&app, ORDERS_FILE).await;
    app.post_form(&format!("{upload}/apply"), &[]).await;
    let read = |tx: &mut dyn Tx| {
        let rows = tx.query("SELECT id FROM orders ORDER BY id LIMIT 4", &[])?;
        rows.iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>, StorageError>>()
    };
    let ids = app.state.storage.read(read).await.expect("reads");
    for (id, name, tel) in
        [(ids[0], "홍길동", "010-7777-1111"), (ids[1], "김부인", "010-7777-1111"), (ids[2], "홍길동", "010-9999-2222")]
    {
        let change = move |tx: &mut dyn Tx| {
            let before = crate::orders::store::find(tx, &[id])?.remove(0);
            crate::orders::testing::edit(tx, &before, |order| {
                (order.customer.name, order.customer.tel) = (name.to_owned(), tel.to_owned());
                (order.recipient.name, order.recipient.tel1) = (name.to_owned(), tel.to_owned());
            })
        };
        app.state.storage.write(change).await.expect("edits");
    }
    (app, ids)
}

#[tokio::test]
async fn person_is_found_by_number_with_similar_people() {
    let (app, ids) = shop().await;
    let found = app.get("/privacy/people?q=77771111").await.ok();
    assert!(found.contains("홍길동") && found.contains("김부인") && !found.contains("9999"), "{found}");
    let shown = app.get(&format!("/privacy/people/{}?role=customer", ids[0])).await.ok();
    assert!(
        shown.contains("전화번호가 같고 이름이 달라요") && shown.contains("이름이 같고 전화번호가 달라요"),
        "{shown}"
    );
    assert!(shown.contains("주문 1건") && shown.contains("계약과 공급의 기록"), "{shown}");
    // Nothing of the others' orders is shown.
    let number = |id: OrderId| {
        let storage = app.state.storage.clone();
        async move {
            let read = move |tx: &mut dyn Tx| Ok::<_, StorageError>(crate::orders::store::find(tx, &[id])?.remove(0));
            storage.read(read).await.expect("reads").order_number
        }
    };
    assert!(shown.contains(&number(ids[0]).await) && !shown.contains(&number(ids[1]).await));
}

#[tokio::test]
async fn record_is_downloaded_with_a_reason_which_is_recorded() {
    let (app, ids) = shop().await;
    let path = format!("/privacy/people/{}", ids[0]);
    let refused = app.post_form(&path, &[("role", "customer"), ("note", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let file =
        app.post_form(&path, &[("role", "customer"), ("note", "본인이 전화로 요구함"), ("format", "json")]).await;
    assert!(file.header("content-disposition").starts_with("attachment"), "{:?}", file.headers);
    let json: serde_json::Value = serde_json::from_str(&file.ok()).expect("JSON");
    assert_eq!(json["person"]["name"], "홍길동");
    let orders = json["orders"].as_array().expect("orders");
    assert_eq!(orders.len(), 1);
    assert_eq!(orders[0]["order"]["customer_tel"], "010-7777-1111");
    assert!(orders[0]["log"].as_array().is_some_and(|log| !log.is_empty()), "{json}");
    app.state.access.flush().await.expect("writes");
    let recorded = app.state.storage.read(|tx| {
        let mut found: Vec<AccessedOrders> = Vec::new();
        let filter = AccessFilter { action: Some(AccessAction::Downloaded), ..AccessFilter::default() };
        list::for_each(tx, &filter, &mut |record, _| {
            assert!(record.access.query.contains("본인이 전화로 요구함"), "{}", record.access.query);
            found.push(record.access.orders.clone());
            Ok(())
        })?;
        Ok::<_, StorageError>(found)
    });
    let recorded = recorded.await.expect("reads");
    assert!(recorded.len() == 1 && recorded[0].lists(ids[0]), "{recorded:?}");
}

#[tokio::test]
async fn record_has_what_was_promised_told_agreed_and_noted() {
    let (app, ids) = shop().await;
    let id = ids[0];
    let add = move |tx: &mut dyn Tx| {
        let delivery = crate::orders::store::find(tx, &[id])?.remove(0).delivery_id;
        tx.exec("UPDATE deliveries SET memo = '개가 있어요' WHERE id = ?", &[delivery.into()])?;
        for sql in [
            "INSERT INTO promises (id, delivery_id, day, channel, basis, promised_by, promised_at) \
             SELECT 1, delivery_id, '2024-03-29', 'phone', '{}', 1, 0 FROM orders WHERE id = ?",
            "INSERT INTO delay_notices (id, order_id, reason, way, text, sent_at, member_id) \
             VALUES (1, ?, '원목', 'message', '원목이 늦어요', 0, 1)",
            "INSERT INTO withdrawal_consents (order_id, given_on, way, proof, recorded_at, member_id) \
             VALUES (?, '2024-03-14', 'paper', '계약서 12번', 0, 1)",
        ] {
            tx.exec(sql, &[id.into()])?;
        }
        Ok::<_, StorageError>(())
    };
    app.state.storage.write(add).await.expect("writes");
    let path = format!("/privacy/people/{id}");
    let page = app.get(&format!("{path}?role=customer")).await.ok();
    let form = [("role", "customer"), ("note", "본인이 요구함"), ("format", "json")];
    let json = app.post_form(&path, &form).await.ok();
    for text in ["개가 있어요", "2024-03-29", "원목이 늦어요", "계약서 12번"] {
        assert!(page.contains(text) && json.contains(text), "{text}: {json}");
    }
}

#[tokio::test]
async fn due_orders_are_previewed_and_the_certificate_is_shown() {
    let (app, _) = shop().await;
    let page = app.get("/privacy/destructions").await.ok();
    assert!(page.contains("아직 파기한 것이 없어요") && page.contains("없어요</dd>"), "{page}");
    app.clock.advance_ms(6 * 366 * 24 * 60 * 60 * 1000);
    app.sign_in_admin().await;
    let page = app.get("/privacy/destructions").await.ok();
    assert!(page.contains("한 시간 안에 파기해요"), "{page}");
    let law = app.get("/access/law").await.ok();
    assert!(law.contains("일이 넘은 주문이"), "{law}");
    let keep = crate::privacy::RetentionYears::new(5);
    let destroyed =
        crate::privacy::destroy_due(&app.state.storage, keep, &crate::proofs::destroy::ProofRetention::none())
            .await
            .expect("destroys");
    assert!(destroyed.orders > 0);
    let page = app.get("/privacy/destructions").await.ok();
    let href = page.split("href=\"").find(|rest| rest.starts_with("/privacy/destructions/")).expect("a certificate");
    let certificate = app.get(href.split('"').next().expect("an end")).await.ok();
    assert!(certificate.contains("개인정보 파기 확인서") && certificate.contains("덮어썼어요"), "{certificate}");
    // The file has open claims, which somebody has to settle before.
    assert!(app.get("/access/law").await.ok().contains("클레임이나 일감, 확인할 값이 남아 있는 주문이"));
    let settle = |tx: &mut dyn Tx| {
        let rows = tx.query("SELECT order_id FROM open_claims", &[])?;
        let ids: Vec<OrderId> = rows.iter().map(|row| row.id(0)).collect::<Result<_, _>>()?;
        for order in crate::orders::store::find(tx, &ids)? {
            crate::orders::testing::edit(tx, &order, |order| order.claim.clear())?;
        }
        Ok::<_, StorageError>(())
    };
    app.state.storage.write(settle).await.expect("writes");
    let photos = crate::proofs::destroy::ProofRetention::none();
    assert!(crate::privacy::destroy_due(&app.state.storage, keep, &photos).await.expect("destroys").orders > 0);
    assert!(app.get("/access/law").await.ok().contains("5년이 지난 주문이 남아 있지 않아요"));
}
