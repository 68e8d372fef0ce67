//! Bulk actions on orders: those that move them on to 발주, 출고 or 배송됨, their questions, and the undo of any bulk action.

use std::collections::HashMap;

use crate::audit::{self, AuditEvent, MemberActor, NumberList, RecordedEvent};
use crate::id::{AuditEntryId, OrderId};
use crate::orders::claim::ClaimGate;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::bulk_actions::{self, BulkAction};
use crate::orders::store::{self, Action, ChangeContext, member_lists};
use crate::storage::{Result, StorageError, Tx};

/// A reason to ask before a bulk action, with the orders that it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkQuestion {
    /// what is unusual about these orders
    pub reason: QuestionReason,
    /// their identifiers
    pub ids: Vec<OrderId>,
    /// their numbers
    pub numbers: NumberList,
}

/// Why a bulk action asks first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionReason {
    /// the orders are in the state `from`, with other states between it and the target
    StepsSkipped {
        /// present state
        from: OrderState,
        /// target
        to: OrderState,
    },
    /// the orders go by courier and have no tracking number
    TrackingMissing,
    /// the orders are cancelled after the factory, or those who deliver, have got them
    CancelledLate {
        /// present state: 발주 or 출고
        from: OrderState,
    },
}

impl QuestionReason {
    /// The heading that asks before an edit is saved.
    pub const fn save_title(self) -> &'static str {
        match self {
            Self::StepsSkipped { .. } | Self::TrackingMissing => "배송됨 상태로 저장할까요?",
            Self::CancelledLate { .. } => "취소됨 상태로 저장할까요?",
        }
    }

    /// The answer that saves the edit as it is.
    pub const fn save_anyway(self) -> &'static str {
        match self {
            Self::StepsSkipped { .. } | Self::TrackingMissing => "송장번호 없이 배송됨으로 저장",
            Self::CancelledLate { .. } => "취소됨으로 저장",
        }
    }
}

impl BulkQuestion {
    /// The question about these orders; none without any.
    fn of<'o>(reason: QuestionReason, orders: impl Iterator<Item = &'o Order>) -> Option<Self> {
        let (ids, numbers): (Vec<OrderId>, NumberList) =
            orders.map(|order| (order.id, order.order_number.as_str())).unzip();
        (!ids.is_empty()).then_some(Self { reason, ids, numbers })
    }

    /// The sentence of the question.
    pub fn sentence(&self) -> String {
        match self.reason {
            QuestionReason::StepsSkipped { from, to } => {
                let skipped: Vec<&str> = skipped_states(from, to).map(OrderState::label).collect();
                format!(
                    "{} 단계를 건너뛰는 주문이 {}건 있어요: {}",
                    skipped.join("·"),
                    self.ids.len(),
                    self.numbers.shown()
                )
            }
            QuestionReason::TrackingMissing => {
                format!("송장번호가 없는 택배 주문이 {}건 있어요: {}", self.ids.len(), self.numbers.shown())
            }
            QuestionReason::CancelledLate { from } => {
                let told = if from == OrderState::Purchased {
                    "만들지 않게 공장"
                } else {
                    "나가지 않게 배송팀이나 택배사"
                };
                let (count, numbers) = (self.ids.len(), self.numbers.shown());
                format!("{} 주문 {count}건을 취소해요: {numbers}. {told}에 알려 주세요.", from.participle())
            }
        }
    }
}

/// The states between two.
fn skipped_states(from: OrderState, to: OrderState) -> impl Iterator<Item = OrderState> {
    OrderState::ALL.into_iter().filter(move |state| from < *state && *state < to)
}

/// What to ask before these orders are advanced to `to`; nothing for the ordinary next step, and for orders that a claim
/// keeps where they are.
pub fn questions(orders: &[&Order], to: OrderState) -> Vec<BulkQuestion> {
    let starts = OrderState::ALL.into_iter().filter(|from| skipped_states(*from, to).next().is_some());
    let jumping = |from: OrderState| {
        let jumping = orders.iter().filter(|order| order.state == from && !order.is_held_from(to));
        BulkQuestion::of(QuestionReason::StepsSkipped { from, to }, jumping.copied())
    };
    starts.map(jumping).chain([tracking_question(orders, to)]).flatten().collect()
}

