//! A safe view of an .xlsx for calamine.
//!
//! A malicious .xlsx can make calamine allocate without bound: the zip directory may declare wrong sizes,
//! `uniqueCount` may request terabytes, and a style sheet of a few kilobytes may copy a font name a million
//! times. calamine therefore reads a [`Package`]: a virtual zip that is generated while it is read. Small
//! parts are generated from the parsed original (sheet names become numbers, styles keep only the date
//! flag). SharedBytes strings and sheets are inflated on the fly, bounded by the size that the directory
//! declares, by fixed maximums, and by the [`InflateBudget`] between two cells. Each sheet is inflated once
//! and never held in memory as a whole.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::error::SheetError;
use super::limits::catch_parser_panic;
use super::xlsx_parts::{self, SheetPart};

/// Inflated bytes of all sheets together.
const MAX_SHEET_BYTES: u64 = 300 << 20;
/// Inflated bytes of the shared strings, which calamine holds in memory.
const MAX_STRINGS_BYTES: u64 = 64 << 20;
/// SharedBytes strings: 50,000 rows of 40 distinct texts.
const MAX_STRING_COUNT: usize = 2_000_000;
/// Inflated bytes of each regenerated part: relations, workbook, styles.
const MAX_SMALL_PART_BYTES: u64 = 16 << 20;
/// Entries of the zip; a workbook with pictures has some hundreds.
const MAX_ENTRIES: usize = 10_000;
/// Sheets beyond are ignored.
const MAX_SHEETS: usize = 100;
/// Inflated bytes between two cells: a text of 32,767 characters takes at most 0.4 MB, a long run of empty
/// rows some MB.
const CELL_BUDGET_BYTES: u64 = 32 << 20;
/// Padding at the end of the package. A zip reader seeks backwards from the end in steps of 1 KiB; without
/// padding it would read, and so inflate, the end of the last sheet first.
const END_PADDING_BYTES: usize = 4 << 10;
/// Inflated bytes from which a part is inflated on a separate thread.
const MIN_THREADED_BYTES: u64 = 256 << 10;

/// Inflated bytes that may still be read before the next cell.
#[derive(Clone, Default)]
pub(super) struct InflateBudget(Arc<AtomicU64>);

impl InflateBudget {
    /// Restores the full budget; called for each cell.
    pub(super) fn reset(&self) {
        self.0.store(CELL_BUDGET_BYTES, Ordering::Relaxed);
    }

