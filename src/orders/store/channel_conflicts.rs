//! SQL of `channel_conflicts`: values of a channel that a member decides about.

use std::collections::BTreeMap;

use crate::id::{ConflictId, MemberId, OrderId, UploadId};
use crate::orders::follow::{FollowedField, HoldReason};
use crate::orders::model::Order;
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// How a conflict ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ConflictResolution {
        /// 판매채널 값으로: the order has the channel's value
        Channel = "channel" "판매채널 값으로 바꿈",
        /// 우리 값 그대로: the order kept its value
        Own = "own" "우리 값 그대로 둠",
        /// a later file of the channel said something else
        Replaced = "replaced" "더 새로운 파일로 대신함",
        /// the upload was taken back
        Undone = "undone" "업로드를 되돌림",
    }
}

/// Last manual change of a field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastEdit {
    /// who; none is the command line
    pub member_id: Option<MemberId>,
    /// their name
    pub username: Option<String>,
    /// when
    pub at: Option<Moment>,
}

/// A stored conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelConflict {
    /// identifier
    pub id: ConflictId,
    /// the order
    pub order_id: OrderId,
    /// its field
    pub field: FollowedField,
    /// why the value was not applied
    pub reason: HoldReason,
    /// what the channel says
    pub channel_value: String,
    /// what the order had then
    pub own_value: String,
    /// the upload
    pub upload_id: UploadId,
    /// position of its row in the report
    pub position: u32,
    /// who edited the field last, and when
    pub edited: LastEdit,
    /// how it ended, by whom and when; none while it is open
    pub resolved: Option<(ConflictResolution, Option<String>, Moment)>,
}

/// A conflict to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewConflict {
    /// the order
    pub order_id: OrderId,
    /// its field
    pub field: FollowedField,
    /// why
    pub reason: HoldReason,
    /// what the channel says
    pub channel_value: String,
    /// what the order has
    pub own_value: String,
    /// position of its row in the report
    pub position: u32,
    /// who edited the field last
    pub edited: LastEdit,
}

const SELECT: &str = "SELECT c.id, c.order_id, c.field, c.reason, c.channel_value, c.own_value, c.upload_id, c.position, \
                      c.edited_by, e.username, c.edited_at, c.resolution, r.username, c.resolved_at \
                      FROM channel_conflicts c LEFT JOIN members e ON e.id = c.edited_by \
                      LEFT JOIN members r ON r.id = c.resolved_by";

fn conflict(row: &mut Row) -> Result<ChannelConflict> {
    let id = row.id(0)?;
    let inconsistent = |column: &str| StorageError::Inconsistent(format!("channel_conflicts.{column} of {id:?}"));
    let resolution = row.opt_code(11, "channel_conflicts.resolution")?;
    let by = row.opt_text(12)?;
    Ok(ChannelConflict {
        id,
        order_id: row.id(1)?,
        field: row.code(2, "channel_conflicts.field")?,
        reason: row.code(3, "channel_conflicts.reason")?,
        channel_value: row.text(4)?,
        own_value: row.text(5)?,
        upload_id: row.id(6)?,
        position: u32::try_from(row.int(7)?).map_err(|_| inconsistent("position"))?,
        edited: LastEdit { member_id: row.opt_id(8)?, username: row.opt_text(9)?, at: row.opt_moment(10)? },
        resolved: match (resolution, row.opt_moment(13)?) {
            (Some(resolution), Some(at)) => Some((resolution, by, at)),
            _ => None,
        },
    })
}

/// Conflicts of these orders, oldest first.
pub fn of_orders(tx: &mut dyn Tx, ids: &[OrderId]) -> Result<Vec<ChannelConflict>> {
    let mut found = Vec::new();
    let sql = |ids: &str| format!("{SELECT} WHERE c.order_id IN ({ids}) ORDER BY c.id");
    tx.for_ids(ids, &[], sql, &mut |mut row| {
        found.push(conflict(&mut row)?);
        Ok(())
    })?;
    Ok(found)
}

/// Conflicts of an upload whose rows are between two positions, in the order of the rows.
pub fn of_upload(
    tx: &mut dyn Tx,
    upload_id: UploadId,
    positions: std::ops::RangeInclusive<u32>,
) -> Result<Vec<ChannelConflict>> {
    let sql = format!("{SELECT} WHERE c.upload_id = ? AND c.position BETWEEN ? AND ? ORDER BY c.position, c.id");
    let found = tx.query(&sql, &[upload_id.into(), (*positions.start()).into(), (*positions.end()).into()])?;
    found.into_iter().map(|mut row| conflict(&mut row)).collect()
}

/// Inserts open conflicts of an upload.
pub fn insert(tx: &mut dyn Tx, upload_id: UploadId, new: &[NewConflict]) -> Result<()> {
    let ids: Vec<ConflictId> = new.iter().map(|_| tx.new_id()).collect();
    let mut rows = ids.into_iter().zip(new).map(|(id, new)| {
        vec![
            id.into(),
            new.order_id.into(),
            new.field.code().into(),
            new.reason.code().into(),
            new.channel_value.as_str().into(),
            new.own_value.as_str().into(),
            upload_id.into(),
            new.position.into(),
            new.edited.member_id.into(),
            new.edited.at.into(),
            1_i64.into(),
        ]
    });
    tx.exec_many(
        "INSERT INTO channel_conflicts (id, order_id, field, reason, channel_value, own_value, upload_id, position, \
         edited_by, edited_at, is_open) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        &mut rows,
    )?;
    count_open(tx, upload_id, i64::try_from(new.len()).unwrap_or(i64::MAX))
}

