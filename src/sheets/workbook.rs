//! An opened file: its sheets and their rows, independent of the format.

use std::ops::ControlFlow;
use std::sync::Arc;

use calamine::Xlsx;

use super::cell::Row;
use super::container::{self, Container};
use super::error::SheetError;
use super::limits::{HEADER_SEARCH_ROWS, LimitCounter, Limits};
use super::xls::Xls;
use super::xlsx_package::{self, InflateBudget, Package};
use super::{csv, values, xlsx};

/// The first rows of a sheet, as text: one of them may be the header.
pub struct SheetPreview {
    /// index of the sheet
    pub sheet: usize,
    /// row numbers and cells
    pub rows: Vec<(u32, Vec<String>)>,
}

enum Content {
    Xlsx { xlsx: Box<Xlsx<Package>>, budget: InflateBudget },
    Xls(Box<Xls>),
    Csv(String),
}

/// An opened file.
pub struct Workbook {
    content: Content,
    sheets: Vec<String>,
    date1904: bool,
    limits: Limits,
}

/// Opens a file of any supported format. Decryption blocks for 0.1 s or more.
///
/// # Errors
/// The file is no spreadsheet, is damaged or too large, or needs a (different) password.
pub fn open(bytes: impl Into<Arc<Vec<u8>>>, password: Option<&str>, limits: Limits) -> Result<Workbook, SheetError> {
    match container::recognise(bytes.into(), password, limits.bytes)? {
        Container::Zip(bytes) => {
            let opened = xlsx_package::open(bytes)?;
            Ok(Workbook {
                content: Content::Xlsx { xlsx: Box::new(opened.xlsx), budget: opened.budget },
                sheets: opened.sheets,
                date1904: opened.date1904,
                limits,
            })
        }
        Container::Biff(stream) => {
            if stream.len() > limits.xls_bytes {
                return Err(SheetError::TooLarge { limit_mib: (limits.xls_bytes >> 20) as u64 });
            }
            let xls = Xls::open(stream)?;
            Ok(Workbook {
                sheets: xls.sheet_names(),
                date1904: xls.date1904(),
                content: Content::Xls(Box::new(xls)),
                limits,
            })
        }
        Container::Csv(text) => {
            Ok(Workbook { content: Content::Csv(text), sheets: vec![String::from("CSV")], date1904: false, limits })
        }
    }
}

impl Workbook {
    /// Names of the sheets, in order.
    pub fn sheets(&self) -> &[String] {
        &self.sheets
    }

    /// Whether it is text with separators.
    pub fn is_csv(&self) -> bool {
        matches!(self.content, Content::Csv(_))
    }

    /// Calls `visit` with each non-empty row of a sheet, in file order.
    ///
    /// # Errors
    /// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
    pub fn rows(&mut self, sheet: usize, visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>) -> Result<(), SheetError> {
        let mut counter = LimitCounter::new(self.limits);
        match &mut self.content {
            Content::Xlsx { xlsx, budget } => xlsx::rows(xlsx, budget, sheet, self.date1904, &mut counter, visit),
            Content::Xls(xls) => xls.rows(sheet, &mut counter, visit),
            Content::Csv(text) => csv::rows(text, &mut counter, visit),
        }
    }

    /// The first rows of every sheet, and the first error: a damaged sheet does not matter when another one
    /// has the header.
    pub fn previews(&mut self) -> (Vec<SheetPreview>, Option<SheetError>) {
        let mut failure = None;
        let mut previews = Vec::new();
        for sheet in 0..self.sheets.len() {
            let mut rows = Vec::new();
            let read = self.rows(sheet, &mut |row| {
                rows.push((row.number, row.cells.iter().map(|cell| values::text(cell).into_owned()).collect()));
                if rows.len() >= HEADER_SEARCH_ROWS as usize {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            failure = failure.or(read.err());
            previews.push(SheetPreview { sheet, rows });
        }
        (previews, failure)
    }
}
