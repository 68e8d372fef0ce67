//! Orders with an open claim that holds them back.

use std::collections::HashSet;

use super::{Action, ChangeContext, find, with_changes};
use crate::audit::Actor;
use crate::id::OrderId;
use crate::orders::model::Order;
use crate::storage::{Result, Tx};

/// The orders, out of these, that an open claim keeps where they are, oldest first. Few orders of a shop have an open
/// claim, so that these are read, not the given ones.
pub fn held(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<Order>> {
    let open = tx.query("SELECT order_id FROM open_claims ORDER BY order_id", &[])?;
    let mut open: Vec<OrderId> = open.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let wanted: HashSet<OrderId> = ids.iter().copied().collect();
    open.retain(|id| wanted.contains(id));
    let mut orders = find(tx, &open)?;
    orders.retain(Order::is_held);
    orders.sort_by_key(|order| order.id);
    Ok(orders)
}

/// Logs that these orders went into a file despite their claims. `file` is its name on the screen.
pub fn log_file_despite_claim(tx: &mut dyn Tx, actor: Actor, orders: &[OrderId], file: &str) -> Result<()> {
    let context = ChangeContext { actor, upload_id: None, action: Action::DespiteClaim };
    with_changes(tx, context, |changes| {
        for order in orders {
            changes.log_act(*order, file);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::NewOrder;
    use crate::orders::store::events;
    use crate::orders::testing::{Shop, all_orders, new_order};

    #[test]
    fn only_orders_with_an_open_cancellation_are_held() {
        let held = Shop::open().write(|tx, files| {
            let claimed = |number: &str, claim: &str| NewOrder { claim: claim.to_owned(), ..new_order(number) };
            files.order(tx, "SMART_STORE", vec![claimed("1", "취소요청"), claimed("2", "반품요청"), new_order("3")])?;
            let ids: Vec<OrderId> = all_orders(tx)?.iter().map(|order| order.id).collect();
            log_file_despite_claim(tx, Actor::Program, &ids[..1], "발주서")?;
            let last = events(tx, ids[0])?.remove(0);
            assert_eq!((last.action, last.changes[0].0.as_str()), (Action::DespiteClaim, "act"));
            assert_eq!(held(tx, &ids[1..])?, []);
            held(tx, &ids)
        });
        let numbers: Vec<String> = held.expect("reads").into_iter().map(|order| order.order_number).collect();
        assert_eq!(numbers, ["1"]);
    }
}
