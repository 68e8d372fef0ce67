//! Batches of rows on their way from the parsing thread to the visiting one, in few allocations.

use chrono::NaiveDateTime;

use crate::sheets::cell::Cell;
use crate::sheets::limits::{MAX_TEXT_CHARS, truncate};
use crate::sheets::markup::decode_into;
use crate::sheets::number_format::NumberFormat;

/// Bytes from which a batch is sent.
const BATCH_BYTES: usize = 128 << 10;
/// Cells of a row that are kept; a column may be repeated by mistake.
const MAX_ROW_CELLS: usize = 20_000;
/// Days between the epochs of the two date systems.
const DAYS_1904: f64 = 1462.0;

/// Type of a cell (18.18.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellType {
    Number,
    Shared,
    Text,
    Bool,
    Date,
    Error,
    /// no type of the standard
    Unknown,
}

impl CellType {
    pub(super) fn parse(word: &[u8]) -> Self {
        match word {
            b"s" => Self::Shared,
            b"inlineStr" | b"str" => Self::Text,
            b"n" | b"" => Self::Number,
            b"b" => Self::Bool,
            b"d" => Self::Date,
            b"e" => Self::Error,
            _ => Self::Unknown,
        }
    }
}

/// A value of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'b> {
    Text(&'b str),
    Shared(u32),
    /// a number and the index of its format
    Number(f64, Option<u16>),
    Moment(NaiveDateTime),
    Bool(bool),
    Error(&'b str),
}

/// A value whose text is a range of the batch's text.
#[derive(Clone, Copy, Debug)]
enum ValueSlot {
    Text(u32, u32),
    Shared(u32),
    Number(f64, Option<u16>),
    Moment(NaiveDateTime),
    Bool(bool),
    Error(u32, u32),
}

#[derive(Clone, Copy, Debug)]
struct StoredRow {
    number: u32,
    is_hidden: bool,
    is_cut: bool,
    /// index of its first cell
    first: usize,
}

/// A row of a batch.
pub(super) struct BatchRow<C> {
    pub(super) number: u32,
    pub(super) is_hidden: bool,
    pub(super) is_cut: bool,
    /// columns and values
    pub(super) cells: C,
}

/// Rows, their cells, and the text of these.
#[derive(Debug, Default)]
pub(super) struct Batch {
    text: String,
    rows: Vec<StoredRow>,
    cells: Vec<(u16, ValueSlot)>,
    /// where the text of the open cell starts
    start: usize,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
        self.cells.clear();
        self.start = 0;
    }

    pub(super) fn is_full(&self) -> bool {
        self.text.len() + self.cells.len() * size_of::<(u16, ValueSlot)>() >= BATCH_BYTES
    }

    /// The rows, in the order of the file.
    pub(super) fn rows(&self) -> impl Iterator<Item = BatchRow<impl Iterator<Item = (usize, Value<'_>)>>> {
        let ends = self.rows.iter().skip(1).map(|row| row.first).chain([self.cells.len()]);
        self.rows.iter().zip(ends).map(|(row, end)| BatchRow {
            number: row.number,
            is_hidden: row.is_hidden,
            is_cut: row.is_cut,
            cells: self.cells[row.first..end].iter().map(|(column, value)| (usize::from(*column), self.value(*value))),
        })
    }

    fn value(&self, stored: ValueSlot) -> Value<'_> {
        let text = |start: u32, end: u32| &self.text[start as usize..end as usize];
        match stored {
            ValueSlot::Text(start, end) => Value::Text(text(start, end)),
            ValueSlot::Shared(index) => Value::Shared(index),
            ValueSlot::Number(number, format) => Value::Number(number, format),
            ValueSlot::Moment(moment) => Value::Moment(moment),
            ValueSlot::Bool(truth) => Value::Bool(truth),
            ValueSlot::Error(start, end) => Value::Error(text(start, end)),
        }
    }

    pub(super) fn push_row(&mut self, number: u32, is_hidden: bool) {
        self.rows.push(StoredRow { number, is_hidden, is_cut: false, first: self.cells.len() });
    }

    /// Notes that the sheet ends within the last row.
    pub(super) fn cut_row(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.is_cut = true;
        }
    }

    /// Sets the number of the last row.
    pub(super) fn renumber_row(&mut self, number: u32) {
        match self.rows.last_mut() {
            Some(row) => row.number = number,
            // A cell outside of any row.
            None => self.push_row(number, false),
        }
    }

    /// Appends encoded text of the open cell.
    pub(super) fn push_text(&mut self, raw: &[u8]) {
        if self.text.len() - self.start < MAX_TEXT_CHARS * 4 {
            decode_into(raw, &mut self.text);
        }
    }

    /// Appends text of the open cell that has no entities.
    pub(super) fn push_literal(&mut self, raw: &[u8]) {
        if self.text.len() - self.start < MAX_TEXT_CHARS * 4 {
            self.text.push_str(&String::from_utf8_lossy(raw));
        }
    }

    /// Drops the text of the open cell.
    pub(super) fn drop_text(&mut self) {
        self.text.truncate(self.start);
    }

    /// Finishes the open cell, whose text has been appended.
    pub(super) fn push_cell<'f>(
        &mut self,
        column: usize,
        kind: CellType,
        index: Option<u16>,
        format_of: impl Fn(u16) -> Option<&'f NumberFormat>,
        date1904: bool,
    ) {
        let stored = self.stored(kind, index, index.and_then(&format_of), date1904);
        if !matches!(stored, Some(ValueSlot::Text(..) | ValueSlot::Error(..))) {
            self.drop_text();
        }
        self.start = self.text.len();
        let Some(stored) = stored else { return };
        let Some(row) = self.rows.last() else { return };
        if self.cells.len() - row.first < MAX_ROW_CELLS
            && let Ok(column) = u16::try_from(column)
        {
            self.cells.push((column, stored));
        }
    }

    fn stored(
        &mut self,
        kind: CellType,
        index: Option<u16>,
        format: Option<&NumberFormat>,
        date1904: bool,
    ) -> Option<ValueSlot> {
        let text = self.text.get(self.start..).unwrap_or_default();
        let trimmed = text.trim();
        let stored = match kind {
            CellType::Text => return self.stored_text(format),
            _ if trimmed.is_empty() => return None,
            CellType::Number => match trimmed.parse::<f64>() {
                Ok(number) if number.is_finite() => {
                    let shift = if date1904 && format.is_some_and(NumberFormat::is_date) { DAYS_1904 } else { 0.0 };
                    Some(ValueSlot::Number(number + shift, index))
                }
                _ => None,
            },
            CellType::Shared => trimmed.parse().ok().map(ValueSlot::Shared),
            CellType::Bool => match trimmed {
                "1" | "true" | "TRUE" => Some(ValueSlot::Bool(true)),
                "0" | "false" | "FALSE" => Some(ValueSlot::Bool(false)),
                _ => None,
            },
            CellType::Date => Cell::date_of_iso(trimmed).map(|moment| {
                if format.is_some_and(NumberFormat::is_date) {
                    ValueSlot::Number(Cell::serial_of_date(moment), index)
                } else {
                    ValueSlot::Moment(moment)
                }
            }),
            CellType::Error | CellType::Unknown => None,
        };
        stored.or_else(|| self.range().map(|(start, end)| ValueSlot::Error(start, end)))
    }

    fn stored_text(&mut self, format: Option<&NumberFormat>) -> Option<ValueSlot> {
        unescape(&mut self.text, self.start);
        let text = truncate(self.text.get(self.start..).unwrap_or_default());
        if let Some(shown) = format.filter(|format| format.changes_text()).and_then(|format| format.show_text(text)) {
            self.text.truncate(self.start);
            self.text.push_str(&shown);
        } else {
            self.text.truncate(self.start + text.len());
        }
        self.range().filter(|(start, end)| start < end).map(|(start, end)| ValueSlot::Text(start, end))
    }

    /// The text of the open cell as a range.
    fn range(&self) -> Option<(u32, u32)> {
        Some((u32::try_from(self.start).ok()?, u32::try_from(self.text.len()).ok()?))
    }
}

/// Replaces Excel's escapes (`_x000D_`, 22.9.2.19) in the text from `start` on.
pub(super) fn unescape(text: &mut String, start: usize) {
    let Some(escaped) = text.get(start..).filter(|text| text.contains("_x")) else { return };
    let mut plain = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some(at) = rest.find("_x") {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..6).filter(|_| rest.as_bytes().get(6) == Some(&b'_'));
        let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
        if let Some(letter) = letter {
            plain.push(letter);
            rest = &rest[7..];
        } else {
            plain.push_str("_x");
            rest = &rest[2..];
        }
    }
    plain.push_str(rest);
    text.truncate(start);
    text.push_str(&plain);
}
