//! The delivery list for [`search`](crate::search): its indexes and sort orders.
//!
//! The list is a sequence of [`IndexRange`]s: one per state when sorted by state, the dated and then the undated
//! deliveries when sorted by 희망배송일. The length of a scan is known only where the filter matches most of the list;
//! otherwise the rows are collected through the most selective index.

use std::cell::OnceCell;
use std::collections::HashSet;

use chrono::Datelike;

use super::tallies::Tallies;
use super::texts::Comparison;
use crate::deliveries::filter::{DeliveryFilter, DeliverySearchField, PreferredDate, RegionFilter, Sort};
use crate::id::{AuditEntryId, DeliveryId, OrderId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::search::planner::{Access, AccessPath, Among, PRIMARY_KEY, Spread};
use crate::search::query::padded_params;
use crate::search::store::hint;
use crate::search::tokenizer::search_words;
use crate::search::{Limits, SearchTerms, SearchableList, Total, Window};
use crate::storage::{Param, Result, Tx, placeholders};

const INDEX_OF_STATE: &str = "deliveries_by_state";
const INDEX_OF_DATE: &str = "deliveries_by_date";
const INDEX_OF_DISTRICT: &str = "deliveries_by_district";

/// The delivery list with a filter and a sort.
pub(super) struct DeliveryListing<'f> {
    filter: &'f DeliveryFilter,
    terms: SearchTerms,
    limits: Limits,
    tallies: OnceCell<Tallies>,
}

impl<'f> DeliveryListing<'f> {
    pub(super) fn new(filter: &'f DeliveryFilter, limits: Limits) -> Self {
        let terms = SearchTerms {
            fields: filter.field.order_field().bits(),
            words: search_words(&filter.search),
            // The index does not distinguish 상세주소 from 주소.
            compares_all: filter.field == DeliverySearchField::AddressDetail,
        };
        Self { filter, terms, limits, tallies: OnceCell::new() }
    }

    /// The tallies, read once.
    fn tallies(&self, tx: &mut dyn Tx) -> Result<&Tallies> {
        if self.tallies.get().is_none() {
            // It is empty, so that this sets it.
            let _ = self.tallies.set(Tallies::of(tx, self.filter.region)?);
        }
        Ok(self.tallies.get_or_init(Tallies::default))
    }

    fn comparison<'w>(&self, words: &'w [String]) -> Comparison<'w> {
        Comparison { field: self.filter.field, words }
    }
}

impl SearchableList for DeliveryListing<'_> {
    type Row = DeliveryId;
    type Section = IndexRange;

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn sections(&self) -> Vec<IndexRange> {
        index_ranges(self.filter)
    }

    /// From the tallies, or counted for a range of days or a 일반구.
    fn count(&self, tx: &mut dyn Tx, range: &IndexRange) -> Result<Total> {
        if let (Some(rows), None) = (self.tallies(tx)?.rows(range), range.action) {
            return Ok(Total::Exactly(rows));
        }
        let index = range.most_selective_index();
        let (conditions, params) = range.conditions(index, None);
        let from = format!("FROM deliveries {} {conditions}", hint(tx, "deliveries", index));
        let most = self.limits.max_counted_rows;
        Ok(Total::counted_up_to(most, tx.count_up_to(most + 1, &from, &params)?))
    }

    fn exact_count(&self, tx: &mut dyn Tx, range: &IndexRange) -> Result<i64> {
        let index = range.most_selective_index();
        let (conditions, params) = range.conditions(index, None);
        tx.scalar(&format!("SELECT count(*) FROM deliveries {} {conditions}", hint(tx, "deliveries", index)), &params)
    }

    fn paths(&self, tx: &mut dyn Tx, range: &IndexRange, matching: Total) -> Result<Vec<AccessPath>> {
        Ok(range.paths(matching, self.tallies(tx)?.all(), &self.limits))
    }

    fn read(&self, tx: &mut dyn Tx, range: &IndexRange, path: AccessPath, window: Window) -> Result<Vec<DeliveryId>> {
        range.read_ids(tx, path.index, None, window)
    }

    fn terms(&self) -> &SearchTerms {
        &self.terms
    }

    fn allowed_documents(&self) -> Option<&[OrderId]> {
        None
    }

    fn spread(&self, _: &mut dyn Tx) -> Result<Spread> {
        Ok(Spread::Indirect)
    }

    fn reversed(&self) -> Option<Self> {
        None
    }

    fn sorted_rows(&self, tx: &mut dyn Tx, orders: &[OrderId]) -> Result<Vec<DeliveryId>> {
        let deliveries = super::texts::deliveries_of(tx, orders)?;
        let params = padded_params(&deliveries, &self.limits);
        let mut ids = Vec::new();
        for range in self.sections() {
            let in_set = (format!("id IN ({})", placeholders(params.len())), params.clone());
            ids.extend(range.read_ids(tx, PRIMARY_KEY, Some(in_set), Window::ALL)?);
        }
        Ok(ids)
    }

    fn matching_documents(&self, tx: &mut dyn Tx, orders: Vec<OrderId>, words: &[String]) -> Result<Vec<OrderId>> {
        self.comparison(words).matching(tx, orders)
    }

    fn matching_rows(
        &self,
        tx: &mut dyn Tx,
        deliveries: Vec<DeliveryId>,
        set: Option<&HashSet<OrderId>>,
        words: &[String],
    ) -> Result<Vec<DeliveryId>> {
        self.comparison(words).matching_deliveries(tx, &deliveries, set)
    }
}

