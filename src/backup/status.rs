//! How the copying stands, for the page, the command line and the metrics.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use super::object_keys::Name;
use super::ownership::Identity;
use crate::storage::lock;
use crate::time::Moment;

/// The objects that one uploader of a target uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UploadKind {
    Segments,
    Snapshots,
}

/// How one target stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// the address
    pub target: String,
    /// up to when everything is there, UTC milliseconds
    pub copied_at: Option<i64>,
    /// bytes that wait on the shop's disk
    pub waiting_bytes: u64,
    /// when the newest snapshot was made that is there
    pub snapshot_at: Option<i64>,
    /// the stretch of time without a gap that it begins
    pub generation: Option<String>,
    /// how many objects are there, and their bytes
    pub objects: u64,
    /// … in bytes
    pub bytes: u64,
    /// why nothing goes there at the moment
    pub trouble: Option<Trouble>,
    /// why a snapshot does not
    pub snapshot_trouble: Option<Trouble>,
    /// whether the store writes over nothing when it is told not to; None before it was asked
    pub keeps_first: Option<bool>,
    /// the id of the key that copies are sealed with
    pub key: Option<String>,
    /// the last time that it was restored to see whether it can be
    pub proof: Option<Proof>,
}

impl Status {
    fn trouble_of(&mut self, what: UploadKind) -> &mut Option<Trouble> {
        match what {
            UploadKind::Segments => &mut self.trouble,
            UploadKind::Snapshots => &mut self.snapshot_trouble,
        }
    }
}

/// Why nothing goes to a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// another program writes there
    Other(Identity),
    /// a sentence
    Words(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Other(other) => write!(
                f,
                "다른 프로그램이 이 자리에 백업하고 있어요: {other}. 그 프로그램을 이제 쓰지 않으면 이어받을 수 있어요."
            ),
            Self::Words(words) => f.write_str(words),
        }
    }
}

/// A restore that was made to see whether it can be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// when
    pub at: i64,
    /// the moment of the newest commit that was in it
    pub restored_at: Option<i64>,
    /// how many orders were in it
    pub orders: Option<i64>,
    /// why it failed; None when it was right
    pub failure: Option<String>,
}

/// A status that changes while the program runs. It is written to a file as well, for the command
/// line.
pub(super) struct Report {
    status: Mutex<Status>,
    file: PathBuf,
    take_over: AtomicBool,
}

const FILE_NAME: &str = "status.json";
const PROOF: &str = "proof.json";

/// A file that says: take over from whoever writes there.
pub(super) const TAKE_OVER: &str = "take-over";

impl Report {
    pub(super) fn new(target: &str, key: Option<String>, folder: &Path) -> Self {
        let before = read(folder).filter(|before| before.target == target).unwrap_or_default();
        let status = Status { target: target.to_owned(), key, trouble: None, snapshot_trouble: None, ..before };
        let asked = folder.join(TAKE_OVER);
        let take_over = AtomicBool::new(asked.exists() && std::fs::remove_file(asked).is_ok());
        Self { status: Mutex::new(status), file: folder.join(FILE_NAME), take_over }
    }

    pub(super) fn status(&self) -> Status {
        let status = lock(&self.status).clone();
        Status { proof: self.file.parent().and_then(proof), ..status }
    }

    fn change(&self, change: impl FnOnce(&mut Status)) {
        let mut status = lock(&self.status);
        change(&mut status);
        // The shop's disk may be full; the page still says what is so.
        let _ = serde_json::to_vec(&*status).map(|json| std::fs::write(&self.file, json));
    }

    pub(super) fn trouble(&self, what: UploadKind, trouble: Trouble) {
        self.change(|status| *status.trouble_of(what) = Some(trouble));
    }

    pub(super) fn waits(&self, bytes: u64) {
        lock(&self.status).waiting_bytes = bytes;
    }

    pub(super) fn delivered(&self, name: &Name, now: Moment) {
        match name {
            Name::Snapshot { generation, at, .. } => self.change(|status| {
                status.snapshot_at = Some(*at);
                status.generation = Some(generation.clone());
            }),
            Name::Segment { at, .. } => {
                #[expect(clippy::cast_precision_loss, reason = "milliseconds of a delay")]
                let lag = (now.0 - at) as f64 / 1000.0;
                metrics::histogram!("mukkeum_backup_lag_duration_seconds").record(lag);
            }
            _ => {}
        }
    }

    /// Nothing of that kind waits; segments are there up to `caught_up`. They count when there is a
    /// snapshot to apply them to.
    pub(super) fn current(&self, what: UploadKind, caught_up: Option<(Moment, String)>, waiting_bytes: u64) {
        self.change(|status| {
            if let Some((at, generation)) = caught_up.filter(|_| what == UploadKind::Segments)
                && status.generation == Some(generation)
            {
                status.copied_at = status.copied_at.max(Some(at.0));
            }
            status.waiting_bytes = waiting_bytes;
            *status.trouble_of(what) = None;
        });
    }

    pub(super) fn holds(&self, objects: &[(Name, u64)]) {
        self.change(|status| {
            status.objects = objects.len() as u64;
            status.bytes = objects.iter().map(|(_, bytes)| bytes).sum();
        });
    }

    pub(super) fn keeps_first(&self, keeps: bool) {
        self.change(|status| status.keeps_first = Some(keeps));
    }

    /// Somebody said that this program takes over from another.
    pub(super) fn take_over(&self) {
        self.take_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn may_take_over(&self) -> bool {
        self.take_over.load(Ordering::Relaxed)
    }

    pub(super) fn taken_over(&self) {
        self.take_over.store(false, Ordering::Relaxed);
    }
}

/// What a running or the last program said.
pub(super) fn read(folder: &Path) -> Option<Status> {
    let status: Status = serde_json::from_slice(&std::fs::read(folder.join(FILE_NAME)).ok()?).ok()?;
    Some(Status { proof: proof(folder), ..status })
}

/// The last proof, whichever program made it.
fn proof(folder: &Path) -> Option<Proof> {
    serde_json::from_slice(&std::fs::read(folder.join(PROOF)).ok()?).ok()
}

pub(super) fn remember_proof(folder: &Path, proof: &Proof) -> io::Result<()> {
    std::fs::write(folder.join(PROOF), serde_json::to_vec(proof)?)
}
