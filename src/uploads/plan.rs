//! Effect of a file on the stored orders: the answer to each row, and the changes to execute.
//!
//! Reads the database and changes nothing. A preview shows the plan. Applying plans again, inside the
//! transaction that executes the plan, so that concurrent changes are taken into account.

mod parcels;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::check::{CheckedRow, Reason, RowCheck, StateChange, StateRow, TrackingRow};
use super::model::{Report, RowOutcome, RowReport, TrackingChange};
use super::parse::{ParsedFile, ParsedRows};
use crate::channels::store as channels;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store as orders;
use crate::orders::store::create::{Bundle, Bundles, bundles, findings};
use crate::sheets::values;
use crate::storage::{Result, Tx};
use crate::time::Moment;
use parcels::{SharedNumbers, add_parcel, has_parcels};

/// Effect of a file.
#[derive(Debug)]
pub struct ImportPlan<'f> {
    /// the answer to each row
    pub report: Report,
    /// orders to create, by bundle
    pub bundles: Vec<Bundle<'f>>,
    /// orders to change, before and after
    pub changes: Vec<(Order, Order)>,
}

/// Plans a file.
///
/// # Errors
/// The database failed.
pub fn plan<'f>(tx: &mut dyn Tx, file: &'f ParsedFile) -> Result<ImportPlan<'f>> {
    let channel = channels::find_id(tx, &file.profile.code)?;
    let mut plan = match &file.rows {
        ParsedRows::Orders(rows) => plan_orders(tx, (&file.profile.code, channel), rows)?,
        ParsedRows::Tracking(rows) => {
            let shared = SharedNumbers::find(tx, channel, rows)?;
            // The parcels of an order follow one another. Another number further down is a correction or a mistake.
            let previous = Cell::new(None);
            let set = |order: &mut Order, row: &TrackingRow, now: Moment| {
                let is_next_parcel = previous.get() == Some(order.id);
                let special =
                    shared.conflict(order, row).or_else(|| is_next_parcel.then(|| add_parcel(order, row)).flatten());
                let decision = special.unwrap_or_else(|| set_tracking(order, row, now));
                previous.set((decision.0 == RowOutcome::Updated).then_some(order.id));
                decision
            };
            let mut plan = plan_changes(tx, channel, rows, |row| &row.order_number, set)?;
            plan.report.findings.courier_missing = file.lacks_courier();
            plan
        }
        ParsedRows::States(rows) => plan_changes(tx, channel, rows, |row| &row.order_number, set_state)?,
    };
    file.describe(&mut plan.report);
    Ok(plan)
}

/// Plans an order file: unknown orders are created, known ones skipped.
fn plan_orders<'f>(
    tx: &mut dyn Tx,
    (code, id): (&str, Option<i64>),
    rows: &'f [CheckedRow<NewOrder>],
) -> Result<ImportPlan<'f>> {
    let exact = ExactKeys::new(tx, id, rows)?;
    let keys = rows.iter().map(|row| row.key.as_str());
    let known = id.map(|channel| orders::known_numbers(tx, channel, keys)).transpose()?.unwrap_or_default();
    let mut first_rows: HashMap<&str, u32> = HashMap::with_capacity(rows.len());
    let (mut create, mut report_indexes) = (Vec::new(), Vec::new());
    let mut report = Report::default();
    for row in rows {
        let (outcome, reasons) = match &row.outcome {
            RowCheck::Ignored => continue,
            _ if !exact.contains(row) => (RowOutcome::Rejected, vec![inexact_reason(row)]),
            RowCheck::Skipped(reasons) => (RowOutcome::Skipped, reasons.clone()),
            // Rows of known orders have no effect, so that errors in them do not matter.
            RowCheck::Valid(..) | RowCheck::Rejected(_) if known.contains(&row.key) => {
                (RowOutcome::Skipped, vec![order_reason(&row.key, "이미 등록된 주문이에요")])
            }
            RowCheck::Valid(..) | RowCheck::Rejected(_) if first_rows.contains_key(row.key.as_str()) => {
                let first = first_rows[row.key.as_str()];
                (RowOutcome::Skipped, vec![order_reason(&row.key, &format!("{first}행에 같은 주문이 있어요"))])
            }
            RowCheck::Rejected(reasons) => (RowOutcome::Rejected, reasons.clone()),
            RowCheck::Valid(order, warnings) => {
                first_rows.insert(&row.key, row.row);
                create.push(order.as_ref());
                report_indexes.push(report.rows.len());
                (RowOutcome::Created, warnings.clone())
            }
        };
        report.rows.push(row_report(row, outcome, reasons, None));
    }
    report.findings = findings(tx, &create)?;
    for (order, index) in create.iter().zip(&report_indexes) {
        let number = &order.product_number;
        if report.findings.disabled.iter().any(|disabled| disabled.product_number == *number) {
            let message = "사용하지 않는 상품의 주문이에요. 상품을 사용으로 바꿀 때까지 주문 목록에 보이지 않아요";
            let (column, value) = ("판매자 상품코드".to_owned(), number.clone());
            report.rows[*index].reasons.push(Reason { column, value, message: message.to_owned() });
        }
    }
    let Bundles { bundles, mismatched } = bundles(tx, code, &create)?;
    for index in mismatched {
        let reason = Reason {
            column: "묶음배송번호".to_owned(),
            value: create[index].bundle_number.clone(),
            message: "같은 묶음의 다른 주문과 받는 곳이나 배송방법이 달라요. 배송 전에 확인해 주세요".to_owned(),
        };
        report.rows[report_indexes[index]].reasons.push(reason);
    }
    Ok(ImportPlan { report, bundles, changes: Vec::new() })
}

