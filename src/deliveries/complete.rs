//! 배송 완료, and its undo.
//!
//! Completion moves all orders of a delivery to 배송, except those already past it, cancelled or refunded. It is a bulk
//! action of its orders; the log of the delivery names them. Within a day it can be undone, for single deliveries or as a
//! whole; orders that have changed since stay as they are.

use std::collections::BTreeSet;

use serde_json::json;

use super::log::{self, DeliveryAction, DeliveryEvent};
use super::store::{self, Delivery};
use crate::audit::{self, AuditEvent, MemberActor, NumberList, RecordedEvent};
use crate::id::{AuditEntryId, DeliveryId, OrderId};
use crate::orders;
use crate::orders::claim::ClaimGate;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::bulk_actions::{self, is_within_undo_period};
use crate::orders::store::{Action, ChangeContext, OrderWriter, with_changes, with_undoable_changes};
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

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
    held_orders: Vec<OrderId>,
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
    pub held: Vec<OrderId>,
}

/// What a completion covers, and when it happened.
#[derive(Clone, Copy, Debug, Default)]
pub struct CompletionOptions<'o> {
    /// orders that pass despite an open claim
    pub despite: &'o [OrderId],
    /// orders that stay as they are: the customer did not take them
    pub except: &'o [OrderId],
    /// time of the delivery; none is now
    pub at: Option<Moment>,
}

/// Completes all orders of these deliveries and records it. Orders with an open claim stay as they are, unless they are
/// in `despite`.
pub fn complete(
    tx: &mut dyn Tx,
    actor: MemberActor,
    deliveries: &[DeliveryId],
    despite: &[OrderId],
) -> Result<Completion> {
    complete_with(tx, actor, deliveries, CompletionOptions { despite, ..CompletionOptions::default() })
}

