//! SQL of the driver's day.

pub mod departures;
pub mod events;
pub mod findings;
pub mod keys;

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::id::{DeliveryId, JobId, MemberId, OrderId, TourId};
use crate::members::model::Role;
use crate::members::model::rights::{Sight, Surface, sight};
use crate::plans::model::{ColumnKey, TourState};
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;

/// A tour with who drives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TourRow {
    /// identifier
    pub id: TourId,
    /// day
    pub day: NaiveDate,
    /// truck and round
    pub column: ColumnKey,
    /// name of the truck
    pub truck: String,
    /// state
    pub state: TourState,
    /// the driver; none before it is handed out
    pub driver_id: Option<MemberId>,
    /// username of the driver
    pub driver: Option<String>,
    /// a second person
    pub helper_id: Option<MemberId>,
    /// username of that person
    pub helper: Option<String>,
    /// 출발
    pub left_at: Option<Moment>,
    /// 마감
    pub closed_at: Option<Moment>,
    /// version
    pub version: i64,
}

impl TourRow {
    /// Name of truck and round.
    pub fn name(&self) -> String {
        self.column.name(&self.truck)
    }

    /// Whether the member drives it or helps.
    pub fn is_of(&self, member_id: MemberId) -> bool {
        self.driver_id == Some(member_id) || self.helper_id == Some(member_id)
    }
}

/// Tours of later days that a driver is told of.
const MAX_LATER: usize = 5;

const TOUR: &str = "SELECT t.id, t.day, t.truck_id, t.round, k.name, t.state, t.driver_id, d.username, t.helper_id, \
                    h.username, t.left_at, t.closed_at, t.version FROM tours t JOIN trucks k ON k.id = t.truck_id \
                    LEFT JOIN members d ON d.id = t.driver_id LEFT JOIN members h ON h.id = t.helper_id";

fn tour_row(mut row: Row) -> Result<TourRow> {
    let id = row.id(0)?;
    let inconsistent = || StorageError::Inconsistent(format!("tours {id:?}"));
    Ok(TourRow {
        id,
        day: row.opt_date(1)?.ok_or_else(inconsistent)?,
        column: ColumnKey { truck_id: row.id(2)?, round: row.int(3)? },
        truck: row.text(4)?,
        state: row.code(5, "tours.state")?,
        driver_id: row.opt_id(6)?,
        driver: row.opt_text(7)?,
        helper_id: row.opt_id(8)?,
        helper: row.opt_text(9)?,
        left_at: row.opt_moment(10)?,
        closed_at: row.opt_moment(11)?,
        version: row.int(12)?,
    })
}

/// The tour of that identifier.
pub fn tour(tx: &mut dyn Tx, id: TourId) -> Result<Option<TourRow>> {
    tx.query_one(&format!("{TOUR} WHERE t.id = ?"), &[id.into()])?.map(tour_row).transpose()
}

/// The tours of a day that a member drives or helps with, and that a driver has.
pub fn tours_of_member(tx: &mut dyn Tx, member_id: MemberId, day: NaiveDate) -> Result<Vec<TourRow>> {
    let sql = format!("{TOUR} WHERE t.day = ? AND (t.driver_id = ? OR t.helper_id = ?) ORDER BY t.round, t.id");
    let rows = tx.query(&sql, &[day.into(), member_id.into(), member_id.into()])?;
    let mut tours: Vec<TourRow> = rows.into_iter().map(tour_row).collect::<Result<_>>()?;
    tours.retain(|tour| tour.state.is_handed_out());
    Ok(tours)
}

/// The tours of the days after `day` that a member drives or helps with, and that a driver has; the first [`MAX_LATER`].
pub fn later_tours_of_member(tx: &mut dyn Tx, member_id: MemberId, day: NaiveDate) -> Result<Vec<TourRow>> {
    let sql = format!("{TOUR} WHERE t.day > ? AND (t.driver_id = ? OR t.helper_id = ?) ORDER BY t.day, t.round, t.id");
    let rows = tx.query(&sql, &[day.into(), member_id.into(), member_id.into()])?;
    let mut tours: Vec<TourRow> = rows.into_iter().map(tour_row).collect::<Result<_>>()?;
    tours.retain(|tour| tour.state.is_handed_out());
    tours.truncate(MAX_LATER);
    Ok(tours)
}