fn count_open(tx: &mut dyn Tx, upload_id: UploadId, more: i64) -> Result<()> {
    if more == 0 {
        return Ok(());
    }
    let sql = "UPDATE uploads SET open_conflicts = open_conflicts + ? WHERE id = ?";
    tx.exec(sql, &[more.into(), upload_id.into()]).map(drop)
}

/// Takes the open conflicts of these orders off the counts of their uploads, before the rows are deleted.
pub(super) fn forget_open(tx: &mut dyn Tx, orders: &[OrderId]) -> Result<()> {
    let mut uploads: BTreeMap<UploadId, i64> = BTreeMap::new();
    let sql = |ids: &str| format!("SELECT upload_id FROM channel_conflicts WHERE order_id IN ({ids}) AND is_open = 1");
    tx.for_ids(orders, &[], sql, &mut |row| {
        *uploads.entry(row.id(0)?).or_default() -= 1;
        Ok(())
    })?;
    uploads.into_iter().try_for_each(|(upload_id, closed)| count_open(tx, upload_id, closed))
}

/// Closes open conflicts; each is given as identifier and upload.
pub fn close(
    tx: &mut dyn Tx,
    conflicts: &[(ConflictId, UploadId)],
    resolution: ConflictResolution,
    member_id: Option<MemberId>,
) -> Result<()> {
    let now = tx.now();
    let mut uploads: BTreeMap<UploadId, i64> = BTreeMap::new();
    for (id, upload_id) in conflicts {
        let closed = tx.exec(
            "UPDATE channel_conflicts SET is_open = 0, resolution = ?, resolved_by = ?, resolved_at = ? \
             WHERE id = ? AND is_open = 1",
            &[resolution.code().into(), member_id.into(), now.into(), (*id).into()],
        )?;
        *uploads.entry(*upload_id).or_default() += i64::try_from(closed).unwrap_or_default();
    }
    uploads.into_iter().try_for_each(|(upload_id, closed)| count_open(tx, upload_id, -closed))
}

/// Opens conflicts again that a file replaced which is taken back; each is given as identifier and upload.
pub fn reopen(tx: &mut dyn Tx, conflicts: &[(ConflictId, UploadId)]) -> Result<()> {
    for (id, upload_id) in conflicts {
        let opened = tx.exec(
            "UPDATE channel_conflicts SET is_open = 1, resolution = NULL, resolved_by = NULL, resolved_at = NULL \
             WHERE id = ? AND is_open = 0",
            &[(*id).into()],
        )?;
        count_open(tx, *upload_id, i64::try_from(opened).unwrap_or_default())?;
    }
    Ok(())
}

/// Closes the open conflicts whose field a member set to the channel's value.
pub(super) fn close_settled(
    tx: &mut dyn Tx,
    edits: &[(&Order, FollowedField)],
    member_id: Option<MemberId>,
) -> Result<()> {
    let ids: std::collections::BTreeSet<OrderId> = edits.iter().map(|(order, _)| order.id).collect();
    let settled: Vec<(ConflictId, UploadId)> = of_orders(tx, &ids.into_iter().collect::<Vec<_>>())?
        .into_iter()
        .filter(|conflict| conflict.resolved.is_none())
        .filter(|conflict| {
            edits.iter().any(|(order, field)| {
                (order.id, *field) == (conflict.order_id, conflict.field)
                    && field.is_same(&field.of_order(order), &conflict.channel_value)
            })
        })
        .map(|conflict| (conflict.id, conflict.upload_id))
        .collect();
    close(tx, &settled, ConflictResolution::Channel, member_id)
}

/// The last manual change of each of these fields, from the order logs.
pub fn last_edits(
    tx: &mut dyn Tx,
    fields: &[(OrderId, FollowedField)],
) -> Result<BTreeMap<(OrderId, FollowedField), LastEdit>> {
    let mut ids: Vec<OrderId> = fields.iter().map(|(id, _)| *id).collect();
    ids.sort_unstable();
    ids.dedup();
    let mut found = BTreeMap::new();
    let sql = |ids: &str| {
        format!(
            "SELECT e.order_id, e.member_id, m.username, e.logged_at, e.changes FROM order_events e \
             LEFT JOIN members m ON m.id = e.member_id \
             WHERE e.order_id IN ({ids}) AND e.action NOT IN ('followed', 'upload-undone') ORDER BY e.order_id, e.id"
        )
    };
    tx.for_ids(&ids, &[], sql, &mut |mut row| {
        let order_id = row.id(0)?;
        let edit = LastEdit { member_id: row.opt_id(1)?, username: row.opt_text(2)?, at: Some(row.moment(3)?) };
        let changes: Vec<(String, serde_json::Value, serde_json::Value)> =
            serde_json::from_str(&row.text(4)?).unwrap_or_default();
        for (_, field) in fields.iter().filter(|(id, _)| *id == order_id) {
            if changes.iter().any(|(column, ..)| field.columns().contains(&column.as_str())) {
                found.insert((order_id, *field), edit.clone());
            }
        }
        Ok(())
    })?;
    Ok(found)
}

/// Sets the value that a conflict shows for the order, after the order changed.
pub fn set_own_value(tx: &mut dyn Tx, id: ConflictId, value: &str) -> Result<()> {
    let params: [Param<'_>; 2] = [value.into(), id.into()];
    tx.exec("UPDATE channel_conflicts SET own_value = ? WHERE id = ?", &params).map(drop)
}
