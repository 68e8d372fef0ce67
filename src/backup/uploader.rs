//! Background tasks that upload the spooled objects of a target, in order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;

use super::list::list_objects;
use super::object_keys::ObjectKey;
use super::ownership::{self, Identity, Owner};
use super::retention::expired;
use super::spool::{Spool, SpoolError};
use super::status::{ObjectClass, StatusReporter, TargetProblem};
use super::wal_shipper::{Command, ShipperHandle};
use crate::config::Retention;
use crate::objects::{Target, TargetError};
use crate::time::{Clock, Moment};

/// Number of concurrent delete requests.
const MAX_CONCURRENT_DELETES: usize = 8;

/// Time between two enforcements of retention; each snapshot triggers another.
const RETENTION_INTERVAL_MS: i64 = 3_600_000;

/// Timing of an uploader.
#[derive(Clone, Copy, Debug)]
pub(super) struct UploadTiming {
    /// time between two ownership checks of an idle target
    pub(super) ownership_check_interval: Duration,
    /// delay before the first retry; it doubles with each failure
    pub(super) min_backoff: Duration,
    pub(super) max_backoff: Duration,
}

impl Default for UploadTiming {
    fn default() -> Self {
        Self {
            ownership_check_interval: Duration::from_secs(30),
            min_backoff: Duration::from_secs(1),
            max_backoff: Duration::from_mins(1),
        }
    }
}

/// Uploads the objects of one kind to one target. Each target has two uploaders, so that a large snapshot
/// does not delay segments.
#[derive(Clone)]
pub(super) struct Uploader {
    /// index of the target
    pub(super) index: usize,
    pub(super) target: Target,
    pub(super) spool: Arc<Spool>,
    pub(super) us: Identity,
    pub(super) reporter: Arc<StatusReporter>,
    pub(super) shipper: ShipperHandle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) retention: Retention,
    pub(super) kind: ObjectClass,
    pub(super) timing: UploadTiming,
    /// true: upload what is spooled, then end
    pub(super) stopping: watch::Receiver<bool>,
}

/// Time of the last periodic tasks.
struct LastRuns {
    /// the minimum forces a check
    ownership_check: Moment,
    retention: Moment,
    /// the newest snapshot at that time
    retention_snapshot_at: Option<i64>,
}

/// Why an uploader waits before its next attempt.
#[derive(Debug, thiserror::Error)]
enum ShipError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("another program owns the target: {0}")]
    OtherOwner(Identity),
}

impl From<io::Error> for ShipError {
    fn from(error: io::Error) -> Self {
        Self::Spool(error.into())
    }
}

/// The next object to upload: segments in order, and a snapshot once every segment that it needs is at the
/// target.
fn next_upload(kind: ObjectClass, spooled: Vec<ObjectKey>) -> Option<ObjectKey> {
    let has_segment_before = |generation: &str, before: u64| {
        spooled.iter().any(|key| match key {
            ObjectKey::Segment { generation: of, number, .. } => of == generation && *number < before,
            _ => false,
        })
    };
    let next = spooled.iter().position(|key| match key {
        ObjectKey::Segment { .. } => kind == ObjectClass::Segments,
        ObjectKey::Snapshot { generation, next, .. } => {
            kind == ObjectClass::Snapshots && !has_segment_before(generation, *next)
        }
        ObjectKey::Claim { .. } | ObjectKey::Verification { .. } => false,
    });
    next.and_then(|index| spooled.into_iter().nth(index))
}

