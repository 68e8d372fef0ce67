//! Moves of deliveries between trucks by hand, what a truck exceeds since then, and their undo.

use std::collections::HashMap;

use super::{BoardEdit, EditContext, EditResult, Refusal, SeenVersions, column_name, record};
use crate::audit::AuditEvent;
use crate::districts::Districts;
use crate::id::WorkId;
use crate::plans::board::{Board, BoardStop, Column};
use crate::plans::model::{ColumnKey, Hold, reordered};
use crate::plans::schedule::{Excess, PlannedStop, schedule};
use crate::routing::travel::{Roads, Trips};
use crate::storage::{Result, Tx};
use crate::time::duration_label;

const METRES_PER_KM: i64 = 1_000;

/// Where a delivery was before a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormerPosition {
    /// what names it on the board
    pub key: WorkId,
    /// truck and round; none: 미배차
    pub column: Option<ColumnKey>,
    /// position in the column
    pub at: usize,
    /// what a new plan had to leave of it
    pub hold: Hold,
}

/// A move that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveOutcome {
    /// what the log says
    pub event: AuditEvent,
    /// limits that the truck exceeds with the moved deliveries, in words. A dispatcher may exceed them knowingly.
    pub exceeded: Vec<String>,
    /// where the deliveries were, for the undo
    pub former: Vec<FormerPosition>,
}

/// A move, or why there is none.
pub type MoveResult = Result<std::result::Result<MoveOutcome, Refusal>>;

impl BoardEdit {
    /// Where deliveries are; those that are not on the board are left out.
    fn positions_of(&self, keys: &[WorkId]) -> Vec<FormerPosition> {
        let place = |key: &WorkId| match self.position(*key) {
            Some((column, at)) => {
                let hold = self.lists.get(&column)?.get(at)?.stop.hold;
                Some(FormerPosition { key: *key, column: Some(column), at, hold })
            }
            None => self.board.pool.iter().any(|item| item.work.key == *key).then_some(FormerPosition {
                key: *key,
                column: None,
                at: 0,
                hold: Hold::Free,
            }),
        };
        keys.iter().filter_map(place).collect()
    }

    fn excesses(&self, key: ColumnKey) -> Vec<Excess> {
        self.schedule(key).map(|(column, schedule)| schedule.excesses(&column.truck, &column.round)).unwrap_or_default()
    }

    /// Limits that a column exceeds, without the known ones.
    fn exceeded(&self, key: ColumnKey, known: &[Excess]) -> Vec<String> {
        let Some((Column { truck, round, .. }, schedule)) = self.schedule(key) else { return Vec::new() };
        let new = schedule.excesses(truck, round).into_iter().filter(|excess| !known.contains(excess));
        new.map(|excess| schedule.excess_text(excess, truck, round)).collect()
    }
}

/// The place in a column where a stop makes the day shortest.
fn cheapest_place(column: &Column, roads: &Roads, stops: &[BoardStop], new: &BoardStop) -> usize {
    let trips = Trips { roads, depot: column.depot };
    let planned: Vec<PlannedStop> = stops.iter().map(|stop| stop.item.planned_stop()).collect();
    let duration = |at: usize| {
        let mut planned = planned.clone();
        planned.insert(at, new.item.planned_stop());
        let schedule = schedule(&column.round, trips, &planned);
        (schedule.visits.iter().filter(|visit| visit.is_late).count(), schedule.duration)
    };
    // The stops up to the last one that is pinned in its place are the beginning of the day, which stays.
    let first = stops.iter().rposition(|stop| stop.stop.hold == Hold::Place).map_or(0, |last| last + 1);
    (first..=stops.len()).min_by_key(|at| duration(*at)).unwrap_or(stops.len())
}

/// Moves deliveries to a truck: before the stop at a position, or each where it costs least. They are held there: a stop
/// that came from elsewhere on its truck, one that was moved within its truck in its place. Without a position, those that
/// are in the truck already stay where they are.
pub fn move_to(
    tx: &mut dyn Tx,
    districts: &Districts,
    context: &EditContext,
    (to, at): (ColumnKey, Option<usize>),
    keys: &[WorkId],
) -> MoveResult {
    let draft = BoardEdit::load(tx, districts, context)?;
    move_in(tx, context, draft, (to, at), keys)
}

