//! Changes of orders and of everything derived from them.

mod delete;
mod derived;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

pub use self::delete::{DestroyedOrders, destroy};
use self::derived::DerivedChanges;
use super::bulk_actions::{FormerValues, UndoRecord};
use super::{Action, ChangeContext, channel_conflicts, columns, deliveries, seal, statements, values};
use crate::access::{self, AccessAction, NewAccess};
use crate::audit::Actor;
use crate::id::{DeliveryId, OrderEventId, OrderId};
use crate::orders::fields::FIELDS;
use crate::orders::follow::FollowedField;
use crate::orders::masked::is_personal;
use crate::orders::model::Order;
use crate::orders::search::{Searchable, tokenize};
use crate::search::postings::PostingsBlock;
use crate::search::tokenizer::Postings;
use crate::search::{Limits, store as index};
use crate::storage::{Param, Result, StorageError, Tx, placeholders};
use crate::time::Moment;

/// Runs `work`, which inserts and saves orders, then updates order counts and deliveries.
pub fn with_changes<T, E: From<StorageError>>(
    tx: &mut dyn Tx,
    context: ChangeContext,
    work: impl FnOnce(&mut OrderWriter<'_>) -> Result<T, E>,
) -> Result<T, E> {
    let mut changes = OrderWriter::new(tx, context);
    let answer = work(&mut changes)?;
    changes.finish()?;
    Ok(answer)
}

/// [`with_changes`] that also answers the values that it replaced, so that
/// [`bulk_actions::record`](super::bulk_actions::record) can store them.
pub fn with_undoable_changes<T, E: From<StorageError>>(
    tx: &mut dyn Tx,
    context: ChangeContext,
    work: impl FnOnce(&mut OrderWriter<'_>) -> Result<T, E>,
) -> Result<(T, UndoRecord), E> {
    let mut changes = OrderWriter::new(tx, context);
    changes.undo = Some(UndoRecord::default());
    let answer = work(&mut changes)?;
    let undo = changes.undo.take().unwrap_or_default();
    changes.finish()?;
    Ok((answer, undo))
}

/// Unit of work for changes of orders; see [`with_changes`].
pub struct OrderWriter<'t> {
    /// the transaction, for related statements
    pub tx: &'t mut dyn Tx,
    /// limits of the search index; a generator of a whole shop prefers few large segments
    pub limits: Limits,
    context: ChangeContext,
    /// counts and deliveries that follow from the orders
    derived: DerivedChanges,
    log: Vec<LogLine>,
    /// replaced values, for an action that can be undone
    undo: Option<UndoRecord>,
    /// orders that were inserted or saved
    changed: Vec<OrderId>,
    /// orders that were deleted
    deleted: Vec<OrderId>,
    /// orders that are under way again
    reopened: Vec<OrderId>,
}

/// The act as the log of an order names it whose sealed data came back.
pub const SEAL_OPENED: &str = "분리 보관에서 꺼냄";

/// Log entry to write: the order, the action and the changes as JSON.
type LogLine = (OrderId, Action, String);

/// New order with the number of its bundle.
#[derive(Debug)]
pub struct OrderInsert<'b> {
    /// the order
    pub order: Order,
    /// 묶음배송번호
    pub bundle_number: &'b str,
    /// whether the delivery exists and must be recomputed
    pub delivery_exists: bool,
    /// moment of its claim, where the file has it
    pub claim_as_of: Option<Moment>,
}

static INSERT: LazyLock<String> = LazyLock::new(|| {
    // The version and the moment of creation follow the fields.
    format!("INSERT INTO orders ({}, created_at) VALUES ({})", columns(""), placeholders(FIELDS.len() + 2))
});

impl<'t> OrderWriter<'t> {
    fn new(tx: &'t mut dyn Tx, context: ChangeContext) -> Self {
        Self {
            tx,
            limits: Limits::DEFAULT,
            context,
            derived: DerivedChanges::default(),
            log: Vec::new(),
            undo: None,
            changed: Vec::new(),
            deleted: Vec::new(),
            reopened: Vec::new(),
        }
    }

