//! Recreate: inserts the absent stops one by one, each at its cheapest place.

use super::problem::Problem;
use super::route::IgnoredRules;
use super::solution::{Solution, UNSERVED_COST};
use crate::random::seeded::Random;

/// Percentage of the better places that are overlooked, so that the search does not repeat itself.
const OVERLOOK_PERCENT: u32 = 1;

/// Sequence in which the absent stops are inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sequence {
    Random,
    LargeFirst,
    FarFirst,
    NearFirst,
    NarrowWindowFirst,
    EarlyFirst,
    LateFirst,
}

/// The sequences, as often as they are to be drawn.
const SEQUENCES: [Sequence; 17] = [
    Sequence::Random,
    Sequence::Random,
    Sequence::Random,
    Sequence::Random,
    Sequence::LargeFirst,
    Sequence::LargeFirst,
    Sequence::LargeFirst,
    Sequence::LargeFirst,
    Sequence::FarFirst,
    Sequence::FarFirst,
    Sequence::NearFirst,
    Sequence::NarrowWindowFirst,
    Sequence::NarrowWindowFirst,
    Sequence::EarlyFirst,
    Sequence::EarlyFirst,
    Sequence::LateFirst,
    Sequence::LateFirst,
];

/// What the search knows about the trucks of each stop.
pub(super) struct AllowedTrucks {
    /// trucks that may serve each stop
    of: Vec<Vec<usize>>,
    /// the first truck that is like each truck
    first_like: Vec<usize>,
}

impl AllowedTrucks {
    pub(super) fn new(problem: &Problem) -> Self {
        let trucks = 0..problem.trucks.len();
        let allowed = |stop: usize| trucks.clone().filter(|truck| problem.is_allowed(stop, *truck)).collect();
        let like = |truck: usize| {
            problem.trucks.iter().position(|other| other.is_like(&problem.trucks[truck])).unwrap_or(truck)
        };
        Self { of: (0..problem.stops.len()).map(allowed).collect(), first_like: trucks.clone().map(like).collect() }
    }
}

/// Inserts the absent stops where they fit and cost less than being left out, and adds the changed routes to `changed`.
pub(super) fn recreate(
    problem: &Problem,
    allowed: &AllowedTrucks,
    solution: &mut Solution,
    random: &mut Random,
    changed: &mut Vec<usize>,
) {
    let mut absent = std::mem::take(&mut solution.absent);
    sort(problem, &mut absent, random);
    absent.retain(|stop| {
        let Some((route, position)) = cheapest(problem, allowed, solution, random, *stop) else { return true };
        solution.routes[route].insert(problem, route, *stop, position);
        solution.route_of[*stop] = Some(route);
        if !changed.contains(&route) {
            changed.push(route);
        }
        false
    });
    solution.absent = absent;
    solution.update_cost();
}

/// Route and position of the cheapest insertion of a stop.
fn cheapest(
    problem: &Problem,
    allowed: &AllowedTrucks,
    solution: &Solution,
    random: &mut Random,
    stop: usize,
) -> Option<(usize, usize)> {
    let (mut best, mut limit) = (None, UNSERVED_COST);
    let mut tried_empty: Option<usize> = None;
    for truck in &allowed.of[stop] {
        let route = &solution.routes[*truck];
        if route.len() == 0 {
            // Of interchangeable empty trucks, which mostly follow each other, one is enough.
            let like = Some(allowed.first_like[*truck]);
            if tried_empty == like {
                continue;
            }
            tried_empty = like;
        }
        let mut overlook = || random.chance(OVERLOOK_PERCENT);
        let truck_data = &problem.trucks[*truck];
        if let Some(found) =
            route.best_insertion(problem, truck_data, stop, limit, IgnoredRules::default(), &mut overlook)
        {
            (best, limit) = (Some((*truck, found.position)), found.cost);
        }
    }
    best
}

fn sort(problem: &Problem, absent: &mut [usize], random: &mut Random) {
    let stop = |stop: &usize| &problem.stops[*stop];
    let from_depot = |stop: &usize| problem.times.between(0, stop + 1);
    // A random order first, so that equal stops have no fixed one.
    for last in (1..absent.len()).rev() {
        absent.swap(last, random.below(u32::try_from(last + 1).unwrap_or(u32::MAX)) as usize);
    }
    match random.pick(&SEQUENCES).copied().unwrap_or(Sequence::Random) {
        Sequence::Random => {}
        Sequence::LargeFirst => absent.sort_by_key(|one| std::cmp::Reverse(stop(one).load)),
        Sequence::FarFirst => absent.sort_by_key(|one| std::cmp::Reverse(from_depot(one))),
        Sequence::NearFirst => absent.sort_by_key(from_depot),
        Sequence::NarrowWindowFirst => absent.sort_by_key(|one| stop(one).closes() - stop(one).opens()),
        Sequence::EarlyFirst => absent.sort_by_key(|one| stop(one).opens()),
        Sequence::LateFirst => absent.sort_by_key(|one| std::cmp::Reverse(stop(one).closes())),
    }
}
