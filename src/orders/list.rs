//! A page of orders among a million.
//!
//! [`plan`] finds the orders of a list without a search by reading one index, [`search`] those of a
//! search; [`listed`] reads what a list shows of them.

mod plan;
mod search;

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

use self::plan::{Conditions, choose, sorted_ids, total};
#[cfg(test)]
pub(super) use self::search::COMPARED;
pub use self::search::{listed_under, matching};
use super::filter::{DEFAULT_SORT, OrderFilter};
use super::model::{Order, OrderOption};
use super::store;
use super::terms::search_words;
use crate::storage::{Param, Result, Tx, placeholders};

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

/// How many orders the list has, as its page says.
pub fn count(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Total> {
    Ok(find(tx, filter, 0, 0)?.total)
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
    if !words.is_empty() || conditions.among.is_some() {
        return search::search(tx, filter, &conditions, &words, sort, (offset, size));
    }
    let total = total(tx, filter, &conditions)?;
    let index = choose(tx, filter, &conditions, sort, total, offset.saturating_add(size))?;
    let ids = sorted_ids(tx, &conditions, sort, &index, offset, size)?;
    Ok(Found { total: total.seeing(&ids, offset, size), ids, search_was_cut: false })
}

/// The orders of these identifiers with their surroundings, in the sequence given.
pub fn listed(tx: &mut dyn Tx, ids: &[i64]) -> Result<Vec<Listed>> {
    let (mut found, mut labels) = (BTreeMap::new(), Labels::default());
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
                labels: labels.of(tx, order.product_id, &order.options)?,
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

/// The labels of orders that are read together: most of them choose the same.
#[derive(Default)]
struct Labels(HashMap<(i64, OrderOption), String>);

impl Labels {
    fn of(&mut self, tx: &mut dyn Tx, product_id: i64, options: &[OrderOption]) -> Result<Vec<String>> {
        let sql = "SELECT label FROM variants WHERE product_id = ? AND option_key = ? AND option_value = ?";
        let mut labels = Vec::with_capacity(options.len());
        for option in options {
            let known = match self.0.entry((product_id, option.clone())) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let params = [product_id.into(), (&option.key).into(), (&option.value).into()];
                    let found = tx.query_one(sql, &params)?.map(|mut row| row.text(0)).transpose()?;
                    free.insert(found.unwrap_or_else(|| option.value.clone()))
                }
            };
            labels.push(known.clone());
        }
        Ok(labels)
    }
}
