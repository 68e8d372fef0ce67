//! Access to the write-ahead log, for the backup that ships it.
//!
//! The holder of a [`Wal`] is the only one that checkpoints: the engine neither checkpoints after a
//! commit nor on close, and every connection keeps the WAL. A long-lived reader ([`Wal::pin`]) restricts
//! other processes: a checkpoint moves no frame behind the oldest reader, and the WAL restarts only when
//! it has no reader.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::engine_error;
use super::{Sqlite, SqliteInner, connect};
use crate::storage::blocking::lock;
use crate::storage::concurrency::{ConcurrencyLimit, Permit};
use crate::storage::{Result, StorageError};
use crate::time::{Clock, Moment};

/// A commit of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalCommit {
    /// number of frames in the WAL after the commit
    pub frames: u32,
    /// when it was committed: not before the previous one, and not after its caller got the answer
    pub at: Moment,
}

/// Size of the WAL and position of the checkpoint, in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WalProgress {
    /// committed to the WAL
    pub frames: u32,
    /// moved to the main file
    pub moved: u32,
}

/// The WAL of an open database.
pub struct Wal {
    own: Connection,
    /// Two, so that the next pin exists before the previous one ends.
    readers: [Connection; 2],
    /// index of the reader with the newest pin
    pinned: usize,
    commits: Arc<CommitFeed>,
    path: PathBuf,
    write_limit: ConcurrencyLimit,
    /// After the connections: see [`SqliteInner::main`].
    shared: Arc<SqliteInner>,
}

/// Blocks commits of all processes while it lives.
pub struct CommitBlock {
    shared: Arc<SqliteInner>,
    _permit: Permit,
}

impl Drop for CommitBlock {
    fn drop(&mut self) {
        if let Err(error) = lock(&self.shared.writer).execute_batch("ROLLBACK") {
            tracing::error!(%error, "백업이 읽던 것을 놓지 못했어요. 계속되면 프로그램을 다시 켜세요");
        }
    }
}

/// Queue of this process's commits, and the signal that wakes its consumer.
pub struct CommitFeed {
    queue: Mutex<Listener>,
    changed: Condvar,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Listener {
    commits: Vec<WalCommit>,
    last: Option<Moment>,
    woken: bool,
}

impl CommitFeed {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { queue: Mutex::default(), changed: Condvar::new(), clock: Arc::clone(clock) })
    }

    /// Replaces SQLite's own WAL hook on `writer`, which would checkpoint.
    pub(super) fn subscribe_to(self: &Arc<Self>, writer: &mut Connection) -> Result<()> {
        let commits = Arc::clone(self);
        let hook = move |_: &mut rusqlite::hooks::Wal, frames: i32| {
            commits.push(u32::try_from(frames).unwrap_or(0));
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(engine_error)
    }

    fn push(&self, frames: u32) {
        let mut queue = lock(&self.queue);
        let now = self.clock.now();
        let at = queue.last.map_or(now, |last| now.max(last));
        queue.last = Some(at);
        queue.commits.push(WalCommit { frames, at });
        self.changed.notify_one();
    }

    /// Ends a [`CommitFeed::wait`].
    pub fn wake(&self) {
        lock(&self.queue).woken = true;
        self.changed.notify_one();
    }

    /// Waits for a commit, for [`CommitFeed::wake`], or for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let is_idle = |queue: &mut Listener| !queue.woken && queue.commits.is_empty();
        let waited = self.changed.wait_timeout_while(lock(&self.queue), timeout, is_idle);
        waited.unwrap_or_else(PoisonError::into_inner).0.woken = false;
    }

    /// Takes the commits since the last call, oldest first.
    pub fn drain(&self) -> Vec<WalCommit> {
        std::mem::take(&mut lock(&self.queue).commits)
    }
}

/// Makes closing the connection keep the WAL as it is.
pub(super) fn no_checkpoint_on_close(connection: &Connection) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(engine_error).map(drop)
}

