//! Adding a member, who gets a one-time password.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::{Problems, one_time_password};
use crate::audit;
use crate::members::model::{self, Refusal, Role};
use crate::members::store;
use crate::storage::{Result, StorageError, Tx, crockford};
use crate::web::{AppState, Form, Layout, Member, PageResult, page, page_with};

#[derive(Template)]
#[template(path = "members/add.html")]
struct AddPage {
    layout: Layout,
    username: String,
    role: Role,
    problems: Problems,
}

/// The only page that ever shows the password.
#[derive(Template)]
#[template(path = "members/issued.html")]
struct IssuedPage {
    layout: Layout,
    username: String,
    number: String,
    password: String,
    is_new: bool,
}

#[derive(Deserialize)]
pub(super) struct NewMember {
    #[serde(default)]
    username: String,
    #[serde(default)]
    role: String,
}

pub(super) async fn show(layout: Layout) -> PageResult {
    Ok(page(AddPage { layout, username: String::new(), role: Role::Logistics, problems: Problems::default() }))
}

pub(super) async fn add(
    State(state): State<AppState>,
    admin: Member,
    layout: Layout,
    Form(form): Form<NewMember>,
) -> PageResult {
    let role = form.role.parse().unwrap_or(Role::Logistics);
    let added = match model::username(&form.username).map(str::to_owned) {
        Err(refusal) => Err(refusal),
        Ok(username) => {
            let (password, hash) = one_time_password(&state).await?;
            let added = state.storage.write(move |tx| insert(tx, admin.id, &username, role, &hash)).await?;
            added.map(|id| (id, password))
        }
    };
    match added {
        Ok((id, password)) => Ok(issued(layout, form.username.trim(), id, password, true)),
        Err(refusal) => {
            let mut problems = Problems::default();
            problems.add(refusal);
            let page = AddPage { layout, username: form.username, role, problems };
            Ok(page_with(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

fn insert(tx: &mut dyn Tx, admin: i64, username: &str, role: Role, hash: &str) -> Result<Result<i64, Refusal>> {
    let id = match store::add(tx, username, role, hash)? {
        Ok(id) => id,
        Err(taken) => return Ok(Err(taken)),
    };
    store::make_one_time(tx, id)?;
    audit::record(tx, Some(admin), "members.added", &json!({ "username": username, "role": role.code() }))?;
    Ok::<_, StorageError>(Ok(id))
}

/// Shows a one-time password, once.
pub(super) fn issued(layout: Layout, username: &str, id: i64, password: String, is_new: bool) -> Response {
    page(IssuedPage { layout, username: username.to_owned(), number: crockford(id), password, is_new })
}
