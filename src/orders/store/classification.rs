//! SQL that sets the district of undelivered orders.

use std::collections::BTreeMap;

use super::{ChangeContext, find, with_changes};
use crate::districts::Districts;
use crate::id::{DeliveryId, OrderId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::OrderState;
use crate::storage::{Result, Tx};

/// Deliveries classified in one transaction.
pub const DELIVERIES_PER_BATCH: usize = 200;

/// The next `max` open deliveries behind `after`. The states are read in one sequence of identifiers, so
/// that a delivery whose state changes between two batches is not missed.
pub fn open_deliveries_after(tx: &mut dyn Tx, after: DeliveryId, max: usize) -> Result<Vec<DeliveryId>> {
    let limit = i64::try_from(max).unwrap_or(i64::MAX);
    let index = tx.index_hint("deliveries_by_state");
    let sql = format!("SELECT id FROM deliveries {index} WHERE state = ? AND id > ? ORDER BY id LIMIT ?");
    let mut ids = Vec::new();
    for state in DeliveryState::UNDER_WAY {
        for row in tx.query(&sql, &[(state as i64).into(), after.into(), limit.into()])? {
            ids.push(row.id(0)?);
        }
    }
    ids.sort_unstable();
    ids.truncate(max);
    Ok(ids)
}

/// Reclassifies the undelivered orders of these deliveries; returns how many changed.
pub fn classify(
    tx: &mut dyn Tx,
    context: ChangeContext,
    districts: &Districts,
    deliveries: &[DeliveryId],
) -> Result<usize> {
    let mut wrong: BTreeMap<OrderId, Option<i64>> = BTreeMap::new();
    let (by_delivery, by_order) = (tx.index_hint("orders_by_delivery"), tx.primary_key_hint("order_districts"));
    let sql = |ids: &str| {
        format!(
            "SELECT o.id, o.sigungu_code, o.recipient_zip_code, c.sigungu_code, c.zip_code, \
             o.recipient_address1 FROM orders o {by_delivery} \
             LEFT JOIN order_districts c {by_order} ON c.order_id = o.id WHERE o.state < ? AND o.delivery_id IN ({ids})"
        )
    };
    tx.for_ids(deliveries, &[OrderState::Shipped.ordinal().into()], sql, &mut |mut row| {
        let (id, current, zip_code) = (row.id(0)?, row.opt_int(1)?, row.text(2)?);
        let by_hand = row.opt_int(3)?.filter(|_| row.opt_text(4).ok().flatten().as_deref() == Some(&*zip_code));
        let address = row.text(5)?;
        let belongs = by_hand.or_else(|| districts.district_of(&zip_code, &address));
        if belongs != current {
            wrong.insert(id, belongs);
        }
        Ok(())
    })?;
    let ids: Vec<OrderId> = wrong.keys().copied().collect();
    let found = find(tx, &ids)?;
    with_changes(tx, context, |changes| {
        found.iter().try_for_each(|before| {
            let mut after = before.clone();
            after.sigungu_code = wrong.get(&before.id).copied().flatten();
            changes.save_current(before, &after)
        })
    })?;
    Ok(found.len())
}

/// Counts the undelivered orders that `districts` would classify differently.
pub fn affected(tx: &mut dyn Tx, districts: &Districts) -> Result<u64> {
    let mut affected = 0;
    for state in [OrderState::Placed, OrderState::Purchased, OrderState::Dispatched] {
        let sql = "SELECT o.sigungu_code, o.recipient_zip_code, c.sigungu_code, c.zip_code, o.recipient_address1 FROM orders o \
                   LEFT JOIN order_districts c ON c.order_id = o.id WHERE o.state = ?";
        tx.for_each(sql, &[state.ordinal().into()], &mut |mut row| {
            let (current, zip_code) = (row.opt_int(0)?, row.text(1)?);
            let by_hand = row.opt_int(2)?.filter(|_| row.opt_text(3).ok().flatten().as_deref() == Some(&*zip_code));
            let address = row.text(4)?;
            affected += u64::from(by_hand.or_else(|| districts.district_of(&zip_code, &address)) != current);
            Ok(())
        })?;
    }
    Ok(affected)
}
