//! Delivering: what waits for a target is put there, in order, as soon as it is there to take it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::watch;

use super::object_keys::Name;
use super::ownership::{self, Identity, Owner};
use super::retention::{Keep, expired};
use super::spool::{Spool, SpoolError};
use super::status::{Report, Trouble, UploadKind};
use super::target::{Target, TargetError};
use super::wal_shipper::{Ask, Voice};
use crate::time::{Clock, Moment};

/// How often a target that has everything is asked whether it is still there and still ours.
const ASK_EVERY: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 30 });

/// How long a target that did not answer is left alone, doubling up to the longest.
const SHORTEST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_mins(1);

/// How many deletes are asked for at a time.
const DELETES_AT_ONCE: usize = 8;

/// How often what nobody needs any more is deleted, besides after each snapshot.
const TIDY_EVERY_MS: i64 = 3_600_000;

/// One target and everything that delivering to it needs.
#[derive(Clone)]
pub(super) struct Delivery {
    pub(super) place: usize,
    pub(super) target: Target,
    pub(super) spool: Arc<Spool>,
    pub(super) us: Identity,
    pub(super) report: Arc<Report>,
    pub(super) voice: Voice,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) keep: Keep,
    /// Snapshots take their time and have a delivery of their own beside that of the segments.
    pub(super) what: UploadKind,
    /// rung when the program ends: what waits is brought away, then it is over
    pub(super) stopping: watch::Receiver<bool>,
}

/// The next object to upload: segments in order, and a snapshot once every segment that it needs is at the
/// target.
fn next_upload(kind: UploadKind, waiting: Vec<Name>) -> Option<Name> {
    let has_segment_before = |generation: &str, before: u64| {
        waiting.iter().any(|name| match name {
            Name::Segment { generation: of, number, .. } => of == generation && *number < before,
            _ => false,
        })
    };
    let next = waiting.iter().position(|name| match name {
        Name::Segment { .. } => kind == UploadKind::Segments,
        Name::Snapshot { generation, next, .. } => {
            kind == UploadKind::Snapshots && !has_segment_before(generation, *next)
        }
        Name::Claim { .. } | Name::Proof { .. } => false,
    });
    next.and_then(|index| waiting.into_iter().nth(index))
}

/// Why a delivery stopped for a while.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("another program writes there: {0}")]
    Other(Identity),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Spool(error.into())
    }
}

