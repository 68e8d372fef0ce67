//! Snapshots: copies of the main file, taken while commits and checkpoints continue.
//!
//! A checkpoint may write to the file during the copy, so the copy alone is not a consistent database. But a
//! checkpoint writes only pages from the WAL, and every frame since the WAL was last restarted is in a segment.
//! Applying those segments overwrites each page that may have been copied half-written.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use super::key::Key;
use super::object::{self, BodyWriter, FinishedBody, ObjectKind, Snapshot};
use super::object_keys::ObjectKey;
use super::spool::{SnapshotInfo, Spool};

const READ_BUFFER_BYTES: usize = 1 << 20;

/// A copy of the main file in a temporary file, without its header.
pub(super) struct SnapshotCopy {
    body: FinishedBody<File>,
    path: PathBuf,
    bytes: u64,
}

/// Copies the main file into the spool.
pub(super) fn copy(main: &File, spool: &Spool, key: Option<&Key>) -> io::Result<SnapshotCopy> {
    let (path, file) = spool.create_temporary("copy")?;
    let mut body = BodyWriter::new(file, key)?;
    let mut buffer = vec![0; READ_BUFFER_BYTES];
    let mut bytes = 0;
    loop {
        let read = read_at(main, &mut buffer, bytes)?;
        if read == 0 {
            break;
        }
        body.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
    Ok(SnapshotCopy { body: body.finish()?, path, bytes })
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

impl SnapshotCopy {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes header, body and digest to the spool.
    pub(super) fn finish(mut self, snapshot: &Snapshot, spool: &Spool, key: Option<&Key>) -> io::Result<SnapshotInfo> {
        let (header, digest) = object::encode_header(&ObjectKind::Snapshot(snapshot.clone()), &self.body, key)?;
        let (path, mut file) = spool.create_temporary("snapshot")?;
        file.write_all(&header)?;
        io::Seek::rewind(&mut self.body.out)?;
        io::copy(&mut self.body.out, &mut file)?;
        file.write_all(&digest)?;
        drop((file, self.body));
        let Snapshot { generation, first, next, at, .. } = snapshot.clone();
        let bytes = fs::metadata(&path)?.len();
        let key = ObjectKey::Snapshot { generation: generation.clone(), first, next, at };
        spool.add_file(&key, &path).map_err(io::Error::other)?;
        fs::remove_file(&self.path)?;
        let info = SnapshotInfo { generation, at, next, bytes };
        spool.set_last_snapshot(&info)?;
        Ok(info)
    }
}
