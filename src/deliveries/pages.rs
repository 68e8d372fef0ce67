//! The pages of deliveries: the list with its bulk actions, one delivery, and delivery slips.

mod bulk;
mod completion;
mod evidence;
mod held;
mod list;
mod show;
mod slip;
mod slips;
#[cfg(test)]
mod tests;
mod undo;
mod view;

use crate::id::Identifier;
use crate::web::{Access, PageAction, PageKind, Routes};

/// Deliveries that one request may change.
const MAX_BULK_ROWS: usize = 200;

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/deliveries", Access::Page(PageKind::Deliveries, PageAction::View), list::list)
        .get("/deliveries/today", Access::Page(PageKind::Deliveries, PageAction::View), list::today)
        .post("/deliveries", Access::Page(PageKind::Deliveries, PageAction::Process), bulk::apply)
        .post("/deliveries/undo", Access::Page(PageKind::Deliveries, PageAction::Process), undo::undo)
        .get("/deliveries/held", Access::Page(PageKind::Deliveries, PageAction::Process), held::show)
        .post("/deliveries/held", Access::Page(PageKind::Deliveries, PageAction::Process), held::complete)
        .get("/deliveries/slips", Access::Page(PageKind::Deliveries, PageAction::Print), slips::show)
        .post("/deliveries/slips", Access::Page(PageKind::Deliveries, PageAction::Print), slips::print)
        .get("/deliveries/{id}", Access::Page(PageKind::Deliveries, PageAction::View), show::show)
        .post("/deliveries/{id}", Access::Page(PageKind::Deliveries, PageAction::Edit), show::update)
        .get("/deliveries/{id}/slip", Access::Page(PageKind::Deliveries, PageAction::Print), slip::show)
        .get("/deliveries/{id}/evidence", Access::Page(PageKind::Deliveries, PageAction::Print), evidence::show)
        .post(
            "/deliveries/{id}/evidence",
            Access::Reauthenticated(PageKind::Deliveries, PageAction::Download),
            evidence::download,
        )
}

/// The distinct identifiers of the form field `name`, in form order, at most [`MAX_BULK_ROWS`]. Skips
/// values that are no identifier.
fn ids<I: Identifier>(pairs: &[(String, String)], name: &str) -> Vec<I> {
    let mut ids = Vec::new();
    for id in pairs.iter().filter(|(other, _)| other == name).filter_map(|(_, id)| I::parse(id)) {
        if !ids.contains(&id) && ids.len() < MAX_BULK_ROWS {
            ids.push(id);
        }
    }
    ids
}
