//! `POST /first-steps/dismiss`: the first steps that a shop does not need, such as those of one who works alone.

use axum::extract::State;
use serde::Deserialize;

use crate::storage::Storage;
use crate::today::store;
use crate::web::{Form, PageResult, redirect};

/// Body of a form without fields.
#[derive(Deserialize)]
pub(super) struct DismissForm {}

pub(super) async fn dismiss(State(storage): State<Storage>, Form(DismissForm {}): Form<DismissForm>) -> PageResult {
    storage.write(store::dismiss_first_steps).await?;
    Ok(redirect("/"))
}
