//! The pages of orders: the list, what is done with ticked rows of it, and the page of one order.

mod act;
mod list;
mod show;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/orders", Access::Admin, list::list).post("/orders", Access::Admin, act::act).get(
        "/orders/{id}",
        Access::Admin,
        show::show,
    )
}
