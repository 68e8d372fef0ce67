//! Windows that customers were told (안내 문자).

use std::collections::HashMap;

use chrono::NaiveDate;

use crate::id::{JobId, NoticeId};
use crate::storage::{Result, Tx};

/// The window that the last text about each of these jobs names for a day. A plan keeps it as it keeps a promise.
pub fn told_windows(tx: &mut dyn Tx, day: NaiveDate, jobs: &[JobId]) -> Result<HashMap<JobId, (i64, i64)>> {
    let sql = |ids: &str| {
        format!(
            "SELECT id, job_id, day, window_from, window_to FROM notices WHERE kind <> 'completion' \
             AND withdrawn_at IS NULL AND job_id IN ({ids})"
        )
    };
    let mut last = HashMap::<JobId, (NoticeId, Option<(i64, i64)>)>::new();
    tx.for_ids(jobs, &[], sql, &mut |row| {
        let (id, job_id) = (row.id(0)?, row.id(1)?);
        let window =
            row.opt_int(3)?.zip(row.opt_int(4)?).filter(|_| matches!(row.opt_date(2), Ok(Some(of)) if of == day));
        let newest = last.entry(job_id).or_insert((id, window));
        if id >= newest.0 {
            *newest = (id, window);
        }
        Ok(())
    })?;
    Ok(last.into_iter().filter_map(|(job_id, (_, window))| Some((job_id, window?))).collect())
}
