//! The thread that follows the log: copies it after each commit, makes the checkpoints, and has
//! snapshots taken.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use super::object::Snapshot;
use super::replica::{Following, Line, Seen};
use super::snapshot::{self, Copied};
use super::spool::LastSnapshot;
use super::wal;
use crate::id::{IdGenerator, crockford};
use crate::storage::{CommitFeed, Result, StorageError, Wal, WalCommit};
use crate::time::{Clock, Moment};

/// Commits that come within this time travel together.
const GATHER: Duration = Duration::from_millis(250);

/// How often the log is looked at for commits of other processes.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long a commit that can be seen may take to be told.
const TELLING: Duration = Duration::from_millis(5);

/// A log of so many frames is worth a checkpoint: 16 MB.
const WORTH_IT: u32 = 4_000;

/// So much more has to be applied since the last snapshot that another is worth it, in bytes of
/// segments, whatever its age.
const LEAST_VOLUME: u64 = 64 << 20;

/// What somebody wants from the thread.
pub(super) enum Ask {
    /// a snapshot now, for every target
    Snapshot,
    /// a new generation for that target
    Begin(usize),
    /// the copy for a snapshot is done
    Copied(usize, Copying, std::io::Result<Copied>),
    /// the snapshot waits for the target
    Waits(usize, std::io::Result<LastSnapshot>),
    /// look now, without a commit
    #[cfg(test)]
    Look,
    /// the last copy, then the end
    Stop,
}

/// A snapshot that is being taken.
pub(super) struct Copying {
    generation: String,
    first: u64,
}

/// One target as the thread sees it.
struct Track {
    line: Line,
    is_copying: bool,
    snapshot_asked: bool,
    last_snapshot: Option<LastSnapshot>,
}

/// The thread's own.
pub(super) struct Follower {
    log: Wal,
    tracks: Vec<Track>,
    commits: VecDeque<WalCommit>,
    asks: Receiver<Ask>,
    /// A file that stands for [`Ask::Snapshot`]: the command line has no other way to ask.
    ask_file: PathBuf,
    /// for those who work for the thread
    tell: Voice,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    snapshot_every_ms: i64,
    /// which log, and how much of it
    seen: Option<([u32; 2], u32)>,
    /// … of which everything is in the main file, so that SQLite may begin it anew
    anew_after: Option<([u32; 2], u32)>,
}

/// Speaks to the thread.
#[derive(Clone)]
pub(super) struct Voice {
    asks: Sender<Ask>,
    bell: Arc<CommitFeed>,
}

impl Voice {
    pub(super) fn new(asks: Sender<Ask>, bell: Arc<CommitFeed>) -> Self {
        Self { asks, bell }
    }

    pub(super) fn ask(&self, ask: Ask) {
        // When the thread has ended nobody is left to want anything.
        let _ = self.asks.send(ask);
        self.bell.wake();
    }
}

impl Follower {
    pub(super) fn new(
        log: Wal,
        lines: Vec<Line>,
        (asks, ask_file): (Receiver<Ask>, PathBuf),
        tell: Voice,
        clock: Arc<dyn Clock>,
        snapshot_every: Duration,
    ) -> std::io::Result<Self> {
        let mut node = [0; 2];
        getrandom::fill(&mut node).map_err(|error| std::io::Error::other(error.to_string()))?;
        let ids = IdGenerator::new(u16::from_le_bytes(node));
        let tracks = lines.into_iter().map(|mut line| {
            let resumed = Following::resume(&line.spool, line.key.as_ref(), log.open_file().ok().as_mut());
            line.following = Some(resumed.unwrap_or_else(|| Following::begin(generation(&ids, clock.now()))));
            let last_snapshot = line.spool.last_snapshot();
            Track { line, is_copying: false, snapshot_asked: false, last_snapshot }
        });
        Ok(Self {
            tracks: tracks.collect(),
            log,
            commits: VecDeque::new(),
            asks,
            ask_file,
            tell,
            ids,
            snapshot_every_ms: i64::try_from(snapshot_every.as_millis()).unwrap_or(i64::MAX),
            clock,
            seen: None,
            anew_after: None,
        })
    }

