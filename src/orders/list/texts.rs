//! Comparison of search words with the texts of orders, for words that the index cannot look up.

use std::collections::HashSet;

use crate::id::OrderId;
use crate::orders::fields::FIELDS;
use crate::orders::model::Order;
use crate::orders::search::{Searchable, tokenize};
use crate::orders::search_field::SearchField;
use crate::storage::{Result, Tx};

/// Orders that all terms match, in the given order.
pub fn matching(tx: &mut dyn Tx, field: SearchField, ids: &[OrderId], words: &[String]) -> Result<Vec<OrderId>> {
    let (by_id, by_delivery) = (tx.primary_key_hint("orders"), tx.primary_key_hint("deliveries"));
    // Read the searchable columns only, not all forty: a page may compare a thousand orders.
    let searched = FIELDS.iter().filter(|field| field.search.is_some());
    let columns: Vec<String> = searched.clone().map(|field| format!("o.{}", field.column)).collect();
    let columns = columns.join(", ");
    let sql = |ids: &str| {
        format!(
            "SELECT o.id, d.bundle_number, {columns} FROM orders o {by_id} \
             CROSS JOIN deliveries d {by_delivery} ON d.id = o.delivery_id WHERE o.id IN ({ids})"
        )
    };
    let mut found = HashSet::with_capacity(ids.len());
    tx.for_ids(ids, &[], sql, &mut |row| {
        let mut columns = row.columns();
        let (id, bundle_number) = (columns.read::<OrderId>()?, columns.read::<String>()?);
        let mut order = Order::default();
        for field in searched.clone() {
            field.read(&mut order, &mut columns)?;
        }
        let terms = tokenize(Searchable { order: &order, bundle_number: &bundle_number });
        if terms.matches_all(field.bits(), words) {
            found.insert(id);
        }
        Ok(())
    })?;
    Ok(ids.iter().copied().filter(|id| found.contains(id)).collect())
}
