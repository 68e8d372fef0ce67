//! Sessions: who is on the other side of a cookie.
//!
//! The cookie holds a random number, the store a record under it, the record nothing but
//! identifiers: [`SignedIn`]. Whether the member may still come in is asked of the database at
//! every request (enabled, same `session_epoch`), so ending a member's sessions is one number
//! raised by one. The store is tower-sessions' trait over our own storage, or over Redis where
//! several nodes share their sessions. [`staying`] is what brings a member back after the session
//! is over; it is kept in the database always, because Redis may show an older state of it after a
//! failover, and that looks like theft.

mod database;
mod redis;
pub mod staying;
mod store;

pub use database::{DatabaseStore, delete_expired};
pub use redis::{Address as RedisAddress, AddressError as RedisAddressError, RedisStore};
pub use store::{Place, Store};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::config::Config;
use crate::time::Moment;

/// The session cookie's name.
pub const COOKIE: &str = "mukkeum";

/// … in a training shop: browsers do not tell ports apart, and whoever practises on the computer of
/// the real shop stays signed in there.
const DEMO_COOKIE: &str = "mukkeum_demo";

/// No session lives longer, however busy it is.
const LONGEST: Duration = Duration::from_hours(7 * 24);

/// `seen` is written at most this often: a request is usually a read.
const SEEN_EVERY: Duration = Duration::from_mins(1);

/// A typed password counts this long where much is at stake: a working day. A page that asks again
/// by itself keeps a session from being idle; it does not keep this.
const TYPED_FOR: Duration = Duration::from_hours(12);

const KEY: &str = "member";

/// What a session remembers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SignedIn {
    /// whose session
    pub member_id: i64,
    /// the member's `session_epoch` when it began
    pub epoch: i64,
    /// the device it runs on: deleting that ends the session
    #[serde(default)]
    pub device_id: i64,
    /// what the tokens of its forms are made of
    pub csrf: String,
    /// Whether the answer that began it brought a new token of the series, which nobody has seen
    /// arrive yet.
    #[serde(default)]
    pub renewed: bool,
    started: i64,
    seen: i64,
    /// when the password was last typed in this session
    #[serde(default)]
    typed: Option<i64>,
}

impl SignedIn {
    /// Somebody who typed their password now.
    pub fn by_password(member_id: i64, epoch: i64, device_id: i64, csrf: String, now: Moment) -> Self {
        Self { member_id, epoch, device_id, csrf, renewed: false, started: now.0, seen: now.0, typed: Some(now.0) }
    }

    /// Somebody who stayed signed in; their pages of the session before can still be sent.
    pub fn by_series(series: &staying::Series, renewed: bool, now: Moment) -> Self {
        let staying::Series { member_id, epoch, device_id, ref csrf, .. } = *series;
        let csrf = csrf.clone();
        Self { member_id, epoch, device_id, csrf, renewed, started: now.0, seen: now.0, typed: None }
    }

    /// Whether the password was typed in this session, not too long ago.
    pub fn is_confirmed(&self, now: Moment) -> bool {
        self.typed.is_some_and(|typed| since(typed, now) <= TYPED_FOR)
    }
}

fn since(then: i64, now: Moment) -> Duration {
    Duration::from_millis(u64::try_from(now.0 - then).unwrap_or(0))
}

/// The layer that gives each request its session.
pub fn layer(store: &Store, config: &Config) -> SessionManagerLayer<Store> {
    SessionManagerLayer::new(store.clone())
        .with_name(if config.demo.is_some() { DEMO_COOKIE } else { COOKIE })
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(config.behind_tls)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Begins a member's session under a new number, so that one planted before the login is worth
/// nothing after it.
pub async fn begin(session: &Session, signed_in: &SignedIn) -> Result<(), Error> {
    session.cycle_id().await?;
    session.insert(KEY, signed_in).await
}

/// Notes that the token which came with this session has arrived.
pub async fn note_arrival(session: &Session, signed_in: SignedIn) -> Result<(), Error> {
    session.insert(KEY, SignedIn { renewed: false, ..signed_in }).await
}

/// Notes that the member has typed the password again.
pub async fn confirm(session: &Session, now: Moment) -> Result<(), Error> {
    if let Some(signed_in) = session.get::<SignedIn>(KEY).await? {
        session.insert(KEY, SignedIn { typed: Some(now.0), ..signed_in }).await?;
    }
    Ok(())
}

/// Whose session this is, while it lasts; notes that it was seen.
pub async fn current(session: &Session, idle: Duration, now: Moment) -> Result<Option<SignedIn>, Error> {
    let Some(mut signed_in) = session.get::<SignedIn>(KEY).await? else {
        return Ok(None);
    };
    if since(signed_in.seen, now) > idle || since(signed_in.started, now) > LONGEST {
        session.flush().await?;
        return Ok(None);
    }
    if since(signed_in.seen, now) >= SEEN_EVERY {
        signed_in.seen = now.0;
        session.insert(KEY, &signed_in).await?;
    }
    Ok(Some(signed_in))
}
