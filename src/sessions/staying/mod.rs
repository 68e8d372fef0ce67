//! Staying signed in (로그인 유지): a cookie that begins a new session when the old one is over.
//!
//! The cookie is a [`Ticket`]: the number of a [`Series`] and a token. The store keeps the hash of
//! the token alone, and the token is replaced each time it begins a session, so that a copy of the
//! cookie shows itself: whoever comes second brings an old token. The rules are [`Series::offered`];
//! the store is a seam, because several nodes may want to share one outside of the database. Whether
//! the member may still come in (enabled, same epoch, device not signed out) is the database's to
//! say, as for sessions: no store can bring anybody back.

mod database;
mod series;

pub use database::{DatabaseSeries, delete_expired};
pub use series::{Series, Ticket, Verdict};

use async_trait::async_trait;

use crate::config::Config;
use crate::storage::StorageError;

/// How long a browser stays signed in, in milliseconds: fourteen days from the typed password.
pub const STAYS_MS: i64 = 14 * 24 * 60 * 60 * 1000;

/// What a store of series answers.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// Where the series are kept, by their number.
///
/// A store may forget a series (its browser types the password again), but it must never show an
/// older state of one after a newer one: that looks like theft. It may drop a series once that has
/// expired.
#[async_trait]
pub trait SeriesStore: Send + Sync {
    /// Keeps a new series.
    async fn create(&self, number: &str, series: &Series) -> Result<()>;

    /// The series of that number.
    async fn find(&self, number: &str) -> Result<Option<Series>>;

    /// Keeps `after` where `before` is kept now. False when another request was faster.
    async fn replace(&self, number: &str, before: &Series, after: &Series) -> Result<bool>;

    /// Forgets a series.
    async fn delete(&self, number: &str) -> Result<()>;
}

/// The cookie's name. Browsers do not tell ports apart, so a training shop has its own; behind TLS
/// the prefix keeps other hosts of the domain from setting it.
pub fn cookie_name(config: &Config) -> &'static str {
    match (config.behind_tls, config.demo.is_some()) {
        (false, false) => "mukkeum_stay",
        (false, true) => "mukkeum_demo_stay",
        (true, false) => "__Host-mukkeum_stay",
        (true, true) => "__Host-mukkeum_demo_stay",
    }
}
