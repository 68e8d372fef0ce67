//! The form of a job: day, window, minutes and people; of a job beside the delivery also what is done.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::id::{DeliveryId, Id, JobId, OrderId};
use crate::plans::model::{Job, JobKind, Task, TaskState};
use crate::plans::task::{MAX_GOODS_CHARS, MAX_NOTE_CHARS, MAX_PIECES, MAX_VOLUME};
use crate::text::{find_sensitive, nfkc};
use crate::time::parse_date;
use crate::trucks::form::parse_clock;
use crate::trucks::model::{clock_label, volume_label};

/// Fields with what is wrong with them.
pub(super) type Problems = Vec<(&'static str, &'static str)>;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::plans::pages) struct JobForm {
    /// the button
    pub(super) act: String,
    /// of a new job: the delivery
    pub(super) delivery: String,
    /// code of the kind
    pub(super) kind: String,
    /// chosen orders
    pub(super) order: Vec<String>,
    pub(super) goods: String,
    pub(super) pieces: String,
    /// cubic metres
    pub(super) volume: String,
    /// none: the page does not show it
    pub(super) note: Option<String>,
    pub(super) day: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) minutes: String,
    pub(super) crew: String,
    /// version that the form was made from; empty for a delivery without a job
    pub(super) version: String,
}

impl JobForm {
    pub(super) fn new(job: Option<&Job>) -> Self {
        let Some(job) = job else { return Self::default() };
        let text = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        let clock = |minute: Option<i64>| minute.map(clock_label).unwrap_or_default();
        let (from, to) = job.window.unzip();
        let form = Self {
            day: job.day.map(|day| day.to_string()).unwrap_or_default(),
            from: clock(from),
            to: clock(to),
            minutes: text(job.minutes),
            crew: text(job.crew),
            version: job.version.to_string(),
            ..Self::default()
        };
        match &job.task {
            Some(task) => form.with_task(task),
            None => form,
        }
    }

    /// With what a job beside the delivery is.
    pub(super) fn with_task(self, task: &Task) -> Self {
        Self {
            kind: task.kind.code().to_owned(),
            order: task.orders.iter().map(ToString::to_string).collect(),
            goods: task.goods.clone(),
            pieces: task.pieces.to_string(),
            volume: volume_label(task.volume),
            note: Some(task.note.clone()),
            ..self
        }
    }

    pub(super) fn kind(&self) -> Option<JobKind> {
        JobKind::from_code(&self.kind)
    }

    pub(super) fn note_text(&self) -> &str {
        self.note.as_deref().unwrap_or_default()
    }

    /// The chosen orders, each once.
    pub(super) fn orders(&self) -> Vec<OrderId> {
        let chosen: BTreeSet<OrderId> = self.order.iter().filter_map(|id| Id::parse(id)).collect();
        chosen.into_iter().collect()
    }

    /// The job with the fields of the form, without what is done.
    ///
    /// # Errors
    /// Fields with their messages.
    pub(super) fn job(&self, delivery_id: DeliveryId) -> Result<Job, Problems> {
        let mut problems = Vec::new();
        let mut number = |field, text: &str, max: i64, message| {
            let text = nfkc(text).trim().to_owned();
            let number = text.parse::<i64>().ok().filter(|number| (1..=max).contains(number));
            if !text.is_empty() && number.is_none() {
                problems.push((field, message));
            }
            number
        };
        let minutes = number("minutes", &self.minutes, 600, "1에서 600분 사이로 입력해 주세요.");
        let crew = number("crew", &self.crew, 4, "1에서 4명 사이로 입력해 주세요.");
        let day = parse_date(&self.day);
        if !self.day.trim().is_empty() && day.is_none() {
            problems.push(("day", "날짜를 선택해 주세요."));
        }
        let window = parse_clock(&self.from).zip(parse_clock(&self.to)).filter(|(from, to)| from <= to);
        let is_without_window = self.from.trim().is_empty() && self.to.trim().is_empty();
        if window.is_none() && !is_without_window {
            problems.push(("from", "두 시각을 09:00, 12:00처럼 차례로 입력해 주세요."));
        }
        let version = self.version.parse().unwrap_or_default();
        let job =
            Job { id: JobId::UNSTORED, delivery_id, task: None, day, window, minutes, crew, left_out: None, version };
        if problems.is_empty() { Ok(job) } else { Err(problems) }
    }

