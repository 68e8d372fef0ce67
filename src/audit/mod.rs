//! Who did what, and who took whose data out ([`downloads`]).
//!
//! An act leaves a row in `activities` in the transaction that does it, with the answer that was
//! given. The redirect that follows names the row (`?done=…`), so the answer is shown once more
//! after it, to the member who acted and to nobody else.

pub mod downloads;
pub mod pages;

use serde_json::Value;

use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// One act.
#[derive(Clone, Debug)]
pub struct Activity {
    /// time-sorted identifier
    pub id: i64,
    /// when
    pub at: Moment,
    /// what was done, a short English word: `orders.proceeded`
    pub action: String,
    /// the answer; `message` and `tone` are what every page shows of it
    pub summary: Value,
}

/// Writes down that `member_id` (None: the command line) did `action`, and gives the row's id.
pub fn record(tx: &mut dyn Tx, member_id: Option<i64>, action: &str, summary: &Value) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO activities (id, at, member_id, action, summary) VALUES (?, ?, ?, ?, ?)",
        &[id.into(), now.into(), member_id.into(), action.into(), summary.to_string().into()],
    )?;
    Ok(id)
}

/// The act of that id, if it was `member_id`'s.
pub fn find(tx: &mut dyn Tx, id: i64, member_id: i64) -> Result<Option<Activity>> {
    tx.query_one(
        "SELECT at, action, summary FROM activities WHERE id = ? AND member_id = ?",
        &[id.into(), member_id.into()],
    )?
    .map(|mut row| {
        let summary = serde_json::from_str(&row.text(2)?)
            .map_err(|error| StorageError::Inconsistent(format!("activities.summary of {id}: {error}")))?;
        Ok(Activity { id, at: row.moment(0)?, action: row.text(1)?, summary })
    })
    .transpose()
}
