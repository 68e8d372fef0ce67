//! SQL of members.

pub mod devices;
pub mod login_throttle;
pub mod second_factor;
pub mod sign_ins;

use super::model::{Account, Member, ONE_TIME_PASSWORD_VALID_MS, Role, UsernameError};
use crate::id::{DeviceId, MemberId};
use crate::storage::{Param, Result, Row, Tx};
use crate::time::Moment;

/// Stored credentials, for a login by password.
#[derive(Clone)]
pub struct Credentials {
    /// the member
    pub member: Member,
    /// PHC string
    pub password_hash: String,
    /// the `session_epoch` for a new session
    pub epoch: i64,
    /// whether the member may log in
    pub enabled: bool,
    /// expiry of the one-time password; None when the member chose the password
    pub one_time_until: Option<Moment>,
}

/// The member of a valid session.
#[derive(Clone, Debug)]
pub struct CurrentMember {
    /// the member
    pub member: Member,
    /// whether the password is a one-time password, which must be changed before anything else
    pub must_change_password: bool,
    /// whether the member has a second factor
    pub has_second_factor: bool,
    /// whether an administrator demands one
    pub requires_totp: bool,
    /// the device of the session
    pub device_id: DeviceId,
    /// the device's last request, to within some minutes
    pub seen_at: Moment,
}

/// Why a member was not updated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpdateError {
    /// there is no such member
    #[error("그런 아이디가 없어요.")]
    Unknown,
    /// at least one enabled administrator must remain
    #[error("사용 중인 마지막 관리자예요. 다른 관리자를 먼저 추가해 주세요.")]
    LastAdmin,
}

fn member(row: &mut Row) -> Result<Member> {
    Ok(Member { id: row.id(0)?, username: row.text(1)?, role: row.code(2, "members.role")? })
}

/// Whether any member exists.
pub fn has_members(tx: &mut dyn Tx) -> Result<bool> {
    Ok(tx.query_one("SELECT id FROM members LIMIT 1", &[])?.is_some())
}

/// The member of a session of this epoch on this device; None when the session has been revoked.
pub fn current(tx: &mut dyn Tx, id: MemberId, epoch: i64, device_id: DeviceId) -> Result<Option<CurrentMember>> {
    tx.query_one(
        "SELECT m.id, m.username, m.role, m.one_time_until, d.seen_at, m.requires_totp, \
         (SELECT count(*) FROM member_totp t WHERE t.member_id = m.id) FROM members m JOIN devices d \
         ON d.member_id = m.id WHERE m.id = ? AND m.session_epoch = ? AND m.enabled = 1 AND d.id = ?",
        &[id.into(), epoch.into(), device_id.into()],
    )?
    .map(|mut row| {
        let must_change_password = row.opt_moment(3)?.is_some();
        Ok(CurrentMember {
            member: member(&mut row)?,
            must_change_password,
            has_second_factor: row.int(6)? > 0,
            requires_totp: row.bool(5)?,
            device_id,
            seen_at: row.moment(4)?,
        })
    })
    .transpose()
}

/// The credentials of `username`.
pub fn credentials(tx: &mut dyn Tx, username: &str) -> Result<Option<Credentials>> {
    tx.query_one(
        "SELECT id, username, role, password_hash, session_epoch, enabled, one_time_until FROM members \
         WHERE username = ?",
        &[username.into()],
    )?
    .map(|mut row| {
        Ok(Credentials {
            member: member(&mut row)?,
            password_hash: row.text(3)?,
            epoch: row.int(4)?,
            enabled: row.bool(5)?,
            one_time_until: row.opt_moment(6)?,
        })
    })
    .transpose()
}

const ACCOUNT: &str = "id, username, role, enabled, created_at, signed_in_at, one_time_until, requires_totp, \
                       (SELECT count(*) FROM member_totp t WHERE t.member_id = members.id)";

