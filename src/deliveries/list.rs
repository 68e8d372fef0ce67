//! The delivery list: pagination and filters by index, for millions of deliveries.
//!
//! A list is a sequence of [`IndexRange`]s, each sorted by one index: one per state when sorted by state, the dated
//! and then the undated deliveries when sorted by 희망배송일. The rows of a range that match the filters are counted
//! through the most selective index, up to [`MAX_COUNTED_ROWS`]. Below that limit, all of them are collected through
//! that index and sorted in memory. Above it, the index of the sort order is scanned: with so many matching rows, a
//! page is full after a short scan. [`search`] handles search words.

mod search;

use chrono::Datelike;

use super::filter::{DeliveryFilter, PreferredDate, RegionFilter, Sort};
use super::model::joined_late;
use super::store::{self, Delivery};
use crate::orders::bundle::DeliveryState;
use crate::orders::list::{self as orders, OrderRow, Total};
use crate::orders::model::ShippingMethod;
use crate::search::tokenizer::search_words;
use crate::storage::{PRIMARY_KEY, Param, Result, Tx, placeholders};

/// Matching rows of a range that are counted. Small under test, so that a small shop exceeds it.
const MAX_COUNTED_ROWS: i64 = if cfg!(test) { 60 } else { 50_000 };

/// Matching rows that are collected and sorted in memory when they are a large part of the list; above it, a scan
/// reads fewer rows.
const MAX_SORTED_ROWS: i64 = if cfg!(test) { 20 } else { 1_000 };

/// Deliveries whose orders one query loads.
const BATCH_ROWS: usize = 100;

/// A delivery with its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryRow {
    /// the delivery
    pub delivery: Delivery,
    /// its orders, oldest first
    pub orders: Vec<DeliveryOrder>,
}

/// An order of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryOrder {
    /// the order with product and labels
    pub listed: OrderRow,
    /// whether it joined after the slip was printed, or after the delivery was ready: see [`joined_late`]
    pub joined_late: bool,
}

impl DeliveryRow {
    /// The primary order (대표물품), whose recipient is that of the delivery.
    pub fn primary(&self) -> Option<&OrderRow> {
        let primary = self.orders.iter().find(|order| Some(order.listed.order.id) == self.delivery.primary_order_id);
        primary.or(self.orders.first()).map(|order| &order.listed)
    }

    /// The distinct 고객메시지 of the orders.
    pub fn customer_messages(&self) -> Vec<&str> {
        self.texts(|listed| &listed.order.customer_message)
    }

    /// The distinct 배송메모 of the orders.
    pub fn shipping_memos(&self) -> Vec<&str> {
        self.texts(|listed| &listed.order.shipping_memo)
    }

    fn texts(&self, text: fn(&OrderRow) -> &String) -> Vec<&str> {
        let mut texts: Vec<&str> = Vec::new();
        for order in &self.orders {
            let text = text(&order.listed).trim();
            if !text.is_empty() && !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts
    }
}

/// One page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPage {
    /// identifiers, in sort order
    pub ids: Vec<i64>,
    /// rows of the whole list
    pub total: Total,
    /// the search stopped at its limit of scanned rows, and may have missed matches
    pub is_search_truncated: bool,
}

/// The page of `size` deliveries from row `offset` on.
pub fn page(tx: &mut dyn Tx, filter: &DeliveryFilter, offset: i64, size: i64) -> Result<DeliveryPage> {
    let words = search_words(&filter.search);
    if !words.is_empty() {
        return search::search(tx, filter, &words, offset, size);
    }
    let (mut ids, mut rows_before) = (Vec::new(), 0);
    for range in index_ranges(filter) {
        let (count, missing, within) = (range.count(tx)?, size - len(&ids), (offset - rows_before).max(0));
        if count <= MAX_COUNTED_ROWS {
            if missing > 0 && within < count {
                ids.extend(range.ids(tx, count, within, missing)?);
            }
            rows_before += count;
            continue;
        }
        let found = if missing > 0 { range.ids(tx, count, within, missing)? } else { Vec::new() };
        let (read, full) = (len(&found), len(&found) == missing);
        ids.extend(found);
        if full {
            let total = Total::AtLeast(rows_before + (within + read).max(MAX_COUNTED_ROWS));
            return Ok(DeliveryPage { ids, total, is_search_truncated: false });
        }
        rows_before += if read > 0 { within + read } else { range.exact_count(tx)? };
    }
    Ok(DeliveryPage { ids, total: Total::Exactly(rows_before), is_search_truncated: false })
}

