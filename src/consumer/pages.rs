//! The pages about the buyer's rights: orders that are late without a notice, and the dates of one order.

mod list;
mod orders;
#[cfg(test)]
mod tests;

use crate::web::{Access, PageAction, PageKind, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/consumer", Access::Page(PageKind::Orders, PageAction::View), list::list)
        .get("/consumer/orders/{id}", Access::Page(PageKind::Orders, PageAction::View), orders::show::show)
        .post(
            "/consumer/orders/{id}/notices",
            Access::Page(PageKind::Orders, PageAction::Edit),
            orders::notices::create,
        )
        .post(
            "/consumer/orders/{id}/consent",
            Access::Page(PageKind::Orders, PageAction::Edit),
            orders::consent::create,
        )
}
