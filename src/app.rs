//! The application: the pages of every room in the middleware of the web layer.

use axum::Router;

use crate::web::{self, AppState, Routes};
use crate::{
    access, actions, audit, backup, channels, config, consumer, deliveries, districts, drive, help, learning, masking,
    members, notices, orders, plans, practice, privacy, products, reconcile, search, server, setup, shop, sites, today,
    trucks, uploads,
};

/// The routes of every room. A new room is added here.
pub fn rooms() -> Vec<Routes> {
    vec![
        setup::pages::routes(),
        members::pages::routes(),
        masking::pages::routes(),
        orders::pages::routes(),
        uploads::pages::routes(),
        channels::pages::routes(),
        reconcile::pages::routes(),
        deliveries::pages::routes(),
        trucks::pages::routes(),
        sites::pages::routes(),
        plans::pages::routes(),
        drive::pages::routes(),
        notices::pages::routes(),
        learning::pages::routes(),
        consumer::pages::routes(),
        actions::pages::routes(),
        districts::pages::routes(),
        products::pages::routes(),
        backup::pages::routes(),
        audit::pages::routes(),
        access::pages::routes(),
        privacy::pages::routes(),
        shop::pages::routes(),
        config::pages::routes(),
        server::pages::routes(),
        practice::pages::routes(),
        search::pages::routes(),
        today::pages::routes(),
        help::pages::routes(),
    ]
}

/// The router of a shop.
pub fn router(state: &AppState) -> Router {
    web::router(state, rooms())
}

#[cfg(test)]
pub(crate) mod tests;