/// The deliveries of these identifiers with their orders, in the given order.
pub fn load_rows(tx: &mut dyn Tx, ids: &[i64]) -> Result<Vec<DeliveryRow>> {
    let mut rows = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(BATCH_ROWS) {
        let joined = store::joined_orders(tx, chunk)?;
        let order_ids: Vec<i64> = joined.iter().map(|joined| joined.order_id).collect();
        let mut orders = orders::load_rows(tx, &order_ids)?.into_iter().zip(&joined).collect::<Vec<_>>();
        for delivery in store::by_ids(tx, chunk)? {
            let (own, others) = orders.into_iter().partition(|(_, joined)| joined.delivery_id == delivery.id);
            orders = others;
            let delivery_order = |(listed, joined): (OrderRow, &store::JoinedOrder)| DeliveryOrder {
                listed,
                joined_late: joined_late(joined.at, delivery.printed_at, delivery.ready_at),
            };
            let orders = Vec::into_iter(own).map(delivery_order).collect();
            rows.push(DeliveryRow { delivery, orders });
        }
    }
    Ok(rows)
}

/// The `size` identifiers from `offset` on.
fn page_of(ids: impl IntoIterator<Item = i64>, offset: i64, size: i64) -> Vec<i64> {
    let skip = usize::try_from(offset).unwrap_or(usize::MAX);
    let take = usize::try_from(size).unwrap_or(usize::MAX);
    ids.into_iter().skip(skip).take(take).collect()
}

fn len(ids: &[i64]) -> i64 {
    i64::try_from(ids.len()).unwrap_or(i64::MAX)
}

