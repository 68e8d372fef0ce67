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
    /// district of the depot that is in force
    depot: Option<String>,
}

impl SettingsPage {
    fn problem(&self, field: &str) -> Option<&str> {
        problem(&self.problems, field)
    }

    fn depot_hint(&self) -> String {
        let hint = "차고지를 따로 정하지 않은 차가 여기서 나가고 여기로 돌아와요.";
        self.depot.as_ref().map_or_else(|| hint.to_owned(), |depot| format!("지금 차고지: {depot}. {hint}"))
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
) -> PageResult {
    let settings = storage.read(store::settings).await?;
    let depot = districts.refresh(&storage).await?.full_name(&settings.depot_zip).map(str::to_owned);
    Ok(page(SettingsPage { layout, form: SettingsForm::from(&settings), problems: Vec::new(), depot }))
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
            let page = SettingsPage { layout, form, problems, depot: None };
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
        }
    };
    let depot = districts.full_name(&settings.depot_zip).map(|depot| format!(" 차고지: {depot}"));
    let depot = depot.unwrap_or_default();
    let save = move |tx: &mut dyn crate::storage::Tx| {
        store::save_settings(tx, &settings)?;
        let event = AuditEvent::TruckSettingsSaved { depot_zip: settings.depot_zip.clone() };
        audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
        Flash::success(format!("{}{depot}", event.sentence())).save(tx, actor.id)
    };
    Ok(redirect_with_flash("/trucks/settings", storage.write(save).await?))
}
