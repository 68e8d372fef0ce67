//! SQL of the table `upload_rows`: the rows of a report, and the resolution of rejected ones.
//!
//! A rejected row of an applied upload is open until it is resolved. While it is open, `open_order` has its
//! order number, and `uploads.open_rows` counts it.

use std::collections::{BTreeMap, BTreeSet};

use crate::channels::FileKind;
use crate::id::{MemberId, UploadId};
use crate::storage::text_limits;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;
use crate::uploads::model::{Report, Resolution, ResolvedBy, RowOutcome, RowReport, StoredRow, TrackingChange};

const SELECT: &str = "SELECT r.sheet_row, r.order_number, r.outcome, r.reasons, r.new_tracking_number, r.new_courier, \
                   r.resolution, m.username, r.resolved_at, r.position, r.sheet_name, \
                   r.changes, r.conflicts, r.recipient, r.content, r.is_unknown_order FROM upload_rows r LEFT JOIN members m ON m.id = r.resolved_by";

/// Filter of the rows of an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowFilter {
    /// all rows
    All,
    /// rows with an outcome
    Outcome(RowOutcome),
    /// rows of known orders that changed nothing
    Unchanged,
    /// rows of orders that the shop does not have
    UnknownOrders,
    /// imported rows with a warning
    Warned,
    /// rows with a conflicting tracking number
    Conflicts,
    /// rows with values of the channel that wait, or waited, for a decision
    Decisions,
}

impl RowFilter {
    fn condition(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::All => ("", None),
            Self::Outcome(outcome) => ("AND r.outcome = ?", Some(outcome.code())),
            Self::Unchanged => ("AND r.outcome = 'skipped' AND r.is_unknown_order = 0", None),
            Self::UnknownOrders => ("AND r.is_unknown_order = 1", None),
            Self::Warned => ("AND r.outcome IN ('created', 'updated') AND r.reasons <> '[]'", None),
            Self::Decisions => ("AND r.conflicts <> '[]'", None),
            Self::Conflicts => ("AND r.new_tracking_number <> ''", None),
        }
    }
}

/// A page of the rows of an upload.
pub fn rows(tx: &mut dyn Tx, id: UploadId, filter: RowFilter, offset: i64, size: i64) -> Result<Vec<StoredRow>> {
    let (condition, outcome) = filter.condition();
    let sql = format!("{SELECT} WHERE r.upload_id = ? {condition} ORDER BY r.position LIMIT ? OFFSET ?");
    let params: Vec<Param<'_>> =
        std::iter::once(id.into()).chain(outcome.map(Param::from)).chain([size.into(), offset.into()]).collect();
    tx.query(&sql, &params)?.into_iter().map(|mut row| stored_row(&mut row, id)).collect()
}

/// Number of rows with a conflicting tracking number.
pub fn conflict_count(tx: &mut dyn Tx, id: UploadId) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM upload_rows WHERE upload_id = ? AND new_tracking_number <> ''", &[id.into()])
}

/// Number of rows with values of the channel that wait, or waited, for a decision.
pub fn decision_count(tx: &mut dyn Tx, id: UploadId) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM upload_rows WHERE upload_id = ? AND conflicts <> '[]'", &[id.into()])
}

/// Finds a row of an upload by its position.
pub fn find_row(tx: &mut dyn Tx, id: UploadId, position: u32) -> Result<Option<StoredRow>> {
    let sql = format!("{SELECT} WHERE r.upload_id = ? AND r.position = ?");
    tx.query_one(&sql, &[id.into(), position.into()])?.map(|mut row| stored_row(&mut row, id)).transpose()
}

