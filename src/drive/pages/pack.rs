//! `GET /drive/pack`: the tour of a day key, as the phone keeps it for the day.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::view::{StopView, reasons};
use crate::access::{AccessAction, AccessRecorder, Accessor, NewAccess};
use crate::drive::key::{self, DayKey, KEY_HEADER, KeyRefusal};
use crate::drive::site;
use crate::drive::store::keys;
use crate::drive::tour;
use crate::plans::model::TourState;
use crate::proofs::files::ProofFiles;
use crate::storage::{Storage, StorageError};
use crate::vault::Vault;
use crate::web::{AppState, ClientInfo, Error, PageResult};

/// A phone with a valid day key.
pub(super) struct Phone {
    pub(super) key: DayKey,
    pub(super) client: ClientInfo,
}

/// An answer for a phone.
pub(super) fn answer(status: StatusCode, body: &serde_json::Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

impl FromRequestParts<AppState> for Phone {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let client = ClientInfo::from_request_parts(parts, state).await.map_err(Error::into_response)?;
        let secret = parts.headers.get(KEY_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let opened = state.storage.read(move |tx| key::open(tx, &secret)).await;
        match opened.map_err(|error| Error::from(error).into_response())? {
            Ok(key) => Ok(Self { key, client }),
            Err(refusal) => {
                let body = json!({ "error": refusal.sentence(), "ended": refusal == KeyRefusal::Ended });
                Err(answer(StatusCode::UNAUTHORIZED, &body))
            }
        }
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(access): State<AccessRecorder>,
    State(files): State<ProofFiles>,
    State(vault): State<Vault>,
    phone: Phone,
) -> PageResult<Response> {
    let (tour_id, key_id) = (phone.key.tour_id, phone.key.id);
    let mut loaded = storage
        .write(move |tx| {
            keys::touch(tx, key_id)?;
            tour::load(tx, tour_id)
        })
        .await?
        .ok_or(Error::NotFound)?;
    let now = storage.clock().now();
    // A tour of another day, or one that was taken away, has nothing left to show.
    let is_shown = loaded.tour.day == now.date()
        && matches!(loaded.tour.state, TourState::Loading | TourState::Out)
        && loaded.tour.is_of(phone.key.member_id);
    if is_shown {
        site::open_codes(&mut loaded, &vault, now.date());
    }
    let stops = if is_shown { StopView::all(&loaded) } else { Vec::new() };
    if is_shown {
        let accessor = Accessor::Member { id: phone.key.member_id, address: phone.client.address.to_string() };
        let orders = loaded.order_ids().into_iter().collect();
        let (action, page, query) = (AccessAction::Viewed, "/drive/pack".to_owned(), String::new());
        access.record(NewAccess { accessor, action, page, query, orders }).await;
    }
    let body = json!({
        "tour": loaded.tour.id.to_string(),
        "name": loaded.tour.name(),
        "day": loaded.tour.day.to_string(),
        "state": loaded.tour.state.code(),
        "wiped": !is_shown,
        "now": now.0,
        "reasons": reasons(),
        "office_tel": loaded.office_tel,
        // Whether this server has a place for photographs.
        "photos": files.is_available(),
        "stops": stops,
    });
    Ok(answer(StatusCode::OK, &body))
}

/// Maps a failure of the database for the phone, which tries again.
pub(super) fn unavailable(error: StorageError) -> Response {
    Error::from(error).into_response()
}
