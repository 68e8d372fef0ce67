//! Creation of the first administrator with the setup code, which is on the console and in the link that the program opens.
//! A request that seems to come from this computer may come through a proxy or a tunnel, so it needs the code, too.

pub(super) mod practice;
pub(super) mod restore;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use askama::Template;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::Deserialize;

use self::practice::PracticeErrors;
use super::SetupCode;
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::config::Config;
use crate::id::MemberId;
use crate::members::field_errors::FieldErrors;
use crate::members::model::{NewPassword, Role, validate_username};
use crate::members::passwords::PasswordHasher;
use crate::members::store;
use crate::members::store::login_throttle::LoginThrottle;
use crate::storage::{Result, Storage, Tx};
use crate::web::{
    Access, AppState, BrowserSession, ClientInfo, Error, Form, Layout, PageResult, Query, Routes, page,
    page_with_status, redirect,
};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new()
        .get("/setup", Access::Public, show)
        .post("/setup", Access::Public, create)
        .get("/setup/restore", Access::Public, restore::show)
        .post("/setup/restore", Access::Public, restore::create)
        .get("/setup/restore/progress", Access::Public, restore::progress::show)
        .post("/setup/practice", Access::Public, practice::start)
}

#[derive(Template)]
#[template(path = "setup/show.html")]
struct SetupPage {
    layout: Layout,
    /// the setup code of the link, or as typed
    code: String,
    username: String,
    code_error: Option<String>,
    errors: FieldErrors,
    /// whether a backup can be restored: the shop's data is a file
    has_restore: bool,
    /// error of the code with which a backup was to be restored
    restore_code_error: Option<String>,
    practice: PracticeErrors,
    is_demo: bool,
}

impl SetupPage {
    fn new(setup: &Setup, code: String, layout: Layout) -> Self {
        Self {
            layout,
            code,
            username: String::new(),
            code_error: None,
            errors: FieldErrors::default(),
            has_restore: setup.restored().is_some(),
            restore_code_error: None,
            practice: PracticeErrors::default(),
            is_demo: setup.is_demo,
        }
    }
}

/// The states used by the pages of this room.
#[derive(Clone)]
struct Setup {
    storage: Storage,
    config: Arc<Config>,
    code: SetupCode,
    is_demo: bool,
}

impl FromRef<AppState> for Setup {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            config: Arc::clone(&state.config),
            code: state.setup_code.clone(),
            is_demo: state.demo.is_some(),
        }
    }
}

impl Setup {
    /// The file that a restore writes; None where the shop's data is not a file, and in a demo shop.
    fn restored(&self) -> Option<PathBuf> {
        self.config.restored().filter(|_| !self.is_demo)
    }

    /// Whether the shop already has a member, so that these pages redirect to the login.
    async fn is_done(&self) -> Result<bool> {
        self.storage.read(store::has_members).await
    }

    /// The error of the setup code. The right code is accepted whatever others have tried, so that nobody can keep the
    /// owner out; it is too long to be guessed.
    async fn code_error(&self, throttle: &LoginThrottle, typed: &str) -> PageResult<Option<String>> {
        if self.code.matches(typed) {
            return Ok(None);
        }
        let throttle = throttle.clone();
        if let Some(minutes) = self.storage.write(move |tx| throttle.record_attempt(tx)).await? {
            return Err(Error::TooManyAttempts { minutes });
        }
        Ok(Some("설치 확인 번호가 맞지 않아요. 프로그램을 켠 화면을 보고 다시 입력해 주세요.".to_owned()))
    }
}

/// The throttle of wrong setup codes.
fn throttle(client: &ClientInfo) -> LoginThrottle {
    LoginThrottle::new("(setup)", client.address)
}

#[derive(Deserialize)]
struct SetupForm {
    #[serde(default)]
    code: String,
    username: String,
    password: String,
    again: String,
}

#[derive(Default, Deserialize)]
struct SetupQuery {
    /// the setup code, in the link that the console shows and the program opens
    #[serde(default)]
    code: String,
}

async fn show(State(setup): State<Setup>, layout: Layout, Query(query): Query<SetupQuery>) -> PageResult {
    if setup.is_done().await? {
        return Ok(redirect("/login"));
    }
    Ok(page(SetupPage::new(&setup, query.code, layout)))
}

async fn create(
    State(setup): State<Setup>,
    State(hasher): State<PasswordHasher>,
    browser: BrowserSession,
    layout: Layout,
    Form(form): Form<SetupForm>,
) -> PageResult {
    if setup.is_done().await? {
        return Ok(redirect("/login"));
    }
    let throttle = throttle(&browser.client);
    let code_error = setup.code_error(&throttle, &form.code).await?;
    let mut errors = FieldErrors::default();
    let username = validate_username(&form.username).map(str::to_owned).map_err(|error| errors.add_username(error));
    let password = NewPassword::repeated(form.password, &form.again, &[&form.username])
        .map_err(|error| errors.add_password(error));
    let (Ok(username), Ok(password), None) = (username, password, &code_error) else {
        let page =
            SetupPage { username: form.username, code_error, errors, ..SetupPage::new(&setup, form.code, layout) };
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let hash = hasher.hash(password).await?;
    let created = setup
        .storage
        .write(move |tx| {
            throttle.reset(tx)?;
            add_first_admin(tx, &username, &hash)
        })
        .await?;
    let Some(id) = created else {
        return Ok(redirect("/login"));
    };
    let cookie = browser.log_in(id, 0, false).await?;
    Ok(cookie.add_to(redirect(Role::Admin.home())))
}

/// Adds the administrator, unless another request has just added a member.
fn add_first_admin(tx: &mut dyn Tx, username: &str, hash: &str) -> Result<Option<MemberId>> {
    if store::has_members(tx)? {
        return Ok(None);
    }
    let added = store::add(tx, username, Role::Admin, hash)?.ok();
    if let Some(id) = added {
        let event = AuditEvent::MemberAdded { username: username.to_owned(), role: Role::Admin.code().to_owned() };
        audit::record(tx, Actor::Program, AuditObject::one(id), &event)?;
    }
    Ok(added)
}
