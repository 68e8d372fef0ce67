//! `/privacy/destructions/{id}`: the certificate of a run, for printing.

use askama::Template;
use axum::extract::{Path, State};

use crate::privacy::model::Destruction;
use crate::privacy::store;
use crate::shop::{self, model::Shop};
use crate::storage::{Storage, StorageError};
use crate::web::{Error, Layout, PageResult, page, parse_id};

#[derive(Template)]
#[template(path = "privacy/destructions/show.html")]
struct ShowPage {
    layout: Layout,
    destruction: Destruction,
    number: String,
    shop: Shop,
}

pub(crate) async fn show(State(storage): State<Storage>, layout: Layout, Path(id): Path<String>) -> PageResult {
    let id = parse_id(&id)?;
    let read =
        move |tx: &mut dyn crate::storage::Tx| Ok::<_, StorageError>((store::find(tx, id)?, shop::store::find(tx)?));
    let (found, shop) = storage.read(read).await?;
    let destruction = found.ok_or(Error::NotFound)?;
    Ok(page(ShowPage { layout, number: destruction.id.to_string(), destruction, shop }))
}
