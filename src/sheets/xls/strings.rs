//! Shared strings of an .xls, across the boundaries of continuation records ([MS-XLS] 2.5.293).

use super::decode_utf16;
use crate::sheets::error::SheetError;

/// Shared strings; a sheet of an .xls has at most 65,536 rows.
const MAX_STRINGS: usize = 1_000_000;

/// Parses the shared strings: an SST record and its continuations.
pub(super) fn read(segments: Vec<&[u8]>) -> Result<Vec<String>, SheetError> {
    let mut reader = Segments { pieces: segments, index: 0, at: 0 };
    let mut strings = Vec::new();
    while !reader.is_at_end() {
        if strings.len() >= MAX_STRINGS {
            return Err(SheetError::TooManyCells);
        }
        let Some(text) = reader.string() else { break };
        strings.push(text);
    }
    Ok(strings)
}

/// Reader of the shared strings, across the boundaries of continuation records.
struct Segments<'a> {
    pieces: Vec<&'a [u8]>,
    index: usize,
    at: usize,
}

impl<'a> Segments<'a> {
    fn left(&self) -> &'a [u8] {
        self.pieces.get(self.index).and_then(|segment| segment.get(self.at..)).unwrap_or_default()
    }

    fn is_at_end(&self) -> bool {
        self.left().is_empty() && self.index + 1 >= self.pieces.len()
    }

    /// Moves to the next segment if this one is exhausted; returns whether it did.
    fn step(&mut self) -> bool {
        let step = self.left().is_empty() && self.index + 1 < self.pieces.len();
        if step {
            self.index += 1;
            self.at = 0;
        }
        step
    }

    fn byte(&mut self) -> Option<u8> {
        while self.step() {}
        let byte = *self.left().first()?;
        self.at += 1;
        Some(byte)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.byte()?, self.byte()?]))
    }

    fn skip(&mut self, mut count: usize) {
        while count > 0 {
            let here = self.left().len().min(count);
            self.at += here;
            count -= here;
            if count > 0 && !self.step() {
                return;
            }
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut length = usize::from(self.u16()?);
        let flags = self.byte()?;
        let runs = if flags & 8 == 0 { 0 } else { usize::from(self.u16()?) };
        let extra = if flags & 4 == 0 { 0 } else { usize::from(self.u16()?) | usize::from(self.u16()?) << 16 };
        let mut is_wide = flags & 1 != 0;
        let mut text = String::new();
        while length > 0 {
            if self.step() {
                is_wide = self.byte()? & 1 != 0;
            }
            let left = self.left();
            let count = length.min(if is_wide { left.len() / 2 } else { left.len() });
            if count == 0 {
                return None;
            }
            let size = if is_wide { count * 2 } else { count };
            let piece = left.get(..size)?;
            if is_wide {
                text.push_str(&decode_utf16(piece));
            } else {
                text.extend(piece.iter().map(|&byte| char::from(byte)));
            }
            self.at += size;
            length -= count;
        }
        self.skip(runs * 4 + extra);
        Some(text)
    }
}
