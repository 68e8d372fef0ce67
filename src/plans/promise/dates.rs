//! The days that can be promised for a delivery, from what the shop has planned, and the promise itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};

use super::date_request::DateRequest;
use super::{
    DateOffer, DateRefusal, DayPlan, DayRound, HORIZON_DAYS, MAX_OFFERS, PromiseBasis, PromiseChannel, PromiseFacts,
    PromiseProblem, check_day, closed, promise_problem,
};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor, PromisedDay};
use crate::districts::{DistrictCache, Districts};
use crate::id::{DeliveryId, OrderId, TourId, WorkId};
use crate::orders::bulk_set::{self, BulkValue};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::OrderState;
use crate::orders::store as orders;
use crate::plans::board::rounds;
use crate::plans::model::{Job, Tour, TourState};
use crate::plans::schedule::PlannedStop;
use crate::plans::store::due::MAX_DUE;
use crate::plans::store::promises::{self, Promise};
use crate::plans::store::works::{works, works_of_jobs};
use crate::plans::store::{self, PlannedJob, tasks};
use crate::plans::work::DeliveryWork;
use crate::routing::points::PostalPoints;
use crate::routing::travel::{Place, Roads};
use crate::storage::{Result, StorageError, Tx};
use crate::trucks::calendar::WorkingCalendar;
use crate::trucks::handling::HandlingTable;
use crate::trucks::model::Truck;
use crate::trucks::service_area::ServiceArea;
use crate::trucks::store as trucks;

/// The days that can be promised, and those between them that cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// the wished day, judged
    pub wished: Option<(NaiveDate, std::result::Result<DateOffer, DateRefusal>)>,
    /// at most [`MAX_OFFERS`] other days, the nearest to the wished one first; without a wish the earliest first
    pub offers: Vec<DateOffer>,
    /// days that are nearer than the last offer and not offered, in their order
    pub refused: Vec<(NaiveDate, DateRefusal)>,
}

/// Why no day can be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoDates {
    /// the depot has no postal code
    Depot,
    /// the postal code has no point
    Point,
}

/// The wished day, and the days around it that can be promised; without a wish the next days.
pub fn find(
    tx: &mut dyn Tx,
    districts: &Districts,
    request: &DateRequest,
    today: NaiveDate,
    wish: Option<NaiveDate>,
) -> Result<std::result::Result<Dates, NoDates>> {
    let loader = match DayLoader::load(tx, districts, request)? {
        Ok(loader) => loader,
        Err(reason) => return Ok(Err(reason)),
    };
    let first = request.ready.max(today + Days::new(1));
    let last = first + Days::new(HORIZON_DAYS - 1);
    let judged = wish.map(|day| (day, outside(request, today, day)));
    let open_wish = judged.as_ref().filter(|(_, refusal)| refusal.is_none()).map(|(day, _)| *day);
    let mut wished = judged.and_then(|(day, refusal)| Some((day, Err(refusal?))));
    // The days nearest to the wished one come first, itself before all.
    let centre = wish.unwrap_or(first).clamp(first, last);
    let (from, to) = open_wish.map_or((first, last), |day| (first.min(day), last.max(day)));
    let mut plans = loader.outline(tx, from, to)?;
    plans.retain(|plan| Some(plan.day) == open_wish || Some(plan.day) != wish && (first..=last).contains(&plan.day));
    plans.sort_by_key(|plan| (Some(plan.day) != open_wish, (plan.day - centre).num_days().abs(), plan.day));
    let (mut offers, mut refused) = (Vec::new(), Vec::new());
    let mut waiting = plans.into_iter().peekable();
    // As many open days at once as may be offered, and the wished one. Where those are full, the next ones probably are:
    // twice as many each time, because each time costs ten statements.
    let mut at_once = MAX_OFFERS + usize::from(open_wish.is_some());
    while offers.len() < MAX_OFFERS && waiting.peek().is_some() {
        let (mut some, mut open) = (Vec::new(), 0);
        while open < at_once
            && let Some(plan) = waiting.next()
        {
            open += usize::from(closed(&plan, &loader.stop).is_none());
            some.push(plan);
        }
        loader.fill(tx, &mut some)?;
        at_once *= 2;
        for plan in some {
            let day = plan.day;
            match check_day(plan, &loader.stop) {
                answer if Some(day) == open_wish => wished = Some((day, answer)),
                Ok(offer) if offers.len() < MAX_OFFERS => offers.push(offer),
                Err(refusal) if offers.len() < MAX_OFFERS => refused.push((day, refusal)),
                Ok(_) | Err(_) => {}
            }
        }
    }
    refused.sort_by_key(|(day, _)| *day);
    Ok(Ok(Dates { wished, offers, refused }))
}

