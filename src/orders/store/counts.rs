//! Order counts, read from `order_tallies` without touching the orders.

use std::collections::BTreeMap;

use crate::id::ProductId;
use crate::orders::model::OrderState;
use crate::storage::{Result, StorageError, Tx};

/// Number of orders of a product by state; states without orders are omitted.
pub fn by_state(tx: &mut dyn Tx, product_id: ProductId) -> Result<Vec<(OrderState, i64)>> {
    let sql = "SELECT state, CAST(sum(order_count) AS INTEGER) FROM order_tallies WHERE product_id = ? \
               GROUP BY state ORDER BY state";
    let mut counts = Vec::new();
    for row in tx.query(sql, &[product_id.into()])? {
        let (rank, orders) = (row.int(0)?, row.int(1)?);
        let state = OrderState::from_ordinal(rank)
            .ok_or_else(|| StorageError::Inconsistent(format!("order_tallies.state: {rank}")))?;
        if orders > 0 {
            counts.push((state, orders));
        }
    }
    Ok(counts)
}

/// Number of orders by product.
pub fn by_product(tx: &mut dyn Tx) -> Result<BTreeMap<ProductId, i64>> {
    tx.query("SELECT product_id, CAST(sum(order_count) AS INTEGER) FROM order_tallies GROUP BY product_id", &[])?
        .iter()
        .map(|row| Ok((row.id(0)?, row.int(1)?)))
        .collect()
}
