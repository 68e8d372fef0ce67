//! Drives as they were → factors of the roads between two 시/군/구, or within one.
//!
//! A drive is the time from the end of a stop, or the departure, to the arrival at the next. The median of the drives of a
//! pair of areas by their estimates is drawn towards 1 by [`PHANTOM_DRIVES`], so that a few days do not move it far.

use std::collections::BTreeMap;

use super::model::{are_late, median};
use crate::routing::travel::{PLAIN_PERCENT, Place, Roads, drive, pair};
use crate::time::Moment;
use crate::trucks::roads::PERCENT;

/// Drives of a pair before anything is said about it.
pub const MIN_DRIVES: usize = 10;

/// Drives at the estimate that count beside those that were.
const PHANTOM_DRIVES: f64 = 10.0;

/// A drive that took longer than this many times its estimate had a break in it; one that took less than the inverse was
/// tapped later.
const MAX_RATIO: f64 = 3.0;

/// Shortest estimate: of a shorter drive the parking says more than the road.
const MIN_SECONDS: i64 = 5 * 60;

/// A stop of a finished tour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ObservedVisit {
    /// where it is; none: unknown
    pub place: Option<Place>,
    /// arrival at the door, if it was reported
    pub arrived_at: Option<Moment>,
    /// report of its end
    pub ended_at: Moment,
}

/// A finished tour.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ObservedTour {
    /// where it began
    pub depot: Option<Place>,
    /// departure
    pub left_at: Option<Moment>,
    /// its stops
    pub visits: Vec<ObservedVisit>,
}

/// What was learnt about the road between two areas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearntFactor {
    /// codes of the 시/군/구, the smaller first
    pub areas: (i64, i64),
    /// percent of the estimate that the plan reckons with
    pub present: i64,
    /// percent by the finished days
    pub learnt: i64,
    /// drives that it was learnt from
    pub drives: usize,
}

impl ObservedTour {
    /// The drives that say something: pair of areas, and time by its estimate.
    fn drives(&self) -> Vec<((i64, i64), f64)> {
        let mut visits = self.visits.clone();
        visits.sort_by_key(|visit| visit.ended_at);
        let late = are_late(&visits.iter().map(|visit| visit.ended_at).collect::<Vec<_>>());
        let mut found = Vec::new();
        let (mut place, mut since) = (self.depot, self.left_at);
        for (visit, is_late) in visits.into_iter().zip(late) {
            let times = since.zip(visit.arrived_at).filter(|_| !is_late);
            found.extend(times.zip(place.zip(visit.place)).and_then(|(times, places)| ratio(times, places)));
            (place, since) = (visit.place, (!is_late).then_some(visit.ended_at));
        }
        found
    }
}

