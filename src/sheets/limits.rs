//! Resource limits of a file.

use super::error::SheetError;

/// Excel's maximum text length in UTF-16 units; counted here in characters.
pub(super) const MAX_TEXT_CHARS: usize = 32_767;

/// Bytes of a line of text with separators; an order has some kilobytes.
pub(super) const MAX_LINE_BYTES: usize = 1 << 20;

/// Rows of a sheet that are searched for a header.
pub(super) const HEADER_SEARCH_ROWS: u32 = 12;

/// Resource limits of a file.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// bytes of the file
    pub bytes: usize,
    /// bytes of an .xls, which is held in memory
    pub xls_bytes: usize,
    /// non-empty rows of a sheet
    pub rows: u32,
    /// columns; cells beyond are ignored
    pub columns: usize,
    /// cells of a sheet
    pub cells: u64,
}

impl Default for Limits {
    /// A month of a large shop: 50,000 rows of 300 columns in 32 MiB.
    fn default() -> Self {
        Self { bytes: 32 << 20, xls_bytes: 20 << 20, rows: 50_000, columns: 300, cells: 6_000_000 }
    }
}

/// Counts rows and cells of a sheet against the limits.
pub(super) struct LimitCounter {
    pub(super) limits: Limits,
    rows: u32,
    cells: u64,
}

impl LimitCounter {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, rows: 0, cells: 0 }
    }

    pub(super) fn max_columns(&self) -> usize {
        self.limits.columns
    }

    /// Counts a cell, empty or not.
    pub(super) fn cell(&mut self) -> Result<(), SheetError> {
        self.cells += 1;
        if self.cells > self.limits.cells { Err(SheetError::TooManyCells) } else { Ok(()) }
    }

    /// Counts a row with `cells` cells. The rows down to the header are allowed on top of the limit.
    pub(super) fn row(&mut self, cells: usize) -> Result<(), SheetError> {
        self.rows += 1;
        self.cells += cells as u64;
        if self.cells > self.limits.cells {
            return Err(SheetError::TooManyCells);
        }
        if self.rows > self.limits.rows.saturating_add(HEADER_SEARCH_ROWS) {
            return Err(SheetError::TooManyRows { limit: self.limits.rows });
        }
        Ok(())
    }
}

/// Truncates `text` to [`MAX_TEXT_CHARS`].
pub(super) fn truncate(text: &str) -> &str {
    if text.len() <= MAX_TEXT_CHARS {
        return text;
    }
    text.char_indices().nth(MAX_TEXT_CHARS).map_or(text, |(end, _)| &text[..end])
}
