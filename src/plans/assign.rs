//! Planning by the route engine: the board as a problem, and the routes as stops.
//!
//! What a new plan may change: the free stops of draft tours, and deliveries that are not planned. Held stops stay on
//! their truck, those held in place stay first in their order, fixed tours stay as they are. The seed and the number of
//! iterations are constants, so the same board gives the same plan.

use std::collections::HashMap;

use super::board::{Board, BoardItem, BoardStop, Column};
use super::model::{ColumnKey, Hold};
use super::schedule::SECONDS_PER_MINUTE;
use crate::id::WorkId;
use crate::routing::engine::{DrivingTimes, MAX_BEGUN_STOPS, Problem, SearchOptions, Stop, Vehicle, solve};
use crate::routing::travel::{Place, Roads, Trips};

/// Iterations of the search for a small day, which it solves as well as with more.
const SMALL_DAY_ITERATIONS: u32 = 20_000;

/// Iterations of the search for a larger day.
const LARGE_DAY_ITERATIONS: u32 = 100_000;

/// Stops of the largest day that gets all of [`LARGE_DAY_ITERATIONS`]. An iteration takes as much longer as there are more
/// stops: beyond, there are fewer of them, and the search takes no longer.
const LARGE_DAY_STOPS: u32 = 200;

/// Stops and unplanned deliveries that are planned at once.
pub const MAX_PLANNED_STOPS: usize = 800;

/// Iterations of the search for a rough plan: enough to see what fits into a day.
const ROUGH_ITERATIONS: u32 = 200;

/// Stops of a small day.
const SMALL_DAY_STOPS: usize = 40;

/// What to plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// all trucks and all deliveries
    Everything,
    /// one truck, with its stops and what is not planned
    Column(ColumnKey),
    /// all trucks with their stops, and these deliveries and jobs, by [`Job::key`](super::model::Job::key)
    Deliveries(Vec<WorkId>),
}

/// A new plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewPlan {
    /// columns with their deliveries in order
    pub columns: Vec<(ColumnKey, Vec<WorkId>)>,
    /// deliveries left out, with the codes of the rules that keep each out
    pub left_out: Vec<(WorkId, Vec<&'static str>)>,
}

/// Why nothing can be planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotPlannable {
    /// the depot of a truck is unknown
    NoDepot,
    /// no truck drives, or all are fixed
    NoTruck,
    /// nothing to plan
    NoDelivery,
    /// more than [`MAX_PLANNED_STOPS`]
    TooMany,
    /// other plans are being computed
    Busy,
}

impl NotPlannable {
    /// Korean sentence.
    pub fn sentence(self) -> String {
        match self {
            Self::NoDepot => "차가 출발하는 곳을 몰라요. 차고지의 우편번호를 먼저 입력해 주세요.".to_owned(),
            Self::NoTruck => "배차할 수 있는 차가 없어요. 쉬는 차와 확정한 차는 빼고 배차해요.".to_owned(),
            Self::NoDelivery => "배차할 배송이 없어요.".to_owned(),
            Self::TooMany => {
                format!("한 번에 {MAX_PLANNED_STOPS}곳까지 계산해요. 미배차에서 그날 갈 배송만 선택해서 배차해 주세요.")
            }
            Self::Busy => "지금 다른 배차를 계산하고 있어요. 잠시 뒤 다시 눌러 주세요.".to_owned(),
        }
    }
}

/// A place of the problem.
struct Candidate<'b> {
    item: &'b BoardItem,
    /// the column that it must stay in
    held: Option<usize>,
}

/// Plans a board. Takes a second of processor time for 60 stops.
///
/// # Errors
/// [`NotPlannable`].
pub fn plan(board: &Board, scope: &Scope) -> Result<NewPlan, NotPlannable> {
    plan_with_iterations(board, scope, iterations)
}

/// The iterations for a number of stops; none: too many.
fn iterations(stops: usize) -> Option<u32> {
    match u32::try_from(stops) {
        Ok(_) if stops <= SMALL_DAY_STOPS => Some(SMALL_DAY_ITERATIONS),
        Ok(count) if stops <= MAX_PLANNED_STOPS => {
            Some(LARGE_DAY_ITERATIONS * LARGE_DAY_STOPS / LARGE_DAY_STOPS.max(count))
        }
        _ => None,
    }
}

