//! Queries of access records: by member, action, day, and by the orders whose data was accessed.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;

use super::model::{AccessAction, AccessRecord, Seal};
use super::store::{COLUMNS, record_of, seals};
use crate::id::{MemberId, OrderId};
use crate::storage::{Param, Result, Tx};
use crate::time::{Moment, day_range};

/// Records that a search by person answers; more are cut, newest first.
pub const MAX_FOUND_RECORDS: usize = 1_000;

/// Filter of a list of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessFilter {
    /// of this member
    pub member_id: Option<MemberId>,
    /// of this action
    pub action: Option<AccessAction>,
    /// from this day on
    pub from: Option<NaiveDate>,
    /// up to this day
    pub to: Option<NaiveDate>,
    /// with the data of one of these orders
    pub orders: Option<Vec<OrderId>>,
}

/// A record with the name of its member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRow {
    /// the record
    pub record: AccessRecord,
    /// name of the member
    pub username: Option<String>,
    /// Whether the filter's orders are only within the range of a long list, so that they may not be among it.
    pub is_uncertain: bool,
}

impl AccessFilter {
    /// The conditions other than the orders.
    fn conditions(&self) -> (String, Vec<Param<'static>>) {
        let (mut conditions, mut params) = (Vec::new(), Vec::new());
        let (from, to) = day_range(self.from, self.to);
        let mut add = |condition: &str, param: Option<Param<'static>>| {
            if let Some(param) = param {
                conditions.push(condition.to_owned());
                params.push(param);
            }
        };
        add("member_id = ?", self.member_id.map(Into::into));
        add("action = ?", self.action.map(|action| action.code().into()));
        add("recorded_at >= ?", from.map(Into::into));
        add("recorded_at < ?", to.map(Into::into));
        let text = if conditions.is_empty() { String::new() } else { format!("WHERE {}", conditions.join(" AND ")) };
        (text, params)
    }
}

/// A page of the list, newest first, and the number of all its records. With orders, at most [`MAX_FOUND_RECORDS`].
pub fn page(tx: &mut dyn Tx, filter: &AccessFilter, offset: i64, size: i64) -> Result<(Vec<AccessRow>, i64)> {
    let (rows, total) = if let Some(orders) = &filter.orders {
        of_orders(tx, filter, orders, offset, size)?
    } else {
        let (conditions, params) = filter.conditions();
        let total = tx.scalar(&format!("SELECT count(*) FROM access_records {conditions}"), &params)?;
        let sql = format!("SELECT {COLUMNS} FROM access_records {conditions} ORDER BY sequence DESC LIMIT ? OFFSET ?");
        let params: Vec<Param<'_>> = params.into_iter().chain([size.into(), offset.into()]).collect();
        let found = tx.query(&sql, &params)?.into_iter().map(|row| Ok((record_of(row)?, false)));
        (found.collect::<Result<Vec<_>>>()?, total)
    };
    let names = usernames(tx)?;
    let row = |(record, is_uncertain): (AccessRecord, bool)| {
        let username = record.access.accessor.member_id().and_then(|id| names.get(&id).cloned());
        AccessRow { record, username, is_uncertain }
    };
    Ok((rows.into_iter().map(row).collect(), total))
}

/// Visits every record of the filter, oldest first.
pub fn for_each(
    tx: &mut dyn Tx,
    filter: &AccessFilter,
    visit: &mut dyn FnMut(&AccessRecord, Option<&str>) -> Result<()>,
) -> Result<()> {
    let names = usernames(tx)?;
    let (conditions, params) = filter.conditions();
    let sql = format!("SELECT {COLUMNS} FROM access_records {conditions} ORDER BY sequence");
    tx.for_each(&sql, &params, &mut |row| {
        let record = record_of(row)?;
        if filter.orders.as_ref().is_some_and(|orders| !orders.iter().any(|id| record.access.orders.may_include(*id))) {
            return Ok(());
        }
        let username = record.access.accessor.member_id().and_then(|id| names.get(&id));
        visit(&record, username.map(String::as_str))
    })
}

/// Visits every record from `from` to `to`, both included, oldest first.
pub fn for_each_between(
    tx: &mut dyn Tx,
    from: Moment,
    to: Moment,
    visit: &mut dyn FnMut(&AccessRecord) -> Result<()>,
) -> Result<()> {
    let sql = format!(
        "SELECT {COLUMNS} FROM access_records WHERE recorded_at >= ? AND recorded_at <= ? ORDER BY recorded_at, sequence"
    );
    tx.for_each(&sql, &[from.into(), to.into()], &mut |row| visit(&record_of(row)?))
}

/// The newest seals.
pub fn newest_seals(tx: &mut dyn Tx, count: i64) -> Result<Vec<Seal>> {
    seals(tx, "ORDER BY accessed_on DESC LIMIT ?", &[count.into()])
}

/// Names of all members, by identifier.
pub fn usernames(tx: &mut dyn Tx) -> Result<HashMap<MemberId, String>> {
    let rows = tx.query("SELECT id, username FROM members", &[])?;
    rows.into_iter().map(|mut row| Ok((row.id(0)?, row.text(1)?))).collect()
}

/// Records, each with whether its orders are uncertain, and their number.
type RecordsAndTotal = (Vec<(AccessRecord, bool)>, i64);

/// Finds the records of orders: the index gives the days on which each was accessed, and the records of these days the
/// rest. Whether a record only has a range is the second value.
fn of_orders(
    tx: &mut dyn Tx,
    filter: &AccessFilter,
    orders: &[OrderId],
    offset: i64,
    size: i64,
) -> Result<RecordsAndTotal> {
    let mut days = BTreeSet::new();
    tx.for_ids(
        orders,
        &[],
        |ids| format!("SELECT accessed_on FROM access_order_days WHERE order_id IN ({ids})"),
        &mut |row| {
            days.extend(row.opt_date(0)?);
            Ok(())
        },
    )?;
    let is_wanted =
        |day: &NaiveDate| filter.from.is_none_or(|from| from <= *day) && filter.to.is_none_or(|to| *day <= to);
    let mut found: Vec<(AccessRecord, bool)> = Vec::new();
    for day in days.into_iter().rev().filter(is_wanted) {
        let of_day = AccessFilter { from: Some(day), to: Some(day), orders: None, ..filter.clone() };
        let (conditions, params) = of_day.conditions();
        let sql = format!("SELECT {COLUMNS} FROM access_records {conditions} ORDER BY sequence DESC");
        tx.for_each(&sql, &params, &mut |row| {
            let record = record_of(row)?;
            if orders.iter().any(|id| record.access.orders.lists(*id)) && found.len() < MAX_FOUND_RECORDS {
                found.push((record, false));
            }
            Ok(())
        })?;
    }
    let (conditions, params) = filter.conditions();
    let also = if conditions.is_empty() { "WHERE" } else { "AND" };
    let sql = format!(
        "SELECT {COLUMNS} FROM access_records {conditions} {also} sequence IN (SELECT sequence FROM access_ranges) \
         ORDER BY sequence DESC"
    );
    tx.for_each(&sql, &params, &mut |row| {
        let record = record_of(row)?;
        if orders.iter().any(|id| record.access.orders.may_include(*id)) && found.len() < MAX_FOUND_RECORDS {
            found.push((record, true));
        }
        Ok(())
    })?;
    found.sort_by_key(|(record, _)| std::cmp::Reverse(record.sequence));
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    let (offset, size) = (usize::try_from(offset).unwrap_or_default(), usize::try_from(size).unwrap_or_default());
    Ok((found.into_iter().skip(offset).take(size).collect(), total))
}
