//! The route of one truck, prepared so that an insertion is judged in constant time.
//!
//! The rest of a route from a stop on is three numbers: reached at `t` it ends at `max(t + span, earliest_end)`, and it
//! keeps all windows and the overtime limit while `t ≤ latest`. Waiting, lateness and overtime of an insertion follow
//! from the three numbers of the next stop.
//!
//! A truck leaves the depot with everything that it delivers and returns with everything that it collects. A stop inserted
//! at a place raises the load before it by what is delivered there, and the load after it by what is collected there, so
//! it fits if the greatest loads on both sides leave that room.

use super::problem::{Problem, Stop, Vehicle};

/// Seconds of overtime cost this much, in driving seconds.
const OVERTIME_COST: i32 = 2;

/// A place on the route: the depot of the truck, a stop, or the depot again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Waypoint {
    place: usize,
    /// driving seconds from the previous place
    leg: i32,
    /// second at which the truck leaves; at the final depot, arrives
    leave: i32,
    /// seconds until the end without waiting
    span: i32,
    /// earliest second of the end, however early this place is reached
    earliest_end: i32,
    /// last second at which this place may be reached
    latest: i32,
    /// likewise, if overtime had no limit
    latest_by_windows: i32,
    /// likewise, if windows did not count
    latest_by_shift: i32,
}

/// Cheapest place for a stop on a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Insertion {
    /// added cost
    pub(super) cost: i32,
    /// the stop becomes this visit
    pub(super) position: usize,
}

/// Rules that a search for an insertion ignores, to find out which one prevents it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct IgnoredRules {
    pub(super) capacity: bool,
    pub(super) window: bool,
    pub(super) shift: bool,
}

/// Free volume and pieces around the leg that leaves a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Room {
    /// on that leg and all before it
    before: [i32; 2],
    /// on that leg and all after it
    after: [i32; 2],
}

/// Route of one truck.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// depot, stops, depot
    visits: Vec<Waypoint>,
    /// by visit but the last; empty if nothing is collected on the day
    rooms: Vec<Room>,
    /// free volume and pieces at the start
    free: [i32; 2],
    overtime: i32,
    /// driving and overtime
    pub(super) cost: i32,
}

impl Clone for Route {
    fn clone(&self) -> Self {
        Self { visits: self.visits.clone(), rooms: self.rooms.clone(), ..*self }
    }

    /// Reuses the allocation: routes are copied in every round.
    fn clone_from(&mut self, source: &Self) {
        self.visits.clone_from(&source.visits);
        self.rooms.clone_from(&source.rooms);
        (self.free, self.overtime, self.cost) = (source.free, source.overtime, source.cost);
    }
}

impl Route {
    /// The route of the stops in this order; the fixed beginning of the truck is part of them.
    pub(super) fn new(problem: &Problem, truck: usize, stops: impl IntoIterator<Item = usize>) -> Self {
        let visit = |place| Waypoint { place, ..Waypoint::default() };
        let depot = problem.trucks[truck].depot;
        let places = [depot].into_iter().chain(stops.into_iter().map(|stop| stop + 1)).chain([depot]);
        let visits = places.map(visit).collect();
        let mut route = Self { visits, rooms: Vec::new(), free: [0; 2], overtime: 0, cost: 0 };
        route.update(problem, &problem.trucks[truck]);
        route
    }

    /// Number of stops.
    pub(super) fn len(&self) -> usize {
        self.visits.len() - 2
    }

    /// Stops in order.
    pub(super) fn stops(&self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        self.visits[1..self.visits.len() - 1].iter().map(|visit| visit.place - 1)
    }

    /// Position of the stop among the stops.
    pub(super) fn position(&self, stop: usize) -> Option<usize> {
        self.stops().position(|other| other == stop)
    }

    /// Inserts a stop.
    pub(super) fn insert(&mut self, problem: &Problem, truck: usize, stop: usize, position: usize) {
        let place = stop + 1;
        self.visits.insert(position, Waypoint { place, ..self.visits[position] });
        self.update(problem, &problem.trucks[truck]);
    }

    /// Removes the stops in `positions` but those in `kept`, and passes each to `removed`.
    pub(super) fn remove(
        &mut self,
        problem: &Problem,
        truck: usize,
        positions: std::ops::Range<usize>,
        kept: &std::ops::Range<usize>,
        removed: &mut impl FnMut(usize),
    ) {
        let mut position = 0;
        self.visits.retain(|visit| {
            let stays = position == 0 || !positions.contains(&(position - 1)) || kept.contains(&(position - 1));
            position += 1;
            if !stays {
                removed(visit.place - 1);
            }
            stays
        });
        self.update(problem, &problem.trucks[truck]);
    }

    /// Whether what is delivered fits besides the load at the start.
    fn has_room(&self, stop: &Stop) -> bool {
        fits(stop.load, self.free)
    }

    /// Whether the stop fits between that visit and the next.
    fn has_room_at(&self, position: usize, stop: &Stop) -> bool {
        self.rooms.get(position).is_none_or(|room| fits(stop.load, room.before) && fits(stop.collected, room.after))
    }

