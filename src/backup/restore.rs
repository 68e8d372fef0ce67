//! Restoring: from the copies alone, to the newest or to any moment.
//!
//! The names of the objects tell the way ([`super::restore_plan`]): the newest snapshot before the moment,
//! then every segment after it. Everything is checked before it is used: the seal of each object,
//! that it is the one its name says, that each segment follows the one before, that the frames add
//! up to SQLite's own sums. The file is built beside its place, examined as a shop, and only then moved
//! there.

use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};

use super::integrity::{Figures, Finding, examine};
use super::key::Key;
use super::object::{self, Header, ObjectError, Segment};
use super::object_keys::Name;
use super::restore_plan::{PlanError, plan_restore};
use super::target::{Target, TargetError};
use crate::time::Moment;

/// Segments that are fetched at once.
const AT_ONCE: usize = 8;

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// No plan leads to the moment.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An object that is of no use.
    #[error("{path}: {error}. {}", until.map(|until| format!("{}까지는 --at으로 되살릴 수 있어요.", until.precise())).unwrap_or_default())]
    Object {
        /// which
        path: String,
        /// why
        error: ObjectError,
        /// the last moment before it
        until: Option<Moment>,
    },
    /// An object that is not what its name or the one before it says.
    #[error("{path}: 앞의 기록과 이어지지 않는 조각이에요. {}", until.map(|until| format!("{}까지는 --at으로 되살릴 수 있어요.", until.precise())).unwrap_or_default())]
    Stranger {
        /// which
        path: String,
        /// the last moment before it
        until: Option<Moment>,
    },
    /// There is a file already.
    #[error("{0} 파일이 이미 있어요. 다른 이름을 쓰거나, 바꿔도 된다면 --overwrite를 붙여 주세요.")]
    Exists(PathBuf),
    /// It was built, and is not a right shop.
    #[error("되살린 데이터가 올바르지 않아요. 아무것도 바꾸지 않았어요. {0}")]
    Finding(#[from] Finding),
    /// The place of the backup.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The place of the restored file.
    #[error("되살린 파일을 쓰지 못했어요: {0}")]
    Io(#[from] io::Error),
}

/// A restored shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// when the last commit was made that is in it
    pub at: Moment,
    /// when the snapshot was made from which it was built
    pub snapshot_at: Moment,
    /// how many segments were applied
    pub segments: usize,
    /// length of the file
    pub bytes: u64,
    /// what it holds
    pub figures: Figures,
    /// the newest copy, if it is newer but cannot be restored yet
    pub newer: Option<Moment>,
    pub(super) snapshot: Name,
}

/// Says how far a restore has come: segments done and in all.
pub(super) type Progress<'p> = &'p mut (dyn FnMut(usize, usize) + Send);

