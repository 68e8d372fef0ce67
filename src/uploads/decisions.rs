//! Decisions about values of a channel that were not applied by themselves.
//!
//! A member decides value by value, or about all of an upload. The order takes the channel's value, or keeps its own.

use std::collections::BTreeMap;

use super::apply::prepared;
use crate::audit::{self, Actor, AuditEvent, AuditObject, MemberActor, RecordedEvent};
use crate::districts::Districts;
use crate::id::{AuditEntryId, ConflictId, OrderId, UploadId};
use crate::orders::bulk_action;
use crate::orders::follow::claim::QUANTITY_CLAIM;
use crate::orders::follow::{FollowedField, HoldReason, display_value};
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store::channel_conflicts::{self, ChannelConflict, ConflictResolution};
use crate::orders::store::statements::{self, NewStatement};
use crate::orders::store::{self as orders, Action, ChangeContext, bulk_actions};
use crate::storage::{Result, Tx};

/// The value that an order gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChosenValue {
    /// 판매채널 값으로
    Channel,
    /// 우리 값 그대로
    Own,
}

/// The conflicts that a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChosenConflicts {
    /// these
    Some(Vec<ConflictId>),
    /// all open ones of the upload
    All,
}

/// Result of [`decide_conflicts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionOutcome {
    /// what was decided, with its entry in the audit log if any conflict was settled
    pub recorded: RecordedEvent,
    /// number of settled conflicts
    pub resolved: usize,
    /// conflicts that stay open, and why
    pub failed: Vec<(ConflictId, String)>,
}

/// Decides about open conflicts of an upload, as an action that its member can undo. A conflict stays open if the order has
/// changed since it was shown.
pub fn decide_conflicts(
    tx: &mut dyn Tx,
    (upload_id, actor): (UploadId, Actor),
    chosen: ChosenValue,
    conflicts: &ChosenConflicts,
    districts: &Districts,
) -> Result<DecisionOutcome> {
    let (mut resolved, mut failed) = (0, Vec::new());
    let of_upload = channel_conflicts::of_upload(tx, upload_id, 0..=u32::MAX)?;
    let is_chosen = |conflict: &ChannelConflict| match conflicts {
        ChosenConflicts::Some(ids) => ids.contains(&conflict.id),
        ChosenConflicts::All => conflict.resolved.is_none(),
    };
    let chosen_conflicts: Vec<ChannelConflict> = of_upload.into_iter().filter(is_chosen).collect();
    let ids: Vec<OrderId> = chosen_conflicts.iter().map(|conflict| conflict.order_id).collect();
    let before: BTreeMap<OrderId, Order> = orders::find(tx, &ids)?.into_iter().map(|order| (order.id, order)).collect();
    let mut after = before.clone();
    let (mut closed, mut older) = (Vec::new(), Vec::new());
    for conflict in chosen_conflicts {
        let Some(order) = after.get_mut(&conflict.order_id) else { continue };
        match settle(order, &conflict, chosen) {
            Ok(()) => {
                closed.push((conflict.id, conflict.upload_id));
                resolved += 1;
                if chosen == ChosenValue::Channel && conflict.reason == HoldReason::Older {
                    older.push(conflict);
                }
            }
            Err(reason) => {
                let own_value = conflict.field.of_order(order).into_owned();
                if conflict.resolved.is_none() {
                    channel_conflicts::set_own_value(tx, conflict.id, &own_value)?;
                }
                failed.push((conflict.id, reason));
            }
        }
    }
    let changes: Vec<(Order, Order)> = before
        .into_iter()
        .filter_map(|(id, before)| Some((before, after.remove(&id)?)))
        .filter(|(before, after)| before != after)
        .collect();
    let said = statements::of_orders(tx, &older.iter().map(|conflict| conflict.order_id).collect::<Vec<_>>())?;
    let said = |order: &Order, field: FollowedField| {
        said.get(&order.id).and_then(|fields| fields.get(&field)).cloned().unwrap_or_default()
    };
    let statements: Vec<NewStatement> = older
        .iter()
        .filter_map(|conflict| {
            let (order, _) = changes.iter().find(|(order, _)| order.id == conflict.order_id)?;
            let said = said(order, conflict.field);
            Some(NewStatement::after(&said, conflict.field, order, &conflict.channel_value, None))
        })
        .collect();
    let cause = ChangeContext { actor, upload_id: Some(upload_id), action: Action::Followed };
    let changed = prepared(tx, cause, &changes, districts)?;
    let borrowed: Vec<(&Order, &Order)> = changed.iter().map(|(before, after)| (*before, after)).collect();
    let ((), undo) = orders::with_undoable_changes(tx, cause, |writer| writer.save_all_current(&borrowed))?;
    statements::insert(tx, Some(upload_id), &statements)?;
    let resolution = match chosen {
        ChosenValue::Channel => ConflictResolution::Channel,
        ChosenValue::Own => ConflictResolution::Own,
    };
    channel_conflicts::close(tx, &closed, resolution, actor.member_id())?;
    let takes_channel = chosen == ChosenValue::Channel;
    let event = AuditEvent::ChannelChangesDecided { takes_channel, resolved, failed: failed.len() };
    let audit_entry_id = match resolved {
        0 => None,
        _ => Some(audit::record(tx, actor, AuditObject::one(upload_id), &event)?),
    };
    if let (Some(entry), Some(member_id)) = (audit_entry_id, actor.member_id()) {
        bulk_actions::record(tx, entry, member_id, &undo)?;
    }
    Ok(DecisionOutcome { recorded: RecordedEvent { event, audit_entry_id }, resolved, failed })
}

