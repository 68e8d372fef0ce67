//! Day keys. A driver's session ends before he is back, and a page of a login would swallow what his phone hands in. So
//! a phone gets a key of its own for one tour: with it, it may hand in events of that tour and fetch the tour, and
//! nothing else. The database has its hash; the office can revoke it.

use chrono::{Days, NaiveDate};
use sha2::{Digest, Sha256};

use super::store::keys;
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
    pub id: i64,
    /// the tour
    pub tour_id: i64,
    /// who got it
    pub member_id: i64,
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
    /// end of its validity
    pub expires_at: Moment,
    /// when the office cut the phone off
    pub revoked_at: Option<Moment>,
}

impl DayKey {
    /// Whether it is neither revoked nor expired.
    pub fn is_valid(&self, now: Moment) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
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
    (tour_id, day, member_id): (i64, NaiveDate, i64),
    secret: &str,
    description: &str,
) -> Result<i64> {
    keys::insert(tx, (tour_id, member_id), (&hash(secret), description), expiry(day))
}

/// The valid key with this secret.
pub fn find_valid(tx: &mut dyn Tx, secret: &str) -> Result<Option<DayKey>> {
    let now = tx.now();
    Ok(keys::by_hash(tx, &hash(secret))?.filter(|key| key.is_valid(now)))
}
