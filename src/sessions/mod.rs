//! Sessions: identify the member behind a session cookie.
//!
//! The cookie holds a random session identifier; the store holds the [`MemberSession`], which consists of
//! identifiers only. Every request checks in the database whether the member may still log in (enabled,
//! same `session_epoch`), so that incrementing the epoch ends all sessions of a member. The session store
//! implements the trait of tower-sessions on the database, or on Redis if several nodes share their
//! sessions. [`remember_me`] starts a new session after the old one has expired.

pub mod remember_me;
mod store;

pub use self::store::{AnyStore, DatabaseStore, RedisStore, delete_expired};

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use self::remember_me::PersistentLogin;
use crate::time::Moment;

/// Name of the session cookie.
pub const COOKIE: &str = "mukkeum";

/// Name of the session cookie in a demo shop. Cookies are shared by all ports of a host, so a demo
/// beside the real shop must not overwrite its session.
const DEMO_COOKIE: &str = "mukkeum_demo";

/// Maximum lifetime of a session, independent of its use.
const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Minimum interval between two updates of `last_seen_at`: most requests only read, and should not write
/// the session.
const LAST_SEEN_INTERVAL: Duration = Duration::from_mins(1);

/// How long after the password was entered sensitive actions are allowed: a working day. Automatic page
/// refreshes keep a session from idling out, but do not extend this.
const SUDO_MODE_FOR: Duration = Duration::from_hours(12);

/// Key of the [`MemberSession`] in a tower-sessions record.
const SESSION_KEY: &str = "member";

/// Names and attributes of the cookies for authentication.
#[derive(Clone, Copy, Debug)]
pub struct CookieOptions {
    /// whether browsers use HTTPS, so that cookies get the attribute `Secure`
    pub is_secure: bool,
    /// whether the shop is a demo
    pub is_demo: bool,
}

impl CookieOptions {
    fn session_name(self) -> &'static str {
        if self.is_demo { DEMO_COOKIE } else { COOKIE }
    }

    /// Name of the remember-me cookie. The prefix `__Host-` (HTTPS only) prevents other hosts of the
    /// domain from setting it.
    pub fn remember_me_name(self) -> &'static str {
        match (self.is_secure, self.is_demo) {
            (false, false) => "mukkeum_stay",
            (false, true) => "mukkeum_demo_stay",
            (true, false) => "__Host-mukkeum_stay",
            (true, true) => "__Host-mukkeum_demo_stay",
        }
    }
}

/// Key of the [`PendingLogin`] in a tower-sessions record.
const PENDING_KEY: &str = "pending";

/// How long the code of the second factor is waited for after the password.
const PENDING_FOR: Duration = Duration::from_mins(5);

/// A login whose password was right and whose second factor is not entered yet. It grants no access.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingLogin {
    /// the member
    pub member_id: i64,
    /// the member's `session_epoch` when the password was entered
    pub epoch: i64,
    /// whether the browser stays logged in
    pub remember: bool,
    /// where the browser is redirected afterwards
    pub next: String,
    /// the entry of the login history
    pub sign_in_id: i64,
    /// whether the password is a one-time password
    pub must_change_password: bool,
    /// when the password was entered
    pub started_at: i64,
}

/// Stores a login that waits for its second factor, under a new identifier.
///
/// # Errors
/// The session store failed.
pub async fn begin_second_factor(session: &Session, pending: &PendingLogin) -> Result<(), Error> {
    session.cycle_id().await?;
    session.insert(PENDING_KEY, pending).await
}

/// The login that waits for its second factor; None without one and after five minutes.
///
/// # Errors
/// The session store failed.
pub async fn pending_login(session: &Session, now: Moment) -> Result<Option<PendingLogin>, Error> {
    let pending = session.get::<PendingLogin>(PENDING_KEY).await?;
    Ok(pending.filter(|pending| elapsed(pending.started_at, now) <= PENDING_FOR))
}

/// A member's session as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberSession {
    /// the member
    pub member_id: i64,
    /// the member's `session_epoch` at the start of the session
    pub epoch: i64,
    /// the device; deleting it ends the session
    #[serde(default)]
    pub device_id: i64,
    /// seed of the CSRF tokens in its forms
    pub csrf: String,
    /// Whether the response that started the session also set a new remember-me token, whose delivery
    /// has to be confirmed.
    #[serde(default)]
    pub is_token_unconfirmed: bool,
    started_at: i64,
    last_seen_at: i64,
    /// when the password was last entered in this session
    #[serde(default)]
    password_entered_at: Option<i64>,
}

