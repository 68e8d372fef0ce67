//! The list of members, by username; disabled ones last.

use askama::Template;
use axum::extract::State;

use crate::members::model::Account;
use crate::members::store;
use crate::storage::{Storage, StorageError};
use crate::web::{Layout, PageResult, page};

#[derive(Template)]
#[template(path = "members/list.html")]
struct ListPage {
    layout: Layout,
    members: Vec<Account>,
    /// those who have not come for a long time
    absent: Vec<Account>,
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let read = storage.read(|tx| Ok::<_, StorageError>((store::list(tx)?, store::absent(tx)?)));
    let (mut members, absent) = read.await?;
    members.sort_by_key(|account| !account.enabled);
    Ok(page(ListPage { layout, members, absent }))
}
