//! SQL of inspections.

use std::collections::HashSet;

use chrono::NaiveDate;

use super::{InspectionMonth, InspectionReport, Inspector};
use crate::access::list::{self, AccessFilter};
use crate::access::store::head;
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// Milliseconds before a month in which an address counts as known.
const KNOWN_ADDRESS_MS: i64 = 183 * 24 * 60 * 60 * 1000;

/// Months that may be due: older ones are not asked for any more.
const MAX_DUE_MONTHS: usize = 12;

/// A signed inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInspection {
    /// the month
    pub month: InspectionMonth,
    /// the draft as it was signed
    pub report: InspectionReport,
    /// what the reviewer found
    pub note: String,
    /// who signed
    pub signed_by: i64,
    /// when
    pub signed_at: Moment,
    /// end of the chain at that time
    pub last_sequence: i64,
    /// its digest
    pub digest: String,
}

/// Drafts the report of a month from its records.
pub fn draft(tx: &mut dyn Tx, month: InspectionMonth) -> Result<InspectionReport> {
    let (from, to) = month.moments();
    let known = tx.query(
        "SELECT DISTINCT member_id, address FROM access_records \
         WHERE recorded_at >= ? AND recorded_at < ? AND member_id IS NOT NULL",
        &[from.plus_ms(-KNOWN_ADDRESS_MS).into(), from.into()],
    )?;
    let known: HashSet<(i64, String)> =
        known.into_iter().map(|mut row| Ok((row.int(0)?, row.text(1)?))).collect::<Result<_>>()?;
    let mut inspector = Inspector::new(known);
    let filter = AccessFilter { from: Some(from.date()), to: Some(to.plus_ms(-1).date()), ..AccessFilter::default() };
    list::for_each(tx, &filter, &mut |record, _| {
        inspector.add(record);
        Ok(())
    })?;
    Ok(inspector.finish())
}

const COLUMNS: &str = "inspected_month, report, note, signed_by, signed_at, last_sequence, digest";

fn inspection(mut row: Row) -> Result<SignedInspection> {
    let inconsistent = |what: &dyn std::fmt::Display| StorageError::Inconsistent(format!("access_inspections: {what}"));
    let day: NaiveDate = row.opt_date(0)?.ok_or_else(|| inconsistent(&"inspected_month"))?;
    Ok(SignedInspection {
        month: InspectionMonth::of(day),
        report: row.json(1, "access_inspections.report")?,
        note: row.text(2)?,
        signed_by: row.int(3)?,
        signed_at: row.moment(4)?,
        last_sequence: row.int(5)?,
        digest: row.text(6)?,
    })
}

/// The signed inspection of a month.
pub fn find(tx: &mut dyn Tx, month: InspectionMonth) -> Result<Option<SignedInspection>> {
    let sql = format!("SELECT {COLUMNS} FROM access_inspections WHERE inspected_month = ?");
    tx.query_one(&sql, &[month.first_day().into()])?.map(inspection).transpose()
}

/// All signed inspections, newest first.
pub fn signed(tx: &mut dyn Tx) -> Result<Vec<SignedInspection>> {
    let sql = format!("SELECT {COLUMNS} FROM access_inspections ORDER BY inspected_month DESC");
    tx.query(&sql, &[])?.into_iter().map(inspection).collect()
}

/// Signs the draft of a month, as it is now. False if it is signed already, or not over.
pub fn sign(tx: &mut dyn Tx, month: InspectionMonth, member_id: i64, note: &str) -> Result<bool> {
    let now = tx.now();
    if month.moments().1 > now || find(tx, month)?.is_some() {
        return Ok(false);
    }
    let report = draft(tx, month)?;
    let report = serde_json::to_string(&report).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let (last_sequence, digest) = head(tx)?;
    tx.exec(
        &format!("INSERT INTO access_inspections ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"),
        &[
            month.first_day().into(),
            report.into(),
            note.into(),
            member_id.into(),
            now.into(),
            last_sequence.into(),
            digest.into(),
        ],
    )?;
    Ok(true)
}

/// Months that are over, have records and are not signed, oldest first.
pub fn due_months(tx: &mut dyn Tx) -> Result<Vec<InspectionMonth>> {
    let first = tx.query_one("SELECT min(recorded_at) FROM access_records", &[])?;
    let Some(first) = first.map_or(Ok(None), |row| row.opt_moment(0))? else { return Ok(Vec::new()) };
    let signed: HashSet<NaiveDate> = tx
        .query("SELECT inspected_month FROM access_inspections", &[])?
        .iter()
        .map(|row| row.opt_date(0))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    let present = InspectionMonth::of(tx.now().date());
    let months = std::iter::successors(Some(InspectionMonth::of(first.date())), |month| Some(month.next()));
    let over: Vec<InspectionMonth> = months.take_while(|month| *month < present).collect();
    let recent = over.len().saturating_sub(MAX_DUE_MONTHS);
    Ok(over.into_iter().skip(recent).filter(|month| !signed.contains(&month.first_day())).collect())
}
