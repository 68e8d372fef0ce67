//! Recent actions of all rooms, in bulk or on one order or delivery, and their undo: 최근 작업.
//!
//! Each room records its actions with [`bulk_actions`]. This room lists them with the
//! sentences of the audit log, and leads an undo to the room that knows what else belongs to it.

pub mod pages;

use crate::audit::{self, AuditEvent, MemberActor, RecordedEvent};
use crate::deliveries::{complete, memo};
use crate::id::AuditEntryId;
use crate::orders::bulk_action;
use crate::orders::bulk_set::BulkField;
use crate::orders::store::bulk_actions::{self, BulkAction};
use crate::storage::{Result, Tx};
use crate::uploads::{conflicts, decisions};

/// Actions on the page.
const MAX_LISTED_ACTIONS: i64 = 100;

/// A bulk action with its sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRow {
    /// the action
    pub action: BulkAction,
    /// what was done
    pub sentence: String,
    /// whether it is an action on deliveries, which the delivery team may undo
    pub is_of_deliveries: bool,
    /// whether it can be undone now
    pub is_undoable: bool,
}

/// The newest actions; without those on orders unless `includes_orders`.
pub fn newest(tx: &mut dyn Tx, includes_orders: bool) -> Result<Vec<ActionRow>> {
    let (now, actions) = (tx.now(), bulk_actions::newest(tx, MAX_LISTED_ACTIONS)?);
    let ids: Vec<AuditEntryId> = actions.iter().map(|action| action.id).collect();
    let mut entries = audit::by_ids(tx, &ids)?;
    let rows = actions.into_iter().filter_map(|action| {
        let event = entries.remove(&action.id)?.event;
        let (sentence, is_of_deliveries) = (sentence(&event), is_of_deliveries(&event));
        let is_undoable = action.is_undoable(now);
        (includes_orders || is_of_deliveries).then_some(ActionRow { action, sentence, is_of_deliveries, is_undoable })
    });
    Ok(rows.collect())
}

/// What was done, with the number of a single order or delivery.
fn sentence(event: &AuditEvent) -> String {
    match event {
        AuditEvent::OrderEdited { number, .. } => format!("{number}: {}", event.sentence()),
        AuditEvent::DeliveryMemoChanged { bundle_number, .. } => format!("{bundle_number}: {}", event.sentence()),
        _ => event.sentence(),
    }
}

/// Whether the delivery team may do it, and so may undo it.
fn is_of_deliveries(event: &AuditEvent) -> bool {
    match event {
        AuditEvent::DeliveriesCompleted { .. } | AuditEvent::DeliveryMemoChanged { .. } => true,
        AuditEvent::OrdersBulkSet { field, .. } => {
            [BulkField::PreferredShippingDate, BulkField::ShippingMemo].iter().any(|known| *field == known.code())
        }
        _ => false,
    }
}

/// Takes an action back as a whole; none if there is no such action, or it is one on orders and `includes_orders` is
/// false.
pub fn undo(
    tx: &mut dyn Tx,
    actor: MemberActor,
    action_id: AuditEntryId,
    includes_orders: bool,
) -> Result<Option<RecordedEvent>> {
    let Some(entry) = audit::find(tx, action_id)? else { return Ok(None) };
    match &entry.event {
        AuditEvent::DeliveriesCompleted { .. } => complete::undo_action(tx, actor, action_id).map(Some),
        AuditEvent::DeliveryMemoChanged { .. } => memo::undo(tx, actor, action_id).map(Some),
        AuditEvent::ConflictsResolved { .. } if includes_orders => conflicts::undo(tx, actor, action_id).map(Some),
        AuditEvent::ChannelChangesDecided { .. } if includes_orders => decisions::undo(tx, actor, action_id).map(Some),
        event if includes_orders || is_of_deliveries(event) => bulk_action::undo(tx, actor, action_id).map(Some),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
