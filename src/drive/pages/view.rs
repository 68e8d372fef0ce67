//! A stop as pages and phones show it.

use serde::Serialize;

use crate::drive::model::{EventDetails, FailureReason};
use crate::drive::tour::{DriveStop, DriveTour};
use crate::id::crockford;
use crate::plans::model::window_label;
use crate::web::percent_encode;

/// An order at a stop.
#[derive(Clone, Debug, Serialize)]
pub(super) struct GoodsView {
    pub(super) id: String,
    pub(super) product: String,
    /// pieces on the truck; those ordered before they are ticked
    pub(super) pieces: i64,
    /// why it must not be delivered
    pub(super) stop: Option<String>,
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
    pub(super) goods: Vec<GoodsView>,
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
            id: crockford(goods.order_id),
            product: goods.product.clone(),
            pieces: goods.load.as_ref().and_then(|load| load.loaded).unwrap_or(goods.quantity),
            stop: goods.stop_reason.clone(),
        });
        Self {
            key: stop.key(),
            job: crockford(stop.job_id),
            position,
            name: stop.name.clone(),
            tels: stop.tels.clone(),
            address: stop.address.clone(),
            address_detail: stop.address_detail.clone(),
            maps,
            window: stop.window.map(window_label).unwrap_or_default(),
            goods: goods.collect(),
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
            label: stop.status.state.label(),
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

    pub(super) fn pieces(&self) -> i64 {
        self.goods.iter().filter(|goods| goods.stop.is_none()).map(|goods| goods.pieces).sum()
    }

    pub(super) fn is_ended(&self) -> bool {
        matches!(self.state, "delivered" | "failed")
    }
}

/// Reasons of a failure: code and label.
pub(super) fn reasons() -> Vec<(&'static str, &'static str)> {
    FailureReason::ALL.iter().map(|reason| (reason.code(), reason.label())).collect()
}
