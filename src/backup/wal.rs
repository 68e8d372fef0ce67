//! The bytes of SQLite's write-ahead log, as <https://www.sqlite.org/fileformat2.html#walformat> has
//! them.
//!
//! A log is a header and frames. A frame is one page as a transaction left it; the frame that ends a
//! transaction says how many pages the database has after it. Each frame carries the header's two
//! salts, which change when the log begins anew, and a checksum over everything before it, so a
//! [`Place`] in one log is in no other, and a copy can be continued without trusting anybody.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// Of a page: its number and, if it ends a transaction, the pages of the database; both 32 bits.
const PAGE_HEADER: usize = 8;

/// How many bytes of frames are copied at once.
const AT_ONCE: usize = 8 << 20;

/// Two running sums.
pub(super) type Checksum = [u32; 2];

/// How the sums and pages of a log are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Form {
    /// bytes of a page
    pub(super) page_size: u32,
    /// whether the sums read big-endian words
    pub(super) big_endian: bool,
}

/// Behind a frame of a log; frame 0 is its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Place {
    /// which log
    pub(super) salts: [u32; 2],
    /// how many frames lie before it
    pub(super) frame: u32,
    /// the sum up to it
    pub(super) checksum: Checksum,
}

/// Frames that follow one another.
#[derive(Debug)]
pub(super) struct Frames {
    /// behind the last
    pub(super) end: Place,
    /// each page with its eight bytes before it
    pub(super) pages: Vec<u8>,
}

/// Why a log cannot be continued.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalError {
    /// Not the log that it should be.
    #[error("the log is not continued at frame {frame}")]
    Broken {
        /// the first that does not follow
        frame: u32,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

/// The form of a log and its beginning; None when nothing has been written to it.
pub(super) fn beginning(file: &mut File) -> io::Result<Option<(Form, Place)>> {
    let mut header = [0; HEADER];
    file.seek(SeekFrom::Start(0))?;
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        other => other?,
    }
    let big_endian = match word(&header, 0) {
        0x377f_0682 => false,
        0x377f_0683 => true,
        _ => return Ok(None),
    };
    let form = Form { page_size: word(&header, 8), big_endian };
    let checksum = form.sum([0, 0], &header[..24]);
    let is_sound = checksum == [word(&header, 24), word(&header, 28)] && form.is_sound();
    Ok(is_sound.then_some((form, Place { salts: [word(&header, 16), word(&header, 20)], frame: 0, checksum })))
}

/// Some of the frames behind `from` and up to the frame `to`, every one of them checked.
pub(super) fn read(file: &mut File, form: Form, from: Place, to: u32) -> Result<Frames, WalError> {
    let length = FRAME_HEADER + form.page_size as usize;
    file.seek(SeekFrom::Start(HEADER as u64 + u64::from(from.frame) * length as u64))?;
    let count = (to.saturating_sub(from.frame) as usize).min((AT_ONCE / length).max(1));
    let mut bytes = vec![0; count * length];
    file.read_exact(&mut bytes)?;
    let mut frames = Frames { end: from, pages: Vec::with_capacity(count * (PAGE_HEADER + form.page_size as usize)) };
    for frame in bytes.chunks_exact(length) {
        let (header, page) = frame.split_at(FRAME_HEADER);
        let checksum = form.sum(form.sum(frames.end.checksum, &header[..PAGE_HEADER]), page);
        let written = [word(header, 16), word(header, 20)];
        let salts = [word(header, 8), word(header, 12)];
        if checksum != written || salts != from.salts {
            return Err(WalError::Broken { frame: frames.end.frame + 1 });
        }
        frames.end = Place { frame: frames.end.frame + 1, checksum, ..frames.end };
        frames.pages.extend_from_slice(&header[..PAGE_HEADER]);
        frames.pages.extend_from_slice(page);
    }
    Ok(frames)
}

/// Whether the log has come to that place.
pub(super) fn has(file: &mut File, form: Form, place: Place) -> io::Result<bool> {
    if beginning(file)?.is_none_or(|(found, begin)| found != form || begin.salts != place.salts) {
        return Ok(false);
    }
    let Some(before) = place.frame.checked_sub(1) else { return Ok(true) };
    let length = FRAME_HEADER as u64 + u64::from(form.page_size);
    file.seek(SeekFrom::Start(HEADER as u64 + u64::from(before) * length))?;
    let mut header = [0; FRAME_HEADER];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    Ok([word(&header, 8), word(&header, 12)] == place.salts && [word(&header, 16), word(&header, 20)] == place.checksum)
}

