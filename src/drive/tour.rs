//! A tour as its driver sees it: the stops in order, their goods and what is known of them.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::fold::{StopState, StopStatus, fold};
use super::model::StopEvent;
use super::store::{self, Load, StopRow, TourRow, events};
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::id::{crockford, parse_crockford};
use crate::orders::list::OrderRow;
use crate::orders::model::OrderState;
use crate::plans::store as plans;
use crate::storage::{Result, Tx};
use crate::text::hex;

/// Bytes of the digest of a stop.
const VERSION_BYTES: usize = 8;

/// An order at a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopGoods {
    /// the order
    pub order_id: i64,
    /// product with its labels
    pub product: String,
    /// pieces ordered
    pub quantity: i64,
    /// code of its channel
    pub channel_code: String,
    /// why it must not be delivered: cancelled, or an open cancellation
    pub stop_reason: Option<String>,
    /// pieces on the truck; none before they are ticked
    pub load: Option<Load>,
}

impl StopGoods {
    fn new(row: &OrderRow, load: Option<Load>) -> Self {
        let product = if row.labels.is_empty() {
            row.product_name.clone()
        } else {
            format!("{} [{}]", row.product_name, row.labels.join(", "))
        };
        let order = &row.order;
        let stop_reason = if order.state >= OrderState::Cancelled {
            Some(order.state.label().to_owned())
        } else {
            order.is_held().then(|| order.claim.clone())
        };
        Self {
            order_id: order.id,
            product,
            quantity: order.quantity,
            channel_code: row.channel_code.clone(),
            stop_reason,
            load,
        }
    }
}

/// A stop as its driver sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveStop {
    /// the tour
    pub tour_id: i64,
    /// what is done there
    pub job_id: i64,
    /// the delivery
    pub delivery_id: i64,
    /// 묶음배송번호
    pub bundle_number: String,
    /// name of the recipient
    pub name: String,
    /// telephone numbers; none once the stop has ended
    pub tels: Vec<String>,
    /// road address, for the map
    pub address: String,
    /// detail address
    pub address_detail: String,
    /// first and last minute at which the work may begin
    pub window: Option<(i64, i64)>,
    /// orders that are to be delivered, and those that must not be
    pub goods: Vec<StopGoods>,
    /// what the customer wrote
    pub message: String,
    /// 배송메모 and 팀 메모
    pub memo: String,
    /// digest of what is shown
    pub version: String,
    /// name of the truck that has it now, if the office moved it
    pub moved_to: Option<String>,
    /// what is known
    pub status: StopStatus,
    /// the events
    pub events: Vec<StopEvent>,
}

impl DriveStop {
    /// Tour and job, as in URLs.
    pub fn key(&self) -> String {
        stop_key(self.tour_id, self.job_id)
    }

    /// Whether nothing of it may be delivered.
    pub fn is_stopped(&self) -> bool {
        self.goods.iter().all(|goods| goods.stop_reason.is_some())
    }

    /// Identifiers of its orders.
    pub fn order_ids(&self) -> impl Iterator<Item = i64> {
        self.goods.iter().map(|goods| goods.order_id)
    }

    /// Pieces of an order that are with the customer.
    pub fn accepted(&self, goods: &StopGoods) -> i64 {
        if self.status.state != StopState::Delivered {
            return 0;
        }
        let details = self.status.details();
        let on_board = goods.load.as_ref().and_then(|load| load.loaded).unwrap_or_default();
        match details.accepted.get(&crockford(goods.order_id)) {
            Some(accepted) => *accepted,
            // Of what was not on the truck, nothing was delivered.
            None if details.accepted.is_empty() => on_board,
            None => 0,
        }
    }
}

/// Tour and job as text in URLs.
pub fn stop_key(tour_id: i64, job_id: i64) -> String {
    format!("{}-{}", crockford(tour_id), crockford(job_id))
}

/// Parses [`stop_key`].
pub fn parse_stop_key(text: &str) -> Option<(i64, i64)> {
    let (tour, job) = text.split_once('-')?;
    Some((parse_crockford(tour)?, parse_crockford(job)?))
}

/// A tour with its stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveTour {
    /// the tour
    pub tour: TourRow,
    /// its stops in order; those that the office moved come last
    pub stops: Vec<DriveStop>,
}

impl DriveTour {
    /// Identifiers of all orders.
    pub fn order_ids(&self) -> Vec<i64> {
        self.stops.iter().flat_map(DriveStop::order_ids).collect()
    }

    /// The stop of a job.
    pub fn stop(&self, job_id: i64) -> Option<&DriveStop> {
        self.stops.iter().find(|stop| stop.job_id == job_id)
    }

