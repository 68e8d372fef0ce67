//! Background thread that ships the WAL: after each commit it writes the new frames to every spool, and it runs
//! the checkpoints and the snapshots.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use super::object::Snapshot;
use super::replication::{Generation, TargetReplication, WalExtent, WalView};
use super::snapshot::{self, SnapshotCopy};
use super::spool::SnapshotInfo;
use super::wal;
use crate::id::{IdGenerator, number_code};
use crate::storage::{CommitFeed, Result, StorageError, Wal, WalCommit};
use crate::time::{Clock, Moment};

/// Commits within this time are shipped in one segment.
const BATCH_INTERVAL: Duration = Duration::from_millis(250);

/// Time between two polls of the WAL for commits of other processes.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// Maximum time between a frame becoming visible in the WAL and the commit hook that reports it.
const COMMIT_VISIBILITY_DELAY: Duration = Duration::from_millis(5);

/// Length of the WAL that triggers a checkpoint: 16 MB with pages of 4 KiB.
const CHECKPOINT_FRAMES: u32 = 4_000;

/// Bytes of segments since the last snapshot that may trigger the next one before its time.
const MIN_SNAPSHOT_VOLUME_BYTES: u64 = 64 << 20;

/// Command to the thread.
pub(super) enum Command {
    /// take a snapshot for every target
    Snapshot,
    /// start a new generation for the target of that index
    StartGeneration(usize),
    /// the main file has been copied for a snapshot
    SnapshotCopied(usize, PendingSnapshot, std::io::Result<SnapshotCopy>),
    /// the snapshot is in the spool
    SnapshotSpooled(usize, std::io::Result<SnapshotInfo>),
    /// retry all uploads now
    #[cfg(test)]
    RetryUploads,
    /// ship the last commits, then end
    Stop,
}

/// A snapshot whose copy is in progress.
pub(super) struct PendingSnapshot {
    generation: String,
    first: u64,
}

/// State of one target in the thread.
struct TargetState {
    replication: TargetReplication,
    is_copying: bool,
    is_snapshot_requested: bool,
    last_snapshot: Option<SnapshotInfo>,
}

/// The shipper thread and its connections.
pub(super) struct WalShipper {
    wal: Wal,
    targets: Vec<TargetState>,
    /// commits that are not in a segment yet
    commits: VecDeque<WalCommit>,
    commands: Receiver<Command>,
    /// a file that stands for [`Command::Snapshot`], for the command line
    snapshot_request: PathBuf,
    /// for the threads that copy snapshots
    handle: ShipperHandle,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    snapshot_interval_ms: i64,
    /// the frames that are shipped
    shipped: Option<WalExtent>,
    /// the same at the last checkpoint that moved every frame: SQLite may restart that WAL
    restartable: Option<WalExtent>,
}

/// Sends commands to the thread; cheap to clone.
#[derive(Clone)]
pub(super) struct ShipperHandle {
    commands: Sender<Command>,
    commits: Arc<CommitFeed>,
}

impl ShipperHandle {
    pub(super) fn new(commands: Sender<Command>, commits: Arc<CommitFeed>) -> Self {
        Self { commands, commits }
    }

    pub(super) fn send(&self, command: Command) {
        // Fails after the thread has ended, when a command has no effect.
        let _ = self.commands.send(command);
        self.commits.wake();
    }
}

impl WalShipper {
    pub(super) fn new(
        wal: Wal,
        replications: Vec<TargetReplication>,
        (commands, snapshot_request): (Receiver<Command>, PathBuf),
        handle: ShipperHandle,
        clock: Arc<dyn Clock>,
        snapshot_interval: Duration,
    ) -> std::io::Result<Self> {
        let mut node = [0; 2];
        getrandom::fill(&mut node).map_err(std::io::Error::other)?;
        let ids = IdGenerator::new(u16::from_le_bytes(node));
        let targets = replications.into_iter().map(|mut replication| {
            let resumed =
                Generation::resume(&replication.spool, replication.key.as_ref(), wal.open_file().ok().as_mut());
            replication.generation = Some(resumed.unwrap_or_else(|| Generation::new(generation_id(&ids, clock.now()))));
            let last_snapshot = replication.spool.last_snapshot();
            TargetState { replication, is_copying: false, is_snapshot_requested: false, last_snapshot }
        });
        Ok(Self {
            targets: targets.collect(),
            wal,
            commits: VecDeque::new(),
            commands,
            snapshot_request,
            handle,
            ids,
            snapshot_interval_ms: i64::try_from(snapshot_interval.as_millis()).unwrap_or(i64::MAX),
            clock,
            shipped: None,
            restartable: None,
        })
    }

