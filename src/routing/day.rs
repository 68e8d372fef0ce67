//! The JSON format of a day, and of the answer to it.
//!
//! A day has a depot, stops and trucks. Times are seconds of the day, loads are `[volume, pieces]`. `matrix` has the
//! driving seconds from place to place, 0 being the depot and `i` the i-th stop; without it they are estimated from the
//! points. Unknown fields are ignored.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::engine::{DrivingTimes, MAX_BEGUN_STOPS, MAX_SECONDS, MAX_STOPS, Plan, Problem, Reason, Stop, Vehicle};
use super::points::PostalPoints;
use super::travel::{Point, driving_seconds};
use crate::districts::Districts;

/// Identifier of a stop or truck, returned as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(untagged)]
pub enum ItemId {
    /// `7`
    Number(i64),
    /// `"B-7"`
    Text(String),
}

impl std::fmt::Display for ItemId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text}"),
        }
    }
}

/// A day, or several, to be planned.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Day {
    /// name, for people
    #[serde(default)]
    pub name: String,
    /// `[latitude, longitude]`
    pub depot: Option<[f64; 2]>,
    /// stops
    pub stops: Vec<DayStop>,
    /// trucks, one entry for each day of a truck
    pub trucks: Vec<DayTruck>,
    /// driving seconds
    pub matrix: Option<Vec<Vec<i32>>>,
}

/// Stop of a day.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct DayStop {
    /// identifier
    pub id: ItemId,
    /// postal code, which locates the stop if it has no point
    #[serde(default)]
    pub zip: String,
    /// latitude
    pub lat: Option<f64>,
    /// longitude
    pub lng: Option<f64>,
    /// seconds at the door
    pub service: i32,
    /// volume, pieces
    pub load: [i32; 2],
    /// people needed
    pub crew: i32,
    /// first and last second at which the service may begin
    pub window: Option<[i32; 2]>,
    /// the only truck that may serve it; if it is none of the day, the stop is left out
    pub truck: Option<ItemId>,
    /// the only days on which it may be served
    pub days: Option<Vec<i64>>,
}

/// Truck of a day.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct DayTruck {
    /// identifier
    pub id: ItemId,
    /// number of the day
    #[serde(default)]
    pub day: i64,
    /// people aboard
    pub crew: i32,
    /// volume and pieces that fit
    pub cap: [i32; 2],
    /// second of the day at which it leaves the depot
    pub start: i32,
    /// seconds until overtime begins
    pub shift: i32,
    /// seconds of overtime at most
    pub overtime: i32,
    /// stops it has been sent to already, in order; they stay first
    #[serde(default)]
    pub begin: Vec<ItemId>,
}

/// Answer to a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// identifiers of the stops of each truck, in the order of the trucks
    pub routes: Vec<Vec<ItemId>>,
    /// stops left out
    pub unserved: Vec<UnservedStop>,
    /// driving seconds + 2 × overtime seconds + 36,000 for each stop left out
    pub cost: i64,
}

/// Stop that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UnservedStop {
    /// identifier
    pub id: ItemId,
    /// the rules that keep it out: `crew`, `day`, `truck`, `capacity`, `window`, `shift`, `cost`, joined by `+`
    pub reason: Reason,
}

/// Mistake in a day: a Korean sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DayError(String);

impl Day {
    /// The problem that the engine solves.
    ///
    /// # Errors
    /// A mistake in the day: too many stops, a stop twice, a negative or too large number, a matrix of another size, a stop
    /// without a point.
    pub fn problem(&self, districts: &Districts) -> Result<Problem, DayError> {
        if self.stops.len() > MAX_STOPS {
            return Err(DayError(format!("배송지는 {MAX_STOPS}곳까지 계산할 수 있어요.")));
        }
        let stops = indexes("배송지", self.stops.iter().map(|stop| &stop.id))?;
        let mut trucks = HashMap::new();
        for (index, truck) in self.trucks.iter().enumerate() {
            trucks.entry((&truck.id, truck.day)).or_insert(index);
        }
        if trucks.len() < self.trucks.len() {
            return Err(DayError("한 차가 같은 날에 두 번 있어요.".to_owned()));
        }
        let stop = |stop: &DayStop| self.stop(stop);
        Ok(Problem::new(
            self.stops.iter().map(stop).collect::<Result<_, _>>()?,
            self.read_trucks(&stops)?,
            self.times(districts)?,
        ))
    }

    /// The answer with the identifiers of the day.
    pub fn answer(&self, plan: &Plan) -> Answer {
        let id = |stop: &usize| self.stops[*stop].id.clone();
        let unserved = |(stop, reason): &(usize, Reason)| UnservedStop { id: id(stop), reason: reason.clone() };
        Answer {
            routes: plan.routes.iter().map(|route| route.iter().map(id).collect()).collect(),
            unserved: plan.unserved.iter().map(unserved).collect(),
            cost: plan.cost,
        }
    }

