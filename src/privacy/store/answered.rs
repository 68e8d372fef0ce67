//! SQL of answered demands: the list that outlives a restore, and what is done again after one.

use std::collections::{BTreeMap, BTreeSet};

use super::due;
use super::requests::{PAGE, context, record, set_aside, whole_ended};
use crate::audit::Actor;
use crate::deliveries;
use crate::id::{DeliveryId, OrderId, PersonRequestId};
use crate::orders::store::erasure::erase_memos;
use crate::orders::store::{self as orders, seal};
use crate::privacy::answered::{AnsweredRequest, AnsweredRequests};
use crate::privacy::request::{RequestKind, due_on, has_ended};
use crate::storage::{Param, Result, Tx};
use crate::time::Moment;

/// What an answer says that was recorded again.
const RECORDED_AGAIN: &str = "복원하기 전에 답한 요구예요. 답한 내용은 남아 있지 않아요.";

/// What a correction says that has to be repeated.
const CORRECT_AGAIN: &str = "복원하기 전에 정정한 요구예요. 무엇을 정정했는지 확인하고 다시 정정하세요.";

/// Every answered demand, with the orders that were stopped or deleted.
pub fn list(tx: &mut dyn Tx) -> Result<AnsweredRequests> {
    let mut orders: BTreeMap<PersonRequestId, Vec<OrderId>> = BTreeMap::new();
    for row in tx.query("SELECT request_id, order_id FROM person_request_orders ORDER BY request_id, order_id", &[])? {
        orders.entry(row.id(0)?).or_default().push(row.id(1)?);
    }
    let sql = "SELECT id, kind, answer, order_id, role, received_on, answered_at FROM person_requests \
               WHERE answered_at IS NOT NULL";
    let mut listed = Vec::new();
    for mut row in tx.query(sql, &[])? {
        let id = row.id(0)?;
        listed.push(AnsweredRequest {
            id,
            kind: row.code(1, "person_requests.kind")?,
            answer: row.code(2, "person_requests.answer")?,
            order_id: row.id(3)?,
            role: row.code(4, "person_requests.role")?,
            received_on: row.opt_date(5)?.map(Moment::start_of).unwrap_or_default(),
            answered_at: row.opt_moment(6)?.unwrap_or_default(),
            orders: orders.remove(&id).unwrap_or_default(),
        });
    }
    Ok(listed.into_iter().collect())
}

/// The demands of a list that the database does not know as answered. A correction that is open is known: a member repeats it.
pub fn lacking(tx: &mut dyn Tx, listed: &AnsweredRequests) -> Result<Vec<AnsweredRequest>> {
    let mut known: BTreeMap<PersonRequestId, bool> = BTreeMap::new();
    for row in tx.query("SELECT id, answered_at FROM person_requests", &[])? {
        known.insert(row.id(0)?, row.opt_moment(1)?.is_some());
    }
    let is_lacking = |request: &&AnsweredRequest| match known.get(&request.id) {
        None => true,
        Some(is_answered) => !is_answered && !request.needs_member(),
    };
    Ok(listed.iter().filter(is_lacking).cloned().collect())
}

/// Records answers again. Their orders are owed as far as the database has them; those that it lacks stay listed, because a newer
/// moment may have them.
pub fn record_again(tx: &mut dyn Tx, requests: &[AnsweredRequest]) -> Result<()> {
    for request in requests {
        let demand = if request.needs_member() { CORRECT_AGAIN } else { RECORDED_AGAIN };
        let received_on = request.received_on.date();
        let columns = ["kind", "order_id", "role", "received_on", "due_on", "demand", "recorded_at"];
        let row: Vec<Param<'_>> = vec![
            request.id.into(),
            request.kind.code().into(),
            request.order_id.into(),
            request.role.code().into(),
            received_on.into(),
            due_on(received_on).into(),
            demand.into(),
            request.answered_at.into(),
        ];
        if tx.query_one("SELECT id FROM person_requests WHERE id = ?", &[request.id.into()])?.is_none() {
            let marks = vec!["?"; row.len()].join(", ");
            let sql = format!("INSERT INTO person_requests (id, {}) VALUES ({marks})", columns.join(", "));
            tx.exec(&sql, &row)?;
        }
        if !request.needs_member() {
            tx.exec(
                "UPDATE person_requests SET answer = ?, answer_note = ?, answered_at = ? \
                 WHERE id = ? AND answered_at IS NULL",
                &[request.answer.code().into(), RECORDED_AGAIN.into(), request.answered_at.into(), request.id.into()],
            )?;
        }
        let present: BTreeSet<OrderId> = orders::find(tx, &request.orders)?.into_iter().map(|order| order.id).collect();
        let is_owed = |id: &OrderId| request.is_repeated() && present.contains(id);
        save_orders(tx, request.id, request.orders.iter().map(|id| (*id, is_owed(id))))?;
    }
    if !requests.is_empty() {
        record(tx, Actor::Program, format!("복원하기 전에 답한 요구 {}건을 다시 기록함", requests.len()))?;
    }
    Ok(())
}

