//! Loads and changes orders.
//!
//! Orders change only through [`with_changes`]: it writes the log, updates the search index, and recomputes
//! order counts and deliveries in the same transaction. [`create`] inserts new orders with the products and
//! bundles that they name.

mod action;
pub mod bulk_actions;
pub mod bundles;
mod changes;
pub mod channel_conflicts;
pub mod claims;
pub mod classification;
pub mod counts;
pub mod create;
pub mod deliveries;
pub mod delivery_tallies;
pub mod log;
pub mod manual_order;
pub mod statements;

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

pub use self::action::{Action, ChangeContext};
pub use self::changes::{OrderInsert, OrderWriter, with_changes, with_undoable_changes};
use super::model::{ChargeType, Customer, Moments, Order, OrderOption, OrderState, Recipient, ShippingMethod};
use crate::storage::{PRIMARY_KEY, Param, Result, Row, StorageError, Tx, Value};

/// Columns of [`Order`], in the order that [`order`] reads them.
const COLUMNS: [&str; 40] = [
    "id",
    "order_number",
    "channel_id",
    "product_id",
    "delivery_id",
    "state",
    "options",
    "options_raw",
    "quantity",
    "price",
    "customer_name",
    "customer_tel",
    "customer_message",
    "recipient_name",
    "recipient_tel1",
    "recipient_tel2",
    "recipient_zip_code",
    "recipient_address1",
    "recipient_address2",
    "sigungu_code",
    "shipping_method",
    "shipping_method_raw",
    "charge_type",
    "courier",
    "tracking_number",
    "claim",
    "purchase_memo",
    "shipping_memo",
    "admin_memo",
    "placed_at",
    "dispatch_deadline",
    "preferred_shipping_date",
    "purchased_at",
    "dispatched_at",
    "shipped_at",
    "confirmed_at",
    "cancelled_at",
    "refunded_at",
    "upload_id",
    "cancelled_quantity",
];

/// Columns of an order and its version, each with `prefix` (`o.` or nothing).
pub fn columns(prefix: &str) -> String {
    COLUMNS.iter().chain(&["version"]).map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
}

/// Number of columns that [`columns`] lists.
pub const COLUMN_COUNT: usize = COLUMNS.len() + 1;

/// Decodes the columns of [`columns`], which are the first of the row.
pub fn order(row: &mut Row) -> Result<Order> {
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("orders.{column}"));
    let options: Vec<(String, String)> = serde_json::from_str(&row.text(6)?).map_err(|_| inconsistent("options"))?;
    let moments = [
        Some(row.moment(29)?),
        row.opt_moment(32)?,
        row.opt_moment(33)?,
        row.opt_moment(34)?,
        row.opt_moment(35)?,
        row.opt_moment(36)?,
        row.opt_moment(37)?,
    ];
    Ok(Order {
        id: row.int(0)?,
        order_number: row.text(1)?,
        channel_id: row.int(2)?,
        product_id: row.int(3)?,
        delivery_id: row.int(4)?,
        state: OrderState::from_ordinal(row.int(5)?).ok_or_else(|| inconsistent("state"))?,
        moments: Moments::stored(moments),
        options: options.into_iter().map(|(key, value)| OrderOption { key, value }).collect(),
        options_raw: row.text(7)?,
        quantity: row.int(8)?,
        price: row.int(9)?,
        customer: Customer { name: row.text(10)?, tel: row.text(11)? },
        customer_message: row.text(12)?,
        recipient: Recipient {
            name: row.text(13)?,
            tel1: row.text(14)?,
            tel2: row.text(15)?,
            zip_code: row.text(16)?,
            address1: row.text(17)?,
            address2: row.text(18)?,
        },
        sigungu_code: row.opt_int(19)?,
        shipping_method: ShippingMethod::from_code(&row.text(20)?).ok_or_else(|| inconsistent("shipping_method"))?,
        shipping_method_raw: row.text(21)?,
        charge_type: ChargeType::from_code(&row.text(22)?).ok_or_else(|| inconsistent("charge_type"))?,
        courier: row.text(23)?,
        tracking_number: row.text(24)?,
        claim: row.text(25)?,
        purchase_memo: row.text(26)?,
        shipping_memo: row.text(27)?,
        admin_memo: row.text(28)?,
        dispatch_deadline: row.opt_date(30)?,
        preferred_shipping_date: row.opt_date(31)?,
        upload_id: row.opt_int(38)?,
        cancelled_quantity: row.int(39)?,
        version: row.int(40)?,
    })
}

