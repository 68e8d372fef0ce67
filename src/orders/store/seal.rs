//! 분리 보관: personal data of ended orders, kept apart from the orders (개인정보 보호법 제21조 ③).
//!
//! A sealed order has masks where its data was: each page, file and search of the shop reads only these. What was moved is in
//! `order_seals`, which no other module reads, and comes back as a whole when a member opens the order with a reason, or by
//! itself when the order is under way again. It is not encrypted by a key outside the database: with that key the records
//! would be lost that the law wants kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::changes::{SEAL_OPENED, replace_unlogged};
use super::{Action, ChangeContext, find, with_changes};
use crate::audit::Actor;
use crate::id::{ConflictId, OrderEventId, OrderId};
use crate::orders::fields::OrderField;
use crate::orders::follow::FollowedField;
use crate::orders::masked::{PERSONAL_FIELDS, is_personal};
use crate::orders::model::Order;
use crate::storage::{Param, Result, StorageError, Tx, Value};

/// Milliseconds that an opened order keeps its data before it is sealed again.
pub const OPEN_FOR_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Fewest digits that find a telephone number.
const MIN_DIGITS: usize = 4;

/// Maximum length of a stored name in characters.
const MAX_NAME_CHARS: usize = 100;

/// What was moved out of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedContent {
    /// columns of the order with their values
    fields: BTreeMap<String, String>,
    /// entries of its log with their changes as JSON
    events: Vec<(OrderEventId, String)>,
    /// statements of the channel: field, position, value
    statements: Vec<(String, i64, String)>,
    /// decided conflicts with the channel: identifier, its value, the shop's value
    conflicts: Vec<(ConflictId, String, String)>,
}

impl SealedContent {
    fn of(order: &Order) -> Self {
        let value = |column: &str| OrderField::of(column).map_or("", |field| field.text(order)).to_owned();
        let fields = PERSONAL_FIELDS.iter().map(|column| ((*column).to_owned(), value(column))).collect();
        Self { fields, ..Self::default() }
    }

    /// Puts the values back into an order.
    pub fn fill(&self, order: &mut Order) {
        for (column, value) in &self.fields {
            if let Some(field) = OrderField::of(column) {
                // A text is always a value of a text field.
                let _ = field.set(order, Value::Text(value.clone()));
            }
        }
    }

    /// A field; empty if it is none that is moved.
    pub fn field(&self, column: &str) -> &str {
        self.fields.get(column).map_or("", String::as_str)
    }

    /// The changes of an entry of the log, where they were moved.
    pub fn changes_of_event(&self, id: OrderEventId) -> Option<&str> {
        self.events.iter().find(|(event, _)| *event == id).map(|(_, changes)| changes.as_str())
    }

