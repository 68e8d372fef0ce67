//! SQL of the audit log.

use serde_json::Value;

use super::AuditEntry;
use crate::storage::{Result, StorageError, Tx};

/// Appends an entry to the audit log and returns its identifier. `member_id` is `None` on the command line.
pub fn record(tx: &mut dyn Tx, member_id: Option<i64>, action: &str, summary: &Value) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO activities (id, at, member_id, action, summary) VALUES (?, ?, ?, ?, ?)",
        &[id.into(), now.into(), member_id.into(), action.into(), summary.to_string().into()],
    )?;
    Ok(id)
}

/// The entry of that identifier, if `member_id` is its actor.
pub fn find(tx: &mut dyn Tx, id: i64, member_id: i64) -> Result<Option<AuditEntry>> {
    tx.query_one(
        "SELECT at, action, summary FROM activities WHERE id = ? AND member_id = ?",
        &[id.into(), member_id.into()],
    )?
    .map(|mut row| {
        let summary = serde_json::from_str(&row.text(2)?)
            .map_err(|error| StorageError::Inconsistent(format!("activities.summary of {id}: {error}")))?;
        Ok(AuditEntry { id, at: row.moment(0)?, action: row.text(1)?, summary })
    })
    .transpose()
}
