//! Background checkpoints: moves the content of the write-ahead log to the main file.
//!
//! SQLite by default checkpoints within the commit that grows the WAL to 1,000 pages, and the caller of
//! that commit waits for it. Here a thread with its own connection checkpoints while commits continue.
//! The WAL stays short as long as readers are short. A long-lived reader pins the WAL from its snapshot
//! on; the WAL grows until that reader finishes.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::error::engine_error;
use super::lock;
use crate::storage::{Result, StorageError};

/// WAL sizes that trigger a checkpoint, in pages of 4 KiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct CheckpointLimits {
    /// starts a passive checkpoint, which blocks nothing
    passive_pages: u32,
    /// Starts a checkpoint that truncates the WAL and blocks the writer for up to [`MAX_BLOCKING`]. When
    /// readers prevent it, the next attempt follows after as many pages again.
    truncate_pages: u32,
}

impl CheckpointLimits {
    /// 4 MB, SQLite's own default, and 64 MB.
    pub(super) const DEFAULT: Self = Self { passive_pages: 1_000, truncate_pages: 16_000 };
}

/// How long a truncating checkpoint may block the writer.
const MAX_BLOCKING: Duration = Duration::from_millis(100);

/// Handle of the checkpoint thread. Must be dropped after all other connections: closing the thread's
/// connection then makes the last checkpoint and deletes the WAL, so that a closed database is one file.
pub(super) struct Checkpointer {
    signal: Arc<Signal>,
    thread: Option<JoinHandle<()>>,
}

/// Notifies the checkpoint thread of commits and of the shutdown.
#[derive(Default)]
struct Signal {
    state: Mutex<SignalState>,
    changed: Condvar,
}

#[derive(Default)]
struct SignalState {
    /// frames in the WAL after the newest commit
    frames: u32,
    is_closing: bool,
}

impl Checkpointer {
    /// Disables checkpoints on `writer` and runs them on `own`.
    pub(super) fn start(writer: &mut Connection, own: Connection, limits: CheckpointLimits) -> Result<Self> {
        own.busy_timeout(MAX_BLOCKING).map_err(engine_error)?;
        let signal = Arc::new(Signal::default());
        let after_commit = Arc::clone(&signal);
        // Replaces SQLite's own hook, which checkpoints within the commit.
        let hook = move |_: &mut rusqlite::hooks::Wal, frames: i32| {
            after_commit.notify(|state| state.frames = u32::try_from(frames).unwrap_or(0));
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(engine_error)?;
        let for_thread = Arc::clone(&signal);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || run_checkpointer(&own, &for_thread, limits))
            .map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        Ok(Self { signal, thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.signal.notify(|state| state.is_closing = true);
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been logged; SQLite recovers the WAL at the next start.
            let _ = thread.join();
        }
    }
}

impl Signal {
    fn notify(&self, change: impl FnOnce(&mut SignalState)) {
        change(&mut lock(&self.state));
        self.changed.notify_one();
    }

    /// Waits until the WAL has `passive_pages`, and returns its size; None at the shutdown.
    fn wait(&self, passive_pages: u32) -> Option<u32> {
        let is_idle = |state: &mut SignalState| !state.is_closing && state.frames < passive_pages;
        let mut state = self.changed.wait_while(lock(&self.state), is_idle).unwrap_or_else(PoisonError::into_inner);
        (!state.is_closing).then(|| std::mem::take(&mut state.frames))
    }
}

fn run_checkpointer(own: &Connection, signal: &Signal, limits: CheckpointLimits) {
    let mut truncate_at = limits.truncate_pages;
    while let Some(frames) = signal.wait(limits.passive_pages) {
        let truncates = frames >= truncate_at;
        match checkpoint(own, if truncates { "TRUNCATE" } else { "PASSIVE" }) {
            Ok(was_blocked) if truncates && was_blocked => {
                truncate_at = frames.saturating_add(limits.truncate_pages);
            }
            Ok(_) if truncates || frames < limits.truncate_pages => truncate_at = limits.truncate_pages,
            Ok(_) => {}
            // The WAL is unchanged, and the next commit triggers a retry.
            Err(error) => {
                tracing::error!(%error, "저장한 것을 데이터 파일에 옮기지 못했어요. 디스크의 남은 공간을 확인하세요");
            }
        }
    }
}

/// Runs a checkpoint; returns whether a reader or writer blocked it.
fn checkpoint(own: &Connection, mode: &str) -> Result<bool> {
    own.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(0)).map_err(engine_error)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    const LIMITS: CheckpointLimits = CheckpointLimits { passive_pages: 50, truncate_pages: 400 };

