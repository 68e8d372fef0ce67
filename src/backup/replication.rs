//! Replication of the WAL for one target: segments without a gap, in generations.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::key::Key;
use super::object::{self, ObjectDigest, ObjectKind, Segment};
use super::object_keys::ObjectKey;
use super::spool::{Spool, SpoolError};
use super::wal::{self, WalError, WalFormat, WalPosition};
use crate::storage::WalCommit;
use crate::time::Moment;

/// Which WAL, and how many of its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WalExtent {
    /// salts of the WAL; SQLite changes them when it restarts the WAL
    pub(super) salts: [u32; 2],
    pub(super) frames: u32,
}

/// State of the WAL at one moment.
pub(super) struct WalView<'c> {
    pub(super) file: File,
    pub(super) format: WalFormat,
    pub(super) start: WalPosition,
    /// number of committed frames
    pub(super) frames: u32,
    /// the WAL whose frames are all in the main file: SQLite may have restarted it
    pub(super) restartable: Option<WalExtent>,
    /// commits of this process, oldest first; some may be in earlier segments
    pub(super) commits: &'c [WalCommit],
    pub(super) now: Moment,
}

/// Replication state of one target.
pub(super) struct TargetReplication {
    pub(super) spool: Arc<Spool>,
    pub(super) key: Option<Key>,
    /// `None` while replication is suspended, because the spool or the disk is full
    pub(super) generation: Option<Generation>,
}

/// The current generation of a target.
#[derive(Clone, Debug)]
pub(super) struct Generation {
    pub(super) id: String,
    /// number of the next segment
    pub(super) next_segment: u64,
    /// number of the first segment of the current WAL
    pub(super) first_segment_of_wal: u64,
    previous_digest: ObjectDigest,
    /// end of the last segment; `None` before the first
    position: Option<WalPosition>,
    /// bytes of segments since the last snapshot started
    pub(super) bytes_since_snapshot: u64,
}

#[derive(Debug, thiserror::Error)]
enum ReplicationError {
    #[error(transparent)]
    Wal(#[from] WalError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl From<io::Error> for ReplicationError {
    fn from(error: io::Error) -> Self {
        Self::Spool(SpoolError::Io(error))
    }
}

impl Generation {
    /// A new generation. It starts with the first frame of the current WAL and needs a snapshot.
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            next_segment: 1,
            first_segment_of_wal: 1,
            previous_digest: String::new(),
            position: None,
            bytes_since_snapshot: 0,
        }
    }

    /// The generation of the newest spooled or uploaded segment, if the WAL still contains the end of that
    /// segment and the encryption key is the same.
    pub(super) fn resume(spool: &Spool, key: Option<&Key>, wal: Option<&mut File>) -> Option<Self> {
        let (segment, digest) = spool.newest_segment(key)?;
        if !wal::contains(wal?, segment.format, segment.end).ok()? {
            return None;
        }
        Some(Self {
            id: segment.generation,
            next_segment: segment.number + 1,
            first_segment_of_wal: segment.first_of_wal,
            previous_digest: digest,
            position: Some(segment.end),
            bytes_since_snapshot: 0,
        })
    }

    /// Position of the first frame that is not replicated yet.
    ///
    /// # Errors
    /// [`WalError::Broken`] if commits between the last segment and `view` may be missing.
    fn next_position(&self, view: &WalView<'_>) -> Result<WalPosition, WalError> {
        let start = view.start;
        match self.position {
            None => Ok(start),
            Some(position) if position.salts == start.salts => Ok(position),
            // SQLite increments the first salt at each restart: it has restarted exactly once.
            Some(position)
                if view.restartable == Some(WalExtent { salts: position.salts, frames: position.frame })
                    && start.salts[0] == position.salts[0].wrapping_add(1) =>
            {
                Ok(start)
            }
            Some(_) => Err(WalError::Broken { frame: 1 }),
        }
    }

    fn replicate(&mut self, view: &mut WalView<'_>, spool: &Spool, key: Option<&Key>) -> Result<(), ReplicationError> {
        let mut position = self.next_position(view)?;
        if position.frame > view.frames {
            return Err(WalError::Broken { frame: view.frames }.into());
        }
        while position.frame < view.frames {
            let frames = wal::read_frames(&mut view.file, view.format, position, view.frames)?;
            if position.frame == 0 {
                self.first_segment_of_wal = self.next_segment;
            }
            let commits = commits_in(view, position.frame, &frames.pages);
            let at = commits
                .last()
                .map_or_else(|| latest_commit_time(view.commits, frames.end.frame, view.now), |(_, at)| *at);
            let segment = Segment {
                generation: self.id.clone(),
                number: self.next_segment,
                first_of_wal: self.first_segment_of_wal,
                previous_digest: self.previous_digest.clone(),
                format: view.format,
                start: position,
                end: frames.end,
                commits,
                at,
            };
            let object_key = ObjectKey::Segment { generation: self.id.clone(), number: self.next_segment, at };
            let (object, digest) = object::encode(&ObjectKind::Segment(segment), &frames.pages, key)?;
            spool.add(&object_key, &object)?;
            position = frames.end;
            self.position = Some(position);
            self.previous_digest = digest;
            self.next_segment += 1;
            self.bytes_since_snapshot += object.len() as u64;
        }
        Ok(())
    }
}

