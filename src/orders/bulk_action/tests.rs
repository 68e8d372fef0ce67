//! Each kind of bulk action is undone exactly, also after other work.

use std::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::id::{AuditEntryId, MemberId, OrderId};
use crate::orders::filter::{OrderFilter, OrderQuery};
use crate::orders::list;
use crate::orders::model::ShippingMethod;
use crate::orders::testing::{DAY_MS, NOW, Shop, all_orders, edit, new_order};

const OFFICE: MemberActor = MemberActor { id: MemberId::from_raw(7), address: IpAddr::V4(Ipv4Addr::LOCALHOST) };

fn placed(tx: &mut dyn Tx, files: &crate::orders::testing::Files, count: u32) -> Result<Vec<Order>> {
    let orders = (1..=count).map(|number| new_order(&number.to_string())).collect();
    files.order(tx, "SMART_STORE", orders)?;
    all_orders(tx)
}

fn forward(tx: &mut dyn Tx, orders: &[Order], to: OrderState) -> Result<RecordedEvent> {
    Ok(advance(tx, OFFICE, orders.to_vec(), to, &[])?.recorded)
}

fn entry(recorded: &RecordedEvent) -> AuditEntryId {
    recorded.audit_entry_id.expect("recorded")
}

/// All but the version, which also counts undoing.
fn same(was: &[Order], is: &[Order]) {
    for (was, is) in was.iter().zip(is) {
        assert_eq!(Order { version: is.version, ..was.clone() }, *is);
    }
}

#[test]
fn undo_restores_states_moments_and_tracking_exactly() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let before = placed(tx, files, 4)?;
        let purchased = forward(tx, &before, OrderState::Purchased)?;
        let middle = all_orders(tx)?;
        let event =
            AuditEvent::OrdersEdited { changed: NumberList::default(), unchanged: NumberList::default(), rejected: 0 };
        let pairs: Vec<(Order, Order)> = middle
            .iter()
            .map(|order| {
                let mut after = order.clone();
                after.tracking_number = "1234567890".to_owned();
                after.admin_memo = "확인".to_owned();
                after.preferred_shipping_date = Some(NOW.date());
                after.set_state(OrderState::Confirmed, NOW);
                (order.clone(), after)
            })
            .collect();
        let edited = save(tx, OFFICE, Action::Edited, pairs, event)?;

        let early = undo(tx, OFFICE, entry(&purchased))?;
        assert!(early.event.sentence().contains("그 사이 바뀐 4건은 그대로 두었어요"), "{}", early.event.sentence());
        assert!(undo(tx, OFFICE, entry(&edited))?.event.sentence().contains("주문 4건을 되돌렸어요"));
        same(&middle, &all_orders(tx)?);
        assert!(undo(tx, OFFICE, entry(&purchased))?.event.sentence().contains("주문 4건을 되돌렸어요"));
        same(&before, &all_orders(tx)?);
        let again = undo(tx, OFFICE, entry(&purchased))?;
        assert_eq!((again.audit_entry_id, again.event.sentence().contains("이미 되돌렸거나")), (None, true));
        Ok(())
    })
    .expect("undoes");
}

#[test]
fn orders_changed_since_are_named_and_left() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let before = placed(tx, files, 3)?;
        let action = entry(&forward(tx, &before, OrderState::Purchased)?);
        let changed = all_orders(tx)?.remove(1);
        edit(tx, &changed, |order| order.purchase_memo = "급해요".to_owned())?;
        let sentence = undo(tx, OFFICE, action)?.event.sentence();
        assert_eq!(sentence, "주문 2건을 되돌렸어요: 1, 3. 그 사이 바뀐 1건은 그대로 두었어요: 2.");
        let states: Vec<OrderState> = all_orders(tx)?.iter().map(|order| order.state).collect();
        assert_eq!(states, [OrderState::Placed, OrderState::Purchased, OrderState::Placed]);
        Ok(())
    })
    .expect("undoes");
}

