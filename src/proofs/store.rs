//! SQL of photographs.

use std::collections::BTreeSet;

use super::jpeg::Photo;
use crate::id::{Identifier, JobId, MemberId, ProofId, TourId};
use crate::storage::{Result, Row, Tx};
use crate::time::Moment;

/// A photograph that an event names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofRow {
    /// identifier
    pub id: ProofId,
    /// the tour
    pub tour_id: TourId,
    /// the job
    pub job_id: JobId,
    /// the event
    pub event_id: String,
    /// who took it
    pub member_id: MemberId,
    /// username
    pub username: String,
    /// SHA-256 of the file
    pub hash: String,
    /// when it was taken
    pub taken_at: Moment,
    /// when it came; none: it is still on the phone
    pub received_at: Option<Moment>,
    /// size of the file; 0 before it came
    pub bytes: i64,
    /// pixels: width and height; 0 before it came
    pub size: (i64, i64),
    /// when it was destroyed
    pub destroyed_at: Option<Moment>,
}

impl ProofRow {
    /// Whether its file is there.
    pub const fn is_shown(&self) -> bool {
        self.received_at.is_some() && self.destroyed_at.is_none()
    }

    /// Path of the page that shows it.
    pub fn href(&self) -> String {
        format!("/drive/proofs/{}", self.id)
    }

    /// Who took it, and when: `gisa 11-30 10:32`. Korean.
    pub fn caption(&self) -> String {
        format!("{} {}", self.taken_at, self.username)
    }

    /// Why it is not shown. Korean.
    pub fn absence(&self) -> String {
        match self.destroyed_at {
            Some(at) => format!("보관 기간이 끝나 {}에 파기했어요", at.date()),
            None => "아직 휴대전화에 있어요".to_owned(),
        }
    }
}

const PROOF: &str = "SELECT p.id, p.tour_id, p.job_id, p.event_id, p.member_id, COALESCE(m.username, ''), p.hash, \
                     p.taken_at, p.received_at, COALESCE(p.bytes, 0), COALESCE(p.width, 0), COALESCE(p.height, 0), \
                     p.destroyed_at FROM proofs p LEFT JOIN members m ON m.id = p.member_id";

fn proof(mut row: Row) -> Result<ProofRow> {
    Ok(ProofRow {
        id: row.id(0)?,
        tour_id: row.id(1)?,
        job_id: row.id(2)?,
        event_id: row.text(3)?,
        member_id: row.id(4)?,
        username: row.text(5)?,
        hash: row.text(6)?,
        taken_at: row.moment(7)?,
        received_at: row.opt_moment(8)?,
        bytes: row.int(9)?,
        size: (row.int(10)?, row.int(11)?),
        destroyed_at: row.opt_moment(12)?,
    })
}

fn proofs(tx: &mut dyn Tx, condition: &str, id: impl Identifier) -> Result<Vec<ProofRow>> {
    let rows = tx.query(&format!("{PROOF} WHERE {condition} ORDER BY p.taken_at, p.id"), &[id.raw().into()])?;
    rows.into_iter().map(proof).collect()
}

/// An event that names photographs.
#[derive(Clone, Copy, Debug)]
pub struct NamingEvent<'e> {
    /// the tour
    pub tour_id: TourId,
    /// the job
    pub job_id: JobId,
    /// the event
    pub event_id: &'e str,
    /// who
    pub member_id: MemberId,
}

/// Stores that an event names a photograph, which is still on the phone. A known one is left as it is.
pub fn name(tx: &mut dyn Tx, event: NamingEvent<'_>, hash: &str, taken_at: Moment) -> Result<()> {
    let known: i64 = tx
        .scalar("SELECT count(*) FROM proofs WHERE event_id = ? AND hash = ?", &[event.event_id.into(), hash.into()])?;
    if known > 0 {
        return Ok(());
    }
    let (id, now) = (tx.new_id::<ProofId>(), tx.now());
    let sql = "INSERT INTO proofs (id, tour_id, job_id, event_id, member_id, hash, taken_at, named_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let row = [
        id.into(),
        event.tour_id.into(),
        event.job_id.into(),
        event.event_id.into(),
        event.member_id.into(),
        hash.into(),
        taken_at.into(),
        now.into(),
    ];
    tx.exec(sql, &row).map(drop)
}

/// The photograph with this identifier.
pub fn find(tx: &mut dyn Tx, id: ProofId) -> Result<Option<ProofRow>> {
    Ok(proofs(tx, "p.id = ?", id)?.pop())
}

