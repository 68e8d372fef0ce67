//! SQL of tours, stops and jobs.

pub mod due;
pub mod promises;
pub mod tasks;
mod told;
pub mod works;

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

pub use self::told::told_windows;
use super::model::{Attempt, ColumnKey, FailureReason, Job, Stop, Task, Tour, TourState};
use crate::id::{DeliveryId, JobId, MemberId, OrderId, StopId, TourId};
use crate::storage::{Param, Result, Row, StorageError, Tx};

/// Separates the codes of rules in `jobs.left_out`.
const RULE_SEPARATOR: char = '+';

/// The tours of a day.
pub fn tours_of_day(tx: &mut dyn Tx, day: NaiveDate) -> Result<Vec<Tour>> {
    let sql = "SELECT t.id, t.truck_id, t.round, t.state, m.username, t.version FROM tours t \
               LEFT JOIN members m ON m.id = t.changed_by WHERE t.day = ? ORDER BY t.truck_id, t.round";
    let rows = tx.query(sql, &[day.into()])?;
    rows.into_iter().map(tour).collect()
}

/// The day of a tour.
pub fn day_of_tour(tx: &mut dyn Tx, id: TourId) -> Result<Option<NaiveDate>> {
    match tx.query_one("SELECT day FROM tours WHERE id = ?", &[id.into()])? {
        Some(row) => row.opt_date(0),
        None => Ok(None),
    }
}

fn tour(mut row: Row) -> Result<Tour> {
    Ok(Tour {
        id: row.id(0)?,
        column: ColumnKey { truck_id: row.id(1)?, round: row.int(2)? },
        state: row.code(3, "tours.state")?,
        changed_by: row.opt_text(4)?,
        version: row.int(5)?,
    })
}

const JOB: &str = "j.id, j.delivery_id, j.day, j.window_from, j.window_to, j.minutes, j.crew, j.left_out, \
                   j.left_out_day, j.version, j.number, j.kind, j.state, j.goods, j.pieces, j.volume, j.note";

/// Number of columns of [`JOB`].
const JOB_COLUMNS: usize = 17;

/// A job; its orders are loaded by [`tasks::load_orders`].
fn job(row: &mut Row) -> Result<Job> {
    let number = row.int(10)?;
    let task = if number == 0 {
        None
    } else {
        Some(Task {
            number,
            kind: row.code(11, "jobs.kind")?,
            state: row.code(12, "jobs.state")?,
            goods: row.text(13)?,
            pieces: row.int(14)?,
            volume: row.int(15)?,
            note: row.text(16)?,
            orders: Vec::new(),
        })
    };
    let rules = row.opt_text(7)?.map(|rules| rules.split(RULE_SEPARATOR).map(str::to_owned).collect());
    Ok(Job {
        id: row.id(0)?,
        delivery_id: row.id(1)?,
        task,
        day: row.opt_date(2)?,
        window: row.opt_int(3)?.zip(row.opt_int(4)?),
        minutes: row.opt_int(5)?,
        crew: row.opt_int(6)?,
        left_out: row.opt_date(8)?.zip(rules),
        version: row.int(9)?,
    })
}

/// The live stops of these tours in order, by tour.
pub fn stops_of(tx: &mut dyn Tx, tours: &[TourId]) -> Result<HashMap<TourId, Vec<Stop>>> {
    let sql = |ids: &str| {
        format!(
            "SELECT {JOB}, s.id, s.tour_id, s.hold, s.basis, s.position FROM stops s \
             CROSS JOIN jobs j ON j.id = s.job_id WHERE s.attempt = 0 AND s.tour_id IN ({ids})"
        )
    };
    let mut stops = HashMap::<TourId, Vec<(i64, Stop)>>::new();
    tx.for_ids(tours, &[], sql, &mut |mut row| {
        let job = job(&mut row)?;
        let stop = Stop {
            id: row.id(JOB_COLUMNS)?,
            job,
            hold: row.code(JOB_COLUMNS + 2, "stops.hold")?,
            basis: row.text(JOB_COLUMNS + 3)?,
        };
        stops.entry(row.id(JOB_COLUMNS + 1)?).or_default().push((row.int(JOB_COLUMNS + 4)?, stop));
        Ok(())
    })?;
    tasks::load_orders(tx, stops.values_mut().flatten().map(|(_, stop)| &mut stop.job))?;
    let sorted = stops.into_iter().map(|(tour, mut stops)| {
        stops.sort_by_key(|(position, _)| *position);
        (tour, stops.into_iter().map(|(_, stop)| stop).collect())
    });
    Ok(sorted.collect())
}

