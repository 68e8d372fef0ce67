//! The page of the access records, for administrators.

mod list;

use crate::web::{Access, Routes};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/access", Access::AdminReauthenticated, list::list)
}
