//! SQL of the demo shop.

use serde_json::{Value, json};

use crate::audit;
use crate::members;
use crate::storage::{Result, Tx, schema};
use crate::time::Moment;

/// Activity that records the creation of the shop.
const CREATED_ACTION: &str = "demo.made";

/// Creation of a demo shop, from the activities.
pub(super) struct CreationRecord {
    /// Time of the creation.
    pub at: Moment,
    /// Number of generated orders.
    pub orders: Option<u64>,
}

/// The recorded creation; `None` if the database contains no demo shop.
pub(super) fn creation(tx: &mut dyn Tx) -> Result<Option<CreationRecord>> {
    tx.query_one("SELECT at, summary FROM activities WHERE action = ? ORDER BY id LIMIT 1", &[CREATED_ACTION.into()])?
        .map(|mut row| {
            let summary: Value = serde_json::from_str(&row.text(1)?).unwrap_or_default();
            Ok(CreationRecord { at: row.moment(0)?, orders: summary["orders"].as_u64() })
        })
        .transpose()
}

/// Records the creation.
pub(super) fn record_creation(tx: &mut dyn Tx, orders: u64) -> Result<()> {
    audit::record(tx, None, CREATED_ACTION, &json!({ "orders": orders })).map(|_| ())
}

/// Whether the shop has neither members nor orders.
pub(super) fn is_empty(tx: &mut dyn Tx) -> Result<bool> {
    Ok(!members::store::has_members(tx)? && tx.query_one("SELECT id FROM orders LIMIT 1", &[])?.is_none())
}

/// Deletes the rows of all tables of the schema.
pub(super) fn delete_all(tx: &mut dyn Tx) -> Result<()> {
    for table in schema::tables().rev() {
        tx.exec(&format!("DELETE FROM {table}"), &[])?;
    }
    Ok(())
}
