//! Parser of SQLite's write-ahead log (<https://www.sqlite.org/fileformat2.html#walformat>).
//!
//! A WAL is a header and frames. A frame is one page as a transaction left it; the last frame of a transaction
//! (its commit frame) holds the size of the database in pages. Each frame carries the header's two salts, which
//! change when SQLite restarts the WAL, and a cumulative checksum. A [`WalPosition`] of one WAL therefore never
//! matches another, and reading can resume at a position safely.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;

/// Start of a frame header that is kept with each page: page number, and in a commit frame the size of the
/// database in pages; both 32 bits, big-endian.
const PAGE_HEADER_BYTES: usize = 8;

/// Maximum size of the frames that [`read_frames`] returns, unless one frame is larger.
const MAX_READ_BYTES: usize = 8 << 20;

/// The two halves of a cumulative checksum.
pub(super) type Checksum = [u32; 2];

/// Format of a WAL, from its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct WalFormat {
    /// page size in bytes
    pub(super) page_size: u32,
    /// byte order of the words that the checksum adds up
    pub(super) big_endian: bool,
}

/// Position after a frame of a WAL; frame 0 is the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct WalPosition {
    /// identify the WAL
    pub(super) salts: [u32; 2],
    /// number of frames before the position
    pub(super) frame: u32,
    /// cumulative checksum up to the position
    pub(super) checksum: Checksum,
}

/// Consecutive frames.
#[derive(Debug)]
pub(super) struct Frames {
    /// position after the last frame
    pub(super) end: WalPosition,
    /// pages, each with the first eight bytes of its frame header
    pub(super) pages: Vec<u8>,
}

/// Why reading cannot resume at a position.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalError {
    /// A frame does not continue the position: another WAL, or a damaged one.
    #[error("the WAL is not continued at frame {frame}")]
    Broken {
        /// the first such frame
        frame: u32,
    },
    /// The file cannot be read, or is shorter than expected.
    #[error(transparent)]
    Unreadable(#[from] io::Error),
}

/// Reads the header: format and start position; `None` if it is missing or invalid.
pub(super) fn read_header(file: &mut File) -> io::Result<Option<(WalFormat, WalPosition)>> {
    let mut header = [0; HEADER_BYTES];
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
    let format = WalFormat { page_size: word(&header, 8), big_endian };
    let checksum = format.checksum([0, 0], &header[..24]);
    let is_valid = checksum == [word(&header, 24), word(&header, 28)] && format.is_valid();
    Ok(is_valid.then_some((format, WalPosition { salts: [word(&header, 16), word(&header, 20)], frame: 0, checksum })))
}

/// Reads frames after `from`, up to frame `to` or [`MAX_READ_BYTES`], and verifies their checksums.
///
/// # Errors
/// [`WalError::Broken`] at the first frame that does not continue `from`.
pub(super) fn read_frames(file: &mut File, format: WalFormat, from: WalPosition, to: u32) -> Result<Frames, WalError> {
    let length = FRAME_HEADER_BYTES + format.page_size as usize;
    file.seek(SeekFrom::Start(HEADER_BYTES as u64 + u64::from(from.frame) * length as u64))?;
    let count = (to.saturating_sub(from.frame) as usize).min((MAX_READ_BYTES / length).max(1));
    let mut bytes = vec![0; count * length];
    file.read_exact(&mut bytes)?;
    let mut frames =
        Frames { end: from, pages: Vec::with_capacity(count * (PAGE_HEADER_BYTES + format.page_size as usize)) };
    for frame in bytes.chunks_exact(length) {
        let (header, page) = frame.split_at(FRAME_HEADER_BYTES);
        let checksum = format.checksum(format.checksum(frames.end.checksum, &header[..PAGE_HEADER_BYTES]), page);
        let written = [word(header, 16), word(header, 20)];
        let salts = [word(header, 8), word(header, 12)];
        if checksum != written || salts != from.salts {
            return Err(WalError::Broken { frame: frames.end.frame + 1 });
        }
        frames.end = WalPosition { frame: frames.end.frame + 1, checksum, ..frames.end };
        frames.pages.extend_from_slice(&header[..PAGE_HEADER_BYTES]);
        frames.pages.extend_from_slice(page);
    }
    Ok(frames)
}

/// Whether the WAL contains the position.
pub(super) fn contains(file: &mut File, format: WalFormat, position: WalPosition) -> io::Result<bool> {
    if read_header(file)?.is_none_or(|(found, start)| found != format || start.salts != position.salts) {
        return Ok(false);
    }
    let Some(before) = position.frame.checked_sub(1) else { return Ok(true) };
    let length = FRAME_HEADER_BYTES as u64 + u64::from(format.page_size);
    file.seek(SeekFrom::Start(HEADER_BYTES as u64 + u64::from(before) * length))?;
    let mut header = [0; FRAME_HEADER_BYTES];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        other => other?,
    }
    Ok([word(&header, 8), word(&header, 12)] == position.salts
        && [word(&header, 16), word(&header, 20)] == position.checksum)
}

