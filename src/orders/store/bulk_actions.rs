//! Bulk actions: what a member changed in many orders at once or in one, and its undo.
//!
//! An action stores the values that it replaced, so that every kind of action is undone in the same way: states, moments,
//! tracking numbers, dates and memos return exactly. An order whose version shows a later change is left as it is.
//! Undoing a later action first restores the version that the earlier one expects.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value as Json};

use super::{OrderWriter, find};
use crate::audit::NumberList;
use crate::id::{AuditEntryId, MemberId, OrderId};
use crate::orders::fields::OrderField;
use crate::orders::model::Order;
use crate::storage::{Param, Result, Row, StorageError, Tx, Value};
use crate::time::Moment;

/// How long an action can be undone.
pub const UNDO_PERIOD_MS: i64 = 24 * 60 * 60 * 1000;

/// How long an action is listed, and its orders can be found.
pub const ACTION_RETENTION_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Replaced values by column.
pub type FormerValues = Map<String, Json>;

/// The values that a bulk action replaced.
#[derive(Debug, Default)]
pub struct UndoRecord(BTreeMap<OrderId, FormerOrder>);

#[derive(Debug)]
struct FormerOrder {
    version_before: i64,
    version_after: i64,
    former: FormerValues,
}

impl UndoRecord {
    /// Adds a change of an order; its first values are kept if it is changed twice.
    pub(super) fn add(&mut self, before: &Order, former: FormerValues) {
        let version_before = before.version;
        let entry = self.0.entry(before.id).or_insert_with(|| FormerOrder {
            version_before,
            version_after: version_before,
            former: FormerValues::new(),
        });
        entry.version_after = before.version + 1;
        for (column, value) in former {
            entry.former.entry(column).or_insert(value);
        }
    }
}

/// A bulk action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkAction {
    /// identifier, also of its audit entry
    pub id: AuditEntryId,
    /// time of the action
    pub at: Moment,
    /// who acted; none after the member is deleted
    pub username: Option<String>,
    /// number of changed orders; 0 for the memo of a delivery
    pub order_count: i64,
    /// time of its undo
    pub undone_at: Option<Moment>,
}

impl BulkAction {
    /// Whether it can be undone at `now`.
    pub fn is_undoable(&self, now: Moment) -> bool {
        self.undone_at.is_none() && is_within_undo_period(self.at, now)
    }
}

/// Whether an action of the time `at` is not too old to be undone at `now`.
pub fn is_within_undo_period(at: Moment, now: Moment) -> bool {
    now < at.plus_ms(UNDO_PERIOD_MS)
}

/// Orders per transaction step of a revert.
const MAX_PARAMS: usize = 500;

/// Stores the replaced values of the action with this audit entry; nothing if no order was changed. Deletes actions
/// that are past [`ACTION_RETENTION_MS`].
pub fn record(tx: &mut dyn Tx, audit_entry_id: AuditEntryId, member_id: MemberId, undo: &UndoRecord) -> Result<()> {
    delete_expired(tx)?;
    if undo.0.is_empty() {
        return Ok(());
    }
    let (now, count) = (tx.now(), i64::try_from(undo.0.len()).unwrap_or(i64::MAX));
    tx.exec(
        "INSERT INTO bulk_actions (id, acted_at, member_id, order_count) VALUES (?, ?, ?, ?)",
        &[audit_entry_id.into(), now.into(), member_id.into(), count.into()],
    )?;
    let mut rows = undo.0.iter().map(|(order_id, order)| {
        let former = Json::Object(order.former.clone()).to_string();
        vec![
            audit_entry_id.into(),
            (*order_id).into(),
            order.version_before.into(),
            order.version_after.into(),
            former.into(),
        ]
    });
    tx.exec_many(
        "INSERT INTO bulk_action_orders (action_id, order_id, version_before, version_after, former) \
         VALUES (?, ?, ?, ?, ?)",
        &mut rows,
    )
}

