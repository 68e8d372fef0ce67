//! Queries: pages of a list, with or without a search.
//!
//! A noun implements [`SearchableList`]; [`page`] does the rest. A list is a sequence of sections, each sorted by one index.
//! Without a search, each section is counted up to [`Limits::max_counted_rows`] and read through the cheapest
//! [`AccessPath`]. With a search, the posting lists of the words are intersected to a set of documents. A small set is
//! sorted; a large one filters a scan of the list. Words with too many postings (`김`) are compared with the texts of
//! the scanned rows.
//!
//! The total is a lower bound ([`Total::AtLeast`]) in two cases: a section has more rows than are counted, or a scan
//! ended before the end of the list, since the page was full or a limit of scanned rows was reached. The latter is
//! [`IdPage::is_truncated`]: matching rows may be missing.

use std::collections::HashSet;

use super::planner::{AccessPath, SetPlan, Spread, cheapest, plan_set};
use super::{Limits, store};
use crate::id::{Identifier, OrderId};
use crate::storage::{Param, Result, Tx};

/// Steps of a scan that compares texts: the first rows of a page are found without reading all of them.
const COMPARISON_STEPS: i64 = 5;

/// Number of rows of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// exact count
    Exactly(i64),
    /// lower bound: counting was limited
    AtLeast(i64),
}

impl Total {
    /// The number, exact or not.
    pub const fn number(self) -> i64 {
        match self {
            Self::Exactly(number) | Self::AtLeast(number) => number,
        }
    }

    /// From a count that stops at `most` + 1.
    pub const fn counted_up_to(most: i64, counted: i64) -> Self {
        if counted > most { Self::AtLeast(most) } else { Self::Exactly(counted) }
    }
}

/// A range of a list's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// rows before the first
    pub offset: i64,
    /// maximum number of rows; `i64::MAX` is all
    pub size: i64,
}

impl Window {
    /// The whole list, for an export: no limit of scanned rows applies.
    pub const ALL: Self = Self { offset: 0, size: i64::MAX };

    /// Rows up to the end of the window.
    pub const fn end(self) -> i64 {
        self.offset.saturating_add(self.size)
    }

    /// The rows of the window.
    pub fn of<I>(self, ids: impl IntoIterator<Item = I>) -> Vec<I> {
        let skip = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let take = usize::try_from(self.size).unwrap_or(usize::MAX);
        ids.into_iter().skip(skip).take(take).collect()
    }
}

/// Rows of a window, by identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdPage<I> {
    /// identifiers in the order of the list
    pub ids: Vec<I>,
    /// number of rows of the whole list
    pub total: Total,
    /// the scan reached its limit of rows; matching rows behind it are missing
    pub is_truncated: bool,
}

impl<I> IdPage<I> {
    /// No rows.
    pub const NONE: Self = Self { ids: Vec::new(), total: Total::Exactly(0), is_truncated: false };
}

/// What a search looks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchTerms {
    /// field bits of the postings
    pub fields: i64,
    /// words, all of which a document has
    pub words: Vec<String>,
    /// the index knows no such field, but one that contains it: found documents are compared with all words
    pub compares_all: bool,
}

/// A list of one noun with its filter and sort order. Rows are found by documents of the search index: the rows
/// themselves, or others that belong to a row.
pub trait SearchableList: Sized {
    /// The identifier of a row.
    type Row: Identifier;

    /// A part of the list that one index sorts.
    type Section;

    /// The limits of this list.
    fn limits(&self) -> &Limits;

    /// The sections, in the order of the list.
    fn sections(&self) -> Vec<Self::Section>;

    /// Matching rows of a section, up to [`Limits::max_counted_rows`].
    fn count(&self, tx: &mut dyn Tx, section: &Self::Section) -> Result<Total>;

    /// As [`SearchableList::count`] without a limit; only needed for a page beyond the last link.
    fn exact_count(&self, tx: &mut dyn Tx, section: &Self::Section) -> Result<i64>;

    /// The ways to read a section with that number of matching rows.
    fn paths(&self, tx: &mut dyn Tx, section: &Self::Section, matching: Total) -> Result<Vec<AccessPath>>;

    /// Reads matching rows of a section on one of its paths.
    fn read(
        &self,
        tx: &mut dyn Tx,
        section: &Self::Section,
        path: AccessPath,
        window: Window,
    ) -> Result<Vec<Self::Row>>;

