//! SQL of orders at the end of their retention, and of what keeps an order beyond its own moments.

use std::collections::BTreeMap;

use chrono::Months;

use crate::id::OrderId;
use crate::privacy::RetentionYears;
use crate::privacy::model::COMPLAINT_YEARS;
use crate::privacy::person::OrderHold;
use crate::storage::{Param, Result, Tx};
use crate::time::Moment;

/// An order at the end of its retention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueOrder {
    /// identifier
    pub id: OrderId,
    /// 상품주문번호
    pub order_number: String,
}

/// Every moment of these orders is before `?`, which the condition has [`ENDED_PARAMS`] times.
const ENDED: &str = "o.placed_at < ? AND coalesce(o.purchased_at, 0) < ? AND coalesce(o.dispatched_at, 0) < ? AND \
                     coalesce(o.shipped_at, 0) < ? AND coalesce(o.confirmed_at, 0) < ? AND \
                     coalesce(o.cancelled_at, 0) < ? AND coalesce(o.refunded_at, 0) < ?";

/// Number of placeholders in [`ENDED`].
const ENDED_PARAMS: usize = 7;

/// Something about the order is not settled: a claim, a value that a member has to decide about, a job.
const OPEN: &str = "(EXISTS (SELECT 1 FROM open_claims c WHERE c.order_id = o.id) \
                    OR EXISTS (SELECT 1 FROM channel_conflicts k WHERE k.order_id = o.id AND k.is_open = 1) \
                    OR EXISTS (SELECT 1 FROM jobs j WHERE j.delivery_id = o.delivery_id AND j.state = 'open'))";

/// A job of the delivery ended too lately: a repair at the first `?` or later, another one at the second.
const LATE_JOB: &str = "EXISTS (SELECT 1 FROM jobs j WHERE j.delivery_id = o.delivery_id AND \
                        j.ended_at >= CASE WHEN j.kind = 'service' THEN ? ELSE ? END)";

/// Orders in which nothing happened since `before`, the end of `keep`, oldest first; at most `limit`.
pub fn due(tx: &mut dyn Tx, before: Moment, keep: RetentionYears, limit: i64) -> Result<Vec<DueOrder>> {
    let by_placed = tx.index_hint("orders_by_placed");
    let sql = format!(
        "SELECT o.id, o.order_number FROM orders o {by_placed} WHERE {ENDED} AND NOT {OPEN} AND NOT {LATE_JOB} \
         ORDER BY o.placed_at LIMIT ?"
    );
    let params: Vec<Param<'_>> = due_params(before, keep).chain([limit.into()]).collect();
    tx.query(&sql, &params)?
        .into_iter()
        .map(|mut row| Ok(DueOrder { id: row.id(0)?, order_number: row.text(1)? }))
        .collect()
}

/// Number of orders in which nothing happened since `before`, and the first and last 주문일 of them.
pub fn count_due(tx: &mut dyn Tx, before: Moment, keep: RetentionYears) -> Result<(i64, Option<(Moment, Moment)>)> {
    let by_placed = tx.index_hint("orders_by_placed");
    let sql = format!(
        "SELECT count(*), min(o.placed_at), max(o.placed_at) FROM orders o {by_placed} \
         WHERE {ENDED} AND NOT {OPEN} AND NOT {LATE_JOB}"
    );
    let params: Vec<Param<'_>> = due_params(before, keep).collect();
    tx.query_one(&sql, &params)?
        .map_or(Ok((0, None)), |row| Ok((row.int(0)?, row.opt_moment(1)?.zip(row.opt_moment(2)?))))
}

/// Number of orders that would be due, but for something that is not settled.
pub fn count_open(tx: &mut dyn Tx, before: Moment) -> Result<i64> {
    let by_placed = tx.index_hint("orders_by_placed");
    let sql = format!("SELECT count(*) FROM orders o {by_placed} WHERE {ENDED} AND {OPEN}");
    let params: Vec<Param<'_>> = ended_params(before).collect();
    tx.scalar(&sql, &params)
}

fn ended_params(before: Moment) -> impl Iterator<Item = Param<'static>> {
    std::iter::repeat_n(Param::from(before), ENDED_PARAMS)
}

/// Parameters of [`ENDED`] and [`LATE_JOB`]. A repair is kept as a complaint, whose duty is shorter.
fn due_params(before: Moment, keep: RetentionYears) -> impl Iterator<Item = Param<'static>> {
    let months = keep.years().saturating_sub(COMPLAINT_YEARS).saturating_mul(12);
    let complaints = before.date().checked_add_months(Months::new(months)).map_or(before, Moment::start_of);
    ended_params(before).chain([complaints.into(), before.into()])
}

/// What keeps these orders beyond their own moments.
pub fn holds(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<BTreeMap<OrderId, OrderHold>> {
    let mut holds: BTreeMap<OrderId, OrderHold> = BTreeMap::new();
    let open: [fn(&str) -> String; 2] = [
        |ids| format!("SELECT order_id FROM open_claims WHERE order_id IN ({ids})"),
        |ids| format!("SELECT order_id FROM channel_conflicts WHERE is_open = 1 AND order_id IN ({ids})"),
    ];
    for sql in open {
        tx.for_ids(ids, &[], sql, &mut |row| {
            holds.entry(row.id(0)?).or_default().is_open = true;
            Ok(())
        })?;
    }
    let sql = |ids: &str| {
        format!(
            "SELECT o.id, j.kind, j.ended_at FROM jobs j JOIN orders o ON o.delivery_id = j.delivery_id \
             WHERE j.state IS NOT NULL AND o.id IN ({ids})"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let hold = holds.entry(row.id(0)?).or_default();
        match (row.text(1)?.as_str(), row.opt_moment(2)?) {
            (_, None) => hold.is_open = true,
            ("service", ended) => hold.repaired_at = hold.repaired_at.max(ended),
            (_, ended) => hold.job_ended_at = hold.job_ended_at.max(ended),
        }
        Ok(())
    })?;
    Ok(holds)
}
