//! 배송 완료, and its undo.
//!
//! Completion moves all orders of a delivery to 배송, except those already past it, cancelled or refunded. The log keeps
//! the previous state of each order. Until the end of the day, a completion can be undone; orders that have changed
//! since stay as they are.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::log::{self, DeliveryAction, DeliveryEvent};
use super::store;
use crate::audit;
use crate::orders;
use crate::orders::labels::join_few;
use crate::orders::model::{Moments, Order, OrderState};
use crate::orders::store::{ChangeContext, OrderWriter, with_changes};
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// The state of an order before its completion.
#[derive(Debug, Serialize, Deserialize)]
struct PreviousState {
    order_id: i64,
    /// version of the completed order; another version means that the order has changed since
    version: i64,
    state: OrderState,
    moments: [Option<i64>; 7],
}

impl PreviousState {
    fn of(order: &Order) -> Self {
        Self {
            order_id: order.id,
            version: order.version + 1,
            state: order.state,
            moments: OrderState::ALL.map(|state| order.moments.of(state).map(|moment| moment.0)),
        }
    }

    /// The order with its previous state; none if it has changed since.
    fn restore(&self, order: &Order) -> Option<Order> {
        let moments = Moments::stored(self.moments.map(|moment| moment.map(Moment)));
        (order.version == self.version).then(|| Order { state: self.state, moments, ..order.clone() })
    }
}

/// The outcome of a completion: bundle numbers of deliveries, and order numbers.
#[derive(Debug, Default)]
struct CompletionOutcome {
    completed: Vec<String>,
    /// deliveries without an order to complete
    unchanged: Vec<String>,
    /// orders completed before they were dispatched
    undispatched: Vec<String>,
    /// orders that were at 배송 or 확정 already
    already: Vec<String>,
    /// cancelled and refunded orders
    cancelled: Vec<String>,
}

impl CompletionOutcome {
    fn message(&self) -> String {
        let mut sentences = Vec::new();
        if !self.completed.is_empty() {
            sentences.push(format!("배송 {}건을 완료했어요.", self.completed.len()));
        } else if self.unchanged.is_empty() {
            sentences.push("완료할 배송이 없어요.".to_owned());
        }
        for (numbers, label) in [
            (&self.undispatched, "출고 전이던 주문도 배송으로 바꿨어요"),
            (&self.cancelled, "취소나 환불된 주문은 그대로 두었어요"),
            (&self.already, "이미 배송된 주문은 그대로 두었어요"),
            (&self.unchanged, "배송할 주문이 없는 배송이에요"),
        ] {
            if !numbers.is_empty() {
                sentences.push(format!("{label}: {}", join_few(numbers)));
            }
        }
        sentences.join(" ")
    }
}