/// Lists the orders that a demand stopped or deleted.
pub(super) fn record_orders(tx: &mut dyn Tx, request_id: PersonRequestId, orders: &[OrderId]) -> Result<()> {
    save_orders(tx, request_id, orders.iter().map(|id| (*id, false)))
}

fn save_orders(
    tx: &mut dyn Tx,
    request_id: PersonRequestId,
    orders: impl Iterator<Item = (OrderId, bool)>,
) -> Result<()> {
    let mut rows = orders.map(|(id, is_owed)| vec![request_id.into(), id.into(), i64::from(is_owed).into()]);
    tx.upsert_many("person_request_orders", &["request_id", "order_id"], &["is_owed"], &mut rows)
}

/// Whether a demand has to be carried out again.
pub fn has_owed(tx: &mut dyn Tx) -> Result<bool> {
    Ok(tx.query_one("SELECT request_id FROM person_request_orders WHERE is_owed = 1 LIMIT 1", &[])?.is_some())
}

/// Carries out again what is owed, as far as its orders have ended; answers the number of orders. The others have ended when the
/// demand was carried out first, and are done when they have ended again.
pub fn repeat_owed(tx: &mut dyn Tx) -> Result<u64> {
    let mut owed: BTreeMap<PersonRequestId, (RequestKind, Vec<OrderId>)> = BTreeMap::new();
    let sql = "SELECT o.request_id, r.kind, o.order_id FROM person_request_orders o \
               JOIN person_requests r ON r.id = o.request_id WHERE o.is_owed = 1";
    for mut row in tx.query(sql, &[])? {
        let (request_id, kind) = (row.id(0)?, row.code(1, "person_requests.kind")?);
        owed.entry(request_id).or_insert((kind, Vec::new())).1.push(row.id(2)?);
    }
    let mut count = 0;
    for (request_id, (kind, ids)) in owed {
        let holds = due::holds(tx, &ids)?;
        let mut found = orders::find(tx, &ids)?;
        found.retain(|order| has_ended(order) && holds.get(&order.id).is_none_or(|hold| !hold.is_open));
        let whole = whole_ended(tx, found.iter().map(|order| order.delivery_id).collect())?;
        if kind == RequestKind::Restrict {
            found.retain(|order| whole.contains(&order.delivery_id));
        }
        let done: Vec<OrderId> = found.iter().map(|order| order.id).collect();
        if done.is_empty() {
            continue;
        }
        let deliveries: Vec<DeliveryId> = whole.into_iter().collect();
        if kind == RequestKind::Delete {
            // What is sealed has its memos in the seal.
            seal::open_logged(tx, Actor::Program, &done)?;
            erase_memos(tx, context(Actor::Program), &done, PAGE)?;
            deliveries::store::erase_memos(tx, &deliveries)?;
        }
        set_aside(tx, &deliveries, request_id)?;
        record_orders(tx, request_id, &done)?;
        record(tx, Actor::Program, format!("{} 요구를 주문 {}건에 다시 적용함", kind.label(), done.len()))?;
        count += done.len() as u64;
    }
    Ok(count)
}

/// Forgets the orders of a demand that is lifted.
pub(super) fn forget_orders(tx: &mut dyn Tx, request_id: PersonRequestId) -> Result<()> {
    tx.exec("DELETE FROM person_request_orders WHERE request_id = ?", &[request_id.into()]).map(drop)
}

/// Forgets orders that are destroyed.
pub fn delete_of(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<u64> {
    tx.delete_ids("person_request_orders", "order_id", orders)
}