    /// Runs until [`Command::Stop`], then ships the last commits and runs a checkpoint.
    pub(super) fn run(mut self) {
        let mut is_running = true;
        while is_running {
            self.wal.commits().wait(POLL_INTERVAL);
            is_running = self.handle_commands();
            if let Err(error) = self.run_once() {
                tracing::error!(%error, "바뀐 데이터를 백업에 복사하지 못했어요");
            }
            if is_running {
                std::thread::sleep(BATCH_INTERVAL);
            }
        }
        if let Err(error) = self.checkpoint() {
            tracing::error!(%error, "끄기 전에 데이터 파일을 정리하지 못했어요. 다음에 켜면 해요");
        }
    }

    /// False after [`Command::Stop`].
    fn handle_commands(&mut self) -> bool {
        let is_requested = std::fs::remove_file(&self.snapshot_request).is_ok();
        let commands: Vec<Command> =
            self.commands.try_iter().chain(is_requested.then_some(Command::Snapshot)).collect();
        for command in commands {
            match command {
                Command::Stop => return false,
                #[cfg(test)]
                Command::RetryUploads => {
                    self.targets.iter().for_each(|target| target.replication.spool.added.notify_waiters());
                }
                Command::Snapshot => self.targets.iter_mut().for_each(|target| target.is_snapshot_requested = true),
                Command::StartGeneration(index) => {
                    let id = generation_id(&self.ids, self.clock.now());
                    self.targets[index].replication.generation = Some(Generation::new(id));
                    self.shipped = None;
                }
                Command::SnapshotCopied(index, pending, copy) => self.finish_snapshot(index, &pending, copy),
                Command::SnapshotSpooled(index, outcome) => {
                    self.targets[index].is_copying = false;
                    match outcome {
                        Ok(snapshot) => self.targets[index].last_snapshot = Some(snapshot),
                        Err(error) => tracing::error!(%error, "전체 백업에 실패했어요"),
                    }
                }
            }
        }
        true
    }

    fn run_once(&mut self) -> Result<()> {
        self.catch_up()?;
        let progress = self.wal.progress()?;
        let is_wanted = self.wal.wants_checkpoint();
        let is_due = progress.frames >= CHECKPOINT_FRAMES && progress.moved < progress.frames;
        if (is_wanted || is_due) && self.checkpoint()? {
            self.wal.confirm_checkpoint();
        }
        self.start_due_snapshots();
        Ok(())
    }

    /// Ships the new frames to every spool.
    fn catch_up(&mut self) -> Result<()> {
        // Commits may still arrive within the current millisecond, so only claim to be caught up to the previous
        // one.
        let until = self.clock.now().plus_ms(-1);
        self.wal.pin()?;
        self.ship_new_frames()?;
        for replication in self.targets.iter().map(|target| &target.replication) {
            if let Some(generation) = &replication.generation {
                replication.spool.set_caught_up(until, &generation.id);
            }
        }
        self.wal.unpin_previous()
    }

    fn ship_new_frames(&mut self) -> Result<()> {
        let Some((mut file, format, start, frames)) = open_wal(&self.wal)? else { return Ok(()) };
        if self.shipped == Some(WalExtent { salts: start.salts, frames }) {
            return Ok(());
        }
        self.commits.extend(self.wal.commits().drain());
        // Frames become visible before the commit hook fires; wait for it.
        if self.commits.back().is_none_or(|last| last.frames < frames) {
            std::thread::sleep(COMMIT_VISIBILITY_DELAY);
        }
        // Take the timestamp before draining the hook's queue: any commit missing from it returns to its caller
        // after this time.
        let (now, ids) = (self.clock.now(), &self.ids);
        self.commits.extend(self.wal.commits().drain());
        // Another process may have restarted the WAL; drop commits of the old WAL first.
        let mut pairs = self.commits.make_contiguous().windows(2);
        let restarted = pairs.rposition(|pair| pair[1].frames <= pair[0].frames).map_or(0, |before| before + 1);
        self.commits.drain(..restarted);
        for target in &mut self.targets {
            let (commits, restartable) = (self.commits.make_contiguous(), self.restartable);
            let mut view = WalView { file, format, start, frames, restartable, commits, now };
            target.replication.replicate(&mut view, || generation_id(ids, now));
            file = view.file;
        }
        while self.commits.front().is_some_and(|commit| commit.frames <= frames) {
            self.commits.pop_front();
        }
        self.shipped = Some(WalExtent { salts: start.salts, frames });
        Ok(())
    }

