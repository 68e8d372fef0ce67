//! `/trucks`: the list of trucks.

use askama::Template;
use axum::extract::State;

use crate::storage::{Storage, StorageError};
use crate::trucks::model::Truck;
use crate::trucks::settings::TruckSettings;
use crate::trucks::store;
use crate::web::{Layout, PageResult, page};

#[derive(Template)]
#[template(path = "trucks/list.html")]
struct ListPage {
    layout: Layout,
    trucks: Vec<Truck>,
    settings: TruckSettings,
}

pub(super) async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let (trucks, settings) = storage.read(|tx| Ok::<_, StorageError>((store::all(tx)?, store::settings(tx)?))).await?;
    Ok(page(ListPage { layout, trucks, settings }))
}
