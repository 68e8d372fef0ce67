//! Driving time between two points, without a road network.
//!
//! The road is longer than the straight line by a factor that falls with the distance, and long roads are faster. The
//! factors follow published circuities of Korean roads (1.22 to 1.44 by province); the speeds are assumptions until a
//! shop's own days correct them, so a time is an estimate: ±30 minutes of an arrival hold on four days of five.

use serde::{Deserialize, Serialize};

/// Point in WGS84 degrees.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// latitude
    pub lat: f64,
    /// longitude
    pub lng: f64,
}

/// Mean radius of the earth (IUGG).
const EARTH_RADIUS_KM: f64 = 6371.0088;

/// Minutes that every trip takes besides its road: leaving, parking.
const MINUTES_PER_TRIP: f64 = 1.0;

/// Straight distance in km up to which a circuity holds, and the circuity: road ÷ straight line.
const CIRCUITIES: [(f64, f64); 3] = [(10.0, 1.35), (40.0, 1.30), (f64::INFINITY, 1.25)];

/// Length in km of each band of a road, and its speed in km/h: the streets at both ends, then ever larger roads.
const SPEED_BANDS: [(f64, f64); 5] = [(3.0, 20.0), (5.0, 30.0), (12.0, 42.0), (30.0, 60.0), (f64::INFINITY, 80.0)];

/// Seconds of a drive between two points; 0 between equal points.
pub fn driving_seconds(from: Point, to: Point) -> i32 {
    if from == to {
        return 0;
    }
    let straight = straight_km(from, to);
    let circuity = CIRCUITIES.iter().find(|(limit, _)| straight < *limit).map_or(1.0, |(_, factor)| *factor);
    let mut rest = straight * circuity;
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
    let seconds = libm::rint(minutes * 60.0) as i32;
    seconds
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
    fn no_drive_is_needed_to_the_same_point() {
        assert_eq!(driving_seconds(CHILGOK, CHILGOK), 0);
        assert_eq!(driving_seconds(CHILGOK, Point { lat: 36.020, ..CHILGOK }), 87, "111 m");
    }
}
