//! Which days can be promised to a customer (배송일 약속).
//!
//! A day is offered where the district is served, a truck with enough people drives, and the delivery fits between the
//! stops of that day: room, pieces, no overtime, at most [`MAX_DETOUR_MINUTES`] more driving. Deliveries that are due on
//! the day and have no truck yet are assigned first, so that no room is promised twice.

pub mod date_request;
pub mod dates;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::schedule::{PlannedStop, SECONDS_PER_MINUTE, schedule};
use crate::id::TourId;
use crate::routing::travel::{Place, Roads, Trips};
use crate::text::coded;
use crate::time::duration_label;
use crate::trucks::model::{Round, Truck, clock_label};
use crate::trucks::service_area::NotServed;

/// Days that are offered at once.
pub const MAX_OFFERS: usize = 3;

/// How far ahead days are looked for.
pub const HORIZON_DAYS: u64 = 45;

/// More driving that a further stop may cost a truck that drives anyway, in minutes. The first stop of a truck may cost
/// what the shift allows: otherwise a district far from the depot would never get its first delivery of a day.
const MAX_DETOUR_MINUTES: i64 = 45;

/// A round of a truck on a day.
#[derive(Clone, Debug)]
pub struct DayRound {
    /// the truck
    pub truck: Truck,
    /// the round
    pub round: Round,
    /// its stored tour
    pub tour_id: Option<TourId>,
    /// where the truck starts and ends
    pub depot: Option<Place>,
    /// its planned stops, in order
    pub stops: Vec<PlannedStop>,
    /// whether the truck does not drive on that day
    pub is_off: bool,
    /// whether its tour is fixed, and takes no further stop
    pub is_fixed: bool,
}

/// What is known of a day before a delivery is promised for it.
#[derive(Clone, Debug)]
pub struct DayPlan {
    /// the day
    pub day: NaiveDate,
    /// holiday or day off of the whole shop
    pub shop_day_off: Option<String>,
    /// why the place is not served on that day
    pub not_served: Option<NotServed>,
    /// the roads of the shop
    pub roads: Roads,
    /// rounds of the trucks
    pub rounds: Vec<DayRound>,
    /// deliveries of the day that no truck has so far
    pub unplanned: Vec<PlannedStop>,
}

/// A day that can be promised, with its basis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateOffer {
    /// the day
    pub day: NaiveDate,
    /// truck that would take it; the plan of the day may choose another
    pub truck: String,
    /// stops of that truck with this one
    pub stops: usize,
    /// more minutes of driving
    pub detour_minutes: i64,
    /// minute of the day at which the truck would arrive
    pub arrives_at: i64,
    /// what is left of the day with this stop
    pub room: RoomLeft,
}

impl DateOffer {
    /// `1호차 6곳 중 하나, 10:20쯤. 12분 더 운전해요.`
    pub fn reason(&self) -> String {
        let (arrives, driving) = (clock_label(self.arrives_at), duration_label(self.detour_minutes));
        match self.stops {
            1 => format!("{} 첫 배송, {arrives}쯤. 다녀오는 데 {driving} 운전해요.", self.truck),
            stops => format!("{} {stops}곳 중 하나, {arrives}쯤. {driving} 더 운전해요.", self.truck),
        }
    }
}

/// What is left of a truck's day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomLeft {
    /// minutes until overtime
    pub minutes: i64,
    /// hundredths of a cubic metre
    pub volume: i64,
    /// pieces
    pub pieces: i64,
}

/// What a promise was made from, as it is stored with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromiseBasis {
    /// the day, its truck and the room left
    #[serde(flatten)]
    pub offer: DateOffer,
    /// first day on which the goods are ready
    pub ready: NaiveDate,
    /// working days that the factory takes
    pub lead_days: i64,
    /// weekdays of the district in words; none: every working day
    pub district_days: Option<String>,
}

/// Why a day cannot be promised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DateRefusal {
    /// before the goods are ready
    TooEarly {
        /// first day on which they are
        ready: NaiveDate,
    },
    /// later than days are looked for
    TooFar {
        /// the last day that is
        last: NaiveDate,
    },
    /// holiday or day off of the shop
    DayOff(String),
    /// the district has other weekdays, or it is reached by ship only
    NotServed(NotServed),
    /// no truck drives on that day
    NoTruck,
    /// all tours of the day are fixed
    Fixed,
    /// every truck that drives has too few people
    Crew {
        /// people needed
        needed: i64,
    },
    /// the trucks have no room or time left
    Full,
    /// it is too far from the other stops
    Detour {
        /// minutes of further driving at least
        minutes: i64,
    },
}

