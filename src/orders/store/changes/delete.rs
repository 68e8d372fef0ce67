//! Deletion of orders, with everything that is stored about them except their logs.

use super::{LogLine, OrderWriter, index, searchable, tokenize};
use crate::orders::model::Order;
use crate::orders::store::deliveries;
use crate::search::tokenizer::Postings;
use crate::storage::Result;

/// Tables that have rows of an order and reference it.
const TABLES_OF_ORDERS: [&str; 4] = ["open_claims", "channel_statements", "channel_conflicts", "order_districts"];

impl OrderWriter<'_> {
    /// Deletes orders that were read in this transaction, with their claims, statements, conflicts, districts and search
    /// terms. The logs remain, and get a last entry with the order's number. Their deliveries are recomputed; those
    /// that are empty then can be deleted by [`deliveries::delete_empty`].
    pub fn delete_all(&mut self, orders: &[Order]) -> Result<()> {
        let deliveries: Vec<i64> = orders.iter().map(|order| order.delivery_id).collect();
        let numbers = deliveries::bundle_numbers(self.tx, &deliveries)?;
        let mut terms = orders.iter().map(|order| {
            let was = tokenize(searchable(order, &numbers[&order.delivery_id]));
            (order.id, was, Postings::default())
        });
        index::update_rows(self.tx, &mut terms)?;
        for table in TABLES_OF_ORDERS {
            let sql = format!("DELETE FROM {table} WHERE order_id = ?");
            self.tx.exec_many(&sql, &mut orders.iter().map(|order| vec![order.id.into()]))?;
        }
        self.tx.exec_many("DELETE FROM orders WHERE id = ?", &mut orders.iter().map(|order| vec![order.id.into()]))?;
        for order in orders {
            *self.counts.entry((order.state, order.channel_id, order.product_id)).or_default() -= 1;
            self.stale_deliveries.insert(order.delivery_id);
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
