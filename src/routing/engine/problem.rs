//! The problem: stops, trucks, driving times, and which truck may serve which stop.

/// A place where a truck stops. Times are seconds of the day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// seconds at the door
    pub service: i32,
    /// volume, pieces that are delivered there: on the truck from the depot to the stop
    pub load: [i32; 2],
    /// volume, pieces that are collected there: on the truck from the stop to the depot
    pub collected: [i32; 2],
    /// people needed
    pub crew: i32,
    /// first and last second at which the service may begin
    pub window: Option<(i32, i32)>,
    /// the only trucks that may serve it: those of several days may be one truck; none: any
    pub trucks: Option<Vec<usize>>,
    /// the only days on which it may be served; none: any
    pub days: Option<Vec<i64>>,
}

impl Stop {
    pub(super) fn opens(&self) -> i32 {
        self.window.map_or(0, |window| window.0)
    }

    pub(super) fn closes(&self) -> i32 {
        self.window.map_or(NO_LIMIT, |window| window.1)
    }
}

/// A truck on one day, as far as the search knows it. It starts and ends at its depot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vehicle {
    /// number of the day
    pub day: i64,
    /// people aboard
    pub crew: i32,
    /// volume and pieces that fit
    pub capacity: [i32; 2],
    /// second of the day at which it leaves the depot
    pub start: i32,
    /// seconds until overtime begins
    pub shift: i32,
    /// seconds of overtime at most
    pub overtime: i32,
    /// stops it has been sent to already, in order: they stay first, whatever the rules say
    pub begin: Vec<usize>,
    /// place of the driving times where it starts and ends: 0, or one behind the stops
    pub depot: usize,
}

impl Vehicle {
    /// Whether two empty trucks are interchangeable.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        self == other
    }
}

/// Upper bound of every duration and moment, so that sums of a route fit in an `i32`.
pub const MAX_SECONDS: i32 = 1_000_000;

/// A moment after every other; leaves room for sums.
const NO_LIMIT: i32 = i32::MAX / 2;

/// Maximum number of stops that a truck has been sent to already, so that sums of a route fit in an `i32`.
pub const MAX_BEGUN_STOPS: usize = 500;

/// Maximum number of stops; driving times take 8 bytes for each pair.
pub const MAX_STOPS: usize = 2_000;

/// Driving seconds between the depot (0), the stops (1, 2, …) and further depots, in both directions.
#[derive(Clone, Debug)]
pub struct DrivingTimes {
    size: usize,
    /// row: from that place
    from: Vec<i32>,
    /// row: to that place
    to: Vec<i32>,
}

impl DrivingTimes {
    /// Times by `seconds(from, to)` for `size` places.
    pub fn new(size: usize, seconds: impl Fn(usize, usize) -> i32) -> Self {
        let pairs = || (0..size).flat_map(move |row| (0..size).map(move |column| (row, column)));
        let from = pairs().map(|(row, column)| seconds(row, column)).collect();
        let to = pairs().map(|(row, column)| seconds(column, row)).collect();
        Self { size, from, to }
    }

    pub(super) fn between(&self, from: usize, to: usize) -> i32 {
        self.from[from * self.size + to]
    }

    pub(super) fn from(&self, place: usize) -> &[i32] {
        &self.from[place * self.size..(place + 1) * self.size]
    }

    pub(super) fn to(&self, place: usize) -> &[i32] {
        &self.to[place * self.size..(place + 1) * self.size]
    }
}

/// A day, or several, to be planned.
#[derive(Clone, Debug)]
pub struct Problem {
    /// stops; place `i + 1` of the driving times is stop `i`
    pub stops: Vec<Stop>,
    /// trucks; one entry for each day of a truck
    pub trucks: Vec<Vehicle>,
    /// driving times
    pub times: DrivingTimes,
    /// whether anything is collected: only then the load is not greatest at the depot
    has_collections: bool,
}

impl Problem {
    /// A problem of these stops and trucks.
    pub fn new(stops: Vec<Stop>, trucks: Vec<Vehicle>, times: DrivingTimes) -> Self {
        let has_collections = stops.iter().any(|stop| stop.collected != [0; 2]);
        Self { stops, trucks, times, has_collections }
    }

    /// Whether anything is collected at any stop.
    pub(super) const fn has_collections(&self) -> bool {
        self.has_collections
    }

    /// Whether the truck may serve the stop, apart from load and time.
    pub(super) fn is_allowed(&self, stop: usize, truck: usize) -> bool {
        self.has_crew(stop, truck) && self.is_its_day(stop, truck) && self.is_its_truck(stop, truck)
    }

    pub(super) fn has_crew(&self, stop: usize, truck: usize) -> bool {
        self.stops[stop].crew <= self.trucks[truck].crew
    }

    pub(super) fn is_its_day(&self, stop: usize, truck: usize) -> bool {
        self.stops[stop].days.as_ref().is_none_or(|days| days.contains(&self.trucks[truck].day))
    }

    pub(super) fn is_its_truck(&self, stop: usize, truck: usize) -> bool {
        self.stops[stop].trucks.as_ref().is_none_or(|only| only.contains(&truck))
    }
}
