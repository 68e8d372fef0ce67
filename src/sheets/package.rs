//! An .xlsx made harmless before calamine sees it.
//!
//! A zip directory may lie about sizes, `uniqueCount` may ask for terabytes, and a style sheet of a
//! few kilobytes may copy a font name a million times. So calamine is given a [`Package`]: a zip that
//! exists only while it is read. Its small parts are written anew from what was understood of the
//! original (sheet names become numbers, styles keep nothing but "is a date"); shared strings and
//! sheets are inflated on the fly, never more than the directory declares (and that is bounded) and never more
//! than the [`Allowance`] between two cells. Each sheet is inflated once, and nothing is kept.

use std::io::{self, BufRead, Cursor, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::parts::{self, SheetPart};
use super::refusal::Refusal;
use super::workbook::guarded;

/// Inflated bytes of all sheets.
const MAX_SHEET_BYTES: u64 = 300 << 20;
/// Inflated bytes of the shared strings, all of which calamine keeps.
const MAX_STRINGS: u64 = 64 << 20;
/// Shared strings: 50,000 rows of 40 texts that are all different.
const MAX_STRING_COUNT: usize = 2_000_000;
/// Inflated bytes of the parts that are rewritten: relations, workbook, styles.
const MAX_SMALL_PART: u64 = 16 << 20;
/// Parts of a workbook with pictures are some hundreds.
const MAX_ENTRIES: usize = 10_000;
/// Sheets that are looked at.
const MAX_SHEETS: usize = 100;
/// Inflated bytes between two cells: a text of 32,767 letters takes at most 0.4 MB, a long run of
/// empty rows some MB.
const ALLOWANCE: u64 = 32 << 20;
/// A zip is read from its end, in steps of a kilobyte: what lies there must not have to be inflated to
/// its own end first.
const READ_FROM_THE_END: usize = 4 << 10;
/// Inflated bytes from which a part is inflated on a thread of its own.
const WORTH_A_THREAD: u64 = 256 << 10;

/// How many bytes may still be handed out before the next cell.
#[derive(Clone, Default)]
pub(super) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    /// A cell was read: the next one may take as much again.
    pub(super) fn renew(&self) {
        self.0.store(ALLOWANCE, Ordering::Relaxed);
    }

    /// No limit, while the shared strings (counted before) are read.
    fn lift(&self) {
        self.0.store(u64::MAX, Ordering::Relaxed);
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        let left = left.checked_sub(bytes as u64).ok_or_else(|| io::Error::other("too much between two cells"))?;
        self.0.store(left, Ordering::Relaxed);
        Ok(())
    }
}

/// An opened workbook.
pub(super) struct Opened {
    /// calamine over the harmless package
    pub(super) xlsx: calamine::Xlsx<Package>,
    /// names in the file, in order; calamine knows sheet `i` as `i`
    pub(super) sheets: Vec<String>,
    /// days are counted from 1904
    pub(super) date1904: bool,
    /// to be renewed at each cell
    pub(super) allowance: Allowance,
}

/// Opens an .xlsx.
///
/// # Errors
/// Damaged, no workbook, or larger than any real one.
pub(super) fn open(bytes: Arc<Vec<u8>>) -> Result<Opened, Refusal> {
    if memchr::memmem::find_iter(&bytes, b"PK\x01\x02").take(MAX_ENTRIES + 1).count() > MAX_ENTRIES {
        return Err(Refusal::TooManyCells);
    }
    let mut source = Source::open(bytes)?;
    let book = parts::read(&mut |path| source.small_part(path))?;
    let sheets: Vec<&SheetPart> = book.sheets.iter().take(MAX_SHEETS).collect();

    let mut package = PackageBuilder::default();
    package.written("_rels/.rels", parts::ROOT_RELATIONS.into());
    package.written("xl/workbook.xml", parts::workbook(sheets.len(), book.date1904));
    package.written("xl/_rels/workbook.xml.rels", parts::relations(sheets.len()));
    package.written("xl/styles.xml", parts::styles(&book.dates));
    if let Some(part) = book.strings.as_deref().and_then(|path| source.find(path)) {
        check_strings(&source.bytes, &part)?;
        package.inflated("xl/sharedStrings.xml", part);
    }
    let mut total = 0u64;
    for (index, sheet) in sheets.iter().enumerate() {
        let part = source.find(&sheet.path).ok_or(Refusal::Damaged)?;
        total = total.saturating_add(part.size);
        if total > MAX_SHEET_BYTES {
            return Err(Refusal::TooLarge { limit_mib: MAX_SHEET_BYTES >> 20 });
        }
        package.inflated(&format!("xl/worksheets/sheet{index}.xml"), part);
    }
    package.written("end", " ".repeat(READ_FROM_THE_END));
    let names = sheets.iter().map(|sheet| sheet.name.clone()).collect();
    let allowance = Allowance::default();
    allowance.lift();
    let package = package.build(source.bytes, allowance.clone());
    let xlsx = guarded(|| calamine::Reader::new(package))?;
    Ok(Opened { xlsx, sheets: names, date1904: book.date1904, allowance })
}

