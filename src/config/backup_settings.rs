//! Where, how often and for how long the shop is backed up.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// Credentials of backup targets by address: options of the store under the names of its own tools. Never printed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StoreCredentials(BTreeMap<String, Vec<(String, String)>>);

impl StoreCredentials {
    pub(super) fn new(options: BTreeMap<String, Vec<(String, String)>>) -> Self {
        Self(options)
    }

    /// The options of the target with this address; none: those of the environment.
    pub fn of(&self, address: &str) -> Vec<(String, String)> {
        self.0.get(address).cloned().unwrap_or_default()
    }
}

impl fmt::Debug for StoreCredentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where, how often and for how long the shop is backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSettings {
    /// URLs of the targets; empty: no backup
    pub targets: Vec<String>,
    /// credentials that the page 설정 has saved
    pub credentials: StoreCredentials,
    /// whether backups are written without encryption: everybody who can read the target can read the orders, and who can
    /// write to it can change them unnoticed
    pub is_unsealed: bool,
    /// maximum age of the newest snapshot
    pub snapshot_every: Duration,
    /// interval of the verification by a trial restore; None: only on request
    pub verify_every: Option<Duration>,
    /// maximum size of one target's queue, in bytes
    pub spool_limit_bytes: u64,
    /// how long backups are retained
    pub retention: Retention,
}

/// How long backups are retained at a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// for how long any moment can be restored
    pub moments: Duration,
    /// for how many days one snapshot a day is retained
    pub days: u32,
    /// for how many months one snapshot a month is retained
    pub months: u32,
}

impl Default for Retention {
    fn default() -> Self {
        Self { moments: Duration::from_hours(72), days: 31, months: 12 }
    }
}