/// Values of [`COLUMNS`].
fn values(order: &Order) -> [Param<'_>; COLUMNS.len()] {
    let at = |state| order.moments.of(state).into();
    [
        order.id.into(),
        (&order.order_number).into(),
        order.channel_id.into(),
        order.product_id.into(),
        order.delivery_id.into(),
        order.state.ordinal().into(),
        options_json(&order.options).into(),
        (&order.options_raw).into(),
        order.quantity.into(),
        order.price.into(),
        (&order.customer.name).into(),
        (&order.customer.tel).into(),
        (&order.customer_message).into(),
        (&order.recipient.name).into(),
        (&order.recipient.tel1).into(),
        (&order.recipient.tel2).into(),
        (&order.recipient.zip_code).into(),
        (&order.recipient.address1).into(),
        (&order.recipient.address2).into(),
        order.sigungu_code.into(),
        order.shipping_method.code().into(),
        (&order.shipping_method_raw).into(),
        order.charge_type.code().into(),
        (&order.courier).into(),
        (&order.tracking_number).into(),
        (&order.claim).into(),
        (&order.purchase_memo).into(),
        (&order.shipping_memo).into(),
        (&order.admin_memo).into(),
        at(OrderState::Placed),
        order.dispatch_deadline.into(),
        order.preferred_shipping_date.into(),
        at(OrderState::Purchased),
        at(OrderState::Dispatched),
        at(OrderState::Shipped),
        at(OrderState::Confirmed),
        at(OrderState::Cancelled),
        at(OrderState::Refunded),
        order.upload_id.into(),
        order.cancelled_quantity.into(),
    ]
}

fn options_json(options: &[OrderOption]) -> String {
    let pairs: Vec<_> = options.iter().map(|option| (&option.key, &option.value)).collect();
    serde_json::to_string(&pairs).unwrap_or_else(|_| "[]".to_owned())
}

static SELECT: LazyLock<String> = LazyLock::new(|| columns(""));

/// Loads orders, in no particular order.
pub fn find(tx: &mut dyn Tx, ids: &[i64]) -> Result<Vec<Order>> {
    let mut orders = Vec::with_capacity(ids.len());
    let by_id = tx.index_hint(PRIMARY_KEY);
    let sql = |ids: &str| format!("SELECT {} FROM orders {by_id} WHERE id IN ({ids})", *SELECT);
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        orders.push(order(&mut row)?);
        Ok(())
    })?;
    Ok(orders)
}

/// Order numbers by identifier.
pub fn numbers(tx: &mut dyn Tx, ids: &[i64]) -> Result<HashMap<i64, String>> {
    let mut numbers = HashMap::with_capacity(ids.len());
    let by_id = tx.index_hint(PRIMARY_KEY);
    let sql = |ids: &str| format!("SELECT id, order_number FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        numbers.insert(row.int(0)?, row.text(1)?);
        Ok(())
    })?;
    Ok(numbers)
}

/// Identifiers of the orders with that number: at most one per channel.
pub fn find_by_number(tx: &mut dyn Tx, order_number: &str) -> Result<Vec<i64>> {
    Ok(ids_by_number(tx, None, &[order_number])?.remove(order_number).unwrap_or_default())
}

/// Order numbers, out of these, that the channel has already.
pub fn known_numbers<'a>(
    tx: &mut dyn Tx,
    channel_id: i64,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<String>> {
    let numbers: Vec<&str> = numbers.into_iter().collect();
    Ok(ids_by_number(tx, Some(channel_id), &numbers)?.into_keys().collect())
}

