//! SQL of texts and their wordings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::model::{Notice, NoticeForm, NoticeKind};
use super::wording::NoticeWording;
use crate::id::{DeliveryId, DownloadId, JobId, MemberId, NoticeId};
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// The wording of a kind of text.
pub fn wording(tx: &mut dyn Tx, kind: NoticeKind) -> Result<NoticeWording> {
    let sql = "SELECT body, short_body, version FROM notice_wordings WHERE kind = ?";
    match tx.query_one(sql, &[kind.code().into()])? {
        None => Ok(NoticeWording::initial(kind)),
        Some(mut row) => Ok(NoticeWording { body: row.text(0)?, short_body: row.text(1)?, version: row.int(2)? }),
    }
}

/// Saves a wording; false, without a change, if the stored one has another version.
pub fn save_wording(tx: &mut dyn Tx, kind: NoticeKind, wording: &NoticeWording, member_id: MemberId) -> Result<bool> {
    let now = tx.now();
    let changed = tx.exec(
        "UPDATE notice_wordings SET body = ?, short_body = ?, saved_by = ?, saved_at = ?, version = version + 1 \
         WHERE kind = ? AND version = ?",
        &[
            wording.body.as_str().into(),
            wording.short_body.as_str().into(),
            member_id.into(),
            now.into(),
            kind.code().into(),
            wording.version.into(),
        ],
    )?;
    if changed > 0 || wording.version > 0 {
        return Ok(changed > 0);
    }
    if tx.scalar("SELECT count(*) FROM notice_wordings WHERE kind = ?", &[kind.code().into()])? > 0 {
        return Ok(false);
    }
    tx.exec(
        "INSERT INTO notice_wordings (kind, body, short_body, saved_by, saved_at, version) VALUES (?, ?, ?, ?, ?, 1)",
        &[
            kind.code().into(),
            wording.body.as_str().into(),
            wording.short_body.as_str().into(),
            member_id.into(),
            now.into(),
        ],
    )?;
    Ok(true)
}

/// Goes back to the wording that the program brings.
pub fn delete_wording(tx: &mut dyn Tx, kind: NoticeKind) -> Result<()> {
    tx.exec("DELETE FROM notice_wordings WHERE kind = ?", &[kind.code().into()]).map(drop)
}

const NOTICE: &str = "SELECT n.id, n.job_id, n.kind, n.form, n.day, n.window_from, n.window_to, n.message, \
                      n.download_id, m.username, n.written_at, n.withdrawn_at FROM notices n \
                      LEFT JOIN members m ON m.id = n.written_by";

fn notice(mut row: Row) -> Result<Notice> {
    let id = row.id(0)?;
    Ok(Notice {
        id,
        job_id: row.id(1)?,
        kind: row.code(2, "notices.kind")?,
        form: row.code(3, "notices.form")?,
        day: row.opt_date(4)?.ok_or_else(|| StorageError::Inconsistent(format!("notices {id:?}")))?,
        window: row.opt_int(5)?.zip(row.opt_int(6)?),
        message: row.text(7)?,
        download_id: row.id(8)?,
        written_by: row.opt_text(9)?,
        written_at: row.moment(10)?,
        withdrawn_at: row.opt_moment(11)?,
    })
}

