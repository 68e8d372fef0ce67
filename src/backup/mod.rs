//! Continuous backup: replicates every commit to one or more targets within a second, and restores any moment.
//!
//! SQLite appends the pages of each commit to its write-ahead log (WAL, the file `…-wal`). A *checkpoint* copies
//! pages from the WAL into the main file; once all are copied, SQLite restarts the WAL from its first frame. The
//! main file and every WAL frame since are therefore the complete history of the shop.
//!
//! 1. **Ship** ([`wal_shipper`], a thread). After each commit it reads the new frames ([`wal`]), verifies SQLite's
//!    salts and checksums, and writes them as a *segment* ([`object`]: compressed, optionally encrypted) to the
//!    [`spool`] of each target on the local disk. Segments are numbered; each contains the digest of its
//!    predecessor and its start and end position in the WAL ([`replication`]).
//! 2. **Upload** ([`uploader`], two tasks per target). Segments are uploaded in order with a conditional put. A
//!    target that is unreachable, slow or full does not affect the shop: the spool grows up to its limit and is
//!    uploaded later.
//! 3. **Checkpoint**. Only the shipper runs checkpoints, and only of shipped frames. A read transaction of its own
//!    pins the WAL: SQLite never copies frames newer than the oldest reader and never restarts the WAL under one,
//!    so neither the engine nor an external `sqlite3` can discard frames before they are shipped. Most of a
//!    checkpoint runs beside commits; commits are blocked for some milliseconds for the last frames. Then SQLite
//!    may restart the WAL once, and the salts of the next segment show that it was exactly once.
//! 4. **Snapshot** ([`snapshot`]): a copy of the main file by age, by volume, or on request, while commits
//!    continue. Pages that a checkpoint changes during the copy are in the segments since the last restart of the
//!    WAL, so snapshot and segments together are consistent.
//! 5. **Resume**. At the start replication continues if the WAL still contains the end of the last segment, with
//!    the same checksum. Otherwise (an older file was installed, another program has checkpointed the WAL, or a
//!    power failure has truncated it) a new *generation* starts: a random name, segments from 1, a snapshot. The
//!    same happens whenever frames do not continue. Old generations stay until retention deletes them.
//! 6. **Restore** ([`restore_plan`], [`mod@restore`]): the newest snapshot before the moment and the segments after
//!    it. A missing, damaged or foreign segment stops the restore with an error that names it. The result is
//!    checked ([`store::integrity`]) before it is installed.
//! 7. **Verify** ([`verify`]): a trial restore, compared with the shop, every day. **Retention** ([`retention`])
//!    deletes by age, but never an object that the newest two verified snapshots need.
//! 8. **Photographs** ([`proof_copies`]) are files outside the database; each is copied once. The **answered demands** of people
//!    ([`request_copies`]) are a list beside the history, so that an older moment undoes none.
//! 9. **Ownership** ([`ownership`]): one program writes to a target; another one is refused until an
//!    administrator takes the target over.
//!
//! Caution: on Unix, closing any file descriptor of the database drops all locks of the process on it, SQLite's
//! included, and another program could then delete the WAL. This room never opens the live database file; the
//! snapshot reads through the descriptor that storage keeps open ([`Wal::main_file`]).

