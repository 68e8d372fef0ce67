//! The parts of an .xlsx: a zip whose directory is not believed.
//!
//! A part is inflated while it is read, never held in memory as a whole unless it is small, and never beyond
//! the size that the directory declares. At its end its checksum is compared, because a wrong byte might be a
//! digit of an order number.

use std::io::{self, BufRead, Cursor, Read};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::error::SheetError;

/// Inflated bytes of each small part: relations, workbook, styles.
const MAX_SMALL_PART_BYTES: u64 = 16 << 20;
/// Entries of the zip; a workbook with pictures has some hundreds.
const MAX_ENTRIES: usize = 10_000;
/// Inflated bytes from which a part is inflated on a separate thread.
const MIN_THREADED_BYTES: u64 = 256 << 10;

/// Bytes of the original file, shared without copying.
#[derive(Clone)]
struct SharedBytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The zip.
pub(super) struct Package {
    archive: ZipArchive<Cursor<SharedBytes>>,
    bytes: SharedBytes,
}

/// A part: its byte range, and size and checksum as declared in the directory.
#[derive(Clone, Copy)]
pub(super) struct Part {
    start: usize,
    end: usize,
    stored: bool,
    /// inflated bytes
    pub(super) size: u64,
    crc: u32,
}

impl Package {
    /// Reads the directory.
    ///
    /// # Errors
    /// The zip is damaged, or has too many parts.
    pub(super) fn open(bytes: Arc<Vec<u8>>) -> Result<Self, SheetError> {
        if memchr::memmem::find_iter(&bytes, b"PK\x01\x02").take(MAX_ENTRIES + 1).count() > MAX_ENTRIES {
            return Err(SheetError::TooManyCells);
        }
        let bytes = SharedBytes(bytes);
        let archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(|_| SheetError::Damaged)?;
        Ok(Self { archive, bytes })
    }

    /// Finds a part by its path, ignoring case and the direction of slashes.
    pub(super) fn find(&mut self, path: &str) -> Option<Part> {
        let same = |name: &str| name.replace('\\', "/").trim_start_matches('/').eq_ignore_ascii_case(path);
        let index = (0..self.archive.len())
            .find(|&index| matches!(self.archive.name_for_index(index), Some(Ok(name)) if same(&name)))?;
        let file = self.archive.by_index_raw(index).ok()?;
        let start = usize::try_from(file.data_start()?).ok()?;
        let end = start.checked_add(usize::try_from(file.compressed_size()).ok()?)?;
        if file.encrypted() || end > self.bytes.0.len() {
            return None;
        }
        let stored = match file.compression() {
            CompressionMethod::Stored => true,
            CompressionMethod::Deflated => false,
            _ => return None,
        };
        Some(Part { start, end, stored, size: file.size(), crc: file.crc32() })
    }

    /// Inflates a small part into memory; none if it is missing, damaged or too large.
    pub(super) fn small_part(&mut self, path: &str) -> Option<Vec<u8>> {
        let part = self.find(path).filter(|part| part.size <= MAX_SMALL_PART_BYTES)?;
        let mut plain = Vec::new();
        PartReader::new(InflateReader::new(&self.bytes, &part), &part).read_to_end(&mut plain).ok()?;
        Some(plain)
    }

    /// A reader of the inflated bytes of a part; a large part is inflated on a separate thread.
    pub(super) fn reader(&self, part: &Part) -> impl Read + Send + use<> {
        PartReader::new(InflateReader::threaded(&self.bytes, part), part)
    }
}

/// Bounds the bytes of a part by its declared size, and compares its checksum at the end.
struct PartReader {
    source: io::Take<InflateReader>,
    crc: flate2::Crc,
    expected: u32,
}

impl PartReader {
    fn new(source: InflateReader, part: &Part) -> Self {
        Self { source: source.take(part.size), crc: flate2::Crc::new(), expected: part.crc }
    }
}

impl Read for PartReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.crc.update(&into[..read]);
        if read == 0 && !into.is_empty() && self.crc.sum() != self.expected {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "checksum"));
        }
        Ok(read)
    }
}

/// A reader of a byte range of the original.
struct Window {
    bytes: SharedBytes,
    at: usize,
    end: usize,
}

impl Read for Window {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Window {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.bytes.0.get(self.at..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.end);
    }
}

/// A reader of the inflated bytes of a part.
enum InflateReader {
    Stored(Window),
    Deflated(Box<DeflateDecoder<Window>>),
    ReadAhead(ReadAhead),
}

impl InflateReader {
    fn new(bytes: &SharedBytes, part: &Part) -> Self {
        let window_reader = Window { bytes: bytes.clone(), at: part.start, end: part.end };
        if part.stored {
            Self::Stored(window_reader)
        } else {
            Self::Deflated(Box::new(DeflateDecoder::new(window_reader)))
        }
    }

    /// Inflates a large part on a separate thread.
    fn threaded(bytes: &SharedBytes, part: &Part) -> Self {
        let reader = Self::new(bytes, part);
        if part.stored || part.size < MIN_THREADED_BYTES {
            return reader;
        }
        // If no thread can be created, inflate on this one.
        ReadAhead::spawn(reader.take(part.size)).map_or_else(|| Self::new(bytes, part), Self::ReadAhead)
    }
}

impl Read for InflateReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(window_reader) => window_reader.read(into),
            Self::Deflated(decoder) => decoder.read(into),
            Self::ReadAhead(ahead) => ahead.read(into),
        }
    }
}

/// Reads chunks ahead on another thread, which ends when this reader is dropped.
struct ReadAhead {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    at: usize,
}

impl ReadAhead {
    const CHUNK_BYTES: u64 = 64 << 10;
    const MAX_CHUNKS: usize = 4;

    fn spawn(mut reader: impl Read + Send + 'static) -> Option<Self> {
        let (sender, chunks) = sync_channel(Self::MAX_CHUNKS);
        let read = move || loop {
            let mut chunk = Vec::new();
            let read = (&mut reader).take(Self::CHUNK_BYTES).read_to_end(&mut chunk);
            let is_end = !matches!(read, Ok(1..));
            if sender.send(read.map(|_| chunk)).is_err() || is_end {
                return;
            }
        };
        std::thread::Builder::new().name("inflate".to_owned()).spawn(read).ok()?;
        Some(Self { chunks, chunk: Vec::new(), at: 0 })
    }
}

impl Read for ReadAhead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.chunk.len() {
            let Ok(chunk) = self.chunks.recv() else { return Ok(0) };
            (self.chunk, self.at) = (chunk?, 0);
        }
        let read = self.chunk.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}
