//! The pages of site cards: the card of a delivery's building, and the rates.

mod rates;
mod show;
#[cfg(test)]
mod tests;

use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/sites/rates", Access::Page(PageKind::Plans, PageAction::View), rates::show)
        .post("/sites/rates", Access::Page(PageKind::Plans, PageAction::Edit), rates::update)
        .get("/sites/{id}", Access::Page(PageKind::Plans, PageAction::View), show::show)
        .post("/sites/{id}", Access::Page(PageKind::Plans, PageAction::Edit), show::update)
}
