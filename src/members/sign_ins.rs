//! Login history: successful and failed logins of each member.

use super::devices::DeviceOrigin;
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// Retention of the history in milliseconds: half a year.
const RETENTION_MS: i64 = 183 * 24 * 60 * 60 * 1000;

/// Outcome of a login attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInOutcome {
    /// logged in by password
    Password,
    /// logged in by remember-me token
    RememberToken,
    /// rejected: wrong password
    WrongPassword,
    /// rejected: the account is disabled
    AccountDisabled,
    /// rejected: the one-time password has expired
    PasswordExpired,
    /// rejected: a stolen remember-me token; all sessions were revoked
    TokenTheft,
}

impl SignInOutcome {
    const ALL: [Self; 6] = [
        Self::Password,
        Self::RememberToken,
        Self::WrongPassword,
        Self::AccountDisabled,
        Self::PasswordExpired,
        Self::TokenTheft,
    ];

    fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::RememberToken => "stayed",
            Self::WrongPassword => "wrong",
            Self::AccountDisabled => "disabled",
            Self::PasswordExpired => "late",
            Self::TokenTheft => "stolen",
        }
    }

    fn from_code(code: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.code() == code);
        found.ok_or_else(|| StorageError::Inconsistent(format!("sign_ins.outcome: {code}")))
    }

    /// The label on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Password => "로그인",
            Self::RememberToken => "로그인 유지",
            Self::WrongPassword => "비밀번호 틀림",
            Self::AccountDisabled => "사용 안 함이라 거절",
            Self::PasswordExpired => "일회용 비밀번호 기한 지남",
            Self::TokenTheft => "도난 의심, 모두 로그아웃",
        }
    }

    /// Whether the member was logged in.
    pub fn is_success(self) -> bool {
        matches!(self, Self::Password | Self::RememberToken)
    }
}

/// One entry of the login history.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// time of the attempt
    pub at: Moment,
    /// its outcome
    pub outcome: SignInOutcome,
    /// its browser
    pub origin: DeviceOrigin,
}

/// Inserts an entry; returns its identifier.
pub fn record(tx: &mut dyn Tx, member_id: i64, outcome: SignInOutcome, origin: &DeviceOrigin) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO sign_ins (id, member_id, at, outcome, description, address) VALUES (?, ?, ?, ?, ?, ?)",
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
pub fn set_outcome(tx: &mut dyn Tx, id: i64, outcome: SignInOutcome) -> Result<()> {
    tx.exec("UPDATE sign_ins SET outcome = ? WHERE id = ?", &[outcome.code().into(), id.into()]).map(drop)
}

/// Number of entries of a member.
pub fn count(tx: &mut dyn Tx, member_id: i64) -> Result<u64> {
    let count = tx.scalar("SELECT count(*) FROM sign_ins WHERE member_id = ?", &[member_id.into()])?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// Entries of a member, newest first.
pub fn of_member(tx: &mut dyn Tx, member_id: i64, limit: u32, offset: u64) -> Result<Vec<SignIn>> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let sql = "SELECT at, outcome, description, address FROM sign_ins WHERE member_id = ? \
               ORDER BY id DESC LIMIT ? OFFSET ?";
    tx.query(sql, &[member_id.into(), limit.into(), offset.into()])?
        .iter_mut()
        .map(|row| {
            Ok(SignIn {
                at: row.moment(0)?,
                outcome: SignInOutcome::from_code(&row.text(1)?)?,
                origin: DeviceOrigin { description: row.text(2)?, address: row.text(3)? },
            })
        })
        .collect()
}

/// Deletes entries past the retention.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let before = tx.now().plus_ms(-RETENTION_MS);
    tx.exec("DELETE FROM sign_ins WHERE at < ?", &[before.into()])
}
