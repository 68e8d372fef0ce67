//! SQL of the first page, in table `settings`.

use crate::storage::{Result, Tx};

/// Name of the setting that hides the first steps which are left; its value is `1`.
const STEPS_DISMISSED: &str = "today.steps_dismissed";

/// Whether an administrator has dismissed the first steps.
pub(super) fn are_first_steps_dismissed(tx: &mut dyn Tx) -> Result<bool> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[STEPS_DISMISSED.into()])?;
    row.map_or(Ok(false), |mut row| Ok(row.text(0)? == "1"))
}

/// Dismisses the first steps. Those that put data at risk stay.
pub(super) fn dismiss_first_steps(tx: &mut dyn Tx) -> Result<()> {
    tx.upsert("settings", &[("name", STEPS_DISMISSED.into())], &[("value", "1".into())])?;
    Ok(())
}
