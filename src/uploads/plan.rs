//! Effect of a file on the stored orders: the answer to each row, and the changes to execute.
//!
//! Reads the database and changes nothing. A preview shows the plan. Applying plans again, inside the
//! transaction that executes the plan, so that concurrent changes are taken into account.

mod companions;
mod district_warnings;
mod follow;
mod known;
mod parcels;
mod purchases;
mod row_report;
mod states;

use std::cell::Cell;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use self::district_warnings::plan_with_districts;
use self::follow::{Follower, effect_reasons, unchanged_reason, warn_of_split_bundles};
use self::known::known_orders;
pub use self::known::{NumberedLine, orders_of_changed_options};
use self::row_report::{RowContent, row_report, unknown_order};
use super::check::{CheckedRow, Reason, RowCheck, TrackingRow, is_not_understood, place};
use super::model::{Report, RowOutcome, RowReport, TrackingChange};
use super::parse::{ParsedFile, ParsedRows};
use super::store;
use crate::channels::{Profile, store as channels};
use crate::id::{ChannelId, ConflictId, OrderId, UploadId};
use crate::orders::follow::{ChannelRow, FileAge, FollowedField, RowEffect, changes_between};
use crate::orders::model::{NewOrder, Order, OrderState, ShippingMethod};
use crate::orders::store as orders;
use crate::orders::store::channel_conflicts::NewConflict;
use crate::orders::store::create::{Bundle, Bundles, bundles, findings};
use crate::orders::store::statements::NewStatement;
use crate::products::store as products;
use crate::sheets::values;
use crate::storage::{Result, Tx};
use crate::time::Moment;
use parcels::{SharedNumbers, add_parcel, has_parcels};

/// Effect of a file.
#[derive(Debug, Default)]
pub struct ImportPlan<'f> {
    /// the answer to each row
    pub report: Report,
    /// orders to create, by bundle
    pub bundles: Vec<Bundle<'f>>,
    /// orders to change, before and after
    pub changes: Vec<(Order, Order)>,
    /// what the channel says for the first time
    pub statements: Vec<NewStatement>,
    /// values that wait for a decision
    pub conflicts: Vec<NewConflict>,
    /// open conflicts that this file settles, with their uploads
    pub replaced: Vec<(ConflictId, UploadId)>,
}

/// Plans a file.
///
/// # Errors
/// The database failed.
pub fn plan<'f>(tx: &mut dyn Tx, file: &'f ParsedFile) -> Result<ImportPlan<'f>> {
    let channel = channels::find_id(tx, &file.profile.code)?;
    let (mut plan, sheets) = match &file.rows {
        ParsedRows::Orders(rows) => {
            let plan = plan_orders(tx, (&file.profile, channel), (rows, file.made_at, &file.sheets))?;
            (plan, sheets_of(rows))
        }
        ParsedRows::Tracking(rows) => {
            let rows = purchases::by_order(tx, channel, rows)?;
            let rows = companions::with_companions(tx, channel, rows)?;
            let shared = SharedNumbers::find(tx, channel, &rows)?;
            // The parcels of an order follow one another. Another number further down is a correction or a mistake.
            let previous = Cell::new(None);
            let set = |order: &mut Order, row: &TrackingRow, now: Moment| {
                let is_next_parcel = previous.get() == Some(order.id);
                let special =
                    shared.conflict(order, row).or_else(|| is_next_parcel.then(|| add_parcel(order, row)).flatten());
                let named = NamedOrder {
                    despite_claim: file.despite_claim.contains(&order.order_number),
                    as_parcel: file.as_parcel.contains(&order.order_number),
                };
                let plan = special.unwrap_or_else(|| set_tracking(order, row, now, named));
                previous.set((plan.outcome == RowOutcome::Updated).then_some(order.id));
                plan
            };
            let sheets = sheets_of(&rows);
            let mut plan = plan_changes(tx, channel, &rows, |row| &row.order_number, set)?;
            plan.report.findings.courier_missing = file.lacks_courier();
            if !file.as_parcel.is_empty() {
                let rows = plan.report.rows.iter().enumerate().map(|(index, row)| (row.order_number.as_str(), index));
                let rows: HashMap<&str, usize> = rows.collect();
                let row_of = |(order, _): &(Order, Order)| Some((order.id, *rows.get(order.order_number.as_str())?));
                let rows: HashMap<OrderId, usize> = plan.changes.iter().filter_map(row_of).collect();
                warn_of_split_bundles(tx, &plan.changes, &rows, &mut plan.report)?;
            }
            (plan, sheets)
        }
        ParsedRows::States(rows) => (states::plan_states(tx, channel, rows)?, sheets_of(rows)),
    };
    file.describe(&mut plan.report, &sheets);
    note_repeated(&mut plan.report);
    note_without_courier(&mut plan.report);
    Ok(plan)
}

