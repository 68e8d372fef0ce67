//! Deletion of orders: by the undo of the upload that brought them, and at the end of their retention.
//!
//! Rows of other rooms (deliveries' log, plans, uploads) are theirs to delete, in the same transaction.

use std::collections::BTreeSet;

use super::{DerivedChanges, LogLine, OrderWriter, index, searchable, tokenize};
use crate::id::{DeliveryId, OrderId};
use crate::orders::model::Order;
use crate::orders::store::{channel_conflicts, deliveries, find};
use crate::search::tokenizer::Postings;
use crate::storage::{Result, Tx};

/// Tables with rows of an order, besides its log.
const TABLES: [&str; 9] = [
    "open_claims",
    "order_districts",
    "channel_statements",
    "channel_conflicts",
    "bulk_action_orders",
    "delay_notices",
    "withdrawal_consents",
    "order_seals",
    "sealed_names",
];

/// Deletes orders that were read in this transaction, with their rows in [`TABLES`]. Their log and search terms remain.
fn delete_rows(tx: &mut dyn Tx, orders: &[Order], derived: &mut DerivedChanges) -> Result<()> {
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    channel_conflicts::forget_open(tx, &ids)?;
    for table in TABLES {
        tx.delete_ids(table, "order_id", &ids)?;
    }
    tx.delete_ids("orders", "id", &ids)?;
    for order in orders {
        derived.count(order, -1);
        derived.stale_deliveries.insert(order.delivery_id);
    }
    Ok(())
}

impl OrderWriter<'_> {
    /// Deletes orders that were read in this transaction, with their search terms. Their logs remain, and get a last entry
    /// with the order's number. Their deliveries are recomputed; those that are empty then can be deleted by
    /// [`deliveries::delete_empty`].
    pub fn delete_all(&mut self, orders: &[Order]) -> Result<()> {
        let deliveries: Vec<DeliveryId> = orders.iter().map(|order| order.delivery_id).collect();
        let numbers = deliveries::bundle_numbers(self.tx, &deliveries)?;
        let mut terms = orders.iter().map(|order| {
            let was = tokenize(searchable(order, &numbers[&order.delivery_id]));
            (order.id, was, Postings::default())
        });
        index::update_rows(self.tx, &mut terms)?;
        delete_rows(self.tx, orders, &mut self.derived)?;
        for order in orders {
            self.deleted.push(order.id);
            let line: LogLine = (order.id, self.context.action, deletion_log(order));
            self.log.push(line);
        }
        Ok(())
    }
}

fn deletion_log(order: &Order) -> String {
    serde_json::json!([["order_number", order.order_number, null]]).to_string()
}

/// What [`destroy`] deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DestroyedOrders {
    /// identifiers of the orders
    pub orders: Vec<OrderId>,
    /// entries of their logs
    pub events: u64,
    /// deliveries that have no order any more, for [`deliveries::delete_empty`]
    pub emptied: Vec<DeliveryId>,
}

/// Deletes these orders with their log. Their search terms are removed before
/// ([`find_terms`](crate::search::store::find_terms)): those of an order that was changed often are not found by its fields.
/// Orders that do not exist are left out: a run may be repeated.
pub fn destroy(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<DestroyedOrders> {
    let orders = find(tx, ids)?;
    let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    let events = tx.delete_ids("order_events", "order_id", &ids)?;
    let mut derived = DerivedChanges::default();
    delete_rows(tx, &orders, &mut derived)?;
    derived.write(tx)?;
    let deliveries: BTreeSet<DeliveryId> = orders.iter().map(|order| order.delivery_id).collect();
    let emptied = deliveries::without_orders(tx, &deliveries.into_iter().collect::<Vec<_>>())?;
    Ok(DestroyedOrders { orders: ids, events, emptied })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::UploadId;
    use crate::orders::store::with_changes;
    use crate::orders::testing::{BY_HAND, Shop, all_orders, edit, new_order, order_rows};

    /// Two orders of one upload, each with an edit, a claim and an open conflict.
    fn upload_with_conflicts(shop: &Shop) -> UploadId {
        let write = shop.write(|tx, files| {
            let rows = [("1", "B1"), ("2", "B2")].map(|(number, bundle)| {
                let mut order = new_order(number);
                order.bundle_number = bundle.to_owned();
                order.claim = "취소요청".to_owned();
                order
            });
            let upload_id = files.upload_recorded(tx, "SMART_STORE", order_rows(rows.into()))?;
            for (at, order) in (1..).zip(all_orders(tx)?) {
                assert!(edit(tx, &order, |order| order.price += 1)?);
                let (order_id, at): (OrderId, i64) = (order.id, at);
                tx.exec(
                    "INSERT INTO channel_conflicts (id, order_id, field, reason, channel_value, own_value, upload_id, \
                     position, is_open) VALUES (?, ?, 'quantity', 'edited', '2', '1', ?, 1, 1)",
                    &[at.into(), order_id.into(), upload_id.into()],
                )?;
            }
            tx.exec("UPDATE uploads SET open_conflicts = 2 WHERE id = ?", &[upload_id.into()])?;
            Ok(upload_id)
        });
        write.expect("an upload")
    }

    /// Rows of a table.
    fn count(tx: &mut dyn Tx, table: &str) -> i64 {
        tx.scalar(&format!("SELECT count(*) FROM {table}"), &[]).expect("a number")
    }

    #[test]
    fn undo_and_destruction_delete_the_same_rows_but_for_log_and_terms() {
        let shop = Shop::open();
        let upload_id = upload_with_conflicts(&shop);
        let read = shop.write(move |tx, _| {
            let orders = all_orders(tx)?;
            let (of_undo, of_retention) = (orders[..1].to_vec(), orders[1].id);
            with_changes(tx, BY_HAND, |changes| changes.delete_all(&of_undo))?;
            let destroyed = destroy(tx, &[of_retention, OrderId::from_raw(404)])?;
            assert_eq!((destroyed.orders, destroyed.events), (vec![of_retention], 1));
            assert_eq!(destroyed.emptied, [orders[1].delivery_id]);
            for table in TABLES.into_iter().chain(["orders"]) {
                assert_eq!(count(tx, table), 0, "{table}");
            }
            assert_eq!(count(tx, "order_events"), 2, "an undone order keeps its log: the edit and the deletion");
            assert_eq!(count(tx, "order_tallies WHERE order_count <> 0"), 0);
            let deliveries: Vec<DeliveryId> = orders.iter().map(|order| order.delivery_id).collect();
            deliveries::delete_empty(tx, &deliveries)?;
            assert_eq!(count(tx, "deliveries"), 0);
            assert_eq!(count(tx, &format!("uploads WHERE id = {upload_id:?} AND open_conflicts = 0")), 1);
            Ok(())
        });
        read.expect("deletes");
    }
}