mod key;
mod list;
mod mariadb_dump;
mod object;
mod object_keys;
mod ownership;
pub mod pages;
mod probe;
mod proof_copies;
mod replication;
mod request_copies;
mod restore;
mod restore_plan;
mod retention;
mod snapshot;
mod spool;
mod status;
mod store;
#[cfg(test)]
mod tests;
mod uploader;
mod verify;
mod wal;
mod wal_shipper;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::key::{KEY_FILE, Key, KeyError};
pub use self::list::{SnapshotRow, TARGET_FOLDER, backup_in, list_snapshots};
pub use self::mariadb_dump::{DumpError, MariaDbDump};
pub use self::ownership::Identity;
use self::ownership::Owner;
pub use self::probe::probe;
pub use self::proof_copies::{ProofStatus, RestoreProofsError, RestoredProofs, restore_proofs};
use self::replication::TargetReplication;
pub use self::request_copies::{RestoreRequestsError, restore_requests};
use self::restore::ProgressFn;
pub use self::restore::{RestoreError, RestoreOutcome, beside, discard, install, restore, restore_beside};
pub use self::restore_plan::PlanError;
use self::spool::Spool;
use self::status::{ObjectClass, StatusReporter};
pub use self::status::{TargetProblem, TargetStatus, Verification};
pub use self::store::integrity::{IntegrityError, ShopSummary, check_integrity};
use self::uploader::{UploadTiming, Uploader};
use self::wal_shipper::{Command, ShipperHandle, WalShipper};
use crate::config::BackupSettings;
pub use crate::objects::{Target, TargetError};
use crate::privacy::answered::AnsweredRequests;
use crate::proofs::files::ProofFiles;
use crate::storage::{Storage, Wal, lock};
use crate::time::Moment;

/// Folder of the spools in the data folder.
const BACKUP_FOLDER: &str = "backup";

/// File in that folder with which the command line requests a snapshot from the running program.
const SNAPSHOT_REQUEST_FILE: &str = "snapshot-request";

/// Time between two updates of the metrics, and two checks whether a verification is due.
const SCHEDULE_INTERVAL: Duration = Duration::from_secs(10);

/// Time between two copies of photographs and of answered demands.
const COPY_INTERVAL: Duration = Duration::from_secs(30);

/// Why the backup cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address of a target is invalid.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The encryption key cannot be loaded.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The spool's folder cannot be created or read.
    #[error("백업이 쓰는 폴더를 만들지 못했어요: {0}")]
    Folder(#[from] io::Error),
}

/// The backup of a running shop; cheap to clone.
#[derive(Clone)]
pub struct Backup {
    inner: Arc<Inner>,
}

struct Inner {
    targets: Vec<BackupTarget>,
    key: Option<Key>,
    shipper: ShipperHandle,
    shipper_thread: Mutex<Option<JoinHandle<()>>>,
    uploaders: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
    storage: Storage,
    us: Identity,
}

struct BackupTarget {
    target: Target,
    /// its spool
    folder: PathBuf,
    reporter: Arc<StatusReporter>,
    /// held during a verification: one at a time
    verifying: tokio::sync::Mutex<()>,
    /// hashes of the photographs at the target; none before they were listed
    proofs: tokio::sync::Mutex<Option<BTreeSet<String>>>,
    /// answered demands at the target; none before they were read
    requests: tokio::sync::Mutex<Option<AnsweredRequests>>,
}

/// The targets of the settings.
///
/// # Errors
/// [`TargetError::InvalidAddress`] for the first invalid address.
pub fn targets(settings: &BackupSettings) -> Result<Vec<Target>, TargetError> {
    settings.targets.iter().map(|address| open_target_with(address, settings.credentials.of(address))).collect()
}

/// The status of each target, as the running program or the last one has written it.
///
/// # Errors
/// [`TargetError::InvalidAddress`] for the first invalid address.
pub fn statuses(settings: &BackupSettings, data: &Path) -> Result<Vec<TargetStatus>, TargetError> {
    let status = |target: Target| {
        let none = TargetStatus { target: target.shown.clone(), ..TargetStatus::default() };
        status::read_status(&spool_folder(data, &target)).unwrap_or(none)
    };
    Ok(targets(settings)?.into_iter().map(status).collect())
}

/// The target of an address, with credentials, region and endpoint from the environment.
///
/// # Errors
/// [`TargetError::InvalidAddress`].
pub fn open_target(address: &str) -> Result<Target, TargetError> {
    open_target_with(address, Vec::new())
}