/// The sheet of each row that the report has.
fn sheets_of<T>(rows: &[CheckedRow<T>]) -> Vec<usize> {
    rows.iter().filter(|row| !matches!(row.outcome, RowCheck::Ignored)).map(|row| row.sheet).collect()
}

/// A row of an order file with its effect.
enum PlannedRow<'k, 'f> {
    /// nothing to do, or invalid
    Done(RowOutcome, Vec<Reason>),
    /// a new order, with its warnings
    Create(&'f NewOrder, &'f [Reason]),
    /// a known order, with the warnings, or the errors of an invalid row
    Follow { order: &'k Order, row: ChannelRow<'f>, effect: Box<RowEffect>, reasons: &'f [Reason], is_partial: bool },
}

/// Plans an order file: unknown orders are created, known ones follow their channel.
fn plan_orders<'f>(
    tx: &mut dyn Tx,
    (profile, id): (&Profile, Option<ChannelId>),
    (rows, made_at, sheets): (&'f [CheckedRow<NewOrder>], Option<Moment>, &[String]),
) -> Result<ImportPlan<'f>> {
    let exact = ExactKeys::new(tx, id, rows)?;
    let known = known_orders(tx, id, profile, rows)?;
    let products =
        products::by_number(tx, contents(rows).map(|new| new.product_number.as_str()).collect::<BTreeSet<_>>())?;
    let (mut other_products, mut ids_by_name) = (BTreeSet::new(), HashMap::new());
    for new in contents(rows) {
        if let Some(order) = known.get(&new.order_number)
            && products.get(&new.product_number).is_none_or(|product| product.id != order.product_id)
        {
            let id = match ids_by_name.entry(new.product_name.as_str()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(unknown) => *unknown.insert(products::id_by_name(tx, &new.product_name)?),
            };
            if id != Some(order.product_id) {
                other_products.insert(order.id);
            }
        }
    }
    let age = file_age(tx, &profile.code, rows, made_at)?;
    let ids: Vec<OrderId> = known.values().map(|order| order.id).collect();
    let mut follower = Follower::load(tx, &ids, age)?;
    let mut planned = planned_rows(&follower, (rows, &exact, sheets), &known, &other_products);
    let older = planned.iter().filter(|(_, row)| row.is_older()).count();
    let newer = planned.iter().filter(|(_, row)| row.is_newer()).count();
    follower.age.is_older |= older > newer && !follower.age.is_surely_newer;
    if follower.age.is_older {
        planned = planned_rows(&follower, (rows, &exact, sheets), &known, &other_products);
    }

    let mut plan = ImportPlan::default();
    plan.report.made_at = follower.age.made_at;
    plan.report.is_older_file = follower.age.is_older && planned.iter().any(|(_, row)| row.is_older());
    let (mut create, mut report_indexes, mut index_of) = (Vec::new(), Vec::new(), HashMap::new());
    for (row, planned) in planned {
        let index = plan.report.rows.len();
        let report = match planned {
            PlannedRow::Done(outcome, reasons) => row_report(row, outcome, reasons, None),
            PlannedRow::Create(order, warnings) => {
                create.push(order);
                report_indexes.push(index);
                row_report(row, RowOutcome::Created, warnings.to_vec(), None)
            }
            PlannedRow::Follow { order, row: says, effect, reasons, is_partial } => {
                follower.note(order, &effect, index);
                let changes = changes_between(order, &effect.after);
                let is_changed = effect.after != *order;
                let outcome = match (is_changed, is_partial) {
                    (true, _) => RowOutcome::Updated,
                    (false, true) => RowOutcome::Rejected,
                    (false, false) => RowOutcome::Skipped,
                };
                let is_told = |reason: &&Reason| is_changed || is_partial || is_not_understood(reason);
                let mut reasons: Vec<Reason> = reasons.iter().filter(is_told).cloned().collect();
                reasons.extend(effect_reasons(order, &effect, &says));
                if outcome == RowOutcome::Skipped && reasons.is_empty() {
                    reasons.push(unchanged_reason(&row.key));
                }
                if is_changed {
                    index_of.insert(order.id, index);
                    plan.changes.push((order.clone(), effect.after));
                }
                // After a change of the option, the number of the row may be another one than that of the order.
                let order_number = order.order_number.clone();
                RowReport { order_number, changes, ..row_report(row, outcome, reasons, None) }
            }
        };
        plan.report.rows.push(report);
    }
    follower.finish(tx, &mut plan)?;
    warn_of_split_bundles(tx, &plan.changes, &index_of, &mut plan.report)?;
    add_new_orders(tx, &profile.code, &create, &report_indexes, &mut plan)?;
    Ok(plan)
}

