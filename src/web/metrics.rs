//! Figures for Prometheus: requests by route and status, durations, what the rooms count.
//!
//! A room counts with `metrics::counter!("…")`, and what it counts is told here in [`FIGURES`]. The
//! recorder is one for the process, as that crate wants it.

use std::sync::OnceLock;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the duration histograms, seconds; the goal for a list page is 0.02, and a failover
/// of the database may take 30.
const SECONDS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0];

/// What a figure is, as Prometheus wants to know it.
enum Shape {
    Counter,
    /// A counter without labels: begun at 0, so that its first increase is seen.
    Rare,
    Gauge,
    /// its buckets, sum and count
    Histogram,
}

/// Every figure, and what it tells.
const FIGURES: &[(&str, Shape, &str)] = &[
    ("mukkeum_build_info", Shape::Gauge, "1; the label tells the version"),
    ("http_requests_total", Shape::Counter, "requests by method, route and status"),
    ("http_request_duration_seconds", Shape::Histogram, "from the request to the head of its answer"),
    ("mukkeum_storage_duration_seconds", Shape::Histogram, "transactions with all their attempts, by engine and kind"),
    ("mukkeum_storage_wait_duration_seconds", Shape::Histogram, "how long a transaction waited for its turn"),
    ("mukkeum_storage_turns", Shape::Gauge, "how many transactions of a kind may run at once"),
    ("mukkeum_storage_turns_in_use", Shape::Gauge, "how many run now"),
    ("mukkeum_storage_turns_waiting", Shape::Gauge, "how many wait for a turn now"),
    ("mukkeum_storage_retries_total", Shape::Rare, "attempts of transactions after the first"),
    ("mukkeum_storage_primary_lost_total", Shape::Rare, "the primary was lost or became read-only"),
    ("mukkeum_storage_failovers_total", Shape::Rare, "another server was the primary than before"),
    ("mukkeum_storage_replica_reads_total", Shape::Rare, "heavy reads that a replica answered"),
    ("mukkeum_storage_replica_misses_total", Shape::Rare, "heavy reads for which no replica was there in time"),
    ("mukkeum_sessions_duration_seconds", Shape::Histogram, "operations by store, with all their attempts"),
    ("mukkeum_sessions_errors_total", Shape::Counter, "operations that failed"),
    ("mukkeum_sessions_retries_total", Shape::Rare, "attempts at Redis after the first"),
    ("mukkeum_uploads_total", Shape::Counter, "files that were read, by kind and outcome"),
    ("mukkeum_upload_rows_total", Shape::Counter, "rows of applied files, by kind and outcome"),
    ("mukkeum_backup_age_seconds", Shape::Gauge, "since when what is committed is not surely at the target"),
    ("mukkeum_backup_snapshot_age_seconds", Shape::Gauge, "since the newest whole copy at the target"),
    ("mukkeum_backup_proof_age_seconds", Shape::Gauge, "since the target was last restored for trial and right"),
    ("mukkeum_backup_dump_age_seconds", Shape::Gauge, "since the newest dump of the database in MariaDB was finished"),
    ("mukkeum_backup_waiting_bytes", Shape::Gauge, "what waits on the shop's disk for the target"),
    ("mukkeum_backup_in_trouble", Shape::Gauge, "1 when nothing goes to the target at the moment"),
    ("mukkeum_backup_lag_duration_seconds", Shape::Histogram, "from a commit to its copy at the target"),
];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Begins to count; once is enough, twice does no harm.
pub fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("duration_seconds".to_owned()), &SECONDS)
            .ok()?;
        let handle = builder.install_recorder().ok()?;
        FIGURES.iter().for_each(describe);
        gauge!("mukkeum_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Some(handle)
    });
}

fn describe((name, shape, told): &(&'static str, Shape, &'static str)) {
    match shape {
        Shape::Counter => describe_counter!(*name, *told),
        Shape::Rare => {
            describe_counter!(*name, *told);
            counter!(*name).absolute(0);
        }
        Shape::Gauge => describe_gauge!(*name, *told),
        Shape::Histogram => describe_histogram!(*name, *told),
    }
}

/// `/metrics`, for the pages' address or one of its own.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/metrics", get(show))
}

/// Clears what histograms have gathered since the last time; wanted every few seconds.
pub fn upkeep() {
    if let Some(Some(handle)) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// Every figure as Prometheus reads it; nothing before [`install`].
pub(crate) fn text() -> String {
    RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

async fn show() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4"), (header::CACHE_CONTROL, "no-store")], text()).into_response()
}

#[cfg(test)]
mod tests;
