//! The pages of this room: 양식.

mod profiles;
#[cfg(test)]
mod tests;

use crate::web::{Access, Routes};

/// The routes of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/channels/profiles", Access::Admin, profiles::list::list)
        .upload("/channels/profiles", Access::Admin, profiles::list::create)
        .get("/channels/profiles/{id}", Access::Admin, profiles::show::show)
        .post("/channels/profiles/{id}", Access::Admin, profiles::show::update)
        .get("/channels/profiles/{id}/download", Access::Admin, profiles::download::download)
        .post("/channels/profiles/{id}/remove", Access::Admin, profiles::remove::remove)
        .post("/channels/profiles/{id}/restore", Access::Admin, profiles::restore::restore)
}
