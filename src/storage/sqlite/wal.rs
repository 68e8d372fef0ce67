//! The write-ahead log, for the backup that copies it.
//!
//! Whoever holds the [`Wal`] of a database is the only one who makes checkpoints: the engine makes
//! none, in a commit or when it closes, and every connection leaves the log behind. Other programs
//! are kept from it by a reader that stays ([`Wal::pin`]): a checkpoint moves nothing that came after
//! the oldest reader, and the log begins anew only when nobody reads it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::engine_error;
use super::{Shared, Sqlite, connect};
use crate::storage::blocking::lock;
use crate::storage::concurrency::{ConcurrencyLimit, Permit};
use crate::storage::{Result, StorageError};
use crate::time::{Clock, Moment};

/// A commit of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalCommit {
    /// how many frames the log held after it
    pub frames: u32,
    /// when it was: not before the one before, and not after its caller heard of it
    pub at: Moment,
}

/// How far the log and the checkpoints of it have come, in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalProgress {
    /// committed to the log
    pub frames: u32,
    /// moved into the main file
    pub moved: u32,
}

/// The log of an open database.
pub struct Wal {
    own: Connection,
    readers: [Connection; 2],
    staying: usize,
    commits: Arc<CommitFeed>,
    path: PathBuf,
    write_limit: ConcurrencyLimit,
    /// Behind the connections: see [`Shared::main`].
    shared: Arc<Shared>,
}

/// While this lives nobody can commit.
pub struct CommitBlock {
    shared: Arc<Shared>,
    _turn: Permit,
}

impl Drop for CommitBlock {
    fn drop(&mut self) {
        if let Err(error) = lock(&self.shared.writer).execute_batch("ROLLBACK") {
            tracing::error!(%error, "an empty transaction could not be ended");
        }
    }
}

/// What was committed and nobody has asked for; also the bell that wakes who waits for it.
pub struct CommitFeed {
    heard: Mutex<Heard>,
    rung: Condvar,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Heard {
    commits: Vec<WalCommit>,
    last: Option<Moment>,
    woken: bool,
}

impl CommitFeed {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { heard: Mutex::default(), rung: Condvar::new(), clock: Arc::clone(clock) })
    }

    /// Listens to `writer` in the place of SQLite's own hook, which makes checkpoints.
    pub(super) fn listen(self: &Arc<Self>, writer: &mut Connection) -> Result<()> {
        let commits = Arc::clone(self);
        let hook = move |_: &mut rusqlite::hooks::Wal, frames: i32| {
            commits.heard_of(u32::try_from(frames).unwrap_or(0));
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(engine_error)
    }

    fn heard_of(&self, frames: u32) {
        let mut heard = lock(&self.heard);
        let now = self.clock.now();
        let at = heard.last.map_or(now, |last| now.max(last));
        heard.last = Some(at);
        heard.commits.push(WalCommit { frames, at });
        self.rung.notify_one();
    }

    /// Ends a [`CommitFeed::wait`].
    pub fn wake(&self) {
        lock(&self.heard).woken = true;
        self.rung.notify_one();
    }

    /// Waits for a commit, for [`CommitFeed::wake`], or until `most` has passed.
    pub fn wait(&self, most: Duration) {
        let idle = |heard: &mut Heard| !heard.woken && heard.commits.is_empty();
        let waited = self.rung.wait_timeout_while(lock(&self.heard), most, idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.woken = false;
    }

    /// What was committed since this was last asked, oldest first.
    pub fn drain(&self) -> Vec<WalCommit> {
        std::mem::take(&mut lock(&self.heard).commits)
    }
}

/// Leaves the log as it is when the connection closes.
pub(super) fn no_checkpoint_on_close(connection: &Connection) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(engine_error).map(drop)
}

impl Wal {
    pub(super) fn open(path: &Path, sqlite: &Sqlite, commits: Arc<CommitFeed>) -> Result<Self> {
        let another = || {
            let connection = connect(path, OpenFlags::default())?;
            no_checkpoint_on_close(&connection)?;
            Ok::<_, StorageError>(connection)
        };
        let own = another()?;
        let mut log = Self {
            own,
            readers: [another()?, another()?],
            staying: 0,
            commits,
            path: path.to_owned(),
            write_limit: sqlite.write_limit.clone(),
            shared: Arc::clone(&sqlite.shared),
        };
        log.pin()?;
        Ok(log)
    }

    /// What is committed, as it happens.
    pub fn commits(&self) -> &Arc<CommitFeed> {
        &self.commits
    }

    /// How long the log is, and how much of it is in the main file. CommitFeed of other processes
    /// count.
    pub fn progress(&self) -> Result<WalProgress> {
        self.pragma("NOOP").map(|(_, progress)| progress)
    }

    /// The log as a file. It is opened anew each time, because SQLite may remove it and make another.
    pub fn open_file(&self) -> io::Result<File> {
        let mut name = self.path.as_os_str().to_owned();
        name.push("-wal");
        File::open(PathBuf::from(name))
    }

    /// The main file, for reading at places only. It stays open: on Unix, closing any descriptor of
    /// a file drops all locks that the process has on it, SQLite's among them.
    pub fn main_file(&self) -> Option<Arc<File>> {
        self.shared.main.clone()
    }

