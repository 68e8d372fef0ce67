//! Declaring pages: a method, a path, who may call it, a handler.
//!
//! Nothing reaches a handler but through the check that is put around it here, and every
//! declaration is kept, so that a test can list all of them and knock at each door as nobody, as
//! the delivery team and as an administrator.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};

use super::{AppState, Error, Role, Visitor, redirect, redirect_with_form};

/// Who may call a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// anybody
    Public,
    /// every member, also one who has to choose a password before anything else
    Arriving,
    /// every member
    Signed,
    /// administrators
    Admin,
    /// Administrators who typed their password in this session, not too long ago: an open screen
    /// and a browser that stays signed in are not the owner. Others are led to the page that asks
    /// for it and back; an act takes its form along.
    AdminConfirmed,
}

/// One declared page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// GET or POST
    pub method: Method,
    /// as the router writes it: `/orders/{id}`
    pub path: &'static str,
    /// who may call it
    pub access: Access,
}

/// The pages of a room.
#[derive(Default)]
pub struct Routes {
    router: Router<AppState>,
    declared: Vec<Declared>,
}

impl Routes {
    /// No pages yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A page that is looked at.
    pub fn get<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.declare(Method::GET, path, access, get(handler))
    }

    /// An act: a form is sent.
    pub fn post<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.declare(Method::POST, path, access, post(handler))
    }

    /// An act that brings files. No limit is laid on the body here: the handler reads it piece by
    /// piece and counts.
    pub fn upload<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.declare(Method::POST, path, access, post(handler).layer(DefaultBodyLimit::disable()))
    }

    fn declare(mut self, method: Method, path: &'static str, access: Access, route: MethodRouter<AppState>) -> Self {
        let guarded = route.route_layer(from_fn(move |request: Request, next: Next| admit(access, request, next)));
        self.router = self.router.route(path, guarded);
        self.declared.push(Declared { method, path, access });
        self
    }

    /// What was declared.
    pub fn declared(&self) -> &[Declared] {
        &self.declared
    }

    pub(super) fn into_router(self) -> Router<AppState> {
        self.router
    }
}

async fn admit(access: Access, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>();
    let present = visitor.and_then(|visitor| visitor.present.as_ref());
    let confirmed = visitor.is_some_and(|visitor| visitor.confirmed);
    match (access, present.map(|present| present.member.role)) {
        (Access::Public, _) | (Access::Arriving, Some(_)) => next.run(request).await,
        (_, None) => sign_in_first(&request, visitor.is_some_and(|visitor| visitor.stolen)),
        (_, Some(_)) if present.is_some_and(|present| present.must_change) => redirect("/account"),
        (Access::Signed, Some(_)) | (Access::Admin, Some(Role::Admin)) => next.run(request).await,
        (Access::AdminConfirmed, Some(Role::Admin)) if confirmed => next.run(request).await,
        (Access::AdminConfirmed, Some(Role::Admin)) => password_first(&request),
        (Access::Admin | Access::AdminConfirmed, Some(Role::Logistics)) => Error::Forbidden.into_response(),
    }
}

/// To the login page; after it to the page that was asked for, but never to an act, which would
/// be repeated without its form.
fn sign_in_first(request: &Request, stolen: bool) -> Response {
    let wanted = wanted(request);
    let next = (request.method() == Method::GET && wanted != "/").then_some(("next", wanted));
    redirect(&with("/login", stolen.then_some(("stolen", "1")).into_iter().chain(next)))
}

/// To the page that asks for the password. An act goes there with its form (307), which that page
/// keeps and sends on.
fn password_first(request: &Request) -> Response {
    if request.method() == Method::GET {
        redirect(&with("/password", [("next", wanted(request))]))
    } else {
        redirect_with_form(&with("/password", [("act", wanted(request))]))
    }
}

fn wanted(request: &Request) -> &str {
    request.uri().path_and_query().map_or("/", |wanted| wanted.as_str())
}

fn with<'a>(to: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
    let query = serde_html_form::to_string(&pairs).unwrap_or_default();
    if query.is_empty() { to.to_owned() } else { format!("{to}?{query}") }
}
