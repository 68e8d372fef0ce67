//! Shared strings: the texts that cells of an .xlsx name by number.

use std::io::{self, Read};

use crate::sheets::error::SheetError;
use crate::sheets::limits::truncate;
use crate::sheets::markup::{Scanner, Token, decode_into};

use super::batch::unescape;

/// Inflated bytes of the shared strings, which are held in memory.
const MAX_STRINGS_BYTES: u64 = 64 << 20;
/// 50,000 rows of 40 distinct texts.
const MAX_STRING_COUNT: usize = 2_000_000;

/// The shared strings, one behind the other. The number that the file declares is not believed.
#[derive(Debug, Default)]
pub(super) struct SharedStrings {
    text: String,
    ends: Vec<u32>,
}

impl SharedStrings {
    /// Reads the part; `size` is its inflated size.
    ///
    /// # Errors
    /// The part is damaged or too large.
    pub(super) fn read(source: impl Read, size: u64) -> Result<Self, SheetError> {
        if size > MAX_STRINGS_BYTES {
            return Err(SheetError::TooManyCells);
        }
        let mut strings = Self::default();
        let mut scanner = Scanner::new(source);
        let (mut is_in_text, mut is_phonetic, mut is_open) = (false, false, false);
        while let Some(token) = scanner.next().map_err(|_| SheetError::Damaged)? {
            match token {
                Token::Open { name: b"si", is_empty, .. } => {
                    if is_open {
                        strings.finish()?;
                    }
                    is_open = !is_empty;
                    if is_empty {
                        strings.finish()?;
                    }
                }
                Token::Close(b"si") if is_open => {
                    is_open = false;
                    strings.finish()?;
                }
                Token::Open { name: b"t", is_empty, .. } => is_in_text = !is_empty && !is_phonetic && is_open,
                Token::Close(b"t") => is_in_text = false,
                Token::Open { name: b"rPh", is_empty, .. } => is_phonetic = !is_empty,
                Token::Close(b"rPh") => is_phonetic = false,
                Token::Text(text) if is_in_text => decode_into(text, &mut strings.text),
                Token::Literal(text) if is_in_text => strings.text.push_str(&String::from_utf8_lossy(text)),
                _ => {}
            }
        }
        io::copy(&mut scanner.into_source(), &mut io::sink()).map_err(|_| SheetError::Damaged)?;
        Ok(strings)
    }

    /// The text of a number; none if there is no such string.
    pub(super) fn get(&self, index: u32) -> Option<&str> {
        let index = index as usize;
        let end = *self.ends.get(index)? as usize;
        let start = index.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |start| *start as usize);
        self.text.get(start..end).map(truncate)
    }

    fn finish(&mut self) -> Result<(), SheetError> {
        if self.ends.len() >= MAX_STRING_COUNT {
            return Err(SheetError::TooManyCells);
        }
        let start = self.ends.last().map_or(0, |end| *end as usize);
        unescape(&mut self.text, start);
        self.ends.push(u32::try_from(self.text.len()).map_err(|_| SheetError::TooManyCells)?);
        Ok(())
    }
}
