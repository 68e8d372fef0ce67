//! Limit of the wrong passwords that a member types for files that are not stored. Those of an upload are counted with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::pipeline::MAX_WRONG_PASSWORDS;
use crate::id::MemberId;
use crate::time::Moment;

/// Time after which wrong passwords are forgotten.
const FORGOTTEN_AFTER_MS: i64 = 60 * 60 * 1000;

/// Moments of the wrong passwords of each member; clones share them.
#[derive(Clone, Debug, Default)]
pub struct PasswordTries(Arc<Mutex<BTreeMap<MemberId, Vec<Moment>>>>);

impl PasswordTries {
    /// Whether a member has typed as many wrong passwords as are allowed.
    pub fn are_used_up(&self, member_id: MemberId, now: Moment) -> bool {
        self.recent(member_id, now, |tries| i64::try_from(tries.len()).unwrap_or(i64::MAX) >= MAX_WRONG_PASSWORDS)
    }

    /// Counts a wrong password.
    pub fn count(&self, member_id: MemberId, now: Moment) {
        self.recent(member_id, now, |tries| tries.push(now));
    }

    fn recent<T>(&self, member_id: MemberId, now: Moment, work: impl FnOnce(&mut Vec<Moment>) -> T) -> T {
        let mut members = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = members.entry(member_id).or_default();
        // A moment in the future is one of a clock that has been put right.
        tries.retain(|at| *at <= now && now < at.plus_ms(FORGOTTEN_AFTER_MS));
        work(tries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenth_wrong_password_is_the_last_within_an_hour() {
        let (tries, start) = (PasswordTries::default(), Moment(0));
        for _ in 0..MAX_WRONG_PASSWORDS {
            assert!(!tries.are_used_up(MemberId::from_raw(1), start));
            tries.count(MemberId::from_raw(1), start);
        }
        assert!(tries.are_used_up(MemberId::from_raw(1), start) && !tries.are_used_up(MemberId::from_raw(2), start));
        assert!(!tries.are_used_up(MemberId::from_raw(1), start.plus_ms(FORGOTTEN_AFTER_MS)));
    }
}
