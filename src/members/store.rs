//! The SQL of members.

use super::devices;
use super::model::{Account, Member, ONE_TIME_MS, Refusal, Role};
use crate::storage::{Param, Result, Row, StorageError, Tx};
use crate::time::Moment;

/// What a sign-in needs to know of a member.
#[derive(Clone)]
pub struct Credentials {
    /// who
    pub member: Member,
    /// PHC string
    pub password_hash: String,
    /// the epoch a new session remembers
    pub epoch: i64,
    /// whether they may sign in
    pub enabled: bool,
    /// when an administrator made the password: until when it lets in
    pub one_time_until: Option<Moment>,
}

/// A member whose session is good.
#[derive(Clone, Debug)]
pub struct Present {
    /// who
    pub member: Member,
    /// whether they have to choose a password before anything else
    pub must_change: bool,
    /// the device they are signed in on
    pub device_id: i64,
    /// when that was last written down as used
    pub seen_at: Moment,
}

/// Whether a change of members was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// nobody has that name
    #[error("그런 아이디가 없어요.")]
    Unknown,
    /// an enabled administrator must remain
    #[error("사용 중인 마지막 관리자예요. 다른 관리자를 먼저 추가해 주세요.")]
    LastAdmin,
}

fn member(row: &mut Row) -> Result<Member> {
    let role = row.text(2)?;
    Ok(Member {
        id: row.int(0)?,
        username: row.text(1)?,
        role: role.parse().map_err(|_| StorageError::Inconsistent(format!("members.role: {role}")))?,
    })
}

/// Whether there is any member at all.
pub fn any(tx: &mut dyn Tx) -> Result<bool> {
    Ok(tx.query_one("SELECT id FROM members LIMIT 1", &[])?.is_some())
}

/// The member of a session of that epoch on that device, if they may still come in.
pub fn present(tx: &mut dyn Tx, id: i64, epoch: i64, device_id: i64) -> Result<Option<Present>> {
    tx.query_one(
        "SELECT m.id, m.username, m.role, m.one_time_until, d.seen_at FROM members m JOIN devices d \
         ON d.member_id = m.id WHERE m.id = ? AND m.session_epoch = ? AND m.enabled = 1 AND d.id = ?",
        &[id.into(), epoch.into(), device_id.into()],
    )?
    .map(|mut row| {
        let must_change = row.opt_moment(3)?.is_some();
        Ok(Present { member: member(&mut row)?, must_change, device_id, seen_at: row.moment(4)? })
    })
    .transpose()
}

/// What is needed to sign in as `username`.
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

const ACCOUNT: &str = "id, username, role, enabled, created_at, signed_in_at, one_time_until";

fn account(row: &mut Row) -> Result<Account> {
    Ok(Account {
        member: member(row)?,
        enabled: row.bool(3)?,
        created_at: row.moment(4)?,
        signed_in_at: row.opt_moment(5)?,
        one_time_until: row.opt_moment(6)?,
    })
}

/// Everybody, by name.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<Account>> {
    let sql = format!("SELECT {ACCOUNT} FROM members ORDER BY username");
    tx.query(&sql, &[])?.iter_mut().map(account).collect()
}

/// One member.
pub fn find(tx: &mut dyn Tx, id: i64) -> Result<Option<Account>> {
    let sql = format!("SELECT {ACCOUNT} FROM members WHERE id = ?");
    tx.query_one(&sql, &[id.into()])?.map(|mut row| account(&mut row)).transpose()
}

/// The member of that name.
pub fn id_of(tx: &mut dyn Tx, username: &str) -> Result<Result<i64, Unchanged>> {
    let row = tx.query_one("SELECT id FROM members WHERE username = ?", &[username.into()])?;
    row.map_or(Ok(Err(Unchanged::Unknown)), |row| row.int(0).map(Ok))
}

