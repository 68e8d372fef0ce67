//! Erases what no duty keeps: the memos of orders, also in their log, in what the channel said, and in values for an undo.

use serde_json::Value;

use super::{ChangeContext, with_changes};
use crate::access::{self, AccessAction, NewAccess};
use crate::id::{OrderEventId, OrderId};
use crate::storage::{Param, Result, StorageError, Tx};

/// Columns without a duty to keep them.
const MEMOS: [&str; 4] = ["customer_message", "purchase_memo", "shipping_memo", "admin_memo"];

/// The act as the log of an order names it.
const ACT: &str = "본인 요구로 메모 삭제";

/// Number of these orders that have a memo, or had one according to their log.
pub fn count_memos(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<u64> {
    let mut count = 0;
    let has_memo = MEMOS.map(|memo| format!("{memo} <> ''")).join(" OR ");
    let logged = MEMOS.map(|memo| format!("e.changes LIKE '%\"{memo}\"%'")).join(" OR ");
    let sql = |ids: &str| {
        format!(
            "SELECT id FROM orders o WHERE id IN ({ids}) AND ({has_memo} OR EXISTS \
             (SELECT 1 FROM order_events e WHERE e.order_id = o.id AND ({logged})))"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |_| {
        count += 1;
        Ok(())
    })?;
    Ok(count)
}

/// Erases the memos of these orders, and records whose data was deleted on which page. The log keeps that it was done, not
/// what the memos were.
pub fn erase_memos(tx: &mut dyn Tx, context: ChangeContext, ids: &[OrderId], page: &str) -> Result<()> {
    with_changes(tx, context, |changes| {
        for id in ids {
            let sets = MEMOS.map(|memo| format!("{memo} = ''")).join(", ");
            let sql = format!("UPDATE orders SET {sets}, version = version + 1 WHERE id = ?");
            changes.tx.exec(&sql, &[(*id).into()])?;
            erase_log(changes.tx, *id)?;
            changes.log_act(*id, ACT);
        }
        for table in ["channel_statements", "channel_conflicts"] {
            for id in ids {
                let sql = format!("DELETE FROM {table} WHERE order_id = ? AND field = 'customer_message'");
                changes.tx.exec(&sql, &[(*id).into()])?;
            }
        }
        // What an undo would bring back.
        changes.tx.delete_ids("bulk_action_orders", "order_id", ids)?;
        let orders = ids.iter().copied().collect();
        let (accessor, action) = (context.actor.into(), AccessAction::Deleted);
        access::record(
            changes.tx,
            NewAccess { accessor, action, page: page.to_owned(), query: String::new(), orders },
        )?;
        Ok::<_, StorageError>(())
    })
}

fn erase_log(tx: &mut dyn Tx, order_id: OrderId) -> Result<()> {
    let rows = tx.query("SELECT id, changes FROM order_events WHERE order_id = ?", &[order_id.into()])?;
    for mut row in rows {
        let id: OrderEventId = row.id(0)?;
        let mut changes: Vec<(String, Value, Value)> = row.json(1, "order_events.changes")?;
        let mut is_changed = false;
        for (field, before, after) in &mut changes {
            if MEMOS.contains(&field.as_str()) {
                (*before, *after, is_changed) = (Value::from(""), Value::from(""), true);
            }
        }
        if is_changed {
            let changes =
                serde_json::to_string(&changes).map_err(|error| StorageError::Inconsistent(error.to_string()))?;
            let params: [Param<'_>; 3] = [changes.into(), order_id.into(), id.into()];
            tx.exec("UPDATE order_events SET changes = ? WHERE order_id = ? AND id = ?", &params)?;
        }
    }
    Ok(())
}
