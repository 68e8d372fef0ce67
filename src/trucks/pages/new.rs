//! `/trucks/new`: adds a truck.

use axum::extract::State;
use axum::http::StatusCode;

use super::show::{TruckPage, save};
use crate::audit::MemberActor;
use crate::districts::DistrictCache;
use crate::storage::Storage;
use crate::trucks::form::TruckForm;
use crate::trucks::model::Truck;
use crate::trucks::store;
use crate::web::{Form, Layout, PageResult, page, page_with_status, redirect_with_flash};

pub(super) async fn new(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let count = storage.read(|tx| store::all(tx).map(|trucks| trucks.len())).await?;
    let form = TruckForm::from(&Truck::suggestion(format!("{}호차", count + 1)));
    Ok(page(TruckPage { layout, id: None, form, problems: Vec::new() }))
}

pub(super) async fn create(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<TruckForm>,
) -> PageResult {
    match save((&storage, &districts), actor, None, &form).await? {
        Ok(flash) => Ok(redirect_with_flash("/trucks", flash)),
        Err(problems) => {
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, TruckPage { layout, id: None, form, problems }))
        }
    }
}