/// Records the change of a delivery's memo as an action, so that it is listed and can be undone; its log has the texts.
pub fn record_memo(tx: &mut dyn Tx, audit_entry_id: AuditEntryId, member_id: MemberId) -> Result<()> {
    delete_expired(tx)?;
    let now = tx.now();
    let sql = "INSERT INTO bulk_actions (id, acted_at, member_id, order_count) VALUES (?, ?, ?, 0)";
    tx.exec(sql, &[audit_entry_id.into(), now.into(), member_id.into()]).map(drop)
}

fn delete_expired(tx: &mut dyn Tx) -> Result<()> {
    let until = tx.now().plus_ms(-ACTION_RETENTION_MS);
    for row in tx.query("SELECT id FROM bulk_actions WHERE acted_at < ?", &[until.into()])? {
        let id = row.int(0)?;
        tx.exec("DELETE FROM bulk_action_orders WHERE action_id = ?", &[id.into()])?;
        tx.exec("DELETE FROM bulk_actions WHERE id = ?", &[id.into()])?;
    }
    Ok(())
}

const ACTION: &str = "SELECT a.id, a.acted_at, m.username, a.order_count, a.undone_at FROM bulk_actions a \
                      LEFT JOIN members m ON m.id = a.member_id";

fn action(mut row: Row) -> Result<BulkAction> {
    Ok(BulkAction {
        id: row.id(0)?,
        at: row.moment(1)?,
        username: row.opt_text(2)?,
        order_count: row.int(3)?,
        undone_at: row.opt_moment(4)?,
    })
}

/// The action with this identifier, if it is kept.
pub fn by_id(tx: &mut dyn Tx, id: AuditEntryId) -> Result<Option<BulkAction>> {
    tx.query_one(&format!("{ACTION} WHERE a.id = ?"), &[id.into()])?.map(action).transpose()
}

/// The kept actions, newest first, at most `most`.
pub fn newest(tx: &mut dyn Tx, most: i64) -> Result<Vec<BulkAction>> {
    let since = tx.now().plus_ms(-ACTION_RETENTION_MS);
    let sql = format!("{ACTION} WHERE a.acted_at >= ? ORDER BY a.acted_at DESC, a.id DESC LIMIT ?");
    tx.query(&sql, &[since.into(), most.into()])?.into_iter().map(action).collect()
}

/// The orders of an action.
pub fn order_ids(tx: &mut dyn Tx, action_id: AuditEntryId) -> Result<BTreeSet<OrderId>> {
    let sql = "SELECT order_id FROM bulk_action_orders WHERE action_id = ?";
    tx.query(sql, &[action_id.into()])?.iter().map(|row| row.id(0)).collect()
}

/// Number of deliveries with orders of an action.
pub fn delivery_count(tx: &mut dyn Tx, action_id: AuditEntryId) -> Result<i64> {
    let sql = "SELECT count(DISTINCT o.delivery_id) FROM bulk_action_orders b JOIN orders o ON o.id = b.order_id \
               WHERE b.action_id = ?";
    tx.scalar(sql, &[action_id.into()])
}

/// What a revert changed.
#[derive(Debug, Default)]
pub struct RevertOutcome {
    /// identifiers of the reverted orders
    pub ids: Vec<OrderId>,
    /// their numbers
    pub undone: NumberList,
    /// numbers of the orders that were changed since
    pub changed: NumberList,
}

/// Reverts the orders of an action that are not reverted yet, or only those of `only`.
pub fn revert(
    changes: &mut OrderWriter<'_>,
    action_id: AuditEntryId,
    only: Option<&[OrderId]>,
) -> Result<RevertOutcome> {
    let mut rows = former_orders(changes.tx, action_id)?;
    if let Some(only) = only {
        rows.retain(|id, _| only.contains(id));
    }
    let ids: Vec<OrderId> = rows.keys().copied().collect();
    let (mut outcome, mut pairs) = (RevertOutcome::default(), Vec::new());
    for now in find(changes.tx, &ids)? {
        let Some(row) = rows.get(&now.id) else { continue };
        if now.version == row.version_after {
            let restored = restore(&now, &row.former)?;
            outcome.ids.push(now.id);
            outcome.undone.push(now.order_number.as_str());
            pairs.push((now, restored));
        } else {
            outcome.changed.push(now.order_number);
        }
    }
    let borrowed: Vec<(&Order, &Order)> = pairs.iter().map(|(now, restored)| (now, restored)).collect();
    changes.save_all_current(&borrowed)?;
    let undone: Vec<(OrderId, i64, i64)> = pairs
        .iter()
        .filter_map(|(now, _)| rows.get(&now.id).map(|row| (now.id, row.version_before, now.version + 1)))
        .collect();
    for some in undone.chunks(MAX_PARAMS) {
        mark_undone(changes.tx, action_id, some)?;
    }
    Ok(outcome)
}

