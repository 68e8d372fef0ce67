//! Quality and processor time of the route engine on published instances.
//!
//! `cargo bench --bench routing -- [--rounds 100000] [days|solomon|x]`
//!
//! - `days`: three days of the shop, five seeds each, against the best known cost;
//! - `solomon`: Solomon's 56 instances with windows; distances have one decimal, as in the DIMACS convention;
//! - `x`: ten instances of CVRPLIB X, without windows.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Parser;
use mukkeum::districts::Districts;
use mukkeum::routing::day::Day;
use mukkeum::routing::engine::{DrivingTimes, MAX_SECONDS, Problem, SearchOptions, Stop, Vehicle, solve};

#[derive(Parser)]
struct Arguments {
    /// Rounds of each search
    #[arg(long, default_value_t = 100_000)]
    rounds: u32,
    /// Passed by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// days, solomon or x; all if none is named
    sets: Vec<String>,
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments = Arguments::parse();
    let is_wanted = |set: &str| arguments.sets.is_empty() || arguments.sets.iter().any(|wanted| wanted == set);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/routing");
    println!("| instance | cost | best known | gap % | left out | seconds |\n| --- | --: | --: | --: | --: | --: |");
    if is_wanted("days") {
        days(&folder.join("days"), arguments.rounds)?;
    }
    if is_wanted("solomon") {
        solomon(&folder.join("solomon"), arguments.rounds)?;
    }
    if is_wanted("x") {
        cvrplib(&folder.join("cvrplib-x"), arguments.rounds)?;
    }
    Ok(())
}

/// Gaps of a set of instances.
#[derive(Default)]
struct Gaps(Vec<f64>);

impl Gaps {
    fn measure(&mut self, name: &str, problem: &Problem, options: &SearchOptions, best: f64, unit: f64) {
        let begin = Instant::now();
        let plan = solve(problem, options);
        let seconds = begin.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let cost = plan.cost as f64 / unit;
        let gap = (cost / best - 1.0) * 100.0;
        println!("| {name} | {cost} | {best} | {gap:.2} | {} | {seconds:.2} |", plan.unserved.len());
        self.0.push(gap);
    }

    fn print(&self, set: &str) {
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let mean = self.0.iter().sum::<f64>() / self.0.len() as f64;
        let worst = self.0.iter().copied().fold(f64::MIN, f64::max);
        println!("| **{set}, mean; worst** | | | **{mean:.2}; {worst:.2}** | | |");
    }
}

fn days(folder: &Path, rounds: u32) -> Outcome {
    let best: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("best.json"))?)?;
    let mut gaps = Gaps::default();
    for name in ["e30", "e60", "e100w"] {
        let day: Day = serde_json::from_slice(&fs::read(folder.join(format!("{name}.json")))?)?;
        let problem = day.problem(&Districts::embedded())?;
        let best = best[name][0].as_f64().ok_or("a best cost")?;
        for seed in 1..=5 {
            let options = SearchOptions { rounds, seed, ..SearchOptions::default() };
            gaps.measure(&format!("{name}, seed {seed}"), &problem, &options, best, 1.0);
        }
    }
    gaps.print("days");
    Ok(())
}

/// Temperatures of the paper, 100 to 1 units of distance.
fn options(rounds: u32, unit: f64) -> SearchOptions {
    SearchOptions { rounds, seed: 1, start_temperature: 100.0 * unit, end_temperature: unit }
}

fn stop(load: i32, service: i32, window: Option<(i32, i32)>) -> Stop {
    Stop { service, load: [load, 0], collected: [0; 2], crew: 1, window, trucks: None, days: None }
}

fn trucks(count: usize, capacity: i32, shift: i32) -> Vec<Vehicle> {
    let truck =
        Vehicle { day: 0, crew: 1, capacity: [capacity, 0], start: 0, shift, overtime: 0, begin: Vec::new(), depot: 0 };
    vec![truck; count]
}

#[expect(clippy::cast_possible_truncation, reason = "coordinates are small")]
fn distances(points: &[(f64, f64)], round: impl Fn(f64) -> f64) -> DrivingTimes {
    let distance = |from: usize, to: usize| (points[from].0 - points[to].0).hypot(points[from].1 - points[to].1);
    DrivingTimes::new(points.len(), |from, to| round(distance(from, to)) as i32)
}

fn numbers<T: std::str::FromStr>(line: &str) -> Vec<T> {
    line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn solomon(folder: &Path, rounds: u32) -> Outcome {
    let best: std::collections::BTreeMap<String, f64> = serde_json::from_slice(&fs::read(folder.join("bks.json"))?)?;
    let mut gaps = Gaps::default();
    for (name, best) in &best {
        let text = fs::read_to_string(folder.join(format!("{name}.txt")))?;
        let rows: Vec<Vec<i32>> = text.lines().map(numbers).collect();
        let fleet = rows.iter().find(|row| row.len() == 2).ok_or("a fleet")?;
        let places: Vec<&Vec<i32>> = rows.iter().filter(|row| row.len() == 7).collect();
        let (depot, customers) = places.split_first().ok_or("a depot")?;
        let tenths = 10;
        let problem = Problem::new(
            customers
                .iter()
                .map(|row| stop(row[3], row[6] * tenths, Some((row[4] * tenths, row[5] * tenths))))
                .collect(),
            trucks(usize::try_from(fleet[0])?, fleet[1], depot[5] * tenths),
            distances(&places.iter().map(|row| (row[1].into(), row[2].into())).collect::<Vec<_>>(), |distance| {
                (distance * f64::from(tenths)).floor()
            }),
        );
        gaps.measure(name, &problem, &options(rounds, tenths.into()), *best, tenths.into());
    }
    gaps.print("Solomon");
    Ok(())
}

fn cvrplib(folder: &Path, rounds: u32) -> Outcome {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Outcome<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "vrp"));
    files.sort();
    let mut gaps = Gaps::default();
    for path in files {
        let name = path.file_stem().and_then(|name| name.to_str()).ok_or("a name")?;
        let (text, solution) = (fs::read_to_string(&path)?, fs::read_to_string(path.with_extension("sol"))?);
        let best = solution.lines().find_map(|line| line.strip_prefix("Cost ")?.trim().parse().ok()).ok_or("a cost")?;
        let capacity = text.lines().find(|line| line.starts_with("CAPACITY")).map(numbers).ok_or("a capacity")?[0];
        let section = |from: &str, to: &str| -> Vec<Vec<i32>> {
            let lines = text.lines().skip_while(|line| !line.starts_with(from)).skip(1);
            lines.take_while(|line| !line.starts_with(to)).map(numbers).collect()
        };
        let points: Vec<(f64, f64)> =
            section("NODE_COORD_SECTION", "DEMAND_SECTION").iter().map(|row| (row[1].into(), row[2].into())).collect();
        let loads = section("DEMAND_SECTION", "DEPOT_SECTION");
        let problem = Problem::new(
            loads.iter().skip(1).map(|row| stop(row[1], 0, None)).collect(),
            // The number of trucks is free in this set; as many as stops, of which only one empty one is tried.
            trucks(loads.len() - 1, capacity, MAX_SECONDS),
            distances(&points, f64::round),
        );
        gaps.measure(name, &problem, &options(rounds, 10.0), best, 1.0);
    }
    gaps.print("CVRPLIB X");
    Ok(())
}