/// Plans a board with fewer iterations of the search: a plan that obeys the rules, in a moment. For demo shops.
///
/// # Errors
/// [`NotPlannable`].
pub fn plan_roughly(board: &Board) -> Result<NewPlan, NotPlannable> {
    plan_with_iterations(board, &Scope::Everything, |_| Some(ROUGH_ITERATIONS))
}

/// Plans a board; `iterations` gives the iterations of the search for a number of stops, none if there are too many.
fn plan_with_iterations(
    board: &Board,
    scope: &Scope,
    iterations: impl Fn(usize) -> Option<u32>,
) -> Result<NewPlan, NotPlannable> {
    let columns: Vec<_> = board
        .columns
        .iter()
        .filter(|column| column.is_plannable())
        .filter(|column| !matches!(scope, Scope::Column(key) if *key != column.key()))
        .collect();
    if columns.iter().any(|column| column.depot.is_none()) {
        return Err(NotPlannable::NoDepot);
    }
    if columns.is_empty() {
        return Err(NotPlannable::NoTruck);
    }

    let mut candidates = Vec::new();
    let mut trucks = Vec::new();
    for (number, column) in columns.iter().enumerate() {
        // What is over needs no truck: a new plan leaves it out.
        let open: Vec<&BoardStop> = column.stops.iter().filter(|stop| stop.item.work.is_open()).collect();
        let begun = begun_count(&open);
        let first = candidates.len();
        for stop in open {
            let is_held = stop.stop.hold != Hold::Free || !stop.item.is_plannable();
            candidates.push(Candidate { item: &stop.item, held: is_held.then_some(number) });
        }
        trucks.push(Vehicle {
            day: 0,
            crew: narrow(column.truck.crew),
            capacity: [narrow(column.truck.volume), narrow(column.truck.pieces)],
            start: narrow(column.round.starts_at * SECONDS_PER_MINUTE),
            shift: narrow(column.round.shift_minutes * SECONDS_PER_MINUTE),
            overtime: narrow(column.round.overtime_minutes * SECONDS_PER_MINUTE),
            begin: (first..first + begun).collect(),
            depot: 0,
        });
    }
    let is_chosen = |item: &BoardItem| match scope {
        Scope::Deliveries(ids) => ids.contains(&item.work.key),
        Scope::Everything | Scope::Column(_) => true,
    };
    let pool = board.pool.iter().filter(|item| item.is_plannable() && is_chosen(item));
    candidates.extend(pool.map(|item| Candidate { item, held: None }));
    if candidates.is_empty() {
        return Err(NotPlannable::NoDelivery);
    }
    let rounds = iterations(candidates.len()).ok_or(NotPlannable::TooMany)?;

    let times = times(&board.roads, &columns, &candidates, &mut trucks);
    let problem = Problem::new(stops(&candidates), trucks, times);
    let options = SearchOptions { rounds, ..SearchOptions::default() };
    let solved = solve(&problem, &options);

    let id = |stop: &usize| candidates[*stop].item.work.key;
    let mut routes: Vec<Vec<WorkId>> = solved.routes.iter().map(|route| route.iter().map(id).collect()).collect();
    let mut left_out = Vec::new();
    for (stop, reason) in &solved.unserved {
        match candidates[*stop].held {
            // A held stop is served whatever the rules say: last, where the dispatcher sees the excess.
            Some(column) => routes[column].push(id(stop)),
            None => left_out.push((id(stop), reason.rules().iter().map(|rule| rule.code()).collect())),
        }
    }
    let keys = columns.iter().map(|column| column.key());
    Ok(NewPlan { columns: keys.zip(routes).collect(), left_out })
}

/// Number of stops that stay first: those up to the last one that is held in its place.
fn begun_count(stops: &[&BoardStop]) -> usize {
    let last = stops.iter().rposition(|stop| stop.stop.hold == Hold::Place);
    last.map_or(0, |last| last + 1).min(MAX_BEGUN_STOPS)
}