/// A page as a transaction left it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'b> {
    /// which, counted from 1
    pub(super) number: u32,
    /// how many pages the database has when a transaction ends here
    pub(super) commits: Option<u32>,
    /// what is in it
    pub(super) content: &'b [u8],
}

impl Form {
    fn is_sound(self) -> bool {
        self.page_size.is_power_of_two() && (512..=65_536).contains(&self.page_size)
    }

    /// The pages that [`read`] copied; None when they are not whole.
    pub(super) fn pages(self, bytes: &[u8]) -> Option<impl Iterator<Item = Page<'_>>> {
        let length = PAGE_HEADER + self.page_size as usize;
        (self.is_sound() && bytes.len().is_multiple_of(length)).then(|| {
            bytes.chunks_exact(length).map(|page| Page {
                number: word(page, 0),
                commits: Some(word(page, 4)).filter(|pages| *pages > 0),
                content: &page[PAGE_HEADER..],
            })
        })
    }

    /// The sum behind those pages, as the log had it.
    pub(super) fn sum_of(self, before: Checksum, bytes: &[u8]) -> Checksum {
        let length = PAGE_HEADER + self.page_size as usize;
        bytes.chunks_exact(length).fold(before, |sum, page| self.sum(sum, page))
    }

    fn sum(self, [mut first, mut second]: Checksum, bytes: &[u8]) -> Checksum {
        for pair in bytes.chunks_exact(8) {
            let [a, b] = [&pair[..4], &pair[4..]].map(|four| {
                let four = four.try_into().unwrap_or_default();
                if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
            });
            first = first.wrapping_add(a).wrapping_add(second);
            second = second.wrapping_add(b).wrapping_add(first);
        }
        [first, second]
    }
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    fn log(folder: &std::path::Path, page_size: u32) -> (Connection, File, u32) {
        let path = folder.join("a.db");
        let writer = Connection::open(&path).expect("opens");
        writer.pragma_update(None, "page_size", page_size).expect("sets");
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(9000))")
            .expect("writes");
        let frames = writer.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1)).expect("counts");
        let file = File::open(path.with_file_name("a.db-wal")).expect("a log");
        (writer, file, frames)
    }

    #[test]
    fn every_frame_that_sqlite_wrote_is_read_and_adds_up() {
        for page_size in [512, 4_096, 65_536] {
            let folder = tempfile::tempdir().expect("a folder");
            let (_writer, mut file, count) = log(folder.path(), page_size);
            let (form, begin) = beginning(&mut file).expect("reads").expect("a log");
            assert_eq!(form.page_size, page_size);
            let frames = read(&mut file, form, begin, count).expect("follows");
            assert_eq!(frames.end.frame, count);
            assert!(has(&mut file, form, begin).expect("reads") && has(&mut file, form, frames.end).expect("reads"));
            let elsewhere = Place { checksum: [1, 2], ..frames.end };
            let beyond = Place { frame: count + 1, ..frames.end };
            assert!(!has(&mut file, form, elsewhere).expect("reads") && !has(&mut file, form, beyond).expect("reads"));
            assert_eq!(form.sum_of(begin.checksum, &frames.pages), frames.end.checksum);
            let pages: Vec<_> = form.pages(&frames.pages).expect("whole").collect();
            assert_eq!(pages.len(), count as usize);
            assert!(pages.last().expect("one").commits.is_some());
        }
    }

    #[test]
    fn a_flipped_bit_another_log_and_a_cut_one_are_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let (writer, mut file, count) = log(folder.path(), 4_096);
        let (form, begin) = beginning(&mut file).expect("reads").expect("a log");
        let other = Place { salts: [1, 2], ..begin };
        assert!(matches!(read(&mut file, form, other, count), Err(WalError::Broken { frame: 1 })));
        assert!(matches!(read(&mut file, form, begin, count + 1), Err(WalError::Unreadable(_))));

        let mut bytes = std::fs::read(folder.path().join("a.db-wal")).expect("reads");
        drop((writer, file));
        bytes[HEADER + FRAME_HEADER + 17] ^= 4;
        let path = folder.path().join("flipped");
        std::fs::write(&path, bytes).expect("writes");
        let mut file = File::open(path).expect("opens");
        assert!(matches!(read(&mut file, form, begin, count), Err(WalError::Broken { frame: 1 })));
    }
}