    /// The cheapest insertion that costs less than `limit`. `overlook` is asked for each better one found, and skips it
    /// if it answers true.
    pub(super) fn best_insertion(
        &self,
        problem: &Problem,
        truck: &Vehicle,
        stop: usize,
        limit: i32,
        relaxed: IgnoredRules,
        overlook: &mut impl FnMut() -> bool,
    ) -> Option<Insertion> {
        let asked = &problem.stops[stop];
        let (opens, closes) = if relaxed.window { (0, i32::MAX / 2) } else { (asked.opens(), asked.closes()) };
        if !relaxed.capacity && !self.has_room(asked) {
            return None;
        }
        let (from_stop, to_stop) = (problem.times.from(stop + 1), problem.times.to(stop + 1));
        let regular_end = truck.start + truck.shift;
        let (mut best, mut limit) = (None, limit);
        for (position, pair) in self.visits.windows(2).enumerate().skip(truck.begin.len()) {
            let (before, after) = (&pair[0], &pair[1]);
            if before.leave > closes {
                break;
            }
            if !relaxed.capacity && !self.has_room_at(position, asked) {
                continue;
            }
            let driving = to_stop[before.place] + from_stop[after.place] - after.leg;
            if driving >= limit {
                continue;
            }
            let arrive = before.leave + to_stop[before.place];
            if arrive > closes {
                continue;
            }
            let arrive_after = arrive.max(opens) + asked.service + from_stop[after.place];
            let latest = match (relaxed.window, relaxed.shift) {
                (false, false) => after.latest,
                (false, true) => after.latest_by_windows,
                (true, false) => after.latest_by_shift,
                (true, true) => i32::MAX,
            };
            if arrive_after > latest {
                continue;
            }
            let end = (arrive_after + after.span).max(after.earliest_end);
            let overtime = (end - regular_end).max(0) - self.overtime;
            let cost = driving + OVERTIME_COST * overtime;
            if cost < limit && !overlook() {
                (best, limit) = (Some(Insertion { cost, position: position + 1 }), cost);
            }
        }
        best
    }

    /// Recomputes everything that follows from the sequence of places.
    fn update(&mut self, problem: &Problem, truck: &Vehicle) {
        let mut previous = Waypoint { leave: truck.start, ..self.visits[0] };
        self.visits[0] = previous;
        let (mut driving, mut free) = (0, truck.capacity);
        for visit in &mut self.visits[1..] {
            visit.leg = problem.times.between(previous.place, visit.place);
            visit.leave = previous.leave + visit.leg;
            driving += visit.leg;
            if let Some(stop) = visit.place.checked_sub(1).and_then(|stop| problem.stops.get(stop)) {
                visit.leave = visit.leave.max(stop.opens()) + stop.service;
                free = [free[0] - stop.load[0], free[1] - stop.load[1]];
            }
            previous = *visit;
        }
        let mut next = Waypoint {
            span: 0,
            earliest_end: 0,
            latest: truck.start + truck.shift + truck.overtime,
            latest_by_windows: i32::MAX / 2,
            latest_by_shift: truck.start + truck.shift + truck.overtime,
            ..previous
        };
        let last = self.visits.len() - 1;
        self.visits[last] = next;
        for visit in self.visits[1..last].iter_mut().rev() {
            let stop = &problem.stops[visit.place - 1];
            visit.span = stop.service + next.leg + next.span;
            visit.earliest_end = next.earliest_end.max(stop.opens() + visit.span);
            let rest = stop.service + next.leg;
            visit.latest = stop.closes().min(next.latest - rest);
            visit.latest_by_windows = stop.closes().min(next.latest_by_windows - rest);
            visit.latest_by_shift = next.latest_by_shift - rest;
            next = *visit;
        }
        let end = self.visits[last].leave;
        self.overtime = if last > 1 { (end - truck.start - truck.shift).max(0) } else { 0 };
        self.free = free;
        if problem.has_collections() {
            self.update_rooms(problem, truck);
        }
        self.cost = driving + OVERTIME_COST * self.overtime;
    }

    /// Recomputes the free room of every leg.
    fn update_rooms(&mut self, problem: &Problem, truck: &Vehicle) {
        let stops = || self.visits[1..self.visits.len() - 1].iter().map(|visit| &problem.stops[visit.place - 1]);
        let mut free = self.free;
        let mut least = free;
        self.rooms.clear();
        self.rooms.push(Room { before: least, after: free });
        for stop in stops() {
            free = [0, 1].map(|of| free[of] + stop.load[of] - stop.collected[of]);
            least = [0, 1].map(|of| least[of].min(free[of]));
            self.rooms.push(Room { before: least, after: free });
        }
        let mut least = truck.capacity;
        for room in self.rooms.iter_mut().rev() {
            least = [0, 1].map(|of| least[of].min(room.after[of]));
            room.after = least;
        }
    }
}

