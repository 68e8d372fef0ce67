//! Stops that have changed since their tour was fixed or loaded: somebody has to be told before they are delivered.

use chrono::NaiveDate;

use super::model::TourState;
use super::store::promises::tours_between;
use super::store::stops_of;
use super::store::works::works_of_jobs;
use super::work::{WorkBasis, WorkChange};
use crate::id::{DeliveryId, TourId};
use crate::storage::{Result, Tx};
use crate::trucks::store as trucks;

/// Stops with changes that nobody has acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangedStops {
    /// of fixed tours that no driver has: number, and the first day
    pub fixed: Option<(i64, NaiveDate)>,
    /// of tours that are loaded or on the road
    pub loaded: Option<(i64, NaiveDate)>,
}

/// The changed stops of the fixed, loaded and driving tours of a range of days.
pub fn changed_stops(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<ChangedStops> {
    let mut tours = tours_between(tx, from, to)?;
    tours.retain(|(_, tour)| matches!(tour.state, TourState::Fixed | TourState::Loading | TourState::Out));
    let ids: Vec<TourId> = tours.iter().map(|(_, tour)| tour.id).collect();
    let stops = stops_of(tx, &ids)?;
    if stops.is_empty() {
        return Ok(ChangedStops::default());
    }
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let jobs = || stops.values().flatten().map(|stop| &stop.job);
    let own: Vec<DeliveryId> = jobs().filter(|job| job.task.is_none()).map(|job| job.delivery_id).collect();
    let others = jobs().filter(|job| job.task.is_some()).collect::<Vec<_>>();
    let works = works_of_jobs(tx, &own, others, &handling)?;
    let mut changed = ChangedStops::default();
    for (day, tour) in &tours {
        let of_tour = stops.get(&tour.id).into_iter().flatten().filter(|stop| {
            let work = works.get(&stop.job.key());
            let changes = work.map(|work| work.changes_since(&WorkBasis::from_json(&stop.basis))).unwrap_or_default();
            changes.iter().any(WorkChange::is_alarming)
        });
        let count = i64::try_from(of_tour.count()).unwrap_or(i64::MAX);
        let sum = if tour.state == TourState::Fixed { &mut changed.fixed } else { &mut changed.loaded };
        if count > 0 {
            let (known, first) = sum.unwrap_or((0, *day));
            *sum = Some((known + count, first));
        }
    }
    Ok(changed)
}