/// Why a day is none of those whose room is known.
fn outside(request: &DateRequest, today: NaiveDate, day: NaiveDate) -> Option<DateRefusal> {
    if day < request.ready {
        return Some(DateRefusal::TooEarly { ready: request.ready });
    }
    let last = request.ready.max(today) + Days::new(HORIZON_DAYS);
    (day > last).then_some(DateRefusal::TooFar { last })
}

/// Whether one day can be promised.
pub fn check(
    tx: &mut dyn Tx,
    districts: &Districts,
    request: &DateRequest,
    day: NaiveDate,
) -> Result<std::result::Result<std::result::Result<DateOffer, DateRefusal>, NoDates>> {
    if let Some(refusal) = outside(request, tx.now().date(), day) {
        return Ok(Ok(Err(refusal)));
    }
    Ok(match DayLoader::load(tx, districts, request)? {
        Err(reason) => Err(reason),
        Ok(loader) => Ok(loader.judge(tx, day)?),
    })
}

/// Loads the days of a request.
struct DayLoader<'d> {
    districts: &'d Districts,
    points: PostalPoints<'d>,
    request: DateRequest,
    stop: PlannedStop,
    handling: HandlingTable,
    area: ServiceArea,
    trucks: Vec<Truck>,
    roads: Roads,
    /// postal code of the depot of the shop
    depot_zip: String,
}

impl<'d> DayLoader<'d> {
    fn load(
        tx: &mut dyn Tx,
        districts: &'d Districts,
        request: &DateRequest,
    ) -> Result<std::result::Result<Self, NoDates>> {
        let settings = trucks::settings(tx)?;
        let points = PostalPoints::new(districts);
        if points.place(&settings.depot_zip).is_none() {
            return Ok(Err(NoDates::Depot));
        }
        let Some((place, _)) = points.place(&request.zip_code) else { return Ok(Err(NoDates::Point)) };
        Ok(Ok(Self {
            districts,
            points,
            stop: PlannedStop { place: Some(place), effort: request.effort, window: request.window },
            request: request.clone(),
            handling: trucks::handling_table(tx, settings.default_handling)?,
            area: trucks::service_area(tx, &settings)?,
            trucks: trucks::all(tx)?,
            roads: trucks::roads(tx)?,
            depot_zip: settings.depot_zip,
        }))
    }

    /// Whether a day whose room is known can be promised.
    fn judge(&self, tx: &mut dyn Tx, day: NaiveDate) -> Result<std::result::Result<DateOffer, DateRefusal>> {
        let mut plans = self.outline(tx, day, day)?;
        self.fill(tx, &mut plans)?;
        Ok(plans.pop().map_or(Err(DateRefusal::NoTruck), |plan| check_day(plan, &self.stop)))
    }

