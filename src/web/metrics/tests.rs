//! Metrics after requests, uploads, backups. All tests share one recorder, so values are compared before and after.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::StatusCode;

use super::{METRICS, MetricKind};
use crate::backup::MariaDbDump;
use crate::storage::{StorageError, Tx};
use crate::uploads::ImportOptions;
use crate::web::testing::TestApp;

/// The sum of the series of this name with all of these labels.
async fn metric(app: &TestApp, name: &str, labels: &[&str]) -> f64 {
    let text = app.get("/metrics").await.ok();
    let of_name = text.lines().filter_map(|line| line.strip_prefix(name)).filter(|rest| rest.starts_with(['{', ' ']));
    let with_labels = of_name.filter(|series| labels.iter().all(|label| series.contains(label)));
    with_labels.filter_map(|series| series.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).expect("a fixture")
}

/// Previews and applies an upload.
async fn upload(app: &TestApp, name: &str) {
    let (uploads, options) = (&app.state.uploads, ImportOptions::default());
    let preview = uploads.receive_and_preview(None, name, fixture(name), &options).await.expect("receives");
    if preview.result.is_ok() {
        uploads.apply_stored(preview.id, crate::audit::Actor::Program, &options).await.expect("applies");
    }
}

#[tokio::test]
async fn requests_are_counted_by_route_and_status_and_timed() {
    let app = TestApp::start().await;
    let route = ["method=\"GET\"", "route=\"/deliveries/{id}\"", "status=\"303\""];
    let before = metric(&app, "http_requests_total", &route).await;
    for id in ["1", "2"] {
        assert_eq!(app.get(&format!("/deliveries/{id}")).await.status, StatusCode::SEE_OTHER);
    }
    assert!(metric(&app, "http_requests_total", &route).await >= before + 2.0);
    let timed = ["route=\"/deliveries/{id}\"", "le=\"30\""];
    assert!(metric(&app, "http_request_duration_seconds_bucket", &timed).await >= 2.0);
}

#[tokio::test]
async fn transactions_and_waits_are_counted_by_engine_and_kind() {
    let app = TestApp::start().await;
    let engine = if app.state.storage.describe().starts_with("SQLite") { "sqlite" } else { "mariadb" };
    let (engine, write) = (format!("engine=\"{engine}\""), "kind=\"write\"");
    let labels = [engine.as_str(), write];
    let before = metric(&app, "mukkeum_storage_duration_seconds_count", &labels).await;
    let (release, released) = std::sync::mpsc::channel::<()>();
    let released = std::sync::Mutex::new(released);
    let slow = app.state.storage.write(move |_| {
        let _ = released.lock().map(|released| released.recv());
        Ok::<_, StorageError>(())
    });
    let behind = app.state.storage.write(|_| Ok::<_, StorageError>(()));
    let watch = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for name in ["mukkeum_storage_permits", "mukkeum_storage_permits_in_use", "mukkeum_storage_permit_waiters"] {
            assert!(metric(&app, name, &labels).await >= 1.0, "{name}");
        }
        drop(release);
    };
    let (slow, behind, ()) = tokio::join!(slow, behind, watch);
    slow.and(behind).expect("both are done");
    assert!(metric(&app, "mukkeum_storage_duration_seconds_count", &labels).await >= before + 2.0);
    let waited = metric(&app, "mukkeum_storage_wait_duration_seconds_sum", &labels).await;
    assert!(waited > 0.05, "{waited}");
}

#[tokio::test]
async fn uploads_are_counted_by_kind_and_outcome_with_their_rows() {
    let app = TestApp::start().await;
    let applied = ["kind=\"orders\"", "outcome=\"applied\""];
    let created = ["kind=\"orders\"", "outcome=\"created\""];
    let refused = ["kind=\"unknown\"", "outcome=\"refused\""];
    let before = (
        metric(&app, "mukkeum_uploads_total", &applied).await,
        metric(&app, "mukkeum_upload_rows_total", &created).await,
        metric(&app, "mukkeum_uploads_total", &refused).await,
    );
    upload(&app, "01_smartstore_orders_72col.xlsx").await;
    upload(&app, "B15_zero_bytes.xlsx").await;
    assert!(metric(&app, "mukkeum_uploads_total", &applied).await >= before.0 + 1.0);
    assert!(metric(&app, "mukkeum_upload_rows_total", &created).await >= before.1 + 12.0);
    assert!(metric(&app, "mukkeum_uploads_total", &refused).await >= before.2 + 1.0);
}

#[tokio::test]
async fn sessions_are_counted_by_store_with_their_errors() {
    let app = TestApp::as_admin().await;
    let load = ["store=\"database\"", "operation=\"load\""];
    let before = metric(&app, "mukkeum_sessions_duration_seconds_count", &load).await;
    let errors = metric(&app, "mukkeum_sessions_errors_total", &load).await;
    app.get("/account").await.ok();
    assert!(metric(&app, "mukkeum_sessions_duration_seconds_count", &load).await > before);
    let hide = |tx: &mut dyn Tx| tx.exec("ALTER TABLE sessions RENAME TO hidden", &[]);
    app.state.storage.write(hide).await.expect("hides");
    app.get("/account").await;
    assert!(metric(&app, "mukkeum_sessions_errors_total", &load).await > errors);
}

#[tokio::test]
async fn age_of_the_newest_dump_is_exported() {
    let app = TestApp::start().await;
    let at = app.state.now().plus_ms(-7_200_000).0;
    let dump = MariaDbDump { name: "shop.sql.zst".to_owned(), at, bytes: 1, position: String::new() };
    app.state.storage.write(move |tx| dump.save(tx)).await.expect("remembers");
    let exporter = tokio::spawn(MariaDbDump::report_age(app.state.storage.clone()));
    let exported = async {
        while metric(&app, "mukkeum_backup_dump_age_seconds", &[]).await < 7_200.0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), exported).await.expect("is exported");
    exporter.abort();
}

/// The metrics named in a file of `deploy/monitoring`.
fn metric_names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("mukkeum_") || word.starts_with("http_request")).collect()
}

#[tokio::test]
async fn metrics_are_described_and_dashboard_and_alerts_name_no_others() {
    let app = TestApp::as_admin().await;
    upload(&app, "01_smartstore_orders_72col.xlsx").await;
    let text = app.get("/metrics").await.ok();
    let described: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    let typed: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert_eq!(
        typed.difference(&described).collect::<Vec<_>>(),
        Vec::<&&str>::new(),
        "metrics without a description in METRICS"
    );

    for file in ["dashboard.json", "alerts.yml"] {
        let path = format!("{}/deploy/monitoring/{file}", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(path).expect("the file");
        let named = metric_names(&text);
        assert!(named.len() >= 5, "{file}: {named:?}");
        let unknown = |name: &&&str| {
            let is = |(metric, kind, _): &(&str, MetricKind, &str)| match (name.strip_prefix(*metric), kind) {
                (Some(end), MetricKind::Histogram) => ["_bucket", "_sum", "_count"].contains(&end),
                (end, _) => end == Some(""),
            };
            !METRICS.iter().any(is)
        };
        assert_eq!(named.iter().filter(unknown).collect::<Vec<_>>(), Vec::<&&str>::new(), "{file}");
    }
}