    /// Follows until [`Ask::Stop`], and once more.
    pub(super) fn run(mut self) {
        let mut goes_on = true;
        while goes_on {
            self.log.commits().wait(LOOK_EVERY);
            goes_on = self.answer();
            if let Err(error) = self.round() {
                tracing::error!(%error, "the log could not be copied");
            }
            if goes_on {
                std::thread::sleep(GATHER);
            }
        }
        if let Err(error) = self.checkpoint() {
            tracing::error!(%error, "the last checkpoint failed");
        }
    }

    fn answer(&mut self) -> bool {
        let asked = std::fs::remove_file(&self.ask_file).is_ok();
        let asks: Vec<Ask> = self.asks.try_iter().chain(asked.then_some(Ask::Snapshot)).collect();
        for ask in asks {
            match ask {
                Ask::Stop => return false,
                #[cfg(test)]
                Ask::Look => self.tracks.iter().for_each(|track| track.line.spool.arrived.notify_waiters()),
                Ask::Snapshot => self.tracks.iter_mut().for_each(|track| track.snapshot_asked = true),
                Ask::Begin(place) => {
                    let generation = generation(&self.ids, self.clock.now());
                    self.tracks[place].line.following = Some(Following::begin(generation));
                    self.seen = None;
                }
                Ask::Copied(place, copying, copied) => self.copied(place, &copying, copied),
                Ask::Waits(place, waits) => {
                    self.tracks[place].is_copying = false;
                    match waits {
                        Ok(snapshot) => self.tracks[place].last_snapshot = Some(snapshot),
                        Err(error) => tracing::error!(%error, "a snapshot could not be written"),
                    }
                }
            }
        }
        true
    }

    fn round(&mut self) -> Result<()> {
        self.catch_up()?;
        let progress = self.log.progress()?;
        if progress.frames >= WORTH_IT && progress.moved < progress.frames {
            self.checkpoint()?;
        }
        self.take_snapshots();
        Ok(())
    }

    /// Copies what the log has more, for every target.
    fn catch_up(&mut self) -> Result<()> {
        // In the millisecond that runs somebody may commit yet.
        let until = self.clock.now().plus_ms(-1);
        self.log.pin()?;
        self.copy()?;
        for line in self.tracks.iter().map(|track| &track.line) {
            if let Some(following) = &line.following {
                line.spool.set_caught_up(until, &following.generation);
            }
        }
        self.log.unpin_previous()
    }

    fn copy(&mut self) -> Result<()> {
        let Some((mut file, form, begin, to)) = look(&self.log)? else { return Ok(()) };
        if self.seen == Some((begin.salts, to)) {
            return Ok(());
        }
        self.commits.extend(self.log.commits().drain());
        // What can be seen was perhaps committed this instant and is told in the next.
        if self.commits.back().is_none_or(|last| last.frames < to) {
            std::thread::sleep(TELLING);
        }
        // Before the last question: what is not told by then is answered to its caller later than this.
        let (now, ids) = (self.clock.now(), &self.ids);
        self.commits.extend(self.log.commits().drain());
        // Another program may have had the log begin anew: what was told of the old one comes first.
        let mut told = self.commits.make_contiguous().windows(2);
        let anew = told.rposition(|two| two[1].frames <= two[0].frames).map_or(0, |before| before + 1);
        self.commits.drain(..anew);
        for track in &mut self.tracks {
            let (commits, anew_after) = (self.commits.make_contiguous(), self.anew_after);
            let mut seen = Seen { file, form, begin, to, anew_after, commits, now };
            track.line.take(&mut seen, || generation(ids, now));
            file = seen.file;
        }
        while self.commits.front().is_some_and(|commit| commit.frames <= to) {
            self.commits.pop_front();
        }
        self.seen = Some((begin.salts, to));
        Ok(())
    }

