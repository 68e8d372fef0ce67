//! Where, how often and for how long the shop is backed up.

use std::time::Duration;

/// Where, how often and for how long the shop is backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupSettings {
    /// URLs of the targets; empty: no backup
    pub targets: Vec<String>,
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
