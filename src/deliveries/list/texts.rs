//! Comparison of search words with the texts of the orders of deliveries, for words that the index cannot look up.

use std::collections::{BTreeSet, HashSet};

use crate::deliveries::filter::DeliverySearchField;
use crate::id::{DeliveryId, OrderId};
use crate::orders::list::matching;
use crate::orders::model::{Order, Recipient};
use crate::orders::search::{Searchable, tokenize};
use crate::orders::search_field::SearchField;
use crate::storage::{Result, Tx};

/// Deliveries whose orders are compared together.
const BATCH_ROWS: usize = 500;

/// Index of the orders of a delivery.
const INDEX_OF_DELIVERY: &str = "orders_by_delivery";

/// Words that the index cannot answer, compared with the texts of each order.
pub(super) struct Comparison<'w> {
    pub(super) field: DeliverySearchField,
    pub(super) words: &'w [String],
}

impl Comparison<'_> {
    /// The orders that match every word.
    pub(super) fn matching(&self, tx: &mut dyn Tx, orders: Vec<OrderId>) -> Result<Vec<OrderId>> {
        match self.field {
            _ if self.words.is_empty() => Ok(orders),
            DeliverySearchField::AddressDetail => matching_address_detail(tx, &orders, self.words),
            field => matching(tx, field.order_field(), &orders, self.words),
        }
    }

    /// The deliveries with an order that is in the set and matches the words.
    pub(super) fn matching_deliveries(
        &self,
        tx: &mut dyn Tx,
        deliveries: &[DeliveryId],
        set: Option<&HashSet<OrderId>>,
    ) -> Result<Vec<DeliveryId>> {
        let mut found = Vec::new();
        for chunk in deliveries.chunks(BATCH_ROWS) {
            let by_delivery = tx.index_hint(INDEX_OF_DELIVERY);
            let sql =
                |ids: &str| format!("SELECT id, delivery_id FROM orders {by_delivery} WHERE delivery_id IN ({ids})");
            let mut orders = Vec::new();
            tx.for_ids(chunk, &[], sql, &mut |row| {
                orders.push((row.id(0)?, row.id(1)?));
                Ok(())
            })?;
            orders.retain(|(order, _)| set.is_none_or(|set| set.contains(order)));
            let ids: Vec<OrderId> = orders.iter().map(|(order, _)| *order).collect();
            let matching: HashSet<OrderId> = self.matching(tx, ids)?.into_iter().collect();
            let deliveries: HashSet<DeliveryId> = orders
                .into_iter()
                .filter(|(order, _)| matching.contains(order))
                .map(|(_, delivery)| delivery)
                .collect();
            found.extend(chunk.iter().filter(|delivery| deliveries.contains(delivery)));
        }
        Ok(found)
    }
}

fn matching_address_detail(tx: &mut dyn Tx, orders: &[OrderId], words: &[String]) -> Result<Vec<OrderId>> {
    let mut matches = Vec::new();
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| format!("SELECT id, recipient_address2 FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(orders, &[], sql, &mut |mut row| {
        let recipient = Recipient { address2: row.text(1)?, ..Recipient::default() };
        let order = Order { recipient, ..Order::default() };
        if tokenize(Searchable { order: &order, bundle_number: "" }).matches_all(SearchField::Address.bits(), words) {
            matches.push(row.id(0)?);
        }
        Ok(())
    })?;
    Ok(matches)
}

/// The deliveries of these orders, sorted.
pub(super) fn deliveries_of(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<Vec<DeliveryId>> {
    let mut deliveries = BTreeSet::new();
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| format!("SELECT delivery_id FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(orders, &[], sql, &mut |row| {
        deliveries.insert(row.id(0)?);
        Ok(())
    })?;
    Ok(deliveries.into_iter().collect())
}
