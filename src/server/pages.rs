//! The pages of this room.

mod other_devices;
mod phones;

use crate::server::plain_http::{CA_FILE_PATH, CA_PROFILE_PATH, PHONES_PATH};
use crate::web::{Access, Routes};

/// The routes of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/other-devices", Access::Admin, other_devices::show)
        .get(PHONES_PATH, Access::Public, phones::show)
        .get(CA_FILE_PATH, Access::Public, phones::ca_file)
        .get(CA_PROFILE_PATH, Access::Public, phones::ca_profile)
        .get("/phones/worker.js", Access::Public, phones::worker)
}
