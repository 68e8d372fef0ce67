//! Search of the order list.
//!
//! Intersects the postings of all query terms. A small intersection is sorted; a large one is used as a filter
//! while the sort index is scanned from the nearer end. Terms with too many postings (`김`) are compared with
//! the rows instead, up to [`MAX_COMPARED_ROWS`] rows a page; the total is then a lower bound.

use std::collections::HashSet;

use chrono::Datelike;

use super::index_choice::{Conditions, INDEX_OF_ALL, choose_index, sorted_ids, total};
use super::{IdPage, Total};
use crate::orders::filter::{DateField, OrderFilter, Sort};
use crate::orders::model::{Customer, Recipient};
use crate::orders::search::{SearchField, Searchable, tokenize};
use crate::search::{Limits, store};
use crate::storage::{PRIMARY_KEY, Param, Result, Tx, placeholders};

// Limits are smaller in tests, so that a small shop exceeds them.

/// A term with more postings is compared with the rows instead.
const MAX_POSTINGS_PER_WORD: usize = if cfg!(test) { 80 } else { 12_000 };

/// A set of at most this size is always sorted.
const MAX_ALWAYS_SORTED_IDS: usize = if cfg!(test) { 40 } else { 3_000 };

/// Maximum number of index entries that a scan tests against the set; sorting the largest set costs about as
/// much.
const MAX_SCANNED_IDS: i64 = if cfg!(test) { 200 } else { 50_000 };

/// Maximum number of rows that a scan compares for one page.
pub(in crate::orders) const MAX_COMPARED_ROWS: i64 = if cfg!(test) { 150 } else { 1_000 };

/// Finds a page of a search.
pub(super) fn search(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    conditions: &Conditions,
    words: &[String],
    sort: Sort,
    (offset, size): (i64, i64),
) -> Result<IdPage> {
    let (set, compared) = lookup_words(tx, filter.field, words)?;
    let set = match (set, &conditions.id_set) {
        (None, among) => among.clone(),
        (set, None) => set,
        (Some(ids), Some(among)) => Some(ids.into_iter().filter(|id| among.binary_search(id).is_ok()).collect()),
    };
    let scan = Scan { filter, conditions, sort, compared };
    let Some(ids) = set else {
        return scan.page(tx, None, offset, size);
    };
    if offset >= count(&ids) && scan.covers_filter() {
        return Ok(IdPage { total: Total::Exactly(count(&ids)), ids: Vec::new(), search_was_cut: false });
    }
    if ids.len() > MAX_ALWAYS_SORTED_IDS {
        if scan.is_scan_cheap(tx, &ids, offset.saturating_add(size))? {
            return scan.page(tx, Some(&ids.into_iter().collect()), offset, size);
        }
        let behind = count(&ids) - offset;
        // Every order has 주문일; orders without another date are last in both directions.
        if sort.by == DateField::Placed && behind < offset && scan.is_scan_cheap(tx, &ids, behind)? {
            let scan = Scan { sort: Sort { descending: !sort.descending, ..sort }, ..scan };
            let size = size.min(behind);
            let mut found = scan.page(tx, Some(&ids.into_iter().collect()), behind - size, size)?;
            found.ids.reverse();
            return Ok(found);
        }
    }
    let ids = if scan.compared.is_empty() { ids } else { matching(tx, filter.field, &ids, &scan.compared)? };
    let ids = sorted(tx, conditions, &ids, sort)?;
    let total = Total::Exactly(count(&ids));
    Ok(IdPage { ids: page_of(ids, offset, size), total, search_was_cut: false })
}

/// Intersection of the terms with few postings, sorted, and the terms left to compare with the rows.
pub fn lookup_words(tx: &mut dyn Tx, field: SearchField, words: &[String]) -> Result<(Option<Vec<i64>>, Vec<String>)> {
    let limits = Limits { max_postings_per_word: MAX_POSTINGS_PER_WORD, ..Limits::DEFAULT };
    let mut set: Option<Vec<i64>> = None;
    let mut others = Vec::new();
    for word in words {
        match store::lookup_prefix(tx, word, field.bits(), &limits)? {
            None => others.push(word.clone()),
            Some(ids) => {
                set = Some(match set {
                    None => ids,
                    Some(before) => before.into_iter().filter(|id| ids.binary_search(id).is_ok()).collect(),
                });
            }
        }
    }
    Ok((set, others))
}

