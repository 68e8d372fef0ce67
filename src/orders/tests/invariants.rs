//! Model-based test: after any sequence of changes, the tables derived from orders (deliveries, counts, search
//! terms, moments, versions) equal their recomputation.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::id::{DeliveryId, OrderId};
use crate::orders::bundle::{BundledOrder, DeliverySummary};
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::search::{Searchable, tokenize};
use crate::orders::store::{self, Action, ChangeContext, bundles, log};
use crate::orders::testing::{
    BY_HAND, DAY_MS, Files, NOW, SMALL_SEGMENTS, Shop, all_orders, checked, edit, move_to_segments, new_order,
};
use crate::search::postings::PostingReader;
use crate::search::store::compact_step;
use crate::storage::{Result, StorageError, Tx};
use crate::uploads::check::{StateChange, StateRow, TrackingRow};
use crate::uploads::parse::ParsedRows;

/// Step of a history. A `u8` selects one of the existing orders.
#[derive(Clone, Debug)]
enum Step {
    Upload { coupang: bool, rows: Vec<NewRow> },
    Track(Vec<(u8, u8)>),
    ImportStates(Vec<(u8, FileState, u8)>),
    Proceed(Vec<u8>, OrderState),
    SetState(u8, OrderState),
    Quantity(u8, i64),
    Prefer(u8, Option<u8>),
    Move(u8, u8),
    Readdress(u8, u8),
    Renumber(u8, u8),
    Bundle(u8, Bundling),
    Tidy(u8),
    OverTheCounter { beside: Option<u8>, person: u8, quantity: i64 },
    TooLate(u8, OrderState),
}

/// Bundle button of an order.
#[derive(Clone, Copy, Debug)]
enum Bundling {
    Leave,
    Merge(u8),
    Rejoin,
}

#[derive(Clone, Debug)]
struct NewRow {
    number: u8,
    bundle: u8,
    person: u8,
    product: u8,
    quantity: i64,
    preferred: Option<u8>,
}

#[derive(Clone, Copy, Debug)]
enum FileState {
    Confirm,
    Cancel,
    Refund,
    Exchange,
    Wish,
    Withdraw,
}

fn state() -> impl Strategy<Value = OrderState> {
    proptest::sample::select(OrderState::ALL.to_vec())
}

fn bundling() -> impl Strategy<Value = Bundling> {
    prop_oneof![Just(Bundling::Leave), any::<u8>().prop_map(Bundling::Merge), Just(Bundling::Rejoin)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let row = (0..60_u8, 0..5_u8, 0..3_u8, 0..4_u8, 1..5_i64, proptest::option::of(0..9_u8)).prop_map(
        |(number, bundle, person, product, quantity, preferred)| NewRow {
            number,
            bundle,
            person,
            product,
            quantity,
            preferred,
        },
    );
    let file_state = proptest::sample::select(vec![
        FileState::Confirm,
        FileState::Cancel,
        FileState::Refund,
        FileState::Exchange,
        FileState::Wish,
        FileState::Withdraw,
    ]);
    let pick = any::<u8>;
    let some = || proptest::collection::vec(pick(), 1..5);
    let step = prop_oneof![
        4 => (any::<bool>(), proptest::collection::vec(row, 1..9))
            .prop_map(|(coupang, rows)| Step::Upload { coupang, rows }),
        2 => proptest::collection::vec((pick(), 0..4_u8), 1..4).prop_map(Step::Track),
        2 => proptest::collection::vec((pick(), file_state, 0..9_u8), 1..4).prop_map(Step::ImportStates),
        2 => (some(), state()).prop_map(|(orders, state)| Step::Proceed(orders, state)),
        2 => (pick(), state()).prop_map(|(order, state)| Step::SetState(order, state)),
        1 => (pick(), 1..9_i64).prop_map(|(order, quantity)| Step::Quantity(order, quantity)),
        1 => (pick(), proptest::option::of(0..9_u8)).prop_map(|(order, day)| Step::Prefer(order, day)),
        2 => (pick(), pick()).prop_map(|(order, to)| Step::Move(order, to)),
        4 => (pick(), bundling()).prop_map(|(order, act)| Step::Bundle(order, act)),
        1 => (pick(), 0..3_u8).prop_map(|(order, person)| Step::Readdress(order, person)),
        1 => (pick(), 0..4_u8).prop_map(|(order, product)| Step::Renumber(order, product)),
        3 => (1..9_u8).prop_map(Step::Tidy),
        1 => (proptest::option::of(pick()), 0..3_u8, 1..5_i64)
            .prop_map(|(beside, person, quantity)| Step::OverTheCounter { beside, person, quantity }),
        1 => (pick(), state()).prop_map(|(order, state)| Step::TooLate(order, state)),
    ];
    proptest::collection::vec(step, 1..40)
}

fn day(number: u8) -> Option<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 11, 20 + u32::from(number % 9))
}

