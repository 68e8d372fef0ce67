//! Sessions: identify the member behind a session cookie.
//!
//! The cookie holds a random session identifier; the store holds the [`MemberSession`], which consists of
//! identifiers only, and for an hour the sealed [`UnsentForm`] of a login that ran out. Every request checks in the database whether the member may still log in (enabled,
//! same `session_epoch`), so that incrementing the epoch ends all sessions of a member. The session store
//! implements the trait of tower-sessions on the database, or on Redis if several nodes share their
//! sessions. [`remember_me`] starts a new session after the old one has expired.

pub mod remember_me;
mod store;

pub use self::store::{AnySessionStore, DatabaseStore, RedisStore, delete_expired};

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower_sessions::cookie::SameSite;
use tower_sessions::session::Error;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use self::remember_me::PersistentLogin;
use crate::id::{DeviceId, MemberId, SignInId, number_code};
use crate::time::Moment;

/// Maximum lifetime of a session, independent of its use.
const MAX_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// Minimum interval between two updates of `last_seen_at`: most requests only read, and should not write
/// the session.
const LAST_SEEN_INTERVAL: Duration = Duration::from_mins(1);

/// How long after the password was entered sensitive actions are allowed: a working day. Automatic page
/// refreshes keep a session from idling out, but do not extend this.
const REAUTHENTICATION_LIFETIME: Duration = Duration::from_hours(12);

/// Key of the [`MemberSession`] in a tower-sessions record.
const SESSION_KEY: &str = "member";

/// Names and attributes of the cookies.
///
/// Cookies are shared by all ports of a host, so the names contain the creation time of the shop: two shops on one host,
/// or a demo beside the real shop, do not overwrite each other's sessions. All nodes of a shop use the same names.
#[derive(Clone, Debug)]
pub struct CookieOptions {
    /// whether browsers use HTTPS, so that cookies get the attribute `Secure`
    pub is_secure: bool,
    shop: Arc<str>,
}

/// Digits of the creation time in the name of a cookie, in base 32: some nine hours.
const SHOP_DIGITS: usize = 5;

impl CookieOptions {
    /// The cookies of the shop that was created at `created_at`.
    pub fn new(is_secure: bool, created_at: Moment) -> Self {
        let digits = number_code(created_at.0);
        Self { is_secure, shop: digits[digits.len() - SHOP_DIGITS..].to_lowercase().into() }
    }

    /// The name of a cookie: `mukkeum_4t0xk_form`. With HTTPS it has the prefix `__Host-`, which keeps other hosts of the
    /// domain from setting it.
    pub fn name(&self, purpose: &str) -> String {
        let prefix = if self.is_secure { "__Host-" } else { "" };
        format!("{prefix}mukkeum_{}_{purpose}", self.shop)
    }

    /// Name of the session cookie.
    pub fn session_name(&self) -> String {
        self.name("session")
    }

    /// Name of the remember-me cookie.
    pub fn remember_me_name(&self) -> String {
        self.name("remember")
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
    pub member_id: MemberId,
    /// the member's `session_epoch` when the password was entered
    pub epoch: i64,
    /// whether the browser stays logged in
    pub remember: bool,
    /// where the browser is redirected afterwards
    pub next: String,
    /// the entry of the login history
    pub sign_in_id: SignInId,
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

/// Key of the [`UnsentForm`] in a tower-sessions record.
const UNSENT_KEY: &str = "unsent";

/// How long an unsent form is kept.
const UNSENT_FOR: Duration = Duration::from_hours(1);

/// A form that arrived after the login of its page had run out. It waits for the next login of the same member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnsentForm {
    /// the member from whose page it is
    pub member_id: MemberId,
    /// when it arrived
    pub received_at: i64,
    /// its URL
    pub action: String,
    /// its fields, sealed with the key of the shop
    pub sealed_fields: String,
}

/// Keeps a form in the session of the browser, instead of an earlier one.
///
/// # Errors
/// The session store failed.
pub async fn keep_unsent(session: &Session, form: &UnsentForm) -> Result<(), Error> {
    session.insert(UNSENT_KEY, form).await
}

/// The kept form of a member; None after an hour.
///
/// # Errors
/// The session store failed.
pub async fn unsent(session: &Session, member_id: MemberId, now: Moment) -> Result<Option<UnsentForm>, Error> {
    let form = session.get::<UnsentForm>(UNSENT_KEY).await?;
    Ok(form.filter(|form| form.member_id == member_id && elapsed(form.received_at, now) <= UNSENT_FOR))
}

/// Removes the kept form.
///
/// # Errors
/// The session store failed.
pub async fn drop_unsent(session: &Session) -> Result<(), Error> {
    session.remove::<UnsentForm>(UNSENT_KEY).await.map(drop)
}

/// A member's session as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MemberSession {
    /// the member
    pub member_id: MemberId,
    /// the member's `session_epoch` at the start of the session
    pub epoch: i64,
    /// the device; deleting it ends the session
    #[serde(default)]
    pub device_id: DeviceId,
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
    pub fn by_password(member_id: MemberId, epoch: i64, device_id: DeviceId, csrf: String, now: Moment) -> Self {
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
        self.password_entered_at.is_some_and(|at| elapsed(at, now) <= REAUTHENTICATION_LIFETIME)
    }
}

/// Time since a moment. A moment in the future proves that the clock was wrong when it was recorded: it lies infinitely
/// far back, up to a minute by which the clocks of nodes differ.
fn elapsed(since: i64, now: Moment) -> Duration {
    match now.0 - since {
        elapsed @ 0.. => Duration::from_millis(elapsed.unsigned_abs()),
        CLOCK_SKEW_MS..0 => Duration::ZERO,
        _ => Duration::MAX,
    }
}

/// How far the clock of another node may be ahead, in milliseconds, negative.
const CLOCK_SKEW_MS: i64 = -60_000;

/// The middleware that loads the session of each request.
pub fn layer(store: &AnySessionStore, cookies: &CookieOptions) -> SessionManagerLayer<AnySessionStore> {
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
    let unsent = session.get::<UnsentForm>(UNSENT_KEY).await?;
    if unsent.is_some_and(|form| form.member_id != member_session.member_id) {
        drop_unsent(session).await?;
    }
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
    fn cookie_names_depend_on_https_and_shop() {
        let options = |is_secure, created_at| CookieOptions::new(is_secure, Moment(created_at));
        assert!(options(true, 1).session_name().starts_with("__Host-mukkeum_"));
        assert_eq!(options(true, 1).remember_me_name(), "__Host-mukkeum_00001_remember");
        assert_eq!(options(false, 1).remember_me_name(), "mukkeum_00001_remember");
        assert_ne!(options(false, 1).session_name(), options(false, 2).session_name());
    }

    #[test]
    fn moments_in_the_future_have_long_passed() {
        let now = Moment(1_710_464_400_000);
        assert_eq!(elapsed(now.0 - 5, now), Duration::from_millis(5));
        assert_eq!(elapsed(now.0 + 5_000, now), Duration::ZERO, "another node's clock");
        assert_eq!(elapsed(now.0 + 3 * 24 * 60 * 60 * 1000, now), Duration::MAX);
    }
}
