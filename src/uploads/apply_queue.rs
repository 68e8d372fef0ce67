//! Applies uploads in the background, one after another, each in its own transaction.
//!
//! The work belongs to the program and not to the request that started it: the page may be left, and its connection may
//! break. Nothing of it is stored: a program that ends waits for its queue ([`Uploads::idle`]). An upload that was not applied
//! after all, because the program was killed, has the stage of a preview, and can be applied then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::{ImportOptions, ImportOutcome, MAX_CONCURRENT_FILES, UploadError, Uploads};
use crate::audit::Actor;
use crate::id::UploadId;
use crate::time::Moment;

/// Time that a request waits for the uploads that it applies; longer work continues in the background.
pub const FOREGROUND_TIMEOUT: Duration = Duration::from_secs(2);

/// Interval at which the queue is looked at before the program ends.
const IDLE_INTERVAL: Duration = Duration::from_millis(50);

/// How far an upload is that is being applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyProgress {
    /// others are applied first
    Waiting,
    /// since when it is being applied
    Applying(Moment),
    /// it was not applied; the Korean sentence says why
    Failed(String),
}

impl ApplyProgress {
    /// Whether it is not at its end.
    pub const fn is_under_way(&self) -> bool {
        matches!(self, Self::Waiting | Self::Applying(_))
    }
}

/// The uploads that are being applied by this program; clones share them.
#[derive(Clone, Debug, Default)]
pub struct ApplyQueue(Arc<Mutex<BTreeMap<UploadId, ApplyProgress>>>);

impl ApplyQueue {
    /// How far an upload is; none if it is not being applied.
    pub fn progress(&self, id: UploadId) -> Option<ApplyProgress> {
        self.locked(|entries| entries.get(&id).cloned())
    }

    /// Whether an upload is being applied or waits for that.
    fn is_under_way(&self) -> bool {
        self.locked(|entries| entries.values().any(ApplyProgress::is_under_way))
    }

    /// Enters an upload, which replaces an earlier failure. None if it is under way.
    fn enter(&self, id: UploadId) -> Option<QueueEntry> {
        self.locked(|entries| {
            if entries.get(&id).is_some_and(ApplyProgress::is_under_way) {
                return None;
            }
            entries.insert(id, ApplyProgress::Waiting);
            Some(QueueEntry { queue: self.clone(), id })
        })
    }

    fn locked<T>(&self, work: impl FnOnce(&mut BTreeMap<UploadId, ApplyProgress>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An upload in the queue. Dropping it removes the upload unless it failed, also when its task panics.
#[derive(Debug)]
struct QueueEntry {
    queue: ApplyQueue,
    id: UploadId,
}

impl QueueEntry {
    fn set(&self, progress: ApplyProgress) {
        self.queue.locked(|entries| entries.insert(self.id, progress));
    }
}

impl Drop for QueueEntry {
    fn drop(&mut self) {
        self.queue.locked(|entries| {
            if entries.get(&self.id).is_some_and(ApplyProgress::is_under_way) {
                entries.remove(&self.id);
            }
        });
    }
}

impl Uploads {
    /// Waits until every file that is being read or applied, or waits for that, is done: before the program ends.
    pub async fn idle(&self) {
        while self.queue.is_under_way() {
            tokio::time::sleep(IDLE_INTERVAL).await;
        }
        // Turns are had in order, so that those who wait have had theirs. An error would be a closed semaphore.
        let turns = u32::try_from(MAX_CONCURRENT_FILES).unwrap_or(1);
        drop(self.turns.0.acquire_many(turns).await);
    }

    /// Starts to apply a stored file. The task returns the result of [`Uploads::apply_stored`].
    pub fn start_apply(
        &self,
        id: UploadId,
        actor: Actor,
        options: ImportOptions,
    ) -> JoinHandle<Result<ImportOutcome, UploadError>> {
        let (uploads, entry) = (self.clone(), self.queue.enter(id));
        tokio::spawn(async move { uploads.apply_in_turn(id, entry.as_ref(), actor, &options).await })
    }

    /// Starts to apply stored files one after another; those that are under way are left out. A file that fails does not
    /// stop the others: its stage or its [`ApplyProgress`] says why.
    pub fn start_apply_all(&self, files: Vec<(UploadId, ImportOptions)>, actor: Actor) -> JoinHandle<()> {
        let uploads = self.clone();
        let entered: Vec<_> =
            files.into_iter().filter_map(|(id, options)| Some((self.queue.enter(id)?, options))).collect();
        tokio::spawn(async move {
            for (entry, options) in entered {
                if let Err(error) = uploads.apply_in_turn(entry.id, Some(&entry), actor, &options).await {
                    tracing::warn!(%error, upload = entry.id.raw(), "업로드를 적용하지 못했어요. 업로드 화면에서 다시 적용하세요");
                }
            }
        })
    }

    async fn apply_in_turn(
        &self,
        id: UploadId,
        entry: Option<&QueueEntry>,
        actor: Actor,
        options: &ImportOptions,
    ) -> Result<ImportOutcome, UploadError> {
        let _turn = self.turns.wait().await;
        if let Some(entry) = entry {
            entry.set(ApplyProgress::Applying(self.storage.clock().now()));
        }
        let result = self.apply_stored(id, actor, options).await;
        if let Some(entry) = entry {
            match &result {
                // A refused file has its reason in the database.
                Ok(_) | Err(UploadError::Refused(_)) => {}
                Err(UploadError::Storage(_)) => {
                    entry
                        .set(ApplyProgress::Failed("데이터베이스에 저장하지 못했어요. 다시 적용해 주세요.".to_owned()));
                }
                Err(error) => entry.set(ApplyProgress::Failed(error.to_string())),
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upload_is_entered_once_until_it_ends() {
        let queue = ApplyQueue::default();
        let entry = queue.enter(UploadId::from_raw(1)).expect("is not under way");
        assert_eq!(queue.progress(UploadId::from_raw(1)), Some(ApplyProgress::Waiting));
        assert!(queue.enter(UploadId::from_raw(1)).is_none() && queue.enter(UploadId::from_raw(2)).is_some());
        assert!(queue.is_under_way());
        entry.set(ApplyProgress::Applying(Moment(5)));
        assert!(queue.enter(UploadId::from_raw(1)).is_none());
        drop(entry);
        assert_eq!(queue.progress(UploadId::from_raw(1)), None, "a task that ends leaves nothing");
        assert!(!queue.is_under_way());
    }

    #[test]
    fn failure_is_kept_until_the_next_attempt() {
        let queue = ApplyQueue::default();
        let entry = queue.enter(UploadId::from_raw(1)).expect("is not under way");
        entry.set(ApplyProgress::Failed("왜".to_owned()));
        drop(entry);
        assert_eq!(queue.progress(UploadId::from_raw(1)), Some(ApplyProgress::Failed("왜".to_owned())));
        let again = queue.enter(UploadId::from_raw(1)).expect("has ended");
        assert_eq!(queue.progress(UploadId::from_raw(1)), Some(ApplyProgress::Waiting));
        drop(again);
        assert_eq!(queue.progress(UploadId::from_raw(1)), None);
    }
}