    /// Moves shipped frames into the main file. Most of them while commits continue; the last ones while commits
    /// are blocked, so that SQLite can restart the WAL. Returns whether all frames are moved.
    fn checkpoint(&mut self) -> Result<bool> {
        let progress = self.wal.checkpoint()?;
        if progress.frames - progress.moved > CHECKPOINT_FRAMES / 4 {
            // A long-lived reader pins the WAL; it grows until that reader finishes.
            return Ok(false);
        }
        let block = self.wal.block_commits()?;
        self.catch_up()?;
        let progress = self.wal.checkpoint()?;
        if progress.moved == progress.frames {
            // Every commit so far is shipped; later ones may belong to the restarted WAL.
            self.wal.commits().drain();
            self.commits.clear();
            self.restartable = self.shipped;
            // The pinning reader now reads the main file and no longer prevents a restart of the WAL.
            self.wal.pin()?;
            self.wal.unpin_previous()?;
        }
        drop(block);
        Ok(progress.moved == progress.frames)
    }

    fn start_due_snapshots(&mut self) {
        let now = self.clock.now();
        for index in 0..self.targets.len() {
            let target = &mut self.targets[index];
            let is_due = target.is_snapshot_due(now, self.snapshot_interval_ms);
            if target.is_copying || !is_due || target.replication.spool.is_full() {
                continue;
            }
            let Some((generation, main)) = target.replication.generation.as_mut().zip(self.wal.main_file()) else {
                continue;
            };
            target.is_copying = true;
            target.is_snapshot_requested = false;
            generation.bytes_since_snapshot = 0;
            let pending = PendingSnapshot { generation: generation.id.clone(), first: generation.first_segment_of_wal };
            let (handle, spool) = (self.handle.clone(), Arc::clone(&target.replication.spool));
            let key = target.replication.key.clone();
            std::thread::spawn(move || {
                let copy = snapshot::copy(&main, &spool, key.as_ref());
                drop(main);
                handle.send(Command::SnapshotCopied(index, pending, copy));
            });
        }
    }

    /// Completes a snapshot whose copy is done. Commits made during the copy are part of it: they are shipped
    /// first, and the snapshot names the segments it needs.
    fn finish_snapshot(&mut self, index: usize, pending: &PendingSnapshot, copy: std::io::Result<SnapshotCopy>) {
        let caught_up = self.catch_up();
        let (now, handle) = (self.clock.now(), self.handle.clone());
        let target = &mut self.targets[index];
        target.is_copying = false;
        let generation = target.replication.generation.as_ref().filter(|current| current.id == pending.generation);
        match (copy, caught_up, generation) {
            (Ok(copy), Ok(()), Some(generation)) => {
                let snapshot = Snapshot {
                    generation: pending.generation.clone(),
                    first: pending.first,
                    next: generation.next_segment,
                    at: now.0,
                    bytes: copy.bytes(),
                };
                target.is_copying = true;
                let (spool, key) = (Arc::clone(&target.replication.spool), target.replication.key.clone());
                std::thread::spawn(move || {
                    handle.send(Command::SnapshotSpooled(index, copy.finish(&snapshot, &spool, key.as_ref())));
                });
            }
            (Err(error), ..) => tracing::error!(%error, "전체 백업에 실패했어요"),
            (_, Err(error), _) => tracing::error!(%error, "전체 백업에 실패했어요"),
            // A new generation has started; it gets a snapshot of its own.
            (Ok(_), Ok(()), None) => {}
        }
    }
}

impl TargetState {
    fn is_snapshot_due(&self, now: Moment, interval_ms: i64) -> bool {
        let Some(generation) = &self.replication.generation else { return false };
        let last = self.last_snapshot.as_ref().filter(|last| last.generation == generation.id);
        let Some(last) = last else { return true };
        let is_old = now.0 - last.at >= interval_ms && generation.next_segment > last.next;
        let is_large = generation.bytes_since_snapshot > MIN_SNAPSHOT_VOLUME_BYTES.max(2 * last.bytes);
        self.is_snapshot_requested || is_old || is_large
    }
}

fn generation_id(ids: &IdGenerator, now: Moment) -> String {
    number_code(ids.next(now.0))
}

type OpenWal = (std::fs::File, wal::WalFormat, wal::WalPosition, u32);

/// Opens the WAL: file, format, start, and number of committed frames; `None` when it is empty. The header is
/// read before and after the count, so that both belong to the same WAL.
fn open_wal(wal: &Wal) -> Result<Option<OpenWal>> {
    loop {
        let unreadable = |error: std::io::Error| StorageError::CannotOpen(format!("the WAL: {error}"));
        let mut file = match wal.open_file() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(unreadable)?,
        };
        let before = wal::read_header(&mut file).map_err(unreadable)?;
        let frames = wal.progress()?.frames;
        let after = wal::read_header(&mut file).map_err(unreadable)?;
        match before {
            _ if frames == 0 => return Ok(None),
            Some((format, start)) if before == after => return Ok(Some((file, format, start, frames))),
            _ => {}
        }
    }
}
