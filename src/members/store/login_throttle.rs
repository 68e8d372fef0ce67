//! Login throttle: limits failed logins per account and per client network.
//!
//! Counts are kept in the database, so that they survive a restart and are shared by all nodes. An attempt is counted
//! before the password is verified and uncounted after a success; parallel guessing therefore gains nothing. The count
//! of a subject is reset [`WINDOW_MS`] after its first failure.

use std::net::IpAddr;

use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Failures of one account within the window.
const MAX_ACCOUNT_FAILURES: i64 = 10;

/// Failures of one client network within the window; an office may share one address.
const MAX_NETWORK_FAILURES: i64 = 50;

/// Length of the window in milliseconds.
const WINDOW_MS: i64 = 15 * 60 * 1000;

/// The counters of one login attempt: of its account and of its client network.
#[derive(Clone, Debug)]
pub struct LoginThrottle([(String, i64); 2]);

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
        let username: String = username.chars().take(32).collect();
        Self([
            (format!("account:{username}"), MAX_ACCOUNT_FAILURES),
            (format!("address:{network}"), MAX_NETWORK_FAILURES),
        ])
    }

    /// Counts the attempt as failed. Returns the minutes to wait, without counting, when a limit is reached.
    pub fn record_attempt(&self, tx: &mut dyn Tx) -> Result<Option<i64>> {
        let now = tx.now();
        let window_start = now.plus_ms(-WINDOW_MS);
        for (subject, limit) in &self.0 {
            tx.exec(
                "DELETE FROM sign_in_failures WHERE subject = ? AND first_at <= ?",
                &[subject.into(), window_start.into()],
            )?;
            let found = tx.query_one(
                "SELECT first_at FROM sign_in_failures WHERE subject = ? AND failures >= ?",
                &[subject.into(), (*limit).into()],
            )?;
            if let Some(row) = found {
                return Ok(Some(minutes_left(row.moment(0)?, now)));
            }
        }
        for (subject, _) in &self.0 {
            let updated =
                tx.exec("UPDATE sign_in_failures SET failures = failures + 1 WHERE subject = ?", &[subject.into()])?;
            if updated == 0 {
                tx.exec(
                    "INSERT INTO sign_in_failures (subject, failures, first_at) VALUES (?, 1, ?)",
                    &[subject.into(), now.into()],
                )?;
            }
        }
        Ok(None)
    }

    /// Call after a success: resets the count of the account and uncounts this attempt of the client network.
    pub fn reset(&self, tx: &mut dyn Tx) -> Result<()> {
        let [(account, _), (network, _)] = &self.0;
        tx.exec("DELETE FROM sign_in_failures WHERE subject = ?", &[account.into()])?;
        tx.exec(
            "UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = ? AND failures > 0",
            &[network.into()],
        )?;
        Ok(())
    }
}

fn minutes_left(first_at: Moment, now: Moment) -> i64 {
    let left = first_at.plus_ms(WINDOW_MS).0 - now.0;
    (left + 59_999) / 60_000
}

/// Deletes counters whose window has ended.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let window_start = tx.now().plus_ms(-WINDOW_MS);
    tx.exec("DELETE FROM sign_in_failures WHERE first_at <= ?", &[window_start.into()])
}
