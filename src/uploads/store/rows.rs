//! The rows of a report, and what became of the rejected ones since.
//!
//! A rejected row of an applied upload is open until somebody has dealt with it: `open_order` holds
//! its order number, and `uploads.open_rows` counts them.

use std::collections::BTreeSet;

use crate::channels::FileKind;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::uploads::model::{Handled, Handling, KeptRow, Outcome, Parcel, Report, RowReport};

const ROW: &str = "SELECT r.row_number, r.order_number, r.outcome, r.reasons, r.new_tracking_number, r.new_courier, \
                   r.handled, m.username, r.handled_at FROM upload_rows r LEFT JOIN members m ON m.id = r.handled_by";

/// Which rows of an upload are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFilter {
    /// every row
    All,
    /// those of one outcome
    Outcome(Outcome),
    /// those taken with a warning
    Warned,
    /// those with another number than their order has
    Conflicts,
}

impl RowFilter {
    fn condition(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::All => ("", None),
            Self::Outcome(outcome) => ("AND r.outcome = ?", Some(outcome.code())),
            Self::Warned => ("AND r.outcome IN ('created', 'updated') AND r.reasons <> '[]'", None),
            Self::Conflicts => ("AND r.new_tracking_number <> ''", None),
        }
    }
}

/// A page of the rows of an upload.
pub fn rows(tx: &mut dyn Tx, id: i64, which: RowFilter, offset: i64, size: i64) -> Result<Vec<KeptRow>> {
    let (condition, outcome) = which.condition();
    let sql = format!("{ROW} WHERE r.upload_id = ? {condition} ORDER BY r.row_number LIMIT ? OFFSET ?");
    let params: Vec<Param<'_>> =
        std::iter::once(id.into()).chain(outcome.map(Param::from)).chain([size.into(), offset.into()]).collect();
    tx.query(&sql, &params)?.into_iter().map(|mut row| kept(&mut row, id)).collect()
}

/// How many rows of an upload have another number than their order had.
pub fn conflict_count(tx: &mut dyn Tx, id: i64) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM upload_rows WHERE upload_id = ? AND new_tracking_number <> ''", &[id.into()])
}

/// One row of an upload.
pub fn row(tx: &mut dyn Tx, id: i64, number: u32) -> Result<Option<KeptRow>> {
    let sql = format!("{ROW} WHERE r.upload_id = ? AND r.row_number = ?");
    tx.query_one(&sql, &[id.into(), number.into()])?.map(|mut row| kept(&mut row, id)).transpose()
}

fn kept(row: &mut Row, id: i64) -> Result<KeptRow> {
    let inconsistent = || StorageError::Inconsistent(format!("upload_rows of {id}"));
    let parcel = Parcel { tracking_number: row.text(4)?, courier: row.text(5)? };
    let handled = match (Handling::parse(&row.text(6)?), row.opt_moment(8)?) {
        (Some(how), Some(at)) => Some(Handled { how, username: row.opt_text(7)?, at }),
        _ => None,
    };
    Ok(KeptRow {
        report: RowReport {
            row: u32::try_from(row.int(0)?).map_err(|_| inconsistent())?,
            order_number: row.text(1)?,
            outcome: Outcome::parse(&row.text(2)?).ok_or_else(inconsistent)?,
            reasons: serde_json::from_str(&row.text(3)?).map_err(|_| inconsistent())?,
            conflict: (!parcel.tracking_number.is_empty()).then_some(parcel),
        },
        handled,
    })
}

/// Writes the rows of a report; `open` says that the rejected ones wait for somebody.
pub(super) fn write(tx: &mut dyn Tx, id: i64, report: &Report, open: bool) -> Result<()> {
    tx.exec("DELETE FROM upload_rows WHERE upload_id = ?", &[id.into()])?;
    let mut rows = report.rows.iter().map(|row| {
        let reasons = serde_json::to_string(&row.reasons).unwrap_or_default();
        let number: String = row.order_number.chars().take(64).collect();
        let parcel = |part: fn(&Parcel) -> &str| row.conflict.as_ref().map_or("", part).into();
        let waits = open && row.outcome == Outcome::Rejected;
        vec![
            id.into(),
            row.row.into(),
            waits.then(|| number.clone()).into(),
            number.into(),
            row.outcome.code().into(),
            reasons.into(),
            parcel(|parcel| &parcel.tracking_number),
            parcel(|parcel| &parcel.courier),
        ]
    });
    tx.exec_many(
        "INSERT INTO upload_rows (upload_id, \"row_number\", open_order, order_number, outcome, reasons, \
         new_tracking_number, new_courier) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &mut rows,
    )
}

/// Writes down that a row was dealt with.
pub fn set_handled(tx: &mut dyn Tx, id: i64, row: u32, how: Handling, member_id: Option<i64>) -> Result<()> {
    let now = tx.now();
    let closed = tx.exec(
        "UPDATE upload_rows SET open_order = NULL, handled = ?, handled_by = ?, handled_at = ? \
         WHERE upload_id = ? AND \"row_number\" = ? AND open_order IS NOT NULL",
        &[how.code().into(), member_id.into(), now.into(), id.into(), row.into()],
    )?;
    let closed = i64::try_from(closed).unwrap_or_default();
    tx.exec("UPDATE uploads SET open_rows = open_rows - ? WHERE id = ?", &[closed.into(), id.into()]).map(drop)
}

/// Writes down that all that is left of an upload's rejected rows is dealt with; tells how many.
pub fn mark_handled(tx: &mut dyn Tx, id: i64, member_id: i64) -> Result<u64> {
    let now = tx.now();
    let by = [member_id.into(), now.into(), id.into()];
    let sql = "UPDATE uploads SET open_rows = 0, handled_by = ?, handled_at = ?, version = version + 1 \
               WHERE id = ? AND open_rows > 0";
    if tx.exec(sql, &by)? == 0 {
        return Ok(0);
    }
    tx.exec(
        "UPDATE upload_rows SET open_order = NULL, handled = 'marked', handled_by = ?, handled_at = ? \
         WHERE upload_id = ? AND open_order IS NOT NULL",
        &by,
    )
}

/// Closes the open rows of earlier uploads of that kind whose orders `report` took.
pub fn close_earlier(tx: &mut dyn Tx, kind: FileKind, report: &Report, member_id: Option<i64>) -> Result<()> {
    let mut open = Vec::new();
    tx.for_each(
        "SELECT r.upload_id, r.row_number, r.open_order FROM upload_rows r JOIN uploads u ON u.id = r.upload_id \
         WHERE r.open_order > '' AND u.kind = ?",
        &[kind.code().into()],
        &mut |mut row| {
            open.push((row.int(0)?, row.int(1)?, row.text(2)?));
            Ok(())
        },
    )?;
    if open.is_empty() {
        return Ok(());
    }
    let taken: BTreeSet<&str> = report
        .rows
        .iter()
        .filter(|row| matches!(row.outcome, Outcome::Created | Outcome::Updated))
        .map(|row| row.order_number.as_str())
        .collect();
    for (id, row, number) in open.iter().filter(|(_, _, number)| taken.contains(number.as_str())) {
        let row = u32::try_from(*row)
            .map_err(|_| StorageError::Inconsistent(format!("upload_rows of {id}: order {number}")))?;
        set_handled(tx, *id, row, Handling::Uploaded, member_id)?;
    }
    Ok(())
}
