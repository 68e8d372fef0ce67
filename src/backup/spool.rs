//! What waits on the shop's disk for one target, and where its copying stands.
//!
//! Objects wait here until the target has them, as many as the limit allows. The last segment that
//! was delivered stays as a bookmark: what it says of the log is where copying goes on after a start.
//! Nothing here needs to survive a power cut: what is not found begins a new generation.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::key::Key;
use super::object::{self, Header, Seal, Segment};
use super::object_keys::Name;
use crate::storage::lock;
use crate::time::Moment;

/// In the place of slashes: an object waits under its name in one folder.
const SLASH: &str = "~";

const BOOKMARK: &str = "last.seg";
const LAST_SNAPSHOT: &str = "last-snapshot.json";

/// A folder for what a target does not have yet.
pub(super) struct Spool {
    folder: PathBuf,
    limit: u64,
    bytes: AtomicU64,
    /// Up to when everything that was committed is or was here, and in which generation.
    caught_up: Mutex<Option<(Moment, String)>>,
    /// Why something found no room: what is copied from now on would leave a gap.
    lost: Mutex<Option<SpoolError>>,
    /// The bookmark and what waits change together.
    turning: Mutex<()>,
    /// Rung when something begins to wait.
    pub(super) arrived: Notify,
}

/// The newest snapshot that was made for a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastSnapshot {
    pub(super) generation: String,
    pub(super) at: i64,
    pub(super) next: u64,
    pub(super) bytes: u64,
}

/// Why nothing more can wait.
#[derive(Debug, thiserror::Error)]
pub(super) enum SpoolError {
    /// The limit is reached.
    #[error("백업할 곳에 오래 닿지 않아 모아 둘 자리가 다 찼어요. 닿으면 전체 사본부터 새로 떠요.")]
    Full,
    /// The shop's disk.
    #[error("이 컴퓨터의 디스크에 쓰지 못해서 백업을 멈췄어요. 자리를 비워 주세요: {0}")]
    Io(#[from] io::Error),
}

impl Spool {
    pub(super) fn open(folder: PathBuf, limit: u64) -> io::Result<Self> {
        fs::create_dir_all(folder.join("waiting"))?;
        let (bytes, turning, caught_up) = (AtomicU64::new(0), Mutex::new(()), Mutex::new(None));
        let (lost, arrived) = (Mutex::default(), Notify::new());
        let spool = Self { folder, limit, bytes, caught_up, lost, turning, arrived };
        for file in fs::read_dir(spool.folder.join("waiting"))? {
            let file = file?;
            if file.file_name().to_str().is_some_and(|name| name.starts_with("tmp")) {
                fs::remove_file(file.path())?;
            } else {
                spool.bytes.fetch_add(file.metadata()?.len(), Ordering::Relaxed);
            }
        }
        Ok(spool)
    }

    /// How many bytes wait.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Everything that was committed up to that moment is here.
    pub(super) fn set_caught_up(&self, at: Moment, generation: &str) {
        *lock(&self.caught_up) = Some((at, generation.to_owned()));
    }

    /// Up to when everything that was committed is or was here, and in which generation; None before
    /// anything was.
    pub(super) fn caught_up(&self) -> Option<(Moment, String)> {
        lock(&self.caught_up).clone()
    }

    /// Says that something found no room.
    pub(super) fn lose(&self, why: SpoolError) {
        *lock(&self.lost) = Some(why);
    }

    /// Why something found no room, if so; asking forgets it.
    pub(super) fn was_lost(&self) -> Option<SpoolError> {
        lock(&self.lost).take()
    }

    /// The names of what waits, sorted.
    pub(super) fn waiting(&self) -> io::Result<Vec<Name>> {
        let mut names = Vec::new();
        for file in fs::read_dir(self.folder.join("waiting"))? {
            let name = file?.file_name();
            names.extend(name.to_str().and_then(|name| Name::parse(&name.replace(SLASH, "/"))));
        }
        names.sort();
        Ok(names)
    }

    /// Where an object waits.
    pub(super) fn path(&self, name: &Name) -> PathBuf {
        self.folder.join("waiting").join(name.path().replace('/', SLASH))
    }

    /// A file beside those that wait, which [`Self::add_file`] makes one of them.
    pub(super) fn temporary(&self, word: &str) -> io::Result<(PathBuf, File)> {
        let path = self.folder.join("waiting").join(format!("tmp-{word}"));
        let file = File::options().create(true).truncate(true).read(true).write(true).open(&path)?;
        Ok((path, file))
    }

