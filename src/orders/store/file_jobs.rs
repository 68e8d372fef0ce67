//! SQL of the files of many orders that are made in the background.

use crate::id::{DownloadId, FileJobId, MemberId};
use crate::orders::file_job::{FileJob, FileJobState, NewFileJob};
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Stores a file that is begun; answers its identifier.
pub(in crate::orders) fn insert(tx: &mut dyn Tx, job: &NewFileJob) -> Result<FileJobId> {
    let (id, now) = (tx.new_id::<FileJobId>(), tx.now());
    tx.exec(
        "INSERT INTO file_jobs (id, member_id, title, order_count, started_at, seen_at) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            job.member_id.into(),
            job.title.as_str().into(),
            i64::try_from(job.order_count).unwrap_or(i64::MAX).into(),
            now.into(),
            now.into(),
        ],
    )?;
    Ok(id)
}

/// Whether a file of the member is in the making, by a program that was at work after `silent_since`.
pub(in crate::orders) fn has_unfinished(tx: &mut dyn Tx, member_id: MemberId, silent_since: Moment) -> Result<bool> {
    let sql = "SELECT count(*) FROM file_jobs WHERE member_id = ? AND download_id IS NULL AND failure IS NULL AND \
               seen_at >= ?";
    Ok(tx.scalar(sql, &[member_id.into(), silent_since.into()])? > 0)
}

/// Stores how many orders are in the file so far, and that its program is at work.
pub(in crate::orders) fn set_written(tx: &mut dyn Tx, id: FileJobId, count: usize) -> Result<()> {
    let (count, now) = (i64::try_from(count).unwrap_or(i64::MAX), tx.now());
    let sql = "UPDATE file_jobs SET written_count = ?, seen_at = ? WHERE id = ?";
    tx.exec(sql, &[count.into(), now.into(), id.into()]).map(drop)
}

/// Stores that the file is kept with this download. In the transaction of the download, nobody sees one without the other.
pub fn finish(tx: &mut dyn Tx, id: FileJobId, download_id: DownloadId) -> Result<()> {
    let sql = "UPDATE file_jobs SET download_id = ? WHERE id = ?";
    tx.exec(sql, &[download_id.into(), id.into()]).map(drop)
}

/// Stores why there is no file, unless there is one.
pub(in crate::orders) fn fail(tx: &mut dyn Tx, id: FileJobId, reason: &str) -> Result<()> {
    let sql = "UPDATE file_jobs SET failure = ? WHERE id = ? AND download_id IS NULL";
    tx.exec(sql, &[reason.into(), id.into()]).map(drop)
}

/// Stores that the member fetches the file; answers its download and whether it was fetched before. None if there is none.
pub fn fetch(tx: &mut dyn Tx, id: FileJobId, member_id: MemberId) -> Result<Option<(DownloadId, bool)>> {
    let sql = "SELECT download_id, fetched_at FROM file_jobs WHERE id = ? AND member_id = ?";
    let Some(row) = tx.query_one(sql, &[id.into(), member_id.into()])? else { return Ok(None) };
    let Some(download_id) = row.opt_id(0)? else { return Ok(None) };
    let (is_fetched, now) = (row.opt_int(1)?.is_some(), tx.now());
    if !is_fetched {
        tx.exec("UPDATE file_jobs SET fetched_at = ? WHERE id = ?", &[now.into(), id.into()])?;
    }
    Ok(Some((download_id, is_fetched)))
}

/// How many finished files the member has not fetched.
pub fn unfetched_count(tx: &mut dyn Tx, member_id: MemberId) -> Result<usize> {
    let sql = "SELECT count(*) FROM file_jobs WHERE member_id = ? AND download_id IS NOT NULL AND fetched_at IS NULL";
    Ok(usize::try_from(tx.scalar(sql, &[member_id.into()])?).unwrap_or_default())
}

/// The files of a member, newest first. A program that said nothing after `silent_since` has stopped.
pub(in crate::orders) fn of_member(tx: &mut dyn Tx, member_id: MemberId, silent_since: Moment) -> Result<Vec<FileJob>> {
    let sql = "SELECT id, title, order_count, started_at, seen_at, written_count, download_id, fetched_at, failure \
               FROM file_jobs WHERE member_id = ? ORDER BY started_at DESC, id DESC";
    let jobs = tx.query(sql, &[member_id.into()])?.into_iter().map(|mut row| {
        let order_count = usize::try_from(row.int(2)?).unwrap_or_default();
        let state = match (row.opt_id::<DownloadId>(6)?, row.opt_text(8)?) {
            (Some(_), _) => FileJobState::Ready { is_fetched: row.opt_int(7)?.is_some() },
            (None, Some(reason)) => FileJobState::Failed(reason),
            (None, None) if row.moment(4)? < silent_since => FileJobState::Lost,
            (None, None) => FileJobState::UnderWay(usize::try_from(row.int(5)?).unwrap_or_default().min(order_count)),
        };
        Ok(FileJob { id: row.id(0)?, title: row.text(1)?, order_count, started_at: row.moment(3)?, state })
    });
    jobs.collect()
}

/// Deletes files that were begun before `before`; their downloads stay recorded.
pub fn delete_old(tx: &mut dyn Tx, before: Moment) -> Result<()> {
    tx.exec("DELETE FROM file_jobs WHERE started_at < ?", &[before.into()]).map(drop)
}
