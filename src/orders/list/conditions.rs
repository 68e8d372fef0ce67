//! The filter of the order list as a WHERE clause, and the numbers of orders that it selects from.

use std::collections::BTreeSet;

use super::listing::INDEX_BEFORE_DISPATCH;
use crate::channels;
use crate::id::{ChannelId, OrderId, ProductId, UploadId};
use crate::orders::filter::{DateField, OrderFilter};
use crate::orders::model::OrderState;
use crate::orders::store::bulk_actions;
use crate::storage::{Param, Result, StorageError, Tx, placeholders};
use crate::time::day_range;

/// WHERE clause of the filter.
pub(super) struct Conditions {
    sql: Vec<String>,
    pub(super) params: Vec<Param<'static>>,
    /// sorted identifiers that a selective filter allows, if any
    pub(super) id_set: Option<Vec<OrderId>>,
    /// date field with a range
    pub(super) range_of: Option<DateField>,
    states: Vec<OrderState>,
    channel_ids: Vec<ChannelId>,
    product_id: Option<ProductId>,
}

impl Conditions {
    /// Builds the clause; none if the filter names an unknown channel or product.
    pub(super) fn of(tx: &mut dyn Tx, filter: &OrderFilter) -> Result<Option<Self>> {
        let mut conditions = Self {
            sql: Vec::new(),
            params: Vec::new(),
            id_set: None,
            range_of: (filter.from.is_some() || filter.to.is_some()).then_some(filter.date),
            states: filter.states.clone(),
            channel_ids: Vec::new(),
            product_id: None,
        };
        conditions.any_of("state", filter.states.iter().map(|state| state.ordinal().into()));
        for code in &filter.channels {
            conditions.channel_ids.extend(channels::store::find_id(tx, code)?);
        }
        if conditions.channel_ids.is_empty() && !filter.channels.is_empty() {
            return Ok(None);
        }
        let channel_ids = conditions.channel_ids.clone();
        conditions.any_of("channel_id", channel_ids.into_iter().map(Param::from));
        if let Some(number) = &filter.product {
            let sql = "SELECT id FROM products WHERE number = ? AND enabled = 1";
            let Some(row) = tx.query_one(sql, &[number.into()])? else {
                return Ok(None);
            };
            conditions.product_id = Some(row.id(0)?);
            conditions.and("product_id = ?", row.int(0)?.into());
        } else if tx.query_one("SELECT id FROM products WHERE enabled = 0 LIMIT 1", &[])?.is_some() {
            conditions.sql.push("product_id NOT IN (SELECT id FROM products WHERE enabled = 0)".to_owned());
        }
        for (operator, bound) in date_bounds(filter) {
            conditions.and(&format!("{} {operator} ?", filter.date.code()), bound);
        }
        if filter.claim_open {
            let open = tx.query("SELECT order_id FROM open_claims ORDER BY order_id", &[])?;
            conditions.restrict(open.iter().map(|row| row.id(0)).collect::<Result<_>>()?);
        }
        if filter.deadline_missing {
            let index = tx.index_hint(INDEX_BEFORE_DISPATCH);
            let sql = format!("SELECT id FROM orders {index} WHERE state <= 1 AND dispatch_deadline IS NULL");
            let undated = tx.query(&sql, &[])?;
            conditions.restrict(undated.iter().map(|row| row.id(0)).collect::<Result<_>>()?);
        }
        if let Some(action) = filter.action {
            conditions.restrict(bulk_actions::order_ids(tx, action)?);
        }
        if let Some(upload) = filter.upload {
            conditions.restrict(of_upload(tx, upload)?);
        }
        if !filter.numbers.is_empty() {
            conditions.restrict(super::by_numbers(tx, &filter.numbers)?.ids);
        }
        if let Some(chosen) = &filter.chosen {
            conditions.restrict(chosen.iter().copied().collect());
        }
        Ok(Some(conditions))
    }

