//! Authenticates each request: by session cookie, else by remember-me token.
//!
//! Tokens are accepted only on top-level navigations (`Sec-Fetch-Mode: navigate`): a sub-request would rotate the token,
//! and its response with the next token might be discarded.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::client_info::ClientInfo;
use super::cookies::{self, Cookie};
use super::unsent::UnsentForms;
use super::{AppState, Error, Member, csrf};
use crate::audit::MemberActor;
use crate::config::Config;
use crate::members::remember_me::{RememberMeOutcome, authenticate_by_token};
use crate::members::store::devices;
use crate::members::store::{self, CurrentMember};
use crate::random;
use crate::sessions::remember_me::{RememberToken, RememberTokenStore};
use crate::sessions::{self, CookieOptions, MemberSession};
use crate::storage::Storage;
use crate::vault::Vault;

/// The purpose of the cookie with the CSRF secret of a browser without a session (login, first administrator). It has no
/// record in the database and grants no access.
const FORM_COOKIE: &str = "form";

/// The result of authentication, stored in the extensions of request and response.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
#[derive(Clone, Debug)]
pub struct AuthContext {
    /// the logged-in member
    pub current: Option<CurrentMember>,
    /// whether the member entered the password in this session recently
    pub is_reauthenticated: bool,
    /// whether the member must set up a second factor before anything else
    pub must_enroll: bool,
    /// whether administrators' pages open from where the request comes
    pub is_admin_network: bool,
    /// whether the request carried a stolen remember-me token
    pub is_token_theft: bool,
    /// the remember-me token of the request, or the one that replaces it
    pub remember_token: Option<RememberToken>,
    /// the secret of the CSRF tokens in this browser's forms
    pub(super) csrf_secret: String,
    /// what proves whose pages these are
    pub(super) unsent: Option<UnsentForms>,
}

impl AuthContext {
    /// A request without a login.
    pub(super) fn anonymous(csrf_secret: String) -> Self {
        Self {
            current: None,
            is_reauthenticated: false,
            must_enroll: false,
            is_admin_network: false,
            is_token_theft: false,
            remember_token: None,
            csrf_secret,
            unsent: None,
        }
    }

    /// The logged-in member.
    pub fn member(&self) -> Option<&Member> {
        self.current.as_ref().map(|current| &current.member)
    }
}

impl<S: Sync> FromRequestParts<S> for AuthContext {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let auth = parts.extensions.get().cloned();
        auth.ok_or_else(|| Error::Internal("the route is outside of the authentication layer".into()))
    }
}

impl<S: Sync> FromRequestParts<S> for CurrentMember {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let auth = AuthContext::from_request_parts(parts, state).await?;
        auth.current.ok_or_else(|| Error::Internal("a public route requires a member".into()))
    }
}

impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Ok(CurrentMember::from_request_parts(parts, state).await?.member)
    }
}

/// The member as the actor of an audit entry, with the address of the request.
impl FromRequestParts<AppState> for MemberActor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Error> {
        let id = Member::from_request_parts(parts, state).await?.id;
        let address = ClientInfo::from_request_parts(parts, state).await?.address;
        Ok(Self { id, address })
    }
}

/// Middleware: puts the [`AuthContext`] into the extensions of the request, and of the response for error pages.
pub(super) async fn authenticate(
    State(authenticator): State<Authenticator>,
    client: ClientInfo,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let (auth, cookies) = match authenticator.authenticate(&session, &client, request.headers()).await {
        Ok(authenticated) => authenticated,
        Err(error) => return error.into_response(),
    };
    let is_admin_network = authenticator.config.admin_networks.allow(client.address, client.is_local);
    let unsent = UnsentForms::new(authenticator.vault.clone(), authenticator.storage.clock().now());
    let auth = AuthContext { is_admin_network, unsent: Some(unsent), ..auth };
    request.extensions_mut().insert(auth.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(auth);
    // Of two cookies with one name browsers keep the last: the handler's override those of this layer.
    let of_handler: Vec<HeaderValue> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
    response.headers_mut().remove(header::SET_COOKIE);
    for cookie in cookies.into_iter().chain(of_handler) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// What authentication uses.
#[derive(Clone)]
pub(super) struct Authenticator {
    storage: Storage,
    config: Arc<Config>,
    cookies: CookieOptions,
    remember_tokens: RememberTokenStore,
    vault: Vault,
    is_demo: bool,
    /// whether every administrator must have a second factor
    demands_admin_totp: bool,
}

impl FromRef<AppState> for Authenticator {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            config: Arc::clone(&state.config),
            cookies: state.cookies.clone(),
            remember_tokens: state.remember_tokens.clone(),
            vault: state.vault.clone(),
            is_demo: state.demo.is_some(),
            demands_admin_totp: state.config.demands_admin_totp(state.urls.is_public()),
        }
    }
}

/// The result and the cookies to set.
type AuthenticationOutcome = (AuthContext, Vec<HeaderValue>);

