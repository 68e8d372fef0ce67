//! `/sites/rates`: what stairs, carrying and a ladder truck take and cost.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;

use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::sites::form::{RatesForm, SiteProblems};
use crate::sites::store;
use crate::storage::{Storage, Tx};
use crate::web::{Flash, Form, Layout, PageAction, PageKind, PageResult, page, page_with_status, redirect_with_flash};

#[derive(Template)]
#[template(path = "sites/rates.html")]
struct RatesPage {
    layout: Layout,
    form: RatesForm,
    problems: SiteProblems,
}

impl RatesPage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(other, _)| *other == field).map(|(_, message)| *message)
    }

    fn may_edit(&self) -> bool {
        self.layout.may(PageKind::Plans, PageAction::Edit)
    }
}

pub(super) async fn show(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let rates = storage.read(store::rates).await?;
    Ok(page(RatesPage { layout, form: rates.into(), problems: Vec::new() }))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Form(form): Form<RatesForm>,
) -> PageResult {
    let rates = match form.rates() {
        Ok(rates) => rates,
        Err(problems) => {
            return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, RatesPage { layout, form, problems }));
        }
    };
    let write = move |tx: &mut dyn Tx| {
        store::save_rates(tx, &rates)?;
        let event = AuditEvent::SiteRatesSaved {};
        audit::record(tx, actor, AuditObject::UNNUMBERED, &event)?;
        Flash::success(event.sentence()).save(tx, actor.id)
    };
    Ok(redirect_with_flash("/sites/rates", storage.write(write).await?))
}
