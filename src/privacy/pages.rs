//! The pages about leaks, destruction and one person's data, for administrators.

mod breaches;
mod destructions;
mod people;
mod requests;
#[cfg(test)]
mod tests;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/privacy/breaches", Access::AdminReauthenticated, breaches::list::list)
        .post("/privacy/breaches", Access::AdminReauthenticated, breaches::list::create)
        .get("/privacy/breaches/{id}", Access::AdminReauthenticated, breaches::show::show)
        .post("/privacy/breaches/{id}", Access::AdminReauthenticated, breaches::show::update)
        .post("/privacy/breaches/{id}/steps", Access::AdminReauthenticated, breaches::steps::record)
        .post("/privacy/breaches/{id}/close", Access::AdminReauthenticated, breaches::close::close)
        .post("/privacy/breaches/{id}/people", Access::AdminReauthenticated, breaches::people::download)
        .get("/privacy/destructions", Access::Admin, destructions::list::list)
        .get("/privacy/destructions/{id}", Access::Admin, destructions::show::show)
        .get("/privacy/requests", Access::AdminReauthenticated, requests::list::list)
        .post("/privacy/requests", Access::AdminReauthenticated, requests::list::create)
        .get("/privacy/requests/{id}", Access::AdminReauthenticated, requests::show::show)
        .post("/privacy/requests/{id}", Access::AdminReauthenticated, requests::show::update)
        .post("/privacy/requests/{id}/answer", Access::AdminReauthenticated, requests::answer::answer)
        .get("/privacy/people", Access::AdminReauthenticated, people::list::list)
        .get("/privacy/people/{id}", Access::AdminReauthenticated, people::show::show)
        .post("/privacy/people/{id}", Access::AdminReauthenticated, people::show::download)
}
