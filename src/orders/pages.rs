//! The pages of orders: the list, its bulk actions and downloads, one order, a new order, and the address
//! search of their forms.

mod action_offers;
mod address_search;
mod bulk;
mod bundle;
mod columns;
mod download;
mod fields;
mod held;
mod job;
mod list;
mod new;
mod searches;
mod show;
#[cfg(test)]
mod tests;
mod update;

use axum::extract::FromRef;

use crate::districts::DistrictCache;
use crate::storage::Storage;
use crate::web::{Access, AppState, Routes};

/// What the forms of orders use.
#[derive(Clone)]
struct FormContext {
    storage: Storage,
    districts: DistrictCache,
    /// whether the form offers the address search of another site; a demo shop loads nothing from there
    has_address_search: bool,
}

impl FromRef<AppState> for FormContext {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            districts: state.districts.clone(),
            has_address_search: state.demo.is_none(),
        }
    }
}

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/orders", Access::Admin, list::list)
        .post("/orders", Access::Admin, bulk::bulk)
        .get("/orders/download", Access::AdminReauthenticated, download::show)
        .post("/orders/download", Access::AdminReauthenticated, download::download)
        .get("/orders/held", Access::Admin, held::show)
        .post("/orders/held", Access::Admin, held::advance)
        .get("/orders/job", Access::Admin, job::show)
        .get("/orders/columns", Access::Admin, columns::show)
        .post("/orders/columns", Access::Admin, columns::update)
        .post("/orders/searches", Access::Admin, searches::update)
        .get("/orders/new", Access::Admin, new::new)
        .post("/orders/new", Access::Admin, new::create)
        .get("/orders/{id}", Access::Admin, show::show)
        .post("/orders/{id}", Access::Admin, update::update)
        .post("/orders/{id}/bundle", Access::Admin, bundle::update)
        .get("/addresses/search", Access::Admin, address_search::show)
}