fn stored_row(row: &mut Row, id: UploadId) -> Result<StoredRow> {
    let inconsistent = || StorageError::Inconsistent(format!("upload_rows of {id:?}"));
    let change = TrackingChange { tracking_number: row.text(4)?, courier: row.text(5)? };
    let resolved = match (row.opt_code(6, "upload_rows.resolution")?, row.opt_moment(8)?) {
        (Some(resolution), Some(at)) => Some(ResolvedBy { resolution, username: row.opt_text(7)?, at }),
        _ => None,
    };
    Ok(StoredRow {
        report: RowReport {
            position: u32::try_from(row.int(9)?).map_err(|_| inconsistent())?,
            sheet: row.text(10)?,
            row: u32::try_from(row.int(0)?).map_err(|_| inconsistent())?,
            order_number: row.text(1)?,
            recipient: row.text(13)?,
            content: row.text(14)?,
            outcome: row.code(2, "upload_rows.outcome")?,
            is_unknown_order: row.bool(15)?,
            reasons: row.json(3, "upload_rows.reasons")?,
            changes: row.json(11, "upload_rows.changes")?,
            conflicts: row.json(12, "upload_rows.conflicts")?,
            conflict: (!change.tracking_number.is_empty()).then_some(change),
        },
        resolved,
    })
}

/// Replaces the rows of a report. `is_applied` opens the rejected rows for resolution.
pub(super) fn replace(tx: &mut dyn Tx, id: UploadId, report: &Report, is_applied: bool) -> Result<()> {
    tx.exec("DELETE FROM upload_rows WHERE upload_id = ?", &[id.into()])?;
    let mut rows = report.rows.iter().zip(report.positions()).map(|(row, position)| {
        let json = |empty: bool, text: fn(&RowReport) -> Option<String>| {
            if empty { "[]".to_owned() } else { text(row).unwrap_or_default() }
        };
        let changes = json(row.changes.is_empty(), |row| serde_json::to_string(&row.changes).ok());
        let conflicts = json(row.conflicts.is_empty(), |row| serde_json::to_string(&row.conflicts).ok());
        let reasons = serde_json::to_string(&row.reasons).unwrap_or_default();
        let number: String = row.order_number.chars().take(64).collect();
        let conflict = |part: fn(&TrackingChange) -> &str| row.conflict.as_ref().map_or("", part).into();
        let is_open = is_applied && row.outcome == RowOutcome::Rejected;
        vec![
            id.into(),
            position.into(),
            text_limits::truncate(&row.sheet, text_limits::SHEET_NAME).into(),
            row.row.into(),
            is_open.then(|| number.clone()).into(),
            number.into(),
            row.outcome.code().into(),
            reasons.into(),
            conflict(|change| &change.tracking_number),
            conflict(|change| &change.courier),
            changes.into(),
            conflicts.into(),
            text_limits::truncate(&row.recipient, text_limits::PERSON_NAME).into(),
            text_limits::truncate(&row.content, text_limits::ROW_CONTENT).into(),
            row.is_unknown_order.into(),
        ]
    });
    tx.exec_many(
        "INSERT INTO upload_rows (upload_id, position, sheet_name, sheet_row, open_order, order_number, outcome, \
         reasons, new_tracking_number, new_courier, changes, conflicts, recipient, content, is_unknown_order) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &mut rows,
    )
}

/// Resolves the row at a position. Returns false if it is not open.
pub fn resolve_row(
    tx: &mut dyn Tx,
    id: UploadId,
    position: u32,
    resolution: Resolution,
    member_id: Option<MemberId>,
) -> Result<bool> {
    let now = tx.now();
    let closed = tx.exec(
        "UPDATE upload_rows SET open_order = NULL, resolution = ?, resolved_by = ?, resolved_at = ? \
         WHERE upload_id = ? AND position = ? AND open_order IS NOT NULL",
        &[resolution.code().into(), member_id.into(), now.into(), id.into(), position.into()],
    )?;
    if closed > 0 {
        tx.exec("UPDATE uploads SET open_rows = open_rows - 1 WHERE id = ?", &[id.into()])?;
    }
    Ok(closed > 0)
}

