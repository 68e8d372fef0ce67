//! The order list for [`search`](crate::search): its indexes, counts and sort orders.

use std::cell::OnceCell;
use std::collections::HashSet;

use chrono::Datelike;

use super::conditions::{Conditions, OrderCounts};
use super::texts::matching;
use crate::id::OrderId;
use crate::orders::filter::{DEFAULT_SORT, DateField, OrderFilter, Sort};
use crate::orders::model::OrderState;
use crate::search::planner::{Access, AccessPath, Among, PRIMARY_KEY, ROW_COST, Spread};
use crate::search::query::padded_params;
use crate::search::store::hint;
use crate::search::tokenizer::search_words;
use crate::search::{Limits, SearchTerms, SearchableList, Total, Window};
use crate::storage::{Param, Result, Tx, placeholders};

const INDEX_OF_STATE: &str = "orders_by_state";
const INDEX_OF_PRODUCT: &str = "orders_by_product";
const INDEX_OF_CHANNEL: &str = "orders_by_channel";
/// Index by state and 발송기한 of the orders in 주문 and 발주.
pub(super) const INDEX_BEFORE_DISPATCH: &str = "orders_before_dispatch";

/// The condition of a partial index, which SQLite demands of a statement that is told to use it. Those of the dates follow
/// from the statements.
fn index_condition(index: &str) -> Option<&'static str> {
    (index == INDEX_BEFORE_DISPATCH).then_some("state <= 1")
}

/// The order list with a filter and a sort.
pub(super) struct OrderListing<'f> {
    filter: &'f OrderFilter,
    conditions: &'f Conditions,
    sort: Sort,
    terms: SearchTerms,
    limits: Limits,
    counts: OnceCell<OrderCounts>,
}

impl<'f> OrderListing<'f> {
    pub(super) fn new(filter: &'f OrderFilter, conditions: &'f Conditions, limits: Limits) -> Self {
        let terms =
            SearchTerms { fields: filter.field.bits(), words: search_words(&filter.search), compares_all: false };
        let sort = filter.sort.unwrap_or(DEFAULT_SORT);
        Self { filter, conditions, sort, terms, limits, counts: OnceCell::new() }
    }

    /// Order counts, read once.
    fn counts(&self, tx: &mut dyn Tx) -> Result<OrderCounts> {
        if let Some(counts) = self.counts.get() {
            return Ok(*counts);
        }
        let counts = self.conditions.counts(tx)?;
        Ok(*self.counts.get_or_init(|| counts))
    }

    fn is_ranged(&self) -> bool {
        self.conditions.range_of.is_some()
    }

    /// The index for counting a range of dates. That of a product or state knows 주문일 only: for another date each entry
    /// costs reading a row.
    fn counting_index(&self, counts: OrderCounts) -> &'static str {
        if self.filter.date == DateField::DispatchDeadline && is_before_dispatch(self.filter) {
            return INDEX_BEFORE_DISPATCH;
        }
        let reads_rows = self.filter.date != DateField::Placed;
        let most = if reads_rows { self.limits.max_counted_rows / ROW_COST } else { self.limits.max_counted_rows };
        if self.filter.product.is_some() && counts.of_product < most {
            INDEX_OF_PRODUCT
        } else if !self.filter.states.is_empty() && counts.of_state < most {
            INDEX_OF_STATE
        } else {
            self.filter.date.index()
        }
    }

    /// FROM and WHERE with the hint for that index.
    fn clauses(&self, tx: &dyn Tx, index: &str, more: Option<&str>) -> String {
        let conditions = self.conditions.with(more.into_iter().chain(index_condition(index)));
        format!("FROM orders {} {conditions}", hint(tx, "orders", index))
    }

    fn ids(
        &self,
        tx: &mut dyn Tx,
        more: Option<&str>,
        sequence: &str,
        index: &str,
        Window { offset, size }: Window,
    ) -> Result<Vec<OrderId>> {
        let sql = format!("SELECT id {} ORDER BY {sequence} LIMIT ? OFFSET ?", self.clauses(tx, index, more));
        let params: Vec<Param<'_>> =
            self.conditions.params.iter().cloned().chain([size.into(), offset.into()]).collect();
        let mut ids = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            ids.push(row.id(0)?);
            Ok(())
        })?;
        Ok(ids)
    }
}