    /// What is searched; no words for no search.
    fn terms(&self) -> &SearchTerms;

    /// The documents that a filter allows, sorted, where it names them one by one.
    fn allowed_documents(&self) -> Option<&[OrderId]>;

    /// How found documents lie in the list.
    fn spread(&self, tx: &mut dyn Tx) -> Result<Spread>;

    /// The list from its end, where that is exactly the reverse.
    fn reversed(&self) -> Option<Self>;

    /// The rows of these documents that match the filter, in the order of the list.
    fn sorted_rows(&self, tx: &mut dyn Tx, documents: &[OrderId]) -> Result<Vec<Self::Row>>;

    /// The documents whose texts have all words.
    fn matching_documents(&self, tx: &mut dyn Tx, documents: Vec<OrderId>, words: &[String]) -> Result<Vec<OrderId>>;

    /// The rows with a document that is in the set and whose texts have all words, in the given order.
    fn matching_rows(
        &self,
        tx: &mut dyn Tx,
        rows: Vec<Self::Row>,
        set: Option<&HashSet<OrderId>>,
        words: &[String],
    ) -> Result<Vec<Self::Row>>;
}

/// The rows of a window of the list.
pub fn page<L: SearchableList>(tx: &mut dyn Tx, list: &L, window: Window) -> Result<IdPage<L::Row>> {
    let terms = list.terms();
    if terms.words.is_empty() && list.allowed_documents().is_none() {
        return browse(tx, list, window);
    }
    let (set, unindexed) = lookup_words(tx, terms, list.limits())?;
    let words = if terms.compares_all { &terms.words } else { &unindexed };
    let set = match (set, list.allowed_documents()) {
        (None, allowed) => allowed.map(<[OrderId]>::to_vec),
        (set, None) => set,
        (Some(ids), Some(allowed)) => Some(intersect(ids, allowed)),
    };
    let Some(set) = set else {
        return Scan { list, set: None, words, set_total: None }.run(tx, window);
    };
    let size = len(&set);
    // Where the set is small, its spread does not matter, and is not queried.
    let spread = match (size > list.limits().max_sorted_documents).then(|| list.spread(tx)).transpose()? {
        Some(Spread::Even { .. }) if !words.is_empty() => Spread::Uneven,
        spread => spread.unwrap_or(Spread::Uneven),
    };
    let set_total = matches!(spread, Spread::Even { .. }).then_some(size);
    match (plan_set(size, spread, window, list.limits()), list.reversed()) {
        (SetPlan::Empty, _) => Ok(IdPage { total: Total::Exactly(size), ..IdPage::NONE }),
        (SetPlan::Scan, _) => Scan { list, set: Some(set.into_iter().collect()), words, set_total }.run(tx, window),
        (SetPlan::ScanFromEnd, Some(reversed)) => {
            let behind = size - window.offset;
            let rows = window.size.min(behind);
            let scan = Scan { list: &reversed, set: Some(set.into_iter().collect()), words, set_total };
            let mut found = scan.run(tx, Window { offset: behind - rows, size: rows })?;
            found.ids.reverse();
            Ok(found)
        }
        (SetPlan::Sort | SetPlan::ScanFromEnd, _) => {
            let documents = if words.is_empty() { set } else { list.matching_documents(tx, set, words)? };
            let rows = list.sorted_rows(tx, &documents)?;
            Ok(IdPage { total: Total::Exactly(len(&rows)), ids: window.of(rows), is_truncated: false })
        }
    }
}

/// Intersection of the words with few postings, sorted, and the other words.
fn lookup_words(tx: &mut dyn Tx, terms: &SearchTerms, limits: &Limits) -> Result<(Option<Vec<OrderId>>, Vec<String>)> {
    let mut set: Option<Vec<OrderId>> = None;
    let mut others = Vec::new();
    for word in &terms.words {
        match store::lookup_word(tx, word, terms.fields, limits)? {
            None => others.push(word.clone()),
            Some(ids) => {
                set = Some(match set {
                    None => ids,
                    Some(before) => intersect(before, &ids),
                });
            }
        }
    }
    Ok((set, others))
}

fn intersect(ids: Vec<OrderId>, sorted: &[OrderId]) -> Vec<OrderId> {
    ids.into_iter().filter(|id| sorted.binary_search(id).is_ok()).collect()
}

