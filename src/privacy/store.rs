//! SQL of certificates and of what is due.

pub mod people;

use chrono::Days;

use super::model::{
    DESTRUCTION_DAYS, DestroyedCounts, Destruction, DestructionReason, DestructionStatus, DuePreview, KeepYears,
    PREVIEW_DAYS,
};
use crate::orders::store::destruction as orders;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;
use crate::uploads::store::destruction as uploads;

/// Name of the setting with the moment of the last search for due data.
const CHECKED_AT: &str = "privacy.checked_at";

/// Columns of [`DestroyedCounts`], in the order of [`counts`].
const COUNTS: &str = "orders, deliveries, log_entries, search_terms, uploads, upload_rows, download_notes";

fn counts(counts: &DestroyedCounts) -> [Param<'static>; 7] {
    let number = |number: u64| Param::from(i64::try_from(number).unwrap_or(i64::MAX));
    [
        number(counts.orders),
        number(counts.deliveries),
        number(counts.log_entries),
        number(counts.search_terms),
        number(counts.uploads),
        number(counts.upload_rows),
        number(counts.download_notes),
    ]
}

/// The certificate of a run that was interrupted, or a new one. `before` of an interrupted run moves on to the present one.
pub fn start(tx: &mut dyn Tx, before: chrono::NaiveDate) -> Result<i64> {
    let open = "SELECT id FROM destructions WHERE finished_at IS NULL AND reason = 'retention' ORDER BY id LIMIT 1";
    if let Some(row) = tx.query_one(open, &[])? {
        let id = row.int(0)?;
        tx.exec("UPDATE destructions SET before_day = ? WHERE id = ?", &[before.into(), id.into()])?;
        return Ok(id);
    }
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO destructions (id, started_at, reason, before_day) VALUES (?, ?, ?, ?)",
        &[id.into(), now.into(), DestructionReason::Retention.code().into(), before.into()],
    )?;
    Ok(id)
}

/// Adds what a transaction destroyed to the certificate.
pub fn add(tx: &mut dyn Tx, id: i64, destroyed: &DestroyedCounts) -> Result<()> {
    let sets: Vec<String> = COUNTS.split(", ").map(|column| format!("{column} = {column} + ?")).collect();
    let sql = format!("UPDATE destructions SET {} WHERE id = ?", sets.join(", "));
    let params: Vec<Param<'_>> = counts(destroyed).into_iter().chain([id.into()]).collect();
    tx.exec(&sql, &params).map(drop)
}

/// Completes the certificate.
pub fn finish(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let now = tx.now();
    tx.exec("UPDATE destructions SET finished_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
}

/// Stores that due data was searched for now.
pub fn save_check(tx: &mut dyn Tx) -> Result<()> {
    let now = tx.now().0.to_string();
    tx.upsert("settings", &[("name", CHECKED_AT.into())], &[("value", now.into())])
}

fn checked_at(tx: &mut dyn Tx) -> Result<Option<Moment>> {
    let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[CHECKED_AT.into()])?;
    row.map_or(Ok(None), |mut row| Ok(row.text(0)?.parse().ok().map(Moment)))
}

fn certificate(mut row: Row) -> Result<Destruction> {
    let id = row.int(0)?;
    let inconsistent = |what: &str| StorageError::Inconsistent(format!("destructions.{what} of {id}"));
    let number = |row: &Row, column: usize| Ok::<_, StorageError>(u64::try_from(row.int(column)?).unwrap_or_default());
    Ok(Destruction {
        id,
        started_at: row.moment(1)?,
        finished_at: row.opt_moment(2)?,
        reason: DestructionReason::parse(&row.text(3)?).ok_or_else(|| inconsistent("reason"))?,
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
pub fn find(tx: &mut dyn Tx, id: i64) -> Result<Option<Destruction>> {
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

/// What is due before this moment.
pub fn preview(tx: &mut dyn Tx, before: Moment) -> Result<DuePreview> {
    let (orders, placed) = orders::count_due(tx, before)?;
    Ok(DuePreview { orders, placed, uploads: uploads::count_old(tx, before)? })
}

/// Measures what is due and what was done.
pub fn status(tx: &mut dyn Tx, keep: KeepYears) -> Result<DestructionStatus> {
    let today = tx.now().date();
    let before = keep.first_kept_day(today);
    let ahead = before.checked_add_days(Days::new(PREVIEW_DAYS)).unwrap_or(before);
    let late = Moment::start_of(before).plus_ms(-DESTRUCTION_DAYS * 24 * 60 * 60 * 1000);
    Ok(DestructionStatus {
        keep,
        before,
        due: preview(tx, Moment::start_of(before))?,
        soon: preview(tx, Moment::start_of(ahead))?,
        overdue: orders::count_due(tx, late)?.0,
        checked_at: checked_at(tx)?,
        last: page(tx, 0, 1)?.0.pop(),
    })
}
