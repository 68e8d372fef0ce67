//! The web: everything a page needs that is not its own noun.
//!
//! A room declares its pages in its `pages.rs` with [`Routes`], each with who may call it
//! ([`Access`]); [`router`] puts those of all rooms ([`crate::app`]) together and lays the middleware
//! around them:
//!
//! ```text
//! request number, log, metrics → last answer of a connection → compression → headers → error pages → session → visitor (who is
//!   this) → other sites refused → panics caught → access → handler
//! ```
//!
//! A handler takes [`Layout`] (what every page shows) or [`Member`], [`Query`] and [`Form`] (which
//! has checked its CSRF token before the handler runs), works through `storage`, and answers with
//! [`page`], [`redirect`] or [`done`], or with an [`Error`], which becomes a page that looks like
//! the rest.

pub mod assets;
pub mod client;
mod cookies;
pub mod csrf;
mod error;
mod form;
mod headers;
mod health;
mod layout;
pub mod metrics;
mod observe;
mod open_house;
pub mod paging;
pub mod qr;
mod routes;
mod state;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod user_agent;
mod visitor;

use askama::Template;
use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};

pub use self::error::{Error, PageResult};
pub use self::form::{Form, FormPairs, Query};
pub use self::layout::{Layout, Notice, Tone};
pub use self::open_house::OpenHouse;
pub use self::routes::{Access, Declared, Routes};
pub use self::state::AppState;
pub use self::visitor::Visitor;
pub(crate) use self::visitor::{stay_from_now, stay_no_longer};
pub use crate::members::model::{Member, Role};
use crate::sessions;
use crate::storage::crockford;

/// These pages, and what is around them.
pub fn router(state: &AppState, rooms: impl IntoIterator<Item = Routes>) -> Router {
    let pages = rooms.into_iter().fold(Router::new(), |router, room| router.merge(room.into_router()));
    let pages = pages.fallback(|| async { Error::NotFound }).layer(error::catch_panics());
    let pages = pages
        .layer(headers::refuse_other_sites())
        .layer(from_fn_with_state(state.clone(), visitor::identify))
        .layer(sessions::layer(&state.sessions, &state.config))
        .layer(from_fn(open_house::turn_away))
        .layer(from_fn_with_state(state.clone(), error::render))
        .layer(from_fn_with_state(state.clone(), headers::set));
    let system = if state.config.metrics_listen.is_some() { Router::new() } else { metrics::router() };
    let router = Router::new()
        .merge(system)
        .merge(health::router())
        .merge(assets::router())
        .merge(pages)
        .layer(headers::compress())
        .layer(from_fn_with_state(state.clone(), headers::hang_up));
    observe::layer(router).with_state(state.clone())
}

/// A page, 200.
pub fn page(template: impl Template) -> Response {
    page_with(StatusCode::OK, template)
}

/// A page with a status: 422 for a form that comes back with mistakes.
pub fn page_with(status: StatusCode, template: impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => Error::Internal(error.to_string()).into_response(),
    }
}

/// Go and look there (303).
pub fn redirect(to: &str) -> Response {
    redirect_as(StatusCode::SEE_OTHER, to)
}

/// Send the same form there (307).
pub fn redirect_with_form(to: &str) -> Response {
    redirect_as(StatusCode::TEMPORARY_REDIRECT, to)
}

fn redirect_as(status: StatusCode, to: &str) -> Response {
    let Ok(location) = HeaderValue::from_str(to) else {
        return Error::Internal(format!("not a location: {to}")).into_response();
    };
    (status, [(header::LOCATION, location)]).into_response()
}

/// Back to `to` (a path, perhaps with a query), where the layout shows what the activity says.
pub fn done(to: &str, activity_id: i64) -> Response {
    let (path, query) = to.split_once('?').unwrap_or((to, ""));
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("done="));
    let pairs: Vec<String> = kept.map(str::to_owned).chain([format!("done={}", crockford(activity_id))]).collect();
    redirect(&format!("{path}?{}", pairs.join("&")))
}

/// The `Content-Disposition` of a download: the name in UTF-8 as RFC 8187 has it, and a plain one
/// for whatever cannot read that.
pub fn attachment(file_name: &str) -> String {
    let plain: String =
        file_name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let encoded = percent_encoded(file_name);
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// A text as a piece of an address.
pub fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// `to` if it is a path of this application, for `next=` after a login; never another site.
pub fn local_path(to: &str) -> Option<&str> {
    let sound =
        to.starts_with('/') && !to[1..].starts_with(['/', '\\']) && to.bytes().all(|byte| byte.is_ascii_graphic());
    sound.then_some(to)
}
