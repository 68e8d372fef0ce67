//! An opened file: its sheets and their rows, independent of the format.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::cell::{Cell, MergedArea, Row};
use super::container::{self, Container};
use super::encoding::FileText;
use super::error::SheetError;
use super::limits::{HEADER_SEARCH_ROWS, LimitCounter, Limits};
use super::spreadsheet_xml::SpreadsheetXml;
use super::xls::Xls;
use super::xlsx::Xlsx;
use super::{csv, html, values};

/// The first rows of a sheet, as text: one of them may be the header.
#[derive(Clone, Debug)]
pub struct SheetPreview {
    /// index of the sheet
    pub sheet: usize,
    /// numbers and cells of the rows that are not blank
    pub rows: Vec<(u32, Vec<String>)>,
    /// the sheet cannot be read, or not beyond these rows
    pub is_broken: bool,
}

/// A sheet of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// name on its tab
    pub name: String,
    /// the tab is hidden
    pub is_hidden: bool,
}

enum Content {
    Xlsx(Box<Xlsx>),
    Xls(Box<Xls>),
    Csv(FileText),
    Html(FileText),
    SpreadsheetXml(Box<SpreadsheetXml>, FileText),
}

/// An opened file.
pub struct Workbook {
    content: Content,
    sheets: Vec<Sheet>,
    limits: Limits,
    /// sheets that ended within their rows
    cut_off: BTreeSet<usize>,
    /// sheets with numbers whose format the file does not have
    unformatted: BTreeSet<usize>,
}

/// Opens a file of any supported format. Decryption blocks for 0.1 s or more.
///
/// # Errors
/// The file is no spreadsheet, is damaged or too large, or needs a (different) password.
pub fn open(bytes: impl Into<Arc<Vec<u8>>>, password: Option<&str>, limits: Limits) -> Result<Workbook, SheetError> {
    let sheet = |name: &str, is_hidden: bool| Sheet { name: name.to_owned(), is_hidden };
    let (content, sheets) = match container::recognise(bytes.into(), password, limits.bytes)? {
        Container::Zip(bytes) => {
            let xlsx = Xlsx::open(bytes)?;
            let sheets = xlsx.sheets().iter().map(|part| sheet(&part.name, part.is_hidden)).collect();
            (Content::Xlsx(Box::new(xlsx)), sheets)
        }
        Container::Biff(stream, passwords) => {
            if stream.len() > limits.xls_bytes {
                return Err(SheetError::TooLarge { limit_mib: (limits.xls_bytes >> 20) as u64 });
            }
            let xls = Xls::open(stream, &passwords).map_err(|error| match error {
                SheetError::WrongPassword if password.is_none() => SheetError::PasswordRequired,
                error => error,
            })?;
            let sheets = xls.sheets().map(|(name, is_hidden)| sheet(name, is_hidden)).collect();
            (Content::Xls(Box::new(xls)), sheets)
        }
        Container::Csv(text) => (Content::Csv(text), vec![sheet("CSV", false)]),
        Container::Html(text) => (Content::Html(text), vec![sheet("HTML", false)]),
        Container::SpreadsheetXml(text) => {
            let file = SpreadsheetXml::open(text.as_str())?;
            let sheets = file.sheets.iter().map(|(name, is_hidden)| sheet(name, *is_hidden)).collect();
            (Content::SpreadsheetXml(Box::new(file), text), sheets)
        }
    };
    Ok(Workbook { content, sheets, limits, cut_off: BTreeSet::new(), unformatted: BTreeSet::new() })
}

impl Workbook {
    /// The sheets, in order.
    pub fn sheets(&self) -> &[Sheet] {
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
        let mut lacks_formats = false;
        let visit = &mut |row: &Row<'_>| {
            lacks_formats |= row.cells.iter().any(Cell::lacks_format);
            visit(row)
        };
        let is_cut_off = match &mut self.content {
            Content::Xlsx(xlsx) => xlsx.rows(sheet, &mut counter, visit)?,
            Content::SpreadsheetXml(file, text) => file.rows(text.as_str(), sheet, &mut counter, visit)?,
            Content::Xls(xls) => xls.rows(sheet, &mut counter, visit)?,
            Content::Csv(text) => csv::rows(text.as_str(), &mut counter, visit)?,
            Content::Html(text) => html::rows(text.as_str(), &mut counter, visit)?,
        };
        if is_cut_off {
            self.cut_off.insert(sheet);
        }
        if lacks_formats {
            self.unformatted.insert(sheet);
        }
        Ok(())
    }

    /// Whether a sheet whose rows have been read ended within them: the program that made the file was interrupted, and rows
    /// may be missing.
    pub fn is_cut_off(&self, sheet: usize) -> bool {
        self.cut_off.contains(&sheet)
    }

    /// Whether a sheet whose rows have been read has numbers whose format the file does not have: leading zeros may be lost.
    pub fn lacks_formats(&self, sheet: usize) -> bool {
        self.unformatted.contains(&sheet)
    }

    /// The merged areas of a sheet. Reads the sheet once more.
    pub fn merged_areas(&mut self, sheet: usize) -> Vec<MergedArea> {
        match &mut self.content {
            Content::Xlsx(xlsx) => xlsx.merged_areas(sheet),
            Content::Xls(xls) => xls.merged_areas(sheet),
            Content::Csv(_) => Vec::new(),
            Content::Html(text) => html::merged_areas(text.as_str(), &mut LimitCounter::new(self.limits)),
            Content::SpreadsheetXml(file, text) => {
                file.merged_areas(text.as_str(), sheet, &mut LimitCounter::new(self.limits))
            }
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
                if row.is_blank() {
                    return ControlFlow::Continue(());
                }
                rows.push((row.number, row.cells.iter().map(|cell| values::text(cell).into_owned()).collect()));
                if rows.len() >= HEADER_SEARCH_ROWS as usize {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            let is_broken = read.is_err();
            failure = failure.or(read.err());
            previews.push(SheetPreview { sheet, rows, is_broken });
        }
        (previews, failure)
    }
}
