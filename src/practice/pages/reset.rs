//! `/practice/reset`: manual reset of the demo shop.

use axum::extract::State;
use axum::response::Response;

use super::require_demo;
use crate::web::{AppState, Error, FormPairs, PageResult, redirect};

/// Resets the demo shop and ends all sessions.
pub(super) async fn reset(State(state): State<AppState>, FormPairs(_): FormPairs) -> PageResult<Response> {
    let demo = require_demo(&state)?;
    if let Some(reason) = demo.reset_refusal(state.now()) {
        return Err(Error::BadRequest(reason.to_owned()));
    }
    demo.reset(&state.storage, &state.passwords).await.map_err(|error| Error::Internal(error.to_string()))?;
    Ok(redirect("/login"))
}
