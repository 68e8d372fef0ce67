//! SQL of the login history.

use crate::access::{AccessAction, AccessedOrders, Accessor, NewAccess};
use crate::id::{MemberId, SignInId};
use crate::members::model::device::DeviceOrigin;
use crate::members::model::sign_in::{SignIn, SignInOutcome};
use crate::storage::{Result, Tx};

/// Retention of the history in milliseconds: half a year.
const RETENTION_MS: i64 = 183 * 24 * 60 * 60 * 1000;

/// The access record of a sign-in with this outcome. Without a member the account is unknown.
pub fn access(member_id: Option<MemberId>, address: &str, outcome: SignInOutcome) -> NewAccess {
    let address = address.to_owned();
    NewAccess {
        accessor: match member_id {
            Some(id) => Accessor::Member { id, address },
            None => Accessor::Unknown { address },
        },
        action: if outcome.is_success() { AccessAction::SignedIn } else { AccessAction::SignInFailed },
        page: "/login".to_owned(),
        query: outcome.code().to_owned(),
        orders: AccessedOrders::NONE,
    }
}

/// Inserts an entry; returns its identifier.
pub fn record(tx: &mut dyn Tx, member_id: MemberId, outcome: SignInOutcome, origin: &DeviceOrigin) -> Result<SignInId> {
    let (id, now) = (tx.new_id::<SignInId>(), tx.now());
    tx.exec(
        "INSERT INTO sign_ins (id, member_id, attempted_at, outcome, description, address) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            member_id.into(),
            now.into(),
            outcome.code().into(),
            (&origin.description).into(),
            (&origin.address).into(),
        ],
    )?;
    Ok(id)
}

/// Updates the outcome of an entry.
pub fn set_outcome(tx: &mut dyn Tx, id: SignInId, outcome: SignInOutcome) -> Result<()> {
    tx.exec("UPDATE sign_ins SET outcome = ? WHERE id = ?", &[outcome.code().into(), id.into()]).map(drop)
}

/// Wrong passwords of a member since the last login by password before the entry `id`.
pub fn failures_before(tx: &mut dyn Tx, member_id: MemberId, id: SignInId) -> Result<i64> {
    let sql = "SELECT count(*) FROM sign_ins WHERE member_id = ? AND outcome = ? AND id < ? AND id > \
               (SELECT coalesce(max(id), 0) FROM sign_ins WHERE member_id = ? AND outcome = ? AND id < ?)";
    let (wrong, right) = (SignInOutcome::WrongPassword.code(), SignInOutcome::Password.code());
    tx.scalar(sql, &[member_id.into(), wrong.into(), id.into(), member_id.into(), right.into(), id.into()])
}

/// Number of entries of a member.
pub fn count(tx: &mut dyn Tx, member_id: MemberId) -> Result<u64> {
    let count = tx.scalar("SELECT count(*) FROM sign_ins WHERE member_id = ?", &[member_id.into()])?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Entries of a member, newest first.
pub fn of_member(tx: &mut dyn Tx, member_id: MemberId, limit: u32, offset: u64) -> Result<Vec<SignIn>> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let sql = "SELECT attempted_at, outcome, description, address FROM sign_ins WHERE member_id = ? \
               ORDER BY id DESC LIMIT ? OFFSET ?";
    tx.query(sql, &[member_id.into(), limit.into(), offset.into()])?
        .iter_mut()
        .map(|row| {
            Ok(SignIn {
                at: row.moment(0)?,
                outcome: row.code(1, "sign_ins.outcome")?,
                origin: DeviceOrigin { description: row.text(2)?, address: row.text(3)? },
            })
        })
        .collect()
}

/// Deletes entries past the retention.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let before = tx.now().plus_ms(-RETENTION_MS);
    tx.exec("DELETE FROM sign_ins WHERE attempted_at < ?", &[before.into()])
}
