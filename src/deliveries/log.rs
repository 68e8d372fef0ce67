//! What happened to a delivery, besides what happened to its orders.

use serde_json::Value;

use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

/// What was done with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// 전표 인쇄
    Printed,
    /// 배송 완료
    Completed,
    /// 배송 완료 되돌림
    Undone,
    /// 팀 메모
    Noted,
}

impl Action {
    const ALL: [Self; 4] = [Self::Printed, Self::Completed, Self::Undone, Self::Noted];

    const fn code(self) -> &'static str {
        match self {
            Self::Printed => "printed",
            Self::Completed => "completed",
            Self::Undone => "undone",
            Self::Noted => "noted",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Printed => "전표 인쇄",
            Self::Completed => "배송 완료",
            Self::Undone => "배송 완료 되돌림",
            Self::Noted => "팀 메모",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// time-sorted identifier
    pub id: i64,
    /// the delivery
    pub delivery_id: i64,
    /// when
    pub at: Moment,
    /// who; none is somebody who is gone
    pub username: Option<String>,
    /// the act it was part of
    pub activity_id: i64,
    /// what was done
    pub action: Action,
    /// what else there is to know, by action
    pub details: Value,
}

/// Writes down what the member did with a delivery as part of an activity.
pub fn record(
    tx: &mut dyn Tx,
    (activity_id, member_id): (i64, i64),
    delivery_id: i64,
    action: Action,
    details: &Value,
) -> Result<()> {
    let (id, now) = (tx.new_id(), tx.now());
    let sql = "INSERT INTO delivery_events (id, delivery_id, at, member_id, activity_id, action, details) \
               VALUES (?, ?, ?, ?, ?, ?, ?)";
    let row = [
        id.into(),
        delivery_id.into(),
        now.into(),
        member_id.into(),
        activity_id.into(),
        action.code().into(),
        details.to_string().into(),
    ];
    tx.exec(sql, &row).map(drop)
}

const EVENT: &str = "SELECT e.id, e.delivery_id, e.at, m.username, e.activity_id, e.action, e.details \
                     FROM delivery_events e LEFT JOIN members m ON m.id = e.member_id";

fn event(mut row: Row) -> Result<Event> {
    let (id, action) = (row.int(0)?, row.text(5)?);
    let inconsistent = || StorageError::Inconsistent(format!("delivery_events {id}"));
    Ok(Event {
        id,
        delivery_id: row.int(1)?,
        at: row.moment(2)?,
        username: row.opt_text(3)?,
        activity_id: row.int(4)?,
        action: Action::ALL.into_iter().find(|known| known.code() == action).ok_or_else(inconsistent)?,
        details: serde_json::from_str(&row.text(6)?).map_err(|_| inconsistent())?,
    })
}

/// The log of a delivery, newest first.
pub fn of_delivery(tx: &mut dyn Tx, delivery_id: i64) -> Result<Vec<Event>> {
    let sql = format!("{EVENT} WHERE e.delivery_id = ? ORDER BY e.id DESC LIMIT 200");
    tx.query(&sql, &[delivery_id.into()])?.into_iter().map(event).collect()
}

/// The last completion of a delivery, if nobody took it back since.
pub fn last_completion(tx: &mut dyn Tx, delivery_id: i64) -> Result<Option<Event>> {
    let sql =
        format!("{EVENT} WHERE e.delivery_id = ? AND e.action IN ('completed', 'undone') ORDER BY e.id DESC LIMIT 1");
    let last = tx.query_one(&sql, &[delivery_id.into()])?.map(event).transpose()?;
    Ok(last.filter(|event| event.action == Action::Completed))
}

/// The deliveries an activity completed.
pub fn completed_by(tx: &mut dyn Tx, activity_id: i64) -> Result<Vec<i64>> {
    let sql = "SELECT delivery_id FROM delivery_events WHERE activity_id = ? AND action = 'completed' ORDER BY id";
    tx.query(sql, &[activity_id.into()])?.iter().map(|row| row.int(0)).collect()
}