/// Whether a member drives a tour of the day or helps with it.
pub fn has_tour(tx: &mut dyn Tx, member_id: MemberId, day: NaiveDate) -> Result<bool> {
    let sql = "SELECT state FROM tours WHERE day = ? AND (driver_id = ? OR helper_id = ?)";
    let rows = tx.query(sql, &[day.into(), member_id.into(), member_id.into()])?;
    for mut row in rows {
        if row.code::<TourState>(0, "tours.state")?.is_handed_out() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Sets state, driver and helper of a tour, and the moments of 출발 and 마감; raises its version. False, without a change,
/// if its version differs.
pub fn save_tour(tx: &mut dyn Tx, tour: &TourRow, member_id: MemberId) -> Result<bool> {
    let now = tx.now();
    let sql = "UPDATE tours SET state = ?, driver_id = ?, helper_id = ?, left_at = ?, closed_at = ?, changed_by = ?, \
               changed_at = ?, version = version + 1 WHERE id = ? AND version = ?";
    let values: [Param<'_>; 9] = [
        tour.state.code().into(),
        tour.driver_id.into(),
        tour.helper_id.into(),
        tour.left_at.into(),
        tour.closed_at.into(),
        member_id.into(),
        now.into(),
        tour.id.into(),
        tour.version.into(),
    ];
    Ok(tx.exec(sql, &values)? > 0)
}

/// A stop of a tour, live or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopRow {
    /// what is done there
    pub job_id: JobId,
    /// the delivery
    pub delivery_id: DeliveryId,
    /// 0: live
    pub attempt: i64,
    /// first and last minute at which the work may begin
    pub window: Option<(i64, i64)>,
}

/// The stops of a tour in order, each job once; ended ones too.
pub fn stops(tx: &mut dyn Tx, tour_id: TourId) -> Result<Vec<StopRow>> {
    let sql = "SELECT s.job_id, j.delivery_id, s.attempt, j.window_from, j.window_to FROM stops s \
               JOIN jobs j ON j.id = s.job_id WHERE s.tour_id = ? ORDER BY s.position, s.attempt";
    let mut stops: Vec<StopRow> = Vec::new();
    for row in tx.query(sql, &[tour_id.into()])? {
        let window = row.opt_int(3)?.zip(row.opt_int(4)?);
        let stop = StopRow { job_id: row.id(0)?, delivery_id: row.id(1)?, attempt: row.int(2)?, window };
        match stops.iter_mut().find(|known| known.job_id == stop.job_id) {
            Some(known) if stop.attempt == 0 => *known = stop,
            Some(_) => {}
            None => stops.push(stop),
        }
    }
    Ok(stops)
}

/// The tour in which a job has its live stop: identifier and name of the truck.
pub fn live_tour(tx: &mut dyn Tx, job_id: JobId) -> Result<Option<(TourId, String)>> {
    let sql = "SELECT t.id, k.name FROM stops s JOIN tours t ON t.id = s.tour_id JOIN trucks k ON k.id = t.truck_id \
               WHERE s.job_id = ? AND s.attempt = 0";
    match tx.query_one(sql, &[job_id.into()])? {
        None => Ok(None),
        Some(mut row) => Ok(Some((row.id(0)?, row.text(1)?))),
    }
}

/// What a tour takes with it of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// the order
    pub order_id: OrderId,
    /// its job
    pub job_id: JobId,
    /// pieces ordered when the tour was handed out
    pub expected: i64,
    /// pieces on the truck; none before they are ticked
    pub loaded: Option<i64>,
    /// why fewer, or despite a claim
    pub reason: String,
}

/// The loads of a tour, by order.
pub fn loads(tx: &mut dyn Tx, tour_id: TourId) -> Result<BTreeMap<OrderId, Load>> {
    let sql = "SELECT order_id, job_id, expected, loaded, reason FROM loads WHERE tour_id = ?";
    let mut loads = BTreeMap::new();
    tx.for_each(sql, &[tour_id.into()], &mut |mut row| {
        let load = Load {
            order_id: row.id(0)?,
            job_id: row.id(1)?,
            expected: row.int(2)?,
            loaded: row.opt_int(3)?,
            reason: row.text(4)?,
        };
        loads.insert(load.order_id, load);
        Ok(())
    })?;
    Ok(loads)
}

/// Inserts loads that are not ticked.
pub fn insert_loads(tx: &mut dyn Tx, tour_id: TourId, loads: &[Load]) -> Result<()> {
    let sql = "INSERT INTO loads (tour_id, order_id, job_id, expected, loaded, reason, loaded_by, loaded_at) \
               VALUES (?, ?, ?, ?, NULL, '', NULL, NULL)";
    let row = |load: &Load| vec![tour_id.into(), load.order_id.into(), load.job_id.into(), load.expected.into()];
    tx.exec_many(sql, &mut loads.iter().map(row))
}

/// Deletes the loads of a tour that no driver has any more.
pub fn delete_loads(tx: &mut dyn Tx, tour_id: TourId) -> Result<()> {
    tx.exec("DELETE FROM loads WHERE tour_id = ?", &[tour_id.into()]).map(drop)
}