impl SearchableList for OrderListing<'_> {
    type Row = OrderId;
    type Section = ();

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn sections(&self) -> Vec<()> {
        vec![()]
    }

    /// From the order counts, or counted for a range of dates.
    fn count(&self, tx: &mut dyn Tx, (): &()) -> Result<Total> {
        let counts = self.counts(tx)?;
        if !self.is_ranged() {
            return Ok(Total::Exactly(counts.of_these));
        }
        let from = self.clauses(tx, self.counting_index(counts), None);
        let most = self.limits.max_counted_rows;
        Ok(Total::counted_up_to(most, tx.count_up_to(most + 1, &from, &self.conditions.params)?))
    }

    fn exact_count(&self, tx: &mut dyn Tx, (): &()) -> Result<i64> {
        let index = self.counting_index(self.counts(tx)?);
        let sql = format!("SELECT count(*) {}", self.clauses(tx, index, None));
        tx.scalar(&sql, &self.conditions.params)
    }

    fn paths(&self, tx: &mut dyn Tx, (): &(), matching: Total) -> Result<Vec<AccessPath>> {
        let counts = self.counts(tx)?;
        Ok(paths(self.filter, self.sort, counts, matching))
    }

    /// Orders without the sort date are last in both directions. The index of the date excludes them, so the scan
    /// continues with the index of all orders.
    fn read(&self, tx: &mut dyn Tx, (): &(), path: AccessPath, window: Window) -> Result<Vec<OrderId>> {
        let Sort { by, descending } = self.sort;
        let (column, direction) = (by.code(), if descending { "DESC" } else { "ASC" });
        let sequence = format!("{column} {direction}, id {direction}");
        let is_scan = path.index == by.index();
        if by == DateField::Placed || (descending && !is_scan) {
            return self.ids(tx, None, &sequence, path.index, window);
        }
        let dated = format!("{column} IS NOT NULL");
        let mut found = self.ids(tx, Some(&dated), &sequence, path.index, window)?;
        let missing = window.size - i64::try_from(found.len()).unwrap_or(window.size);
        if missing > 0 && self.conditions.range_of != Some(by) {
            let sql = format!("SELECT count(*) {}", self.clauses(tx, path.index, Some(&dated)));
            let before = tx.scalar(&sql, &self.conditions.params)?;
            let index = if is_scan { PRIMARY_KEY } else { path.index };
            let rest = Window { offset: (window.offset - before).max(0), size: missing };
            // Sort by identifier only: MariaDB does not detect that the date is constant here, and would sort.
            let undated = format!("{column} IS NULL");
            found.extend(self.ids(tx, Some(&undated), &format!("id {direction}"), index, rest)?);
        }
        Ok(found)
    }

    fn terms(&self) -> &SearchTerms {
        &self.terms
    }

    fn allowed_documents(&self) -> Option<&[OrderId]> {
        self.conditions.id_set.as_deref()
    }

    fn spread(&self, tx: &mut dyn Tx) -> Result<Spread> {
        if !self.conditions.is_unfiltered() {
            return Ok(Spread::Uneven);
        }
        Ok(Spread::Even { rows: self.counts(tx)?.all, reversible: self.sort.by == DateField::Placed })
    }

    /// Every order has 주문일; orders without another date are last in both directions.
    fn reversed(&self) -> Option<Self> {
        (self.sort.by == DateField::Placed).then(|| Self {
            sort: Sort { descending: !self.sort.descending, ..self.sort },
            terms: self.terms.clone(),
            counts: self.counts.clone(),
            ..*self
        })
    }

    fn sorted_rows(&self, tx: &mut dyn Tx, documents: &[OrderId]) -> Result<Vec<OrderId>> {
        let sort = self.sort;
        let mut keys: Vec<(Option<i64>, OrderId)> = Vec::with_capacity(documents.len());
        for some in documents.chunks(self.limits.ids_per_statement()) {
            let ids = padded_params(some, &self.limits);
            let of_these = format!("id IN ({})", placeholders(ids.len()));
            let from = self.clauses(tx, PRIMARY_KEY, Some(&of_these));
            let sql = format!("SELECT id, {} {from}", sort.by.code());
            let params: Vec<Param<'_>> = self.conditions.params.iter().cloned().chain(ids).collect();
            tx.for_each(&sql, &params, &mut |row| {
                let key = if sort.by.is_date() {
                    row.opt_date(1)?.map(|date| i64::from(date.num_days_from_ce()))
                } else {
                    row.opt_int(1)?
                };
                keys.push((key, row.id(0)?));
                Ok(())
            })?;
        }
        keys.sort_unstable_by(|one, other| {
            let sequence = if sort.descending { other.cmp(one) } else { one.cmp(other) };
            one.0.is_none().cmp(&other.0.is_none()).then(sequence)
        });
        Ok(keys.into_iter().map(|(_, id)| id).collect())
    }

    fn matching_documents(&self, tx: &mut dyn Tx, documents: Vec<OrderId>, words: &[String]) -> Result<Vec<OrderId>> {
        if words.is_empty() { Ok(documents) } else { matching(tx, self.filter.field, &documents, words) }
    }

    fn matching_rows(
        &self,
        tx: &mut dyn Tx,
        mut rows: Vec<OrderId>,
        set: Option<&HashSet<OrderId>>,
        words: &[String],
    ) -> Result<Vec<OrderId>> {
        rows.retain(|id| set.is_none_or(|set| set.contains(id)));
        self.matching_documents(tx, rows, words)
    }
}

