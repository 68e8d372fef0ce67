//! Order list: pages of up to a million orders.
//!
//! `listing` describes the list to [`search`](crate::search), which plans and reads a page; `conditions` is the filter
//! as SQL, `texts` compares search words with orders. [`load_rows`] loads the rows of a page.

mod conditions;
mod listing;
mod texts;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use self::conditions::Conditions;
use self::listing::OrderListing;
pub use self::texts::matching;
use super::fields::FIELDS;
use super::filter::OrderFilter;
use super::model::{Order, OrderOption, parcels};
use super::search_field::SearchField;
use super::store;
use crate::channels::tracking_url;
use crate::id::{OrderId, ProductId};
pub use crate::search::Total;
use crate::search::query::{self, IdPage};
use crate::search::tokenizer::TextKind;
use crate::search::{Limits, Window};
use crate::storage::{Param, Result, Tx};

/// Labels read by one statement.
const LABELS_PER_STATEMENT: usize = 64;

/// Product and one of its options.
type ProductOption = (ProductId, OrderOption);

/// Row of the list: an order with its product, channel and bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// the order
    pub order: Order,
    /// 상품번호
    pub product_number: String,
    /// 상품명
    pub product_name: String,
    /// code of the sales channel
    pub channel_code: String,
    /// 판매채널
    pub channel_name: String,
    /// 묶음배송번호
    pub bundle_number: String,
    /// 합배송수
    pub bundle_count: i64,
    /// labels of the options, as the factory reads them
    pub labels: Vec<String>,
    /// whether its personal data is kept apart (분리 보관), so that the order has masks
    pub is_sealed: bool,
}

impl OrderRow {
    /// The tracking numbers, with the courier's page about each.
    pub fn parcels(&self) -> Vec<(&str, Option<String>)> {
        let order = &self.order;
        parcels(&order.tracking_number).map(|number| (number, tracking_url(&order.courier, number))).collect()
    }
}

/// Page of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// rows in the order of the list
    pub orders: Vec<OrderRow>,
    /// number of orders of the whole list
    pub total: Total,
    /// the search compared a limited number of orders only
    pub search_was_cut: bool,
}

/// Loads a page (from 1).
pub fn page(tx: &mut dyn Tx, filter: &OrderFilter, page: u32, size: u32) -> Result<Page> {
    let offset = i64::from(page.saturating_sub(1)) * i64::from(size);
    let found = find(tx, filter, Window { offset, size: i64::from(size) }, Limits::DEFAULT)?;
    Ok(Page { orders: load_rows(tx, &found.ids)?, total: found.total, search_was_cut: found.is_truncated })
}

/// Visits every order of the list in its order, in batches.
pub fn for_each(tx: &mut dyn Tx, filter: &OrderFilter, visit: &mut dyn FnMut(OrderRow) -> Result<()>) -> Result<()> {
    for some in all_ids(tx, filter)?.chunks(500) {
        for order in load_rows(tx, some)? {
            visit(order)?;
        }
    }
    Ok(())
}

