//! Who is asking: found once per request, before anything else looks at it.
//!
//! A good session says it. Where there is none, a browser that stays signed in brings a ticket, which
//! begins a new one: but only when a person goes to a page. What a page asks for by itself (a
//! district, a picture) would use tickets up whose successors nobody keeps.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tower_sessions::Session;

use super::client::Client;
use super::cookies::{Cookie, sent};
use super::{AppState, Error, Member, csrf};
use crate::members::coming_back::{ComingBack, come_back};
use crate::members::devices;
use crate::members::store::{self, Present};
use crate::sessions::staying::{self, STAYS_MS, Ticket};
use crate::sessions::{self, SignedIn};

/// The cookie that the forms of somebody who is not signed in (login, first administrator) are
/// bound to. It is worth nothing but that: no row in the database, no login.
const FORM_COOKIE: &str = "mukkeum_form";

/// Who sends the request.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// the member, when signed in
    pub present: Option<Present>,
    /// whether they typed their password in this session, not too long ago
    pub confirmed: bool,
    /// whether they brought a copy of a ticket, or it was copied from them
    pub stolen: bool,
    /// what the browser brought to stay signed in, or was given just now
    pub ticket: Option<Ticket>,
    /// what the CSRF tokens of this visitor's forms are made of
    pub(super) csrf_secret: String,
}

impl Visitor {
    /// Somebody who is not signed in.
    pub(super) fn nobody(csrf_secret: String) -> Self {
        Self { present: None, confirmed: false, stolen: false, ticket: None, csrf_secret }
    }

    /// The member, when signed in.
    pub fn member(&self) -> Option<&Member> {
        self.present.as_ref().map(|present| &present.member)
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        parts.extensions.get().cloned().ok_or_else(|| Error::Internal("a route outside of the visitor's layer".into()))
    }
}

impl<S: Sync> FromRequestParts<S> for Present {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let visitor = Visitor::from_request_parts(parts, state).await?;
        visitor.present.ok_or_else(|| Error::Internal("a member is wanted on a public route".into()))
    }
}

impl<S: Sync> FromRequestParts<S> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        Ok(Present::from_request_parts(parts, state).await?.member)
    }
}

