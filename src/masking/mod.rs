//! Masked personal data (가림): names, telephone numbers and addresses that the job of a member does not need.
//!
//! [`sight`](crate::members::model::rights::sight) decides what a role sees on a surface. A page loads its [`MaskPolicy`] in
//! the transaction that reads its data, asks it about each delivery, and masks what is hidden ([`mask`]) before the
//! template has it. 보기 with a reason opens a delivery for one member and [`OPEN_FOR_MS`]; the access record has the reason.
//!
//! Searches compare the stored values, so that a masked list finds by the full name.

pub mod mask;
pub mod model;
pub mod pages;
pub mod store;
#[cfg(test)]
mod tests;

pub use self::model::{MaskPolicy, RevealReason};
use crate::members::model::Member;
use crate::members::model::rights::{Sight, Surface};
use crate::storage::{Result, Tx};

/// What the logged-in member sees on a surface; nothing without a login.
pub fn of_member(tx: &mut dyn Tx, member: Option<&Member>, surface: Surface) -> Result<MaskPolicy> {
    match member {
        Some(member) => store::load(tx, member, surface),
        None => Ok(MaskPolicy::new(Sight::None, std::collections::HashSet::new(), tx.now().date())),
    }
}

/// How long a delivery stays open after 보기: half an hour, a telephone call with the look-up before it.
pub const OPEN_FOR_MS: i64 = 30 * 60 * 1000;
