//! `/drive/proofs/{proof}`: a phone sends a photograph under its hash, with its day key; pages show it by its identifier.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::pack::{Phone, answer, unavailable};
use super::{check_access, hides};
use crate::drive::tour;
use crate::masking;
use crate::members::model::rights::Surface;
use crate::proofs::files::{ProofFileError, ProofFiles, is_hash};
use crate::proofs::jpeg::MAX_PHOTO_BYTES;
use crate::proofs::receive::{self, ReceiveError};
use crate::proofs::store;
use crate::storage::{Storage, StorageError};
use crate::web::{Error, Member, PageResult, disclosing, parse_id};

/// Tells the phone that the photograph stays on it. `retry`: whether sending it again may help.
fn refusal(status: StatusCode, sentence: &str, retry: bool) -> Response {
    answer(status, &json!({ "accepted": false, "retry": retry, "error": sentence }))
}

/// Receives the photograph of that hash. It is accepted only for events of the tour of the key that name it; receiving it
/// again changes nothing.
pub(super) async fn receive(
    State(storage): State<Storage>,
    State(files): State<ProofFiles>,
    phone: Phone,
    Path(hash): Path<String>,
    body: Body,
) -> Response {
    let accepted = || answer(StatusCode::OK, &json!({ "accepted": true, "now": storage.clock().now().0 }));
    let tour_id = phone.key.tour_id;
    if !is_hash(&hash) {
        return refusal(StatusCode::NOT_FOUND, "사진의 이름을 읽지 못했어요.", false);
    }
    match receive::is_received(&storage, tour_id, &hash).await {
        Err(error) => return unavailable(error),
        Ok(None) => return refusal(StatusCode::CONFLICT, &ReceiveError::NotNamed.to_string(), true),
        Ok(Some(true)) => return accepted(),
        Ok(Some(false)) => {}
    }
    let Ok(bytes) = to_bytes(body, MAX_PHOTO_BYTES).await else {
        return refusal(StatusCode::PAYLOAD_TOO_LARGE, "사진이 너무 커요. 다시 찍어 주세요.", false);
    };
    match receive::receive(&storage, &files, tour_id, &hash, bytes.to_vec()).await {
        Ok(()) => accepted(),
        Err(ReceiveError::Storage(error)) => unavailable(error),
        Err(error @ (ReceiveError::NotNamed | ReceiveError::WrongHash)) => {
            refusal(StatusCode::CONFLICT, &error.to_string(), true)
        }
        Err(error @ (ReceiveError::Photo(_) | ReceiveError::TooMany(_))) => {
            refusal(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string(), false)
        }
        Err(ReceiveError::File(error)) => {
            tracing::error!(%error, "배송 증빙 사진을 저장하지 못했어요");
            refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string(), true)
        }
    }
}

/// Shows a photograph: to the office, and to the driver of the tour on its day. Each view is recorded.
pub(super) async fn show(
    State(storage): State<Storage>,
    State(files): State<ProofFiles>,
    member: Member,
    Path(id): Path<String>,
) -> PageResult<Response> {
    let id = parse_id(&id)?;
    let viewer = member.clone();
    let (proof, tour, masking) = storage
        .read(move |tx| {
            let Some(proof) = store::find(tx, id)?.filter(store::ProofRow::is_shown) else { return Ok(None) };
            let masking = masking::store::load(tx, &viewer, Surface::Plan)?;
            let tour = tour::load(tx, proof.tour_id)?;
            Ok::<_, StorageError>(tour.map(|tour| (proof, tour, masking)))
        })
        .await?
        .ok_or(Error::NotFound)?;
    check_access(&member, &tour, storage.clock().now().date())?;
    let stop = tour.stop(proof.job_id).ok_or(Error::NotFound)?;
    if hides(&tour, stop.delivery_id, &member, &masking) {
        return Err(Error::NotFound);
    }
    let bytes = match files.get(&proof.hash).await {
        Ok(bytes) => bytes,
        Err(ProofFileError::Missing) => return Err(Error::NotFound),
        Err(error) => return Err(Error::internal(error)),
    };
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    Ok(disclosing(response, stop.order_ids()))
}
