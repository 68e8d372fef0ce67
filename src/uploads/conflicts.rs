//! Conflicts of a tracking list: rows with another tracking number than their order has, rows whose order no courier has,
//! and rows whose order an open cancellation keeps where it is.
//!
//! They are rejected when the list is applied. A member then decides for each row whether the order gets
//! the new number, and becomes a parcel for it.

use std::collections::BTreeSet;

use super::model::{Resolution, ResolvedBy, Stage, TrackingChange};
use super::store;
use crate::audit::{self, AuditEvent, AuditObject, ConflictDecision, MemberActor, RecordedEvent};
use crate::id::{AuditEntryId, OrderId, UploadId};
use crate::orders::bulk_action;
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store::{self as orders, Action, ChangeContext, bulk_actions, bundles};
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// A conflicting row to resolve.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// position in the report
    pub row: u32,
    /// the order's tracking number as the page showed it
    pub seen: String,
    /// whether the member named this row alone, which an order with an open cancellation needs to get the number
    pub is_named: bool,
}

/// Result of [`resolve_conflicts`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictOutcome {
    /// what was decided, with its entry in the audit log if any row was resolved
    pub recorded: RecordedEvent,
    /// rows that were left unchanged, and why
    pub failed: Vec<(u32, String)>,
}

/// Resolves conflicting rows of an upload, as an action that can be undone. A row is left unchanged if it is resolved
/// already, or if its order has changed since the page was rendered; all are if the upload is not applied.
pub fn resolve_conflicts(
    tx: &mut dyn Tx,
    upload_id: UploadId,
    actor: MemberActor,
    decision: ConflictDecision,
    conflicts: &[Conflict],
) -> Result<ConflictOutcome> {
    let cause = ChangeContext { actor: actor.into(), upload_id: Some(upload_id), action: Action::TrackingSet };
    let is_applied = store::find(tx, upload_id)?.is_some_and(|upload| upload.stage == Stage::Applied);
    let apart = if decision == ConflictDecision::AsParcel { apart(tx, upload_id, conflicts)? } else { BTreeSet::new() };
    let ((resolved, failed), undo) = orders::with_undoable_changes(tx, cause, |changes| {
        let (mut resolved, mut failed) = (0, Vec::new());
        for conflict @ Conflict { row, .. } in conflicts {
            let answer = if is_applied {
                resolve_one(changes, upload_id, decision, conflict, &apart)?
            } else {
                Err("적용한 업로드가 아니에요. 업로드 화면에서 상태를 확인해 주세요.".to_owned())
            };
            match answer {
                Ok(resolution) => {
                    if !store::resolve_row(changes.tx, upload_id, *row, resolution, Some(actor.id))? {
                        return Err(StorageError::Inconsistent(format!(
                            "upload_rows of {upload_id:?}: {row} is not open"
                        )));
                    }
                    resolved += 1;
                }
                Err(reason) => failed.push((*row, reason)),
            }
        }
        Ok::<_, StorageError>((resolved, failed))
    })?;
    let event = AuditEvent::ConflictsResolved { decision, resolved, failed: failed.len() };
    let audit_entry_id = match resolved {
        0 => None,
        _ => Some(audit::record(tx, actor, AuditObject::one(upload_id), &event)?),
    };
    if let Some(entry) = audit_entry_id {
        bulk_actions::record(tx, entry, actor.id, &undo)?;
    }
    Ok(ConflictOutcome { recorded: RecordedEvent { event, audit_entry_id }, failed })
}

/// Takes decisions about tracking numbers back, and opens their rows again. Orders that were changed since stay as they are.
pub fn undo(tx: &mut dyn Tx, actor: MemberActor, action_id: AuditEntryId) -> Result<RecordedEvent> {
    let (recorded, ids) = bulk_action::undo_orders(tx, actor, action_id)?;
    if let Some(entry) = audit::find(tx, action_id)?
        && let Some(upload_id) = entry.object.id
    {
        let numbers: BTreeSet<String> = orders::numbers(tx, &ids)?.into_values().collect();
        store::reopen_resolved(tx, (UploadId::from_raw(upload_id), entry.at), &numbers)?;
    }
    Ok(recorded)
}

