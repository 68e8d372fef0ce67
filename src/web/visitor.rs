//! Who is asking: found once per request, before anything else looks at it.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::{AppState, Error, Member, csrf};
use crate::{members, sessions};

/// The cookie that the forms of somebody who is not signed in (login, first administrator) are
/// bound to. It is worth nothing but that: no row in the database, no login.
const FORM_COOKIE: &str = "mukkeum_form";

/// Who sends the request.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// the member, when signed in
    pub member: Option<Member>,
    /// whether they typed their password in this session, not too long ago
    pub confirmed: bool,
    /// what the CSRF tokens of this visitor's forms are made of
    pub(super) csrf_secret: String,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub(super) fn nobody(csrf_secret: String) -> Self {
        Self { member: None, confirmed: false, csrf_secret }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(|| Error::Internal("a route outside of the visitor's layer".into()))
    }
}

impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        visitor.member.ok_or_else(|| Error::Internal("a member is wanted on a public route".into()))
    }
}

/// Puts the [`Visitor`] beside the request, and beside the response for the page of an error.
pub(super) async fn identify(
    State(state): State<AppState>,
    session: Session,
    mut request: Request,
    next: Next,
) -> Response {
    let (visitor, cookie) = match find(&state, &session, request.headers()).await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(visitor);
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn find(
    state: &AppState,
    session: &Session,
    headers: &HeaderMap,
) -> Result<(Visitor, Option<HeaderValue>), Error> {
    if let Some(signed_in) = sessions::current(session, state.config.session_idle, state.now()).await? {
        let (id, epoch) = (signed_in.member_id, signed_in.epoch);
        if let Some(member) = state.storage.read(move |tx| members::store::signed_in(tx, id, epoch)).await? {
            let confirmed = signed_in.is_confirmed(state.now());
            return Ok((Visitor { member: Some(member), confirmed, csrf_secret: signed_in.csrf }, None));
        }
        session.flush().await?;
    }
    if let Some(secret) = form_cookie(headers) {
        return Ok((Visitor::nobody(secret), None));
    }
    let secret = csrf::secret()?;
    let secure = if state.config.behind_tls { "; Secure" } else { "" };
    let cookie = format!("{FORM_COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|error| Error::Internal(error.to_string()))?;
    Ok((Visitor::nobody(secret), Some(cookie)))
}

fn form_cookie(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, value)| *name == FORM_COOKIE && csrf::is_secret(value))
        .map(|(_, value)| value.to_owned())
}
