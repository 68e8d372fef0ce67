//! SQL of inspections.

use std::collections::{BTreeSet, HashSet};

use chrono::NaiveDate;

use super::{InspectionMonth, InspectionPeriod, InspectionReport, Inspector, PERIOD_MONTHS, due_of};
use crate::access::list::{self, AccessFilter};
use crate::access::store::head;
use crate::id::MemberId;
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// Milliseconds before a month in which an address counts as known.
const KNOWN_ADDRESS_MS: i64 = 183 * 24 * 60 * 60 * 1000;

/// Months that may be due: older ones are not asked for any more.
const MAX_DUE_MONTHS: u32 = 12;

/// Name of the setting with the months of a period.
const PERIOD: &str = "access.inspect_months";

/// A signed inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedInspection {
    /// the months
    pub period: InspectionPeriod,
    /// the draft as it was signed
    pub report: InspectionReport,
    /// what the reviewer found
    pub note: String,
    /// who signed
    pub signed_by: MemberId,
    /// when
    pub signed_at: Moment,
    /// end of the chain at that time
    pub last_sequence: i64,
    /// its digest
    pub digest: String,
}

/// Months of a period.
pub fn period_months(tx: &mut dyn Tx) -> Result<u32> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[PERIOD.into()])?;
    let months = row.map(|mut row| row.text(0)).transpose()?.and_then(|text| text.parse().ok());
    Ok(months.filter(|months| PERIOD_MONTHS.contains(months)).unwrap_or(1))
}

/// Stores the months of a period.
pub fn save_period_months(tx: &mut dyn Tx, months: u32) -> Result<()> {
    tx.upsert("settings", &[("name", PERIOD.into())], &[("value", months.to_string().into())])
}

/// Drafts the report of a period from its records.
pub fn draft(tx: &mut dyn Tx, period: InspectionPeriod) -> Result<InspectionReport> {
    let (from, to) = period.moments();
    let known = tx.query(
        "SELECT DISTINCT member_id, address FROM access_records \
         WHERE recorded_at >= ? AND recorded_at < ? AND member_id IS NOT NULL",
        &[from.plus_ms(-KNOWN_ADDRESS_MS).into(), from.into()],
    )?;
    let known: HashSet<(MemberId, String)> =
        known.into_iter().map(|mut row| Ok((row.id(0)?, row.text(1)?))).collect::<Result<_>>()?;
    let mut inspector = Inspector::new(known);
    let filter = AccessFilter { from: Some(from.date()), to: Some(to.plus_ms(-1).date()), ..AccessFilter::default() };
    list::for_each(tx, &filter, &mut |record, _| {
        inspector.add(record);
        Ok(())
    })?;
    Ok(inspector.finish())
}

const COLUMNS: &str = "inspected_month, months, report, note, signed_by, signed_at, last_sequence, digest";

fn inspection(mut row: Row) -> Result<SignedInspection> {
    let inconsistent = |what: &dyn std::fmt::Display| StorageError::Inconsistent(format!("access_inspections: {what}"));
    let day: NaiveDate = row.opt_date(0)?.ok_or_else(|| inconsistent(&"inspected_month"))?;
    Ok(SignedInspection {
        period: InspectionPeriod {
            first: InspectionMonth::of(day),
            months: u32::try_from(row.int(1)?).map_err(|_| inconsistent(&"months"))?,
        },
        report: row.json(2, "access_inspections.report")?,
        note: row.text(3)?,
        signed_by: row.id(4)?,
        signed_at: row.moment(5)?,
        last_sequence: row.int(6)?,
        digest: row.text(7)?,
    })
}

/// The signed inspection that covers a month.
pub fn find(tx: &mut dyn Tx, month: InspectionMonth) -> Result<Option<SignedInspection>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM access_inspections WHERE inspected_month <= ? ORDER BY inspected_month DESC LIMIT 1"
    );
    let found = tx.query_one(&sql, &[month.first_day().into()])?.map(inspection).transpose()?;
    Ok(found.filter(|signed| signed.period.each().any(|covered| covered == month)))
}

/// All signed inspections, newest first.
pub fn signed(tx: &mut dyn Tx) -> Result<Vec<SignedInspection>> {
    let sql = format!("SELECT {COLUMNS} FROM access_inspections ORDER BY inspected_month DESC");
    tx.query(&sql, &[])?.into_iter().map(inspection).collect()
}

/// Signs the draft of the period that begins with a month, as it is now. None if it is signed already, or not over.
pub fn sign(
    tx: &mut dyn Tx,
    month: InspectionMonth,
    member_id: MemberId,
    note: &str,
) -> Result<Option<InspectionPeriod>> {
    let now = tx.now();
    let period = InspectionPeriod::beginning(month, period_months(tx)?);
    if period.moments().1 > now || find(tx, month)?.is_some() {
        return Ok(None);
    }
    let report = draft(tx, period)?;
    let report = serde_json::to_string(&report).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
    let (last_sequence, digest) = head(tx)?;
    tx.exec(
        &format!("INSERT INTO access_inspections ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
        &[
            month.first_day().into(),
            i64::from(period.months).into(),
            report.into(),
            note.into(),
            member_id.into(),
            now.into(),
            last_sequence.into(),
            digest.into(),
        ],
    )?;
    Ok(Some(period))
}

/// Periods that are over, have records and are not signed, oldest first.
pub fn due_periods(tx: &mut dyn Tx) -> Result<Vec<InspectionPeriod>> {
    let first = tx.query_one("SELECT min(recorded_at) FROM access_records", &[])?;
    let Some(first) = first.map_or(Ok(None), |row| row.opt_moment(0))? else { return Ok(Vec::new()) };
    let present = InspectionMonth::of(tx.now().date());
    let first = InspectionMonth::of(first.date()).max(present.minus(MAX_DUE_MONTHS));
    let covered: BTreeSet<InspectionMonth> =
        signed(tx)?.into_iter().flat_map(|inspection| inspection.period.each()).collect();
    Ok(due_of(first, present, period_months(tx)?, &covered))
}