    /// Lets an object wait.
    pub(super) fn add(&self, name: &Name, object: &[u8]) -> Result<(), SpoolError> {
        self.room_for(object.len() as u64)?;
        let (path, mut file) = self.temporary("object")?;
        file.write_all(object)?;
        drop(file);
        self.add_file(name, &path)
    }

    /// Lets the object in that file wait.
    pub(super) fn add_file(&self, name: &Name, path: &Path) -> Result<(), SpoolError> {
        let length = fs::metadata(path)?.len();
        fs::rename(path, self.path(name))?;
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.arrived.notify_waiters();
        Ok(())
    }

    /// One object has room in any case, or a limit that is too small would stop everything for ever.
    fn room_for(&self, more: u64) -> Result<(), SpoolError> {
        if self.bytes() > 0 && self.bytes() + more > self.limit { Err(SpoolError::Full) } else { Ok(()) }
    }

    /// Whether more waits than is allowed.
    pub(super) fn is_full(&self) -> bool {
        self.room_for(1).is_err()
    }

    /// The target has it.
    pub(super) fn delivered(&self, name: &Name) -> io::Result<()> {
        let _turn = lock(&self.turning);
        let path = self.path(name);
        let length = match fs::metadata(&path) {
            Ok(found) => found.len(),
            // Emptied in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        match name {
            Name::Segment { .. } => fs::rename(&path, self.folder.join(BOOKMARK))?,
            _ => fs::remove_file(&path)?,
        }
        self.bytes.fetch_sub(length, Ordering::Relaxed);
        Ok(())
    }

    /// Throws away everything that waits, and the bookmark.
    pub(super) fn empty(&self) -> io::Result<()> {
        let _turn = lock(&self.turning);
        for name in self.waiting()? {
            fs::remove_file(self.path(&name))?;
        }
        match fs::remove_file(self.folder.join(BOOKMARK)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.bytes.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// The newest segment that was made, if it is sealed with that key; and its seal.
    pub(super) fn newest(&self, key: Option<&Key>) -> Option<(Segment, Seal)> {
        let waiting = self.waiting().ok()?;
        let newest = waiting.iter().rev().find(|name| matches!(name, Name::Segment { .. }));
        let path = newest.map_or_else(|| self.folder.join(BOOKMARK), |name| self.path(name));
        let mut file = File::open(path).ok()?;
        let (_, envelope) = object::read_head(&mut file).ok()?;
        if envelope.key != key.map(Key::id) {
            return None;
        }
        let Header::Segment(segment) = envelope.what else { return None };
        // The seal's last bytes; whether it fits is checked where the segment is used.
        let mut rest = Vec::new();
        file.read_to_end(&mut rest).ok()?;
        let seal = rest.last_chunk::<32>()?;
        Some((segment, super::key::hex(seal)))
    }

    /// The newest snapshot that was made.
    pub(super) fn last_snapshot(&self) -> Option<LastSnapshot> {
        serde_json::from_slice(&fs::read(self.folder.join(LAST_SNAPSHOT)).ok()?).ok()
    }

    pub(super) fn remember_snapshot(&self, snapshot: &LastSnapshot) -> io::Result<()> {
        fs::write(self.folder.join(LAST_SNAPSHOT), serde_json::to_vec(snapshot)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_counted_bounded_and_found_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let segment = |number| Name::Segment { generation: "G".to_owned(), number, at: 1 };
        let spool = Spool::open(folder.path().to_owned(), 10).expect("opens");
        spool.add(&segment(2), b"1234").expect("waits");
        spool.add(&segment(1), b"1234").expect("waits");
        assert!(matches!(spool.add(&segment(3), b"1234"), Err(SpoolError::Full)));
        assert_eq!(spool.waiting().expect("lists"), [segment(1), segment(2)]);
        drop(spool);

        let spool = Spool::open(folder.path().to_owned(), 10).expect("opens");
        assert_eq!(spool.bytes(), 8);
        spool.delivered(&segment(1)).expect("goes");
        spool.delivered(&segment(1)).expect("once is enough");
        assert_eq!((spool.bytes(), spool.waiting().expect("lists")), (4, vec![segment(2)]));
        spool.empty().expect("empties");
        assert_eq!((spool.bytes(), spool.waiting().expect("lists")), (0, vec![]));
    }
}
