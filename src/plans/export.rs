//! A day of plans as data: for other programs, and for the command line.

use serde::Serialize;

use super::board::{Board, Column};
use super::edit::column_name;
use super::model::{Attempt, FailureReason, JobKind, window_label};
use super::work::WorkChange;
use crate::trucks::model::clock_label;

/// The plan of a day. Times are `HH:MM` of that day, volumes hundredths of a cubic metre.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct DayExport {
    /// `YYYY-MM-DD`
    pub day: String,
    /// rounds of trucks that have stops
    pub tours: Vec<TourExport>,
    /// deliveries that are due and not planned
    pub unassigned: Vec<UnassignedExport>,
}

/// One tour.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct TourExport {
    /// name of the truck
    pub truck: String,
    /// 1 or 2
    pub round: i64,
    /// `draft`, `fixed`, `loading`, `out` or `closed`
    pub state: &'static str,
    /// departure from the depot
    pub departs_at: String,
    /// return to the depot
    pub returns_at: String,
    /// minutes
    pub driving_minutes: i64,
    /// minutes
    pub overtime_minutes: i64,
    /// load
    pub volume: i64,
    /// load
    pub pieces: i64,
    /// in order
    pub stops: Vec<StopExport>,
}

/// A stop.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct StopExport {
    /// `deliver`, `collect`, `swap`, `service` or `measure`
    pub kind: &'static str,
    /// 묶음배송번호
    pub delivery_number: String,
    /// 수취인명
    pub recipient_name: String,
    /// 수취인연락처1
    pub recipient_tel1: String,
    /// five digits
    pub recipient_zip_code: String,
    /// road address
    pub recipient_address1: String,
    /// detailed address
    pub recipient_address2: String,
    /// estimated arrival
    pub arrives_at: String,
    /// estimated departure
    pub leaves_at: String,
    /// minutes of waiting for the window
    pub waiting_minutes: i64,
    /// `09:00~12:00`, promised or told to the customer; or nothing
    pub window: Option<String>,
    /// `free`, `truck` or `place`
    pub hold: &'static str,
    /// what has changed since it was planned, in Korean
    pub changes: Vec<String>,
    /// products that are delivered
    pub goods: Vec<String>,
    /// what is taken back, or done there, in words
    pub task: String,
    /// pieces that are taken back
    pub collected_pieces: i64,
    /// products of the same delivery that come on another day
    pub apart: Vec<String>,
    /// attempts that failed before
    pub attempts: Vec<AttemptExport>,
}

/// An attempt that failed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct AttemptExport {
    /// `YYYY-MM-DD`
    pub day: String,
    /// code of the reason, or nothing
    pub reason: Option<&'static str>,
}

impl From<&Attempt> for AttemptExport {
    fn from(attempt: &Attempt) -> Self {
        Self { day: attempt.day.to_string(), reason: attempt.reason.map(FailureReason::code) }
    }
}

/// A delivery that is not planned.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct UnassignedExport {
    /// `deliver`, `collect`, `swap`, `service` or `measure`
    pub kind: &'static str,
    /// 묶음배송번호
    pub delivery_number: String,
    /// codes of rules: `claim`, `ferry`, `weekday`, `no-point`, or those of the route engine
    pub reasons: Vec<String>,
    /// attempts that failed before
    pub attempts: Vec<AttemptExport>,
}

impl From<&Board> for DayExport {
    fn from(board: &Board) -> Self {
        let planned = board.columns.iter().filter(|column| !column.stops.is_empty());
        let unassigned = board.pool.iter().map(|item| UnassignedExport {
            kind: item.work.kind().code(),
            attempts: item.attempts.iter().map(AttemptExport::from).collect(),
            delivery_number: item.work.bundle_number.clone(),
            reasons: item.reason_codes(board.day),
        });
        Self { day: board.day.to_string(), tours: planned.map(tour).collect(), unassigned: unassigned.collect() }
    }
}

fn tour(column: &Column) -> TourExport {
    let stops = column.visits().map(|(stop, visit)| {
        let work = &stop.item.work;
        let recipient = &work.recipient;
        StopExport {
            kind: work.kind().code(),
            delivery_number: stop.item.work.bundle_number.clone(),
            recipient_name: recipient.name.clone(),
            recipient_tel1: recipient.tel1.clone(),
            recipient_zip_code: recipient.zip_code.clone(),
            recipient_address1: recipient.address1.clone(),
            recipient_address2: recipient.address2.clone(),
            arrives_at: clock_label(visit.arrives_at),
            leaves_at: clock_label(visit.leaves_at),
            waiting_minutes: visit.waiting,
            window: stop.item.window().map(window_label),
            hold: stop.stop.hold.code(),
            changes: stop.changes.iter().map(WorkChange::label).collect(),
            goods: work.delivered_goods(),
            task: work.task.as_ref().map(|task| task.goods.clone()).unwrap_or_default(),
            collected_pieces: stop.item.effort.collected_pieces,
            apart: work.apart.clone(),
            attempts: stop.item.attempts.iter().map(AttemptExport::from).collect(),
        }
    });
    TourExport {
        truck: column.truck.name.clone(),
        round: column.round.number,
        state: column.tour.as_ref().map_or("draft", |tour| tour.state.code()),
        departs_at: clock_label(column.round.starts_at),
        returns_at: clock_label(column.schedule.returns_at),
        driving_minutes: column.schedule.driving,
        overtime_minutes: column.schedule.overtime,
        volume: column.schedule.volume,
        pieces: column.schedule.pieces,
        stops: stops.collect(),
    }
}

impl DayExport {
    /// The plan as lines of text.
    pub fn to_text(&self, board: &Board) -> String {
        let mut lines = Vec::new();
        for (tour, column) in self.tours.iter().zip(board.columns.iter().filter(|column| !column.stops.is_empty())) {
            let times = format!("{}~{}", tour.departs_at, tour.returns_at);
            lines.push(format!("{} {times} {}곳", column_name(column), tour.stops.len()));
            for (position, stop) in (1..).zip(&tour.stops) {
                let StopExport { arrives_at, recipient_name, recipient_address1, delivery_number, .. } = stop;
                let kind = JobKind::from_code(stop.kind).filter(|kind| *kind != JobKind::Deliver);
                let kind = kind.map(|kind| format!(" {}", kind.label())).unwrap_or_default();
                lines.push(format!(
                    "  {position}. {arrives_at}{kind} {recipient_name} {recipient_address1} ({delivery_number})"
                ));
            }
        }
        lines.push(format!("미배차 {}곳", self.unassigned.len()));
        lines.join("\n")
    }
}
