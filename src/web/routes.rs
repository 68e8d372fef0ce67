//! Declaration of pages: method, path, required access, handler.
//!
//! [`Routes`] wraps every handler in the access check, and keeps the declarations, so that tests can call each route
//! without a login and as every role.

use std::any::type_name;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};

use super::unsent::UnsentForms;
use super::{AppState, AuthContext, Error, PageAction, PageKind, UNSENT_PATH, redirect, redirect_with_form};

/// The access that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// none: no login
    Public,
    /// any member, also one who must change a one-time password first
    PasswordChange,
    /// any member, also a driver
    Driver,
    /// a member who may take this action on this kind of page
    Page(PageKind, PageAction),
    /// as [`Access::Page`], with the password entered recently
    Reauthenticated(PageKind, PageAction),
    /// an administrator
    Admin,
    /// An administrator who entered the password in this session recently; a stolen screen or remember-me cookie does not
    /// suffice. Others are redirected to `/password` and back, with the form of a POST.
    AdminReauthenticated,
}

impl Access {
    /// The page and the action that the member must have a right to; none where any member may.
    pub const fn right(self) -> Option<(PageKind, PageAction)> {
        match self {
            Self::Public | Self::PasswordChange | Self::Driver => None,
            Self::Page(page, action) | Self::Reauthenticated(page, action) => Some((page, action)),
            Self::Admin | Self::AdminReauthenticated => Some((PageKind::Administration, PageAction::Edit)),
        }
    }

    /// Whether the password must have been entered recently.
    pub const fn is_reauthenticated(self) -> bool {
        matches!(self, Self::Reauthenticated(..) | Self::AdminReauthenticated)
    }
}

/// A declared route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSpec {
    /// GET, POST or PUT
    pub method: Method,
    /// path with parameters in braces: `/orders/{id}`
    pub path: &'static str,
    /// required access
    pub access: Access,
    /// path of the handler function: `mukkeum::orders::pages::show::show`
    pub handler: &'static str,
}

/// What a handler that is an async function returns.
type HandlerFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

/// An async function with extractors as its parameters.
pub trait AsyncHandler<T>: Handler<T, AppState, Future = HandlerFuture> {}

impl<T, H: Handler<T, AppState, Future = HandlerFuture>> AsyncHandler<T> for H {}

/// A handler without its type: the router's services and the access check would be compiled once for each of some two
/// hundred and fifty otherwise.
#[derive(Clone)]
struct BoxedHandler {
    name: &'static str,
    call: Arc<dyn Fn(Request, AppState) -> HandlerFuture + Send + Sync>,
}

impl BoxedHandler {
    fn new<H: AsyncHandler<T>, T>(handler: H) -> Self {
        Self { name: type_name::<H>(), call: Arc::new(move |request, state| handler.clone().call(request, state)) }
    }
}

impl Handler<(), AppState> for BoxedHandler {
    type Future = HandlerFuture;

    fn call(self, request: Request, state: AppState) -> HandlerFuture {
        (self.call)(request, state)
    }
}

/// The routes of a room.
#[derive(Default)]
pub struct Routes {
    router: Router<AppState>,
    specs: Vec<RouteSpec>,
}

impl Routes {
    /// No routes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a GET route.
    pub fn get<H: AsyncHandler<T>, T>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add(Method::GET, path, access, BoxedHandler::new(handler))
    }

    /// Adds a POST route for a form.
    pub fn post<H: AsyncHandler<T>, T>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add(Method::POST, path, access, BoxedHandler::new(handler))
    }

    /// Adds a PUT route, which is for the scripts of phones: browsers send no form so.
    pub fn put<H: AsyncHandler<T>, T>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add(Method::PUT, path, access, BoxedHandler::new(handler))
    }

    /// Adds a POST route for files. The handler reads the body with [`super::UploadForm`], which limits it.
    pub fn upload<H: AsyncHandler<T>, T>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.post(path, access, handler)
    }

    fn add(mut self, method: Method, path: &'static str, access: Access, handler: BoxedHandler) -> Self {
        let name = handler.name;
        let route = match method {
            Method::POST => post(handler),
            Method::PUT => put(handler),
            _ => get(handler),
        };
        let guarded = route.route_layer(from_fn(move |request: Request, next: Next| authorize(access, request, next)));
        self.router = self.router.route(path, guarded);
        self.specs.push(RouteSpec { method, path, access, handler: name });
        self
    }

    /// The declared routes.
    pub fn specs(&self) -> &[RouteSpec] {
        &self.specs
    }

    pub(super) fn into_router(self) -> Router<AppState> {
        self.router
    }
}

/// Middleware: runs the handler if the request has the required access.
async fn authorize(access: Access, request: Request, next: Next) -> Response {
    let auth = request.extensions().get::<AuthContext>();
    let current = auth.and_then(|auth| auth.current.as_ref());
    let must_enroll = auth.is_some_and(|auth| auth.must_enroll);
    let is_admin_network = auth.is_some_and(|auth| auth.is_admin_network);
    let is_reauthenticated = auth.is_some_and(|auth| auth.is_reauthenticated);
    let Some(current) = current else {
        let is_public = access == Access::Public;
        return if is_public { next.run(request).await } else { redirect_to_login(request).await };
    };
    if matches!(access, Access::Public | Access::PasswordChange) {
        return next.run(request).await;
    }
    if must_enroll || current.must_change_password {
        return redirect("/account");
    }
    let Some((page, action)) = access.right() else {
        return next.run(request).await;
    };
    if !current.member.may(page, action) {
        Error::Forbidden.into_response()
    } else if !is_admin_network && page.is_office() {
        Error::OtherNetwork.into_response()
    } else if access.is_reauthenticated() && !is_reauthenticated {
        redirect_to_password(&request)
    } else {
        next.run(request).await
    }
}

/// Redirects to the login. A GET is resumed after it; the form of a POST is kept if it is from a page of a member.
async fn redirect_to_login(request: Request) -> Response {
    let is_token_theft = request.extensions().get::<AuthContext>().is_some_and(|auth| auth.is_token_theft);
    let next = if request.method() == Method::GET {
        Some(requested_path(&request).to_owned()).filter(|requested| requested != "/")
    } else {
        let is_kept = !is_token_theft && UnsentForms::keep_of_request(request).await;
        is_kept.then(|| UNSENT_PATH.to_owned())
    };
    let next = next.as_deref().map(|next| ("next", next));
    redirect(&with_query("/login", is_token_theft.then_some(("stolen", "1")).into_iter().chain(next)))
}

/// Redirects to the re-authentication page. A POST is redirected with its form (307), which that page submits afterwards.
fn redirect_to_password(request: &Request) -> Response {
    if request.method() == Method::GET {
        redirect(&with_query("/password", [("next", requested_path(request))]))
    } else {
        redirect_with_form(&with_query("/password", [("act", requested_path(request))]))
    }
}

fn requested_path(request: &Request) -> &str {
    request.uri().path_and_query().map_or("/", |requested| requested.as_str())
}

fn with_query<'a>(path: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
    let query = serde_html_form::to_string(&pairs).unwrap_or_default();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}
