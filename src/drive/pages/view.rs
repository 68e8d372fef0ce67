//! A stop as pages and phones show it.

use serde::Serialize;

use crate::drive::model::EventDetails;
use crate::drive::tour::{DriveStop, DriveTour};
use crate::plans::model::{Attempt, FailureReason, JobKind, Task, window_label};
use crate::web::percent_encode;

/// An order at a stop.
#[derive(Clone, Debug, Serialize)]
pub(super) struct GoodsView {
    pub(super) id: String,
    pub(super) product: String,
    /// pieces on the truck; those ordered before they are ticked; none of an order that joined since
    pub(super) pieces: i64,
    /// why it must not be delivered
    pub(super) stop: Option<String>,
}

/// What is done at a stop besides the delivery.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TaskView {
    /// `회수`
    pub(super) label: &'static str,
    /// what is taken back, or what is to be done
    pub(super) goods: String,
    /// pieces to be taken back
    pub(super) pieces: i64,
    pub(super) note: String,
}

impl TaskView {
    fn new(task: &Task) -> Self {
        Self {
            label: if task.kind == JobKind::Deliver { "나눈 배송" } else { task.kind.label() },
            goods: task.goods.clone(),
            pieces: if task.kind.collects() { task.pieces } else { 0 },
            note: task.note.clone(),
        }
    }
}

/// A stop.
#[derive(Clone, Debug, Serialize)]
pub(super) struct StopView {
    pub(super) key: String,
    pub(super) job: String,
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) tels: Vec<String>,
    pub(super) address: String,
    pub(super) address_detail: String,
    /// map services: name and URL
    pub(super) maps: Vec<(&'static str, String)>,
    pub(super) window: String,
    /// `deliver`, `collect`, `swap`, `service` or `measure`
    pub(super) kind: &'static str,
    /// what is done there, if it is not the delivery itself
    pub(super) task: Option<TaskView>,
    /// what a signature says
    pub(super) signed: &'static str,
    /// what a stop that is done is called
    pub(super) done: &'static str,
    /// `2개 · 회수 1개`
    pub(super) what: String,
    pub(super) goods: Vec<GoodsView>,
    /// products that come on another day
    pub(super) apart: Vec<String>,
    /// attempts that failed before: `11/28 부재`
    pub(super) attempts: Vec<String>,
    /// the card of its building in lines
    pub(super) site: Vec<String>,
    /// code of the entrance, on the day only
    pub(super) entry_code: String,
    pub(super) message: String,
    pub(super) memo: String,
    pub(super) version: String,
    pub(super) moved_to: Option<String>,
    pub(super) is_stopped: bool,
    /// `open`, `arrived`, `delivered`, `failed`
    pub(super) state: &'static str,
    pub(super) label: String,
    /// `10:32`
    pub(super) at: String,
    pub(super) note: String,
}

impl StopView {
    pub(super) fn new(position: usize, stop: &DriveStop) -> Self {
        use crate::drive::fold::StopState;
        let details: EventDetails = stop.status.details();
        let place = percent_encode(stop.address.trim());
        let maps = if stop.address.trim().is_empty() || stop.status.state.is_ended() {
            Vec::new()
        } else {
            vec![
                ("카카오맵", format!("https://map.kakao.com/?q={place}")),
                ("네이버 지도", format!("https://map.naver.com/p/search/{place}")),
            ]
        };
        let goods = stop.goods.iter().map(|goods| GoodsView {
            id: goods.order_id.to_string(),
            product: goods.product.clone(),
            pieces: stop.pieces(goods),
            stop: goods.stop_reason.clone(),
        });
        Self {
            key: stop.key(),
            job: stop.job_id.to_string(),
            position,
            name: stop.name.clone(),
            tels: stop.tels.clone(),
            address: stop.address.clone(),
            address_detail: stop.address_detail.clone(),
            maps,
            window: stop.window.map(window_label).unwrap_or_default(),
            kind: stop.kind().code(),
            task: stop.task.as_ref().map(TaskView::new),
            signed: stop.kind().signed_text(),
            done: stop.kind().done_label(),
            what: what(stop),
            goods: goods.collect(),
            apart: stop.apart.clone(),
            attempts: stop.attempts.iter().map(Attempt::label).collect(),
            site: if stop.status.state.is_ended() { Vec::new() } else { stop.site.lines.clone() },
            entry_code: stop.site.entry_code.clone(),
            message: stop.message.clone(),
            memo: stop.memo.clone(),
            version: stop.version.clone(),
            moved_to: stop.moved_to.clone(),
            is_stopped: stop.is_stopped(),
            state: match stop.status.state {
                StopState::Open => "open",
                StopState::Arrived => "arrived",
                StopState::Delivered => "delivered",
                StopState::Failed(_) => "failed",
            },
            label: match stop.status.state {
                StopState::Delivered => stop.kind().done_label().to_owned(),
                _ => stop.status.state.label(),
            },
            at: stop
                .status
                .ended_at()
                .or(stop.status.arrived_at)
                .map(|at| at.kst().format("%H:%M").to_string())
                .unwrap_or_default(),
            note: details.note,
        }
    }

    pub(super) fn all(tour: &DriveTour) -> Vec<Self> {
        (1..).zip(&tour.stops).map(|(position, stop)| Self::new(position, stop)).collect()
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self.state, "delivered" | "failed")
    }
}

/// Reasons of a failure: code and label.
pub(super) fn reasons() -> Vec<(&'static str, &'static str)> {
    FailureReason::ALL.iter().map(|reason| (reason.code(), reason.label())).collect()
}

/// What is brought and taken, in short: `원목 침대 [퀸] 외 1종 2개 · 회수 1개`, `A/S`.
fn what(stop: &DriveStop) -> String {
    let mut parts = Vec::new();
    if stop.kind().delivers() {
        let brought: Vec<_> = stop.goods.iter().filter(|goods| goods.stop_reason.is_none()).collect();
        let pieces: i64 = brought.iter().map(|goods| stop.pieces(goods)).sum();
        parts.push(match brought[..] {
            [] => format!("{pieces}개"),
            [one] => format!("{} {pieces}개", one.product),
            [first, ref others @ ..] => format!("{} 외 {}종 {pieces}개", first.product, others.len()),
        });
    }
    match &stop.task {
        Some(task) if task.kind.collects() => parts.push(format!("회수 {}개", task.pieces)),
        Some(task) if task.kind != JobKind::Deliver => parts.push(task.kind.label().to_owned()),
        Some(_) | None => {}
    }
    parts.join(" · ")
}
