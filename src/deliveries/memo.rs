//! The memo of the delivery team, and its undo.

use serde_json::json;

use super::log::{self, DeliveryAction};
use super::store;
use crate::access;
use crate::audit::{self, AuditEvent, MemberActor, NumberList, RecordedEvent};
use crate::id::{AuditEntryId, DeliveryId};
use crate::orders::store::bulk_actions::{self, is_within_undo_period};
use crate::orders::store::bundles;
use crate::storage::{Result, Tx};

/// Changes the memo of a delivery from `was` to `is` and records it; none if another member has changed it since.
pub fn set(tx: &mut dyn Tx, actor: MemberActor, id: DeliveryId, was: &str, is: &str) -> Result<Option<RecordedEvent>> {
    change(tx, actor, id, (was, is), false)
}

fn change(
    tx: &mut dyn Tx,
    actor: MemberActor,
    id: DeliveryId,
    (was, is): (&str, &str),
    is_undo: bool,
) -> Result<Option<RecordedEvent>> {
    if !store::set_memo(tx, id, was, is)? {
        return Ok(None);
    }
    let bundle_number = store::find(tx, id)?.map(|delivery| delivery.bundle_number).unwrap_or_default();
    let event = AuditEvent::DeliveryMemoChanged { bundle_number, is_undo };
    if was == is {
        return Ok(Some(RecordedEvent { event, audit_entry_id: None }));
    }
    let recorded = audit::record_effect(tx, actor, &[id], event)?;
    if let Some(entry) = recorded.audit_entry_id {
        let orders = bundles::order_ids(tx, &[id])?;
        access::record_edit(tx, actor, format!("/deliveries/{id}"), orders)?;
        log::record(tx, (entry, actor.id), id, DeliveryAction::MemoChanged, &json!({ "was": was, "is": is }))?;
        if !is_undo {
            bulk_actions::record_memo(tx, entry, actor.id)?;
        }
    }
    Ok(Some(recorded))
}

/// Takes the change of a memo with this audit entry back, unless it is too old or the memo was changed since.
pub fn undo(tx: &mut dyn Tx, actor: MemberActor, action_id: AuditEntryId) -> Result<RecordedEvent> {
    let (now, mut changed) = (tx.now(), NumberList::default());
    let action = bulk_actions::by_id(tx, action_id)?.filter(|action| action.undone_at.is_none());
    let is_expired = action.is_none_or(|action| !is_within_undo_period(action.at, now));
    if let (false, Some(event)) = (is_expired, log::memo_change(tx, action_id)?) {
        let text = |key: &str| event.details[key].as_str().unwrap_or_default().to_owned();
        if let Some(recorded) = change(tx, actor, event.delivery_id, (&text("is"), &text("was")), true)? {
            bulk_actions::set_undone(tx, action_id, actor.id)?;
            return Ok(recorded);
        }
        changed.extend(store::find(tx, event.delivery_id)?.map(|delivery| delivery.bundle_number));
    }
    let event = AuditEvent::BulkActionUndone { undone: NumberList::default(), changed, is_expired };
    Ok(RecordedEvent { event, audit_entry_id: None })
}
