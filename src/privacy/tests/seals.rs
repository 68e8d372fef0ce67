//! 분리 보관 by the clock: what is due is apart and nowhere else, comes back as a whole, and is destroyed with its order.

use super::*;
use crate::access::count_data_subjects;
use crate::orders::store::seal;
use crate::orders::testing::{BY_HAND, all_orders, order_rows};
use crate::privacy::SealDays;
use crate::privacy::person::PersonRole;
use crate::privacy::seal::seal_due;
use crate::privacy::store::people::{find_people, record_of};

const DAYS: SealDays = SealDays(90);

/// The order of the tests, as its channel's file has it; its number and its product name nobody.
fn row(placed_at: crate::time::Moment) -> NewOrder {
    let mark = mark(1);
    let mut order = new_order("2026110100000001");
    order.customer.name.clone_from(&mark);
    order.customer.tel = "010-7391-2846".to_owned();
    order.recipient.name = format!("{mark} 받는이");
    order.recipient.address1 = format!("경상북도 포항시 {mark}");
    order.customer_message = format!("{mark} 문 앞에");
    order.placed_at = placed_at;
    order
}

/// Places of the mark, apart from the search index, whose segments lose it when they are merged.
fn places(shop: &Shop) -> Vec<String> {
    let words: BTreeSet<String> = [mark(1)].into();
    let mut places = shop.read(move |tx, _| places_of(tx, &words)).expect("reads");
    let found = places.remove(&mark(1)).unwrap_or_default();
    found.into_iter().filter(|place| !place.starts_with("search_")).collect()
}

fn run(shop: &Shop) -> u64 {
    shop.block_on(seal_due(&shop.storage, DAYS)).expect("seals")
}

/// A shop with one delivered order that was edited before.
fn delivered() -> (Shop, Order) {
    let shop = Shop::open();
    let order = shop.write(|tx, files| {
        let now = tx.now();
        files.upload_recorded(tx, "SMART_STORE", order_rows(vec![row(now)]))?;
        let order = all_orders(tx)?.remove(0);
        edit(tx, &order, |order| order.recipient.name = format!("{} 고친이", mark(1)))?;
        let (order, now) = (store::find(tx, &[order.id])?.remove(0), tx.now());
        edit(tx, &order, |order| order.set_state(OrderState::Shipped, now))?;
        Ok(store::find(tx, &[order.id])?.remove(0))
    });
    (shop, order.expect("an order"))
}

#[test]
fn ended_order_is_apart_after_90_days_and_nowhere_else() {
    let (shop, order) = delivered();
    shop.clock.advance_ms(89 * DAY_MS);
    assert_eq!(run(&shop), 0);
    let before = places(&shop);
    for place in ["orders.customer_name", "order_events.changes", "channel_statements.value", "upload_rows.recipient"] {
        assert!(before.iter().any(|found| found == place), "{place} not in {before:?}");
    }
    shop.clock.advance_ms(2 * DAY_MS);
    let people = || shop.read(|tx, _| count_data_subjects(tx)).expect("counts");
    assert_eq!(people(), 2, "buyer and recipient have numbers of their own");
    assert_eq!((run(&shop), run(&shop)), (1, 0), "once");
    assert_eq!(places(&shop), ["order_seals.content", "sealed_names.name"]);
    assert_eq!(people(), 2, "sealed, they are people of the shop");
    let id = order.id;
    let (sealed, whole) = (order.clone(), order);
    shop.write(move |tx, _| {
        let stored = store::find(tx, &[id])?.remove(0);
        assert_eq!((stored.state, stored.price, &stored.options), (sealed.state, sealed.price, &sealed.options));
        assert!(stored.recipient.tel1.contains('*') && stored.customer_message.is_empty(), "{stored:?}");
        invariants::hold(tx)?;
        assert!(!edit(tx, &stored, |order| order.recipient.name = "아무개".to_owned())?, "a mask is not edited");
        // What the person may demand is found, as a whole.
        for (text, people) in [(mark(1).as_str(), 2), ("2846", 1), ("010-7391-2846", 1)] {
            assert_eq!(find_people(tx, text)?.0.len(), people, "{text}");
        }
        let record = record_of(tx, id, PersonRole::Customer, RetentionYears::new(KEEP))?.expect("a person");
        let own = &record.orders[0];
        assert_eq!(own.row.order.customer, sealed.customer);
        assert!(own.events.iter().any(|event| format!("{:?}", event.changes).contains("고친이")), "{:?}", own.events);
        Ok(())
    })
    .expect("reads");
    // A file of the channel with the same order finds nothing to compare with, and changes nothing.
    shop.write(move |tx, files| {
        let mut row = row(whole.moments.of(OrderState::Placed).expect("a moment"));
        row.recipient.address1 = "서울특별시 강남구 테헤란로 152".to_owned();
        files.order(tx, "SMART_STORE", vec![row])?;
        assert_eq!(seal::sealed(tx, &[id])?.len(), 1);
        assert!(store::find(tx, &[id])?.remove(0).recipient.address1.ends_with("***"));
        let opened = seal::open(tx, &[id])?;
        let back = store::find(tx, &[id])?.remove(0);
        assert_eq!(opened, [id]);
        assert_eq!(Order { version: whole.version, ..back }, whole, "comes back as it was");
        invariants::hold(tx)
    })
    .expect("opens");
    assert!(places(&shop).iter().any(|place| place == "order_events.changes"));
    shop.clock.advance_ms(6 * DAY_MS);
    assert_eq!(run(&shop), 0, "open for a week");
    shop.clock.advance_ms(2 * DAY_MS);
    assert_eq!(run(&shop), 1);
    assert_eq!(places(&shop), ["order_seals.content", "sealed_names.name"]);
    // At the end of the retention nothing is left.
    shop.clock.advance_ms(6 * 366 * DAY_MS);
    shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none())).expect("destroys");
    let words: BTreeSet<String> = [mark(1)].into();
    assert_eq!(shop.read(move |tx, _| places_of(tx, &words)).expect("reads"), BTreeMap::new());
}