/// The rows whose order number a spreadsheet may have rounded, and which of these numbers count nevertheless.
struct ExactKeys(BTreeSet<String>);

impl ExactKeys {
    fn new<T>(tx: &mut dyn Tx, channel: Option<i64>, rows: &[CheckedRow<T>]) -> Result<Self> {
        let doubtful = rows.iter().filter(|row| row.is_inexact).map(|row| row.key.as_str());
        orders::surely_known_numbers(tx, channel, doubtful).map(Self)
    }

    /// Whether the order number of a row can be trusted.
    fn contains<T>(&self, row: &CheckedRow<T>) -> bool {
        !row.is_inexact || self.0.contains(&row.key)
    }
}

fn inexact_reason<T>(row: &CheckedRow<T>) -> Reason {
    order_reason(&row.key, values::INEXACT)
}

fn order_reason(order_number: &str, message: &str) -> Reason {
    Reason { column: "주문번호".to_owned(), value: order_number.to_owned(), message: message.to_owned() }
}

/// Effect of a row: its outcome, the reasons, and the conflicting tracking number if any.
type RowDecision = (RowOutcome, Vec<Reason>, Option<TrackingChange>);

/// Plans changes of stored orders; `decide` changes the order of a row.
fn plan_changes<'f, T>(
    tx: &mut dyn Tx,
    channel: Option<i64>,
    rows: &'f [CheckedRow<T>],
    number: impl Fn(&T) -> &str,
    decide: impl Fn(&mut Order, &T, Moment) -> RowDecision,
) -> Result<ImportPlan<'f>> {
    let now = tx.now();
    let exact = ExactKeys::new(tx, channel, rows)?;
    let numbers: Vec<&str> = rows
        .iter()
        .filter_map(|row| if let RowCheck::Valid(content, _) = &row.outcome { Some(number(content)) } else { None })
        .collect();
    let ids = orders::ids_by_number(tx, channel, &numbers)?;
    let found: Vec<i64> = ids.values().filter_map(|ids| if let [id] = ids[..] { Some(id) } else { None }).collect();
    let mut found: HashMap<i64, Order> = orders::find(tx, &found)?.into_iter().map(|order| (order.id, order)).collect();
    let mut changed: BTreeMap<String, (Order, Order)> = BTreeMap::new();
    let mut plan = ImportPlan { report: Report::default(), bundles: Vec::new(), changes: Vec::new() };
    for row in rows {
        let (outcome, reasons, conflict) = match &row.outcome {
            RowCheck::Ignored => continue,
            _ if !exact.contains(row) => (RowOutcome::Rejected, vec![inexact_reason(row)], None),
            RowCheck::Rejected(reasons) => (RowOutcome::Rejected, reasons.clone(), None),
            RowCheck::Skipped(reasons) => (RowOutcome::Skipped, reasons.clone(), None),
            RowCheck::Valid(content, warnings) => {
                let key = number(content);
                if !changed.contains_key(key) {
                    match ids.get(key).map_or(&[][..], Vec::as_slice) {
                        [id] => {
                            let found = found.remove(id);
                            changed.extend(found.map(|order| (key.to_owned(), (order.clone(), order))));
                        }
                        [] => {
                            plan.report.rows.push(skipped(row, "등록되지 않은 주문이에요"));
                            continue;
                        }
                        _ => {
                            let reasons =
                                vec![order_reason(key, "같은 번호의 주문이 여러 판매채널에 있어 정할 수 없어요")];
                            plan.report.rows.push(row_report(row, RowOutcome::Rejected, reasons, None));
                            continue;
                        }
                    }
                }
                let Some((_, order)) = changed.get_mut(key) else { continue };
                let (outcome, mut reasons, conflict) = decide(order, content, now);
                if outcome == RowOutcome::Updated {
                    reasons.extend(warnings.iter().cloned());
                }
                (outcome, reasons, conflict)
            }
        };
        plan.report.rows.push(row_report(row, outcome, reasons, conflict));
    }
    plan.changes = changed.into_values().filter(|(was, is)| was != is).collect();
    Ok(plan)
}