    fn stop(&self, stop: &DayStop) -> Result<Stop, DayError> {
        let name = || format!("배송지 {}", stop.id);
        let window = stop.window.map(|[from, to]| (from, to));
        if window.is_some_and(|(from, to)| from > to) {
            return Err(DayError(format!("{}: 시간대의 끝이 시작보다 빨라요.", name())));
        }
        check(&name, "service", stop.service)?;
        check(&name, "load", stop.load[0])?;
        check(&name, "load", stop.load[1])?;
        window.map_or(Ok(()), |(from, to)| check(&name, "window", from).and(check(&name, "window", to)))?;
        // A truck that is absent, perhaps in repair, leaves its stop unserved with the rule `truck`.
        let trucks = |only: &ItemId| {
            let own = self.trucks.iter().enumerate().filter(|(_, truck)| truck.id == *only);
            own.map(|(index, _)| index).collect()
        };
        Ok(Stop {
            service: stop.service,
            load: stop.load,
            collected: [0; 2],
            crew: stop.crew,
            window,
            trucks: stop.truck.as_ref().map(trucks),
            days: stop.days.clone(),
        })
    }

    fn read_trucks(&self, stops: &HashMap<&ItemId, usize>) -> Result<Vec<Vehicle>, DayError> {
        let mut begun = HashSet::new();
        let mut read = Vec::with_capacity(self.trucks.len());
        for truck in &self.trucks {
            let name = || format!("차 {}", truck.id);
            check(&name, "cap", truck.cap[0])?;
            check(&name, "cap", truck.cap[1])?;
            check(&name, "start", truck.start)?;
            check(&name, "shift", truck.shift)?;
            check(&name, "overtime", truck.overtime)?;
            if truck.begin.len() > MAX_BEGUN_STOPS {
                return Err(DayError(format!("{}: 이미 정한 배송지는 {MAX_BEGUN_STOPS}곳까지 쓸 수 있어요.", name())));
            }
            let mut begin = Vec::with_capacity(truck.begin.len());
            for id in &truck.begin {
                let index = *stops.get(id).ok_or_else(|| DayError(format!("{}: 배송지 {id}이(가) 없어요.", name())))?;
                if !begun.insert(index) {
                    return Err(DayError(format!("{}: 배송지 {id}이(가) 두 번 있어요.", name())));
                }
                begin.push(index);
            }
            read.push(Vehicle {
                day: truck.day,
                crew: truck.crew,
                capacity: truck.cap,
                start: truck.start,
                shift: truck.shift,
                overtime: truck.overtime,
                begin,
                depot: 0,
            });
        }
        Ok(read)
    }

    fn times(&self, districts: &Districts) -> Result<DrivingTimes, DayError> {
        let size = self.stops.len() + 1;
        if let Some(matrix) = &self.matrix {
            if matrix.len() != size || matrix.iter().any(|row| row.len() != size) {
                return Err(DayError(format!("matrix는 {size}행 {size}열이어야 해요.")));
            }
            matrix.iter().flatten().try_for_each(|seconds| check(&|| "matrix".to_owned(), "seconds", *seconds))?;
            return Ok(DrivingTimes::new(size, |from, to| matrix[from][to]));
        }
        let depot = self.depot.ok_or_else(|| DayError("matrix나 depot이 있어야 해요.".to_owned()))?;
        let points = PostalPoints::new(districts);
        let mut places = vec![Point { lat: depot[0], lng: depot[1] }];
        for stop in &self.stops {
            let given = stop.lat.zip(stop.lng).map(|(lat, lng)| Point { lat, lng });
            let place = given.or_else(|| Some(points.locate(&stop.zip)?.0));
            places.push(place.ok_or_else(|| {
                DayError(format!("배송지 {}: 우편번호 {:?}의 위치를 알 수 없어요.", stop.id, stop.zip))
            })?);
        }
        if places.iter().any(|place| place.lat.abs() > 90.0 || place.lng.abs() > 180.0) {
            return Err(DayError("위도는 -90에서 90, 경도는 -180에서 180 사이여야 해요.".to_owned()));
        }
        Ok(DrivingTimes::new(size, |from, to| driving_seconds(places[from], places[to])))
    }
}

fn indexes<'i>(what: &str, ids: impl Iterator<Item = &'i ItemId>) -> Result<HashMap<&'i ItemId, usize>, DayError> {
    let mut indexes = HashMap::new();
    for (index, id) in ids.enumerate() {
        if indexes.insert(id, index).is_some() {
            return Err(DayError(format!("{what} {id}이(가) 두 번 있어요.")));
        }
    }
    Ok(indexes)
}

fn check(name: &dyn Fn() -> String, field: &str, number: i32) -> Result<(), DayError> {
    if (0..=MAX_SECONDS).contains(&number) {
        return Ok(());
    }
    Err(DayError(format!("{}: {field}은(는) 0에서 {MAX_SECONDS} 사이여야 해요: {number}", name())))
}
