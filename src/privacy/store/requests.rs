//! SQL of what people demand, and its execution.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::people::{MAX_PERSON_ORDERS, record_of};
use super::{answered, due};
use crate::audit::{self, Actor, AuditEvent, AuditObject};
use crate::deliveries;
use crate::id::{DeliveryId, OrderId, PersonRequestId};
use crate::masking;
use crate::orders::list::OrderRow;
use crate::orders::store::erasure::{count_memos, erase_memos};
use crate::orders::store::{self as orders, Action, ChangeContext, bundles, seal, with_changes};
use crate::privacy::RetentionYears;
use crate::privacy::person::{OrderRecord, PersonRecord, PersonRole};
use crate::privacy::request::{
    OrderFate, PersonCorrection, PersonRequest, RequestAnswer, RequestKind, check_requests, due_on, fate, has_ended,
};
use crate::storage::{Diagnostic, Result, Row, StorageError, Tx};
use crate::time::Moment;

/// Page of the access records.
pub(super) const PAGE: &str = "/privacy/requests";

/// Entries that one transaction deletes.
const DELETE_BATCH_ROWS: i64 = 500;

const SELECT: &str = "SELECT r.id, r.kind, r.order_id, r.role, r.received_on, r.due_on, r.demand, m.username, r.answer, \
                      r.answer_note, r.answered_at, a.username FROM person_requests r \
                      LEFT JOIN members m ON m.id = r.recorded_by LEFT JOIN members a ON a.id = r.answered_by";

fn request(mut row: Row) -> Result<PersonRequest> {
    let date = |row: &Row, column: usize| {
        row.opt_date(column)?.ok_or_else(|| StorageError::Inconsistent("person_requests: a date".to_owned()))
    };
    let (received_on, due_on) = (date(&row, 4)?, date(&row, 5)?);
    let answer: Option<RequestAnswer> = row.opt_code(8, "person_requests.answer")?;
    let (note, answered_at, by) = (row.opt_text(9)?, row.opt_moment(10)?, row.opt_text(11)?);
    Ok(PersonRequest {
        id: row.id(0)?,
        kind: row.code(1, "person_requests.kind")?,
        order_id: row.id(2)?,
        role: row.code(3, "person_requests.role")?,
        received_on,
        due_on,
        demand: row.text(6)?,
        recorded_by: row.opt_text(7)?,
        answer: answer.zip(answered_at).map(|(answer, at)| (answer, note.clone().unwrap_or_default(), at, by.clone())),
    })
}

pub(super) fn record(tx: &mut dyn Tx, actor: Actor, what: String) -> Result<()> {
    audit::record(tx, actor, AuditObject::UNNUMBERED, &AuditEvent::PersonRequestRecorded { what }).map(drop)
}

/// Writes a demand down. None if there is no such order.
pub fn receive(
    tx: &mut dyn Tx,
    actor: Actor,
    (order_id, role): (OrderId, PersonRole),
    kind: RequestKind,
    received_on: NaiveDate,
    demand: &str,
) -> Result<Option<PersonRequestId>> {
    if tx.query_one("SELECT id FROM orders WHERE id = ?", &[order_id.into()])?.is_none() {
        return Ok(None);
    }
    let (id, now) = (tx.new_id::<PersonRequestId>(), tx.now());
    tx.exec(
        "INSERT INTO person_requests (id, kind, order_id, role, received_on, due_on, demand, recorded_at, recorded_by) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            kind.code().into(),
            order_id.into(),
            role.code().into(),
            received_on.into(),
            due_on(received_on).into(),
            demand.into(),
            now.into(),
            actor.member_id().into(),
        ],
    )?;
    record(tx, actor, format!("{} 요구를 받음", kind.label()))?;
    Ok(Some(id))
}

/// A demand.
pub fn find(tx: &mut dyn Tx, id: PersonRequestId) -> Result<Option<PersonRequest>> {
    tx.query_one(&format!("{SELECT} WHERE r.id = ?"), &[id.into()])?.map(request).transpose()
}

/// A page of the demands, open ones first by deadline, then the answered ones, newest first; and their number.
pub fn page(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<(Vec<PersonRequest>, i64)> {
    let total = tx.scalar("SELECT count(*) FROM person_requests", &[])?;
    let order = "ORDER BY CASE WHEN r.answered_at IS NULL THEN 0 ELSE 1 END, \
                 CASE WHEN r.answered_at IS NULL THEN r.due_on ELSE '' END, r.id DESC";
    let sql = format!("{SELECT} {order} LIMIT ? OFFSET ?");
    let rows = tx.query(&sql, &[size.into(), offset.into()])?;
    Ok((rows.into_iter().map(request).collect::<Result<_>>()?, total))
}

/// Number of open demands whose deadline is on or before a day.
pub fn count_due(tx: &mut dyn Tx, until: NaiveDate) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM person_requests WHERE answered_at IS NULL AND due_on <= ?", &[until.into()])
}