/// The valid and the partly valid rows.
pub(super) fn contents(rows: &[CheckedRow<NewOrder>]) -> impl Iterator<Item = &NewOrder> {
    rows.iter().filter_map(|row| match &row.outcome {
        RowCheck::Valid(new, _) => Some(new.as_ref()),
        _ => row.partial.as_deref(),
    })
}

/// What an order file proves about its age. The date in its name counts only if it can be true.
fn file_age(tx: &mut dyn Tx, code: &str, rows: &[CheckedRow<NewOrder>], made_at: Option<Moment>) -> Result<FileAge> {
    let newest_order = contents(rows).map(|new| new.placed_at).max();
    let now = tx.now();
    let is_possible = |made_at: &Moment| newest_order.is_none_or(|newest| newest <= *made_at) && *made_at <= now;
    let made_at = made_at.filter(is_possible);
    let newest_order = newest_order.filter(|newest| *newest <= now);
    let before = store::newest_order_file(tx, code)?;
    let is_older = made_at.zip(before.made_at).is_some_and(|(made_at, newest)| made_at < newest);
    let is_after_names = made_at.zip(before.made_at).is_some_and(|(made_at, newest)| made_at > newest);
    // Made later than the shop received the last one.
    let is_after_receipt = made_at.max(newest_order).zip(before.received_at).is_some_and(|(at, last)| at > last);
    Ok(FileAge {
        made_at,
        newest_order,
        is_older,
        is_surely_older: is_older,
        is_surely_newer: !is_older && (is_after_names || is_after_receipt),
    })
}

/// Each row with its effect; blank rows are left out.
fn planned_rows<'k, 'f: 'k>(
    follower: &Follower,
    (rows, exact, sheets): (&'f [CheckedRow<NewOrder>], &ExactKeys, &[String]),
    known: &'k HashMap<String, Order>,
    other_products: &BTreeSet<OrderId>,
) -> Vec<(&'f CheckedRow<NewOrder>, PlannedRow<'k, 'f>)> {
    let mut first_rows: HashMap<&str, &CheckedRow<NewOrder>> = HashMap::with_capacity(rows.len());
    let mut planned = Vec::with_capacity(rows.len());
    for row in rows {
        let follow = |new: &'f NewOrder, order: &'k Order, reasons: &'f [Reason], is_partial| {
            let says = ChannelRow::of_order_file(new, other_products.contains(&order.id));
            let effect = Box::new(follower.effect(order, &says));
            PlannedRow::Follow { order, row: says, effect, reasons, is_partial }
        };
        let repeats = first_rows.get(row.key.as_str()).map(|first| repeated(first, row, sheets));
        let entry = match (&row.outcome, known.get(&row.key)) {
            (RowCheck::Ignored, _) => continue,
            _ if !exact.contains(row) => PlannedRow::Done(RowOutcome::Rejected, vec![inexact_reason(row)]),
            (RowCheck::Skipped(reasons), _) => PlannedRow::Done(RowOutcome::Skipped, reasons.clone()),
            (RowCheck::Valid(..) | RowCheck::Rejected(_), _) if repeats.is_some() => {
                PlannedRow::Done(RowOutcome::Skipped, repeats.unwrap_or_default())
            }
            (RowCheck::Valid(new, warnings), Some(order)) => follow(new, order, warnings, false),
            (RowCheck::Valid(new, warnings), None) => PlannedRow::Create(new, warnings),
            (RowCheck::Rejected(reasons), order) => match (order, &row.partial) {
                (Some(order), Some(new)) => follow(new, order, reasons, true),
                _ => PlannedRow::Done(RowOutcome::Rejected, reasons.clone()),
            },
        };
        if !matches!(entry, PlannedRow::Done(..)) {
            first_rows.insert(&row.key, row);
        }
        planned.push((row, entry));
    }
    planned
}

