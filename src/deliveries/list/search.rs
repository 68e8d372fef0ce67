//! Search of the delivery list: a delivery matches if one of its orders has all words.
//!
//! The posting lists of the words give a set of orders. A small set becomes the set of their deliveries, which
//! is sorted whole. A large set is a filter for a scan of the list in its sort order. A word too short for the
//! index is compared with the orders of the scanned deliveries. A scan stops at a limit of rows; the total is
//! then a lower bound, and the page says that the search is incomplete.

use std::collections::{BTreeSet, HashSet};

use super::{DeliveryPage, index_ranges, len, page_of};
use crate::deliveries::filter::{DeliveryFilter, DeliverySearchField};
use crate::orders::list::{Total, lookup_words, matching};
use crate::orders::model::{Customer, Recipient};
use crate::orders::search::{SearchField, Searchable, tokenize};
use crate::storage::{PRIMARY_KEY, Param, Result, Tx, placeholders};

// Under test the limits are small, so that a small shop exceeds them.

/// Orders of a set whose deliveries are sorted whole.
const MAX_SORTED_ORDERS: usize = if cfg!(test) { 40 } else { 3_000 };

/// Deliveries that a scan checks against the set.
const MAX_SCANNED_ROWS: i64 = if cfg!(test) { 90 } else { 8_000 };

/// Deliveries that a scan checks by reading and comparing their orders.
const MAX_COMPARED_ROWS: i64 = if cfg!(test) { 50 } else { 1_000 };

/// Identifiers of one query.
const BATCH_ROWS: usize = 500;

/// The page of `size` matching deliveries from row `offset` on.
pub(super) fn search(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    words: &[String],
    offset: i64,
    size: i64,
) -> Result<DeliveryPage> {
    let (set, short) = lookup_words(tx, filter.field.order_field(), words)?;
    // The index does not distinguish 상세주소 from 주소, so its words are compared with each order.
    let compared = if filter.field == DeliverySearchField::AddressDetail { words } else { &short };
    let comparison = Comparison { field: filter.field, words: compared };
    match set {
        Some(orders) if orders.len() <= MAX_SORTED_ORDERS => {
            let orders = comparison.matching(tx, &orders)?;
            let deliveries = deliveries_of(tx, &orders)?;
            let ids = sorted(tx, filter, &deliveries)?;
            Ok(DeliveryPage {
                total: Total::Exactly(len(&ids)),
                ids: page_of(ids, offset, size),
                is_search_truncated: false,
            })
        }
        set => scan(tx, filter, set.map(HashSet::from_iter).as_ref(), &comparison, offset, size),
    }
}

/// Words that the index cannot answer, compared with the texts of each order.
struct Comparison<'w> {
    field: DeliverySearchField,
    words: &'w [String],
}

impl Comparison<'_> {
    /// The orders that match every word.
    fn matching(&self, tx: &mut dyn Tx, orders: &[i64]) -> Result<Vec<i64>> {
        match self.field {
            _ if self.words.is_empty() => Ok(orders.to_vec()),
            DeliverySearchField::AddressDetail => matching_address_detail(tx, orders, self.words),
            field => matching(tx, field.order_field(), orders, self.words),
        }
    }
}

fn matching_address_detail(tx: &mut dyn Tx, orders: &[i64], words: &[String]) -> Result<Vec<i64>> {
    let no_customer = Customer::default();
    let mut matches = Vec::new();
    for chunk in orders.chunks(BATCH_ROWS) {
        let sql = format!("SELECT id, recipient_address2 FROM orders WHERE id IN ({})", placeholders(chunk.len()));
        tx.for_each(&sql, &params(chunk), &mut |mut row| {
            let recipient = Recipient { address2: row.text(1)?, ..Recipient::default() };
            let (customer, recipient) = (&no_customer, &recipient);
            let order = Searchable { order_number: "", customer, recipient, tracking_number: "", bundle_number: "" };
            if tokenize(order).matches_all(SearchField::Address.bits(), words) {
                matches.push(row.int(0)?);
            }
            Ok(())
        })?;
    }
    Ok(matches)
}

fn params(ids: &[i64]) -> Vec<Param<'static>> {
    ids.iter().map(|id| (*id).into()).collect()
}

