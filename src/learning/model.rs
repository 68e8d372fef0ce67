//! Stops as they were → minutes of products.
//!
//! For each stop, the minutes at the door are compared with those that the plan reckons. The median of these ratios, over the
//! stops with a product, scales its present minutes. A median takes no notice of a few odd stops; breaks and reports that
//! were tapped later are left out before.

use std::collections::BTreeMap;

use crate::id::ProductId;
use crate::time::Moment;

/// Stops with a product before anything is said about it.
pub const MIN_STOPS: usize = 8;

/// A stop that took longer than this many times its plan had a break in it.
const MAX_RATIO: f64 = 3.0;

/// Reports of so many stops within [`RETROACTIVE_MS`] were tapped together, later.
const RETROACTIVE_STOPS: usize = 3;

/// Two minutes.
const RETROACTIVE_MS: i64 = 2 * 60 * 1000;

/// Shortest time at a door; less is a report that was tapped later.
const MIN_STOP_MS: i64 = 60 * 1000;

/// Most minutes of a piece.
const MAX_MINUTES: i64 = 600;

/// Pieces of a product at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObservedLine {
    /// the product
    pub product_id: ProductId,
    /// pieces
    pub pieces: i64,
    /// minutes that the plan reckons for a piece
    pub minutes: i64,
}

/// A stop as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObservedStop {
    /// what was brought
    pub lines: Vec<ObservedLine>,
    /// minutes that the building adds
    pub site_minutes: i64,
    /// arrival at the door
    pub arrived_at: Moment,
    /// report of its end
    pub ended_at: Moment,
}

impl ObservedStop {
    /// Minutes that the plan reckons.
    fn planned_minutes(&self) -> i64 {
        self.site_minutes + self.lines.iter().map(|line| line.pieces * line.minutes).sum::<i64>()
    }

    /// Minutes at the door by those of the plan; none for a stop that says nothing.
    fn ratio(&self) -> Option<f64> {
        let observed = self.ended_at.0 - self.arrived_at.0;
        let planned = self.planned_minutes() * 60 * 1000;
        if observed < MIN_STOP_MS || planned <= 0 {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
        let ratio = observed as f64 / planned as f64;
        (ratio <= MAX_RATIO).then_some(ratio)
    }
}

/// What was learnt about a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LearntMinutes {
    /// the product
    pub product_id: ProductId,
    /// minutes of a piece that the plan reckons with
    pub present: i64,
    /// minutes of a piece by the finished days
    pub learnt: i64,
    /// stops that it was learnt from
    pub stops: usize,
}

/// The minutes of products by the stops of finished tours. `present` gives the minutes of a product now. Products with fewer
/// than [`MIN_STOPS`] stops are left out.
pub fn learn(tours: &[Vec<ObservedStop>], present: impl Fn(ProductId) -> i64) -> Vec<LearntMinutes> {
    let mut ratios = BTreeMap::<ProductId, Vec<f64>>::new();
    for stop in tours.iter().flat_map(|stops| reported_in_time(stops)) {
        let Some(ratio) = stop.ratio() else { continue };
        let mut products: Vec<ProductId> = stop.lines.iter().map(|line| line.product_id).collect();
        products.sort_unstable();
        products.dedup();
        for product_id in products {
            ratios.entry(product_id).or_default().push(ratio);
        }
    }
    let enough = ratios.into_iter().filter(|(_, ratios)| ratios.len() >= MIN_STOPS);
    enough
        .map(|(product_id, mut ratios)| {
            let (present, stops) = (present(product_id), ratios.len());
            LearntMinutes { product_id, present, learnt: scaled(present, median(&mut ratios)), stops }
        })
        .collect()
}

/// The stops that were reported when they happened.
fn reported_in_time(stops: &[ObservedStop]) -> Vec<&ObservedStop> {
    let mut sorted: Vec<&ObservedStop> = stops.iter().collect();
    sorted.sort_by_key(|stop| stop.ended_at);
    let late = are_late(&sorted.iter().map(|stop| stop.ended_at).collect::<Vec<_>>());
    sorted.into_iter().zip(late).filter_map(|(stop, is_late)| (!is_late).then_some(stop)).collect()
}

