//! SQL of the stops and drives of closed tours.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};

use super::model::{LearntMinutes, ObservedLine, ObservedStop, learn};
use super::roads::{LearntFactor, ObservedTour, ObservedVisit, learn_roads};
use crate::districts::Districts;
use crate::drive::fold::{StopState, fold};
use crate::drive::store::{self as drive, events};
use crate::id::{JobId, TourId, TruckId};
use crate::plans::model::TourState;
use crate::routing::points::PostalPoints;
use crate::sites::address::{building, floor_of};
use crate::sites::store as sites;
use crate::storage::{Result, Tx};
use crate::trucks::handling::HandlingTable;
use crate::trucks::store as trucks;

/// Days that values are learnt from: three months, as goods and houses change.
pub const LEARNT_DAYS: u64 = 90;

/// Tours that values are learnt from, the newest.
const MAX_TOURS: usize = 400;

/// The closed tours of the last months.
fn closed_tours(tx: &mut dyn Tx, today: NaiveDate) -> Result<Vec<TourId>> {
    let first = today - Days::new(LEARNT_DAYS);
    let sql = format!("SELECT id FROM tours WHERE day >= ? AND state = ? ORDER BY day DESC LIMIT {MAX_TOURS}");
    tx.query(&sql, &[first.into(), TourState::Closed.code().into()])?.iter().map(|row| row.id(0)).collect()
}

/// What a stop brought.
#[derive(Default)]
struct StopLoad {
    lines: Vec<ObservedLine>,
    address: (String, String),
}

/// What these tours brought, by tour and job. Nothing of it says who drove.
fn loads(tx: &mut dyn Tx, tours: &[TourId], handling: &HandlingTable) -> Result<BTreeMap<(TourId, JobId), StopLoad>> {
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| {
        format!(
            "SELECT l.tour_id, l.job_id, o.product_id, o.options, l.loaded, o.recipient_address1, o.recipient_address2 \
             FROM loads l JOIN jobs j ON j.id = l.job_id AND j.kind = 'deliver' \
             CROSS JOIN orders o {by_id} ON o.id = l.order_id WHERE l.loaded > 0 AND l.tour_id IN ({ids})"
        )
    };
    let mut loads = BTreeMap::<(TourId, JobId), StopLoad>::new();
    tx.for_ids(tours, &[], sql, &mut |mut row| {
        let product_id = row.id(2)?;
        let options: Vec<(String, String)> = row.json(3, "orders.options")?;
        let pairs = options.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        let minutes = handling.effort(product_id, pairs).handling.minutes;
        let load = loads.entry((row.id(0)?, row.id(1)?)).or_default();
        load.lines.push(ObservedLine { product_id, pieces: row.int(4)?, minutes });
        load.address = (row.text(5)?, row.text(6)?);
        Ok(())
    })?;
    Ok(loads)
}

/// The stops of closed tours whose goods were handed over as a whole, by tour.
fn observed(tx: &mut dyn Tx, handling: &HandlingTable) -> Result<Vec<Vec<ObservedStop>>> {
    let today = tx.now().date();
    let tours = closed_tours(tx, today)?;
    let mut loads = loads(tx, &tours, handling)?;
    let building_of = |load: &StopLoad| building(&load.address.0, &load.address.1);
    let keys: Vec<_> = loads.values().filter_map(building_of).collect();
    let (cards, rates) = (sites::of_buildings(tx, &keys)?, sites::rates(tx)?);
    let mut observed = Vec::with_capacity(tours.len());
    for tour_id in tours {
        let mut stops = Vec::new();
        for (job_id, events) in events::of_tour(tx, tour_id)? {
            let status = fold(&events);
            let is_whole = status.state == StopState::Delivered && status.details().accepted.is_empty();
            let times = status.arrived_at.zip(status.ended_at());
            let (Some((arrived_at, ended_at)), Some(load)) = (times, loads.remove(&(tour_id, job_id))) else {
                continue;
            };
            if !is_whole {
                continue;
            }
            let pieces: i64 = load.lines.iter().map(|line| line.pieces).sum();
            let card = building_of(&load).and_then(|key| cards.get(&key));
            let site_minutes = card.map_or(0, |card| {
                let floor = floor_of(&load.address.1).or_else(|| floor_of(&load.address.0));
                let effort = card.facts.effort(floor, &rates);
                effort.minutes + effort.minutes_per_piece * pieces
            });
            stops.push(ObservedStop { lines: load.lines, site_minutes, arrived_at, ended_at });
        }
        observed.push(stops);
    }
    Ok(observed)
}

/// Postal codes of the doors of these jobs.
fn zips(tx: &mut dyn Tx, jobs: &[JobId]) -> Result<BTreeMap<JobId, String>> {
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |ids: &str| {
        format!(
            "SELECT j.id, o.recipient_zip_code FROM jobs j CROSS JOIN orders o {by_delivery} \
             ON o.delivery_id = j.delivery_id WHERE j.id IN ({ids})"
        )
    };
    let mut zips = BTreeMap::new();
    tx.for_ids(jobs, &[], sql, &mut |mut row| {
        zips.insert(row.id(0)?, row.text(1)?);
        Ok(())
    })?;
    Ok(zips)
}

/// The drives of closed tours. Nothing of them says who drove.
fn observed_tours(tx: &mut dyn Tx, districts: &Districts) -> Result<Vec<ObservedTour>> {
    let today = tx.now().date();
    let (settings, points) = (trucks::settings(tx)?, PostalPoints::new(districts));
    let depots: BTreeMap<TruckId, String> =
        trucks::all(tx)?.iter().map(|truck| (truck.id, truck.depot_zip(&settings.depot_zip).to_owned())).collect();
    let place = |zip: &str| points.place(zip).map(|(place, _)| place);
    let mut tours = Vec::new();
    for id in closed_tours(tx, today)? {
        let Some(tour) = drive::tour(tx, id)? else { continue };
        let events = events::of_tour(tx, id)?;
        let zips = zips(tx, &events.keys().copied().collect::<Vec<_>>())?;
        let visits = events.iter().filter_map(|(job, events)| {
            let status = fold(events);
            Some(ObservedVisit {
                place: zips.get(job).and_then(|zip| place(zip)),
                arrived_at: status.arrived_at,
                ended_at: status.ended_at()?,
            })
        });
        tours.push(ObservedTour {
            depot: depots.get(&tour.column.truck_id).and_then(|zip| place(zip)),
            left_at: tour.left_at,
            visits: visits.collect(),
        });
    }
    Ok(tours)
}

/// The factors of the roads by the finished days.
pub fn learnt_factors(tx: &mut dyn Tx, districts: &Districts) -> Result<Vec<LearntFactor>> {
    let tours = observed_tours(tx, districts)?;
    Ok(learn_roads(&tours, &trucks::roads(tx)?))
}

/// The minutes of products by the finished days, and the number of tours that they were learnt from.
pub fn learnt_minutes(tx: &mut dyn Tx) -> Result<(Vec<LearntMinutes>, usize)> {
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let tours = observed(tx, &handling)?;
    let present = |product_id| handling.effort(product_id, []).handling.minutes;
    Ok((learn(&tours, present), tours.len()))
}
