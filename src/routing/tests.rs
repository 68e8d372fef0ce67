//! The engine against a judge that shares no code with it, on published and on random days.

use serde_json::{Value, json};

use super::day::Day;
use super::engine::{Rule, SearchOptions, solve};
use crate::districts::Districts;
use crate::random::seeded::Random;

/// Solves a day; returns the answer as JSON.
fn answer(day: &Value, rounds: u32, seed: u64) -> Value {
    let read: Day = serde_json::from_value(day.clone()).expect("a day");
    let problem = read.problem(&Districts::embedded()).expect("a problem");
    let options = SearchOptions { rounds, seed, ..SearchOptions::default() };
    serde_json::to_value(read.answer(&solve(&problem, &options))).expect("JSON")
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is an integer"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Rules that the judge leaves out for one stop.
#[derive(Clone, Copy, Default)]
struct Waived<'a> {
    stop: i64,
    rules: &'a [&'a str],
}

impl Waived<'_> {
    fn is(&self, stop: i64, rule: &str) -> bool {
        self.stop == stop && self.rules.contains(&rule)
    }

    /// Capacity and shift belong to the truck, windows also to the stops after the waived one.
    fn on_route(&self, route: &[i64], rule: &str) -> bool {
        route.contains(&self.stop) && self.rules.contains(&rule)
    }
}

/// Cost of one truck's route, or the broken rule.
fn judge_route(day: &Value, truck: &Value, route: &[i64], waived: Waived<'_>) -> Result<i64, String> {
    let stops = list(&day["stops"]);
    let place = |id: i64| stops.iter().position(|stop| int(&stop["id"]) == id).expect("a known stop") + 1;
    let seconds = |from: usize, to: usize| int(&day["matrix"][from][to]);
    let (mut now, mut at, mut driving, mut load) = (int(&truck["start"]), 0, 0, [0, 0]);
    for id in route {
        let stop = &stops[place(*id) - 1];
        if int(&stop["crew"]) > int(&truck["crew"]) && !waived.is(*id, "crew") {
            return Err(format!("{id}: crew"));
        }
        if !stop["truck"].is_null() && stop["truck"] != truck["id"] && !waived.is(*id, "truck") {
            return Err(format!("{id}: truck"));
        }
        if stop["days"].is_array() && !list(&stop["days"]).contains(&truck["day"]) && !waived.is(*id, "day") {
            return Err(format!("{id}: day"));
        }
        let leg = seconds(at, place(*id));
        (driving, now, at) = (driving + leg, now + leg, place(*id));
        if stop["window"].is_array() && !waived.is(*id, "window") {
            if now > int(&stop["window"][1]) && !waived.on_route(route, "window") {
                return Err(format!("{id}: window"));
            }
            now = now.max(int(&stop["window"][0]));
        }
        now += int(&stop["service"]);
        load = [load[0] + int(&stop["load"][0]), load[1] + int(&stop["load"][1])];
    }
    let back = seconds(at, 0);
    (driving, now) = (driving + back, now + back);
    let is_too_full = load[0] > int(&truck["cap"][0]) || load[1] > int(&truck["cap"][1]);
    if is_too_full && !waived.on_route(route, "capacity") {
        return Err("capacity".to_owned());
    }
    let overtime = if route.is_empty() { 0 } else { (now - int(&truck["start"]) - int(&truck["shift"])).max(0) };
    if overtime > int(&truck["overtime"]) && !waived.on_route(route, "shift") {
        return Err("shift".to_owned());
    }
    Ok(driving + 2 * overtime)
}

fn routes(answer: &Value) -> Vec<Vec<i64>> {
    list(&answer["routes"]).iter().map(|route| list(route).iter().map(int).collect()).collect()
}

/// Cost of an answer, or the broken rule.
fn judge(day: &Value, answer: &Value) -> Result<i64, String> {
    let (routes, trucks) = (routes(answer), list(&day["trucks"]));
    assert_eq!(routes.len(), trucks.len());
    let mut seen: Vec<i64> = routes.iter().flatten().copied().collect();
    seen.extend(list(&answer["unserved"]).iter().map(|stop| int(&stop["id"])));
    seen.sort_unstable();
    let mut all: Vec<i64> = list(&day["stops"]).iter().map(|stop| int(&stop["id"])).collect();
    all.sort_unstable();
    assert_eq!(seen, all, "each stop is on one route or left out");
    let mut cost = 36_000 * i64::try_from(list(&answer["unserved"]).len()).expect("few");
    for (truck, route) in trucks.iter().zip(&routes) {
        cost += judge_route(day, truck, route, Waived::default())?;
    }
    Ok(cost)
}