    /// The days of a range without their stops: enough to see which of them take no further stop at all.
    fn outline(&self, tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<DayPlan>> {
        let calendar = WorkingCalendar::new(trucks::special_days(tx, from, to)?);
        let tours = promises::tours_between(tx, from, to)?;
        let enabled: Vec<_> = self.trucks.iter().filter(|truck| truck.enabled).collect();
        let depots: Vec<Option<Place>> = enabled
            .iter()
            .map(|truck| self.points.place(truck.depot_zip(&self.depot_zip)).map(|(place, _)| place))
            .collect();
        let days = from.iter_days().take_while(|day| *day <= to).map(|day| {
            let of_day: Vec<Tour> = tours.iter().filter(|(of, _)| *of == day).map(|(_, tour)| tour.clone()).collect();
            let mut day_rounds = Vec::new();
            for (truck, depot) in enabled.iter().zip(&depots) {
                let is_off = calendar.day_off(truck, day).is_some();
                for round in rounds(truck, &of_day) {
                    let is_of = |tour: &&Tour| tour.column.truck_id == truck.id && tour.column.round == round.number;
                    let tour = of_day.iter().find(is_of);
                    day_rounds.push(DayRound {
                        truck: (*truck).clone(),
                        round,
                        tour_id: tour.map(|tour| tour.id),
                        depot: *depot,
                        stops: Vec::new(),
                        is_off,
                        is_fixed: tour.is_some_and(|tour| tour.state != TourState::Draft),
                    });
                }
            }
            DayPlan {
                day,
                shop_day_off: calendar.shop_day_off(day).map(str::to_owned),
                not_served: self.area.refusal(self.districts, &self.request.zip_code, self.request.sigungu_code, day),
                roads: self.roads.clone(),
                rounds: day_rounds,
                unplanned: Vec::new(),
            }
        });
        Ok(days.collect())
    }

    /// Loads the stops of those of these days that are open, without the delivery of the request.
    fn fill(&self, tx: &mut dyn Tx, plans: &mut [DayPlan]) -> Result<()> {
        let mut open: Vec<&mut DayPlan> = plans.iter_mut().filter(|plan| closed(plan, &self.stop).is_none()).collect();
        let days: BTreeSet<NaiveDate> = open.iter().map(|plan| plan.day).collect();
        let (Some(from), Some(to)) = (days.first(), days.last()) else { return Ok(()) };
        let is_loaded = |round: &&DayRound| !round.is_off && !round.is_fixed;
        let rounds = open.iter().flat_map(|plan| &plan.rounds).filter(is_loaded);
        let tour_ids: Vec<TourId> = rounds.filter_map(|round| round.tour_id).collect();
        let stops = store::stops_of(tx, &tour_ids)?;
        let mut due = Self::due(tx, *from, *to)?;
        due.retain(|_, (day, _)| days.contains(day));
        let planned = stops.values().flatten().map(|stop| (stop.job.key(), Some(stop.job.clone())));
        let jobs: HashMap<WorkId, Option<Job>> =
            due.iter().map(|(id, (_, job))| (*id, job.clone())).chain(planned).collect();
        let is_task = |job: &Option<Job>| job.as_ref().is_some_and(|job| job.task.is_some());
        let mut ids: Vec<DeliveryId> =
            jobs.iter().filter(|(_, job)| !is_task(job)).map(|(work, _)| work.as_delivery()).collect();
        ids.sort_unstable();
        let others = jobs.values().flatten().filter(|job| job.task.is_some());
        let planned_stops: HashMap<WorkId, PlannedStop> = works_of_jobs(tx, &ids, others, &self.handling)?
            .into_values()
            // What is over or cancelled takes no room, and what an open cancellation keeps is not planned.
            .filter(|work| work.is_open() && !work.is_held())
            .map(|work| {
                let job = jobs.get(&work.key).and_then(Option::as_ref);
                let stop = PlannedStop {
                    place: self.points.place(&work.recipient.zip_code).map(|(place, _)| place),
                    effort: work.effort(job),
                    window: job.and_then(|job| job.window),
                };
                (work.key, stop)
            })
            .collect();
        let is_other = |id: &WorkId| Some(*id) != self.request.delivery_id.map(WorkId::from);
        let stops_of = |ids: &mut dyn Iterator<Item = WorkId>| -> Vec<PlannedStop> {
            ids.filter(is_other).filter_map(|id| planned_stops.get(&id).copied()).collect()
        };
        for plan in &mut open {
            for round in &mut plan.rounds {
                let ids = round.tour_id.and_then(|tour| stops.get(&tour)).into_iter().flatten();
                round.stops = stops_of(&mut ids.map(|stop| stop.job.key()));
            }
            let day = plan.day;
            plan.unplanned = stops_of(&mut due.iter().filter(|(_, (of, _))| *of == day).map(|(id, _)| *id));
        }
        Ok(())
    }

    /// Deliveries and other jobs that are due on a day of the range and have no truck, with that day and their job.
    fn due(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<BTreeMap<WorkId, (NaiveDate, Option<Job>)>> {
        let dated: HashMap<DeliveryId, NaiveDate> = promises::dated_between(tx, from, to)?.into_iter().collect();
        let moved = promises::moved_between(tx, from, to)?;
        let ids: HashSet<DeliveryId> = dated.keys().copied().chain(moved).collect();
        let mut ids: Vec<DeliveryId> = ids.into_iter().collect();
        ids.sort_unstable();
        let mut jobs = store::jobs_of(tx, &ids)?;
        let due = ids.into_iter().filter_map(|id| {
            let Some(PlannedJob { job, planned }) = jobs.remove(&id) else {
                return Some((id.into(), (*dated.get(&id)?, None)));
            };
            let day = job.day.or_else(|| dated.get(&id).copied())?;
            (planned.is_none() && (from..=to).contains(&day)).then_some((id.into(), (day, Some(job))))
        });
        let mut due: BTreeMap<WorkId, (NaiveDate, Option<Job>)> = due.collect();
        let open = tasks::open_on_days(tx, (from, to), MAX_DUE)?;
        for PlannedJob { job, planned } in tasks::by_ids(tx, &open)? {
            if let Some(day) = job.day.filter(|_| planned.is_none()) {
                due.insert(job.key(), (day, Some(job)));
            }
        }
        Ok(due)
    }
}

/// Days ahead at most, even in spite of a refusal: a customer who moves in next season, and no mistyped year.
pub const MAX_DAYS_AHEAD: u64 = 366;

/// A promise to be made.
#[derive(Clone, Debug)]
pub struct NewPromise {
    /// the delivery
    pub delivery_id: DeliveryId,
    /// the day
    pub day: NaiveDate,
    /// how it is made
    pub channel: PromiseChannel,
    /// whether it is made although the day is refused
    pub is_despite: bool,
}

/// Why a promise is not made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromiseError {
    /// the day is refused; another promise may have taken the room meanwhile
    Refused(DateRefusal),
    /// no day can be judged
    NoDates(NoDates),
    /// nothing of the delivery is under way
    NothingToDeliver,
    /// later than any day is promised, see [`MAX_DAYS_AHEAD`]
    TooFar,
}

impl PromiseError {
    /// Korean sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Refused(refusal) => {
                let reason = refusal.sentence();
                format!("이날은 약속할 수 없어요. {reason}. 다른 날을 선택하거나, 확인하고 그래도 약속해 주세요.")
            }
            Self::NoDates(_) => "차고지나 배송지의 위치를 몰라 약속할 수 없어요.".to_owned(),
            Self::TooFar => "1년 안의 날을 선택해 주세요.".to_owned(),
            Self::NothingToDeliver => "이미 배송했거나 지난 날이에요. 배송의 상태와 날짜를 확인해 주세요.".to_owned(),
        }
    }
}

