//! Demo shop for training: synthetic orders and one member per role, reset on a schedule.
//!
//! A reset is one transaction, so readers see either the old shop or the new one. It also deletes all sessions:
//! members have to log in again. The setting `demo.created_at` records the creation. A database with data but without
//! that setting is a real shop and is never emptied.
//!
//! A demo shop sends nothing to other systems: features that do (backup, address search) check
//! [`Config::demo`](crate::config::Config) first.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::generate::{GenerateOptions, generate_in_tx};
use super::{store, trucks};
use crate::config::DemoPlan;
use crate::id::MemberId;
use crate::members;
use crate::members::model::{NewPassword, PasswordError, Role, UsernameError};
use crate::members::passwords::{HashError, PasswordHasher};
use crate::reconcile::store as reconcile;
use crate::shop;
use crate::shop::model::Shop;
use crate::storage::{Result, Storage, StorageError, Tx};
use crate::time::{Moment, date_with_weekday};
use crate::uploads::store::{self as uploads, UploadFilter};

/// Fixed seed: each reset generates the same people and orders, so that training material can refer to them.
const SEED: u64 = 1;

/// Files that a public demo shop takes until its next reset, as uploads or for 마감 대조.
const MAX_PUBLIC_FILES: i64 = 20;

/// Minimum age of the shop before it can be reset manually.
const MIN_RESET_AGE_MS: i64 = 60 * 1000;

/// Number of generated orders between two progress log lines.
const LOG_INTERVAL_ORDERS: u64 = 100_000;

/// Banner on every page.
const BANNER: &str = "교육용 · 연습 데이터예요. 마음껏 눌러 보세요.";

/// Banner suffix in a public demo, where each visitor has a sandbox.
const SANDBOX_BANNER: &str = "혼자 쓰는 가게예요. 한 시간 동안 쓰지 않으면 처음으로 돌아가요.";

/// Shared account of the demo shop.
#[derive(Clone, Copy, Debug)]
pub struct DemoAccount {
    /// Username.
    pub username: &'static str,
    /// Password; not a secret, the login page shows it.
    pub password: &'static str,
    /// Role.
    pub role: Role,
    /// Description of the role for the login page.
    pub description: &'static str,
}

/// One account per role. Usernames and password are ASCII, so that they need no Korean keyboard.
pub const ACCOUNTS: [DemoAccount; 3] = [
    DemoAccount {
        username: "demo-admin",
        password: "mukkeum-demo",
        role: Role::Admin,
        description: "주문, 업로드, 배송, 상품을 모두 볼 수 있어요.",
    },
    DemoAccount {
        username: "demo-team",
        password: "mukkeum-demo",
        role: Role::Logistics,
        description: "배송과 배차를 볼 수 있어요.",
    },
    DemoAccount {
        username: "demo-driver",
        password: "mukkeum-demo",
        role: Role::Driver,
        description: "오늘 맡은 배송만 볼 수 있어요. 휴대전화로 들어가 보세요.",
    },
];

/// Error of a reset.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database contains a real shop.
    #[error("교육용 가게가 아닌 데이터가 들어 있어요. 지우지 않고 그대로 뒀어요. 다른 폴더를 --data로 알려 주세요.")]
    NotDemoData,
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Hashing a password failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The password of an account violates the password rules.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The username of an account is taken.
    #[error(transparent)]
    Username(#[from] UsernameError),
}

/// Demo shop of the running process; cheap to clone.
#[derive(Clone, Debug)]
pub struct Demo {
    plan: DemoPlan,
    /// Creation time in milliseconds, cached for the banner.
    created_at: Arc<AtomicI64>,
}

impl Demo {
    /// Demo shop with these options; [`Self::reset_if_due`] creates the data.
    pub fn new(plan: DemoPlan) -> Self {
        Self { plan, created_at: Arc::default() }
    }

    /// Resets the shop if there is none, if it was created with another number of orders, or if its schedule is due.
    /// Returns whether it did.
    ///
    /// # Errors
    /// [`DemoError::NotDemoData`] if the database contains a real shop; otherwise as its variants state.
    pub async fn reset_if_due(&self, storage: &Storage, passwords: &PasswordHasher) -> Result<bool, DemoError> {
        if let Some(created) = storage.read(store::creation).await? {
            self.created_at.store(created.at.0, Ordering::Relaxed);
            let now = storage.clock().now();
            let is_due = self.plan.reset_every.next_after(created.at).is_some_and(|next| next <= now);
            if created.orders == Some(self.plan.orders) && !is_due {
                return Ok(false);
            }
        }
        self.reset(storage, passwords).await?;
        Ok(true)
    }

