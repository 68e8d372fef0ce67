//! Cells and rows, independent of the file format.

use std::borrow::Cow;

use chrono::{Duration, NaiveDate, NaiveDateTime};

/// A cell's value. Dates are Korean local time, rounded to the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell<'a> {
    /// no value
    #[default]
    Empty,
    /// text, not trimmed
    Text(Cow<'a, str>),
    /// a number
    Number(f64),
    /// a number with a date format
    DateTime(NaiveDateTime),
    /// TRUE, FALSE
    Bool(bool),
    /// `#N/A` and other errors; treated as empty
    Error,
}

/// A row with at least one cell.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// row number in Excel, from 1
    pub number: u32,
    /// cells from column A on; may be shorter than the header
    pub cells: Vec<Cell<'a>>,
    /// serial dates count from 1904
    pub date1904: bool,
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
    pub(super) fn set_cell(&mut self, column: usize, value: Cell<'a>) {
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

    /// A copy that does not borrow from the buffer it was read from.
    pub(super) fn into_owned(self) -> Row<'static> {
        let owned = |cell| match cell {
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
            Cell::Empty => Cell::Empty,
            Cell::Number(number) => Cell::Number(number),
            Cell::DateTime(moment) => Cell::DateTime(moment),
            Cell::Bool(truth) => Cell::Bool(truth),
            Cell::Error => Cell::Error,
        };
        Row { number: self.number, cells: self.cells.into_iter().map(owned).collect(), date1904: self.date1904 }
    }
}

impl Cell<'_> {
    /// Whether the cell is empty, white space or an error.
    pub fn is_blank(&self) -> bool {
        match self {
            Cell::Empty | Cell::Error => true,
            Cell::Text(text) => text.chars().all(char::is_whitespace),
            _ => false,
        }
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
}