fn number(number: u8) -> String {
    format!("20261101000000{number:02}")
}

fn live_at(order: &mut crate::orders::model::Recipient, person: u8) {
    let (name, tel, zip, address) = [
        ("김견본", "010-0000-5678", "37683", "경상북도 포항시 북구 예시로 12"),
        ("이표본", "0504-0000-1010", "04524", "서울특별시 중구 예시대로 110"),
        ("박 예시", "010-0000-4321", "", "어딘가 예시길 3-1"),
    ][usize::from(person % 3)];
    name.clone_into(&mut order.name);
    tel.clone_into(&mut order.tel1);
    zip.clone_into(&mut order.zip_code);
    address.clone_into(&mut order.address1);
}

fn upload(tx: &mut dyn Tx, files: &Files, coupang: bool, rows: &[NewRow]) -> Result<()> {
    let orders = rows.iter().map(|row| {
        let mut order = new_order(&number(row.number));
        live_at(&mut order.recipient, row.person);
        if row.bundle > 0 {
            order.bundle_number = format!("310000000{}", row.bundle);
        }
        order.shipping_method = if row.person == 1 { ShippingMethod::Parcel } else { ShippingMethod::Direct };
        order.product_number = format!("P{}", row.product);
        order.product_name = format!("상품 {}", row.product);
        order.quantity = row.quantity;
        order.placed_at = NOW.plus_ms(-DAY_MS * i64::from(row.number % 7));
        order.preferred_shipping_date = row.preferred.and_then(day);
        order
    });
    let before: BTreeSet<OrderId> = all_orders(tx)?.iter().map(|order| order.id).collect();
    files.order(tx, if coupang { "COUPANG" } else { "SMART_STORE" }, orders.collect())?;
    let new: Vec<OrderId> = all_orders(tx)?.iter().map(|order| order.id).filter(|id| !before.contains(id)).collect();
    move_to_segments(tx, &new)
}

fn change(state: FileState, on: u8) -> StateChange {
    let at = NOW.plus_ms(-DAY_MS * i64::from(on));
    match state {
        FileState::Confirm => StateChange::Confirm(at),
        FileState::Cancel => StateChange::Cancel(at),
        FileState::Refund => StateChange::Refund { exchange: false, at },
        FileState::Exchange => StateChange::Refund { exchange: true, at },
        FileState::Wish => StateChange::SetClaim("반품요청".to_owned(), None),
        FileState::Withdraw => StateChange::ClearClaim("반품철회".to_owned(), None),
    }
}

/// Creates an order in a bundle of its own or an existing one, and edits it in the same transaction.
fn over_the_counter(
    tx: &mut dyn Tx,
    like: &Order,
    beside: Option<DeliveryId>,
    person: u8,
    quantity: i64,
) -> Result<()> {
    let (id, fresh) = (tx.new_id::<OrderId>(), tx.new_id::<DeliveryId>());
    if beside.is_none() {
        store::deliveries::insert(tx, fresh, &fresh.to_string(), DeliverySummary::of(&[]))?;
    }
    let delivery_id = beside.unwrap_or(fresh);
    let sql = "SELECT bundle_number FROM deliveries WHERE id = ?";
    let bundle = tx.query_one(sql, &[delivery_id.into()])?.expect("is there").text(0)?;
    let order = Order { id, order_number: id.to_string(), delivery_id, quantity, version: 0, ..like.clone() };
    let mut mended = order.clone();
    live_at(&mut mended.recipient, person);
    mended.advance(OrderState::Purchased, NOW);
    store::with_changes(tx, ChangeContext { action: Action::Created, ..BY_HAND }, |changes| {
        changes.insert(&order, &bundle)?;
        assert!(changes.save(&order, &mended)?);
        Ok(())
    })
}