/// The question about parcels without a number among orders that are about to become `to`.
fn tracking_question(orders: &[&Order], to: OrderState) -> Option<BulkQuestion> {
    let is_sent = |order: &&&Order| {
        order.state < to && to == OrderState::Shipped && order.lacks_tracking_number() && !order.is_held()
    };
    BulkQuestion::of(QuestionReason::TrackingMissing, orders.iter().filter(is_sent).copied())
}

/// What to ask before edits are saved, each given as an order before and after: parcels that become 배송됨 without a number,
/// and orders that become 취소됨 after others have begun to work on them.
pub fn questions_of_edits(edits: &[(Order, Order)]) -> Vec<BulkQuestion> {
    let is_sent = |(before, after): &&(Order, Order)| {
        before.state < OrderState::Shipped && after.state == OrderState::Shipped && after.lacks_tracking_number()
    };
    let sent = edits.iter().filter(is_sent).map(|(_, after)| after);
    let cancelled = |from: OrderState| {
        let is_cancelled =
            move |(before, after): &&(Order, Order)| before.state == from && after.state == OrderState::Cancelled;
        let orders = edits.iter().filter(is_cancelled).map(|(_, after)| after);
        BulkQuestion::of(QuestionReason::CancelledLate { from }, orders)
    };
    let late = [OrderState::Purchased, OrderState::Dispatched].map(cancelled);
    [BulkQuestion::of(QuestionReason::TrackingMissing, sent)].into_iter().chain(late).flatten().collect()
}

/// A recorded advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// its event, with the entry in the audit log if any order was changed
    pub recorded: RecordedEvent,
    /// orders that an open claim keeps where they are, for the member to decide
    pub held: Vec<OrderId>,
}

/// Moves the orders forward to `to`; leaves those at or past it unchanged, and those with an open claim that are not in
/// `despite`.
pub fn advance(
    tx: &mut dyn Tx,
    actor: MemberActor,
    orders: Vec<Order>,
    to: OrderState,
    despite: &[OrderId],
) -> Result<Advance> {
    advance_edited(tx, actor, orders.into_iter().map(|order| (order.clone(), order)).collect(), to, despite)
}

/// As [`advance`], with what was typed into the orders: each is given as it is stored, and as it was edited. Edits of orders
/// that stay where they are are saved too.
pub fn advance_edited(
    tx: &mut dyn Tx,
    actor: MemberActor,
    edits: Vec<(Order, Order)>,
    to: OrderState,
    despite: &[OrderId],
) -> Result<Advance> {
    let (stored, edited): (Vec<Order>, Vec<Order>) = edits.into_iter().unzip();
    let saved = stored.iter().zip(&edited).filter(|(before, after)| before != after);
    let saved: NumberList = saved.map(|(before, _)| before.order_number.as_str()).collect();
    let mut stored: HashMap<OrderId, Order> = stored.into_iter().map(|order| (order.id, order)).collect();
    let ClaimGate { free, despite_claim, held } = ClaimGate::advance(edited, to, despite);
    let held_ids: Vec<OrderId> = held.iter().map(|order| order.id).collect();
    let held_numbers: NumberList = held.iter().map(|order| order.order_number.as_str()).collect();
    let (now, mut unchanged, mut only_edited) = (tx.now(), NumberList::default(), Vec::new());
    let mut advanced = |orders: Vec<Order>| {
        let mut pairs = Vec::new();
        for edited in orders {
            let Some(before) = stored.remove(&edited.id) else { continue };
            let mut after = edited.clone();
            if after.advance(to, now) {
                pairs.push((before, after));
                continue;
            }
            unchanged.push(edited.order_number.as_str());
            only_edited.push((before, edited));
        }
        pairs
    };
    let (free, passing) = (advanced(free), advanced(despite_claim));
    only_edited.extend(held.into_iter().filter_map(|edited| Some((stored.remove(&edited.id)?, edited))));
    only_edited.retain(|(before, edited)| before != edited);
    let numbers =
        |pairs: &[(Order, Order)]| pairs.iter().map(|(order, _)| order.order_number.clone()).collect::<Vec<_>>();
    let event = AuditEvent::OrdersAdvanced {
        to: to.code().to_owned(),
        changed: numbers(&free).into_iter().chain(numbers(&passing)).collect(),
        unchanged,
        held: held_numbers,
        despite_claim: numbers(&passing).into_iter().collect(),
        saved,
    };
    let groups = [(Action::Advanced, free), (Action::DespiteClaim, passing), (Action::Edited, only_edited)];
    let recorded = save_groups(tx, actor, &groups, event)?;
    Ok(Advance { recorded, held: held_ids })
}

