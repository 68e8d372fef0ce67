//! State of each target, for the page, the command line and the metrics.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::object_keys::ObjectKey;
use super::ownership::Identity;
use super::proof_copies::ProofStatus;
use crate::storage::lock;
use crate::time::Moment;

/// The objects that one uploader of a target uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectClass {
    Segments,
    Snapshots,
}

/// State of one target. Times are UTC milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// address without secrets
    pub target: String,
    /// every commit up to this time is at the target
    pub copied_at: Option<i64>,
    /// bytes in the spool
    pub spool_bytes: u64,
    /// time of the newest snapshot at the target
    pub snapshot_at: Option<i64>,
    /// generation of that snapshot
    pub generation: Option<String>,
    /// number of objects at the target
    pub objects: u64,
    /// total size of those objects
    pub bytes: u64,
    /// why segments are not uploaded
    pub problem: Option<TargetProblem>,
    /// since when segments are not uploaded
    #[serde(default)]
    pub problem_since: Option<i64>,
    /// why snapshots are not uploaded
    pub snapshot_problem: Option<TargetProblem>,
    /// whether the store honours conditional puts; `None` before it was probed
    pub supports_conditional_put: Option<bool>,
    /// identifier of the encryption key
    pub key: Option<String>,
    /// photographs of deliveries
    #[serde(default)]
    pub proofs: ProofStatus,
    /// the last trial restore
    pub verification: Option<Verification>,
    /// how much of the trial restore that runs is done, in percent
    #[serde(skip)]
    pub verifying: Option<u64>,
    /// whether a snapshot was requested that is not at the target yet
    #[serde(skip)]
    pub is_snapshot_requested: bool,
}

impl TargetStatus {
    fn problem_of(&mut self, kind: ObjectClass) -> &mut Option<TargetProblem> {
        match kind {
            ObjectClass::Segments => &mut self.problem,
            ObjectClass::Snapshots => &mut self.snapshot_problem,
        }
    }
}

/// Why nothing is uploaded to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TargetProblem {
    /// another program owns the target
    OtherOwner(Identity),
    /// any other error, as a Korean sentence
    Message(String),
}

impl std::fmt::Display for TargetProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::OtherOwner(other) => write!(
                f,
                "다른 프로그램이 이곳에 백업하고 있어요: {other}. 그 프로그램을 이제 쓰지 않으면 이어받을 수 있어요."
            ),
            Self::Message(message) => f.write_str(message),
        }
    }
}

/// Result of a trial restore.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// time of the trial
    pub at: i64,
    /// time of the newest restored commit
    pub restored_at: Option<i64>,
    /// number of restored orders
    pub orders: Option<i64>,
    /// why the trial failed; `None` if it succeeded
    pub failure: Option<String>,
}

/// The status of a target while the program runs. Each change is also written to a file, for the command line.
pub(super) struct StatusReporter {
    status: Mutex<TargetStatus>,
    file: PathBuf,
    may_take_over: AtomicBool,
}

const STATUS_FILE: &str = "status.json";
const VERIFICATION_FILE: &str = "verification.json";

/// A file in the spool folder that makes the next start take the target over from its present owner.
pub(super) const TAKE_OVER_FILE: &str = "take-over";

impl StatusReporter {
    pub(super) fn new(target: &str, key: Option<String>, folder: &Path) -> Self {
        let previous = read_status(folder).filter(|previous| previous.target == target).unwrap_or_default();
        let status = TargetStatus { target: target.to_owned(), key, problem: None, snapshot_problem: None, ..previous };
        let request = folder.join(TAKE_OVER_FILE);
        let may_take_over = AtomicBool::new(request.exists() && std::fs::remove_file(request).is_ok());
        Self { status: Mutex::new(status), file: folder.join(STATUS_FILE), may_take_over }
    }

    pub(super) fn status(&self) -> TargetStatus {
        let status = lock(&self.status).clone();
        TargetStatus { verification: self.file.parent().and_then(read_verification), ..status }
    }