    /// Sets the action of the following changes: one act may change some orders in another way than the rest.
    pub fn set_action(&mut self, action: Action) {
        self.context.action = action;
    }

    /// Logs an act that changes no column, such as a file that the order went into. `act` names it.
    pub fn log_act(&mut self, order_id: OrderId, act: &str) {
        self.log(order_id, &[("act", serde_json::Value::Null, act.into())]);
    }

    /// Inserts an order into an existing delivery.
    pub fn insert(&mut self, order: &Order, bundle_number: &str) -> Result<()> {
        self.insert_rows(std::iter::once(order))?;
        self.derived.stale_deliveries.insert(order.delivery_id);
        self.log(order.id, &[]);
        index::insert_rows(self.tx, order.id, &tokenize(searchable(order, bundle_number)))
    }

    /// Inserts many orders, after `insert_deliveries` has inserted their deliveries. Search terms of many
    /// orders are encoded on another thread while the rows are written.
    pub fn insert_all(
        &mut self,
        orders: &[OrderInsert<'_>],
        insert_deliveries: impl FnOnce(&mut dyn Tx) -> Result<()>,
    ) -> Result<()> {
        let joined = orders.iter().filter(|new| new.delivery_exists).map(|new| new.order.delivery_id);
        self.derived.stale_deliveries.extend(joined);
        if !self.upload_tells_of_new_orders()? {
            for new in orders {
                self.log(new.order.id, &[]);
            }
        }
        let rows = orders.iter().map(|new| &new.order);
        if !index::should_write_segment(self.tx, orders.len(), &self.limits)? {
            insert_deliveries(self.tx)?;
            self.insert_rows(rows)?;
            return orders.iter().try_for_each(|OrderInsert { order, bundle_number, .. }| {
                index::insert_rows(self.tx, order.id, &tokenize(searchable(order, bundle_number)))
            });
        }
        let limits = self.limits;
        let segments = std::thread::scope(|scope| {
            let packing = scope.spawn(move || {
                let chunks = orders.chunks(limits.documents_per_segment);
                chunks.map(|orders| segment_blocks(orders, &limits)).collect::<Vec<_>>()
            });
            insert_deliveries(self.tx)?;
            self.insert_rows(rows)?;
            packing.join().map_err(|_| StorageError::Panicked("while search terms were packed".to_owned()))
        })?;
        segments.into_iter().try_for_each(|blocks| index::insert_segment(self.tx, blocks))
    }

    fn insert_rows<'o>(&mut self, orders: impl Iterator<Item = &'o Order> + Clone) -> Result<()> {
        self.changed.extend(orders.clone().map(|order| order.id));
        let (now, derived) = (self.tx.now(), &mut self.derived);
        let mut rows = orders.clone().map(|order| {
            derived.count(order, 1);
            values(order).into_iter().chain([order.version.into(), now.into()]).collect()
        });
        self.tx.exec_many(&INSERT, &mut rows)?;
        orders.into_iter().try_for_each(|order| self.save_claim(order.id, false, order.has_open_claim()))
    }

    /// An order created by an upload needs no log entry if the upload has the member: [`super::events`] derives
    /// it.
    fn upload_tells_of_new_orders(&mut self) -> Result<bool> {
        let (Action::Created, Some(upload_id)) = (self.context.action, self.context.upload_id) else {
            return Ok(false);
        };
        let row = self.tx.query_one("SELECT member_id FROM uploads WHERE id = ?", &[upload_id.into()])?;
        row.map_or(Ok(false), |row| Ok(row.opt_id(0)? == self.context.member_id()))
    }

    /// Saves the columns that differ between `before` and `after`, where `before` was read in this
    /// transaction.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if another transaction changed the order in the meantime: the whole
    /// request can be retried.
    pub fn save_current(&mut self, before: &Order, after: &Order) -> Result<()> {
        self.save_all_current(&[(before, after)])
    }

