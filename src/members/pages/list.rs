//! Everybody, by name; those who may not sign in below.

use askama::Template;
use axum::extract::State;

use crate::members::model::Account;
use crate::members::store;
use crate::web::{AppState, Layout, PageResult, page};

#[derive(Template)]
#[template(path = "members/list.html")]
struct ListPage {
    layout: Layout,
    members: Vec<Account>,
}

pub(super) async fn show(State(state): State<AppState>, layout: Layout) -> PageResult {
    let mut members = state.storage.read(store::all).await?;
    members.sort_by_key(|account| !account.enabled);
    Ok(page(ListPage { layout, members }))
}
