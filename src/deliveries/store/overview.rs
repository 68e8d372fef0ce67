//! SQL of the overview: numbers of deliveries by region, and orders without a district.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::deliveries::overview::{BucketCounts, DateBucket, OverviewFilter};
use crate::id::OrderId;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::storage::{Param, Result, Row, Tx, placeholders};

/// Counts the deliveries by stored 시/군/구 code; none is 미분류. Reads only the entries of an index for the states to
/// count, in index order.
pub fn counts_by_region(
    tx: &mut dyn Tx,
    filter: &OverviewFilter,
    today: NaiveDate,
) -> Result<BTreeMap<Option<i64>, BucketCounts>> {
    let [tomorrow, end_of_week] = bounds(today);
    let mut counts: BTreeMap<Option<i64>, BucketCounts> = BTreeMap::new();
    for (state, method) in groups(filter) {
        let days = [today, today, tomorrow, end_of_week].map(Param::from);
        let (conditions, params) = conditions(filter, state, method);
        let index = tx.index_hint("deliveries_by_state");
        let sql = format!(
            "SELECT d.sigungu_code, {COUNTS} FROM deliveries d {index} WHERE {conditions} GROUP BY d.sigungu_code"
        );
        tx.for_each(&sql, &[&days[..], &params].concat(), &mut |row| {
            counts.entry(row.opt_int(0)?).or_default().add(&bucket_counts(&row)?);
            Ok(())
        })?;
    }
    Ok(counts)
}

/// Counts the deliveries of a city by the postal code of their primary order, from which the caller derives the 일반구,
/// which is not stored.
pub fn counts_by_zip(
    tx: &mut dyn Tx,
    filter: &OverviewFilter,
    today: NaiveDate,
    city: i64,
) -> Result<BTreeMap<String, BucketCounts>> {
    let [tomorrow, end_of_week] = bounds(today);
    let mut counts: BTreeMap<String, BucketCounts> = BTreeMap::new();
    for (state, method) in groups(filter) {
        let days = [today, today, tomorrow, end_of_week].map(Param::from);
        let (conditions, mut params) = conditions(filter, state, method);
        params.push(city.into());
        let (by_state, by_id) = (tx.index_hint("deliveries_by_state"), tx.primary_key_hint("orders"));
        let sql = format!(
            "SELECT o.recipient_zip_code, {COUNTS} FROM deliveries d {by_state} \
             CROSS JOIN orders o {by_id} ON o.id = d.primary_order_id \
             WHERE {conditions} AND d.sigungu_code = ? GROUP BY o.recipient_zip_code"
        );
        tx.for_each(&sql, &[&days[..], &params].concat(), &mut |mut row| {
            let of_row = bucket_counts(&row)?;
            counts.entry(row.text(0)?).or_default().add(&of_row);
            Ok(())
        })?;
    }
    Ok(counts)
}

/// Own deliveries under way of a day in a 시/군/구.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRegionCount {
    /// 희망배송일
    pub day: NaiveDate,
    /// code; none is 미분류
    pub sigungu_code: Option<i64>,
    /// number of deliveries
    pub deliveries: i64,
}

/// Counts the own deliveries under way from `first` to `last` by 희망배송일 and 시/군/구. A region may occur once for each state.
pub fn counts_by_day(tx: &mut dyn Tx, first: NaiveDate, last: NaiveDate) -> Result<Vec<DayRegionCount>> {
    let by_state = tx.index_hint("deliveries_by_state");
    let sql = format!(
        "SELECT d.preferred_shipping_date, d.sigungu_code, count(*) FROM deliveries d {by_state} WHERE d.state = ? \
         AND d.shipping_method = ? AND d.preferred_shipping_date BETWEEN ? AND ? \
         GROUP BY d.preferred_shipping_date, d.sigungu_code"
    );
    let mut counts = Vec::new();
    for state in DeliveryState::UNDER_WAY {
        let params = [(state as i64).into(), ShippingMethod::Direct.code().into(), first.into(), last.into()];
        tx.for_each(&sql, &params, &mut |row| {
            if let Some(day) = row.opt_date(0)? {
                counts.push(DayRegionCount { day, sigungu_code: row.opt_int(1)?, deliveries: row.int(2)? });
            }
            Ok(())
        })?;
    }
    Ok(counts)
}

/// Aggregates: all; with a date; before today; today; tomorrow; until the end of the week. The last four have a
/// parameter each.
const COUNTS: &str = "count(*), count(d.preferred_shipping_date), \
                      count(CASE WHEN d.preferred_shipping_date < ? THEN 1 END), \
                      count(CASE WHEN d.preferred_shipping_date = ? THEN 1 END), \
                      count(CASE WHEN d.preferred_shipping_date = ? THEN 1 END), \
                      count(CASE WHEN d.preferred_shipping_date <= ? THEN 1 END)";