    /// Stops that have ended.
    pub fn ended(&self) -> usize {
        self.stops.iter().filter(|stop| stop.status.state.is_ended()).count()
    }
}

/// Loads a tour with its stops.
pub fn load(tx: &mut dyn Tx, id: i64) -> Result<Option<DriveTour>> {
    let Some(tour) = store::tour(tx, id)? else { return Ok(None) };
    let mut rows = store::stops(tx, id)?;
    let loads = store::loads(tx, id)?;
    let mut moved = BTreeMap::new();
    let away: Vec<i64> = loads.values().map(|load| load.job_id).collect();
    for job_id in away {
        if rows.iter().any(|row| row.job_id == job_id) || moved.contains_key(&job_id) {
            continue;
        }
        let to = store::live_tour(tx, job_id)?.map_or_else(|| "미배차".to_owned(), |(_, truck)| truck);
        moved.insert(job_id, to);
    }
    let jobs: Vec<i64> = moved.keys().copied().collect();
    for (job_id, delivery_id) in plans::deliveries_of_jobs(tx, &jobs)? {
        rows.push(StopRow { job_id, delivery_id, attempt: 0, window: None });
    }
    let told = plans::told_windows(tx, tour.day, &rows.iter().map(|row| row.job_id).collect::<Vec<_>>())?;
    for row in &mut rows {
        row.window = row.window.or_else(|| told.get(&row.job_id).copied());
    }
    let deliveries: Vec<i64> = rows.iter().map(|row| row.delivery_id).collect();
    let mut found: BTreeMap<i64, DeliveryRow> =
        load_rows(tx, &deliveries)?.into_iter().map(|row| (row.delivery.id, row)).collect();
    let mut events = events::of_tour(tx, id)?;
    let stops = rows.into_iter().filter_map(|row| {
        let delivery = found.remove(&row.delivery_id)?;
        let events = events.remove(&row.job_id).unwrap_or_default();
        Some(stop(&tour, row, &delivery, &loads, (moved.remove(&row.job_id), events)))
    });
    Ok(Some(DriveTour { stops: stops.collect(), tour }))
}

fn stop(
    tour: &TourRow,
    row: StopRow,
    delivery: &DeliveryRow,
    loads: &BTreeMap<i64, Load>,
    (moved_to, events): (Option<String>, Vec<StopEvent>),
) -> DriveStop {
    let recipient = delivery.primary().map(|primary| primary.order.recipient.clone()).unwrap_or_default();
    let status = fold(&events);
    // An order that was cancelled before the tour was handed out is of no interest to the driver.
    let is_shown =
        |listed: &OrderRow| listed.order.state < OrderState::Cancelled || loads.contains_key(&listed.order.id);
    let shown = delivery.orders.iter().map(|order| &order.listed).filter(|listed| is_shown(listed));
    let goods: Vec<StopGoods> =
        shown.map(|listed| StopGoods::new(listed, loads.get(&listed.order.id).cloned())).collect();
    let is_open = !status.state.is_ended() && moved_to.is_none();
    let tels = [&recipient.tel1, &recipient.tel2].into_iter().filter(|tel| !tel.is_empty() && is_open).cloned();
    let memos = delivery.shipping_memos().into_iter().chain([delivery.delivery.memo.as_str()]);
    let mut stop = DriveStop {
        tour_id: tour.id,
        job_id: row.job_id,
        delivery_id: row.delivery_id,
        bundle_number: delivery.delivery.bundle_number.clone(),
        name: recipient.name.clone(),
        tels: tels.collect(),
        address: recipient.address1.clone(),
        address_detail: recipient.address2.clone(),
        window: row.window,
        goods,
        message: delivery.customer_messages().join("\n"),
        memo: memos.filter(|memo| !memo.is_empty()).collect::<Vec<_>>().join("\n"),
        version: String::new(),
        moved_to,
        status,
        events,
    };
    stop.version = digest(&stop, &recipient.zip_code);
    stop
}

/// A digest of what a driver acts on: where, when, what.
fn digest(stop: &DriveStop, zip_code: &str) -> String {
    let goods: Vec<(i64, i64, bool)> =
        stop.goods.iter().map(|goods| (goods.order_id, goods.quantity, goods.stop_reason.is_some())).collect();
    let text = format!(
        "{zip_code}\n{}\n{}\n{:?}\n{goods:?}\n{}",
        stop.address.trim(),
        stop.address_detail.trim(),
        stop.window,
        stop.moved_to.is_some()
    );
    hex(&Sha256::digest(text.as_bytes())[..VERSION_BYTES])
}
