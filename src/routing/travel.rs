//! Driving time between two points, without a road network.
//!
//! The road is longer than the straight line by a factor that falls with the distance, and long roads are faster. The
//! factors follow published circuities of Korean roads (1.22 to 1.44 by province); the speeds are assumptions until a
//! shop's own days correct them, so a time is an estimate: ±30 minutes of an arrival hold on four days of five.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Point in WGS84 degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// latitude
    pub lat: f64,
    /// longitude
    pub lng: f64,
}

/// Rectangle of degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// smallest latitude and longitude
    pub from: Point,
    /// largest latitude and longitude
    pub to: Point,
}

impl Bounds {
    /// The smallest rectangle that has all the points; an empty one at 0, 0 for none.
    pub fn around(points: &[Point]) -> Self {
        let mut rest = points.iter();
        let first = rest.next().copied().unwrap_or(Point { lat: 0.0, lng: 0.0 });
        rest.fold(Self { from: first, to: first }, |Self { from, to }, point| Self {
            from: Point { lat: from.lat.min(point.lat), lng: from.lng.min(point.lng) },
            to: Point { lat: to.lat.max(point.lat), lng: to.lng.max(point.lng) },
        })
    }

    /// Whether the point lies within, or on the edge.
    pub fn contains(&self, point: Point) -> bool {
        self.overlap(Self { from: point, to: point })
    }

    /// Whether the two have a point in common.
    pub fn overlap(&self, other: Self) -> bool {
        self.from.lat <= other.to.lat
            && other.from.lat <= self.to.lat
            && self.from.lng <= other.to.lng
            && other.from.lng <= self.to.lng
    }
}

/// Mean radius of the earth (IUGG).
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Minutes that every trip takes besides its road: leaving, parking.
const MINUTES_PER_TRIP: f64 = 1.0;

/// Straight distance in km up to which a circuity holds, and the circuity: road ÷ straight line.
const CIRCUITIES: [(f64, f64); 3] = [(10.0, 1.35), (40.0, 1.30), (f64::INFINITY, 1.25)];

/// Length in km of each band of a road, and its speed in km/h: the streets at both ends, then ever larger roads.
const SPEED_BANDS: [(f64, f64); 5] = [(3.0, 20.0), (5.0, 30.0), (12.0, 42.0), (30.0, 60.0), (f64::INFINITY, 80.0)];

/// A place of planning: its point, and the 시/군/구 in which it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// where it is
    pub point: Point,
    /// code of its 시/군/구
    pub area: Option<i64>,
}

/// A drive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drive {
    /// how long it takes
    pub seconds: i64,
    /// length of the road
    pub metres: i64,
}

impl Drive {
    /// This drive and another after it.
    #[must_use]
    pub const fn and(self, next: Self) -> Self {
        Self { seconds: self.seconds + next.seconds, metres: self.metres + next.metres }
    }
}

/// The drive between two points by the estimate alone; none between equal points.
pub fn drive(from: Point, to: Point) -> Drive {
    if from == to {
        return Drive::default();
    }
    let straight = straight_km(from, to);
    let circuity = CIRCUITIES.iter().find(|(limit, _)| straight < *limit).map_or(1.0, |(_, factor)| *factor);
    let road = straight * circuity;
    let mut rest = road;
    let mut minutes = MINUTES_PER_TRIP;
    for (length, speed) in SPEED_BANDS {
        let driven = rest.min(length);
        minutes += driven / speed * 60.0;
        rest -= driven;
        if rest <= 0.0 {
            break;
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "half the earth is 11 days away")]
    let whole = |number: f64| libm::rint(number) as i64;
    Drive { seconds: whole(minutes * 60.0), metres: whole(road * 1_000.0) }
}

/// Seconds of [`drive`].
pub fn driving_seconds(from: Point, to: Point) -> i32 {
    i32::try_from(drive(from, to).seconds).unwrap_or(i32::MAX)
}

/// Percent of the estimate that a drive takes where nothing else is known.
pub const PLAIN_PERCENT: i64 = 100;

/// The roads of a shop: how much longer drives between two 시/군/구, or within one, take than the estimate says. Bays, passes
/// and slow towns; learnt from finished days or set by hand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roads {
    /// pair of areas, the smaller code first → percent of the estimate
    factors: BTreeMap<(i64, i64), i64>,
}

impl Roads {
    /// Roads with these factors: pair of areas → percent of the estimate.
    pub fn new(factors: impl IntoIterator<Item = ((i64, i64), i64)>) -> Self {
        Self { factors: factors.into_iter().map(|((from, to), percent)| (pair(from, to), percent)).collect() }
    }