/// Completes all orders of these deliveries and records it. Returns the identifier of the activity.
pub fn complete(tx: &mut dyn Tx, member_id: i64, deliveries: &[i64]) -> Result<i64> {
    let mut outcome = CompletionOutcome::default();
    let mut completed = Vec::new();
    with_changes(tx, change_context(member_id, orders::store::Action::Advanced), |changes| {
        for delivery in store::by_ids(changes.tx, deliveries)? {
            let before = ship_orders(changes, delivery.id, &mut outcome)?;
            if before.is_empty() {
                outcome.unchanged.push(delivery.bundle_number);
            } else {
                outcome.completed.push(delivery.bundle_number);
                completed.push((delivery.id, before));
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let tone = if completed.is_empty() { "warning" } else { "success" };
    let summary = json!({ "message": outcome.message(), "tone": tone, "deliveries": outcome.completed });
    let activity_id = audit::record(tx, Some(member_id), "deliveries.completed", &summary)?;
    for (delivery_id, before) in completed {
        log::record(
            tx,
            (activity_id, member_id),
            delivery_id,
            DeliveryAction::Completed,
            &json!({ "before": before }),
        )?;
    }
    Ok(activity_id)
}

fn change_context(member_id: i64, action: orders::store::Action) -> ChangeContext {
    ChangeContext { member_id: Some(member_id), upload_id: None, action }
}

/// Moves the orders of a delivery to 배송; answers the previous state of those it changed.
fn ship_orders(
    changes: &mut OrderWriter<'_>,
    delivery_id: i64,
    outcome: &mut CompletionOutcome,
) -> Result<Vec<PreviousState>> {
    let now = changes.tx.now();
    let mut before = Vec::new();
    for order in orders::store::bundles::orders_of(changes.tx, delivery_id)? {
        let mut delivered = order.clone();
        if !delivered.advance(OrderState::Shipped, now) {
            let cancelled = order.state > OrderState::Confirmed;
            if cancelled { &mut outcome.cancelled } else { &mut outcome.already }.push(order.order_number);
        } else if changes.save(&order, &delivered)? {
            before.push(PreviousState::of(&order));
            if order.state < OrderState::Dispatched {
                outcome.undispatched.push(order.order_number);
            }
        }
    }
    Ok(before)
}

/// The last completion of a delivery, if it can still be undone: if it is of today.
pub fn undoable_completion(tx: &mut dyn Tx, delivery_id: i64) -> Result<Option<DeliveryEvent>> {
    let today = tx.now().date();
    Ok(log::last_completion(tx, delivery_id)?.filter(|event| event.at.date() == today))
}

/// The deliveries of an activity whose completion can still be undone.
pub fn undoable_deliveries(tx: &mut dyn Tx, activity_id: i64) -> Result<Vec<i64>> {
    let mut deliveries = log::completed_by(tx, activity_id)?;
    let mut undoable_ones = Vec::with_capacity(deliveries.len());
    for delivery in deliveries.drain(..) {
        if undoable_completion(tx, delivery)?.is_some_and(|event| event.activity_id == activity_id) {
            undoable_ones.push(delivery);
        }
    }
    Ok(undoable_ones)
}

/// Reverts today's completion of these deliveries and records it. Returns the identifier of the activity.
pub fn undo(tx: &mut dyn Tx, member_id: i64, deliveries: &[i64]) -> Result<i64> {
    let (mut undone, mut changed, mut expired) = (Vec::new(), Vec::new(), Vec::new());
    with_changes(tx, change_context(member_id, orders::store::Action::Edited), |changes| {
        for delivery in store::by_ids(changes.tx, deliveries)? {
            match undoable_completion(changes.tx, delivery.id)? {
                None => expired.push(delivery.bundle_number),
                Some(event) => {
                    if revert(changes, &event, &mut changed)? {
                        undone.push((delivery.id, delivery.bundle_number));
                    }
                }
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let mut sentences = vec![match undone.len() {
        0 if deliveries.is_empty() => "되돌릴 배송이 없어요. 이미 되돌렸거나 오늘 완료한 배송이 아니에요.".to_owned(),
        0 => "되돌린 배송이 없어요.".to_owned(),
        count => format!("배송 {count}건의 완료를 되돌렸어요."),
    }];
    if !changed.is_empty() {
        sentences.push(format!("그 사이 바뀐 주문은 그대로 두었어요: {}", join_few(&changed)));
    }
    if !expired.is_empty() {
        sentences.push(format!("오늘 완료한 배송만 되돌릴 수 있어요: {}", join_few(&expired)));
    }
    let tone = if undone.is_empty() { "warning" } else { "success" };
    let summary = json!({ "message": sentences.join(" "), "tone": tone });
    let activity_id = audit::record(tx, Some(member_id), "deliveries.undone", &summary)?;
    for (delivery_id, _) in undone {
        log::record(tx, (activity_id, member_id), delivery_id, DeliveryAction::Undone, &json!({}))?;
    }
    Ok(activity_id)
}

/// Reverts the orders of a completion that have not changed since; false if there are none. Adds the others to
/// `changed`.
fn revert(changes: &mut OrderWriter<'_>, event: &DeliveryEvent, changed: &mut Vec<String>) -> Result<bool> {
    let before: Vec<PreviousState> = serde_json::from_value(event.details["before"].clone())
        .map_err(|_| StorageError::Inconsistent(format!("delivery_events.details of {}", event.id)))?;
    let ids: Vec<i64> = before.iter().map(|before| before.order_id).collect();
    let mut any = false;
    for order in orders::store::find(changes.tx, &ids)? {
        let restored =
            before.iter().find(|before| before.order_id == order.id).and_then(|before| before.restore(&order));
        match restored {
            Some(restored) if changes.save(&order, &restored)? => any = true,
            _ => changed.push(order.order_number),
        }
    }
    Ok(any)
}
