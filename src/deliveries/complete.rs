//! 배송 완료: the team delivered. And its undoing, for a slip of the finger.
//!
//! All orders of a delivery proceed to 배송, but for those that are past it, cancelled or returned.
//! The log keeps how each of them stood before; on the same business day anybody may put back
//! those that nothing has happened to since.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::log::{self, Action, Event};
use super::store;
use crate::audit;
use crate::orders;
use crate::orders::model::{Moments, Order, OrderState};
use crate::orders::store::{Cause, Changes, changing};
use crate::orders::words::few;
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// How an order stood before it was delivered.
#[derive(Debug, Serialize, Deserialize)]
struct Before {
    order_id: i64,
    /// of the order after it was delivered: nothing has happened since while it still has it
    version: i64,
    state: OrderState,
    moments: [Option<i64>; 7],
}

impl Before {
    fn of(order: &Order) -> Self {
        Self {
            order_id: order.id,
            version: order.version + 1,
            state: order.state,
            moments: OrderState::ALL.map(|state| order.moments.of(state).map(|moment| moment.0)),
        }
    }

    /// The order as it was; none when something happened to it since.
    fn restored(&self, order: &Order) -> Option<Order> {
        let moments = Moments::stored(self.moments.map(|moment| moment.map(Moment)));
        (order.version == self.version).then(|| Order { state: self.state, moments, ..order.clone() })
    }
}

/// What is told of many orders and deliveries, by their numbers.
#[derive(Debug, Default)]
struct Told {
    done: Vec<String>,
    nothing_to_do: Vec<String>,
    /// delivered though they had not left the factory, as far as anybody wrote down
    early: Vec<String>,
    already: Vec<String>,
    given_up: Vec<String>,
}

impl Told {
    fn message(&self) -> String {
        let mut told = Vec::new();
        if !self.done.is_empty() {
            told.push(format!("배송 {}건을 완료했어요.", self.done.len()));
        } else if self.nothing_to_do.is_empty() {
            told.push("완료할 배송이 없어요.".to_owned());
        }
        for (numbers, words) in [
            (&self.early, "출고 전이던 주문도 배송으로 바꿨어요"),
            (&self.given_up, "취소나 환불된 주문은 그대로 두었어요"),
            (&self.already, "이미 배송된 주문은 그대로 두었어요"),
            (&self.nothing_to_do, "배송할 주문이 없는 배송이에요"),
        ] {
            if !numbers.is_empty() {
                told.push(format!("{words}: {}", few(numbers)));
            }
        }
        told.join(" ")
    }
}

