//! Planner: decides from numbers of rows how a page of a list is read. Pure; the queries are in [`query`](super::query).
//!
//! Costs are estimates. Their unit is one index entry read in sequence.

use super::{Limits, Total, Window};

/// Cost of reading a row of the table through an index, in index entries. Measured on SQLite and MariaDB; includes
/// sorting the row.
pub const ROW_COST: i64 = 12;

/// Cost of reading and sorting an index entry, in index entries.
const SORTED_ENTRY_COST: f64 = 3.0;

/// Index entries per matching row where the filter matches a large part of the list.
const DENSE_ENTRIES_PER_ROW: f64 = 2.0;

/// Name of the primary key as the index of a path.
pub const PRIMARY_KEY: &str = "PRIMARY";

/// One way to read the rows of a list through an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccessPath {
    /// name of the index, or [`PRIMARY_KEY`]
    pub index: &'static str,
    /// how it is read
    pub access: Access,
}

/// How an index is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Access {
    /// In the order of the list until the page is full, skipping entries that the filter excludes.
    Scan {
        /// how far the matching rows are apart
        among: Among,
        /// whether the filter needs a column that is not in the index: each entry costs reading a row
        reads_rows: bool,
    },
    /// All entries of a selective filter, which are then sorted.
    Collect {
        /// entries that are read and, if no rows are, sorted
        entries: i64,
        /// rows that are read, since the index lacks a column of the filter or of the sort
        row_reads: i64,
    },
}

/// The index entries among which the matching rows are spread evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Among {
    /// that many
    Entries(i64),
    /// the filter matches a large part of the list: about every second entry
    Dense,
    /// unknown; such a scan may read the whole index, so that every other path is better
    Unknown,
}

/// The cheapest of the paths to the first `needed` of `matching` rows; the first of several. None without a path.
pub fn cheapest(paths: &[AccessPath], matching: Total, needed: i64) -> Option<AccessPath> {
    let cost = |path: &AccessPath| cost(path.access, matching.number(), needed);
    paths.iter().copied().min_by(|one, other| cost(one).total_cmp(&cost(other)))
}

/// Cost of the first `needed` of `matching` rows, in index entries.
fn cost(access: Access, matching: i64, needed: i64) -> f64 {
    let (matching, needed) = (estimate(matching), estimate(needed));
    match access {
        Access::Scan { among, reads_rows } => {
            let among = match among {
                Among::Entries(entries) => estimate(entries),
                Among::Dense => matching * DENSE_ENTRIES_PER_ROW,
                Among::Unknown => f64::INFINITY,
            };
            // One of `among` / `matching` entries matches.
            (needed * among / matching).min(among) * if reads_rows { estimate(ROW_COST) } else { 1.0 }
        }
        Access::Collect { entries, row_reads: 0 } => estimate(entries) * SORTED_ENTRY_COST,
        Access::Collect { entries, row_reads } => estimate(entries) + estimate(row_reads) * estimate(ROW_COST),
    }
}

/// At least 1, so that an empty list costs something.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn estimate(number: i64) -> f64 {
    number.max(1) as f64
}

/// How the documents that a search found lie in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// every document is a row of the list, and they are spread evenly over it
    Even {
        /// rows of the list
        rows: i64,
        /// whether the list can be read from its end
        reversible: bool,
    },
    /// filters exclude an unknown part of the documents: a scan might read the whole list
    Uneven,
    /// rows are not documents, but have some: finding the rows of a document costs reading it
    Indirect,
}

/// How a page is read from the set of documents that a search found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetPlan {
    /// sorts the whole set; the total is exact
    Sort,
    /// scans the list and keeps the rows of the set
    Scan,
    /// scans the list from its end
    ScanFromEnd,
    /// the page is beyond the end
    Empty,
}

