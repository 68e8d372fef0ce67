//! `/sites/{id}`, where `id` is that of a delivery: the card of the building that it goes to.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::access;
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::deliveries::list::load_rows;
use crate::id::{DeliveryId, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::Recipient;
use crate::sites::address::{BuildingKey, building, floor_of};
use crate::sites::form::{SiteForm, SiteProblems};
use crate::sites::model::{Elevator, LadderTruck, SiteEffort};
use crate::sites::store::{self, SiteCard};
use crate::storage::{Storage, StorageError, Tx};
use crate::vault::Vault;
use crate::web::{
    Error, Flash, Form, Layout, PageAction, PageKind, PageResult, PersonalData, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "sites/show.html")]
struct SitePage {
    layout: Layout,
    id: String,
    name: String,
    address: String,
    /// what the number of the unit says
    floor: Option<i64>,
    card: Option<SiteCard>,
    effort: SiteEffort,
    form: SiteForm,
    problems: SiteProblems,
    is_masked: bool,
    orders: Vec<OrderId>,
}

impl SitePage {
    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|(other, _)| *other == field).map(|(_, message)| *message)
    }

    fn may_edit(&self) -> bool {
        !self.is_masked && self.layout.may(PageKind::Plans, PageAction::Edit)
    }

    fn floor_hint(&self) -> String {
        match self.floor {
            Some(floor) => format!("비우면 상세주소의 {floor}층이에요."),
            None => "상세주소에서 층을 알 수 없어요. 몇 층인지 입력하세요.".to_owned(),
        }
    }
}

impl PersonalData for SitePage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

/// The page, and the building.
async fn load(storage: &Storage, vault: &Vault, layout: Layout, id: DeliveryId) -> PageResult<(SitePage, BuildingKey)> {
    let member = layout.member.clone();
    let read = storage.read(move |tx| {
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        let Some(row) = load_rows(tx, &[id])?.pop() else { return Ok(None) };
        let recipient = row.primary().map(|primary| primary.order.recipient.clone()).unwrap_or_default();
        let Some(key) = building(&recipient.address1, &recipient.address2) else { return Ok(None) };
        let is_ready = row.delivery.state == DeliveryState::ReadyToShip;
        let is_masked = masking.hides(id, masking.is_due(row.delivery.preferred_shipping_date, is_ready));
        let orders: Vec<OrderId> = row.order_ids().collect();
        let found = (store::find(tx, &key)?, store::rates(tx)?);
        Ok::<_, StorageError>(Some((recipient, key, is_masked, orders, found)))
    });
    let (mut recipient, key, is_masked, orders, (mut card, rates)) = read.await?.ok_or(Error::NotFound)?;
    let floor = floor_of(&recipient.address2).or_else(|| floor_of(&recipient.address1));
    if is_masked {
        recipient.mask();
        if let Some(card) = &mut card {
            card.sealed_code = None;
            card.facts.note = crate::masking::mask::memo(&card.facts.note);
        }
    }
    let facts = card.as_ref().map(|card| card.facts.clone()).unwrap_or_default();
    let code = card.as_ref().and_then(|card| card.sealed_code.as_deref()).and_then(|sealed| vault.unseal(sealed));
    let version = card.as_ref().map_or(0, |card| card.version);
    let Recipient { name, address1, address2, .. } = recipient;
    let page = SitePage {
        layout,
        id: id.to_string(),
        name,
        address: format!("{address1} {address2}").trim().to_owned(),
        floor: floor.filter(|_| !is_masked),
        effort: facts.effort(floor, &rates),
        form: SiteForm::new(&facts, code.as_deref().unwrap_or_default(), version),
        card,
        problems: Vec::new(),
        is_masked,
        orders,
    };
    Ok((page, key))
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(vault): State<Vault>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    Ok(personal_page(load(&storage, &vault, layout, id).await?.0))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(vault): State<Vault>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<SiteForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    let (mut page, key) = load(&storage, &vault, layout, id).await?;
    if page.is_masked {
        let message = "가린 배송의 현장 카드는 바꿀 수 없어요. 배송 화면에서 이유를 입력하고 연 다음 바꿔 주세요.";
        return Err(Error::BadRequest(message.to_owned()));
    }
    let problems = match form.facts() {
        Err(problems) => problems,
        Ok((facts, code)) => {
            let sealed = if code.is_empty() {
                None
            } else {
                Some(vault.seal(&code).ok_or_else(|| Error::Internal("no randomness to seal a code".to_owned()))?)
            };
            let version = form.version.parse().unwrap_or(-1);
            let orders = page.orders.clone();
            let write = move |tx: &mut dyn Tx| {
                if !store::save(tx, &key, (&facts, sealed.as_deref()), version, actor.id)? {
                    return Ok(None);
                }
                let event = AuditEvent::SiteSaved { has_code: sealed.is_some() };
                audit::record(tx, actor, AuditObject::one(id), &event)?;
                access::record_edit(tx, actor, format!("/sites/{id}"), orders.clone())?;
                Flash::success(event.sentence()).save(tx, actor.id).map(Some)
            };
            if let Some(flash) = storage.write(write).await? {
                return Ok(redirect_with_flash(&format!("/sites/{id}"), flash));
            }
            vec![("elevator", "그 사이 다른 사람이 이 건물의 카드를 바꿨어요. 확인하고 다시 저장해 주세요.")]
        }
    };
    let version = page.form.version.clone();
    (page.form, page.problems) = (SiteForm { version, ..form }, problems);
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}