/// As [`move_to`], of a board that is loaded.
fn move_in(
    tx: &mut dyn Tx,
    context: &EditContext,
    mut draft: BoardEdit,
    (to, at): (ColumnKey, Option<usize>),
    keys: &[WorkId],
) -> MoveResult {
    let moved = match rearrange(&mut draft, &context.seen, (to, at), keys) {
        Ok(moved) => moved,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let exceeded = draft.exceeded(to, &moved.known);
    let truck = draft.column(to).map(column_name);
    let tours = draft.save(tx, context)?;
    let bundles = moved.bundles.into_iter().collect();
    let event = AuditEvent::StopsMoved { day: context.day.to_string(), truck, bundles };
    let former = moved.former;
    Ok(record(tx, context, &tours, event)?.map(|event| MoveOutcome { event, exceeded, former }))
}

/// Stops that were moved on a board, which is not stored yet.
struct BoardMove {
    /// numbers of their deliveries
    bundles: Vec<String>,
    /// where they were
    former: Vec<FormerPosition>,
    /// limits that the truck exceeded before, as far as the move adds nothing to them
    known: Vec<Excess>,
}

/// Moves stops on a board: what is stored, and what a preview of it reckons with.
fn rearrange(
    draft: &mut BoardEdit,
    seen: &SeenVersions,
    (to, at): (ColumnKey, Option<usize>),
    keys: &[WorkId],
) -> std::result::Result<BoardMove, Refusal> {
    let mut former = draft.positions_of(keys);
    let is_there = |place: &FormerPosition| place.column == Some(to);
    let is_within = !former.is_empty() && former.iter().all(is_there);
    if at.is_none() {
        if let Some(column) = draft.column(to).filter(|_| is_within) {
            return Err(Refusal::AlreadyThere { column: column_name(column) });
        }
        former.retain(|place| !is_there(place));
    }
    // A new order of the stops can miss windows; it loads nothing.
    let known = if is_within { draft.excesses(to) } else { Vec::new() };
    let moved: Vec<WorkId> = former.iter().map(|place| place.key).collect();
    let bundles = match at.filter(|_| is_within) {
        Some(at) => reorder(draft, seen, (to, at), &moved)?,
        None => place(draft, seen, (to, at), &moved)?,
    };
    Ok(BoardMove { bundles, former, known })
}

/// What a move costs the trucks that it touches, against the plan as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MoveCost {
    /// more minutes of driving
    pub driving: i64,
    /// more metres of road
    pub metres: i64,
    /// more minutes of overtime
    pub overtime: i64,
    /// limits that the truck would exceed, in words
    pub exceeded: Vec<String>,
}

impl MoveCost {
    /// `운전 +18분, +12 km, 연장 +20분`, with what the truck would exceed.
    pub fn sentence(&self) -> String {
        let minutes = |minutes: i64| {
            let sign = if minutes < 0 { "-" } else { "+" };
            format!("{sign}{}", duration_label(minutes.abs()))
        };
        let km = (self.metres + self.metres.signum() * METRES_PER_KM / 2) / METRES_PER_KM;
        let mut parts = vec![format!("운전 {}", minutes(self.driving)), format!("{km:+} km")];
        if self.overtime != 0 {
            parts.push(format!("연장 {}", minutes(self.overtime)));
        }
        let cost = parts.join(", ");
        if self.exceeded.is_empty() {
            cost
        } else {
            format!("{cost}. 이대로는 맞지 않아요: {}", self.exceeded.join(", "))
        }
    }
}

/// What [`move_to`] would cost, without doing it.
///
/// # Errors
/// Why it would be refused.
pub fn cost_of_move(
    board: Board,
    (to, at): (ColumnKey, Option<usize>),
    keys: &[WorkId],
) -> std::result::Result<MoveCost, Refusal> {
    let seen = board.columns.iter().map(|column| (column.key(), column.version())).collect();
    let mut draft = BoardEdit::new(board);
    let mut columns: Vec<ColumnKey> = keys.iter().filter_map(|key| Some(draft.position(*key)?.0)).chain([to]).collect();
    columns.sort_unstable();
    columns.dedup();
    let sum = |draft: &BoardEdit| {
        let schedules = columns.iter().filter_map(|key| Some(draft.schedule(*key)?.1));
        schedules.fold(MoveCost::default(), |sum, schedule| MoveCost {
            driving: sum.driving + schedule.driving,
            metres: sum.metres + schedule.metres,
            overtime: sum.overtime + schedule.overtime,
            exceeded: Vec::new(),
        })
    };
    let before = sum(&draft);
    let moved = rearrange(&mut draft, &seen, (to, at), keys)?;
    let after = sum(&draft);
    Ok(MoveCost {
        driving: after.driving - before.driving,
        metres: after.metres - before.metres,
        overtime: after.overtime - before.overtime,
        exceeded: draft.exceeded(to, &moved.known),
    })
}

/// Moves stops within their column, and pins them there.
fn reorder(
    draft: &mut BoardEdit,
    seen: &SeenVersions,
    (to, at): (ColumnKey, usize),
    keys: &[WorkId],
) -> std::result::Result<Vec<String>, Refusal> {
    draft.touch(to, seen, false)?;
    let moved: Vec<usize> = keys.iter().filter_map(|key| Some(draft.position(*key)?.1)).collect();
    let stops = draft.lists.remove(&to).unwrap_or_default();
    let order = |stops: &[BoardStop]| stops.iter().map(|stop| stop.item.work.key).collect::<Vec<WorkId>>();
    let before = order(&stops);
    let mut stops = reordered(stops, &moved, at);
    if order(&stops) == before {
        let column = draft.column(to).map(column_name).unwrap_or_default();
        return Err(Refusal::AlreadyThere { column });
    }
    let mut bundles = Vec::new();
    for stop in stops.iter_mut().filter(|stop| keys.contains(&stop.item.work.key)) {
        stop.stop.hold = Hold::Place;
        bundles.push(stop.item.work.bundle_number.clone());
    }
    draft.lists.insert(to, stops);
    Ok(bundles)
}

