//! Collects the facts of notices and first steps, and remembers for the bar of every page how many notices wait.

use std::sync::{Arc, Mutex};

use crate::backup::{Backup, TargetStatus};
use crate::config::{Config, Database};
use crate::members::model::Role;
use crate::objects::is_on_disk_of;
use crate::server::Endpoints;
use crate::storage::{Result, Storage, lock};
use crate::time::Moment;

use super::dashboard;
use super::first_steps::{FirstStep, ShopProgress, first_steps};
use super::notices::{BackupFact, MachineFacts, Notice, for_orders, notices, waiting_count};

/// Age up to which the count of the bar is reused.
const MAX_COUNT_AGE_MS: i64 = 30_000;

/// What the notices watch besides the database. The pages of an administrator take it as a sub-state.
#[derive(Clone)]
pub struct Watch {
    config: Arc<Config>,
    urls: Endpoints,
    backup: Option<Backup>,
    is_demo: bool,
    counted: CountCache,
}

/// The last counts of waiting notices, and their time. All pages of a process share them.
#[derive(Clone, Debug, Default)]
pub struct CountCache(Arc<Mutex<Option<(Moment, WaitingCounts)>>>);

/// How many notices wait, by who sees them.
#[derive(Clone, Copy, Debug)]
struct WaitingCounts {
    admin: usize,
    orders: usize,
}

impl WaitingCounts {
    fn of(self, role: Role) -> usize {
        match role {
            Role::Admin => self.admin,
            Role::Orders => self.orders,
            Role::Logistics | Role::Support | Role::Viewer | Role::Driver => 0,
        }
    }
}

impl Watch {
    /// Watches this shop.
    pub fn new(
        config: Arc<Config>,
        urls: Endpoints,
        backup: Option<Backup>,
        is_demo: bool,
        counted: CountCache,
    ) -> Self {
        Self { config, urls, backup, is_demo, counted }
    }

    /// The facts of this computer.
    pub fn machine(&self, now: Moment) -> MachineFacts {
        let backup = match (&self.backup, &self.config.database) {
            _ if self.is_demo => BackupFact::NotNeeded,
            (_, Database::MariaDb(_)) => BackupFact::NotNeeded,
            (Some(backup), Database::Sqlite(_)) => {
                let statuses = backup.statuses();
                let is_beside = |status: &TargetStatus| is_on_disk_of(&status.target, &self.config.data);
                if !statuses.is_empty() && statuses.iter().all(is_beside) {
                    BackupFact::SameDisk(statuses)
                } else {
                    BackupFact::Targets(statuses)
                }
            }
            (None, Database::Sqlite(_)) => BackupFact::Off,
        };
        MachineFacts {
            now,
            backup,
            certificate_days: self.urls.certificate().map(|certificate| certificate.days_left(now)),
            is_insecure: self.urls.is_insecure(),
            free_bytes: fs4::available_space(&self.config.data).ok(),
        }
    }

    /// The steps that a new shop lacks; none in a demo.
    pub fn first_steps(&self, progress: ShopProgress) -> Vec<FirstStep> {
        if self.is_demo {
            return Vec::new();
        }
        let is_backed_up = self.backup.is_some() || matches!(self.config.database, Database::MariaDb(_));
        // A proxy is how other devices connect where the program itself has no certificate.
        let is_public = self.urls.is_public() || (self.config.behind_tls && self.config.tls.is_none());
        first_steps(ShopProgress { is_backed_up, is_public, ..progress })
    }

    /// Remembers how many of these notices wait.
    pub fn remember(&self, now: Moment, notices: &[Notice]) {
        let counts =
            WaitingCounts { admin: waiting_count(notices), orders: waiting_count(&for_orders(notices.to_vec())) };
        *lock(&self.counted.0) = Some((now, counts));
    }

    /// How many notices wait for those of a role, counted again after half a minute.
    pub async fn waiting(&self, storage: &Storage, role: Role) -> Result<usize> {
        let now = storage.clock().now();
        let remembered = || (*lock(&self.counted.0)).filter(|(at, _)| (0..MAX_COUNT_AGE_MS).contains(&(now.0 - at.0)));
        if let Some((_, counts)) = remembered() {
            return Ok(counts.of(role));
        }
        let work = storage.read_replica(move |tx| dashboard::open_work(tx, now.date())).await?;
        self.remember(now, &notices(&work, &self.machine(now)));
        Ok(remembered().map_or(0, |(_, counts)| counts.of(role)))
    }
}
