//! The pages about destruction and about one person's data, for administrators.

mod destructions;
mod people;
#[cfg(test)]
mod tests;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/privacy/destructions", Access::Admin, destructions::list::list)
        .get("/privacy/destructions/{id}", Access::Admin, destructions::show::show)
        .get("/privacy/people", Access::AdminReauthenticated, people::list::list)
        .get("/privacy/people/{id}", Access::AdminReauthenticated, people::show::show)
        .post("/privacy/people/{id}", Access::AdminReauthenticated, people::show::download)
}