/// Takes decisions for the channel's values back, and opens their conflicts again. Orders that were changed since stay as
/// they are.
pub fn undo(tx: &mut dyn Tx, actor: MemberActor, action_id: AuditEntryId) -> Result<RecordedEvent> {
    let (recorded, ids) = bulk_action::undo_orders(tx, actor, action_id)?;
    if let Some(entry) = audit::find(tx, action_id)?
        && let Some(upload_id) = entry.object.id.map(UploadId::from_raw)
    {
        let is_decided_here = |conflict: &ChannelConflict| {
            matches!(conflict.resolved, Some((ConflictResolution::Channel, _, at)) if at == entry.at)
                && conflict.upload_id == upload_id
        };
        let conflicts = channel_conflicts::of_orders(tx, &ids)?.into_iter().filter(is_decided_here);
        let open: Vec<(ConflictId, UploadId)> = conflicts.map(|conflict| (conflict.id, conflict.upload_id)).collect();
        channel_conflicts::reopen(tx, &open)?;
    }
    Ok(recorded)
}

/// Settles one conflict in `order`, or says why it stays open.
fn settle(order: &mut Order, conflict: &ChannelConflict, chosen: ChosenValue) -> std::result::Result<(), String> {
    let field = conflict.field;
    if let Some((resolution, by, at)) = &conflict.resolved {
        return Err(format!("이미 정한 값이에요: {}", describe(*resolution, by.as_deref(), *at)));
    }
    let ours = field.of_order(order).into_owned();
    if !field.is_same(&ours, &conflict.own_value) {
        let now = match display_value(field, &ours) {
            text if text.is_empty() => "비어 있어요".to_owned(),
            text => format!("‘{text}’예요"),
        };
        return Err(format!("그 사이 우리 값이 바뀌었어요. 지금은 {now}. 확인하고 다시 선택해 주세요."));
    }
    if chosen == ChosenValue::Own {
        return Ok(());
    }
    if order.state >= OrderState::Cancelled {
        return Err(format!("{} 주문이라 바꾸지 않았어요.", order.state.participle()));
    }
    if !field.set(order, &conflict.channel_value) {
        return Err("읽을 수 없는 값이에요.".to_owned());
    }
    if field == FollowedField::Quantity && order.cancelled_quantity > 0 && order.claim == QUANTITY_CLAIM {
        // The smaller quantity is what the claim asked for.
        order.claim.clear();
    }
    if field == FollowedField::Tracking && order.shipping_method.is_without_courier() {
        order.set_shipping_method(ShippingMethod::Parcel);
    }
    Ok(())
}

/// How a conflict was settled, by whom and when.
pub fn describe(resolution: ConflictResolution, by: Option<&str>, at: crate::time::Moment) -> String {
    format!("{} · {} · {at}", resolution.label(), by.unwrap_or("프로그램"))
}
