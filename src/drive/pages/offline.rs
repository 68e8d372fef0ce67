//! `GET /drive/offline`: the page that the service worker shows while the server does not answer. It has no data: its
//! script reads the day from the phone.

use askama::Template;

use crate::web::page;

#[derive(Template)]
#[template(path = "drive/offline.html")]
struct OfflinePage {}

pub(super) async fn show() -> axum::response::Response {
    page(OfflinePage {})
}