    struct Database {
        path: PathBuf,
        writer: Connection,
        checkpointer: Checkpointer,
    }

    fn open(folder: &Path, limits: CheckpointLimits) -> Database {
        let path = folder.join("test.db");
        let mut writer = Connection::open(&path).expect("opens");
        writer.pragma_update(None, "journal_mode", "WAL").expect("WAL mode");
        writer.execute_batch("CREATE TABLE things (bytes BLOB)").expect("a table");
        let own = Connection::open(&path).expect("opens");
        let checkpointer = Checkpointer::start(&mut writer, own, limits).expect("starts");
        Database { path, writer, checkpointer }
    }

    impl Database {
        /// Commits `pages` pages.
        fn commit(&self, pages: u32) {
            self.writer.execute("INSERT INTO things VALUES (zeroblob(?))", [pages * 4_096]).expect("writes");
        }

        /// Frames in the WAL, and how many of them are in the main file.
        fn wal_size(&self) -> (u32, u32) {
            let ask = "PRAGMA wal_checkpoint(NOOP)";
            self.writer.query_row(ask, [], |row| Ok((row.get(1)?, row.get(2)?))).expect("the sizes")
        }

        fn wait_until(&self, condition: &str, is_true: impl Fn((u32, u32)) -> bool) {
            for _ in 0..500 {
                if is_true(self.wal_size()) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            panic!("{condition}: {:?}", self.wal_size());
        }
    }

    #[test]
    fn commits_do_not_checkpoint_and_the_thread_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = open(folder.path(), CheckpointLimits { passive_pages: 5_000, truncate_pages: 50_000 });
        database.commit(2_000);
        std::thread::sleep(Duration::from_millis(100));
        let (frames, moved) = database.wal_size();
        assert!(frames > 2_000 && moved == 0, "SQLite itself would checkpoint at 1000: {frames}, {moved}");
        database.commit(3_500);
        database.wait_until("a checkpoint", |(frames, moved)| frames > 5_000 && moved == frames);
        database.commit(1);
        assert!(database.wal_size().0 < 10, "the WAL restarts");
    }

    #[test]
    fn wal_grows_while_a_reader_pins_it_and_shrinks_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = open(folder.path(), LIMITS);
        database.commit(10);
        let reader = Connection::open(&database.path).expect("opens");
        reader.execute_batch("BEGIN; SELECT count(*) FROM things").expect("starts reading");
        for _ in 0..60 {
            database.commit(20);
        }
        assert!(database.wal_size().0 > 1_200, "{:?}", database.wal_size());
        let rows = "SELECT count(*) FROM things";
        assert_eq!(reader.query_row(rows, [], |row| row.get::<_, i64>(0)).expect("reads"), 1);
        drop(reader);
        for _ in 0..60 {
            database.commit(20);
            std::thread::sleep(Duration::from_millis(1));
        }
        database.wait_until("a short WAL", |(frames, _)| {
            database.commit(1);
            frames < LIMITS.truncate_pages
        });
    }

    #[test]
    fn closed_database_is_one_complete_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let Database { path, writer, checkpointer } = open(folder.path(), LIMITS);
        writer.execute("INSERT INTO things VALUES (zeroblob(9))", []).expect("writes");
        drop(writer);
        drop(checkpointer);
        assert!(!path.with_file_name("test.db-wal").exists());
        let alone = folder.path().join("alone.db");
        std::fs::copy(&path, &alone).expect("copies");
        let alone = Connection::open(&alone).expect("opens");
        assert_eq!(alone.query_row("SELECT count(*) FROM things", [], |row| row.get::<_, i64>(0)).expect("reads"), 1);
    }
}