/// What is said of a row that repeats a number with other content.
const OTHER_CONTENT: &str = "번호는 같은데 내용이 달라요";

/// Why a row with the number of an earlier one changes nothing.
fn repeated(first: &CheckedRow<NewOrder>, row: &CheckedRow<NewOrder>, sheets: &[String]) -> Vec<Reason> {
    let place = place(first, sheets);
    let pair = contents(std::slice::from_ref(first)).next().zip(contents(std::slice::from_ref(row)).next());
    let labels = pair.map_or_else(Vec::new, |(one, other)| {
        let is_value = |field: &FollowedField| !matches!(field, FollowedField::State | FollowedField::Claim);
        let differs = |field: &FollowedField| !field.is_same(&field.of_row(one), &field.of_row(other));
        let product = (one.product_number != other.product_number).then_some("상품");
        let fields = FollowedField::ALL.into_iter().filter(is_value).filter(differs);
        product.into_iter().chain(fields.map(FollowedField::label)).collect()
    });
    vec![order_reason(
        &row.key,
        &if labels.is_empty() {
            format!("{place}에 같은 주문이 있어요")
        } else {
            format!("{place}과 {OTHER_CONTENT}({}). 앞의 행만 썼으니 판매채널에서 확인해 주세요", labels.join(", "))
        },
    )]
}

/// Tells how many rows repeat a number with other content: an order may be lost.
fn note_repeated(report: &mut Report) {
    let is_other = |row: &&RowReport| row.reasons.iter().any(|reason| reason.message.contains(OTHER_CONTENT));
    let rows = report.rows.iter().filter(is_other).count();
    if rows > 0 {
        report
            .findings
            .notes
            .push(format!("{OTHER_CONTENT}: {rows}행. 앞의 행만 썼어요. ‘변경 없음’에서 확인해 주세요"));
    }
}

impl PlannedRow<'_, '_> {
    fn is_older(&self) -> bool {
        matches!(self, Self::Follow { effect, .. } if effect.is_older())
    }

    fn is_newer(&self) -> bool {
        match self {
            Self::Done(..) => false,
            Self::Create(..) => true,
            Self::Follow { effect, .. } => effect.is_newer() && !effect.is_older(),
        }
    }
}

/// Adds the new orders of a file to its plan: their products, and their bundles.
fn add_new_orders<'f>(
    tx: &mut dyn Tx,
    code: &str,
    create: &[&'f NewOrder],
    report_indexes: &[usize],
    plan: &mut ImportPlan<'f>,
) -> Result<()> {
    let report = &mut plan.report;
    report.findings = findings(tx, create)?;
    for (order, index) in create.iter().zip(report_indexes) {
        let number = &order.product_number;
        if report.findings.disabled.iter().any(|disabled| disabled.product_number == *number) {
            let message = "사용하지 않는 상품의 주문이에요. 상품을 사용으로 바꿀 때까지 주문 목록에 보이지 않아요";
            let (column, value) = ("판매자 상품코드".to_owned(), number.clone());
            report.rows[*index].reasons.push(Reason { column, value, message: message.to_owned() });
        }
        if order.shipping_method.is_without_courier() && !order.tracking_number.is_empty() {
            let method = order.shipping_method.label();
            let message = format!("{method} 주문인데 송장번호가 있어요. 택배로 보냈으면 배송방법을 바꿔 주세요");
            let (column, value) = ("송장번호".to_owned(), order.tracking_number.clone());
            report.rows[*index].reasons.push(Reason { column, value, message });
        }
    }
    let Bundles { bundles, mismatched } = bundles(tx, code, create)?;
    for index in mismatched {
        let reason = Reason {
            column: "묶음배송번호".to_owned(),
            value: create[index].bundle_number.clone(),
            message: "같은 묶음의 다른 주문과 배송지나 배송방법이 달라요. 배송 전에 확인해 주세요".to_owned(),
        };
        report.rows[report_indexes[index]].reasons.push(reason);
    }
    plan.bundles = bundles;
    Ok(())
}