/// Pair of areas of a drive, and its time by the estimate; none for a drive that says nothing.
fn ratio((left, arrived): (Moment, Moment), (from, to): (Place, Place)) -> Option<((i64, i64), f64)> {
    let estimate = drive(from.point, to.point).seconds;
    if estimate < MIN_SECONDS {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
    let ratio = (arrived.0 - left.0) as f64 / (estimate * 1_000) as f64;
    let areas = pair(from.area?, to.area?);
    (MAX_RATIO.recip()..=MAX_RATIO).contains(&ratio).then_some((areas, ratio))
}

/// The factors of the roads by finished tours, beside those of `roads`. Pairs with fewer than [`MIN_DRIVES`] are left out.
pub fn learn_roads(tours: &[ObservedTour], roads: &Roads) -> Vec<LearntFactor> {
    let mut ratios = BTreeMap::<(i64, i64), Vec<f64>>::new();
    for (areas, ratio) in tours.iter().flat_map(ObservedTour::drives) {
        ratios.entry(areas).or_default().push(ratio);
    }
    let enough = ratios.into_iter().filter(|(_, ratios)| ratios.len() >= MIN_DRIVES);
    enough
        .map(|(areas, mut ratios)| LearntFactor {
            areas,
            present: roads.percent(Some(areas.0), Some(areas.1)),
            drives: ratios.len(),
            learnt: percent(&mut ratios),
        })
        .collect()
}

/// The median drawn towards 1, in percent.
fn percent(ratios: &mut [f64]) -> i64 {
    #[expect(clippy::cast_precision_loss, reason = "some thousand drives")]
    let count = ratios.len() as f64;
    let drawn = (PHANTOM_DRIVES + count * median(ratios)) / (PHANTOM_DRIVES + count);
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most 300")]
    let percent = (drawn * PLAIN_PERCENT as f64).round() as i64;
    percent.clamp(*PERCENT.start(), *PERCENT.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routing::travel::Point;

    const GUMI: i64 = 47_190;
    const GIMCHEON: i64 = 47_150;

    fn place(lat: f64, area: i64) -> Place {
        Place { point: Point { lat, lng: 128.3 }, area: Some(area) }
    }

    /// A tour from 구미 to 김천 and on to another stop there, whose drives take `percent` of the estimate.
    fn tour(percent: i64) -> ObservedTour {
        let (depot, first, second) = (place(36.1, GUMI), place(36.3, GIMCHEON), place(36.36, GIMCHEON));
        let later = |at: Moment, from: Place, to: Place| at.plus_ms(drive(from.point, to.point).seconds * 10 * percent);
        let left = Moment(0);
        let arrived = later(left, depot, first);
        let ended = arrived.plus_ms(30 * 60 * 1000);
        let then = later(ended, first, second);
        let visit = |place, arrived: Moment, ended| ObservedVisit {
            place: Some(place),
            arrived_at: Some(arrived),
            ended_at: ended,
        };
        let last = visit(second, then, then.plus_ms(30 * 60 * 1000));
        ObservedTour { depot: Some(depot), left_at: Some(left), visits: vec![last, visit(first, arrived, ended)] }
    }

    fn learnt(tours: &[ObservedTour]) -> Vec<((i64, i64), i64, usize)> {
        learn_roads(tours, &Roads::default())
            .into_iter()
            .map(|factor| (factor.areas, factor.learnt, factor.drives))
            .collect()
    }

    #[test]
    fn slow_road_is_learnt_by_pair_of_areas_and_drawn_towards_the_estimate() {
        let days = vec![tour(140); 10];
        assert_eq!(
            learnt(&days),
            [((GIMCHEON, GIMCHEON), 120, 10), ((GIMCHEON, GUMI), 120, 10)],
            "ten at 100, ten at 140"
        );
        assert_eq!(learnt(&vec![tour(140); 30])[1], ((GIMCHEON, GUMI), 130, 30), "more days, more weight");
        assert!(learnt(&days[..9]).is_empty(), "nine drives say nothing");
        let roads = Roads::new([((GUMI, GIMCHEON), 130)]);
        let found = learn_roads(&days, &roads);
        assert_eq!((found[1].present, found[1].learnt), (130, 120), "against the estimate, not the present factor");
    }

    #[test]
    fn breaks_late_taps_and_unknown_places_are_left_out() {
        let with = |change: &dyn Fn(&mut ObservedTour)| {
            let mut day = tour(140);
            change(&mut day);
            learnt(&vec![day; 20]).into_iter().map(|(areas, ..)| areas).collect::<Vec<_>>()
        };
        assert_eq!(with(&|_| ()).len(), 2);
        assert_eq!(with(&|day| day.left_at = Some(Moment(-9_000_000))), [(GIMCHEON, GIMCHEON)], "breakfast first");
        assert_eq!(with(&|day| day.left_at = None), [(GIMCHEON, GIMCHEON)]);
        assert!(with(&|day| day.visits[1].place = None).is_empty());
        assert_eq!(with(&|day| day.visits[0].arrived_at = None), [(GIMCHEON, GUMI)]);
        let evening = |day: &mut ObservedTour| {
            day.visits =
                (0..3).map(|number| ObservedVisit { ended_at: Moment(40_000_000 + number), ..day.visits[0] }).collect();
        };
        assert!(with(&evening).is_empty(), "three ends within two minutes");
    }
}