/// The orders of these rows whose bundle would be torn apart: an order of it that has no row here goes without a courier
/// too.
fn apart(tx: &mut dyn Tx, upload_id: UploadId, conflicts: &[Conflict]) -> Result<BTreeSet<OrderId>> {
    let channel = store::channel_id(tx, upload_id)?;
    let mut ids = BTreeSet::new();
    for conflict in conflicts {
        if let Some(row) = store::find_row(tx, upload_id, conflict.row)? {
            ids.extend(store::matching_orders(tx, channel, &row.report.order_number)?);
        }
    }
    let chosen = orders::find(tx, &ids.iter().copied().collect::<Vec<_>>())?;
    let mut apart = BTreeSet::new();
    for order in chosen {
        let stays = |other: &Order| {
            !ids.contains(&other.id)
                && other.state < OrderState::Cancelled
                && other.shipping_method.is_without_courier()
        };
        if bundles::others(tx, &order)?.iter().any(stays) {
            apart.insert(order.id);
        }
    }
    Ok(apart)
}

fn resolve_one(
    changes: &mut orders::OrderWriter<'_>,
    upload_id: UploadId,
    decision: ConflictDecision,
    Conflict { row, seen, is_named }: &Conflict,
    apart: &BTreeSet<OrderId>,
) -> Result<Result<Resolution, String>> {
    let Some(stored) = store::find_row(changes.tx, upload_id, *row)? else {
        return Ok(Err("없는 행이에요.".to_owned()));
    };
    if let Some(resolved) = &stored.resolved {
        return Ok(Err(format!("이미 처리한 행이에요: {}.", describe(resolved))));
    }
    let Some(change) = stored.report.conflict else {
        return Ok(Err("송장번호가 서로 다른 행이 아니에요.".to_owned()));
    };
    let channel = store::channel_id(changes.tx, upload_id)?;
    let ids = store::matching_orders(changes.tx, channel, &stored.report.order_number)?;
    let [order] = &orders::find(changes.tx, &ids)?[..] else {
        return Ok(Err("주문을 하나로 정할 수 없어요. 주문 화면에서 수정해 주세요.".to_owned()));
    };
    if order.tracking_number != *seen {
        let now = if order.tracking_number.is_empty() { "없어요" } else { &order.tracking_number };
        return Ok(Err(format!(
            "그 사이 송장번호가 바뀌었어요. 화면에서는 {seen}, 지금은 {now}. 확인하고 다시 선택해 주세요."
        )));
    }
    let resolution = match decision {
        ConflictDecision::Keep => return Ok(Ok(Resolution::Kept)),
        ConflictDecision::Replace => Resolution::Replaced,
        ConflictDecision::AsParcel => Resolution::Parcelled,
    };
    if apart.contains(&order.id) {
        let reason =
            "같은 묶음에 택배가 아닌 주문이 더 있어요. 주문 화면에서 묶음에서 빼거나 배송방법을 함께 바꿔 주세요.";
        return Ok(Err(reason.to_owned()));
    }
    let is_held = order.is_held_from(OrderState::Shipped);
    if is_held && !is_named {
        return Ok(Err(format!("‘{}’ 클레임이 있는 주문이에요. 이 행의 버튼을 눌러 하나씩 정해 주세요.", order.claim)));
    }
    changes.set_action(if is_held { Action::DespiteClaim } else { Action::TrackingSet });
    match with_tracking(order, &change, decision, changes.tx.now()) {
        Ok(after) if changes.save(order, &after)? => Ok(Ok(resolution)),
        Ok(_) => Ok(Err("그 사이 다른 사람이 주문을 바꿨어요. 다시 선택해 주세요.".to_owned())),
        Err(reason) => Ok(Err(reason)),
    }
}

