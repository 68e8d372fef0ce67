//! A database that lacks the answers of its list: an older moment that was restored, on both engines.

use super::*;
use crate::id::{OrderId, PersonRequestId};
use crate::privacy::answered::{AnsweredRequest, AnsweredRequests, synchronize};
use crate::privacy::person::PersonRole;
use crate::privacy::request::{RequestAnswer, RequestKind};
use crate::privacy::store::requests;
use crate::time::Moment;

/// A shop with three orders that have ended and have memos.
fn ended() -> (Shop, [OrderId; 3]) {
    let shop = Shop::open();
    let ids = shop.write(|tx, files| {
        let placed_at = tx.now();
        let orders = (1..=3).map(|number| NewOrder { placed_at, ..marked_order(number) });
        files.order(tx, "SMART_STORE", orders.collect())?;
        let mut ids = Vec::new();
        for row in tx.query("SELECT id FROM orders ORDER BY order_number", &[])? {
            let id = row.id(0)?;
            let (order, now) = (store::find(tx, &[id])?.remove(0), tx.now());
            edit(tx, &order, |order| order.set_state(OrderState::Shipped, now))?;
            ids.push(id);
        }
        Ok(ids)
    });
    (shop, ids.expect("orders").try_into().expect("three"))
}

fn answered(shop: &Shop, id: i64, kind: RequestKind, order: OrderId, days_ago: i64) -> AnsweredRequest {
    let at = shop.storage.clock().now().plus_ms(-days_ago * DAY_MS);
    let (answer, role) = (RequestAnswer::InPart, PersonRole::Customer);
    let id = PersonRequestId::from_raw(id);
    let (received_on, order_id) = (Moment::start_of(at.date()), order);
    // An order that the restored moment lacks stays in the list.
    AnsweredRequest {
        id,
        kind,
        answer,
        order_id,
        role,
        received_on,
        answered_at: at,
        orders: vec![OrderId::from_raw(7), order],
    }
}

#[test]
fn answers_that_the_database_lacks_are_recorded_and_carried_out_again() {
    let (shop, ids) = ended();
    let file = shop.folder.path().join("shop.requests");
    let list: AnsweredRequests = [
        answered(&shop, 11, RequestKind::Delete, ids[0], 2),
        answered(&shop, 12, RequestKind::Restrict, ids[1], 1),
        answered(&shop, 13, RequestKind::Correct, ids[2], 1),
        answered(&shop, 14, RequestKind::Delete, ids[2], 3 * 366 + 1),
    ]
    .into_iter()
    .collect();
    let expired = list.clone().kept(shop.storage.clock().now());
    assert_eq!(expired.iter().count(), 3, "an answer is kept for three years");
    expired.save(&file).expect("writes");
    for _ in 0..2 {
        shop.block_on(synchronize(&shop.storage, &file)).expect("works");
    }
    assert_eq!(AnsweredRequests::read(&file).expect("reads"), expired, "the list is as before");
    let delivery = "SELECT count(*) FROM restrictions r JOIN orders o ON o.delivery_id = r.delivery_id WHERE o.id = ?";
    shop.write(move |tx, _| {
        for (id, is_stopped) in ids.into_iter().zip([1, 1, 0]) {
            assert_eq!(tx.scalar(delivery, &[id.into()])?, is_stopped, "{id:?}");
        }
        let now = tx.now();
        for (id, days_ago) in [(11, 2), (12, 1)] {
            let (answer, _, at, _) = requests::find(tx, PersonRequestId::from_raw(id))?
                .and_then(|request| request.answer)
                .expect("an answer");
            assert_eq!((answer, at), (RequestAnswer::InPart, now.plus_ms(-days_ago * DAY_MS)));
        }
        let corrected = requests::find(tx, PersonRequestId::from_raw(13))?.expect("a demand");
        assert!(corrected.answer.is_none() && corrected.demand.contains("다시 정정하세요"), "{corrected:?}");
        // Who lifts the stop is not stopped by another restore.
        assert_eq!(requests::lift(tx, crate::audit::Actor::Program, PersonRequestId::from_raw(12))?, 1);
        Ok(())
    })
    .expect("reads");
    shop.block_on(synchronize(&shop.storage, &file)).expect("works");
    let listed = AnsweredRequests::read(&file).expect("reads");
    let repeated: Vec<PersonRequestId> =
        listed.iter().filter(|request| request.is_repeated()).map(|request| request.id).collect();
    assert_eq!(repeated, [PersonRequestId::from_raw(11)]);
}
