//! The whole application: the pages of every room, and the web around them.

use axum::Router;

use crate::web::{self, AppState, Routes};
use crate::{
    audit, backup, deliveries, districts, help, members, orders, practice, products, server, shop, today, uploads,
};

/// The pages of every room. A new room is one line here.
pub fn rooms() -> Vec<Routes> {
    vec![
        members::pages::routes(),
        orders::pages::routes(),
        uploads::pages::routes(),
        deliveries::pages::routes(),
        districts::pages::routes(),
        products::pages::routes(),
        backup::pages::routes(),
        audit::pages::routes(),
        shop::pages::routes(),
        server::pages::routes(),
        practice::pages::routes(),
        today::pages::routes(),
        help::pages::routes(),
    ]
}

/// What answers every request.
pub fn router(state: &AppState) -> Router {
    web::router(state, rooms())
}
