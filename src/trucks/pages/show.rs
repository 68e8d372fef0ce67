//! `/trucks/{id}`: the form of one truck.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::problem;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::DistrictCache;
use crate::id::TruckId;
use crate::routing::points::PostalPoints;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::trucks::form::{FieldProblem, TruckForm};
use crate::trucks::model::Truck;
use crate::trucks::store;
use crate::trucks::weekdays::WEEKDAY_NAMES;
use crate::web::{
    Error, Flash, FlashId, Form, Layout, PageResult, page, page_with_status, parse_id, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "trucks/show.html")]
pub(super) struct TruckPage {
    pub(super) layout: Layout,
    /// none: a new truck
    pub(super) id: Option<TruckId>,
    pub(super) form: TruckForm,
    pub(super) problems: Vec<FieldProblem>,
}

impl TruckPage {
    fn action(&self) -> String {
        self.id.map_or_else(|| "/trucks/new".to_owned(), |id| format!("/trucks/{id}"))
    }

    fn problem(&self, field: &str) -> Option<&str> {
        problem(&self.problems, field)
    }

    fn weekdays(&self) -> impl Iterator<Item = (usize, &'static str, bool)> {
        WEEKDAY_NAMES.iter().enumerate().map(|(number, name)| (number, *name, self.form.weekday.contains(&number)))
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout, Path(id): Path<String>) -> PageResult {
    let id = parse_id(&id)?;
    let truck = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    Ok(page(TruckPage { layout, id: Some(id), form: TruckForm::from(&truck), problems: Vec::new() }))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(mut form): Form<TruckForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let stored = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    match save((&storage, &districts), actor, Some(id), &form).await? {
        Ok(flash) => Ok(redirect_with_flash("/trucks", flash)),
        Err(problems) => {
            // The next attempt is made after the conflict has been shown.
            form.version = stored.version;
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, TruckPage { layout, id: Some(id), form, problems }))
        }
    }
}

/// Saves a new truck, or that of `id`.
pub(super) async fn save(
    (storage, districts): (&Storage, &DistrictCache),
    actor: MemberActor,
    id: Option<TruckId>,
    form: &TruckForm,
) -> PageResult<Result<FlashId, Vec<FieldProblem>>> {
    let districts = districts.refresh(storage).await?;
    match form.truck(id.unwrap_or_default(), |zip| PostalPoints::new(&districts).locate(zip).is_some()) {
        Err(problems) => Ok(Err(problems)),
        Ok(truck) => {
            let saved = storage.write(move |tx| write(tx, actor, id, &truck)).await?;
            Ok(saved.map_err(|problem| vec![problem]))
        }
    }
}

fn write(
    tx: &mut dyn Tx,
    actor: MemberActor,
    id: Option<TruckId>,
    truck: &Truck,
) -> StorageResult<Result<FlashId, FieldProblem>> {
    let refuse = |message: &str| FieldProblem { field: "name", message: message.to_owned() };
    if store::id_by_name(tx, &truck.name)?.is_some_and(|other| Some(other) != id) {
        return Ok(Err(refuse("같은 이름의 차량이 있어요. 다른 이름을 입력해 주세요.")));
    }
    let saved_id = match id {
        None => store::insert(tx, truck)?,
        Some(id) if store::update(tx, truck)? => id,
        Some(_) => return Ok(Err(refuse("그 사이 다른 사람이 이 차량을 바꿨어요. 확인하고 다시 저장해 주세요."))),
    };
    let event = AuditEvent::TruckSaved { name: truck.name.clone() };
    audit::record(tx, actor, AuditObject::one(saved_id), &event)?;
    Flash::success(event.sentence()).save(tx, actor.id).map(Ok)
}
