//! SQL of the events of stops.

use std::collections::BTreeMap;

use crate::drive::model::{EventKind, StopEvent};
use crate::id::{JobId, MemberId, TourId};
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

const EVENT: &str = "SELECT id, tour_id, job_id, key_id, member_id, source, number, happened_at, clock_offset, \
                     sent_offset, received_at, kind, details, saw_version FROM stop_events";

fn event(mut row: Row) -> Result<StopEvent> {
    let id = row.text(0)?;
    Ok(StopEvent {
        tour_id: row.id(1)?,
        job_id: row.id(2)?,
        key_id: row.opt_id(3)?,
        member_id: row.id(4)?,
        source: row.code(5, "stop_events.source")?,
        number: row.int(6)?,
        happened_at: row.moment(7)?,
        clock_offset: row.int(8)?,
        sent_offset: row.opt_int(9)?,
        received_at: row.moment(10)?,
        kind: row.code(11, "stop_events.kind")?,
        details: row.json(12, "stop_events.details")?,
        saw_version: row.text(13)?,
        id,
    })
}

/// The events of a tour, by job.
pub fn of_tour(tx: &mut dyn Tx, tour_id: TourId) -> Result<BTreeMap<JobId, Vec<StopEvent>>> {
    let rows = tx.query(&format!("{EVENT} WHERE tour_id = ? ORDER BY received_at, id"), &[tour_id.into()])?;
    let mut events = BTreeMap::<JobId, Vec<StopEvent>>::new();
    for row in rows {
        let event = event(row)?;
        events.entry(event.job_id).or_default().push(event);
    }
    Ok(events)
}

/// The events of a job on all tours, oldest first.
pub fn of_job(tx: &mut dyn Tx, job_id: JobId) -> Result<Vec<StopEvent>> {
    let rows = tx.query(&format!("{EVENT} WHERE job_id = ? ORDER BY received_at, id"), &[job_id.into()])?;
    rows.into_iter().map(event).collect()
}

/// The events of these jobs on all tours, by job, oldest first.
pub fn of_jobs(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<BTreeMap<JobId, Vec<StopEvent>>> {
    let mut events = BTreeMap::<JobId, Vec<StopEvent>>::new();
    let sql = |ids: &str| format!("{EVENT} WHERE job_id IN ({ids})");
    tx.for_ids(jobs, &[], sql, &mut |row| {
        let event = event(row)?;
        events.entry(event.job_id).or_default().push(event);
        Ok(())
    })?;
    for events in events.values_mut() {
        events.sort_by(|one, other| (one.received_at, &one.id).cmp(&(other.received_at, &other.id)));
    }
    Ok(events)
}

/// Usernames of those who reported the events of a job, by event.
pub fn reporters(tx: &mut dyn Tx, job_id: JobId) -> Result<BTreeMap<String, String>> {
    let sql = "SELECT e.id, COALESCE(m.username, '') FROM stop_events e LEFT JOIN members m ON m.id = e.member_id \
               WHERE e.job_id = ?";
    tx.query(sql, &[job_id.into()])?.into_iter().map(|mut row| Ok((row.text(0)?, row.text(1)?))).collect()
}

/// Whether a member has reported a stop as done since a moment.
pub fn has_delivered(tx: &mut dyn Tx, member_id: MemberId, since: Moment) -> Result<bool> {
    let sql = "SELECT count(*) FROM stop_events WHERE member_id = ? AND kind = ? AND received_at >= ?";
    Ok(tx.scalar(sql, &[member_id.into(), EventKind::Delivered.code().into(), since.into()])? > 0)
}

/// Whether an event is stored.
pub fn is_known(tx: &mut dyn Tx, id: &str) -> Result<bool> {
    Ok(tx.scalar("SELECT count(*) FROM stop_events WHERE id = ?", &[id.into()])? > 0)
}

/// The number of the next event of a member at a page or desk on a tour.
pub fn next_number(tx: &mut dyn Tx, tour_id: TourId, member_id: MemberId) -> Result<i64> {
    let sql =
        "SELECT COALESCE(max(number), 0) + 1 FROM stop_events WHERE tour_id = ? AND member_id = ? AND key_id IS NULL";
    tx.scalar(sql, &[tour_id.into(), member_id.into()])
}

/// Stores an event.
pub fn insert(tx: &mut dyn Tx, event: &StopEvent) -> Result<()> {
    let details = serde_json::to_string(&event.details)
        .map_err(|error| StorageError::Inconsistent(format!("stop_events.details of {}: {error}", event.id)))?;
    let sql = "INSERT INTO stop_events (id, tour_id, job_id, key_id, member_id, source, number, happened_at, clock_offset, \
               sent_offset, received_at, kind, details, saw_version) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    let row = [
        event.id.as_str().into(),
        event.tour_id.into(),
        event.job_id.into(),
        event.key_id.into(),
        event.member_id.into(),
        event.source.code().into(),
        event.number.into(),
        event.happened_at.into(),
        event.clock_offset.into(),
        event.sent_offset.into(),
        event.received_at.into(),
        event.kind.code().into(),
        details.into(),
        event.saw_version.as_str().into(),
    ];
    tx.exec(sql, &row).map(drop)
}
