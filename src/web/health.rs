//! Health checks and version, for load balancers and monitoring.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use super::{AppState, ClientInfo};
use crate::sessions::AnyStore;
use crate::storage::{Storage, StorageError, schema};

/// Timeout of the database query of a readiness check.
const READINESS_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn router() -> Router<AppState> {
    Router::new().route("/health/live", get(live)).route("/health/ready", get(ready)).route("/version", get(version))
}

/// Middleware: hides a page from clients that are not this computer. `/metrics` tells the business of a shop by the numbers
/// of its requests.
pub(super) async fn hide_from_others(client: ClientInfo, request: Request, next: Next) -> Response {
    if client.is_local { next.run(request).await } else { StatusCode::NOT_FOUND.into_response() }
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

/// The engine is told to this computer only: its version would help to look for known vulnerabilities.
async fn version(State(storage): State<Storage>, client: ClientInfo) -> Response {
    let mut version = json!({
        "name": env!("CARGO_PKG_NAME"),
        "version": env!("CARGO_PKG_VERSION"),
        "schema": schema::VERSION,
    });
    if client.is_local {
        version["engine"] = storage.describe().into();
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(version)).into_response()
}
