//! The pages of deliveries: the list, what is done with ticked rows of it, the page of one delivery,
//! and the slips that go along.

mod act;
mod list;
mod show;
mod slips;
#[cfg(test)]
mod tests;
mod view;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/deliveries", Access::Signed, list::list)
        .post("/deliveries", Access::Signed, act::ticked)
        .post("/deliveries/undo", Access::Signed, act::undo)
        .get("/deliveries/slips", Access::Signed, slips::several)
        .post("/deliveries/slips", Access::Signed, slips::print)
        .get("/deliveries/{id}", Access::Signed, show::show)
        .post("/deliveries/{id}", Access::Signed, show::act)
        .get("/deliveries/{id}/slip", Access::Signed, slips::one)
}
