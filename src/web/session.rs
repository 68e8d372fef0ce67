//! Login and logout of a browser: its session, its device and its persistent login change together.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower_sessions::Session;

use super::cookies::{self, Cookie};
use super::{AppState, AuthContext, ClientInfo, Error};
use crate::access::{self, AccessAction, AccessedOrders, Accessor, NewAccess};
use crate::config::Config;
use crate::id::{DeviceId, MemberId};
use crate::members::known_browser::KnownBrowser;
use crate::members::model::sign_in::SignInOutcome;
use crate::members::store::{devices, sign_ins};
use crate::random;
use crate::sessions::remember_me::{PersistentLogin, REMEMBER_FOR_MS, RememberToken, RememberTokenStore};
use crate::sessions::{self, CookieOptions, MemberSession, PendingLogin};
use crate::storage::Storage;
use crate::vault::Vault;

/// The purpose of the cookie of a [`KnownBrowser`].
const KNOWN_COOKIE: &str = "known";

/// Lifetime of that cookie in seconds: half a year.
const KNOWN_COOKIE_SECONDS: i64 = 183 * 24 * 60 * 60;

/// The session of the requesting browser, to log a member in or out.
pub struct BrowserSession {
    /// the client that sent the request
    pub client: ClientInfo,
    session: Session,
    auth: AuthContext,
    storage: Storage,
    config: Arc<Config>,
    cookies: CookieOptions,
    vault: Vault,
    known: Option<KnownBrowser>,
    logins: RememberTokenStore,
}

impl FromRequestParts<AppState> for BrowserSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let session = Session::from_request_parts(parts, state).await;
        Ok(Self {
            client: ClientInfo::from_request_parts(parts, state).await?,
            session: session.map_err(|(_, reason)| Error::Internal(reason.to_owned()))?,
            auth: AuthContext::from_request_parts(parts, state).await?,
            storage: state.storage.clone(),
            config: Arc::clone(&state.config),
            cookies: state.cookies.clone(),
            vault: state.uploads.vault.clone(),
            known: cookies::values(&parts.headers, &state.cookies.name(KNOWN_COOKIE))
                .find_map(|value| KnownBrowser::unseal(&state.uploads.vault, value)),
            logins: state.remember_tokens.clone(),
        })
    }
}

impl BrowserSession {
    /// Logs in a member with this session epoch who has just entered the password, and logs out the member who was logged
    /// in before. `remember` also creates a persistent login.
    ///
    /// # Errors
    /// The database, the session store or the random number generator failed.
    pub async fn log_in(&self, member_id: MemberId, epoch: i64, remember: bool) -> Result<LoginCookies, Error> {
        let cleared = self.revoke().await?;
        let (now, idle, origin) = (self.storage.clock().now(), self.config.session_idle, self.client.origin());
        let until = remember.then(|| now.plus_ms(REMEMBER_FOR_MS));
        let add_device = move |tx: &mut dyn crate::storage::Tx| {
            access::record(tx, sign_ins::access(Some(member_id), &origin.address, SignInOutcome::Password))?;
            devices::add(tx, member_id, &origin, until, idle)
        };
        let device_id = self.storage.write(add_device).await?;
        let csrf = random::secret()?;
        let cookie = if remember {
            let token = RememberToken::new(random::secret()?, random::secret()?);
            let login = PersistentLogin::new(&token, member_id, epoch, device_id, csrf.clone(), now);
            self.logins.create(&token.series, &login).await?;
            LoginCookies(vec![cookies::set_remember_me(&self.cookies, &token, REMEMBER_FOR_MS / 1000)?])
        } else {
            cleared
        };
        let cookie = self.remember_browser(cookie, member_id)?;
        sessions::start(&self.session, &MemberSession::by_password(member_id, epoch, device_id, csrf, now)).await?;
        Ok(cookie)
    }

    /// Stores a login that waits for its second factor.
    ///
    /// # Errors
    /// The session store failed.
    pub async fn begin_second_factor(&self, pending: &PendingLogin) -> Result<(), Error> {
        Ok(sessions::begin_second_factor(&self.session, pending).await?)
    }

    /// The login of this browser that waits for its second factor.
    ///
    /// # Errors
    /// The session store failed.
    pub async fn pending_login(&self) -> Result<Option<PendingLogin>, Error> {
        Ok(sessions::pending_login(&self.session, self.storage.clock().now()).await?)
    }

    /// Logs the member out: ends the session, and revokes the device and the persistent login.
    ///
    /// # Errors
    /// The database or the session store failed.
    pub async fn log_out(&self) -> Result<LoginCookies, Error> {
        let cookie = self.revoke().await?;
        self.session.flush().await?;
        if let Some(current) = &self.auth.current {
            let access = NewAccess {
                accessor: Accessor::Member { id: current.member.id, address: self.client.address.to_string() },
                action: AccessAction::SignedOut,
                page: "/logout".to_owned(),
                query: String::new(),
                orders: AccessedOrders::NONE,
            };
            self.storage.write(move |tx| access::record(tx, access.clone())).await?;
        }
        Ok(cookie)
    }

    /// What this browser proves of its earlier logins.
    pub fn known(&self) -> Option<&KnownBrowser> {
        self.known.as_ref()
    }

    /// Adds the cookie that proves later that the member has logged in here.
    fn remember_browser(&self, mut cookies: LoginCookies, member_id: MemberId) -> Result<LoginCookies, Error> {
        let known = KnownBrowser::with_member(self.known.as_ref(), member_id, random::secret()?);
        if let Some(value) = known.seal(&self.vault) {
            let (name, max_age) = (self.cookies.name(KNOWN_COOKIE), Some(KNOWN_COOKIE_SECONDS));
            cookies.0.push(Cookie { name: &name, value: &value, same_site: "Strict", max_age }.header(&self.cookies)?);
        }
        Ok(cookies)
    }

    /// Revokes the device and the persistent login.
    async fn revoke(&self) -> Result<LoginCookies, Error> {
        if let Some(current) = &self.auth.current {
            self.revoke_device(current.member.id, current.device_id).await?;
        }
        let Some(token) = &self.auth.remember_token else {
            return Ok(LoginCookies(Vec::new()));
        };
        if let Some(login) = self.logins.find(&token.series).await? {
            self.revoke_device(login.member_id, login.device_id).await?;
            self.logins.delete(&token.series).await?;
        }
        Ok(LoginCookies(vec![cookies::clear_remember_me(&self.cookies)?]))
    }

    async fn revoke_device(&self, member_id: MemberId, device_id: DeviceId) -> Result<(), Error> {
        self.storage.write(move |tx| devices::revoke(tx, member_id, device_id)).await?;
        Ok(())
    }
}

/// The cookies of a login or logout, which the response must carry.
#[must_use]
pub struct LoginCookies(Vec<HeaderValue>);

impl LoginCookies {
    /// Adds the `Set-Cookie` headers.
    pub fn add_to(self, mut response: Response) -> Response {
        for cookie in self.0 {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}
