use super::*;
use crate::plans::work::StopEffort;
use crate::routing::travel::Point;
use crate::time::parse_date;

const DEPOT: Place = Place { point: Point { lat: 36.019, lng: 128.364 }, area: None };

fn day(text: &str) -> NaiveDate {
    parse_date(text).expect("a date")
}

fn stop(lat: f64, minutes: i64) -> PlannedStop {
    let effort = StopEffort { minutes, crew: 2, volume: 100, pieces: 2, ..StopEffort::default() };
    PlannedStop { place: Some(Place { point: Point { lat, lng: 128.364 }, area: None }), effort, window: None }
}

fn round(stops: Vec<PlannedStop>) -> DayRound {
    let truck = Truck::suggestion("1호차".to_owned());
    DayRound {
        round: truck.rounds()[0],
        truck,
        tour_id: None,
        depot: Some(DEPOT),
        stops,
        is_off: false,
        is_fixed: false,
    }
}

fn plan(rounds: Vec<DayRound>) -> DayPlan {
    DayPlan {
        day: day("2026-12-03"),
        shop_day_off: None,
        not_served: None,
        roads: Roads::default(),
        rounds,
        unplanned: Vec::new(),
    }
}

#[test]
fn empty_truck_takes_the_first_delivery_of_a_far_district() {
    let offer = check_day(plan(vec![round(Vec::new())]), &stop(36.6, 30)).expect("an offer");
    assert!(offer.detour_minutes > MAX_DETOUR_MINUTES, "there and back: {}", offer.detour_minutes);
    assert_eq!((offer.truck.as_str(), offer.stops), ("1호차", 1));
    assert!(offer.arrives_at > 510);
    assert_eq!((offer.room.pieces, offer.room.volume), (18, 1_100), "two pieces of 1 m³ are on the truck");
    assert!(offer.room.minutes > 0 && offer.room.minutes < 540 - 2 * 45, "{:?}", offer.room);
}

#[test]
fn factor_of_the_roads_makes_a_detour_longer() {
    let place = |lat, area| Some(Place { point: Point { lat, lng: 128.364 }, area: Some(area) });
    let mut day = plan(vec![round(vec![PlannedStop { place: place(36.15, 1), ..stop(36.15, 30) }])]);
    let new = PlannedStop { place: place(36.2, 2), ..stop(36.2, 30) };
    let plain = check_day(day.clone(), &new).expect("near");
    day.roads = Roads::new([((1, 2), 300)]);
    let refused = check_day(day, &new);
    assert!(
        matches!(refused, Err(DateRefusal::Detour { minutes }) if minutes > plain.detour_minutes),
        "a bay lies between them: {refused:?}"
    );
}

#[test]
fn stop_joins_its_neighbours_and_not_a_far_tour() {
    let near = check_day(plan(vec![round(vec![stop(36.1, 30), stop(36.3, 30)])]), &stop(36.2, 30)).expect("on the way");
    assert!(near.detour_minutes <= 15 && near.stops == 3, "{near:?}");
    let far = check_day(plan(vec![round(vec![stop(36.1, 30)])]), &stop(36.6, 30));
    assert!(matches!(far, Err(DateRefusal::Detour { minutes }) if minutes > MAX_DETOUR_MINUTES), "{far:?}");
}

#[test]
fn day_without_room_or_time_is_full() {
    let day_of_work = (0..6).map(|_| stop(36.1, 80)).collect();
    assert_eq!(check_day(plan(vec![round(day_of_work)]), &stop(36.1, 80)), Err(DateRefusal::Full), "overtime");
    let pieces = (0..10).map(|_| stop(36.1, 5)).collect();
    assert_eq!(check_day(plan(vec![round(pieces)]), &stop(36.1, 5)), Err(DateRefusal::Full), "twenty pieces");
}

#[test]
fn unplanned_deliveries_of_the_day_take_their_room_first() {
    let mut day = plan(vec![round(Vec::new())]);
    day.unplanned = (0..9).map(|_| stop(36.1, 5)).collect();
    assert_eq!(check_day(day.clone(), &stop(36.1, 5)).expect("the tenth").stops, 10);
    day.unplanned.push(stop(36.1, 5));
    assert_eq!(check_day(day, &stop(36.1, 5)), Err(DateRefusal::Full));
}