/// The target of an address with these credentials; without any, with those of the environment.
///
/// # Errors
/// [`TargetError::InvalidAddress`].
pub fn open_target_with(address: &str, options: Vec<(String, String)>) -> Result<Target, TargetError> {
    Target::open(address, options)
}

fn spool_folder(data: &Path, target: &Target) -> PathBuf {
    data.join(BACKUP_FOLDER).join(target.id())
}

/// Verifies `target` by a trial restore and stores the result in its status.
pub async fn verify_target(target: &Target, key: Option<&Key>, data: &Path, storage: &Storage) -> Verification {
    verify_and_record(target, key, &spool_folder(data, target), storage, &mut |_, _| ()).await
}

async fn verify_and_record(
    target: &Target,
    key: Option<&Key>,
    folder: &Path,
    storage: &Storage,
    progress: ProgressFn<'_>,
) -> Verification {
    let at = storage.clock().now().0;
    let verification = match verify::restore_and_compare(target, key, folder, storage, progress).await {
        Ok(restored) => {
            Verification { at, restored_at: Some(restored.at.0), orders: Some(restored.summary.orders), failure: None }
        }
        Err(error) => {
            tracing::error!(%error, target = target.shown, "복원 테스트에 실패했어요");
            Verification { at, restored_at: None, orders: None, failure: Some(error.to_string()) }
        }
    };
    if let Err(error) = status::write_verification(folder, &verification) {
        tracing::error!(%error, "복원 테스트의 결과를 저장하지 못했어요");
    }
    verification
}

/// Requests a snapshot from the running program.
///
/// # Errors
/// The data folder cannot be written to.
pub fn request_snapshot(data: &Path) -> io::Result<()> {
    std::fs::write(data.join(BACKUP_FOLDER).join(SNAPSHOT_REQUEST_FILE), "")
}

/// Allows the next start to take over the targets of the settings from other programs.
///
/// # Errors
/// An address is invalid, or the data folder cannot be written to.
pub fn take_over_at_start(settings: &BackupSettings, data: &Path) -> Result<(), StartError> {
    for target in targets(settings)? {
        let folder = spool_folder(data, &target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(status::TAKE_OVER_FILE), "")?;
    }
    Ok(())
}

impl Backup {
    /// Starts the shipper thread and the uploaders. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]. An unreachable target is no error: its objects wait in the spool.
    pub fn start(settings: &BackupSettings, data: &Path, storage: &Storage, wal: Wal) -> Result<Self, StartError> {
        Self::start_with(targets(settings)?, settings, UploadTiming::default(), data, storage, wal)
    }