/// As [`complete`], at a given time, and with orders that were not taken.
pub fn complete_with(
    tx: &mut dyn Tx,
    actor: MemberActor,
    deliveries: &[DeliveryId],
    options: CompletionOptions<'_>,
) -> Result<Completion> {
    let mut outcome = CompletionOutcome::default();
    let mut completed = Vec::new();
    let ((), undo) = with_undoable_changes(tx, change_context(actor, Action::Advanced), |changes| {
        for delivery in store::by_ids(changes.tx, deliveries)? {
            let held_before = outcome.held_orders.len();
            let shipped = ship_orders(changes, delivery.id, options, &mut outcome)?;
            if shipped.is_empty() && outcome.held_orders.len() > held_before {
                continue;
            }
            if shipped.is_empty() {
                outcome.unchanged.push(delivery.bundle_number);
            } else {
                outcome.completed.push(delivery.bundle_number);
                completed.push((delivery.id, shipped));
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let ids: Vec<DeliveryId> = completed.iter().map(|(id, _)| *id).collect();
    let held = std::mem::take(&mut outcome.held_orders);
    let recorded = audit::record_effect(tx, actor, &ids, outcome.into())?;
    if let Some(entry) = recorded.audit_entry_id {
        bulk_actions::record(tx, entry, actor.id, &undo)?;
        for (delivery_id, shipped) in completed {
            let details = json!({ "orders": shipped });
            log::record(tx, (entry, actor.id), delivery_id, DeliveryAction::Completed, &details)?;
        }
    }
    Ok(Completion { recorded, held })
}

/// What is unusual about deliveries that are about to be completed.
#[derive(Debug, Default)]
pub struct CompletionDoubts {
    /// deliveries with orders that have not left the factory
    pub undispatched: Vec<Delivery>,
    /// parcels without a tracking number
    pub untracked: Vec<Delivery>,
    /// orders that an open claim keeps where they are, whatever is answered
    pub held: Vec<Order>,
    /// number of the deliveries that have an order to complete
    pub changing: usize,
}

impl CompletionDoubts {
    /// The deliveries to ask about.
    pub fn deliveries(&self) -> BTreeSet<DeliveryId> {
        self.undispatched.iter().chain(&self.untracked).map(|delivery| delivery.id).collect()
    }

    /// The sentences of the question.
    pub fn sentences(&self) -> Vec<String> {
        let numbers = |deliveries: &[Delivery]| {
            let numbers = deliveries.iter().map(|delivery| delivery.bundle_number.as_str());
            numbers.collect::<NumberList>().shown()
        };
        let undispatched = (!self.undispatched.is_empty()).then(|| {
            format!(
                "아직 출고되지 않은 주문이 있는 배송이 {}건 있어요: {}. 완료하면 그 주문도 배송됨으로 바뀌어요.",
                self.undispatched.len(),
                numbers(&self.undispatched)
            )
        });
        let untracked = (!self.untracked.is_empty()).then(|| {
            format!("송장번호가 없는 택배 배송이 {}건 있어요: {}.", self.untracked.len(), numbers(&self.untracked))
        });
        let held = (!self.held.is_empty()).then(|| {
            let shown = self.held.iter().map(|order| format!("{} {}", order.order_number, order.claim));
            format!(
                "취소 요청이 들어온 주문 {}건은 완료하지 않고 그대로 둬요: {}.",
                self.held.len(),
                shown.collect::<NumberList>().shown()
            )
        });
        undispatched.into_iter().chain(untracked).chain(held).collect()
    }
}

/// What to ask about before these deliveries are completed.
pub fn doubts(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<CompletionDoubts> {
    let ids = orders::store::bundles::order_ids(tx, deliveries)?;
    let orders = orders::store::find(tx, &ids)?;
    let (mut held, open): (Vec<Order>, Vec<Order>) = orders
        .into_iter()
        .filter(|order| order.state < OrderState::Shipped)
        .partition(|order| order.is_held_from(OrderState::Shipped));
    held.sort_by_key(|order| order.id);
    let untracked: BTreeSet<DeliveryId> =
        open.iter().filter(|order| order.lacks_tracking_number()).map(|order| order.delivery_id).collect();
    let undispatched: BTreeSet<DeliveryId> =
        open.iter().filter(|order| order.state < OrderState::Dispatched).map(|order| order.delivery_id).collect();
    let found = store::by_ids(tx, deliveries)?;
    let of = |ids: &BTreeSet<DeliveryId>| found.iter().filter(|delivery| ids.contains(&delivery.id)).cloned().collect();
    let changing = open.iter().map(|order| order.delivery_id).collect::<BTreeSet<DeliveryId>>().len();
    Ok(CompletionDoubts { undispatched: of(&undispatched), untracked: of(&untracked), held, changing })
}

fn change_context(actor: MemberActor, action: Action) -> ChangeContext {
    ChangeContext { actor: actor.into(), upload_id: None, action }
}

/// Moves the orders of a delivery to 배송; answers those it changed.
fn ship_orders(
    changes: &mut OrderWriter<'_>,
    delivery_id: DeliveryId,
    options: CompletionOptions<'_>,
    outcome: &mut CompletionOutcome,
) -> Result<Vec<OrderId>> {
    let at = options.at.unwrap_or_else(|| changes.tx.now());
    let (mut shipped, mut pairs) = (Vec::new(), Vec::new());
    let mut all = orders::store::bundles::orders_of(changes.tx, delivery_id)?;
    all.retain(|order| !options.except.contains(&order.id));
    let ClaimGate { free, despite_claim, held } = ClaimGate::advance(all, OrderState::Shipped, options.despite);
    outcome.held.extend(held.iter().map(|order| order.order_number.as_str()));
    outcome.held_orders.extend(held.iter().map(|order| order.id));
    let passing = despite_claim.into_iter().map(|order| (order, true));
    for (order, has_claim) in free.into_iter().map(|order| (order, false)).chain(passing) {
        let mut delivered = order.clone();
        if delivered.advance(OrderState::Shipped, at) {
            if has_claim {
                outcome.despite_claim.push(order.order_number.as_str());
            }
            if order.state < OrderState::Dispatched {
                outcome.undispatched.push(order.order_number.as_str());
            }
            shipped.push(order.id);
            pairs.push((order, delivered, has_claim));
        } else {
            let cancelled = order.state > OrderState::Confirmed;
            if cancelled { &mut outcome.cancelled } else { &mut outcome.already }.push(order.order_number);
        }
    }
    for (has_claim, action) in [(false, Action::Advanced), (true, Action::DespiteClaim)] {
        changes.set_action(action);
        let chosen = pairs.iter().filter(|(.., claim)| *claim == has_claim);
        let chosen: Vec<(&Order, &Order)> = chosen.map(|(before, after, _)| (before, after)).collect();
        changes.save_all_current(&chosen)?;
    }
    Ok(shipped)
}

/// The last completion of a delivery, if it can still be undone.
pub fn undoable_completion(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Option<DeliveryEvent>> {
    let now = tx.now();
    Ok(log::last_completion(tx, delivery_id)?.filter(|event| is_within_undo_period(event.at, now)))
}

/// The deliveries of an audit entry whose completion can still be undone.
pub fn undoable_deliveries(tx: &mut dyn Tx, audit_entry_id: AuditEntryId) -> Result<Vec<DeliveryId>> {
    let mut deliveries = log::completed_by(tx, audit_entry_id)?;
    let mut undoable_ones = Vec::with_capacity(deliveries.len());
    for delivery in deliveries.drain(..) {
        if undoable_completion(tx, delivery)?.is_some_and(|event| event.audit_entry_id == audit_entry_id) {
            undoable_ones.push(delivery);
        }
    }
    Ok(undoable_ones)
}

/// Reverts the completion of these deliveries and records it.
pub fn undo(tx: &mut dyn Tx, actor: MemberActor, deliveries: &[DeliveryId]) -> Result<RecordedEvent> {
    let (mut ids, mut actions, mut undone) = (Vec::new(), BTreeSet::new(), NumberList::default());
    let (mut changed, mut expired) = (NumberList::default(), NumberList::default());
    with_changes(tx, change_context(actor, Action::Edited), |changes| {
        for delivery in store::by_ids(changes.tx, deliveries)? {
            match undoable_completion(changes.tx, delivery.id)? {
                None => expired.push(delivery.bundle_number),
                Some(event) => {
                    actions.insert(event.audit_entry_id);
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
    for action in actions {
        if !bulk_actions::has_unreverted(tx, action)? {
            bulk_actions::set_undone(tx, action, actor.id)?;
        }
    }
    if let Some(entry) = recorded.audit_entry_id {
        for id in ids {
            log::record(tx, (entry, actor.id), id, DeliveryAction::Undone, &json!({}))?;
        }
    }
    Ok(recorded)
}

/// The orders that the last completion of a delivery moved, if it can still be undone; otherwise none.
pub fn undoable_orders(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<OrderId>> {
    undoable_completion(tx, delivery_id)?.map_or(Ok(Vec::new()), |event| completed_orders(&event))
}

fn completed_orders(event: &DeliveryEvent) -> Result<Vec<OrderId>> {
    serde_json::from_value(event.details["orders"].clone())
        .map_err(|_| StorageError::Inconsistent(format!("delivery_events.details of {}", event.id.raw())))
}

/// Reverts the orders of a completion that have not changed since; false if there are none. Adds the others to
/// `changed`.
fn revert(changes: &mut OrderWriter<'_>, event: &DeliveryEvent, changed: &mut NumberList) -> Result<bool> {
    let orders = completed_orders(event)?;
    let outcome = bulk_actions::revert(changes, event.audit_entry_id, Some(&orders))?;
    changed.append(outcome.changed);
    Ok(!outcome.ids.is_empty())
}

/// Takes a completion of several deliveries back as a whole, as far as it can be undone, and records it.
pub fn undo_action(tx: &mut dyn Tx, actor: MemberActor, action_id: AuditEntryId) -> Result<RecordedEvent> {
    let deliveries = undoable_deliveries(tx, action_id)?;
    undo(tx, actor, &deliveries)
}