impl DateRefusal {
    /// Korean sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::TooEarly { ready } => format!("{}에 물건이 준비돼요", short_date(*ready)),
            Self::TooFar { last } => format!("{}까지의 날만 자리를 알 수 있어요", short_date(*last)),
            Self::DayOff(name) => format!("휴무예요: {name}"),
            Self::NotServed(refusal) => refusal.sentence(),
            Self::NoTruck => "그날 다니는 차가 없어요".to_owned(),
            Self::Fixed => "그날 배차를 모두 확정했어요".to_owned(),
            Self::Crew { needed } => format!("{needed}명이 타는 차가 없어요"),
            Self::Full => "차에 자리나 시간이 남지 않아요".to_owned(),
            Self::Detour { minutes } => {
                format!("다른 배송지에서 멀어요: {} 더 운전해야 해요", duration_label(*minutes))
            }
        }
    }
}

/// `12월 3일`
fn short_date(day: NaiveDate) -> String {
    use chrono::Datelike;
    format!("{}월 {}일", day.month(), day.day())
}

/// Where a stop fits best.
struct Insertion {
    round: usize,
    position: usize,
    detour_seconds: i64,
}

/// Why nothing can be promised for the day, whatever its stops are: it is refused before its room is looked at.
fn closed(plan: &DayPlan, new: &PlannedStop) -> Option<DateRefusal> {
    if let Some(name) = &plan.shop_day_off {
        return Some(DateRefusal::DayOff(name.clone()));
    }
    if let Some(refusal) = &plan.not_served {
        return Some(DateRefusal::NotServed(refusal.clone()));
    }
    let mut driving = plan.rounds.iter().filter(|round| !round.is_off).peekable();
    if driving.peek().is_none() {
        return Some(DateRefusal::NoTruck);
    }
    let mut open = driving.filter(|round| !round.is_fixed).peekable();
    if open.peek().is_none() {
        return Some(DateRefusal::Fixed);
    }
    open.all(|round| round.truck.crew < new.effort.crew).then_some(DateRefusal::Crew { needed: new.effort.crew })
}

/// Whether the delivery can be promised for the day.
///
/// # Errors
/// Why it cannot.
pub fn check_day(mut plan: DayPlan, new: &PlannedStop) -> Result<DateOffer, DateRefusal> {
    if let Some(refusal) = closed(&plan, new) {
        return Err(refusal);
    }
    plan.rounds.retain(|round| !round.is_off && !round.is_fixed);
    for stop in std::mem::take(&mut plan.unplanned) {
        let Some(best) = insertions(&plan.rounds, &plan.roads, &stop).into_iter().next() else {
            // Not even what is due already fits: nothing more is sold for this day.
            return Err(DateRefusal::Full);
        };
        plan.rounds[best.round].stops.insert(best.position, stop);
    }
    let mut nearest: Option<i64> = None;
    for candidate in insertions(&plan.rounds, &plan.roads, new) {
        let DayRound { truck, round, depot, stops, .. } = &plan.rounds[candidate.round];
        let detour_minutes = (candidate.detour_seconds + SECONDS_PER_MINUTE - 1) / SECONDS_PER_MINUTE;
        if !stops.is_empty() && detour_minutes > MAX_DETOUR_MINUTES {
            nearest = Some(nearest.map_or(detour_minutes, |least| least.min(detour_minutes)));
            continue;
        }
        let mut stops = stops.clone();
        stops.insert(candidate.position, *new);
        let tour = schedule(round, Trips { roads: &plan.roads, depot: *depot }, &stops);
        if tour.overtime == 0 && tour.excesses(truck, round).is_empty() {
            let arrives_at = tour.visits[candidate.position].arrives_at;
            return Ok(DateOffer {
                day: plan.day,
                truck: truck.name.clone(),
                stops: stops.len(),
                detour_minutes,
                arrives_at,
                room: RoomLeft {
                    minutes: round.shift_minutes - tour.duration,
                    volume: truck.volume - tour.volume,
                    pieces: truck.pieces - tour.pieces,
                },
            });
        }
    }
    Err(nearest.map_or(DateRefusal::Full, |minutes| DateRefusal::Detour { minutes }))
}

