//! Destruction of orders at the end of their retention: the rows with everything that belongs to them.
//!
//! The search terms are removed before ([`crate::search::store::find_terms`]), because they are not found by the order.
//! Rows of other rooms (deliveries' log, plans, uploads) are theirs to destroy, in the same transaction.

use std::collections::{BTreeMap, BTreeSet};

use super::{channel_conflicts, deliveries, find};
use crate::orders::model::OrderState;
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

/// Tables with rows of an order that its destruction deletes.
const TABLES: [&str; 6] =
    ["open_claims", "order_districts", "channel_statements", "channel_conflicts", "order_events", "bulk_action_orders"];

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

/// What [`destroy`] deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestroyedOrders {
    /// identifiers of the orders
    pub orders: Vec<i64>,
    /// entries of their logs
    pub events: u64,
    /// deliveries that have no order any more, for [`deliveries::delete_empty`]
    pub emptied: Vec<i64>,
}

/// Deletes these orders with their log, what the channel said of them, and the counts. Orders that do not exist are left
/// out: a run may be repeated.
pub fn destroy(tx: &mut dyn Tx, ids: &[i64]) -> Result<DestroyedOrders> {
    let orders = find(tx, ids)?;
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let mut destroyed = DestroyedOrders { orders: ids, ..DestroyedOrders::default() };
    channel_conflicts::forget_open(tx, &destroyed.orders)?;
    for table in TABLES {
        let deleted = tx.delete_ids(table, "order_id", &destroyed.orders)?;
        destroyed.events += if table == "order_events" { deleted } else { 0 };
    }
    tx.delete_ids("orders", "id", &destroyed.orders)?;
    let mut counts: BTreeMap<(OrderState, i64, i64), i64> = BTreeMap::new();
    for order in &orders {
        *counts.entry((order.state, order.channel_id, order.product_id)).or_default() -= 1;
    }
    let mut rows = counts.into_iter().map(|((state, channel_id, product_id), amount)| {
        vec![state.ordinal().into(), channel_id.into(), product_id.into(), amount.into()]
    });
    tx.increment_many("order_tallies", &["state", "channel_id", "product_id"], "order_count", &mut rows)?;
    let mut emptied: BTreeSet<i64> = orders.iter().map(|order| order.delivery_id).collect();
    let all: Vec<i64> = emptied.iter().copied().collect();
    let mut remaining = BTreeSet::new();
    let sql = |ids: &str| format!("SELECT DISTINCT delivery_id FROM orders WHERE delivery_id IN ({ids})");
    tx.for_ids(&all, &[], sql, &mut |row| {
        remaining.insert(row.int(0)?);
        Ok(())
    })?;
    emptied.retain(|id| !remaining.contains(id));
    deliveries::refresh_summaries(tx, &remaining.into_iter().collect::<Vec<_>>())?;
    destroyed.emptied = emptied.into_iter().collect();
    Ok(destroyed)
}