    /// [`Self::save_current`] for many orders, in few statements.
    ///
    /// # Errors
    /// As [`Self::save_current`].
    pub fn save_all_current(&mut self, orders: &[(&Order, &Order)]) -> Result<()> {
        if self.save_all(orders)? {
            return Ok(());
        }
        let ids: Vec<OrderId> = orders.iter().take(3).map(|(before, _)| before.id).collect();
        Err(StorageError::Unavailable(format!("orders {ids:?} … were changed by a concurrent transaction")))
    }

    /// Saves the columns that differ between `before` and `after`. Returns false, and changes nothing, if
    /// the order was changed since `before` was read.
    pub fn save(&mut self, before: &Order, after: &Order) -> Result<bool> {
        self.save_all(&[(before, after)])
    }

    /// Saves the changed columns of many orders, one batch for each set of columns. Returns false if an order was changed
    /// since it was read; the others may be saved then.
    fn save_all(&mut self, orders: &[(&Order, &Order)]) -> Result<bool> {
        let batches = by_changed_columns(orders);
        for (changed, orders) in &batches {
            if self.changes_sealed(changed, orders)? || !self.update_rows(changed, orders)? {
                return Ok(false);
            }
        }
        for (changed, orders) in &batches {
            for (before, after) in orders {
                self.changed.push(before.id);
                self.derived.count(before, -1);
                self.derived.count(after, 1);
                self.derived.stale_deliveries.extend([before.delivery_id, after.delivery_id]);
                self.save_claim(before.id, before.has_open_claim(), after.has_open_claim())?;
                if before.has_ended() && !after.has_ended() {
                    self.reopened.push(before.id);
                }
                let (was, is) = (values(before), values(after));
                let log: Vec<_> = changed
                    .iter()
                    .map(|&column| (FIELDS[column].column, json(&was[column]), json(&is[column])))
                    .collect();
                if let Some(undo) = &mut self.undo {
                    let former: FormerValues =
                        log.iter().map(|(column, was, _)| ((*column).to_owned(), was.clone())).collect();
                    undo.add(before, former);
                }
                self.log(before.id, &log);
            }
            self.save_terms(orders)?;
            self.keep_statements(changed, orders)?;
        }
        Ok(true)
    }

    /// Whether personal columns of sealed orders would change: what was typed or read there belongs to no mask.
    fn changes_sealed(&mut self, changed: &[usize], orders: &[(&Order, &Order)]) -> Result<bool> {
        if !changed.iter().any(|&column| is_personal(FIELDS[column].column)) {
            return Ok(false);
        }
        let ids: Vec<OrderId> = orders.iter().map(|(before, _)| before.id).collect();
        Ok(!seal::sealed(self.tx, &ids)?.is_empty())
    }

    /// Keeps what the channel said of the fields that a member changed.
    fn keep_statements(&mut self, changed: &[usize], orders: &[(&Order, &Order)]) -> Result<()> {
        if self.context.action.is_of_channel() {
            return Ok(());
        }
        let is_changed =
            |field: &FollowedField| changed.iter().any(|&column| field.columns().contains(&FIELDS[column].column));
        let fields: Vec<FollowedField> =
            FollowedField::ALL.into_iter().filter(|field| !field.begins_empty() && is_changed(field)).collect();
        let of_channel = orders.iter().filter(|(before, _)| before.upload_id.is_some());
        let edits = of_channel.flat_map(|(before, after)| fields.iter().map(|field| (*before, *after, *field)));
        let edits: Vec<_> =
            edits.filter(|(before, after, field)| field.of_order(before) != field.of_order(after)).collect();
        if edits.is_empty() {
            return Ok(());
        }
        let before: Vec<_> = edits.iter().map(|(before, _, field)| (*before, *field)).collect();
        statements::keep_first(self.tx, &before)?;
        let after: Vec<_> = edits.iter().map(|(_, after, field)| (*after, *field)).collect();
        channel_conflicts::close_settled(self.tx, &after, self.context.member_id())
    }

