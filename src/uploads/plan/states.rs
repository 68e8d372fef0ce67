//! Effect of a list of states: 구매확정, 취소, 반품, 교환.

use std::collections::{BTreeMap, HashMap};

use super::follow::{Follower, effect_reasons};
use super::row_report::{row_report, unknown_order};
use super::{ExactKeys, ImportPlan, inexact_reason, order_reason};
use crate::id::{ChannelId, OrderId};
use crate::orders::follow::{ChannelRow, FileAge, RowEffect, changes_between};
use crate::orders::model::{Order, OrderState};
use crate::orders::store as orders;
use crate::storage::{Result, Tx};
use crate::uploads::check::{CheckedRow, Reason, RowCheck, StateRow};
use crate::uploads::model::{RowOutcome, RowReport};

/// Plans a list of states: 구매확정, 취소, 반품, 교환. An order may be in several rows.
pub(super) fn plan_states<'f>(
    tx: &mut dyn Tx,
    channel: Option<ChannelId>,
    rows: &'f [CheckedRow<StateRow>],
) -> Result<ImportPlan<'f>> {
    let exact = ExactKeys::new(tx, channel, rows)?;
    let numbers: Vec<&str> = rows.iter().map(|row| row.key.as_str()).filter(|key| !key.is_empty()).collect();
    let ids = orders::ids_by_number(tx, channel, &numbers)?;
    let found: Vec<OrderId> = ids.values().filter_map(|ids| if let [id] = ids[..] { Some(id) } else { None }).collect();
    let orders: HashMap<OrderId, Order> =
        orders::find(tx, &found)?.into_iter().map(|order| (order.id, order)).collect();
    let mut follower = Follower::load(tx, &found, FileAge::default())?;
    let (mut plan, mut changed) = (ImportPlan::default(), BTreeMap::<OrderId, Order>::new());
    for row in rows {
        let report = match &row.outcome {
            RowCheck::Ignored => continue,
            _ if !exact.contains(row) => row_report(row, RowOutcome::Rejected, vec![inexact_reason(row)], None),
            RowCheck::Rejected(reasons) => row_report(row, RowOutcome::Rejected, reasons.clone(), None),
            RowCheck::Skipped(reasons) => row_report(row, RowOutcome::Skipped, reasons.clone(), None),
            RowCheck::Valid(content, warnings) => {
                let named = ids.get(&content.order_number).map_or(&[][..], Vec::as_slice);
                match (named, named.first().and_then(|id| orders.get(id))) {
                    ([_], Some(order)) => {
                        let before = changed.get(&order.id).unwrap_or(order);
                        let says = content.change.as_channel_row();
                        let effect = follower.effect(before, &says);
                        follower.note(before, &effect, plan.report.rows.len());
                        let recipient = order.recipient.name.clone();
                        let report = state_report(row, (before, &effect, &says), warnings);
                        let report = RowReport { recipient, ..report };
                        changed.insert(order.id, effect.after);
                        report
                    }
                    ([], _) => unknown_order(row),
                    _ => {
                        let message = "같은 번호의 주문이 여러 판매채널에 있어 정할 수 없어요";
                        let reasons = vec![order_reason(&content.order_number, message)];
                        row_report(row, RowOutcome::Rejected, reasons, None)
                    }
                }
            }
        };
        plan.report.rows.push(report);
    }
    let changes = changed.into_iter().filter_map(|(id, after)| Some((orders.get(&id)?.clone(), after)));
    plan.changes = changes.filter(|(before, after)| before != after).collect();
    follower.finish(tx, &mut plan)?;
    Ok(plan)
}

/// The answer to a row of a list of states.
fn state_report(
    row: &CheckedRow<StateRow>,
    (order, effect, says): (&Order, &RowEffect, &ChannelRow<'_>),
    warnings: &[Reason],
) -> RowReport {
    let changes = changes_between(order, &effect.after);
    let mut reasons = effect_reasons(order, effect, says);
    if effect.after != *order {
        reasons.extend_from_slice(warnings);
        return RowReport { changes, ..row_report(row, RowOutcome::Updated, reasons, None) };
    }
    if reasons.is_empty() {
        let is_further = says.progress.is_some_and(|progress| progress.state < order.state);
        let (column, value) = match &says.claim {
            Some(claim) => ("클레임", claim.claim().to_owned()),
            None => ("주문상태", order.state.label().to_owned()),
        };
        let message = if says.claim.is_some() && order.state >= OrderState::Cancelled {
            "이미 끝난 주문이라 그대로 두었어요"
        } else if is_further {
            "더 나아간 주문이라 되돌리지 않았어요"
        } else {
            "이미 반영되어 있어요"
        };
        reasons.push(Reason { column: column.to_owned(), value, message: message.to_owned() });
    }
    row_report(row, RowOutcome::Skipped, reasons, None)
}
