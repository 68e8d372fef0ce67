//! `GET /drive/manifest.webmanifest`: an icon that opens the driver's day. The icon of the program opens `/`, which has no
//! service worker: without a signal it would be dead.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use crate::config::Config;
use crate::web::assets::{AppIcon, web_manifest};

pub(super) async fn show(State(config): State<Arc<Config>>) -> Response {
    web_manifest(&config.base_path, AppIcon { name: "묶음 오늘 배송", short_name: "오늘 배송", start: "/drive" })
}
