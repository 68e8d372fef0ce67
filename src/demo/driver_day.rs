//! The tour of today that a driver of the demo shop has, so that a trainee finds stops on the phone.

use chrono::NaiveDate;

use crate::audit::MemberActor;
use crate::districts::Districts;
use crate::drive::hand_out;
use crate::id::{MemberId, TourId, WorkId};
use crate::plans::board::{self, BoardItem, Column};
use crate::plans::edit::{self, EditContext, SeenVersions};
use crate::plans::model::{ColumnKey, TourState};
use crate::plans::store as plans;
use crate::routing::travel::driving_seconds;
use crate::storage::{Result, Tx};

/// Most stops of the tour. A small shop gives it a third of its deliveries, and keeps the others to be planned.
const MAX_STOPS: usize = 6;
const SHARE: usize = 3;

/// Plans the nearest deliveries of the day for the second truck, fixes its tour and hands it out to the driver; the member
/// who plans helps, and so has the stops on a phone too. Nothing is loaded yet.
pub(super) fn hand_out(
    tx: &mut dyn Tx,
    districts: &Districts,
    (actor, day): (MemberActor, NaiveDate),
    driver_id: MemberId,
) -> Result<()> {
    let board = board::load(tx, districts, day)?;
    // The first truck is left for those who plan, the third has one person.
    let Some((key, depot)) =
        board.columns.get(1).map(Column::key).zip(board.columns.get(1).and_then(|column| column.depot))
    else {
        return Ok(());
    };
    let is_due = |item: &&BoardItem| item.is_plannable() && item.work.preferred_date == Some(day);
    let distance = |item: &BoardItem| {
        Some((driving_seconds(depot.point, item.place?.0.point), item.work.key)).filter(|_| item.work.task.is_none())
    };
    let mut near: Vec<(i32, WorkId)> = board.pool.iter().filter(is_due).filter_map(distance).collect();
    near.sort_unstable();
    let count = (near.len() / SHARE).clamp(1, MAX_STOPS);
    let ids: Vec<WorkId> = near.into_iter().map(|(_, id)| id).take(count).collect();
    let mut context = EditContext { actor, day, seen: SeenVersions::default() };
    // Refusals would mean that another dispatcher has changed the plan, or that nothing is due.
    if edit::move_to(tx, districts, &context, (key, None), &ids)?.is_err() {
        return Ok(());
    }
    let Some((_, version)) = tour_of(tx, day, key)? else { return Ok(()) };
    context.seen.insert(key, version);
    if edit::set_state(tx, districts, &context, TourState::Fixed, Some(key))?.is_err() {
        return Ok(());
    }
    if let Some(tour) = tour_of(tx, day, key)? {
        hand_out::hand_out(tx, actor, tour, (Some(driver_id), Some(actor.id)))?.ok();
    }
    Ok(())
}

/// Identifier and version of the tour of a column.
fn tour_of(tx: &mut dyn Tx, day: NaiveDate, key: ColumnKey) -> Result<Option<(TourId, i64)>> {
    let tours = plans::tours_of_day(tx, day)?;
    Ok(tours.into_iter().find(|tour| tour.column == key).map(|tour| (tour.id, tour.version)))
}
