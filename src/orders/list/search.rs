//! Finding orders by words.
//!
//! A search gathers the orders listed under its words. Where a word is so short that too many are
//! (`김`), the list is walked instead and its orders are compared one by one, but for one page only
//! the first [`COMPARED`] of it: the total is then a lower bound and says so.

use std::collections::BTreeMap;

use super::plan::{Conditions, choose, order_by, sorted_ids, total};
use super::{Found, Total};
use crate::orders::filter::{OrderFilter, Sort};
use crate::orders::model::Order;
use crate::orders::store;
use crate::orders::terms::{self, Searchable};
use crate::storage::{Param, Result, Tx, placeholders};

// Under test the limits are small, so that a small shop reaches what lies beyond them.

/// A word under which more entries than this are listed is too short to gather orders by.
const GATHERED: usize = if cfg!(test) { 40 } else { 3_000 };

/// How many orders a search with only such words compares for one page.
pub(in crate::orders) const COMPARED: i64 = if cfg!(test) { 150 } else { 2_000 };

/// How many of them are read at once.
const COMPARED_AT_ONCE: i64 = if cfg!(test) { 50 } else { 500 };

pub(super) fn search(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    conditions: &Conditions,
    words: &[String],
    sort: Sort,
    (offset, size): (i64, i64),
) -> Result<Found> {
    let mut gathered: Option<Vec<i64>> = None;
    let mut too_short = Vec::new();
    for word in words {
        match gather(tx, filter, word)? {
            None => too_short.push(word.clone()),
            Some(ids) => {
                gathered = Some(match gathered {
                    None => ids,
                    Some(others) => others.into_iter().filter(|id| ids.binary_search(id).is_ok()).collect(),
                });
            }
        }
    }
    let Some(mut gathered) = gathered else {
        return compare(tx, filter, conditions, words, sort, (offset, size));
    };
    if !too_short.is_empty() {
        gathered = matching(tx, filter, &gathered, &too_short)?;
    }
    let ids = filtered(tx, conditions, &gathered, sort)?;
    let total = Total::Exactly(i64::try_from(ids.len()).unwrap_or(i64::MAX));
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    Ok(Found { ids: ids.into_iter().skip(skip).take(take).collect(), total, search_was_cut: false })
}

/// The orders listed under a word, sorted; none when too many entries begin with it.
fn gather(tx: &mut dyn Tx, filter: &OrderFilter, word: &str) -> Result<Option<Vec<i64>>> {
    let sql = "SELECT order_id, fields FROM order_terms WHERE term >= ? AND term < ? LIMIT ?";
    let limit = i64::try_from(GATHERED + 1).unwrap_or(i64::MAX);
    let (mut entries, mut ids) = (0, Vec::new());
    tx.for_each(sql, &[word.into(), format!("{word}\u{10FFFF}").into(), limit.into()], &mut |row| {
        entries += 1;
        if row.int(1)? & filter.field.bits() != 0 {
            ids.push(row.int(0)?);
        }
        Ok(())
    })?;
    ids.sort_unstable();
    ids.dedup();
    Ok((entries <= GATHERED).then_some(ids))
}

/// Those of a few orders that pass the filters, in the sequence of the list.
fn filtered(tx: &mut dyn Tx, conditions: &Conditions, ids: &[i64], sort: Sort) -> Result<Vec<i64>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id FROM orders {} ORDER BY {} IS NULL, {}",
        conditions.with(&format!("id IN ({})", placeholders(ids.len()))),
        sort.by.code(),
        order_by(sort)
    );
    let params: Vec<Param<'_>> = conditions.params.iter().cloned().chain(ids.iter().map(|id| (*id).into())).collect();
    let mut sorted = Vec::with_capacity(ids.len());
    tx.for_each(&sql, &params, &mut |row| {
        sorted.push(row.int(0)?);
        Ok(())
    })?;
    Ok(sorted)
}

/// Walks the list and compares each order with the words. One page looks at [`COMPARED`] orders
/// at most; a download (`size` without end) at all.
fn compare(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    conditions: &Conditions,
    words: &[String],
    sort: Sort,
    (offset, size): (i64, i64),
) -> Result<Found> {
    let everything = size == i64::MAX;
    let at_once = if everything { i64::MAX } else { COMPARED_AT_ONCE };
    let (mut found, mut compared, mut at_the_end) = (Vec::new(), 0, false);
    let total = total(tx, filter, conditions)?;
    let wanted = usize::try_from(offset.saturating_add(size).saturating_add(1)).unwrap_or(usize::MAX);
    while !at_the_end && found.len() < wanted && (everything || compared < COMPARED) {
        let index = choose(tx, filter, conditions, sort, total, compared.saturating_add(at_once))?;
        let ids = sorted_ids(tx, conditions, sort, &index, compared, at_once)?;
        compared = compared.saturating_add(at_once);
        at_the_end = everything || i64::try_from(ids.len()).is_ok_and(|read| read < at_once);
        found.extend(matching(tx, filter, &ids, words)?);
    }
    let number = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    Ok(Found {
        ids: found.into_iter().skip(skip).take(take).collect(),
        total: if at_the_end { Total::Exactly(number) } else { Total::AtLeast(number) },
        search_was_cut: !at_the_end && compared >= COMPARED,
    })
}

/// Those of the orders that every word matches, in the sequence given.
fn matching(tx: &mut dyn Tx, filter: &OrderFilter, ids: &[i64], words: &[String]) -> Result<Vec<i64>> {
    let mut matches = Vec::new();
    for some in ids.chunks(500) {
        let orders: BTreeMap<i64, bool> = with_bundles(tx, some)?
            .into_iter()
            .map(|(order, bundle_number)| {
                let terms = terms::terms(Searchable {
                    order_number: &order.order_number,
                    customer: &order.customer,
                    recipient: &order.recipient,
                    tracking_number: &order.tracking_number,
                    bundle_number: &bundle_number,
                });
                (order.id, terms::matches(&terms, filter.field, words))
            })
            .collect();
        matches.extend(some.iter().filter(|id| orders.get(*id) == Some(&true)));
    }
    Ok(matches)
}

fn with_bundles(tx: &mut dyn Tx, ids: &[i64]) -> Result<Vec<(Order, String)>> {
    let sql = format!(
        "SELECT {}, d.bundle_number FROM orders o JOIN deliveries d ON d.id = o.delivery_id WHERE o.id IN ({})",
        store::columns("o."),
        placeholders(ids.len())
    );
    let params: Vec<Param<'_>> = ids.iter().map(|id| (*id).into()).collect();
    let mut orders = Vec::with_capacity(ids.len());
    tx.for_each(&sql, &params, &mut |mut row| {
        orders.push((store::order(&mut row)?, row.text(store::COLUMN_COUNT)?));
        Ok(())
    })?;
    Ok(orders)
}