/// A page in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'b> {
    /// page number, from 1
    pub(super) number: u32,
    /// in a commit frame, the size of the database in pages
    pub(super) database_pages: Option<u32>,
    pub(super) content: &'b [u8],
}

impl WalFormat {
    fn is_valid(self) -> bool {
        self.page_size.is_power_of_two() && (512..=65_536).contains(&self.page_size)
    }

    /// Iterates over [`Frames::pages`]; `None` if the length is not a multiple of a page.
    pub(super) fn pages(self, bytes: &[u8]) -> Option<impl Iterator<Item = Page<'_>>> {
        let length = PAGE_HEADER_BYTES + self.page_size as usize;
        (self.is_valid() && bytes.len().is_multiple_of(length)).then(|| {
            bytes.chunks_exact(length).map(|page| Page {
                number: word(page, 0),
                database_pages: Some(word(page, 4)).filter(|pages| *pages > 0),
                content: &page[PAGE_HEADER_BYTES..],
            })
        })
    }

    /// Continues the cumulative checksum `before` over [`Frames::pages`].
    pub(super) fn checksum_of(self, before: Checksum, bytes: &[u8]) -> Checksum {
        let length = PAGE_HEADER_BYTES + self.page_size as usize;
        bytes.chunks_exact(length).fold(before, |checksum, page| self.checksum(checksum, page))
    }

    fn checksum(self, [mut first, mut second]: Checksum, bytes: &[u8]) -> Checksum {
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

    fn wal(folder: &std::path::Path, page_size: u32) -> (Connection, File, u32) {
        let path = folder.join("a.db");
        let writer = Connection::open(&path).expect("opens");
        writer.pragma_update(None, "page_size", page_size).expect("sets");
        writer
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE a (b); INSERT INTO a VALUES (zeroblob(9000))")
            .expect("writes");
        let frames = writer.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1)).expect("counts");
        let file = File::open(path.with_file_name("a.db-wal")).expect("a WAL");
        (writer, file, frames)
    }

    #[test]
    fn frames_written_by_sqlite_are_read_and_checksums_match() {
        for page_size in [512, 4_096, 65_536] {
            let folder = tempfile::tempdir().expect("a folder");
            let (_writer, mut file, count) = wal(folder.path(), page_size);
            let (format, start) = read_header(&mut file).expect("reads").expect("a WAL");
            assert_eq!(format.page_size, page_size);
            let frames = read_frames(&mut file, format, start, count).expect("follows");
            assert_eq!(frames.end.frame, count);
            assert!(
                contains(&mut file, format, start).expect("reads")
                    && contains(&mut file, format, frames.end).expect("reads")
            );
            let elsewhere = WalPosition { checksum: [1, 2], ..frames.end };
            let beyond = WalPosition { frame: count + 1, ..frames.end };
            assert!(
                !contains(&mut file, format, elsewhere).expect("reads")
                    && !contains(&mut file, format, beyond).expect("reads")
            );
            assert_eq!(format.checksum_of(start.checksum, &frames.pages), frames.end.checksum);
            let pages: Vec<_> = format.pages(&frames.pages).expect("whole").collect();
            assert_eq!(pages.len(), count as usize);
            assert!(pages.last().expect("one").database_pages.is_some());
        }
    }

    #[test]
    fn flipped_bits_other_salts_and_truncation_are_detected() {
        let folder = tempfile::tempdir().expect("a folder");
        let (writer, mut file, count) = wal(folder.path(), 4_096);
        let (format, start) = read_header(&mut file).expect("reads").expect("a WAL");
        let other = WalPosition { salts: [1, 2], ..start };
        assert!(matches!(read_frames(&mut file, format, other, count), Err(WalError::Broken { frame: 1 })));
        assert!(matches!(read_frames(&mut file, format, start, count + 1), Err(WalError::Unreadable(_))));

        let mut bytes = std::fs::read(folder.path().join("a.db-wal")).expect("reads");
        drop((writer, file));
        bytes[HEADER_BYTES + FRAME_HEADER_BYTES + 17] ^= 4;
        let path = folder.path().join("flipped");
        std::fs::write(&path, bytes).expect("writes");
        let mut file = File::open(path).expect("opens");
        assert!(matches!(read_frames(&mut file, format, start, count), Err(WalError::Broken { frame: 1 })));
    }
}
