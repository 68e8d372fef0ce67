//! 그래도 배송 완료: the orders of a completion that an open claim keeps where they are, for a member to name those that
//! were delivered all the same.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::ids;
use crate::audit::MemberActor;
use crate::deliveries::{complete, list};
use crate::id::{DeliveryId, Id, OrderId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::orders::bulk_action;
use crate::orders::list::{OrderRow, load_rows};
use crate::orders::model::OrderState;
use crate::storage::{Storage, StorageError, Tx};
use crate::web::{
    Flash, FormPairs, Layout, Member, PageResult, PersonalData, Query, Tone, first_value, local_path, percent_encode,
    personal_page, personal_page_with_status, redirect, redirect_with_flash, url_with_flash,
};

/// Orders that the page shows. A completion of more of them is repeated for the rest.
const MAX_HELD_ROWS: usize = 100;

/// Completes deliveries and redirects to `back`, or to the orders that an open claim kept where they are.
pub(super) async fn complete_and_redirect(
    storage: &Storage,
    actor: MemberActor,
    deliveries: Vec<DeliveryId>,
    despite: Vec<OrderId>,
    back: &str,
) -> PageResult<Response> {
    let (flash, held) = storage
        .write(move |tx| {
            let completion = complete::complete(tx, actor, &deliveries, &despite)?;
            Ok::<_, StorageError>((Flash::from(&completion.recorded).save(tx, actor.id)?, completion.held))
        })
        .await?;
    Ok(match held.as_slice() {
        [] => redirect_with_flash(back, flash),
        held => redirect_with_flash(&held_url(held, &url_with_flash(back, flash)), flash),
    })
}

fn held_url(orders: &[OrderId], back: &str) -> String {
    let ids: Vec<String> = orders.iter().take(MAX_HELD_ROWS).map(|id| format!("id={id}")).collect();
    format!("/deliveries/held?{}&back={}", ids.join("&"), percent_encode(back))
}

#[derive(Template)]
#[template(path = "deliveries/held.html")]
struct HeldPage {
    layout: Layout,
    rows: Vec<OrderRow>,
    back: String,
    /// the completion of the other orders, if it can be undone
    undo: Option<String>,
}

impl PersonalData for HeldPage {
    fn orders(&self) -> Vec<OrderId> {
        self.rows.iter().map(|row| row.order.id).collect()
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct HeldQuery {
    id: Vec<String>,
    back: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    Query(query): Query<HeldQuery>,
) -> PageResult {
    let ids = query.id.iter().filter_map(|id| Id::parse(id)).collect();
    let shown = held_page(&storage, layout, member, ids, &query.back).await?;
    if shown.rows.is_empty() { Ok(redirect(&shown.back)) } else { Ok(personal_page(shown)) }
}

/// The page with those of the orders that are still held, masked as in the list of deliveries.
async fn held_page(
    storage: &Storage,
    layout: Layout,
    member: Member,
    ids: Vec<OrderId>,
    back: &str,
) -> PageResult<HeldPage> {
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let load = move |tx: &mut dyn Tx| {
        let undo = match entry {
            Some(entry) if bulk_action::undoable(tx, entry)?.is_some() => Some(entry.to_string()),
            _ => None,
        };
        let held = load_rows(tx, &ids[..ids.len().min(MAX_HELD_ROWS)])?;
        let masking = masking::store::load(tx, &member, Surface::DeliveryList)?;
        let deliveries: BTreeSet<DeliveryId> = held.iter().map(|row| row.order.delivery_id).collect();
        let deliveries = list::load_rows(tx, &deliveries.into_iter().collect::<Vec<_>>())?;
        let shown = deliveries.into_iter().flat_map(|delivery| delivery.masked(&masking).orders);
        let shown = shown.map(|order| order.listed).filter(|row| ids.contains(&row.order.id));
        let rows = shown.filter(|row| row.order.is_held_from(OrderState::Shipped)).collect();
        Ok::<_, StorageError>((rows, undo))
    };
    let (rows, undo) = storage.read(load).await?;
    Ok(HeldPage { layout, rows, undo, back: local_path(back).unwrap_or("/deliveries").to_owned() })
}

/// Completes the deliveries of the ticked orders despite the claims of these.
pub(super) async fn complete(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (ticked, back) = (ids(&pairs, "tick"), first_value(&pairs, "back").to_owned());
    if ticked.is_empty() {
        let mut page = held_page(&storage, layout, member, ids(&pairs, "id"), &back).await?;
        let message = "선택한 주문이 없어요. 그래도 완료할 주문을 선택해 주세요.";
        page.layout.flash = Some(Flash::new(Tone::Warning, message));
        return Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page));
    }
    let named = ticked.clone();
    let mut rows = storage.read(move |tx| load_rows(tx, &named)).await?;
    rows.dedup_by_key(|row| row.order.delivery_id);
    let deliveries = rows.iter().map(|row| row.order.delivery_id).collect();
    let back = local_path(&back).unwrap_or("/deliveries");
    complete_and_redirect(&storage, actor, deliveries, ticked, back).await
}
