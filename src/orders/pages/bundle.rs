//! 묶음에서 빼기, 합치기, 되돌리기: moving orders between bundles with one click.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::show::show_page;
use crate::audit;
use crate::id::{crockford, parse_crockford};
use crate::orders::bundle::sentences;
use crate::orders::model::Order;
use crate::orders::store::bundles::{self, Moved};
use crate::orders::store::deliveries;
use crate::orders::store::{self, Action, Cause};
use crate::storage::{Result as StorageResult, Tx};
use crate::web::{
    AppState, Error, Flash, Form, Layout, Member, PageResult, Tone, page_with_status, redirect_with_flash,
};

/// What the buttons beside an order send.
#[derive(Clone, Deserialize)]
pub(super) struct Asked {
    act: Act,
    /// the order that is moved, where it is not the one of the page; the delivery that is merged
    #[serde(default)]
    which: String,
    /// the version of the page's order
    version: i64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Act {
    /// the order leaves for a bundle of its own
    Leave,
    /// another delivery's orders come into this bundle
    Merge,
    /// an order goes back to the bundle it came from
    Back,
}

pub(super) async fn update(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
    Form(asked): Form<Asked>,
) -> PageResult<Response> {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let member_id = member.id;
    let answer = state.storage.write(move |tx| carry_out(tx, member_id, id, &asked)).await?;
    match answer.ok_or(Error::NotFound)? {
        Ok(activity_id) => Ok(redirect_with_flash(&format!("/orders/{}", crockford(id)), activity_id)),
        Err(reason) => {
            let mut page = show_page(&state, layout, id).await?;
            page.layout.flash = Some(Flash::new(Tone::Danger, &reason));
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// The act that tells what was done, or the reason why nothing was; none for an order that is not
/// there.
fn carry_out(tx: &mut dyn Tx, member_id: i64, id: i64, asked: &Asked) -> StorageResult<Option<Result<i64, String>>> {
    let Some(order) = store::find(tx, &[id])?.pop() else { return Ok(None) };
    if asked.version != order.version {
        return Ok(Some(Err("그 사이 다른 사람이 주문을 바꿨어요. 확인하고 다시 눌러 주세요.".to_owned())));
    }
    let cause = Cause { member_id: Some(member_id), upload_id: None, action: Action::Bundled };
    let which = parse_crockford(&asked.which);
    let moved = match asked.act {
        Act::Leave => bundles::leave(tx, cause, &order)?,
        Act::Merge => match which {
            Some(delivery_id) => bundles::merge(tx, cause, &order, delivery_id)?,
            None => return Ok(None),
        },
        Act::Back => match companion(tx, &order, which)? {
            Some(order) => bundles::bring_back(tx, cause, &order)?,
            None => return Ok(None),
        },
    };
    told(tx, member_id, asked.act, moved).map(Some)
}

/// The order of the page, or another of its bundle.
fn companion(tx: &mut dyn Tx, order: &Order, which: Option<i64>) -> StorageResult<Option<Order>> {
    let all = bundles::orders_of(tx, order.delivery_id)?;
    Ok(all.into_iter().find(|other| other.id == which.unwrap_or(order.id)))
}

fn told(tx: &mut dyn Tx, member_id: i64, act: Act, moved: Moved) -> StorageResult<Result<i64, String>> {
    let orders = match moved {
        Err(obstacles) => return Ok(Err(sentences(&obstacles))),
        Ok(orders) if orders.is_empty() => {
            return Ok(Err("옮길 주문이 없어요. 화면을 새로 고쳐 확인해 주세요.".to_owned()));
        }
        Ok(orders) => orders,
    };
    let ids: Vec<i64> = orders.iter().map(|order| order.id).take(1).collect();
    let now = store::find(tx, &ids)?
        .pop()
        .map_or(Ok(String::new()), |order| deliveries::bundle_number(tx, order.delivery_id))?;
    let count = orders.len();
    let message = match act {
        Act::Leave => format!("묶음에서 뺐어요. 새 묶음 번호: {now}"),
        Act::Merge => format!("주문 {count}건을 이 묶음으로 합쳤어요. 함께 가는 주문에서 되돌릴 수 있어요."),
        Act::Back => format!("주문 {count}건을 원래 묶음으로 되돌렸어요. 묶음 번호: {now}"),
    };
    let moved: Vec<_> = orders.iter().map(|order| &order.order_number).collect();
    let summary = json!({ "message": message, "tone": "success", "changed": moved });
    audit::record(tx, Some(member_id), "orders.bundled", &summary).map(Ok)
}
