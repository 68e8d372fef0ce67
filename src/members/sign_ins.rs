//! Who came in or tried to: each member's history, for some months.

use super::devices::Place;
use crate::storage::{Result, StorageError, Tx};
use crate::time::Moment;

/// How long the history goes back, in milliseconds: half a year.
const KEPT_MS: i64 = 183 * 24 * 60 * 60 * 1000;

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// with the password
    Password,
    /// by a browser that stays signed in
    Stayed,
    /// refused: another password
    Wrong,
    /// refused: the member is disabled
    Disabled,
    /// refused: the one-time password was too old
    Late,
    /// a copy of a browser's cookie was used, and everything ended
    Stolen,
}

impl Outcome {
    const ALL: [Self; 6] = [Self::Password, Self::Stayed, Self::Wrong, Self::Disabled, Self::Late, Self::Stolen];

    fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Stayed => "stayed",
            Self::Wrong => "wrong",
            Self::Disabled => "disabled",
            Self::Late => "late",
            Self::Stolen => "stolen",
        }
    }

    fn of(code: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|outcome| outcome.code() == code);
        found.ok_or_else(|| StorageError::Inconsistent(format!("sign_ins.outcome: {code}")))
    }

    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Password => "로그인",
            Self::Stayed => "로그인 유지",
            Self::Wrong => "비밀번호 틀림",
            Self::Disabled => "사용 안 함이라 거절",
            Self::Late => "일회용 비밀번호 기한 지남",
            Self::Stolen => "도난 의심, 모두 로그아웃",
        }
    }

    /// Whether the member came in.
    pub fn is_in(self) -> bool {
        matches!(self, Self::Password | Self::Stayed)
    }
}

/// One line of the history.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// when
    pub at: Moment,
    /// how it ended
    pub outcome: Outcome,
    /// from where
    pub place: Place,
}

/// Writes a line; gives its id.
pub fn note(tx: &mut dyn Tx, member_id: i64, outcome: Outcome, place: &Place) -> Result<i64> {
    let (id, now) = (tx.new_id(), tx.now());
    tx.exec(
        "INSERT INTO sign_ins (id, member_id, at, outcome, description, address) VALUES (?, ?, ?, ?, ?, ?)",
        &[
            id.into(),
            member_id.into(),
            now.into(),
            outcome.code().into(),
            (&place.description).into(),
            (&place.address).into(),
        ],
    )?;
    Ok(id)
}

/// Says how the sign-in of a line ended after all.
pub fn settle(tx: &mut dyn Tx, id: i64, outcome: Outcome) -> Result<()> {
    tx.exec("UPDATE sign_ins SET outcome = ? WHERE id = ?", &[outcome.code().into(), id.into()]).map(drop)
}

/// How many lines the member's history has.
pub fn count(tx: &mut dyn Tx, member_id: i64) -> Result<u64> {
    let count = tx.number("SELECT count(*) FROM sign_ins WHERE member_id = ?", &[member_id.into()])?;
    Ok(u64::try_from(count).unwrap_or_default())
}

/// The member's history, the newest first.
pub fn of_member(tx: &mut dyn Tx, member_id: i64, rows: u32, offset: u64) -> Result<Vec<SignIn>> {
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let sql = "SELECT at, outcome, description, address FROM sign_ins WHERE member_id = ? \
               ORDER BY id DESC LIMIT ? OFFSET ?";
    tx.query(sql, &[member_id.into(), rows.into(), offset.into()])?
        .iter_mut()
        .map(|row| {
            Ok(SignIn {
                at: row.moment(0)?,
                outcome: Outcome::of(&row.text(1)?)?,
                place: Place { description: row.text(2)?, address: row.text(3)? },
            })
        })
        .collect()
}

/// Forgets what is older than the history goes back.
pub fn forget_old(tx: &mut dyn Tx) -> Result<u64> {
    let before = tx.now().plus_ms(-KEPT_MS);
    tx.exec("DELETE FROM sign_ins WHERE at < ?", &[before.into()])
}
