//! The pages of the audit log, for administrators.

mod downloads;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/downloads", Access::AdminReauthenticated, downloads::list).post(
        "/downloads/{id}",
        Access::AdminReauthenticated,
        downloads::download,
    )
}
