//! Finding a page of orders among a million, by reading an index.
//!
//! Every list is sorted by one of nine dates. Two ways lead to a page: *walk* the index of that
//! date, leaving out what the filters do not want, until the page is full; or *gather* the few
//! orders that a narrow filter leaves, from the index of that filter, and sort those. [`choose`]
//! weighs them with the tallies; both give the same page.
//!
//! A search gathers the orders listed under its words. Where a word is so short that too many
//! are (`김`), the list is walked instead and its orders are compared one by one, but only the
//! first [`COMPARED`] of it: the total is then a lower bound and says so.

use std::collections::BTreeMap;

use super::filter::{DEFAULT_SORT, DateField, OrderFilter, Sort};
use super::model::{Order, OrderOption, OrderState};
use super::store;
use super::terms::{self, Searchable, search_words};
use crate::storage::{Param, Result, Tx, placeholders};
use crate::time::day_range;

// Under test the limits are small, so that a small shop reaches what lies beyond them.

/// A word under which more entries than this are listed is too short to gather orders by.
const GATHERED: usize = if cfg!(test) { 40 } else { 3_000 };

/// How many orders a search with only such words compares for one page.
pub(super) const COMPARED: i64 = if cfg!(test) { 150 } else { 2_000 };

/// How many of them are read at once.
const COMPARED_AT_ONCE: i64 = if cfg!(test) { 50 } else { 500 };

/// What reading a row costs, measured in entries of an index that are walked past.
const ROW_COST: f64 = 12.0;

/// Where no tally knows the total, it is counted up to here.
const COUNTED: i64 = if cfg!(test) { 60 } else { 50_000 };

/// An order with what a list shows of its surroundings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// the order
    pub order: Order,
    /// 상품번호
    pub product_number: String,
    /// 상품명
    pub product_name: String,
    /// code of its channel
    pub channel_code: String,
    /// 판매채널
    pub channel_name: String,
    /// 묶음배송번호
    pub bundle_number: String,
    /// 합배송수
    pub bundle_count: i64,
    /// the words the factory reads, one an option
    pub labels: Vec<String>,
}

/// How many orders a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// exactly so many
    Exactly(i64),
    /// at least so many; nobody counted further
    AtLeast(i64),
}

impl Total {
    /// The number, exact or not.
    pub const fn number(self) -> i64 {
        match self {
            Self::Exactly(number) | Self::AtLeast(number) => number,
        }
    }