#[test]
fn action_of_another_day_is_listed_but_not_undone() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let before = placed(tx, files, 1)?;
        let action = entry(&forward(tx, &before, OrderState::Purchased)?);
        tx.exec("UPDATE bulk_actions SET acted_at = acted_at - ?", &[DAY_MS.into()])?;
        assert_eq!(undo(tx, OFFICE, action)?.audit_entry_id, None);
        assert_eq!(bulk_actions::newest(tx, 10)?.len(), 1);
        tx.exec("UPDATE bulk_actions SET acted_at = acted_at - ?", &[(7 * DAY_MS).into()])?;
        let orders = all_orders(tx)?;
        forward(tx, &orders, OrderState::Dispatched)?;
        assert_eq!(bulk_actions::by_id(tx, action)?, None, "deleted after its retention");
        assert_eq!(tx.scalar("SELECT count(*) FROM bulk_action_orders", &[])?, 1);
        Ok(())
    })
    .expect("reads");
}

#[test]
fn list_of_an_action_has_exactly_its_orders() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let before = placed(tx, files, 5)?;
        let action = entry(&forward(tx, &before[1..3], OrderState::Purchased)?);
        let filter = OrderFilter { action: Some(action), ..OrderFilter::default() };
        let found: Vec<OrderId> = list::all_ids(tx, &filter)?;
        assert_eq!(found, [before[2].id, before[1].id]);
        let of_state = OrderFilter { states: vec![OrderState::Placed], ..filter };
        assert_eq!(list::all_ids(tx, &of_state)?, [] as [OrderId; 0]);
        let query = OrderQuery { action: action.to_string(), ..OrderQuery::default() };
        assert_eq!(query.filter().action, Some(action));
        Ok(())
    })
    .expect("lists");
}

#[test]
fn skipped_steps_are_asked_about() {
    let order = |state| crate::orders::model::tests::order(state);
    let orders = [order(OrderState::Placed), order(OrderState::Purchased), order(OrderState::Dispatched)];
    let sentences =
        |to| questions(&orders.iter().collect::<Vec<_>>(), to).iter().map(BulkQuestion::sentence).collect::<Vec<_>>();
    assert_eq!(
        sentences(OrderState::Shipped),
        [
            "발주·출고 단계를 건너뛰는 주문이 1건 있어요: 2024031500000001",
            "출고 단계를 건너뛰는 주문이 1건 있어요: 2024031500000001"
        ]
    );
    assert_eq!(sentences(OrderState::Dispatched), ["발주 단계를 건너뛰는 주문이 1건 있어요: 2024031500000001"]);
    assert_eq!(sentences(OrderState::Purchased), [] as [&str; 0]);
}

#[test]
fn parcels_without_a_number_are_asked_about_before_they_are_sent() {
    let order = |id: OrderId, state| {
        let (order_number, shipping_method) = (id.raw().to_string(), ShippingMethod::Parcel);
        Order { id, order_number, shipping_method, ..crate::orders::model::tests::order(state) }
    };
    let numbered =
        Order { tracking_number: "45168300137".to_owned(), ..order(OrderId::from_raw(2), OrderState::Dispatched) };
    let held = Order { claim: "취소요청".to_owned(), ..order(OrderId::from_raw(3), OrderState::Dispatched) };
    let orders = [
        order(OrderId::from_raw(1), OrderState::Dispatched),
        numbered,
        held,
        order(OrderId::from_raw(4), OrderState::Shipped),
    ];
    let chosen: Vec<&Order> = orders.iter().collect();
    let asked = questions(&chosen, OrderState::Shipped);
    assert_eq!(
        asked.iter().map(BulkQuestion::sentence).collect::<Vec<_>>(),
        ["송장번호가 없는 택배 주문이 1건 있어요: 1"]
    );
    assert_eq!(questions(&chosen, OrderState::Dispatched), []);

    let shipped = Order { state: OrderState::Shipped, ..orders[0].clone() };
    let edits = [
        (orders[0].clone(), shipped.clone()),
        (orders[3].clone(), orders[3].clone()),
        (orders[1].clone(), orders[1].clone()),
    ];
    assert_eq!(questions_of_edits(&edits)[0].ids, [OrderId::from_raw(1)]);
    assert_eq!(questions_of_edits(&edits[1..]), []);
}

