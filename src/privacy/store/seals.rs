//! SQL of 분리 보관: orders that are due, and what is said of it.

use std::collections::BTreeSet;

use crate::id::OrderId;
use crate::orders::model::OrderState;
use crate::orders::store::seal::OPEN_FOR_MS;
use crate::privacy::seal::SealStatus;
use crate::storage::{Param, Result, Tx};
use crate::time::Moment;

/// Name of the setting with the moment of the last search for due orders.
const CHECKED_AT: &str = "privacy.sealed_at";

/// Orders that ended before this moment: no event and no entry since, no open claim or conflict, no job of their delivery that
/// is open or ended later. And orders whose use was stopped, once the time for which they were opened is over. At most `limit`.
pub fn due(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<Vec<OrderId>> {
    let by_placed = tx.index_hint("orders_by_placed");
    let moments = ["purchased_at", "dispatched_at", "shipped_at", "confirmed_at", "cancelled_at", "refunded_at"]
        .map(|column| format!("coalesce(o.{column}, 0) < ?"))
        .join(" AND ");
    let ended = "o.state >= ? AND NOT EXISTS (SELECT 1 FROM open_claims c WHERE c.order_id = o.id) \
                 AND NOT EXISTS (SELECT 1 FROM channel_conflicts k WHERE k.order_id = o.id AND k.is_open = 1) \
                 AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.delivery_id = o.delivery_id \
                 AND (j.state = 'open' OR j.ended_at >= ?))";
    let sql = format!(
        "SELECT o.id FROM orders o {by_placed} WHERE o.placed_at < ? AND o.created_at < ? AND {moments} AND {ended} \
         AND NOT EXISTS (SELECT 1 FROM order_seals s WHERE s.order_id = o.id \
         AND (s.opened_at IS NULL OR s.opened_at >= ?)) ORDER BY o.placed_at LIMIT ?"
    );
    let (ordinal, opened_before) = (OrderState::Shipped.ordinal(), tx.now().plus_ms(-OPEN_FOR_MS));
    let mut params: Vec<Param<'_>> = std::iter::repeat_n(Param::from(before), 8).collect();
    params.extend([ordinal.into(), before.into(), opened_before.into(), limit.into()]);
    let mut found = BTreeSet::new();
    for row in tx.query(&sql, &params)? {
        found.insert(row.id(0)?);
    }
    let sql = format!(
        "SELECT o.id FROM order_seals s JOIN orders o ON o.id = s.order_id \
         JOIN restrictions r ON r.delivery_id = o.delivery_id WHERE s.opened_at < ? AND {ended} LIMIT ?"
    );
    let params = [opened_before.into(), ordinal.into(), opened_before.into(), limit.into()];
    for row in tx.query(&sql, &params)? {
        found.insert(row.id(0)?);
    }
    Ok(found.into_iter().collect())
}

/// When the program last looked for due orders.
pub fn checked_at(tx: &mut dyn Tx) -> Result<Option<Moment>> {
    super::moment_of(tx, CHECKED_AT)
}

/// Stores that due orders were looked for now.
pub fn save_check(tx: &mut dyn Tx) -> Result<()> {
    let now = tx.now().0.to_string();
    tx.upsert("settings", &[("name", CHECKED_AT.into())], &[("value", now.into())])
}

/// Measures what is sealed.
pub fn status(tx: &mut dyn Tx) -> Result<SealStatus> {
    Ok(SealStatus {
        checked_at: checked_at(tx)?,
        sealed: tx.scalar("SELECT count(*) FROM order_seals WHERE opened_at IS NULL", &[])?,
        opened: tx.scalar("SELECT count(*) FROM order_seals WHERE opened_at IS NOT NULL", &[])?,
    })
}
