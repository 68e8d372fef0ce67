//! Loads and changes orders.
//!
//! Orders change only through [`with_changes`]: it writes the log, updates the search index, and recomputes
//! order counts and deliveries in the same transaction. [`create`] inserts new orders with the products and
//! bundles that they name.

mod action;
pub mod bulk_actions;
pub mod bulk_jobs;
pub mod bundles;
mod changes;
pub mod channel_conflicts;
pub mod claims;
pub mod classification;
pub mod contacts;
pub mod counts;
pub mod create;
pub mod deliveries;
pub mod delivery_tallies;
pub mod erasure;
pub mod file_jobs;
pub mod log;
pub mod manual_order;
pub mod member_lists;
pub mod seal;
pub mod statements;

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

pub use self::action::{Action, ChangeContext};
pub use self::changes::{
    DestroyedOrders, OrderInsert, OrderWriter, SEAL_OPENED, column_json, destroy, with_changes, with_undoable_changes,
};
use self::seal::SealedContent;
use super::fields::{FIELDS, OrderField};
use super::model::Order;
use crate::id::{ChannelId, OrderId, ProductId, UploadId};
use crate::sheets::values::kept_prefix;
use crate::storage::{ColumnReader, Param, Result, StorageError, Tx, Value};

/// Columns of an order and its version, each with `prefix` (`o.` or nothing).
pub fn columns(prefix: &str) -> String {
    let columns = FIELDS.iter().map(|field| field.column).chain(["version"]);
    columns.map(|column| format!("{prefix}{column}")).collect::<Vec<_>>().join(", ")
}

/// Decodes the columns of [`columns`], which come next in the row.
pub fn order(row: &mut ColumnReader) -> Result<Order> {
    let mut order = Order::default();
    for field in &FIELDS {
        field.read(&mut order, row)?;
    }
    order.version = row.read()?;
    Ok(order)
}

/// Values of [`FIELDS`].
fn values(order: &Order) -> [Param<'_>; FIELDS.len()] {
    FIELDS.each_ref().map(|field| field.value(order).to_param())
}

static SELECT: LazyLock<String> = LazyLock::new(|| columns(""));