/// Opens the rows again whose tracking numbers orders with these numbers got by a decision at that time.
pub fn reopen_resolved(tx: &mut dyn Tx, (id, at): (UploadId, Moment), numbers: &BTreeSet<String>) -> Result<()> {
    let sql = "SELECT position, order_number FROM upload_rows \
               WHERE upload_id = ? AND resolved_at = ? AND resolution IN ('replaced', 'parcelled')";
    for mut row in tx.query(sql, &[id.into(), at.into()])? {
        let (position, number) = (row.int(0)?, row.text(1)?);
        if numbers.contains(&number) {
            tx.exec(
                "UPDATE upload_rows SET open_order = order_number, resolution = NULL, resolved_by = NULL, \
                 resolved_at = NULL WHERE upload_id = ? AND position = ?",
                &[id.into(), position.into()],
            )?;
            tx.exec("UPDATE uploads SET open_rows = open_rows + 1 WHERE id = ?", &[id.into()])?;
        }
    }
    Ok(())
}

/// Resolves all open rows of an upload; returns how many.
pub fn resolve_all(tx: &mut dyn Tx, id: UploadId, member_id: MemberId) -> Result<u64> {
    let now = tx.now();
    let by = [member_id.into(), now.into(), id.into()];
    let sql = "UPDATE uploads SET open_rows = 0, resolved_by = ?, resolved_at = ?, version = version + 1 \
               WHERE id = ? AND open_rows > 0";
    if tx.exec(sql, &by)? == 0 {
        return Ok(0);
    }
    tx.exec(
        "UPDATE upload_rows SET open_order = NULL, resolution = 'marked', resolved_by = ?, resolved_at = ? \
         WHERE upload_id = ? AND open_order IS NOT NULL",
        &by,
    )
}

/// Resolves open rows of earlier uploads whose orders are imported in `report`: of the same kind, and of the same channel,
/// because two channels may give one order number. The list of any courier names the orders of all channels.
pub fn resolve_earlier(
    tx: &mut dyn Tx,
    (kind, channel_code): (FileKind, &str),
    report: &Report,
    member_id: Option<MemberId>,
) -> Result<()> {
    let is_of_channel = i64::from(kind != FileKind::Tracking);
    let mut open = Vec::new();
    tx.for_each(
        "SELECT r.upload_id, r.position, r.open_order FROM upload_rows r JOIN uploads u ON u.id = r.upload_id \
         WHERE r.open_order > '' AND u.kind = ? AND (? = 0 OR u.channel_code = ?)",
        &[kind.code().into(), is_of_channel.into(), channel_code.into()],
        &mut |mut row| {
            open.push((row.id::<UploadId>(0)?, row.int(1)?, row.text(2)?));
            Ok(())
        },
    )?;
    if open.is_empty() {
        return Ok(());
    }
    let imported: BTreeSet<&str> = report
        .rows
        .iter()
        .filter(|row| matches!(row.outcome, RowOutcome::Created | RowOutcome::Updated))
        .map(|row| row.order_number.as_str())
        .collect();
    open.retain(|(_, _, number)| imported.contains(number.as_str()));
    let now = tx.now();
    let mut rows = open.iter().map(|(id, position, _)| -> Vec<Param<'_>> {
        let resolution = Resolution::Uploaded.code().into();
        vec![(*id).into(), (*position).into(), Param::Null, resolution, member_id.into(), now.into()]
    });
    let columns = ["open_order", "resolution", "resolved_by", "resolved_at"];
    tx.update_many("upload_rows", &["upload_id", "position"], &columns, &mut rows)?;
    let mut closed: BTreeMap<UploadId, i64> = BTreeMap::new();
    for (id, ..) in &open {
        *closed.entry(*id).or_default() += 1;
    }
    let mut uploads = closed.into_iter().map(|(id, rows)| vec![rows.into(), id.into()]);
    tx.exec_many("UPDATE uploads SET open_rows = open_rows - ? WHERE id = ?", &mut uploads)
}
