//! How often a sign-in may fail: per account and per address, in the database, so that a restart
//! or a second node forgets nothing.
//!
//! A try is counted before the password is looked at and taken back when it was right; guessing
//! in parallel therefore gains nothing. Fifteen minutes after the first failure all is forgiven.

use std::net::IpAddr;

use crate::storage::{Result, Tx};
use crate::time::Moment;

/// Failures of one account before it has to wait.
const PER_ACCOUNT: i64 = 10;

/// Failures of one address before it has to wait: a whole office may share one.
const PER_ADDRESS: i64 = 50;

/// How long a failure counts, in milliseconds.
const FORGIVEN_AFTER_MS: i64 = 15 * 60 * 1000;

/// The account and the address of one try.
#[derive(Clone, Debug)]
pub struct Subjects([(String, i64); 2]);

impl Subjects {
    /// A try to sign in as `username` from `address`. An IPv6 address counts with its /64: that
    /// is what one customer of a provider has.
    pub fn new(username: &str, address: IpAddr) -> Self {
        let address = match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        };
        let username: String = username.chars().take(32).collect();
        Self([(format!("account:{username}"), PER_ACCOUNT), (format!("address:{address}"), PER_ADDRESS)])
    }

    /// Counts this try. Some(minutes) when it comes too soon, and then it is not counted.
    pub fn count(&self, tx: &mut dyn Tx) -> Result<Option<i64>> {
        let now = tx.now();
        let forgotten = now.plus_ms(-FORGIVEN_AFTER_MS);
        for (subject, limit) in &self.0 {
            tx.exec(
                "DELETE FROM sign_in_failures WHERE subject = ? AND first_at <= ?",
                &[subject.into(), forgotten.into()],
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
            let counted =
                tx.exec("UPDATE sign_in_failures SET failures = failures + 1 WHERE subject = ?", &[subject.into()])?;
            if counted == 0 {
                tx.exec(
                    "INSERT INTO sign_in_failures (subject, failures, first_at) VALUES (?, 1, ?)",
                    &[subject.into(), now.into()],
                )?;
            }
        }
        Ok(None)
    }

    /// The try was right: the account starts afresh, the address gets this try back.
    pub fn forgive(&self, tx: &mut dyn Tx) -> Result<()> {
        let [(account, _), (address, _)] = &self.0;
        tx.exec("DELETE FROM sign_in_failures WHERE subject = ?", &[account.into()])?;
        tx.exec(
            "UPDATE sign_in_failures SET failures = failures - 1 WHERE subject = ? AND failures > 0",
            &[address.into()],
        )?;
        Ok(())
    }
}

fn minutes_left(first_at: Moment, now: Moment) -> i64 {
    let left = first_at.plus_ms(FORGIVEN_AFTER_MS).0 - now.0;
    (left + 59_999) / 60_000
}

/// Forgets the failures that no longer count.
pub fn forget_old(tx: &mut dyn Tx) -> Result<u64> {
    let forgotten = tx.now().plus_ms(-FORGIVEN_AFTER_MS);
    tx.exec("DELETE FROM sign_in_failures WHERE first_at <= ?", &[forgotten.into()])
}
