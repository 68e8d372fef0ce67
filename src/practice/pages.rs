//! Pages of 연습, available only in the demo shop.

mod files;
mod members;
mod reset;
mod show;

use crate::demo::Demo;
use crate::web::{Access, AppState, Error, Routes};

/// Routes of this room. Without a demo all of them answer 404.
pub fn routes() -> Routes {
    Routes::new()
        .get("/practice", Access::Member, show::show)
        .post("/practice", Access::Member, show::start)
        .get("/practice/files/{file}", Access::Admin, files::download)
        .get("/practice/members", Access::Admin, members::list)
        .post("/practice/members/{id}", Access::Admin, members::restart)
        .post("/practice/reset", Access::Admin, reset::reset)
}

/// The demo shop, or [`Error::NotFound`] in a real shop.
fn require_demo(state: &AppState) -> Result<&Demo, Error> {
    state.demo.as_ref().ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests;
