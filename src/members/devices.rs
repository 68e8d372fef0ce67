//! The browsers in which a member is signed in.
//!
//! A session and the series that renews it name their device. Deleting the device ends both at the
//! next request, whatever store they are kept in; nothing else has to be found and deleted.

use std::time::Duration;

use crate::storage::{Result, Tx, crockford};
use crate::time::Moment;

/// That a device was seen is written at most this often, in milliseconds.
const SEEN_EVERY_MS: i64 = 5 * 60 * 1000;

/// Where a request comes from, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `윈도우 컴퓨터 · 크롬`
    pub description: String,
    /// the address of the computer or of its network
    pub address: String,
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// time-sorted identifier
    pub id: i64,
    /// what it is, and where it was last
    pub place: Place,
    /// when the password was typed
    pub signed_in_at: Moment,
    /// when it was last used, some minutes more or less
    pub seen_at: Moment,
    /// until when it stays signed in; None: as long as its session
    pub stays_until: Option<Moment>,
}

impl Device {
    /// The identifier as forms carry it.
    pub fn number(&self) -> String {
        crockford(self.id)
    }
}

/// Whether it is time to write down that a device was seen again.
pub fn is_due(seen_at: Moment, now: Moment) -> bool {
    now >= seen_at.plus_ms(SEEN_EVERY_MS)
}

/// A session that is idle for `idle` is over; its device is kept until that is sure.
fn expiry(now: Moment, idle: Duration, stays_until: Option<Moment>) -> Moment {
    let idle_ms = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
    let over = now.plus_ms(idle_ms.saturating_add(SEEN_EVERY_MS));
    stays_until.map_or(over, |until| until.max(over))
}

/// A member signs in; gives the device's id.
pub fn add(tx: &mut dyn Tx, member_id: i64, place: &Place, stays_until: Option<Moment>, idle: Duration) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO devices (id, member_id, description, address, signed_in_at, seen_at, stays_until, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            member_id.into(),
            (&place.description).into(),
            (&place.address).into(),
            now.into(),
            now.into(),
            stays_until.into(),
            expiry(now, idle, stays_until).into(),
        ],
    )?;
    Ok(id)
}

/// Writes down that a device was seen now, and where.
pub fn see(tx: &mut dyn Tx, id: i64, place: &Place, idle: Duration) -> Result<()> {
    let now = tx.now();
    let Some(row) = tx.query_one("SELECT stays_until FROM devices WHERE id = ?", &[id.into()])? else {
        return Ok(());
    };
    let expires_at = expiry(now, idle, row.opt_moment(0)?);
    tx.exec(
        "UPDATE devices SET description = ?, address = ?, seen_at = ?, expires_at = ? WHERE id = ?",
        &[(&place.description).into(), (&place.address).into(), now.into(), expires_at.into(), id.into()],
    )
    .map(drop)
}

/// Where the member is signed in, the last used first.
pub fn of_member(tx: &mut dyn Tx, member_id: i64) -> Result<Vec<Device>> {
    let now = tx.now();
    let sql = "SELECT id, description, address, signed_in_at, seen_at, stays_until FROM devices \
               WHERE member_id = ? AND expires_at > ? ORDER BY seen_at DESC, id DESC";
    tx.query(sql, &[member_id.into(), now.into()])?
        .iter_mut()
        .map(|row| {
            Ok(Device {
                id: row.int(0)?,
                place: Place { description: row.text(1)?, address: row.text(2)? },
                signed_in_at: row.moment(3)?,
                seen_at: row.moment(4)?,
                stays_until: row.opt_moment(5)?,
            })
        })
        .collect()
}

/// Until when the device stays signed in, if it does.
pub fn stays_until(tx: &mut dyn Tx, id: i64) -> Result<Option<Moment>> {
    let row = tx.query_one("SELECT stays_until FROM devices WHERE id = ?", &[id.into()])?;
    row.map_or(Ok(None), |row| row.opt_moment(0))
}

/// Signs the member out of one of their devices; tells whether it was one.
pub fn end(tx: &mut dyn Tx, member_id: i64, id: i64) -> Result<bool> {
    let sql = "DELETE FROM devices WHERE id = ? AND member_id = ?";
    Ok(tx.exec(sql, &[id.into(), member_id.into()])? == 1)
}

/// Signs the member out of every device but `kept`; tells of how many.
pub fn end_others(tx: &mut dyn Tx, member_id: i64, kept: i64) -> Result<u64> {
    tx.exec("DELETE FROM devices WHERE member_id = ? AND id <> ?", &[member_id.into(), kept.into()])
}

/// Signs the member out of every device.
pub fn end_all(tx: &mut dyn Tx, member_id: i64) -> Result<()> {
    tx.exec("DELETE FROM devices WHERE member_id = ?", &[member_id.into()]).map(drop)
}

/// Forgets the devices whose sessions are over.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let now = tx.now();
    tx.exec("DELETE FROM devices WHERE expires_at <= ?", &[now.into()])
}