    /// What is done, of a job beside the delivery. `stored` is what the form does not show.
    ///
    /// # Errors
    /// Fields with their messages.
    pub(super) fn task(&self, kind: JobKind, stored: Option<&Task>) -> Result<Task, Problems> {
        let mut problems = Vec::new();
        let (mut pieces, mut volume) = (0, 0);
        if kind.collects() {
            let typed = nfkc(&self.pieces).trim().trim_end_matches('개').trim().parse::<i64>().ok();
            match typed.filter(|pieces| (1..=MAX_PIECES).contains(pieces)) {
                Some(typed) => pieces = typed,
                None => problems.push(("pieces", "회수할 수량을 1에서 1000개 사이로 입력해 주세요.")),
            }
            match parse_volume(&self.volume) {
                Some(typed) => volume = typed,
                None => problems.push(("volume", "부피를 m³로, 100까지 입력해 주세요. 예: 1.5")),
            }
        }
        let goods = if kind == JobKind::Deliver { String::new() } else { self.goods.trim().to_owned() };
        if goods.chars().count() > MAX_GOODS_CHARS {
            problems.push(("goods", "200자까지 입력해 주세요."));
        } else if let Some(kind) = find_sensitive(&goods) {
            problems.push(("goods", kind.rejection()));
        } else if goods.is_empty() && kind != JobKind::Deliver {
            problems.push(("goods", "무엇을 가져오거나 하는지 입력해 주세요."));
        }
        let note = match &self.note {
            Some(note) => note.replace("\r\n", "\n").trim().to_owned(),
            None => stored.map(|task| task.note.clone()).unwrap_or_default(),
        };
        if note.chars().count() > MAX_NOTE_CHARS {
            problems.push(("note", "500자까지 입력해 주세요."));
        } else if let Some(kind) = find_sensitive(&note) {
            problems.push(("note", kind.rejection()));
        }
        let orders = stored.map_or_else(|| self.orders(), |task| task.orders.clone());
        let (number, state) = stored.map_or((0, TaskState::Open), |task| (task.number, task.state));
        let task = Task { number, kind, state, goods, pieces, volume, note, orders };
        if problems.is_empty() { Ok(task) } else { Err(problems) }
    }
}

/// Hundredths of a cubic metre of a typed number of cubic metres; nothing typed is nothing.
fn parse_volume(text: &str) -> Option<i64> {
    let text = nfkc(text);
    let text = text.trim().trim_end_matches("m3").trim();
    if text.is_empty() {
        return Some(0);
    }
    let metres: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "at most 10,000")]
    let volume = (0.0..=100.0).contains(&metres).then(|| (metres * 100.0).round() as i64)?;
    Some(volume.min(MAX_VOLUME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_of_a_job_round_trips_and_names_its_mistakes() {
        let job = Job {
            delivery_id: DeliveryId::from_raw(7),
            day: parse_date("2026-12-01"),
            window: Some((540, 720)),
            minutes: Some(90),
            crew: Some(1),
            ..Job::default()
        };
        assert_eq!(JobForm::new(Some(&job)).job(DeliveryId::from_raw(7)), Ok(job));
        let empty = JobForm::default().job(DeliveryId::from_raw(7)).expect("nothing is set");
        assert_eq!((empty.day, empty.window, empty.minutes), (None, None, None));
        let wrong =
            JobForm {
                day: "내일".to_owned(), from: "12:00".to_owned(), minutes: "0".to_owned(), ..JobForm::default()
            };
        let fields: Vec<_> =
            wrong.job(DeliveryId::from_raw(7)).expect_err("mistakes").into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["minutes", "day", "from"]);
    }

    #[test]
    fn form_of_what_is_done_round_trips_and_names_its_mistakes() {
        let task = Task {
            number: 2,
            kind: JobKind::Swap,
            state: TaskState::Open,
            goods: "예시 침대".to_owned(),
            pieces: 2,
            volume: 150,
            note: "3층".to_owned(),
            orders: vec![OrderId::from_raw(1), OrderId::from_raw(2)],
        };
        let form = JobForm::default().with_task(&task);
        assert_eq!(form.volume, "1.5");
        assert_eq!(form.task(JobKind::Swap, Some(&task)), Ok(task.clone()));
        let without_note = JobForm { note: None, ..form.clone() };
        assert_eq!(without_note.task(JobKind::Swap, Some(&task)), Ok(task.clone()), "a masked note stays");
        let new = form.task(JobKind::Collect, None).expect("a new one");
        assert_eq!((new.number, new.orders.as_slice()), (0, &[1, 2].map(OrderId::from_raw)[..]));
        let twice = JobForm { order: form.order.iter().chain(&form.order).cloned().collect(), ..form.clone() };
        assert_eq!(twice.orders(), [1, 2].map(OrderId::from_raw), "an order that is named twice is one order");
        let visit = form.task(JobKind::Measure, None).expect("a visit");
        assert_eq!((visit.pieces, visit.volume), (0, 0));
        let wrong = JobForm { volume: "200".to_owned(), note: Some("가".repeat(501)), ..JobForm::default() };
        let fields = |form: &JobForm, kind| {
            form.task(kind, None).err().unwrap_or_default().into_iter().map(|(field, _)| field).collect::<Vec<_>>()
        };
        assert_eq!(fields(&wrong, JobKind::Collect), ["pieces", "volume", "goods", "note"]);
        assert_eq!(fields(&JobForm::default(), JobKind::Deliver), Vec::<&str>::new());
    }
}
