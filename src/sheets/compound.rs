//! Compound files ([MS-CFB]): the container of .xls and of encrypted .xlsx.
//!
//! Parsed leniently: some tools write allocation tables with entries beyond the end of the file, which
//! stricter parsers reject. Chains are bounded by the file size, so that a cyclic chain ends.

/// Sector numbers from here on are special; a chain ends at them.
const FIRST_SPECIAL_SECTOR: u32 = 0xFFFF_FFFA;
const HEADER_BYTES: usize = 512;
const ENTRY_BYTES: usize = 128;
const MINI_SECTOR_BYTES: usize = 64;
const STREAM: u8 = 2;
const ROOT: u8 = 5;

/// A directory entry.
struct DirectoryEntry {
    name: String,
    kind: u8,
    start: u32,
    size: usize,
}

/// A compound file that borrows its bytes.
pub(super) struct Compound<'a> {
    bytes: &'a [u8],
    sector: usize,
    fat: Vec<u32>,
    mini_fat: Vec<u32>,
    /// shorter streams are stored in the mini stream
    mini_limit: usize,
    entries: Vec<DirectoryEntry>,
}

impl<'a> Compound<'a> {
    /// Parses header, allocation tables and directory; none if they are invalid.
    pub(super) fn open(bytes: &'a [u8]) -> Option<Self> {
        let sector = match u16_at(bytes, 30)? {
            9 => 512,
            12 => 4096,
            _ => return None,
        };
        let mini_limit = u32_at(bytes, 56)? as usize;
        let mut file = Self { bytes, sector, fat: Vec::new(), mini_fat: Vec::new(), mini_limit, entries: Vec::new() };
        for number in file.table_sectors()? {
            file.fat.extend(u32s(file.sector_bytes(number)));
        }
        file.mini_fat = u32s(&file.chain(u32_at(bytes, 60)?, usize::MAX)).collect();
        let directory = file.chain(u32_at(bytes, 48)?, usize::MAX);
        file.entries = directory.chunks_exact(ENTRY_BYTES).filter_map(DirectoryEntry::read).collect();
        file.entries.iter().any(|entry| entry.kind == ROOT).then_some(file)
    }

    /// Whether a stream exists.
    pub(super) fn has(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// The bytes of a stream; fewer than declared if the file is truncated.
    pub(super) fn stream(&self, name: &str) -> Option<Vec<u8>> {
        let entry = self.entry(name)?;
        if entry.size >= self.mini_limit {
            return Some(self.chain(entry.start, entry.size));
        }
        let root = self.entries.iter().find(|entry| entry.kind == ROOT)?;
        let mini = self.chain(root.start, root.size);
        let piece = |number: u32| {
            let start = (number as usize).saturating_mul(MINI_SECTOR_BYTES);
            mini.get(start..mini.len().min(start.saturating_add(MINI_SECTOR_BYTES))).unwrap_or_default()
        };
        Some(follow(entry.start, &self.mini_fat, entry.size.min(self.bytes.len()), piece))
    }

    fn entry(&self, name: &str) -> Option<&DirectoryEntry> {
        self.entries.iter().find(|entry| entry.kind == STREAM && entry.name.eq_ignore_ascii_case(name))
    }

    /// Sector numbers of the allocation table: 109 in the header, more in a separate chain.
    fn table_sectors(&self) -> Option<Vec<u32>> {
        let most = self.bytes.len() / self.sector + 1;
        let mut sectors: Vec<u32> = u32s(self.bytes.get(76..HEADER_BYTES)?).collect();
        let mut next = u32_at(self.bytes, 68)?;
        for _ in 0..most {
            if next >= FIRST_SPECIAL_SECTOR {
                break;
            }
            let mut numbers: Vec<u32> = u32s(self.sector_bytes(next)).collect();
            next = numbers.pop().unwrap_or(u32::MAX);
            sectors.extend(numbers);
        }
        sectors.retain(|&number| number < FIRST_SPECIAL_SECTOR);
        sectors.truncate(most);
        Some(sectors)
    }

    fn sector_bytes(&self, number: u32) -> &'a [u8] {
        let start = (number as usize).saturating_add(1).saturating_mul(self.sector);
        let end = start.saturating_add(self.sector).min(self.bytes.len());
        self.bytes.get(start..end).unwrap_or_default()
    }

    fn chain(&self, start: u32, size: usize) -> Vec<u8> {
        follow(start, &self.fat, size.min(self.bytes.len()), |number| self.sector_bytes(number))
    }
}

impl DirectoryEntry {
    fn read(bytes: &[u8]) -> Option<Self> {
        let length = usize::from(u16_at(bytes, 64)?).saturating_sub(2).min(62);
        let units = bytes.get(..length)?.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        Some(Self {
            name: char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect(),
            kind: *bytes.get(66)?,
            start: u32_at(bytes, 116)?,
            size: u32_at(bytes, 120)? as usize,
        })
    }
}

/// Concatenates the sectors of a chain, up to `size` bytes. An empty sector ends the chain.
fn follow<'s>(start: u32, table: &[u32], size: usize, sector: impl Fn(u32) -> &'s [u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut next = start;
    while next < FIRST_SPECIAL_SECTOR && bytes.len() < size {
        let piece = sector(next);
        if piece.is_empty() {
            break;
        }
        bytes.extend_from_slice(piece);
        next = table.get(next as usize).copied().unwrap_or(u32::MAX);
    }
    bytes.truncate(size);
    bytes
}

/// Little-endian numbers of four bytes.
fn u32s(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes))
}
