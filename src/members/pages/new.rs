//! Creation of a member with a one-time password.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::generate_password;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::MemberId;
use crate::members::field_errors::FieldErrors;
use crate::members::model::{Role, UsernameError, validate_username};
use crate::members::passwords::PasswordHasher;
use crate::members::store;
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::web::{Form, Layout, PageResult, page, page_with_status};

#[derive(Template)]
#[template(path = "members/new.html")]
struct NewPage {
    layout: Layout,
    username: String,
    role: Role,
    errors: FieldErrors,
}

/// Shows a one-time password. No other page does.
#[derive(Template)]
#[template(path = "members/issued.html")]
struct IssuedPage {
    layout: Layout,
    username: String,
    number: String,
    password: String,
    /// role of a new member, for the guide; none where only the password is new
    new_role: Option<Role>,
}

#[derive(Deserialize)]
pub(super) struct NewForm {
    #[serde(default)]
    username: String,
    #[serde(default)]
    role: String,
}

pub(super) async fn new(layout: Layout) -> PageResult {
    Ok(page(NewPage { layout, username: String::new(), role: Role::Logistics, errors: FieldErrors::default() }))
}

pub(super) async fn create(
    State(storage): State<Storage>,
    State(hasher): State<PasswordHasher>,
    admin: MemberActor,
    layout: Layout,
    Form(form): Form<NewForm>,
) -> PageResult {
    let role = form.role.parse().unwrap_or(Role::Logistics);
    let created = match validate_username(&form.username).map(str::to_owned) {
        Err(error) => Err(error),
        Ok(username) => {
            let (password, hash) = generate_password(&hasher).await?;
            let created = storage.write(move |tx| insert(tx, admin, &username, role, &hash)).await?;
            created.map(|id| (id, password))
        }
    };
    match created {
        Ok((id, password)) => Ok(issued_page(layout, form.username.trim(), id, password, Some(role))),
        Err(error) => {
            let mut errors = FieldErrors::default();
            errors.add_username(error);
            let page = NewPage { layout, username: form.username, role, errors };
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

fn insert(
    tx: &mut dyn Tx,
    admin: MemberActor,
    username: &str,
    role: Role,
    hash: &str,
) -> Result<Result<MemberId, UsernameError>> {
    let id = match store::add(tx, username, role, hash)? {
        Ok(id) => id,
        Err(taken) => return Ok(Err(taken)),
    };
    store::make_one_time(tx, id)?;
    let event = AuditEvent::MemberAdded { username: username.to_owned(), role: role.code().to_owned() };
    audit::record(tx, admin, AuditObject::one(id), &event)?;
    Ok::<_, StorageError>(Ok(id))
}

/// The page with a member's one-time password.
pub(super) fn issued_page(
    layout: Layout,
    username: &str,
    id: MemberId,
    password: String,
    new_role: Option<Role>,
) -> Response {
    page(IssuedPage { layout, username: username.to_owned(), number: id.to_string(), password, new_role })
}