/// Path of the WAL of the database at `path`.
pub(super) fn wal_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// The salts in the header of the WAL, which differ after each restart; none for a WAL without a header.
pub(super) fn salts(path: &Path) -> Option<[u8; 8]> {
    const SALTS: std::ops::Range<usize> = 16..24;
    let mut header = [0; SALTS.end];
    File::open(wal_path(path)).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    header[SALTS].try_into().ok()
}

impl Wal {
    pub(super) fn open(path: &Path, sqlite: &Sqlite, commits: Arc<CommitFeed>) -> Result<Self> {
        let open_connection = || {
            let connection = connect(path, OpenFlags::default())?;
            no_checkpoint_on_close(&connection)?;
            Ok::<_, StorageError>(connection)
        };
        let mut wal = Self {
            own: open_connection()?,
            readers: [open_connection()?, open_connection()?],
            pinned: 0,
            commits,
            path: path.to_owned(),
            write_limit: sqlite.write_limit.clone(),
            shared: Arc::clone(&sqlite.shared),
        };
        wal.pin()?;
        Ok(wal)
    }

    /// Feed of this process's commits.
    pub fn commits(&self) -> &Arc<CommitFeed> {
        &self.commits
    }

    /// Size of the WAL, and how much of it is in the main file. Includes commits of other processes.
    pub fn progress(&self) -> Result<WalProgress> {
        self.wal_checkpoint("NOOP")
    }

    /// Opens the WAL file. Not cached, because SQLite may delete the file and create another one.
    ///
    /// # Errors
    /// The file does not exist or cannot be read.
    pub fn open_file(&self) -> io::Result<File> {
        File::open(wal_path(&self.path))
    }

    /// The main file, for positioned reads only. It stays open: on Unix, closing any descriptor of a file
    /// drops all locks of the process on it, including SQLite's.
    pub fn main_file(&self) -> Option<Arc<File>> {
        self.shared.main.clone()
    }

    /// Pins the WAL at the newest commit: later frames are neither moved nor overwritten until the next pin.
    /// The previous pin holds until [`Wal::unpin_previous`]. Call this before the WAL is copied, and
    /// `unpin_previous` after.
    pub fn pin(&mut self) -> Result<()> {
        let next = 1 - self.pinned;
        start_reading(&self.readers[next])?;
        self.pinned = next;
        Ok(())
    }

    /// Releases the pin before the newest one.
    pub fn unpin_previous(&self) -> Result<()> {
        let previous = &self.readers[1 - self.pinned];
        if previous.is_autocommit() {
            return Ok(());
        }
        previous.execute_batch("ROLLBACK").map_err(engine_error)
    }

    /// Moves the frames before the pin to the main file. Blocks no transaction.
    pub fn checkpoint(&self) -> Result<WalProgress> {
        self.wal_checkpoint("PASSIVE")
    }

    /// Whether the program asks for a checkpoint, so that the WAL starts again.
    pub fn wants_checkpoint(&self) -> bool {
        self.shared.wants_checkpoint.load(Ordering::Relaxed)
    }

    /// Ends what [`Self::wants_checkpoint`] asks for: every frame is in the main file.
    pub fn confirm_checkpoint(&self) {
        self.shared.wants_checkpoint.store(false, Ordering::Relaxed);
    }

    /// Waits for running writes of all processes, and blocks further ones until the guard is dropped.
    pub fn block_commits(&self) -> Result<CommitBlock> {
        let permit = block_on(self.write_limit.acquire())?;
        lock(&self.shared.writer).execute_batch("BEGIN IMMEDIATE").map_err(engine_error)?;
        Ok(CommitBlock { shared: Arc::clone(&self.shared), _permit: permit })
    }

