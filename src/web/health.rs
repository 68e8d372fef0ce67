//! Is it alive, is it ready, which version is it: for load balancers and people with `curl`.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::AppState;
use crate::storage::{StorageError, schema};

/// Who asks whether the program is ready does not wait for an answer longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/version", get(version))
}

async fn live() -> Response {
    answer(StatusCode::OK, "alive")
}

/// Ready while data and sessions can be reached, the schema is one that this program can go on with, and
/// nobody has asked the program to stop.
async fn ready(State(state): State<AppState>) -> Response {
    if state.is_draining() {
        return answer(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    let found = state.storage.read(|tx| tx.number("SELECT max(version) FROM schema_versions", &[]));
    let found = tokio::time::timeout(PATIENCE, found).await;
    match found.unwrap_or_else(|_| Err(StorageError::Unavailable("no answer".to_owned()))) {
        Ok(found) if schema::goes_on(found) => sessions(&state).await,
        Ok(found) => {
            tracing::error!(found, known = schema::VERSION, "the schema is not this program's");
            answer(StatusCode::SERVICE_UNAVAILABLE, "schema")
        }
        Err(error) => {
            tracing::error!(%error, "the storage cannot be reached");
            answer(StatusCode::SERVICE_UNAVAILABLE, "storage")
        }
    }
}

async fn sessions(state: &AppState) -> Response {
    match state.sessions.ping().await {
        Ok(()) => answer(StatusCode::OK, "ready"),
        Err(error) => {
            tracing::error!(%error, "the sessions cannot be reached");
            answer(StatusCode::SERVICE_UNAVAILABLE, "sessions")
        }
    }
}

fn answer(status: StatusCode, word: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{word}\n")).into_response()
}

async fn version(State(state): State<AppState>) -> Response {
    let answer = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "schema": schema::VERSION,
        "engine": state.storage.describe(),
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
}
