//! The pages of the driver's day, what phones call, and the findings for the office.

mod events;
mod findings;
mod keys;
mod list;
mod loading;
mod manifest;
mod offline;
mod pack;
mod photos;
mod proofs;
mod show;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod worker;

use super::site::StopSite;
use super::tour::DriveTour;
use crate::id::DeliveryId;
use crate::masking::{MaskPolicy, mask};
use crate::web::{Access, Error, Member, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/drive", Access::Driver, list::list)
        .get("/drive/loading/{id}", Access::Driver, loading::show)
        .post("/drive/loading/{id}", Access::Driver, loading::update)
        .get("/drive/findings", Access::Page(PageKind::Plans, PageAction::Process), findings::list)
        .post("/drive/findings", Access::Page(PageKind::Plans, PageAction::Process), findings::update)
        .post("/drive/keys", Access::Driver, keys::create)
        .get("/drive/pack", Access::Public, pack::show)
        .post("/drive/events", Access::Public, events::create)
        .get("/drive/offline", Access::Public, offline::show)
        .get("/drive/worker.js", Access::Public, worker::show)
        .get("/drive/manifest.webmanifest", Access::Public, manifest::show)
        .get("/drive/proofs/{proof}", Access::Driver, proofs::show)
        .put("/drive/proofs/{proof}", Access::Public, proofs::receive)
        .upload("/drive/{stop}/photos", Access::Driver, photos::create)
        .get("/drive/{stop}", Access::Driver, show::show)
        .post("/drive/{stop}", Access::Driver, show::update)
}

/// Whether a member may see and report a tour: drivers and helpers their own of today, the office any. A tour that was taken
/// back has reports if its phone did not know.
fn check_access(member: &Member, tour: &DriveTour, today: chrono::NaiveDate) -> Result<(), Error> {
    let is_own = tour.tour.is_of(member.id) && tour.tour.day == today;
    let is_known = tour.tour.state.is_handed_out() || tour.stops.iter().any(|stop| !stop.events.is_empty());
    if is_known && (is_own || member.may(PageKind::Plans, PageAction::View)) { Ok(()) } else { Err(Error::NotFound) }
}

/// Whether the recipient of a stop is hidden from the member: not on the own tour of today.
fn hides(tour: &DriveTour, delivery_id: DeliveryId, member: &Member, masking: &MaskPolicy) -> bool {
    let day = tour.tour.day;
    let is_own = tour.tour.is_of(member.id) && masking.is_today(day);
    !is_own && masking.hides(delivery_id, masking.is_due_on(day))
}

/// Masks the recipients of a tour that are hidden from the member: not those of the own tour of today.
fn mask_tour(tour: &mut DriveTour, member: &Member, masking: &MaskPolicy) {
    let hidden: Vec<bool> = tour.stops.iter().map(|stop| hides(tour, stop.delivery_id, member, masking)).collect();
    for (stop, _) in tour.stops.iter_mut().zip(hidden).filter(|(_, is_hidden)| *is_hidden) {
        stop.name = mask::name(&stop.name);
        stop.tels.clear();
        stop.address = mask::address(&stop.address);
        stop.address_detail.clear();
        stop.site = StopSite::default();
        stop.message = mask::memo(&stop.message);
        stop.memo = mask::memo(&stop.memo);
        if let Some(task) = &mut stop.task {
            task.note = mask::memo(&task.note);
        }
        for event in &mut stop.events {
            event.details.note = mask::memo(&event.details.note);
            event.details.signature.clear();
        }
    }
}
