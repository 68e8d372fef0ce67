//! `/masking/reveal`: 보기 of masked data, with a reason.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::model::{MAX_NOTE_CHARS, RevealReason};
use super::store;
use crate::audit::MemberActor;
use crate::id::{DeliveryId, kind};
use crate::members::model::Role;
use crate::members::model::rights::{Sight, Surface, sight};
use crate::orders::store::{bundles, seal};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::{
    Access, Error, Form, Layout, Member, PageAction, PageKind, PageResult, Query, Routes, local_path, page,
    page_with_status, parse_id, redirect,
};

/// The pages of this room.
pub fn routes() -> Routes {
    let access = Access::Page(PageKind::Deliveries, PageAction::View);
    Routes::new().get("/masking/reveal", access, show_reveal).post("/masking/reveal", access, reveal)
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RevealForm {
    /// identifier of the delivery
    delivery: String,
    /// code of a [`RevealReason`]
    reason: String,
    note: String,
    /// the page to return to
    back: String,
}

#[derive(Template)]
#[template(path = "masking/reveal.html")]
struct RevealPage {
    layout: Layout,
    form: RevealForm,
    problem: Option<&'static str>,
}

/// Refuses a member whose masked data stays masked.
fn check(member: &Member) -> Result<(), Error> {
    let can_open = [Surface::OrderPage, Surface::DeliveryPage, Surface::Plan]
        .into_iter()
        .map(|surface| sight(member.role, surface, false))
        .any(|sight| sight == Sight::Full || sight.can_be_opened());
    if can_open { Ok(()) } else { Err(Error::Forbidden) }
}

fn back(form: &RevealForm) -> String {
    let delivery = format!("/deliveries/{}", form.delivery);
    local_path(&form.back).map_or(delivery, str::to_owned)
}

async fn show_reveal(layout: Layout, member: Member, Query(form): Query<RevealForm>) -> PageResult<Response> {
    check(&member)?;
    parse_id::<kind::Delivery>(&form.delivery)?;
    let form = RevealForm { back: back(&form), ..form };
    Ok(page(RevealPage { layout, form, problem: None }))
}

async fn reveal(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Form(form): Form<RevealForm>,
) -> PageResult<Response> {
    check(&member)?;
    let delivery_id = parse_id(&form.delivery)?;
    let form = RevealForm { back: back(&form), ..form };
    let note: String = form.note.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = RevealReason::from_code(&form.reason);
    let problem = match reason {
        None => Some("보는 이유를 선택해 주세요."),
        Some(RevealReason::Other) if note.is_empty() => Some("어떤 일인지 메모에 입력해 주세요."),
        Some(_) if note.chars().count() > MAX_NOTE_CHARS => Some("메모는 200자까지 입력할 수 있어요."),
        Some(_) => None,
    };
    let (Some(reason), None) = (reason, problem) else {
        return Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, RevealPage { layout, form, problem }));
    };
    let to = form.back.clone();
    let path = to.split('?').next().unwrap_or_default().to_owned();
    let opened = storage
        .write(move |tx| {
            let opened = store::reveal(tx, actor, delivery_id, (reason, &note), &path)?;
            if opened {
                open_sealed(tx, &member, actor, delivery_id)?;
            }
            Ok::<_, StorageError>(opened)
        })
        .await?;
    if opened { Ok(redirect(&to)) } else { Err(Error::NotFound) }
}

/// Takes the orders of a delivery out of 분리 보관, for a member whose job is the office. An order whose use was stopped on
/// demand (처리정지) comes out for administrators only: they handle the demand.
fn open_sealed(tx: &mut dyn Tx, member: &Member, actor: MemberActor, delivery_id: DeliveryId) -> StorageResult<()> {
    let sight = sight(member.role, Surface::OrderPage, false);
    let is_office = sight == Sight::Full || sight.can_be_opened();
    let is_stopped = store::is_restricted(tx, delivery_id)?;
    if is_office && (!is_stopped || member.role == Role::Admin) {
        let orders = bundles::order_ids(tx, &[delivery_id])?;
        seal::open_logged(tx, actor.into(), &orders)?;
    }
    Ok(())
}
