//! Backup: every commit is copied away within a second, and can be restored to any moment.
//!
//! # How it works
//!
//! SQLite writes a commit to its *log* (the file `…-wal`): the pages that the commit changed, one
//! behind the other, each with a checksum over all before it. Now and then a *checkpoint* moves the
//! pages into the main file, and when all are there the log begins anew. So the main file and every
//! log since then are the whole history of the shop, and that is what is copied:
//!
//! 1. **Follow** ([`wal_shipper`], a thread). After each commit read what the log has more ([`wal`]), check
//!    SQLite's salts and checksums, and put it as a *segment* ([`object`], compressed and perhaps
//!    encrypted) into a folder on the shop's own disk, the [`spool`]; one for each target. Segments are
//!    numbered; each names the hash of the one before and the place in the log where it begins and
//!    ends.
//! 2. **Deliver** ([`uploader`], a task for each target). Put what is in the spool to the target, in
//!    order, under a name that must not exist there. A target that is away, slow or full changes
//!    nothing for the shop: the spool fills up to its limit and drains later.
//! 3. **Checkpoint**, only we and only what was copied. A reader of our own always stays behind in
//!    the log; SQLite moves nothing that is newer than the oldest reader and never begins the log
//!    anew under one, so neither the engine nor a curious `sqlite3` can make frames disappear before
//!    they were copied. Most of a checkpoint happens while commits go on; for its last frames
//!    nobody may commit for some milliseconds. Then the log may begin anew, once, and the salts of
//!    the next segment show that it did exactly that.
//! 4. **Snapshot** ([`snapshot`]): by age, by volume, and when asked, copy the main file as it lies
//!    there while everybody works. What a checkpoint changed under the copy is in the log, and so in the
//!    segments since the log began: snapshot plus segments is right, the snapshot alone is nothing.
//! 5. **Start**. The last segment says where copying stopped. If the log still has exactly that
//!    frame with exactly that checksum, go on. Otherwise (an older file was put in place, somebody
//!    else closed the database, a power cut ate the log) begin a new *generation*: a random name,
//!    segments from 1, a snapshot. The same when anything does not follow while running. Old
//!    generations stay until retention takes them.
//! 6. **Restore** ([`restore_plan`], [`restore`]), from the names at the target alone: the newest snapshot before the
//!    moment, then the segments after it. A segment that is missing, damaged, of another place or out
//!    of order is named and ends it. What was built is examined as a shop before it is put in
//!    place.
//! 7. **Prove** ([`verify`]): restore for a trial and compare with the shop, every day. **Retention**
//!    ([`retention`]) forgets by age, but nothing that the newest two proven snapshots need.
//! 8. **Two programs** never write to one place: the newest [`ownership`] counts, and another one is
//!    refused until a person says that it takes over.
//!
//! A trap: on Unix, closing any descriptor of the database file drops all locks that the process has
//! on it, SQLite's too, and then another program may delete the log under us. Nothing here opens
//! the live file; the snapshot reads through the descriptor that storage keeps open
//! ([`Wal::main_file`]).

mod integrity;
mod key;
mod list;
mod mariadb_dump;
mod object;
mod object_keys;
mod ownership;
pub mod pages;
mod replica;
mod restore;
mod restore_plan;
mod retention;
mod snapshot;
mod spool;
mod status;
mod target;
#[cfg(test)]
mod tests;
mod uploader;
mod verify;
mod wal;
mod wal_shipper;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

pub use self::integrity::{Figures, Finding, examine};
pub use self::key::{FILE_NAME as KEY_FILE, Key, KeyError};
pub use self::list::{Copies, list};
pub use self::mariadb_dump::{Dump, DumpError};
pub use self::ownership::Identity;
use self::replica::Line;
pub use self::restore::{RestoreError, Restored, put_in_place, restore};
pub use self::restore_plan::PlanError;
pub use self::retention::Keep;
use self::spool::Spool;
pub use self::status::{Proof, Status, Trouble};
use self::status::{Report, UploadKind};
pub use self::target::{Target, TargetError};
use self::uploader::Delivery;
pub use self::verify::{VerifyError, verify};
use self::wal_shipper::{Ask, Follower, Voice};
use crate::storage::{Storage, Wal, lock};
use crate::time::Moment;

/// The folder in the data folder with everything that the backup needs.
const FOLDER: &str = "backup";

/// A file in it that asks the running program for a snapshot.
const ASK: &str = "snapshot-please";

