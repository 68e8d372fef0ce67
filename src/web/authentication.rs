//! Authenticates each request: by session cookie, else by remember-me token.
//!
//! Tokens are accepted only on top-level navigations (`Sec-Fetch-Mode: navigate`): a sub-request would rotate the token,
//! and its response with the next token might be discarded.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::client_info::ClientInfo;
use super::cookies::{self, Cookie};
use super::{AppState, Error, Member, csrf};
use crate::audit::MemberActor;
use crate::members::remember_me::{RememberMeOutcome, authenticate_by_token};
use crate::members::store::devices;
use crate::members::store::{self, CurrentMember};
use crate::random;
use crate::sessions::remember_me::RememberToken;
use crate::sessions::{self, MemberSession};

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
    State(state): State<AppState>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let authenticated = async {
        let client = ClientInfo::from_request_parts(&mut parts, &state).await?;
        let (auth, cookies) = authenticate_request(&state, &session, &client, &parts.headers).await?;
        let is_admin_network = state.config.admin_networks.allow(client.address, client.is_local);
        Ok::<_, Error>((AuthContext { is_admin_network, ..auth }, cookies))
    };
    let (auth, cookies) = match authenticated.await {
        Ok(authenticated) => authenticated,
        Err(error) => return error.into_response(),
    };
    let mut request = Request::from_parts(parts, body);
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

/// The result and the cookies to set.
type AuthenticationOutcome = (AuthContext, Vec<HeaderValue>);

async fn authenticate_request(
    state: &AppState,
    session: &Session,
    client: &ClientInfo,
    headers: &HeaderMap,
) -> Result<AuthenticationOutcome, Error> {
    let token = cookies::values(headers, &state.cookies.remember_me_name()).find_map(RememberToken::parse);
    if let Some(member_session) = sessions::load(session, state.config.session_idle, state.now()).await? {
        let MemberSession { member_id, epoch, device_id, .. } = member_session;
        let current = state.storage.read(move |tx| store::current(tx, member_id, epoch, device_id));
        if let Some(current) = current.await? {
            return Ok((resume_session(state, session, client, member_session, current, token).await?, Vec::new()));
        }
        session.flush().await?;
    }
    match token {
        Some(token) if is_navigation(headers) => log_in_by_token(state, session, client, headers, token).await,
        token => anonymous(state, headers, token),
    }
}

/// Continues a valid session.
async fn resume_session(
    state: &AppState,
    session: &Session,
    client: &ClientInfo,
    member_session: MemberSession,
    current: CurrentMember,
    remember_token: Option<RememberToken>,
) -> Result<AuthContext, Error> {
    if devices::is_touch_due(current.seen_at, state.now()) {
        let (id, origin, idle) = (current.device_id, client.origin(), state.config.session_idle);
        state.storage.write(move |tx| devices::touch(tx, id, &origin, idle)).await?;
    }
    if let (true, Some(token)) = (member_session.is_token_unconfirmed, &remember_token) {
        confirm_delivery(state, token).await?;
        sessions::confirm_delivery(session, member_session.clone()).await?;
    }
    Ok(AuthContext {
        must_enroll: must_enroll(state, &current),
        current: Some(current),
        is_reauthenticated: member_session.is_reauthenticated(state.now()),
        is_admin_network: false,
        is_token_theft: false,
        remember_token,
        csrf_secret: member_session.csrf,
    })
}

/// Whether the member lacks a second factor that is demanded: by an administrator, or of every administrator where other
/// devices can connect.
fn must_enroll(state: &AppState, current: &CurrentMember) -> bool {
    let is_demanded = current.requires_totp || current.member.is_admin() && state.config.demands_admin_totp();
    is_demanded && !current.has_second_factor && state.demo.is_none()
}

/// Confirms that the browser received `token`, since it received the session of the same response. The previous token is
/// no longer accepted.
async fn confirm_delivery(state: &AppState, token: &RememberToken) -> Result<(), Error> {
    if let Some(login) = state.remember_tokens.find(&token.series).await?
        && let Some(confirmed) = login.confirm_delivery(token)
    {
        // A concurrent request that replaced the record has newer information.
        state.remember_tokens.replace(&token.series, &login, &confirmed).await?;
    }
    Ok(())
}

/// Starts a session for a request with a remember-me token.
async fn log_in_by_token(
    state: &AppState,
    session: &Session,
    client: &ClientInfo,
    headers: &HeaderMap,
    token: RememberToken,
) -> Result<AuthenticationOutcome, Error> {
    let next = token.rotate(random::secret()?);
    let (logins, idle) = (&state.remember_tokens, state.config.session_idle);
    match authenticate_by_token(&state.storage, logins, &token, &next, &client.origin(), idle).await? {
        RememberMeOutcome::LoggedIn { member, login, rotated } => {
            sessions::start(session, &MemberSession::by_remember_token(&login, rotated, state.now())).await?;
            let (token, cookies) = if rotated {
                let seconds = (login.expires_at.0 - state.now().0) / 1000;
                let cookie = cookies::set_remember_me(&state.cookies, &next, seconds)?;
                (next, vec![cookie])
            } else {
                (token, Vec::new())
            };
            let auth = AuthContext {
                must_enroll: must_enroll(state, &member),
                current: Some(member),
                remember_token: Some(token),
                ..AuthContext::anonymous(login.csrf)
            };
            Ok((auth, cookies))
        }
        rejected => {
            let (mut auth, mut cookies) = anonymous(state, headers, None)?;
            auth.is_token_theft = matches!(rejected, RememberMeOutcome::TokenTheft);
            cookies.push(cookies::clear_remember_me(&state.cookies)?);
            Ok((auth, cookies))
        }
    }
}

/// A request without a login; its CSRF secret is in the form cookie.
fn anonymous(
    state: &AppState,
    headers: &HeaderMap,
    remember_token: Option<RememberToken>,
) -> Result<AuthenticationOutcome, Error> {
    let name = state.cookies.name(FORM_COOKIE);
    let (secret, cookies) = if let Some(secret) = cookies::values(headers, &name).find(|value| csrf::is_secret(value)) {
        (secret.to_owned(), Vec::new())
    } else {
        let secret = random::secret()?;
        let cookie = Cookie { name: &name, value: &secret, same_site: "Strict", max_age: None };
        let cookie = cookie.header(&state.cookies)?;
        (secret, vec![cookie])
    };
    Ok((AuthContext { remember_token, ..AuthContext::anonymous(secret) }, cookies))
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
