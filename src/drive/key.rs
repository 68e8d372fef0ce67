//! Day keys. A driver's session ends before he is back, and a page of a login would swallow what his phone hands in. So
//! a phone gets a key of its own for one tour: with it, it may hand in events of that tour and fetch the tour, and
//! nothing else. The database has its hash; the office can revoke it.
//!
//! A key is worth as much as its member: it opens nothing once the member is disabled or drives no more, and ends for good
//! with the sessions. Then the phone hands in nothing either, not even what happened before: when that was, only its own
//! clock says. The records stay on the phone. They are handed in when the member may log in again and does, or the office
//! types them as paper.

use chrono::{Days, NaiveDate};
use sha2::{Digest, Sha256};

use super::store::{keys, may_drive};
use crate::id::{DayKeyId, MemberId, TourId};
use crate::members::store as members;
use crate::random::{self, RandomnessError};
use crate::storage::{Result, Tx};
use crate::text::hex;
use crate::time::Moment;

/// The request header with the key.
pub const KEY_HEADER: &str = "x-drive-key";

/// Days after the day of the tour during which late events are accepted.
pub const LATE_DAYS: u64 = 14;

/// A stored key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayKey {
    /// identifier
    pub id: DayKeyId,
    /// the tour
    pub tour_id: TourId,
    /// who got it
    pub member_id: MemberId,
    /// username
    pub username: String,
    /// the phone: `안드로이드 휴대전화 · 크롬`
    pub description: String,
    /// when it was made
    pub created_at: Moment,
    /// last contact
    pub seen_at: Moment,
    /// records that the phone still had at the last contact
    pub waiting: i64,
    /// jobs of records that were not accepted, which the phone keeps; empty for a record that names none
    pub rejected: Vec<String>,
    /// end of its validity
    pub expires_at: Moment,
    /// when the office cut the phone off
    pub revoked_at: Option<Moment>,
}

/// The end of validity of a key for a tour of that day.
pub fn expiry(day: NaiveDate) -> Moment {
    Moment::start_of(day + Days::new(LATE_DAYS + 1))
}

/// A new key as text.
///
/// # Errors
/// The random number generator failed.
pub fn new_secret() -> Result<String, RandomnessError> {
    random::secret()
}

fn hash(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Stores a new key of a phone.
pub fn issue(
    tx: &mut dyn Tx,
    (tour_id, day, member_id): (TourId, NaiveDate, MemberId),
    secret: &str,
    description: &str,
) -> Result<DayKeyId> {
    keys::insert(tx, (tour_id, member_id), (&hash(secret), description), expiry(day))
}

/// Why a key opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRefusal {
    /// the office cut the phone off
    CutOff,
    /// it is unknown, has expired, or its member may not log in or drive: after a login the phone may get another
    Ended,
}

impl KeyRefusal {
    /// Korean sentences.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::CutOff => "사무실에서 이 휴대전화를 끊었어요. 사무실에 전화해 주세요.",
            Self::Ended => "이 휴대전화의 열쇠가 끝났어요. 다시 로그인하거나 사무실에 전화해 주세요.",
        }
    }
}

/// The key with this secret, if it is valid and its member may log in and drives.
pub fn open(tx: &mut dyn Tx, secret: &str) -> Result<std::result::Result<DayKey, KeyRefusal>> {
    let now = tx.now();
    let Some(key) = keys::by_hash(tx, &hash(secret))? else { return Ok(Err(KeyRefusal::Ended)) };
    if key.revoked_at.is_some() {
        return Ok(Err(KeyRefusal::CutOff));
    }
    let account = members::find(tx, key.member_id)?;
    let may_use = account.is_some_and(|account| account.enabled && may_drive(account.member.role));
    Ok(if may_use && now < key.expires_at { Ok(key) } else { Err(KeyRefusal::Ended) })
}
