//! Metrics for Prometheus: requests, transactions, sessions, uploads, backups.
//!
//! Rooms record with `metrics::counter!("…")` and its like; every metric is described in [`METRICS`]. The recorder is
//! global, as the `metrics` crate requires.

use std::sync::OnceLock;

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bucket bounds of the duration histograms in seconds. The target for a list page is 0.02; a failover of the database may
/// take 30.
const DURATION_BUCKETS: [f64; 13] = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 10.0, 30.0];

/// Type of a metric.
enum MetricKind {
    Counter,
    /// A counter without labels, exported as 0 from the start, so that its first increment is visible.
    ZeroedCounter,
    Gauge,
    /// exported with buckets, sum and count
    Histogram,
}

/// Name, type and description of every metric.
const METRICS: &[(&str, MetricKind, &str)] = &[
    ("mukkeum_build_info", MetricKind::Gauge, "1; the label tells the version"),
    ("http_requests_total", MetricKind::Counter, "requests by method, route and status"),
    ("http_request_duration_seconds", MetricKind::Histogram, "from the request to the head of its answer"),
    (
        "mukkeum_storage_duration_seconds",
        MetricKind::Histogram,
        "transactions with all their attempts, by engine and kind",
    ),
    ("mukkeum_storage_wait_duration_seconds", MetricKind::Histogram, "how long a transaction waited for its turn"),
    ("mukkeum_storage_turns", MetricKind::Gauge, "how many transactions of a kind may run at once"),
    ("mukkeum_storage_turns_in_use", MetricKind::Gauge, "how many run now"),
    ("mukkeum_storage_turns_waiting", MetricKind::Gauge, "how many wait for a turn now"),
    ("mukkeum_storage_retries_total", MetricKind::ZeroedCounter, "attempts of transactions after the first"),
    ("mukkeum_storage_primary_lost_total", MetricKind::ZeroedCounter, "the primary was lost or became read-only"),
    ("mukkeum_storage_failovers_total", MetricKind::ZeroedCounter, "another server was the primary than before"),
    ("mukkeum_storage_replica_reads_total", MetricKind::ZeroedCounter, "heavy reads that a replica answered"),
    (
        "mukkeum_storage_replica_misses_total",
        MetricKind::ZeroedCounter,
        "heavy reads for which no replica was there in time",
    ),
    ("mukkeum_sessions_duration_seconds", MetricKind::Histogram, "operations by store, with all their attempts"),
    ("mukkeum_sessions_errors_total", MetricKind::Counter, "operations that failed"),
    ("mukkeum_sessions_retries_total", MetricKind::ZeroedCounter, "attempts at Redis after the first"),
    ("mukkeum_uploads_total", MetricKind::Counter, "files that were read, by kind and outcome"),
    ("mukkeum_upload_rows_total", MetricKind::Counter, "rows of applied files, by kind and outcome"),
    ("mukkeum_backup_age_seconds", MetricKind::Gauge, "since when what is committed is not surely at the target"),
    ("mukkeum_backup_snapshot_age_seconds", MetricKind::Gauge, "since the newest whole copy at the target"),
    ("mukkeum_backup_proof_age_seconds", MetricKind::Gauge, "since the target was last restored for trial and right"),
    (
        "mukkeum_backup_dump_age_seconds",
        MetricKind::Gauge,
        "since the newest dump of the database in MariaDB was finished",
    ),
    ("mukkeum_backup_waiting_bytes", MetricKind::Gauge, "what waits on the shop's disk for the target"),
    ("mukkeum_backup_in_trouble", MetricKind::Gauge, "1 when nothing goes to the target at the moment"),
    ("mukkeum_backup_lag_duration_seconds", MetricKind::Histogram, "from a commit to its copy at the target"),
];

static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();

/// Installs the recorder; idempotent.
pub fn install() {
    RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("duration_seconds".to_owned()), &DURATION_BUCKETS)
            .ok()?;
        let handle = builder.install_recorder().ok()?;
        METRICS.iter().for_each(describe);
        gauge!("mukkeum_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Some(handle)
    });
}

fn describe((name, kind, description): &(&'static str, MetricKind, &'static str)) {
    match kind {
        MetricKind::Counter => describe_counter!(*name, *description),
        MetricKind::ZeroedCounter => {
            describe_counter!(*name, *description);
            counter!(*name).absolute(0);
        }
        MetricKind::Gauge => describe_gauge!(*name, *description),
        MetricKind::Histogram => describe_histogram!(*name, *description),
    }
}

/// The route `/metrics`, on the listener of the pages or on its own.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route("/metrics", get(show))
}

/// Drains the samples of histograms into their buckets; call every few seconds.
pub fn run_upkeep() {
    if let Some(Some(handle)) = RECORDER.get() {
        handle.run_upkeep();
    }
}

/// All metrics in the Prometheus text format; empty before [`install`].
pub(crate) fn render() -> String {
    RECORDER.get().and_then(Option::as_ref).map(PrometheusHandle::render).unwrap_or_default()
}

async fn show() -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4"), (header::CACHE_CONTROL, "no-store")], render())
        .into_response()
}

#[cfg(test)]
mod tests;