    fn start_with(
        targets: Vec<Target>,
        settings: &BackupSettings,
        timing: UploadTiming,
        data: &Path,
        storage: &Storage,
        wal: Wal,
    ) -> Result<Self, StartError> {
        let key = Key::load(data)?;
        let (stopping, stops) = watch::channel(false);
        let (sender, commands) = mpsc::channel();
        let shipper = ShipperHandle::new(sender, Arc::clone(wal.commits()));
        let folder = data.join(BACKUP_FOLDER);
        std::fs::create_dir_all(&folder)?;
        let us = Identity::load_or_create(data, &folder)?;
        let snapshot_request = folder.join(SNAPSHOT_REQUEST_FILE);
        let (mut backup_targets, mut replications, mut uploaders) = (Vec::new(), Vec::new(), JoinSet::new());
        for (index, target) in targets.into_iter().enumerate() {
            let folder = spool_folder(data, &target);
            let spool = Arc::new(Spool::open(folder.clone(), settings.spool_limit_bytes)?);
            let reporter = Arc::new(StatusReporter::new(&target.shown, key.as_ref().map(Key::id), &folder));
            replications.push(TargetReplication { spool: Arc::clone(&spool), key: key.clone(), generation: None });
            for kind in [ObjectClass::Segments, ObjectClass::Snapshots] {
                let uploader = Uploader {
                    index,
                    target: target.clone(),
                    spool: Arc::clone(&spool),
                    us: us.clone(),
                    reporter: Arc::clone(&reporter),
                    shipper: shipper.clone(),
                    clock: Arc::clone(storage.clock()),
                    retention: settings.retention,
                    kind,
                    timing,
                    stopping: stops.clone(),
                };
                uploaders.spawn(uploader.run());
            }
            let (verifying, proofs) = (tokio::sync::Mutex::default(), tokio::sync::Mutex::default());
            let requests = tokio::sync::Mutex::default();
            backup_targets.push(BackupTarget { target, folder, reporter, verifying, proofs, requests });
        }
        let clock = Arc::clone(storage.clock());
        let thread = WalShipper::new(
            wal,
            replications,
            (commands, snapshot_request),
            shipper.clone(),
            clock,
            settings.snapshot_every,
        )?;
        let thread = std::thread::Builder::new().name("backup".to_owned()).spawn(move || thread.run())?;
        let inner = Inner {
            targets: backup_targets,
            key,
            shipper,
            shipper_thread: Mutex::new(Some(thread)),
            uploaders: Mutex::new(uploaders),
            stopping,
            storage: storage.clone(),
            us,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Status of each target.
    pub fn statuses(&self) -> Vec<TargetStatus> {
        self.inner.targets.iter().map(|target| target.reporter.status()).collect()
    }

    /// Requests a snapshot for each target.
    pub fn snapshot(&self) {
        self.inner.targets.iter().for_each(|target| target.reporter.snapshot_requested());
        self.inner.shipper.send(Command::Snapshot);
    }

    /// Allows this program to take over the target of that index from another program; false if there is no such
    /// target.
    pub fn take_over(&self, index: usize) -> bool {
        self.inner.targets.get(index).map(|target| target.reporter.allow_take_over()).is_some()
    }

    /// Verifies the target of that index by a trial restore and stores the result in its status; `None` if there
    /// is no such target.
    pub async fn verify(&self, index: usize) -> Option<Verification> {
        let BackupTarget { target, folder, reporter, verifying, .. } = self.inner.targets.get(index)?;
        let _guard = verifying.lock().await;
        reporter.set_verifying(Some(0));
        let mut progress = |done: u64, all: u64| reporter.set_verifying(Some(done * 100 / all.max(1)));
        let key = self.inner.key.as_ref();
        let verification = verify_and_record(target, key, folder, &self.inner.storage, &mut progress).await;
        reporter.set_verifying(None);
        Some(verification)
    }

    /// Copies photographs to each target, as far as it lacks them, and removes destroyed ones.
    pub async fn copy_proofs(&self, files: &ProofFiles) {
        for target in &self.inner.targets {
            let mut known = target.proofs.lock().await;
            let BackupTarget { target, reporter, .. } = target;
            let copied = async {
                // Only the owner of a target changes it. Before the first claim there is none.
                match ownership::current_owner(target, &self.inner.us).await?.1 {
                    Owner::Us => {
                        let to = (target, self.inner.key.as_ref());
                        proof_copies::copy(to, files, &self.inner.storage, &mut known).await.map(Some)
                    }
                    Owner::None | Owner::Other(_) => Ok(None),
                }
            };
            match copied.await {
                Ok(Some(status)) => reporter.set_proofs(status),
                Ok(None) => *known = None,
                Err(error) => {
                    tracing::warn!(%error, target = target.shown, "배송 증빙 사진을 백업하지 못했어요. 곧 다시 해요");
                    *known = None;
                    let status = reporter.status().proofs;
                    reporter.set_proofs(ProofStatus { problem: Some(error.to_string()), ..status });
                }
            }
        }
    }

    /// Copies the answered demands to each target whose list lacks some, and records those again that the shop lacks.
    pub async fn copy_requests(&self) {
        let Inner { key, storage, us, .. } = &*self.inner;
        for BackupTarget { target, requests, .. } in &self.inner.targets {
            let mut known = requests.lock().await;
            let copied: Result<(), proof_copies::ProofCopyError> = async {
                if !request_copies::has_changed(storage, known.as_ref()).await? {
                    return Ok(());
                }
                match ownership::current_owner(target, us).await?.1 {
                    Owner::Us => request_copies::copy((target, key.as_ref()), storage, &mut known).await,
                    Owner::None | Owner::Other(_) => Ok(()),
                }
            }
            .await;
            if let Err(error) = copied {
                tracing::warn!(%error, target = target.shown, "답한 본인 요구의 목록을 백업하지 못했어요. 곧 다시 해요");
            }
        }
    }

    /// Background job that copies photographs and answered demands soon after they came; never returns.
    pub async fn run_copies(&self, files: ProofFiles) {
        loop {
            tokio::time::sleep(COPY_INTERVAL).await;
            self.copy_proofs(&files).await;
            self.copy_requests().await;
        }
    }

    /// Background job that verifies each target at that interval (`None`: never) and updates the metrics; never
    /// returns. An overdue verification runs soon after the start.
    pub async fn run_scheduled_verification(&self, verify_interval: Option<Duration>) {
        let interval_ms = verify_interval.map(|interval| i64::try_from(interval.as_millis()).unwrap_or(i64::MAX));
        loop {
            tokio::time::sleep(SCHEDULE_INTERVAL).await;
            let now = self.inner.storage.clock().now();
            self.update_metrics(now);
            for (index, status) in self.statuses().iter().enumerate() {
                let last = status.verification.as_ref().map_or(0, |verification| verification.at);
                if status.snapshot_at.is_some() && interval_ms.is_some_and(|interval| now.0 - last >= interval) {
                    self.verify(index).await;
                }
            }
        }
    }

    fn update_metrics(&self, now: Moment) {
        #[expect(clippy::cast_precision_loss, reason = "seconds and bytes of a figure")]
        let seconds_since = |at: Option<i64>| at.map(|at| (now.0 - at) as f64 / 1000.0);
        for status in self.statuses() {
            let gauge = |name: &'static str, value: Option<f64>| {
                if let Some(value) = value {
                    metrics::gauge!(name, "target" => status.target.clone()).set(value);
                }
            };
            gauge("mukkeum_backup_age_seconds", seconds_since(status.copied_at));
            gauge("mukkeum_backup_snapshot_age_seconds", seconds_since(status.snapshot_at));
            let verified = status.verification.as_ref().filter(|verification| verification.failure.is_none());
            gauge(
                "mukkeum_backup_verification_age_seconds",
                seconds_since(verified.map(|verification| verification.at)),
            );
            #[expect(clippy::cast_precision_loss, reason = "bytes of a figure")]
            gauge("mukkeum_backup_spool_bytes", Some(status.spool_bytes as f64));
            gauge("mukkeum_backup_failing_seconds", seconds_since(status.problem_since));
            gauge("mukkeum_backup_failing", Some(f64::from(u8::from(status.problem.is_some()))));
        }
    }

    /// Ships the last commits and waits until they are uploaded, at most `timeout`. The next start uploads the
    /// rest.
    pub async fn stop(&self, timeout: Duration) {
        self.inner.shipper.send(Command::Stop);
        let thread = lock(&self.inner.shipper_thread).take();
        if let Some(thread) = thread {
            // A panic of the thread has already been logged.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
        self.inner.stopping.send_replace(true);
        let mut uploaders = std::mem::take(&mut *lock(&self.inner.uploaders));
        let all = async { while uploaders.join_next().await.is_some() {} };
        if tokio::time::timeout(timeout, all).await.is_err() {
            tracing::warn!("아직 복사하지 못한 백업이 있어요. 다음에 켜면 복사해요");
        }
    }
}
