//! The log of deliveries: actions on a delivery itself. Changes of its orders are in the order log.

use serde_json::Value;

use crate::id::{AuditEntryId, DeliveryEventId, DeliveryId, MemberId};
use crate::storage::{Result, Row, Tx};
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// An action on a delivery.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DeliveryAction {
        /// 전표 인쇄
        Printed = "printed" "전표 인쇄",
        /// 배송 완료
        Completed = "completed" "배송 완료",
        /// 배송 완료 되돌림
        Undone = "undone" "배송 완료 되돌림",
        /// 팀 메모
        MemoChanged = "memo-changed" "팀 메모",
    }
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryEvent {
    /// time-sorted identifier
    pub id: DeliveryEventId,
    /// the delivery
    pub delivery_id: DeliveryId,
    /// time
    pub at: Moment,
    /// member; none after the member is deleted
    pub username: Option<String>,
    /// the entry of the audit log that includes it
    pub audit_entry_id: AuditEntryId,
    /// the action
    pub action: DeliveryAction,
    /// JSON details, by action
    pub details: Value,
}

/// Records an action of a member as part of an audit entry.
pub fn record(
    tx: &mut dyn Tx,
    (audit_entry_id, member_id): (AuditEntryId, MemberId),
    delivery_id: DeliveryId,
    action: DeliveryAction,
    details: &Value,
) -> Result<()> {
    let (id, now) = (tx.new_id::<DeliveryEventId>(), tx.now());
    let sql = "INSERT INTO delivery_events (id, delivery_id, logged_at, member_id, audit_entry_id, action, details) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let row = [
        id.into(),
        delivery_id.into(),
        now.into(),
        member_id.into(),
        audit_entry_id.into(),
        action.code().into(),
        details.to_string().into(),
    ];
    tx.exec(sql, &row).map(drop)
}

const EVENT: &str = "SELECT e.id, e.delivery_id, e.logged_at, m.username, e.audit_entry_id, e.action, e.details \
                     FROM delivery_events e LEFT JOIN members m ON m.id = e.member_id";

fn event(mut row: Row) -> Result<DeliveryEvent> {
    Ok(DeliveryEvent {
        id: row.id(0)?,
        delivery_id: row.id(1)?,
        at: row.moment(2)?,
        username: row.opt_text(3)?,
        audit_entry_id: row.id(4)?,
        action: row.code(5, "delivery_events.action")?,
        details: row.json(6, "delivery_events.details")?,
    })
}

/// The log of a delivery, newest first, at most 200 entries.
pub fn of_delivery(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<DeliveryEvent>> {
    let sql = format!("{EVENT} WHERE e.delivery_id = ? ORDER BY e.id DESC LIMIT 200");
    tx.query(&sql, &[delivery_id.into()])?.into_iter().map(event).collect()
}

/// The last completion of a delivery, unless it has been undone.
pub fn last_completion(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Option<DeliveryEvent>> {
    let sql =
        format!("{EVENT} WHERE e.delivery_id = ? AND e.action IN ('completed', 'undone') ORDER BY e.id DESC LIMIT 1");
    let last = tx.query_one(&sql, &[delivery_id.into()])?.map(event).transpose()?;
    Ok(last.filter(|event| event.action == DeliveryAction::Completed))
}

/// The deliveries that were completed with this audit entry.
pub fn completed_by(tx: &mut dyn Tx, audit_entry_id: AuditEntryId) -> Result<Vec<DeliveryId>> {
    let sql = "SELECT delivery_id FROM delivery_events WHERE audit_entry_id = ? AND action = 'completed' ORDER BY id";
    tx.query(sql, &[audit_entry_id.into()])?.iter().map(|row| row.id(0)).collect()
}

/// The change of a memo with this audit entry.
pub fn memo_change(tx: &mut dyn Tx, audit_entry_id: AuditEntryId) -> Result<Option<DeliveryEvent>> {
    let sql = format!("{EVENT} WHERE e.audit_entry_id = ? AND e.action = 'memo-changed'");
    tx.query_one(&sql, &[audit_entry_id.into()])?.map(event).transpose()
}

/// Deletes the log of these deliveries, which are destroyed; answers how many entries.
pub fn delete_of(tx: &mut dyn Tx, deliveries: &[DeliveryId]) -> Result<u64> {
    tx.delete_ids("delivery_events", "delivery_id", deliveries)
}
