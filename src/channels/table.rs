//! The part of a workbook that matches a profile, with named columns.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::profile::{Field, Profile};
use crate::sheets::{Cell, Row, SheetError, Workbook, repair_mojibake, values};
use crate::text::{is_invisible, nfkc, one_line};

/// The part of a workbook that matches a profile.
#[derive(Clone, Debug)]
pub struct Table {
    /// the matching profile
    pub profile: Arc<Profile>,
    /// index of the sheet
    pub sheet: usize,
    /// row number of the header in Excel; 0 for a file without header
    pub header_row: u32,
    /// headers as in the file, from column A on
    pub headers: Vec<String>,
    /// column by normalised header
    pub(super) columns: HeaderIndex,
    /// headers and cells are CP949 decoded as Latin-1
    pub(super) has_mojibake: bool,
}

impl Table {
    /// The column of a header; `A|B` means A, or B if there is no A.
    pub fn column(&self, header: &str) -> Option<usize> {
        self.columns.column(header)
    }

    /// The columns of a field, in the order of the profile.
    pub fn columns(&self, field: Field) -> Vec<usize> {
        let headers = self.profile.columns.get(&field).map(Vec::as_slice).unwrap_or_default();
        headers.iter().filter_map(|header| self.column(header)).collect()
    }

    /// The header of a column, on one line.
    pub fn header(&self, column: usize) -> String {
        self.headers.get(column).map(|header| one_line(header)).unwrap_or_default()
    }

    /// Calls `visit` with each row below the header, except a helper row directly below it.
    ///
    /// # Errors
    /// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
    pub fn rows(
        &self,
        workbook: &mut Workbook,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), SheetError> {
        let mut is_first = true;
        workbook.rows(self.sheet, &mut |row| {
            if row.number <= self.header_row {
                return ControlFlow::Continue(());
            }
            if std::mem::take(&mut is_first) && self.is_helper(row) {
                return ControlFlow::Continue(());
            }
            if self.has_mojibake { visit(&repaired(row)) } else { visit(row) }
        })
    }

    fn is_helper(&self, row: &Row<'_>) -> bool {
        let words = &self.profile.helper_words;
        !words.is_empty() && row.cells.iter().any(|cell| words.contains(&values::line(cell)))
    }
}

fn repaired<'a>(row: &Row<'a>) -> Row<'a> {
    let repair = |cell: &Cell<'a>| match cell {
        Cell::Text(text) => Cell::Text(repair_mojibake(text).map_or_else(|| text.clone(), Into::into)),
        cell => cell.clone(),
    };
    Row { cells: row.cells.iter().map(repair).collect(), ..*row }
}

/// Columns by their normalised headers.
#[derive(Clone, Debug, Default)]
pub(super) struct HeaderIndex(HashMap<String, usize>);

impl HeaderIndex {
    /// Indexes the headers of a row; of equal headers the first counts.
    pub(super) fn new(headers: &[String]) -> Self {
        let mut columns = HashMap::new();
        for (column, header) in headers.iter().enumerate() {
            let header = normalise_header(header);
            if !header.is_empty() {
                columns.entry(header).or_insert(column);
            }
        }
        Self(columns)
    }

    /// The column of a header; `A|B` means A, or B if there is no A.
    pub(super) fn column(&self, alternatives: &str) -> Option<usize> {
        alternatives.split('|').find_map(|header| self.0.get(&normalise_header(header)).copied())
    }

    pub(super) fn contains(&self, alternatives: &str) -> bool {
        self.column(alternatives).is_some()
    }
}

/// A header in the form in which headers are compared: NFKC, without white space.
pub(super) fn normalise_header(text: &str) -> String {
    nfkc(text).chars().filter(|letter| !letter.is_whitespace() && !is_invisible(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_without_white_space() {
        assert_eq!(normalise_header("수취인 연락처1\n"), "수취인연락처1");
    }
}
