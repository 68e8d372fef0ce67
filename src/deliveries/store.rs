//! SQL of deliveries.

pub mod overview;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::id::{DeliveryId, MemberId, OrderId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// A delivery, without its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// generated identifier
    pub id: DeliveryId,
    /// 묶음배송번호: the bundle number
    pub bundle_number: String,
    /// state
    pub state: DeliveryState,
    /// 주문수
    pub order_count: i64,
    /// 총수량: pieces of orders that are not cancelled
    pub total_quantity: i64,
    /// pieces of cancelled orders
    pub cancelled_quantity: i64,
    /// the primary order (대표상품)
    pub primary_order_id: Option<OrderId>,
    /// shipping method
    pub shipping_method: ShippingMethod,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// district code; none is 미분류
    pub sigungu_code: Option<i64>,
    /// time at which all orders were first ready to ship
    pub ready_at: Option<Moment>,
    /// time of the last print of its slip
    pub printed_at: Option<Moment>,
    /// username of the member who printed it
    pub printed_by: Option<String>,
    /// 팀 메모
    pub memo: String,
}

fn delivery(row: &mut Row) -> Result<Delivery> {
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("deliveries.{column}"));
    Ok(Delivery {
        id: row.id(0)?,
        bundle_number: row.text(1)?,
        state: DeliveryState::from_stored(row.int(2)?).ok_or_else(|| inconsistent("state"))?,
        order_count: row.int(3)?,
        total_quantity: row.int(4)?,
        cancelled_quantity: row.int(5)?,
        primary_order_id: row.opt_id(6)?,
        shipping_method: row.code(7, "deliveries.shipping_method")?,
        preferred_shipping_date: row.opt_date(8)?,
        sigungu_code: row.opt_int(9)?,
        ready_at: row.opt_moment(10)?,
        printed_at: row.opt_moment(11)?,
        printed_by: row.opt_text(12)?,
        memo: row.text(13)?,
    })
}

/// The deliveries of these identifiers, in the given order.
pub fn by_ids(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<Vec<Delivery>> {
    let (by_id, by_member) = (tx.primary_key_hint("deliveries"), tx.primary_key_hint("members"));
    let sql = |ids: &str| {
        format!(
            "SELECT d.id, d.bundle_number, d.state, d.order_count, d.total_quantity, d.cancelled_quantity, \
             d.primary_order_id, d.shipping_method, d.preferred_shipping_date, d.sigungu_code, d.ready_at, d.printed_at, \
             m.username, d.memo FROM deliveries d {by_id} LEFT JOIN members m {by_member} ON m.id = d.printed_by \
             WHERE d.id IN ({ids})"
        )
    };
    let mut found = BTreeMap::new();
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let delivery = delivery(&mut row)?;
        found.insert(delivery.id, delivery);
        Ok(())
    })?;
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

/// The delivery of that identifier.
pub fn find(tx: &mut dyn Tx, id: DeliveryId) -> Result<Option<Delivery>> {
    Ok(by_ids(tx, &[id])?.pop())
}

/// An order of a delivery, and when it joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JoinedOrder {
    /// the order
    pub order_id: OrderId,
    /// the delivery
    pub delivery_id: DeliveryId,
    /// time it joined
    pub at: Moment,
}

/// The orders of these deliveries, oldest first.
pub fn joined_orders(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<Vec<JoinedOrder>> {
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |ids: &str| {
        format!(
            "SELECT id, delivery_id, COALESCE(bundled_at, created_at), placed_at FROM orders {by_delivery} \
             WHERE delivery_id IN ({ids})"
        )
    };
    let mut joined = Vec::new();
    tx.for_ids(deliveries, &[], sql, &mut |row| {
        let order = JoinedOrder { order_id: row.id(0)?, delivery_id: row.id(1)?, at: row.moment(2)? };
        joined.push((row.moment(3)?, order));
        Ok(())
    })?;
    joined.sort_unstable_by_key(|(placed_at, order)| (*placed_at, order.order_id));
    Ok(joined.into_iter().map(|(_, order)| order).collect())
}

/// Replaces the memo of the delivery team; false, without a change, if the stored memo is not `was`.
pub fn set_memo(tx: &mut dyn Tx, id: DeliveryId, was: &str, is: &str) -> Result<bool> {
    let sql = "UPDATE deliveries SET memo = ?, version = version + 1 WHERE id = ? AND memo = ?";
    Ok(tx.exec(sql, &[is.into(), id.into(), was.into()])? > 0)
}

/// Erases the memos of the delivery team, also from the log of these deliveries.
pub fn erase_memos(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<()> {
    for id in ids {
        tx.exec("UPDATE deliveries SET memo = '', version = version + 1 WHERE id = ? AND memo <> ''", &[(*id).into()])?;
        let sql = "UPDATE delivery_events SET details = '{}' WHERE delivery_id = ? AND action = 'memo-changed'";
        tx.exec(sql, &[(*id).into()])?;
    }
    Ok(())
}

/// Records that the member has printed the slips of these deliveries now.
pub fn set_printed(tx: &mut dyn Tx, ids: &[DeliveryId], member_id: MemberId) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE deliveries SET printed_at = ?, printed_by = ?, version = version + 1 WHERE id = ?";
    tx.exec_many(sql, &mut ids.iter().map(|id| vec![now.into(), member_id.into(), (*id).into()]))
}
