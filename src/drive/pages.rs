//! The pages of the driver's day, what phones call, and the findings for the office.

mod events;
mod findings;
mod keys;
mod list;
mod loading;
mod offline;
mod pack;
mod photos;
mod proofs;
mod show;
#[cfg(test)]
mod tests;
mod view;
mod worker;

use super::tour::DriveTour;
use crate::web::{Access, Error, Member, Role, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/drive", Access::Driver, list::list)
        .get("/drive/loading/{id}", Access::Driver, loading::show)
        .post("/drive/loading/{id}", Access::Driver, loading::update)
        .get("/drive/findings", Access::Member, findings::list)
        .post("/drive/findings", Access::Member, findings::update)
        .post("/drive/keys", Access::Driver, keys::create)
        .get("/drive/pack", Access::Public, pack::show)
        .post("/drive/events", Access::Public, events::create)
        .get("/drive/offline", Access::Public, offline::show)
        .get("/drive/worker.js", Access::Public, worker::show)
        .get("/drive/proofs/{proof}", Access::Driver, proofs::show)
        .put("/drive/proofs/{proof}", Access::Public, proofs::receive)
        .upload("/drive/{stop}/photos", Access::Driver, photos::create)
        .get("/drive/{stop}", Access::Driver, show::show)
        .post("/drive/{stop}", Access::Driver, show::update)
}

/// Whether a member may see and report a tour: drivers and helpers their own of today, the office any.
fn check_access(member: &Member, tour: &DriveTour, today: chrono::NaiveDate) -> Result<(), Error> {
    let is_own = tour.tour.is_of(member.id) && tour.tour.day == today;
    let is_known = tour.tour.state.is_handed_out();
    if is_known && (is_own || member.role != Role::Driver) { Ok(()) } else { Err(Error::NotFound) }
}