/// Saves the changes of a bulk action with its audit entry, so that it can be undone. Each pair is an order before and
/// after.
pub fn save(
    tx: &mut dyn Tx,
    actor: MemberActor,
    action: Action,
    pairs: Vec<(Order, Order)>,
    event: AuditEvent,
) -> Result<RecordedEvent> {
    save_groups(tx, actor, &[(action, pairs)], event)
}

/// [`save`] for orders whose logs name different actions.
fn save_groups(
    tx: &mut dyn Tx,
    actor: MemberActor,
    groups: &[(Action, Vec<(Order, Order)>)],
    event: AuditEvent,
) -> Result<RecordedEvent> {
    let context = ChangeContext { actor: actor.into(), upload_id: None, action: Action::Edited };
    let ((), undo) = store::with_undoable_changes(tx, context, |changes| {
        for (action, pairs) in groups {
            changes.set_action(*action);
            let borrowed: Vec<(&Order, &Order)> = pairs.iter().map(|(before, after)| (before, after)).collect();
            changes.save_all_current(&borrowed)?;
        }
        Ok::<_, StorageError>(())
    })?;
    let ids: Vec<OrderId> = groups.iter().flat_map(|(_, pairs)| pairs.iter().map(|(before, _)| before.id)).collect();
    let changes = groups.iter().flat_map(|(_, pairs)| pairs.iter().map(|(before, after)| (before, after)));
    member_lists::keep_courier(tx, actor.id, changes)?;
    let recorded = audit::record_effect(tx, actor, &ids, event)?;
    if let Some(entry) = recorded.audit_entry_id {
        bulk_actions::record(tx, entry, actor.id, &undo)?;
    }
    Ok(recorded)
}

/// The action with this identifier, if it can be undone now.
pub fn undoable(tx: &mut dyn Tx, action_id: AuditEntryId) -> Result<Option<BulkAction>> {
    let now = tx.now();
    match bulk_actions::by_id(tx, action_id)? {
        Some(action) if action.is_undoable(now) => {
            let is_left = action.order_count == 0 || bulk_actions::has_unreverted(tx, action_id)?;
            Ok(is_left.then_some(action))
        }
        _ => Ok(None),
    }
}

/// Takes a bulk action back as a whole, and records it. Orders that were changed since stay as they are.
pub fn undo(tx: &mut dyn Tx, actor: MemberActor, action_id: AuditEntryId) -> Result<RecordedEvent> {
    Ok(undo_orders(tx, actor, action_id)?.0)
}

/// As [`undo`], with the identifiers of the orders that were as the action had left them, for what belongs to them.
pub fn undo_orders(
    tx: &mut dyn Tx,
    actor: MemberActor,
    action_id: AuditEntryId,
) -> Result<(RecordedEvent, Vec<OrderId>)> {
    if undoable(tx, action_id)?.is_none() {
        let (undone, changed) = (NumberList::default(), NumberList::default());
        let event = AuditEvent::BulkActionUndone { undone, changed, is_expired: true };
        return Ok((RecordedEvent { event, audit_entry_id: None }, Vec::new()));
    }
    let context = ChangeContext { actor: actor.into(), upload_id: None, action: Action::Edited };
    let outcome = store::with_changes(tx, context, |changes| bulk_actions::revert(changes, action_id, None))?;
    if !outcome.ids.is_empty() {
        bulk_actions::set_undone(tx, action_id, actor.id)?;
    }
    let event = AuditEvent::BulkActionUndone { undone: outcome.undone, changed: outcome.changed, is_expired: false };
    Ok((audit::record_effect(tx, actor, &outcome.ids, event)?, outcome.ids))
}

#[cfg(test)]
mod tests;
