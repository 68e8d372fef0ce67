//! Finding deliveries by words: those of whose orders one has all of them.
//!
//! What the orders are listed under makes a set of orders. A small set is turned into its deliveries,
//! which are sorted whole. A large one is kept in mind while the list is walked in its own sequence,
//! and a word so short that it makes no set is compared with the orders that are walked past; both
//! for a bounded way. The total is then a lower bound, and the page says that it looked no further.

use std::collections::{BTreeSet, HashSet};

use super::{Found, length, page_of, sections};
use crate::deliveries::filter::{DeliveryFilter, SearchIn};
use crate::orders::list::{Total, listed_under, matching};
use crate::orders::model::{Customer, Recipient};
use crate::orders::terms::{SearchField, Searchable, terms};
use crate::storage::{PRIMARY, Param, Result, Tx, placeholders};

// Under test the limits are small, so that a small shop reaches what lies beyond them.

/// A set of at most so many orders is turned into its deliveries.
const SORTED: usize = if cfg!(test) { 40 } else { 3_000 };

/// How many deliveries a walk passes while it only looks whether one of their orders is in the set.
const PASSED: i64 = if cfg!(test) { 90 } else { 8_000 };

/// How many deliveries a walk passes while it reads and compares their orders.
const COMPARED: i64 = if cfg!(test) { 50 } else { 1_000 };

/// Deliveries whose orders are looked up at once.
const AT_ONCE: usize = 500;

/// Finds the deliveries from `offset` that answer a search.
pub(super) fn search(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    words: &[String],
    offset: i64,
    size: i64,
) -> Result<Found> {
    let (set, short) = listed_under(tx, filter.field.field(), words)?;
    // The terms of an address do not tell its detail apart: each order is looked at.
    let compared = if filter.field == SearchIn::AddressDetail { words } else { &short };
    let compared = Compared { place: filter.field, words: compared };
    match set {
        Some(orders) if orders.len() <= SORTED => {
            let orders = compared.matching(tx, &orders)?;
            let deliveries = deliveries_of(tx, &orders)?;
            let ids = sorted(tx, filter, &deliveries)?;
            Ok(Found { total: Total::Exactly(length(&ids)), ids: page_of(ids, offset, size), search_was_cut: false })
        }
        set => walk(tx, filter, set.map(HashSet::from_iter).as_ref(), &compared, offset, size),
    }
}

/// Words that no set of orders answers.
struct Compared<'w> {
    place: SearchIn,
    words: &'w [String],
}

impl Compared<'_> {
    /// Those of the orders that every word matches.
    fn matching(&self, tx: &mut dyn Tx, orders: &[i64]) -> Result<Vec<i64>> {
        match self.place {
            _ if self.words.is_empty() => Ok(orders.to_vec()),
            SearchIn::AddressDetail => matching_in_detail(tx, orders, self.words),
            place => matching(tx, place.field(), orders, self.words),
        }
    }
}

fn matching_in_detail(tx: &mut dyn Tx, orders: &[i64], words: &[String]) -> Result<Vec<i64>> {
    let nobody = Customer::default();
    let mut matches = Vec::new();
    for some in orders.chunks(AT_ONCE) {
        let sql = format!("SELECT id, recipient_address2 FROM orders WHERE id IN ({})", placeholders(some.len()));
        tx.for_each(&sql, &params(some), &mut |mut row| {
            let recipient = Recipient { address2: row.text(1)?, ..Recipient::default() };
            let (customer, recipient) = (&nobody, &recipient);
            let order = Searchable { order_number: "", customer, recipient, tracking_number: "", bundle_number: "" };
            if terms(order).match_all(SearchField::Address, words) {
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
    for some in orders.chunks(AT_ONCE) {
        let sql = format!("SELECT delivery_id FROM orders WHERE id IN ({})", placeholders(some.len()));
        tx.for_each(&sql, &params(some), &mut |row| {
            deliveries.insert(row.int(0)?);
            Ok(())
        })?;
    }
    Ok(deliveries)
}

/// Those of the deliveries that pass the filters, in the sequence of the list.
fn sorted(tx: &mut dyn Tx, filter: &DeliveryFilter, deliveries: &BTreeSet<i64>) -> Result<Vec<i64>> {
    // A few sizes of the list only, so that its statement is prepared once: no delivery is number 0.
    let places = [16, 256].into_iter().find(|places| *places >= deliveries.len()).unwrap_or(SORTED);
    let wanted: Vec<Param<'_>> =
        deliveries.iter().copied().chain(std::iter::repeat(0)).take(places).map(Param::from).collect();
    let mut ids = Vec::new();
    for section in sections(filter) {
        let among = (format!("id IN ({})", placeholders(places)), wanted.clone());
        ids.extend(section.read(tx, PRIMARY, Some(among), 0, i64::MAX)?);
    }
    Ok(ids)
}

/// The list in its own sequence, and what is kept of it. A download (`size` without end) is walked to
/// its end.
fn walk(
    tx: &mut dyn Tx,
    filter: &DeliveryFilter,
    set: Option<&HashSet<i64>>,
    compared: &Compared<'_>,
    offset: i64,
    size: i64,
) -> Result<Found> {
    let everything = size == i64::MAX;
    let (longest, step) = match set {
        _ if everything => (i64::MAX, i64::MAX),
        Some(_) => (PASSED, PASSED / 10),
        None => (COMPARED, COMPARED / 5),
    };
    let wanted = offset.saturating_add(size).saturating_add(1);
    let (mut kept, mut passed, mut cut) = (Vec::new(), 0, false);
    for section in sections(filter) {
        let (count, mut within) = (section.count(tx)?, 0);
        loop {
            cut = passed >= longest;
            if cut || length(&kept) >= wanted {
                break;
            }
            let ids = section.ids(tx, count, within, step)?;
            let read = length(&ids);
            kept.extend(answering(tx, &ids, set, compared)?);
            (within, passed) = (within.saturating_add(step), passed + read);
            if read < step {
                break;
            }
        }
    }
    let all = !cut && length(&kept) < wanted;
    let total = if all { Total::Exactly(length(&kept)) } else { Total::AtLeast(length(&kept)) };
    Ok(Found { ids: page_of(kept, offset, size), total, search_was_cut: cut })
}

/// Those of the deliveries one of whose orders is in the set and matches the words.
fn answering(
    tx: &mut dyn Tx,
    deliveries: &[i64],
    set: Option<&HashSet<i64>>,
    compared: &Compared<'_>,
) -> Result<Vec<i64>> {
    let mut answering = Vec::new();
    for some in deliveries.chunks(AT_ONCE) {
        let sql = format!(
            "SELECT id, delivery_id FROM orders {} WHERE delivery_id IN ({})",
            tx.walking("orders_by_delivery"),
            placeholders(some.len())
        );
        let mut orders = Vec::new();
        tx.for_each(&sql, &params(some), &mut |row| {
            orders.push((row.int(0)?, row.int(1)?));
            Ok(())
        })?;
        orders.retain(|(order, _)| set.is_none_or(|set| set.contains(order)));
        let ids: Vec<i64> = orders.iter().map(|(order, _)| *order).collect();
        let matching: HashSet<i64> = compared.matching(tx, &ids)?.into_iter().collect();
        let found: HashSet<i64> =
            orders.into_iter().filter(|(order, _)| matching.contains(order)).map(|(_, delivery)| delivery).collect();
        answering.extend(some.iter().filter(|delivery| found.contains(delivery)));
    }
    Ok(answering)
}
