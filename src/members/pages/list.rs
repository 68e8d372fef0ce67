//! The list of members, by username; disabled ones last.

use askama::Template;
use axum::extract::State;

use crate::members::model::Account;
use crate::members::store;
use crate::storage::Storage;
use crate::web::{Layout, PageResult, page};

#[derive(Template)]
#[template(path = "members/list.html")]
struct ListPage {
    layout: Layout,
    members: Vec<Account>,
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let mut members = storage.read(store::list).await?;
    members.sort_by_key(|account| !account.enabled);
    Ok(page(ListPage { layout, members }))
}
