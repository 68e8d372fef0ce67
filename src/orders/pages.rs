//! The pages of orders: the list, what is done with ticked rows of it, downloads of
//! it, and the page of one order.

mod act;
mod download;
mod list;
mod show;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/orders", Access::Admin, list::list)
        .post("/orders", Access::Admin, act::act)
        .get("/orders/download", Access::Admin, download::show)
        .post("/orders/download", Access::Admin, download::take)
        .get("/orders/{id}", Access::Admin, show::show)
}
