//! The whole application in a test: a folder and a port of its own, and a browser without a screen.

use std::net::SocketAddr;
use std::sync::Arc;

use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Client, StatusCode};

use super::{AppState, OpenHouse, Role, Routes};
use crate::app;
use crate::config::{Config, Database, Settings};
use crate::demo::DemoPlan;
use crate::members::model::NewPassword;
use crate::members::store;
use crate::storage::testing::Scratch;
use crate::storage::{Options, Storage};
use crate::time::{ManualClock, Moment};

/// 2024-03-15 10:00 in Korea: when every test begins.
pub(crate) const START: Moment = Moment(1_710_464_400_000);

/// The password of every member of a test.
pub(crate) const PASSWORD: &str = "비밀번호 열두 글자";

/// A running application, and one browser at it.
pub(crate) struct TestApp {
    /// the same state the handlers have
    pub(crate) state: AppState,
    /// stands still until a test moves it
    pub(crate) clock: ManualClock,
    /// follows no redirect, keeps cookies
    pub(crate) browser: Client,
    base: String,
    folder: Arc<Scratch>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    /// Where a redirect leads.
    pub(crate) fn location(&self) -> &str {
        self.headers.get(LOCATION).map_or("", |location| location.to_str().expect("text"))
    }

    /// The value of a header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// The page, which must be there with status 200.
    pub(crate) fn ok(self) -> String {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self.text
    }
}

impl TestApp {
    /// The application with no member.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| (), Routes::new()).await
    }

    /// The application with changed settings and a room more.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config), more: Routes) -> Self {
        Self::start_furnished(change, more, |_| ()).await
    }

    /// As [`Self::start_with`], with a state that is changed as well.
    pub(crate) async fn start_furnished(
        change: impl FnOnce(&mut Config),
        more: Routes,
        furnish: impl FnOnce(&mut AppState),
    ) -> Self {
        super::metrics::install();
        let folder = Scratch::new();
        let settings = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
        let mut config = Config::load(settings, |_| None).expect("sound settings");
        change(&mut config);
        if let Some(address) = folder.address() {
            config.database = Database::MariaDb(address);
        }
        let clock = ManualClock::at(START);
        let options = Options { clock: Arc::new(clock.clone()), readers: 2 };
        let storage = folder.open(&options);
        let mut state = AppState::new(storage, config).expect("a state");
        furnish(&mut state);

        let router = super::router(&state, app::rooms().into_iter().chain([more]));
        Self::answer(state, clock, folder, router).await
    }

    /// A training shop that is open to everybody, behind a proxy on this computer.
    pub(crate) async fn open_house(plan: DemoPlan) -> (Self, OpenHouse) {
        let folder = Scratch::new();
        let settings = Settings { data: Some(folder.path().to_owned()), ..Settings::default() };
        let mut config = Config::load(settings, |_| None).expect("sound settings");
        config.demo = Some(plan);
        config.trusted_proxies = vec![[127, 0, 0, 1].into()];
        let clock = ManualClock::at(START);
        let options = Options { clock: Arc::new(clock.clone()), readers: 2 };
        let storage = Storage::open_sqlite(&folder.path().join("shop.db"), &options).expect("opens");
        let state = AppState::new(storage, config).expect("a state");
        let demo = state.demo.clone().expect("a training shop");
        demo.reset_if_due(&state.storage, &state.passwords).await.expect("makes it");
        let house = OpenHouse::open(&state, app::router).expect("opens");
        let router = house.router();
        (Self::answer(state, clock, folder, router).await, house)
    }

    async fn answer(state: AppState, clock: ManualClock, folder: Scratch, router: axum::Router) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { state, clock, browser: browser(), base, folder: Arc::new(folder) }
    }

    /// The application with an administrator signed in.
    pub(crate) async fn as_admin() -> Self {
        let app = Self::start().await;
        app.sign_in_admin().await;
        app
    }

    /// Another browser at the same application.
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
        let password = NewPassword::new(PASSWORD.to_owned()).expect("long enough");
        let hash = self.state.passwords.hash(password).await.expect("hashes");
        let added = self.state.storage.write(move |tx| store::add(tx, username, role, &hash)).await;
        added.expect("writes").expect("a free name");
    }

    /// Signs in as the administrator `admin`, who is added when missing.
    pub(crate) async fn sign_in_admin(&self) {
        self.sign_in("admin", Role::Admin).await;
    }

    /// Signs in as the delivery team's `driver`, who is added when missing.
    pub(crate) async fn sign_in_logistics(&self) {
        self.sign_in("driver", Role::Logistics).await;
    }

    async fn sign_in(&self, username: &'static str, role: Role) {
        let found = self.state.storage.read(move |tx| store::credentials(tx, username)).await.expect("reads");
        if found.is_none() {
            self.add_member(username, role).await;
        }
        let answer = self.post_form_from("/login", "/login", &[("username", username), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.browser.get(self.url(path))).await
    }

    /// A form, with the token of `/account` (any page of a member has one that fits).
    pub(crate) async fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.post_form_from("/account", path, fields).await
    }

    /// A form, with the token of the page at `page`.
    pub(crate) async fn post_form_from(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = self.token(page).await;
        let fields: Vec<_> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        self.post_bare(path, &fields).await
    }

    /// A form exactly as given, without a token.
    pub(crate) async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = serde_html_form::to_string(fields).expect("pairs");
        let request = self.browser.post(self.url(path)).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(body)).await
    }

    /// A form with files; the token goes first.
    pub(crate) async fn post_multipart(
        &self,
        path: &str,
        add: impl FnOnce(reqwest::multipart::Form) -> reqwest::multipart::Form,
    ) -> Answer {
        let form = reqwest::multipart::Form::new().text("csrf", self.token("/account").await);
        self.send(self.browser.post(self.url(path)).multipart(add(form))).await
    }

    /// The CSRF token that the page at `page` carries.
    pub(crate) async fn token(&self, page: &str) -> String {
        let text = self.get(page).await.ok();
        let (_, rest) = text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    }

    /// Any request.
    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("text") }
    }
}

fn browser() -> Client {
    // The client can speak TLS and wants to know whose, though no test does; a second call finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().cookie_store(true).redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}
