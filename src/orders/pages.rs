//! The pages of orders: what waits today, the list, what is done with ticked rows of it, downloads of
//! it, and the page of one order.

mod act;
mod address;
mod bundle;
mod download;
mod fields;
mod list;
mod new;
mod save;
mod show;
mod start;
#[cfg(test)]
mod tests;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/", Access::Signed, start::show)
        .get("/orders", Access::Admin, list::list)
        .post("/orders", Access::Admin, act::act)
        .get("/orders/download", Access::AdminConfirmed, download::show)
        .post("/orders/download", Access::AdminConfirmed, download::take)
        .get("/orders/new", Access::Admin, new::new)
        .post("/orders/new", Access::Admin, new::take)
        .get("/orders/{id}", Access::Admin, show::show)
        .post("/orders/{id}", Access::Admin, save::save)
        .post("/orders/{id}/bundle", Access::Admin, bundle::act)
        .get("/addresses/search", Access::Admin, address::search)
}
