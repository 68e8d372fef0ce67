//! Cells and rows, independent of the file format.

use std::borrow::Cow;

use chrono::{Duration, NaiveDate, NaiveDateTime};

use super::number_format::NumberFormat;
use crate::text::is_invisible;

/// What a spreadsheet writes for an error into a file of text.
const ERROR_WORDS: [&str; 9] =
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"];

/// A cell's value. Dates are Korean local time, rounded to the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell<'a> {
    /// no value
    #[default]
    Empty,
    /// text, not trimmed
    Text(Cow<'a, str>),
    /// a number that is shown as it is
    Number(f64),
    /// a number that is shown in a format; a serial date counts from 1900
    Formatted(f64, &'a NumberFormat),
    /// a date that is stored as one
    DateTime(NaiveDateTime),
    /// TRUE, FALSE
    Bool(bool),
    /// `#N/A` and other errors, and what cannot be read, as it is in the file; treated as empty
    Error(Cow<'a, str>),
}

/// A row with at least one cell.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// row number in Excel, from 1
    pub number: u32,
    /// cells from column A on; may be shorter than the header
    pub cells: Vec<Cell<'a>>,
    /// unformatted serial dates count from 1904
    pub date1904: bool,
    /// the row is hidden, by hand or by a filter
    pub is_hidden: bool,
    /// the file ends within the row: a cell may lack its end, and others are missing
    pub is_cut: bool,
}

/// A merged area. Only its first cell has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergedArea {
    /// first and last row number in Excel, from 1
    pub rows: (u32, u32),
    /// first and last column, from 0
    pub columns: (usize, usize),
}

impl<'a> Row<'a> {
    /// The cell of a column, from 0.
    pub fn cell(&self, column: usize) -> &Cell<'a> {
        self.cells.get(column).unwrap_or(&Cell::Empty)
    }

    /// Whether all cells are blank.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }

    /// Sets the cell of a column, extending the row as needed.
    pub fn set_cell(&mut self, column: usize, value: Cell<'a>) {
        if value == Cell::Empty {
            return;
        }
        if column >= self.cells.len() {
            self.cells.resize(column + 1, Cell::Empty);
        }
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = value;
        }
    }
}

impl<'a> Cell<'a> {
    /// The cell of a text. Excel's guard, which keeps the zeros of a number (`="0101"`), is taken off.
    pub(super) fn of_text(text: impl Into<Cow<'a, str>>) -> Self {
        let text = text.into();
        let inside = text.trim().strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
        match inside {
            Some(inside) => Cell::Text(inside.replace("\"\"", "\"").into()),
            None => Cell::Text(text),
        }
    }

    /// The cell of a text in a file whose cells have no types: also empty cells and errors are texts there.
    pub(super) fn of_untyped(text: impl Into<Cow<'a, str>>) -> Self {
        match Self::of_text(text) {
            Cell::Text(text) if text.is_empty() => Cell::Empty,
            Cell::Text(text) if is_error_word(&text) => Cell::Error(text),
            cell => cell,
        }
    }
}

/// Whether a text is what a spreadsheet shows for an error, or for a number that its column is too narrow for.
pub(super) fn is_error_word(text: &str) -> bool {
    let text = text.trim();
    let is_too_wide = || text.len() > 1 && text.bytes().all(|byte| byte == b'#');
    text.starts_with('#') && (is_too_wide() || ERROR_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

impl Cell<'_> {
    /// Whether the cell is empty, white space, invisible or an error.
    pub fn is_blank(&self) -> bool {
        match self {
            Cell::Empty | Cell::Error(_) => true,
            Cell::Text(text) => text.chars().all(|letter| letter.is_whitespace() || is_invisible(letter)),
            _ => false,
        }
    }

    /// Whether it is a number whose format the file does not have: its leading zeros may be lost.
    pub fn lacks_format(&self) -> bool {
        matches!(self, Cell::Formatted(_, format) if format.is_unknown())
    }

    /// Converts an Excel serial date, rounded to the second; none outside the calendar.
    pub fn date_of_serial(serial: f64, date1904: bool) -> Option<NaiveDateTime> {
        const DAY_SECONDS: f64 = 86_400.0;
        if !(0.0..3_000_000.0).contains(&serial) {
            return None;
        }
        let zero = if date1904 { NaiveDate::from_ymd_opt(1904, 1, 1) } else { NaiveDate::from_ymd_opt(1899, 12, 30) }?;
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        let seconds = (serial * DAY_SECONDS).round() as i64;
        zero.and_hms_opt(0, 0, 0)?.checked_add_signed(Duration::seconds(seconds))
    }

    /// Parses a date of ISO 8601, as it is written: a cell of a spreadsheet has no time zone, whatever letter
    /// its writer adds.
    pub(super) fn date_of_iso(text: &str) -> Option<NaiveDateTime> {
        let text = text.trim();
        let local = text.strip_suffix(['Z', 'z']).or_else(|| text.strip_suffix("+09:00")).unwrap_or(text);
        if let Ok(date) = NaiveDate::parse_from_str(local, "%Y-%m-%d") {
            return date.and_hms_opt(0, 0, 0);
        }
        let formats = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
        formats.iter().find_map(|format| NaiveDateTime::parse_from_str(local, format).ok())
    }

    /// The serial date of a moment, from 1900.
    pub(super) fn serial_of_date(moment: NaiveDateTime) -> f64 {
        const DAY_MILLISECONDS: f64 = 86_400_000.0;
        let zero = NaiveDate::from_ymd_opt(1899, 12, 30).map(NaiveDateTime::from).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of some centuries are exact")]
        let milliseconds = (moment - zero).num_milliseconds() as f64;
        milliseconds / DAY_MILLISECONDS
    }
}
