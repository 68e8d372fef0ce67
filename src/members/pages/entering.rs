//! Beginning and ending a member's session in a browser.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower_sessions::Session;

use crate::members::devices;
use crate::sessions::staying::{STAYS_MS, Series, Ticket};
use crate::sessions::{self, SignedIn};
use crate::web::client::Client;
use crate::web::{AppState, Error, Visitor, csrf, stay_from_now, stay_no_longer};

/// Signs the member in in this browser, who has just typed their password. Whoever was signed in
/// there is so no longer. The answer must carry the cookie.
pub(super) async fn enter(
    state: &AppState,
    session: &Session,
    visitor: &Visitor,
    client: &Client,
    (member_id, epoch): (i64, i64),
    stays: bool,
) -> Result<Option<HeaderValue>, Error> {
    let gone = leave(state, visitor).await?;
    let (now, idle, place) = (state.now(), state.config.session_idle, client.place());
    let until = stays.then(|| now.plus_ms(STAYS_MS));
    let device_id = state.storage.write(move |tx| devices::add(tx, member_id, &place, until, idle)).await?;
    let csrf = csrf::secret()?;
    let cookie = if stays {
        let ticket = Ticket::new(csrf::secret()?, csrf::secret()?);
        let series = Series::begin(&ticket, member_id, epoch, device_id, csrf.clone(), now);
        state.stays.create(&ticket.series, &series).await?;
        Some(stay_from_now(state, &ticket)?)
    } else {
        gone
    };
    sessions::begin(session, &SignedIn::by_password(member_id, epoch, device_id, csrf, now)).await?;
    Ok(cookie)
}

/// Ends what lets this browser in; its session is the caller's. The answer must carry the cookie.
pub(super) async fn leave(state: &AppState, visitor: &Visitor) -> Result<Option<HeaderValue>, Error> {
    if let Some(present) = &visitor.present {
        let (member_id, device_id) = (present.member.id, present.device_id);
        state.storage.write(move |tx| devices::end(tx, member_id, device_id)).await?;
    }
    let Some(ticket) = &visitor.ticket else {
        return Ok(None);
    };
    if let Some(series) = state.stays.find(&ticket.series).await? {
        let (member_id, device_id) = (series.member_id, series.device_id);
        state.storage.write(move |tx| devices::end(tx, member_id, device_id)).await?;
        state.stays.delete(&ticket.series).await?;
    }
    stay_no_longer(state).map(Some)
}

/// The answer with its cookie.
pub(super) fn with_cookie(mut answer: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}