/// Saves ticked loads.
pub fn save_loads(tx: &mut dyn Tx, tour_id: TourId, loads: &[Load], member_id: MemberId) -> Result<()> {
    let now = tx.now();
    let sql =
        "UPDATE loads SET loaded = ?, reason = ?, loaded_by = ?, loaded_at = ? WHERE tour_id = ? AND order_id = ?";
    let row = |load: &Load| {
        let at = load.loaded.map(|_| now);
        vec![
            load.loaded.into(),
            load.reason.clone().into(),
            member_id.into(),
            at.into(),
            tour_id.into(),
            load.order_id.into(),
        ]
    };
    tx.exec_many(sql, &mut loads.iter().map(row))
}

/// Pieces counted at the end of a tour: line → (returned, aboard).
pub fn counts(tx: &mut dyn Tx, tour_id: TourId) -> Result<BTreeMap<String, (i64, i64)>> {
    let sql = "SELECT line, returned, aboard FROM tour_counts WHERE tour_id = ?";
    let mut counts = BTreeMap::new();
    tx.for_each(sql, &[tour_id.into()], &mut |mut row| {
        counts.insert(row.text(0)?, (row.int(1)?, row.int(2)?));
        Ok(())
    })?;
    Ok(counts)
}

/// Replaces the counts of a tour.
pub fn save_counts(
    tx: &mut dyn Tx,
    tour_id: TourId,
    counts: &BTreeMap<String, (i64, i64)>,
    member_id: MemberId,
) -> Result<()> {
    let now = tx.now();
    tx.exec("DELETE FROM tour_counts WHERE tour_id = ?", &[tour_id.into()])?;
    let sql =
        "INSERT INTO tour_counts (tour_id, line, returned, aboard, counted_by, counted_at) VALUES (?, ?, ?, ?, ?, ?)";
    let mut rows = counts.iter().map(|(line, (returned, aboard))| {
        let line: Param<'_> = line.as_str().into();
        vec![tour_id.into(), line, (*returned).into(), (*aboard).into(), member_id.into(), now.into()]
    });
    tx.exec_many(sql, &mut rows)
}

/// Whether a role drives: its members see their own tour in full.
pub fn may_drive(role: Role) -> bool {
    sight(role, Surface::Tour, false) == Sight::Full
}

/// Members who may drive: usernames by identifier, in order of name.
pub fn drivers(tx: &mut dyn Tx) -> Result<Vec<(MemberId, String)>> {
    let codes: Vec<&str> = Role::ALL.into_iter().filter(|role| may_drive(*role)).map(Role::code).collect();
    let sql = format!(
        "SELECT id, username FROM members WHERE enabled = 1 AND role IN ('{}') ORDER BY username",
        codes.join("', '")
    );
    let rows = tx.query(&sql, &[])?;
    rows.into_iter().map(|mut row| Ok((row.id(0)?, row.text(1)?))).collect()
}

/// Deletes what drivers reported of these deliveries, which are destroyed: loads, departures, events and findings.
pub fn delete_reports_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<()> {
    let mut jobs: Vec<JobId> = Vec::new();
    tx.for_ids(deliveries, &[], |ids| format!("SELECT id FROM jobs WHERE delivery_id IN ({ids})"), &mut |row| {
        jobs.push(row.id(0)?);
        Ok(())
    })?;
    let sql = "DELETE FROM stop_findings WHERE event_id IN (SELECT id FROM stop_events WHERE job_id = ?)";
    tx.exec_many(sql, &mut jobs.iter().map(|job| vec![(*job).into()]))?;
    tx.delete_ids("stop_events", "job_id", &jobs)?;
    tx.delete_ids("departures", "job_id", &jobs)?;
    tx.delete_ids("loads", "job_id", &jobs).map(drop)
}

/// Deletes tours of earlier days on which nothing is kept any more, with their counts, keys, and what is left of destroyed
/// photographs; answers how many, at most `limit`.
pub fn delete_old_tours(tx: &mut dyn Tx, before: NaiveDate, limit: i64) -> Result<u64> {
    let sql = "SELECT t.id FROM tours t WHERE t.day < ? \
               AND NOT EXISTS (SELECT 1 FROM stops s WHERE s.tour_id = t.id) \
               AND NOT EXISTS (SELECT 1 FROM loads l WHERE l.tour_id = t.id) \
               AND NOT EXISTS (SELECT 1 FROM stop_events e WHERE e.tour_id = t.id) \
               AND NOT EXISTS (SELECT 1 FROM proofs p WHERE p.tour_id = t.id AND p.destroyed_at IS NULL) \
               ORDER BY t.id LIMIT ?";
    let rows = tx.query(sql, &[before.into(), limit.into()])?;
    let tours: Vec<TourId> = rows.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    for table in ["tour_counts", "drive_keys", "departures", "proofs"] {
        tx.delete_ids(table, "tour_id", &tours)?;
    }
    tx.delete_ids("tours", "id", &tours)
}

/// Deletes the loads of these orders, which are destroyed.
pub fn delete_loads_of(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<()> {
    tx.delete_ids("loads", "order_id", orders).map(drop)
}