/// The rows whose order number a spreadsheet may have rounded, and which of these numbers count nevertheless.
struct ExactKeys(BTreeSet<String>);

impl ExactKeys {
    fn new<T>(tx: &mut dyn Tx, channel: Option<ChannelId>, rows: &[CheckedRow<T>]) -> Result<Self> {
        let doubtful = rows.iter().filter(|row| row.is_inexact).map(|row| row.key.as_str());
        orders::surely_known_numbers(tx, channel, doubtful).map(Self)
    }

    /// Whether the order number of a row can be trusted.
    fn contains<T>(&self, row: &CheckedRow<T>) -> bool {
        !row.is_inexact || self.0.contains(&row.key)
    }
}

fn inexact_reason<T>(row: &CheckedRow<T>) -> Reason {
    let is_rounded = values::kept_prefix(&row.key).is_some();
    order_reason(&row.key, if is_rounded { values::INEXACT } else { values::UNFORMATTED })
}

fn order_reason(order_number: &str, message: &str) -> Reason {
    Reason { column: "상품주문번호".to_owned(), value: order_number.to_owned(), message: message.to_owned() }
}

/// Effect of a row.
struct RowPlan {
    outcome: RowOutcome,
    reasons: Vec<Reason>,
    /// a tracking number that a member decides about
    conflict: Option<TrackingChange>,
}

impl RowPlan {
    fn new(outcome: RowOutcome, reasons: Vec<Reason>) -> Self {
        Self { outcome, reasons, conflict: None }
    }

    fn conflict(reason: Reason, conflict: TrackingChange) -> Self {
        Self { conflict: Some(conflict), ..Self::new(RowOutcome::Rejected, vec![reason]) }
    }
}

