//! The pages of the log of downloads, for administrators. The audit log is shown on the pages of its objects.

mod downloads;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/downloads", Access::AdminReauthenticated, downloads::list::list)
        .get("/downloads/verify", Access::AdminReauthenticated, downloads::verify::show)
        .post("/downloads/verify", Access::AdminReauthenticated, downloads::verify::verify)
        .post("/downloads/{id}", Access::AdminReauthenticated, downloads::show::download)
}
