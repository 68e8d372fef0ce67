//! Rows of `deliveries` that orders maintain: creation, bundle numbers, and the summary of the orders.

use crate::id::crockford;
use crate::orders::bundle::{BundledOrder, DeliveryState, DeliverySummary};
use crate::orders::model::{OrderState, ShippingMethod};
use crate::storage::{Param, Result, StorageError, Tx};
use crate::time::Moment;

/// Bundle number of a delivery.
pub fn bundle_number(tx: &mut dyn Tx, delivery_id: i64) -> Result<String> {
    tx.query_one("SELECT bundle_number FROM deliveries WHERE id = ?", &[delivery_id.into()])?
        .ok_or_else(|| StorageError::Inconsistent(format!("there is no delivery {delivery_id}")))?
        .text(0)
}

/// State of a delivery.
pub fn state(tx: &mut dyn Tx, delivery_id: i64) -> Result<DeliveryState> {
    let row = tx.query_one("SELECT state FROM deliveries WHERE id = ?", &[delivery_id.into()])?;
    let number = row.map(|row| row.int(0)).transpose()?;
    number
        .and_then(DeliveryState::from_stored)
        .ok_or_else(|| StorageError::Inconsistent(format!("deliveries.state of {delivery_id}")))
}

/// Identifier of the delivery with that bundle number.
pub fn find_by_bundle_number(tx: &mut dyn Tx, number: &str) -> Result<Option<i64>> {
    tx.query_one("SELECT id FROM deliveries WHERE bundle_number = ?", &[number.into()])?
        .map(|row| row.int(0))
        .transpose()
}

/// Inserts a delivery without orders and with a generated bundle number.
pub fn insert_empty(tx: &mut dyn Tx) -> Result<i64> {
    let id = tx.new_id();
    insert(tx, id, &crockford(id), DeliverySummary::of(&[]))?;
    Ok(id)
}

/// Inserts a delivery.
pub fn insert(tx: &mut dyn Tx, id: i64, bundle_number: &str, summary: DeliverySummary) -> Result<()> {
    insert_all(tx, std::iter::once((id, bundle_number, summary)))
}

/// Inserts deliveries, each given as identifier, bundle number and summary.
pub fn insert_all<'b>(tx: &mut dyn Tx, new: impl Iterator<Item = (i64, &'b str, DeliverySummary)>) -> Result<()> {
    let now = tx.now();
    let mut rows = new.map(|(id, bundle_number, summary)| {
        let head = [id.into(), bundle_number.into()];
        head.into_iter().chain(values(&summary)).chain([ready_at(now, &summary)]).collect::<Vec<Param<'_>>>()
    });
    tx.exec_many(
        "INSERT INTO deliveries (id, bundle_number, state, order_count, total_quantity, cancelled_quantity, \
         primary_order_id, shipping_method, preferred_shipping_date, sigungu_code, ready_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &mut rows,
    )
}

/// Values of a summary, in the order of the columns.
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

/// Loads the orders of a delivery, with the fields that its summary needs.
fn bundled_orders(tx: &mut dyn Tx, id: i64) -> Result<Vec<BundledOrder>> {
    tx.query(
        "SELECT id, state, quantity, placed_at, shipping_method, preferred_shipping_date, sigungu_code \
         FROM orders WHERE delivery_id = ?",
        &[id.into()],
    )?
    .into_iter()
    .map(|mut row| {
        let inconsistent = |what: &str| StorageError::Inconsistent(format!("orders.{what} of delivery {id}"));
        Ok(BundledOrder {
            order_id: row.int(0)?,
            state: OrderState::from_ordinal(row.int(1)?).ok_or_else(|| inconsistent("state"))?,
            quantity: row.int(2)?,
            placed_at: row.moment(3)?,
            shipping_method: ShippingMethod::from_code(&row.text(4)?).ok_or_else(|| inconsistent("shipping_method"))?,
            preferred_shipping_date: row.opt_date(5)?,
            sigungu_code: row.opt_int(6)?,
        })
    })
    .collect()
}

/// Recomputes the columns of a delivery that are derived from its orders. Must run in every transaction
/// that changes one of them.
pub fn refresh_summary(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let summary = DeliverySummary::of(&bundled_orders(tx, id)?);
    let ready_at = ready_at(tx.now(), &summary);
    let params: Vec<Param<'_>> = values(&summary).into_iter().chain([ready_at, id.into()]).collect();
    tx.exec(
        "UPDATE deliveries SET state = ?, order_count = ?, total_quantity = ?, cancelled_quantity = ?, \
         primary_order_id = ?, shipping_method = ?, preferred_shipping_date = ?, sigungu_code = ?, \
         ready_at = COALESCE(ready_at, ?), version = version + 1 WHERE id = ?",
        &params,
    )
    .map(drop)
}
