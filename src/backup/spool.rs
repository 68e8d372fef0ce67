//! The spool: objects on the local disk that a target does not have yet.
//!
//! The spool has a size limit. The last uploaded segment stays as a bookmark: replication resumes at its end
//! after a restart. The spool need not survive a power failure, because a missing bookmark only starts a new
//! generation.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::key::Key;
use super::object::{self, ObjectDigest, ObjectKind, Segment};
use super::object_keys::ObjectKey;
use crate::storage::lock;
use crate::text::hex;
use crate::time::Moment;

/// Replaces the slashes of an object's path in its file name.
const PATH_SEPARATOR: &str = "~";

/// Folder of the spooled objects, beside the bookmark and the status.
const OBJECTS_FOLDER: &str = "spool";

const BOOKMARK_FILE: &str = "last.seg";
const LAST_SNAPSHOT_FILE: &str = "last-snapshot.json";

/// The spool of one target.
pub(super) struct Spool {
    folder: PathBuf,
    limit_bytes: u64,
    bytes: AtomicU64,
    /// time up to which every commit has been spooled, and the generation
    caught_up: Mutex<Option<(Moment, String)>>,
    /// why replication is suspended: frames since then are in no segment
    gap: Mutex<Option<SpoolError>>,
    /// held while the spool and the bookmark change together
    bookmark_lock: Mutex<()>,
    /// notified when an object is added
    pub(super) added: Notify,
}

/// The newest snapshot for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SnapshotInfo {
    pub(super) generation: String,
    pub(super) at: i64,
    pub(super) next: u64,
    pub(super) bytes: u64,
}

/// Why an object cannot be spooled.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// The limit is reached.
    #[error("백업할 곳에 오래 닿지 않아 모아 둘 공간이 다 찼어요. 닿으면 전체 백업부터 새로 만들어요.")]
    Full,
    /// The local disk cannot be written to, or is full.
    #[error("이 컴퓨터의 디스크에 쓰지 못해서 백업을 멈췄어요. 공간을 비워 주세요: {0}")]
    Io(#[from] io::Error),
}

impl Spool {
    pub(super) fn open(folder: PathBuf, limit_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(folder.join(OBJECTS_FOLDER))?;
        let spool = Self {
            folder,
            limit_bytes,
            bytes: AtomicU64::new(0),
            caught_up: Mutex::default(),
            gap: Mutex::default(),
            bookmark_lock: Mutex::default(),
            added: Notify::new(),
        };
        for file in fs::read_dir(spool.folder.join(OBJECTS_FOLDER))? {
            let file = file?;
            if file.file_name().to_str().is_some_and(|name| name.starts_with("tmp")) {
                fs::remove_file(file.path())?;
            } else {
                spool.bytes.fetch_add(file.metadata()?.len(), Ordering::Relaxed);
            }
        }
        Ok(spool)
    }

    /// The folder of this spool, in the data folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Size of the spooled objects in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Declares that every commit up to `at` has been spooled.
    pub(super) fn set_caught_up(&self, at: Moment, generation: &str) {
        *lock(&self.caught_up) = Some((at, generation.to_owned()));
    }

    /// Time up to which every commit has been spooled, and its generation; `None` before the first.
    pub(super) fn caught_up(&self) -> Option<(Moment, String)> {
        lock(&self.caught_up).clone()
    }

    /// Records that replication is suspended.
    pub(super) fn record_gap(&self, reason: SpoolError) {
        *lock(&self.gap) = Some(reason);
    }

    /// Why replication is suspended; clears the record.
    pub(super) fn take_gap(&self) -> Option<SpoolError> {
        lock(&self.gap).take()
    }

    /// Keys of the spooled objects, sorted.
    pub(super) fn keys(&self) -> io::Result<Vec<ObjectKey>> {
        let mut keys = Vec::new();
        for file in fs::read_dir(self.folder.join(OBJECTS_FOLDER))? {
            let name = file?.file_name();
            keys.extend(name.to_str().and_then(|name| ObjectKey::parse(&name.replace(PATH_SEPARATOR, "/"))));
        }
        keys.sort();
        Ok(keys)
    }

    /// File of a spooled object.
    pub(super) fn path(&self, key: &ObjectKey) -> PathBuf {
        self.folder.join(OBJECTS_FOLDER).join(key.path().replace('/', PATH_SEPARATOR))
    }

    /// Creates a temporary file in the spool's folder, for [`Self::add_file`].
    pub(super) fn create_temporary(&self, suffix: &str) -> io::Result<(PathBuf, File)> {
        let path = self.folder.join(OBJECTS_FOLDER).join(format!("tmp-{suffix}"));
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        Ok((path, file))
    }

