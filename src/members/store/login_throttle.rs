//! Login throttle: slows failed logins down per account and per client network, or per browser that is known.
//!
//! Counts are kept in the database, so that they survive a restart and are shared by all nodes. An attempt is counted
//! before the password is verified and uncounted after a success; parallel guessing therefore gains nothing. Above its
//! limit a subject waits longer after each failure, up to [`MAX_DELAY_MS`]: 100 guesses a day.
//!
//! Anybody can use up the attempts of an account or a network. That keeps no browser out in which the member has logged in
//! before ([`KnownBrowser`]), and `mukkeum user unlock` lifts it.

use std::net::IpAddr;

use crate::id::MemberId;
use crate::members::known_browser::KnownBrowser;
use crate::storage::{Result, Tx};

/// Failures of one account, or as one member from one known browser, before attempts are delayed.
const MAX_ACCOUNT_FAILURES: i64 = 10;

/// Failures of one client network before attempts are delayed; an office may share one address.
const MAX_NETWORK_FAILURES: i64 = 50;

/// Delay after the first failure at the limit in milliseconds; each further failure doubles it.
const MIN_DELAY_MS: i64 = 60 * 1000;

/// Longest delay in milliseconds.
const MAX_DELAY_MS: i64 = 15 * 60 * 1000;

/// A subject without failures for this long is forgotten, in milliseconds.
const RETENTION_MS: i64 = 24 * 60 * 60 * 1000;

/// How far the clock of another node may be ahead, in milliseconds. Moments later than that are from a time when the clock
/// was wrong, and do not count.
const CLOCK_SKEW_MS: i64 = 60 * 1000;

/// Prefix of the subjects of client networks.
const NETWORK_PREFIX: &str = "address:";

/// A counter: its subject, and the failures before attempts are delayed.
type Counter = (String, i64);

/// The counters of one login attempt. The first is reset by a success.
#[derive(Clone, Debug)]
pub struct LoginThrottle {
    account: Counter,
    network: Option<Counter>,
}

impl LoginThrottle {
    /// The counters of an attempt to log in as `username` from `address`. IPv6 addresses are counted per /64, the
    /// network of one customer.
    pub fn new(username: &str, address: IpAddr) -> Self {
        let network = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        };
        Self {
            account: (account_subject(username), MAX_ACCOUNT_FAILURES),
            network: Some((format!("{NETWORK_PREFIX}{network}"), MAX_NETWORK_FAILURES)),
        }
    }

    /// The counters of an attempt from a browser that may be known. From one in which the member has logged in before it is
    /// a counter of its own.
    pub fn of_attempt(
        known: Option<&KnownBrowser>,
        member_id: Option<MemberId>,
        username: &str,
        address: IpAddr,
    ) -> Self {
        match known.zip(member_id).and_then(|(known, id)| known.throttle_subject(id)) {
            Some(subject) => Self { account: (subject, MAX_ACCOUNT_FAILURES), network: None },
            None => Self::new(username, address),
        }
    }

    /// The counter of passwords entered again in a session of the member. Nobody outside can use it up.
    pub fn of_session(username: &str) -> Self {
        Self { account: (session_subject(username), MAX_ACCOUNT_FAILURES), network: None }
    }

    fn counters(&self) -> impl Iterator<Item = &Counter> {
        [&self.account].into_iter().chain(&self.network)
    }

    /// Counts the attempt as failed. Returns the minutes to wait, without counting, during a delay.
    pub fn record_attempt(&self, tx: &mut dyn Tx) -> Result<Option<i64>> {
        let now = tx.now();
        for (subject, limit) in self.counters() {
            delete_obsolete(tx, Some(subject))?;
            let found = tx.query_one(
                "SELECT failures, last_at FROM sign_in_failures WHERE subject = ? AND failures >= ?",
                &[subject.into(), (*limit).into()],
            )?;
            if let Some(row) = found {
                let left = row.moment(1)?.plus_ms(delay_ms(row.int(0)? - limit)).0 - now.0;
                if left > 0 {
                    return Ok(Some((left + 59_999) / 60_000));
                }
            }
        }
        for (subject, _) in self.counters() {
            let updated = tx.exec(
                "UPDATE sign_in_failures SET failures = failures + 1, last_at = ? WHERE subject = ?",
                &[now.into(), subject.into()],
            )?;
            if updated == 0 {
                tx.exec(
                    "INSERT INTO sign_in_failures (subject, failures, last_at) VALUES (?, 1, ?)",
                    &[subject.into(), now.into()],
                )?;
            }
        }
        Ok(None)
    }

    /// Call after a success: resets the count of the account and uncounts this attempt of the client network.
    pub fn reset(&self, tx: &mut dyn Tx) -> Result<()> {
        tx.exec("DELETE FROM sign_in_failures WHERE subject = ?", &[(&self.account.0).into()])?;
        if let Some((network, _)) = &self.network {
            tx.exec(
                "UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = ? AND failures > 0",
                &[network.into()],
            )?;
        }
        Ok(())
    }
}

fn account_subject(username: &str) -> String {
    format!("account:{}", username.chars().take(32).collect::<String>())
}

fn session_subject(username: &str) -> String {
    format!("session:{}", username.chars().take(32).collect::<String>())
}

fn delay_ms(failures_above_limit: i64) -> i64 {
    let doublings = u32::try_from(failures_above_limit.clamp(0, 10)).unwrap_or(10);
    (MIN_DELAY_MS << doublings).min(MAX_DELAY_MS)
}

/// Lifts the delays of a member, and of all client networks: they may be the reason, too.
pub fn unlock(tx: &mut dyn Tx, username: &str) -> Result<()> {
    tx.exec(
        "DELETE FROM sign_in_failures WHERE subject = ? OR subject = ? OR subject LIKE ?",
        &[account_subject(username).into(), session_subject(username).into(), format!("{NETWORK_PREFIX}%").into()],
    )
    .map(drop)
}

/// Deletes counters without a recent failure.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    delete_obsolete(tx, None)
}

fn delete_obsolete(tx: &mut dyn Tx, subject: Option<&str>) -> Result<u64> {
    let (oldest, newest) = (tx.now().plus_ms(-RETENTION_MS), tx.now().plus_ms(CLOCK_SKEW_MS));
    tx.exec(
        "DELETE FROM sign_in_failures WHERE (last_at <= ? OR last_at > ?) AND (subject = ? OR ? IS NULL)",
        &[oldest.into(), newest.into(), subject.into(), subject.into()],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_a_quarter_of_an_hour() {
        let minutes: Vec<i64> = (0..7).map(|failures| delay_ms(failures) / 60_000).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 15, 15, 15]);
    }
}
