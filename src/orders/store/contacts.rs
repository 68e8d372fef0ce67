//! Names and telephone numbers of orders without the rest: a leak may concern all orders of a shop.

use crate::storage::{Result, Row, Tx};

/// The customer and the recipient of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderContacts {
    /// the order
    pub id: i64,
    /// name of the customer
    pub customer_name: String,
    /// telephone number of the customer
    pub customer_tel: String,
    /// name of the recipient
    pub recipient_name: String,
    /// telephone numbers of the recipient
    pub recipient_tels: [String; 2],
}

const COLUMNS: &str = "id, customer_name, customer_tel, recipient_name, recipient_tel1, recipient_tel2";

fn contacts(mut row: Row) -> Result<OrderContacts> {
    Ok(OrderContacts {
        id: row.int(0)?,
        customer_name: row.text(1)?,
        customer_tel: row.text(2)?,
        recipient_name: row.text(3)?,
        recipient_tels: [row.text(4)?, row.text(5)?],
    })
}

/// Visits these orders, as far as they exist.
pub fn contacts_of(tx: &mut dyn Tx, ids: &[i64], visit: &mut dyn FnMut(OrderContacts) -> Result<()>) -> Result<()> {
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| format!("SELECT {COLUMNS} FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |row| visit(contacts(row)?))
}

/// Visits the orders from `first` to `last`, both included.
pub fn contacts_between(
    tx: &mut dyn Tx,
    (first, last): (i64, i64),
    visit: &mut dyn FnMut(OrderContacts) -> Result<()>,
) -> Result<()> {
    let sql = format!("SELECT {COLUMNS} FROM orders WHERE id BETWEEN ? AND ? ORDER BY id");
    tx.for_each(&sql, &[first.into(), last.into()], &mut |row| visit(contacts(row)?))
}
