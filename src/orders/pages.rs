//! The pages of orders: the list, its bulk actions and downloads, one order, a new order, and the address
//! search of their forms.

mod action_offers;
mod address_search;
mod bulk;
mod bundle;
mod columns;
mod download;
mod evidence;
mod fields;
mod files;
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
use crate::web::{Access, AppState, PageAction, PageKind, Routes};

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
        .get("/orders", Access::Page(PageKind::Orders, PageAction::View), list::list)
        .post("/orders", Access::Page(PageKind::Orders, PageAction::Process), bulk::apply)
        .get("/orders/download", Access::Reauthenticated(PageKind::Orders, PageAction::Download), download::show)
        .post("/orders/download", Access::Reauthenticated(PageKind::Orders, PageAction::Download), download::download)
        .get("/orders/files", Access::Page(PageKind::Orders, PageAction::Download), files::list)
        .post("/orders/files/{id}", Access::Reauthenticated(PageKind::Orders, PageAction::Download), files::download)
        .get("/orders/held", Access::Page(PageKind::Orders, PageAction::Process), held::show)
        .post("/orders/held", Access::Page(PageKind::Orders, PageAction::Process), held::advance)
        .get("/orders/job", Access::Page(PageKind::Deliveries, PageAction::Process), job::show)
        .get("/orders/columns", Access::Page(PageKind::Orders, PageAction::View), columns::show)
        .post("/orders/columns", Access::Page(PageKind::Orders, PageAction::View), columns::update)
        .post("/orders/searches", Access::Page(PageKind::Orders, PageAction::View), searches::update)
        .get("/orders/new", Access::Page(PageKind::Orders, PageAction::Edit), new::new)
        .post("/orders/new", Access::Page(PageKind::Orders, PageAction::Edit), new::create)
        .get("/orders/{id}", Access::Page(PageKind::Orders, PageAction::View), show::show)
        .post("/orders/{id}", Access::Page(PageKind::Orders, PageAction::Edit), update::update)
        .get("/orders/{id}/evidence", Access::Reauthenticated(PageKind::Orders, PageAction::Download), evidence::show)
        .post(
            "/orders/{id}/evidence",
            Access::Reauthenticated(PageKind::Orders, PageAction::Download),
            evidence::download,
        )
        .post("/orders/{id}/bundle", Access::Page(PageKind::Orders, PageAction::Edit), bundle::update)
        .get("/addresses/search", Access::Page(PageKind::Orders, PageAction::Edit), address_search::show)
}