    /// Spools an object.
    pub(super) fn add(&self, key: &ObjectKey, object: &[u8]) -> Result<(), SpoolError> {
        self.check_capacity(object.len() as u64)?;
        let (path, mut file) = self.create_temporary("object")?;
        file.write_all(object)?;
        drop(file);
        self.add_file(key, &path)
    }

    /// Queues the object in a temporary file.
    pub(super) fn add_file(&self, key: &ObjectKey, path: &Path) -> Result<(), SpoolError> {
        let length = fs::metadata(path)?.len();
        fs::rename(path, self.path(key))?;
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.added.notify_waiters();
        Ok(())
    }

    /// An empty spool accepts an object of any size: otherwise a limit below that size would stop the backup for
    /// good.
    fn check_capacity(&self, more: u64) -> Result<(), SpoolError> {
        if self.bytes() > 0 && self.bytes() + more > self.limit_bytes { Err(SpoolError::Full) } else { Ok(()) }
    }

    /// Whether the limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.check_capacity(1).is_err()
    }

    /// Removes an uploaded object from the spool; a segment becomes the bookmark.
    pub(super) fn remove_uploaded(&self, key: &ObjectKey) -> io::Result<()> {
        let _guard = lock(&self.bookmark_lock);
        let path = self.path(key);
        let length = match fs::metadata(&path) {
            Ok(found) => found.len(),
            // Cleared in the meantime.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        match key {
            ObjectKey::Segment { .. } => fs::rename(&path, self.folder.join(BOOKMARK_FILE))?,
            _ => fs::remove_file(&path)?,
        }
        self.bytes.fetch_sub(length, Ordering::Relaxed);
        Ok(())
    }

    /// Deletes all spooled objects and the bookmark.
    pub(super) fn clear(&self) -> io::Result<()> {
        let _guard = lock(&self.bookmark_lock);
        for key in self.keys()? {
            fs::remove_file(self.path(&key))?;
        }
        match fs::remove_file(self.folder.join(BOOKMARK_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.bytes.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// The newest segment, spooled or the bookmark, with its digest; `None` if it is encrypted with another key.
    pub(super) fn newest_segment(&self, key: Option<&Key>) -> Option<(Segment, ObjectDigest)> {
        let keys = self.keys().ok()?;
        let newest = keys.iter().rev().find(|key| matches!(key, ObjectKey::Segment { .. }));
        let path = newest.map_or_else(|| self.folder.join(BOOKMARK_FILE), |key| self.path(key));
        let mut file = File::open(path).ok()?;
        let (_, header) = object::read_header(&mut file).ok()?;
        if header.key_id != key.map(Key::id) {
            return None;
        }
        let ObjectKind::Segment(segment) = header.kind else { return None };
        // The digest is not verified here: if the segment is damaged, its end is not in the WAL either.
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).ok()?;
        let digest = rest.last_chunk::<32>()?;
        Some((segment, hex(digest)))
    }

    /// The newest snapshot, spooled or uploaded.
    pub(super) fn last_snapshot(&self) -> Option<SnapshotInfo> {
        serde_json::from_slice(&fs::read(self.folder.join(LAST_SNAPSHOT_FILE)).ok()?).ok()
    }

    pub(super) fn set_last_snapshot(&self, snapshot: &SnapshotInfo) -> io::Result<()> {
        fs::write(self.folder.join(LAST_SNAPSHOT_FILE), serde_json::to_vec(snapshot)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spool_is_counted_bounded_and_survives_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let segment = |number| ObjectKey::Segment { generation: "G".to_owned(), number, at: 1 };
        let spool = Spool::open(folder.path().to_owned(), 10).expect("opens");
        spool.add(&segment(2), b"1234").expect("waits");
        spool.add(&segment(1), b"1234").expect("waits");
        assert!(matches!(spool.add(&segment(3), b"1234"), Err(SpoolError::Full)));
        assert_eq!(spool.keys().expect("lists"), [segment(1), segment(2)]);
        drop(spool);

        let spool = Spool::open(folder.path().to_owned(), 10).expect("opens");
        assert_eq!(spool.bytes(), 8);
        spool.remove_uploaded(&segment(1)).expect("goes");
        spool.remove_uploaded(&segment(1)).expect("once is enough");
        assert_eq!((spool.bytes(), spool.keys().expect("lists")), (4, vec![segment(2)]));
        spool.clear().expect("empties");
        assert_eq!((spool.bytes(), spool.keys().expect("lists")), (0, vec![]));
    }
}
