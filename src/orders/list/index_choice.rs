//! Choice of the index for a list without a search.
//!
//! A page can be read in two ways: *scan* the index of the sort and skip rows that the filter excludes until
//! the page is full, or *collect* the few matching orders from the index of a selective filter and sort them.
//! [`choose_index`] estimates both costs from the order counts; the result is the same.

use super::Total;
use crate::channels;
use crate::orders::filter::{DateField, OrderFilter, Sort};
use crate::orders::model::OrderState;
use crate::storage::{Param, Result, StorageError, Tx};
use crate::time::day_range;

/// Cost of reading a row, in index entries scanned.
const ROW_COST: f64 = 12.0;

/// Cost of sorting an entry, in index entries scanned.
const SORT_COST: f64 = 3.0;

/// Limit of counting where no order count has the total. Smaller in tests, so that a small shop exceeds it.
const MAX_COUNTED_ROWS: i64 = if cfg!(test) { 60 } else { 50_000 };

/// WHERE clause of the filter.
pub(super) struct Conditions {
    sql: Vec<String>,
    pub(super) params: Vec<Param<'static>>,
    /// sorted identifiers that a selective filter allows, if any
    pub(super) id_set: Option<Vec<i64>>,
    /// date field with a range
    range_of: Option<DateField>,
    state: Option<OrderState>,
    channel_id: Option<i64>,
    product_id: Option<i64>,
}

impl Conditions {
    /// Builds the clause; none if the filter names an unknown channel or product.
    pub(super) fn of(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Option<Self>> {
        let mut conditions = Self {
            sql: Vec::new(),
            params: Vec::new(),
            id_set: None,
            range_of: has_range(filter).then_some(filter.date),
            state: filter.state,
            channel_id: None,
            product_id: None,
        };
        if let Some(state) = filter.state {
            conditions.and("state = ?", state.ordinal().into());
        }
        if let Some(code) = &filter.channel {
            let Some(id) = channels::store::find_id(tx, code)? else { return Ok(None) };
            conditions.channel_id = Some(id);
            conditions.and("channel_id = ?", id.into());
        }
        if let Some(number) = &filter.product {
            let sql = "SELECT id FROM products WHERE number = ? AND enabled = 1";
            let Some(row) = tx.query_one(sql, &[number.into()])? else {
                return Ok(None);
            };
            conditions.product_id = Some(row.int(0)?);
            conditions.and("product_id = ?", row.int(0)?.into());
        } else if tx.query_one("SELECT id FROM products WHERE enabled = 0 LIMIT 1", &[])?.is_some() {
            conditions.sql.push("product_id NOT IN (SELECT id FROM products WHERE enabled = 0)".to_owned());
        }
        for (operator, bound) in date_bounds(filter) {
            conditions.and(&format!("{} {operator} ?", filter.date.code()), bound);
        }
        if filter.claim_open {
            let open = tx.query("SELECT order_id FROM open_claims ORDER BY order_id", &[])?;
            conditions.id_set = Some(open.iter().map(|row| row.int(0)).collect::<Result<_>>()?);
        }
        Ok(Some(conditions))
    }

    fn and(&mut self, sql: &str, param: Param<'static>) {
        self.sql.push(sql.to_owned());
        self.params.push(param);
    }

    /// Whether every order matches.
    pub(super) fn is_unfiltered(&self) -> bool {
        self.sql.is_empty() && self.id_set.is_none()
    }

    /// Order counts of the state, channel and product, and of their combination.
    pub(super) fn counts(&self, tx: &mut dyn Tx) -> Result<OrderCounts> {
        OrderCounts::of(tx, self.state, self.channel_id, self.product_id)
    }

    pub(super) fn with(&self, more: &str) -> String {
        let all: Vec<&str> = self.sql.iter().map(String::as_str).chain([more]).filter(|sql| !sql.is_empty()).collect();
        if all.is_empty() { String::new() } else { format!("WHERE {}", all.join(" AND ")) }
    }
}

/// Bounds of the filtered column: both days for dates, up to the next day for moments.
fn date_bounds(filter: &OrderFilter) -> Vec<(&'static str, Param<'static>)> {
    let (from, to): (Option<Param<'_>>, Option<Param<'_>>) = if filter.date.is_date() {
        (filter.from.map(Into::into), filter.to.map(Into::into))
    } else {
        let (from, to) = day_range(filter.from, filter.to);
        (from.map(Into::into), to.map(Into::into))
    };
    let until = if filter.date.is_date() { "<=" } else { "<" };
    from.map(|from| (">=", from)).into_iter().chain(to.map(|to| (until, to))).collect()
}

pub(super) fn has_range(filter: &OrderFilter) -> bool {
    filter.from.is_some() || filter.to.is_some()
}

/// Numbers of orders, from `order_tallies`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OrderCounts {
    pub(super) all: i64,
    of_state: i64,
    of_channel: i64,
    of_product: i64,
    /// with that state, channel and product
    of_these: i64,
}

