//! The web layer: everything that pages of all rooms share.
//!
//! A room declares its pages in `pages.rs` with [`Routes`], each with the [`Access`] it requires. [`router`] combines
//! the routes of all rooms ([`crate::app`]) and wraps them in middleware, outermost first:
//!
//! ```text
//! request log and metrics → closing of connections during shutdown → compression → base path → security headers
//!   → error pages → session → authentication → rejection of cross-site requests → access records → panic handler
//!   → authorization → handler
//! ```
//!
//! A handler takes the states it uses as [`axum::extract::State`] (`State<Storage>`, `State<Arc<Config>>`, …, see
//! [`AppState`]), [`Layout`] (what every page shows) or [`Member`], and [`Query`] or [`Form`], which has verified its
//! CSRF token before the handler runs. A form that arrives after its login ran out is kept (`unsent`). A form with files is read by [`UploadForm`]. It answers with [`page`], [`redirect`] or [`redirect_with_flash`], or with an
//! [`Error`], which is rendered as a page.

pub mod assets;
mod authentication;
pub mod base_path;
mod base_url;
mod client_info;
pub mod cookies;
pub mod csrf;
mod document;
mod error;
mod form;
mod headers;
mod health;
mod kept_file;
mod layout;
pub mod metrics;
pub mod paging;
mod personal_data;
pub mod qr;
mod question;
mod refused;
mod request_log;
mod routes;
mod session;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod unsent;
mod upload_form;
mod user_agent;

use askama::Template;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use self::authentication::AuthContext;
pub use self::base_url::BaseUrl;
pub use self::client_info::ClientInfo;
pub use self::document::FileDownload;
pub use self::error::{Error, PageResult};
pub use self::form::{Form, FormPairs, Query, first_value};
pub use self::headers::with_camera;
pub use self::kept_file::{send_kept_file, send_kept_file_again};
pub use self::layout::{FlashQuery, Layout};
pub use self::personal_data::{PersonalData, disclosing, personal_page, personal_page_with_status};
pub use self::question::{ANSWER_FIELD, Answer, QuestionPage};
pub use self::routes::{Access, RouteSpec, Routes};
pub use self::session::{BrowserSession, LoginCookies};
pub use self::state::{AppState, Restart, StartError};
pub use self::unsent::{UNSENT_PATH, unseal_fields};
pub use self::upload_form::{SpooledFile, UploadField, UploadForm};
pub use crate::flash::{Flash, FlashId, Tone};
use crate::id::{Id, ParseIdError};
pub use crate::members::model::rights::{PageAction, PageKind};
pub use crate::members::model::{Member, Role};
use crate::sessions;

/// The identifier in a URL or a hidden field.
///
/// # Errors
/// [`Error::NotFound`]: the text is none, so that there is nothing of that identifier.
pub fn parse_id<T>(text: &str) -> Result<Id<T>, Error> {
    text.parse().map_err(|_: ParseIdError| Error::NotFound)
}

/// The application: the pages of these rooms, and assets, health checks and metrics.
pub fn router(state: &AppState, rooms: impl IntoIterator<Item = Routes>) -> Router {
    router_with(state, rooms, |pages| pages)
}

/// As [`router`]. `layer` wraps the pages outside of session and authentication, inside of the error pages.
pub fn router_with(
    state: &AppState,
    rooms: impl IntoIterator<Item = Routes>,
    layer: impl FnOnce(Router<AppState>) -> Router<AppState>,
) -> Router {
    let pages = rooms.into_iter().fold(Router::new(), |router, room| router.merge(room.into_router()));
    let pages = pages.fallback(|| async { Error::NotFound }).layer(error::catch_panics());
    let pages = pages
        .layer(from_fn_with_state(state.clone(), personal_data::record_access))
        .layer(headers::reject_cross_site())
        .layer(from_fn_with_state(state.clone(), authentication::authenticate))
        .layer(sessions::layer(&state.sessions, &state.cookies));
    let pages = layer(pages).layer(from_fn_with_state(state.clone(), error::render));
    let system = if state.config.metrics_listen.is_some() { Router::new() } else { metrics::router() };
    let system = system.layer(from_fn_with_state(state.clone(), health::hide_from_others));
    let router = Router::new()
        .merge(system)
        .merge(health::router())
        .merge(assets::router())
        .merge(pages)
        .layer(from_fn_with_state(state.clone(), headers::tell_of_file))
        .layer(from_fn_with_state(state.clone(), headers::security_headers))
        .layer(from_fn_with_state(state.clone(), base_path::rewrite_response))
        .layer(headers::compression())
        .layer(from_fn_with_state(state.clone(), headers::close_when_draining));
    let router = router.layer(from_fn(request_log::log_request)).with_state(state.clone());
    base_path::strip(router, &state.config.base_path)
}

/// Renders a page with status 200.
pub fn page(template: impl Template) -> Response {
    page_with_status(StatusCode::OK, template)
}

/// Renders a page with a status, such as 422 for a form with errors.
pub fn page_with_status(status: StatusCode, template: impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(refused::mark(status, text))).into_response(),
        Err(error) => Error::Internal(error.to_string()).into_response(),
    }
}

/// Redirects to `to` with GET (303).
pub fn redirect(to: &str) -> Response {
    redirect_with_status(StatusCode::SEE_OTHER, to)
}

/// Redirects to `to` with the same method and body (307).
pub fn redirect_with_form(to: &str) -> Response {
    redirect_with_status(StatusCode::TEMPORARY_REDIRECT, to)
}

fn redirect_with_status(status: StatusCode, to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return Error::Internal(format!("not a location: {to}")).into_response();
    };
    (status, [(header::LOCATION, location)]).into_response()
}

/// Redirects to the path and query `to`, whose layout shows the saved message (post/redirect/get).
pub fn redirect_with_flash(to: &str, flash: FlashId) -> Response {
    redirect(&url_with_flash(to, flash))
}

/// The path and query `to` with the saved message, for a link that is followed later.
pub fn url_with_flash(to: &str, flash: FlashId) -> String {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done="));
    let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("done={flash}")]).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// The `Content-Disposition` header of a download: the file name in UTF-8 (RFC 8187), and in ASCII as a fallback.
pub fn content_disposition(file_name: &str) -> String {
    let ascii: String =
        file_name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let encoded = percent_encode(file_name);
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{encoded}")
}

/// All but the characters that RFC 3986 leaves unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes a text as a component of a URL.
pub fn percent_encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// `to` if it is a path of this application and not of another site; validates `next=` and its like against open
/// redirects.
pub fn local_path(to: &str) -> Option<&str> {
    let is_local =
        to.starts_with('/') && !to[1..].starts_with(['/', '\\']) && to.bytes().all(|byte| byte.is_ascii_graphic());
    is_local.then_some(to)
}