/// A delivery with its job and the day of the tour that has it.
pub fn find_delivery(tx: &mut dyn Tx, id: DeliveryId) -> Result<Option<(DeliveryWork, Option<PlannedJob>)>> {
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let Some(work) = works(tx, &[id], &handling)?.pop() else { return Ok(None) };
    Ok(Some((work, store::jobs_of(tx, &[id])?.remove(&id))))
}

/// Makes a promise: the day becomes the 희망배송일 of the orders of the delivery. Writes run one after another, so of two
/// clerks who promise one day the second is judged by what the first has promised.
pub fn make(
    tx: &mut dyn Tx,
    actor: MemberActor,
    districts: &DistrictCache,
    promise: &NewPromise,
) -> Result<std::result::Result<AuditEvent, PromiseError>> {
    let NewPromise { delivery_id, day, channel, is_despite } = *promise;
    let (districts, today) = (districts.current(tx)?, tx.now().date());
    let Some((work, stored)) = find_delivery(tx, delivery_id)? else { return Ok(Err(PromiseError::NothingToDeliver)) };
    if !DeliveryState::UNDER_WAY.contains(&work.state) || day < today {
        return Ok(Err(PromiseError::NothingToDeliver));
    }
    if day > today + Days::new(MAX_DAYS_AHEAD) {
        return Ok(Err(PromiseError::TooFar));
    }
    let job = stored.map(|stored| stored.job);
    let request = DateRequest::of_delivery(tx, today, &work, job.as_ref())?;
    let (basis, despite) = match check(tx, &districts, &request, day)? {
        Ok(Ok(offer)) => (basis_of(tx, &districts, &request, offer)?, None),
        Ok(Err(refusal)) if is_despite => {
            let reason = refusal.sentence();
            (serde_json::json!({ "despite": reason }).to_string(), Some(reason))
        }
        Ok(Err(refusal)) => return Ok(Err(PromiseError::Refused(refusal))),
        Err(reason) => return Ok(Err(PromiseError::NoDates(reason))),
    };
    let was = promises::insert(tx, delivery_id, day, channel, &basis, actor.id)?;
    if let Some(job) = job.filter(|job| job.day.is_some_and(|moved_to| moved_to != day)) {
        let moved_back = Job { day: None, ..job };
        if !store::update_job(tx, &moved_back)? {
            return Err(StorageError::Inconsistent(format!("jobs.version of {:?}", moved_back.id)));
        }
    }
    let ids: Vec<OrderId> = work.orders.iter().map(|order| order.id).collect();
    let mut open = orders::find(tx, &ids)?;
    open.retain(|order| order.state < OrderState::Shipped);
    open.sort_by_key(|order| order.id);
    bulk_set::set(tx, actor, &open, &BulkValue::PreferredShippingDate(Some(day)), &[])?;
    let event = AuditEvent::DeliveryPromised(PromisedDay {
        bundle_number: work.bundle_number,
        day: day.to_string(),
        channel: channel.code().to_owned(),
        was: was.map(|was| was.to_string()),
        despite,
    });
    audit::record(tx, actor, AuditObject::one(delivery_id), &event)?;
    Ok(Ok(event))
}

