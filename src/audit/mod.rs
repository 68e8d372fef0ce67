//! Audit log. Every mutation writes its entry in the same transaction; the entry's id is also passed through
//! post/redirect/get (`?done=`) to show the flash message, to the acting member only.
//!
//! The log of downloads of personal data is a separate table ([`downloads`]).

pub mod downloads;
pub mod pages;
mod store;

use serde_json::Value;

pub use self::store::{find, record};
use crate::time::Moment;

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// time-sorted identifier
    pub id: i64,
    /// time of the action
    pub at: Moment,
    /// object and verb: `orders.proceeded`
    pub action: String,
    /// details; `message` and `tone` make the flash message
    pub summary: Value,
}
