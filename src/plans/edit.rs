//! Changes of a plan by a dispatcher, and by the route engine. Each is one transaction with its audit entry.
//!
//! Two dispatchers may work on one day. A form states the version of every tour that it was made from; a change is
//! refused if a tour that it touches has another version by now.

mod moves;

pub use moves::{
    FormerPosition, MoveCost, MoveOutcome, MoveResult, cost_of_move, move_by_one, move_to, put_back, unassign,
};

use std::collections::HashMap;

use chrono::NaiveDate;

use super::assign::NewPlan;
use super::board::{self, Board, BoardItem, BoardStop, Column};
use super::model::{ColumnKey, Hold, Job, Stop, TourState};
use super::schedule::{PlannedStop, Schedule, schedule};
use super::store;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::Districts;
use crate::id::{DeliveryId, JobId, StopId, TourId, WorkId};
use crate::routing::travel::Trips;
use crate::storage::{Result, Tx};

/// Versions of the tours that a form was made from; 0 for a tour without stops so far.
pub type SeenVersions = HashMap<ColumnKey, i64>;

/// Who changes which day, from which page.
#[derive(Clone, Debug)]
pub struct EditContext {
    /// the dispatcher
    pub actor: MemberActor,
    /// the day
    pub day: NaiveDate,
    /// the versions of the page
    pub seen: SeenVersions,
}

/// Why a change is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// another member has changed a tour
    Stale {
        /// name of the column
        column: String,
        /// username
        by: Option<String>,
    },
    /// the tour is fixed
    Fixed {
        /// name of the column
        column: String,
    },
    /// a driver has the tour
    HandedOut {
        /// name of the column
        column: String,
    },
    /// the stops are in that truck, or in that place, already
    AlreadyThere {
        /// name of the column
        column: String,
    },
    /// there is nothing to change
    Nothing,
}

impl Refusal {
    /// Korean sentences.
    pub fn sentence(&self) -> String {
        match self {
            Self::Stale { column, by } => {
                let who = by.as_deref().map_or_else(|| "다른 사람이".to_owned(), |by| format!("{by} 님이"));
                format!("그 사이 {who} {column}의 배차를 바꿨어요. 지금 배차를 확인하고 다시 해 주세요.")
            }
            Self::Fixed { column } => format!("{column}은(는) 확정한 차예요. 확정을 풀고 바꿔 주세요."),
            Self::HandedOut { column } => {
                format!("{column}은(는) 기사가 가져간 차예요. 배차표에서 되돌린 다음 바꿔 주세요.")
            }
            Self::AlreadyThere { column } => {
                format!("이미 {column}에 있어요. 옮기려면 다른 차나 다른 순서를 선택해 주세요.")
            }
            Self::Nothing => "바꿀 것이 없어요. 배송을 선택했는지 확인해 주세요.".to_owned(),
        }
    }
}

/// A change, or why there is none.
pub type EditResult = Result<std::result::Result<AuditEvent, Refusal>>;

/// A board being changed: its stops by column.
struct BoardEdit {
    board: Board,
    lists: HashMap<ColumnKey, Vec<BoardStop>>,
    touched: Vec<ColumnKey>,
}

impl BoardEdit {
    fn load(tx: &mut dyn Tx, districts: &Districts, context: &EditContext) -> Result<Self> {
        Ok(Self::new(board::load(tx, districts, context.day)?))
    }

    fn new(mut board: Board) -> Self {
        let lists = board.columns.iter_mut().map(|column| (column.key(), std::mem::take(&mut column.stops))).collect();
        Self { board, lists, touched: Vec::new() }
    }

    fn column(&self, key: ColumnKey) -> Option<&Column> {
        self.board.columns.iter().find(|column| column.key() == key)
    }

    /// The column and position of a job's stop.
    fn position(&self, key_of_work: WorkId) -> Option<(ColumnKey, usize)> {
        self.lists.iter().find_map(|(key, stops)| {
            let at = stops.iter().position(|stop| stop.item.work.key == key_of_work)?;
            Some((*key, at))
        })
    }

