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

use MetricKind::{Counter, Gauge, Histogram, ZeroedCounter};

/// Name, type and description of every metric.
const METRICS: &[(&str, MetricKind, &str)] = &[
    ("mukkeum_build_info", Gauge, "always 1; the version is a label"),
    ("http_requests_total", Counter, "requests by method, route and status"),
    ("http_request_duration_seconds", Histogram, "time to the response headers"),
    ("mukkeum_connections", Gauge, "open connections"),
    (
        "mukkeum_connections_closed_total",
        Counter,
        "connections closed by the server by reason: limit, slow_reader, slow_sender",
    ),
    ("mukkeum_storage_duration_seconds", Histogram, "duration of transactions including retries, by engine and kind"),
    ("mukkeum_storage_wait_duration_seconds", Histogram, "wait of a transaction for its permit"),
    ("mukkeum_storage_permits", Gauge, "limit of concurrent transactions by kind"),
    ("mukkeum_storage_permits_in_use", Gauge, "running transactions"),
    ("mukkeum_storage_permit_waiters", Gauge, "transactions waiting for a permit"),
    ("mukkeum_storage_retries_total", ZeroedCounter, "retries of transactions"),
    ("mukkeum_storage_primary_lost_total", ZeroedCounter, "losses of the primary, or changes of it to read-only"),
    ("mukkeum_storage_failovers_total", ZeroedCounter, "failovers to another primary"),
    ("mukkeum_storage_replica_reads_total", ZeroedCounter, "heavy reads on a replica"),
    (
        "mukkeum_storage_replica_misses_total",
        ZeroedCounter,
        "heavy reads on the primary because no replica was in sync",
    ),
    ("mukkeum_sessions_duration_seconds", Histogram, "duration of operations including retries, by store"),
    ("mukkeum_sessions_errors_total", Counter, "failed operations by store"),
    ("mukkeum_sessions_retries_total", ZeroedCounter, "retries of Redis commands"),
    ("mukkeum_uploads_total", Counter, "parsed files by kind and outcome"),
    ("mukkeum_upload_rows_total", Counter, "rows of applied files by kind and outcome"),
    ("mukkeum_law_verification_timestamp_seconds", Gauge, "last verification of the access records; 0: none"),
    ("mukkeum_law_verification_faults", Gauge, "changed or missing access records that it found"),
    ("mukkeum_law_records_guarded", Gauge, "1: the database refuses changes of access records; 0: it does not"),
    ("mukkeum_law_access_years", Gauge, "years that access records are kept"),
    ("mukkeum_law_unencrypted", Gauge, "1: passwords and orders cross the network unencrypted; 0: they do not"),
    ("mukkeum_law_inspections_due", Gauge, "periods whose access records nobody has inspected"),
    ("mukkeum_law_unclassified_columns", Gauge, "tables and columns without a retention class"),
    ("mukkeum_law_admins_without_totp", Gauge, "enabled administrators without an authenticator app"),
    ("mukkeum_law_idle_members", Gauge, "members who have not come for 90 days and whom no administrator kept"),
    ("mukkeum_law_destruction_timestamp_seconds", Gauge, "last search for data past its retention; 0: none"),
    ("mukkeum_law_overdue_orders", Gauge, "orders whose destruction is more than five days late"),
    ("mukkeum_law_unsettled_orders", Gauge, "orders past their retention with an open claim, job or undecided value"),
    ("mukkeum_law_sealing_timestamp_seconds", Gauge, "last search for ended orders to keep apart; 0: none"),
    ("mukkeum_law_sealed_orders", Gauge, "orders whose personal data is kept apart"),
    ("mukkeum_law_late_orders", Gauge, "orders that are late without a notice to the buyer, up to 1000"),
    ("mukkeum_law_late_requests", Gauge, "demands of people that were not answered within ten days"),
    ("mukkeum_law_open_breaches", Gauge, "leaks that are not closed"),
    ("mukkeum_backup_age_seconds", Gauge, "age of the oldest commit that may be missing at the target"),
    ("mukkeum_backup_snapshot_age_seconds", Gauge, "age of the newest snapshot at the target"),
    ("mukkeum_backup_verification_age_seconds", Gauge, "age of the last successful trial restore from the target"),
    ("mukkeum_backup_dump_age_seconds", Gauge, "age of the newest MariaDB dump"),
    ("mukkeum_backup_spool_bytes", Gauge, "bytes spooled on the local disk for the target"),
    ("mukkeum_backup_failing", Gauge, "1 while uploads to the target fail"),
    ("mukkeum_backup_failing_seconds", Gauge, "how long uploads to the target have failed"),
    ("mukkeum_backup_lag_duration_seconds", Histogram, "delay from a commit to its upload"),
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
        Counter => describe_counter!(*name, *description),
        ZeroedCounter => {
            describe_counter!(*name, *description);
            counter!(*name).absolute(0);
        }
        Gauge => describe_gauge!(*name, *description),
        Histogram => describe_histogram!(*name, *description),
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
