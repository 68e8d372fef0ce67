//! SQL of day keys.

use crate::drive::key::DayKey;
use crate::id::{DayKeyId, MemberId, TourId};
use crate::storage::{Result, Row, StorageError, Tx};
use crate::time::Moment;

const KEY: &str = "SELECT k.id, k.tour_id, k.member_id, k.description, k.created_at, k.seen_at, k.waiting, k.expires_at, \
                   k.revoked_at, m.username, k.rejected FROM drive_keys k JOIN members m ON m.id = k.member_id";

fn key(mut row: Row) -> Result<DayKey> {
    Ok(DayKey {
        id: row.id(0)?,
        tour_id: row.id(1)?,
        member_id: row.id(2)?,
        description: row.text(3)?,
        created_at: row.moment(4)?,
        seen_at: row.moment(5)?,
        waiting: row.int(6)?,
        expires_at: row.moment(7)?,
        revoked_at: row.opt_moment(8)?,
        username: row.text(9)?,
        rejected: row.json(10, "drive_keys.rejected")?,
    })
}

/// Stores a new key.
pub fn insert(
    tx: &mut dyn Tx,
    (tour_id, member_id): (TourId, MemberId),
    (hash, description): (&str, &str),
    expires_at: Moment,
) -> Result<DayKeyId> {
    let (id, now) = (tx.new_id::<DayKeyId>(), tx.now());
    let sql = "INSERT INTO drive_keys (id, tour_id, member_id, key_hash, description, created_at, seen_at, waiting, \
               rejected, expires_at, revoked_at, revoked_by) VALUES (?, ?, ?, ?, ?, ?, ?, 0, '[]', ?, NULL, NULL)";
    let row = [
        id.into(),
        tour_id.into(),
        member_id.into(),
        hash.into(),
        description.into(),
        now.into(),
        now.into(),
        expires_at.into(),
    ];
    tx.exec(sql, &row)?;
    Ok(id)
}

/// The key with that hash.
pub fn by_hash(tx: &mut dyn Tx, hash: &str) -> Result<Option<DayKey>> {
    tx.query_one(&format!("{KEY} WHERE k.key_hash = ?"), &[hash.into()])?.map(key).transpose()
}

/// The key of that identifier.
pub fn find(tx: &mut dyn Tx, id: DayKeyId) -> Result<Option<DayKey>> {
    tx.query_one(&format!("{KEY} WHERE k.id = ?"), &[id.into()])?.map(key).transpose()
}

/// The keys of a tour, oldest first.
pub fn of_tour(tx: &mut dyn Tx, tour_id: TourId) -> Result<Vec<DayKey>> {
    tx.query(&format!("{KEY} WHERE k.tour_id = ? ORDER BY k.id"), &[tour_id.into()])?.into_iter().map(key).collect()
}

/// Records a contact.
pub fn touch(tx: &mut dyn Tx, id: DayKeyId) -> Result<()> {
    let now = tx.now();
    tx.exec("UPDATE drive_keys SET seen_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
}

/// Records which records the phone still has: how many that it has not handed in, and the stops of those that were not
/// accepted.
pub fn save_left(tx: &mut dyn Tx, id: DayKeyId, waiting: i64, rejected: &[String]) -> Result<()> {
    let rejected = serde_json::to_string(rejected)
        .map_err(|error| StorageError::Inconsistent(format!("drive_keys.rejected of {id:?}: {error}")))?;
    let sql = "UPDATE drive_keys SET waiting = ?, rejected = ? WHERE id = ?";
    tx.exec(sql, &[waiting.max(0).into(), rejected.into(), id.into()]).map(drop)
}

/// Ends the keys of a member, with the sessions.
pub fn expire_of_member(tx: &mut dyn Tx, member_id: MemberId) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE drive_keys SET expires_at = ? WHERE member_id = ? AND expires_at > ?";
    tx.exec(sql, &[now.into(), member_id.into(), now.into()]).map(drop)
}

/// Revokes a key; false if it is revoked already.
pub fn revoke(tx: &mut dyn Tx, id: DayKeyId, member_id: MemberId) -> Result<bool> {
    let now = tx.now();
    let sql = "UPDATE drive_keys SET revoked_at = ?, revoked_by = ? WHERE id = ? AND revoked_at IS NULL";
    Ok(tx.exec(sql, &[now.into(), member_id.into(), id.into()])? > 0)
}