/// Loads orders, in no particular order.
pub fn find(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<Order>> {
    let mut orders = Vec::with_capacity(ids.len());
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| format!("SELECT {} FROM orders {by_id} WHERE id IN ({ids})", *SELECT);
    tx.for_ids(ids, &[], sql, &mut |row| {
        orders.push(order(&mut row.columns())?);
        Ok(())
    })?;
    Ok(orders)
}

/// Order numbers by identifier.
pub fn numbers(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<HashMap<OrderId, String>> {
    let mut numbers = HashMap::with_capacity(ids.len());
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| format!("SELECT id, order_number FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        numbers.insert(row.id(0)?, row.text(1)?);
        Ok(())
    })?;
    Ok(numbers)
}

/// Identifiers of the orders with that number: at most one per channel.
pub fn find_by_number(tx: &mut dyn Tx, order_number: &str) -> Result<Vec<OrderId>> {
    Ok(ids_by_number(tx, None, &[order_number])?.remove(order_number).unwrap_or_default())
}

/// Order numbers, out of these, that the channel has already.
pub fn known_numbers<'a>(
    tx: &mut dyn Tx,
    channel_id: ChannelId,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<String>> {
    let numbers: Vec<&str> = numbers.into_iter().collect();
    Ok(ids_by_number(tx, Some(channel_id), &numbers)?.into_keys().collect())
}

/// Identifiers of the orders with these numbers, by number: at most one per channel; only those of `channel_id` if it
/// is given.
pub fn ids_by_number(
    tx: &mut dyn Tx,
    channel_id: Option<ChannelId>,
    numbers: &[&str],
) -> Result<HashMap<String, Vec<OrderId>>> {
    ids_by_field(tx, "order_number", channel_id, numbers)
}

/// Identifiers of the orders with these tracking numbers, by tracking number.
pub fn ids_by_tracking_number(tx: &mut dyn Tx, numbers: &[&str]) -> Result<HashMap<String, Vec<OrderId>>> {
    ids_by_field(tx, "tracking_number", None, numbers)
}

/// Identifiers of the orders that have one of these texts in an indexed text field, by text; only those of `channel_id` if
/// it is given. Empty texts are not looked for: partial indexes leave them out.
pub fn ids_by_field(
    tx: &mut dyn Tx,
    column: &str,
    channel_id: Option<ChannelId>,
    texts: &[&str],
) -> Result<HashMap<String, Vec<OrderId>>> {
    let index = OrderField::of(column).and_then(|field| field.index);
    let by_column = index.map_or_else(|| tx.primary_key_hint("orders"), |index| tx.index_hint(index));
    let channel = if channel_id.is_some() { "channel_id = ? AND " } else { "" };
    let sql = |texts: &str| {
        format!(
            "SELECT {column}, id FROM orders {by_column} \
             WHERE {channel}length({column}) > 0 AND {column} IN ({texts})"
        )
    };
    let texts: Vec<Param<'_>> = texts.iter().filter(|text| !text.is_empty()).map(|text| (*text).into()).collect();
    let channel: Vec<Param<'_>> = channel_id.map(Param::from).into_iter().collect();
    let mut found: HashMap<String, Vec<OrderId>> = HashMap::with_capacity(texts.len());
    tx.for_values(&texts, &channel, sql, &mut |mut row| {
        found.entry(row.text(0)?).or_default().push(row.id(1)?);
        Ok(())
    })?;
    Ok(found)
}

/// Which of these numbers are those of orders, while no other order has the same up to the 15th digit: a spreadsheet may
/// have made the other digits 0; see [`kept_prefix`].
pub fn surely_known_numbers<'a>(
    tx: &mut dyn Tx,
    channel_id: Option<ChannelId>,
    numbers: impl IntoIterator<Item = &'a str>,
) -> Result<BTreeSet<String>> {
    let by_number = tx.index_hint("orders_by_number");
    let channel = if channel_id.is_some() { "AND channel_id = ?" } else { "" };
    let sql = format!(
        "SELECT order_number FROM orders {by_number} WHERE order_number >= ? AND order_number < ? {channel} LIMIT 2"
    );
    let mut known = BTreeSet::new();
    for number in numbers.into_iter().collect::<BTreeSet<_>>() {
        let kept = kept_prefix(number);
        // `:` is the character behind `9`, `!` the first that can be seen.
        let (kept, end) = kept.map_or_else(|| (number, format!("{number}!")), |kept| (kept, format!("{kept}:")));
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
pub fn product_ids(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<HashMap<OrderId, ProductId>> {
    let mut products = HashMap::with_capacity(ids.len());
    let by_id = tx.primary_key_hint("orders");
    let sql = |ids: &str| format!("SELECT id, product_id FROM orders {by_id} WHERE id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |row| {
        products.insert(row.id(0)?, row.id(1)?);
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
    pub upload_id: Option<UploadId>,
    /// kind of change
    pub action: Action,
    /// column, old value, new value
    pub changes: Vec<(String, Value, Value)>,
}

/// Maximum number of log entries shown.
pub const MAX_SHOWN_EVENTS: usize = 500;

/// Log of an order, newest first.
pub fn events(tx: &mut dyn Tx, order_id: OrderId) -> Result<Vec<OrderEvent>> {
    events_with(tx, order_id, &SealedContent::default())
}

/// [`events`] with the changes that were moved out of the log, for a sealed order.
pub fn events_with(tx: &mut dyn Tx, order_id: OrderId, sealed: &SealedContent) -> Result<Vec<OrderEvent>> {
    let mut events = logged(tx, order_id, sealed)?;
    if events.len() < MAX_SHOWN_EVENTS && events.iter().all(|event| event.action != Action::Created) {
        events.extend(created_by_upload(tx, order_id)?);
    }
    Ok(events)
}

/// First log entry of an order that an upload created. It is derived from the upload, not stored.
fn created_by_upload(tx: &mut dyn Tx, order_id: OrderId) -> Result<Option<OrderEvent>> {
    let sql = "SELECT o.created_at, m.username, u.id FROM orders o JOIN uploads u ON u.id = o.upload_id \
               LEFT JOIN members m ON m.id = u.member_id WHERE o.id = ?";
    let Some(mut row) = tx.query_one(sql, &[order_id.into()])? else { return Ok(None) };
    Ok(Some(OrderEvent {
        at: row.moment(0)?,
        username: row.opt_text(1)?,
        upload_id: row.opt_id(2)?,
        action: Action::Created,
        changes: Vec::new(),
    }))
}

fn logged(tx: &mut dyn Tx, order_id: OrderId, sealed: &SealedContent) -> Result<Vec<OrderEvent>> {
    tx.query(
        &format!(
            "SELECT e.logged_at, m.username, e.upload_id, e.action, e.changes, e.id FROM order_events e \
             LEFT JOIN members m ON m.id = e.member_id WHERE e.order_id = ? ORDER BY e.id DESC LIMIT {MAX_SHOWN_EVENTS}"
        ),
        &[order_id.into()],
    )?
    .into_iter()
    .map(|mut row| {
        let id = row.id(5)?;
        let stored = row.text(4)?;
        let changes: Vec<(String, serde_json::Value, serde_json::Value)> =
            serde_json::from_str(sealed.changes_of_event(id).unwrap_or(&stored))
                .map_err(|_| StorageError::Inconsistent(format!("order_events.changes of {id:?}")))?;
        Ok(OrderEvent {
            at: row.moment(0)?,
            username: row.opt_text(1)?,
            upload_id: row.opt_id(2)?,
            action: row.code(3, "order_events.action")?,
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
    use crate::id::MemberId;
    use crate::orders::testing::{Shop, all_orders, edit, new_order, order_rows};

    fn put_upload(tx: &mut dyn Tx, id: UploadId, member_id: Option<MemberId>) -> Result<()> {
        let sql = "INSERT INTO uploads (id, created_at, member_id, kind, channel_code, courier, file_name, file_size, \
                   file_sha256, file_kept, stage, refusal, findings) \
                   VALUES (?, 0, ?, 'orders', 'SMART_STORE', '', '', 0, '', 0, 'applied', '', '')";
        tx.exec(sql, &[id.into(), member_id.into()]).map(drop)
    }

    fn actions(tx: &mut dyn Tx) -> Result<Vec<(Action, Option<UploadId>)>> {
        let order = all_orders(tx)?.remove(0);
        Ok(events(tx, order.id)?.into_iter().map(|event| (event.action, event.upload_id)).collect())
    }

    #[test]
    fn log_starts_with_the_upload_stored_or_derived() {
        for (member_id, lines) in [(None, 0), (Some(MemberId::from_raw(7)), 1)] {
            let shop = Shop::open();
            let log = shop.write(move |tx, files| {
                put_upload(tx, UploadId::from_raw(1), member_id)?;
                files.upload_as(
                    tx,
                    UploadId::from_raw(1),
                    "SMART_STORE",
                    order_rows(vec![new_order("2026110100000001")]),
                )?;
                assert_eq!(tx.scalar("SELECT count(*) FROM order_events", &[])?, lines);
                assert_eq!(actions(tx)?, [(Action::Created, Some(UploadId::from_raw(1)))]);
                let order = all_orders(tx)?.remove(0);
                assert!(edit(tx, &order, |order| order.quantity = 2)?);
                actions(tx)
            });
            assert_eq!(log.expect("uploads"), [(Action::Edited, None), (Action::Created, Some(UploadId::from_raw(1)))]);
        }
    }
}
