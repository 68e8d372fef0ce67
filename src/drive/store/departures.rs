//! SQL of what trucks left with.

use std::collections::BTreeMap;

use crate::id::{JobId, MemberId, TourId};
use crate::storage::{Param, Result, StorageError, Tx};

/// What a truck left with at a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopDeparture {
    /// who drove
    pub driver_id: MemberId,
    /// pieces by order, as in details of events
    pub loaded: BTreeMap<String, i64>,
}

/// The stops that a tour left with, by job: also those that the office took off since.
pub fn of_tour(tx: &mut dyn Tx, tour_id: TourId) -> Result<BTreeMap<JobId, StopDeparture>> {
    let mut departures = BTreeMap::new();
    let sql = "SELECT job_id, driver_id, loaded FROM departures WHERE tour_id = ?";
    tx.for_each(sql, &[tour_id.into()], &mut |mut row| {
        let departure = StopDeparture { driver_id: row.id(1)?, loaded: row.json(2, "departures.loaded")? };
        departures.insert(row.id(0)?, departure);
        Ok(())
    })?;
    Ok(departures)
}

/// Stores what a tour leaves with, by job. It replaces what the same stops left with before.
pub fn save(tx: &mut dyn Tx, tour_id: TourId, departures: &BTreeMap<JobId, StopDeparture>) -> Result<()> {
    let mut rows: Vec<Vec<Param<'_>>> = Vec::new();
    for (job_id, departure) in departures {
        let loaded = serde_json::to_string(&departure.loaded)
            .map_err(|error| StorageError::Inconsistent(format!("departures.loaded of {tour_id:?}: {error}")))?;
        rows.push(vec![tour_id.into(), (*job_id).into(), departure.driver_id.into(), loaded.into()]);
    }
    let old = departures.keys().map(|job_id| vec![tour_id.into(), (*job_id).into()]);
    tx.exec_many("DELETE FROM departures WHERE tour_id = ? AND job_id = ?", &mut old.into_iter())?;
    tx.exec_many(
        "INSERT INTO departures (tour_id, job_id, driver_id, loaded) VALUES (?, ?, ?, ?)",
        &mut rows.into_iter(),
    )
}
