//! A week at a glance: trucks, stops, minutes and room of each day, planned and left.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::board::rounds;
use super::model::{Tour, TourState};
use super::schedule::{PlannedStop, schedule};
use super::store::promises::{dated_between, tours_between};
use super::store::works::works_of_jobs;
use super::store::{jobs_of, stops_of};
use crate::districts::Districts;
use crate::id::{DeliveryId, TourId};
use crate::routing::points::PostalPoints;
use crate::routing::travel::Trips;
use crate::storage::{Result, Tx};
use crate::trucks::calendar::WorkingCalendar;
use crate::trucks::store as trucks;

/// What is planned on a day, and what its trucks could take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayLoad {
    /// the day
    pub day: NaiveDate,
    /// holiday or day off of the shop
    pub day_off: Option<String>,
    /// trucks that drive
    pub trucks: usize,
    /// tours with stops
    pub tours: usize,
    /// of these, fixed or with a driver
    pub fixed: usize,
    /// planned stops
    pub stops: usize,
    /// deliveries that are wished for the day and not planned
    pub unplanned: usize,
    /// minutes from departure to return, of all tours
    pub minutes: i64,
    /// minutes of the shifts of all trucks
    pub shift: i64,
    /// minutes of overtime
    pub overtime: i64,
    /// hundredths of a cubic metre, and those that fit
    pub volume: (i64, i64),
    /// pieces, and those that fit
    pub pieces: (i64, i64),
}

/// The days of a range.
pub fn loads(tx: &mut dyn Tx, districts: &Districts, (from, to): (NaiveDate, NaiveDate)) -> Result<Vec<DayLoad>> {
    let settings = trucks::settings(tx)?;
    let handling = trucks::handling_table(tx, settings.default_handling)?;
    let calendar = WorkingCalendar::new(trucks::special_days(tx, from, to)?);
    let (roads, points) = (trucks::roads(tx)?, PostalPoints::new(districts));
    let place = |zip: &str| points.place(zip).map(|(place, _)| place);
    let tours = tours_between(tx, from, to)?;
    let ids: Vec<TourId> = tours.iter().map(|(_, tour)| tour.id).collect();
    let stops = stops_of(tx, &ids)?;
    let own: Vec<DeliveryId> =
        stops.values().flatten().filter(|stop| stop.job.task.is_none()).map(|stop| stop.job.delivery_id).collect();
    let others = stops.values().flatten().map(|stop| &stop.job).filter(|job| job.task.is_some());
    let works = works_of_jobs(tx, &own, others, &handling)?;
    let planned: HashMap<TourId, Vec<PlannedStop>> = stops
        .iter()
        .map(|(tour, stops)| {
            let stop = |stop: &super::model::Stop| {
                let work = works.get(&stop.job.key())?;
                let (effort, window) = (work.effort(Some(&stop.job)), stop.job.window);
                Some(PlannedStop { place: place(&work.recipient.zip_code), effort, window })
            };
            (*tour, stops.iter().filter_map(stop).collect())
        })
        .collect();
    let dated = dated_between(tx, from, to)?;
    let jobs = jobs_of(tx, &dated.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
    let is_waiting =
        |id: &DeliveryId| jobs.get(id).is_none_or(|known| known.planned.is_none() && known.job.day.is_none());
    let all_trucks = trucks::all(tx)?;
    let days = from.iter_days().take_while(|day| *day <= to).map(|day| {
        let of_day: Vec<Tour> = tours.iter().filter(|(of, _)| *of == day).map(|(_, tour)| tour.clone()).collect();
        let mut load = DayLoad {
            day,
            day_off: calendar.shop_day_off(day).map(str::to_owned),
            unplanned: dated.iter().filter(|(id, of)| *of == day && is_waiting(id)).count(),
            ..DayLoad::default()
        };
        for truck in &all_trucks {
            let drives = truck.enabled && calendar.day_off(truck, day).is_none();
            load.trucks += usize::from(drives);
            let trips = Trips { roads: &roads, depot: place(truck.depot_zip(&settings.depot_zip)) };
            for round in rounds(truck, &of_day) {
                let is_of = |tour: &&Tour| tour.column.truck_id == truck.id && tour.column.round == round.number;
                let tour = of_day.iter().find(is_of);
                let stops = tour.and_then(|tour| planned.get(&tour.id)).map(Vec::as_slice).unwrap_or_default();
                if drives || !stops.is_empty() {
                    load.shift += round.shift_minutes;
                    load.volume.1 += truck.volume;
                    load.pieces.1 += truck.pieces;
                }
                if stops.is_empty() {
                    continue;
                }
                let times = schedule(&round, trips, stops);
                load.tours += 1;
                load.fixed += usize::from(tour.is_some_and(|tour| tour.state != TourState::Draft));
                load.stops += stops.len();
                load.minutes += times.duration;
                load.overtime += times.overtime;
                load.volume.0 += times.volume;
                load.pieces.0 += times.pieces;
            }
        }
        load
    });
    Ok(days.collect())
}