/// Which of the ends of stops, in order, were tapped later: those of which three are within two minutes.
pub(super) fn are_late(ends: &[Moment]) -> Vec<bool> {
    let mut are_late = vec![false; ends.len()];
    for (first, some) in ends.windows(RETROACTIVE_STOPS).enumerate() {
        if some[RETROACTIVE_STOPS - 1].0 - some[0].0 <= RETROACTIVE_MS {
            are_late[first..first + RETROACTIVE_STOPS].fill(true);
        }
    }
    are_late
}

/// The median of at least one number.
pub(super) fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len() % 2 == 1 { numbers[middle] } else { f64::midpoint(numbers[middle - 1], numbers[middle]) }
}

/// Minutes by a factor, at least one.
fn scaled(minutes: i64, factor: f64) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "at most 600 minutes by 3")]
    let scaled = (minutes as f64 * factor).round() as i64;
    scaled.clamp(1, MAX_MINUTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BED: ProductId = ProductId::from_raw(1);
    const SOFA: ProductId = ProductId::from_raw(2);

    /// A stop with a piece of a product of 30 minutes that took so many, at this minute of the day.
    fn stop(product_id: ProductId, at: i64, took: i64) -> ObservedStop {
        let minute = |minute: i64| Moment(minute * 60 * 1000);
        ObservedStop {
            lines: vec![ObservedLine { product_id, pieces: 1, minutes: 30 }],
            site_minutes: 0,
            arrived_at: minute(at),
            ended_at: minute(at + took),
        }
    }

    fn day(product_id: ProductId, took: &[i64]) -> Vec<ObservedStop> {
        (0..).zip(took).map(|(number, took)| stop(product_id, number * 120, *took)).collect()
    }

    fn minutes(tours: &[Vec<ObservedStop>]) -> Vec<(ProductId, i64, usize)> {
        learn(tours, |_| 30).into_iter().map(|learnt| (learnt.product_id, learnt.learnt, learnt.stops)).collect()
    }

    #[test]
    fn median_of_the_stops_is_learnt() {
        let tours = [day(BED, &[40, 41, 39, 40]), day(BED, &[38, 44, 40, 42])];
        assert_eq!(minutes(&tours), [(BED, 40, 8)]);
        assert!(minutes(&tours[..1]).is_empty(), "four stops say nothing");
    }

    #[test]
    fn odd_stops_change_nothing() {
        let usual = [40, 41, 39, 40, 38, 44, 40, 42];
        let odd: Vec<i64> = usual.iter().copied().chain([85, 80]).collect();
        assert_eq!(minutes(&[day(BED, &odd)]), [(BED, 41, 10)], "two long stops move the median by a minute");
        let breaks: Vec<i64> = usual.iter().copied().chain([100, 110, 0]).collect();
        assert_eq!(minutes(&[day(BED, &breaks)]), [(BED, 40, 8)], "a break, and a tap of both at once");
    }

    #[test]
    fn reports_that_were_tapped_together_are_left_out() {
        let mut evening: Vec<ObservedStop> = (0..3).map(|number| stop(BED, 1_000 - 20, 20 + number)).collect();
        assert_eq!(reported_in_time(&evening).len(), 0);
        evening.extend(day(BED, &[40, 40, 40, 40, 40, 40, 40, 40]));
        assert_eq!(minutes(&[evening]), [(BED, 40, 8)]);
    }

    #[test]
    fn stop_with_two_products_counts_for_both_by_its_whole_time() {
        let mixed = |number: i64| {
            let mut stop = stop(BED, number * 120, 80);
            stop.lines.push(ObservedLine { product_id: SOFA, pieces: 1, minutes: 10 });
            stop
        };
        let tours = [(0..8).map(mixed).collect::<Vec<_>>()];
        let learnt = learn(&tours, |product| if product == BED { 30 } else { 10 });
        let minutes: Vec<(ProductId, i64)> = learnt.iter().map(|learnt| (learnt.product_id, learnt.learnt)).collect();
        assert_eq!(minutes, [(BED, 60), (SOFA, 20)], "40 minutes were planned and 80 taken");
    }

    #[test]
    fn minutes_of_the_building_are_not_those_of_the_product() {
        let upstairs = |number: i64| ObservedStop { site_minutes: 30, ..stop(BED, number * 120, 60) };
        assert_eq!(minutes(&[(0..8).map(upstairs).collect()]), [(BED, 30, 8)]);
    }
}
