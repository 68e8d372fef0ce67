//! A tour as its driver sees it: the stops in order, their goods and what is known of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest, Sha256};

use super::fold::{StopState, StopStatus, fold};
use super::model::{CollectedGoods, StopEvent};
use super::site::{self, StopSite};
use super::store::departures::{self, StopDeparture};
use super::store::{self, Load, StopRow, TourRow, events};
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::id::{DeliveryId, Id, JobId, OrderId, TourId};
use crate::orders::bundle::DeliveryState;
use crate::orders::list::OrderRow;
use crate::orders::model::OrderState;
use crate::plans::model::{Attempt, Job, JobKind, Task, TaskState};
use crate::plans::store::works::divided_orders;
use crate::plans::store::{self as plans, tasks};
use crate::shop::store as shop;
use crate::storage::{Result, Tx};
use crate::text::hex;

/// Bytes of the digest of a stop.
const VERSION_BYTES: usize = 8;

/// An order at a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopGoods {
    /// the order
    pub order_id: OrderId,
    /// product with its labels
    pub product: String,
    /// pieces ordered
    pub quantity: i64,
    /// code of its channel
    pub channel_code: String,
    /// why it must not be delivered: cancelled, or an open cancellation
    pub stop_reason: Option<String>,
    /// whether the order is with the customer already, and nothing else of it is brought
    pub is_delivered: bool,
    /// the line of the loading list; none for an order that joined since
    pub load: Option<Load>,
    /// pieces with which the truck left before, if the office took the tour back since
    pub departed: i64,
}

impl StopGoods {
    fn new(row: &OrderRow, (load, departed): (Option<Load>, i64), task: Option<&Task>) -> Self {
        let product = if row.labels.is_empty() {
            row.product_name.clone()
        } else {
            format!("{} [{}]", row.product_name, row.labels.join(", "))
        };
        let order = &row.order;
        // A swap delivers goods of an order that is over, or has a claim: its own state decides.
        let stop_reason = if let Some(task) = task.filter(|task| task.kind == JobKind::Swap) {
            (task.state == TaskState::Cancelled).then(|| "교환 취소".to_owned())
        } else if order.state >= OrderState::Cancelled {
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
            is_delivered: task.is_none_or(|task| task.kind == JobKind::Deliver)
                && (OrderState::Shipped..OrderState::Cancelled).contains(&order.state),
            load,
            departed,
        }
    }

    /// Pieces that were on the truck. Of what was not, nothing is delivered.
    pub fn on_board(&self) -> i64 {
        let loaded = self.load.as_ref().and_then(|load| load.loaded).unwrap_or_default();
        loaded.max(self.departed)
    }
}

/// A stop as its driver sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveStop {
    /// the tour
    pub tour_id: TourId,
    /// what is done there
    pub job_id: JobId,
    /// the delivery
    pub delivery_id: DeliveryId,
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
    /// what is done there, if it is not the delivery itself
    pub task: Option<Task>,
    /// orders that are to be delivered, and those that must not be
    pub goods: Vec<StopGoods>,
    /// all orders of the delivery, also those of its other jobs
    pub orders: Vec<OrderId>,
    /// products of the same delivery that come on another day
    pub apart: Vec<String>,
    /// attempts that ended before, on other tours
    pub attempts: Vec<Attempt>,
    /// what the customer wrote
    pub message: String,
    /// 배송메모 and 팀 메모
    pub memo: String,
    /// the card of its building
    pub site: StopSite,
    /// digest of what is shown
    pub version: String,
    /// name of the truck that has it now, if the office moved it
    pub moved_to: Option<String>,
    /// whether it is planned on the tour, and was not given up
    pub is_live: bool,
    /// whether the truck has left
    pub is_out: bool,
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

    /// What is done there.
    pub fn kind(&self) -> JobKind {
        self.task.as_ref().map_or(JobKind::Deliver, |task| task.kind)
    }

    /// Whether nothing of it may be done.
    pub fn is_stopped(&self) -> bool {
        self.task.as_ref().is_some_and(|task| task.state == TaskState::Cancelled)
            || self.kind().delivers() && self.goods.iter().all(|goods| goods.stop_reason.is_some())
    }

    /// Identifiers of the orders whose recipient it shows.
    pub fn order_ids(&self) -> impl Iterator<Item = OrderId> {
        self.orders.iter().copied()
    }

    /// The goods that the job says are to be taken back.
    pub fn planned_collection(&self) -> Option<&Task> {
        self.task.as_ref().filter(|task| task.kind.collects())
    }

    /// Goods that were taken back. A report that says nothing of the planned ones means all of them.
    pub fn collected(&self) -> Vec<CollectedGoods> {
        let mut collected = self.status.details().collected;
        let is_done = self.status.state == StopState::Delivered;
        if let Some(task) = self.planned_collection().filter(|_| is_done)
            && !collected.iter().any(|goods| goods.planned)
        {
            let all = CollectedGoods { what: task.goods.clone(), count: task.pieces, planned: true };
            collected.insert(0, all);
        }
        collected
    }

    /// Pieces of an order that are with the customer.
    pub fn accepted(&self, goods: &StopGoods) -> i64 {
        if self.status.state != StopState::Delivered {
            return 0;
        }
        let details = self.status.details();
        match details.accepted.get(&goods.order_id.to_string()) {
            Some(accepted) => (*accepted).min(goods.on_board()),
            None if details.accepted.is_empty() => goods.on_board(),
            None => 0,
        }
    }

    /// Pieces of an order that the driver has, or is to load before he leaves. Of an order that joined since: none.
    pub fn pieces(&self, goods: &StopGoods) -> i64 {
        match &goods.load {
            Some(load) if !self.is_out => load.loaded.unwrap_or(load.expected),
            _ => goods.on_board(),
        }
    }

    /// Whether its goods are to be loaded.
    pub fn is_loadable(&self) -> bool {
        self.is_live && self.task.as_ref().is_none_or(|task| task.state != TaskState::Done)
    }
}

