//! SQL of jobs beside the deliveries themselves (일감).

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::works::DIVIDED;
use super::{JOB, PLANNED_JOB, PlannedJob, details, planned_job};
use crate::id::{DeliveryId, Identifier, JobId, OrderId, WorkId};
use crate::orders::bundle::DeliveryState;
use crate::plans::model::{Job, Task, TaskState};
use crate::storage::{Result, Tx};

/// Deliveries that a number may mean.
const MAX_FOUND: usize = 2;

/// Loads the orders that these jobs name.
pub fn load_orders<'j>(tx: &mut dyn Tx, jobs: impl IntoIterator<Item = &'j mut Job>) -> Result<()> {
    let mut tasks: HashMap<JobId, &mut Task> =
        jobs.into_iter().filter_map(|job| Some((job.id, job.task.as_mut()?))).collect();
    let mut ids: Vec<JobId> = tasks.keys().copied().collect();
    ids.sort_unstable();
    let sql = |ids: &str| format!("SELECT job_id, order_id FROM job_orders WHERE job_id IN ({ids}) ORDER BY order_id");
    tx.for_ids(&ids, &[], sql, &mut |row| {
        let (job_id, order_id) = (row.id(0)?, row.id(1)?);
        if let Some(task) = tasks.get_mut(&job_id) {
            task.orders.push(order_id);
        }
        Ok(())
    })
}

fn load<I: Identifier>(tx: &mut dyn Tx, ids: &[I], condition: &str) -> Result<Vec<PlannedJob>> {
    let mut found = Vec::new();
    let sql = |ids: &str| format!("SELECT {JOB}, {PLANNED_JOB} WHERE {condition} IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        found.push(planned_job(&mut row)?);
        Ok(())
    })?;
    found.sort_by_key(|planned| planned.job.id);
    load_orders(tx, found.iter_mut().map(|planned| &mut planned.job))?;
    Ok(found)
}

/// The jobs of these identifiers, of any kind, the oldest first.
pub fn by_ids(tx: &mut dyn Tx, ids: &[JobId]) -> Result<Vec<PlannedJob>> {
    load(tx, ids, "j.id")
}

/// Those of these works that are jobs beside their delivery, the oldest first.
pub fn of_works(tx: &mut dyn Tx, works: &[WorkId]) -> Result<Vec<PlannedJob>> {
    let ids: Vec<JobId> = works.iter().map(|work| work.as_job()).collect();
    let mut found = by_ids(tx, &ids)?;
    found.retain(|planned| planned.job.task.is_some());
    Ok(found)
}