/// Tomorrow, and the later of Sunday and tomorrow.
fn bounds(today: NaiveDate) -> [NaiveDate; 2] {
    let last = |bucket: DateBucket| bucket.days(today).and_then(|(_, last)| last).unwrap_or(today);
    let tomorrow = last(DateBucket::Tomorrow);
    [tomorrow, last(DateBucket::ThisWeek).max(tomorrow)]
}

/// Reads the aggregates of [`COUNTS`] from the second column on.
fn bucket_counts(row: &Row) -> Result<BucketCounts> {
    let (all, dated, until_end_of_week) = (row.int(1)?, row.int(2)?, row.int(6)?);
    let (overdue, of_today, of_tomorrow) = (row.int(3)?, row.int(4)?, row.int(5)?);
    let of_week = until_end_of_week - overdue - of_today - of_tomorrow;
    Ok(BucketCounts([overdue, of_today, of_tomorrow, of_week, dated - until_end_of_week, all - dated]))
}

/// The states and methods to count, each of which has its entries in the order of the regions.
fn groups(filter: &OverviewFilter) -> Vec<(DeliveryState, ShippingMethod)> {
    let methods = filter.method.map_or(ShippingMethod::ALL.to_vec(), |method| vec![method]);
    filter.states().iter().flat_map(|state| methods.iter().map(|method| (*state, *method))).collect()
}

fn conditions(filter: &OverviewFilter, state: DeliveryState, method: ShippingMethod) -> (String, Vec<Param<'static>>) {
    let mut conditions = String::from("d.state = ? AND d.shipping_method = ?");
    let mut params: Vec<Param<'static>> = vec![(state as i64).into(), method.code().into()];
    if let Some(day) = filter.day {
        conditions.push_str(" AND d.preferred_shipping_date = ?");
        params.push(day.into());
    }
    (conditions, params)
}

/// An order without a district (미분류).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnclassifiedOrder {
    /// identifier
    pub id: OrderId,
    /// order number
    pub order_number: String,
    /// version, for optimistic locking
    pub version: i64,
    /// 수취인
    pub recipient_name: String,
    /// postal code as stored
    pub zip_code: String,
    /// 주소 and 상세주소
    pub address: String,
}

/// The number of undelivered orders without a district in deliveries under way.
pub fn count_unclassified(tx: &mut dyn Tx) -> Result<i64> {
    let (sql, params) = select_unclassified(tx, "count(*)");
    tx.scalar(&sql, &params)
}

/// Undelivered orders without a district in deliveries under way, newest first.
pub fn unclassified_orders(tx: &mut dyn Tx, offset: i64, size: i64) -> Result<Vec<UnclassifiedOrder>> {
    let columns = "o.id, o.order_number, o.version, o.recipient_name, o.recipient_zip_code, \
                   o.recipient_address1, o.recipient_address2";
    let (sql, mut params) = select_unclassified(tx, columns);
    params.extend([size.into(), offset.into()]);
    tx.query(&format!("{sql} ORDER BY o.id DESC LIMIT ? OFFSET ?"), &params)?
        .into_iter()
        .map(|mut row| {
            Ok(UnclassifiedOrder {
                id: row.id(0)?,
                order_number: row.text(1)?,
                version: row.int(2)?,
                recipient_name: row.text(3)?,
                zip_code: row.text(4)?,
                address: format!("{} {}", row.text(5)?, row.text(6)?).trim().to_owned(),
            })
        })
        .collect()
}

fn select_unclassified(tx: &dyn Tx, columns: &str) -> (String, Vec<Param<'static>>) {
    let (by_state, by_delivery) = (tx.index_hint("deliveries_by_state"), tx.index_hint("orders_by_delivery"));
    let (states, methods) = (placeholders(DeliveryState::UNDER_WAY.len()), placeholders(ShippingMethod::ALL.len()));
    let sql = format!(
        "SELECT {columns} FROM deliveries d {by_state} \
         CROSS JOIN orders o {by_delivery} ON o.delivery_id = d.id WHERE d.state IN ({states}) \
         AND d.shipping_method IN ({methods}) AND d.sigungu_code IS NULL AND o.sigungu_code IS NULL AND o.state < ?"
    );
    let shipped = crate::orders::model::OrderState::Shipped.ordinal();
    let states = DeliveryState::UNDER_WAY.iter().map(|state| Param::from(*state as i64));
    let methods = ShippingMethod::ALL.iter().map(|method| Param::from(method.code()));
    (sql, states.chain(methods).chain([shipped.into()]).collect())
}