/// A job, and the day of the tour that it is planned in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedJob {
    /// the job
    pub job: Job,
    /// day, truck and round of its stop
    pub planned: Option<(NaiveDate, ColumnKey)>,
}

/// Jobs with the tour of their live stop.
const PLANNED_JOB: &str = "t.day, t.truck_id, t.round FROM jobs j LEFT JOIN stops s ON s.job_id = j.id AND s.attempt = 0 \
                           LEFT JOIN tours t ON t.id = s.tour_id";

fn planned_job(row: &mut Row) -> Result<PlannedJob> {
    let job = job(row)?;
    let planned = match row.opt_date(JOB_COLUMNS)? {
        None => None,
        Some(day) => Some((day, ColumnKey { truck_id: row.id(JOB_COLUMNS + 1)?, round: row.int(JOB_COLUMNS + 2)? })),
    };
    Ok(PlannedJob { job, planned })
}

/// The jobs that these deliveries themselves are, by delivery.
pub fn jobs_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<BTreeMap<DeliveryId, PlannedJob>> {
    let sql = |ids: &str| format!("SELECT {JOB}, {PLANNED_JOB} WHERE j.number = 0 AND j.delivery_id IN ({ids})");
    let mut jobs = BTreeMap::new();
    tx.for_ids(deliveries, &[], sql, &mut |mut row| {
        let found = planned_job(&mut row)?;
        jobs.insert(found.job.delivery_id, found);
        Ok(())
    })?;
    Ok(jobs)
}

/// The ended attempts at these jobs, the oldest first, by job.
pub fn attempts(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<HashMap<JobId, Vec<Attempt>>> {
    let sql = |ids: &str| {
        format!(
            "SELECT s.job_id, s.attempt, t.day, k.name, s.reason, t.id FROM stops s JOIN tours t ON t.id = s.tour_id \
             JOIN trucks k ON k.id = t.truck_id WHERE s.attempt > 0 AND s.job_id IN ({ids})"
        )
    };
    let mut found = HashMap::<JobId, Vec<(i64, Attempt)>>::new();
    tx.for_ids(jobs, &[], sql, &mut |mut row| {
        let job_id = row.id(0)?;
        let inconsistent = |column: &str| StorageError::Inconsistent(format!("stops.{column} of job {job_id:?}"));
        let reason = row.opt_text(4)?.map(|code| FailureReason::from_code(&code).ok_or_else(|| inconsistent("reason")));
        let attempt = Attempt {
            tour_id: row.id(5)?,
            day: row.opt_date(2)?.ok_or_else(|| inconsistent("tour_id"))?,
            truck: row.text(3)?,
            reason: reason.transpose()?,
        };
        found.entry(job_id).or_default().push((row.int(1)?, attempt));
        Ok(())
    })?;
    let sorted = found.into_iter().map(|(job, mut attempts)| {
        attempts.sort_by_key(|(number, _)| *number);
        (job, attempts.into_iter().map(|(_, attempt)| attempt).collect())
    });
    Ok(sorted.collect())
}

/// Ends the live stop of a job, so that it can be planned again, with the reason of a failure. Returns the number of the
/// attempt, or none if it has no live stop.
pub fn end_attempt(tx: &mut dyn Tx, job_id: JobId, reason: Option<FailureReason>) -> Result<Option<i64>> {
    let last: i64 = tx.scalar("SELECT COALESCE(max(attempt), 0) FROM stops WHERE job_id = ?", &[job_id.into()])?;
    let sql = "UPDATE stops SET attempt = ?, reason = ? WHERE job_id = ? AND attempt = 0";
    let ended = tx.exec(sql, &[(last + 1).into(), reason.map(FailureReason::code).into(), job_id.into()])?;
    Ok((ended > 0).then_some(last + 1))
}

/// Inserts an empty draft tour.
pub fn insert_tour(tx: &mut dyn Tx, day: NaiveDate, column: ColumnKey, member_id: MemberId) -> Result<Tour> {
    let (id, now) = (tx.new_id::<TourId>(), tx.now());
    let sql = "INSERT INTO tours (id, day, truck_id, round, state, changed_by, changed_at, version) \
               VALUES (?, ?, ?, ?, ?, ?, ?, 0)";
    let state = TourState::Draft;
    tx.exec(
        sql,
        &[
            id.into(),
            day.into(),
            column.truck_id.into(),
            column.round.into(),
            state.code().into(),
            member_id.into(),
            now.into(),
        ],
    )?;
    Ok(Tour { id, column, state, changed_by: None, version: 0 })
}

/// Records that a member has changed these tours, in state or stops; raises their versions.
pub fn touch_tours(tx: &mut dyn Tx, tours: &[TourId], member_id: MemberId) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE tours SET changed_by = ?, changed_at = ?, version = version + 1 WHERE id = ?";
    tx.exec_many(sql, &mut tours.iter().map(|id| vec![member_id.into(), now.into(), (*id).into()]))
}

