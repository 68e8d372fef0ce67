//! Snapshots: copies of the main file, taken while the shop works.
//!
//! While the copy is read, checkpoints may write to the file, so by itself it is the database of no
//! moment. But they write only what the log says, and every frame of the log since it last began
//! anew is in a segment: with those applied, each page that may have been caught half-written is as
//! it was when the copy was done.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::key::Key;
use super::object::{self, Body, Header, Snapshot, Written};
use super::object_keys::Name;
use super::spool::{LastSnapshot, Spool};

const AT_ONCE: usize = 1 << 20;

/// A copy whose header is not written yet.
pub(super) struct Copied {
    body: Written<File>,
    path: PathBuf,
    bytes: u64,
}

/// Copies the main file into the spool.
pub(super) fn copy(main: &File, spool: &Spool, key: Option<&Key>) -> io::Result<Copied> {
    let (path, file) = spool.temporary("copy")?;
    let mut body = Body::new(file, key)?;
    let mut buffer = vec![0; AT_ONCE];
    let mut bytes = 0;
    loop {
        let read = read_at(main, &mut buffer, bytes)?;
        if read == 0 {
            break;
        }
        body.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
    Ok(Copied { body: body.finish()?, path, bytes })
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

impl Copied {
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts the header before it and lets it wait for the target.
    pub(super) fn finish(mut self, what: &Snapshot, spool: &Spool, key: Option<&Key>) -> io::Result<LastSnapshot> {
        let (head, seal) = object::head(&Header::Snapshot(what.clone()), &self.body, key)?;
        let (path, mut file) = spool.temporary("snapshot")?;
        file.write_all(&head)?;
        io::Seek::rewind(&mut self.body.to)?;
        io::copy(&mut self.body.to, &mut file)?;
        file.write_all(&seal)?;
        drop((file, self.body));
        let Snapshot { generation, first, next, at, .. } = what.clone();
        let bytes = length(&path)?;
        let name = Name::Snapshot { generation: generation.clone(), first, next, at };
        spool.add_file(&name, &path).map_err(io::Error::other)?;
        fs::remove_file(&self.path)?;
        let last = LastSnapshot { generation, at, next, bytes };
        spool.remember_snapshot(&last)?;
        Ok(last)
    }
}

fn length(path: &Path) -> io::Result<u64> {
    Ok(fs::metadata(path)?.len())
}
