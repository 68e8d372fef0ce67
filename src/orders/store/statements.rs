//! SQL of `channel_statements`: what the channel of an order said, by field.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::id::{OrderId, UploadId};
use crate::orders::follow::{FollowedField, Statement};
use crate::orders::model::Order;
use crate::storage::{Result, Row, Tx};
use crate::time::Moment;

/// Statements of an order by field, oldest first.
pub type FieldStatements = BTreeMap<FollowedField, Vec<Statement>>;

/// Statements of these orders; an order without any is not in the map.
pub fn of_orders(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<HashMap<OrderId, FieldStatements>> {
    let mut found: HashMap<OrderId, FieldStatements> = HashMap::new();
    let sql = |ids: &str| {
        format!(
            "SELECT order_id, field, value, as_of, said_at FROM channel_statements WHERE order_id IN ({ids}) \
             ORDER BY order_id, field, position"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let (order_id, field) = (row.id(0)?, row.code(1, "channel_statements.field")?);
        let statement = Statement { value: row.text(2)?, as_of: row.opt_moment(3)?, said_at: row.moment(4)? };
        found.entry(order_id).or_default().entry(field).or_default().push(statement);
        Ok(())
    })?;
    Ok(found)
}

/// A new statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStatement {
    /// the order
    pub order_id: OrderId,
    /// the field
    pub field: FollowedField,
    /// number of statements so far
    pub position: usize,
    /// what the channel said before, if it has no row yet, with the upload that created the order
    pub first: Option<(String, Option<UploadId>)>,
    /// what it says now
    pub value: String,
    /// moment that the statement itself has
    pub as_of: Option<Moment>,
}

impl NewStatement {
    /// The statement `value` after those in `said`.
    pub fn after(said: &[Statement], field: FollowedField, order: &Order, value: &str, as_of: Option<Moment>) -> Self {
        let first = said.is_empty().then(|| (field.last_said(said, order).into_owned(), order.upload_id));
        Self { order_id: order.id, field, position: said.len(), first, value: value.to_owned(), as_of }
    }
}

/// Orders of which an upload said something.
pub fn orders_of_upload(tx: &mut dyn Tx, upload_id: UploadId) -> Result<BTreeSet<OrderId>> {
    let sql = "SELECT DISTINCT order_id FROM channel_statements WHERE upload_id = ?";
    tx.query(sql, &[upload_id.into()])?.iter().map(|row| row.id(0)).collect()
}

/// A statement with when it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidStatement {
    /// the field
    pub field: FollowedField,
    /// what the channel said
    pub value: String,
    /// moment that the statement itself has
    pub as_of: Option<Moment>,
    /// the upload that said it first
    pub upload_id: Option<UploadId>,
    /// time of that upload
    pub said_at: Moment,
}

/// The statements of an order, oldest first.
pub fn of_order(tx: &mut dyn Tx, order_id: OrderId) -> Result<Vec<SaidStatement>> {
    let sql = "SELECT field, value, as_of, upload_id, said_at FROM channel_statements WHERE order_id = ? \
               ORDER BY said_at, field, position";
    let rows = tx.query(sql, &[order_id.into()])?;
    let statement = |mut row: Row| {
        Ok(SaidStatement {
            field: row.code(0, "channel_statements.field")?,
            value: row.text(1)?,
            as_of: row.opt_moment(2)?,
            upload_id: row.opt_id(3)?,
            said_at: row.moment(4)?,
        })
    };
    rows.into_iter().map(statement).collect()
}

/// A stored statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredStatement {
    /// the order
    pub order_id: OrderId,
    /// the field
    pub field: FollowedField,
    /// position among the statements of the field
    pub position: i64,
    /// what the channel said
    pub value: String,
    /// the upload that said it
    pub upload_id: Option<UploadId>,
}

/// Statements of these orders with their uploads, by order and field, oldest first.
pub fn stored(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<StoredStatement>> {
    let mut found = Vec::new();
    let sql = |ids: &str| {
        format!(
            "SELECT order_id, field, position, value, upload_id FROM channel_statements WHERE order_id IN ({ids}) \
             ORDER BY order_id, field, position"
        )
    };
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        let (order_id, field) = (row.id(0)?, row.code(1, "channel_statements.field")?);
        let (position, value, upload_id) = (row.int(2)?, row.text(3)?, row.opt_id(4)?);
        found.push(StoredStatement { order_id, field, position, value, upload_id });
        Ok(())
    })?;
    Ok(found)
}

/// Deletes statements, each given as order, field and position.
pub fn delete(tx: &mut dyn Tx, statements: &[(OrderId, FollowedField, i64)]) -> Result<()> {
    let mut rows = statements
        .iter()
        .map(|(order_id, field, position)| vec![(*order_id).into(), field.code().into(), (*position).into()]);
    tx.exec_many("DELETE FROM channel_statements WHERE order_id = ? AND field = ? AND position = ?", &mut rows)
}

/// Inserts statements of an upload.
pub fn insert(tx: &mut dyn Tx, upload_id: Option<UploadId>, new: &[NewStatement]) -> Result<()> {
    let now = tx.now();
    let mut rows = new.iter().flat_map(|new| {
        let row =
            |position: usize, value: &str, as_of: Option<Moment>, upload_id: Option<UploadId>, said_at: Moment| {
                vec![
                    new.order_id.into(),
                    new.field.code().into(),
                    i64::try_from(position).unwrap_or(i64::MAX).into(),
                    value.to_owned().into(),
                    as_of.into(),
                    upload_id.into(),
                    said_at.into(),
                ]
            };
        let first = new.first.as_ref().map(|(value, upload_id)| {
            // Identifiers are time-sorted: that of the upload is when the shop received its file.
            let said_at = upload_id.map_or(now, UploadId::moment);
            row(0, value, None, *upload_id, said_at)
        });
        let position = new.position + usize::from(first.is_some());
        first.into_iter().chain([row(position, &new.value, new.as_of, upload_id, now)]).collect::<Vec<_>>()
    });
    tx.exec_many(INSERT, &mut rows)
}

const INSERT: &str = "INSERT INTO channel_statements (order_id, field, position, value, as_of, upload_id, said_at) \
                      VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Keeps what the channel said of fields that a member changes, before the change: `edits` are orders as they were.
pub(super) fn keep_first(tx: &mut dyn Tx, edits: &[(&Order, FollowedField)]) -> Result<()> {
    let ids: BTreeSet<OrderId> = edits.iter().map(|(order, _)| order.id).collect();
    let known = of_orders(tx, &ids.into_iter().collect::<Vec<_>>())?;
    let mut new = edits
        .iter()
        .filter(|(order, field)| known.get(&order.id).is_none_or(|fields| !fields.contains_key(field)))
        .map(|(order, field)| {
            let said_at = order.upload_id.map_or(Moment(0), UploadId::moment);
            vec![
                order.id.into(),
                field.code().into(),
                0_i64.into(),
                field.of_order(order).into_owned().into(),
                None::<Moment>.into(),
                order.upload_id.into(),
                said_at.into(),
            ]
        });
    tx.exec_many(INSERT, &mut new)
}
