//! Conflicts of a tracking list: rows with another tracking number than their order has, and rows whose order an open
//! cancellation keeps where it is.
//!
//! They are rejected when the list is applied. A member then decides for each row whether the order gets
//! the new number.

use super::model::{Resolution, ResolvedBy, Stage, TrackingChange};
use super::store;
use crate::audit::MemberActor;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::{self as orders, Action, ChangeContext};
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// Decision about conflicting rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// 새 번호로 바꾸기: the order gets the number of the file
    Replace,
    /// 그대로: the order keeps its number
    Keep,
}

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictOutcome {
    /// number of resolved rows
    pub resolved: usize,
    /// rows that were left unchanged, and why
    pub failed: Vec<(u32, String)>,
}

/// Resolves conflicting rows of an upload. A row is left unchanged if it is resolved already, or if its
/// order has changed since the page was rendered; all are if the upload is not applied.
pub fn resolve_conflicts(
    tx: &mut dyn Tx,
    upload_id: i64,
    actor: MemberActor,
    decision: Decision,
    conflicts: &[Conflict],
) -> Result<ConflictOutcome> {
    let cause = ChangeContext { actor: actor.into(), upload_id: Some(upload_id), action: Action::TrackingSet };
    let mut outcome = ConflictOutcome::default();
    let upload = store::find(tx, upload_id)?;
    if upload.is_none_or(|upload| upload.stage != Stage::Applied) {
        let reason = "적용한 업로드가 아니에요. 업로드 화면에서 상태를 확인해 주세요.";
        outcome.failed = conflicts.iter().map(|conflict| (conflict.row, reason.to_owned())).collect();
        return Ok(outcome);
    }
    orders::with_changes(tx, cause, |changes| {
        for conflict @ Conflict { row, .. } in conflicts {
            match resolve_one(changes, upload_id, decision, conflict)? {
                Ok(resolution) => {
                    if !store::resolve_row(changes.tx, upload_id, *row, resolution, Some(actor.id))? {
                        return Err(StorageError::Inconsistent(format!(
                            "upload_rows of {upload_id}: {row} is not open"
                        )));
                    }
                    outcome.resolved += 1;
                }
                Err(reason) => outcome.failed.push((*row, reason)),
            }
        }
        Ok::<_, StorageError>(())
    })?;
    Ok(outcome)
}

fn resolve_one(
    changes: &mut orders::OrderWriter<'_>,
    upload_id: i64,
    decision: Decision,
    Conflict { row, seen, is_named }: &Conflict,
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
    if decision == Decision::Keep {
        return Ok(Ok(Resolution::Kept));
    }
    let is_held = order.is_held_from(OrderState::Shipped);
    if is_held && !is_named {
        return Ok(Err(format!("‘{}’ 클레임이 있는 주문이에요. 이 행의 버튼을 눌러 하나씩 정해 주세요.", order.claim)));
    }
    changes.set_action(if is_held { Action::DespiteClaim } else { Action::TrackingSet });
    match with_tracking(order, &change, changes.tx.now()) {
        Ok(after) if changes.save(order, &after)? => Ok(Ok(Resolution::Replaced)),
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

/// The order with the tracking number of the file, advanced to SHIPPED.
fn with_tracking(order: &Order, change: &TrackingChange, now: Moment) -> Result<Order, String> {
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return Err(format!("{} 주문이라 송장번호를 바꾸지 않았어요.", order.state.participle()));
    }
    let mut after = order.clone();
    after.tracking_number.clone_from(&change.tracking_number);
    if !change.courier.is_empty() {
        after.courier.clone_from(&change.courier);
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

    #[test]
    fn replacing_sets_number_and_courier_and_ships_the_order() {
        let mut order = order(OrderState::Purchased);
        "한진택배".clone_into(&mut order.courier);
        let after = with_tracking(&order, &change("로젠택배"), Moment(9)).expect("replaced");
        assert_eq!((after.tracking_number.as_str(), after.courier.as_str()), ("45168301507", "로젠택배"));
        assert_eq!((after.state, after.moments.of(OrderState::Shipped)), (OrderState::Shipped, Some(Moment(9))));
        let after = with_tracking(&order, &change(""), Moment(9)).expect("replaced");
        assert_eq!(after.courier, "한진택배", "an empty courier does not overwrite");
    }

    #[test]
    fn replacing_never_moves_an_order_back_or_reopens_it() {
        let confirmed = order(OrderState::Confirmed);
        let after = with_tracking(&confirmed, &change(""), Moment(9)).expect("replaced");
        assert_eq!((after.state, after.moments), (OrderState::Confirmed, confirmed.moments));
        for over in [OrderState::Cancelled, OrderState::Refunded] {
            assert!(with_tracking(&order(over), &change(""), Moment(9)).is_err());
        }
    }
}