/// The bytes of the original, shared and never copied.
#[derive(Clone)]
struct Shared(Arc<Vec<u8>>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The original zip.
struct Source {
    archive: ZipArchive<Cursor<Shared>>,
    bytes: Shared,
}

/// A part of the original: where it lies and what the directory says about it.
#[derive(Clone, Copy)]
struct Part {
    start: usize,
    end: usize,
    stored: bool,
    size: u64,
    crc: u32,
}

impl Source {
    fn open(bytes: Arc<Vec<u8>>) -> Result<Self, Refusal> {
        let bytes = Shared(bytes);
        let archive = ZipArchive::new(Cursor::new(bytes.clone())).map_err(|_| Refusal::Damaged)?;
        Ok(Self { archive, bytes })
    }

    /// Parts are found whatever the case of their letters and the lean of their slashes.
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

    fn small_part(&mut self, path: &str) -> Result<Option<Vec<u8>>, Refusal> {
        let Some(part) = self.find(path) else { return Ok(None) };
        if part.size > MAX_SMALL_PART {
            return Err(Refusal::TooManyCells);
        }
        let mut plain = Vec::new();
        Inflating::new(&self.bytes, &part).take(part.size).read_to_end(&mut plain).map_err(|_| Refusal::Damaged)?;
        Ok(Some(plain))
    }
}

/// calamine reserves room for `uniqueCount` strings unseen, and keeps every string: both are counted
/// before, in one pass over the inflated bytes.
fn check_strings(bytes: &Shared, part: &Part) -> Result<(), Refusal> {
    const NAME: &[u8] = b"uniqueCount";
    /// the longest thing looked for: the name, its quotes and a number
    const OVERLAP: usize = 64;
    if part.size > MAX_STRINGS {
        return Err(Refusal::TooManyCells);
    }
    let mut reader = Inflating::new(bytes, part).take(part.size);
    let mut window = vec![0u8; OVERLAP + (64 << 10)];
    let (mut kept, mut items) = (0usize, 0usize);
    loop {
        let read = reader.read(&mut window[kept..]).map_err(|_| Refusal::Damaged)?;
        let filled = kept + read;
        let view = &window[..filled];
        if memchr::memmem::find_iter(view, NAME).any(|at| declared_count(&view[at + NAME.len()..]) > MAX_STRING_COUNT) {
            return Err(Refusal::TooManyCells);
        }
        items += memchr::memmem::find_iter(&view[kept.saturating_sub(2)..], b"si").count();
        if items > MAX_STRING_COUNT * 2 {
            return Err(Refusal::TooManyCells);
        }
        if read == 0 {
            return Ok(());
        }
        let keep = filled.min(OVERLAP);
        window.copy_within(filled - keep..filled, 0);
        kept = keep;
    }
}

fn declared_count(after_name: &[u8]) -> usize {
    let digits = after_name.iter().skip_while(|byte| !byte.is_ascii_digit()).take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: usize, byte| number.saturating_mul(10).saturating_add(usize::from(byte - b'0')))
}

/// A stretch of the original, read from wherever it is.
struct Stretch {
    bytes: Shared,
    at: usize,
    end: usize,
}

impl Read for Stretch {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(into)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Stretch {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.bytes.0.get(self.at..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.at = (self.at + amount).min(self.end);
    }
}

/// A part as it is inflated.
enum Inflating {
    Stored(Stretch),
    Deflated(Box<DeflateDecoder<Stretch>>),
    Ahead(Ahead),
}

impl Inflating {
    fn new(bytes: &Shared, part: &Part) -> Self {
        let stretch = Stretch { bytes: bytes.clone(), at: part.start, end: part.end };
        if part.stored { Self::Stored(stretch) } else { Self::Deflated(Box::new(DeflateDecoder::new(stretch))) }
    }