/// Takes deliveries from other columns and the pool into a column, and holds them there.
fn place(
    draft: &mut BoardEdit,
    seen: &SeenVersions,
    (to, at): (ColumnKey, Option<usize>),
    keys: &[WorkId],
) -> std::result::Result<Vec<String>, Refusal> {
    draft.touch(to, seen, false)?;
    // Stops that leave the column shift the position.
    let before = |key: &&WorkId| draft.position(**key).is_some_and(|(column, from)| column == to && Some(from) < at);
    let shift = keys.iter().filter(before).count();
    let at = at.map(|at| at.saturating_sub(shift));
    let taken = draft.take(keys, seen)?;
    let mut stops = draft.lists.remove(&to).unwrap_or_default();
    let mut bundles = Vec::new();
    for (offset, mut stop) in taken.into_iter().enumerate() {
        stop.stop.hold = Hold::Truck;
        bundles.push(stop.item.work.bundle_number.clone());
        let place = match (at, draft.column(to)) {
            (None, Some(column)) => cheapest_place(column, &draft.board.roads, &stops, &stop),
            (at, _) => at.map_or(stops.len(), |at| at + offset),
        };
        stops.insert(place.min(stops.len()), stop);
    }
    draft.lists.insert(to, stops);
    Ok(bundles)
}

/// Moves a stop up or down by one place.
pub fn move_by_one(
    tx: &mut dyn Tx,
    districts: &Districts,
    context: &EditContext,
    work_key: WorkId,
    is_down: bool,
) -> MoveResult {
    let draft = BoardEdit::load(tx, districts, context)?;
    let Some((key, at)) = draft.position(work_key) else { return Ok(Err(Refusal::Nothing)) };
    let last = draft.lists.get(&key).map_or(0, |stops| stops.len().saturating_sub(1));
    let to = match (is_down, at) {
        (false, 0) => return Ok(Err(Refusal::Nothing)),
        (true, at) if at == last => return Ok(Err(Refusal::Nothing)),
        (false, at) => at - 1,
        (true, at) => at + 2,
    };
    move_in(tx, context, draft, (key, Some(to)), &[work_key])
}

/// Takes deliveries out of their tours (미배차).
pub fn unassign(tx: &mut dyn Tx, districts: &Districts, context: &EditContext, ids: &[WorkId]) -> MoveResult {
    let mut draft = BoardEdit::load(tx, districts, context)?;
    let mut former = draft.positions_of(ids);
    former.retain(|place| place.column.is_some());
    let planned: Vec<WorkId> = former.iter().map(|place| place.key).collect();
    let taken = match draft.take(&planned, &context.seen) {
        Ok(taken) => taken,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let tours = draft.save(tx, context)?;
    let bundles = taken.into_iter().map(|stop| stop.item.work.bundle_number).collect();
    let event = AuditEvent::StopsMoved { day: context.day.to_string(), truck: None, bundles };
    Ok(record(tx, context, &tours, event)?.map(|event| MoveOutcome { event, exceeded: Vec::new(), former }))
}

/// Undoes a move: deliveries go back to where they were, with what a new plan had to leave of them.
pub fn put_back(
    tx: &mut dyn Tx,
    districts: &Districts,
    context: &EditContext,
    former: &[FormerPosition],
) -> EditResult {
    let mut draft = BoardEdit::load(tx, districts, context)?;
    let keys: Vec<WorkId> = former.iter().map(|place| place.key).collect();
    let mut taken: HashMap<WorkId, BoardStop> = match draft.take(&keys, &context.seen) {
        Ok(taken) => taken.into_iter().map(|stop| (stop.item.work.key, stop)).collect(),
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut places = former.to_vec();
    // The first of a column comes first, so that the positions of the others are right.
    places.sort_by_key(|place| place.at);
    let mut bundles = Vec::new();
    for FormerPosition { key, column, at, hold } in places {
        let Some(mut stop) = taken.remove(&key) else { continue };
        bundles.push(stop.item.work.bundle_number.clone());
        let Some(column) = column else { continue };
        if let Err(refusal) = draft.touch(column, &context.seen, false) {
            return Ok(Err(refusal));
        }
        stop.stop.hold = hold;
        let stops = draft.lists.entry(column).or_default();
        stops.insert(at.min(stops.len()), stop);
    }
    let truck = former.iter().find_map(|place| draft.column(place.column?)).map(column_name);
    let tours = draft.save(tx, context)?;
    let event = AuditEvent::StopsMoved { day: context.day.to_string(), truck, bundles: bundles.into_iter().collect() };
    record(tx, context, &tours, event)
}
