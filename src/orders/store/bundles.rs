//! Moves orders between bundles, and finds bundles that should be merged.

use std::collections::{BTreeSet, HashSet};

use super::{ChangeContext, deliveries, find, log, with_changes};
use crate::id::{DeliveryId, OrderId};
use crate::orders::bundle::{MergeConflict, merge_conflicts, was_delivered};
use crate::orders::model::{Order, OrderState};
use crate::orders::search_field::SearchField;
use crate::search::tokenizer::search_words;
use crate::search::{Limits, store as index};
use crate::storage::{Result, Tx};

/// Maximum number of orders with the same name, newest first.
const MAX_CANDIDATE_ORDERS: usize = 200;

/// A term with more postings does not identify a recipient.
const LIMITS: Limits = Limits { max_postings_per_word: 50_000, ..Limits::DEFAULT };

/// Maximum number of bundles offered for merging.
const MAX_CANDIDATE_BUNDLES: usize = 10;

/// Orders of a delivery, oldest first.
pub fn orders_of(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<Order>> {
    let rows = tx.query("SELECT id FROM orders WHERE delivery_id = ? ORDER BY placed_at, id", &[delivery_id.into()])?;
    let ids = rows.iter().map(|row| row.id(0)).collect::<Result<Vec<_>>>()?;
    let mut orders = find(tx, &ids)?;
    orders.sort_by_key(|order| ids.iter().position(|id| *id == order.id));
    Ok(orders)
}

/// Identifiers of the orders of these deliveries, in no particular order.
pub fn order_ids(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<Vec<OrderId>> {
    let mut ids = Vec::new();
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |deliveries: &str| format!("SELECT id FROM orders {by_delivery} WHERE delivery_id IN ({deliveries})");
    tx.for_ids(deliveries, &[], sql, &mut |row| {
        ids.push(row.id(0)?);
        Ok(())
    })?;
    Ok(ids)
}

/// Identifiers of the orders of these deliveries.
pub fn ids_of(tx: &mut dyn Tx, delivery_ids: &[DeliveryId]) -> Result<Vec<(DeliveryId, OrderId)>> {
    let by_delivery = tx.index_hint("orders_by_delivery");
    let sql = |ids: &str| format!("SELECT delivery_id, id FROM orders {by_delivery} WHERE delivery_id IN ({ids})");
    let mut orders = Vec::new();
    tx.for_ids(delivery_ids, &[], sql, &mut |row| {
        orders.push((row.id(0)?, row.id(1)?));
        Ok(())
    })?;
    orders.sort_unstable();
    orders.dedup();
    Ok(orders)
}

/// Those of the orders whose delivery has orders that are not among them.
pub fn torn_apart(tx: &mut dyn Tx, orders: &[Order]) -> Result<Vec<OrderId>> {
    let chosen: HashSet<OrderId> = orders.iter().map(|order| order.id).collect();
    let deliveries: BTreeSet<DeliveryId> = orders.iter().map(|order| order.delivery_id).collect();
    let all = ids_of(tx, &deliveries.into_iter().collect::<Vec<_>>())?;
    let torn: HashSet<DeliveryId> =
        all.iter().filter(|(_, id)| !chosen.contains(id)).map(|(delivery, _)| *delivery).collect();
    Ok(orders.iter().filter(|order| torn.contains(&order.delivery_id)).map(|order| order.id).collect())
}

/// The other orders of the order's delivery, oldest first.
pub fn others(tx: &mut dyn Tx, order: &Order) -> Result<Vec<Order>> {
    let mut orders = orders_of(tx, order.delivery_id)?;
    orders.retain(|other| other.id != order.id);
    Ok(orders)
}

/// The moved orders, or why nothing was moved.
pub type MovedOrders = std::result::Result<Vec<Order>, Vec<MergeConflict>>;

/// Moves an order to a new bundle.
pub fn leave(tx: &mut dyn Tx, context: ChangeContext, order: &Order) -> Result<MovedOrders> {
    if was_delivered(order) {
        return Ok(Err(vec![MergeConflict::Delivered]));
    }
    let own = deliveries::insert_empty(tx)?;
    move_to(tx, context, vec![order.clone()], own).map(Ok)
}

/// Moves the orders of another bundle, except cancelled ones, to the bundle of `order`.
pub fn merge(tx: &mut dyn Tx, context: ChangeContext, order: &Order, from: DeliveryId) -> Result<MovedOrders> {
    let moving = active(orders_of(tx, from)?);
    move_if_allowed(tx, context, moving, order.delivery_id)
}

/// Moves an order back to its previous bundle, with the orders that were moved from there.
pub fn rejoin(tx: &mut dyn Tx, context: ChangeContext, order: &Order) -> Result<MovedOrders> {
    let Some(origin) = log::origin(tx, order)? else { return Ok(Ok(Vec::new())) };
    let mut together = Vec::new();
    for other in orders_of(tx, order.delivery_id)? {
        if log::origin(tx, &other)? == Some(origin) {
            together.push(other);
        }
    }
    move_if_allowed(tx, context, together, origin.delivery_id)
}

fn active(mut orders: Vec<Order>) -> Vec<Order> {
    orders.retain(|order| order.state != OrderState::Cancelled);
    orders
}

/// All reasons why any of these orders may not join.
fn conflicts_between(moving: &[Order], there: &[Order]) -> Vec<MergeConflict> {
    let mut found: Vec<MergeConflict> = Vec::new();
    for conflict in moving.iter().flat_map(|order| merge_conflicts(order, there)) {
        if !found.contains(&conflict) {
            found.push(conflict);
        }
    }
    found
}

fn move_if_allowed(
    tx: &mut dyn Tx,
    context: ChangeContext,
    moving: Vec<Order>,
    delivery_id: DeliveryId,
) -> Result<MovedOrders> {
    let found = conflicts_between(&moving, &orders_of(tx, delivery_id)?);
    if found.is_empty() { move_to(tx, context, moving, delivery_id).map(Ok) } else { Ok(Err(found)) }
}

fn move_to(tx: &mut dyn Tx, context: ChangeContext, orders: Vec<Order>, delivery_id: DeliveryId) -> Result<Vec<Order>> {
    with_changes(tx, context, |changes| {
        for order in &orders {
            changes.save_current(order, &Order { delivery_id, ..order.clone() })?;
        }
        Ok(orders)
    })
}

/// Bundle that probably has the same recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeCandidate {
    /// its delivery
    pub delivery_id: DeliveryId,
    /// its orders that are not cancelled
    pub order_ids: Vec<OrderId>,
    /// why they may not join the order's bundle; empty if they may
    pub conflicts: Vec<MergeConflict>,
}

/// Bundles of undelivered orders with the same recipient name and the same telephone number or address;
/// mergeable ones first.
pub fn merge_candidates(tx: &mut dyn Tx, order: &Order) -> Result<Vec<MergeCandidate>> {
    let mut ids = BTreeSet::new();
    for second in [phone(order), address(order)] {
        ids.extend(matching_orders(tx, order, &second)?);
    }
    let here = orders_of(tx, order.delivery_id)?;
    let pending = |other: &Order| other.state < OrderState::Shipped && other.delivery_id != order.delivery_id;
    let ids: Vec<OrderId> = ids.into_iter().collect();
    let bundles: BTreeSet<DeliveryId> =
        find(tx, &ids)?.into_iter().filter(pending).map(|other| other.delivery_id).collect();
    let mut candidates = Vec::new();
    for delivery_id in bundles.into_iter().rev().take(MAX_CANDIDATE_BUNDLES) {
        let moving = active(orders_of(tx, delivery_id)?);
        let conflicts = conflicts_between(&moving, &here);
        candidates.push(MergeCandidate {
            delivery_id,
            order_ids: moving.iter().map(|order| order.id).collect(),
            conflicts,
        });
    }
    candidates.sort_by_key(|candidate| !candidate.conflicts.is_empty());
    Ok(candidates)
}

fn phone(order: &Order) -> Vec<String> {
    search_words(&order.recipient.tel1)
}

/// Street and house number: the last two words of the road address.
fn address(order: &Order) -> Vec<String> {
    let mut words = search_words(&order.recipient.address1);
    let rest = words.len().saturating_sub(2);
    words.split_off(rest)
}

/// Newest orders with the recipient's name and all the other terms.
fn matching_orders(tx: &mut dyn Tx, order: &Order, others: &[String]) -> Result<Vec<OrderId>> {
    let name: String = order.recipient.name.split_whitespace().collect();
    let Some(name) = search_words(&name).pop().filter(|_| !others.is_empty()) else { return Ok(Vec::new()) };
    let Some(mut ids) = index::lookup_term(tx, &name, SearchField::RecipientName.bits(), &LIMITS)? else {
        return Ok(Vec::new());
    };
    for other in others {
        if let Some(listed) = index::lookup_term(tx, other, SearchField::All.bits(), &LIMITS)? {
            ids.retain(|id| listed.binary_search(id).is_ok());
        }
    }
    Ok(ids.split_off(ids.len().saturating_sub(MAX_CANDIDATE_ORDERS)))
}