    /// Percent of the estimate that drives between two areas take.
    pub fn percent(&self, from: Option<i64>, to: Option<i64>) -> i64 {
        let known = from.zip(to).and_then(|(from, to)| self.factors.get(&pair(from, to)));
        known.copied().unwrap_or(PLAIN_PERCENT)
    }

    /// The drive between two places.
    pub fn drive(&self, from: Place, to: Place) -> Drive {
        let plain = drive(from.point, to.point);
        let seconds = plain.seconds * self.percent(from.area, to.area);
        Drive { seconds: (seconds + PLAIN_PERCENT / 2) / PLAIN_PERCENT, ..plain }
    }
}

/// A pair of areas: a road has no direction.
pub const fn pair(from: i64, to: i64) -> (i64, i64) {
    if from <= to { (from, to) } else { (to, from) }
}

/// The drives of a truck, for everything that reckons with them: the route engine, the times of a tour, promised days. None
/// is its depot. A place that nobody knows counts as the depot too: its stop costs a way there and back rather than
/// nothing, so that a day is not made to look shorter than it is.
#[derive(Clone, Copy, Debug)]
pub struct Trips<'r> {
    /// the roads
    pub roads: &'r Roads,
    /// where the truck starts and ends; none: unknown
    pub depot: Option<Place>,
}

impl Trips<'_> {
    /// The drive between two places; nothing while the depot is needed and unknown.
    pub fn drive(&self, from: Option<Place>, to: Option<Place>) -> Drive {
        let known = from.or(self.depot).zip(to.or(self.depot));
        known.map(|(from, to)| self.roads.drive(from, to)).unwrap_or_default()
    }
}

/// Great-circle distance (haversine).
fn straight_km(from: Point, to: Point) -> f64 {
    let (from_lat, to_lat) = (from.lat.to_radians(), to.lat.to_radians());
    let lat = libm::sin((to_lat - from_lat) / 2.0);
    let lng = libm::sin((to.lng - from.lng).to_radians() / 2.0);
    let haversine = lat * lat + libm::cos(from_lat) * libm::cos(to_lat) * lng * lng;
    2.0 * EARTH_RADIUS_KM * libm::asin(libm::sqrt(haversine.min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHILGOK: Point = Point { lat: 36.019, lng: 128.364 };

    #[test]
    fn driving_times_match_the_published_days() {
        let to = |lat, lng| driving_seconds(CHILGOK, Point { lat, lng });
        assert_eq!(to(35.87088, 128.63717), 3337, "칠곡 → 대구, 30 km");
        assert_eq!(to(36.1264, 128.10127), 3093, "칠곡 → 김천, 26 km");
        assert_eq!(to(35.80997, 128.76047), 4175, "칠곡 → 경산, 43 km");
    }

    #[test]
    fn pair_of_areas_has_its_factor_in_both_directions() {
        let (gumi, gimcheon) = (Some(47_190), Some(47_150));
        let depot = Place { point: CHILGOK, area: gumi };
        let far = Place { point: Point { lat: 36.1264, lng: 128.10127 }, area: gimcheon };
        let roads = Roads::new([((47_190, 47_150), 120)]);
        let seconds = |roads: &Roads, from, to| roads.drive(from, to).seconds;
        assert_eq!(seconds(&Roads::default(), depot, far), 3_093);
        assert_eq!([seconds(&roads, depot, far), seconds(&roads, far, depot)], [3_712, 3_712]);
        assert_eq!(seconds(&roads, depot, Place { area: gumi, ..far }), 3_093, "another pair");
        assert_eq!(roads.drive(depot, far).metres, Roads::default().drive(depot, far).metres, "no longer, only slower");
    }

    #[test]
    fn unknown_place_counts_as_the_depot() {
        let roads = Roads::default();
        let depot = Place { point: CHILGOK, area: None };
        let stop = Some(Place { point: Point { lat: 36.1, lng: 128.364 }, area: None });
        let trips = Trips { roads: &roads, depot: Some(depot) };
        let there = trips.drive(None, stop).seconds;
        assert!(there > 600);
        assert_eq!(trips.drive(stop, None).seconds, there, "the way to an unknown place is that to the depot");
        assert_eq!(trips.drive(None, None), Drive::default());
        let nowhere = Trips { depot: None, ..trips };
        assert_eq!(nowhere.drive(None, stop), Drive::default());
    }

    #[test]
    fn no_drive_is_needed_to_the_same_point() {
        assert_eq!(driving_seconds(CHILGOK, CHILGOK), 0);
        assert_eq!(driving_seconds(CHILGOK, Point { lat: 36.020, ..CHILGOK }), 87, "111 m");
    }
}
