//! The delivery list: pagination, filters and search for millions of deliveries.
//!
//! `listing` describes the list to [`search`](crate::search), which plans and reads a page; `texts` compares search
//! words with the orders of deliveries; `tallies` counts the list. [`load_rows`] loads the rows of a page.

mod listing;
mod tallies;
mod texts;

use self::listing::DeliveryListing;
use super::filter::DeliveryFilter;
use super::model::joined_late;
use super::store::{self, Delivery};
use crate::id::{DeliveryId, OrderId};
use crate::orders::list::{self as orders, OrderRow};
use crate::search::query::{self, IdPage};
use crate::search::{Limits, Window};
use crate::storage::{Result, Tx};

/// Limits of the list. A scan checks fewer rows than that of orders, since it reads the orders of each.
const LIMITS: Limits = Limits { max_scanned_rows: 8_000, scan_step_rows: 800, ..Limits::DEFAULT };

/// Deliveries whose orders one query loads.
const BATCH_ROWS: usize = 100;

/// A delivery with its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// the delivery
    pub delivery: Delivery,
    /// its orders, oldest first
    pub orders: Vec<DeliveryOrder>,
    /// whether the data is masked
    pub is_masked: bool,
}

/// An order of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOrder {
    /// the order with product and labels
    pub listed: OrderRow,
    /// whether it joined after the slip was printed, or after the delivery was ready: see [`joined_late`]
    pub joined_late: bool,
}

impl DeliveryRow {
    /// The primary order (대표상품), whose recipient is that of the delivery.
    pub fn primary(&self) -> Option<&OrderRow> {
        let primary = self.orders.iter().find(|order| Some(order.listed.order.id) == self.delivery.primary_order_id);
        primary.or(self.orders.first()).map(|order| &order.listed)
    }

    /// Identifiers of the orders.
    pub fn order_ids(&self) -> impl Iterator<Item = OrderId> {
        self.orders.iter().map(|order| order.listed.order.id)
    }

    /// The distinct 고객메시지 of the orders.
    pub fn customer_messages(&self) -> Vec<&str> {
        self.texts(|listed| &listed.order.customer_message)
    }

    /// The distinct 배송메모 of the orders.
    pub fn shipping_memos(&self) -> Vec<&str> {
        self.texts(|listed| &listed.order.shipping_memo)
    }

    fn texts(&self, text: fn(&OrderRow) -> &String) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for order in &self.orders {
            let text = text(&order.listed).trim();
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// The page of `size` deliveries from row `offset` on.
pub fn page(tx: &mut dyn Tx, filter: &DeliveryFilter, offset: i64, size: i64) -> Result<IdPage<DeliveryId>> {
    find(tx, filter, Window { offset, size }, LIMITS)
}

/// As [`page`], within other limits.
pub(super) fn find(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    window: Window,
    limits: Limits,
) -> Result<IdPage<DeliveryId>> {
    query::page(tx, &DeliveryListing::new(filter, limits), window)
}

/// The deliveries of these identifiers with their orders, in the given order.
pub fn load_rows(tx: &mut dyn Tx, ids: &[DeliveryId]) -> Result<Vec<DeliveryRow>> {
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(BATCH_ROWS) {
        let joined = store::joined_orders(tx, chunk)?;
        let order_ids: Vec<OrderId> = joined.iter().map(|joined| joined.order_id).collect();
        let mut orders = orders::load_rows(tx, &order_ids)?.into_iter().zip(&joined).collect::<Vec<_>>();
        for delivery in store::by_ids(tx, chunk)? {
            let (own, others) = orders.into_iter().partition(|(_, joined)| joined.delivery_id == delivery.id);
            orders = others;
            let delivery_order = |(listed, joined): (OrderRow, &store::JoinedOrder)| DeliveryOrder {
                listed,
                joined_late: joined_late(joined.at, delivery.printed_at, delivery.ready_at),
            };
            let orders = Vec::into_iter(own).map(delivery_order).collect();
            rows.push(DeliveryRow { delivery, orders, is_masked: false });
        }
    }
    Ok(rows)
}