/// Commit frames among the frames after `from`, with the time of each commit in UTC milliseconds.
fn commits_in(view: &WalView<'_>, from: u32, pages: &[u8]) -> Vec<(u32, i64)> {
    let pages = view.format.pages(pages).into_iter().flatten().zip(from + 1..);
    let ends: Vec<u32> = pages.filter(|(page, _)| page.database_pages.is_some()).map(|(_, frame)| frame).collect();
    commit_times(&ends, view.commits, view.now)
}

/// Times of the transactions that end with the frames `ends`. Commits of another process, or of this one before
/// a crash, are not in `known`: they are merged into the next known commit, and the last one gets the latest
/// possible time.
fn commit_times(ends: &[u32], known: &[WalCommit], now: Moment) -> Vec<(u32, i64)> {
    let time_of = |end: u32| match known.binary_search_by_key(&end, |commit| commit.frames) {
        Ok(index) => Some((end, known[index].at.0)),
        Err(_) => (ends.last() == Some(&end)).then(|| (end, latest_commit_time(known, end, now))),
    };
    ends.iter().copied().filter_map(time_of).collect()
}

/// Upper bound of the commit time of a frame: now, or the time of the next known commit after it.
fn latest_commit_time(known: &[WalCommit], frame: u32, now: Moment) -> i64 {
    known.iter().find(|commit| commit.frames > frame).map_or(now.0, |commit| commit.at.0.min(now.0))
}

impl TargetReplication {
    /// Writes the new frames of the WAL to the spool. Starts a new generation, with an identifier from
    /// `new_generation`, if commits may have been missed; suspends replication if the spool or the disk is full.
    pub(super) fn replicate(&mut self, view: &mut WalView<'_>, new_generation: impl FnOnce() -> String) {
        let Some(generation) = &mut self.generation else { return };
        let mut outcome = generation.replicate(view, &self.spool, self.key.as_ref());
        if let Err(ReplicationError::Wal(error)) = &outcome {
            tracing::warn!(%error, "복사하지 못한 것이 있을 수 있어 백업을 새로 시작해요");
            *generation = Generation::new(new_generation());
            outcome = generation.replicate(view, &self.spool, self.key.as_ref());
        }
        if let Err(error) = outcome {
            tracing::error!(%error, "백업을 잠시 멈췄어요. 할 수 있게 되면 새로 시작해요");
            self.generation = None;
            self.spool.record_gap(match error {
                ReplicationError::Spool(error) => error,
                ReplicationError::Wal(error) => SpoolError::Io(io::Error::other(error)),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(commits: &[(u32, i64)]) -> Vec<WalCommit> {
        commits.iter().map(|(frames, at)| WalCommit { frames: *frames, at: Moment(*at) }).collect()
    }

    #[test]
    fn known_commit_keeps_its_time() {
        assert_eq!(commit_times(&[3, 5], &known(&[(3, 10), (5, 20)]), Moment(30)), [(3, 10), (5, 20)]);
    }

    #[test]
    fn unknown_commit_counts_with_the_next_known_one_or_as_of_now() {
        assert_eq!(commit_times(&[3, 4, 5], &known(&[(5, 20)]), Moment(30)), [(5, 20)]);
        assert_eq!(commit_times(&[3, 4], &[], Moment(30)), [(4, 30)]);
    }

    #[test]
    fn commit_before_a_crash_is_never_newer_than_the_first_one_after_it() {
        assert_eq!(commit_times(&[3, 4], &known(&[(6, 20)]), Moment(30)), [(4, 20)]);
        assert_eq!(latest_commit_time(&known(&[(6, 40)]), 4, Moment(30)), 30);
    }
}
