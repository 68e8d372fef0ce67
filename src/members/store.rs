//! The SQL of members.

use super::model::{Account, Member, Refusal, Role};
use crate::storage::{Result, Row, StorageError, Tx};

/// What a sign-in needs to know of a member.
#[derive(Clone)]
pub struct Credentials {
    /// who
    pub member: Member,
    /// PHC string
    pub password_hash: String,
    /// the epoch a new session remembers
    pub epoch: i64,
}

/// Whether a change of members was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unchanged {
    /// nobody has that name
    #[error("그런 아이디가 없어요.")]
    Unknown,
    /// an enabled administrator must remain
    #[error("마지막 관리자예요. 다른 관리자를 먼저 추가해 주세요.")]
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

/// The member a session of that epoch stands for, if they may still come in.
pub fn signed_in(tx: &mut dyn Tx, id: i64, epoch: i64) -> Result<Option<Member>> {
    tx.query_one(
        "SELECT id, username, role FROM members WHERE id = ? AND session_epoch = ? AND enabled = 1",
        &[id.into(), epoch.into()],
    )?
    .map(|mut row| member(&mut row))
    .transpose()
}

/// What is needed to sign in as `username`; disabled members have nothing.
pub fn credentials(tx: &mut dyn Tx, username: &str) -> Result<Option<Credentials>> {
    tx.query_one(
        "SELECT id, username, role, password_hash, session_epoch FROM members WHERE username = ? AND enabled = 1",
        &[username.into()],
    )?
    .map(|mut row| Ok(Credentials { member: member(&mut row)?, password_hash: row.text(3)?, epoch: row.int(4)? }))
    .transpose()
}

/// Everybody, by name.
pub fn all(tx: &mut dyn Tx) -> Result<Vec<Account>> {
    tx.query("SELECT id, username, role, enabled, created_at, signed_in_at FROM members ORDER BY username", &[])?
        .iter_mut()
        .map(|row| {
            Ok(Account {
                member: member(row)?,
                enabled: row.bool(3)?,
                created_at: row.moment(4)?,
                signed_in_at: row.opt_moment(5)?,
            })
        })
        .collect()
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

/// Sets a password and ends every session of the member; gives the new epoch.
pub fn set_password(tx: &mut dyn Tx, username: &str, password_hash: &str) -> Result<Result<i64, Unchanged>> {
    let found = tx.exec(
        "UPDATE members SET password_hash = ?, session_epoch = session_epoch + 1 WHERE username = ?",
        &[password_hash.into(), username.into()],
    )?;
    if found == 0 {
        return Ok(Err(Unchanged::Unknown));
    }
    tx.number("SELECT session_epoch FROM members WHERE username = ?", &[username.into()]).map(Ok)
}

/// Gives a member another role, unless they are the last administrator; ends their sessions.
pub fn set_role(tx: &mut dyn Tx, username: &str, role: Role) -> Result<Result<(), Unchanged>> {
    if role != Role::Admin && is_last_admin(tx, username)? {
        return Ok(Err(Unchanged::LastAdmin));
    }
    change(
        tx,
        "UPDATE members SET role = ?, session_epoch = session_epoch + 1 WHERE username = ?",
        role.code(),
        username,
    )
}

/// Lets a member in or keeps them out, unless they are the last administrator; ends their sessions.
pub fn set_enabled(tx: &mut dyn Tx, username: &str, enabled: bool) -> Result<Result<(), Unchanged>> {
    if !enabled && is_last_admin(tx, username)? {
        return Ok(Err(Unchanged::LastAdmin));
    }
    change(
        tx,
        "UPDATE members SET enabled = ?, session_epoch = session_epoch + 1 WHERE username = ?",
        enabled,
        username,
    )
}

fn change<'a>(
    tx: &mut dyn Tx,
    sql: &str,
    value: impl Into<crate::storage::Param<'a>>,
    username: &str,
) -> Result<Result<(), Unchanged>> {
    let found = tx.exec(sql, &[value.into(), username.into()])?;
    Ok(if found == 0 { Err(Unchanged::Unknown) } else { Ok(()) })
}

fn is_last_admin(tx: &mut dyn Tx, username: &str) -> Result<bool> {
    let admin = |comparison: &str| {
        format!("SELECT count(*) FROM members WHERE role = 'admin' AND enabled = 1 AND username {comparison} ?")
    };
    Ok(tx.number(&admin("="), &[username.into()])? > 0 && tx.number(&admin("<>"), &[username.into()])? == 0)
}

/// Notes that the member signed in now.
pub fn note_sign_in(tx: &mut dyn Tx, id: i64) -> Result<()> {
    let now = tx.now();
    tx.exec("UPDATE members SET signed_in_at = ? WHERE id = ?", &[now.into(), id.into()]).map(drop)
}