/// Sets the state of these tours.
pub fn set_state(tx: &mut dyn Tx, tours: &[TourId], state: TourState) -> Result<()> {
    let sql = "UPDATE tours SET state = ? WHERE id = ?";
    tx.exec_many(sql, &mut tours.iter().map(|id| vec![state.code().into(), (*id).into()]))
}

/// Replaces what these stops were planned from, and nothing else of them.
pub fn set_bases(tx: &mut dyn Tx, bases: &[(StopId, String)]) -> Result<()> {
    let sql = "UPDATE stops SET basis = ? WHERE id = ?";
    tx.exec_many(sql, &mut bases.iter().map(|(id, basis)| vec![basis.as_str().into(), (*id).into()]))
}

/// Replaces the stops of these tours: each with its stops in order. New stops get an identifier.
pub fn replace_stops(tx: &mut dyn Tx, tours: &[(TourId, Vec<Stop>)]) -> Result<()> {
    let sql = "DELETE FROM stops WHERE tour_id = ? AND attempt = 0";
    tx.exec_many(sql, &mut tours.iter().map(|(tour, _)| vec![(*tour).into()]))?;
    let mut rows: Vec<Vec<Param<'_>>> = Vec::new();
    for (tour, stops) in tours {
        for (position, stop) in (1_i64..).zip(stops) {
            let id = if stop.id == StopId::UNSTORED { tx.new_id() } else { stop.id };
            rows.push(vec![
                id.into(),
                (*tour).into(),
                stop.job.id.into(),
                position.into(),
                stop.hold.code().into(),
                stop.basis.as_str().into(),
            ]);
        }
    }
    let sql = "INSERT INTO stops (id, tour_id, job_id, position, hold, basis) VALUES (?, ?, ?, ?, ?, ?)";
    tx.exec_many(sql, &mut rows.into_iter())
}

/// Inserts the jobs that deliveries themselves are; they get identifiers.
pub fn insert_jobs(tx: &mut dyn Tx, jobs: &mut [Job]) -> Result<()> {
    for job in jobs.iter_mut() {
        job.id = tx.new_id();
    }
    let sql = "INSERT INTO jobs (id, delivery_id, number, kind, state, ended_at, goods, pieces, volume, note, day, \
               window_from, window_to, minutes, crew, left_out, left_out_day, version) \
               VALUES (?, ?, 0, 'deliver', NULL, NULL, '', 0, 0, '', ?, ?, ?, ?, ?, NULL, NULL, 0)";
    let mut rows = jobs.iter().map(|job| {
        let [day, from, to, minutes, crew] = details(job);
        vec![job.id.into(), job.delivery_id.into(), day, from, to, minutes, crew]
    });
    tx.exec_many(sql, &mut rows)
}