/// Orders of the set that match the filter, in the order of the list.
fn sorted(tx: &mut dyn Tx, conditions: &Conditions, ids: &[i64], sort: Sort) -> Result<Vec<i64>> {
    let mut keys: Vec<(Option<i64>, i64)> = Vec::with_capacity(ids.len());
    for some in ids.chunks(MAX_ALWAYS_SORTED_IDS) {
        // Pad to few distinct lengths, so that statements are prepared once: no order has identifier 0.
        let places = [16, 256].into_iter().find(|places| *places >= some.len()).unwrap_or(MAX_ALWAYS_SORTED_IDS);
        let condition = conditions.with(&format!("id IN ({})", placeholders(places)));
        let sql = format!("SELECT id, {} FROM orders {} {condition}", sort.by.code(), tx.index_hint(INDEX_OF_ALL));
        let wanted = some.iter().copied().chain(std::iter::repeat(0)).take(places).map(Param::from);
        let params: Vec<Param<'_>> = conditions.params.iter().cloned().chain(wanted).collect();
        tx.for_each(&sql, &params, &mut |row| {
            let key = if sort.by.is_date() {
                row.opt_date(1)?.map(|date| i64::from(date.num_days_from_ce()))
            } else {
                row.opt_int(1)?
            };
            keys.push((key, row.int(0)?));
            Ok(())
        })?;
    }
    keys.sort_unstable_by(|one, other| {
        let sequence = if sort.descending { other.cmp(one) } else { one.cmp(other) };
        one.0.is_none().cmp(&other.0.is_none()).then(sequence)
    });
    Ok(keys.into_iter().map(|(_, id)| id).collect())
}

/// Scan of the sort index with its filters.
struct Scan<'w> {
    filter: &'w OrderFilter,
    conditions: &'w Conditions,
    sort: Sort,
    /// terms to compare with the rows
    compared: Vec<String>,
}

impl Scan<'_> {
    /// Whether every order of a set is on the list.
    fn covers_filter(&self) -> bool {
        self.compared.is_empty() && self.conditions.is_unfiltered()
    }

    /// Whether that many orders of the set are expected within [`MAX_SCANNED_IDS`].
    fn is_scan_cheap(&self, tx: &mut dyn Tx, set: &[i64], wanted: i64) -> Result<bool> {
        if !self.covers_filter() {
            return Ok(false);
        }
        let among = self.conditions.counts(tx)?.all;
        Ok(wanted.saturating_mul(among) / count(set).max(1) < MAX_SCANNED_IDS)
    }

    /// Scans for a page, within `set` if there is one. An export (unlimited `size`) is scanned to its end.
    fn page(&self, tx: &mut dyn Tx, set: Option<&HashSet<i64>>, offset: i64, size: i64) -> Result<IdPage> {
        let everything = size == i64::MAX;
        let longest = if everything || set.is_some() { i64::MAX } else { MAX_COMPARED_ROWS };
        let mut step = match set {
            _ if everything => i64::MAX,
            Some(_) => MAX_SCANNED_IDS / 5,
            None => MAX_COMPARED_ROWS / 5,
        };
        let counts = self.conditions.counts(tx)?;
        let total = total(tx, self.filter, self.conditions, counts)?;
        let wanted = usize::try_from(offset.saturating_add(size).saturating_add(1)).unwrap_or(usize::MAX);
        let (mut kept, mut passed, mut at_the_end) = (Vec::new(), 0, false);
        while !at_the_end && kept.len() < wanted && passed < longest {
            step = step.min(longest - passed);
            let needed = passed.saturating_add(step);
            let index = choose_index(self.filter, counts, self.sort, total, needed);
            let mut ids = sorted_ids(tx, self.conditions, self.sort, &index, passed, step)?;
            at_the_end = everything || count(&ids) < step;
            passed = needed;
            ids.retain(|id| set.is_none_or(|set| set.contains(id)));
            kept.extend(if self.compared.is_empty() {
                ids
            } else {
                matching(tx, self.filter.field, &ids, &self.compared)?
            });
        }
        Ok(IdPage {
            total: match set {
                Some(set) => Total::Exactly(i64::try_from(set.len()).unwrap_or(i64::MAX)),
                None if at_the_end => Total::Exactly(count(&kept)),
                None => Total::AtLeast(count(&kept)),
            },
            ids: page_of(kept, offset, size),
            search_was_cut: !at_the_end && passed >= longest,
        })
    }
}

fn count(ids: &[i64]) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

fn page_of(ids: Vec<i64>, offset: i64, size: i64) -> Vec<i64> {
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    ids.into_iter().skip(skip).take(take).collect()
}

/// Orders that all terms match, in the given order.
pub fn matching(tx: &mut dyn Tx, field: SearchField, ids: &[i64], words: &[String]) -> Result<Vec<i64>> {
    let mut matches = Vec::new();
    for some in ids.chunks(500) {
        // Read the searchable columns only, not all forty: a page may compare a thousand orders.
        let sql = format!(
            "SELECT o.id, o.order_number, o.customer_name, o.customer_tel, o.recipient_name, o.recipient_tel1, \
             o.recipient_tel2, o.recipient_zip_code, o.recipient_address1, o.recipient_address2, o.tracking_number, \
             d.bundle_number FROM orders o {} JOIN deliveries d ON d.id = o.delivery_id WHERE o.id IN ({})",
            tx.index_hint(PRIMARY_KEY),
            placeholders(some.len())
        );
        let params: Vec<Param<'_>> = some.iter().map(|id| (*id).into()).collect();
        let mut found = HashSet::with_capacity(some.len());
        tx.for_each(&sql, &params, &mut |mut row| {
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
        matches.extend(some.iter().filter(|id| found.contains(*id)));
    }
    Ok(matches)
}