/// Identifiers of the orders with these numbers, by number: at most one per channel; only those of `channel_id` if it
/// is given.
pub fn ids_by_number(tx: &mut dyn Tx, channel_id: Option<i64>, numbers: &[&str]) -> Result<HashMap<String, Vec<i64>>> {
    let by_number = tx.index_hint("orders_by_number");
    let channel = if channel_id.is_some() { "channel_id = ? AND " } else { "" };
    let sql = |numbers: &str| {
        format!("SELECT order_number, id FROM orders {by_number} WHERE {channel}order_number IN ({numbers})")
    };
    let numbers: Vec<Param<'_>> = numbers.iter().map(|number| (*number).into()).collect();
    let channel: Vec<Param<'_>> = channel_id.map(Param::from).into_iter().collect();
    let mut found: HashMap<String, Vec<i64>> = HashMap::with_capacity(numbers.len());
    tx.for_values(&numbers, &channel, sql, &mut |mut row| {
        found.entry(row.text(0)?).or_default().push(row.int(1)?);
        Ok(())
    })?;
    Ok(found)
}

/// Identifiers of the orders with these tracking numbers, by tracking number.
pub fn ids_by_tracking_number(tx: &mut dyn Tx, numbers: &[&str]) -> Result<HashMap<String, Vec<i64>>> {
    let by_tracking = tx.index_hint("orders_by_tracking");
    let sql = |numbers: &str| {
        format!(
            "SELECT tracking_number, id FROM orders {by_tracking} \
             WHERE length(tracking_number) > 0 AND tracking_number IN ({numbers})"
        )
    };
    let numbers: Vec<Param<'_>> = numbers.iter().map(|number| (*number).into()).collect();
    let mut found: HashMap<String, Vec<i64>> = HashMap::new();
    tx.for_values(&numbers, &[], sql, &mut |mut row| {
        found.entry(row.text(0)?).or_default().push(row.int(1)?);
        Ok(())
    })?;
    Ok(found)
}

/// Which of these numbers of more than 15 digits are those of orders, while no other order shares the first 15: a
/// spreadsheet may have made the other digits 0.
pub fn surely_known_numbers<'a>(
    tx: &mut dyn Tx,
    channel_id: Option<i64>,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<String>> {
    const KEPT_DIGITS: usize = 15;
    let by_number = tx.index_hint("orders_by_number");
    let channel = if channel_id.is_some() { "AND channel_id = ?" } else { "" };
    let sql = format!(
        "SELECT order_number FROM orders {by_number} WHERE order_number >= ? AND order_number < ? {channel} LIMIT 2"
    );
    let mut known = BTreeSet::new();
    for number in numbers.into_iter().collect::<BTreeSet<_>>() {
        let Some(kept) = number.get(..KEPT_DIGITS) else { continue };
        // `:` is the character behind `9`.
        let end = format!("{kept}:");
        let mut params: Vec<Param<'_>> = vec![kept.into(), end.as_str().into()];
        params.extend(channel_id.map(Param::from));
        let mut found = tx.query(&sql, &params)?;
        if let [only] = &mut found[..]
            && only.text(0)? == number
        {
            known.insert(number.to_owned());
        }
    }
    Ok(known)
}

/// Product of each of these orders.
pub fn product_ids(tx: &mut dyn Tx, ids: &[i64]) -> Result<HashMap<i64, i64>> {
    let mut products = HashMap::with_capacity(ids.len());
    let by_id = tx.index_hint(PRIMARY_KEY);
    let sql = |ids: &str| format!("SELECT id, product_id FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |row| {
        products.insert(row.int(0)?, row.int(1)?);
        Ok(())
    })?;
    Ok(products)
}

/// Log entry of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderEvent {
    /// moment
    pub at: crate::time::Moment,
    /// username; none is the command line
    pub username: Option<String>,
    /// upload that caused the change
    pub upload_id: Option<i64>,
    /// kind of change
    pub action: Action,
    /// column, old value, new value
    pub changes: Vec<(String, Value, Value)>,
}

/// Maximum number of log entries shown.
const MAX_SHOWN_EVENTS: usize = 500;

