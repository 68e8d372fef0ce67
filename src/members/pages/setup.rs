//! The first administrator. There is no default password: whoever stands at this computer, or
//! knows the code that it printed when it started, makes the first member.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tower_sessions::Session;

use super::Problems;
use super::entering::{enter, with_cookie};
use super::restore::Restoring;
use crate::members::limits::Subjects;
use crate::members::model::{self, NewPassword, Role};
use crate::members::store;
use crate::storage::{Result, Tx};
use crate::web::client::Client;
use crate::web::{AppState, Error, Form, Layout, PageResult, Visitor, page, page_with, redirect};

#[derive(Template)]
#[template(path = "members/setup.html")]
pub(super) struct SetupPage {
    pub(super) layout: Layout,
    pub(super) needs_code: bool,
    pub(super) username: String,
    pub(super) problems: Problems,
    /// None where no file could be put in place
    pub(super) restoring: Option<Restoring>,
}

impl SetupPage {
    pub(super) fn new(state: &AppState, client: &Client, layout: Layout) -> Self {
        Self {
            layout,
            needs_code: !client.is_local,
            username: String::new(),
            problems: Problems::default(),
            restoring: state.config.restored().filter(|_| state.demo.is_none()).map(|_| Restoring::default()),
        }
    }

    /// Whether somebody tried to restore, and is to mend something there.
    fn restores(&self) -> bool {
        self.restoring.as_ref().is_some_and(Restoring::is_open)
    }
}

#[derive(Deserialize)]
pub(super) struct SetupForm {
    #[serde(default)]
    code: String,
    username: String,
    password: String,
    again: String,
}

pub(super) async fn show(State(state): State<AppState>, client: Client, layout: Layout) -> PageResult {
    if state.storage.read(store::any).await? {
        return Ok(redirect("/login"));
    }
    Ok(page(SetupPage::new(&state, &client, layout)))
}

pub(super) async fn make(
    State(state): State<AppState>,
    session: Session,
    visitor: Visitor,
    client: Client,
    layout: Layout,
    Form(form): Form<SetupForm>,
) -> PageResult {
    if state.storage.read(store::any).await? {
        return Ok(redirect("/login"));
    }
    let subjects = Subjects::new("(setup)", client.address);
    let (problems, made) = check(&state, &client, &subjects, &form).await?;
    let again = |problems| {
        let page = SetupPage { username: form.username, problems, ..SetupPage::new(&state, &client, layout) };
        Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page))
    };
    let Some((username, password)) = made else {
        return again(problems);
    };
    let hash = state.passwords.hash(password).await?;
    let made = state
        .storage
        .write(move |tx| {
            subjects.forgive(tx)?;
            add_first(tx, &username, &hash)
        })
        .await?;
    let Some(id) = made else {
        return Ok(redirect("/login"));
    };
    let cookie = enter(&state, &session, &visitor, &client, (id, 0), false).await?;
    Ok(with_cookie(redirect(Role::Admin.home()), cookie))
}

async fn check(
    state: &AppState,
    client: &Client,
    subjects: &Subjects,
    form: &SetupForm,
) -> PageResult<(Problems, Option<(String, NewPassword)>)> {
    let mut problems = Problems { code: wrong_code(state, client, subjects, &form.code).await?, ..Problems::default() };
    let username = model::username(&form.username).map_err(|refusal| problems.add(refusal)).ok();
    let password =
        NewPassword::repeated(form.password.clone(), &form.again).map_err(|refusal| problems.add(refusal)).ok();
    let sound = username.map(str::to_owned).zip(password).filter(|_| !problems.any());
    Ok((problems, sound))
}

/// What is wrong with the code that whoever is not at this computer has to know.
pub(super) async fn wrong_code(
    state: &AppState,
    client: &Client,
    subjects: &Subjects,
    code: &str,
) -> PageResult<Option<String>> {
    if client.is_local || is_code(&state.setup_code, code) {
        return Ok(None);
    }
    let subjects = subjects.clone();
    if let Some(minutes) = state.storage.write(move |tx| subjects.count(tx)).await? {
        return Err(Error::TooMany { minutes });
    }
    Ok(Some("설치 확인 번호가 맞지 않아요. 프로그램을 켠 화면을 보고 다시 적어 주세요.".to_owned()))
}

/// Compares hashes, so the time it takes tells nothing about the code.
fn is_code(code: &str, typed: &str) -> bool {
    Sha256::digest(typed.trim().to_ascii_uppercase()) == Sha256::digest(code)
}

fn add_first(tx: &mut dyn Tx, username: &str, hash: &str) -> Result<Option<i64>> {
    if store::any(tx)? {
        return Ok(None);
    }
    Ok(store::add(tx, username, Role::Admin, hash)?.ok())
}