fn account(row: &mut Row) -> Result<Account> {
    Ok(Account {
        member: member(row)?,
        enabled: row.bool(3)?,
        created_at: row.moment(4)?,
        signed_in_at: row.opt_moment(5)?,
        one_time_until: row.opt_moment(6)?,
        requires_totp: row.bool(7)?,
        has_second_factor: row.int(8)? > 0,
    })
}

/// All members, by username.
pub fn list(tx: &mut dyn Tx) -> Result<Vec<Account>> {
    let sql = format!("SELECT {ACCOUNT} FROM members ORDER BY username");
    tx.query(&sql, &[])?.iter_mut().map(account).collect()
}

/// A member by identifier.
pub fn find(tx: &mut dyn Tx, id: MemberId) -> Result<Option<Account>> {
    let sql = format!("SELECT {ACCOUNT} FROM members WHERE id = ?");
    tx.query_one(&sql, &[id.into()])?.map(|mut row| account(&mut row)).transpose()
}

/// A member's identifier by username.
pub fn find_id(tx: &mut dyn Tx, username: &str) -> Result<Result<MemberId, UpdateError>> {
    let row = tx.query_one("SELECT id FROM members WHERE username = ?", &[username.into()])?;
    row.map_or(Ok(Err(UpdateError::Unknown)), |row| row.id(0).map(Ok))
}

/// Adds a member; returns the identifier.
pub fn add(
    tx: &mut dyn Tx,
    username: &str,
    role: Role,
    password_hash: &str,
) -> Result<Result<MemberId, UsernameError>> {
    if tx.scalar("SELECT count(*) FROM members WHERE username = ?", &[username.into()])? > 0 {
        return Ok(Err(UsernameError::Taken));
    }
    let (id, now) = (tx.new_id::<MemberId>(), tx.now());
    tx.exec(
        "INSERT INTO members (id, username, role, password_hash, created_at) VALUES (?, ?, ?, ?, ?)",
        &[id.into(), username.into(), role.code().into(), password_hash.into(), now.into()],
    )?;
    Ok(Ok(id))
}

/// Sets a password chosen by the member and revokes all sessions; returns the new `session_epoch`.
pub fn set_password(tx: &mut dyn Tx, id: MemberId, password_hash: &str) -> Result<Result<i64, UpdateError>> {
    let sql = "UPDATE members SET password_hash = ?, one_time_until = NULL, session_epoch = session_epoch + 1 \
               WHERE id = ?";
    if tx.exec(sql, &[password_hash.into(), id.into()])? == 0 {
        return Ok(Err(UpdateError::Unknown));
    }
    devices::revoke_all(tx, id)?;
    if let Some(row) = tx.query_one("SELECT username FROM members WHERE id = ?", &[id.into()])?.as_mut() {
        login_throttle::unlock(tx, &row.text(0)?)?;
    }
    tx.scalar("SELECT session_epoch FROM members WHERE id = ?", &[id.into()]).map(Ok)
}

/// Marks the password as a one-time password, which the member must change at the next login.
pub fn make_one_time(tx: &mut dyn Tx, id: MemberId) -> Result<()> {
    let until = tx.now().plus_ms(ONE_TIME_PASSWORD_VALID_MS);
    tx.exec("UPDATE members SET one_time_until = ? WHERE id = ?", &[until.into(), id.into()]).map(drop)
}

/// Sets the role, unless the member is the last administrator, and revokes the sessions.
pub fn set_role(tx: &mut dyn Tx, id: MemberId, role: Role) -> Result<Result<(), UpdateError>> {
    update(tx, "role", role.code().into(), id, role == Role::Admin)
}

/// Enables or disables a member, unless it is the last administrator, and revokes the sessions.
pub fn set_enabled(tx: &mut dyn Tx, id: MemberId, enabled: bool) -> Result<Result<(), UpdateError>> {
    update(tx, "enabled", enabled.into(), id, enabled)
}

