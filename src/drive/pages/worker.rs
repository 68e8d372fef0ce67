//! `GET /drive/worker.js`: the service worker of the driver's pages. Its text names the assets by their hashes, so that
//! another release is another worker with another cache.

use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

use crate::config::Config;
use crate::web::assets;

/// The script, with `/*ASSETS*/` for what it caches and `/*BASE*/` for the base path.
const SCRIPT: &str = include_str!("worker.js");

const ASSETS: [&str; 8] = [
    "bootstrap.css",
    "app.css",
    "drive.css",
    "drive.js",
    "drive-pin.js",
    "drive-proofs.js",
    "drive-sign-out.js",
    "favicon.svg",
];

pub(super) async fn show(State(config): State<Arc<Config>>) -> Response {
    let base = &config.base_path;
    let urls: Vec<String> = ASSETS.iter().map(|name| format!("{base}{}", assets::url(name))).collect();
    let list = serde_json::to_string(&urls).unwrap_or_default();
    let script = SCRIPT.replace("\"/*ASSETS*/\"", &list).replace("/*BASE*/", base);
    let headers = [
        (header::CONTENT_TYPE, "text/javascript; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (HeaderName::from_static("service-worker-allowed"), format!("{base}/drive")),
    ];
    (headers, script).into_response()
}