fn row_report<T>(
    row: &CheckedRow<T>,
    outcome: RowOutcome,
    reasons: Vec<Reason>,
    conflict: Option<TrackingChange>,
) -> RowReport {
    RowReport {
        position: 0,
        sheet: String::new(),
        row: row.row,
        order_number: row.key.clone(),
        outcome,
        reasons,
        conflict,
    }
}

fn skipped<T>(row: &CheckedRow<T>, message: &str) -> RowReport {
    row_report(row, RowOutcome::Skipped, vec![order_reason(&row.key, message)], None)
}

impl TrackingRow {
    /// The row for a member to decide about.
    fn change(&self) -> TrackingChange {
        let courier = self.courier.clone().unwrap_or_default();
        TrackingChange { tracking_number: self.tracking_number.clone(), courier }
    }
}

/// Sets the tracking number and advances the order to SHIPPED. An open cancellation keeps the order where it is.
fn set_tracking(order: &mut Order, row: &TrackingRow, now: Moment) -> RowDecision {
    let reason = |message: String| {
        vec![Reason { column: "송장번호".to_owned(), value: row.tracking_number.clone(), message }]
    };
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return (RowOutcome::Skipped, reason(format!("{}된 주문이라 그대로 두었어요", order.state.label())), None);
    }
    if has_parcels(order, row) && order.state >= OrderState::Shipped {
        return (RowOutcome::Skipped, reason("이미 등록된 송장번호예요".to_owned()), None);
    }
    if order.is_held_from(OrderState::Shipped) {
        let message = "취소 요청이 들어온 주문이라 송장번호를 등록하지 않았어요. 판매채널에서 먼저 처리해 주세요";
        let reason = Reason { column: "클레임".to_owned(), value: order.claim.clone(), message: message.to_owned() };
        return (RowOutcome::Rejected, vec![reason], Some(row.change()));
    }
    if !order.tracking_number.is_empty() && !has_parcels(order, row) {
        let message = format!("이미 다른 송장번호({})가 있어요. 맞는 번호를 확인해 주세요", order.tracking_number);
        return (RowOutcome::Rejected, reason(message), Some(row.change()));
    }
    if order.tracking_number.is_empty() {
        order.tracking_number.clone_from(&row.tracking_number);
    }
    let lacks_courier = row.courier.is_none() && order.courier.is_empty();
    if let Some(courier) = &row.courier {
        order.courier.clone_from(courier);
    }
    order.advance(OrderState::Shipped, now);
    let reasons =
        if lacks_courier { reason("택배사를 알 수 없어 비워 두었어요".to_owned()) } else { Vec::new() };
    (RowOutcome::Updated, reasons, None)
}

/// Advances the order to a final state, or sets or clears its claim.
fn set_state(order: &mut Order, row: &StateRow, _now: Moment) -> RowDecision {
    let reason = |message: &str| {
        let value = order.state.label().to_owned();
        vec![Reason { column: "주문상태".to_owned(), value, message: message.to_owned() }]
    };
    let (to, at, claim) = match &row.change {
        StateChange::Confirm(at) => (OrderState::Confirmed, *at, ""),
        StateChange::Cancel(at) => (OrderState::Cancelled, *at, ""),
        StateChange::Refund { exchange: false, at } => (OrderState::Refunded, *at, ""),
        StateChange::Refund { exchange: true, at } => (OrderState::Refunded, *at, "교환완료"),
        StateChange::SetClaim(word) => return set_claim(order, word),
        StateChange::ClearClaim => return set_claim(order, ""),
    };
    match order.state.cmp(&to) {
        std::cmp::Ordering::Equal => (RowOutcome::Skipped, reason("이미 반영되어 있어요"), None),
        std::cmp::Ordering::Greater => (RowOutcome::Skipped, reason("더 나아간 주문이라 되돌리지 않았어요"), None),
        std::cmp::Ordering::Less => {
            order.advance(to, at);
            claim.clone_into(&mut order.claim);
            (RowOutcome::Updated, Vec::new(), None)
        }
    }
}

fn set_claim(order: &mut Order, claim: &str) -> RowDecision {
    let is_final = order.state >= OrderState::Cancelled;
    if order.claim == claim || is_final {
        let message = if is_final {
            "이미 끝난 주문이라 그대로 두었어요"
        } else {
            "이미 반영되어 있어요"
        };
        let reason = Reason { column: "클레임".to_owned(), value: claim.to_owned(), message: message.to_owned() };
        return (RowOutcome::Skipped, vec![reason], None);
    }
    claim.clone_into(&mut order.claim);
    (RowOutcome::Updated, Vec::new(), None)
}

#[cfg(test)]
mod tests;