/// A part of the list that one index sorts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct IndexRange {
    states: Vec<DeliveryState>,
    methods: Vec<ShippingMethod>,
    region: RegionFilter,
    zip_codes: Vec<String>,
    preferred_date: PreferredDate,
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
            Self::PreferredDate => "deliveries_by_date",
            Self::District => "deliveries_by_district",
        }
    }

    const fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::PreferredDate => "preferred_shipping_date",
            Self::District => "sigungu",
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
    /// methods, the condition lists all of them, and the index has a range of dates under each.
    fn most_selective_index(&self) -> &'static str {
        let finished = self.states.contains(&DeliveryState::Completed);
        match (self.region, self.preferred_date) {
            (RegionFilter::Sigungu(_) | RegionFilter::Gu { .. } | RegionFilter::Unclassified, _) => {
                "deliveries_by_district"
            }
            (RegionFilter::Sido(_), PreferredDate::Any | PreferredDate::Dated | PreferredDate::Undated) if finished => {
                "deliveries_by_district"
            }
            _ => "deliveries_by_state",
        }
    }

    /// The WHERE clause and its parameters. A leading index column without a filter gets an IN over all values, so
    /// that the index can be used.
    fn conditions(&self, index: &str, extra: Option<Condition>) -> (String, Vec<Param<'static>>) {
        let by_state = index == "deliveries_by_state";
        let mut conditions = Vec::new();
        // The most selective condition first: SQLite evaluates them in this order.
        match self.region {
            RegionFilter::Any => {}
            RegionFilter::Sido(code) => {
                conditions.push(("sigungu BETWEEN ? AND ?".to_owned(), vec![code.into(), (code + 999).into()]));
            }
            RegionFilter::Sigungu(code) => conditions.push(("sigungu = ?".to_owned(), vec![code.into()])),
            RegionFilter::Gu { city, gu } => {
                conditions.push(("sigungu = ?".to_owned(), vec![city.into()]));
                let of_primary = "(SELECT o.recipient_zip_code FROM orders o WHERE o.id = primary_order_id)";
                let sql = match (self.zip_codes.len(), gu) {
                    (0, None) => "1 = 1".to_owned(),
                    (0, Some(_)) => "1 = 0".to_owned(),
                    (count, None) => format!("{of_primary} NOT IN ({})", placeholders(count)),
                    (count, Some(_)) => format!("{of_primary} IN ({})", placeholders(count)),
                };
                conditions.push((sql, self.zip_codes.iter().cloned().map(Param::from).collect()));
            }
            RegionFilter::Unclassified => conditions.push(("sigungu IS NULL".to_owned(), Vec::new())),
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

    /// The number of rows, up to one more than [`MAX_COUNTED_ROWS`].
    fn count(&self, tx: &mut dyn Tx) -> Result<i64> {
        let index = self.most_selective_index();
        let (conditions, params) = self.conditions(index, None);
        tx.count_up_to(MAX_COUNTED_ROWS + 1, &format!("FROM deliveries {} {conditions}", tx.index_hint(index)), &params)
    }

    /// The exact number of rows, without limit. Used only for a page number beyond the last link.
    fn exact_count(&self, tx: &mut dyn Tx) -> Result<i64> {
        let index = self.most_selective_index();
        let (conditions, params) = self.conditions(index, None);
        tx.scalar(&format!("SELECT count(*) FROM deliveries {} {conditions}", tx.index_hint(index)), &params)
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
            && self.methods.iter().any(|method| matches!(method, ShippingMethod::Direct | ShippingMethod::Parcel))
            && !matches!(self.preferred_date, PreferredDate::Between(..))
            && self.states.contains(&DeliveryState::Completed)
    }

    /// The `size` identifiers from `offset` on. `count`, the number of matching rows, decides between collect and scan.
    fn ids(&self, tx: &mut dyn Tx, count: i64, offset: i64, size: i64) -> Result<Vec<i64>> {
        let scans = count > MAX_COUNTED_ROWS || count > MAX_SORTED_ROWS && self.covers_most();
        let index = if scans { self.sort_key.index() } else { self.most_selective_index() };
        self.read_ids(tx, index, None, offset, size)
    }

    /// The `size` identifiers from `offset` on that also match `extra`, through that index.
    fn read_ids(
        &self,
        tx: &mut dyn Tx,
        index: &str,
        extra: Option<Condition>,
        offset: i64,
        size: i64,
    ) -> Result<Vec<i64>> {
        if index != self.sort_key.index() {
            return self.collect(tx, index, extra, offset, size);
        }
        let (conditions, mut params) = self.conditions(index, extra);
        params.extend([size.into(), offset.into()]);
        let sql = format!(
            "SELECT id FROM deliveries {} {conditions} ORDER BY {} LIMIT ? OFFSET ?",
            tx.index_hint(index),
            self.sort_key.order_by(self.descending)
        );
        let mut ids = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            ids.push(row.int(0)?);
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
        offset: i64,
        size: i64,
    ) -> Result<Vec<i64>> {
        let (conditions, params) = self.conditions(index, extra);
        let sql =
            format!("SELECT id, {} FROM deliveries {} {conditions}", self.sort_key.column(), tx.index_hint(index));
        let mut keys: Vec<(Option<i64>, i64)> = Vec::new();
        tx.for_each(&sql, &params, &mut |row| {
            let key = match self.sort_key {
                SortKey::PreferredDate => row.opt_date(1)?.map(|date| i64::from(date.num_days_from_ce())),
                SortKey::Id | SortKey::District => row.opt_int(1)?,
            };
            keys.push((key, row.int(0)?));
            Ok(())
        })?;
        keys.sort_unstable();
        if self.descending {
            keys.reverse();
        }
        Ok(page_of(keys.into_iter().map(|(_, id)| id), offset, size))
    }
}
