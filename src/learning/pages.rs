//! The page of learnt values.

mod list;
#[cfg(test)]
mod tests;

use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/learning", Access::Page(PageKind::Plans, PageAction::View), list::list).post(
        "/learning",
        Access::Page(PageKind::Plans, PageAction::Edit),
        list::update,
    )
}
