//! The training shop: synthetic orders and a member of each role, made anew when its time has come.
//!
//! It is made in one transaction, so that nobody sees half a shop: until the commit everybody works
//! in the old one, after it their sessions are gone with everything else and they sign in to the new
//! one. The log of acts says when it was made; a database that holds a shop without that line was
//! not made here, and is never emptied.
//!
//! Nothing leaves a training shop. No part of the program calls out today; the parts that will
//! (copies to another place, mail, the address search) ask [`Config::demo`](crate::config::Config)
//! first and keep still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};

use super::every::ResetEvery;
use super::fill::fill_within;
use crate::audit;
use crate::members::model::{NewPassword, Refusal, Role};
use crate::members::passwords::{HashError, Passwords};
use crate::members::store;
use crate::storage::{Result, Storage, StorageError, Tx, schema};
use crate::time::{Moment, date_with_weekday};

/// The same shop every time, so that a course can name its people and orders.
const SEED: u64 = 1;

/// The line in the log of acts that says when the shop was made.
const MADE: &str = "demo.made";

/// How old a shop is at least before somebody makes it anew by hand, in milliseconds.
const LEAST_AGE_MS: i64 = 60 * 1000;

/// Orders after which it is said how many there are.
const TOLD_EVERY: u64 = 100_000;

const WORDS: &str = "교육용 · 연습 데이터예요. 마음껏 눌러 보세요.";

/// A visitor of a public training shop has one of their own.
const OWN: &str = "혼자 쓰는 가게예요. 한 시간 동안 쓰지 않으면 처음으로 돌아가요.";

/// Somebody everybody may be in the training shop.
#[derive(Clone, Copy, Debug)]
pub struct DemoAccount {
    /// the name to sign in with
    pub username: &'static str,
    /// no secret: the login page shows it
    pub password: &'static str,
    /// what they may do
    pub role: Role,
    /// … in words
    pub sees: &'static str,
}

/// One for each role. The names and the password need no Korean keyboard.
pub const ACCOUNTS: [DemoAccount; 2] = [
    DemoAccount {
        username: "demo-admin",
        password: "mukkeum-demo",
        role: Role::Admin,
        sees: "주문, 업로드, 배송, 상품을 모두 볼 수 있어요.",
    },
    DemoAccount {
        username: "demo-team",
        password: "mukkeum-demo",
        role: Role::Logistics,
        sees: "배송만 볼 수 있어요.",
    },
];

/// What training shop is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// how many orders it begins with
    pub orders: u64,
    /// how often it is made anew
    pub reset_every: ResetEvery,
    /// whether anybody may come in: each visitor has a shop of their own, and how much they ask is limited
    pub is_public: bool,
}

