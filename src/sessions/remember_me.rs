//! Persistent login (로그인 유지): a cookie that starts a new session after the old one has expired.
//!
//! The cookie holds a [`RememberToken`]: the identifier of a series (one browser's
//! [`PersistentLogin`]) and a secret. The database stores only a hash of the secret, and each use
//! rotates it. A copied cookie is detected because the second user presents a rotated token;
//! [`PersistentLogin::verify`] has the rules.
//!
//! A valid token is not enough to log in: members, devices and epochs are checked in the database as
//! for sessions (enabled, same epoch, device not revoked). The store is always the database, never
//! Redis: after a failover Redis may return an older state, which looks like theft.

mod store;
mod token;

pub use self::store::{RememberTokenStore, delete_expired};
pub use self::token::{PersistentLogin, RememberToken, TokenCheck};

/// How long a persistent login lasts after the password was entered: 14 days, in milliseconds.
pub const REMEMBER_FOR_MS: i64 = 14 * 24 * 60 * 60 * 1000;
