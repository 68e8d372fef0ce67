//! The day of a tour as the office sees it: who drives, what is known of each stop, and the phones. Never a position.

use chrono::NaiveDate;

use crate::drive::fold::StopState;
use crate::drive::key::DayKey;
use crate::drive::store::{self, keys};
use crate::drive::tour::{self, DriveTour};
use crate::id::{DeliveryId, OrderId, TourId};
use crate::masking::{MaskPolicy, mask};
use crate::plans::model::TourState;
use crate::storage::{Result, Tx};

/// What is known of a stop.
pub(super) struct StopLine {
    pub(super) key: String,
    /// the delivery
    pub(super) delivery_id: DeliveryId,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) class: &'static str,
    pub(super) arrived: String,
    pub(super) ended: String,
    /// where the record comes from
    pub(super) source: &'static str,
    pub(super) note: String,
    pub(super) moved_to: Option<String>,
}

/// A phone with a day key.
pub(super) struct PhoneLine {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) seen: String,
    pub(super) waiting: i64,
    pub(super) rejected: usize,
    pub(super) is_cut_off: bool,
}

impl From<DayKey> for PhoneLine {
    fn from(key: DayKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: format!("{} · {}", key.username, key.description),
            seen: key.seen_at.to_string(),
            waiting: key.waiting,
            rejected: key.rejected.len(),
            is_cut_off: key.revoked_at.is_some(),
        }
    }
}

/// The driver's part of the page of a tour.
pub(super) struct DriverView {
    pub(super) state: TourState,
    pub(super) version: i64,
    pub(super) driver: Option<String>,
    pub(super) helper: Option<String>,
    pub(super) left_at: Option<String>,
    /// members who may drive: identifier and name
    pub(super) drivers: Vec<(String, String)>,
    pub(super) stops: Vec<StopLine>,
    pub(super) ended: usize,
    pub(super) phones: Vec<PhoneLine>,
    /// orders of stops that are no longer planned on the tour
    pub(super) orders: Vec<OrderId>,
}

impl DriverView {
    pub(super) fn load(tx: &mut dyn Tx, tour_id: TourId) -> Result<Option<Self>> {
        let Some(tour) = tour::load(tx, tour_id)? else { return Ok(None) };
        let drivers = if tour.tour.state == TourState::Fixed { store::drivers(tx)? } else { Vec::new() };
        let phones = keys::of_tour(tx, tour_id)?.into_iter().map(PhoneLine::from).collect();
        Ok(Some(Self {
            state: tour.tour.state,
            version: tour.tour.version,
            driver: tour.tour.driver.clone(),
            helper: tour.tour.helper.clone(),
            left_at: tour.tour.left_at.map(|at| at.to_string()),
            drivers: drivers.into_iter().map(|(id, name)| (id.to_string(), name)).collect(),
            ended: tour.ended(),
            orders: tour.order_ids(),
            stops: lines(&tour),
            phones,
        }))
    }

    /// Masks the recipients that are hidden on a tour of `day`.
    pub(super) fn mask(&mut self, masking: &MaskPolicy, day: NaiveDate) {
        for stop in self.stops.iter_mut().filter(|stop| masking.hides(stop.delivery_id, masking.is_due_on(day))) {
            stop.name = mask::name(&stop.name);
            stop.note = mask::memo(&stop.note);
        }
    }

    pub(super) fn is_handed_out(&self) -> bool {
        self.state.is_handed_out()
    }

    pub(super) fn state_label(&self) -> &'static str {
        self.state.label()
    }

    pub(super) fn is(&self, code: &str) -> bool {
        self.state.code() == code
    }
}

fn lines(tour: &DriveTour) -> Vec<StopLine> {
    let clock = |at: Option<crate::time::Moment>| at.map(|at| at.kst().format("%H:%M").to_string()).unwrap_or_default();
    let line = |stop: &tour::DriveStop| StopLine {
        key: stop.key(),
        delivery_id: stop.delivery_id,
        name: stop.name.clone(),
        label: match stop.status.state {
            StopState::Delivered => stop.kind().done_label().to_owned(),
            _ => stop.status.state.label(),
        },
        class: match stop.status.state {
            StopState::Open | StopState::Arrived => "",
            StopState::Delivered => "good",
            StopState::Failed(_) => "danger",
        },
        arrived: clock(stop.status.arrived_at),
        ended: clock(stop.status.ended_at()),
        source: stop.status.ruling.as_ref().map_or("", |event| event.source.label()),
        note: stop.status.details().note,
        moved_to: stop.moved_to.clone(),
    };
    tour.stops.iter().map(line).collect()
}
