//! Ruin: removes strings of neighbouring stops from some routes around a random stop.
//!
//! After J. Christiaens and G. Vanden Berghe, "Slack Induction by String Removals for Vehicle Routing Problems",
//! Transportation Science 54(2), 2020.

use super::problem::Problem;
use super::solution::Solution;
use crate::random::seeded::Random;

/// Stops removed in a round, on average.
const MEAN_REMOVED: f64 = 15.0;

/// Longest string, in stops.
const MAX_STRING: f64 = 10.0;

/// Percentage of the strings that keep some stops in their middle.
const SPLIT_PERCENT: u32 = 50;

/// Percentage of the split strings that keep one stop more, then another …
const SPLIT_MORE_PERCENT: u32 = 1;

/// The stops in the order of their distance from each stop, itself first.
pub(super) fn neighbours(problem: &Problem) -> Vec<Vec<usize>> {
    let count = problem.stops.len();
    let distance = |one: usize, other: usize| {
        problem.times.between(one + 1, other + 1).min(problem.times.between(other + 1, one + 1))
    };
    let sorted = |stop: usize| {
        let mut others: Vec<usize> = (0..count).collect();
        others.sort_by_key(|other| (*other != stop, distance(stop, *other), *other));
        others
    };
    (0..count).map(sorted).collect()
}

/// Removes strings of stops, and adds the changed routes to `changed`.
pub(super) fn ruin(
    problem: &Problem,
    neighbours: &[Vec<usize>],
    solution: &mut Solution,
    random: &mut Random,
    changed: &mut Vec<usize>,
) {
    let (mut served, mut used) = (0, 0);
    for (route, truck) in solution.routes.iter().zip(&problem.trucks) {
        let loose = route.len() - truck.begin.len();
        served += loose;
        used += usize::from(loose > 0);
    }
    if used == 0 {
        return;
    }
    let longest = MAX_STRING.min(ratio(served, used));
    let most_strings = 4.0 * MEAN_REMOVED / (1.0 + longest) - 1.0;
    let strings = whole(random.fraction() * most_strings + 1.0).max(1);
    let Some(nearest) = random.pick(neighbours) else { return };
    for stop in nearest {
        let Some(route) = solution.route_of[*stop] else { continue };
        if changed.contains(&route) {
            continue;
        }
        let Some(position) = solution.routes[route].position(*stop) else { continue };
        let begin = problem.trucks[route].begin.len();
        if position < begin {
            continue;
        }
        let loose = solution.routes[route].len() - begin;
        let longest = longest.min(ratio(loose, 1));
        let length = whole(random.fraction() * longest + 1.0).clamp(1, loose);
        remove_string(problem, solution, random, route, position - begin, length);
        changed.push(route);
        if changed.len() == strings {
            return;
        }
    }
}

/// Removes `length` stops of the route around the loose stop at `position`, with or without a gap between them.
fn remove_string(
    problem: &Problem,
    solution: &mut Solution,
    random: &mut Random,
    route: usize,
    position: usize,
    length: usize,
) {
    let begin = problem.trucks[route].begin.len();
    let loose = solution.routes[route].len() - begin;
    let mut kept = 0;
    if length > 1 && length < loose && random.chance(SPLIT_PERCENT) {
        kept = 1;
        while length + kept < loose && random.chance(SPLIT_MORE_PERCENT) {
            kept += 1;
        }
    }
    let total = length + kept;
    let (first, last) = ((position + 1).saturating_sub(total), position.min(loose - total));
    let from = begin + first + below(random, last - first + 1);
    let gap = from + if kept > 0 { 1 + below(random, length - 1) } else { 0 };
    let Solution { routes, route_of, absent, .. } = solution;
    routes[route].remove(problem, route, from..from + total, &(gap..gap + kept), &mut |stop| {
        route_of[stop] = None;
        absent.push(stop);
    });
}

fn below(random: &mut Random, limit: usize) -> usize {
    random.below(u32::try_from(limit).unwrap_or(u32::MAX)) as usize
}

#[expect(clippy::cast_precision_loss, reason = "at most some thousand stops")]
fn ratio(stops: usize, routes: usize) -> f64 {
    stops as f64 / routes as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and positive")]
fn whole(number: f64) -> usize {
    number as usize
}
