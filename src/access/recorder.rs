//! Writes the records of views in batches, so that no page waits for a write.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::model::NewAccess;
use super::store;
use crate::storage::{Result, Storage, StorageError, lock};
use crate::time::Moment;

/// How long records wait for others: what a killed program loses at most.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);

/// Delay before another attempt after the database failed.
const RETRY_DELAY: Duration = Duration::from_secs(2);

/// Waiting records from which on a request writes them itself, which bounds the memory.
const MAX_PENDING: usize = 5_000;

/// A queue of records; cheap to clone.
#[derive(Clone)]
pub struct AccessRecorder {
    inner: Arc<Inner>,
}

struct Inner {
    storage: Storage,
    pending: Mutex<Vec<(Moment, NewAccess)>>,
    /// serialises the writes, so that the records keep their order
    writing: tokio::sync::Mutex<()>,
}

impl AccessRecorder {
    /// An empty queue for this database.
    pub fn new(storage: Storage) -> Self {
        Self { inner: Arc::new(Inner { storage, pending: Mutex::default(), writing: tokio::sync::Mutex::default() }) }
    }

    /// Queues the record of an access that happened now. It is written within [`FLUSH_INTERVAL`], unless the database is
    /// busy with a longer write or fails.
    pub async fn record(&self, access: NewAccess) {
        let at = self.inner.storage.clock().now();
        let count = {
            let mut pending = lock(&self.inner.pending);
            pending.push((at, access));
            pending.len()
        };
        if count == 1 {
            tokio::spawn(self.clone().flush_later());
        } else if count > MAX_PENDING
            && let Err(error) = self.flush().await
        {
            tracing::error!(%error, "접속기록을 쓰지 못했어요");
        }
    }

    /// Writes all queued records. They are written to the end also if the caller stops waiting, for example because its
    /// client has gone: the queue has the views of everybody.
    ///
    /// # Errors
    /// The database failed; the records stay queued.
    pub async fn flush(&self) -> Result<()> {
        let recorder = self.clone();
        let written = tokio::spawn(async move { recorder.write_pending().await }).await;
        written.unwrap_or_else(|error| Err(StorageError::Unavailable(error.to_string())))
    }

    async fn write_pending(&self) -> Result<()> {
        let _writing = self.inner.writing.lock().await;
        let batch = Arc::new(std::mem::take(&mut *lock(&self.inner.pending)));
        if batch.is_empty() {
            return Ok(());
        }
        let rows = Arc::clone(&batch);
        let written = self.inner.storage.write(move |tx| store::append(tx, rows.as_ref().clone())).await;
        if written.is_err() {
            lock(&self.inner.pending).splice(0..0, batch.iter().cloned());
        }
        written
    }

    async fn flush_later(self) {
        tokio::time::sleep(FLUSH_INTERVAL).await;
        while let Err(error) = self.flush().await {
            tracing::error!(%error, "접속기록을 쓰지 못해 다시 시도해요");
            tokio::time::sleep(RETRY_DELAY).await;
        }
    }
}