    /// A column with the times and loads of its stops as they are now.
    fn schedule(&self, key: ColumnKey) -> Option<(&Column, Schedule)> {
        let column = self.column(key)?;
        let planned: Vec<PlannedStop> = self.lists.get(&key)?.iter().map(|stop| stop.item.planned_stop()).collect();
        Some((column, schedule(&column.round, Trips { roads: &self.board.roads, depot: column.depot }, &planned)))
    }

    /// Marks a column as changed.
    ///
    /// # Errors
    /// It is fixed, or changed since the page was loaded.
    fn touch(&mut self, key: ColumnKey, seen: &SeenVersions, may_be_fixed: bool) -> std::result::Result<(), Refusal> {
        if self.touched.contains(&key) {
            return Ok(());
        }
        let column = self.column(key).ok_or(Refusal::Nothing)?;
        if column.version() != seen.get(&key).copied().unwrap_or_default() {
            let by = column.tour.as_ref().and_then(|tour| tour.changed_by.clone());
            return Err(Refusal::Stale { column: column_name(column), by });
        }
        if column.is_fixed() && !may_be_fixed {
            return Err(Refusal::Fixed { column: column_name(column) });
        }
        self.touched.push(key);
        Ok(())
    }

    /// Takes deliveries out of their columns or the pool, in the given order.
    fn take(&mut self, ids: &[WorkId], seen: &SeenVersions) -> std::result::Result<Vec<BoardStop>, Refusal> {
        let mut taken = Vec::new();
        for id in ids {
            if let Some((key, at)) = self.position(*id) {
                self.touch(key, seen, false)?;
                taken.extend(self.lists.get_mut(&key).map(|stops| stops.remove(at)));
            } else if let Some(at) = self.board.pool.iter().position(|item| item.work.key == *id) {
                taken.push(new_stop(self.board.pool.remove(at)));
            }
        }
        if taken.is_empty() { Err(Refusal::Nothing) } else { Ok(taken) }
    }

    /// Stores the changed columns: new tours, new jobs, stops, versions. Returns the identifiers of the tours.
    fn save(mut self, tx: &mut dyn Tx, context: &EditContext) -> Result<Vec<TourId>> {
        let mut new_jobs: Vec<Job> = self
            .touched
            .iter()
            .filter_map(|key| self.lists.get(key))
            .flatten()
            .filter(|stop| stop.stop.job.id == JobId::UNSTORED)
            .map(|stop| stop.stop.job.clone())
            .collect();
        store::insert_jobs(tx, &mut new_jobs)?;
        let ids: HashMap<DeliveryId, JobId> = new_jobs.iter().map(|job| (job.delivery_id, job.id)).collect();
        let mut tours = Vec::new();
        for key in &self.touched {
            let stored = self.column(*key).and_then(|column| column.tour.as_ref()).map(|tour| tour.id);
            let tour = match stored {
                Some(id) => id,
                None => store::insert_tour(tx, context.day, *key, context.actor.id)?.id,
            };
            let mut stops: Vec<Stop> =
                self.lists.remove(key).unwrap_or_default().into_iter().map(|stop| stop.stop).collect();
            for stop in stops.iter_mut().filter(|stop| stop.job.id == JobId::UNSTORED) {
                stop.job.id = ids.get(&stop.job.delivery_id).copied().unwrap_or_default();
            }
            tours.push((tour, stops));
        }
        store::replace_stops(tx, &tours)?;
        let ids: Vec<TourId> = tours.into_iter().map(|(id, _)| id).collect();
        store::touch_tours(tx, &ids, context.actor.id)?;
        Ok(ids)
    }
}

/// Name of a column: `1호차`, `1호차 2회차`.
pub fn column_name(column: &Column) -> String {
    column.key().name(&column.truck.name)
}

/// A stop for a delivery of the pool.
fn new_stop(item: BoardItem) -> BoardStop {
    let job = item.job.clone();
    let job = job.unwrap_or_else(|| Job { delivery_id: item.work.delivery_id, ..Job::default() });
    let stop = Stop { id: StopId::UNSTORED, job, hold: Hold::Free, basis: item.work.basis().to_json() };
    BoardStop { stop, item, changes: Vec::new() }
}

