//! 마감 대조: the list of reports with the form for a new one, and one report.

mod list;
mod show;
#[cfg(test)]
mod tests;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/reconcile", Access::Admin, list::list).upload("/reconcile", Access::Admin, list::create).get(
        "/reconcile/{id}",
        Access::Admin,
        show::show,
    )
}
