//! SQL of devices.

use std::time::Duration;

use crate::id::{DeviceId, MemberId};
use crate::members::model::device::{Device, DeviceOrigin};
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Minimum interval in milliseconds between two updates of `seen_at`.
const TOUCH_INTERVAL_MS: i64 = 5 * 60 * 1000;

/// Whether [`touch`] is due.
pub fn is_touch_due(seen_at: Moment, now: Moment) -> bool {
    now >= seen_at.plus_ms(TOUCH_INTERVAL_MS)
}

/// Expiry of a device: certainly after its session (which ends after `idle` without a request) and its persistent login.
fn expiry(now: Moment, idle: Duration, remembered_until: Option<Moment>) -> Moment {
    let idle_ms = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
    let session_end = now.plus_ms(idle_ms.saturating_add(TOUCH_INTERVAL_MS));
    remembered_until.map_or(session_end, |until| until.max(session_end))
}

/// Adds a device at login; returns its identifier.
pub fn add(
    tx: &mut dyn Tx,
    member_id: MemberId,
    origin: &DeviceOrigin,
    remembered_until: Option<Moment>,
    idle: Duration,
) -> Result<DeviceId> {
    let (id, now) = (tx.new_id::<DeviceId>(), tx.now());
    tx.exec(
        "INSERT INTO devices (id, member_id, description, address, signed_in_at, seen_at, remembered_until, expires_at) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            member_id.into(),
            (&origin.description).into(),
            (&origin.address).into(),
            now.into(),
            now.into(),
            remembered_until.into(),
            expiry(now, idle, remembered_until).into(),
        ],
    )?;
    Ok(id)
}

/// Updates the time and the origin of a device's last request, and extends its expiry.
pub fn touch(tx: &mut dyn Tx, id: DeviceId, origin: &DeviceOrigin, idle: Duration) -> Result<()> {
    let now = tx.now();
    let Some(row) = tx.query_one("SELECT remembered_until FROM devices WHERE id = ?", &[id.into()])? else {
        return Ok(());
    };
    let expires_at = expiry(now, idle, row.opt_moment(0)?);
    tx.exec(
        "UPDATE devices SET description = ?, address = ?, seen_at = ?, expires_at = ? WHERE id = ?",
        &[(&origin.description).into(), (&origin.address).into(), now.into(), expires_at.into(), id.into()],
    )
    .map(drop)
}

/// Devices in which the member is logged in, last used first.
pub fn of_member(tx: &mut dyn Tx, member_id: MemberId) -> Result<Vec<Device>> {
    let now = tx.now();
    let sql = "SELECT id, description, address, signed_in_at, seen_at, remembered_until FROM devices \
               WHERE member_id = ? AND expires_at > ? ORDER BY seen_at DESC, id DESC";
    tx.query(sql, &[member_id.into(), now.into()])?
        .iter_mut()
        .map(|row| {
            Ok(Device {
                id: row.id(0)?,
                origin: DeviceOrigin { description: row.text(1)?, address: row.text(2)? },
                signed_in_at: row.moment(3)?,
                seen_at: row.moment(4)?,
                remembered_until: row.opt_moment(5)?,
            })
        })
        .collect()
}

/// Expiry of the device's persistent login; None without one.
pub fn remembered_until(tx: &mut dyn Tx, id: DeviceId) -> Result<Option<Moment>> {
    let row = tx.query_one("SELECT remembered_until FROM devices WHERE id = ?", &[id.into()])?;
    row.map_or(Ok(None), |row| row.opt_moment(0))
}

/// Logs one of the member's devices out. Returns false when the member has no such device.
pub fn revoke(tx: &mut dyn Tx, member_id: MemberId, id: DeviceId) -> Result<bool> {
    let sql = "DELETE FROM devices WHERE id = ? AND member_id = ?";
    Ok(tx.exec(sql, &[id.into(), member_id.into()])? == 1)
}

/// Logs every device of the member out except `current`; returns their number.
pub fn revoke_others(tx: &mut dyn Tx, member_id: MemberId, current: DeviceId) -> Result<u64> {
    tx.exec("DELETE FROM devices WHERE member_id = ? AND id <> ?", &[member_id.into(), current.into()])
}

/// Logs every device of the member out.
pub fn revoke_all(tx: &mut dyn Tx, member_id: MemberId) -> Result<()> {
    tx.exec("DELETE FROM devices WHERE member_id = ?", &[member_id.into()]).map(drop)
}

/// Deletes devices whose session and persistent login have ended.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let now = tx.now();
    tx.exec("DELETE FROM devices WHERE expires_at <= ?", &[now.into()])
}