/// Plans changes of stored orders; `decide` changes the order of a row.
fn plan_changes<'f, T: RowContent>(
    tx: &mut dyn Tx,
    channel: Option<ChannelId>,
    rows: &[CheckedRow<T>],
    number: impl Fn(&T) -> &str,
    decide: impl Fn(&mut Order, &T, Moment) -> RowPlan,
) -> Result<ImportPlan<'f>> {
    let now = tx.now();
    let exact = ExactKeys::new(tx, channel, rows)?;
    let numbers: Vec<&str> = rows
        .iter()
        .filter_map(|row| if let RowCheck::Valid(content, _) = &row.outcome { Some(number(content)) } else { None })
        .collect();
    let ids = orders::ids_by_number(tx, channel, &numbers)?;
    let found: Vec<OrderId> = ids.values().filter_map(|ids| if let [id] = ids[..] { Some(id) } else { None }).collect();
    let mut found: HashMap<OrderId, Order> =
        orders::find(tx, &found)?.into_iter().map(|order| (order.id, order)).collect();
    let mut changed: BTreeMap<String, (Order, Order)> = BTreeMap::new();
    let mut plan = ImportPlan::default();
    for row in rows {
        let RowPlan { outcome, reasons, conflict } = match &row.outcome {
            RowCheck::Ignored => continue,
            _ if !exact.contains(row) => RowPlan::new(RowOutcome::Rejected, vec![inexact_reason(row)]),
            RowCheck::Rejected(reasons) => RowPlan::new(RowOutcome::Rejected, reasons.clone()),
            RowCheck::Skipped(reasons) => RowPlan::new(RowOutcome::Skipped, reasons.clone()),
            RowCheck::Valid(content, warnings) => {
                let key = number(content);
                if !changed.contains_key(key) {
                    match ids.get(key).map_or(&[][..], Vec::as_slice) {
                        [id] => {
                            let found = found.remove(id);
                            changed.extend(found.map(|order| (key.to_owned(), (order.clone(), order))));
                        }
                        [] => {
                            plan.report.rows.push(unknown_order(row));
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
                let before = order.clone();
                let RowPlan { outcome, mut reasons, conflict } = decide(order, content, now);
                if outcome == RowOutcome::Updated {
                    reasons.extend(warnings.iter().cloned());
                }
                let changes = changes_between(&before, order);
                let recipient = before.recipient.name.clone();
                let report = row_report(row, outcome, reasons, conflict);
                plan.report.rows.push(RowReport { recipient, changes, ..report });
                continue;
            }
        };
        plan.report.rows.push(row_report(row, outcome, reasons, conflict));
    }
    plan.changes = changed.into_values().filter(|(was, is)| was != is).collect();
    Ok(plan)
}

impl TrackingRow {
    /// The row for a member to decide about.
    fn change(&self) -> TrackingChange {
        let courier = self.courier.clone().unwrap_or_default();
        TrackingChange { tracking_number: self.tracking_number.clone(), courier }
    }
}

/// What the caller decided about an order by its number, before the file was read.
#[derive(Clone, Copy, Debug, Default)]
struct NamedOrder {
    /// it is sent in spite of its open cancellation
    despite_claim: bool,
    /// it becomes a parcel
    as_parcel: bool,
}

/// What is said of a tracking number for an order that no courier has.
const WITHOUT_COURIER: &str = "택배로 보내는 주문이 아니라 송장번호를 등록하지 않았어요";

/// Tells how many tracking numbers came for orders that no courier has.
fn note_without_courier(report: &mut Report) {
    let is_asked = |row: &&RowReport| row.reasons.iter().any(|reason| reason.message.contains(WITHOUT_COURIER));
    let rows = report.rows.iter().filter(is_asked).count();
    if rows > 0 {
        report.findings.notes.push(format!(
            "직접전달이나 퀵서비스, 방문수령 주문에 송장번호가 왔어요: {rows}행. 등록하지 않았으니 ‘정할 송장번호’에서 정해 주세요"
        ));
    }
}

/// Sets the tracking number and advances the order to SHIPPED. An open cancellation keeps the order where it is, and so does
/// a method without a courier: the number is a mistake, or the method is.
fn set_tracking(order: &mut Order, row: &TrackingRow, now: Moment, named: NamedOrder) -> RowPlan {
    let reason =
        |message: String| Reason { column: "송장번호".to_owned(), value: row.tracking_number.clone(), message };
    let skipped = |message: String| RowPlan::new(RowOutcome::Skipped, vec![reason(message)]);
    if matches!(order.state, OrderState::Cancelled | OrderState::Refunded) {
        return skipped(format!("{} 주문이라 그대로 두었어요", order.state.participle()));
    }
    if has_parcels(order, row) && order.state >= OrderState::Shipped {
        return skipped("이미 등록된 송장번호예요".to_owned());
    }
    if order.is_held_from(OrderState::Shipped) && !named.despite_claim {
        let message = "취소 요청이 들어온 주문이라 송장번호를 등록하지 않았어요. 판매채널에서 먼저 처리해 주세요";
        let reason = Reason { column: "클레임".to_owned(), value: order.claim.clone(), message: message.to_owned() };
        return RowPlan::conflict(reason, row.change());
    }
    let is_without_courier = order.shipping_method.is_without_courier();
    if is_without_courier && !named.as_parcel {
        let value = order.shipping_method.label().to_owned();
        let message = format!("{WITHOUT_COURIER}. 택배로 바꿀지 정해 주세요");
        return RowPlan::conflict(Reason { column: "배송방법".to_owned(), value, message }, row.change());
    }
    if !order.tracking_number.is_empty() && !has_parcels(order, row) {
        let message = format!("이미 다른 송장번호({})가 있어요. 맞는 번호를 확인해 주세요", order.tracking_number);
        return RowPlan::conflict(reason(message), row.change());
    }
    if is_without_courier {
        order.set_shipping_method(ShippingMethod::Parcel);
    }
    if order.tracking_number.is_empty() {
        order.tracking_number.clone_from(&row.tracking_number);
    }
    let lacks_courier = row.courier.is_none() && order.courier.is_empty();
    if let Some(courier) = &row.courier {
        order.courier.clone_from(courier);
    }
    order.advance(OrderState::Shipped, now);
    let warning = lacks_courier.then(|| reason("택배사를 알 수 없어 비워 두었어요".to_owned()));
    RowPlan::new(RowOutcome::Updated, warning.into_iter().collect())
}

#[cfg(test)]
mod tests;