/// How often it is looked whether a proof is due, and how it all stands is told to `/metrics`.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How the shop is backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// addresses of targets; none: no backup
    pub targets: Vec<String>,
    /// how old a snapshot becomes before the next
    pub snapshot_every: Duration,
    /// how often it is proven; None: only when asked
    pub verify_every: Option<Duration>,
    /// how much may wait for one target, bytes
    pub queue_bytes: u64,
    /// what is kept
    pub keep: Keep,
}

/// Why no backup can be made at all.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The folder of what waits.
    #[error("백업이 쓰는 폴더를 만들지 못했어요: {0}")]
    Folder(#[from] io::Error),
}

/// The backup of a running shop; cheap to clone.
#[derive(Clone)]
pub struct Backup {
    inner: Arc<Inner>,
}

struct Inner {
    places: Vec<Place>,
    key: Option<Key>,
    voice: Voice,
    follower: Mutex<Option<JoinHandle<()>>>,
    deliveries: Mutex<JoinSet<()>>,
    stopping: watch::Sender<bool>,
    storage: Storage,
}

struct Place {
    target: Target,
    folder: PathBuf,
    report: Arc<Report>,
    /// One proof at a time.
    proving: tokio::sync::Mutex<()>,
}

impl Plan {
    /// What object stores read of the surroundings: credentials, regions, endpoints.
    fn options() -> impl Iterator<Item = (String, String)> {
        std::env::vars().filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|store| name.starts_with(store)))
    }

    /// The targets of the plan.
    ///
    /// # Errors
    /// An address that no store has.
    pub fn targets(&self) -> Result<Vec<Target>, TargetError> {
        self.targets.iter().map(|address| open(address)).collect()
    }

    /// The status of each target as the running or the last program left it.
    ///
    /// # Errors
    /// An address that no store has.
    pub fn statuses(&self, data: &Path) -> Result<Vec<Status>, TargetError> {
        let status = |target: Target| {
            let none = Status { target: target.shown.clone(), ..Status::default() };
            status::read(&folder(data, &target)).unwrap_or(none)
        };
        Ok(self.targets()?.into_iter().map(status).collect())
    }
}

/// The target of an address, with the credentials of the surroundings.
///
/// # Errors
/// An address that no store has.
pub fn open(address: &str) -> Result<Target, TargetError> {
    Target::parse(address, Plan::options())
}

fn folder(data: &Path, target: &Target) -> PathBuf {
    data.join(FOLDER).join(target.id())
}

/// Restores the newest copies of `target` for a trial, compares them with the shop and remembers how it
/// went.
pub async fn prove(target: &Target, key: Option<&Key>, data: &Path, storage: &Storage) -> Proof {
    prove_in(target, key, &folder(data, target), storage).await
}

async fn prove_in(target: &Target, key: Option<&Key>, folder: &Path, storage: &Storage) -> Proof {
    let at = storage.clock().now();
    let proof = match verify(target, key, folder, storage).await {
        Ok(restored) => {
            Proof { at: at.0, restored_at: Some(restored.at.0), orders: Some(restored.figures.orders), failure: None }
        }
        Err(error) => {
            tracing::error!(%error, target = target.shown, "the backup could not be proven");
            Proof { at: at.0, restored_at: None, orders: None, failure: Some(error.to_string()) }
        }
    };
    if let Err(error) = status::remember_proof(folder, &proof) {
        tracing::error!(%error, "a proof could not be remembered");
    }
    proof
}

/// Has the running program take a snapshot.
///
/// # Errors
/// The data folder cannot be written to.
pub fn ask_for_snapshot(data: &Path) -> io::Result<()> {
    std::fs::write(data.join(FOLDER).join(ASK), "")
}

/// Lets the next start take over targets from another program.
///
/// # Errors
/// An address, or the data folder cannot be written to.
pub fn take_over_at_start(plan: &Plan, data: &Path) -> Result<(), StartError> {
    for target in plan.targets()? {
        let folder = folder(data, &target);
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(status::TAKE_OVER), "")?;
    }
    Ok(())
}

impl Backup {
    /// Begins to copy `log`, wants a runtime to deliver in.
    ///
    /// # Errors
    /// A [`StartError`]. A target that is away is none: its copies wait.
    pub fn start(plan: &Plan, data: &Path, storage: &Storage, log: Wal) -> Result<Self, StartError> {
        Self::start_to(plan.targets()?, plan, data, storage, log)
    }

