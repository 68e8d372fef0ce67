//! Erasure of what deleted rows leave: in split pages, and in the write-ahead log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::OpenFlags;

use super::error::engine_error;
use super::{Sqlite, SqliteInner, WAL_SIZE_LIMIT, connect, wal};
use crate::storage::blocking::{lock, spawn_blocking};
use crate::storage::{Result, StorageError};

/// Attempts to empty the WAL, and the time between two of them: longer than a checkpoint of the backup takes.
const ERASE_ATTEMPTS: u32 = 40;
const ERASE_INTERVAL: Duration = Duration::from_millis(500);

impl Sqlite {
    /// Writes the whole database again: pages that were split keep copies of rows that were moved, which no deletion
    /// overwrites.
    pub(in crate::storage) async fn compact(&self) -> Result<()> {
        let permit = self.write_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _permit = permit;
            let writer = lock(&shared.writer);
            // The copy of a large shop does not fit into memory.
            writer.pragma_update(None, "temp_store", "FILE").map_err(engine_error)?;
            let compacted = writer.execute_batch("VACUUM");
            writer.pragma_update(None, "temp_store", "MEMORY").map_err(engine_error)?;
            compacted.map_err(engine_error)
        })
        .await
    }

    /// Moves the WAL to the main file and truncates it; false if readers or the backup prevented that.
    pub(in crate::storage) async fn erase_wal(&self) -> Result<bool> {
        let shared = Arc::clone(&self.shared);
        if !shared.keeps_wal {
            return spawn_blocking(move || erase_own_wal(&shared)).await;
        }
        // Whichever commit starts the WAL again after the checkpoint truncates it to this size.
        self.limit_wal(0).await?;
        let before = wal::salts(&shared.path);
        shared.wants_checkpoint.store(true, Ordering::Relaxed);
        let is_restarted = self.wait_for_restart(before).await;
        self.limit_wal(WAL_SIZE_LIMIT).await?;
        is_restarted
    }

    /// Commits until the WAL has other salts than `before`.
    async fn wait_for_restart(&self, before: Option<[u8; 8]>) -> Result<bool> {
        for _ in 0..ERASE_ATTEMPTS {
            let (shared, permit) = (Arc::clone(&self.shared), self.write_limit.acquire().await?);
            let is_restarted = spawn_blocking(move || {
                let _permit = permit;
                // Nobody reads this number. An update of a row to what it is would write no page.
                lock(&shared.writer).pragma_update(None, "user_version", 0).map_err(engine_error)?;
                Ok::<_, StorageError>(wal::salts(&shared.path) != before)
            });
            if is_restarted.await? {
                return Ok(true);
            }
            tokio::time::sleep(ERASE_INTERVAL).await;
        }
        Ok(false)
    }

    /// Sets the size to which the WAL is truncated when it starts again.
    async fn limit_wal(&self, bytes: i64) -> Result<()> {
        let (shared, permit) = (Arc::clone(&self.shared), self.write_limit.acquire().await?);
        spawn_blocking(move || {
            let _permit = permit;
            lock(&shared.writer).pragma_update(None, "journal_size_limit", bytes).map_err(engine_error)
        })
        .await
    }
}

/// Truncates the WAL of a database that nobody backs up.
fn erase_own_wal(shared: &SqliteInner) -> Result<bool> {
    let own = connect(&shared.path, OpenFlags::default())?;
    own.busy_timeout(ERASE_INTERVAL).map_err(engine_error)?;
    for _ in 0..ERASE_ATTEMPTS {
        let is_busy: bool =
            own.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).map_err(engine_error)?;
        if !is_busy {
            return Ok(true);
        }
    }
    Ok(false)
}
