//! Restore of a target to the newest or to any earlier moment.
//!
//! The plan ([`super::restore_plan`]) is the newest snapshot before the moment and every segment after it. Each
//! object is verified before it is used: its digest, that its header matches its key, that it continues the
//! previous segment, and SQLite's frame checksums. The database is built in a temporary file, its integrity is
//! checked, and only then it replaces the output file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt, stream};

use super::key::Key;
use super::list::list_objects;
use super::object::{self, ObjectError, ObjectKind, Segment};
use super::object_keys::ObjectKey;
use super::restore_plan::{PlanError, plan_restore};
use super::store::integrity::{IntegrityError, ShopSummary, check_integrity};
use crate::objects::{Target, TargetError};
use crate::time::Moment;

/// Number of concurrent downloads.
const MAX_CONCURRENT_DOWNLOADS: usize = 8;

/// Why a restore failed.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The moment cannot be restored.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// An object is damaged or cannot be decrypted.
    #[error("{path}: {error}. {}", until.map(|until| format!("{}까지는 시각을 정해 복원할 수 있어요.", until.precise())).unwrap_or_default())]
    Object {
        /// path of the object
        path: String,
        /// what is wrong
        error: ObjectError,
        /// the last moment before it that can be restored
        until: Option<Moment>,
    },
    /// An object does not match its key, or does not continue the previous segment.
    #[error("{path}: 앞의 기록과 이어지지 않는 조각이에요. {}", until.map(|until| format!("{}까지는 시각을 정해 복원할 수 있어요.", until.precise())).unwrap_or_default())]
    BrokenChain {
        /// path of the object
        path: String,
        /// the last moment before it that can be restored
        until: Option<Moment>,
    },
    /// The output file exists already.
    #[error("{0} 파일이 이미 있어요. 다른 이름을 쓰거나, 바꿔도 된다면 --overwrite를 붙여 주세요.")]
    Exists(PathBuf),
    /// The restored database failed the integrity check.
    #[error("복원한 데이터가 올바르지 않아요. 아무것도 바꾸지 않았어요. {0}")]
    Integrity(#[from] IntegrityError),
    /// The target failed.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// The output file cannot be written.
    #[error("복원한 파일을 쓰지 못했어요: {0}")]
    Io(#[from] io::Error),
}

/// Result of a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreOutcome {
    /// time of the last restored commit
    pub at: Moment,
    /// time of the snapshot
    pub snapshot_at: Moment,
    /// number of applied segments
    pub segments: usize,
    /// size of the database
    pub bytes: u64,
    /// content of the database
    pub summary: ShopSummary,
    /// newest commit that cannot be restored yet, because its generation has no snapshot
    pub newer: Option<Moment>,
    pub(super) snapshot: ObjectKey,
}

/// Callback with the number of downloaded bytes and of all bytes.
pub(super) type ProgressFn<'p> = &'p mut (dyn FnMut(u64, u64) + Send);

/// Restores `target` to the file `out`, as of `at` or the newest moment.
///
/// # Errors
/// On any error `out` is unchanged. [`RestoreError::Exists`] if it exists and `overwrite` is false.
pub async fn restore(
    target: &Target,
    key: Option<&Key>,
    at: Option<Moment>,
    out: &Path,
    overwrite: bool,
    progress: ProgressFn<'_>,
) -> Result<RestoreOutcome, RestoreError> {
    let restored = restore_beside(target, key, at, out, overwrite, progress).await?;
    if let Err(error) = install(&beside(out), out) {
        discard(out)?;
        return Err(error.into());
    }
    Ok(restored)
}

/// As [`restore`], to the file [`beside`] `out`, for the caller to [`install`] once everything else of the shop is there. A file
/// that a crash leaves is deleted by the next start.
///
/// # Errors
/// As [`restore`]; nothing is left.
pub async fn restore_beside(
    target: &Target,
    key: Option<&Key>,
    at: Option<Moment>,
    out: &Path,
    overwrite: bool,
    progress: ProgressFn<'_>,
) -> Result<RestoreOutcome, RestoreError> {
    for file in [out.to_owned(), sibling_path(out, "-wal"), sibling_path(out, "-shm")] {
        if !overwrite && file.exists() {
            return Err(RestoreError::Exists(file));
        }
    }
    let temporary = beside(out);
    let built = build(target, key, at, &temporary, progress).await;
    let checked = built.and_then(|built| Ok(RestoreOutcome { summary: check_integrity(&temporary)?, ..built }));
    if checked.is_err() {
        discard(out)?;
    }
    checked
}

/// The file that is restored before it replaces `out`.
pub fn beside(out: &Path) -> PathBuf {
    sibling_path(out, ".restoring")
}

/// Deletes the file [`beside`] `out`.
///
/// # Errors
/// An I/O error of the disk.
pub fn discard(out: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm", "-journal"] {
        remove_if_exists(&sibling_path(&beside(out), suffix))?;
    }
    Ok(())
}