/// Tour and job as text in URLs.
pub fn stop_key(tour_id: TourId, job_id: JobId) -> String {
    format!("{tour_id}-{job_id}")
}

/// Parses [`stop_key`].
pub fn parse_stop_key(text: &str) -> Option<(TourId, JobId)> {
    let (tour, job) = text.split_once('-')?;
    Some((Id::parse(tour)?, Id::parse(job)?))
}

/// A tour with its stops.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriveTour {
    /// the tour
    pub tour: TourRow,
    /// its stops in order; those that the office moved come last
    pub stops: Vec<DriveStop>,
    /// telephone number of the office, which the driver calls, or empty
    pub office_tel: String,
}

impl DriveTour {
    /// Identifiers of all orders.
    pub fn order_ids(&self) -> Vec<OrderId> {
        self.stops.iter().flat_map(DriveStop::order_ids).collect()
    }

    /// The stop of a job.
    pub fn stop(&self, job_id: JobId) -> Option<&DriveStop> {
        self.stops.iter().find(|stop| stop.job_id == job_id)
    }

    /// Stops that have ended.
    pub fn ended(&self) -> usize {
        self.stops.iter().filter(|stop| stop.status.state.is_ended()).count()
    }
}

/// Loads a tour with its stops.
pub fn load(tx: &mut dyn Tx, id: TourId) -> Result<Option<DriveTour>> {
    let Some(tour) = store::tour(tx, id)? else { return Ok(None) };
    let mut rows = store::stops(tx, id)?;
    let loads = store::loads(tx, id)?;
    let mut departures = departures::of_tour(tx, id)?;
    let mut events = events::of_tour(tx, id)?;
    let mut moved = BTreeMap::new();
    // What another driver left with before is shown only if he reported something.
    let left = departures
        .iter()
        .filter(|(job_id, departure)| Some(departure.driver_id) == tour.driver_id || events.contains_key(*job_id));
    let away: Vec<JobId> = loads.values().map(|load| load.job_id).chain(left.map(|(job_id, _)| *job_id)).collect();
    for job_id in away {
        if rows.iter().any(|row| row.job_id == job_id) || moved.contains_key(&job_id) {
            continue;
        }
        moved.insert(job_id, store::live_tour(tx, job_id)?.map(|(_, truck)| truck));
    }
    let ids: Vec<JobId> = rows.iter().map(|row| row.job_id).chain(moved.keys().copied()).collect();
    let jobs: HashMap<JobId, Job> =
        tasks::by_ids(tx, &ids)?.into_iter().map(|planned| (planned.job.id, planned.job)).collect();
    let away = moved.keys().filter_map(|job_id| jobs.get(job_id));
    rows.extend(away.map(|job| StopRow { job_id: job.id, delivery_id: job.delivery_id, attempt: 0, window: None }));
    let told = plans::told_windows(tx, tour.day, &ids)?;
    for row in &mut rows {
        row.window = row.window.or_else(|| told.get(&row.job_id).copied());
    }
    let deliveries: BTreeSet<DeliveryId> = rows.iter().map(|row| row.delivery_id).collect();
    let deliveries: Vec<DeliveryId> = deliveries.into_iter().collect();
    let found: BTreeMap<DeliveryId, DeliveryRow> =
        load_rows(tx, &deliveries)?.into_iter().map(|row| (row.delivery.id, row)).collect();
    let divided = divided_orders(tx, &deliveries)?;
    let mut attempts = plans::attempts(tx, &ids)?;
    let stops = rows.into_iter().filter_map(|row| {
        let delivery = found.get(&row.delivery_id)?;
        let planned = StopContext {
            job: jobs.get(&row.job_id)?,
            divided: divided.get(&row.delivery_id),
            attempts: attempts.remove(&row.job_id).unwrap_or_default(),
            moved_to: moved.remove(&row.job_id).map(|truck| {
                let is_done = delivery.delivery.state == DeliveryState::Completed;
                truck.unwrap_or_else(|| if is_done { "다른 차가 배송함" } else { "미배차" }.to_owned())
            }),
            departure: departures.remove(&row.job_id),
            events: events.remove(&row.job_id).unwrap_or_default(),
        };
        Some(stop(&tour, row, delivery, &loads, planned))
    });
    let mut stops: Vec<DriveStop> = stops.collect();
    site::attach(tx, &mut stops)?;
    Ok(Some(DriveTour { tour, stops, office_tel: shop::tel(tx)? }))
}

