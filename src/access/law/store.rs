//! SQL of what the page 법 점검 measures.

use super::{Measurements, Verification};
use crate::access::inspection::due_periods;
use crate::access::retention::unclassified;
use crate::access::{ChainReport, count_data_subjects, effective_years, is_guarded};
use crate::storage::{Result, StorageError, Tx};

/// Name of the setting with the last [`Verification`].
const VERIFICATION: &str = "access.verification";

/// Stores the result of a verification.
pub fn save_verification(tx: &mut dyn Tx, report: &ChainReport) -> Result<()> {
    let verification = Verification { at: tx.now(), records: report.records, faults: report.faults.len() };
    let text = serde_json::to_string(&verification).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    tx.upsert("settings", &[("name", VERIFICATION.into())], &[("value", text.into())])
}

/// The last verification.
pub fn last_verification(tx: &mut dyn Tx) -> Result<Option<Verification>> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[VERIFICATION.into()])?;
    let Some(mut row) = row else { return Ok(None) };
    Ok(serde_json::from_str(&row.text(0)?).ok())
}

/// Measures what the database can tell of this room; members who do not come and the network are the caller's.
pub fn measure(tx: &mut dyn Tx, configured_years: u32) -> Result<Measurements> {
    let now = tx.now();
    let people = count_data_subjects(tx)?;
    let count = |tx: &mut dyn Tx, which: &str| {
        let members = format!("SELECT count(*) FROM members m WHERE m.enabled = 1 AND m.role {which}");
        let with_app = format!("{members} AND EXISTS (SELECT 1 FROM member_totp t WHERE t.member_id = m.id)");
        Ok::<_, StorageError>((tx.scalar(&members, &[])?, tx.scalar(&with_app, &[])?))
    };
    Ok(Measurements {
        now: Some(now),
        verification: last_verification(tx)?,
        is_guarded: is_guarded(tx)?,
        due_inspections: due_periods(tx)?.len(),
        unclassified: unclassified(tx)?.len(),
        admins: count(tx, "= 'admin'")?,
        others: count(tx, "<> 'admin'")?,
        idle_members: 0,
        people,
        access_years: effective_years(configured_years, people),
        configured_years,
        is_public: false,
        is_insecure: false,
    })
}
