//! Routes of all trucks, and the stops that are on none.

use super::problem::Problem;
use super::route::Route;

/// Cost of a stop that is left out, in driving seconds.
pub const UNSERVED_COST: i32 = 36_000;

/// Assignment of the stops.
#[derive(Clone, Debug)]
pub(super) struct Solution {
    /// one for each truck
    pub(super) routes: Vec<Route>,
    /// route of each stop
    pub(super) route_of: Vec<Option<usize>>,
    /// stops on no route
    pub(super) absent: Vec<usize>,
    /// driving, overtime and stops left out
    pub(super) cost: i64,
}

impl Solution {
    /// Only the fixed beginnings.
    pub(super) fn empty(problem: &Problem) -> Self {
        let mut route_of = vec![None; problem.stops.len()];
        let mut routes = Vec::with_capacity(problem.trucks.len());
        for (number, truck) in problem.trucks.iter().enumerate() {
            truck.begin.iter().for_each(|stop| route_of[*stop] = Some(number));
            routes.push(Route::new(problem, number, truck.begin.iter().copied()));
        }
        let absent = (0..problem.stops.len()).filter(|stop| route_of[*stop].is_none()).collect();
        let mut solution = Self { routes, route_of, absent, cost: 0 };
        solution.update_cost();
        solution
    }

    pub(super) fn update_cost(&mut self) {
        let unserved = i64::try_from(self.absent.len()).unwrap_or(i64::MAX);
        let driving: i64 = self.routes.iter().map(|route| i64::from(route.cost)).sum();
        self.cost = driving + unserved * i64::from(UNSERVED_COST);
    }

    /// Copies the listed routes, and all that follows from them, of another solution.
    pub(super) fn copy_routes(&mut self, other: &Self, routes: &[usize]) {
        for route in routes {
            self.routes[*route].clone_from(&other.routes[*route]);
        }
        self.route_of.clone_from(&other.route_of);
        self.absent.clone_from(&other.absent);
        self.cost = other.cost;
    }
}