    /// Removes the limit while the shared strings are read, whose size is checked in advance.
    fn disable(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    /// Consumes `bytes` of the budget.
    fn consume(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        let left = left.checked_sub(bytes as u64).ok_or_else(|| io::Error::other("too much between two cells"))?;
        self.0.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// An .xlsx opened by calamine.
pub(super) struct OpenedXlsx {
    /// calamine's reader of the package
    pub(super) xlsx: calamine::Xlsx<Package>,
    /// sheet names of the file, in order; calamine sees sheet `i` under the name `i`
    pub(super) sheets: Vec<String>,
    /// serial dates count from 1904
    pub(super) date1904: bool,
    /// to be reset at each cell
    pub(super) budget: InflateBudget,
}

/// Opens an .xlsx.
///
/// # Errors
/// The file is damaged, no workbook, or exceeds the limits.
pub(super) fn open(bytes: Arc<Vec<u8>>) -> Result<OpenedXlsx, SheetError> {
    if memchr::memmem::find_iter(&bytes, b"PK\x01\x02").take(MAX_ENTRIES + 1).count() > MAX_ENTRIES {
        return Err(SheetError::TooManyCells);
    }
    let mut source = Source::open(bytes)?;
    let book = xlsx_parts::read(&mut |path| source.small_part(path))?;
    let sheets: Vec<&SheetPart> = book.sheets.iter().take(MAX_SHEETS).collect();

    let mut package = PackageBuilder::default();
    package.add_bytes("_rels/.rels", xlsx_parts::ROOT_RELATIONS.into());
    package.add_bytes("xl/workbook.xml", xlsx_parts::workbook(sheets.len(), book.date1904));
    package.add_bytes("xl/_rels/workbook.xml.rels", xlsx_parts::relations(sheets.len()));
    package.add_bytes("xl/styles.xml", xlsx_parts::styles(&book.dates));
    if let Some(part) = book.strings.as_deref().and_then(|path| source.find(path)) {
        check_strings(&source.bytes, &part)?;
        package.add_part("xl/sharedStrings.xml", part);
    }
    let mut total = 0u64;
    for (index, sheet) in sheets.iter().enumerate() {
        let part = source.find(&sheet.path).ok_or(SheetError::Damaged)?;
        total = total.saturating_add(part.size);
        if total > MAX_SHEET_BYTES {
            return Err(SheetError::TooLarge { limit_mib: MAX_SHEET_BYTES >> 20 });
        }
        package.add_part(&format!("xl/worksheets/sheet{index}.xml"), part);
    }
    package.add_bytes("end", " ".repeat(END_PADDING_BYTES));
    let names = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    let budget = InflateBudget::default();
    budget.disable();
    let package = package.build(source.bytes, budget.clone());
    let xlsx = catch_parser_panic(|| calamine::Reader::new(package))?;
    Ok(OpenedXlsx { xlsx, sheets: names, date1904: book.date1904, budget })
}

/// Bytes of the original file, shared without copying.
#[derive(Clone)]
struct SharedBytes(Arc<Vec<u8>>);

impl AsRef<[u8]> for SharedBytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The original zip.
struct Source {
    archive: ZipArchive<Cursor<SharedBytes>>,
    bytes: SharedBytes,
}

/// A part of the original: its byte range, and size and checksum as declared in the directory.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    stored: bool,
    size: u64,
    crc: u32,
}

impl Source {
    fn open(bytes: Arc<Vec<u8>>) -> Result<Self, SheetError> {
        let bytes = SharedBytes(bytes);
        let archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(|_| SheetError::Damaged)?;
        Ok(Self { archive, bytes })
    }

    /// Finds a part by its path, ignoring case and the direction of slashes.
    fn find(&mut self, path: &str) -> Option<Part> {
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

    /// Inflates a small part into memory.
    fn small_part(&mut self, path: &str) -> Result<Option<Vec<u8>>, SheetError> {
        let Some(part) = self.find(path) else { return Ok(None) };
        if part.size > MAX_SMALL_PART_BYTES {
            return Err(SheetError::TooManyCells);
        }
        let mut plain = Vec::new();
        InflateReader::new(&self.bytes, &part)
            .take(part.size)
            .read_to_end(&mut plain)
            .map_err(|_| SheetError::Damaged)?;
        Ok(Some(plain))
    }
}

/// Checks the shared strings in one pass over the inflated bytes: calamine allocates for the declared
/// `uniqueCount` unchecked, and holds all strings in memory.
fn check_strings(bytes: &SharedBytes, part: &Part) -> Result<(), SheetError> {
    const NAME: &[u8] = b"uniqueCount";
    /// longest match that may span two windows: the name, its quotes and a number
    const OVERLAP_BYTES: usize = 64;
    if part.size > MAX_STRINGS_BYTES {
        return Err(SheetError::TooManyCells);
    }
    let mut reader = InflateReader::new(bytes, part).take(part.size);
    let mut window = vec![0u8; OVERLAP_BYTES + (64 << 10)];
    let (mut kept, mut items) = (0usize, 0usize);
    loop {
        let read = reader.read(&mut window[kept..]).map_err(|_| SheetError::Damaged)?;
        let filled = kept + read;
        let view = &window[..filled];
        if memchr::memmem::find_iter(view, NAME).any(|at| declared_count(&view[at + NAME.len()..]) > MAX_STRING_COUNT) {
            return Err(SheetError::TooManyCells);
        }
        items += memchr::memmem::find_iter(&view[kept.saturating_sub(2)..], b"si").count();
        if items > MAX_STRING_COUNT * 2 {
            return Err(SheetError::TooManyCells);
        }
        if read == 0 {
            return Ok(());
        }
        let keep = filled.min(OVERLAP_BYTES);
        window.copy_within(filled - keep..filled, 0);
        kept = keep;
    }
}

fn declared_count(after_name: &[u8]) -> usize {
    let digits = after_name.iter().skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: usize, byte| number.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
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

/// A section of the virtual zip.
enum Section {
    Bytes(Vec<u8>),
    Part(Part),
}

/// Lays out a zip of uncompressed parts (APPNOTE 4.3: local headers, directory, end).
#[derive(Default)]
struct PackageBuilder {
    sections: Vec<(u64, Section)>,
    length: u64,
    directory: Vec<u8>,
    entries: u16,
}

impl PackageBuilder {
    fn add_bytes(&mut self, name: &str, content: String) {
        let crc = {
            let mut crc = flate2::Crc::new();
            crc.update(content.as_bytes());
            crc.sum()
        };
        self.header(name, content.len() as u64, crc);
        self.push(Section::Bytes(content.into_bytes()));
    }

    fn add_part(&mut self, name: &str, part: Part) {
        self.header(name, part.size, part.crc);
        self.push(Section::Part(part));
    }

    fn push(&mut self, section: Section) {
        let length = match &section {
            Section::Bytes(bytes) => bytes.len() as u64,
            Section::Part(part) => part.size,
        };
        self.sections.push((self.length, section));
        self.length += length;
    }

    fn header(&mut self, name: &str, size: u64, crc: u32) {
        let offset = u32::try_from(self.length).unwrap_or(u32::MAX);
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        let name_length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        let mut common = Vec::new();
        for field in [20u16, 0, 0, 0, 33] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc, size, size] {
            common.extend(field.to_le_bytes());
        }
        common.extend(name_length.to_le_bytes());
        common.extend(0u16.to_le_bytes());

        let local = [b"PK\x03\x04".as_slice(), &common, name.as_bytes()].concat();
        self.directory.extend(b"PK\x01\x02\x14\x00");
        self.directory.extend(&common);
        self.directory.extend([0; 10]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.entries += 1;
        self.push(Section::Bytes(local));
    }

    fn build(mut self, bytes: SharedBytes, budget: InflateBudget) -> Package {
        let start = u32::try_from(self.length).unwrap_or(u32::MAX);
        let length = u32::try_from(self.directory.len()).unwrap_or(u32::MAX);
        let mut end = std::mem::take(&mut self.directory);
        end.extend(b"PK\x05\x06\0\0\0\0");
        end.extend(self.entries.to_le_bytes());
        end.extend(self.entries.to_le_bytes());
        end.extend(length.to_le_bytes());
        end.extend(start.to_le_bytes());
        end.extend([0, 0]);
        self.push(Section::Bytes(end));
        Package { sections: self.sections, length: self.length, at: 0, current: None, bytes, budget }
    }
}

/// A virtual zip that is generated while it is read.
pub(super) struct Package {
    sections: Vec<(u64, Section)>,
    length: u64,
    at: u64,
    /// the part being inflated: its section index, offset and reader
    current: Option<(usize, u64, InflateReader)>,
    bytes: SharedBytes,
    budget: InflateBudget,
}

impl Package {
    fn inflate(&mut self, index: usize, part: Part, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = match self.current.take() {
            Some(state) if state.0 == index && state.1 <= offset => state,
            _ => (index, 0, InflateReader::threaded(&self.bytes, &part)),
        };
        while state.1 < offset {
            let skipped = io::copy(&mut (&mut state.2).take(offset - state.1), &mut io::sink())?;
            if skipped == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            state.1 += skipped;
        }
        let room = usize::try_from(part.size - offset).unwrap_or(usize::MAX).min(into.len());
        let read = state.2.read(&mut into[..room])?;
        if read == 0 && room > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.budget.consume(read)?;
        state.1 += read as u64;
        self.current = Some(state);
        Ok(read)
    }
}

impl Read for Package {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.length || into.is_empty() {
            return Ok(0);
        }
        let mut index = self.sections.partition_point(|(start, _)| *start <= self.at).saturating_sub(1);
        while let Some((start, section)) = self.sections.get(index) {
            let offset = self.at - start;
            let read = match section {
                Section::Bytes(bytes) => {
                    bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default().read(into)?
                }
                &Section::Part(part) if offset < part.size => self.inflate(index, part, offset, into)?,
                Section::Part(_) => 0,
            };
            if read > 0 {
                self.at += read as u64;
                return Ok(read);
            }
            index += 1;
        }
        Ok(0)
    }
}

impl Seek for Package {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