/// A part of the list that one index sorts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IndexRange {
    pub(super) states: Vec<DeliveryState>,
    pub(super) methods: Vec<ShippingMethod>,
    region: RegionFilter,
    zip_codes: Vec<String>,
    pub(super) preferred_date: PreferredDate,
    action: Option<AuditEntryId>,
    sort_key: SortKey,
    descending: bool,
}

/// The sort key of a range; ties are sorted by identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SortKey {
    Id,
    PreferredDate,
    District,
}

impl SortKey {
    /// The index to scan.
    const fn index(self) -> &'static str {
        match self {
            Self::Id => PRIMARY_KEY,
            Self::PreferredDate => INDEX_OF_DATE,
            Self::District => INDEX_OF_DISTRICT,
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::PreferredDate => "preferred_shipping_date",
            Self::District => "sigungu_code",
        }
    }

    fn order_by(self, descending: bool) -> String {
        let direction = if descending { "DESC" } else { "ASC" };
        match self {
            Self::Id => format!("id {direction}"),
            Self::PreferredDate | Self::District => format!("{} {direction}, id {direction}", self.column()),
        }
    }
}

fn index_ranges(filter: &DeliveryFilter) -> Vec<IndexRange> {
    let whole = IndexRange {
        states: or_all(&filter.states, &DeliveryState::ALL),
        methods: or_all(&filter.methods, &ShippingMethod::ALL),
        region: filter.region,
        zip_codes: filter.zip_codes.clone(),
        preferred_date: filter.preferred_date,
        action: filter.action,
        sort_key: SortKey::Id,
        descending: true,
    };
    match filter.sort {
        Sort::Newest => vec![whole],
        Sort::District { descending } => vec![IndexRange { sort_key: SortKey::District, descending, ..whole }],
        Sort::DirectFirst => {
            let (direct, others) = whole.methods.iter().partition(|method| **method == ShippingMethod::Direct);
            let of = |methods| IndexRange { methods, ..whole.clone() };
            [direct, others].into_iter().filter(|methods: &Vec<_>| !methods.is_empty()).map(of).collect()
        }
        Sort::Preferred { descending } => {
            let whole = IndexRange { sort_key: SortKey::PreferredDate, descending, ..whole };
            if whole.preferred_date != PreferredDate::Any {
                return vec![whole];
            }
            [PreferredDate::Dated, PreferredDate::Undated]
                .map(|preferred_date| IndexRange { preferred_date, ..whole.clone() })
                .into()
        }
        Sort::State { descending } => {
            let mut states = whole.states.clone();
            if descending {
                states.reverse();
            }
            states.into_iter().map(|state| IndexRange { states: vec![state], ..whole.clone() }).collect()
        }
    }
}

/// The selected values; an empty selection is all values.
fn or_all<T: Copy>(selected: &[T], all: &[T]) -> Vec<T> {
    if selected.is_empty() { all.to_vec() } else { selected.to_vec() }
}