    fn change(&self, change: impl FnOnce(&mut TargetStatus)) {
        let mut status = lock(&self.status);
        change(&mut status);
        // A full disk must not stop the backup; the page reads the status from memory.
        let _ = serde_json::to_vec(&*status).map(|json| std::fs::write(&self.file, json));
    }

    pub(super) fn set_problem(&self, kind: ObjectClass, problem: TargetProblem, now: Moment) {
        self.change(|status| {
            *status.problem_of(kind) = Some(problem);
            // A moment in the future is from a time when the clock was wrong.
            if kind == ObjectClass::Segments && status.problem_since.is_none_or(|since| since > now.0) {
                status.problem_since = Some(now.0);
            }
        });
    }

    pub(super) fn set_spool_bytes(&self, bytes: u64) {
        lock(&self.status).spool_bytes = bytes;
    }

    pub(super) fn set_verifying(&self, percent: Option<u64>) {
        lock(&self.status).verifying = percent;
    }

    pub(super) fn snapshot_requested(&self) {
        lock(&self.status).is_snapshot_requested = true;
    }

    pub(super) fn uploaded(&self, key: &ObjectKey, now: Moment) {
        match key {
            ObjectKey::Snapshot { generation, at, .. } => self.change(|status| {
                status.snapshot_at = Some(*at);
                status.generation = Some(generation.clone());
                status.is_snapshot_requested = false;
            }),
            ObjectKey::Segment { at, .. } => {
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of a delay")]
                let lag = (now.0 - at) as f64 / 1000.0;
                metrics::histogram!("mukkeum_backup_lag_duration_seconds").record(lag);
            }
            _ => {}
        }
    }

    /// Records that no object of that kind waits. For segments, `caught_up` is the time up to which all are at
    /// the target, and their generation; it counts only once the target has a snapshot of that generation.
    pub(super) fn drained(&self, kind: ObjectClass, caught_up: Option<(Moment, String)>, spool_bytes: u64) {
        self.change(|status| {
            if let Some((at, generation)) = caught_up.filter(|_| kind == ObjectClass::Segments)
                && status.generation == Some(generation)
            {
                status.copied_at = status.copied_at.max(Some(at.0));
            }
            status.spool_bytes = spool_bytes;
            *status.problem_of(kind) = None;
            if kind == ObjectClass::Segments {
                status.problem_since = None;
            }
        });
    }

    pub(super) fn set_objects(&self, objects: &[(ObjectKey, u64)]) {
        self.change(|status| {
            status.objects = objects.len() as u64;
            status.bytes = objects.iter().map(|(_, bytes)| bytes).sum();
        });
    }

    pub(super) fn set_proofs(&self, proofs: ProofStatus) {
        if lock(&self.status).proofs != proofs {
            self.change(|status| status.proofs = proofs);
        }
    }

    pub(super) fn set_conditional_put(&self, is_supported: bool) {
        self.change(|status| status.supports_conditional_put = Some(is_supported));
    }

    /// Allows this program to take the target over from another one.
    pub(super) fn allow_take_over(&self) {
        self.may_take_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn may_take_over(&self) -> bool {
        self.may_take_over.load(Ordering::Relaxed)
    }

    /// Withdraws the permission of [`Self::allow_take_over`].
    pub(super) fn taken_over(&self) {
        self.may_take_over.store(false, Ordering::Relaxed);
    }
}

/// The status that the running program, or the last one, has written.
pub(super) fn read_status(folder: &Path) -> Option<TargetStatus> {
    let status: TargetStatus = serde_json::from_slice(&std::fs::read(folder.join(STATUS_FILE)).ok()?).ok()?;
    Some(TargetStatus { verification: read_verification(folder), ..status })
}

/// The last trial restore, by the server or by the command line.
fn read_verification(folder: &Path) -> Option<Verification> {
    serde_json::from_slice(&std::fs::read(folder.join(VERIFICATION_FILE)).ok()?).ok()
}

pub(super) fn write_verification(folder: &Path, verification: &Verification) -> io::Result<()> {
    std::fs::write(folder.join(VERIFICATION_FILE), serde_json::to_vec(verification)?)
}
