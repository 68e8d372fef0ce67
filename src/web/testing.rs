//! Test harness: the whole application with its own data folder and port, and an HTTP client as its browser.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, StatusCode};

use super::{AppState, Role, Routes};
use crate::app;
use crate::config::{Config, Database, DemoPlan, Settings, TrustedProxies};
use crate::members::model::NewPassword;
use crate::members::store;
use crate::sandbox::{SandboxLimits, Sandboxes};
use crate::storage::testing::ScratchDatabase;
use crate::storage::{Storage, StorageOptions};
use crate::time::{ManualClock, Moment};

/// The start time of every test: 2024-03-15 10:00 in Korea.
pub(crate) const START: Moment = Moment(1_710_464_400_000);

/// The password of every member in tests.
pub(crate) const PASSWORD: &str = "비밀번호 열두 글자";

/// A running application and one of its browsers.
pub(crate) struct TestApp {
    /// the state of the handlers
    pub(crate) state: AppState,
    /// the clock, which advances only when the test advances it
    pub(crate) clock: ManualClock,
    /// keeps cookies, does not follow redirects
    pub(crate) browser: Client,
    base: String,
    folder: Arc<ScratchDatabase>,
}

/// A response with its body.
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) bytes: Vec<u8>,
    /// the bytes as text
    pub(crate) text: String,
}

impl TestResponse {
    /// The target of a redirect.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |location| location.to_str().expect("text"))
    }

    /// The value of a header, empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The body; panics unless the status is 200.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.text
    }
}

impl TestApp {
    /// An application without members.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| (), Routes::new()).await
    }

    /// An application with changed settings and additional routes.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config), more: Routes) -> Self {
        Self::start_with_state(change, more, |_| ()).await
    }

    /// As [`Self::start_with`], with a changed state.
    pub(crate) async fn start_with_state(
        change: impl FnOnce(&mut Config),
        more: Routes,
        change_state: impl FnOnce(&mut AppState),
    ) -> Self {
        super::metrics::install();
        let folder = ScratchDatabase::new();
        let settings = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
        let mut config = Config::load(settings, |_| None).expect("sound settings");
        change(&mut config);
        if let Some(address) = folder.address() {
            config.database = Database::MariaDb(address);
        }
        let clock = ManualClock::at(START);
        let options = StorageOptions { clock: Arc::new(clock.clone()), readers: 2 };
        let storage = folder.open(&options);
        let mut state = AppState::new(storage, config).expect("a state");
        // Applied within the request, however slow the machine is.
        state.uploads.foreground = Duration::from_mins(1);
        change_state(&mut state);

        let router = super::router(&state, app::rooms().into_iter().chain([more]));
        Self::serve(state, clock, folder, router).await
    }

    /// A public demo with sandboxes, behind a reverse proxy on this computer.
    pub(crate) async fn start_sandboxes(plan: DemoPlan, limits: SandboxLimits) -> (Self, Sandboxes) {
        let folder = ScratchDatabase::new();
        let settings = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
        let mut config = Config::load(settings, |_| None).expect("sound settings");
        config.demo = Some(plan);
        config.trusted_proxies = TrustedProxies::new(vec!["127.0.0.1".parse().expect("an address")]);
        let clock = ManualClock::at(START);
        let options = StorageOptions { clock: Arc::new(clock.clone()), readers: 2 };
        let storage = Storage::open_sqlite(&folder.path().join("shop.db"), &options).expect("opens");
        let state = AppState::new(storage, config).expect("a state");
        let demo = state.demo.clone().expect("a demo shop");
        demo.reset_if_due(&state.storage, &state.passwords).await.expect("makes it");
        let sandboxes = Sandboxes::open(&state, limits).expect("opens");
        let router = sandboxes.router();
        (Self::serve(state, clock, folder, router).await, sandboxes)
    }

    async fn serve(state: AppState, clock: ManualClock, folder: ScratchDatabase, router: axum::Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { state, clock, browser: browser(), base, folder: Arc::new(folder) }
    }

    /// An application with an administrator logged in.
    pub(crate) async fn as_admin() -> Self {
        let app = Self::start().await;
        app.sign_in_admin().await;
        app
    }

    /// Another browser of the same application.
    pub(crate) fn another_browser(&self) -> Self {
        Self {
            state: self.state.clone(),
            clock: self.clock.clone(),
            browser: browser(),
            base: self.base.clone(),
            folder: Arc::clone(&self.folder),
        }
    }

    /// Adds a member whose password is [`PASSWORD`].
    pub(crate) async fn add_member(&self, username: &'static str, role: Role) {
        let password = NewPassword::new(PASSWORD.to_owned(), &[]).expect("long enough");
        let hash = self.state.passwords.hash(password).await.expect("hashes");
        let added = self.state.storage.write(move |tx| store::add(tx, username, role, &hash)).await;
        added.expect("writes").expect("a free name");
    }

    /// Logs in as the administrator `admin`, who is added if missing.
    pub(crate) async fn sign_in_admin(&self) {
        self.sign_in("admin", Role::Admin).await;
    }

    /// Logs in as `driver` of the delivery team, who is added if missing.
    pub(crate) async fn sign_in_logistics(&self) {
        self.sign_in("driver", Role::Logistics).await;
    }

    /// Logs in as the driver `gisa`, who is added if missing.
    pub(crate) async fn sign_in_driver(&self) {
        self.sign_in("gisa", Role::Driver).await;
    }

    /// Logs in as a member of the role, who is added if missing.
    pub(crate) async fn sign_in_as(&self, role: Role) {
        let username = match role {
            Role::Admin => "admin",
            Role::Orders => "jumun",
            Role::Logistics => "driver",
            Role::Support => "sangdam",
            Role::Viewer => "johoe",
            Role::Driver => "gisa",
        };
        self.sign_in(username, role).await;
    }

    async fn sign_in(&self, username: &'static str, role: Role) {
        let found = self.state.storage.read(move |tx| store::credentials(tx, username)).await.expect("reads");
        if found.is_none() {
            self.add_member(username, role).await;
        }
        let answer = self.post_form_from("/login", "/login", &[("username", username), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    }

    /// The URL of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a GET request.
    pub(crate) async fn get(&self, path: &str) -> TestResponse {
        self.send(self.browser.get(self.url(path))).await
    }

    /// Submits a form with the CSRF token of `/account`; tokens are valid on all pages of a session.
    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        self.post_form_from("/account", path, fields).await
    }

    /// Submits a form with the CSRF token of the page at `page`.
    pub(crate) async fn post_form_from(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let token = self.token(page).await;
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        self.post_bare(path, &fields).await
    }

    /// Submits a form exactly as given, without adding a token.
    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> TestResponse {
        let body = serde_html_form::to_string(fields).expect("pairs");
        let request = self.browser.post(self.url(path)).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body)).await
    }

    /// Submits a multipart form; the token is its first part.
    pub(crate) async fn post_multipart(
        &self,
        path: &str,
        add: impl FnOnce(reqwest::multipart::Form) -> reqwest::multipart::Form,
    ) -> TestResponse {
        let form = reqwest::multipart::Form::new().text("csrf", self.token("/account").await);
        self.send(self.browser.post(self.url(path)).multipart(add(form))).await
    }

    /// The CSRF token of the page at `page`.
    pub(crate) async fn token(&self, page: &str) -> String {
        let text = self.get(page).await.ok();
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    }

    /// Sends any request.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> TestResponse {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await.expect("a body").to_vec();
        TestResponse { status, headers, text: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }
}

fn browser() -> Client {
    // reqwest requires a crypto provider even without TLS. Fails when it is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}