    /// Begins to read what is committed now, and ends the reading that began before: from here on
    /// nothing that comes after this moment is moved or overwritten. Call it before the log is
    /// copied, and [`Wal::unpin_previous`] after it.
    pub fn pin(&mut self) -> Result<()> {
        let next = 1 - self.staying;
        begin_reading(&self.readers[next])?;
        self.staying = next;
        Ok(())
    }

    /// Ends the reading before the last [`Wal::pin`].
    pub fn unpin_previous(&self) -> Result<()> {
        let before = &self.readers[1 - self.staying];
        if before.is_autocommit() {
            return Ok(());
        }
        before.execute_batch("ROLLBACK").map_err(engine_error)
    }

    /// Moves into the main file what came before the reader that stays. Nobody waits for it.
    pub fn checkpoint(&self) -> Result<WalProgress> {
        self.pragma("PASSIVE").map(|(_, progress)| progress)
    }

    /// Waits until nobody writes, here or in another process, and keeps it so until the guard goes.
    pub fn block_commits(&self) -> Result<CommitBlock> {
        let turn = block_on(self.write_limit.acquire())?;
        lock(&self.shared.writer).execute_batch("BEGIN IMMEDIATE").map_err(engine_error)?;
        Ok(CommitBlock { shared: Arc::clone(&self.shared), _turn: turn })
    }

    fn pragma(&self, mode: &str) -> Result<(bool, WalProgress)> {
        // −1 stands for a log that nobody has written to.
        let frames = |number: i64| u32::try_from(number).unwrap_or(0);
        self.own
            .query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
                Ok((row.get(0)?, WalProgress { frames: frames(row.get(1)?), moved: frames(row.get(2)?) }))
            })
            .map_err(engine_error)
    }
}

fn begin_reading(connection: &Connection) -> Result<()> {
    if !connection.is_autocommit() {
        connection.execute_batch("ROLLBACK").map_err(engine_error)?;
    }
    connection.execute_batch("BEGIN; SELECT 1 FROM sqlite_master LIMIT 1").map_err(engine_error)
}

struct ThreadWaker(Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a turn on a thread that belongs to no runtime.
fn block_on<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(ThreadWaker(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::{Storage, StorageOptions, Tx};
    use crate::time::SystemClock;

    fn open(folder: &Path) -> (Storage, Wal) {
        let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
        Storage::open_with_wal_feed(&folder.join("test.db"), &options).expect("opens")
    }

    async fn commit(storage: &Storage) {
        let write = |tx: &mut dyn Tx| {
            let id = tx.new_id();
            let blob = vec![1_u8; 40_000];
            tx.exec(
                "INSERT INTO sales_channels (id, code, name, sealed_password) VALUES (?, ?, '', ?)",
                &[id.into(), id.to_string().into(), blob.as_slice().into()],
            )
        };
        storage.write(write).await.expect("writes");
    }

    #[tokio::test]
    async fn a_foreign_program_can_neither_move_nor_cut_what_came_after_the_reader_that_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let (storage, mut log) = open(folder.path());
        log.pin().expect("reads");
        log.unpin_previous().expect("lets go");
        let seen = log.progress().expect("asks").frames;
        commit(&storage).await;
        let foreign = Connection::open(folder.path().join("test.db")).expect("opens");
        for mode in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
            let _ = foreign.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        }
        foreign.execute_batch("INSERT INTO sales_channels (id, code, name) VALUES (1, 'F', '')").expect("writes");
        let after = log.progress().expect("asks");
        assert!(after.frames > seen && after.moved <= seen, "{after:?}");

        log.pin().expect("reads");
        log.unpin_previous().expect("lets go");
        assert_eq!(log.checkpoint().expect("moves"), WalProgress { frames: after.frames, moved: after.frames });
    }

    #[tokio::test]
    async fn nobody_commits_in_between_and_each_commit_is_told_with_its_moment() {
        let folder = tempfile::tempdir().expect("a folder");
        let (storage, log) = open(folder.path());
        log.commits().drain();
        commit(&storage).await;
        commit(&storage).await;
        let told = log.commits().drain();
        assert_eq!(told.len(), 2);
        assert!(told[0].frames < told[1].frames && told[0].at <= told[1].at, "{told:?}");
        assert!(told[1].at <= SystemClock.now(), "later than its answer: {told:?}");

        let waiting = storage.clone();
        let (before, during) = tokio::task::spawn_blocking(move || {
            let writing = std::sync::mpsc::channel();
            let runtime = tokio::runtime::Handle::current();
            let between = log.block_commits().expect("a turn");
            runtime.spawn(async move {
                commit(&waiting).await;
                writing.0.send(()).expect("somebody listens");
            });
            let before = log.progress().expect("asks");
            std::thread::sleep(Duration::from_millis(100));
            let during = log.progress().expect("asks");
            drop(between);
            writing.1.recv().expect("written");
            assert_eq!(log.commits().drain().len(), 1);
            (before, during)
        })
        .await
        .expect("ends");
        assert_eq!(before, during);
    }

    #[tokio::test]
    async fn a_closed_database_keeps_its_log() {
        let folder = tempfile::tempdir().expect("a folder");
        let (storage, log) = open(folder.path());
        commit(&storage).await;
        let frames = log.progress().expect("asks").frames;
        drop((storage, log));
        let (_storage, log) = open(folder.path());
        assert_eq!(log.progress().expect("asks").frames, frames);
    }
}