impl MemberSession {
    /// The session of a member who has just entered their password.
    pub fn by_password(member_id: i64, epoch: i64, device_id: i64, csrf: String, now: Moment) -> Self {
        Self {
            member_id,
            epoch,
            device_id,
            csrf,
            is_token_unconfirmed: false,
            started_at: now.0,
            last_seen_at: now.0,
            password_entered_at: Some(now.0),
        }
    }

    /// The session of a member who is logged in by a remember-me token. It inherits the CSRF seed, so that
    /// forms of the previous session can still be submitted.
    pub fn by_remember_token(login: &PersistentLogin, is_token_unconfirmed: bool, now: Moment) -> Self {
        let PersistentLogin { member_id, epoch, device_id, ref csrf, .. } = *login;
        Self {
            member_id,
            epoch,
            device_id,
            csrf: csrf.clone(),
            is_token_unconfirmed,
            started_at: now.0,
            last_seen_at: now.0,
            password_entered_at: None,
        }
    }

    /// Whether the password was entered in this session within the last 12 hours.
    pub fn is_reauthenticated(&self, now: Moment) -> bool {
        self.password_entered_at.is_some_and(|at| elapsed(at, now) <= SUDO_MODE_FOR)
    }
}

fn elapsed(since: i64, now: Moment) -> Duration {
    Duration::from_millis(u64::try_from(now.0 - since).unwrap_or(0))
}

/// The middleware that loads the session of each request.
pub fn layer(store: &AnyStore, cookies: CookieOptions) -> SessionManagerLayer<AnyStore> {
    SessionManagerLayer::new(store.clone())
        .with_name(cookies.session_name())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(cookies.is_secure)
        .with_expiry(Expiry::OnSessionEnd)
}

/// Starts a member's session under a new identifier, which prevents session fixation.
///
/// # Errors
/// The session store failed.
pub async fn start(session: &Session, member_session: &MemberSession) -> Result<(), Error> {
    session.cycle_id().await?;
    session.remove::<PendingLogin>(PENDING_KEY).await?;
    session.insert(SESSION_KEY, member_session).await
}

/// Records that the browser has received the remember-me token which was set with this session.
///
/// # Errors
/// The session store failed.
pub async fn confirm_delivery(session: &Session, member_session: MemberSession) -> Result<(), Error> {
    session.insert(SESSION_KEY, MemberSession { is_token_unconfirmed: false, ..member_session }).await
}

/// Records that the member has entered the password again.
///
/// # Errors
/// The session store failed.
pub async fn record_reauthentication(session: &Session, now: Moment) -> Result<(), Error> {
    if let Some(member_session) = session.get::<MemberSession>(SESSION_KEY).await? {
        let reauthenticated = MemberSession { password_entered_at: Some(now.0), ..member_session };
        session.insert(SESSION_KEY, reauthenticated).await?;
    }
    Ok(())
}

/// Loads the member's session and updates `last_seen_at`. None if there is none or if it has expired.
///
/// # Errors
/// The session store failed.
pub async fn load(session: &Session, idle: Duration, now: Moment) -> Result<Option<MemberSession>, Error> {
    let Some(mut member_session) = session.get::<MemberSession>(SESSION_KEY).await? else {
        return Ok(None);
    };
    if elapsed(member_session.last_seen_at, now) > idle || elapsed(member_session.started_at, now) > MAX_LIFETIME {
        session.flush().await?;
        return Ok(None);
    }
    if elapsed(member_session.last_seen_at, now) >= LAST_SEEN_INTERVAL {
        member_session.last_seen_at = now.0;
        session.insert(SESSION_KEY, &member_session).await?;
    }
    Ok(Some(member_session))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookie_names_depend_on_https_and_demo() {
        let options = |is_secure, is_demo| CookieOptions { is_secure, is_demo };
        assert_eq!(options(true, false).remember_me_name(), "__Host-mukkeum_stay");
        assert_ne!(options(false, true).session_name(), options(false, false).session_name());
        assert_ne!(options(false, true).remember_me_name(), options(false, false).remember_me_name());
    }
}