/// Adds a member and gives their id, or says that the name is taken.
pub fn add(tx: &mut dyn Tx, username: &str, role: Role, password_hash: &str) -> Result<Result<i64, Refusal>> {
    if tx.number("SELECT count(*) FROM members WHERE username = ?", &[username.into()])? > 0 {
        return Ok(Err(Refusal::UsernameTaken));
    }
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO members (id, username, role, password_hash, created_at) VALUES (?, ?, ?, ?, ?)",
        &[id.into(), username.into(), role.code().into(), password_hash.into(), now.into()],
    )?;
    Ok(Ok(id))
}

/// Sets the member's own password and ends every session; gives the new epoch.
pub fn set_password(tx: &mut dyn Tx, id: i64, password_hash: &str) -> Result<Result<i64, Unchanged>> {
    let sql = "UPDATE members SET password_hash = ?, one_time_until = NULL, session_epoch = session_epoch + 1 \
               WHERE id = ?";
    if tx.exec(sql, &[password_hash.into(), id.into()])? == 0 {
        return Ok(Err(Unchanged::Unknown));
    }
    devices::end_all(tx, id)?;
    tx.number("SELECT session_epoch FROM members WHERE id = ?", &[id.into()]).map(Ok)
}

/// Makes the member's password a one-time password: they have to choose another one first.
pub fn make_one_time(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let until = tx.now().plus_ms(ONE_TIME_MS);
    tx.exec("UPDATE members SET one_time_until = ? WHERE id = ?", &[until.into(), id.into()]).map(drop)
}

/// Gives a member another role, unless they are the last administrator; ends their sessions.
pub fn set_role(tx: &mut dyn Tx, id: i64, role: Role) -> Result<Result<(), Unchanged>> {
    change(tx, "role", role.code().into(), id, role == Role::Admin)
}

/// Lets a member in or keeps them out, unless they are the last administrator; ends their sessions.
pub fn set_enabled(tx: &mut dyn Tx, id: i64, enabled: bool) -> Result<Result<(), Unchanged>> {
    change(tx, "enabled", enabled.into(), id, enabled)
}

/// One statement looks for another administrator and makes the change, so that two people who
/// disable each other at once do not both succeed: the second waits for the first, or is run again.
fn change(
    tx: &mut dyn Tx,
    column: &str,
    value: Param<'_>,
    id: i64,
    keeps_admins: bool,
) -> Result<Result<(), Unchanged>> {
    let sql = format!(
        "UPDATE members SET {column} = ?, session_epoch = session_epoch + 1 WHERE id = ? \
         AND (? = 1 OR role <> 'admin' OR enabled = 0 OR EXISTS \
         (SELECT other.id FROM members other WHERE other.role = 'admin' AND other.enabled = 1 AND other.id <> ?))"
    );
    if tx.exec(&sql, &[value, id.into(), keeps_admins.into(), id.into()])? == 1 {
        devices::end_all(tx, id)?;
        return Ok(Ok(()));
    }
    Ok(Err(find(tx, id)?.map_or(Unchanged::Unknown, |_| Unchanged::LastAdmin)))
}

/// Somebody used a copy of a cookie of the member's: everything of theirs ends, and they will be
/// told when they sign in.
pub fn note_theft(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let now = tx.now();
    let sql = "UPDATE members SET stolen_at = ?, session_epoch = session_epoch + 1 WHERE id = ?";
    tx.exec(sql, &[now.into(), id.into()])?;
    devices::end_all(tx, id)
}

/// Whether the member has to be told of a theft; they count as told from now on.
pub fn take_theft(tx: &mut dyn Tx, id: i64) -> Result<Option<Moment>> {
    let sql = "SELECT stolen_at FROM members WHERE id = ? AND stolen_at IS NOT NULL";
    let Some(row) = tx.query_one(sql, &[id.into()])? else {
        return Ok(None);
    };
    tx.exec("UPDATE members SET stolen_at = NULL WHERE id = ?", &[id.into()])?;
    row.opt_moment(0)
}

/// Notes that the member signed in now.
pub fn note_sign_in(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let now = tx.now();
    tx.exec("UPDATE members SET signed_in_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
}
