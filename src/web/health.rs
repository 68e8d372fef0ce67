//! Health checks and version, for load balancers and monitoring.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::AppState;
use crate::sessions::AnyStore;
use crate::storage::{Storage, StorageError, schema};

/// Timeout of the database query of a readiness check.
const READINESS_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/version", get(version))
}

async fn live() -> Response {
    text(StatusCode::OK, "alive")
}

/// Ready unless the server is draining, the database or the session store cannot be reached, or the schema is not
/// compatible with this version of the program.
async fn ready(State(state): State<AppState>) -> Response {
    if state.is_draining() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    let version = state.storage.read(schema::installed_version);
    let version = tokio::time::timeout(READINESS_TIMEOUT, version).await;
    match version.unwrap_or_else(|_| Err(StorageError::Unavailable("no answer".to_owned()))) {
        Ok(version) if schema::is_compatible(version) => sessions(&state.sessions).await,
        Ok(version) => {
            tracing::error!(found = version, known = schema::VERSION, "the schema is not this program's");
            text(StatusCode::SERVICE_UNAVAILABLE, "schema")
        }
        Err(error) => {
            tracing::error!(%error, "the storage cannot be reached");
            text(StatusCode::SERVICE_UNAVAILABLE, "storage")
        }
    }
}

async fn sessions(store: &AnyStore) -> Response {
    match store.ping().await {
        Ok(()) => text(StatusCode::OK, "ready"),
        Err(error) => {
            tracing::error!(%error, "the sessions cannot be reached");
            text(StatusCode::SERVICE_UNAVAILABLE, "sessions")
        }
    }
}

fn text(status: StatusCode, word: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], format!("{word}\n")).into_response()
}

async fn version(State(storage): State<Storage>) -> Response {
    let version = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "schema": schema::VERSION,
        "engine": storage.describe(),
    });
    ([(header::CACHE_CONTROL, "no-store")], Json(version)).into_response()
}