    /// Names and telephone numbers by which a person is found, each once.
    fn names(&self) -> BTreeSet<String> {
        let names = ["customer_name", "recipient_name"].map(|column| letters(self.field(column)));
        let tels = ["customer_tel", "recipient_tel1", "recipient_tel2"].map(|column| digits(self.field(column)));
        let cut = |name: String| name.chars().take(MAX_NAME_CHARS).collect::<String>();
        names.into_iter().chain(tels).map(cut).filter(|name| !name.is_empty()).collect()
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The order as it is stored while its data is sealed. Memos are left out as a whole: a mask hides only their digits.
fn masked(order: &Order) -> Order {
    let mut masked = order.clone();
    masked.mask();
    for memo in [&mut masked.customer_message, &mut masked.purchase_memo, &mut masked.shipping_memo] {
        memo.clear();
    }
    masked
}

fn json_of<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

/// What was moved out of these orders, as far as they are sealed.
pub fn contents(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<BTreeMap<OrderId, SealedContent>> {
    let mut found = BTreeMap::new();
    let sql = |ids: &str| {
        format!("SELECT order_id, content FROM order_seals WHERE opened_at IS NULL AND order_id IN ({ids})")
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        found.insert(row.id(0)?, row.json(1, "order_seals.content")?);
        Ok(())
    })?;
    Ok(found)
}

/// Which of these orders are sealed.
pub fn sealed(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<BTreeSet<OrderId>> {
    let mut found = BTreeSet::new();
    let sql = |ids: &str| format!("SELECT order_id FROM order_seals WHERE opened_at IS NULL AND order_id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |row| {
        found.insert(row.id(0)?);
        Ok(())
    })?;
    Ok(found)
}

/// Moves the personal data of these orders apart; answers how many. Orders that are under way or sealed are left out.
pub fn seal(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<u64> {
    let sealed = sealed(tx, ids)?;
    let open: Vec<OrderId> = ids.iter().copied().filter(|id| !sealed.contains(id)).collect();
    let orders: Vec<Order> = find(tx, &open)?.into_iter().filter(Order::has_ended).collect();
    if orders.is_empty() {
        return Ok(0);
    }
    let mut contents: BTreeMap<OrderId, SealedContent> =
        orders.iter().map(|order| (order.id, SealedContent::of(order))).collect();
    let ids: Vec<OrderId> = contents.keys().copied().collect();
    take_log(tx, &ids, &mut contents)?;
    take_statements(tx, &ids, &mut contents)?;
    take_conflicts(tx, &ids, &mut contents)?;
    let masked: Vec<Order> = orders.iter().map(masked).collect();
    replace_unlogged(tx, &orders.iter().zip(&masked).collect::<Vec<_>>())?;
    tx.delete_ids("bulk_action_orders", "order_id", &ids)?;
    let now = tx.now();
    let stored: Vec<(OrderId, String)> =
        contents.iter().map(|(id, content)| Ok((*id, json_of(content)?))).collect::<Result<_>>()?;
    let mut rows =
        stored.iter().map(|(id, content)| vec![(*id).into(), now.into(), Param::Null, Param::from(content.as_str())]);
    tx.upsert_many("order_seals", &["order_id"], &["sealed_at", "opened_at", "content"], &mut rows)?;
    tx.delete_ids("sealed_names", "order_id", &ids)?;
    let names: Vec<(String, OrderId)> =
        contents.iter().flat_map(|(id, content)| content.names().into_iter().map(move |name| (name, *id))).collect();
    let mut rows = names.iter().map(|(name, id)| vec![Param::from(name.as_str()), (*id).into()]);
    tx.exec_many("INSERT INTO sealed_names (name, order_id) VALUES (?, ?)", &mut rows)?;
    Ok(orders.len() as u64)
}

fn take_log(tx: &mut dyn Tx, ids: &[OrderId], contents: &mut BTreeMap<OrderId, SealedContent>) -> Result<()> {
    let mut emptied = Vec::new();
    let sql = |ids: &str| format!("SELECT id, order_id, changes FROM order_events WHERE order_id IN ({ids})");
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let (id, order_id, stored) = (row.id(0)?, row.id(1)?, row.text(2)?);
        let mut changes: Vec<(String, Json, Json)> = serde_json::from_str(&stored)
            .map_err(|_| StorageError::Inconsistent(format!("order_events.changes of {id:?}")))?;
        if changes.iter().any(|(column, ..)| is_personal(column)) {
            for (_, before, after) in changes.iter_mut().filter(|(column, ..)| is_personal(column)) {
                (*before, *after) = ("".into(), "".into());
            }
            emptied.push((order_id, id, json_of(&changes)?));
            if let Some(content) = contents.get_mut(&order_id) {
                content.events.push((id, stored));
            }
        }
        Ok(())
    })?;
    put_log(tx, &emptied)
}

fn put_log(tx: &mut dyn Tx, events: &[(OrderId, OrderEventId, String)]) -> Result<()> {
    let mut rows =
        events.iter().map(|(order_id, id, changes)| vec![(*order_id).into(), (*id).into(), changes.as_str().into()]);
    tx.update_many("order_events", &["order_id", "id"], &["changes"], &mut rows).map(drop)
}

/// Whether a field that follows the channel holds personal data.
fn is_personal_field(code: &str) -> bool {
    FollowedField::from_code(code).is_some_and(FollowedField::is_personal)
}

fn take_statements(tx: &mut dyn Tx, ids: &[OrderId], contents: &mut BTreeMap<OrderId, SealedContent>) -> Result<()> {
    let mut emptied = Vec::new();
    let sql = |ids: &str| {
        format!("SELECT order_id, field, position, value FROM channel_statements WHERE order_id IN ({ids})")
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let (order_id, field, position, value) = (row.id(0)?, row.text(1)?, row.int(2)?, row.text(3)?);
        if is_personal_field(&field) {
            emptied.push((order_id, field.clone(), position, String::new()));
            if let Some(content) = contents.get_mut(&order_id) {
                content.statements.push((field, position, value));
            }
        }
        Ok(())
    })?;
    put_statements(tx, &emptied)
}

fn put_statements(tx: &mut dyn Tx, statements: &[(OrderId, String, i64, String)]) -> Result<()> {
    let mut rows = statements.iter().map(|(order_id, field, position, value)| {
        vec![(*order_id).into(), field.as_str().into(), (*position).into(), value.as_str().into()]
    });
    tx.update_many("channel_statements", &["order_id", "field", "position"], &["value"], &mut rows).map(drop)
}

