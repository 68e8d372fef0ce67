//! Health checks and version, for load balancers and monitoring.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::sync::Mutex;

use super::state::DrainFlag;
use super::{AppState, ClientInfo};
use crate::config::Config;
use crate::sessions::AnySessionStore;
use crate::storage::{Storage, StorageError, schema};

/// How long the answer of a check of writes is reused: each takes a transaction and a flush of the disk.
const WRITE_CHECK_INTERVAL: Duration = Duration::from_secs(10);

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

/// Ready unless the server is draining, the database or the session store cannot be reached, nothing can be written, or the
/// schema is not compatible with this version of the program.
async fn ready(
    State(draining): State<DrainFlag>,
    State(storage): State<Storage>,
    State(write_check): State<WriteCheck>,
    State(config): State<Arc<Config>>,
    State(session_store): State<AnySessionStore>,
) -> Response {
    if draining.is_requested() {
        return text(StatusCode::SERVICE_UNAVAILABLE, "draining");
    }
    let version = storage.read(schema::installed_version);
    let version = tokio::time::timeout(READINESS_TIMEOUT, version).await;
    match version.unwrap_or_else(|_| Err(StorageError::Unavailable("no answer".to_owned()))) {
        Ok(version) if schema::is_compatible(version) => {
            let check = write_check.run(&storage, &config.data);
            match tokio::time::timeout(READINESS_TIMEOUT, check).await {
                // A write may wait for an upload to be applied; that is no failure.
                Ok(None) | Err(_) => sessions(&session_store).await,
                Ok(Some(WriteFailure::DiskFull)) => text(StatusCode::SERVICE_UNAVAILABLE, "disk full"),
                Ok(Some(WriteFailure::ReadOnly)) => text(StatusCode::SERVICE_UNAVAILABLE, "read-only"),
            }
        }
        Ok(version) => {
            tracing::error!(
                found = version,
                known = schema::VERSION,
                "다른 버전의 데이터라 쓰지 않아요. 맞는 버전의 프로그램을 켜세요"
            );
            text(StatusCode::SERVICE_UNAVAILABLE, "schema")
        }
        Err(error) => {
            tracing::error!(%error, "데이터베이스에 연결하지 못해요");
            text(StatusCode::SERVICE_UNAVAILABLE, "storage")
        }
    }
}

/// Why nothing can be written, as the answer of the readiness check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WriteFailure {
    DiskFull,
    ReadOnly,
}

/// The time of a check whether data can be written, and its result.
type LastWriteCheck = (Instant, Option<WriteFailure>);

/// The last check whether data can be written. Shared by all requests: load balancers ask every second.
#[derive(Clone, Default)]
pub(super) struct WriteCheck(Arc<Mutex<Option<LastWriteCheck>>>);

impl WriteCheck {
    /// Why the database or the data folder accepts no writes. The answer may be [`WRITE_CHECK_INTERVAL`] old.
    async fn run(&self, storage: &Storage, data: &Path) -> Option<WriteFailure> {
        let mut last = self.0.lock().await;
        if let Some((_, failure)) = last.filter(|(at, _)| at.elapsed() < WRITE_CHECK_INTERVAL) {
            return failure;
        }
        let checked = match storage.check_writable().await {
            Ok(()) => write_probe_file(data.to_owned()).await,
            Err(error) => Err(error),
        };
        let failure = checked.err().map(|error| {
            tracing::error!(%error, "데이터를 저장할 수 없어요");
            if matches!(error, StorageError::DiskFull(_)) { WriteFailure::DiskFull } else { WriteFailure::ReadOnly }
        });
        *last = Some((Instant::now(), failure));
        failure
    }
}

/// Writes a page of bytes to an unnamed file in the data folder: the disk may be full or mounted read-only.
async fn write_probe_file(data: PathBuf) -> Result<(), StorageError> {
    let probe = move || {
        let mut file = tempfile::tempfile_in(&data)?;
        file.write_all(&[1; 4096])?;
        file.sync_all()
    };
    let written =
        tokio::task::spawn_blocking(probe).await.map_err(|error| StorageError::Panicked(error.to_string()))?;
    written.map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StorageError::DiskFull(error.to_string()),
        _ => StorageError::CannotOpen(error.to_string()),
    })
}

async fn sessions(store: &AnySessionStore) -> Response {
    match store.ping().await {
        Ok(()) => text(StatusCode::OK, "ready"),
        Err(error) => {
            tracing::error!(%error, "로그인 저장소에 연결하지 못해요");
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