#[test]
fn cancelling_what_others_have_begun_to_work_on_is_asked_about() {
    let order = |number: &str, state| {
        let order_number = number.to_owned();
        Order { id: OrderId::from_raw(1), order_number, ..crate::orders::model::tests::order(state) }
    };
    let cancelled = |before: Order| {
        let after = Order { state: OrderState::Cancelled, ..before.clone() };
        (before, after)
    };
    let edits = [
        cancelled(order("1", OrderState::Placed)),
        cancelled(order("2", OrderState::Purchased)),
        cancelled(order("3", OrderState::Dispatched)),
        cancelled(order("4", OrderState::Cancelled)),
        (order("5", OrderState::Purchased), order("5", OrderState::Dispatched)),
    ];
    assert_eq!(
        questions_of_edits(&edits).iter().map(BulkQuestion::sentence).collect::<Vec<_>>(),
        [
            "발주된 주문 1건을 취소해요: 2. 만들지 않게 공장에 알려 주세요.",
            "출고된 주문 1건을 취소해요: 3. 나가지 않게 배송팀이나 택배사에 알려 주세요."
        ]
    );
}

#[test]
fn typed_values_are_saved_with_the_act_and_undone_with_it() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let before = placed(tx, files, 3)?;
        edit(tx, &before[2], |order| "취소요청".clone_into(&mut order.claim))?;
        let before = all_orders(tx)?;
        let typed = |order: &Order| Order { purchase_memo: "회색".to_owned(), ..order.clone() };
        let edits = vec![
            (before[0].clone(), typed(&before[0])),
            (before[1].clone(), before[1].clone()),
            (before[2].clone(), typed(&before[2])),
        ];
        let Advance { recorded, held } = advance_edited(tx, OFFICE, edits, OrderState::Purchased, &[])?;
        assert_eq!(held, [before[2].id]);
        assert!(recorded.event.sentence().contains("2건은 입력한 값도 저장했어요"), "{}", recorded.event.sentence());
        let after = all_orders(tx)?;
        let is = |order: &Order| (order.state, order.purchase_memo.clone());
        assert_eq!(is(&after[0]), (OrderState::Purchased, "회색".to_owned()));
        assert_eq!(is(&after[1]), (OrderState::Purchased, before[1].purchase_memo.clone()));
        assert_eq!(is(&after[2]), (OrderState::Placed, "회색".to_owned()));
        undo(tx, OFFICE, entry(&recorded))?;
        same(&before, &all_orders(tx)?);
        Ok(())
    })
    .expect("undoes");
}

/// More orders than a request waits for; `MUKKEUM_BULK_ORDERS=50000` is as many as one action changes.
#[test]
fn thousands_of_chosen_orders_are_changed_and_undone() {
    const STEP: u32 = 2_500;
    let count = std::env::var("MUKKEUM_BULK_ORDERS").ok().and_then(|text| text.parse().ok()).unwrap_or(STEP);
    let shop = Shop::open();
    shop.write(move |tx, files| {
        for first in (1..=count).step_by(STEP as usize) {
            let orders = (first..=count.min(first + STEP - 1)).map(|number| new_order(&number.to_string())).collect();
            files.order(tx, "SMART_STORE", orders)?;
        }
        let filter = OrderQuery { state: "PLACED".to_owned(), ..OrderQuery::default() }.filter();
        let chosen = list::all_ids(tx, &filter)?;
        assert_eq!(chosen.len(), count as usize);
        let of_state = |tx: &mut dyn Tx, state: OrderState| {
            tx.scalar("SELECT count(*) FROM orders WHERE state = ?", &[state.ordinal().into()])
        };
        let started = std::time::Instant::now();
        let orders = store::find(tx, &chosen)?;
        let action = entry(&advance(tx, OFFICE, orders, OrderState::Purchased, &[])?.recorded);
        let changed = started.elapsed();
        assert_eq!(of_state(tx, OrderState::Purchased)?, i64::from(count));
        let started = std::time::Instant::now();
        undo(tx, OFFICE, action)?;
        let undone = started.elapsed();
        assert_eq!(of_state(tx, OrderState::Placed)?, i64::from(count));
        println!("{count} orders: changed in {changed:?}, undone in {undone:?}");
        Ok(())
    })
    .expect("undoes");
}
