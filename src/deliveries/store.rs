//! The SQL of deliveries.

use super::model::{Part, Summary};
use crate::orders::model::{OrderState, ShippingMethod};
use crate::storage::{Result, StorageError, Tx};

/// Makes a delivery for orders that are about to be inserted.
pub fn insert(tx: &mut dyn Tx, id: i64, bundle_number: &str, summary: &Summary) -> Result<()> {
    tx.exec(
        "INSERT INTO deliveries (id, bundle_number, state, order_count, total_quantity, cancelled_quantity, \
         primary_order_id, shipping_method, preferred_shipping_date, sigungu) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            bundle_number.into(),
            (summary.state as i64).into(),
            summary.order_count.into(),
            summary.total_quantity.into(),
            summary.cancelled_quantity.into(),
            summary.primary_order_id.into(),
            summary.shipping_method.code().into(),
            summary.preferred_shipping_date.into(),
            summary.sigungu.into(),
        ],
    )
    .map(drop)
}

/// The delivery of that bundle number.
pub fn find_by_bundle_number(tx: &mut dyn Tx, bundle_number: &str) -> Result<Option<i64>> {
    tx.query_one("SELECT id FROM deliveries WHERE bundle_number = ?", &[bundle_number.into()])?
        .map(|row| row.int(0))
        .transpose()
}

/// The orders of a delivery, as far as it needs to know them.
pub fn parts(tx: &mut dyn Tx, id: i64) -> Result<Vec<Part>> {
    tx.query(
        "SELECT id, state, quantity, placed_at, shipping_method, preferred_shipping_date, sigungu \
         FROM orders WHERE delivery_id = ?",
        &[id.into()],
    )?
    .into_iter()
    .map(|mut row| {
        let inconsistent = |what: &str| StorageError::Inconsistent(format!("orders.{what} of delivery {id}"));
        Ok(Part {
            order_id: row.int(0)?,
            state: OrderState::from_rank(row.int(1)?).ok_or_else(|| inconsistent("state"))?,
            quantity: row.int(2)?,
            placed_at: row.moment(3)?,
            shipping_method: ShippingMethod::from_code(&row.text(4)?).ok_or_else(|| inconsistent("shipping_method"))?,
            preferred_shipping_date: row.opt_date(5)?,
            sigungu: row.opt_int(6)?,
        })
    })
    .collect()
}

/// Writes again what follows from the delivery's orders. Called in the transaction of every change
/// of one of them.
pub fn refresh(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let summary = Summary::of(&parts(tx, id)?);
    tx.exec(
        "UPDATE deliveries SET state = ?, order_count = ?, total_quantity = ?, cancelled_quantity = ?, \
         primary_order_id = ?, shipping_method = ?, preferred_shipping_date = ?, sigungu = ?, version = version + 1 \
         WHERE id = ?",
        &[
            (summary.state as i64).into(),
            summary.order_count.into(),
            summary.total_quantity.into(),
            summary.cancelled_quantity.into(),
            summary.primary_order_id.into(),
            summary.shipping_method.code().into(),
            summary.preferred_shipping_date.into(),
            summary.sigungu.into(),
            id.into(),
        ],
    )
    .map(drop)
}
