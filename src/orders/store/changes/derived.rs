//! What follows from the orders and is stored beside them.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::{ChannelId, DeliveryId, ProductId};
use crate::orders::model::{Order, OrderState};
use crate::orders::store::deliveries;
use crate::storage::{Result, Tx};

/// Order counts and deliveries that changes of orders have made stale, so that each is written once.
#[derive(Debug, Default)]
pub(super) struct DerivedChanges {
    /// change of the number of orders by state, channel and product
    counts: BTreeMap<(OrderState, ChannelId, ProductId), i64>,
    /// deliveries to recompute
    pub(super) stale_deliveries: BTreeSet<DeliveryId>,
}

impl DerivedChanges {
    /// Adds `amount` to the number of orders like this one.
    pub(super) fn count(&mut self, order: &Order, amount: i64) {
        *self.counts.entry((order.state, order.channel_id, order.product_id)).or_default() += amount;
    }

    /// Writes the counts and recomputes the deliveries.
    pub(super) fn write(self, tx: &mut dyn Tx) -> Result<()> {
        let counts = self.counts.into_iter().filter(|(_, amount)| *amount != 0);
        let mut rows = counts.map(|((state, channel_id, product_id), amount)| {
            vec![state.ordinal().into(), channel_id.into(), product_id.into(), amount.into()]
        });
        tx.increment_many("order_tallies", &["state", "channel_id", "product_id"], "order_count", &mut rows)?;
        deliveries::refresh_summaries(tx, &self.stale_deliveries.into_iter().collect::<Vec<_>>())
    }
}
