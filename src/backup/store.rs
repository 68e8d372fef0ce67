//! SQL of the backup.

pub(super) mod integrity;

use super::mariadb_dump::MariaDbDump;
use super::store::integrity::ShopSummary;
use crate::storage::{Result, Tx};

/// Name in `settings` of the newest verified dump.
const DUMP_SETTING: &str = "backup.dump";

/// Stores a verified dump as the newest one.
pub(super) fn save_dump(tx: &mut dyn Tx, dump: &MariaDbDump) -> Result<()> {
    let json = serde_json::json!(dump).to_string();
    tx.upsert("settings", &[("name", DUMP_SETTING.into())], &[("value", json.into())]).map(drop)
}

/// The newest verified dump.
pub(super) fn newest_dump(tx: &mut dyn Tx) -> Result<Option<MariaDbDump>> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[DUMP_SETTING.into()])?;
    row.map(|mut row| row.json(0, DUMP_SETTING)).transpose()
}

/// Number of the shop's orders up to the newest one of `summary`; −1 if the shop does not have that order.
pub(super) fn count_orders_until(tx: &mut dyn Tx, summary: &ShopSummary) -> Result<i64> {
    let Some((id, number)) = &summary.newest else { return Ok(0) };
    let newest =
        tx.query_one("SELECT id FROM orders WHERE id = ? AND order_number = ?", &[(*id).into(), number.into()])?;
    if newest.is_none() {
        return Ok(-1);
    }
    tx.scalar("SELECT count(*) FROM orders WHERE id <= ?", &[(*id).into()])
}