/// What is known of a stop besides its delivery.
struct StopContext<'j> {
    job: &'j Job,
    /// orders of the delivery that other jobs deliver
    divided: Option<&'j BTreeSet<OrderId>>,
    attempts: Vec<Attempt>,
    moved_to: Option<String>,
    departure: Option<StopDeparture>,
    events: Vec<StopEvent>,
}

impl StopContext<'_> {
    /// Whether the truck brings the goods of this order there.
    fn brings(&self, order_id: OrderId) -> bool {
        match &self.job.task {
            None => self.divided.is_none_or(|divided| !divided.contains(&order_id)),
            Some(task) => task.kind.delivers() && task.orders.contains(&order_id),
        }
    }
}

fn stop(
    tour: &TourRow,
    row: StopRow,
    delivery: &DeliveryRow,
    loads: &BTreeMap<OrderId, Load>,
    planned: StopContext<'_>,
) -> DriveStop {
    let task = planned.job.task.as_ref();
    let is_delivery = planned.job.kind() == JobKind::Deliver;
    let recipient = delivery.primary().map(|primary| primary.order.recipient.clone()).unwrap_or_default();
    let status = fold(&planned.events);
    // An order that was delivered or cancelled before the tour was handed out is of no interest to the driver.
    let load_of = |id: OrderId| loads.get(&id).filter(|load| load.job_id == row.job_id);
    let departed = |id: OrderId| {
        let loaded = planned.departure.as_ref().and_then(|departure| departure.loaded.get(&id.to_string()));
        loaded.copied().unwrap_or_default()
    };
    let is_shown = |listed: &OrderRow| {
        let id = listed.order.id;
        !is_delivery || listed.order.state < OrderState::Shipped || load_of(id).is_some() || departed(id) > 0
    };
    let orders = || delivery.orders.iter().map(|order| &order.listed);
    let shown = orders().filter(|listed| planned.brings(listed.order.id) && is_shown(listed));
    let line = |id: OrderId| (load_of(id).cloned(), departed(id));
    let goods: Vec<StopGoods> = shown.map(|listed| StopGoods::new(listed, line(listed.order.id), task)).collect();
    let apart = orders()
        .filter(|listed| is_delivery && !planned.brings(listed.order.id) && listed.order.state < OrderState::Cancelled);
    let is_open = !status.state.is_ended() && planned.moved_to.is_none();
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
        task: task.cloned(),
        orders: delivery.order_ids().collect(),
        apart: apart.map(|listed| StopGoods::new(listed, (None, 0), None).product).collect(),
        attempts: planned.attempts.into_iter().filter(|attempt| attempt.tour_id != tour.id).collect(),
        goods,
        message: delivery.customer_messages().join("\n"),
        memo: memos.filter(|memo| !memo.is_empty()).collect::<Vec<_>>().join("\n"),
        site: StopSite::default(),
        version: String::new(),
        is_live: row.attempt == 0 && planned.moved_to.is_none(),
        is_out: tour.left_at.is_some(),
        moved_to: planned.moved_to,
        status,
        events: planned.events,
    };
    stop.version = digest(&stop, &recipient.zip_code);
    stop
}

/// A digest of what a driver acts on: where, when, what.
fn digest(stop: &DriveStop, zip_code: &str) -> String {
    let goods: Vec<(OrderId, i64, bool)> =
        stop.goods.iter().map(|goods| (goods.order_id, goods.quantity, goods.stop_reason.is_some())).collect();
    let task = stop.task.as_ref().map(|task| (task.kind, task.state, &task.goods, task.pieces, &task.note));
    let text = format!(
        "{zip_code}\n{}\n{}\n{:?}\n{goods:?}\n{}\n{task:?}",
        stop.address.trim(),
        stop.address_detail.trim(),
        stop.window,
        stop.moved_to.is_some()
    );
    hex(&Sha256::digest(text.as_bytes())[..VERSION_BYTES])
}
