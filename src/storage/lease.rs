//! Leases: named locks with an expiry time, for jobs that only one of several nodes runs at a time.

use super::{Result, Tx};

/// Acquires or renews the lease `name` for `milliseconds`; returns whether `holder` has it. The
/// lease of a crashed node can be acquired when it has expired.
pub fn try_acquire(tx: &mut dyn Tx, name: &str, holder: i64, milliseconds: i64) -> Result<bool> {
    let (now, until) = (tx.now(), tx.now().plus_ms(milliseconds));
    let updated = tx.exec(
        "UPDATE leases SET holder = ?, expires_at = ? WHERE name = ? AND (holder = ? OR expires_at <= ?)",
        &[holder.into(), until.into(), name.into(), holder.into(), now.into()],
    )?;
    if updated > 0 {
        return Ok(true);
    }
    if exists(tx, name)? {
        return Ok(false);
    }
    tx.exec(
        "INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)",
        &[name.into(), holder.into(), until.into()],
    )?;
    Ok(true)
}

/// Whether the lease `name` exists, expired or not: it is held, or its holder crashed.
pub fn exists(tx: &mut dyn Tx, name: &str) -> Result<bool> {
    Ok(tx.scalar("SELECT count(*) FROM leases WHERE name = ?", &[name.into()])? > 0)
}

/// Whether the lease `name` is held and has not expired.
pub fn is_held(tx: &mut dyn Tx, name: &str) -> Result<bool> {
    let now = tx.now();
    Ok(tx.scalar("SELECT count(*) FROM leases WHERE name = ? AND expires_at > ?", &[name.into(), now.into()])? > 0)
}

/// Releases the lease, if `holder` has it.
pub fn release(tx: &mut dyn Tx, name: &str, holder: i64) -> Result<()> {
    tx.exec("DELETE FROM leases WHERE name = ? AND holder = ?", &[name.into(), holder.into()]).map(drop)
}
