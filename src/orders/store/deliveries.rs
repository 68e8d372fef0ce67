//! Rows of `deliveries` that orders maintain: creation, bundle numbers, and the summary of the orders.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::delivery_tallies::{TallyChanges, TallyKind};
use crate::id::DeliveryId;
use crate::orders::bundle::{BundledOrder, DeliveryState, DeliverySummary};
use crate::orders::model::OrderState;
use crate::storage::{Param, Result, StorageError, Tx};
use crate::time::Moment;

/// Bundle number of a delivery.
pub fn bundle_number(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<String> {
    tx.query_one("SELECT bundle_number FROM deliveries WHERE id = ?", &[delivery_id.into()])?
        .ok_or_else(|| StorageError::Inconsistent(format!("there is no delivery {delivery_id:?}")))?
        .text(0)
}

/// Bundle numbers of these deliveries.
pub fn bundle_numbers(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<HashMap<DeliveryId, String>> {
    let mut numbers: HashMap<DeliveryId, String> = HashMap::with_capacity(deliveries.len());
    let by_id = tx.primary_key_hint("deliveries");
    let sql = |ids: &str| format!("SELECT id, bundle_number FROM deliveries {by_id} WHERE id IN ({ids})");
    tx.for_ids(deliveries, &[], sql, &mut |mut row| {
        numbers.insert(row.id(0)?, row.text(1)?);
        Ok(())
    })?;
    match deliveries.iter().find(|id| !numbers.contains_key(id)) {
        Some(id) => Err(StorageError::Inconsistent(format!("there is no delivery {id:?}"))),
        None => Ok(numbers),
    }
}

/// State of a delivery.
pub fn state(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<DeliveryState> {
    let row = tx.query_one("SELECT state FROM deliveries WHERE id = ?", &[delivery_id.into()])?;
    let number = row.map(|row| row.int(0)).transpose()?;
    number
        .and_then(DeliveryState::from_stored)
        .ok_or_else(|| StorageError::Inconsistent(format!("deliveries.state of {delivery_id:?}")))
}

/// Identifier of the delivery with that bundle number.
pub fn find_by_bundle_number(tx: &mut dyn Tx, number: &str) -> Result<Option<DeliveryId>> {
    tx.query_one("SELECT id FROM deliveries WHERE bundle_number = ?", &[number.into()])?
        .map(|row| row.id(0))
        .transpose()
}

/// Inserts a delivery without orders and with a generated bundle number.
pub fn insert_empty(tx: &mut dyn Tx) -> Result<DeliveryId> {
    let id = tx.new_id::<DeliveryId>();
    insert(tx, id, &id.to_string(), DeliverySummary::of(&[]))?;
    Ok(id)
}

/// Inserts a delivery without orders and with this bundle number, which is free.
pub fn insert_numbered(tx: &mut dyn Tx, bundle_number: &str) -> Result<DeliveryId> {
    let id = tx.new_id::<DeliveryId>();
    insert(tx, id, bundle_number, DeliverySummary::of(&[]))?;
    Ok(id)
}

/// Inserts a delivery.
pub fn insert(tx: &mut dyn Tx, id: DeliveryId, bundle_number: &str, summary: DeliverySummary) -> Result<()> {
    insert_all(tx, std::iter::once((id, bundle_number, summary)))
}

/// Inserts deliveries, each given as identifier, bundle number and summary.
pub fn insert_all<'b>(
    tx: &mut dyn Tx,
    new: impl Iterator<Item = (DeliveryId, &'b str, DeliverySummary)>,
) -> Result<()> {
    let now = tx.now();
    let mut tallies = TallyChanges::default();
    let mut rows = new.map(|(id, bundle_number, summary)| {
        tallies.add(&TallyKind::of(&summary), 1);
        let head = [id.into(), bundle_number.into()];
        head.into_iter().chain(values(&summary)).chain([ready_at(now, &summary)]).collect::<Vec<Param<'_>>>()
    });
    tx.exec_many(
        "INSERT INTO deliveries (id, bundle_number, state, order_count, total_quantity, cancelled_quantity, \
         primary_order_id, shipping_method, preferred_shipping_date, sigungu_code, ready_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &mut rows,
    )?;
    tallies.write(tx)
}

/// Columns of a summary.
const SUMMARY: [&str; 8] = [
    "state",
    "order_count",
    "total_quantity",
    "cancelled_quantity",
    "primary_order_id",
    "shipping_method",
    "preferred_shipping_date",
    "sigungu_code",
];

/// Values of [`SUMMARY`].
fn values(summary: &DeliverySummary) -> [Param<'static>; 8] {
    [
        (summary.state as i64).into(),
        summary.order_count.into(),
        summary.total_quantity.into(),
        summary.cancelled_quantity.into(),
        summary.primary_order_id.into(),
        summary.shipping_method.code().into(),
        summary.preferred_shipping_date.into(),
        summary.sigungu_code.into(),
    ]
}

/// Now, if every order has left the factory or was delivered.
fn ready_at(now: Moment, summary: &DeliverySummary) -> Param<'static> {
    let ready = matches!(summary.state, DeliveryState::ReadyToShip | DeliveryState::Completed);
    ready.then_some(now).into()
}

/// Loads the orders of these deliveries, with the fields that a summary needs.
fn bundled_orders(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<BTreeMap<DeliveryId, Vec<BundledOrder>>> {
    let mut orders: BTreeMap<DeliveryId, Vec<BundledOrder>> = BTreeMap::new();
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |ids: &str| {
        format!(
            "SELECT id, state, quantity, placed_at, shipping_method, preferred_shipping_date, sigungu_code, delivery_id, \
             cancelled_quantity \
             FROM orders {by_delivery} WHERE delivery_id IN ({ids})"
        )
    };
    tx.for_ids(deliveries, &[], sql, &mut |mut row| {
        let delivery_id = row.id(7)?;
        let inconsistent =
            |what: &str| StorageError::Inconsistent(format!("orders.{what} of delivery {delivery_id:?}"));
        orders.entry(delivery_id).or_default().push(BundledOrder {
            order_id: row.id(0)?,
            state: OrderState::from_ordinal(row.int(1)?).ok_or_else(|| inconsistent("state"))?,
            quantity: row.int(2)?,
            cancelled_quantity: row.int(8)?,
            placed_at: row.moment(3)?,
            shipping_method: row.code(4, "orders.shipping_method")?,
            preferred_shipping_date: row.opt_date(5)?,
            sigungu_code: row.opt_int(6)?,
        });
        Ok(())
    })?;
    Ok(orders)
}

/// A delivery before its summary is recomputed.
struct StaleDelivery {
    id: DeliveryId,
    counted: TallyKind,
    ready_at: Option<Moment>,
    version: i64,
}

fn stale_deliveries(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<Vec<StaleDelivery>> {
    let mut stale = Vec::with_capacity(ids.len());
    let by_id = tx.primary_key_hint("deliveries");
    let sql = |ids: &str| {
        format!(
            "SELECT id, state, shipping_method, preferred_shipping_date IS NOT NULL, sigungu_code, ready_at, version \
             FROM deliveries {by_id} WHERE id IN ({ids})"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let id = row.id(0)?;
        let inconsistent = |what: &str| StorageError::Inconsistent(format!("deliveries.{what} of {id:?}"));
        let counted = TallyKind {
            state: DeliveryState::from_stored(row.int(1)?).ok_or_else(|| inconsistent("state"))?,
            shipping_method: row.code(2, "deliveries.shipping_method")?,
            is_dated: row.bool(3)?,
            sigungu_code: row.opt_int(4)?,
        };
        stale.push(StaleDelivery { id, counted, ready_at: row.opt_moment(5)?, version: row.int(6)? });
        Ok(())
    })?;
    Ok(stale)
}

/// Recomputes the columns of these deliveries that are derived from their orders, and the tallies. Must run in every
/// transaction that changes an order. `ids` are distinct.
pub fn refresh_summaries(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<()> {
    let (now, mut orders, mut tallies) = (tx.now(), bundled_orders(tx, ids)?, TallyChanges::default());
    let rows: Vec<Vec<Param<'_>>> = stale_deliveries(tx, ids)?
        .into_iter()
        .map(|stale| {
            let summary = DeliverySummary::of(&orders.remove(&stale.id).unwrap_or_default());
            tallies.add(&stale.counted, -1);
            tallies.add(&TallyKind::of(&summary), 1);
            let ready_at = stale.ready_at.map_or_else(|| ready_at(now, &summary), Param::from);
            let values = values(&summary).into_iter();
            [stale.id.into()].into_iter().chain(values).chain([ready_at, (stale.version + 1).into()]).collect()
        })
        .collect();
    let columns = [&SUMMARY[..], &["ready_at", "version"]].concat();
    tx.update_many("deliveries", &["id"], &columns, &mut rows.into_iter())?;
    tallies.write(tx)
}

/// Those of these deliveries that have no order any more.
pub(super) fn without_orders(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<Vec<DeliveryId>> {
    let mut filled: BTreeSet<DeliveryId> = BTreeSet::new();
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |ids: &str| format!("SELECT DISTINCT delivery_id FROM orders {by_delivery} WHERE delivery_id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |row| {
        filled.insert(row.id(0)?);
        Ok(())
    })?;
    Ok(ids.iter().copied().filter(|id| !filled.contains(id)).collect())
}

/// Deletes those of these deliveries that have no order any more, and their tallies. What belongs to them in other rooms is
/// deleted before, or outlives them.
pub fn delete_empty(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<()> {
    let empty = without_orders(tx, ids)?;
    let mut tallies = TallyChanges::default();
    for delivery in stale_deliveries(tx, &empty)? {
        tallies.add(&delivery.counted, -1);
    }
    tx.delete_ids("deliveries", "id", &empty)?;
    tallies.write(tx)
}