    /// Resets the shop regardless of its age and ends all sessions.
    ///
    /// # Errors
    /// As [`Self::reset_if_due`].
    pub async fn reset(&self, storage: &Storage, passwords: &PasswordHasher) -> Result<(), DemoError> {
        let orders = self.plan.orders;
        tracing::info!(orders, "교육용 가게를 처음 상태로 만들고 있어요");
        let mut members = Vec::with_capacity(ACCOUNTS.len());
        for account in ACCOUNTS {
            members.push((account, passwords.hash(NewPassword::of_program(account.password)).await?));
        }
        let created_at = storage.write(move |tx| recreate(tx, &members, orders)).await?;
        self.created_at.store(created_at.0, Ordering::Relaxed);
        tracing::info!(orders, "교육용 가게를 만들었어요");
        Ok(())
    }

    /// Whether this is a public demo, where each visitor has a sandbox.
    pub fn is_public(&self) -> bool {
        self.plan.is_public
    }

    /// Message if a public demo takes no further file until its next reset.
    ///
    /// # Errors
    /// The database failed.
    pub async fn file_refusal(&self, storage: &Storage) -> Result<Option<&'static str>> {
        if !self.plan.is_public {
            return Ok(None);
        }
        let files = storage.read(|tx| {
            let uploads = uploads::page(tx, UploadFilter::All, 0, 0)?.1;
            Ok::<_, StorageError>(uploads + reconcile::page(tx, 0, 0)?.1)
        });
        let message = "이 연습 가게가 받을 수 있는 파일은 여기까지예요. 가게가 처음으로 돌아간 다음 다시 올려 주세요.";
        Ok((files.await? >= MAX_PUBLIC_FILES).then_some(message))
    }

    /// Message if a manual reset is not allowed yet, within a minute after the last one.
    pub fn reset_refusal(&self, now: Moment) -> Option<&'static str> {
        if now < self.created_at().plus_ms(MIN_RESET_AGE_MS) {
            Some("방금 처음으로 되돌린 가게예요. 1분 뒤에 다시 눌러 주세요.")
        } else {
            None
        }
    }

    /// Time of the last reset.
    pub fn created_at(&self) -> Moment {
        Moment(self.created_at.load(Ordering::Relaxed))
    }

    /// Banner text at the top of every page.
    pub fn banner(&self, now: Moment) -> String {
        if self.plan.is_public {
            return format!("{BANNER} {SANDBOX_BANNER}");
        }
        self.next_reset_text(now).map_or_else(|| BANNER.to_owned(), |next_reset| format!("{BANNER} {next_reset}"))
    }

    /// Sentence with the time of the next reset: `내일 09:00에 처음으로 돌아가요.`
    pub fn next_reset_text(&self, now: Moment) -> Option<String> {
        let next = self.plan.reset_every.next_after(self.created_at())?;
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

/// Deletes all rows and inserts the accounts and the generated orders.
fn recreate(tx: &mut dyn Tx, members: &[(DemoAccount, String)], orders: u64) -> Result<Moment, DemoError> {
    if !store::is_empty(tx)? && store::creation(tx)?.is_none() {
        return Err(DemoError::NotDemoData);
    }
    store::delete_all(tx)?;
    let (mut admin_id, mut driver_id) = (MemberId::UNSTORED, MemberId::UNSTORED);
    for (account, hash) in members {
        let id = members::store::add(tx, account.username, account.role, hash)??;
        match account.role {
            Role::Admin => admin_id = id,
            Role::Driver => driver_id = id,
            _ => {}
        }
    }
    let now = tx.now();
    generate_in_tx(tx, GenerateOptions::new(SEED, orders, now), &|done| {
        if done.is_multiple_of(LOG_INTERVAL_ORDERS) {
            tracing::info!(done, orders, "연습 주문을 만들고 있어요");
        }
    })?;
    let [name, tel, address, helper] =
        ["예시침대 (연습)", "054-000-0000", "경상북도 포항시 남구 예시로 1", "옆자리 선배 010-0000-0000"]
            .map(str::to_owned);
    shop::store::save(tx, &Shop { name, tel, address, helper, ..Shop::default() })?;
    trucks::insert(tx, (admin_id, driver_id))?;
    store::record_creation(tx, orders)?;
    Ok(now)
}

#[cfg(test)]
mod tests;
