//! What a driver has to know of the building: the site card, and the code of its entrance on the day.

use chrono::NaiveDate;

use super::tour::{DriveStop, DriveTour};
use crate::sites::address::{BuildingKey, building, floor_of};
use crate::sites::store as sites;
use crate::storage::{Result, Tx};
use crate::vault::Vault;

/// The site card of a stop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopSite {
    /// in short lines
    pub lines: Vec<String>,
    /// the code of the entrance; empty until [`open_codes`], and once the stop has ended
    pub entry_code: String,
    sealed_code: Option<Vec<u8>>,
}

fn building_of(stop: &DriveStop) -> Option<BuildingKey> {
    building(&stop.address, &stop.address_detail)
}

/// Adds the cards of their buildings to stops.
pub fn attach(tx: &mut dyn Tx, stops: &mut [DriveStop]) -> Result<()> {
    let keys: Vec<BuildingKey> = stops.iter().filter_map(building_of).collect();
    let cards = sites::of_buildings(tx, &keys)?;
    for stop in stops {
        let Some(card) = building_of(stop).and_then(|key| cards.get(&key)) else { continue };
        let floor = floor_of(&stop.address_detail).or_else(|| floor_of(&stop.address));
        stop.site = StopSite {
            lines: card.facts.lines(floor),
            entry_code: String::new(),
            sealed_code: card.sealed_code.clone(),
        };
    }
    Ok(())
}

/// Opens the codes of the stops that are still to be done, if the tour is of today.
pub fn open_codes(tour: &mut DriveTour, vault: &Vault, today: NaiveDate) {
    if tour.tour.day != today {
        return;
    }
    for stop in tour.stops.iter_mut().filter(|stop| !stop.status.state.is_ended() && stop.moved_to.is_none()) {
        let code = stop.site.sealed_code.as_deref().and_then(|sealed| vault.unseal(sealed));
        stop.site.entry_code = code.unwrap_or_default();
    }
}

/// Deletes the code of the entrance after a delivery, unless another stop of the tour in that building is still to be done.
pub fn forget_code(tx: &mut dyn Tx, tour: &DriveTour, delivered: &DriveStop) -> Result<()> {
    let Some(key) = building_of(delivered) else { return Ok(()) };
    let waits = |stop: &DriveStop| {
        stop.job_id != delivered.job_id && !stop.status.state.is_ended() && building_of(stop).as_ref() == Some(&key)
    };
    if tour.stops.iter().any(waits) { Ok(()) } else { sites::forget_code(tx, &key) }
}