#[test]
fn claim_and_correction_of_the_state_bring_the_customer_back() {
    let (shop, order) = delivered();
    let id = order.id;
    shop.clock.advance_ms(91 * DAY_MS);
    assert_eq!(run(&shop), 1);
    let claimed = order.clone();
    shop.write(move |tx, _| {
        let stored = store::find(tx, &[id])?.remove(0);
        assert!(edit(tx, &stored, |order| order.claim = "반품요청".to_owned())?);
        let back = store::find(tx, &[id])?.remove(0);
        assert_eq!((&back.customer, &back.recipient), (&claimed.customer, &claimed.recipient));
        let log = store::events(tx, id)?;
        assert!(log.iter().any(|event| format!("{:?}", event.changes).contains(store::SEAL_OPENED)), "{log:?}");
        invariants::hold(tx)
    })
    .expect("writes");
    shop.clock.advance_ms(30 * DAY_MS);
    assert_eq!(run(&shop), 0, "the claim is open");
    shop.write(move |tx, _| {
        let stored = store::find(tx, &[id])?.remove(0);
        assert!(edit(tx, &stored, |order| order.claim.clear())?);
        Ok(())
    })
    .expect("settles");
    assert_eq!(run(&shop), 1);
    shop.write(move |tx, _| {
        let (stored, now) = (store::find(tx, &[id])?.remove(0), tx.now());
        assert!(edit(tx, &stored, |order| order.set_state(OrderState::Dispatched, now))?);
        assert_eq!(store::find(tx, &[id])?.remove(0).recipient, order.recipient);
        Ok(())
    })
    .expect("writes");
    shop.clock.advance_ms(400 * DAY_MS);
    assert_eq!(run(&shop), 0, "under way, however old");
}

#[test]
fn order_with_a_visit_or_an_undecided_value_stays() {
    let (shop, order) = delivered();
    let (id, delivery) = (order.id, order.delivery_id);
    shop.clock.advance_ms(91 * DAY_MS);
    shop.write(move |tx, _| {
        let sql = "INSERT INTO jobs (id, delivery_id, number, kind, state, goods, pieces, volume, note) \
                   VALUES (?, ?, 1, 'service', 'open', '', 0, 0, '')";
        tx.exec(sql, &[id.into(), delivery.into()]).map(drop)
    })
    .expect("a job");
    assert_eq!(run(&shop), 0);
    shop.write(move |tx, _| {
        let now = tx.now();
        tx.exec("UPDATE jobs SET state = 'done', ended_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
    })
    .expect("a visit");
    shop.clock.advance_ms(89 * DAY_MS);
    assert_eq!(run(&shop), 0, "90 days after the visit");
    shop.clock.advance_ms(2 * DAY_MS);
    assert_eq!(run(&shop), 1);
    // An act of the office on what is apart changes no personal data.
    shop.write(move |tx, _| {
        let stored = store::find(tx, &[id])?.remove(0);
        store::with_changes(tx, BY_HAND, |changes| {
            let after = Order { price: 1, ..stored.clone() };
            changes.save_current(&stored, &after)
        })?;
        assert_eq!(seal::sealed(tx, &[id])?.len(), 1);
        invariants::hold(tx)
    })
    .expect("writes");
}
