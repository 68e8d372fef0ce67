//! The copying of the log for one target: segments without a gap, in generations.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::key::Key;
use super::names::Name;
use super::object::{self, Header, Seal, Segment};
use super::spool::{Spool, SpoolError};
use super::wal::{self, Form, Place, WalError};
use crate::storage::Commit;
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
    pub(super) commits: &'c [Commit],
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
            let at = commits.last().map_or_else(|| end_of_transaction(seen, frames.end.frame), |(_, at)| *at);
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

/// Which of the frames behind `from` end transactions, and when those were committed. Another process
/// tells nobody when: its commits count as made with the next that was told of, or when they were found.
fn commits(seen: &Seen<'_>, from: u32, pages: &[u8]) -> Vec<(u32, i64)> {
    let pages = seen.form.pages(pages).into_iter().flatten().zip(from + 1..);
    let ends: Vec<u32> = pages.filter(|(page, _)| page.commits.is_some()).map(|(_, frame)| frame).collect();
    let (told, last) =
        (|end| seen.commits.binary_search_by_key(&end, |commit| commit.frames).ok(), ends.last().copied());
    let when = |end: u32| match told(end) {
        Some(place) => Some((end, seen.commits[place].at.0)),
        None => (last == Some(end)).then_some((end, seen.now.0)),
    };
    ends.into_iter().filter_map(when).collect()
}

/// When the transaction was committed that goes on behind that frame.
fn end_of_transaction(seen: &Seen<'_>, frame: u32) -> i64 {
    seen.commits.iter().find(|commit| commit.frames > frame).map_or(seen.now.0, |commit| commit.at.0)
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
