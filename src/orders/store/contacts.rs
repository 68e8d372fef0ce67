//! Names and telephone numbers of orders without the rest: a leak may concern all orders of a shop.

use super::seal::SealedContent;
use crate::id::OrderId;
use crate::storage::{Result, Row, StorageError, Tx};

/// The customer and the recipient of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderContacts {
    /// the order
    pub id: OrderId,
    /// name of the customer
    pub customer_name: String,
    /// telephone number of the customer
    pub customer_tel: String,
    /// name of the recipient
    pub recipient_name: String,
    /// telephone numbers of the recipient
    pub recipient_tels: [String; 2],
}

/// With what was moved out of a sealed order.
const COLUMNS: &str = "o.id, o.customer_name, o.customer_tel, o.recipient_name, o.recipient_tel1, o.recipient_tel2, \
                       s.content";

fn contacts(mut row: Row) -> Result<OrderContacts> {
    if let Some(content) = row.opt_text(6)? {
        let content: SealedContent =
            serde_json::from_str(&content).map_err(|_| StorageError::Inconsistent("order_seals.content".to_owned()))?;
        let field = |column: &str| content.field(column).to_owned();
        return Ok(OrderContacts {
            id: row.id(0)?,
            customer_name: field("customer_name"),
            customer_tel: field("customer_tel"),
            recipient_name: field("recipient_name"),
            recipient_tels: [field("recipient_tel1"), field("recipient_tel2")],
        });
    }
    Ok(OrderContacts {
        id: row.id(0)?,
        customer_name: row.text(1)?,
        customer_tel: row.text(2)?,
        recipient_name: row.text(3)?,
        recipient_tels: [row.text(4)?, row.text(5)?],
    })
}

/// Visits these orders, as far as they exist.
pub fn contacts_of(tx: &mut dyn Tx, ids: &[OrderId], visit: &mut dyn FnMut(OrderContacts) -> Result<()>) -> Result<()> {
    let [by_id, by_order] = ["orders", "order_seals"].map(|table| tx.primary_key_hint(table));
    let sql = |ids: &str| {
        format!(
            "SELECT {COLUMNS} FROM orders o {by_id} LEFT JOIN order_seals s {by_order} ON s.order_id = o.id \
             WHERE o.id IN ({ids})"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |row| visit(contacts(row)?))
}

/// Visits the orders from `first` to `last`, both included.
pub fn contacts_between(
    tx: &mut dyn Tx,
    (first, last): (OrderId, OrderId),
    visit: &mut dyn FnMut(OrderContacts) -> Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT {COLUMNS} FROM orders o LEFT JOIN order_seals s ON s.order_id = o.id \
         WHERE o.id BETWEEN ? AND ? ORDER BY o.id"
    );
    tx.for_each(&sql, &[first.into(), last.into()], &mut |row| visit(contacts(row)?))
}
