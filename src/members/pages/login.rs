//! Login and logout.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tower_sessions::Session;

use super::begin_session;
use crate::demo::{self, DemoAccount};
use crate::members::limits::Subjects;
use crate::members::store::{self, Credentials};
use crate::storage::{Result, Tx};
use crate::web::client::Client;
use crate::web::{AppState, Error, Form, FormPairs, Layout, PageResult, Query, local_path, page, page_with, redirect};

#[derive(Template)]
#[template(path = "members/login.html")]
struct LoginPage {
    layout: Layout,
    username: String,
    next: String,
    failed: bool,
    changed: bool,
    /// who everybody may be; nobody but in a training shop
    demo: &'static [DemoAccount],
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    next: String,
    bye: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LoginForm {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout, Query(asked): Query<Asked>) -> PageResult {
    if let Some(member) = &layout.member {
        return Ok(redirect(local_path(&asked.next).unwrap_or(member.role.home())));
    }
    if !state.storage.read(store::any).await? {
        return Ok(redirect("/setup"));
    }
    let changed = asked.bye.is_some();
    let demo = demo_accounts(&state);
    Ok(page(LoginPage { layout, username: String::new(), next: asked.next, failed: false, changed, demo }))
}

pub(super) async fn sign_in(
    State(state): State<AppState>,
    session: Session,
    client: Client,
    layout: Layout,
    Form(form): Form<LoginForm>,
) -> PageResult {
    let username = form.username.trim().to_owned();
    let subjects = Subjects::new(&username, client.address);
    let found = {
        let (subjects, username) = (subjects.clone(), username.clone());
        state.storage.write(move |tx| count_and_find(tx, &subjects, &username)).await?
    };
    let credentials = match found {
        Try::TooSoon { minutes } => return Err(Error::TooMany { minutes }),
        Try::Of(credentials) => credentials,
    };
    let hash = credentials.as_ref().map(|credentials| credentials.password_hash.clone());
    let right = state.passwords.verify(form.password, hash).await?;
    let Some(Credentials { member, epoch, .. }) = credentials.filter(|_| right) else {
        tracing::warn!(address = %client.address, "a sign-in failed");
        let demo = demo_accounts(&state);
        let page = LoginPage { layout, username, next: form.next, failed: true, changed: false, demo };
        return Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page));
    };
    let id = member.id;
    state
        .storage
        .write(move |tx| {
            subjects.forgive(tx)?;
            store::note_sign_in(tx, id)
        })
        .await?;
    begin_session(&state, &session, id, epoch).await?;
    Ok(redirect(local_path(&form.next).unwrap_or(member.role.home())))
}

pub(super) async fn sign_out(session: Session, _: FormPairs) -> PageResult<Response> {
    session.flush().await?;
    Ok(redirect("/login?bye=1"))
}

fn demo_accounts(state: &AppState) -> &'static [DemoAccount] {
    if state.demo.is_some() { &demo::ACCOUNTS } else { &[] }
}

enum Try {
    TooSoon { minutes: i64 },
    Of(Option<Credentials>),
}

fn count_and_find(tx: &mut dyn Tx, subjects: &Subjects, username: &str) -> Result<Try> {
    if let Some(minutes) = subjects.count(tx)? {
        return Ok(Try::TooSoon { minutes });
    }
    store::credentials(tx, username).map(Try::Of)
}
