//! Orders at the end of their retention, and their destruction.

pub use super::changes::{DestroyedOrders, destroy};
use crate::storage::{Param, Result, Tx};
use crate::time::Moment;

/// An order at the end of its retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueOrder {
    /// identifier
    pub id: i64,
    /// 상품주문번호
    pub order_number: String,
}

/// Every moment of these orders is before `?`, which the condition has once for each of six moments.
const ENDED: &str = "o.placed_at < ? AND coalesce(o.purchased_at, 0) < ? AND coalesce(o.dispatched_at, 0) < ? AND \
                     coalesce(o.shipped_at, 0) < ? AND coalesce(o.confirmed_at, 0) < ? AND \
                     coalesce(o.cancelled_at, 0) < ? AND coalesce(o.refunded_at, 0) < ?";

/// Number of placeholders in [`ENDED`].
const ENDED_PARAMS: usize = 7;

/// Orders in which nothing happened since `before`, oldest first; at most `limit`.
pub fn due(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<Vec<DueOrder>> {
    let by_placed = tx.index_hint("orders_by_placed");
    let sql =
        format!("SELECT o.id, o.order_number FROM orders o {by_placed} WHERE {ENDED} ORDER BY o.placed_at LIMIT ?");
    let params: Vec<Param<'_>> = ended_params(before).chain([limit.into()]).collect();
    tx.query(&sql, &params)?
        .into_iter()
        .map(|mut row| Ok(DueOrder { id: row.int(0)?, order_number: row.text(1)? }))
        .collect()
}

/// Number of orders in which nothing happened since `before`, and the first and last 주문일 of them.
pub fn count_due(tx: &mut dyn Tx, before: Moment) -> Result<(i64, Option<(Moment, Moment)>)> {
    let by_placed = tx.index_hint("orders_by_placed");
    let sql = format!("SELECT count(*), min(o.placed_at), max(o.placed_at) FROM orders o {by_placed} WHERE {ENDED}");
    let params: Vec<Param<'_>> = ended_params(before).collect();
    tx.query_one(&sql, &params)?
        .map_or(Ok((0, None)), |row| Ok((row.int(0)?, row.opt_moment(1)?.zip(row.opt_moment(2)?))))
}

fn ended_params(before: Moment) -> impl Iterator<Item = Param<'static>> {
    std::iter::repeat_n(Param::from(before), ENDED_PARAMS)
}
