//! The board of a day (배차판): a column for each round of a truck, and the deliveries that are not planned (미배차).

use std::collections::{BTreeMap, HashSet};

use chrono::NaiveDate;

use super::model::{Attempt, ColumnKey, Job, Stop, Tour, TourState};
use super::schedule::{Excess, PlannedStop, Schedule, Visit, schedule};
use super::store::due::{DueDeliveries, due};
use super::store::works::works_of_jobs;
use super::store::{self, tasks};
use super::work::{DeliveryWork, StopEffort, WorkBasis, WorkChange};
use crate::districts::Districts;
use crate::id::{DeliveryId, JobId, OrderId, TourId, WorkId};
use crate::routing::points::{PointAccuracy, PostalPoints};
use crate::routing::travel::{Place, Roads, Trips};
use crate::storage::{Result, Tx};
use crate::trucks::calendar::WorkingCalendar;
use crate::trucks::model::{Round, Truck};
use crate::trucks::service_area::NotServed;
use crate::trucks::store as trucks;

/// A delivery, or another job at its door, with everything that planning needs.
#[derive(Clone, Debug)]
pub struct BoardItem {
    /// the delivery
    pub work: DeliveryWork,
    /// what the dispatcher knows of it
    pub job: Option<Job>,
    /// time and people that it needs
    pub effort: StopEffort,
    /// where it is
    pub place: Option<(Place, PointAccuracy)>,
    /// why it is not served on this day
    pub not_served: Option<NotServed>,
    /// first and last minute that the customer was told for this day
    pub told: Option<(i64, i64)>,
    /// attempts that ended without success, the oldest first
    pub attempts: Vec<Attempt>,
}

impl BoardItem {
    /// First and last minute at which the work may begin: what was promised, else what the customer was told.
    pub fn window(&self) -> Option<(i64, i64)> {
        self.job.as_ref().and_then(|job| job.window).or(self.told)
    }

    /// The stop for the schedule.
    pub fn planned_stop(&self) -> PlannedStop {
        PlannedStop { place: self.place.map(|(place, _)| place), effort: self.effort, window: self.window() }
    }

    /// Codes of the rules that keep it out of the plan of that day.
    pub fn reason_codes(&self, day: NaiveDate) -> Vec<String> {
        if self.work.is_held() {
            return vec!["claim".to_owned()];
        }
        match (&self.not_served, self.place, self.job.as_ref().and_then(|job| job.left_out.as_ref())) {
            (Some(NotServed::Ferry), ..) => vec!["ferry".to_owned()],
            (Some(NotServed::OtherWeekdays { .. }), ..) => vec!["weekday".to_owned()],
            (None, None, _) => vec!["no-point".to_owned()],
            (None, Some(_), Some((of_day, rules))) if *of_day == day => rules.clone(),
            (None, Some(_), _) => Vec::new(),
        }
    }

    /// Whether the route engine may plan it. A delivery with nothing but open cancellations is planned by hand only.
    pub fn is_plannable(&self) -> bool {
        self.place.is_some() && self.not_served.is_none() && !self.work.is_held() && self.work.is_open()
    }
}

/// A stop of a column.
#[derive(Clone, Debug)]
pub struct BoardStop {
    /// the stored stop
    pub stop: Stop,
    /// its delivery
    pub item: BoardItem,
    /// what has changed since it was planned
    pub changes: Vec<WorkChange>,
}

/// A round of a truck on the day.
#[derive(Clone, Debug)]
pub struct Column {
    /// the truck
    pub truck: Truck,
    /// the round
    pub round: Round,
    /// the stored tour; none before it has a stop
    pub tour: Option<Tour>,
    /// why the truck does not drive on the day
    pub day_off: Option<String>,
    /// where the truck starts and ends
    pub depot: Option<Place>,
    /// its stops in order
    pub stops: Vec<BoardStop>,
    /// its times and loads
    pub schedule: Schedule,
}

impl Board {
    /// Sum of the versions of the tours of the day: it changes with every change of its plan.
    pub fn versions(&self) -> i64 {
        self.columns.iter().map(Column::version).sum()
    }
}