fn record(tx: &mut dyn Tx, context: &EditContext, tours: &[TourId], event: AuditEvent) -> EditResult {
    audit::record(tx, context.actor, AuditObject::of(tours), &event)?;
    Ok(Ok(event))
}

/// Sets what a new plan may change of these stops.
pub fn set_hold(
    tx: &mut dyn Tx,
    districts: &Districts,
    context: &EditContext,
    hold: Hold,
    keys: &[WorkId],
) -> EditResult {
    let mut draft = BoardEdit::load(tx, districts, context)?;
    let mut bundles = Vec::new();
    for work_key in keys {
        let Some((key, at)) = draft.position(*work_key) else { continue };
        if let Err(refusal) = draft.touch(key, &context.seen, false) {
            return Ok(Err(refusal));
        }
        if let Some(stop) = draft.lists.get_mut(&key).and_then(|stops| stops.get_mut(at))
            && std::mem::replace(&mut stop.stop.hold, hold) != hold
        {
            bundles.push(stop.item.work.bundle_number.clone());
        }
    }
    if bundles.is_empty() {
        return Ok(Err(Refusal::Nothing));
    }
    let tours = draft.save(tx, context)?;
    let bundles = bundles.into_iter().collect();
    let event = AuditEvent::StopsHeld { day: context.day.to_string(), hold: hold.code().to_owned(), bundles };
    record(tx, context, &tours, event)
}

/// Acknowledges what has changed of deliveries since they were planned, also in fixed tours and those that a driver has:
/// the stops keep their positions, which are on his phone and his paper. A stop with nothing left to do leaves its tour as
/// long as no driver has it.
pub fn acknowledge(tx: &mut dyn Tx, districts: &Districts, context: &EditContext, keys: &[WorkId]) -> EditResult {
    let mut draft = BoardEdit::load(tx, districts, context)?;
    let (mut bundles, mut bases, mut has_fewer) = (Vec::new(), Vec::new(), false);
    for work_key in keys {
        let Some((key, at)) = draft.position(*work_key) else { continue };
        if let Err(refusal) = draft.touch(key, &context.seen, true) {
            return Ok(Err(refusal));
        }
        let is_handed_out = draft.column(key).is_some_and(Column::is_handed_out);
        let Some(stops) = draft.lists.get_mut(&key) else { continue };
        let stop = &mut stops[at];
        let basis = stop.item.work.basis().to_json();
        if !stop.item.work.is_open() && !is_handed_out {
            bundles.push(stops.remove(at).item.work.bundle_number);
            has_fewer = true;
        } else if basis != stop.stop.basis {
            bundles.push(stop.item.work.bundle_number.clone());
            stop.stop.basis.clone_from(&basis);
            bases.push((stop.stop.id, basis));
        }
    }
    if bundles.is_empty() {
        return Ok(Err(Refusal::Nothing));
    }
    let bundles = bundles.into_iter().collect();
    let event = AuditEvent::StopChangesAcknowledged { day: context.day.to_string(), bundles };
    if has_fewer {
        let tours = draft.save(tx, context)?;
        return record(tx, context, &tours, event);
    }
    store::set_bases(tx, &bases)?;
    let tour = |key: &ColumnKey| draft.column(*key)?.tour.as_ref().map(|tour| tour.id);
    let tours: Vec<TourId> = draft.touched.iter().filter_map(tour).collect();
    store::touch_tours(tx, &tours, context.actor.id)?;
    record(tx, context, &tours, event)
}