fn run_step(tx: &mut dyn Tx, files: &Files, step: &Step) -> Result<()> {
    let orders = all_orders(tx)?;
    if let Step::Upload { coupang, rows } = step {
        return upload(tx, files, *coupang, rows);
    }
    if let Step::Tidy(steps) = step {
        return (0..*steps).try_for_each(|_| compact_step(tx, &SMALL_SEGMENTS).map(drop));
    }
    if orders.is_empty() {
        return Ok(());
    }
    let pick = |place: &u8| &orders[usize::from(*place) % orders.len()];
    let saved = match step {
        Step::Upload { .. } | Step::Tidy(_) => true,
        Step::Track(rows) => {
            let rows = checked(rows.iter().map(|(order, tracking)| {
                let order_number = pick(order).order_number.clone();
                let tracking_number = format!("4516830{tracking:04}");
                (order_number.clone(), TrackingRow { order_number, tracking_number, courier: None })
            }));
            files.upload(tx, "ANY", ParsedRows::Tracking(rows))?;
            true
        }
        Step::ImportStates(rows) => {
            let rows = checked(rows.iter().map(|(order, state, on)| {
                let order_number = pick(order).order_number.clone();
                (order_number.clone(), StateRow { order_number, change: change(*state, *on) })
            }));
            files.upload(tx, "SMART_STORE", ParsedRows::States(rows))?;
            true
        }
        Step::Proceed(places, state) => {
            let ticked: BTreeMap<OrderId, &Order> = places.iter().map(pick).map(|order| (order.id, order)).collect();
            store::with_changes(tx, ChangeContext { action: Action::Advanced, ..BY_HAND }, |changes| {
                ticked.values().try_fold(true, |saved, order| {
                    let mut after = (*order).clone();
                    after.advance(*state, NOW);
                    Ok::<_, StorageError>(changes.save(order, &after)? && saved)
                })
            })?
        }
        Step::SetState(order, state) => edit(tx, pick(order), |order| order.set_state(*state, NOW))?,
        Step::Quantity(order, quantity) => edit(tx, pick(order), |order| order.quantity = *quantity)?,
        Step::Prefer(order, on) => edit(tx, pick(order), |order| order.preferred_shipping_date = on.and_then(day))?,
        Step::Move(order, to) => {
            let delivery_id = pick(to).delivery_id;
            edit(tx, pick(order), |order| order.delivery_id = delivery_id)?
        }
        Step::Bundle(order, act) => bundle(tx, &orders, pick(order), *act)?,
        Step::Readdress(order, person) => {
            let place = |zip: &str| files.districts.lookup(zip).district();
            edit(tx, pick(order), |order| {
                live_at(&mut order.recipient, *person);
                order.sigungu_code = place(&order.recipient.zip_code);
            })?
        }
        Step::Renumber(order, product) => {
            let sql = "SELECT id FROM products WHERE number = ?";
            match tx.query_one(sql, &[format!("P{product}").into()])? {
                Some(row) => {
                    let product_id = row.id(0)?;
                    edit(tx, pick(order), |order| order.product_id = product_id)?
                }
                None => true,
            }
        }
        Step::OverTheCounter { beside, person, quantity } => {
            let beside = beside.as_ref().map(|place| pick(place).delivery_id);
            over_the_counter(tx, &orders[0], beside, *person, *quantity)?;
            true
        }
        Step::TooLate(order, state) => {
            let stale = Order { version: pick(order).version - 1, ..pick(order).clone() };
            let changes_nothing = stale.state == *state;
            assert_eq!(edit(tx, &stale, |order| order.set_state(*state, NOW))?, changes_nothing);
            assert_eq!(all_orders(tx)?, orders, "a concurrent change is not overwritten");
            true
        }
    };
    assert!(saved, "no concurrent change");
    Ok(())
}

/// A move is complete, or rejected without any change. A moved order has its origin in the log.
fn bundle(tx: &mut dyn Tx, orders: &[Order], order: &Order, act: Bundling) -> Result<bool> {
    let context = ChangeContext { action: Action::Bundled, ..BY_HAND };
    let answer = match act {
        Bundling::Leave => bundles::leave(tx, context, order)?,
        Bundling::Merge(from) => {
            let from = orders[usize::from(from) % orders.len()].delivery_id;
            if from == order.delivery_id {
                return Ok(true);
            }
            bundles::merge(tx, context, order, from)?
        }
        Bundling::Rejoin => bundles::rejoin(tx, context, order)?,
    };
    let after = all_orders(tx)?;
    let Ok(moved) = answer else {
        assert_eq!(after, orders, "what is refused changes nothing");
        return Ok(true);
    };
    for was in &moved {
        let is = after.iter().find(|is| is.id == was.id).expect("no order is lost");
        assert_eq!(*is, Order { delivery_id: is.delivery_id, version: was.version + 1, ..was.clone() });
        assert_eq!(log::origin(tx, is)?.map(|origin| origin.delivery_id), Some(was.delivery_id));
    }
    Ok(true)
}