    /// Inflates a part that is worth a thread of its own on one.
    fn ahead(bytes: &Shared, part: &Part) -> Self {
        let inflating = Self::new(bytes, part);
        if part.stored || part.size < WORTH_A_THREAD {
            return inflating;
        }
        // Where there is no thread to be had, it is inflated here.
        Ahead::of(inflating.take(part.size)).map_or_else(|| Self::new(bytes, part), Self::Ahead)
    }
}

impl Read for Inflating {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(stretch) => stretch.read(into),
            Self::Deflated(decoder) => decoder.read(into),
            Self::Ahead(ahead) => ahead.read(into),
        }
    }
}

/// What another thread reads some pieces ahead. The thread ends when nobody takes them any more.
struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Ahead {
    const PIECE: u64 = 64 << 10;
    const PIECES: usize = 4;

    fn of(mut reader: impl Read + Send + 'static) -> Option<Self> {
        let (hand_over, pieces) = sync_channel(Self::PIECES);
        let read = move || loop {
            let mut piece = Vec::new();
            let read = (&mut reader).take(Self::PIECE).read_to_end(&mut piece);
            let is_last = !matches!(read, Ok(1..));
            if hand_over.send(read.map(|_| piece)).is_err() || is_last {
                return;
            }
        };
        std::thread::Builder::new().name("inflate".to_owned()).spawn(read).ok()?;
        Some(Self { pieces, piece: Vec::new(), at: 0 })
    }
}

impl Read for Ahead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at == self.piece.len() {
            let Ok(piece) = self.pieces.recv() else { return Ok(0) };
            (self.piece, self.at) = (piece?, 0);
        }
        let read = self.piece.get(self.at..).unwrap_or_default().read(into)?;
        self.at += read;
        Ok(read)
    }
}

/// A piece of the zip that does not exist.
enum Piece {
    Written(Vec<u8>),
    Inflated(Part),
}

/// Puts the pieces of a zip of stored parts in order (APPNOTE 4.3: local headers, directory, end).
#[derive(Default)]
struct PackageBuilder {
    pieces: Vec<(u64, Piece)>,
    length: u64,
    directory: Vec<u8>,
    entries: u16,
}

impl PackageBuilder {
    fn written(&mut self, name: &str, content: String) {
        let crc = {
            let mut crc = flate2::Crc::new();
            crc.update(content.as_bytes());
            crc.sum()
        };
        self.header(name, content.len() as u64, crc);
        self.push(Piece::Written(content.into_bytes()));
    }

    fn inflated(&mut self, name: &str, part: Part) {
        self.header(name, part.size, part.crc);
        self.push(Piece::Inflated(part));
    }

    fn push(&mut self, piece: Piece) {
        let length = match &piece {
            Piece::Written(bytes) => bytes.len() as u64,
            Piece::Inflated(part) => part.size,
        };
        self.pieces.push((self.length, piece));
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
        self.push(Piece::Written(local));
    }

    fn build(mut self, bytes: Shared, allowance: Allowance) -> Package {
        let start = u32::try_from(self.length).unwrap_or(u32::MAX);
        let length = u32::try_from(self.directory.len()).unwrap_or(u32::MAX);
        let mut end = std::mem::take(&mut self.directory);
        end.extend(b"PK\x05\x06\0\0\0\0");
        end.extend(self.entries.to_le_bytes());
        end.extend(self.entries.to_le_bytes());
        end.extend(length.to_le_bytes());
        end.extend(start.to_le_bytes());
        end.extend([0, 0]);
        self.push(Piece::Written(end));
        Package { pieces: self.pieces, length: self.length, at: 0, current: None, bytes, allowance }
    }
}

/// The zip that exists only while it is read.
pub(super) struct Package {
    pieces: Vec<(u64, Piece)>,
    length: u64,
    at: u64,
    /// the part being inflated: its place, how far it is, and its inflater
    current: Option<(usize, u64, Inflating)>,
    bytes: Shared,
    allowance: Allowance,
}

impl Package {
    fn inflate(&mut self, index: usize, part: Part, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut state = match self.current.take() {
            Some(state) if state.0 == index && state.1 <= offset => state,
            _ => (index, 0, Inflating::ahead(&self.bytes, &part)),
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
        self.allowance.take(read)?;
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
        let mut index = self.pieces.partition_point(|(start, _)| *start <= self.at).saturating_sub(1);
        while let Some((start, piece)) = self.pieces.get(index) {
            let offset = self.at - start;
            let read = match piece {
                Piece::Written(bytes) => {
                    bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..).unwrap_or_default().read(into)?
                }
                &Piece::Inflated(part) if offset < part.size => self.inflate(index, part, offset, into)?,
                Piece::Inflated(_) => 0,
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