#[test]
fn window_of_another_customer_is_not_missed() {
    let mut promised = stop(36.3, 30);
    promised.window = Some((540, 600));
    let offer = check_day(plan(vec![round(vec![promised])]), &stop(36.2, 120)).expect("after it");
    assert!(offer.arrives_at > 600, "after the window, though the way there passes it: {offer:?}");
}

#[test]
fn refusals_name_the_rule() {
    let crew = |needed| {
        let mut new = stop(36.1, 30);
        new.effort.crew = needed;
        new
    };
    let off = DayRound { is_off: true, ..round(Vec::new()) };
    let fixed = DayRound { is_fixed: true, ..round(Vec::new()) };
    assert_eq!(check_day(plan(vec![off.clone()]), &crew(2)), Err(DateRefusal::NoTruck));
    assert_eq!(check_day(plan(vec![off, fixed]), &crew(2)), Err(DateRefusal::Fixed));
    assert_eq!(check_day(plan(vec![round(Vec::new())]), &crew(3)), Err(DateRefusal::Crew { needed: 3 }));
    let holiday = DayPlan { shop_day_off: Some("설날".to_owned()), ..plan(vec![round(Vec::new())]) };
    assert_eq!(check_day(holiday, &crew(2)), Err(DateRefusal::DayOff("설날".to_owned())));
    let ferry = DayPlan { not_served: Some(NotServed::Ferry), ..plan(vec![round(Vec::new())]) };
    assert_eq!(check_day(ferry, &crew(2)), Err(DateRefusal::NotServed(NotServed::Ferry)));
    let early = DateRefusal::TooEarly { ready: day("2026-12-07") };
    assert_eq!(early.sentence(), "12월 7일에 물건이 준비돼요");
}

#[test]
fn promise_that_can_no_longer_be_kept_is_named() {
    let (promised, today) = (day("2026-12-03"), day("2026-11-30"));
    let fine = PromiseFacts { preferred_date: Some(promised), has_truck: true, ..PromiseFacts::default() };
    let problem = |change: &dyn Fn(&mut PromiseFacts)| {
        let mut facts = fine.clone();
        change(&mut facts);
        promise_problem(promised, today, facts)
    };
    let other = day("2026-12-04");
    assert_eq!(problem(&|_| ()), None);
    assert_eq!(problem(&|facts| facts.preferred_date = Some(other)), Some(PromiseProblem::MovedTo(other)));
    assert_eq!(problem(&|facts| facts.preferred_date = None), Some(PromiseProblem::DateCleared));
    assert_eq!(problem(&|facts| facts.moved_to = Some(other)), Some(PromiseProblem::MovedTo(other)));
    assert_eq!(problem(&|facts| facts.planned = Some(other)), Some(PromiseProblem::PlannedFor(other)));
    assert_eq!(problem(&|facts| facts.has_truck = false), Some(PromiseProblem::NoTruck));
    assert_eq!(
        problem(&|facts| facts.shop_day_off = Some("임시공휴일".to_owned())),
        Some(PromiseProblem::DayOff("임시공휴일".to_owned()))
    );
    assert_eq!(
        problem(&|facts| facts.not_served = Some(NotServed::Ferry)),
        Some(PromiseProblem::NotServed(NotServed::Ferry))
    );
    let planned = |facts: &mut PromiseFacts| {
        facts.planned = Some(promised);
        facts.not_served = Some(NotServed::Ferry);
    };
    assert_eq!(problem(&planned), None, "a dispatcher planned it all the same");
    assert_eq!(promise_problem(promised, promised, fine.clone()), Some(PromiseProblem::NotPlanned), "today");
    assert_eq!(promise_problem(promised, other, fine), Some(PromiseProblem::Missed));
    assert!(!PromiseProblem::NotPlanned.needs_call() && PromiseProblem::Missed.needs_call());
}

#[test]
fn codes_of_channels_round_trip() {
    assert!(PromiseChannel::ALL.iter().all(|channel| PromiseChannel::from_code(channel.code()) == Some(*channel)));
    assert_eq!(PromiseChannel::from_code("pigeon"), None);
}