impl Authenticator {
    async fn authenticate(
        &self,
        session: &Session,
        client: &ClientInfo,
        headers: &HeaderMap,
    ) -> Result<AuthenticationOutcome, Error> {
        let token = cookies::values(headers, &self.cookies.remember_me_name()).find_map(RememberToken::parse);
        if let Some(member_session) =
            sessions::load(session, self.config.session_idle, self.storage.clock().now()).await?
        {
            let MemberSession { member_id, epoch, device_id, .. } = member_session;
            let current = self.storage.read(move |tx| store::current(tx, member_id, epoch, device_id));
            if let Some(current) = current.await? {
                return Ok((self.resume_session(session, client, member_session, current, token).await?, Vec::new()));
            }
            session.flush().await?;
        }
        match token {
            Some(token) if is_navigation(headers) => self.log_in_by_token(session, client, headers, token).await,
            token => self.anonymous(headers, token),
        }
    }

    /// Continues a valid session.
    async fn resume_session(
        &self,
        session: &Session,
        client: &ClientInfo,
        member_session: MemberSession,
        current: CurrentMember,
        remember_token: Option<RememberToken>,
    ) -> Result<AuthContext, Error> {
        if devices::is_touch_due(current.seen_at, self.storage.clock().now()) {
            let (id, origin, idle) = (current.device_id, client.origin(), self.config.session_idle);
            self.storage.write(move |tx| devices::touch(tx, id, &origin, idle)).await?;
        }
        if let (true, Some(token)) = (member_session.is_token_unconfirmed, &remember_token) {
            self.confirm_delivery(token).await?;
            sessions::confirm_delivery(session, member_session.clone()).await?;
        }
        Ok(AuthContext {
            must_enroll: self.must_enroll(&current),
            current: Some(current),
            is_reauthenticated: member_session.is_reauthenticated(self.storage.clock().now()),
            is_admin_network: false,
            is_token_theft: false,
            remember_token,
            csrf_secret: member_session.csrf,
            unsent: None,
        })
    }

    /// Whether the member lacks a second factor that is demanded: by an administrator, or of every administrator where other
    /// devices can connect.
    fn must_enroll(&self, current: &CurrentMember) -> bool {
        let is_demanded = current.requires_totp || current.member.is_admin() && self.demands_admin_totp;
        is_demanded && !current.has_second_factor && !self.is_demo
    }

    /// Confirms that the browser received `token`, since it received the session of the same response. The previous token is
    /// no longer accepted.
    async fn confirm_delivery(&self, token: &RememberToken) -> Result<(), Error> {
        if let Some(login) = self.remember_tokens.find(&token.series).await?
            && let Some(confirmed) = login.confirm_delivery(token)
        {
            // A concurrent request that replaced the record has newer information.
            self.remember_tokens.replace(&token.series, &login, &confirmed).await?;
        }
        Ok(())
    }

    /// Starts a session for a request with a remember-me token.
    async fn log_in_by_token(
        &self,
        session: &Session,
        client: &ClientInfo,
        headers: &HeaderMap,
        token: RememberToken,
    ) -> Result<AuthenticationOutcome, Error> {
        let next = token.rotate(random::secret()?);
        let (logins, idle) = (&self.remember_tokens, self.config.session_idle);
        match authenticate_by_token(&self.storage, logins, &token, &next, &client.origin(), idle).await? {
            RememberMeOutcome::LoggedIn { member, login, rotated } => {
                sessions::start(
                    session,
                    &MemberSession::by_remember_token(&login, rotated, self.storage.clock().now()),
                )
                .await?;
                let (token, cookies) = if rotated {
                    let seconds = (login.expires_at.0 - self.storage.clock().now().0) / 1000;
                    let cookie = cookies::set_remember_me(&self.cookies, &next, seconds)?;
                    (next, vec![cookie])
                } else {
                    (token, Vec::new())
                };
                let auth = AuthContext {
                    must_enroll: self.must_enroll(&member),
                    current: Some(member),
                    remember_token: Some(token),
                    ..AuthContext::anonymous(login.csrf)
                };
                Ok((auth, cookies))
            }
            rejected => {
                let (mut auth, mut cookies) = self.anonymous(headers, None)?;
                auth.is_token_theft = matches!(rejected, RememberMeOutcome::TokenTheft);
                cookies.push(cookies::clear_remember_me(&self.cookies)?);
                Ok((auth, cookies))
            }
        }
    }

    /// A request without a login; its CSRF secret is in the form cookie.
    fn anonymous(
        &self,
        headers: &HeaderMap,
        remember_token: Option<RememberToken>,
    ) -> Result<AuthenticationOutcome, Error> {
        let name = self.cookies.name(FORM_COOKIE);
        let (secret, cookies) =
            if let Some(secret) = cookies::values(headers, &name).find(|value| csrf::is_secret(value)) {
                (secret.to_owned(), Vec::new())
            } else {
                let secret = random::secret()?;
                let cookie = Cookie { name: &name, value: &secret, same_site: "Strict", max_age: None };
                let cookie = cookie.header(&self.cookies)?;
                (secret, vec![cookie])
            };
        Ok((AuthContext { remember_token, ..AuthContext::anonymous(secret) }, cookies))
    }
}

/// Whether the request is a top-level navigation. Browsers send `Sec-Fetch-Mode` over HTTPS and to localhost; elsewhere
/// only navigations accept HTML.
fn is_navigation(headers: &HeaderMap) -> bool {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match header("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => header("accept").is_some_and(|types| types.contains("text/html")),
    }
}