fn take_conflicts(tx: &mut dyn Tx, ids: &[OrderId], contents: &mut BTreeMap<OrderId, SealedContent>) -> Result<()> {
    let mut emptied = Vec::new();
    let sql = |ids: &str| {
        format!(
            "SELECT id, order_id, field, channel_value, own_value FROM channel_conflicts \
             WHERE is_open = 0 AND order_id IN ({ids})"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let (id, order_id) = (row.id(0)?, row.id(1)?);
        if is_personal_field(&row.text(2)?) {
            emptied.push((id, String::new(), String::new()));
            if let Some(content) = contents.get_mut(&order_id) {
                content.conflicts.push((id, row.text(3)?, row.text(4)?));
            }
        }
        Ok(())
    })?;
    put_conflicts(tx, &emptied)
}

fn put_conflicts(tx: &mut dyn Tx, conflicts: &[(ConflictId, String, String)]) -> Result<()> {
    let mut rows =
        conflicts.iter().map(|(id, channel, own)| vec![(*id).into(), channel.as_str().into(), own.as_str().into()]);
    tx.update_many("channel_conflicts", &["id"], &["channel_value", "own_value"], &mut rows).map(drop)
}

/// Gives these orders their data back, as far as they are sealed; answers which. They are sealed again after
/// [`OPEN_FOR_MS`], unless they are under way then.
pub fn open(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<OrderId>> {
    let contents = contents(tx, ids)?;
    let ids: Vec<OrderId> = contents.keys().copied().collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    let sealed = find(tx, &ids)?;
    let full: Vec<Order> = sealed
        .iter()
        .map(|order| {
            let mut full = order.clone();
            contents[&order.id].fill(&mut full);
            full
        })
        .collect();
    replace_unlogged(tx, &sealed.iter().zip(&full).collect::<Vec<_>>())?;
    let (mut events, mut statements, mut conflicts) = (Vec::new(), Vec::new(), Vec::new());
    for (order_id, content) in contents {
        events.extend(content.events.into_iter().map(|(id, changes)| (order_id, id, changes)));
        let of_order = |(field, position, value)| (order_id, field, position, value);
        statements.extend(content.statements.into_iter().map(of_order));
        conflicts.extend(content.conflicts);
    }
    put_log(tx, &events)?;
    put_statements(tx, &statements)?;
    put_conflicts(tx, &conflicts)?;
    let now = tx.now();
    let mut rows = ids.iter().map(|id| vec![(*id).into(), now.into(), Param::Null]);
    tx.update_many("order_seals", &["order_id"], &["opened_at", "content"], &mut rows)?;
    tx.delete_ids("sealed_names", "order_id", &ids)?;
    Ok(ids)
}

/// [`open()`] by a member, or by the program for one, with an entry in the log of each order.
pub fn open_logged(tx: &mut dyn Tx, actor: Actor, ids: &[OrderId]) -> Result<Vec<OrderId>> {
    let context = ChangeContext { actor, upload_id: None, action: Action::Edited };
    let opened = open(tx, ids)?;
    with_changes(tx, context, |changes| {
        for id in &opened {
            changes.log_act(*id, SEAL_OPENED);
        }
        Ok::<_, StorageError>(())
    })?;
    Ok(opened)
}

/// Sealed orders of people whose name begins with a text, or whose telephone number ends with its digits; at most `limit`,
/// newest first. Only the pages about one person's data ask.
pub fn find_sealed(tx: &mut dyn Tx, text: &str, limit: usize) -> Result<Vec<OrderId>> {
    let (letters, digits) = (letters(text), digits(text));
    let mut found = BTreeSet::new();
    if digits.len() >= MIN_DIGITS {
        let end = format!("%{digits}");
        let sql = format!("SELECT order_id FROM sealed_names WHERE name LIKE ? ORDER BY order_id DESC LIMIT {limit}");
        for row in tx.query(&sql, &[end.as_str().into()])? {
            found.insert(row.id(0)?);
        }
    }
    if !letters.is_empty() {
        let end = format!("{letters}\u{10FFFF}");
        let sql = format!(
            "SELECT order_id FROM sealed_names WHERE name >= ? AND name < ? ORDER BY order_id DESC LIMIT {limit}"
        );
        for row in tx.query(&sql, &[letters.as_str().into(), end.as_str().into()])? {
            found.insert(row.id(0)?);
        }
    }
    Ok(found.into_iter().rev().take(limit).collect())
}

/// Forgets that these orders were opened: they are sealed again only at the end of their own period.
pub fn forget_opened(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<()> {
    let sql =
        |ids: &str| format!("SELECT order_id FROM order_seals WHERE opened_at IS NOT NULL AND order_id IN ({ids})");
    let mut opened: Vec<OrderId> = Vec::new();
    tx.for_ids(ids, &[], sql, &mut |row| {
        opened.push(row.id(0)?);
        Ok(())
    })?;
    tx.delete_ids("order_seals", "order_id", &opened).map(drop)
}
