//! SQL of flash messages.

use super::{Flash, FlashId};
use crate::id::MemberId;
use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Saves a message, and deletes the member's expired ones.
pub(super) fn insert(tx: &mut dyn Tx, member_id: MemberId, flash: &Flash, expires_at: Moment) -> Result<FlashId> {
    let (id, now) = (tx.new_id::<FlashId>(), tx.now());
    tx.exec("DELETE FROM flash_messages WHERE member_id = ? AND expires_at <= ?", &[member_id.into(), now.into()])?;
    tx.exec(
        "INSERT INTO flash_messages (id, member_id, audit_entry_id, tone, message, expires_at) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            member_id.into(),
            flash.audit_entry_id.into(),
            flash.tone.code().into(),
            flash.message.as_str().into(),
            expires_at.into(),
        ],
    )?;
    Ok(id)
}

/// The message with this identifier as [`find`] finds it, for the last time.
pub fn take(tx: &mut dyn Tx, id: FlashId, member_id: MemberId) -> Result<Option<Flash>> {
    let found = find(tx, id, member_id)?;
    if found.is_some() {
        tx.exec("DELETE FROM flash_messages WHERE id = ?", &[id.into()])?;
    }
    Ok(found)
}

/// The message with this identifier, if it is for this member and has not expired.
pub fn find(tx: &mut dyn Tx, id: FlashId, member_id: MemberId) -> Result<Option<Flash>> {
    let sql = "SELECT tone, message, audit_entry_id FROM flash_messages \
               WHERE id = ? AND member_id = ? AND expires_at > ?";
    let now = tx.now();
    let Some(mut row) = tx.query_one(sql, &[id.into(), member_id.into(), now.into()])? else { return Ok(None) };
    Ok(Some(Flash { tone: row.code(0, "flash_messages.tone")?, message: row.text(1)?, audit_entry_id: row.opt_id(2)? }))
}