    fn start_to(
        targets: Vec<Target>,
        plan: &Plan,
        data: &Path,
        storage: &Storage,
        log: Wal,
    ) -> Result<Self, StartError> {
        let key = Key::of_folder(data)?;
        let (stopping, stops) = watch::channel(false);
        let (asks, asked) = mpsc::channel();
        let voice = Voice::new(asks, Arc::clone(log.commits()));
        std::fs::create_dir_all(data.join(FOLDER))?;
        let us = Identity::of_folder(data, &data.join(FOLDER))?;
        let (mut places, mut lines, mut deliveries) = (Vec::new(), Vec::new(), JoinSet::new());
        for (place, target) in targets.into_iter().enumerate() {
            let folder = folder(data, &target);
            let spool = Arc::new(Spool::open(folder.clone(), plan.queue_bytes)?);
            let report = Arc::new(Report::new(&target.shown, key.as_ref().map(Key::id), &folder));
            lines.push(Line { spool: Arc::clone(&spool), key: key.clone(), following: None });
            for what in [UploadKind::Segments, UploadKind::Snapshots] {
                let delivery = Delivery {
                    place,
                    target: target.clone(),
                    spool: Arc::clone(&spool),
                    us: us.clone(),
                    report: Arc::clone(&report),
                    voice: voice.clone(),
                    clock: Arc::clone(storage.clock()),
                    keep: plan.keep,
                    what,
                    stopping: stops.clone(),
                };
                deliveries.spawn(delivery.run());
            }
            places.push(Place { target, folder, report, proving: tokio::sync::Mutex::default() });
        }
        let clock = Arc::clone(storage.clock());
        let ask = data.join(FOLDER).join(ASK);
        let follower = Follower::new(log, lines, (asked, ask), voice.clone(), clock, plan.snapshot_every)?;
        let follower = std::thread::Builder::new().name("backup".to_owned()).spawn(move || follower.run())?;
        let (follower, deliveries) = (Mutex::new(Some(follower)), Mutex::new(deliveries));
        let storage = storage.clone();
        let inner = Inner { places, key, voice, follower, deliveries, stopping, storage };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// How each target stands.
    pub fn statuses(&self) -> Vec<Status> {
        self.inner.places.iter().map(|place| place.report.status()).collect()
    }

    /// Has a snapshot taken for each target.
    pub fn snapshot(&self) {
        self.inner.voice.ask(Ask::Snapshot);
    }

    /// Lets a target go over to this program, whoever wrote there before. False for a place that there
    /// is not.
    pub fn take_over(&self, place: usize) -> bool {
        self.inner.places.get(place).map(|place| place.report.take_over()).is_some()
    }

    /// Restores the newest copies of a target for a trial and remembers how it went; None for a place
    /// that there is not.
    pub async fn prove(&self, place: usize) -> Option<Proof> {
        let Place { target, folder, proving, .. } = self.inner.places.get(place)?;
        let _one_at_a_time = proving.lock().await;
        Some(prove_in(target, self.inner.key.as_ref(), folder, &self.inner.storage).await)
    }

    /// Proves each target as often as that, soon after a start where it is overdue, and tells
    /// `/metrics` how it all stands.
    pub async fn look_after(&self, prove_every: Option<Duration>) {
        let every_ms = prove_every.map(|every| i64::try_from(every.as_millis()).unwrap_or(i64::MAX));
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.inner.storage.clock().now();
            self.measure(now);
            for (place, status) in self.statuses().iter().enumerate() {
                let last = status.proof.as_ref().map_or(0, |proof| proof.at);
                if status.snapshot_at.is_some() && every_ms.is_some_and(|every| now.0 - last >= every) {
                    self.prove(place).await;
                }
            }
        }
    }

    /// Figures for `/metrics`.
    fn measure(&self, now: Moment) {
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
            let proven = status.proof.as_ref().filter(|proof| proof.failure.is_none()).map(|proof| proof.at);
            gauge("mukkeum_backup_proof_age_seconds", seconds_since(proven));
            #[expect(clippy::cast_precision_loss, reason = "bytes of a figure")]
            gauge("mukkeum_backup_waiting_bytes", Some(status.waiting_bytes as f64));
            gauge("mukkeum_backup_in_trouble", Some(f64::from(u8::from(status.trouble.is_some()))));
        }
    }

    /// Copies what was committed last, waits until it is delivered, but no longer than `most`, and ends.
    pub async fn stop(&self, most: Duration) {
        self.inner.voice.ask(Ask::Stop);
        let follower = lock(&self.inner.follower).take();
        if let Some(follower) = follower {
            // A panic there has been said already.
            let _ = tokio::task::spawn_blocking(move || follower.join()).await;
        }
        self.inner.stopping.send_replace(true);
        let mut deliveries = std::mem::take(&mut *lock(&self.inner.deliveries));
        let all = async { while deliveries.join_next().await.is_some() {} };
        if tokio::time::timeout(most, all).await.is_err() {
            tracing::warn!("stopped while copies wait; they go on their way at the next start");
        }
    }
}