fn details(job: &Job) -> [Param<'static>; 5] {
    let (from, to) = job.window.unzip();
    [job.day.into(), from.into(), to.into(), job.minutes.into(), job.crew.into()]
}

/// Updates day, window, minutes and crew of a job; false, without a change, if its stored version differs.
pub fn update_job(tx: &mut dyn Tx, job: &Job) -> Result<bool> {
    let sql = "UPDATE jobs SET day = ?, window_from = ?, window_to = ?, minutes = ?, crew = ?, version = version + 1 \
               WHERE id = ? AND version = ?";
    let [day, from, to, minutes, crew] = details(job);
    Ok(tx.exec(sql, &[day, from, to, minutes, crew, job.id.into(), job.version.into()])? > 0)
}

/// Records by which rules the plan of a day left out each job; none for planned ones.
pub fn set_left_out(tx: &mut dyn Tx, day: NaiveDate, jobs: &[(JobId, Vec<&str>)]) -> Result<()> {
    let sql = "UPDATE jobs SET left_out = ?, left_out_day = ? WHERE id = ?";
    let mut rows = jobs.iter().map(|(id, rules)| {
        let text = (!rules.is_empty()).then(|| rules.join(&RULE_SEPARATOR.to_string()));
        let day = text.as_ref().map(|_| day);
        vec![text.into(), day.into(), (*id).into()]
    });
    tx.exec_many(sql, &mut rows)
}

/// Number of stops, without those that failed before, and of fixed tours of each day from one to another, inclusive.
pub fn days_between(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<BTreeMap<NaiveDate, DayCount>> {
    let sql = "SELECT t.day, count(DISTINCT t.id), count(DISTINCT CASE WHEN t.state <> 'draft' THEN t.id END), count(s.id) \
               FROM tours t LEFT JOIN stops s ON s.tour_id = t.id AND s.attempt = 0 WHERE t.day BETWEEN ? AND ? GROUP BY t.day";
    let mut days = BTreeMap::new();
    tx.for_each(sql, &[from.into(), to.into()], &mut |row| {
        if let Some(day) = row.opt_date(0)? {
            days.insert(day, DayCount { tours: row.int(1)?, fixed: row.int(2)?, stops: row.int(3)? });
        }
        Ok(())
    })?;
    Ok(days)
}

/// What is planned on a day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// tours
    pub tours: i64,
    /// of these, fixed
    pub fixed: i64,
    /// stops
    pub stops: i64,
}

/// Deletes the jobs of these deliveries, which are destroyed, with their stops and the orders that they name.
pub fn delete_jobs_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<()> {
    let mut jobs: Vec<JobId> = Vec::new();
    tx.for_ids(deliveries, &[], |ids| format!("SELECT id FROM jobs WHERE delivery_id IN ({ids})"), &mut |row| {
        jobs.push(row.id(0)?);
        Ok(())
    })?;
    tx.delete_ids("job_orders", "job_id", &jobs)?;
    tx.delete_ids("stops", "job_id", &jobs)?;
    tx.delete_ids("jobs", "id", &jobs).map(drop)
}

/// Deletes that jobs name these orders, which are destroyed.
pub fn delete_job_orders_of(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<()> {
    tx.delete_ids("job_orders", "order_id", orders).map(drop)
}

/// Identifiers of the jobs of the deliveries that these orders belong to.
pub fn jobs_of_orders(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<Vec<JobId>> {
    let mut jobs = Vec::new();
    let sql = |ids: &str| {
        format!("SELECT j.id FROM jobs j JOIN orders o ON o.delivery_id = j.delivery_id WHERE o.id IN ({ids})")
    };
    tx.for_ids(orders, &[], sql, &mut |row| {
        jobs.push(row.id(0)?);
        Ok(())
    })?;
    jobs.sort_unstable();
    jobs.dedup();
    Ok(jobs)
}