/// Path of a file in the same folder whose name has `suffix` appended.
fn sibling_path(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn remove_if_exists(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Atomically replaces the database `out`, which no program may have open, by a restored file.
///
/// # Errors
/// An I/O error of the disk.
pub fn install(temporary: &Path, out: &Path) -> io::Result<()> {
    File::options().write(true).open(temporary)?.sync_all()?;
    // The WAL belongs to the replaced database; SQLite would apply it to the new one.
    for suffix in ["-wal", "-shm"] {
        remove_if_exists(&sibling_path(out, suffix))?;
    }
    let existing = fs::metadata(out).ok();
    fs::rename(temporary, out)?;
    #[cfg(unix)]
    give_to_owner(out, existing.as_ref())?;
    // Makes the rename durable; Windows needs no extra step.
    #[cfg(unix)]
    if let Some(folder) = out.parent() {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Gives a restored file the owner of the file that it replaces, or of its folder, so that a restore by root leaves a
/// database that the service can write. Others may not read it, except the group of a folder that is closed to everybody
/// else: 0755 is the mode of any new folder and says nothing about the group.
#[cfg(unix)]
pub(super) fn give_to_owner(file: &Path, existing: Option<&fs::Metadata>) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = fs::metadata(folder)?;
    let (model, now) = (existing.unwrap_or(&folder), fs::metadata(file)?);
    if (now.uid(), now.gid()) != (model.uid(), model.gid()) {
        match chown(file, Some(model.uid()), Some(model.gid())) {
            // Only root may give files away; an ordinary user restores for themselves.
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    let is_open_to_others = folder.mode() & 0o007 != 0;
    let of_group = if is_open_to_others { 0 } else { folder.mode() & 0o060 };
    let mode = existing.map_or(of_group, |existing| existing.mode() & 0o660);
    fs::set_permissions(file, fs::Permissions::from_mode(mode | 0o600))
}

async fn build(
    target: &Target,
    key: Option<&Key>,
    at: Option<Moment>,
    temporary: &Path,
    progress: ProgressFn<'_>,
) -> Result<RestoreOutcome, RestoreError> {
    let objects = list_objects(target, "").await?;
    let keys: Vec<_> = objects.iter().map(|(key, _)| key.clone()).collect();
    let plan = plan_restore(&keys, at)?;
    let sizes: BTreeMap<&ObjectKey, u64> = objects.iter().map(|(key, bytes)| (key, *bytes)).collect();
    let size_of = |key: &ObjectKey| sizes.get(key).copied().unwrap_or(0);
    let all = size_of(&plan.snapshot) + plan.segments.iter().map(size_of).sum::<u64>();
    let ObjectKey::Snapshot { next, at: snapshot_at, .. } = plan.snapshot else {
        return Err(PlanError::NoSnapshot.into());
    };
    unpack_snapshot(target, key, &plan.snapshot, temporary, &mut |bytes| progress(bytes, all)).await?;
    let mut done_bytes = size_of(&plan.snapshot);
    let file = File::options().read(true).write(true).open(temporary)?;
    let mut builder = DatabaseBuilder {
        file,
        until: at,
        required_until: next,
        at: snapshot_at,
        pending_pages: Vec::new(),
        previous: None,
    };
    let mut downloads =
        stream::iter(plan.segments.clone()).map(|segment| download(target, segment)).buffered(MAX_CONCURRENT_DOWNLOADS);
    let mut done = 0;
    while let Some((segment, object)) = downloads.next().await {
        let is_before_moment = builder.apply(&segment, &object?, key)?;
        done += 1;
        done_bytes += size_of(&segment);
        progress(done_bytes, all);
        if !is_before_moment {
            break;
        }
    }
    builder.file.sync_all()?;
    Ok(RestoreOutcome {
        at: Moment(builder.at),
        snapshot_at: Moment(snapshot_at),
        segments: done,
        bytes: builder.file.metadata()?.len(),
        summary: ShopSummary { orders: 0, newest: None },
        newer: plan.newer,
        snapshot: plan.snapshot,
    })
}

async fn download(target: &Target, object_key: ObjectKey) -> (ObjectKey, Result<Vec<u8>, TargetError>) {
    let object = target.get(&object_key.path()).await;
    (object_key, object)
}

/// Downloads a snapshot and decodes it into the file `to`.
async fn unpack_snapshot(
    target: &Target,
    key: Option<&Key>,
    object_key: &ObjectKey,
    to: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<(), RestoreError> {
    let packed = to.with_extension("packed");
    let downloaded = fetch(target, &object_key.path(), &packed, progress).await;
    let unpacked = downloaded.and_then(|file| unpack(file, key, object_key, to));
    remove_if_exists(&packed)?;
    unpacked
}

/// Downloads an object into a new file; `progress` is called with its bytes so far.
async fn fetch(
    target: &Target,
    path: &str,
    to: &Path,
    progress: &mut (dyn FnMut(u64) + Send),
) -> Result<File, RestoreError> {
    let file = File::options().create(true).truncate(true).read(true).write(true).open(to)?;
    let mut counting = CountingWriter { file, written: 0, progress };
    target.download(path, &mut counting).await?;
    let CountingWriter { mut file, .. } = counting;
    file.rewind()?;
    Ok(file)
}

/// A file that tells how many bytes were written to it.
struct CountingWriter<'p> {
    file: File,
    written: u64,
    progress: &'p mut (dyn FnMut(u64) + Send),
}

impl Write for CountingWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        (self.progress)(self.written);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn unpack(file: File, key: Option<&Key>, object_key: &ObjectKey, to: &Path) -> Result<(), RestoreError> {
    let path = object_key.path();
    let damaged = |error| RestoreError::Object { path: path.clone(), error, until: None };
    let object = object::open(io::BufReader::new(file), key).map_err(damaged)?;
    let ObjectKind::Snapshot(snapshot) = &object.kind else {
        return Err(RestoreError::BrokenChain { path, until: None });
    };
    let expected_key = ObjectKey::Snapshot {
        generation: snapshot.generation.clone(),
        first: snapshot.first,
        next: snapshot.next,
        at: snapshot.at,
    };
    if expected_key != *object_key {
        return Err(RestoreError::BrokenChain { path, until: None });
    }
    let bytes = snapshot.bytes;
    let mut to = File::create(to)?;
    let copied = io::copy(&mut object.content()?.take(bytes + 1), &mut to)?;
    if copied != bytes {
        return Err(damaged(ObjectError::Damaged));
    }
    Ok(())
}

/// Applies segments to the copy of a snapshot.
struct DatabaseBuilder {
    file: File,
    /// the moment to restore
    until: Option<Moment>,
    /// segments below this number are part of the snapshot and are applied whatever their time
    required_until: u64,
    /// time of the last applied commit
    at: i64,
    /// pages of a transaction whose commit frame is not reached yet
    pending_pages: Vec<(u32, Vec<u8>)>,
    /// the previous segment and its digest
    previous: Option<(Segment, object::ObjectDigest)>,
}

impl DatabaseBuilder {
    /// Verifies and applies a segment; false when a commit after the moment is reached.
    fn apply(&mut self, object_key: &ObjectKey, object: &[u8], key: Option<&Key>) -> Result<bool, RestoreError> {
        let until = Some(Moment(self.at));
        let damaged = |error: ObjectError| RestoreError::Object { path: object_key.path(), error, until };
        let broken_chain = || RestoreError::BrokenChain { path: object_key.path(), until };
        let object = object::open(Cursor::new(object), key).map_err(damaged)?;
        let (digest, kind) = (object.digest.clone(), object.kind.clone());
        let ObjectKind::Segment(segment) = kind else { return Err(broken_chain()) };
        if !self.is_next_segment(&segment, object_key) {
            return Err(broken_chain());
        }
        let length = u64::from(segment.end.frame - segment.start.frame) * (8 + u64::from(segment.format.page_size));
        let mut pages = Vec::new();
        object.content()?.take(length + 1).read_to_end(&mut pages)?;
        let checksum = segment.format.checksum_of(segment.start.checksum, &pages);
        if pages.len() as u64 != length || checksum != segment.end.checksum {
            return Err(damaged(ObjectError::Damaged));
        }
        let is_before_moment = self.write(&segment, &pages)?;
        self.previous = Some((segment, digest));
        Ok(is_before_moment)
    }

    /// Whether the segment matches its key and continues the previous one.
    fn is_next_segment(&self, segment: &Segment, object_key: &ObjectKey) -> bool {
        let expected_key =
            ObjectKey::Segment { generation: segment.generation.clone(), number: segment.number, at: segment.at };
        let is_forward = segment.end.frame > segment.start.frame && segment.end.salts == segment.start.salts;
        let is_continuous = self.previous.as_ref().is_none_or(|(previous, digest)| {
            let is_same_wal = segment.start == previous.end;
            let is_restarted_wal =
                segment.start.frame == 0 && segment.start.salts[0] == previous.end.salts[0].wrapping_add(1);
            segment.previous_digest == *digest && segment.format == previous.format && (is_same_wal || is_restarted_wal)
        });
        expected_key == *object_key && is_forward && is_continuous
    }

    fn write(&mut self, segment: &Segment, bytes: &[u8]) -> io::Result<bool> {
        let page_size = u64::from(segment.format.page_size);
        let mut commits = segment.commits.iter().peekable();
        let pages = segment.format.pages(bytes).into_iter().flatten();
        for (page, frame) in pages.zip(segment.start.frame + 1..) {
            while commits.next_if(|(end, _)| *end < frame).is_some() {}
            self.pending_pages.push((page.number, page.content.to_vec()));
            // Transactions without a time of their own are applied together with the next one that has it.
            let commit = commits.peek().filter(|(end, _)| *end == frame && page.database_pages.is_some());
            let Some((_, at)) = commit else { continue };
            if segment.number >= self.required_until && self.until.is_some_and(|until| *at > until.0) {
                return Ok(false);
            }
            for (number, content) in self.pending_pages.drain(..) {
                self.file.seek(SeekFrom::Start((u64::from(number) - 1) * page_size))?;
                self.file.write_all(&content)?;
            }
            if let Some(pages) = page.database_pages {
                self.file.set_len(u64::from(pages) * page_size)?;
            }
            self.at = self.at.max(*at);
        }
        Ok(true)
    }
}
