//! SQL of `mukkeum doctor`.

use crate::storage::{Result, Tx};

/// Checks the structure of the SQLite file. None if it is intact, else the first problem.
///
/// # Errors
/// The database failed.
pub(super) fn find_corruption(tx: &mut dyn Tx) -> Result<Option<String>> {
    let result = tx.query_one("PRAGMA quick_check(1)", &[])?.map(|mut row| row.text(0)).transpose()?;
    Ok(Some(result.unwrap_or_default()).filter(|result| result != "ok"))
}
