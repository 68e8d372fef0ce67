//! What a file would do to the orders as they stand: the answer to each row, and the changes.
//!
//! Reads the database, changes nothing. A preview shows the plan; applying makes it anew inside the
//! transaction that carries it out, so what happened in between is seen.

use std::collections::{BTreeMap, HashMap};

use super::check::{Checked, Outcome as Verdict, Reason, StateChange, StateRow, TrackingRow};
use super::model::{Outcome, Parcel, Report, RowReport};
use super::read::{ReadFile, Rows};
use super::store;
use crate::channels::store as channels;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store as orders;
use crate::orders::store::create::{Bundle, Bundles, bundles, findings};
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// What is to be done.
#[derive(Debug)]
pub struct Plan<'f> {
    /// the answer to each row
    pub report: Report,
    /// orders to create, in the bundles they travel in
    pub bundles: Vec<Bundle<'f>>,
    /// orders to change: what was, what will be
    pub change: Vec<(Order, Order)>,
}

/// Plans a file.
pub fn plan<'f>(tx: &mut dyn Tx, file: &'f ReadFile) -> Result<Plan<'f>> {
    let channel = channels::find_id(tx, &file.profile.code)?;
    match &file.rows {
        Rows::Orders(rows) => create(tx, (&file.profile.code, channel), rows),
        Rows::Tracking(rows) => {
            let mut plan = change(tx, channel, rows, |row| &row.order_number, track)?;
            plan.report.findings.courier_missing =
                rows.iter().any(|row| matches!(&row.outcome, Verdict::Ok(tracking, _) if tracking.courier.is_none()));
            Ok(plan)
        }
        Rows::States(rows) => change(tx, channel, rows, |row| &row.order_number, state),
    }
}

fn create<'f>(tx: &mut dyn Tx, (code, id): (&str, Option<i64>), rows: &'f [Checked<NewOrder>]) -> Result<Plan<'f>> {
    let keys = rows.iter().map(|row| row.key.as_str());
    let known = id.map(|channel| orders::known_numbers(tx, channel, keys)).transpose()?.unwrap_or_default();
    let mut first_rows: HashMap<&str, u32> = HashMap::with_capacity(rows.len());
    let (mut create, mut places) = (Vec::new(), Vec::new());
    let mut report = Report::default();
    for row in rows {
        let (outcome, reasons) = match &row.outcome {
            Verdict::Ignored => continue,
            Verdict::Skipped(reasons) => (Outcome::Skipped, reasons.clone()),
            // Nothing is done with the row of an order that is there, so nothing in it has to be mended.
            Verdict::Ok(..) | Verdict::Rejected(_) if known.contains(&row.key) => {
                (Outcome::Skipped, vec![about(&row.key, "이미 등록된 주문이에요")])
            }
            Verdict::Ok(..) | Verdict::Rejected(_) if first_rows.contains_key(row.key.as_str()) => {
                let first = first_rows[row.key.as_str()];
                (Outcome::Skipped, vec![about(&row.key, &format!("{first}행에 같은 주문이 있어요"))])
            }
            Verdict::Rejected(reasons) => (Outcome::Rejected, reasons.clone()),
            Verdict::Ok(order, warnings) => {
                first_rows.insert(&row.key, row.row);
                create.push(order.as_ref());
                places.push(report.rows.len());
                (Outcome::Created, warnings.clone())
            }
        };
        report.rows.push(self::report(row, outcome, reasons, None));
    }
    report.findings = findings(tx, &create)?;
    for (order, place) in create.iter().zip(&places) {
        let number = &order.product_number;
        if report.findings.disabled.iter().any(|disabled| disabled.product_number == *number) {
            let message = "사용하지 않는 상품의 주문이에요. 상품을 사용으로 바꿀 때까지 주문 목록에 보이지 않아요";
            let (column, value) = ("판매자 상품코드".to_owned(), number.clone());
            report.rows[*place].reasons.push(Reason { column, value, message: message.to_owned() });
        }
    }
    let Bundles { bundles, odd } = bundles(tx, code, &create)?;
    for index in odd {
        let reason = Reason {
            column: "묶음배송번호".to_owned(),
            value: create[index].bundle_number.clone(),
            message: "같은 묶음의 다른 주문과 받는 곳이나 배송방법이 달라요. 배송 전에 확인해 주세요".to_owned(),
        };
        report.rows[places[index]].reasons.push(reason);
    }
    Ok(Plan { report, bundles, change: Vec::new() })
}

fn about(order_number: &str, message: &str) -> Reason {
    Reason { column: "주문번호".to_owned(), value: order_number.to_owned(), message: message.to_owned() }
}

/// What a row does to its order: an outcome, the reasons for it, and another number than the order's.
type Decision = (Outcome, Vec<Reason>, Option<Parcel>);