/// Fixes or reopens tours: that of one column, or all that have stops. `state` is draft or fixed; the later states are
/// those of the driver's day.
pub fn set_state(
    tx: &mut dyn Tx,
    districts: &Districts,
    context: &EditContext,
    state: TourState,
    only: Option<ColumnKey>,
) -> EditResult {
    let mut draft = BoardEdit::load(tx, districts, context)?;
    let keys: Vec<ColumnKey> = draft
        .board
        .columns
        .iter()
        .filter(|column| only.is_none_or(|only| only == column.key()))
        .filter(|column| draft.lists.get(&column.key()).is_some_and(|stops| !stops.is_empty()))
        .filter(|column| column.tour.as_ref().is_some_and(|tour| tour.state != state))
        .filter(|column| only.is_some() || !column.is_handed_out())
        .map(Column::key)
        .collect();
    let mut names = Vec::new();
    for key in keys {
        if let Some(column) = draft.column(key).filter(|column| column.is_handed_out()) {
            return Ok(Err(Refusal::HandedOut { column: column_name(column) }));
        }
        if let Err(refusal) = draft.touch(key, &context.seen, true) {
            return Ok(Err(refusal));
        }
        names.extend(draft.column(key).map(column_name));
    }
    if names.is_empty() {
        return Ok(Err(Refusal::Nothing));
    }
    let tours = draft.save(tx, context)?;
    store::set_state(tx, &tours, state)?;
    let (day, trucks) = (context.day.to_string(), names);
    let event = match state {
        TourState::Draft => AuditEvent::ToursReopened { day, trucks },
        _ => AuditEvent::ToursFixed { day, trucks },
    };
    record(tx, context, &tours, event)
}

/// Stores a plan of the route engine, which was made from the board with the versions of the context. Deliveries that
/// were planned elsewhere or cancelled in the meantime are skipped.
pub fn apply(tx: &mut dyn Tx, districts: &Districts, context: &EditContext, plan: &NewPlan) -> EditResult {
    let mut draft = BoardEdit::load(tx, districts, context)?;
    for (key, _) in &plan.columns {
        if let Err(refusal) = draft.touch(*key, &context.seen, false) {
            return Ok(Err(refusal));
        }
    }
    let mut known: HashMap<WorkId, BoardStop> = HashMap::new();
    for (key, _) in &plan.columns {
        let stops = draft.lists.remove(key).unwrap_or_default();
        known.extend(stops.into_iter().map(|stop| (stop.item.work.key, stop)));
    }
    for item in std::mem::take(&mut draft.board.pool) {
        known.insert(item.work.key, new_stop(item));
    }
    let mut planned = 0;
    let mut jobs: Vec<(JobId, Vec<&str>)> = Vec::new();
    for (key, ids) in &plan.columns {
        let mut stops: Vec<BoardStop> = ids.iter().filter_map(|id| known.remove(id)).collect();
        for stop in &mut stops {
            stop.stop.basis = stop.item.work.basis().to_json();
            if stop.stop.job.left_out.is_some() {
                jobs.push((stop.stop.job.id, Vec::new()));
            }
        }
        planned += stops.len();
        draft.lists.insert(*key, stops);
    }
    // Empty tours that have never been stored are not needed.
    let is_needed = |draft: &BoardEdit, key: &ColumnKey| {
        draft.lists.get(key).is_some_and(|stops| !stops.is_empty())
            || draft.column(*key).is_some_and(|column| column.tour.is_some())
    };
    let touched = std::mem::take(&mut draft.touched).into_iter().filter(|key| is_needed(&draft, key)).collect();
    draft.touched = touched;

    let mut new_jobs = Vec::new();
    let mut new_rules = Vec::new();
    for (id, rules) in &plan.left_out {
        let Some(stop) = known.remove(id) else { continue };
        if stop.stop.job.id == JobId::UNSTORED {
            new_jobs.push(stop.stop.job);
            new_rules.push(rules.clone());
        } else {
            jobs.push((stop.stop.job.id, rules.clone()));
        }
    }
    store::insert_jobs(tx, &mut new_jobs)?;
    jobs.extend(new_jobs.iter().map(|job| job.id).zip(new_rules));
    store::set_left_out(tx, context.day, &jobs)?;
    let tours = draft.save(tx, context)?;
    if tours.is_empty() && plan.left_out.is_empty() {
        return Ok(Err(Refusal::Nothing));
    }
    let event = AuditEvent::StopsAssigned { day: context.day.to_string(), planned, left_out: plan.left_out.len() };
    if !tours.is_empty() {
        audit::record(tx, context.actor, AuditObject::of(&tours), &event)?;
    }
    Ok(Ok(event))
}
