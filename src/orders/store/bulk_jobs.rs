//! SQL of the bulk actions in the background, so that every node knows how they ended.

use super::bulk_actions::ACTION_RETENTION_MS;
use crate::id::BulkJobId;
use crate::orders::bulk_job::{BulkJob, JobOutcome, NewBulkJob};
use crate::storage::{Result, Tx};

/// Stores a job that begins; answers its identifier. Deletes jobs as old as actions that are no longer listed.
pub(in crate::orders) fn insert(tx: &mut dyn Tx, job: &NewBulkJob) -> Result<BulkJobId> {
    let (id, now) = (tx.new_id::<BulkJobId>(), tx.now());
    tx.exec("DELETE FROM bulk_jobs WHERE started_at < ?", &[now.plus_ms(-ACTION_RETENTION_MS).into()])?;
    tx.exec(
        "INSERT INTO bulk_jobs (id, member_id, title, order_count, started_at) VALUES (?, ?, ?, ?, ?)",
        &[
            id.into(),
            job.member_id.into(),
            job.title.as_str().into(),
            i64::try_from(job.order_count).unwrap_or(i64::MAX).into(),
            now.into(),
        ],
    )?;
    Ok(id)
}

/// Stores how a job ended, unless that is stored already. In the transaction of the action, nobody sees one without the
/// other.
pub fn finish(tx: &mut dyn Tx, id: BulkJobId, outcome: &JobOutcome) -> Result<()> {
    let (url, failure) = match outcome {
        JobOutcome::Done(url) => (Some(url.as_str()), None),
        JobOutcome::Failed(reason) => (None, Some(reason.as_str())),
    };
    let sql =
        "UPDATE bulk_jobs SET answer_url = ?, failure = ? WHERE id = ? AND answer_url IS NULL AND failure IS NULL";
    tx.exec(sql, &[url.into(), failure.into(), id.into()]).map(drop)
}

/// Stores how many orders a job has saved so far. In a transaction of its own: that of the job is open.
pub(in crate::orders) fn set_saved(tx: &mut dyn Tx, id: BulkJobId, count: usize) -> Result<()> {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    tx.exec("UPDATE bulk_jobs SET saved_count = ? WHERE id = ?", &[count.into(), id.into()]).map(drop)
}

/// The job that began last.
pub(in crate::orders) fn newest(tx: &mut dyn Tx) -> Result<Option<BulkJob>> {
    let sql = "SELECT id, member_id, title, order_count, started_at, answer_url, failure, saved_count FROM bulk_jobs \
               ORDER BY started_at DESC, id DESC LIMIT 1";
    let Some(mut row) = tx.query_one(sql, &[])? else { return Ok(None) };
    let done = row.opt_text(5)?.map(JobOutcome::Done);
    let failed = row.opt_text(6)?.map(JobOutcome::Failed);
    Ok(Some(BulkJob {
        id: row.id(0)?,
        member_id: row.id(1)?,
        title: row.text(2)?,
        order_count: usize::try_from(row.int(3)?).unwrap_or_default(),
        started_at: row.moment(4)?,
        saved_count: usize::try_from(row.int(7)?).unwrap_or_default(),
        outcome: done.or(failed),
    }))
}