/// The positions at which a stop fits into room, pieces and hours of a round, the shortest detour first.
fn insertions(rounds: &[DayRound], roads: &Roads, stop: &PlannedStop) -> Vec<Insertion> {
    let mut found = Vec::new();
    for (index, round) in rounds.iter().enumerate() {
        let sum = |part: fn(&PlannedStop) -> i64| round.stops.iter().map(part).sum::<i64>() + part(stop);
        if round.truck.crew < stop.effort.crew
            || sum(|stop| stop.effort.volume) > round.truck.volume
            || sum(|stop| stop.effort.pieces) > round.truck.pieces
        {
            continue;
        }
        let trips = Trips { roads, depot: round.depot };
        let seconds = |from: Option<Place>, to: Option<Place>| trips.drive(from, to).seconds;
        let places: Vec<Option<Place>> =
            std::iter::once(None).chain(round.stops.iter().map(|stop| stop.place)).chain([None]).collect();
        let driving: i64 = places.windows(2).map(|leg| seconds(leg[0], leg[1])).sum();
        let work = sum(|stop| stop.effort.minutes) * SECONDS_PER_MINUTE;
        let limit = (round.round.shift_minutes + round.round.overtime_minutes) * SECONDS_PER_MINUTE;
        for (position, leg) in places.windows(2).enumerate() {
            let detour_seconds = seconds(leg[0], stop.place) + seconds(stop.place, leg[1]) - seconds(leg[0], leg[1]);
            if driving + detour_seconds + work <= limit {
                found.push(Insertion { round: index, position, detour_seconds });
            }
        }
    }
    found.sort_by_key(|insertion| (insertion.detour_seconds, insertion.round, insertion.position));
    found
}

coded! {
    /// How a promise was made.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum PromiseChannel {
        /// 전화
        Phone = "phone" "전화",
        /// 매장
        Counter = "counter" "매장",
        /// 문자, 채팅
        Message = "message" "문자·채팅",
    }
}

/// What is known of a promised delivery now.
#[derive(Clone, Debug, Default)]
pub struct PromiseFacts {
    /// 희망배송일 of the delivery
    pub preferred_date: Option<NaiveDate>,
    /// day to which its job was moved by hand
    pub moved_to: Option<NaiveDate>,
    /// day of the tour that has it
    pub planned: Option<NaiveDate>,
    /// holiday or day off of the whole shop on the promised day
    pub shop_day_off: Option<String>,
    /// why the place is not served on the promised day
    pub not_served: Option<NotServed>,
    /// whether a truck drives on the promised day
    pub has_truck: bool,
}

/// Why a customer has to be called about a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromiseProblem {
    /// the day has passed, and the goods are not delivered
    Missed,
    /// it is planned for another day
    PlannedFor(NaiveDate),
    /// a member set another day
    MovedTo(NaiveDate),
    /// 희망배송일 was cleared
    DateCleared,
    /// the day became a holiday or day off
    DayOff(String),
    /// the weekdays of the district changed
    NotServed(NotServed),
    /// no truck drives any more
    NoTruck,
    /// the day is near, and no truck has it
    NotPlanned,
}

impl PromiseProblem {
    /// Korean sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::Missed => "약속한 날이 지났어요".to_owned(),
            Self::PlannedFor(day) => format!("{} 배차에 들어 있어요", short_date(*day)),
            Self::MovedTo(day) => format!("배송하는 날이 {}로 바뀌었어요", short_date(*day)),
            Self::DateCleared => "희망배송일이 지워졌어요".to_owned(),
            Self::DayOff(name) => format!("휴무가 됐어요: {name}"),
            Self::NotServed(refusal) => refusal.sentence(),
            Self::NoTruck => "그날 다니는 차가 없어요".to_owned(),
            Self::NotPlanned => "아직 배차하지 않았어요".to_owned(),
        }
    }

    /// Whether the customer has to be told: all but a plan that is still to be made.
    pub const fn needs_call(&self) -> bool {
        !matches!(self, Self::NotPlanned)
    }
}

/// What endangers the promise of `day`.
pub fn promise_problem(day: NaiveDate, today: NaiveDate, facts: PromiseFacts) -> Option<PromiseProblem> {
    let other = |date: Option<NaiveDate>| date.filter(|date| *date != day);
    if day < today {
        return Some(PromiseProblem::Missed);
    }
    if let Some(planned) = other(facts.planned) {
        return Some(PromiseProblem::PlannedFor(planned));
    }
    if let Some(moved) = other(facts.moved_to.or(facts.preferred_date)) {
        return Some(PromiseProblem::MovedTo(moved));
    }
    if facts.planned.is_some() {
        return None;
    }
    if facts.moved_to.or(facts.preferred_date).is_none() {
        return Some(PromiseProblem::DateCleared);
    }
    if let Some(name) = facts.shop_day_off {
        return Some(PromiseProblem::DayOff(name));
    }
    if let Some(refusal) = facts.not_served {
        return Some(PromiseProblem::NotServed(refusal));
    }
    if !facts.has_truck {
        return Some(PromiseProblem::NoTruck);
    }
    (Some(day) <= today.succ_opt()).then_some(PromiseProblem::NotPlanned)
}

#[cfg(test)]
mod tests;
