//! Declaration of pages: method, path, required access, handler.
//!
//! [`Routes`] wraps every handler in the access check, and keeps the declarations, so that tests can call each route
//! without a login, as the delivery team and as an administrator.

use axum::Router;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post, put};

use super::unsent::UnsentForms;
use super::{AppState, AuthContext, Error, Role, UNSENT_PATH, redirect, redirect_with_form};

/// The access that a route requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// none: no login
    Public,
    /// any member, also one who must change a one-time password first
    PasswordChange,
    /// any member, also a driver
    Driver,
    /// administrators and the delivery team
    Member,
    /// an administrator
    Admin,
    /// An administrator who entered the password in this session recently; a stolen screen or remember-me cookie does not
    /// suffice. Others are redirected to `/password` and back, with the form of a POST.
    AdminReauthenticated,
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
    pub fn get<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add::<H>(Method::GET, path, access, get(handler))
    }

    /// Adds a POST route for a form.
    pub fn post<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add::<H>(Method::POST, path, access, post(handler))
    }

    /// Adds a PUT route, which is for the scripts of phones: browsers send no form so.
    pub fn put<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add::<H>(Method::PUT, path, access, put(handler))
    }

    /// Adds a POST route for files. The handler reads the body with [`super::UploadForm`], which limits it.
    pub fn upload<H: Handler<T, AppState>, T: 'static>(self, path: &'static str, access: Access, handler: H) -> Self {
        self.add::<H>(Method::POST, path, access, post(handler))
    }

    fn add<H>(mut self, method: Method, path: &'static str, access: Access, route: MethodRouter<AppState>) -> Self {
        let guarded = route.route_layer(from_fn(move |request: Request, next: Next| authorize(access, request, next)));
        self.router = self.router.route(path, guarded);
        self.specs.push(RouteSpec { method, path, access, handler: std::any::type_name::<H>() });
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
    match (access, current.map(|current| current.member.role)) {
        (Access::Public, _) | (Access::PasswordChange, Some(_)) => next.run(request).await,
        (_, None) => redirect_to_login(request).await,
        (_, Some(_)) if must_enroll || current.is_some_and(|current| current.must_change_password) => {
            redirect("/account")
        }
        (Access::Admin | Access::AdminReauthenticated, Some(Role::Admin)) if !is_admin_network => {
            Error::OtherNetwork.into_response()
        }
        (Access::Driver, Some(_))
        | (Access::Member, Some(Role::Admin | Role::Logistics))
        | (Access::Admin, Some(Role::Admin)) => next.run(request).await,
        (Access::AdminReauthenticated, Some(Role::Admin)) if is_reauthenticated => next.run(request).await,
        (Access::AdminReauthenticated, Some(Role::Admin)) => redirect_to_password(&request),
        (Access::Member | Access::Admin | Access::AdminReauthenticated, Some(Role::Logistics | Role::Driver)) => {
            Error::Forbidden.into_response()
        }
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
