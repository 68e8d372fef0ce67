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

use super::{AppState, Error, Role, Visitor, redirect};

/// Who may call a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// anybody
    Public,
    /// every member
    Signed,
    /// administrators
    Admin,
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
    let member = request.extensions().get::<Visitor>().and_then(|visitor| visitor.member.as_ref());
    match (access, member.map(|member| member.role)) {
        (Access::Public, _) | (Access::Signed, Some(_)) | (Access::Admin, Some(Role::Admin)) => next.run(request).await,
        (Access::Admin, Some(Role::Logistics)) => Error::Forbidden.into_response(),
        (Access::Signed | Access::Admin, None) => sign_in_first(&request),
    }
}

/// To the login page; after it to the page that was asked for, but never to an act, which would
/// be repeated without its form.
fn sign_in_first(request: &Request) -> Response {
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    if request.method() != Method::GET || wanted == "/" {
        return redirect("/login");
    }
    serde_html_form::to_string([("next", wanted)])
        .map_or_else(|_| redirect("/login"), |query| redirect(&format!("/login?{query}")))
}