/// How a row was resolved, by whom and when.
pub fn describe(resolved: &ResolvedBy) -> String {
    format!(
        "{} · {} · {}",
        resolved.resolution.label(),
        resolved.username.as_deref().unwrap_or("프로그램"),
        resolved.at
    )
}

/// The order with the tracking number of the file, advanced to SHIPPED. One that no courier has becomes a parcel only by
/// the decision that says so.
fn with_tracking(
    order: &Order,
    change: &TrackingChange,
    decision: ConflictDecision,
    now: Moment,
) -> Result<Order, String> {
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return Err(format!("{} 주문이라 송장번호를 바꾸지 않았어요.", order.state.participle()));
    }
    let is_without_courier = order.shipping_method.is_without_courier();
    if is_without_courier && decision != ConflictDecision::AsParcel {
        let method = order.shipping_method.label();
        return Err(format!("{method} 주문이에요. 택배로 보냈으면 ‘택배로 바꾸고 등록’을 눌러 주세요."));
    }
    if !is_without_courier && decision == ConflictDecision::AsParcel {
        return Err("이미 택배로 보내는 주문이에요. ‘새 번호로 바꾸기’를 눌러 주세요.".to_owned());
    }
    let mut after = order.clone();
    after.tracking_number.clone_from(&change.tracking_number);
    if !change.courier.is_empty() {
        after.courier.clone_from(&change.courier);
    }
    if is_without_courier {
        after.set_shipping_method(ShippingMethod::Parcel);
    }
    after.advance(OrderState::Shipped, now);
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;

    fn change(courier: &str) -> TrackingChange {
        TrackingChange { tracking_number: "45168301507".to_owned(), courier: courier.to_owned() }
    }

    fn parcel(state: OrderState) -> Order {
        Order { shipping_method: ShippingMethod::Parcel, courier: "한진택배".to_owned(), ..order(state) }
    }

    #[test]
    fn replacing_sets_number_and_courier_and_ships_the_order() {
        let replaced = |courier: &str| {
            let order = parcel(OrderState::Purchased);
            with_tracking(&order, &change(courier), ConflictDecision::Replace, Moment(9)).expect("replaced")
        };
        let after = replaced("로젠택배");
        assert_eq!((after.tracking_number.as_str(), after.courier.as_str()), ("45168301507", "로젠택배"));
        assert_eq!((after.state, after.moments.of(OrderState::Shipped)), (OrderState::Shipped, Some(Moment(9))));
        assert_eq!(replaced("").courier, "한진택배", "an empty courier does not overwrite");
    }

    #[test]
    fn replacing_never_moves_an_order_back_or_reopens_it() {
        let confirmed = parcel(OrderState::Confirmed);
        let after = with_tracking(&confirmed, &change(""), ConflictDecision::Replace, Moment(9)).expect("replaced");
        assert_eq!((after.state, after.moments), (OrderState::Confirmed, confirmed.moments));
        for over in [OrderState::Cancelled, OrderState::Refunded] {
            assert!(with_tracking(&parcel(over), &change(""), ConflictDecision::Replace, Moment(9)).is_err());
        }
    }

    #[test]
    fn order_of_the_own_team_is_delivered_by_a_courier_only_by_the_decision_that_says_so() {
        for method in [ShippingMethod::Direct, ShippingMethod::Quick, ShippingMethod::Pickup] {
            let order = Order { shipping_method: method, ..order(OrderState::Dispatched) };
            let change = change("로젠택배");
            assert!(with_tracking(&order, &change, ConflictDecision::Replace, Moment(9)).is_err());
            let after = with_tracking(&order, &change, ConflictDecision::AsParcel, Moment(9)).expect("a parcel");
            assert_eq!((after.shipping_method, after.state), (ShippingMethod::Parcel, OrderState::Shipped));
            assert_eq!(after.shipping_method_raw, "택배,등기,소포");
        }
        assert!(
            with_tracking(&parcel(OrderState::Dispatched), &change(""), ConflictDecision::AsParcel, Moment(9)).is_err()
        );
    }
}
