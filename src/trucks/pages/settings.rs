//! `/trucks/settings`: depot, default of the handling, postal codes that only ships reach.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use super::problem;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::districts::DistrictCache;
use crate::routing::points::PostalPoints;
use crate::storage::Storage;
use crate::trucks::form::{FieldProblem, SettingsForm};
use crate::trucks::store;
use crate::web::{Flash, Form, Layout, PageResult, page, page_with_status, redirect_with_flash};

#[derive(Template)]
#[template(path = "trucks/settings.html")]
struct SettingsPage {
    layout: Layout,
    form: SettingsForm,
    problems: Vec<FieldProblem>,
}

impl SettingsPage {
    fn problem(&self, field: &str) -> Option<&str> {
        problem(&self.problems, field)
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let settings = storage.read(store::settings).await?;
    Ok(page(SettingsPage { layout, form: SettingsForm::from(&settings), problems: Vec::new() }))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<SettingsForm>,
) -> PageResult {
    let districts = districts.refresh(&storage).await?;
    let settings = match form.settings(|zip| PostalPoints::new(&districts).locate(zip).is_some()) {
        Ok(settings) => settings,
        Err(problems) => {
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, SettingsPage { layout, form, problems }));
        }
    };
    let save = move |tx: &mut dyn crate::storage::Tx| {
        store::save_settings(tx, &settings)?;
        let event = AuditEvent::TruckSettingsSaved { depot_zip: settings.depot_zip.clone() };
        audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
        Flash::success(event.sentence()).save(tx, actor.id)
    };
    Ok(redirect_with_flash("/trucks/settings", storage.write(save).await?))
}