/// Puts the [`Visitor`] beside the request, and beside the response for the page of an error.
pub(super) async fn identify(
    State(state): State<AppState>,
    session: Session,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let found = async {
        let client = Client::from_request_parts(&mut parts, &state).await?;
        find(&state, &session, &client, &parts.headers).await
    };
    let (visitor, cookies) = match found.await {
        Ok(found) => found,
        Err(error) => return error.into_response(),
    };
    let mut request = Request::from_parts(parts, body);
    request.extensions_mut().insert(visitor.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(visitor);
    // What the handler says of a cookie comes last, and the last word counts.
    let said: Vec<HeaderValue> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
    response.headers_mut().remove(header::SET_COOKIE);
    for cookie in cookies.into_iter().chain(said) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

type Found = (Visitor, Vec<HeaderValue>);

async fn find(state: &AppState, session: &Session, client: &Client, headers: &HeaderMap) -> Result<Found, Error> {
    let ticket = sent(headers, staying::cookie_name(&state.config)).find_map(Ticket::parse);
    if let Some(signed_in) = sessions::current(session, state.config.session_idle, state.now()).await? {
        let SignedIn { member_id, epoch, device_id, .. } = signed_in;
        let districts = state.uploads.districts.clone();
        let present = state.storage.read(move |tx| {
            // Whatever page this is, it knows the newest districts.
            districts.current(tx)?;
            store::present(tx, member_id, epoch, device_id)
        });
        if let Some(present) = present.await? {
            return Ok((go_on(state, session, client, signed_in, present, ticket).await?, Vec::new()));
        }
        session.flush().await?;
    }
    match ticket {
        Some(ticket) if is_navigation(headers) => come_in(state, session, client, headers, ticket).await,
        ticket => nobody(state, headers, ticket),
    }
}

/// The session is good.
async fn go_on(
    state: &AppState,
    session: &Session,
    client: &Client,
    signed_in: SignedIn,
    present: Present,
    ticket: Option<Ticket>,
) -> Result<Visitor, Error> {
    if devices::is_due(present.seen_at, state.now()) {
        let (id, place, idle) = (present.device_id, client.place(), state.config.session_idle);
        state.storage.write(move |tx| devices::see(tx, id, &place, idle)).await?;
    }
    if let (true, Some(ticket)) = (signed_in.renewed, &ticket) {
        note_arrival(state, ticket).await?;
        sessions::note_arrival(session, signed_in.clone()).await?;
    }
    let confirmed = signed_in.is_confirmed(state.now());
    Ok(Visitor { present: Some(present), confirmed, stolen: false, ticket, csrf_secret: signed_in.csrf })
}

/// The session came back, so the ticket that was given with it has arrived as well: the one before
/// it is worth nothing any more.
async fn note_arrival(state: &AppState, ticket: &Ticket) -> Result<(), Error> {
    if let Some(series) = state.stays.find(&ticket.series).await?
        && let Some(after) = series.after_arrival_of(ticket)
    {
        // Whoever was faster knows more than this request.
        state.stays.replace(&ticket.series, &series, &after).await?;
    }
    Ok(())
}

/// There is no session, but a ticket.
async fn come_in(
    state: &AppState,
    session: &Session,
    client: &Client,
    headers: &HeaderMap,
    ticket: Ticket,
) -> Result<Found, Error> {
    let next = ticket.followed_by(csrf::secret()?);
    let idle = state.config.session_idle;
    match come_back(&state.storage, state.stays.as_ref(), &ticket, &next, &client.place(), idle).await? {
        ComingBack::In { present, series, renewed } => {
            sessions::begin(session, &SignedIn::by_series(&series, renewed, state.now())).await?;
            let seconds = (series.expires_at.0 - state.now().0) / 1000;
            let cookies = if renewed { vec![stay(state, &next, seconds)?] } else { Vec::new() };
            let ticket = Some(if renewed { next } else { ticket });
            let visitor =
                Visitor { present: Some(present), confirmed: false, stolen: false, ticket, csrf_secret: series.csrf };
            Ok((visitor, cookies))
        }
        told => {
            let (visitor, mut cookies) = nobody(state, headers, None)?;
            cookies.push(stay_no_longer(state)?);
            Ok((Visitor { stolen: matches!(told, ComingBack::Stolen), ..visitor }, cookies))
        }
    }
}

/// Somebody who is not signed in, by the cookie of their forms.
fn nobody(state: &AppState, headers: &HeaderMap, ticket: Option<Ticket>) -> Result<Found, Error> {
    if let Some(secret) = sent(headers, FORM_COOKIE).find(|value| csrf::is_secret(value)) {
        return Ok((Visitor { ticket, ..Visitor::nobody(secret.to_owned()) }, Vec::new()));
    }
    let secret = csrf::secret()?;
    let cookie = Cookie { name: FORM_COOKIE, value: &secret, same_site: "Strict", max_age: None };
    let cookie = cookie.header(&state.config)?;
    Ok((Visitor { ticket, ..Visitor::nobody(secret) }, vec![cookie]))
}

/// Browsers say whether a person goes to a page, where they trust the connection; elsewhere only a
/// page is asked for as HTML.
fn is_navigation(headers: &HeaderMap) -> bool {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match word("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => word("accept").is_some_and(|kinds| kinds.contains("text/html")),
    }
}

/// The cookie that lets a browser stay signed in as long as a new series lasts.
pub(crate) fn stay_from_now(state: &AppState, ticket: &Ticket) -> Result<HeaderValue, Error> {
    stay(state, ticket, STAYS_MS / 1000)
}

fn stay(state: &AppState, ticket: &Ticket, seconds: i64) -> Result<HeaderValue, Error> {
    let (name, value) = (staying::cookie_name(&state.config), ticket.cookie());
    Cookie { name, value: &value, same_site: "Lax", max_age: Some(seconds) }.header(&state.config)
}

/// Takes that cookie away.
pub(crate) fn stay_no_longer(state: &AppState) -> Result<HeaderValue, Error> {
    let name = staying::cookie_name(&state.config);
    Cookie { name, value: "", same_site: "Lax", max_age: Some(0) }.header(&state.config)
}
