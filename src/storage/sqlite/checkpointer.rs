//! Checkpoints: moving what the write-ahead log holds into the main file, beside the writer.
//!
//! SQLite would do this inside the commit that makes the log a thousand pages long, and whoever sent
//! that commit would wait for it. Here a thread with a connection of its own does it, while commits
//! go on at the log's end. It keeps the log short as long as readers come and go: one that stays
//! holds the log from its own beginning on, and the log grows until it has gone.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::error::engine_error;
use super::lock;
use crate::storage::{Result, StorageError};

/// How long the log may become, in pages of 4 KiB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// worth a checkpoint, which nobody waits for
    worth_it: u32,
    /// So long that the writer is held up for a moment, in which the log begins anew; if readers do
    /// not allow it, again when the log has grown as much once more.
    too_long: u32,
}

impl Limits {
    /// 4 MB is SQLite's own measure. After 64 MB the log is cut.
    pub(super) const USUAL: Self = Self { worth_it: 1_000, too_long: 16_000 };
}

/// How long the writer is held up at most when the log has become too long.
const HOLD_UP: Duration = Duration::from_millis(100);

/// The thread that makes checkpoints. Dropped last of all connections: closing its own then makes
/// the last checkpoint and removes the log, so that a stopped shop is one file.
pub(super) struct Checkpointer {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

/// What a commit rings.
#[derive(Default)]
struct Bell {
    heard: Mutex<Heard>,
    rung: Condvar,
}

#[derive(Default)]
struct Heard {
    frames: u32,
    closing: bool,
}

impl Checkpointer {
    /// Takes checkpoints away from `writer` and makes them on `own`.
    pub(super) fn start(writer: &mut Connection, own: Connection, limits: Limits) -> Result<Self> {
        own.busy_timeout(HOLD_UP).map_err(engine_error)?;
        let bell = Arc::new(Bell::default());
        let ring = Arc::clone(&bell);
        // In the place of SQLite's own hook, which makes the checkpoints of the commit.
        let hook = move |_: &mut rusqlite::hooks::Wal, frames: i32| {
            ring.ring(|heard| heard.frames = u32::try_from(frames).unwrap_or(0));
            Ok(())
        };
        writer.wal_hook(Some(hook)).map_err(engine_error)?;
        let hears = Arc::clone(&bell);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || keep_short(&own, &hears, limits))
            .map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        Ok(Self { bell, thread: Some(thread) })
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.bell.ring(|heard| heard.closing = true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been said already; SQLite recovers the log at the next start.
            let _ = thread.join();
        }
    }
}

impl Bell {
    fn ring(&self, say: impl FnOnce(&mut Heard)) {
        say(&mut lock(&self.heard));
        self.rung.notify_one();
    }

    /// How long the log is when it is worth a checkpoint; None at the end.
    fn wait(&self, worth_it: u32) -> Option<u32> {
        let idle = |heard: &mut Heard| !heard.closing && heard.frames < worth_it;
        let mut heard =
            self.rung.wait_while(lock(&self.heard), idle).unwrap_or_else(std::sync::PoisonError::into_inner);
        (!heard.closing).then(|| std::mem::take(&mut heard.frames))
    }
}

fn keep_short(own: &Connection, bell: &Bell, limits: Limits) {
    let mut cut_at = limits.too_long;
    while let Some(frames) = bell.wait(limits.worth_it) {
        let cut = frames >= cut_at;
        match checkpoint(own, if cut { "TRUNCATE" } else { "PASSIVE" }) {
            Ok(readers_held_it) if cut && readers_held_it => cut_at = frames.saturating_add(limits.too_long),
            Ok(_) if cut || frames < limits.too_long => cut_at = limits.too_long,
            Ok(_) => {}
            // The log stays as it is, and the next commit asks again.
            Err(error) => tracing::error!(%error, "a checkpoint failed"),
        }
    }
}

/// Whether somebody was in the way.
fn checkpoint(own: &Connection, mode: &str) -> Result<bool> {
    own.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get(0)).map_err(engine_error)
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    const LIMITS: Limits = Limits { worth_it: 50, too_long: 400 };

    struct File {
        path: PathBuf,
        writer: Connection,
        checkpointer: Checkpointer,
    }

    fn open(folder: &Path, limits: Limits) -> File {
        let path = folder.join("test.db");
        let mut writer = Connection::open(&path).expect("opens");
        writer.pragma_update(None, "journal_mode", "WAL").expect("a log");
        writer.execute_batch("CREATE TABLE things (bytes BLOB)").expect("a table");
        let own = Connection::open(&path).expect("opens");
        let checkpointer = Checkpointer::start(&mut writer, own, limits).expect("starts");
        File { path, writer, checkpointer }
    }

    impl File {
        /// Commits `pages` pages of content.
        fn commit(&self, pages: u32) {
            self.writer.execute("INSERT INTO things VALUES (zeroblob(?))", [pages * 4_096]).expect("writes");
        }

        /// Length of the log in frames, and how many of them are in the main file.
        fn log(&self) -> (u32, u32) {
            let ask = "PRAGMA wal_checkpoint(NOOP)";
            self.writer.query_row(ask, [], |row| Ok((row.get(1)?, row.get(2)?))).expect("answers")
        }

        fn until(&self, what: &str, holds: impl Fn((u32, u32)) -> bool) {
            for _ in 0..500 {
                if holds(self.log()) {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
            panic!("{what}: {:?}", self.log());
        }
    }

    #[test]
    fn no_commit_makes_a_checkpoint_and_soon_after_it_there_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let unhurried = open(folder.path(), Limits { worth_it: 5_000, too_long: 50_000 });
        unhurried.commit(2_000);
        std::thread::sleep(Duration::from_millis(100));
        let (frames, moved) = unhurried.log();
        assert!(frames > 2_000 && moved == 0, "SQLite's own would have come at 1000: {frames}, {moved}");
        unhurried.commit(3_500);
        unhurried.until("a checkpoint", |(frames, moved)| frames > 5_000 && moved == frames);
        unhurried.commit(1);
        assert!(unhurried.log().0 < 10, "the log begins anew");
    }

    #[test]
    fn a_reader_that_stays_holds_the_log_and_when_it_has_gone_the_log_is_short_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = open(folder.path(), LIMITS);
        file.commit(10);
        let reader = Connection::open(&file.path).expect("opens");
        reader.execute_batch("BEGIN; SELECT count(*) FROM things").expect("begins to read");
        for _ in 0..60 {
            file.commit(20);
        }
        assert!(file.log().0 > 1_200, "{:?}", file.log());
        let rows = "SELECT count(*) FROM things";
        assert_eq!(reader.query_row(rows, [], |row| row.get::<_, i64>(0)).expect("reads"), 1);
        drop(reader);
        for _ in 0..60 {
            file.commit(20);
            std::thread::sleep(Duration::from_millis(1));
        }
        file.until("a short log", |(frames, _)| {
            file.commit(1);
            frames < LIMITS.too_long
        });
    }

    #[test]
    fn a_closed_database_is_one_file_that_holds_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let File { path, writer, checkpointer } = open(folder.path(), LIMITS);
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
