//! SQL of certificates and of what is due.

pub mod answered;
pub mod breaches;
pub mod due;
pub mod law;
pub mod people;
pub mod requests;
pub mod seals;

use chrono::Days;

use super::model::{
    DESTRUCTION_DAYS, DestroyedCounts, Destruction, DestructionReason, DestructionStatus, DuePreview, PREVIEW_DAYS,
    RetentionYears,
};
use crate::id::DestructionId;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;
use crate::uploads::store::destruction as uploads;

/// Name of the setting with the moment of the last search for due data.
const CHECKED_AT: &str = "privacy.checked_at";

/// Name of the setting with the moment of the last compaction.
const COMPACTED_AT: &str = "privacy.compacted_at";

/// Time between two compactions: a large shop destroys orders every day, and has to be rid of them within
/// [`DESTRUCTION_DAYS`].
const COMPACTION_INTERVAL_MS: i64 = (DESTRUCTION_DAYS - 1) * 24 * 60 * 60 * 1000;

/// Columns of [`DestroyedCounts`], in the order of [`counts`].
const COUNTS: &str = "orders, deliveries, log_entries, search_terms, uploads, upload_rows, download_notes, photos";

fn counts(counts: &DestroyedCounts) -> [Param<'static>; 8] {
    let number = |number: u64| Param::from(i64::try_from(number).unwrap_or(i64::MAX));
    [
        number(counts.orders),
        number(counts.deliveries),
        number(counts.log_entries),
        number(counts.search_terms),
        number(counts.uploads),
        number(counts.upload_rows),
        number(counts.download_notes),
        number(counts.photos),
    ]
}

/// The certificate of a run that was interrupted, or a new one. `before` of an interrupted run moves on to the present one.
pub fn start(tx: &mut dyn Tx, before: chrono::NaiveDate) -> Result<DestructionId> {
    let open = "SELECT id FROM destructions WHERE finished_at IS NULL AND reason = 'retention' ORDER BY id LIMIT 1";
    if let Some(row) = tx.query_one(open, &[])? {
        let id: DestructionId = row.id(0)?;
        tx.exec("UPDATE destructions SET before_day = ? WHERE id = ?", &[before.into(), id.into()])?;
        return Ok(id);
    }
    let (id, now) = (tx.new_id::<DestructionId>(), tx.now());
    tx.exec(
        "INSERT INTO destructions (id, started_at, reason, before_day) VALUES (?, ?, ?, ?)",
        &[id.into(), now.into(), DestructionReason::Retention.code().into(), before.into()],
    )?;
    Ok(id)
}

/// Adds what a transaction destroyed to the certificate.
pub fn add(tx: &mut dyn Tx, id: DestructionId, destroyed: &DestroyedCounts) -> Result<()> {
    let sets: Vec<String> = COUNTS.split(", ").map(|column| format!("{column} = {column} + ?")).collect();
    let sql = format!("UPDATE destructions SET {} WHERE id = ?", sets.join(", "));
    let params: Vec<Param<'_>> = counts(destroyed).into_iter().chain([id.into()]).collect();
    tx.exec(&sql, &params).map(drop)
}

/// Completes the certificate.
pub fn finish(tx: &mut dyn Tx, id: DestructionId) -> Result<()> {
    let now = tx.now();
    tx.exec("UPDATE destructions SET finished_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
}

/// Stores that due data was searched for now.
pub fn save_check(tx: &mut dyn Tx) -> Result<()> {
    let now = tx.now().0.to_string();
    tx.upsert("settings", &[("name", CHECKED_AT.into())], &[("value", now.into())])
}

/// Whether the database has to be compacted: data was destroyed since the last time, which is some days ago.
pub fn is_compaction_due(tx: &mut dyn Tx) -> Result<bool> {
    let last = moment_of(tx, COMPACTED_AT)?.unwrap_or(Moment(0));
    let destroyed = tx.scalar("SELECT max(finished_at) FROM destructions", &[])?;
    Ok(destroyed > last.0 && tx.now().0 - last.0 >= COMPACTION_INTERVAL_MS)
}

/// Stores that the database was compacted, as of `at`.
pub fn save_compaction(tx: &mut dyn Tx, at: Moment) -> Result<()> {
    let at = at.0.to_string();
    tx.upsert("settings", &[("name", COMPACTED_AT.into())], &[("value", at.into())])
}

fn moment_of(tx: &mut dyn Tx, setting: &str) -> Result<Option<Moment>> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[setting.into()])?;
    row.map_or(Ok(None), |mut row| Ok(row.text(0)?.parse().ok().map(Moment)))
}