/// The jobs beside this delivery, the oldest first.
pub fn of_delivery(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<PlannedJob>> {
    load(tx, &[delivery_id], "j.number > 0 AND j.delivery_id")
}

/// All jobs of these deliveries, themselves too, the oldest first.
pub fn of_deliveries(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<Vec<PlannedJob>> {
    load(tx, deliveries, "j.delivery_id")
}

/// Identifiers of all jobs of a delivery, itself first.
pub fn ids_of(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<JobId>> {
    let sql = "SELECT id FROM jobs WHERE delivery_id = ? ORDER BY number";
    tx.query(sql, &[delivery_id.into()])?.into_iter().map(|row| row.id(0)).collect()
}

/// Identifiers of open jobs beside deliveries that are wished for a day of that range, the latest first.
pub fn open_on_days(tx: &mut dyn Tx, (from, to): (NaiveDate, NaiveDate), limit: usize) -> Result<Vec<JobId>> {
    let by_state = tx.index_hint("jobs_by_state");
    let sql = format!(
        "SELECT id FROM jobs {by_state} WHERE state = 'open' AND day BETWEEN ? AND ? ORDER BY day DESC, id LIMIT {limit}"
    );
    tx.query(&sql, &[from.into(), to.into()])?.into_iter().map(|row| row.id(0)).collect()
}

/// Identifiers of open jobs beside deliveries without a day, the oldest first.
pub fn open_without_day(tx: &mut dyn Tx, limit: usize) -> Result<Vec<JobId>> {
    let by_state = tx.index_hint("jobs_by_state");
    let sql = format!("SELECT id FROM jobs {by_state} WHERE state = 'open' AND day IS NULL ORDER BY id LIMIT {limit}");
    tx.query(&sql, &[])?.into_iter().map(|row| row.id(0)).collect()
}

/// Inserts a job beside its delivery, with the next number; returns its identifier.
pub fn insert(tx: &mut dyn Tx, job: &Job, task: &Task) -> Result<JobId> {
    let id = tx.new_id::<JobId>();
    let sql = "SELECT COALESCE(max(number), 0) + 1 FROM jobs WHERE delivery_id = ?";
    let number = tx.scalar(sql, &[job.delivery_id.into()])?;
    let sql = "INSERT INTO jobs (id, delivery_id, number, kind, state, ended_at, goods, pieces, volume, note, day, \
               window_from, window_to, minutes, crew, left_out, left_out_day, version) \
               VALUES (?, ?, ?, ?, 'open', NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, 0)";
    let [day, from, to, minutes, crew] = details(job);
    let params = [
        id.into(),
        job.delivery_id.into(),
        number.into(),
        task.kind.code().into(),
        task.goods.as_str().into(),
        task.pieces.into(),
        task.volume.into(),
        task.note.as_str().into(),
        day,
        from,
        to,
        minutes,
        crew,
    ];
    tx.exec(sql, &params)?;
    let sql = "INSERT INTO job_orders (job_id, order_id) VALUES (?, ?)";
    tx.exec_many(sql, &mut task.orders.iter().map(|order| vec![id.into(), (*order).into()]))?;
    Ok(id)
}

/// Updates what is taken back or done, and the note; with the version that [`super::update_job`] has raised.
pub fn update(tx: &mut dyn Tx, job_id: JobId, task: &Task) -> Result<()> {
    let sql = "UPDATE jobs SET goods = ?, pieces = ?, volume = ?, note = ? WHERE id = ?";
    let Task { goods, pieces, volume, note, .. } = task;
    let params = [goods.as_str().into(), (*pieces).into(), (*volume).into(), note.as_str().into(), job_id.into()];
    tx.exec(sql, &params).map(drop)
}

/// Sets the state of a job beside a delivery; false if it has that state already.
pub fn set_state(tx: &mut dyn Tx, job_id: JobId, state: TaskState) -> Result<bool> {
    let ended_at = (state != TaskState::Open).then(|| tx.now());
    let sql =
        "UPDATE jobs SET state = ?, ended_at = ?, version = version + 1 WHERE id = ? AND number > 0 AND state <> ?";
    let code = state.code();
    Ok(tx.exec(sql, &[code.into(), ended_at.into(), job_id.into(), code.into()])? > 0)
}

/// Whether a driver has the tour of a job's live stop, or had it.
pub fn is_handed_out(tx: &mut dyn Tx, job_id: JobId) -> Result<bool> {
    let sql = "SELECT count(*) FROM stops s JOIN tours t ON t.id = s.tour_id \
               WHERE s.job_id = ? AND s.attempt = 0 AND t.state NOT IN ('draft', 'fixed')";
    Ok(tx.scalar(sql, &[job_id.into()])? > 0)
}

/// Raises the version of the tour that has the live stop of a job: pages that were made before it are stale.
fn raise_tour_version(tx: &mut dyn Tx, job_id: JobId) -> Result<()> {
    let sql = "UPDATE tours SET version = version + 1 WHERE id IN (SELECT tour_id FROM stops WHERE job_id = ? AND attempt = 0)";
    tx.exec(sql, &[job_id.into()]).map(drop)
}

/// Ends the live stop of a job without a failure, if it has one: it stays with its tour, whose version rises, as an
/// attempt.
pub fn end_stop(tx: &mut dyn Tx, job_id: JobId) -> Result<()> {
    raise_tour_version(tx, job_id)?;
    super::end_attempt(tx, job_id, None).map(drop)
}

/// Takes the live stop of a job out of its tour, whose version rises.
pub fn remove_stop(tx: &mut dyn Tx, job_id: JobId) -> Result<()> {
    raise_tour_version(tx, job_id)?;
    tx.exec("DELETE FROM stops WHERE job_id = ? AND attempt = 0", &[job_id.into()]).map(drop)
}

/// Orders with an open job that takes them back or swaps them, of these orders.
pub fn orders_with_collection(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<Vec<OrderId>> {
    let mut found = Vec::new();
    let sql = |ids: &str| {
        format!(
            "SELECT o.order_id FROM job_orders o JOIN jobs j ON j.id = o.job_id \
             WHERE j.state = 'open' AND j.kind IN ('collect', 'swap') AND o.order_id IN ({ids})"
        )
    };
    tx.for_ids(orders, &[], sql, &mut |row| {
        found.push(row.id(0)?);
        Ok(())
    })?;
    Ok(found)
}

/// The orders of these deliveries that another job delivers, with the day of its tour or the one it is wished for, by
/// delivery.
pub fn divided_days(
    tx: &mut dyn Tx,
    deliveries: &[DeliveryId],
) -> Result<HashMap<DeliveryId, BTreeMap<OrderId, Option<NaiveDate>>>> {
    let sql = |ids: &str| {
        format!(
            "SELECT j.delivery_id, o.order_id, COALESCE(t.day, j.day) FROM {DIVIDED} \
             LEFT JOIN stops s ON s.job_id = j.id AND s.attempt = 0 LEFT JOIN tours t ON t.id = s.tour_id \
             WHERE j.delivery_id IN ({ids})"
        )
    };
    let mut days = HashMap::<DeliveryId, BTreeMap<OrderId, Option<NaiveDate>>>::new();
    tx.for_ids(deliveries, &[], sql, &mut |row| {
        days.entry(row.id(0)?).or_default().insert(row.id(1)?, row.opt_date(2)?);
        Ok(())
    })?;
    Ok(days)
}

/// Deliveries of this 묶음배송번호 or 상품주문번호, at most two.
pub fn find_deliveries(tx: &mut dyn Tx, number: &str) -> Result<Vec<DeliveryId>> {
    let sql = format!(
        "SELECT id FROM deliveries WHERE bundle_number = ? UNION SELECT delivery_id FROM orders WHERE order_number = ? \
         LIMIT {MAX_FOUND}"
    );
    tx.query(&sql, &[number.into(), number.into()])?.into_iter().map(|row| row.id(0)).collect()
}

/// Whether the delivery is under way.
pub fn is_under_way(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<bool> {
    let delivery = crate::deliveries::store::find(tx, delivery_id)?;
    Ok(delivery.is_some_and(|delivery| DeliveryState::UNDER_WAY.contains(&delivery.state)))
}
