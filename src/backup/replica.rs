//! The copying of the log for one target: segments without a gap, in generations.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::key::Key;
use super::object::{self, Header, Seal, Segment};
use super::object_keys::Name;
use super::spool::{Spool, SpoolError};
use super::wal::{self, Form, Place, WalError};
use crate::storage::WalCommit;
use crate::time::Moment;

/// What the log holds now.
pub(super) struct Seen<'c> {
    pub(super) file: File,
    pub(super) form: Form,
    pub(super) begin: Place,
    /// up to which frame it is committed
    pub(super) to: u32,
    /// The log whose frames up to there are all in the main file: SQLite may have begun it anew.
    pub(super) anew_after: Option<([u32; 2], u32)>,
    /// the commits of this process, oldest first, some of them perhaps copied before
    pub(super) commits: &'c [WalCommit],
    pub(super) now: Moment,
}

/// Where the copying of one target stands.
pub(super) struct Line {
    pub(super) spool: Arc<Spool>,
    pub(super) key: Option<Key>,
    /// None while the target gets nothing, because too much waits or the shop's disk is full.
    pub(super) following: Option<Following>,
}

/// A generation that is being written.
#[derive(Clone, Debug)]
pub(super) struct Following {
    pub(super) generation: String,
    /// the number of the next segment
    pub(super) next: u64,
    /// the first segment of the log that SQLite writes now
    pub(super) log_from: u64,
    previous: Seal,
    /// behind what was copied; None before anything was
    place: Option<Place>,
    /// bytes of segments since the last snapshot was begun
    pub(super) volume: u64,
}

#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error(transparent)]
    Wal(#[from] WalError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl From<io::Error> for TakeError {
    fn from(error: io::Error) -> Self {
        Self::Spool(SpoolError::Io(error))
    }
}

impl Following {
    /// A new generation, which holds all of the log that SQLite writes now and needs a snapshot.
    pub(super) fn begin(generation: String) -> Self {
        Self { generation, next: 1, log_from: 1, previous: String::new(), place: None, volume: 0 }
    }

    /// Goes on after a start, if the log still has the place where copying stopped and the shop has the
    /// key that it had.
    pub(super) fn resume(spool: &Spool, key: Option<&Key>, log: Option<&mut File>) -> Option<Self> {
        let (segment, seal) = spool.newest(key)?;
        if !wal::has(log?, segment.form, segment.end).ok()? {
            return None;
        }
        Some(Self {
            generation: segment.generation,
            next: segment.number + 1,
            log_from: segment.log_from,
            previous: seal,
            place: Some(segment.end),
            volume: 0,
        })
    }

    fn continues(&self, seen: &Seen<'_>) -> Result<Place, WalError> {
        let begin = seen.begin;
        match self.place {
            None => Ok(begin),
            Some(place) if place.salts == begin.salts => Ok(place),
            // SQLite counts the first salt up each time it begins anew: it did so once.
            Some(place)
                if seen.anew_after == Some((place.salts, place.frame))
                    && begin.salts[0] == place.salts[0].wrapping_add(1) =>
            {
                Ok(begin)
            }
            Some(_) => Err(WalError::Broken { frame: 1 }),
        }
    }

    fn take(&mut self, seen: &mut Seen<'_>, spool: &Spool, key: Option<&Key>) -> Result<(), TakeError> {
        let mut from = self.continues(seen)?;
        if from.frame > seen.to {
            return Err(WalError::Broken { frame: seen.to }.into());
        }
        while from.frame < seen.to {
            let frames = wal::read(&mut seen.file, seen.form, from, seen.to)?;
            if from.frame == 0 {
                self.log_from = self.next;
            }
            let commits = commits(seen, from.frame, &frames.pages);
            let at = commits.last().map_or_else(|| at_latest(seen.commits, frames.end.frame, seen.now), |(_, at)| *at);
            let segment = Segment {
                generation: self.generation.clone(),
                number: self.next,
                log_from: self.log_from,
                previous: self.previous.clone(),
                form: seen.form,
                from,
                end: frames.end,
                commits,
                at,
            };
            let name = Name::Segment { generation: self.generation.clone(), number: self.next, at };
            let (object, seal) = object::write(&Header::Segment(segment), &frames.pages, key)?;
            spool.add(&name, &object)?;
            from = frames.end;
            self.place = Some(from);
            self.previous = seal;
            self.next += 1;
            self.volume += object.len() as u64;
        }
        Ok(())
    }
}