impl Delivery {
    /// Delivers for as long as the program runs; after the word to stop, until nothing waits.
    pub(super) async fn run(mut self) {
        let mut rest = SHORTEST_REST;
        let (mut asked_at, mut tidied) = (Moment(i64::MIN), (Moment(i64::MIN), None));
        loop {
            let arrived = Arc::clone(&self.spool);
            let arrived = arrived.arrived.notified();
            tokio::pin!(arrived);
            arrived.as_mut().enable();
            let stopping = *self.stopping.borrow_and_update();
            let outcome = self.turn(&mut asked_at, &mut tidied).await;
            let pause = match &outcome {
                Ok(()) if stopping => return,
                Ok(()) => {
                    rest = SHORTEST_REST;
                    ASK_EVERY
                }
                Err(stop) => {
                    self.report.trouble(self.what, trouble(stop));
                    if stopping {
                        // What waits goes on its way at the next start.
                        return;
                    }
                    asked_at = Moment(i64::MIN);
                    let pause = rest;
                    rest = (rest * 2).min(LONGEST_REST);
                    pause
                }
            };
            tokio::select! {
                () = &mut arrived, if outcome.is_ok() => {}
                _ = self.stopping.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn turn(&mut self, asked_at: &mut Moment, tidied: &mut (Moment, Option<i64>)) -> Result<(), Stop> {
        let now = self.clock.now();
        let is_time = |last: Moment, every: i64| last.plus_ms(every) <= now;
        if is_time(*asked_at, i64::try_from(ASK_EVERY.as_millis()).unwrap_or(0)) {
            self.be_owner(asked_at.0 == i64::MIN).await?;
            *asked_at = now;
        }
        let caught_up = self.spool.caught_up();
        self.deliver().await?;
        if self.what == UploadKind::Segments
            && let Some(why) = self.spool.was_lost()
        {
            // The target answers: if there is room as well it goes on.
            self.voice.ask(Ask::Begin(self.place));
            return Err(why.into());
        }
        self.report.current(self.what, caught_up, self.spool.bytes());
        let snapshot_at = self.report.status().snapshot_at;
        let is_untidy = is_time(tidied.0, TIDY_EVERY_MS) || tidied.1 != snapshot_at;
        // Thousands of segments may have to go, and no commit shall wait for that.
        if self.what == UploadKind::Snapshots && is_untidy {
            self.tidy().await?;
            *tidied = (now, snapshot_at);
        }
        Ok(())
    }

    /// Makes sure that the target is ours.
    async fn be_owner(&self, first: bool) -> Result<(), Stop> {
        if first && self.spool.last_snapshot().is_none() {
            self.target.prepare()?;
        }
        if first && self.what == UploadKind::Segments {
            self.report.keeps_first(ownership::probe_conditional_put(&self.target, &self.us).await?);
        }
        loop {
            let (newest, owner) = ownership::owner(&self.target, &self.us).await?;
            match owner {
                Owner::Us => return Ok(()),
                Owner::Other(other) if !self.report.may_take_over() => return Err(Stop::Other(other)),
                // The other one's copies stay; ours begin with a generation of their own.
                Owner::Other(_) => self.voice.ask(Ask::Begin(self.place)),
                Owner::Nobody => {}
            }
            if ownership::claim(&self.target, &self.us, newest, self.clock.now()).await? {
                self.report.taken_over();
            }
        }
    }

    async fn deliver(&self) -> Result<(), Stop> {
        let mut any = false;
        while let Some(name) = next_upload(self.what, self.spool.waiting()?) {
            self.report.waits(self.spool.bytes());
            self.put(&name).await?;
            self.spool.delivered(&name)?;
            self.report.delivered(&name, self.clock.now());
            any = true;
        }
        if any && self.what == UploadKind::Segments {
            // A snapshot may have waited for them.
            self.spool.arrived.notify_waiters();
        }
        Ok(())
    }

    async fn put(&self, name: &Name) -> Result<(), Stop> {
        let (path, file) = (name.path(), self.spool.path(name));
        if !is_small(name) {
            // Nobody else can know its name: the generation was drawn for it.
            return Ok(self.target.upload(&path, &file).await?);
        }
        let object = tokio::fs::read(&file).await?;
        match self.target.create(&path, object.clone()).await {
            Err(TargetError::Taken(_)) => {}
            other => return Ok(other?),
        }
        // The answer of an earlier try may have been lost.
        let there = self.target.get(&path).await?;
        if there == object {
            return Ok(());
        }
        self.be_owner(false).await?;
        if object.starts_with(&there) {
            // Half of ours, cut off by whatever kept it.
            return Ok(self.target.replace(&path, object).await?);
        }
        // We are the owner and yet somebody, perhaps ourselves with an older folder, wrote on.
        self.spool.empty()?;
        self.voice.ask(Ask::Begin(self.place));
        Err(TargetError::Taken(path).into())
    }

    /// Deletes what nobody needs, and finds out whether the generation that is written can be
    /// restored at all.
    async fn tidy(&self) -> Result<(), Stop> {
        // In this sequence: a snapshot that is made meanwhile is not asked for, and one that goes there is in
        // one of the two lists.
        let last = self.spool.last_snapshot();
        let waiting = self.spool.waiting()?;
        let objects = self.target.list("").await?;
        let names: Vec<_> = objects.iter().map(|(name, _)| name.clone()).collect();
        let expired = expired(&names, self.keep, self.clock.now()).into_iter().map(Name::path);
        let deletes = expired.map(|path| async move { self.target.delete(&path).await });
        stream::iter(deletes).buffer_unordered(DELETES_AT_ONCE).try_collect::<()>().await?;
        self.report.holds(&objects);
        let is_there = |generation: &str| {
            let is_its = |name: &Name| matches!(name, Name::Snapshot { generation: of, .. } if of == generation);
            names.iter().chain(&waiting).any(is_its)
        };
        if last.is_some_and(|last| !is_there(&last.generation)) {
            tracing::warn!(target = self.target.shown, "the copies are gone from the target: a new generation begins");
            self.voice.ask(Ask::Begin(self.place));
        }
        Ok(())
    }
}

fn is_small(name: &Name) -> bool {
    matches!(name, Name::Segment { .. })
}

fn trouble(stop: &Stop) -> Trouble {
    tracing::warn!(%stop, "the backup waits");
    match stop {
        Stop::Other(other) => Trouble::Other(other.clone()),
        other => Trouble::Words(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_goes_when_the_segments_that_it_needs_are_there() {
        let segment = |number| Name::Segment { generation: "G".to_owned(), number, at: 1 };
        let snapshot = |next| Name::Snapshot { generation: "G".to_owned(), first: 1, next, at: 1 };
        let of_another = Name::Segment { generation: "H".to_owned(), number: 1, at: 1 };
        let goes = |waiting: &[Name]| next_upload(UploadKind::Snapshots, waiting.to_vec());
        assert_eq!(goes(&[segment(1), segment(2), snapshot(3)]), None);
        assert_eq!(goes(&[segment(2), snapshot(3)]), None);
        assert_eq!(goes(&[segment(2), snapshot(2), snapshot(3)]), Some(snapshot(2)));
        assert_eq!(goes(&[segment(3), of_another.clone(), snapshot(3)]), Some(snapshot(3)));
        let segments = [segment(2), of_another, snapshot(1)];
        assert_eq!(next_upload(UploadKind::Segments, segments.to_vec()), Some(segment(2)));
    }
}