/// Delivers all orders of these deliveries, writes it down, and gives the activity's identifier.
pub fn complete(tx: &mut dyn Tx, member_id: i64, deliveries: &[i64]) -> Result<i64> {
    let mut told = Told::default();
    let mut done = Vec::new();
    changing(tx, cause(member_id, orders::store::Action::Proceeded), |changes| {
        for delivery in store::some(changes.tx, deliveries)? {
            let before = deliver(changes, delivery.id, &mut told)?;
            if before.is_empty() {
                told.nothing_to_do.push(delivery.bundle_number);
            } else {
                told.done.push(delivery.bundle_number);
                done.push((delivery.id, before));
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let tone = if done.is_empty() { "warning" } else { "success" };
    let summary = json!({ "message": told.message(), "tone": tone, "deliveries": told.done });
    let activity_id = audit::record(tx, Some(member_id), "deliveries.completed", &summary)?;
    for (delivery_id, before) in done {
        log::record(tx, (activity_id, member_id), delivery_id, Action::Completed, &json!({ "before": before }))?;
    }
    Ok(activity_id)
}

fn cause(member_id: i64, action: orders::store::Action) -> Cause {
    Cause { member_id: Some(member_id), upload_id: None, action }
}

/// Delivers what can be delivered, and tells how that stood before.
fn deliver(changes: &mut Changes<'_>, delivery_id: i64, told: &mut Told) -> Result<Vec<Before>> {
    let now = changes.tx.now();
    let mut before = Vec::new();
    for order in orders::store::bundles::orders_of(changes.tx, delivery_id)? {
        let mut delivered = order.clone();
        if !delivered.proceed(OrderState::Shipped, now) {
            let given_up = order.state > OrderState::Confirmed;
            if given_up { &mut told.given_up } else { &mut told.already }.push(order.order_number);
        } else if changes.save(&order, &delivered)? {
            before.push(Before::of(&order));
            if order.state < OrderState::Dispatched {
                told.early.push(order.order_number);
            }
        }
    }
    Ok(before)
}

/// The last completion of a delivery, if it can still be undone: it was today.
pub fn undoable(tx: &mut dyn Tx, delivery_id: i64) -> Result<Option<Event>> {
    let today = tx.now().date();
    Ok(log::last_completion(tx, delivery_id)?.filter(|event| event.at.date() == today))
}

/// The deliveries of an activity whose completion can still be undone.
pub fn undoable_of(tx: &mut dyn Tx, activity_id: i64) -> Result<Vec<i64>> {
    let mut deliveries = log::completed_by(tx, activity_id)?;
    let mut undoable_ones = Vec::with_capacity(deliveries.len());
    for delivery in deliveries.drain(..) {
        if undoable(tx, delivery)?.is_some_and(|event| event.activity_id == activity_id) {
            undoable_ones.push(delivery);
        }
    }
    Ok(undoable_ones)
}

/// Puts the orders of these deliveries back to where they stood before the completion of today,
/// writes it down, and gives the activity's identifier.
pub fn undo(tx: &mut dyn Tx, member_id: i64, deliveries: &[i64]) -> Result<i64> {
    let (mut undone, mut changed, mut late) = (Vec::new(), Vec::new(), Vec::new());
    changing(tx, cause(member_id, orders::store::Action::Edited), |changes| {
        for delivery in store::some(changes.tx, deliveries)? {
            match undoable(changes.tx, delivery.id)? {
                None => late.push(delivery.bundle_number),
                Some(event) => {
                    if put_back(changes, &event, &mut changed)? {
                        undone.push((delivery.id, delivery.bundle_number));
                    }
                }
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let mut told = vec![match undone.len() {
        0 if deliveries.is_empty() => "되돌릴 배송이 없어요. 이미 되돌렸거나 오늘 완료한 배송이 아니에요.".to_owned(),
        0 => "되돌린 배송이 없어요.".to_owned(),
        count => format!("배송 {count}건의 완료를 되돌렸어요."),
    }];
    if !changed.is_empty() {
        told.push(format!("그 사이 바뀐 주문은 그대로 두었어요: {}", few(&changed)));
    }
    if !late.is_empty() {
        told.push(format!("오늘 완료한 배송만 되돌릴 수 있어요: {}", few(&late)));
    }
    let tone = if undone.is_empty() { "warning" } else { "success" };
    let summary = json!({ "message": told.join(" "), "tone": tone });
    let activity_id = audit::record(tx, Some(member_id), "deliveries.undone", &summary)?;
    for (delivery_id, _) in undone {
        log::record(tx, (activity_id, member_id), delivery_id, Action::Undone, &json!({}))?;
    }
    Ok(activity_id)
}

/// Puts back the orders of a completion that nothing has happened to since; whether there were any.
fn put_back(changes: &mut Changes<'_>, event: &Event, changed: &mut Vec<String>) -> Result<bool> {
    let before: Vec<Before> = serde_json::from_value(event.details["before"].clone())
        .map_err(|_| StorageError::Inconsistent(format!("delivery_events.details of {}", event.id)))?;
    let ids: Vec<i64> = before.iter().map(|before| before.order_id).collect();
    let mut any = false;
    for order in orders::store::find(changes.tx, &ids)? {
        let restored =
            before.iter().find(|before| before.order_id == order.id).and_then(|before| before.restored(&order));
        match restored {
            Some(restored) if changes.save(&order, &restored)? => any = true,
            _ => changed.push(order.order_number),
        }
    }
    Ok(any)
}
