//! The results of a whole tour as a paper list says them: one line a stop, keyed in their order at the desk.

use chrono::NaiveTime;

use super::hand_in::NewEvent;
use super::model::{EventDetails, EventKind, MAX_NOTE_CHARS};
use super::tour::{DriveStop, DriveTour};
use crate::id::JobId;
use crate::plans::model::FailureReason;
use crate::text::nfkc;
use crate::time::Moment;

/// How a line says that its stop is done.
pub const DONE: &str = "delivered";

/// A line of the form as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PaperLine {
    /// time
    pub at: String,
    /// [`DONE`], the code of a reason, or empty: nothing is recorded
    pub result: String,
    /// note
    pub note: String,
}

impl PaperLine {
    /// The line of a stop in a form.
    pub fn of(pairs: &[(String, String)], stop: &DriveStop) -> Self {
        let job = stop.job_id.to_string();
        let value = |field: &str| {
            let name = format!("{field}-{job}");
            pairs.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value.trim()).to_owned()
        };
        Self { at: value("at"), result: value("result"), note: value("note") }
    }

    /// The line of a stop before anything is typed: done, unless it is known already or must not be delivered.
    pub fn empty(stop: &DriveStop) -> Self {
        let is_asked = !stop.status.state.is_ended() && !stop.is_stopped() && stop.moved_to.is_none();
        Self { result: if is_asked { DONE } else { "" }.to_owned(), ..Self::default() }
    }

    /// Whether nothing was typed into it, and no failure chosen.
    fn is_blank(&self) -> bool {
        self.at.is_empty() && self.note.is_empty() && (self.result.is_empty() || self.result == DONE)
    }
}

/// A line that cannot be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaperProblem {
    /// the job of its stop
    pub job_id: JobId,
    /// whether it is at the result, and not at the time
    pub is_of_result: bool,
    /// what is missing
    pub message: &'static str,
}

/// Parses a time as it is typed: `14:05`, `1405`, `905`.
pub fn parse_time(text: &str) -> Option<NaiveTime> {
    let text = nfkc(text);
    let digits: String = text.trim().chars().filter(|letter| *letter != ':').collect();
    if !(3..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(digits.len() - 2);
    NaiveTime::from_hms_opt(hours.parse().ok()?, minutes.parse().ok()?, 0)
}

/// The events of the lines that say something, in the order of the stops, typed at `now`; `new_id` makes their identifiers. A stop that is
/// known already is recorded again only if its line has a time.
///
/// # Errors
/// Every line that cannot be recorded.
pub fn events(
    tour: &DriveTour,
    lines: &[(JobId, PaperLine)],
    (first_number, now): (i64, Moment),
    mut new_id: impl FnMut() -> String,
) -> Result<Vec<NewEvent>, Vec<PaperProblem>> {
    let (mut events, mut problems) = (Vec::new(), Vec::new());
    for stop in &tour.stops {
        let Some((_, line)) = lines.iter().find(|(job, _)| *job == stop.job_id) else { continue };
        if line.is_blank() {
            continue;
        }
        let mut problem = |is_of_result, message| {
            problems.push(PaperProblem { job_id: stop.job_id, is_of_result, message });
        };
        let reason = FailureReason::from_code(&line.result);
        if reason.is_none() && line.result != DONE {
            problem(true, "결과를 선택해 주세요. 기록하지 않으려면 시각과 메모를 지우세요.");
            continue;
        }
        let Some(time) = parse_time(&line.at) else {
            problem(false, "종이에 적힌 시각을 1405나 14:05처럼 입력해 주세요.");
            continue;
        };
        events.push(NewEvent {
            id: new_id(),
            job_id: stop.job_id,
            number: first_number + i64::try_from(events.len()).unwrap_or_default(),
            happened_at: Moment::from_kst(tour.tour.day.and_time(time)),
            clock_offset: 0,
            contact: now,
            kind: if reason.is_some() { EventKind::Failed } else { EventKind::Delivered },
            details: EventDetails {
                reason,
                note: line.note.chars().take(MAX_NOTE_CHARS).collect(),
                ..EventDetails::default()
            },
            // The paper was printed before anything could change.
            saw_version: String::new(),
        });
    }
    if problems.is_empty() { Ok(events) } else { Err(problems) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_typed_with_and_without_a_colon() {
        let time = |text| parse_time(text).map(|time| time.format("%H:%M").to_string());
        assert_eq!(
            [time("14:05"), time("1405"), time("９０５")].map(Option::unwrap_or_default),
            ["14:05", "14:05", "09:05"]
        );
        for wrong in ["", "14", "2405", "1465", "두 시", "14:05:00"] {
            assert_eq!(time(wrong), None, "{wrong}");
        }
    }
}
