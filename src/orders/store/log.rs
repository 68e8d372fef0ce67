//! What the log of an order tells besides its lines: where the order came from, and what a page
//! that was opened earlier does not know.

use std::collections::BTreeMap;

use super::{OrderEvent, deliveries, events};
use crate::orders::edit::{format_options, inputs_of};
use crate::orders::model::{Order, OrderOption, OrderState};
use crate::storage::{Result, Tx, Value};
use crate::time::Moment;

/// The bundle an order was in before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// its delivery
    pub delivery_id: i64,
    /// when the order left it
    pub left_at: Moment,
}

/// Where the order was before it came into its bundle; none when it was always there.
pub fn origin(tx: &mut dyn Tx, order: &Order) -> Result<Option<Origin>> {
    let moved = |event: &OrderEvent| {
        let (_, was, is) = event.changes.iter().find(|(column, ..)| column == "delivery_id")?;
        match (was, is) {
            (Value::Int(was), Value::Int(is)) if *is == order.delivery_id => {
                Some(Origin { delivery_id: *was, left_at: event.at })
            }
            _ => None,
        }
    };
    Ok(events(tx, order.id)?.iter().find_map(moved))
}

/// The fields of the order's page that changed since `version`, each with what it said then. Where
/// that is not known (no version, or a value that no field shows) there is none.
pub fn changed_since(tx: &mut dyn Tx, order: &Order, version: Option<i64>) -> Result<BTreeMap<String, Option<String>>> {
    let since = version.and_then(|version| usize::try_from(order.version - version).ok());
    let Some(since) = since else {
        return Ok(inputs_of(order, "").iter().map(|(field, _)| (field.to_owned(), None)).collect());
    };
    let mut was = BTreeMap::new();
    // From the newest to the oldest, so that the oldest value stays.
    for event in events(tx, order.id)?.into_iter().take(since) {
        for (column, value, _) in event.changes {
            was.insert(field(&column), typed(tx, &column, value)?);
        }
    }
    Ok(was)
}

/// The field that shows a column.
fn field(column: &str) -> String {
    if column == "delivery_id" { "bundle_number".to_owned() } else { column.to_owned() }
}

/// A stored value as a field shows it.
fn typed(tx: &mut dyn Tx, column: &str, value: Value) -> Result<Option<String>> {
    Ok(match (column, value) {
        ("delivery_id", Value::Int(id)) => Some(deliveries::bundle_number(tx, id)?),
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

/// The log of an order for people, newest first: bundles by their numbers.
pub fn history(tx: &mut dyn Tx, order_id: i64) -> Result<Vec<OrderEvent>> {
    let mut events = events(tx, order_id)?;
    for event in &mut events {
        for (_, was, is) in event.changes.iter_mut().filter(|(column, ..)| column == "delivery_id") {
            for value in [was, is] {
                if let Value::Int(id) = *value {
                    *value = Value::Text(deliveries::bundle_number(tx, id)?);
                }
            }
        }
    }
    Ok(events)
}
