//! 배송 완료, and its undo.
//!
//! Completion moves all orders of a delivery to 배송, except those already past it, cancelled or refunded. The log keeps
//! the previous state of each order. Until the end of the day, a completion can be undone; orders that have changed
//! since stay as they are.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::log::{self, DeliveryAction, DeliveryEvent};
use super::store;
use crate::audit::{self, AuditEvent, MemberActor, NumberList, RecordedEvent};
use crate::orders;
use crate::orders::claim::ClaimGate;
use crate::orders::model::{Moments, Order, OrderState};
use crate::orders::store::{Action, ChangeContext, OrderWriter, with_changes};
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

/// The numbers of a completion, as in [`AuditEvent::DeliveriesCompleted`].
#[derive(Debug, Default)]
struct CompletionOutcome {
    completed: NumberList,
    unchanged: NumberList,
    undispatched: NumberList,
    already: NumberList,
    cancelled: NumberList,
    held: NumberList,
    despite_claim: NumberList,
    /// orders that an open claim keeps where they are
    held_orders: Vec<i64>,
}

impl From<CompletionOutcome> for AuditEvent {
    fn from(outcome: CompletionOutcome) -> Self {
        let CompletionOutcome {
            completed,
            unchanged,
            undispatched,
            already,
            cancelled,
            held,
            despite_claim,
            held_orders: _,
        } = outcome;
        Self::DeliveriesCompleted { completed, unchanged, undispatched, already, cancelled, held, despite_claim }
    }
}

/// A recorded completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// its event, with the entry in the audit log if anything was completed
    pub recorded: RecordedEvent,
    /// orders that an open claim keeps where they are, for the member to decide
    pub held: Vec<i64>,
}

/// Completes all orders of these deliveries and records it. Orders with an open claim stay as they are, unless they are
/// in `despite`.
pub fn complete(tx: &mut dyn Tx, actor: MemberActor, deliveries: &[i64], despite: &[i64]) -> Result<Completion> {
    let mut outcome = CompletionOutcome::default();
    let mut completed = Vec::new();
    with_changes(tx, change_context(actor.id, Action::Advanced), |changes| {
        for delivery in store::by_ids(changes.tx, deliveries)? {
            let held_before = outcome.held_orders.len();
            let before = ship_orders(changes, delivery.id, despite, &mut outcome)?;
            if before.is_empty() && outcome.held_orders.len() > held_before {
                continue;
            }
            if before.is_empty() {
                outcome.unchanged.push(delivery.bundle_number);
            } else {
                outcome.completed.push(delivery.bundle_number);
                completed.push((delivery.id, before));
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let ids: Vec<i64> = completed.iter().map(|(id, _)| *id).collect();
    let held = std::mem::take(&mut outcome.held_orders);
    let recorded = audit::record_effect(tx, actor, &ids, outcome.into())?;
    if let Some(entry) = recorded.audit_entry_id {
        for (delivery_id, before) in completed {
            let details = json!({ "before": before });
            log::record(tx, (entry, actor.id), delivery_id, DeliveryAction::Completed, &details)?;
        }
    }
    Ok(Completion { recorded, held })
}

fn change_context(member_id: i64, action: Action) -> ChangeContext {
    ChangeContext { member_id: Some(member_id), upload_id: None, action }
}

/// Moves the orders of a delivery to 배송; answers the previous state of those it changed.
fn ship_orders(
    changes: &mut OrderWriter<'_>,
    delivery_id: i64,
    despite: &[i64],
    outcome: &mut CompletionOutcome,
) -> Result<Vec<PreviousState>> {
    let now = changes.tx.now();
    let mut before = Vec::new();
    let all = orders::store::bundles::orders_of(changes.tx, delivery_id)?;
    let ClaimGate { free, despite_claim, held } = ClaimGate::advance(all, OrderState::Shipped, despite);
    outcome.held.extend(held.iter().map(|order| order.order_number.as_str()));
    outcome.held_orders.extend(held.iter().map(|order| order.id));
    let passing = despite_claim.into_iter().map(|order| (order, true));
    for (order, has_claim) in free.into_iter().map(|order| (order, false)).chain(passing) {
        let mut delivered = order.clone();
        changes.set_action(if has_claim { Action::DespiteClaim } else { Action::Advanced });
        if !delivered.advance(OrderState::Shipped, now) {
            let cancelled = order.state > OrderState::Confirmed;
            if cancelled { &mut outcome.cancelled } else { &mut outcome.already }.push(order.order_number);
        } else if changes.save(&order, &delivered)? {
            before.push(PreviousState::of(&order));
            if has_claim {
                outcome.despite_claim.push(order.order_number.as_str());
            }
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

/// The deliveries of an audit entry whose completion can still be undone.
pub fn undoable_deliveries(tx: &mut dyn Tx, audit_entry_id: i64) -> Result<Vec<i64>> {
    let mut deliveries = log::completed_by(tx, audit_entry_id)?;
    let mut undoable_ones = Vec::with_capacity(deliveries.len());
    for delivery in deliveries.drain(..) {
        if undoable_completion(tx, delivery)?.is_some_and(|event| event.audit_entry_id == audit_entry_id) {
            undoable_ones.push(delivery);
        }
    }
    Ok(undoable_ones)
}

/// Reverts today's completion of these deliveries and records it.
pub fn undo(tx: &mut dyn Tx, actor: MemberActor, deliveries: &[i64]) -> Result<RecordedEvent> {
    let (mut ids, mut undone) = (Vec::new(), NumberList::default());
    let (mut changed, mut expired) = (NumberList::default(), NumberList::default());
    with_changes(tx, change_context(actor.id, Action::Edited), |changes| {
        for delivery in store::by_ids(changes.tx, deliveries)? {
            match undoable_completion(changes.tx, delivery.id)? {
                None => expired.push(delivery.bundle_number),
                Some(event) => {
                    if revert(changes, &event, &mut changed)? {
                        ids.push(delivery.id);
                        undone.push(delivery.bundle_number);
                    }
                }
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let recorded = audit::record_effect(tx, actor, &ids, AuditEvent::CompletionsUndone { undone, changed, expired })?;
    if let Some(entry) = recorded.audit_entry_id {
        for id in ids {
            log::record(tx, (entry, actor.id), id, DeliveryAction::Undone, &json!({}))?;
        }
    }
    Ok(recorded)
}

/// Reverts the orders of a completion that have not changed since; false if there are none. Adds the others to
/// `changed`.
fn revert(changes: &mut OrderWriter<'_>, event: &DeliveryEvent, changed: &mut NumberList) -> Result<bool> {
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
