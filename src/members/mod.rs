//! Members: accounts, roles, passwords, logins, devices.

pub mod field_errors;
pub mod known_browser;
pub mod model;
pub mod pages;
pub mod passwords;
pub mod remember_me;
pub mod store;
pub mod totp;

use crate::storage::{Result, Tx};

/// Deletes expired login attempts, devices and entries of the login history.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<()> {
    store::login_throttle::delete_expired(tx)?;
    store::devices::delete_expired(tx)?;
    store::sign_ins::delete_expired(tx).map(drop)
}
