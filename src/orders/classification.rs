//! Background job that reclassifies undelivered orders after the districts have changed.
//!
//! A batch takes some deliveries by ascending identifier and holds the write lock for a few milliseconds.
//! The progress is stored in the transaction of the batch: a program that is killed resumes there, and two
//! nodes share the work. Delivered orders keep the district that was valid on the day of delivery.

use std::time::Duration;

use super::store::classification::{DELIVERIES_PER_BATCH, classify, open_deliveries_after};
use super::store::{Action, ChangeContext};
use crate::audit::Actor;
use crate::districts::{DistrictCache, store as districts};
use crate::storage::{Result, Storage, StorageError, Tx};

/// Interval at which a server checks for unfinished work: of another process, or of one that was killed.
const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Time that a request waits for the job; longer work continues in the background.
const FOREGROUND_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the background job of a server; it never returns.
pub async fn run(storage: Storage, cache: DistrictCache) {
    let mut interval = tokio::time::interval(POLL_INTERVAL);
    loop {
        interval.tick().await;
        if let Err(error) = finish(&storage, &cache).await {
            tracing::error!(%error, "주문의 지역을 다시 정하지 못했어요");
        }
    }
}

/// Starts the job and waits for it, at most two seconds.
pub async fn start(storage: &Storage, cache: &DistrictCache) {
    let (storage, cache) = (storage.clone(), cache.clone());
    let job = tokio::spawn(async move { finish(&storage, &cache).await });
    // A shutdown may cancel the spawned task; `run` resumes it after the next start.
    if let Ok(Ok(Err(error))) = tokio::time::timeout(FOREGROUND_TIMEOUT, job).await {
        tracing::error!(%error, "주문의 지역을 다시 정하지 못했어요");
    }
}

/// Classifies batches until no work is left.
///
/// # Errors
/// The database failed. The next call resumes at the stored progress.
pub async fn finish(storage: &Storage, cache: &DistrictCache) -> Result<()> {
    while storage.read(|tx| Ok::<_, StorageError>(districts::progress(tx)?.is_some())).await? {
        let cache = cache.clone();
        storage.write(move |tx| classify_batch(tx, &cache, DELIVERIES_PER_BATCH)).await?;
    }
    Ok(())
}

/// Classifies the next `size` deliveries; returns false if none are left.
pub fn classify_batch(tx: &mut dyn Tx, cache: &DistrictCache, size: usize) -> Result<bool> {
    let Some(progress) = districts::progress(tx)? else { return Ok(false) };
    let current = cache.current(tx)?;
    let deliveries = open_deliveries_after(tx, progress.after, size)?;
    let last = deliveries.last().copied().filter(|_| deliveries.len() == size);
    if districts::advance(tx, progress, last)? {
        let context = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Classified };
        classify(tx, context, &current, &deliveries)?;
    }
    Ok(last.is_some())
}