/// Whether the stop can be inserted anywhere when these rules are waived.
fn fits(day: &Value, answer: &Value, stop: i64, rules: &[&str]) -> bool {
    let waived = Waived { stop, rules };
    list(&day["trucks"]).iter().zip(routes(answer)).any(|(truck, route)| {
        (0..=route.len()).any(|position| {
            let mut longer = route.clone();
            longer.insert(position, stop);
            judge_route(day, truck, &longer, waived).is_ok()
        })
    })
}

/// A day with every rule, often with more work than the trucks can do.
fn random_day(seed: u64) -> Value {
    let mut random = Random::new(seed);
    let mut number = |min, max| random.between(min, max);
    let (count, truck_count, days) = (number(1, 18), number(1, 4), number(1, 2));
    let places: Vec<_> = (0..=count).map(|_| (number(0, 6_000), number(0, 6_000))).collect();
    let matrix: Vec<Vec<u32>> = places
        .iter()
        .map(|from| places.iter().map(|to| from.0.abs_diff(to.0) + from.1.abs_diff(to.1)).collect())
        .collect();
    let stops: Vec<_> = (1..=count)
        .map(|id| {
            let from = number(30_000, 60_000);
            let window = if number(0, 2) == 0 { json!([from, from + number(0, 14_400)]) } else { Value::Null };
            let truck = if number(0, 5) == 0 { json!(number(1, truck_count)) } else { Value::Null };
            let days = if number(0, 2) == 0 { json!([number(0, days - 1)]) } else { Value::Null };
            json!({
                "id": id, "service": number(300, 3_600), "load": [number(0, 400), number(1, 5)],
                "crew": number(1, 2), "window": window, "truck": truck, "days": days,
            })
        })
        .collect();
    let trucks: Vec<_> = (1..=truck_count)
        .flat_map(|id| (0..days).map(move |day| (id, day)))
        .map(|(id, day)| {
            json!({
                "id": id, "day": day, "crew": number(1, 2), "cap": [number(300, 1_500), number(4, 24)],
                "start": 30_600, "shift": number(10_000, 32_400), "overtime": number(0, 7_200),
            })
        })
        .collect();
    json!({ "name": "random", "stops": stops, "trucks": trucks, "matrix": matrix })
}

/// Random days of the test below: the number in that variable (10,000 for the figures of a release), otherwise 1,000.
fn random_days() -> u64 {
    std::env::var("MUKKEUM_RANDOM_DAYS").ok().and_then(|days| days.parse().ok()).unwrap_or(1_000)
}

#[test]
fn random_days_keep_every_rule_and_reasons_name_the_right_one() {
    for seed in 0..random_days() {
        let day = random_day(seed);
        let answer = answer(&day, 40, seed);
        assert_eq!(judge(&day, &answer), Ok(int(&answer["cost"])), "day {seed}");
        for stop in list(&answer["unserved"]) {
            let (id, reason) = (int(&stop["id"]), stop["reason"].as_str().expect("a text"));
            let rules: Vec<&str> = reason.split('+').collect();
            if rules == [Rule::Cost.code()] {
                continue;
            }
            assert!(fits(&day, &answer, id, &rules), "day {seed}, stop {id}: fits without {reason}");
            for left in &rules {
                let fewer: Vec<&str> = rules.iter().copied().filter(|rule| rule != left).collect();
                assert!(!fits(&day, &answer, id, &fewer), "day {seed}, stop {id}: {left} of {reason} matters");
            }
        }
    }
}

#[test]
fn published_days_are_solved_close_to_the_best_known() {
    let days = [
        ("e30", include_str!("../../tests/bench/routing/days/e30.json")),
        ("e60", include_str!("../../tests/bench/routing/days/e60.json")),
        ("e100w", include_str!("../../tests/bench/routing/days/e100w.json")),
    ];
    let best: Value =
        serde_json::from_str(include_str!("../../tests/bench/routing/days/best.json")).expect("the best known");
    for (name, text) in days {
        let day: Value = serde_json::from_str(text).expect("a day");
        let answer = answer(&day, 2_000, 1);
        let cost = judge(&day, &answer).expect("every rule is kept");
        // 2,000 rounds, so that the test is quick; the benchmark has the figures of 100,000.
        assert!(cost * 100 <= int(&best[name][0]) * 160, "{name}: {cost}");
    }
}

#[test]
fn equal_input_gives_equal_bytes() {
    let day: Value = serde_json::from_str(include_str!("../../tests/bench/routing/days/e30.json")).expect("a day");
    let first = answer(&day, 500, 7);
    assert_eq!(first, answer(&day, 500, 7));
    assert_ne!(first["routes"], answer(&day, 500, 8)["routes"], "the seed matters");
    assert_eq!(first["cost"], 51_630, "the same on every platform");
}

