//! Work that one of several nodes does: whoever holds its lease.

use super::{Result, Tx};

/// Takes the lease of `name` for `milliseconds`, or prolongs it; tells whether `holder` has it now.
/// A node that died is succeeded when its lease has run out.
pub fn hold(tx: &mut dyn Tx, name: &str, holder: i64, milliseconds: i64) -> Result<bool> {
    let (now, until) = (tx.now(), tx.now().plus_ms(milliseconds));
    let taken = tx.exec(
        "UPDATE leases SET holder = ?, expires_at = ? WHERE name = ? AND (holder = ? OR expires_at <= ?)",
        &[holder.into(), until.into(), name.into(), holder.into(), now.into()],
    )?;
    if taken > 0 {
        return Ok(true);
    }
    if is_known(tx, name)? {
        return Ok(false);
    }
    tx.exec(
        "INSERT INTO leases (name, holder, expires_at) VALUES (?, ?, ?)",
        &[name.into(), holder.into(), until.into()],
    )?;
    Ok(true)
}

/// Whether anybody has, or had and did not give back, the lease of `name`.
pub fn is_known(tx: &mut dyn Tx, name: &str) -> Result<bool> {
    Ok(tx.number("SELECT count(*) FROM leases WHERE name = ?", &[name.into()])? > 0)
}

/// Gives the lease back.
pub fn release(tx: &mut dyn Tx, name: &str, holder: i64) -> Result<()> {
    tx.exec("DELETE FROM leases WHERE name = ? AND holder = ?", &[name.into(), holder.into()]).map(drop)
}