/// Whether the list has orders in 주문 and 발주 only.
fn is_before_dispatch(filter: &OrderFilter) -> bool {
    !filter.states.is_empty() && filter.states.iter().all(|state| *state <= OrderState::Purchased)
}

/// The indexes that serve the filter or the sort, with the numbers of their entries.
fn paths(filter: &OrderFilter, sort: Sort, counts: OrderCounts, matching: Total) -> Vec<AccessPath> {
    let OrderCounts { all, of_state, of_channel, of_product, of_these } = counts;
    let scan = |index, among, reads_rows| AccessPath { index, access: Access::Scan { among, reads_rows } };
    let collect = |index, entries, row_reads| AccessPath { index, access: Access::Collect { entries, row_reads } };
    let is_ranged = filter.from.is_some() || filter.to.is_some();
    let matching = matching.number().max(1);
    // Of all orders in the range of dates, the other filters are expected to match the same part as of all orders.
    let in_range = matching.saturating_mul(all.max(1)) / of_these.max(1);
    let by_placed = sort.by == DateField::Placed;

    let is_other_range = is_ranged && filter.date != sort.by;
    // An order has the dates of the states that it passed: those of a state are spread evenly only over its own date, and
    // where they are most orders.
    let is_spread = filter.states.is_empty() || by_placed || of_state > all / 2 || sort.by.has_all_of(&filter.states);
    let among = match is_ranged && filter.date == sort.by {
        true => Among::Entries(in_range),
        false if is_spread => Among::Entries(all),
        false => Among::Unknown,
    };
    let mut paths = vec![scan(sort.by.index(), among, is_other_range)];
    if is_other_range {
        paths.push(collect(filter.date.index(), in_range, matching));
    }
    if is_before_dispatch(filter) {
        let in_deadline = is_ranged && filter.date == DateField::DispatchDeadline;
        if sort.by == DateField::DispatchDeadline && filter.states.len() == 1 {
            paths.push(scan(INDEX_BEFORE_DISPATCH, Among::Entries(of_state), is_ranged && !in_deadline));
        } else if in_deadline {
            paths.push(collect(INDEX_BEFORE_DISPATCH, matching, matching));
        }
    }
    // These indexes have the other filters and 주문일, but no other date.
    let reads_rows = is_ranged && filter.date != DateField::Placed;
    for (filtered, entries, index) in [
        (filter.states.len(), of_state, INDEX_OF_STATE),
        (usize::from(filter.product.is_some()), of_product, INDEX_OF_PRODUCT),
        (filter.channels.len(), of_channel, INDEX_OF_CHANNEL),
    ] {
        // The entries of one state, product or channel are sorted by 주문일; those of several are not.
        if filtered == 1 && by_placed {
            paths.push(scan(index, Among::Entries(entries), reads_rows));
        } else if filtered > 0 {
            paths.push(collect(index, entries, if by_placed && !reads_rows { 0 } else { of_these.max(1) }));
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::planner::cheapest;
    use crate::time::parse_date;

    /// A shop of a million orders: 2,000 with that state, 150,000 of the channel, 60,000 of the product.
    const SHOP: OrderCounts =
        OrderCounts { all: 1_000_000, of_state: 2_000, of_channel: 150_000, of_product: 60_000, of_these: 1_000_000 };

    /// The index for the first page.
    fn index(filter: &OrderFilter, matching: i64) -> &'static str {
        let (sort, total) = (filter.sort.unwrap_or(DEFAULT_SORT), Total::Exactly(matching));
        let ranged = filter.from.is_some();
        let counts = OrderCounts { of_these: if ranged { SHOP.of_these } else { matching }, ..SHOP };
        cheapest(&paths(filter, sort, counts, total), total, 25).expect("a path").index
    }

    fn ascending(by: DateField) -> Sort {
        Sort { by, descending: false }
    }

    #[test]
    fn unfiltered_list_is_scanned_in_the_order_of_its_date() {
        assert_eq!(index(&OrderFilter::default(), 1_000_000), "orders_by_placed");
        let filter = OrderFilter { sort: Some(ascending(DateField::Shipped)), ..Default::default() };
        assert_eq!(index(&filter, 1_000_000), "orders_by_shipped");
    }

    #[test]
    fn orders_to_dispatch_are_read_by_state() {
        let states = vec![OrderState::Purchased];
        assert_eq!(index(&OrderFilter { states: states.clone(), ..Default::default() }, 2_000), "orders_by_state");
        let several = vec![OrderState::Placed, OrderState::Purchased];
        assert_eq!(index(&OrderFilter { states: several, ..Default::default() }, 2_000), "orders_by_state");
        let sorted = |by| OrderFilter { states: states.clone(), sort: Some(ascending(by)), ..Default::default() };
        assert_eq!(index(&sorted(DateField::DispatchDeadline), 2_000), "orders_before_dispatch");
        assert_eq!(index(&sorted(DateField::PreferredShipping), 2_000), "orders_by_state");
    }

    #[test]
    fn state_is_scanned_by_its_own_date() {
        let states = vec![OrderState::Cancelled];
        let sorted = |by| OrderFilter { states: states.clone(), sort: Some(ascending(by)), ..Default::default() };
        assert_eq!(index(&sorted(DateField::Cancelled), 40_000), "orders_by_cancelled");
        assert_eq!(index(&sorted(DateField::Confirmed), 40_000), "orders_by_state");
    }

    #[test]
    fn product_of_a_channel_is_read_by_the_rarer_of_both() {
        let filter =
            OrderFilter { channels: vec!["COUPANG".into()], product: Some("BED".into()), ..Default::default() };
        assert_eq!(index(&filter, 9_000), "orders_by_product");
    }

    #[test]
    fn few_days_of_another_date_are_collected() {
        let day = parse_date("2026-11-22");
        let filter = OrderFilter { date: DateField::Confirmed, from: day, to: day, ..Default::default() };
        assert_eq!(index(&filter, 900), "orders_by_confirmed");
        assert_eq!(index(&filter, 600_000), "orders_by_placed");
    }
}
