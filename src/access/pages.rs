//! The pages of the access records, for administrators.

mod inspections;
mod law;
mod list;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/access", Access::AdminReauthenticated, list::list)
        .get("/access/law", Access::Admin, law::show)
        .get("/access/inspections", Access::AdminReauthenticated, inspections::list)
        .post("/access/inspections", Access::AdminReauthenticated, inspections::update)
        .get("/access/inspections/{month}", Access::AdminReauthenticated, inspections::show)
        .post("/access/inspections/{month}", Access::AdminReauthenticated, inspections::sign)
}