/// Log of an order, newest first.
pub fn events(tx: &mut dyn Tx, order_id: i64) -> Result<Vec<OrderEvent>> {
    let mut events = logged(tx, order_id)?;
    if events.len() < MAX_SHOWN_EVENTS && events.iter().all(|event| event.action != Action::Created) {
        events.extend(created_by_upload(tx, order_id)?);
    }
    Ok(events)
}

/// First log entry of an order that an upload created. It is derived from the upload, not stored.
fn created_by_upload(tx: &mut dyn Tx, order_id: i64) -> Result<Option<OrderEvent>> {
    let sql = "SELECT o.created_at, m.username, u.id FROM orders o JOIN uploads u ON u.id = o.upload_id \
               LEFT JOIN members m ON m.id = u.member_id WHERE o.id = ?";
    let Some(mut row) = tx.query_one(sql, &[order_id.into()])? else { return Ok(None) };
    Ok(Some(OrderEvent {
        at: row.moment(0)?,
        username: row.opt_text(1)?,
        upload_id: row.opt_int(2)?,
        action: Action::Created,
        changes: Vec::new(),
    }))
}

fn logged(tx: &mut dyn Tx, order_id: i64) -> Result<Vec<OrderEvent>> {
    tx.query(
        &format!(
            "SELECT e.logged_at, m.username, e.upload_id, e.action, e.changes FROM order_events e \
             LEFT JOIN members m ON m.id = e.member_id WHERE e.order_id = ? ORDER BY e.id DESC LIMIT {MAX_SHOWN_EVENTS}"
        ),
        &[order_id.into()],
    )?
    .into_iter()
    .map(|mut row| {
        let inconsistent = || StorageError::Inconsistent(format!("order_events of {order_id}"));
        let action = row.text(3)?;
        let changes: Vec<(String, serde_json::Value, serde_json::Value)> =
            serde_json::from_str(&row.text(4)?).map_err(|_| inconsistent())?;
        Ok(OrderEvent {
            at: row.moment(0)?,
            username: row.opt_text(1)?,
            upload_id: row.opt_int(2)?,
            action: Action::ALL.into_iter().find(|known| known.code() == action).ok_or_else(inconsistent)?,
            changes: changes.into_iter().map(|(column, was, is)| (column, plain(was), plain(is))).collect(),
        })
    })
    .collect()
}

fn plain(value: serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Number(number) => number.as_i64().map_or(Value::Null, Value::Int),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::testing::{Shop, all_orders, edit, new_order, order_rows};

    fn put_upload(tx: &mut dyn Tx, id: i64, member_id: Option<i64>) -> Result<()> {
        let sql = "INSERT INTO uploads (id, created_at, member_id, kind, channel_code, courier, file_name, file_size, \
                   file_sha256, file_kept, stage, refusal, findings) \
                   VALUES (?, 0, ?, 'orders', 'SMART_STORE', '', '', 0, '', 0, 'applied', '', '')";
        tx.exec(sql, &[id.into(), member_id.into()]).map(drop)
    }

    fn actions(tx: &mut dyn Tx) -> Result<Vec<(Action, Option<i64>)>> {
        let order = all_orders(tx)?.remove(0);
        Ok(events(tx, order.id)?.into_iter().map(|event| (event.action, event.upload_id)).collect())
    }

    #[test]
    fn log_starts_with_the_upload_stored_or_derived() {
        for (member_id, lines) in [(None, 0), (Some(7), 1)] {
            let shop = Shop::open();
            let log = shop.write(move |tx, files| {
                put_upload(tx, 1, member_id)?;
                files.upload_as(tx, 1, "SMART_STORE", order_rows(vec![new_order("2026110100000001")]))?;
                assert_eq!(tx.scalar("SELECT count(*) FROM order_events", &[])?, lines);
                assert_eq!(actions(tx)?, [(Action::Created, Some(1))]);
                let order = all_orders(tx)?.remove(0);
                assert!(edit(tx, &order, |order| order.quantity = 2)?);
                actions(tx)
            });
            assert_eq!(log.expect("uploads"), [(Action::Edited, None), (Action::Created, Some(1))]);
        }
    }
}