fn certificate(mut row: Row) -> Result<Destruction> {
    let id = row.id(0)?;
    let inconsistent = |what: &str| StorageError::Inconsistent(format!("destructions.{what} of {id:?}"));
    let number = |row: &Row, column: usize| Ok::<_, StorageError>(u64::try_from(row.int(column)?).unwrap_or_default());
    Ok(Destruction {
        id,
        started_at: row.moment(1)?,
        finished_at: row.opt_moment(2)?,
        reason: DestructionReason::from_code(&row.text(3)?).ok_or_else(|| inconsistent("reason"))?,
        username: row.opt_text(4)?,
        before: row.opt_date(5)?.ok_or_else(|| inconsistent("before_day"))?,
        counts: DestroyedCounts {
            orders: number(&row, 6)?,
            deliveries: number(&row, 7)?,
            log_entries: number(&row, 8)?,
            search_terms: number(&row, 9)?,
            uploads: number(&row, 10)?,
            upload_rows: number(&row, 11)?,
            download_notes: number(&row, 12)?,
            photos: number(&row, 13)?,
        },
    })
}

/// A page of the certificates, newest first, and their number.
pub fn page(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<(Vec<Destruction>, i64)> {
    let total = tx.scalar("SELECT count(*) FROM destructions", &[])?;
    let sql = format!("{} ORDER BY d.id DESC LIMIT ? OFFSET ?", select());
    let rows = tx.query(&sql, &[size.into(), offset.into()])?;
    Ok((rows.into_iter().map(certificate).collect::<Result<_>>()?, total))
}

/// The certificate with this identifier.
pub fn find(tx: &mut dyn Tx, id: DestructionId) -> Result<Option<Destruction>> {
    tx.query_one(&format!("{} WHERE d.id = ?", select()), &[id.into()])?.map(certificate).transpose()
}

fn select() -> String {
    let counts: Vec<String> = COUNTS.split(", ").map(|column| format!("d.{column}")).collect();
    format!(
        "SELECT d.id, d.started_at, d.finished_at, d.reason, m.username, d.before_day, {} FROM destructions d \
         LEFT JOIN members m ON m.id = d.member_id",
        counts.join(", ")
    )
}

/// What is due before this moment, the end of `keep`.
pub fn preview(tx: &mut dyn Tx, before: Moment, keep: RetentionYears) -> Result<DuePreview> {
    let (orders, placed) = due::count_due(tx, before, keep)?;
    Ok(DuePreview { orders, placed, uploads: uploads::count_old(tx, before)? })
}

/// Measures what is due and what was done.
pub fn status(tx: &mut dyn Tx, keep: RetentionYears) -> Result<DestructionStatus> {
    let today = tx.now().date();
    let before = keep.first_kept_day(today);
    let ahead = before.checked_add_days(Days::new(PREVIEW_DAYS)).unwrap_or(before);
    let late = Moment::start_of(before).plus_ms(-DESTRUCTION_DAYS * 24 * 60 * 60 * 1000);
    Ok(DestructionStatus {
        keep,
        before,
        due: preview(tx, Moment::start_of(before), keep)?,
        soon: preview(tx, Moment::start_of(ahead), keep)?,
        overdue: due::count_due(tx, late, keep)?.0,
        open: due::count_open(tx, Moment::start_of(before))?,
        checked_at: moment_of(tx, CHECKED_AT)?,
        last: page(tx, 0, 1)?.0.pop(),
    })
}