/// The deliveries of these orders.
fn deliveries_of(tx: &mut dyn Tx, orders: &[i64]) -> Result<BTreeSet<i64>> {
    let mut deliveries = BTreeSet::new();
    for chunk in orders.chunks(BATCH_ROWS) {
        let sql = format!("SELECT delivery_id FROM orders WHERE id IN ({})", placeholders(chunk.len()));
        tx.for_each(&sql, &params(chunk), &mut |row| {
            deliveries.insert(row.int(0)?);
            Ok(())
        })?;
    }
    Ok(deliveries)
}

/// The deliveries that match the filters, in sort order.
fn sorted(tx: &mut dyn Tx, filter: &DeliveryFilter, deliveries: &BTreeSet<i64>) -> Result<Vec<i64>> {
    // Only three lengths of the IN list, so that its prepared statement is reused; no delivery has the identifier 0.
    let slots = [16, 256].into_iter().find(|slots| *slots >= deliveries.len()).unwrap_or(MAX_SORTED_ORDERS);
    let params: Vec<Param<'_>> =
        deliveries.iter().copied().chain(std::iter::repeat(0)).take(slots).map(Param::from).collect();
    let mut ids = Vec::new();
    for range in index_ranges(filter) {
        let in_set = (format!("id IN ({})", placeholders(slots)), params.clone());
        ids.extend(range.read_ids(tx, PRIMARY_KEY, Some(in_set), 0, i64::MAX)?);
    }
    Ok(ids)
}

/// Scans the list in its sort order and keeps the matching deliveries. A download (`size` is `i64::MAX`) scans all of
/// it.
fn scan(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    set: Option<&HashSet<i64>>,
    comparison: &Comparison<'_>,
    offset: i64,
    size: i64,
) -> Result<DeliveryPage> {
    let is_download = size == i64::MAX;
    let (limit, step) = match set {
        _ if is_download => (i64::MAX, i64::MAX),
        Some(_) => (MAX_SCANNED_ROWS, MAX_SCANNED_ROWS / 10),
        None => (MAX_COMPARED_ROWS, MAX_COMPARED_ROWS / 5),
    };
    let needed = offset.saturating_add(size).saturating_add(1);
    let (mut matches, mut scanned, mut is_truncated) = (Vec::new(), 0, false);
    for range in index_ranges(filter) {
        let (count, mut within) = (range.count(tx)?, 0);
        loop {
            is_truncated = scanned >= limit;
            if is_truncated || len(&matches) >= needed {
                break;
            }
            let ids = range.ids(tx, count, within, step)?;
            let read = len(&ids);
            matches.extend(matching_deliveries(tx, &ids, set, comparison)?);
            (within, scanned) = (within.saturating_add(step), scanned + read);
            if read < step {
                break;
            }
        }
    }
    let is_complete = !is_truncated && len(&matches) < needed;
    let total = if is_complete { Total::Exactly(len(&matches)) } else { Total::AtLeast(len(&matches)) };
    Ok(DeliveryPage { ids: page_of(matches, offset, size), total, is_search_truncated: is_truncated })
}

/// The deliveries with an order that is in the set and matches the words.
fn matching_deliveries(
    tx: &mut dyn Tx,
    deliveries: &[i64],
    set: Option<&HashSet<i64>>,
    comparison: &Comparison<'_>,
) -> Result<Vec<i64>> {
    let mut found = Vec::new();
    for chunk in deliveries.chunks(BATCH_ROWS) {
        let sql = format!(
            "SELECT id, delivery_id FROM orders {} WHERE delivery_id IN ({})",
            tx.index_hint("orders_by_delivery"),
            placeholders(chunk.len())
        );
        let mut orders = Vec::new();
        tx.for_each(&sql, &params(chunk), &mut |row| {
            orders.push((row.int(0)?, row.int(1)?));
            Ok(())
        })?;
        orders.retain(|(order, _)| set.is_none_or(|set| set.contains(order)));
        let ids: Vec<i64> = orders.iter().map(|(order, _)| *order).collect();
        let matching: HashSet<i64> = comparison.matching(tx, &ids)?.into_iter().collect();
        let deliveries: HashSet<i64> =
            orders.into_iter().filter(|(order, _)| matching.contains(order)).map(|(_, delivery)| delivery).collect();
        found.extend(chunk.iter().filter(|delivery| deliveries.contains(delivery)));
    }
    Ok(found)
}
