//! Moves between bundles: 묶음에서 빼기, 합치기, 되돌리기.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::FormContext;
use super::show::show_page;
use super::update::HIDDEN;
use crate::audit::{self, AuditEvent, MemberActor, NumberList};
use crate::id::{Id, OrderId};
use crate::masking;
use crate::members::model::Member;
use crate::members::model::rights::Surface;
use crate::orders::bundle::messages;
use crate::orders::model::Order;
use crate::orders::store::bundles::{self, MovedOrders};
use crate::orders::store::deliveries;
use crate::orders::store::{self, Action, ChangeContext};
use crate::storage::{Result as StorageResult, Tx};
use crate::web::{
    Error, Flash, FlashId, Form, Layout, PageResult, Tone, parse_id, personal_page_with_status, redirect_with_flash,
};

/// The form of each bundle button.
#[derive(Clone, Deserialize)]
pub(super) struct BundleForm {
    act: BundleAction,
    /// identifier of the delivery to merge, or of the order to move if it is not the one of the page
    #[serde(default)]
    which: String,
    /// version of the page's order
    version: i64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum BundleAction {
    /// moves the order to a new bundle
    Leave,
    /// moves the orders of another delivery to this bundle
    Merge,
    /// moves an order back to its previous bundle
    Back,
}

pub(super) async fn update(
    State(context): State<FormContext>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<BundleForm>,
) -> PageResult<Response> {
    let id = parse_id(&id)?;
    let outcome = context.storage.write(move |tx| apply(tx, (actor, &member), id, &form)).await?;
    match outcome.ok_or(Error::NotFound)? {
        Ok(flash) => Ok(redirect_with_flash(&format!("/orders/{id}"), flash)),
        Err(reason) => {
            let mut page = show_page(&context, layout, id).await?;
            page.layout.flash = Some(Flash::new(Tone::Danger, &reason));
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// The flash message, or the reason why nothing changed; none if an order or delivery does not exist.
fn apply(
    tx: &mut dyn Tx,
    (actor, member): (MemberActor, &Member),
    id: OrderId,
    form: &BundleForm,
) -> StorageResult<Option<Result<FlashId, String>>> {
    let Some(order) = store::find(tx, &[id])?.pop() else { return Ok(None) };
    if masking::store::load(tx, member, Surface::OrderPage)?.hides(order.delivery_id, false) {
        return Ok(Some(Err(HIDDEN.to_owned())));
    }
    if form.version != order.version {
        return Ok(Some(Err("그 사이 다른 사람이 주문을 바꿨어요. 확인하고 다시 눌러 주세요.".to_owned())));
    }
    let cause = ChangeContext { actor: actor.into(), upload_id: None, action: Action::Bundled };
    let moved = match form.act {
        BundleAction::Leave => bundles::leave(tx, cause, &order)?,
        BundleAction::Merge => match Id::parse(&form.which) {
            Some(delivery_id) => bundles::merge(tx, cause, &order, delivery_id)?,
            None => return Ok(None),
        },
        BundleAction::Back => match companion(tx, &order, Id::parse(&form.which))? {
            Some(order) => bundles::rejoin(tx, cause, &order)?,
            None => return Ok(None),
        },
    };
    record(tx, actor, form.act, moved).map(Some)
}

/// The order of the page, or the order `which` of its bundle.
fn companion(tx: &mut dyn Tx, order: &Order, which: Option<OrderId>) -> StorageResult<Option<Order>> {
    let all = bundles::orders_of(tx, order.delivery_id)?;
    Ok(all.into_iter().find(|other| other.id == which.unwrap_or(order.id)))
}

fn record(
    tx: &mut dyn Tx,
    actor: MemberActor,
    act: BundleAction,
    moved: MovedOrders,
) -> StorageResult<Result<FlashId, String>> {
    let orders = match moved {
        Err(obstacles) => return Ok(Err(messages(&obstacles))),
        Ok(orders) if orders.is_empty() => {
            return Ok(Err("옮길 주문이 없어요. 화면을 새로고침해 확인해 주세요.".to_owned()));
        }
        Ok(orders) => orders,
    };
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let bundle_number = store::find(tx, &ids[..1])?
        .pop()
        .map_or(Ok(String::new()), |order| deliveries::bundle_number(tx, order.delivery_id))?;
    let count = orders.len();
    let orders: NumberList = orders.into_iter().map(|order| order.order_number).collect();
    let event = match act {
        BundleAction::Leave => AuditEvent::OrderUnbundled { orders, bundle_number },
        BundleAction::Merge => AuditEvent::OrdersMerged { orders, bundle_number },
        BundleAction::Back => AuditEvent::OrdersRejoined { orders, bundle_number },
    };
    let mut flash = Flash::from(&audit::record_effect(tx, actor, &ids, event)?);
    if matches!(act, BundleAction::Merge) {
        flash.message = format!("주문 {count}건을 이 묶음으로 합쳤어요. 함께 가는 주문에서 되돌릴 수 있어요.");
    }
    flash.save(tx, actor.id).map(Ok)
}
