//! SQL of promised days, and of what is due on a range of days.

use chrono::NaiveDate;

use super::{Tour, tour};
use crate::id::{DeliveryId, MemberId, OrderId, PromiseId};
use crate::orders::bundle::DeliveryState;
use crate::orders::model::ShippingMethod;
use crate::plans::promise::PromiseChannel;
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// Open promises that the list shows.
pub const MAX_PROMISES: usize = 500;

/// A day that was promised to a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// generated identifier
    pub id: PromiseId,
    /// the delivery
    pub delivery_id: DeliveryId,
    /// the day
    pub day: NaiveDate,
    /// how it was made
    pub channel: PromiseChannel,
    /// JSON: the offer or the refusal that it was made from
    pub basis: String,
    /// username of the member who made it
    pub promised_by: Option<String>,
    /// time
    pub promised_at: Moment,
    /// time at which another promise replaced it
    pub replaced_at: Option<Moment>,
}

/// Inserts a promise in place of the current one, whose day it returns.
pub fn insert(
    tx: &mut dyn Tx,
    delivery_id: DeliveryId,
    day: NaiveDate,
    channel: PromiseChannel,
    basis: &str,
    member_id: MemberId,
) -> Result<Option<NaiveDate>> {
    let (id, now) = (tx.new_id::<PromiseId>(), tx.now().0);
    let replaced = of_delivery(tx, delivery_id)?.into_iter().find(|promise| promise.replaced_at.is_none());
    let sql = "UPDATE promises SET replaced_at = ? WHERE delivery_id = ? AND replaced_at IS NULL";
    tx.exec(sql, &[now.into(), delivery_id.into()])?;
    let sql = "INSERT INTO promises (id, delivery_id, day, channel, basis, promised_by, promised_at) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let params =
        [id.into(), delivery_id.into(), day.into(), channel.code().into(), basis.into(), member_id.into(), now.into()];
    tx.exec(sql, &params)?;
    Ok(replaced.map(|promise| promise.day))
}

const COLUMNS: &str = "p.id, p.delivery_id, p.day, p.channel, p.basis, m.username, p.promised_at, p.replaced_at";

fn promise(mut row: crate::storage::Row) -> Result<Promise> {
    let id = row.id(0)?;
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("promises.{column} of {id:?}"));
    Ok(Promise {
        id,
        delivery_id: row.id(1)?,
        day: row.opt_date(2)?.ok_or_else(|| inconsistent("day"))?,
        channel: row.code(3, "promises.channel")?,
        basis: row.text(4)?,
        promised_by: row.opt_text(5)?,
        promised_at: row.moment(6)?,
        replaced_at: row.opt_moment(7)?,
    })
}

/// The promises of a delivery, the newest first.
pub fn of_delivery(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<Promise>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM promises p LEFT JOIN members m ON m.id = p.promised_by WHERE p.delivery_id = ? \
         ORDER BY p.id DESC"
    );
    tx.query(&sql, &[delivery_id.into()])?.into_iter().map(promise).collect()
}

/// The promises that hold and whose deliveries are under way, by day. At most [`MAX_PROMISES`].
pub fn open(tx: &mut dyn Tx) -> Result<Vec<Promise>> {
    let by_day = tx.index_hint("promises_by_day");
    let [preparing, ready] = DeliveryState::UNDER_WAY.map(|state| state as i64);
    let sql = format!(
        "SELECT {COLUMNS} FROM promises p {by_day} CROSS JOIN deliveries d ON d.id = p.delivery_id \
         LEFT JOIN members m ON m.id = p.promised_by \
         WHERE p.replaced_at IS NULL AND d.state IN ({preparing}, {ready}) ORDER BY p.day, p.id LIMIT {MAX_PROMISES}"
    );
    tx.query(&sql, &[])?.into_iter().map(promise).collect()
}

/// Deliveries of the own team under way whose 희망배송일 is in that range, with it. Read by date: of days to come few
/// deliveries are over.
pub fn dated_between(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<(DeliveryId, NaiveDate)>> {
    let by_date = tx.index_hint("deliveries_by_date");
    let [preparing, ready] = DeliveryState::UNDER_WAY.map(|state| state as i64);
    let sql = format!(
        "SELECT id, preferred_shipping_date FROM deliveries {by_date} WHERE preferred_shipping_date BETWEEN ? AND ? \
         AND state IN ({preparing}, {ready}) AND shipping_method = ? ORDER BY preferred_shipping_date, id"
    );
    let mut found = Vec::new();
    tx.for_each(&sql, &[from.into(), to.into(), ShippingMethod::Direct.code().into()], &mut |row| {
        let id = row.id(0)?;
        found.extend(row.opt_date(1)?.map(|day| (id, day)));
        Ok(())
    })?;
    Ok(found)
}

/// Deliveries that were moved by hand to a day in that range.
pub fn moved_between(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<DeliveryId>> {
    let by_day = tx.index_hint("jobs_by_day");
    let sql =
        format!("SELECT delivery_id FROM jobs {by_day} WHERE day BETWEEN ? AND ? AND number = 0 ORDER BY delivery_id");
    tx.query(&sql, &[from.into(), to.into()])?.into_iter().map(|row| row.id(0)).collect()
}

/// The tours of a range of days.
pub fn tours_between(tx: &mut dyn Tx, from: NaiveDate, to: NaiveDate) -> Result<Vec<(NaiveDate, Tour)>> {
    let sql = "SELECT t.id, t.truck_id, t.round, t.state, m.username, t.version, t.day FROM tours t \
               LEFT JOIN members m ON m.id = t.changed_by WHERE t.day BETWEEN ? AND ? \
               ORDER BY t.day, t.truck_id, t.round";
    let mut tours = Vec::new();
    for row in tx.query(sql, &[from.into(), to.into()])? {
        let day = row.opt_date(6)?;
        let tour = tour(row)?;
        tours.extend(day.map(|day| (day, tour)));
    }
    Ok(tours)
}

/// Deletes the promises of these deliveries.
pub fn delete_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<()> {
    tx.delete_ids("promises", "delivery_id", deliveries).map(drop)
}

/// When these orders were bought from the factory.
pub fn purchased_at(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<Vec<(OrderId, Option<Moment>)>> {
    let mut found = Vec::new();
    let sql = |ids: &str| format!("SELECT id, purchased_at FROM orders WHERE id IN ({ids})");
    tx.for_ids(orders, &[], sql, &mut |row| {
        found.push((row.id(0)?, row.opt_moment(1)?));
        Ok(())
    })?;
    Ok(found)
}
