//! Members: accounts, roles, passwords, logins, devices.

pub mod devices;
pub mod field_errors;
pub mod login_throttle;
pub mod model;
pub mod pages;
pub mod passwords;
pub mod remember_me;
pub mod sign_ins;
pub mod store;

use crate::storage::{Result, Tx};

/// Deletes expired login attempts, devices and entries of the login history.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<()> {
    login_throttle::delete_expired(tx)?;
    devices::delete_expired(tx)?;
    sign_ins::delete_expired(tx).map(drop)
}