fn change<'f, T>(
    tx: &mut dyn Tx,
    channel: Option<i64>,
    rows: &'f [Checked<T>],
    number: impl Fn(&T) -> &str,
    decide: impl Fn(&mut Order, &T, Moment) -> Decision,
) -> Result<Plan<'f>> {
    let now = tx.now();
    let mut changed: BTreeMap<String, (Order, Order)> = BTreeMap::new();
    let mut plan = Plan { report: Report::default(), bundles: Vec::new(), change: Vec::new() };
    for row in rows {
        let (outcome, reasons, conflict) = match &row.outcome {
            Verdict::Ignored => continue,
            Verdict::Rejected(reasons) => (Outcome::Rejected, reasons.clone(), None),
            Verdict::Skipped(reasons) => (Outcome::Skipped, reasons.clone(), None),
            Verdict::Ok(content, warnings) => {
                let key = number(content);
                if !changed.contains_key(key) {
                    match &store::orders_of(tx, channel, key)?[..] {
                        [id] => {
                            let found = orders::find(tx, &[*id])?.pop();
                            changed.extend(found.map(|order| (key.to_owned(), (order.clone(), order))));
                        }
                        [] => {
                            plan.report.rows.push(skipped(row, "등록되지 않은 주문이에요"));
                            continue;
                        }
                        _ => {
                            let reasons = vec![about(key, "같은 번호의 주문이 여러 판매채널에 있어 정할 수 없어요")];
                            plan.report.rows.push(report(row, Outcome::Rejected, reasons, None));
                            continue;
                        }
                    }
                }
                let Some((_, order)) = changed.get_mut(key) else { continue };
                let (outcome, mut reasons, conflict) = decide(order, content, now);
                if outcome == Outcome::Updated {
                    reasons.extend(warnings.iter().cloned());
                }
                (outcome, reasons, conflict)
            }
        };
        plan.report.rows.push(report(row, outcome, reasons, conflict));
    }
    plan.change = changed.into_values().filter(|(was, is)| was != is).collect();
    Ok(plan)
}

fn report<T>(row: &Checked<T>, outcome: Outcome, reasons: Vec<Reason>, conflict: Option<Parcel>) -> RowReport {
    RowReport { row: row.row, order_number: row.key.clone(), outcome, reasons, conflict }
}

fn skipped<T>(row: &Checked<T>, message: &str) -> RowReport {
    report(row, Outcome::Skipped, vec![about(&row.key, message)], None)
}

fn track(order: &mut Order, row: &TrackingRow, now: Moment) -> Decision {
    let reason = |message: String| {
        vec![Reason { column: "송장번호".to_owned(), value: row.tracking_number.clone(), message }]
    };
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return (Outcome::Skipped, reason(format!("{}된 주문이라 그대로 두었어요", order.state.label())), None);
    }
    if order.tracking_number == row.tracking_number && order.state >= OrderState::Shipped {
        return (Outcome::Skipped, reason("이미 등록된 송장번호예요".to_owned()), None);
    }
    if !order.tracking_number.is_empty() && order.tracking_number != row.tracking_number {
        let message = format!("이미 다른 송장번호({})가 있어요. 맞는 번호를 확인해 주세요", order.tracking_number);
        let courier = row.courier.clone().unwrap_or_default();
        let other = Parcel { tracking_number: row.tracking_number.clone(), courier };
        return (Outcome::Rejected, reason(message), Some(other));
    }
    order.tracking_number.clone_from(&row.tracking_number);
    let unknown_courier = row.courier.is_none() && order.courier.is_empty();
    if let Some(courier) = &row.courier {
        order.courier.clone_from(courier);
    }
    order.proceed(OrderState::Shipped, now);
    let reasons =
        if unknown_courier { reason("택배사를 알 수 없어 비워 두었어요".to_owned()) } else { Vec::new() };
    (Outcome::Updated, reasons, None)
}

fn state(order: &mut Order, row: &StateRow, _now: Moment) -> Decision {
    let reason = |message: &str| {
        let value = order.state.label().to_owned();
        vec![Reason { column: "주문상태".to_owned(), value, message: message.to_owned() }]
    };
    let (to, at, claim) = match &row.change {
        StateChange::Confirm(at) => (OrderState::Confirmed, *at, ""),
        StateChange::Cancel(at) => (OrderState::Cancelled, *at, ""),
        StateChange::Refund { exchange: false, at } => (OrderState::Refunded, *at, ""),
        StateChange::Refund { exchange: true, at } => (OrderState::Refunded, *at, "교환완료"),
        StateChange::SetClaim(word) => return claimed(order, word),
        StateChange::ClearClaim => return claimed(order, ""),
    };
    match order.state.cmp(&to) {
        std::cmp::Ordering::Equal => (Outcome::Skipped, reason("이미 반영되어 있어요"), None),
        std::cmp::Ordering::Greater => (Outcome::Skipped, reason("더 나아간 주문이라 되돌리지 않았어요"), None),
        std::cmp::Ordering::Less => {
            order.proceed(to, at);
            claim.clone_into(&mut order.claim);
            (Outcome::Updated, Vec::new(), None)
        }
    }
}

fn claimed(order: &mut Order, claim: &str) -> Decision {
    let over = order.state >= OrderState::Cancelled;
    if order.claim == claim || over {
        let message =
            if over { "이미 끝난 주문이라 그대로 두었어요" } else { "이미 반영되어 있어요" };
        let reason = Reason { column: "클레임".to_owned(), value: claim.to_owned(), message: message.to_owned() };
        return (Outcome::Skipped, vec![reason], None);
    }
    claim.clone_into(&mut order.claim);
    (Outcome::Updated, Vec::new(), None)
}

#[cfg(test)]
mod tests;
