//! Queries on the log of an order: its previous bundle, and changes since a page was loaded.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Action, OrderEvent, deliveries, events};
use crate::id::{DeliveryId, OrderId, UploadId};
use crate::orders::edit::{format_options, inputs_of};
use crate::orders::model::{Order, OrderOption, OrderState};
use crate::storage::{Result, Tx, Value};
use crate::time::Moment;

/// Previous bundle of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// its delivery
    pub delivery_id: DeliveryId,
    /// moment of the move
    pub left_at: Moment,
}

/// Previous bundle of an order; none if it was never moved.
pub fn origin(tx: &mut dyn Tx, order: &Order) -> Result<Option<Origin>> {
    let moved = |event: &OrderEvent| {
        let (_, was, is) = event.changes.iter().find(|(column, ..)| column == "delivery_id")?;
        match (was, is) {
            (Value::Int(was), Value::Int(is)) if *is == order.delivery_id.raw() => {
                Some(Origin { delivery_id: DeliveryId::from_raw(*was), left_at: event.at })
            }
            _ => None,
        }
    };
    Ok(events(tx, order.id)?.iter().find_map(moved))
}

/// Form fields that changed since `version`, with their value at that version; none if it is unknown.
pub fn changed_since(tx: &mut dyn Tx, order: &Order, version: Option<i64>) -> Result<BTreeMap<String, Option<String>>> {
    let since = version.and_then(|version| usize::try_from(order.version - version).ok());
    let Some(since) = since else {
        return Ok(inputs_of(order, "").iter().map(|(field, _)| (field.to_owned(), None)).collect());
    };
    let mut was = BTreeMap::new();
    // From newest to oldest, so that the oldest value remains.
    for event in events(tx, order.id)?.into_iter().take(since) {
        for (column, value, _) in event.changes {
            was.insert(field_of_column(&column), format_as_field(tx, &column, value)?);
        }
    }
    Ok(was)
}

/// Form field of a column.
fn field_of_column(column: &str) -> String {
    if column == "delivery_id" { "bundle_number".to_owned() } else { column.to_owned() }
}

/// Formats a stored value like its form field.
fn format_as_field(tx: &mut dyn Tx, column: &str, value: Value) -> Result<Option<String>> {
    Ok(match (column, value) {
        ("delivery_id", Value::Int(id)) => Some(deliveries::bundle_number(tx, DeliveryId::from_raw(id))?),
        ("state", Value::Int(rank)) => OrderState::from_ordinal(rank).map(|state| state.code().to_owned()),
        ("options", Value::Text(text)) => serde_json::from_str::<Vec<(String, String)>>(&text).ok().map(|pairs| {
            let options: Vec<_> = pairs.into_iter().map(|(key, value)| OrderOption { key, value }).collect();
            format_options(&options)
        }),
        (_, Value::Int(number)) => Some(number.to_string()),
        (_, Value::Text(text)) => Some(text),
        (_, Value::Null) => Some(String::new()),
        (_, Value::Blob(_)) => None,
    })
}

/// Log of an order for display, newest first, with bundle numbers.
pub fn history(tx: &mut dyn Tx, order_id: OrderId) -> Result<Vec<OrderEvent>> {
    let mut events = events(tx, order_id)?;
    for event in &mut events {
        for (_, was, is) in event.changes.iter_mut().filter(|(column, ..)| column == "delivery_id") {
            for value in [was, is] {
                if let Value::Int(id) = *value {
                    *value = Value::Text(deliveries::bundle_number(tx, DeliveryId::from_raw(id))?);
                }
            }
        }
    }
    Ok(events)
}

/// A log entry with the values as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedChange {
    /// moment
    pub at: Moment,
    /// username; none is the command line or the program
    pub username: Option<String>,
    /// upload that caused the change
    pub upload_id: Option<UploadId>,
    /// kind of change
    pub action: Action,
    /// column, old value, new value
    pub changes: Vec<(String, serde_json::Value, serde_json::Value)>,
}

/// Those of the orders whose courier or tracking number was changed after their newest file for the channel: it has what
/// was before, or refused it.
pub fn corrected_since_dispatch_file(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<HashSet<OrderId>> {
    let sql = |ids: &str| {
        format!(
            r#"SELECT e.order_id FROM order_events e WHERE e.order_id IN ({ids})
               AND (e.changes LIKE '%["courier",%' OR e.changes LIKE '%["tracking_number",%')
               AND e.logged_at > (SELECT max(d.downloaded_at) FROM download_orders f
               JOIN downloads d ON d.id = f.download_id WHERE f.order_id = e.order_id AND f.sent_to = 'channel')"#
        )
    };
    let mut corrected = HashSet::new();
    tx.for_ids(ids, &[], sql, &mut |row| {
        corrected.insert(row.id(0)?);
        Ok(())
    })?;
    Ok(corrected)
}

/// Logs of these orders, oldest entry first.
pub fn changes_of(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<HashMap<OrderId, Vec<LoggedChange>>> {
    let mut found: HashMap<OrderId, Vec<LoggedChange>> = HashMap::new();
    let sql = |ids: &str| {
        format!(
            "SELECT e.order_id, e.logged_at, m.username, e.upload_id, e.action, e.changes FROM order_events e \
             LEFT JOIN members m ON m.id = e.member_id WHERE e.order_id IN ({ids}) ORDER BY e.order_id, e.id"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let order_id = row.id(0)?;
        found.entry(order_id).or_default().push(LoggedChange {
            at: row.moment(1)?,
            username: row.opt_text(2)?,
            upload_id: row.opt_id(3)?,
            action: row.code(4, "order_events.action")?,
            changes: row.json(5, "order_events.changes")?,
        });
        Ok(())
    })?;
    Ok(found)
}