    /// Sets these columns of these orders; false if one has another version.
    fn update_rows(&mut self, changed: &[usize], orders: &[(&Order, &Order)]) -> Result<bool> {
        let now = self.tx.now();
        let has_moved = changed.iter().any(|&column| FIELDS[column].column == "delivery_id");
        let columns: Vec<&str> = changed
            .iter()
            .map(|&column| FIELDS[column].column)
            .chain(has_moved.then_some("bundled_at"))
            .chain(["version"])
            .collect();
        let mut rows = orders.iter().map(|(before, after)| {
            let is = values(after);
            let key = [before.id.into(), before.version.into()].into_iter();
            let bundled_at = has_moved.then_some(Param::from(now));
            let is = changed.iter().map(|&column| is[column].clone()).chain(bundled_at);
            key.chain(is).chain([(before.version + 1).into()]).collect()
        });
        let saved = self.tx.update_many("orders", &["id", "version"], &columns, &mut rows)?;
        Ok(saved == orders.len() as u64)
    }

    fn save_terms(&mut self, orders: &[(&Order, &Order)]) -> Result<()> {
        let is_changed = |(before, after): &&(&Order, &Order)| {
            before.delivery_id != after.delivery_id || searchable(before, "").texts() != searchable(after, "").texts()
        };
        let changed: Vec<_> = orders.iter().filter(is_changed).collect();
        let deliveries: BTreeSet<DeliveryId> =
            changed.iter().flat_map(|(before, after)| [before.delivery_id, after.delivery_id]).collect();
        let numbers = deliveries::bundle_numbers(self.tx, &deliveries.into_iter().collect::<Vec<_>>())?;
        let terms = |order: &Order| tokenize(searchable(order, &numbers[&order.delivery_id]));
        let mut changes = changed.into_iter().map(|(before, after)| (before.id, terms(before), terms(after)));
        index::update_rows(self.tx, &mut changes)
    }

    fn save_claim(&mut self, order_id: OrderId, was_open: bool, is_open: bool) -> Result<()> {
        let sql = match (was_open, is_open) {
            (false, true) => "INSERT INTO open_claims (order_id) VALUES (?)",
            (true, false) => "DELETE FROM open_claims WHERE order_id = ?",
            _ => return Ok(()),
        };
        self.tx.exec(sql, &[order_id.into()]).map(drop)
    }

    fn log(&mut self, order_id: OrderId, changes: &[(&str, serde_json::Value, serde_json::Value)]) {
        let changes = serde_json::to_string(changes).unwrap_or_else(|_| "[]".to_owned());
        self.log.push((order_id, self.context.action, changes));
    }

    fn insert_log(&mut self) -> Result<()> {
        let (now, ChangeContext { upload_id, .. }) = (self.tx.now(), self.context);
        let member_id = self.context.member_id();
        let ids: Vec<OrderEventId> = self.log.iter().map(|_| self.tx.new_id()).collect();
        let mut rows = ids.into_iter().zip(self.log.drain(..)).map(|(id, (order_id, action, changes))| {
            vec![
                id.into(),
                order_id.into(),
                now.into(),
                member_id.into(),
                upload_id.into(),
                action.code().into(),
                changes.into(),
            ]
        });
        self.tx.exec_many(
            "INSERT INTO order_events (id, order_id, logged_at, member_id, upload_id, action, changes) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            &mut rows,
        )
    }