impl OrderCounts {
    fn of(tx: &mut dyn Tx, state: Option<OrderState>, channel: Option<i64>, product: Option<i64>) -> Result<Self> {
        // A comparison yields 1 or 0; a missing filter compares the column with itself.
        const SQL: &str = "SELECT CAST(sum(orders) AS INTEGER), CAST(sum(orders * s) AS INTEGER), \
            CAST(sum(orders * c) AS INTEGER), CAST(sum(orders * p) AS INTEGER), CAST(sum(orders * s * c * p) AS INTEGER) \
            FROM (SELECT t.orders, t.state = coalesce(?, t.state) AS s, t.channel_id = coalesce(?, t.channel_id) AS c, \
            t.product_id = coalesce(?, t.product_id) AS p FROM order_tallies t \
            JOIN products ON products.id = t.product_id WHERE products.enabled = 1) AS compared";
        let params = [state.map(OrderState::ordinal).into(), channel.into(), product.into()];
        let Some(row) = tx.query_one(SQL, &params)? else { return Ok(Self::default()) };
        let sum = |place| Ok::<_, StorageError>(row.opt_int(place)?.unwrap_or(0));
        Ok(Self { all: sum(0)?, of_state: sum(1)?, of_channel: sum(2)?, of_product: sum(3)?, of_these: sum(4)? })
    }
}

/// Covering index of all orders by identifier.
pub(super) const INDEX_OF_ALL: &str = "orders_by_id";

fn date_index(field: DateField) -> String {
    format!("orders_by_{}", field.index())
}

/// Total of the list: from the order counts, or counted for a date range.
pub(super) fn total(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    conditions: &Conditions,
    counts: OrderCounts,
) -> Result<Total> {
    if !has_range(filter) {
        return Ok(Total::Exactly(counts.of_these));
    }
    let index = if filter.product.is_some() && counts.of_product < MAX_COUNTED_ROWS {
        "orders_by_product".to_owned()
    } else if filter.state.is_some() && counts.of_state < MAX_COUNTED_ROWS {
        "orders_by_state".to_owned()
    } else {
        date_index(filter.date)
    };
    let from = format!("FROM orders {} {}", tx.index_hint(&index), conditions.with(""));
    let counted = tx.count_up_to(MAX_COUNTED_ROWS + 1, &from, &conditions.params)?;
    Ok(if counted > MAX_COUNTED_ROWS { Total::AtLeast(MAX_COUNTED_ROWS) } else { Total::Exactly(counted) })
}

