//! Moves between bundles: 묶음에서 빼기, 합치기, 되돌리기.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::show::show_page;
use crate::audit;
use crate::id::{crockford, parse_crockford};
use crate::orders::bundle::messages;
use crate::orders::model::Order;
use crate::orders::store::bundles::{self, MovedOrders};
use crate::orders::store::deliveries;
use crate::orders::store::{self, Action, ChangeContext};
use crate::storage::{Result as StorageResult, Tx};
use crate::web::{
    AppState, Error, Flash, Form, Layout, Member, PageResult, Tone, page_with_status, redirect_with_flash,
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
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(form): Form<BundleForm>,
) -> PageResult<Response> {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let member_id = member.id;
    let outcome = state.storage.write(move |tx| apply(tx, member_id, id, &form)).await?;
    match outcome.ok_or(Error::NotFound)? {
        Ok(activity_id) => Ok(redirect_with_flash(&format!("/orders/{}", crockford(id)), activity_id)),
        Err(reason) => {
            let mut page = show_page(&state, layout, id).await?;
            page.layout.flash = Some(Flash::new(Tone::Danger, &reason));
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// The activity, or the reason why nothing changed; none if an order or delivery does not exist.
fn apply(tx: &mut dyn Tx, member_id: i64, id: i64, form: &BundleForm) -> StorageResult<Option<Result<i64, String>>> {
    let Some(order) = store::find(tx, &[id])?.pop() else { return Ok(None) };
    if form.version != order.version {
        return Ok(Some(Err("그 사이 다른 사람이 주문을 바꿨어요. 확인하고 다시 눌러 주세요.".to_owned())));
    }
    let cause = ChangeContext { member_id: Some(member_id), upload_id: None, action: Action::Bundled };
    let which = parse_crockford(&form.which);
    let moved = match form.act {
        BundleAction::Leave => bundles::leave(tx, cause, &order)?,
        BundleAction::Merge => match which {
            Some(delivery_id) => bundles::merge(tx, cause, &order, delivery_id)?,
            None => return Ok(None),
        },
        BundleAction::Back => match companion(tx, &order, which)? {
            Some(order) => bundles::rejoin(tx, cause, &order)?,
            None => return Ok(None),
        },
    };
    record(tx, member_id, form.act, moved).map(Some)
}

/// The order of the page, or the order `which` of its bundle.
fn companion(tx: &mut dyn Tx, order: &Order, which: Option<i64>) -> StorageResult<Option<Order>> {
    let all = bundles::orders_of(tx, order.delivery_id)?;
    Ok(all.into_iter().find(|other| other.id == which.unwrap_or(order.id)))
}

fn record(
    tx: &mut dyn Tx,
    member_id: i64,
    act: BundleAction,
    moved: MovedOrders,
) -> StorageResult<Result<i64, String>> {
    let orders = match moved {
        Err(obstacles) => return Ok(Err(messages(&obstacles))),
        Ok(orders) if orders.is_empty() => {
            return Ok(Err("옮길 주문이 없어요. 화면을 새로 고쳐 확인해 주세요.".to_owned()));
        }
        Ok(orders) => orders,
    };
    let ids: Vec<i64> = orders.iter().map(|order| order.id).take(1).collect();
    let bundle_number = store::find(tx, &ids)?
        .pop()
        .map_or(Ok(String::new()), |order| deliveries::bundle_number(tx, order.delivery_id))?;
    let count = orders.len();
    let message = match act {
        BundleAction::Leave => format!("묶음에서 뺐어요. 새 묶음 번호: {bundle_number}"),
        BundleAction::Merge => format!("주문 {count}건을 이 묶음으로 합쳤어요. 함께 가는 주문에서 되돌릴 수 있어요."),
        BundleAction::Back => format!("주문 {count}건을 원래 묶음으로 되돌렸어요. 묶음 번호: {bundle_number}"),
    };
    let moved: Vec<_> = orders.iter().map(|order| &order.order_number).collect();
    let summary = json!({ "message": message, "tone": "success", "changed": moved });
    audit::record(tx, Some(member_id), "orders.bundled", &summary).map(Ok)
}