/// Checks for another administrator and updates in one statement, so that two administrators who disable each other at
/// the same time do not both succeed: the second transaction waits for the first, or is retried.
fn update(
    tx: &mut dyn Tx,
    column: &str,
    value: Param<'_>,
    id: MemberId,
    keeps_admins: bool,
) -> Result<Result<(), UpdateError>> {
    let sql = format!(
        "UPDATE members SET {column} = ?, session_epoch = session_epoch + 1 WHERE id = ? \
         AND (? = 1 OR role <> 'admin' OR enabled = 0 OR EXISTS \
         (SELECT other.id FROM members other WHERE other.role = 'admin' AND other.enabled = 1 AND other.id <> ?))"
    );
    if tx.exec(&sql, &[value, id.into(), keeps_admins.into(), id.into()])? == 1 {
        devices::revoke_all(tx, id)?;
        return Ok(Ok(()));
    }
    Ok(Err(find(tx, id)?.map_or(UpdateError::Unknown, |_| UpdateError::LastAdmin)))
}

/// Milliseconds without a sign of a member after which an administrator is asked: 90 days.
pub const ABSENCE_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Condition of members who may log in and have not come for [`ABSENCE_MS`]; its parameters are three times the moment.
const IS_ABSENT: &str = "enabled = 1 AND coalesce(kept_at, created_at) <= ? AND coalesce(signed_in_at, 0) <= ? \
                         AND NOT EXISTS (SELECT d.id FROM devices d WHERE d.member_id = members.id AND d.seen_at > ?)";

/// Members who may log in and have not come for [`ABSENCE_MS`], unless an administrator kept them since; by username.
pub fn absent(tx: &mut dyn Tx) -> Result<Vec<Account>> {
    let since = tx.now().plus_ms(-ABSENCE_MS);
    let sql = format!("SELECT {ACCOUNT} FROM members WHERE {IS_ABSENT} ORDER BY username");
    tx.query(&sql, &[since.into(), since.into(), since.into()])?.iter_mut().map(account).collect()
}

/// Number of [`absent`] members.
pub fn count_absent(tx: &mut dyn Tx) -> Result<i64> {
    let since = tx.now().plus_ms(-ABSENCE_MS);
    tx.scalar(&format!("SELECT count(*) FROM members WHERE {IS_ABSENT}"), &[since.into(), since.into(), since.into()])
}

/// Keeps an absent member for another [`ABSENCE_MS`].
pub fn keep(tx: &mut dyn Tx, id: MemberId) -> Result<Result<(), UpdateError>> {
    let now = tx.now();
    let kept = tx.exec("UPDATE members SET kept_at = ? WHERE id = ?", &[now.into(), id.into()])?;
    Ok(if kept == 1 { Ok(()) } else { Err(UpdateError::Unknown) })
}

/// Records the theft of a remember-me token for a warning at the next login, and revokes all sessions.
pub fn record_token_theft(tx: &mut dyn Tx, id: MemberId) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE members SET token_theft_at = ?, session_epoch = session_epoch + 1 WHERE id = ?";
    tx.exec(sql, &[now.into(), id.into()])?;
    devices::revoke_all(tx, id)
}

/// Returns the time of a token theft that the member has not been warned of, and marks it as acknowledged.
pub fn acknowledge_token_theft(tx: &mut dyn Tx, id: MemberId) -> Result<Option<Moment>> {
    let sql = "SELECT token_theft_at FROM members WHERE id = ? AND token_theft_at IS NOT NULL";
    let Some(row) = tx.query_one(sql, &[id.into()])? else {
        return Ok(None);
    };
    tx.exec("UPDATE members SET token_theft_at = NULL WHERE id = ?", &[id.into()])?;
    row.opt_moment(0)
}

/// Records the time of a login.
pub fn record_sign_in(tx: &mut dyn Tx, id: MemberId) -> Result<()> {
    let now = tx.now();
    tx.exec("UPDATE members SET signed_in_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
}
