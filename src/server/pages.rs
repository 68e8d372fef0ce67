//! The pages of this room.

mod other_devices;

use crate::web::{Access, Routes};

/// The routes of this room.
pub fn routes() -> Routes {
    Routes::new().get("/other-devices", Access::Admin, other_devices::show)
}