    /// Writes the access record of the changed orders. What the program does by itself is nobody's access.
    fn record_access(&mut self) -> Result<()> {
        let ChangeContext { actor, upload_id, action } = self.context;
        if actor == Actor::Program {
            return Ok(());
        }
        let page = upload_id.map_or_else(|| "/orders".to_owned(), |id| format!("/uploads/{id}"));
        let changed = (action.access(), std::mem::take(&mut self.changed));
        let deleted = (AccessAction::Deleted, std::mem::take(&mut self.deleted));
        for (action, orders) in [changed, deleted].into_iter().filter(|(_, orders)| !orders.is_empty()) {
            let orders = orders.into_iter().collect();
            let (accessor, page, query) = (actor.into(), page.clone(), String::new());
            access::record(self.tx, NewAccess { accessor, action, page, query, orders })?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<()> {
        let reopened = std::mem::take(&mut self.reopened);
        if !reopened.is_empty() {
            // A return or an exchange needs the customer.
            for order_id in seal::open(self.tx, &reopened)? {
                self.log_act(order_id, SEAL_OPENED);
            }
        }
        self.insert_log()?;
        self.record_access()?;
        self.derived.write(self.tx)
    }
}

/// The orders that differ, by the columns in which they do.
fn by_changed_columns<'o>(orders: &[(&'o Order, &'o Order)]) -> BTreeMap<Vec<usize>, Vec<(&'o Order, &'o Order)>> {
    let mut batches: BTreeMap<Vec<usize>, Vec<(&Order, &Order)>> = BTreeMap::new();
    for (before, after) in orders {
        let (was, is) = (values(before), values(after));
        let changed: Vec<usize> = (0..FIELDS.len()).filter(|&column| was[column] != is[column]).collect();
        if !changed.is_empty() {
            batches.entry(changed).or_default().push((*before, *after));
        }
    }
    batches
}

/// Replaces values of orders and their search terms without an entry in their logs: for data that is moved apart and back.
///
/// # Errors
/// [`StorageError::Unavailable`] if another transaction changed an order in the meantime.
pub(super) fn replace_unlogged(tx: &mut dyn Tx, orders: &[(&Order, &Order)]) -> Result<()> {
    let context = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Edited };
    let mut writer = OrderWriter::new(tx, context);
    for (changed, orders) in by_changed_columns(orders) {
        if !writer.update_rows(&changed, &orders)? {
            return Err(StorageError::Unavailable("orders were changed by a concurrent transaction".to_owned()));
        }
        writer.save_terms(&orders)?;
    }
    Ok(())
}

fn segment_blocks(orders: &[OrderInsert<'_>], limits: &Limits) -> Vec<PostingsBlock> {
    let mut terms = Postings::with_capacity(orders.len());
    for OrderInsert { order, bundle_number, .. } in orders {
        searchable(order, bundle_number).add_to(&mut terms, order.id);
    }
    terms.to_blocks(limits)
}

fn searchable<'a>(order: &'a Order, bundle_number: &'a str) -> Searchable<'a> {
    Searchable { order, bundle_number }
}

/// The value of a column as the log writes it; none for an unknown column.
pub fn column_json(order: &Order, column: &str) -> Option<serde_json::Value> {
    let at = FIELDS.iter().position(|field| field.column == column)?;
    Some(json(&values(order)[at]))
}

fn json(value: &Param<'_>) -> serde_json::Value {
    match value {
        Param::Int(number) => (*number).into(),
        Param::Text(text) => text.as_ref().into(),
        Param::Null | Param::Blob(_) => serde_json::Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::{BY_HAND, Shop, all_orders, edit, new_order};

    #[test]
    fn concurrent_change_is_unavailable_and_can_be_retried() {
        let result = Shop::open().write(|tx, files| {
            files.order(tx, "SMART_STORE", vec![new_order("1")])?;
            let stale = all_orders(tx)?.remove(0);
            assert!(edit(tx, &stale, |order| order.quantity = 2)?);
            let after = Order { quantity: 3, ..stale.clone() };
            Ok(with_changes(tx, BY_HAND, |changes| changes.save_current(&stale, &after)))
        });
        assert!(matches!(result.expect("a shop"), Err(StorageError::Unavailable(_))));
    }
}