/// What a promise is made from, as JSON: the offer with its room left, the lead time, the weekdays of the district.
fn basis_of(tx: &mut dyn Tx, districts: &Districts, request: &DateRequest, offer: DateOffer) -> Result<String> {
    let settings = trucks::settings(tx)?;
    let area = trucks::service_area(tx, &settings)?;
    let weekdays = request.sigungu_code.and_then(|code| area.weekdays_of(districts, code));
    let basis = PromiseBasis {
        offer,
        ready: request.ready,
        lead_days: request.lead_days,
        district_days: weekdays.map(|(_, weekdays)| weekdays.label()),
    };
    Ok(serde_json::to_string(&basis).unwrap_or_default())
}

/// An open promise, and what endangers it.
#[derive(Clone, Debug)]
pub struct OpenPromise {
    /// the promise
    pub promise: Promise,
    /// the delivery
    pub work: DeliveryWork,
    /// why the customer has to be called, or the day planned
    pub problem: Option<PromiseProblem>,
}

/// The promises that hold, by day.
pub fn open_promises(tx: &mut dyn Tx, districts: &Districts) -> Result<Vec<OpenPromise>> {
    let today = tx.now().date();
    let stored = promises::open(tx)?;
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let area = trucks::service_area(tx, &settings)?;
    let trucks_of_shop = trucks::all(tx)?;
    let last = stored.last().map_or(today, |promise| promise.day);
    let calendar = WorkingCalendar::new(trucks::special_days(tx, today, last)?);
    let ids: Vec<DeliveryId> = stored.iter().map(|promise| promise.delivery_id).collect();
    let mut jobs = store::jobs_of(tx, &ids)?;
    let mut found: HashMap<DeliveryId, DeliveryWork> =
        works(tx, &ids, &handling)?.into_iter().map(|work| (work.delivery_id, work)).collect();
    let open = stored.into_iter().filter_map(|promise| {
        let work = found.remove(&promise.delivery_id)?;
        let known = jobs.remove(&promise.delivery_id);
        let day = promise.day;
        let facts = PromiseFacts {
            preferred_date: work.preferred_date,
            moved_to: known.as_ref().and_then(|known| known.job.day),
            planned: known.as_ref().and_then(|known| known.planned).map(|(day, _)| day),
            shop_day_off: calendar.shop_day_off(day).map(str::to_owned),
            not_served: area.refusal(districts, &work.recipient.zip_code, work.sigungu_code, day),
            has_truck: trucks_of_shop.iter().any(|truck| truck.enabled && calendar.day_off(truck, day).is_none()),
        };
        Some(OpenPromise { problem: promise_problem(day, today, facts), promise, work })
    });
    Ok(open.collect())
}

#[cfg(test)]
mod tests;
