//! Finished days of the own trucks in the demo shop: closed tours whose drivers reported each stop, so that there are values
//! to be learnt.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime};

use super::store;
use crate::drive::model::{EventDetails, EventKind, EventSource, StopEvent};
use crate::drive::store::{self as drive, Load, events};
use crate::id::{DeliveryId, MemberId, StopId};
use crate::plans::model::{ColumnKey, Hold, Job, Stop, TourState};
use crate::plans::store as plans;
use crate::plans::store::works::works;
use crate::plans::work::DeliveryWork;
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::trucks::store as trucks;

/// Finished deliveries that get a tour.
const MAX_DELIVERIES: i64 = 200;

/// Stops of a tour.
const STOPS_PER_TOUR: usize = 7;

/// Minutes between the arrivals at two stops.
const MINUTES_PER_STOP: i64 = 75;

/// What stops take of their planned time, in turns, in hundredths: this shop plans a little too little.
const TAKEN: [i64; 5] = [120, 130, 110, 125, 140];

/// Inserts closed tours of the first truck, driven by the member `driver_id`.
pub(super) fn insert(tx: &mut dyn Tx, driver_id: MemberId) -> Result<()> {
    let Some(truck) = trucks::all(tx)?.into_iter().next() else { return Ok(()) };
    let column = ColumnKey { truck_id: truck.id, round: 1 };
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let today = tx.now().date();
    let mut days = BTreeMap::<NaiveDate, Vec<DeliveryId>>::new();
    for (delivery_id, shipped_at) in store::completed(tx, MAX_DELIVERIES)? {
        let day = shipped_at.date();
        let deliveries = days.entry(day).or_default();
        if day < today && deliveries.len() < STOPS_PER_TOUR {
            deliveries.push(delivery_id);
        }
    }
    let mut number = 0;
    for (day, deliveries) in days.into_iter().filter(|(_, deliveries)| !deliveries.is_empty()) {
        let works = works(tx, &deliveries, &handling)?;
        insert_tour(tx, (day, column), driver_id, &works, &mut number)?;
    }
    Ok(())
}

/// Inserts the closed tour of a day.
fn insert_tour(
    tx: &mut dyn Tx,
    (day, column): (NaiveDate, ColumnKey),
    driver_id: MemberId,
    works: &[DeliveryWork],
    number: &mut u128,
) -> Result<()> {
    let tour_id = plans::insert_tour(tx, day, column, driver_id)?.id;
    let mut jobs: Vec<Job> = works.iter().map(|work| Job { delivery_id: work.delivery_id, ..Job::default() }).collect();
    plans::insert_jobs(tx, &mut jobs)?;
    let stop = |(job, work): (&Job, &DeliveryWork)| Stop {
        id: StopId::UNSTORED,
        job: job.clone(),
        hold: Hold::Free,
        basis: work.basis().to_json(),
    };
    let stops = jobs.iter().zip(works).map(stop).collect();
    plans::replace_stops(tx, &[(tour_id, stops)])?;

    let at = |minute: i64| {
        let begin = Moment::from_kst(day.and_time(NaiveTime::MIN));
        begin.plus_ms(minute * 60 * 1000)
    };
    let mut loads = Vec::new();
    let mut minute = 9 * 60;
    for (job, work) in jobs.iter().zip(works) {
        let orders = work.orders.iter();
        loads.extend(orders.map(|order| Load {
            order_id: order.id,
            job_id: job.id,
            expected: order.quantity,
            loaded: Some(order.quantity),
            reason: String::new(),
        }));
        let taken = TAKEN.into_iter().cycle().nth(usize::try_from(*number).unwrap_or_default()).unwrap_or(100);
        let planned = work.effort(None).minutes.min(MINUTES_PER_STOP);
        let ended = minute + (planned * taken / 100).clamp(2, 2 * MINUTES_PER_STOP);
        for (kind, minute) in [(EventKind::Arrived, minute), (EventKind::Delivered, ended)] {
            *number += 1;
            let event = StopEvent {
                id: format!("{number:032x}"),
                tour_id,
                job_id: job.id,
                key_id: None,
                member_id: driver_id,
                source: EventSource::Page,
                number: i64::try_from(*number).unwrap_or(1),
                happened_at: at(minute),
                clock_offset: 0,
                sent_offset: None,
                received_at: at(minute),
                kind,
                details: EventDetails::default(),
                saw_version: String::new(),
            };
            events::insert(tx, &event)?;
        }
        minute = minute.max(ended) + MINUTES_PER_STOP / 3;
    }
    drive::insert_loads(tx, tour_id, &loads)?;
    drive::save_loads(tx, tour_id, &loads, driver_id)?;
    let Some(mut tour) = drive::tour(tx, tour_id)? else { return Ok(()) };
    tour.state = TourState::Closed;
    tour.driver_id = Some(driver_id);
    tour.left_at = Some(at(8 * 60 + 30));
    tour.closed_at = Some(at(minute));
    drive::save_tour(tx, &tour, driver_id).map(drop)
}
