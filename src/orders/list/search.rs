//! Finding orders by words.
//!
//! The orders listed under a word are a set; several words are the sets' common members. A set is
//! sorted whole, or, when it is large and the page near the front or the end, kept in mind while the
//! list is walked from there: what is in it fills the page. A word so short that too many are
//! listed under it (`김`) makes no set: the orders that are walked past are read and compared with
//! it, for one page the first [`MAX_COMPARED_ROWS`]. The total is then a lower bound and says so.

use std::collections::HashSet;

use chrono::Datelike;

use super::index_choice::{Conditions, INDEX_OF_ALL, choose_index, sorted_ids, total};
use super::{IdPage, Total};
use crate::orders::filter::{DateField, OrderFilter, Sort};
use crate::orders::model::{Customer, Recipient};
use crate::orders::search::tokenizer::{self, SearchField, Searchable};
use crate::orders::store;
use crate::storage::{PRIMARY_KEY, Param, Result, Tx, placeholders};

// Under test the limits are small, so that a small shop reaches what lies beyond them.

/// A word under which more entries than this are listed makes no set.
const MAX_POSTINGS_PER_WORD: usize = if cfg!(test) { 80 } else { 12_000 };

/// A set of at most so many orders is always sorted whole.
const MAX_ALWAYS_SORTED_IDS: usize = if cfg!(test) { 40 } else { 3_000 };

/// How many orders a scan passes while it only looks whether they are in the set; sorting the
/// largest set costs about as much.
const MAX_SCANNED_IDS: i64 = if cfg!(test) { 200 } else { 50_000 };

/// How many orders a scan reads and compares for one page.
pub(in crate::orders) const MAX_COMPARED_ROWS: i64 = if cfg!(test) { 150 } else { 1_000 };

/// Finds a page of the orders that answer a search.
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
        if scan.is_short(tx, &ids, offset.saturating_add(size))? {
            return scan.page(tx, Some(&ids.into_iter().collect()), offset, size);
        }
        let behind = count(&ids) - offset;
        // Every order has the moment it was placed; those without another date stand last either way.
        if sort.by == DateField::Placed && behind < offset && scan.is_short(tx, &ids, behind)? {
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

/// The orders listed under every word that makes a set, sorted, and the words that make none.
pub fn lookup_words(tx: &mut dyn Tx, field: SearchField, words: &[String]) -> Result<(Option<Vec<i64>>, Vec<String>)> {
    let mut set: Option<Vec<i64>> = None;
    let mut others = Vec::new();
    for word in words {
        match store::segments::lookup_prefix(tx, word, field.bits(), MAX_POSTINGS_PER_WORD)? {
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

/// Those of the orders that pass the filters, in the sequence of the list.
fn sorted(tx: &mut dyn Tx, conditions: &Conditions, ids: &[i64], sort: Sort) -> Result<Vec<i64>> {
    let mut keys: Vec<(Option<i64>, i64)> = Vec::with_capacity(ids.len());
    for some in ids.chunks(MAX_ALWAYS_SORTED_IDS) {
        // A few sizes of the list only, so that its statement is prepared once: no order is number 0.
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

/// The list in its own sequence, and what is kept of it.
struct Scan<'w> {
    filter: &'w OrderFilter,
    conditions: &'w Conditions,
    sort: Sort,
    /// only what matches these words
    compared: Vec<String>,
}

impl Scan<'_> {
    /// Every member of a set is on the list.
    fn covers_filter(&self) -> bool {
        self.compared.is_empty() && self.conditions.is_unfiltered()
    }

    /// Whether so many members of the set are likely met before the scan gets long.
    fn is_short(&self, tx: &mut dyn Tx, set: &[i64], wanted: i64) -> Result<bool> {
        if !self.covers_filter() {
            return Ok(false);
        }
        let among = self.conditions.counts(tx)?.all;
        Ok(wanted.saturating_mul(among) / count(set).max(1) < MAX_SCANNED_IDS)
    }

    /// A page of what is kept of the list, of the members of `set` alone if there is one. A download
    /// (`size` without end) is walked to its end.
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

/// Those of the orders that every word matches, in the sequence given.
pub fn matching(tx: &mut dyn Tx, field: SearchField, ids: &[i64], words: &[String]) -> Result<Vec<i64>> {
    let mut matches = Vec::new();
    for some in ids.chunks(500) {
        // What orders are found by, not their forty columns: a page may look at a thousand of them.
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
            let terms = tokenizer::tokenize(Searchable {
                order_number: &row.text(1)?,
                customer: &customer,
                recipient: &recipient,
                tracking_number: &row.text(10)?,
                bundle_number: &row.text(11)?,
            });
            if terms.matches_all(field, words) {
                found.insert(row.int(0)?);
            }
            Ok(())
        })?;
        matches.extend(some.iter().filter(|id| found.contains(*id)));
    }
    Ok(matches)
}