/// Whether a load fits into the free room.
const fn fits(load: [i32; 2], free: [i32; 2]) -> bool {
    load[0] <= free[0] && load[1] <= free[1]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::seeded::Random;
    use crate::routing::engine::{DrivingTimes, SearchOptions, solve};

    /// A day of random stops, most of which collect something, and two trucks.
    fn random_day(random: &mut Random) -> Problem {
        let count = 2 + random.below(9) as usize;
        let number = |random: &mut Random, most: u32| i32::try_from(random.below(most + 1)).expect("small");
        let stops = (0..count).map(|_| Stop {
            service: 600,
            load: [number(random, 4), number(random, 2)],
            collected: if random.below(3) == 0 { [0; 2] } else { [number(random, 5), number(random, 2)] },
            crew: 1,
            window: None,
            trucks: None,
            days: None,
        });
        let stops: Vec<Stop> = stops.collect();
        let truck = Vehicle {
            day: 0,
            crew: 1,
            capacity: [9, 5],
            start: 0,
            shift: 36_000,
            overtime: 0,
            begin: Vec::new(),
            depot: 0,
        };
        let seconds: Vec<i32> = (0..(count + 1).pow(2)).map(|_| 60 + number(random, 1_200)).collect();
        let times = DrivingTimes::new(count + 1, |from, to| seconds[from * (count + 1) + to]);
        Problem::new(stops, vec![truck.clone(), truck], times)
    }

    /// Whether the load exceeds the truck nowhere on the route, by loading and unloading stop after stop.
    fn is_within(problem: &Problem, truck: usize, route: &[usize]) -> bool {
        let capacity = problem.trucks[truck].capacity;
        (0..2).all(|of| {
            let mut aboard: i32 = route.iter().map(|stop| problem.stops[*stop].load[of]).sum();
            let mut most = aboard;
            for stop in route {
                aboard += problem.stops[*stop].collected[of] - problem.stops[*stop].load[of];
                most = most.max(aboard);
            }
            most <= capacity[of]
        })
    }

    #[test]
    fn insertion_fits_exactly_where_the_load_stays_within_the_truck() {
        let mut random = Random::new(3);
        for day in 0..300 {
            let problem = random_day(&mut random);
            let mut stops: Vec<usize> = (1..problem.stops.len()).collect();
            while !is_within(&problem, 0, &stops) {
                stops.pop();
            }
            let route = Route::new(&problem, 0, stops.iter().copied());
            for position in 0..=stops.len() {
                let mut with = stops.clone();
                with.insert(position, 0);
                let fits = route.has_room(&problem.stops[0]) && route.has_room_at(position, &problem.stops[0]);
                assert_eq!(fits, is_within(&problem, 0, &with), "day {day}, position {position}");
            }
        }
    }

    #[test]
    fn solved_days_carry_what_they_collect() {
        let mut random = Random::new(5);
        for day in 0..200 {
            let problem = random_day(&mut random);
            let solved = solve(&problem, &SearchOptions { rounds: 300, ..SearchOptions::default() });
            for (truck, route) in solved.routes.iter().enumerate() {
                assert!(is_within(&problem, truck, route), "day {day}");
            }
            let served: usize = solved.routes.iter().map(Vec::len).sum();
            assert_eq!(served + solved.unserved.len(), problem.stops.len());
        }
    }

    #[test]
    fn stop_is_served_by_the_truck_whose_depot_is_near() {
        let stop =
            Stop { service: 600, load: [1, 1], collected: [0; 2], crew: 1, window: None, trucks: None, days: None };
        let truck = |depot| Vehicle {
            day: 0,
            crew: 1,
            capacity: [9, 9],
            start: 0,
            shift: 36_000,
            overtime: 0,
            begin: Vec::new(),
            depot,
        };
        // The places of a road: a depot, two stops, the depot of the second truck.
        let places: [i32; 4] = [0, 1_000, 5_000, 6_000];
        let problem = Problem::new(
            vec![stop.clone(), stop],
            vec![truck(0), truck(3)],
            DrivingTimes::new(4, |from, to| (places[from] - places[to]).abs()),
        );
        let solved = solve(&problem, &SearchOptions { rounds: 100, ..SearchOptions::default() });
        assert_eq!((solved.routes, solved.cost), (vec![vec![0], vec![1]], 4_000));
    }

    #[test]
    fn full_truck_collects_after_it_has_delivered() {
        let stop = |load, collected| Stop {
            service: 600,
            load: [load, 0],
            collected: [collected, 0],
            crew: 1,
            window: None,
            trucks: None,
            days: None,
        };
        let truck = Vehicle {
            day: 0,
            crew: 1,
            capacity: [9, 9],
            start: 0,
            shift: 36_000,
            overtime: 0,
            begin: Vec::new(),
            depot: 0,
        };
        let problem = Problem::new(
            vec![stop(0, 9), stop(9, 0)],
            vec![truck],
            DrivingTimes::new(3, |from, to| if from == to { 0 } else { 600 }),
        );
        let solved = solve(&problem, &SearchOptions { rounds: 100, ..SearchOptions::default() });
        assert_eq!(solved.routes, [vec![1, 0]], "the goods leave before the old ones come");
    }
}