/// A page without a search.
fn browse<L: SearchableList>(tx: &mut dyn Tx, list: &L, window: Window) -> Result<IdPage<L::Row>> {
    let (mut ids, mut rows_before) = (Vec::new(), 0);
    for section in list.sections() {
        let matching = list.count(tx, &section)?;
        let within = Window { offset: (window.offset - rows_before).max(0), size: window.size - len(&ids) };
        if let Total::Exactly(count) = matching {
            if within.size > 0 && within.offset < count {
                ids.extend(read(tx, list, &section, matching, within)?);
            }
            rows_before += count;
            continue;
        }
        let found = if within.size > 0 { read(tx, list, &section, matching, within)? } else { Vec::new() };
        let (rows, is_full) = (len(&found), len(&found) == within.size);
        ids.extend(found);
        if is_full {
            let total = Total::AtLeast(rows_before + (within.offset + rows).max(matching.number()));
            return Ok(IdPage { ids, total, is_truncated: false });
        }
        rows_before += if rows > 0 { within.offset + rows } else { list.exact_count(tx, &section)? };
    }
    Ok(IdPage { ids, total: Total::Exactly(rows_before), is_truncated: false })
}

fn read<L: SearchableList>(
    tx: &mut dyn Tx,
    list: &L,
    section: &L::Section,
    matching: Total,
    window: Window,
) -> Result<Vec<L::Row>> {
    let paths = list.paths(tx, section, matching)?;
    match cheapest(&paths, matching, window.end()) {
        Some(path) => list.read(tx, section, path, window),
        None => Ok(Vec::new()),
    }
}

/// A scan of the list in its order, which keeps the rows that the search finds.
struct Scan<'l, L> {
    list: &'l L,
    /// documents that are kept
    set: Option<HashSet<OrderId>>,
    /// words that are compared with the texts of the rows
    words: &'l [String],
    /// number of rows, where each document of the set is a row; such a scan has no limit
    set_total: Option<i64>,
}

impl<L: SearchableList> Scan<'_, L> {
    fn run(&self, tx: &mut dyn Tx, window: Window) -> Result<IdPage<L::Row>> {
        let limits = self.list.limits();
        let (limit, step) = match (&self.set, self.set_total) {
            _ if window.size == i64::MAX => (i64::MAX, i64::MAX),
            (Some(_), Some(_)) => (i64::MAX, limits.scan_step_rows),
            (Some(_), None) => (limits.max_scanned_rows, limits.scan_step_rows),
            (None, _) => (limits.max_compared_rows, limits.max_compared_rows / COMPARISON_STEPS),
        };
        // One row more tells whether there is another page.
        let needed = window.end().saturating_add(1);
        let (mut kept, mut scanned, mut is_complete) = (Vec::new(), 0, true);
        'sections: for section in self.list.sections() {
            let (matching, mut within) = (self.list.count(tx, &section)?, 0);
            loop {
                if scanned >= limit || len(&kept) >= needed {
                    is_complete = false;
                    break 'sections;
                }
                let rows = Window { offset: within, size: step.min(limit - scanned) };
                let ids = read(tx, self.list, &section, matching, rows)?;
                let (count, is_last) = (len(&ids), len(&ids) < rows.size);
                kept.extend(self.list.matching_rows(tx, ids, self.set.as_ref(), self.words)?);
                (within, scanned) = (rows.end(), scanned + count);
                if is_last {
                    break;
                }
            }
        }
        let total = match self.set_total {
            Some(total) => Total::Exactly(total),
            None if is_complete => Total::Exactly(len(&kept)),
            None => Total::AtLeast(len(&kept)),
        };
        Ok(IdPage { ids: window.of(kept), total, is_truncated: !is_complete && scanned >= limit })
    }
}

/// The identifiers as parameters of an IN list. There are few distinct lengths, so that statements are prepared once: 0,
/// which identifies no row, fills the list. At most [`Limits::max_sorted_documents`] identifiers.
pub fn padded_params<I: Identifier>(ids: &[I], limits: &Limits) -> Vec<Param<'static>> {
    let longest = limits.ids_per_statement().max(ids.len());
    let length = [16, 256].into_iter().find(|length| *length >= ids.len()).unwrap_or(longest);
    ids.iter().map(|id| id.raw()).chain(std::iter::repeat(0)).take(length).map(Param::from).collect()
}

fn len<I>(ids: &[I]) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}
