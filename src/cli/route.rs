//! `mukkeum route`: routes of the shop's own trucks.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use super::{CliError, CommandResult, Outcome};
use crate::districts::Districts;
use crate::routing::day::{Answer, Day};
use crate::routing::engine::{SearchOptions, solve};

#[derive(clap::Subcommand)]
pub(super) enum Route {
    /// 하루의 배송지를 차에 나누고 순서를 정해요. 데이터 폴더를 쓰지 않아요
    Solve(Solve),
}

#[derive(clap::Args)]
pub(super) struct Solve {
    /// 하루의 배송지와 차가 든 JSON 파일
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// 계산 횟수. 많을수록 좋은 경로를 찾아요
    #[arg(long, value_name = "N", default_value_t = SearchOptions::default().rounds)]
    rounds: u32,
    /// 난수의 씨앗. 같은 파일, 같은 횟수, 같은 씨앗이면 언제나 같은 답이에요
    #[arg(long, value_name = "N", default_value_t = SearchOptions::default().seed)]
    seed: u64,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl Route {
    pub(super) fn run(&self) -> CommandResult {
        match self {
            Self::Solve(solve) => solve.run(),
        }
    }
}

impl Solve {
    /// Prints the routes. An answer that leaves stops out is complete: it says which and why.
    fn run(&self) -> CommandResult {
        let at_file = |reason: String| CliError(format!("{}: {reason}", self.file.display()));
        let text = fs::read(&self.file).map_err(|error| at_file(format!("읽지 못했어요: {error}")))?;
        let day: Day =
            serde_json::from_slice(&text).map_err(|error| at_file(format!("하루의 형식이 아니에요: {error}")))?;
        let problem = day.problem(&Districts::embedded()).map_err(|error| at_file(error.to_string()))?;
        let options = SearchOptions { rounds: self.rounds, seed: self.seed, ..SearchOptions::default() };
        let answer = day.answer(&solve(&problem, &options));
        let mut out = io::stdout().lock();
        if self.json {
            serde_json::to_writer(&mut out, &answer).map_err(io::Error::from)?;
            writeln!(out)?;
        } else {
            print(&mut out, &day, &answer)?;
        }
        Ok(Outcome::Complete)
    }
}

fn print(out: &mut impl Write, day: &Day, answer: &Answer) -> io::Result<()> {
    for (truck, route) in day.trucks.iter().zip(&answer.routes) {
        let stops: Vec<String> = route.iter().map(ToString::to_string).collect();
        writeln!(out, "차 {} (날 {}) {}곳: {}", truck.id, truck.day, route.len(), stops.join(" → "))?;
    }
    for stop in &answer.unserved {
        writeln!(out, "배송지 {}: {}", stop.id, stop.reason.sentence())?;
    }
    writeln!(out, "비용 {}", answer.cost)
}