/// Why the training shop was not made.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// there is a shop that was not made here
    #[error("교육용 가게가 아닌 데이터가 들어 있어요. 지우지 않고 그대로 뒀어요. 다른 폴더를 --data로 알려 주세요.")]
    NotOurs,
    /// the database failed
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// a password was not hashed
    #[error(transparent)]
    Hash(#[from] HashError),
    /// the rules of passwords do not allow that of an account
    #[error(transparent)]
    Password(#[from] Refusal),
}

/// The training shop of a running program; cheap to clone.
#[derive(Clone, Debug)]
pub struct Demo {
    plan: Plan,
    /// when the shop was made, for the banner
    made_at: Arc<AtomicI64>,
}

/// What the log of acts says of the shop.
struct Made {
    at: Moment,
    orders: Option<u64>,
}

impl Demo {
    /// The training shop of that plan; [`Self::keep_fresh`] makes it.
    pub fn new(plan: Plan) -> Self {
        Self { plan, made_at: Arc::default() }
    }

    /// Makes the shop when there is none, when it began with another number of orders, or when its
    /// time has come; tells whether it did.
    ///
    /// # Errors
    /// The data is not a training shop's, or the database failed.
    pub async fn keep_fresh(&self, storage: &Storage, passwords: &Passwords) -> Result<bool, DemoError> {
        if let Some(made) = storage.read(made).await? {
            self.made_at.store(made.at.0, Ordering::Relaxed);
            let now = storage.clock().now();
            let is_over = self.plan.reset_every.after(made.at).is_some_and(|next| next <= now);
            if made.orders == Some(self.plan.orders) && !is_over {
                return Ok(false);
            }
        }
        self.remake(storage, passwords).await?;
        Ok(true)
    }

    /// Makes the shop anew, whatever its age. Everybody is signed out.
    ///
    /// # Errors
    /// As [`Self::keep_fresh`].
    pub async fn remake(&self, storage: &Storage, passwords: &Passwords) -> Result<(), DemoError> {
        let orders = self.plan.orders;
        tracing::info!(orders, "making the training shop");
        let mut members = Vec::with_capacity(ACCOUNTS.len());
        for account in ACCOUNTS {
            members.push((account, passwords.hash(NewPassword::new(account.password.to_owned())?).await?));
        }
        let made_at = storage.write(move |tx| make(tx, &members, orders)).await?;
        self.made_at.store(made_at.0, Ordering::Relaxed);
        tracing::info!(orders, "the training shop is made");
        Ok(())
    }

    /// Whether anybody may come in, each to a shop of their own.
    pub fn is_public(&self) -> bool {
        self.plan.is_public
    }

    /// Why nobody may make the shop anew by hand now: it was made within the last minute.
    pub fn keeps(&self, now: Moment) -> Option<&'static str> {
        if now < self.made_at().plus_ms(LEAST_AGE_MS) {
            Some("방금 처음으로 되돌린 가게예요. 1분 뒤에 다시 눌러 주세요.")
        } else {
            None
        }
    }

    /// When the shop was made.
    pub fn made_at(&self) -> Moment {
        Moment(self.made_at.load(Ordering::Relaxed))
    }

    /// What stands above every page.
    pub fn banner(&self, now: Moment) -> String {
        if self.plan.is_public {
            return format!("{WORDS} {OWN}");
        }
        self.returns(now).map_or_else(|| WORDS.to_owned(), |returns| format!("{WORDS} {returns}"))
    }

    /// When the shop is made anew, in a sentence: `내일 09:00에 처음으로 돌아가요.`
    pub fn returns(&self, now: Moment) -> Option<String> {
        let next = self.plan.reset_every.after(self.made_at())?;
        if next <= now {
            return Some("곧 처음으로 돌아가요.".to_owned());
        }
        let day = match (next.date() - now.date()).num_days() {
            0 => "오늘".to_owned(),
            1 => "내일".to_owned(),
            _ => date_with_weekday(next.date()),
        };
        Some(format!("{day} {}에 처음으로 돌아가요.", next.kst().format("%H:%M")))
    }
}

fn made(tx: &mut dyn Tx) -> Result<Option<Made>> {
    tx.query_one("SELECT at, summary FROM activities WHERE action = ? ORDER BY id LIMIT 1", &[MADE.into()])?
        .map(|mut row| {
            let summary: Value = serde_json::from_str(&row.text(1)?).unwrap_or_default();
            Ok(Made { at: row.moment(0)?, orders: summary["orders"].as_u64() })
        })
        .transpose()
}

fn make(tx: &mut dyn Tx, members: &[(DemoAccount, String)], orders: u64) -> Result<Moment, DemoError> {
    let is_empty = !store::any(tx)? && tx.query_one("SELECT id FROM orders LIMIT 1", &[])?.is_none();
    if !is_empty && made(tx)?.is_none() {
        return Err(DemoError::NotOurs);
    }
    for table in schema::tables().rev() {
        tx.exec(&format!("DELETE FROM {table}"), &[])?;
    }
    for (account, hash) in members {
        store::add(tx, account.username, account.role, hash)??;
    }
    let now = tx.now();
    fill_within(tx, SEED, orders, now, &|done| {
        if done.is_multiple_of(TOLD_EVERY) {
            tracing::info!(done, orders, "making the training shop");
        }
    })?;
    audit::record(tx, None, MADE, &json!({ "orders": orders }))?;
    Ok(now)
}

#[cfg(test)]
mod tests;