impl Column {
    /// Truck and round.
    pub const fn key(&self) -> ColumnKey {
        ColumnKey { truck_id: self.truck.id, round: self.round.number }
    }

    /// Version of the stored tour; 0 without one.
    pub fn version(&self) -> i64 {
        self.tour.as_ref().map_or(0, |tour| tour.version)
    }

    /// Whether the tour is fixed, or a driver has it.
    pub fn is_fixed(&self) -> bool {
        self.tour.as_ref().is_some_and(|tour| tour.state != TourState::Draft)
    }

    /// Whether a driver has it or had it.
    pub fn is_handed_out(&self) -> bool {
        self.tour.as_ref().is_some_and(|tour| tour.state.is_handed_out())
    }

    /// Whether a new plan may change it.
    pub fn is_plannable(&self) -> bool {
        self.day_off.is_none() && !self.is_fixed()
    }

    /// The limits that it exceeds.
    pub fn excesses(&self) -> Vec<Excess> {
        self.schedule.excesses(&self.truck, &self.round)
    }

    /// A stop with its times.
    pub fn visits(&self) -> impl Iterator<Item = (&BoardStop, &Visit)> {
        self.stops.iter().zip(&self.schedule.visits)
    }
}

/// The board of a day.
#[derive(Clone, Debug)]
pub struct Board {
    /// the day
    pub day: NaiveDate,
    /// the depot of the shop; none before it is set
    pub depot: Option<Place>,
    /// the roads of the shop
    pub roads: Roads,
    /// the holiday or day off of the whole shop
    pub shop_day_off: Option<String>,
    /// rounds of trucks
    pub columns: Vec<Column>,
    /// deliveries that are due and not planned (미배차)
    pub pool: Vec<BoardItem>,
    /// undated deliveries of districts that are not served on the day
    pub other_days: usize,
    /// whether more deliveries are due than the board shows
    pub is_truncated: bool,
}

impl Board {
    /// Identifiers of the orders of all deliveries.
    pub fn order_ids(&self) -> impl Iterator<Item = OrderId> {
        let stops = self.columns.iter().flat_map(|column| &column.stops).map(|stop| &stop.item);
        stops.chain(&self.pool).flat_map(|item| item.work.order_ids())
    }
}

/// Loads the board of a day.
pub fn load(tx: &mut dyn Tx, districts: &Districts, day: NaiveDate) -> Result<Board> {
    let due = due(tx, day)?;
    load_with(tx, districts, day, due)
}

/// Loads the columns of a day for its papers and texts, with an empty pool: it may be ten times as long as they are.
pub fn load_without_pool(tx: &mut dyn Tx, districts: &Districts, day: NaiveDate) -> Result<Board> {
    load_with(tx, districts, day, DueDeliveries::default())
}