/// The texts about these jobs, oldest first, by job.
pub fn of_jobs(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<BTreeMap<JobId, Vec<Notice>>> {
    let mut found = BTreeMap::<JobId, Vec<Notice>>::new();
    tx.for_ids(jobs, &[], |ids| format!("{NOTICE} WHERE n.job_id IN ({ids})"), &mut |row| {
        let notice = notice(row)?;
        found.entry(notice.job_id).or_default().push(notice);
        Ok(())
    })?;
    for notices in found.values_mut() {
        notices.sort_by_key(|notice| notice.id);
    }
    Ok(found)
}

/// Jobs that a text about a day names.
pub fn jobs_of_day(tx: &mut dyn Tx, day: NaiveDate) -> Result<BTreeSet<JobId>> {
    let by_day = tx.index_hint("notices_by_day");
    let sql = format!("SELECT job_id FROM notices {by_day} WHERE day = ? AND withdrawn_at IS NULL");
    tx.query(&sql, &[day.into()])?.iter().map(|row| row.id(0)).collect()
}

/// Days on which a visit to these jobs ended without the goods being handed over, or with a part of them.
pub fn ended_visits(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<BTreeSet<(JobId, NaiveDate)>> {
    let mut ended = BTreeSet::new();
    let sql = |ids: &str| {
        format!(
            "SELECT s.job_id, t.day FROM stops s JOIN tours t ON t.id = s.tour_id \
             WHERE s.attempt > 0 AND s.job_id IN ({ids})"
        )
    };
    tx.for_ids(jobs, &[], sql, &mut |row| {
        let job_id = row.id(0)?;
        ended.extend(row.opt_date(1)?.map(|day| (job_id, day)));
        Ok(())
    })?;
    Ok(ended)
}

/// Where a job has its live stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedDay {
    /// day of the tour
    pub day: NaiveDate,
    /// whether the tour is fixed, or a driver has it
    pub is_fixed: bool,
}

/// The days that these jobs are planned for, by job.
pub fn planned_days(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<BTreeMap<JobId, PlannedDay>> {
    let mut days = BTreeMap::new();
    let sql = |ids: &str| {
        format!(
            "SELECT s.job_id, t.day, CASE WHEN t.state = 'draft' THEN 0 ELSE 1 END FROM stops s \
             JOIN tours t ON t.id = s.tour_id WHERE s.attempt = 0 AND s.job_id IN ({ids})"
        )
    };
    tx.for_ids(jobs, &[], sql, &mut |row| {
        if let Some(day) = row.opt_date(1)? {
            days.insert(row.id(0)?, PlannedDay { day, is_fixed: row.int(2)? > 0 });
        }
        Ok(())
    })?;
    Ok(days)
}

/// A text to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNotice {
    /// the job
    pub job_id: JobId,
    /// what it is about
    pub kind: NoticeKind,
    /// how it travels
    pub form: NoticeForm,
    /// day of the visit
    pub day: NaiveDate,
    /// first and last minute that it names
    pub window: Option<(i64, i64)>,
    /// the text
    pub message: String,
}

/// Stores the texts of a file. `member_id` is none on the command line.
pub fn insert(
    tx: &mut dyn Tx,
    download_id: DownloadId,
    member_id: Option<MemberId>,
    notices: &[NewNotice],
) -> Result<()> {
    let now = tx.now();
    let sql = "INSERT INTO notices (id, job_id, kind, form, day, window_from, window_to, message, download_id, \
               written_by, written_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let mut rows = Vec::with_capacity(notices.len());
    for notice in notices {
        let (from, to) = notice.window.unzip();
        rows.push(vec![
            tx.new_id::<NoticeId>().into(),
            notice.job_id.into(),
            notice.kind.code().into(),
            notice.form.code().into(),
            notice.day.into(),
            from.into(),
            to.into(),
            notice.message.as_str().into(),
            download_id.into(),
            member_id.into(),
            now.into(),
        ]);
    }
    tx.exec_many(sql, &mut rows.into_iter())
}

/// A file of texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeFile {
    /// the download
    pub download_id: DownloadId,
    /// texts of it about the day
    pub texts: i64,
    /// the kind of the first
    pub kind: NoticeKind,
    /// who wrote it; none for the command line
    pub written_by: Option<String>,
    /// when
    pub written_at: Moment,
    /// when a member said that it was not sent
    pub withdrawn_at: Option<Moment>,
}

/// The files with texts about a day, newest first.
pub fn files_of_day(tx: &mut dyn Tx, day: NaiveDate) -> Result<Vec<NoticeFile>> {
    let rows = tx.query(&format!("{NOTICE} WHERE n.day = ? ORDER BY n.id DESC"), &[day.into()])?;
    let mut files: Vec<NoticeFile> = Vec::new();
    for row in rows {
        let notice = notice(row)?;
        match files.iter_mut().find(|file| file.download_id == notice.download_id) {
            Some(file) => file.texts += 1,
            None => files.push(NoticeFile {
                download_id: notice.download_id,
                texts: 1,
                kind: notice.kind,
                written_by: notice.written_by,
                written_at: notice.written_at,
                withdrawn_at: notice.withdrawn_at,
            }),
        }
    }
    Ok(files)
}

/// Withdraws the texts of a file, which was not sent: their customers count as not told. Returns how many.
pub fn withdraw(tx: &mut dyn Tx, download_id: DownloadId, member_id: MemberId) -> Result<u64> {
    let now = tx.now();
    let sql = "UPDATE notices SET withdrawn_at = ?, withdrawn_by = ? WHERE download_id = ? AND withdrawn_at IS NULL";
    tx.exec(sql, &[now.into(), member_id.into(), download_id.into()])
}

/// Deletes the texts about these deliveries, which are destroyed.
pub fn delete_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<()> {
    let mut jobs: Vec<JobId> = Vec::new();
    tx.for_ids(deliveries, &[], |ids| format!("SELECT id FROM jobs WHERE delivery_id IN ({ids})"), &mut |row| {
        jobs.push(row.id(0)?);
        Ok(())
    })?;
    tx.delete_ids("notices", "job_id", &jobs).map(drop)
}