fn stops(candidates: &[Candidate<'_>]) -> Vec<Stop> {
    let stop = |candidate: &Candidate<'_>| {
        let item = candidate.item;
        let window = item.window();
        Stop {
            service: narrow(item.effort.minutes * SECONDS_PER_MINUTE),
            load: [narrow(item.effort.volume), narrow(item.effort.pieces)],
            collected: [narrow(item.effort.collected_volume), narrow(item.effort.collected_pieces)],
            crew: narrow(item.effort.crew),
            window: window.map(|(from, to)| (narrow(from * SECONDS_PER_MINUTE), narrow(to * SECONDS_PER_MINUTE))),
            trucks: candidate.held.map(|column| vec![column]),
            days: None,
        }
    };
    candidates.iter().map(stop).collect()
}

/// The drives between the depots and the candidates; gives each truck the place of its depot. Place 0 is the depot of the
/// first truck, the others follow the candidates.
fn times(roads: &Roads, columns: &[&Column], candidates: &[Candidate<'_>], trucks: &mut [Vehicle]) -> DrivingTimes {
    let first = columns.first().and_then(|column| column.depot);
    let mut places: Vec<Option<Place>> = vec![first];
    let of_truck = |candidate: &Candidate<'_>| candidate.held.and_then(|column| columns[column].depot);
    places.extend(candidates.iter().map(|one| one.item.place.map(|(place, _)| place).or_else(|| of_truck(one))));
    let stops = places.len();
    for (truck, column) in trucks.iter_mut().zip(columns).filter(|(_, column)| column.depot != first) {
        let known = places[stops..].iter().position(|place| *place == column.depot);
        truck.depot = known.map_or(places.len(), |at| stops + at);
        if known.is_none() {
            places.push(column.depot);
        }
    }
    let trips = Trips { roads, depot: first };
    // Places are few, pairs are many: equal postal codes need no second computation.
    let mut known = HashMap::new();
    let key = |place: Option<Place>| {
        place.map(|Place { point, area }| (point.lat.to_bits(), point.lng.to_bits(), area.unwrap_or_default()))
    };
    let mut seconds = vec![0; places.len() * places.len()];
    for (from, one) in places.iter().enumerate() {
        for (to, other) in places.iter().enumerate() {
            let drive = || narrow(trips.drive(*one, *other).seconds);
            seconds[from * places.len() + to] = *known.entry((key(*one), key(*other))).or_insert_with(drive);
        }
    }
    DrivingTimes::new(places.len(), |from, to| seconds[from * places.len() + to])
}

/// A bounded number as the engine takes it.
fn narrow(number: i64) -> i32 {
    i32::try_from(number.clamp(0, i64::from(crate::routing::engine::MAX_SECONDS))).unwrap_or(i32::MAX)
}

/// The reason in words for the codes of a job's rules.
pub fn reason_label(code: &str) -> &'static str {
    match code {
        "crew" => "필요한 인원이 타는 차가 없거나 꽉 찼어요",
        "day" | "truck" => "갈 수 있는 차가 꽉 찼어요",
        "capacity" => "차에 실을 공간이 없어요",
        "window" => "약속한 시간에 갈 수 있는 차가 없어요",
        "shift" => "근무 시간이 모자라요",
        "cost" => "한 곳을 위해 다녀오기에는 너무 멀어요",
        _ => "배차하지 못했어요",
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::districts::Districts;
    use crate::id::{DeliveryId, OrderId, StopId, TourId, TruckId, WorkId};
    use crate::plans::model::{Job, Tour, TourState};
    use crate::plans::schedule::Schedule;
    use crate::plans::work::tests::{order, work};
    use crate::random::seeded::Random;
    use crate::routing::points::PostalPoints;
    use crate::routing::travel::Point;
    use crate::time::parse_date;
    use crate::trucks::model::Truck;

    const DEPOT: Place = Place { point: Point { lat: 36.019, lng: 128.364 }, area: None };

    const ZIPS: [&str; 8] = ["39100", "39160", "39867", "37683", "41167", "42767", "36700", "38100"];

    fn item(id: i64, zip: &str, minutes: i64, crew: i64) -> BoardItem {
        let districts = Districts::embedded();
        let mut work = work(DeliveryId::from_raw(id), zip);
        work.orders = vec![order(OrderId::from_raw(id), minutes, crew, 1)];
        BoardItem {
            effort: work.effort(None),
            place: PostalPoints::new(&districts).place(zip),
            work,
            job: None,
            not_served: None,
            told: None,
            attempts: Vec::new(),
        }
    }

    fn column(number: i64, crew: i64, stops: Vec<(BoardItem, Hold)>) -> super::super::board::Column {
        let truck_id = TruckId::from_raw(number);
        let truck = Truck { id: truck_id, crew, ..Truck::suggestion(format!("{number}호차")) };
        let round = truck.rounds()[0];
        let tour = Tour {
            id: TourId::from_raw(number),
            column: ColumnKey { truck_id, round: 1 },
            state: TourState::Draft,
            changed_by: None,
            version: 0,
        };
        let stops = stops.into_iter().map(|(item, hold)| {
            let job = Job { id: item.work.key.as_job(), delivery_id: item.work.delivery_id, ..Job::default() };
            let stop =
                crate::plans::model::Stop { id: StopId::from_raw(job.id.raw()), job, hold, basis: String::new() };
            BoardStop { stop, item, changes: Vec::new() }
        });
        super::super::board::Column {
            round,
            truck,
            tour: Some(tour),
            day_off: None,
            depot: Some(DEPOT),
            stops: stops.collect(),
            schedule: Schedule::default(),
        }
    }

    fn board(columns: Vec<super::super::board::Column>, pool: Vec<BoardItem>) -> Board {
        Board {
            day: parse_date("2026-12-01").expect("a date"),
            depot: Some(DEPOT),
            roads: Roads::default(),
            shop_day_off: None,
            columns,
            pool,
            other_days: 0,
            is_truncated: false,
        }
    }

    #[test]
    fn empty_board_is_planned_by_crew_and_time() {
        let pool = (1..=6).map(|id| item(id, ZIPS[usize::try_from(id).expect("an index")], 30, 1 + id % 2)).collect();
        let board = board(vec![column(1, 1, Vec::new()), column(2, 2, Vec::new())], pool);
        let new = plan(&board, &Scope::Everything).expect("plans");
        assert_eq!(plan(&board, &Scope::Everything).as_ref(), Ok(&new), "the same again");
        let mut planned: Vec<WorkId> = new.columns.iter().flat_map(|(_, ids)| ids.clone()).collect();
        planned.sort_unstable();
        assert_eq!((planned, new.left_out), ((1..=6).map(WorkId::from_raw).collect(), Vec::new()));
        assert!(new.columns[0].1.iter().all(|id| id.raw() % 2 == 0), "two people are on the other truck");
    }

    #[test]
    fn delivery_that_does_not_fit_is_left_out_with_its_rule() {
        let pool = vec![item(1, "39100", 30, 2), item(2, "39160", 500, 1), item(3, "39160", 500, 1)];
        let new = plan(&board(vec![column(1, 1, Vec::new())], pool), &Scope::Everything).expect("plans");
        let reasons: HashMap<WorkId, Vec<&str>> = new.left_out.into_iter().collect();
        assert!(reasons.get(&WorkId::from_raw(1)).is_some_and(|codes| codes.contains(&"crew")));
        assert_eq!(reasons.len(), 2);
        assert!(reasons.values().flatten().any(|code| *code == "shift"));
    }

    #[test]
    fn nothing_is_planned_without_depot_truck_or_delivery() {
        let one = || vec![item(1, "39100", 30, 1)];
        let mut nowhere = column(1, 2, Vec::new());
        nowhere.depot = None;
        let without_depot = board(vec![nowhere], one());
        assert_eq!(plan(&without_depot, &Scope::Everything), Err(NotPlannable::NoDepot));
        let mut fixed = column(1, 2, Vec::new());
        fixed.tour = fixed.tour.map(|tour| Tour { state: TourState::Fixed, ..tour });
        assert_eq!(plan(&board(vec![fixed], one()), &Scope::Everything), Err(NotPlannable::NoTruck));
        let nothing = board(vec![column(1, 2, Vec::new())], Vec::new());
        assert_eq!(plan(&nothing, &Scope::Everything), Err(NotPlannable::NoDelivery));
        let chosen = board(vec![column(1, 2, Vec::new())], one());
        assert_eq!(plan(&chosen, &Scope::Deliveries(vec![WorkId::from_raw(9)])), Err(NotPlannable::NoDelivery));
    }

    #[test]
    fn search_of_a_large_day_takes_no_longer_and_has_an_end() {
        assert_eq!([40, 41, 200].map(iterations), [Some(20_000), Some(100_000), Some(100_000)]);
        assert_eq!([400, 800, 801].map(iterations), [Some(50_000), Some(25_000), None]);
        let pool = (0..801).map(|id| item(id, "39160", 30, 1)).collect();
        let board = board(vec![column(1, 2, Vec::new())], pool);
        assert_eq!(plan(&board, &Scope::Everything), Err(NotPlannable::TooMany));
        assert!(NotPlannable::TooMany.sentence().contains("800곳"));
    }

    #[test]
    fn pinned_stops_stay_on_their_truck_and_begun_ones_in_order() {
        let mut random = Random::new(7);
        for round in 0..60 {
            let count = 1 + random.below(6) as usize;
            let mut next = 0;
            let mut stops = |random: &mut Random, count: usize| {
                let stop = |random: &mut Random, next: &mut i64| {
                    *next += 1;
                    let zip = ZIPS[random.below(8) as usize];
                    let minutes = i64::from(20 + random.below(200));
                    let hold = Hold::ALL[random.below(3) as usize];
                    (item(*next, zip, minutes, i64::from(1 + random.below(2))), hold)
                };
                (0..count).map(|_| stop(random, &mut next)).collect::<Vec<_>>()
            };
            let columns = vec![column(1, 1, stops(&mut random, count)), column(2, 2, stops(&mut random, 3))];
            let pool = stops(&mut random, 3).into_iter().map(|(item, _)| item).collect();
            let board = board(columns, pool);
            let new = plan(&board, &Scope::Everything).expect("plans");
            for (column, (_, ids)) in board.columns.iter().zip(&new.columns) {
                let begun = begun_count(&column.stops.iter().collect::<Vec<_>>());
                let before: Vec<WorkId> = column.stops.iter().map(|stop| stop.item.work.key).collect();
                assert_eq!(before[..begun], ids[..begun], "round {round}");
                let held = column.stops.iter().filter(|stop| stop.stop.hold == Hold::Truck);
                for stop in held {
                    assert!(ids.contains(&stop.item.work.key), "round {round}");
                }
            }
        }
    }

    #[test]
    fn delivery_goes_with_the_truck_whose_depot_is_near() {
        let districts = Districts::embedded();
        let place = |zip| PostalPoints::new(&districts).place(zip).map(|(place, _)| place);
        let mut pohang = column(2, 2, Vec::new());
        pohang.depot = place("37683");
        let pool = vec![item(1, "37683", 30, 1), item(2, "39867", 30, 1)];
        let board = board(vec![column(1, 2, Vec::new()), pohang], pool);
        let new = plan(&board, &Scope::Everything).expect("plans");
        let planned: Vec<Vec<WorkId>> = new.columns.into_iter().map(|(_, keys)| keys).collect();
        assert_eq!(planned, [vec![WorkId::from_raw(2)], vec![WorkId::from_raw(1)]], "칠곡 from 칠곡, 포항 from 포항");
    }

    #[test]
    fn one_truck_is_planned_alone() {
        let columns = vec![column(1, 2, vec![(item(1, "39100", 30, 1), Hold::Free)]), column(2, 2, Vec::new())];
        let board = board(columns, vec![item(2, "39160", 30, 1)]);
        let key = ColumnKey { truck_id: TruckId::from_raw(2), round: 1 };
        let new = plan(&board, &Scope::Column(key)).expect("plans");
        assert_eq!(new.columns, [(key, vec![WorkId::from_raw(2)])]);
    }
}
