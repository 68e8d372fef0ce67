//! 설정: what is in force, and from where.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::Context;
use super::limits::LimitsForm;
use super::network::NetworkForm;
use crate::config::{Config, Database, SettingSource};
use crate::objects::StoreForm;
use crate::shop::model::Shop;
use crate::shop::store as shop;
use crate::web::{AppState, Error, Layout, PageResult, page, page_with_status, redirect};

/// How long a request waits for the restart before it is sent on: connections close half a second after it begins.
const RETRY_DELAY: Duration = Duration::from_millis(250);

#[derive(Template)]
#[template(path = "config/show.html")]
pub(super) struct SettingsPage {
    layout: Layout,
    config: Arc<Config>,
    shop: Shop,
    is_demo: bool,
    is_mariadb: bool,
    /// whether the socket listens at another address than configured: systemd holds it, or the address was taken
    listens_elsewhere: Option<String>,
    /// name and expiry date of the shop's certificate authority
    ca: Option<(String, String)>,
    pub(super) network: NetworkForm,
    pub(super) network_problem: Option<String>,
    pub(super) limits: LimitsForm,
    /// key of a field of the limits and its problem
    pub(super) limits_problems: Vec<(&'static str, String)>,
    pub(super) store: StoreForm,
    pub(super) store_problem: Option<String>,
    pub(super) backup_problem: Option<String>,
}

impl SettingsPage {
    pub(super) async fn new(context: &Context, layout: Layout) -> Result<Self, Error> {
        let config = &context.config;
        let (listen, actual) = (config.listen, context.endpoints.address);
        let is_elsewhere = listen.ip() != actual.ip() || (listen.port() != actual.port() && listen.port() != 0);
        Ok(Self {
            layout,
            config: Arc::clone(config),
            shop: context.storage.read(shop::find).await?,
            is_demo: config.demo.is_some(),
            is_mariadb: matches!(config.database, Database::MariaDb(_)),
            listens_elsewhere: is_elsewhere.then(|| actual.to_string()),
            ca: context.endpoints.ca().map(|ca| (ca.name.clone(), ca.info.expires_at.to_string())),
            network: NetworkForm::of(config, actual.port()),
            network_problem: None,
            limits: LimitsForm::of(config),
            limits_problems: Vec::new(),
            store: StoreForm::default(),
            store_problem: None,
            backup_problem: None,
        })
    }

    /// The page with the problems of a form.
    pub(super) fn unprocessable(self) -> Response {
        page_with_status(StatusCode::UNPROCESSABLE_ENTITY, self)
    }

    /// Where the value of a setting comes from.
    fn origin(&self, key: &str) -> String {
        match self.config.layers.source(key) {
            SettingSource::Flag => format!("실행할 때의 --{} 옵션", key.replace('_', "-")),
            SettingSource::Variable => format!("환경 변수 MUKKEUM_{}", key.to_ascii_uppercase()),
            SettingSource::Page => "설정 화면".to_owned(),
            SettingSource::File => "mukkeum.toml 파일".to_owned(),
            SettingSource::Default => "기본값".to_owned(),
        }
    }

    fn is_default(&self, key: &str) -> bool {
        self.config.layers.source(key) == SettingSource::Default
    }

    /// Whether a flag or a variable has set the value, so that the page cannot change it.
    fn is_fixed(&self, key: &str) -> bool {
        self.config.layers.source(key).is_fixed()
    }

    /// Whether the page has set one of these values, so that it can be withdrawn.
    fn is_of_page(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.config.layers.source(key) == SettingSource::Page)
    }

    fn limits_problem(&self, field: &str) -> Option<&str> {
        self.limits_problems.iter().find(|(name, _)| *name == field).map(|(_, problem)| problem.as_str())
    }

    /// Whether a flag or a variable has switched the encryption off, so that the page cannot switch it on.
    fn is_encryption_off(&self) -> bool {
        self.is_fixed("tls") && !self.config.behind_tls
    }

    /// Whether an own certificate or a proxy encrypts, so that the page does not offer the shop's certificate.
    fn is_encrypted_otherwise(&self) -> bool {
        self.config.behind_tls && !self.config.uses_shop_ca()
    }
}

/// Sends a browser that follows a change on to the restarted server. A connection that is open already may reach the old one,
/// which would show the old settings.
pub(super) struct AfterRestart;

impl FromRequestParts<AppState> for AfterRestart {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let follows_change = parts.uri.query().is_some_and(|query| query.contains("done="));
        if !follows_change || !state.restart.is_pending() {
            return Ok(Self);
        }
        tokio::time::sleep(RETRY_DELAY).await;
        let mut response = redirect(parts.uri.path_and_query().map_or("/settings", PathAndQuery::as_str));
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        Err(response)
    }
}

/// `GET /settings`
pub(super) async fn show(_: AfterRestart, State(context): State<Context>, layout: Layout) -> PageResult {
    Ok(page(SettingsPage::new(&context, layout).await?))
}