#[test]
fn stops_already_begun_stay_first() {
    for seed in 0..300 {
        let mut day = random_day(seed);
        let mut ids: Vec<i64> = list(&day["stops"]).iter().map(|stop| int(&stop["id"])).collect();
        for truck in day["trucks"].as_array_mut().expect("trucks") {
            let begin: Vec<i64> = ids.drain(..ids.len().min(2)).collect();
            truck["begin"] = json!(begin);
        }
        let answer = answer(&day, 30, seed);
        for (truck, route) in list(&day["trucks"]).iter().zip(routes(&answer)) {
            let begin: Vec<i64> = list(&truck["begin"]).iter().map(int).collect();
            assert!(route.starts_with(&begin), "day {seed}: {route:?} begins with {begin:?}");
        }
    }
}

#[test]
fn driving_times_are_estimated_without_a_matrix() {
    let stop = |id: u32, zip: &str| json!({ "id": id, "zip": zip, "service": 900, "load": [1, 1], "crew": 1 });
    let truck = json!({ "id": "1호차", "crew": 1, "cap": [9, 9], "start": 0, "shift": 32_400, "overtime": 0 });
    let day = json!({ "depot": [36.019, 128.364], "stops": [stop(1, "42042"), stop(2, "39627")], "trucks": [truck] });
    let answer = answer(&day, 10, 1);
    assert_eq!(list(&answer["routes"][0]).len(), 2);
    assert!((6_000..12_000).contains(&int(&answer["cost"])), "{answer}");
}

#[test]
fn mistakes_in_a_day_are_explained() {
    let truck = json!({ "id": 1, "crew": 1, "cap": [9, 9], "start": 0, "shift": 9, "overtime": 0 });
    let stop = json!({ "id": 1, "service": 900, "load": [1, 1], "crew": 1 });
    let with = |stop: Value, matrix: Value| json!({ "stops": [stop], "trucks": [truck], "matrix": matrix });
    let changed = |field: &str, value: Value| {
        let mut stop = stop.clone();
        stop[field] = value;
        with(stop, json!([[0, 1], [1, 0]]))
    };
    let wrong = [
        (with(stop.clone(), json!([[0]])), "2행 2열"),
        (with(stop.clone(), Value::Null), "matrix나 depot"),
        (changed("service", json!(-1)), "service"),
        (changed("load", json!([1, 2_000_000])), "load"),
        (changed("window", json!([5, 4])), "시간대"),
    ];
    for (day, expected) in wrong {
        let day: Day = serde_json::from_value(day).expect("a day");
        let error = day.problem(&Districts::embedded()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn stop_of_an_absent_truck_is_left_out_and_the_others_are_planned() {
    let truck = json!({ "id": 1, "crew": 1, "cap": [9, 9], "start": 0, "shift": 9_000, "overtime": 0 });
    let stop = |id, truck: Value| json!({ "id": id, "service": 900, "load": [1, 1], "crew": 1, "truck": truck });
    let matrix = json!([[0, 60, 60], [60, 0, 60], [60, 60, 0]]);
    let day = json!({ "stops": [stop(1, json!(9)), stop(2, json!(1))], "trucks": [truck], "matrix": matrix });
    let answer = answer(&day, 10, 1);
    assert_eq!((&answer["routes"], &answer["unserved"]), (&json!([[2]]), &json!([{ "id": 1, "reason": "truck" }])));
}

#[test]
fn windows_and_shifts_may_pass_midnight() {
    let stop = json!({ "id": "밤", "service": 900, "load": [1, 1], "crew": 1, "window": [90_000, 93_600] });
    let late = json!({ "id": "새벽", "service": 900, "load": [1, 1], "crew": 1 });
    let truck = json!({
        "id": 1, "crew": 1, "cap": [9, 9], "start": 999_000, "shift": 36_000, "overtime": 0, "begin": ["밤"],
    });
    let matrix = json!([[0, 60, 60], [60, 0, 60], [60, 60, 0]]);
    let day = json!({ "stops": [stop, late], "trucks": [truck], "matrix": matrix });
    let answer = answer(&day, 10, 1);
    assert_eq!(answer["routes"], json!([["밤", "새벽"]]), "a stop without a window has no last moment");
}

#[test]
fn days_without_stops_or_trucks_have_an_answer() {
    let stop = json!({ "id": 1, "service": 900, "load": [1, 1], "crew": 1 });
    let truck = json!({ "id": 1, "crew": 1, "cap": [9, 9], "start": 0, "shift": 9, "overtime": 0 });
    let empty = answer(&json!({ "stops": [], "trucks": [truck], "matrix": [[0]] }), 10, 1);
    assert_eq!(empty, json!({ "routes": [[]], "unserved": [], "cost": 0 }));
    let nobody = answer(&json!({ "stops": [stop], "trucks": [], "matrix": [[0, 1], [1, 0]] }), 10, 1);
    assert_eq!(nobody["unserved"], json!([{ "id": 1, "reason": "truck" }]));
}