    /// Moves what was copied into the main file. Most of it while commits go on; the rest while
    /// nobody commits, so that the log can begin anew.
    fn checkpoint(&mut self) -> Result<()> {
        let progress = self.log.checkpoint()?;
        if progress.frames - progress.moved > WORTH_IT / 4 {
            // Somebody has been reading for long. The log goes on growing until they are done.
            return Ok(());
        }
        let between = self.log.block_commits()?;
        self.catch_up()?;
        let progress = self.log.checkpoint()?;
        if progress.moved == progress.frames {
            // All that was told is copied: what is told from now on may be of the log begun anew.
            self.log.commits().drain();
            self.commits.clear();
            self.anew_after = self.seen;
            // The reader that stays now reads the main file, and is in nobody's way.
            self.log.pin()?;
            self.log.unpin_previous()?;
        }
        drop(between);
        Ok(())
    }

    fn take_snapshots(&mut self) {
        let now = self.clock.now();
        for place in 0..self.tracks.len() {
            let track = &mut self.tracks[place];
            if track.is_copying || !track.is_due(now, self.snapshot_every_ms) || track.line.spool.is_full() {
                continue;
            }
            let Some((following, main)) = track.line.following.as_mut().zip(self.log.main_file()) else { continue };
            track.is_copying = true;
            track.snapshot_asked = false;
            following.volume = 0;
            let copying = Copying { generation: following.generation.clone(), first: following.log_from };
            let (tell, spool, key) = (self.tell.clone(), Arc::clone(&track.line.spool), track.line.key.clone());
            std::thread::spawn(move || {
                let copied = snapshot::copy(&main, &spool, key.as_ref());
                drop(main);
                tell.ask(Ask::Copied(place, copying, copied));
            });
        }
    }

    /// The file is copied: what was committed meanwhile is needed with it.
    fn copied(&mut self, place: usize, copying: &Copying, copied: std::io::Result<Copied>) {
        let caught_up = self.catch_up();
        let (now, tell) = (self.clock.now(), self.tell.clone());
        let track = &mut self.tracks[place];
        track.is_copying = false;
        let same = track.line.following.as_ref().filter(|following| following.generation == copying.generation);
        match (copied, caught_up, same) {
            (Ok(copied), Ok(()), Some(following)) => {
                let what = Snapshot {
                    generation: copying.generation.clone(),
                    first: copying.first,
                    next: following.next,
                    at: now.0,
                    bytes: copied.bytes(),
                };
                track.is_copying = true;
                let (spool, key) = (Arc::clone(&track.line.spool), track.line.key.clone());
                std::thread::spawn(move || tell.ask(Ask::Waits(place, copied.finish(&what, &spool, key.as_ref()))));
            }
            (Err(error), ..) => tracing::error!(%error, "a snapshot could not be taken"),
            (_, Err(error), _) => tracing::error!(%error, "a snapshot could not be taken"),
            // Another generation has begun and wants its own.
            (Ok(_), Ok(()), None) => {}
        }
    }
}

impl Track {
    fn is_due(&self, now: Moment, every_ms: i64) -> bool {
        let Some(following) = &self.line.following else { return false };
        let last = self.last_snapshot.as_ref().filter(|last| last.generation == following.generation);
        let Some(last) = last else { return true };
        let is_old = now.0 - last.at >= every_ms && following.next > last.next;
        self.snapshot_asked || is_old || following.volume > LEAST_VOLUME.max(2 * last.bytes)
    }
}

fn generation(ids: &IdGenerator, now: Moment) -> String {
    crockford(ids.next(now.0))
}

type Look = (std::fs::File, wal::Form, wal::Place, u32);

/// The log and how much of it is committed; None when it is empty. The beginning is read before and
/// after the count, so that both are of the same log.
fn look(log: &Wal) -> Result<Option<Look>> {
    loop {
        let unreadable = |error: std::io::Error| StorageError::CannotOpen(format!("the log: {error}"));
        let mut file = match log.open_file() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(unreadable)?,
        };
        let before = wal::beginning(&mut file).map_err(unreadable)?;
        let to = log.progress()?.frames;
        let after = wal::beginning(&mut file).map_err(unreadable)?;
        match before {
            _ if to == 0 => return Ok(None),
            Some((form, begin)) if before == after => return Ok(Some((file, form, begin, to))),
            _ => {}
        }
    }
}
