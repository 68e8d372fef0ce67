//! Members: who may come in, as what, and how they prove it.

pub mod coming_back;
pub mod devices;
pub mod limits;
pub mod model;
pub mod pages;
pub mod passwords;
pub mod sign_ins;
pub mod store;

use crate::storage::{Result, Tx};

/// Forgets failures, devices and sign-ins whose time is over.
pub fn forget_old(tx: &mut dyn Tx) -> Result<()> {
    limits::forget_old(tx)?;
    devices::delete_expired(tx)?;
    sign_ins::forget_old(tx).map(drop)
}