/// An SQL condition with its parameters.
type Condition = (String, Vec<Param<'static>>);

impl IndexRange {
    /// The most selective index for the filters. The index by state serves every filter: without a filter on states or
    /// methods, the condition lists all of them. Most deliveries are completed: among those, days are found by date.
    fn most_selective_index(&self) -> &'static str {
        if self.action.is_some() {
            return PRIMARY_KEY;
        }
        let finished = self.states.contains(&DeliveryState::Completed);
        match (self.region, self.preferred_date) {
            (RegionFilter::Sigungu(_) | RegionFilter::Gu { .. } | RegionFilter::Unclassified, _) => INDEX_OF_DISTRICT,
            (RegionFilter::Sido(_), PreferredDate::Any | PreferredDate::Dated | PreferredDate::Undated) if finished => {
                INDEX_OF_DISTRICT
            }
            (_, PreferredDate::Between(..)) if finished => INDEX_OF_DATE,
            _ => INDEX_OF_STATE,
        }
    }

    /// A scan in the order of the list, and the most selective index if its rows are few enough to be sorted. `all` is
    /// the number of all deliveries, if the list is of every region: a scan for more than half of them passes fewer
    /// others.
    fn paths(&self, matching: Total, all: Option<i64>, limits: &Limits) -> Vec<AccessPath> {
        let is_majority = all.is_some_and(|all| matching.number() > all / 2);
        let is_dense = (is_majority || self.covers_most()) && matching.number() > limits.min_dense_rows;
        let among = if is_dense { Among::Dense } else { Among::Unknown };
        let scan = AccessPath { index: self.sort_key.index(), access: Access::Scan { among, reads_rows: false } };
        let collect = |entries| AccessPath {
            index: self.most_selective_index(),
            access: Access::Collect { entries, row_reads: 0 },
        };
        match matching {
            Total::Exactly(rows) if rows <= limits.max_counted_rows => vec![scan, collect(rows)],
            Total::Exactly(_) | Total::AtLeast(_) => vec![scan],
        }
    }

    /// The WHERE clause and its parameters. A leading index column without a filter gets an IN over all values, so
    /// that the index can be used.
    fn conditions(&self, index: &str, extra: Option<Condition>) -> (String, Vec<Param<'static>>) {
        let by_state = index == INDEX_OF_STATE;
        let mut conditions = Vec::new();
        // The most selective condition first: SQLite evaluates them in this order.
        if let Some(action) = self.action {
            let of_action = "id IN (SELECT o.delivery_id FROM bulk_action_orders b \
                             JOIN orders o ON o.id = b.order_id WHERE b.action_id = ?)";
            conditions.push((of_action.to_owned(), vec![action.into()]));
        }
        match self.region {
            RegionFilter::Any => {}
            RegionFilter::Sido(code) => {
                conditions.push(("sigungu_code BETWEEN ? AND ?".to_owned(), vec![code.into(), (code + 999).into()]));
            }
            RegionFilter::Sigungu(code) => conditions.push(("sigungu_code = ?".to_owned(), vec![code.into()])),
            RegionFilter::Gu { city, gu } => {
                conditions.push(("sigungu_code = ?".to_owned(), vec![city.into()]));
                let of_primary = "(SELECT o.recipient_zip_code FROM orders o WHERE o.id = primary_order_id)";
                let sql = match (self.zip_codes.len(), gu) {
                    (0, None) => "1 = 1".to_owned(),
                    (0, Some(_)) => "1 = 0".to_owned(),
                    (count, None) => format!("{of_primary} NOT IN ({})", placeholders(count)),
                    (count, Some(_)) => format!("{of_primary} IN ({})", placeholders(count)),
                };
                conditions.push((sql, self.zip_codes.iter().cloned().map(Param::from).collect()));
            }
            RegionFilter::Unclassified => conditions.push(("sigungu_code IS NULL".to_owned(), Vec::new())),
        }
        if by_state || self.states.len() < DeliveryState::ALL.len() {
            let states = self.states.iter().map(|state| (*state as i64).into()).collect::<Vec<_>>();
            conditions.push((format!("state IN ({})", placeholders(states.len())), states));
        }
        if by_state || self.methods.len() < ShippingMethod::ALL.len() {
            let methods = self.methods.iter().map(|method| method.code().into()).collect::<Vec<_>>();
            conditions.push((format!("shipping_method IN ({})", placeholders(methods.len())), methods));
        }
        let date = |operator: &str, date: chrono::NaiveDate| {
            (format!("preferred_shipping_date {operator} ?"), vec![date.into()])
        };
        match self.preferred_date {
            PreferredDate::Any => {}
            PreferredDate::Dated => conditions.push(("preferred_shipping_date IS NOT NULL".to_owned(), Vec::new())),
            PreferredDate::Undated => conditions.push(("preferred_shipping_date IS NULL".to_owned(), Vec::new())),
            PreferredDate::Between(from, to) => {
                conditions.extend(from.map(|from| date(">=", from)));
                conditions.extend(to.map(|to| date("<=", to)));
            }
        }
        conditions.extend(extra);
        let sql: Vec<String> = conditions.iter().map(|(sql, _)| sql.clone()).collect();
        let params = conditions.into_iter().flat_map(|(_, params)| params).collect();
        (if sql.is_empty() { String::new() } else { format!("WHERE {}", sql.join(" AND ")) }, params)
    }

    /// Whether the filters match a large part of the list, spread over all of it: completed deliveries by 직접전달 or
    /// 택배 of all dates, in every region or, if the index of the sort key includes the district, in one 시/도.
    fn covers_most(&self) -> bool {
        let is_wide = match self.region {
            RegionFilter::Any => true,
            RegionFilter::Sido(_) => self.sort_key == SortKey::PreferredDate,
            RegionFilter::Sigungu(_) | RegionFilter::Gu { .. } | RegionFilter::Unclassified => false,
        };
        is_wide
            && self.action.is_none()
            && self.methods.iter().any(|method| matches!(method, ShippingMethod::Direct | ShippingMethod::Parcel))
            && !matches!(self.preferred_date, PreferredDate::Between(..))
            && self.states.contains(&DeliveryState::Completed)
    }

    /// The identifiers of a window that also match `extra`, through that index.
    fn read_ids(
        &self,
        tx: &mut dyn Tx,
        index: &str,
        extra: Option<Condition>,
        window: Window,
    ) -> Result<Vec<DeliveryId>> {
        if index != self.sort_key.index() {
            return self.collect(tx, index, extra, window);
        }
        let (conditions, mut params) = self.conditions(index, extra);
        params.extend([window.size.into(), window.offset.into()]);
        let sql = format!(
            "SELECT id FROM deliveries {} {conditions} ORDER BY {} LIMIT ? OFFSET ?",
            hint(tx, "deliveries", index),
            self.sort_key.order_by(self.descending)
        );
        let mut ids = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            ids.push(row.id(0)?);
            Ok(())
        })?;
        Ok(ids)
    }

    /// As [`IndexRange::read_ids`], through an index of another sort order. Sorts in memory, which takes half the time
    /// of a sort in the database.
    fn collect(
        &self,
        tx: &mut dyn Tx,
        index: &str,
        extra: Option<Condition>,
        window: Window,
    ) -> Result<Vec<DeliveryId>> {
        let (conditions, params) = self.conditions(index, extra);
        let sql = format!(
            "SELECT id, {} FROM deliveries {} {conditions}",
            self.sort_key.column(),
            hint(tx, "deliveries", index)
        );
        let mut keys: Vec<(Option<i64>, DeliveryId)> = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            let key = match self.sort_key {
                SortKey::PreferredDate => row.opt_date(1)?.map(|date| i64::from(date.num_days_from_ce())),
                SortKey::Id | SortKey::District => row.opt_int(1)?,
            };
            keys.push((key, row.id(0)?));
            Ok(())
        })?;
        keys.sort_unstable();
        if self.descending {
            keys.reverse();
        }
        Ok(window.of(keys.into_iter().map(|(_, id)| id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::planner::cheapest;

    /// The index of the first page of the first range.
    fn index(filter: &DeliveryFilter, matching: Total) -> &'static str {
        let paths = index_ranges(filter)[0].paths(matching, Some(900_000), &Limits::DEFAULT);
        cheapest(&paths, matching, 25).expect("a path").index
    }

    #[test]
    fn list_with_too_many_deliveries_to_count_is_scanned() {
        assert_eq!(index(&DeliveryFilter::default(), Total::AtLeast(50_000)), PRIMARY_KEY);
        let district = DeliveryFilter { sort: Sort::District { descending: false }, ..Default::default() };
        assert_eq!(index(&district, Total::AtLeast(50_000)), INDEX_OF_DISTRICT);
    }

    #[test]
    fn deliveries_that_wait_are_collected_by_state() {
        let waiting = DeliveryFilter { states: vec![DeliveryState::ReadyToShip], ..Default::default() };
        assert_eq!(index(&waiting, Total::Exactly(30_000)), INDEX_OF_STATE);
    }

    #[test]
    fn deliveries_of_one_district_are_collected_by_district() {
        let pohang = DeliveryFilter { region: RegionFilter::Sigungu(47_110), ..Default::default() };
        assert_eq!(index(&pohang, Total::Exactly(12_000)), INDEX_OF_DISTRICT);
    }

    #[test]
    fn completed_deliveries_are_most_of_the_list_and_scanned() {
        let completed = DeliveryFilter { states: vec![DeliveryState::Completed], ..Default::default() };
        assert_eq!(index(&completed, Total::Exactly(40_000)), PRIMARY_KEY);
        assert_eq!(index(&completed, Total::Exactly(800)), INDEX_OF_STATE);
    }
}