/// Decides how the page `window` of a set of `size` documents is read.
pub fn plan_set(size: i64, spread: Spread, window: Window, limits: &Limits) -> SetPlan {
    if size <= limits.max_sorted_documents {
        return SetPlan::Sort;
    }
    let (rows, reversible) = match spread {
        Spread::Even { rows, reversible } => (rows, reversible),
        Spread::Uneven => return SetPlan::Sort,
        Spread::Indirect => return SetPlan::Scan,
    };
    if window.offset >= size {
        return SetPlan::Empty;
    }
    let is_cheap = |wanted: i64| wanted.saturating_mul(rows) / size.max(1) < limits.max_scanned_rows;
    let behind = size - window.offset;
    if is_cheap(window.end()) {
        SetPlan::Scan
    } else if reversible && behind < window.offset && is_cheap(behind) {
        SetPlan::ScanFromEnd
    } else {
        SetPlan::Sort
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLION: i64 = 1_000_000;

    fn scan(index: &'static str, entries: i64) -> AccessPath {
        AccessPath { index, access: Access::Scan { among: Among::Entries(entries), reads_rows: false } }
    }

    fn collect(index: &'static str, entries: i64) -> AccessPath {
        AccessPath { index, access: Access::Collect { entries, row_reads: 0 } }
    }

    fn chosen(paths: &[AccessPath], matching: i64, needed: i64) -> &'static str {
        cheapest(paths, Total::Exactly(matching), needed).expect("a path").index
    }

    #[test]
    fn newest_orders_are_scanned_by_date() {
        assert_eq!(chosen(&[scan("by_date", MILLION), collect("by_state", MILLION)], MILLION, 25), "by_date");
    }

    #[test]
    fn few_orders_in_a_rare_state_are_collected() {
        // 300 of a million orders wait: a scan for 25 of them would pass 83,333 others.
        assert_eq!(chosen(&[scan("by_date", MILLION), collect("by_state", 300)], 300, 25), "by_state");
    }

    #[test]
    fn state_of_most_orders_is_scanned_up_to_late_pages() {
        let paths = [scan("by_date", MILLION), collect("by_state", 900_000)];
        assert_eq!(chosen(&paths, 900_000, 25), "by_date");
        assert_eq!(chosen(&paths, 900_000, 25_000), "by_date");
    }

    #[test]
    fn filter_that_is_not_in_the_index_makes_a_scan_expensive() {
        let by_deadline = Access::Scan { among: Among::Entries(MILLION), reads_rows: true };
        let paths = [AccessPath { index: "by_deadline", access: by_deadline }, collect("by_product", 20_000)];
        assert_eq!(chosen(&paths, 5_000, 250), "by_product");
        assert_eq!(chosen(&[scan("by_deadline", MILLION), paths[1]], 5_000, 250), "by_deadline");
    }

    #[test]
    fn collecting_costs_more_if_each_row_is_read() {
        let by_channel =
            |row_reads| AccessPath { index: "by_channel", access: Access::Collect { entries: 10_000, row_reads } };
        let date = scan("by_date", 50_000);
        assert_eq!(chosen(&[date, by_channel(0)], 10_000, 10_000), "by_channel");
        assert_eq!(chosen(&[date, by_channel(10_000)], 10_000, 10_000), "by_date");
    }

    #[test]
    fn list_of_unknown_length_is_scanned_only_without_another_way() {
        let scan = |among| AccessPath { index: "by_id", access: Access::Scan { among, reads_rows: false } };
        assert_eq!(chosen(&[scan(Among::Unknown), collect("by_district", 40_000)], 40_000, 25), "by_district");
        assert_eq!(chosen(&[scan(Among::Dense), collect("by_state", 40_000)], 40_000, 25), "by_id");
        let many = Total::AtLeast(50_000);
        assert_eq!(cheapest(&[scan(Among::Unknown)], many, 25).map(|path| path.index), Some("by_id"));
        assert_eq!(cheapest(&[], many, 25), None);
    }

    fn plan(size: i64, spread: Spread, offset: i64) -> SetPlan {
        plan_set(size, spread, Window { offset, size: 25 }, &Limits::DEFAULT)
    }

    const EVEN: Spread = Spread::Even { rows: MILLION, reversible: true };

    #[test]
    fn few_orders_of_a_person_are_sorted() {
        for spread in [EVEN, Spread::Uneven, Spread::Indirect] {
            assert_eq!(plan(40, spread, 0), SetPlan::Sort);
            assert_eq!(plan(3_000, spread, 0), SetPlan::Sort);
        }
    }

    #[test]
    fn many_orders_of_a_city_are_scanned_from_the_nearer_end() {
        // Every hundredth order: page 1 passes 2,500 orders, the middle half a million.
        assert_eq!(plan(10_000, EVEN, 0), SetPlan::Scan);
        assert_eq!(plan(10_000, EVEN, 5_000), SetPlan::Sort);
        assert_eq!(plan(10_000, EVEN, 9_975), SetPlan::ScanFromEnd);
        assert_eq!(plan(10_000, EVEN, 10_000), SetPlan::Empty);
        let one_way = Spread::Even { rows: MILLION, reversible: false };
        assert_eq!(plan(10_000, one_way, 9_975), SetPlan::Sort);
    }

    #[test]
    fn many_orders_under_another_filter_are_sorted() {
        assert_eq!(plan(10_000, Spread::Uneven, 0), SetPlan::Sort);
    }

    #[test]
    fn deliveries_of_many_orders_are_scanned() {
        assert_eq!(plan(10_000, Spread::Indirect, 0), SetPlan::Scan);
        assert_eq!(plan(10_000, Spread::Indirect, 9_975), SetPlan::Scan);
    }

    #[test]
    fn export_of_many_orders_is_sorted() {
        assert_eq!(plan_set(10_000, EVEN, Window::ALL, &Limits::DEFAULT), SetPlan::Sort);
    }
}