/// What 법 점검 and `mukkeum doctor` say about demands.
pub fn check(tx: &mut dyn Tx) -> Result<Diagnostic> {
    let open = tx.scalar("SELECT count(*) FROM person_requests WHERE answered_at IS NULL", &[])?;
    let yesterday = tx.now().date().pred_opt().unwrap_or_default();
    Ok(check_requests(open, count_due(tx, yesterday)?))
}

/// Answers an open demand. False if there is none.
pub fn answer(tx: &mut dyn Tx, actor: Actor, id: PersonRequestId, answer: RequestAnswer, note: &str) -> Result<bool> {
    let Some(request) = find(tx, id)?.filter(|request| request.answer.is_none()) else { return Ok(false) };
    let now = tx.now();
    tx.exec(
        "UPDATE person_requests SET answer = ?, answer_note = ?, answered_at = ?, answered_by = ? \
         WHERE id = ? AND answered_at IS NULL",
        &[answer.code().into(), note.into(), now.into(), actor.member_id().into(), id.into()],
    )?;
    record(tx, actor, format!("{} 요구: {}", request.kind.label(), answer.label()))?;
    Ok(true)
}

/// What a deletion would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeletionPlan {
    /// orders that are under way
    pub under_way: Vec<OrderId>,
    /// orders whose duty ends on that day, by day
    pub kept: BTreeMap<NaiveDate, Vec<OrderId>>,
    /// orders of which memos would be deleted
    pub memos: u64,
    /// whether the person has more orders than were read
    pub is_cut: bool,
}

impl DeletionPlan {
    /// Orders that are kept for a duty.
    pub fn kept_ids(&self) -> Vec<OrderId> {
        self.kept.values().flatten().copied().collect()
    }
}

/// What a deletion would do with the orders of a person.
pub fn plan_deletion(tx: &mut dyn Tx, record: &PersonRecord, keep: RetentionYears) -> Result<DeletionPlan> {
    let mut plan = DeletionPlan { is_cut: record.is_cut, ..DeletionPlan::default() };
    for OrderRecord { row: OrderRow { order, .. }, hold, .. } in &record.orders {
        match fate(order, *hold, keep) {
            OrderFate::UnderWay => plan.under_way.push(order.id),
            OrderFate::KeptUntil(day) => plan.kept.entry(day).or_default().push(order.id),
        }
    }
    plan.memos = count_memos(tx, &plan.kept_ids())?;
    Ok(plan)
}

/// What was done about a demand: the answer, and the words that it is recorded with.
pub type RequestOutcome = (RequestAnswer, String);

pub(super) fn context(actor: Actor) -> ChangeContext {
    ChangeContext { actor, upload_id: None, action: Action::Edited }
}

/// The data of a person, whose sealed orders are opened: what is changed is not sealed. The program seals them again.
fn open_record(
    tx: &mut dyn Tx,
    actor: Actor,
    order_id: OrderId,
    role: PersonRole,
    keep: RetentionYears,
) -> Result<Option<PersonRecord>> {
    let Some(record) = record_of(tx, order_id, role, keep)? else { return Ok(None) };
    let ids: Vec<OrderId> = record.orders.iter().map(|record| record.row.order.id).collect();
    if seal::open_logged(tx, actor, &ids)?.is_empty() {
        return Ok(Some(record));
    }
    record_of(tx, order_id, role, keep)
}

/// Sets deliveries aside: their orders are kept apart at once, so that neither a search nor a list nor a file has them.
pub(super) fn set_aside(tx: &mut dyn Tx, deliveries: &[DeliveryId], request_id: PersonRequestId) -> Result<()> {
    masking::store::restrict(tx, deliveries, request_id)?;
    let orders = bundles::order_ids(tx, deliveries)?;
    seal::seal(tx, &orders).map(drop)
}

/// Allows the use of the deliveries again that a demand stopped; answers how many. Their orders get their data back, and
/// are kept apart at the end of their own period.
pub fn lift(tx: &mut dyn Tx, actor: Actor, request_id: PersonRequestId) -> Result<u64> {
    let deliveries = masking::store::restricted_by(tx, request_id)?;
    let orders = bundles::order_ids(tx, &deliveries)?;
    seal::open_logged(tx, actor, &orders)?;
    seal::forget_opened(tx, &orders)?;
    if find(tx, request_id)?.is_some_and(|request| request.kind == RequestKind::Restrict) {
        answered::forget_orders(tx, request_id)?;
    }
    masking::store::lift(tx, request_id)
}

/// Corrects name and telephone number in all orders of the person. None if there is no such person.
pub fn correct(
    tx: &mut dyn Tx,
    actor: Actor,
    (order_id, role): (OrderId, PersonRole),
    correction: &PersonCorrection,
    keep: RetentionYears,
) -> Result<Option<RequestOutcome>> {
    let Some(record) = open_record(tx, actor, order_id, role, keep)? else { return Ok(None) };
    let mut changed = 0;
    with_changes(tx, context(actor), |changes| {
        for of in &record.orders {
            let order = &of.row.order;
            let corrected = correction.apply(order, &of.roles, &record.person);
            if corrected != *order {
                changes.save_current(order, &corrected)?;
                changed += 1;
            }
        }
        Ok::<_, StorageError>(())
    })?;
    let rest = if record.is_cut {
        format!(" 주문이 많아 최근 {MAX_PERSON_ORDERS}건만 살펴봤어요.")
    } else {
        String::new()
    };
    let answer = if record.is_cut { RequestAnswer::InPart } else { RequestAnswer::Done };
    Ok(Some((answer, format!("주문 {changed}건에서 정정했어요.{rest}"))))
}

