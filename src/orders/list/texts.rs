//! Comparison of search words with the texts of orders, for words that the index cannot look up.

use std::collections::HashSet;

use crate::orders::model::{Customer, Recipient};
use crate::orders::search::{SearchField, Searchable, tokenize};
use crate::storage::{PRIMARY_KEY, Result, Tx};

/// Orders that all terms match, in the given order.
pub fn matching(tx: &mut dyn Tx, field: SearchField, ids: &[i64], words: &[String]) -> Result<Vec<i64>> {
    let by_id = tx.index_hint(PRIMARY_KEY);
    // Read the searchable columns only, not all forty: a page may compare a thousand orders.
    let sql = |ids: &str| {
        format!(
            "SELECT o.id, o.order_number, o.customer_name, o.customer_tel, o.recipient_name, o.recipient_tel1, \
             o.recipient_tel2, o.recipient_zip_code, o.recipient_address1, o.recipient_address2, o.tracking_number, \
             d.bundle_number FROM orders o {by_id} CROSS JOIN deliveries d {by_id} ON d.id = o.delivery_id \
             WHERE o.id IN ({ids})"
        )
    };
    let mut found = HashSet::with_capacity(ids.len());
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let customer = Customer { name: row.text(2)?, tel: row.text(3)? };
        let recipient = Recipient {
            name: row.text(4)?,
            tel1: row.text(5)?,
            tel2: row.text(6)?,
            zip_code: row.text(7)?,
            address1: row.text(8)?,
            address2: row.text(9)?,
        };
        let terms = tokenize(Searchable {
            order_number: &row.text(1)?,
            customer: &customer,
            recipient: &recipient,
            tracking_number: &row.text(10)?,
            bundle_number: &row.text(11)?,
        });
        if terms.matches_all(field.bits(), words) {
            found.insert(row.int(0)?);
        }
        Ok(())
    })?;
    Ok(ids.iter().copied().filter(|id| found.contains(id)).collect())
}