fn part(order: &Order) -> BundledOrder {
    BundledOrder {
        order_id: order.id,
        state: order.state,
        quantity: order.quantity,
        cancelled_quantity: order.cancelled_quantity,
        placed_at: order.moments.of(OrderState::Placed).expect("always"),
        shipping_method: order.shipping_method,
        preferred_shipping_date: order.preferred_shipping_date,
        sigungu_code: order.sigungu_code,
    }
}

/// Bundle number, summary and version of each delivery.
type Deliveries = BTreeMap<DeliveryId, (String, [crate::storage::Value; 8], i64)>;

fn stored_deliveries(tx: &mut dyn Tx) -> Result<Deliveries> {
    let sql = "SELECT id, version, bundle_number, state, order_count, total_quantity, cancelled_quantity, \
               primary_order_id, shipping_method, preferred_shipping_date, sigungu_code FROM deliveries";
    tx.query(sql, &[])?
        .into_iter()
        .map(|mut row| {
            let (id, version, number) = (row.id(0)?, row.int(1)?, row.text(2)?);
            let values = row.0.split_off(3).try_into().expect("eight");
            Ok((id, (number, values, version)))
        })
        .collect()
}

fn computed(summary: &DeliverySummary) -> [crate::storage::Value; 8] {
    use crate::storage::Value::{Int, Null, Text};
    [
        Int(summary.state as i64),
        Int(summary.order_count),
        Int(summary.total_quantity),
        Int(summary.cancelled_quantity),
        summary.primary_order_id.map_or(Null, |id| Int(id.raw())),
        Text(summary.shipping_method.code().to_owned()),
        summary.preferred_shipping_date.map_or(Null, |date| Text(date.to_string())),
        summary.sigungu_code.map_or(Null, Int),
    ]
}

/// The delivery tallies, counted.
const COUNTED_DELIVERIES: &str = "SELECT region, state, shipping_method, is_dated, count(*) FROM ( \
    SELECT 0 AS region, state, shipping_method, preferred_shipping_date IS NOT NULL AS is_dated FROM deliveries \
    UNION ALL SELECT coalesce(sigungu_code, -1), state, shipping_method, preferred_shipping_date IS NOT NULL FROM deliveries \
    UNION ALL SELECT sigungu_code - sigungu_code % 1000, state, shipping_method, preferred_shipping_date IS NOT NULL \
    FROM deliveries WHERE sigungu_code % 1000 <> 0) AS counted \
    GROUP BY region, state, shipping_method, is_dated ORDER BY 1, 2, 3, 4";

fn tallies(tx: &mut dyn Tx, sql: &str) -> Result<BTreeMap<[i64; 3], i64>> {
    tx.query(sql, &[])?.iter().map(|row| Ok(([row.int(0)?, row.int(1)?, row.int(2)?], row.int(3)?))).collect()
}

/// Terms of each order: those of the segments, each in exactly one, overridden by rows.
fn listed_terms(tx: &mut dyn Tx) -> Result<BTreeMap<OrderId, BTreeMap<String, i64>>> {
    let mut stored: BTreeMap<OrderId, BTreeMap<String, i64>> = BTreeMap::new();
    let sql = "SELECT b.segment_id, b.last_term, b.bytes FROM search_blocks b JOIN search_segments s \
               ON s.id = b.segment_id ORDER BY b.segment_id, b.last_term, b.position";
    let mut before: Option<(i64, String, i64)> = None;
    for mut row in tx.query(sql, &[])? {
        let bytes = row.opt_blob(2)?.expect("bytes");
        let mut entries = PostingReader::of_block(&bytes)?;
        while let Some(entry) = entries.read()? {
            let position = Some((row.int(0)?, entry.term.to_owned(), entry.document_id));
            assert!(before < position, "a segment is sorted");
            before = position;
            let listed_twice = stored
                .entry(OrderId::from_raw(entry.document_id))
                .or_default()
                .insert(entry.term.to_owned(), entry.fields);
            assert_eq!(listed_twice, None, "{entry:?}");
        }
        assert_eq!(entries.entry().term, row.text(1)?);
    }
    let orphans = "SELECT count(*) FROM search_blocks WHERE segment_id NOT IN (SELECT id FROM search_segments)";
    assert_eq!(tx.scalar(orphans, &[])?, 0);
    for mut row in tx.query("SELECT document_id, term, fields FROM search_postings", &[])? {
        let (terms, term) = (stored.entry(row.id(0)?).or_default(), row.text(1)?);
        match row.int(2)? {
            0 => terms.remove(&term),
            fields => terms.insert(term, fields),
        };
    }
    // All terms of a deleted order are hidden.
    stored.retain(|_, terms| !terms.is_empty());
    Ok(stored)
}