/// Number of orders of the list, as the page shows it.
pub fn count(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Total> {
    Ok(find(tx, filter, Window { offset: 0, size: 0 }, Limits::DEFAULT)?.total)
}

/// Identifiers of all orders of the list, in its order.
pub fn all_ids(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Vec<OrderId>> {
    Ok(find(tx, filter, Window::ALL, Limits::DEFAULT)?.ids)
}

/// The orders of several numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberSearch {
    /// orders that have one of the numbers, as order number, bundle number, tracking number …
    pub ids: BTreeSet<OrderId>,
    /// numbers that no order has
    pub missing: Vec<String>,
}

/// Looks each number up.
pub fn by_numbers(tx: &mut dyn Tx, numbers: &[String]) -> Result<NumberSearch> {
    let of_order = FIELDS.iter().filter_map(|field| field.search.filter(|(_, kind)| *kind == TextKind::Number));
    let fields: Vec<SearchField> = of_order.map(|(field, _)| field).chain([SearchField::BundleNumber]).collect();
    let mut found = NumberSearch::default();
    for number in numbers {
        let mut any = false;
        for &field in &fields {
            let filter = OrderFilter { field, search: number.clone(), ..OrderFilter::default() };
            let ids = find(tx, &filter, Window { offset: 0, size: MAX_ORDERS_OF_NUMBER }, Limits::DEFAULT)?.ids;
            any |= !ids.is_empty();
            found.ids.extend(ids);
        }
        if !any {
            found.missing.push(number.clone());
        }
    }
    Ok(found)
}

/// Orders that one number finds: those of a bundle.
const MAX_ORDERS_OF_NUMBER: i64 = 200;

/// Identifiers of a part of the list.
pub(super) fn find(tx: &mut dyn Tx, filter: &OrderFilter, window: Window, limits: Limits) -> Result<IdPage<OrderId>> {
    match Conditions::of(tx, filter)? {
        Some(conditions) => query::page(tx, &OrderListing::new(filter, &conditions, limits), window),
        None => Ok(IdPage::NONE),
    }
}

/// Loads the rows of these identifiers, in the given order.
pub fn load_rows(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<OrderRow>> {
    let mut found = BTreeMap::new();
    let by_id = tx.primary_key_hint("orders");
    let [by_product, by_channel, by_delivery, by_order] =
        ["products", "sales_channels", "deliveries", "order_seals"].map(|table| tx.primary_key_hint(table));
    let columns = store::columns("o.");
    let sql = |ids: &str| {
        format!(
            "SELECT {columns}, p.number, p.name, c.code, c.name, d.bundle_number, d.order_count, \
             CASE WHEN s.order_id IS NULL OR s.opened_at IS NOT NULL THEN 0 ELSE 1 END FROM orders o {by_id} \
             CROSS JOIN products p {by_product} ON p.id = o.product_id \
             CROSS JOIN sales_channels c {by_channel} ON c.id = o.channel_id \
             CROSS JOIN deliveries d {by_delivery} ON d.id = o.delivery_id \
             LEFT JOIN order_seals s {by_order} ON s.order_id = o.id WHERE o.id IN ({ids})"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |row| {
        let mut columns = row.columns();
        let listed = OrderRow {
            order: store::order(&mut columns)?,
            product_number: columns.read()?,
            product_name: columns.read()?,
            channel_code: columns.read()?,
            channel_name: columns.read()?,
            bundle_number: columns.read()?,
            bundle_count: columns.read()?,
            labels: Vec::new(),
            is_sealed: columns.read::<i64>()? != 0,
        };
        found.insert(listed.order.id, listed);
        Ok(())
    })?;
    let mut listed: Vec<OrderRow> = ids.iter().filter_map(|id| found.remove(id)).collect();
    let labels = labels(tx, &listed)?;
    for OrderRow { order, labels: own, .. } in &mut listed {
        let label =
            |option: &OrderOption| labels.get(&(order.product_id, option.clone())).unwrap_or(&option.value).clone();
        *own = order.options.iter().map(label).collect();
    }
    Ok(listed)
}

/// Labels of the options of these orders, as far as they have one; most orders share them.
fn labels(tx: &mut dyn Tx, listed: &[OrderRow]) -> Result<HashMap<ProductOption, String>> {
    const ONE: &str = "SELECT product_id, option_key, option_value, label FROM variants \
                       WHERE product_id = ? AND option_key = ? AND option_value = ?";
    let orders = listed.iter().map(|listed| &listed.order);
    let chosen: BTreeSet<ProductOption> =
        orders.flat_map(|order| order.options.iter().map(|option| (order.product_id, option.clone()))).collect();
    let chosen: Vec<_> = chosen.into_iter().collect();
    let mut labels = HashMap::with_capacity(chosen.len());
    for some in chosen.chunks(LABELS_PER_STATEMENT) {
        // Pad to few distinct lengths, so that statements are prepared once: the last option is repeated.
        let asked = some.len().next_multiple_of(LABELS_PER_STATEMENT / 4);
        let all = some.iter().chain(some.last().into_iter().cycle()).take(asked);
        let params: Vec<Param<'_>> =
            all.flat_map(|(id, OrderOption { key, value })| [(*id).into(), key.into(), value.into()]).collect();
        for mut row in tx.query(&vec![ONE; asked].join(" UNION ALL "), &params)? {
            labels.insert((row.id(0)?, OrderOption { key: row.text(1)?, value: row.text(2)? }), row.text(3)?);
        }
    }
    Ok(labels)
}