impl Uploader {
    /// Runs until `stopping` is set and the spool is empty, or an upload fails after that.
    pub(super) async fn run(mut self) {
        let mut backoff = self.timing.min_backoff;
        let mut last_runs =
            LastRuns { ownership_check: Moment(i64::MIN), retention: Moment(i64::MIN), retention_snapshot_at: None };
        loop {
            let spool = Arc::clone(&self.spool);
            let added = spool.added.notified();
            tokio::pin!(added);
            added.as_mut().enable();
            let stopping = *self.stopping.borrow_and_update();
            let outcome = self.run_once(&mut last_runs).await;
            let pause = match &outcome {
                Ok(()) if stopping => return,
                Ok(()) => {
                    backoff = self.timing.min_backoff;
                    self.timing.ownership_check_interval
                }
                Err(error) => {
                    self.reporter.set_problem(self.kind, problem(error), self.clock.now());
                    if stopping {
                        // The next start uploads the rest.
                        return;
                    }
                    last_runs.ownership_check = Moment(i64::MIN);
                    let pause = backoff;
                    backoff = (backoff * 2).min(self.timing.max_backoff);
                    pause
                }
            };
            tokio::select! {
                () = &mut added, if outcome.is_ok() => {}
                _ = self.stopping.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn run_once(&mut self, last_runs: &mut LastRuns) -> Result<(), ShipError> {
        let now = self.clock.now();
        let is_due = |last: Moment, interval_ms: i64| last.plus_ms(interval_ms) <= now;
        let check_interval_ms = i64::try_from(self.timing.ownership_check_interval.as_millis()).unwrap_or(0);
        if is_due(last_runs.ownership_check, check_interval_ms) {
            self.ensure_ownership(last_runs.ownership_check.0 == i64::MIN).await?;
            last_runs.ownership_check = now;
        }
        let caught_up = self.spool.caught_up();
        self.upload_spooled().await?;
        if self.kind == ObjectClass::Segments
            && let Some(error) = self.spool.take_gap()
        {
            // The target answers. The new generation ends the gap if the disk has space again.
            self.shipper.send(Command::StartGeneration(self.index));
            return Err(error.into());
        }
        self.reporter.drained(self.kind, caught_up, self.spool.bytes());
        let snapshot_at = self.reporter.status().snapshot_at;
        let is_retention_due =
            is_due(last_runs.retention, RETENTION_INTERVAL_MS) || last_runs.retention_snapshot_at != snapshot_at;
        // In the snapshots' uploader: thousands of deletes must not delay a segment.
        if self.kind == ObjectClass::Snapshots && is_retention_due {
            self.enforce_retention().await?;
            (last_runs.retention, last_runs.retention_snapshot_at) = (now, snapshot_at);
        }
        Ok(())
    }

    /// Checks that the target is ours, and claims it if it has no owner or may be taken over. `is_first` is true
    /// at the start and after an error.
    async fn ensure_ownership(&self, is_first: bool) -> Result<(), ShipError> {
        if is_first {
            self.target.mark_folder(self.spool.folder())?;
        }
        if is_first && self.kind == ObjectClass::Segments {
            let is_supported = ownership::probe_conditional_put(&self.target, &self.us).await?;
            self.reporter.set_conditional_put(is_supported);
        }
        loop {
            let (newest, owner) = ownership::current_owner(&self.target, &self.us).await?;
            match owner {
                Owner::Us => return Ok(()),
                Owner::Other(other) if !self.reporter.may_take_over() => return Err(ShipError::OtherOwner(other)),
                // The previous owner's objects stay; ours start with a new generation.
                Owner::Other(_) => self.shipper.send(Command::StartGeneration(self.index)),
                Owner::None => {}
            }
            if ownership::try_claim(&self.target, &self.us, newest, self.clock.now()).await? {
                self.reporter.taken_over();
            }
        }
    }

    async fn upload_spooled(&self) -> Result<(), ShipError> {
        let mut any = false;
        while let Some(key) = next_upload(self.kind, self.spool.keys()?) {
            self.reporter.set_spool_bytes(self.spool.bytes());
            self.upload(&key).await?;
            self.spool.remove_uploaded(&key)?;
            self.reporter.uploaded(&key, self.clock.now());
            any = true;
        }
        if any && self.kind == ObjectClass::Segments {
            // A snapshot may depend on these segments: wakes its uploader.
            self.spool.added.notify_waiters();
        }
        Ok(())
    }

    async fn upload(&self, key: &ObjectKey) -> Result<(), ShipError> {
        let (path, file) = (key.path(), self.spool.path(key));
        if !matches!(key, ObjectKey::Segment { .. }) {
            // No other program can use this key, because the generation is random: a plain put is safe.
            return Ok(self.target.upload(&path, &file).await?);
        }
        let object = tokio::fs::read(&file).await?;
        match self.target.create(&path, object.clone()).await {
            Err(TargetError::AlreadyExists(_)) => {}
            other => return Ok(other?),
        }
        // The response of an earlier attempt may have been lost.
        let existing = self.target.get(&path).await?;
        if existing == object {
            return Ok(());
        }
        self.ensure_ownership(false).await?;
        if object.starts_with(&existing) {
            // An earlier attempt of ours was truncated.
            return Ok(self.target.replace(&path, object).await?);
        }
        // We own the target, yet the generation was continued, probably by us from an older data folder.
        self.spool.clear()?;
        self.shipper.send(Command::StartGeneration(self.index));
        Err(TargetError::AlreadyExists(path).into())
    }

    /// Deletes expired objects. Starts a new generation if the snapshot of the current one has disappeared from
    /// the target, because its segments could not be restored.
    async fn enforce_retention(&self) -> Result<(), ShipError> {
        // The order matters: a snapshot that is created meanwhile is not looked for, and one that is uploaded
        // meanwhile is in at least one of the two lists.
        let last = self.spool.last_snapshot();
        let spooled = self.spool.keys()?;
        let objects = list_objects(&self.target, "").await?;
        let keys: Vec<_> = objects.iter().map(|(key, _)| key.clone()).collect();
        let expired = expired(&keys, self.retention, self.clock.now()).into_iter().map(ObjectKey::path);
        let deletes = expired.map(|path| async move { self.target.delete(&path).await });
        stream::iter(deletes).buffer_unordered(MAX_CONCURRENT_DELETES).try_collect::<()>().await?;
        self.reporter.set_objects(&objects);
        let has_snapshot = |wanted: &str| {
            let is_wanted =
                |key: &ObjectKey| matches!(key, ObjectKey::Snapshot { generation, .. } if generation == wanted);
            keys.iter().chain(&spooled).any(is_wanted)
        };
        if last.is_some_and(|last| !has_snapshot(&last.generation)) {
            tracing::warn!(target = self.target.shown, "백업한 곳에 전체 백업이 없어 새로 시작해요");
            self.shipper.send(Command::StartGeneration(self.index));
        }
        Ok(())
    }
}

fn problem(error: &ShipError) -> TargetProblem {
    tracing::warn!(%error, "백업한 곳에 쓰지 못해 다시 시도해요");
    match error {
        ShipError::OtherOwner(other) => TargetProblem::OtherOwner(other.clone()),
        other => TargetProblem::Message(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshot_is_uploaded_after_the_segments_it_needs() {
        let segment = |number| ObjectKey::Segment { generation: "G".to_owned(), number, at: 1 };
        let snapshot = |next| ObjectKey::Snapshot { generation: "G".to_owned(), first: 1, next, at: 1 };
        let of_another = ObjectKey::Segment { generation: "H".to_owned(), number: 1, at: 1 };
        let next = |spooled: &[ObjectKey]| next_upload(ObjectClass::Snapshots, spooled.to_vec());
        assert_eq!(next(&[segment(1), segment(2), snapshot(3)]), None);
        assert_eq!(next(&[segment(2), snapshot(3)]), None);
        assert_eq!(next(&[segment(2), snapshot(2), snapshot(3)]), Some(snapshot(2)));
        assert_eq!(next(&[segment(3), of_another.clone(), snapshot(3)]), Some(snapshot(3)));
        let segments = [segment(2), of_another, snapshot(1)];
        assert_eq!(next_upload(ObjectClass::Segments, segments.to_vec()), Some(segment(2)));
    }
}
