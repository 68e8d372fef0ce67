//! The pages of districts: the overview, the district of a postal code for forms, orders without a
//! district, and the import of official lists.

mod import;
mod list;
mod of;
mod unknown;

use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/districts", Access::Page(PageKind::Districts, PageAction::View), list::list)
        .get("/districts/of", Access::Page(PageKind::Districts, PageAction::View), of::show)
        .get("/districts/unknown", Access::Page(PageKind::Districts, PageAction::Edit), unknown::list)
        .post("/districts/unknown", Access::Page(PageKind::Districts, PageAction::Edit), unknown::bulk)
        .post("/districts/unknown/undo", Access::Page(PageKind::Districts, PageAction::Edit), unknown::undo)
        .get("/districts/import", Access::Admin, import::list::list)
        .upload("/districts/import", Access::Admin, import::list::create)
        .get("/districts/import/{id}", Access::Admin, import::show::show)
        .post("/districts/import/{id}/apply", Access::Admin, import::show::apply)
        .post("/districts/import/{id}/discard", Access::Admin, import::show::discard)
        .post("/districts/import/{id}/withdraw", Access::Admin, import::show::withdraw)
}

#[cfg(test)]
mod tests;