    /// What a page beyond the counting tells of the total: there are as many as it reaches, and not
    /// one more when it is not full.
    fn seeing(self, page: &[i64], offset: i64, size: i64) -> Self {
        let on_page = i64::try_from(page.len()).unwrap_or(i64::MAX);
        let reached = offset.saturating_add(on_page);
        match self {
            Self::AtLeast(_) if on_page > 0 && on_page < size => Self::Exactly(reached),
            Self::AtLeast(number) if on_page > 0 => Self::AtLeast(number.max(reached)),
            total => total,
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// the orders, in the sequence of the list
    pub orders: Vec<Listed>,
    /// of the whole list
    pub total: Total,
    /// the search was too short to look at every order
    pub search_was_cut: bool,
}

/// The page (from 1) of that size.
pub fn page(tx: &mut dyn Tx, filter: &OrderFilter, page: u32, size: u32) -> Result<Page> {
    let offset = i64::from(page.saturating_sub(1)) * i64::from(size);
    let found = find(tx, filter, offset, i64::from(size))?;
    Ok(Page { orders: listed(tx, &found.ids)?, total: found.total, search_was_cut: found.search_was_cut })
}

/// Hands over every order of the list, some hundred at a time, in its sequence.
pub fn for_each(tx: &mut dyn Tx, filter: &OrderFilter, visit: &mut dyn FnMut(Listed) -> Result<()>) -> Result<()> {
    for some in every_id(tx, filter)?.chunks(500) {
        for order in listed(tx, some)? {
            visit(order)?;
        }
    }
    Ok(())
}

/// The identifiers of all orders of the list, in its sequence.
pub fn every_id(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Vec<i64>> {
    Ok(find(tx, filter, 0, i64::MAX)?.ids)
}

struct Found {
    ids: Vec<i64>,
    total: Total,
    search_was_cut: bool,
}

fn find(tx: &mut dyn Tx, filter: &OrderFilter, offset: i64, size: i64) -> Result<Found> {
    let Some(conditions) = Conditions::of(tx, filter)? else {
        return Ok(Found { ids: Vec::new(), total: Total::Exactly(0), search_was_cut: false });
    };
    let sort = filter.sort.unwrap_or(DEFAULT_SORT);
    let words = search_words(&filter.search);
    if !words.is_empty() {
        return search(tx, filter, &conditions, &words, sort, (offset, size));
    }
    let total = total(tx, filter, &conditions)?;
    let index = choose(tx, filter, &conditions, sort, total, offset.saturating_add(size))?;
    let ids = sorted_ids(tx, &conditions, sort, &index, offset, size)?;
    Ok(Found { total: total.seeing(&ids, offset, size), ids, search_was_cut: false })
}

/// The filters as SQL.
struct Conditions {
    sql: Vec<String>,
    params: Vec<Param<'static>>,
    channel_id: Option<i64>,
    product_id: Option<i64>,
}

impl Conditions {
    /// None when a filter names something that is not there.
    fn of(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Option<Self>> {
        let mut conditions = Self { sql: Vec::new(), params: Vec::new(), channel_id: None, product_id: None };
        if let Some(state) = filter.state {
            conditions.and("state = ?", state.rank().into());
        }
        if let Some(code) = &filter.channel {
            let Some(row) = tx.query_one("SELECT id FROM sales_channels WHERE code = ?", &[code.into()])? else {
                return Ok(None);
            };
            conditions.channel_id = Some(row.int(0)?);
            conditions.and("channel_id = ?", row.int(0)?.into());
        }
        if let Some(number) = &filter.product {
            let sql = "SELECT id FROM products WHERE number = ? AND enabled = 1";
            let Some(row) = tx.query_one(sql, &[number.into()])? else {
                return Ok(None);
            };
            conditions.product_id = Some(row.int(0)?);
            conditions.and("product_id = ?", row.int(0)?.into());
        } else {
            conditions.sql.push("product_id NOT IN (SELECT id FROM products WHERE enabled = 0)".to_owned());
        }
        for (operator, bound) in date_bounds(filter) {
            conditions.and(&format!("{} {operator} ?", filter.date.code()), bound);
        }
        Ok(Some(conditions))
    }

    fn and(&mut self, sql: &str, param: Param<'static>) {
        self.sql.push(sql.to_owned());
        self.params.push(param);
    }

    fn with(&self, more: &str) -> String {
        let all: Vec<&str> = self.sql.iter().map(String::as_str).chain([more]).filter(|sql| !sql.is_empty()).collect();
        format!("WHERE {}", all.join(" AND "))
    }
}

/// The range of the filtered column: of dates both days, of moments up to the day after.
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

fn has_range(filter: &OrderFilter) -> bool {
    filter.from.is_some() || filter.to.is_some()
}

/// The sum of the tallies of these; all of them where nothing is given.
fn tally(tx: &mut dyn Tx, state: Option<OrderState>, channel_id: Option<i64>, product_id: Option<i64>) -> Result<i64> {
    let mut sql = "SELECT CAST(sum(t.orders) AS INTEGER) FROM order_tallies t \
                   JOIN products p ON p.id = t.product_id WHERE p.enabled = 1"
        .to_owned();
    let mut params: Vec<Param<'_>> = Vec::new();
    let wanted = [("t.state", state.map(OrderState::rank)), ("t.channel_id", channel_id), ("t.product_id", product_id)];
    for (column, value) in wanted {
        if let Some(value) = value {
            sql = format!("{sql} AND {column} = ?");
            params.push(value.into());
        }
    }
    tx.number(&sql, &params)
}

fn date_index(state: Option<OrderState>, field: DateField) -> String {
    format!("orders_by_{}{}", if state.is_some() { "state_" } else { "" }, field.index())
}

fn total(tx: &mut dyn Tx, filter: &OrderFilter, conditions: &Conditions) -> Result<Total> {
    let tallied = tally(tx, filter.state, conditions.channel_id, conditions.product_id)?;
    if !has_range(filter) {
        return Ok(Total::Exactly(tallied));
    }
    let of_product = tally(tx, None, None, conditions.product_id)?;
    let row_cost = if filter.date == DateField::Placed { 1 } else { 12 };
    let by_product = conditions.product_id.is_some() && of_product.saturating_mul(row_cost) < COUNTED;
    let index = if by_product { "orders_by_product".to_owned() } else { date_index(filter.state, filter.date) };
    let sql = format!(
        "SELECT count(*) FROM (SELECT 1 FROM orders {} {} LIMIT {}) AS counted",
        tx.walking(&index),
        conditions.with(""),
        COUNTED + 1
    );
    let counted = tx.number(&sql, &conditions.params)?;
    Ok(if counted > COUNTED { Total::AtLeast(COUNTED) } else { Total::Exactly(counted) })
}

/// Names the index that leads to the first `needed` orders with the least reading.
fn choose(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    conditions: &Conditions,
    sort: Sort,
    total: Total,
    needed: i64,
) -> Result<String> {
    let of_state = tally(tx, filter.state, None, None)?;
    let tallied = tally(tx, filter.state, conditions.channel_id, conditions.product_id)?;
    let of_product = tally(tx, None, None, conditions.product_id)?;
    let of_channel = tally(tx, None, conditions.channel_id, None)?;
    let sizes = Sizes { matching: total.number(), tallied, of_state, of_product, of_channel, needed };
    Ok(cheapest(filter, sort, sizes))
}

/// How many orders each way would have to pass.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    /// all filters match (or at least so many)
    matching: i64,
    /// state, channel and product match
    tallied: i64,
    of_state: i64,
    of_product: i64,
    of_channel: i64,
    /// up to the end of the page
    needed: i64,
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn cheapest(filter: &OrderFilter, sort: Sort, sizes: Sizes) -> String {
    let [matching, tallied, of_state, of_product, of_channel, needed] =
        [sizes.matching, sizes.tallied, sizes.of_state, sizes.of_product, sizes.of_channel, sizes.needed]
            .map(|size| size.max(1) as f64);
    let range_on = |field: DateField| has_range(filter) && filter.date == field;
    let rows_are_read = |field: DateField| has_range(filter) && filter.date != field;
    // Entries walked until the page is full, when every `among`-th of them matches.
    let walk = |among: f64, field: DateField| {
        let entries = (needed * among / matching).min(among);
        entries * if rows_are_read(field) { ROW_COST } else { 1.0 }
    };

    let in_range = |field| if range_on(field) { matching * of_state / tallied } else { of_state };
    let mut ways = vec![(walk(in_range(sort.by), sort.by), date_index(filter.state, sort.by))];
    if has_range(filter) && filter.date != sort.by {
        ways.push((in_range(filter.date) * ROW_COST, date_index(filter.state, filter.date)));
    }
    for (chosen, size, index) in [
        (filter.product.is_some(), of_product, "orders_by_product"),
        (filter.channel.is_some(), of_channel, "orders_by_channel"),
    ] {
        if chosen {
            let cost = if sort.by == DateField::Placed { walk(size, sort.by) } else { size * ROW_COST };
            ways.push((cost, index.to_owned()));
        }
    }
    ways.into_iter().min_by(|one, other| one.0.total_cmp(&other.0)).map_or_else(String::new, |(_, index)| index)
}

/// Orders without the date come last, whichever way the list is sorted: ascending, they are the
/// second part of it.
fn sorted_ids(
    tx: &mut dyn Tx,
    conditions: &Conditions,
    sort: Sort,
    index: &str,
    offset: i64,
    size: i64,
) -> Result<Vec<i64>> {
    let column = sort.by.code();
    if sort.descending || sort.by == DateField::Placed {
        return ids(tx, conditions, "", sort, index, offset, size);
    }
    let dated = format!("{column} IS NOT NULL");
    let mut found = ids(tx, conditions, &dated, sort, index, offset, size)?;
    let missing = size - i64::try_from(found.len()).unwrap_or(size);
    if missing > 0 {
        let sql = format!("SELECT count(*) FROM orders {} {}", tx.walking(index), conditions.with(&dated));
        let before = tx.number(&sql, &conditions.params)?;
        let undated = format!("{column} IS NULL");
        found.extend(ids(tx, conditions, &undated, sort, index, (offset - before).max(0), missing)?);
    }
    Ok(found)
}

fn ids(
    tx: &mut dyn Tx,
    conditions: &Conditions,
    more: &str,
    sort: Sort,
    index: &str,
    offset: i64,
    size: i64,
) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT id FROM orders {} {} ORDER BY {} LIMIT ? OFFSET ?",
        if index.is_empty() { String::new() } else { tx.walking(index) },
        conditions.with(more),
        order_by(sort)
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
    let direction = if sort.descending { "DESC" } else { "ASC" };
    format!("{} {direction}, id {direction}", sort.by.code())
}

fn search(
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

/// The orders of these identifiers with their surroundings, in the sequence given.
pub fn listed(tx: &mut dyn Tx, ids: &[i64]) -> Result<Vec<Listed>> {
    let mut found = BTreeMap::new();
    for some in ids.chunks(200) {
        let sql = format!(
            "SELECT {}, p.number, p.name, c.code, c.name, d.bundle_number, d.order_count FROM orders o \
             JOIN products p ON p.id = o.product_id JOIN sales_channels c ON c.id = o.channel_id \
             JOIN deliveries d ON d.id = o.delivery_id WHERE o.id IN ({})",
            store::columns("o."),
            placeholders(some.len())
        );
        let params: Vec<Param<'_>> = some.iter().map(|id| (*id).into()).collect();
        for mut row in tx.query(&sql, &params)? {
            let order = store::order(&mut row)?;
            let next = store::COLUMN_COUNT;
            let listed = Listed {
                labels: labels(tx, order.product_id, &order.options)?,
                order,
                product_number: row.text(next)?,
                product_name: row.text(next + 1)?,
                channel_code: row.text(next + 2)?,
                channel_name: row.text(next + 3)?,
                bundle_number: row.text(next + 4)?,
                bundle_count: row.int(next + 5)?,
            };
            found.insert(listed.order.id, listed);
        }
    }
    Ok(ids.iter().filter_map(|id| found.remove(id)).collect())
}

fn labels(tx: &mut dyn Tx, product_id: i64, options: &[OrderOption]) -> Result<Vec<String>> {
    let sql = "SELECT label FROM variants WHERE product_id = ? AND option_key = ? AND option_value = ?";
    options
        .iter()
        .map(|option| {
            let row = tx.query_one(sql, &[product_id.into(), (&option.key).into(), (&option.value).into()])?;
            row.map_or_else(|| Ok(option.value.clone()), |mut row| row.text(0))
        })
        .collect()
}
