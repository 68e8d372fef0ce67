//! 마감 대조: the list of reports with the form for a new one, and one report.

mod list;
mod show;
#[cfg(test)]
mod tests;

use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/reconcile", Access::Page(PageKind::Uploads, PageAction::View), list::list)
        .upload("/reconcile", Access::Page(PageKind::Uploads, PageAction::Process), list::create)
        .get("/reconcile/{id}", Access::Page(PageKind::Uploads, PageAction::View), show::show)
}