/// Recomputes all derived tables and compares them.
fn check(tx: &mut dyn Tx, before: &(Vec<Order>, Deliveries)) -> Result<(Vec<Order>, Deliveries)> {
    let orders = all_orders(tx)?;
    let deliveries = stored_deliveries(tx)?;
    for (id, (_, stored, version)) in &deliveries {
        let parts: Vec<BundledOrder> = orders.iter().filter(|order| order.delivery_id == *id).map(part).collect();
        assert_eq!(*stored, computed(&DeliverySummary::of(&parts)), "delivery {id:?}");
        if let Some((_, was, older)) = before.1.get(id) {
            assert!(stored == was || version > older, "delivery {id:?} changed under the same version");
        }
    }
    let stored =
        tallies(tx, "SELECT state, channel_id, product_id, order_count FROM order_tallies WHERE order_count <> 0")?;
    let sql = "SELECT state, channel_id, product_id, count(*) FROM orders GROUP BY state, channel_id, product_id";
    assert_eq!(stored, tallies(tx, sql)?);

    let sql = "SELECT region, state, shipping_method, is_dated, delivery_count FROM delivery_tallies WHERE delivery_count <> 0 \
               ORDER BY 1, 2, 3, 4";
    assert_eq!(tx.query(sql, &[])?, tx.query(COUNTED_DELIVERIES, &[])?, "delivery tallies");

    let stored = tx.query("SELECT order_id FROM open_claims ORDER BY order_id", &[])?;
    let stored: Vec<OrderId> = stored.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    let open: Vec<OrderId> = orders.iter().filter(|order| order.has_open_claim()).map(|order| order.id).collect();
    assert_eq!(stored, open, "open claims");

    let stored = listed_terms(tx)?;
    assert_eq!(stored.len(), orders.len());
    for order in &orders {
        let searchable = Searchable { order, bundle_number: &deliveries[&order.delivery_id].0 };
        let terms = tokenize(searchable);
        let stored: BTreeMap<&str, i64> = stored[&order.id].iter().map(|(term, fields)| (&**term, *fields)).collect();
        assert_eq!(stored, terms.by_term(), "terms of order {}", order.id.raw());
        for state in OrderState::ALL {
            let known = order.moments.of(state).is_some();
            assert!(known || state != order.state, "{state:?} has its moment");
            assert!(!known || state <= order.state, "{state:?} was given up");
        }
        if let Ok(place) = before.0.binary_search_by_key(&order.id, |order| order.id) {
            let same = Order { version: order.version, ..before.0[place].clone() } == *order;
            assert_eq!(order.version > before.0[place].version, !same, "the version grows with every change");
        }
    }
    assert!(orders.len() >= before.0.len(), "no order is lost");
    Ok((orders, deliveries))
}

/// As [`check`], for a new shop.
pub(crate) fn hold(tx: &mut dyn Tx) -> Result<()> {
    check(tx, &(Vec::new(), Deliveries::new())).map(drop)
}

#[test]
fn derived_tables_match_orders_after_any_history() {
    let shop = Shop::open();
    let config = ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            // Rolled back, so that each case starts with an empty shop.
            let done = shop.write(move |tx, files| {
                let mut before = (Vec::new(), Deliveries::new());
                for step in &steps {
                    run_step(tx, files, step)?;
                    before = check(tx, &before)?;
                }
                Err::<(), _>(StorageError::Unavailable("undone".to_owned()))
            });
            match done {
                Err(StorageError::Unavailable(_)) => Ok(()),
                other => Err(TestCaseError::fail(format!("{other:?}"))),
            }
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