/// The photographs of a job, oldest first.
pub fn of_job(tx: &mut dyn Tx, job_id: JobId) -> Result<Vec<ProofRow>> {
    proofs(tx, "p.job_id = ?", job_id)
}

/// The photographs of a tour, oldest first.
pub fn of_tour(tx: &mut dyn Tx, tour_id: TourId) -> Result<Vec<ProofRow>> {
    proofs(tx, "p.tour_id = ?", tour_id)
}

/// The photographs of this hash on a tour.
pub fn of_hash(tx: &mut dyn Tx, tour_id: TourId, hash: &str) -> Result<Vec<ProofRow>> {
    let sql = format!("{PROOF} WHERE p.tour_id = ? AND p.hash = ? ORDER BY p.id");
    tx.query(&sql, &[tour_id.into(), hash.into()])?.into_iter().map(proof).collect()
}

/// Stores that the file of this hash came, for the events of a tour that name it.
pub fn receive(tx: &mut dyn Tx, tour_id: TourId, hash: &str, photo: &Photo) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE proofs SET received_at = ?, bytes = ?, width = ?, height = ? \
               WHERE tour_id = ? AND hash = ? AND received_at IS NULL";
    let bytes = i64::try_from(photo.bytes.len()).unwrap_or(i64::MAX);
    let row = [
        now.into(),
        bytes.into(),
        i64::from(photo.width).into(),
        i64::from(photo.height).into(),
        tour_id.into(),
        hash.into(),
    ];
    tx.exec(sql, &row).map(drop)
}

/// Hashes of the files that must be there, and when each came last.
pub fn live(tx: &mut dyn Tx) -> Result<Vec<(String, Moment)>> {
    let sql = "SELECT hash, max(received_at) FROM proofs WHERE destroyed_at IS NULL AND received_at IS NOT NULL \
               GROUP BY hash ORDER BY hash";
    let rows = tx.query(sql, &[])?;
    rows.into_iter().map(|mut row| Ok((row.text(0)?, row.moment(1)?))).collect()
}

/// Hashes of destroyed files that no other photograph has.
pub fn destroyed(tx: &mut dyn Tx) -> Result<BTreeSet<String>> {
    let sql = "SELECT hash FROM proofs GROUP BY hash HAVING count(*) = count(destroyed_at)";
    tx.query(sql, &[])?.into_iter().map(|mut row| row.text(0)).collect()
}

/// Photographs that came before a moment and are not destroyed, oldest first.
pub fn due(tx: &mut dyn Tx, before: Moment, limit: i64) -> Result<Vec<ProofRow>> {
    let sql =
        format!("{PROOF} WHERE p.destroyed_at IS NULL AND p.received_at < ? ORDER BY p.received_at, p.id LIMIT ?");
    tx.query(&sql, &[before.into(), limit.into()])?.into_iter().map(proof).collect()
}

/// The photographs of these jobs, oldest first, also those that were destroyed.
pub fn of_jobs(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<Vec<ProofRow>> {
    let mut found = Vec::new();
    let sql = |ids: &str| format!("{PROOF} WHERE p.job_id IN ({ids})");
    tx.for_ids(jobs, &[], sql, &mut |row| {
        found.push(proof(row)?);
        Ok(())
    })?;
    found.sort_by_key(|proof| (proof.taken_at, proof.id));
    Ok(found)
}

/// The photographs of these jobs that are not destroyed.
pub fn live_of_jobs(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<Vec<ProofRow>> {
    let mut found = Vec::new();
    let sql = |ids: &str| format!("{PROOF} WHERE p.destroyed_at IS NULL AND p.job_id IN ({ids})");
    tx.for_ids(jobs, &[], sql, &mut |row| {
        found.push(proof(row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Whether another photograph than these, which is not destroyed, has this hash.
pub fn is_shared(tx: &mut dyn Tx, hash: &str, ids: &[ProofId]) -> Result<bool> {
    let rows = tx.query("SELECT id FROM proofs WHERE hash = ? AND destroyed_at IS NULL", &[hash.into()])?;
    for row in rows {
        if !ids.contains(&row.id(0)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Stores that photographs were destroyed now. Returns how many.
pub fn mark_destroyed(tx: &mut dyn Tx, ids: &[ProofId]) -> Result<u64> {
    let now = tx.now();
    let mut count = 0;
    for id in ids {
        let sql = "UPDATE proofs SET destroyed_at = ? WHERE id = ? AND destroyed_at IS NULL";
        count += tx.exec(sql, &[now.into(), (*id).into()])?;
    }
    Ok(count)
}
