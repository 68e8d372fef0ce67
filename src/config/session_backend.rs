//! Which store keeps the sessions.

use super::RedisAddress;

/// Which store keeps the sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionBackend {
    /// the database of the shop
    Database,
    /// Redis, shared by several nodes
    Redis(RedisAddress),
}