fn load_with(tx: &mut dyn Tx, districts: &Districts, day: NaiveDate, due: DueDeliveries) -> Result<Board> {
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let area = trucks::service_area(tx, &settings)?;
    let calendar = WorkingCalendar::new(trucks::special_days(tx, day, day)?);
    let points = PostalPoints::new(districts);

    let tours = store::tours_of_day(tx, day)?;
    let tour_ids: Vec<TourId> = tours.iter().map(|tour| tour.id).collect();
    let mut stops = store::stops_of(tx, &tour_ids)?;
    let is_truncated = due.is_truncated;
    let undated: HashSet<DeliveryId> = due.undated.iter().copied().collect();
    let mut seen = HashSet::new();
    let candidates: Vec<DeliveryId> =
        due.moved.into_iter().chain(due.dated).chain(due.undated).filter(|id| seen.insert(*id)).collect();
    let mut jobs = store::jobs_of(tx, &candidates)?;
    let mut tasks: Vec<Job> = tasks::by_ids(tx, &due.tasks)?
        .into_iter()
        .filter(|known| known.planned.is_none())
        .map(|known| known.job)
        .collect();
    let pool_ids: Vec<DeliveryId> = candidates
        .into_iter()
        .filter(|id| {
            jobs.get(id)
                .is_none_or(|known| known.planned.is_none() && known.job.day.is_none_or(|moved_to| moved_to <= day))
        })
        .collect();

    let planned_jobs = || stops.values().flatten().map(|stop| &stop.job);
    let own_ids = planned_jobs().filter(|job| job.task.is_none()).map(|job| job.delivery_id);
    let all_ids: Vec<DeliveryId> = own_ids.chain(pool_ids.iter().copied()).collect();
    let other_jobs = planned_jobs().filter(|job| job.task.is_some()).chain(&tasks);
    let mut found: BTreeMap<WorkId, DeliveryWork> = works_of_jobs(tx, &all_ids, other_jobs.clone(), &handling)?;
    let job_ids: Vec<JobId> =
        planned_jobs().chain(&tasks).chain(jobs.values().map(|known| &known.job)).map(|job| job.id).collect();
    let told = store::told_windows(tx, day, &job_ids)?;
    let mut attempts = store::attempts(tx, &job_ids)?;
    let mut item = |work: DeliveryWork, job: Option<Job>| BoardItem {
        told: job.as_ref().and_then(|job| told.get(&job.id).copied()),
        effort: work.effort(job.as_ref()),
        attempts: job.as_ref().and_then(|job| attempts.remove(&job.id)).unwrap_or_default(),
        place: points.place(&work.recipient.zip_code),
        not_served: area.refusal(districts, &work.recipient.zip_code, work.sigungu_code, day),
        work,
        job,
    };

    let roads = trucks::roads(tx)?;
    let depot_at = |zip: &str| points.place(zip).map(|(place, _)| place);
    let depot = depot_at(&settings.depot_zip);
    let mut columns = Vec::new();
    for truck in trucks::all(tx)? {
        let day_off = calendar.day_off(&truck, day);
        let depot = depot_at(truck.depot_zip(&settings.depot_zip));
        for round in rounds(&truck, &tours) {
            let key = ColumnKey { truck_id: truck.id, round: round.number };
            let tour = tours.iter().find(|tour| tour.column == key).cloned();
            let stored = tour.as_ref().and_then(|tour| stops.remove(&tour.id)).unwrap_or_default();
            if stored.is_empty() && (!truck.enabled || day_off.is_some()) {
                continue;
            }
            let stops: Vec<BoardStop> = stored
                .into_iter()
                .filter_map(|stop| {
                    let work = found.remove(&stop.job.key())?;
                    let changes = work.changes_since(&WorkBasis::from_json(&stop.basis));
                    Some(BoardStop { changes, item: item(work, Some(stop.job.clone())), stop })
                })
                .collect();
            let planned: Vec<PlannedStop> = stops.iter().map(|stop| stop.item.planned_stop()).collect();
            columns.push(Column {
                schedule: schedule(&round, Trips { roads: &roads, depot }, &planned),
                truck: truck.clone(),
                round,
                tour,
                day_off: day_off.clone(),
                depot,
                stops,
            });
        }
    }

    let mut pool = Vec::new();
    let mut other_days = 0;
    let own = pool_ids.into_iter().map(|id| {
        let job = jobs.remove(&id).map(|known| known.job);
        let is_undated = undated.contains(&id) && job.as_ref().is_none_or(|job| job.day.is_none());
        (WorkId::from(id), job, is_undated)
    });
    let others = tasks.drain(..).map(|job| (job.key(), job.day.is_none(), job));
    let others = others.map(|(key, is_undated, job)| (key, Some(job), is_undated));
    for (key, job, is_undated) in own.chain(others) {
        let Some(work) = found.remove(&key).filter(DeliveryWork::is_open) else { continue };
        let item = item(work, job);
        if is_undated && item.not_served.is_some() {
            other_days += 1;
        } else {
            pool.push(item);
        }
    }
    let shop_day_off = calendar.shop_day_off(day).map(str::to_owned);
    Ok(Board { day, depot, roads, shop_day_off, columns, pool, other_days, is_truncated })
}

/// The rounds of a truck, and one that it had when a stored tour was made.
pub(super) fn rounds(truck: &Truck, tours: &[Tour]) -> Vec<Round> {
    let mut rounds = truck.rounds();
    let has_second = tours.iter().any(|tour| tour.column == ColumnKey { truck_id: truck.id, round: 2 });
    if has_second && rounds.len() == 1 {
        rounds.push(Round { number: 2, ..rounds[0] });
    }
    rounds
}
