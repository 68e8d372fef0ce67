//! Pages of 연습, available only in the demo shop.

mod files;
mod members;
mod reset;
mod show;

use crate::web::{Access, PageAction, PageKind, Routes};

/// Routes of this room. Without a demo all of them answer 404.
pub fn routes() -> Routes {
    Routes::new()
        .get("/practice", Access::Page(PageKind::Deliveries, PageAction::View), show::show)
        .post("/practice", Access::Page(PageKind::Deliveries, PageAction::View), show::start)
        .get("/practice/files/{file}", Access::Page(PageKind::Uploads, PageAction::View), files::download)
        .get("/practice/members", Access::Admin, members::list)
        .post("/practice/members/{id}", Access::Admin, members::restart)
        .post("/practice/reset", Access::Admin, reset::reset)
}

#[cfg(test)]
mod tests;