/// Which of the frames behind `from` end transactions, and when those were committed.
fn commits(seen: &Seen<'_>, from: u32, pages: &[u8]) -> Vec<(u32, i64)> {
    let pages = seen.form.pages(pages).into_iter().flatten().zip(from + 1..);
    let ends: Vec<u32> = pages.filter(|(page, _)| page.commits.is_some()).map(|(_, frame)| frame).collect();
    moments(&ends, seen.commits, seen.now)
}

/// When the transactions were committed that end with these frames. Another process, or this one before
/// it was killed, tells nobody when: its commits count as made with the next one of `ends` that was told of.
fn moments(ends: &[u32], told: &[WalCommit], now: Moment) -> Vec<(u32, i64)> {
    let when = |end: u32| match told.binary_search_by_key(&end, |commit| commit.frames) {
        Ok(place) => Some((end, told[place].at.0)),
        Err(_) => (ends.last() == Some(&end)).then(|| (end, at_latest(told, end, now))),
    };
    ends.iter().copied().filter_map(when).collect()
}

/// When everything up to that frame was committed at the latest: it was found now, and when something behind it
/// is told of, it was there before that.
fn at_latest(told: &[WalCommit], frame: u32, now: Moment) -> i64 {
    told.iter().find(|commit| commit.frames > frame).map_or(now.0, |commit| commit.at.0.min(now.0))
}

impl Line {
    /// Copies what the log has more. What does not follow begins a new generation, named by
    /// `new_generation`; what finds no room ends the following.
    pub(super) fn take(&mut self, seen: &mut Seen<'_>, new_generation: impl FnOnce() -> String) {
        let Some(following) = &mut self.following else { return };
        let mut taken = following.take(seen, &self.spool, self.key.as_ref());
        if let Err(TakeError::Wal(error)) = &taken {
            tracing::warn!(%error, "commits were missed: a new generation of the backup begins");
            *following = Following::begin(new_generation());
            taken = following.take(seen, &self.spool, self.key.as_ref());
        }
        if let Err(error) = taken {
            tracing::error!(%error, "the backup stops for now and begins anew when it can");
            self.following = None;
            self.spool.lose(match error {
                TakeError::Spool(error) => error,
                TakeError::Wal(error) => SpoolError::Io(io::Error::other(error)),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(commits: &[(u32, i64)]) -> Vec<WalCommit> {
        commits.iter().map(|(frames, at)| WalCommit { frames: *frames, at: Moment(*at) }).collect()
    }

    #[test]
    fn a_commit_has_the_moment_that_was_told() {
        assert_eq!(moments(&[3, 5], &told(&[(3, 10), (5, 20)]), Moment(30)), [(3, 10), (5, 20)]);
    }

    #[test]
    fn what_nobody_told_of_counts_as_made_with_the_next_commit_or_when_it_was_found() {
        assert_eq!(moments(&[3, 4, 5], &told(&[(5, 20)]), Moment(30)), [(5, 20)]);
        assert_eq!(moments(&[3, 4], &[], Moment(30)), [(4, 30)]);
    }

    #[test]
    fn what_was_left_by_a_killed_program_is_never_younger_than_the_first_commit_of_the_next() {
        assert_eq!(moments(&[3, 4], &told(&[(6, 20)]), Moment(30)), [(4, 20)]);
        assert_eq!(at_latest(&told(&[(6, 40)]), 4, Moment(30)), 30);
    }
}
