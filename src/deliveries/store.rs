//! The SQL of deliveries.

use chrono::NaiveDate;

use super::model::{DeliveryState, Part, Summary};
use crate::orders::model::{OrderState, ShippingMethod};
use crate::storage::{Param, Result, Row, StorageError, Tx};

/// A delivery as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// identifier made here
    pub id: i64,
    /// 배송번호: the bundle number
    pub bundle_number: String,
    /// where it stands
    pub state: DeliveryState,
    /// 주문수
    pub order_count: i64,
    /// 총수량, cancelled pieces left out
    pub total_quantity: i64,
    /// pieces that were cancelled
    pub cancelled_quantity: i64,
    /// how it travels
    pub shipping_method: ShippingMethod,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// district code; none is 미분류
    pub sigungu: Option<i64>,
    /// 수취인
    pub recipient_name: String,
    /// 대표물품
    pub product_name: String,
    /// the order that stands for all
    pub primary_order_id: Option<i64>,
}

const DELIVERY: &str = "SELECT d.id, d.bundle_number, d.state, d.order_count, d.total_quantity, d.cancelled_quantity, \
                        d.shipping_method, d.preferred_shipping_date, d.sigungu, o.recipient_name, p.name, d.primary_order_id \
                        FROM deliveries d LEFT JOIN orders o ON o.id = d.primary_order_id \
                        LEFT JOIN products p ON p.id = o.product_id";

/// Deliveries are counted up to here.
const COUNTED: i64 = 50_000;

fn delivery(row: &mut Row) -> Result<Delivery> {
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("deliveries.{column}"));
    Ok(Delivery {
        id: row.int(0)?,
        bundle_number: row.text(1)?,
        state: DeliveryState::from_stored(row.int(2)?).ok_or_else(|| inconsistent("state"))?,
        order_count: row.int(3)?,
        total_quantity: row.int(4)?,
        cancelled_quantity: row.int(5)?,
        shipping_method: ShippingMethod::from_code(&row.text(6)?).ok_or_else(|| inconsistent("shipping_method"))?,
        preferred_shipping_date: row.opt_date(7)?,
        sigungu: row.opt_int(8)?,
        recipient_name: row.opt_text(9)?.unwrap_or_default(),
        product_name: row.opt_text(10)?.unwrap_or_default(),
        primary_order_id: row.opt_int(11)?,
    })
}

/// One delivery.
pub fn find(tx: &mut dyn Tx, id: i64) -> Result<Option<Delivery>> {
    tx.query_one(&format!("{DELIVERY} WHERE d.id = ?"), &[id.into()])?.map(|mut row| delivery(&mut row)).transpose()
}

/// The identifiers of a delivery's orders, oldest first.
pub fn order_ids(tx: &mut dyn Tx, id: i64) -> Result<Vec<i64>> {
    tx.query("SELECT id FROM orders WHERE delivery_id = ? ORDER BY placed_at, id", &[id.into()])?
        .iter()
        .map(|row| row.int(0))
        .collect()
}

/// What a list of deliveries shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// the beginning of a 배송번호, or empty
    pub bundle_number: String,
    /// where they stand
    pub state: Option<DeliveryState>,
}

impl DeliveryFilter {
    fn conditions(&self) -> (String, Vec<Param<'static>>) {
        let (mut sql, mut params) = (Vec::new(), Vec::new());
        if let Some(state) = self.state {
            sql.push("d.state = ?");
            params.push((state as i64).into());
        }
        if !self.bundle_number.is_empty() {
            sql.push("d.bundle_number >= ? AND d.bundle_number < ?");
            params.push(self.bundle_number.clone().into());
            params.push(format!("{}\u{10FFFF}", self.bundle_number).into());
        }
        (if sql.is_empty() { String::new() } else { format!("WHERE {}", sql.join(" AND ")) }, params)
    }
}

/// How many deliveries a list has, counted up to a bound: (number, exactly).
pub fn count(tx: &mut dyn Tx, filter: &DeliveryFilter) -> Result<(i64, bool)> {
    let (conditions, params) = filter.conditions();
    let sql =
        format!("SELECT count(*) FROM (SELECT 1 FROM deliveries d {conditions} LIMIT {}) AS counted", COUNTED + 1);
    let number = tx.number(&sql, &params)?;
    Ok((number.min(COUNTED), number <= COUNTED))
}

/// A page of deliveries, newest first.
pub fn page(tx: &mut dyn Tx, filter: &DeliveryFilter, offset: i64, size: i64) -> Result<Vec<Delivery>> {
    let (conditions, mut params) = filter.conditions();
    params.extend([size.into(), offset.into()]);
    let sql = format!("{DELIVERY} {conditions} ORDER BY d.id DESC LIMIT ? OFFSET ?");
    tx.query(&sql, &params)?.into_iter().map(|mut row| delivery(&mut row)).collect()
}

/// Makes a delivery for orders that are about to be inserted.
pub fn insert(tx: &mut dyn Tx, id: i64, bundle_number: &str, summary: &Summary) -> Result<()> {
    let params: Vec<Param<'_>> = [id.into(), bundle_number.into()].into_iter().chain(values(summary)).collect();
    tx.exec(
        "INSERT INTO deliveries (id, bundle_number, state, order_count, total_quantity, cancelled_quantity, \
         primary_order_id, shipping_method, preferred_shipping_date, sigungu) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &params,
    )
    .map(drop)
}

/// What follows from the orders, in the sequence of the columns.
fn values(summary: &Summary) -> [Param<'static>; 8] {
    [
        (summary.state as i64).into(),
        summary.order_count.into(),
        summary.total_quantity.into(),
        summary.cancelled_quantity.into(),
        summary.primary_order_id.into(),
        summary.shipping_method.code().into(),
        summary.preferred_shipping_date.into(),
        summary.sigungu.into(),
    ]
}

/// The orders of a delivery, as far as it needs to know them.
pub fn parts(tx: &mut dyn Tx, id: i64) -> Result<Vec<Part>> {
    tx.query(
        "SELECT id, state, quantity, placed_at, shipping_method, preferred_shipping_date, sigungu \
         FROM orders WHERE delivery_id = ?",
        &[id.into()],
    )?
    .into_iter()
    .map(|mut row| {
        let inconsistent = |what: &str| StorageError::Inconsistent(format!("orders.{what} of delivery {id}"));
        Ok(Part {
            order_id: row.int(0)?,
            state: OrderState::from_rank(row.int(1)?).ok_or_else(|| inconsistent("state"))?,
            quantity: row.int(2)?,
            placed_at: row.moment(3)?,
            shipping_method: ShippingMethod::from_code(&row.text(4)?).ok_or_else(|| inconsistent("shipping_method"))?,
            preferred_shipping_date: row.opt_date(5)?,
            sigungu: row.opt_int(6)?,
        })
    })
    .collect()
}

/// Writes again what follows from the delivery's orders. Called in the transaction of every change
/// of one of them.
pub fn refresh(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let summary = Summary::of(&parts(tx, id)?);
    let params: Vec<Param<'_>> = values(&summary).into_iter().chain([id.into()]).collect();
    tx.exec(
        "UPDATE deliveries SET state = ?, order_count = ?, total_quantity = ?, cancelled_quantity = ?, \
         primary_order_id = ?, shipping_method = ?, preferred_shipping_date = ?, sigungu = ?, version = version + 1 \
         WHERE id = ?",
        &params,
    )
    .map(drop)
}
