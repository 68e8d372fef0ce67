//! SQL of findings.

use crate::drive::model::DriveFinding;
use crate::id::{DeliveryId, FindingId, JobId, MemberId, TourId};
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Findings that the page shows.
const MAX_FINDINGS: usize = 200;

/// An unresolved finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindingRow {
    /// identifier
    pub id: FindingId,
    /// what
    pub finding: DriveFinding,
    /// when it was found
    pub found_at: Moment,
    /// the event
    pub event_id: String,
    /// its tour
    pub tour_id: TourId,
    /// its job
    pub job_id: JobId,
    /// its delivery
    pub delivery_id: DeliveryId,
    /// 묶음배송번호
    pub bundle_number: String,
}

/// Stores a finding of an event, unless it is known.
pub fn insert(tx: &mut dyn Tx, event_id: &str, finding: DriveFinding) -> Result<bool> {
    let known: i64 = tx.scalar(
        "SELECT count(*) FROM stop_findings WHERE event_id = ? AND kind = ?",
        &[event_id.into(), finding.code().into()],
    )?;
    if known > 0 {
        return Ok(false);
    }
    let (id, now) = (tx.new_id::<FindingId>(), tx.now());
    let sql = "INSERT INTO stop_findings (id, event_id, kind, found_at, resolved_at, resolved_by) \
               VALUES (?, ?, ?, ?, NULL, NULL)";
    tx.exec(sql, &[id.into(), event_id.into(), finding.code().into(), now.into()])?;
    Ok(true)
}

/// The open findings, oldest first.
pub fn open(tx: &mut dyn Tx) -> Result<Vec<FindingRow>> {
    let sql = format!(
        "SELECT f.id, f.kind, f.found_at, f.event_id, e.tour_id, e.job_id, j.delivery_id, d.bundle_number \
         FROM stop_findings f JOIN stop_events e ON e.id = f.event_id JOIN jobs j ON j.id = e.job_id \
         JOIN deliveries d ON d.id = j.delivery_id WHERE f.resolved_at IS NULL ORDER BY f.id LIMIT {MAX_FINDINGS}"
    );
    let mut found = Vec::new();
    tx.for_each(&sql, &[], &mut |mut row| {
        found.push(FindingRow {
            id: row.id(0)?,
            finding: row.code(1, "stop_findings.kind")?,
            found_at: row.moment(2)?,
            event_id: row.text(3)?,
            tour_id: row.id(4)?,
            job_id: row.id(5)?,
            delivery_id: row.id(6)?,
            bundle_number: row.text(7)?,
        });
        Ok(())
    })?;
    Ok(found)
}

/// Number of open findings.
pub fn count_open(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM stop_findings WHERE resolved_at IS NULL", &[])
}

/// Marks a finding as looked at; false if it is already.
pub fn resolve(tx: &mut dyn Tx, id: FindingId, member_id: MemberId) -> Result<bool> {
    let now = tx.now();
    let sql = "UPDATE stop_findings SET resolved_at = ?, resolved_by = ? WHERE id = ? AND resolved_at IS NULL";
    Ok(tx.exec(sql, &[now.into(), member_id.into(), id.into()])? > 0)
}