    /// Restricts the list to these orders.
    fn restrict(&mut self, ids: BTreeSet<OrderId>) {
        let allowed = self.id_set.take();
        let both = ids.into_iter().filter(|id| allowed.as_ref().is_none_or(|ids| ids.binary_search(id).is_ok()));
        self.id_set = Some(both.collect());
    }

    fn and(&mut self, sql: &str, param: Param<'static>) {
        self.sql.push(sql.to_owned());
        self.params.push(param);
    }

    /// The column has one of the values, if there are any.
    fn any_of(&mut self, column: &str, values: impl Iterator<Item = Param<'static>>) {
        let before = self.params.len();
        self.params.extend(values);
        match self.params.len() - before {
            0 => {}
            1 => self.sql.push(format!("{column} = ?")),
            several => self.sql.push(format!("{column} IN ({})", placeholders(several))),
        }
    }

    /// Whether every order matches.
    pub(super) fn is_unfiltered(&self) -> bool {
        self.sql.is_empty() && self.id_set.is_none()
    }

    /// Order counts of the state, channel and product, and of their combination.
    pub(super) fn counts(&self, tx: &mut dyn Tx) -> Result<OrderCounts> {
        OrderCounts::of(tx, &self.states, &self.channel_ids, self.product_id)
    }

    /// The clause with further conditions.
    pub(super) fn with<'s>(&'s self, more: impl Iterator<Item = &'s str>) -> String {
        let all: Vec<&str> = self.sql.iter().map(String::as_str).chain(more).collect();
        if all.is_empty() { String::new() } else { format!("WHERE {}", all.join(" AND ")) }
    }
}

/// The orders that an upload created or changed.
fn of_upload(tx: &mut dyn Tx, upload_id: UploadId) -> Result<BTreeSet<OrderId>> {
    let sql = "SELECT o.id FROM upload_rows r JOIN orders o ON o.order_number = r.order_number \
               WHERE r.upload_id = ? AND r.outcome IN ('created', 'updated')";
    tx.query(sql, &[upload_id.into()])?.iter().map(|row| row.id(0)).collect()
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

/// Numbers of orders, from `order_tallies`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OrderCounts {
    pub(super) all: i64,
    pub(super) of_state: i64,
    pub(super) of_channel: i64,
    pub(super) of_product: i64,
    /// with that state, channel and product
    pub(super) of_these: i64,
}

impl OrderCounts {
    fn of(tx: &mut dyn Tx, states: &[OrderState], channels: &[ChannelId], product: Option<ProductId>) -> Result<Self> {
        // A comparison yields 1 or 0; a missing filter compares the column with itself.
        let among = |column: &str, count: usize| match count {
            0 => format!("t.{column} = t.{column}"),
            _ => format!("t.{column} IN ({})", placeholders(count)),
        };
        let sql = format!(
            "SELECT CAST(sum(n) AS INTEGER), CAST(sum(n * s) AS INTEGER), CAST(sum(n * c) AS INTEGER), \
             CAST(sum(n * p) AS INTEGER), CAST(sum(n * s * c * p) AS INTEGER) \
             FROM (SELECT t.order_count AS n, {} AS s, {} AS c, t.product_id = coalesce(?, t.product_id) AS p \
             FROM order_tallies t JOIN products ON products.id = t.product_id WHERE products.enabled = 1) AS compared",
            among("state", states.len()),
            among("channel_id", channels.len()),
        );
        let states = states.iter().map(|state| Param::from(state.ordinal()));
        let params: Vec<Param<'_>> =
            states.chain(channels.iter().map(|id| Param::from(*id))).chain([product.into()]).collect();
        let Some(row) = tx.query_one(&sql, &params)? else { return Ok(Self::default()) };
        let sum = |place| Ok::<_, StorageError>(row.opt_int(place)?.unwrap_or(0));
        Ok(Self { all: sum(0)?, of_state: sum(1)?, of_channel: sum(2)?, of_product: sum(3)?, of_these: sum(4)? })
    }
}