/// Selects the index with the lowest cost for the first `needed` of `total` orders. An index is either scanned
/// in the order of the list until the page is full, or collected as a whole and sorted.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub(super) fn choose_index(filter: &OrderFilter, counts: OrderCounts, sort: Sort, total: Total, needed: i64) -> String {
    let OrderCounts { all, of_state, of_channel, of_product, of_these } = counts;
    let [matching, tallied, all, of_state, of_product, of_channel, needed] =
        [total.number(), of_these, all, of_state, of_product, of_channel, needed].map(|size| size.max(1) as f64);
    let ranged = has_range(filter);
    // One of `among` / `matching` entries matches; `rows`: each costs reading a row.
    let walked = |among: f64, rows: bool| (needed * among / matching).min(among) * if rows { ROW_COST } else { 1.0 };
    let in_range = matching * all / tallied;
    let by_placed = sort.by == DateField::Placed;

    let among = if ranged && filter.date == sort.by { in_range } else { all };
    let mut ways = vec![(walked(among, ranged && filter.date != sort.by), date_index(sort.by))];
    if ranged && filter.date != sort.by {
        ways.push((in_range + matching * ROW_COST, date_index(filter.date)));
    }
    if filter.state.is_some() {
        let cost = if by_placed { walked(of_state, false) } else { of_state * SORT_COST };
        ways.push((cost, "orders_by_state".to_owned()));
    }
    for (chosen, size, index) in [
        (filter.product.is_some(), of_product, "orders_by_product"),
        (filter.channel.is_some(), of_channel, "orders_by_channel"),
    ] {
        if chosen {
            let rows = ranged && filter.date != DateField::Placed;
            let cost = if by_placed { walked(size, rows) } else { size + tallied * ROW_COST };
            ways.push((cost, index.to_owned()));
        }
    }
    ways.into_iter().min_by(|one, other| one.0.total_cmp(&other.0)).map_or_else(String::new, |(_, index)| index)
}

/// Orders without the sort date are last in both directions. The index of the date excludes them, so the scan
/// continues with the index of all orders.
pub(super) fn sorted_ids(
    tx: &mut dyn Tx,
    conditions: &Conditions,
    sort: Sort,
    index: &str,
    offset: i64,
    size: i64,
) -> Result<Vec<i64>> {
    let column = sort.by.code();
    let walked = index == date_index(sort.by);
    if sort.by == DateField::Placed || (sort.descending && !walked) {
        return ids(tx, conditions, "", &order_by(sort), index, offset, size);
    }
    let dated = format!("{column} IS NOT NULL");
    let mut found = ids(tx, conditions, &dated, &order_by(sort), index, offset, size)?;
    let missing = size - i64::try_from(found.len()).unwrap_or(size);
    if missing > 0 && conditions.range_of != Some(sort.by) {
        let sql = format!("SELECT count(*) FROM orders {} {}", tx.index_hint(index), conditions.with(&dated));
        let before = tx.scalar(&sql, &conditions.params)?;
        let undated = format!("{column} IS NULL");
        let index = if walked { INDEX_OF_ALL } else { index };
        // Sort by identifier only: MariaDB does not detect that the date is constant here, and would sort.
        let sequence = format!("id {}", direction(sort));
        found.extend(ids(tx, conditions, &undated, &sequence, index, (offset - before).max(0), missing)?);
    }
    Ok(found)
}

fn ids(
    tx: &mut dyn Tx,
    conditions: &Conditions,
    more: &str,
    sequence: &str,
    index: &str,
    offset: i64,
    size: i64,
) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT id FROM orders {} {} ORDER BY {sequence} LIMIT ? OFFSET ?",
        tx.index_hint(index),
        conditions.with(more)
    );
    let params: Vec<Param<'_>> = conditions.params.iter().cloned().chain([size.into(), offset.into()]).collect();
    let mut ids = Vec::new();
    tx.for_each(&sql, &params, &mut |row| {
        ids.push(row.int(0)?);
        Ok(())
    })?;
    Ok(ids)
}

fn order_by(sort: Sort) -> String {
    let direction = direction(sort);
    format!("{} {direction}, id {direction}", sort.by.code())
}

const fn direction(sort: Sort) -> &'static str {
    if sort.descending { "DESC" } else { "ASC" }
}