/// Marks reverted orders, given with the version before the action and the version after the revert: an earlier action
/// that left an order at the former can be undone from the latter.
fn mark_undone(tx: &mut dyn Tx, action_id: AuditEntryId, orders: &[(OrderId, i64, i64)]) -> Result<()> {
    let mut marks = orders.iter().map(|(id, ..)| vec![action_id.into(), (*id).into(), Param::Int(1)]);
    tx.update_many("bulk_action_orders", &["action_id", "order_id"], &["is_undone"], &mut marks)?;
    carry_versions(tx, orders)
}

/// Carries restored orders over, given with the version that they are restored to and their version now: an action that
/// left an order at the former can be undone from the latter.
pub fn carry_versions(tx: &mut dyn Tx, orders: &[(OrderId, i64, i64)]) -> Result<()> {
    let mut versions = orders.iter().map(|(id, before, now)| vec![(*now).into(), (*id).into(), (*before).into()]);
    tx.exec_many(
        "UPDATE bulk_action_orders SET version_after = ? WHERE order_id = ? AND version_after = ? AND is_undone = 0",
        &mut versions,
    )
}

fn former_orders(tx: &mut dyn Tx, action_id: AuditEntryId) -> Result<HashMap<OrderId, FormerOrder>> {
    let sql = "SELECT order_id, version_before, version_after, former FROM bulk_action_orders \
               WHERE action_id = ? AND is_undone = 0";
    let mut rows = HashMap::new();
    tx.for_each(sql, &[action_id.into()], &mut |mut row| {
        let former = row.json(3, "bulk_action_orders.former")?;
        rows.insert(row.id(0)?, FormerOrder { version_before: row.int(1)?, version_after: row.int(2)?, former });
        Ok(())
    })?;
    Ok(rows)
}

/// The order with its former values.
pub fn restore(now: &Order, former: &FormerValues) -> Result<Order> {
    let mut restored = now.clone();
    for (column, value) in former {
        let field = OrderField::of(column).ok_or_else(|| inconsistent(column))?;
        let value = match value {
            Json::Null => Value::Null,
            Json::String(text) => Value::Text(text.clone()),
            Json::Number(number) => Value::Int(number.as_i64().ok_or_else(|| inconsistent(column))?),
            Json::Bool(_) | Json::Array(_) | Json::Object(_) => return Err(inconsistent(column)),
        };
        field.set(&mut restored, value)?;
    }
    Ok(restored)
}

fn inconsistent(what: &str) -> StorageError {
    StorageError::Inconsistent(format!("bulk_action_orders: {what}"))
}

/// Marks a whole action as undone.
pub fn set_undone(tx: &mut dyn Tx, action_id: AuditEntryId, member_id: MemberId) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE bulk_actions SET undone_at = ?, undone_by = ? WHERE id = ? AND undone_at IS NULL";
    tx.exec(sql, &[now.into(), member_id.into(), action_id.into()]).map(drop)
}

/// Whether an action has orders that are not reverted.
pub fn has_unreverted(tx: &mut dyn Tx, action_id: AuditEntryId) -> Result<bool> {
    let sql = "SELECT 1 FROM bulk_action_orders WHERE action_id = ? AND is_undone = 0 LIMIT 1";
    Ok(tx.query_one(sql, &[action_id.into()])?.is_some())
}
