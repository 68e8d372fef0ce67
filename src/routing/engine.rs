//! The route engine: ruin and recreate under simulated annealing.
//!
//! Each move removes strings of neighbouring stops and inserts the absent stops at their cheapest places. A worse result
//! is accepted with a probability that falls with the temperature. The cost of a plan is its driving seconds, twice its
//! overtime seconds, and [`UNSERVED_COST`] for each stop left out.
//!
//! The method is SISR by Christiaens and Vanden Berghe (2020), with soft overtime, trucks of several kinds and stops that
//! may be left out. `tests/bench/README.md` compares it with published instances and other solvers.

mod problem;
mod reason;
mod recreate;
mod route;
mod ruin;
mod solution;

pub use self::problem::{DrivingTimes, MAX_BEGUN_STOPS, MAX_SECONDS, MAX_STOPS, Problem, Stop, Vehicle};
pub use self::reason::{Reason, Rule};
pub use self::solution::UNSERVED_COST;

use self::recreate::{AllowedTrucks, recreate};
use self::ruin::{neighbours, ruin};
use self::solution::Solution;
use crate::random::seeded::Random;

/// Moves (ruin, recreate, accept or revert) in a round. Three of them take 15 µs with 60 stops.
const MOVES_PER_ROUND: u32 = 3;

/// Length, randomness and temperatures of a search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SearchOptions {
    /// number of rounds; more rounds find better routes
    pub rounds: u32,
    /// seed of the pseudo-random numbers
    pub seed: u64,
    /// temperature of the first round, in seconds of cost: a sixth of [`UNSERVED_COST`], lower ones get stuck with
    /// stops left out
    pub start_temperature: f64,
    /// temperature of the last round
    pub end_temperature: f64,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self { rounds: 100_000, seed: 1, start_temperature: 6_000.0, end_temperature: 30.0 }
    }
}

/// Result of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// stops of each truck, in order
    pub routes: Vec<Vec<usize>>,
    /// stops left out, with the rule that keeps each out
    pub unserved: Vec<(usize, Reason)>,
    /// driving, overtime and stops left out
    pub cost: i64,
}

/// Finds routes.
pub fn solve(problem: &Problem, options: &SearchOptions) -> Plan {
    let best = search(problem, options);
    let mut absent = best.absent.clone();
    absent.sort_unstable();
    Plan {
        routes: best.routes.iter().map(|route| route.stops().collect()).collect(),
        unserved: absent.into_iter().map(|stop| (stop, reason::reason(problem, &best, stop))).collect(),
        cost: best.cost,
    }
}

fn search(problem: &Problem, options: &SearchOptions) -> Solution {
    let mut random = Random::new(options.seed);
    let (neighbours, allowed) = (neighbours(problem), AllowedTrucks::new(problem));
    let mut current = Solution::empty(problem);
    let mut changed = Vec::with_capacity(problem.trucks.len());
    recreate(problem, &allowed, &mut current, &mut random, &mut changed);
    let (mut candidate, mut best) = (current.clone(), current.clone());

    let mut temperature = options.start_temperature;
    let ratio = options.end_temperature / options.start_temperature;
    let moves = u64::from(options.rounds) * u64::from(MOVES_PER_ROUND);
    let cooling = libm::pow(ratio, 1.0 / (f64::from(options.rounds.max(1)) * f64::from(MOVES_PER_ROUND)));
    for _ in 0..moves {
        changed.clear();
        ruin(problem, &neighbours, &mut candidate, &mut random, &mut changed);
        recreate(problem, &allowed, &mut candidate, &mut random, &mut changed);
        if is_accepted(candidate.cost - current.cost, temperature, &mut random) {
            current.copy_routes(&candidate, &changed);
            if current.cost < best.cost {
                best.clone_from(&current);
            }
        } else {
            candidate.copy_routes(&current, &changed);
        }
        temperature *= cooling;
    }
    best
}

/// Metropolis rule: a worse result is accepted with probability `exp(-worse / temperature)`.
fn is_accepted(worse: i64, temperature: f64, random: &mut Random) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "costs are far below 2^53")]
    let worse = worse as f64;
    worse < -temperature * libm::log(random.fraction().max(f64::MIN_POSITIVE))
}