/// Restores to `out` what `target` holds, as it was at `at`.
///
/// # Errors
/// A [`RestoreError`]; nothing is at `out` that was not there before.
pub async fn restore(
    target: &Target,
    key: Option<&Key>,
    at: Option<Moment>,
    out: &Path,
    overwrite: bool,
    progress: Progress<'_>,
) -> Result<Restored, RestoreError> {
    let beside = |ending| beside(out, ending);
    for file in [out.to_owned(), beside("-wal"), beside("-shm")] {
        if !overwrite && file.exists() {
            return Err(RestoreError::Exists(file));
        }
    }
    let temporary = beside(".restoring");
    let built = build(target, key, at, &temporary, progress).await;
    let placed = built.and_then(|built| {
        let figures = examine(&temporary)?;
        put_in_place(&temporary, out)?;
        Ok(Restored { figures, ..built })
    });
    if placed.is_err() {
        for ending in [".restoring", ".restoring-wal", ".restoring-shm", ".restoring-journal"] {
            remove(&beside(ending))?;
        }
    }
    placed
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Puts a restored file in the place of a database that nobody uses.
///
/// # Errors
/// The disk.
pub fn put_in_place(temporary: &Path, out: &Path) -> io::Result<()> {
    File::options().write(true).open(temporary)?.sync_all()?;
    // They belong to the file that was there.
    for ending in ["-wal", "-shm"] {
        remove(&beside(out, ending))?;
    }
    fs::rename(temporary, out)?;
    // The name has to survive a power cut as well; Windows does this by itself.
    #[cfg(unix)]
    if let Some(folder) = out.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

async fn build(
    target: &Target,
    key: Option<&Key>,
    at: Option<Moment>,
    temporary: &Path,
    progress: Progress<'_>,
) -> Result<Restored, RestoreError> {
    let names: Vec<_> = target.list("").await?.into_iter().map(|(name, _)| name).collect();
    let plan = plan_restore(&names, at)?;
    let Name::Snapshot { next, at: snapshot_at, .. } = plan.snapshot else { return Err(PlanError::NoSnapshot.into()) };
    unpack_snapshot(target, key, &plan.snapshot, temporary).await?;
    let file = File::options().read(true).write(true).open(temporary)?;
    let mut rebuilt = Rebuilt { file, until: at, needed: next, at: snapshot_at, waiting: Vec::new(), before: None };
    let count = plan.segments.len();
    let mut fetched = stream::iter(plan.segments.clone()).map(|name| fetch(target, name)).buffered(AT_ONCE);
    let mut done = 0;
    while let Some((name, object)) = fetched.next().await {
        let goes_on = rebuilt.apply(&name, &object?, key)?;
        done += 1;
        progress(done, count);
        if !goes_on {
            break;
        }
    }
    rebuilt.file.sync_all()?;
    Ok(Restored {
        at: Moment(rebuilt.at),
        snapshot_at: Moment(snapshot_at),
        segments: done,
        bytes: rebuilt.file.metadata()?.len(),
        figures: Figures { orders: 0, newest: None },
        newer: plan.newer,
        snapshot: plan.snapshot,
    })
}

async fn fetch(target: &Target, name: Name) -> (Name, Result<Vec<u8>, TargetError>) {
    let object = target.get(&name.path()).await;
    (name, object)
}

async fn unpack_snapshot(target: &Target, key: Option<&Key>, name: &Name, to: &Path) -> Result<(), RestoreError> {
    let packed = to.with_extension("packed");
    let unpacked = unpack(target, key, name, &packed, to).await;
    remove(&packed)?;
    unpacked
}

async fn unpack(target: &Target, key: Option<&Key>, name: &Name, packed: &Path, to: &Path) -> Result<(), RestoreError> {
    let mut file = File::options().create(true).truncate(true).read(true).write(true).open(packed)?;
    target.download(&name.path(), &mut file).await?;
    file.rewind()?;
    let damaged = |error| RestoreError::Object { path: name.path(), error, until: None };
    let opened = object::open(io::BufReader::new(file), key).map_err(damaged)?;
    let Header::Snapshot(what) = &opened.what else {
        return Err(RestoreError::Stranger { path: name.path(), until: None });
    };
    let named = Name::Snapshot { generation: what.generation.clone(), first: what.first, next: what.next, at: what.at };
    if named != *name {
        return Err(RestoreError::Stranger { path: name.path(), until: None });
    }
    let bytes = what.bytes;
    let mut to = File::create(to)?;
    let copied = io::copy(&mut opened.content()?.take(bytes + 1), &mut to)?;
    if copied != bytes {
        return Err(damaged(ObjectError::Damaged));
    }
    Ok(())
}

/// A file that grows out of a snapshot.
struct Rebuilt {
    file: File,
    until: Option<Moment>,
    /// segments below this number belong to the snapshot, whatever their moment
    needed: u64,
    at: i64,
    /// pages of a transaction whose end has not come yet
    waiting: Vec<(u32, Vec<u8>)>,
    before: Option<(Segment, object::Seal)>,
}

impl Rebuilt {
    /// Applies a segment; false when the moment is reached.
    fn apply(&mut self, name: &Name, object: &[u8], key: Option<&Key>) -> Result<bool, RestoreError> {
        let until = Some(Moment(self.at));
        let damaged = |error: ObjectError| RestoreError::Object { path: name.path(), error, until };
        let stranger = || RestoreError::Stranger { path: name.path(), until };
        let opened = object::open(Cursor::new(object), key).map_err(damaged)?;
        let (seal, what) = (opened.seal.clone(), opened.what.clone());
        let Header::Segment(segment) = what else { return Err(stranger()) };
        if !self.follows(&segment, name) {
            return Err(stranger());
        }
        let length = u64::from(segment.end.frame - segment.from.frame) * (8 + u64::from(segment.form.page_size));
        let mut pages = Vec::new();
        opened.content()?.take(length + 1).read_to_end(&mut pages)?;
        let adds_up = segment.form.sum_of(segment.from.checksum, &pages) == segment.end.checksum;
        if pages.len() as u64 != length || !adds_up {
            return Err(damaged(ObjectError::Damaged));
        }
        let goes_on = self.write(&segment, &pages)?;
        self.before = Some((segment, seal));
        Ok(goes_on)
    }

    /// Whether it is the segment of that name and continues the one before.
    fn follows(&self, segment: &Segment, name: &Name) -> bool {
        let named = Name::Segment { generation: segment.generation.clone(), number: segment.number, at: segment.at };
        let forwards = segment.end.frame > segment.from.frame && segment.end.salts == segment.from.salts;
        let continues = self.before.as_ref().is_none_or(|(before, seal)| {
            let same_log = segment.from == before.end;
            let begun_anew = segment.from.frame == 0 && segment.from.salts[0] == before.end.salts[0].wrapping_add(1);
            segment.previous == *seal && segment.form == before.form && (same_log || begun_anew)
        });
        named == *name && forwards && continues
    }

    fn write(&mut self, segment: &Segment, bytes: &[u8]) -> io::Result<bool> {
        let page_size = u64::from(segment.form.page_size);
        let mut commits = segment.commits.iter().peekable();
        let pages = segment.form.pages(bytes).into_iter().flatten();
        for (page, frame) in pages.zip(segment.from.frame + 1..) {
            while commits.next_if(|(end, _)| *end < frame).is_some() {}
            self.waiting.push((page.number, page.content.to_vec()));
            // Of several transactions under one moment none is there without the others.
            let told = commits.peek().filter(|(end, _)| *end == frame && page.commits.is_some());
            let Some((_, at)) = told else { continue };
            if segment.number >= self.needed && self.until.is_some_and(|until| *at > until.0) {
                return Ok(false);
            }
            for (number, content) in self.waiting.drain(..) {
                self.file.seek(SeekFrom::Start((u64::from(number) - 1) * page_size))?;
                self.file.write_all(&content)?;
            }
            if let Some(pages) = page.commits {
                self.file.set_len(u64::from(pages) * page_size)?;
            }
            self.at = self.at.max(*at);
        }
        Ok(true)
    }
}