    fn wal_checkpoint(&self, mode: &str) -> Result<WalProgress> {
        // SQLite returns -1 for a WAL without frames.
        let frames = |number: i64| u32::try_from(number).unwrap_or(0);
        let sql = format!("PRAGMA wal_checkpoint({mode})");
        let progress =
            |row: &rusqlite::Row<'_>| Ok(WalProgress { frames: frames(row.get(1)?), moved: frames(row.get(2)?) });
        self.own.query_row(&sql, [], progress).map_err(engine_error)
    }
}

fn start_reading(connection: &Connection) -> Result<()> {
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

/// Runs a future on a thread outside any runtime.
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
    use crate::storage::{OpenMode, Storage, StorageOptions, Tx};
    use crate::time::SystemClock;

    fn open(folder: &Path) -> (Storage, Wal) {
        let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
        Storage::open_with_wal_feed(OpenMode::Create, &folder.join("test.db"), &options).expect("opens")
    }

    async fn commit(storage: &Storage) {
        let write = |tx: &mut dyn Tx| {
            let id = tx.scalar("SELECT max(id) FROM sales_channels", &[])? + 1;
            let blob = vec![1_u8; 40_000];
            tx.exec(
                "INSERT INTO sales_channels (id, code, name, sealed_password) VALUES (?, ?, '', ?)",
                &[id.into(), id.to_string().into(), blob.as_slice().into()],
            )
        };
        storage.write(write).await.expect("writes");
    }

    #[tokio::test]
    async fn foreign_process_cannot_checkpoint_frames_after_the_pin() {
        let folder = tempfile::tempdir().expect("a folder");
        let (storage, mut wal) = open(folder.path());
        wal.pin().expect("pins");
        wal.unpin_previous().expect("unpins");
        let pinned = wal.progress().expect("the progress").frames;
        commit(&storage).await;
        let foreign = Connection::open(folder.path().join("test.db")).expect("opens");
        for mode in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
            let _ = foreign.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        }
        foreign.execute_batch("INSERT INTO sales_channels (id, code, name) VALUES (9, 'F', '')").expect("writes");
        let after = wal.progress().expect("the progress");
        assert!(after.frames > pinned && after.moved <= pinned, "{after:?}");

        wal.pin().expect("pins");
        wal.unpin_previous().expect("unpins");
        assert_eq!(wal.checkpoint().expect("moves"), WalProgress { frames: after.frames, moved: after.frames });
    }

    #[tokio::test]
    async fn commit_block_delays_commits_and_the_feed_has_each_commit() {
        let folder = tempfile::tempdir().expect("a folder");
        let (storage, wal) = open(folder.path());
        wal.commits().drain();
        commit(&storage).await;
        commit(&storage).await;
        let commits = wal.commits().drain();
        assert_eq!(commits.len(), 2);
        assert!(commits[0].frames < commits[1].frames && commits[0].at <= commits[1].at, "{commits:?}");
        assert!(commits[1].at <= SystemClock.now(), "after its answer: {commits:?}");

        let waiting = storage.clone();
        let (before, during) = tokio::task::spawn_blocking(move || {
            let written = std::sync::mpsc::channel();
            let runtime = tokio::runtime::Handle::current();
            let block = wal.block_commits().expect("a block");
            runtime.spawn(async move {
                commit(&waiting).await;
                written.0.send(()).expect("the test waits");
            });
            let before = wal.progress().expect("the progress");
            std::thread::sleep(Duration::from_millis(100));
            let during = wal.progress().expect("the progress");
            drop(block);
            written.1.recv().expect("written");
            assert_eq!(wal.commits().drain().len(), 1);
            (before, during)
        })
        .await
        .expect("ends");
        assert_eq!(before, during);
    }

    #[tokio::test]
    async fn closed_database_keeps_its_wal() {
        let folder = tempfile::tempdir().expect("a folder");
        let (storage, wal) = open(folder.path());
        commit(&storage).await;
        let frames = wal.progress().expect("the progress").frames;
        drop((storage, wal));
        let (_storage, wal) = open(folder.path());
        assert_eq!(wal.progress().expect("the progress").frames, frames);
    }
}