/// Sets the person's ended deliveries aside: nobody sees their personal data without a reason, and files leave it out.
/// None if there is no such person.
pub fn restrict(
    tx: &mut dyn Tx,
    actor: Actor,
    request_id: PersonRequestId,
    (order_id, role): (OrderId, PersonRole),
    keep: RetentionYears,
) -> Result<Option<RequestOutcome>> {
    let Some(person) = record_of(tx, order_id, role, keep)? else { return Ok(None) };
    let (deliveries, under_way) = ended_deliveries(tx, &person)?;
    set_aside(tx, &deliveries, request_id)?;
    let stopped = bundles::order_ids(tx, &deliveries)?;
    answered::record_orders(tx, request_id, &stopped)?;
    record(tx, actor, format!("배송 {}건의 처리를 정지함", deliveries.len()))?;
    let mut words = format!("배송 {}건의 처리를 정지했어요.", deliveries.len());
    if under_way > 0 {
        let why = "계약을 지키는 데 필요해서 정지하지 않았어요 (개인정보 보호법 제37조 ②).";
        words = format!("{words} 아직 끝나지 않은 주문 {under_way}건은 {why}");
    }
    let answer = if under_way > 0 || person.is_cut { RequestAnswer::InPart } else { RequestAnswer::Done };
    Ok(Some((answer, words)))
}

/// The deliveries of the person in which nothing is left to do, and the number of the other orders.
fn ended_deliveries(tx: &mut dyn Tx, person: &PersonRecord) -> Result<(Vec<DeliveryId>, usize)> {
    let own = || person.orders.iter().map(|record| &record.row.order);
    let deliveries = whole_ended(tx, own().map(|order| order.delivery_id).collect())?;
    let under_way = own().filter(|order| !deliveries.contains(&order.delivery_id)).count();
    Ok((deliveries.into_iter().collect(), under_way))
}

/// Those of the deliveries in which nothing is left to do.
pub(super) fn whole_ended(tx: &mut dyn Tx, mut deliveries: BTreeSet<DeliveryId>) -> Result<BTreeSet<DeliveryId>> {
    let ids: Vec<DeliveryId> = deliveries.iter().copied().collect();
    let all = bundles::order_ids(tx, &ids)?;
    let holds = due::holds(tx, &all)?;
    for order in orders::find(tx, &all)? {
        if !has_ended(&order) || holds.get(&order.id).is_some_and(|hold| hold.is_open) {
            deliveries.remove(&order.delivery_id);
        }
    }
    Ok(deliveries)
}

/// Deletes what no duty keeps and sets the rest aside. None if there is no such person.
pub fn delete(
    tx: &mut dyn Tx,
    actor: Actor,
    request_id: PersonRequestId,
    (order_id, role): (OrderId, PersonRole),
    keep: RetentionYears,
) -> Result<Option<RequestOutcome>> {
    let Some(person) = open_record(tx, actor, order_id, role, keep)? else { return Ok(None) };
    let plan = plan_deletion(tx, &person, keep)?;
    let kept = plan.kept_ids();
    erase_memos(tx, context(actor), &kept, PAGE)?;
    let (deliveries, _) = ended_deliveries(tx, &person)?;
    deliveries::store::erase_memos(tx, &deliveries)?;
    set_aside(tx, &deliveries, request_id)?;
    answered::record_orders(tx, request_id, &kept)?;
    record(tx, actor, format!("주문 {}건의 메모를 지움", plan.memos))?;
    let mut words = vec![format!("주문 {}건의 메모와 그 로그를 지웠어요.", plan.memos)];
    if let Some(last) = plan.kept.keys().next_back() {
        words.push(format!(
            "계약과 공급의 기록 {}건은 전자상거래법 시행령 제6조에 따라 {last}까지 따로 두고, 그 뒤에 자동으로 파기해요.",
            kept.len()
        ));
    }
    if !plan.under_way.is_empty() {
        words.push(format!("아직 끝나지 않은 주문 {}건은 지우지 않았어요.", plan.under_way.len()));
    }
    let is_whole = kept.is_empty() && plan.under_way.is_empty() && !plan.is_cut;
    Ok(Some((if is_whole { RequestAnswer::Done } else { RequestAnswer::InPart }, words.join(" "))))
}

/// Deletes a batch of demands that were answered before this moment; answers how many.
pub fn delete_old(tx: &mut dyn Tx, before: Moment) -> Result<u64> {
    let sql = "SELECT id FROM person_requests WHERE answered_at < ? ORDER BY id LIMIT ?";
    let rows = tx.query(sql, &[before.into(), DELETE_BATCH_ROWS.into()])?;
    let ids: Vec<PersonRequestId> = rows.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    tx.delete_ids("person_request_orders", "request_id", &ids)?;
    tx.delete_ids("person_requests", "id", &ids)
}
