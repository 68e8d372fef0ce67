//! The part of a workbook that matches a profile, with named columns.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::profile::{Field, FileKind, Profile};
use crate::sheets::{Cell, MergedCells, Row, SheetError, Workbook, repair_mojibake, values};
use crate::text::{fold_word, one_line};

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
    /// names of other channels whose profile matches too, where the shop taught one of the two
    pub rivals: Vec<String>,
}

impl Table {
    /// The column of a header; `A|B` means A, or B if there is no A.
    pub fn column(&self, header: &str) -> Option<usize> {
        self.columns.column(header)
    }

    /// All columns of a header, which may be repeated; `A|B` means those of A, or of B if there is no A.
    pub fn all_columns(&self, header: &str) -> &[usize] {
        self.columns.all(header)
    }

    /// The columns of a field, in the order of the profile.
    pub fn columns(&self, field: Field) -> Vec<usize> {
        let headers = self.profile.columns.get(&field).map(Vec::as_slice).unwrap_or_default();
        headers.iter().flat_map(|header| self.all_columns(header)).copied().collect()
    }

    /// The headers that the profile reads and that the table has more than once, with their number.
    pub fn repeated_headers(&self) -> Vec<(String, usize)> {
        let profile = &self.profile;
        let keys = profile.key.iter().map(|header| header.strip_prefix('#').unwrap_or(header));
        let fields = profile.columns.values().chain(&profile.address).flatten().map(String::as_str);
        let mut repeated: Vec<(String, usize)> = Vec::new();
        for columns in keys.chain(fields).map(|header| self.all_columns(header)).filter(|columns| columns.len() > 1) {
            let header = columns.first().map(|column| self.header(*column)).unwrap_or_default();
            if !repeated.iter().any(|(known, _)| *known == header) {
                repeated.push((header, columns.len()));
            }
        }
        repeated
    }

    /// Whether the file tells which orders customers want to cancel: it has one of the headers that its profile names. An
    /// order profile that names none, as one written by hand may, counts all its claim columns.
    pub fn has_claims(&self) -> bool {
        let Profile { claim_headers, kind, .. } = &*self.profile;
        if claim_headers.is_empty() && *kind == FileKind::Orders {
            return !self.columns(Field::Claim).is_empty();
        }
        claim_headers.iter().any(|header| self.column(header).is_some())
    }

    /// The header of a column, on one line.
    pub fn header(&self, column: usize) -> String {
        self.headers.get(column).map(|header| one_line(header)).unwrap_or_default()
    }

    /// Calls `visit` with each row below the header; a helper row directly below it is blank. A merged cell counts for each
    /// row that it covers, except a quantity or an amount, which is that of all rows together.
    ///
    /// # Errors
    /// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
    pub fn rows(
        &self,
        workbook: &mut Workbook,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), SheetError> {
        let mut is_first = true;
        let sums = [self.columns(Field::Quantity), self.columns(Field::Price)].concat();
        let is_repeated = |column| !sums.contains(&column);
        let mut merged = MergedCells::new(workbook.merged_areas(self.sheet), self.header_row, is_repeated);
        workbook.rows(self.sheet, &mut |row| {
            if row.number <= self.header_row {
                return ControlFlow::Continue(());
            }
            if !row.is_blank() && std::mem::take(&mut is_first) && self.is_helper(row) {
                return visit(&Row { cells: Vec::new(), ..row.clone() });
            }
            let filled = merged.fill(row);
            let row = filled.as_ref().unwrap_or(row);
            if self.has_mojibake { visit(&repaired(row)) } else { visit(row) }
        })
    }

    fn is_helper(&self, row: &Row<'_>) -> bool {
        let words = &self.profile.helper_words;
        !words.is_empty() && row.cells.iter().any(|cell| words.contains(&fold_word(&values::line(cell))))
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
pub(super) struct HeaderIndex(HashMap<String, Vec<usize>>);

impl HeaderIndex {
    /// Indexes the headers of a row.
    pub(super) fn new(headers: &[String]) -> Self {
        let mut columns: HashMap<String, Vec<usize>> = HashMap::new();
        for (column, header) in headers.iter().enumerate() {
            let header = fold_word(header);
            if !header.is_empty() {
                columns.entry(header).or_default().push(column);
            }
        }
        Self(columns)
    }

    /// The column of a header; `A|B` means A, or B if there is no A.
    pub(super) fn column(&self, alternatives: &str) -> Option<usize> {
        self.all(alternatives).first().copied()
    }

    fn all(&self, alternatives: &str) -> &[usize] {
        let found = alternatives.split('|').find_map(|header| self.0.get(&fold_word(header)));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn contains(&self, alternatives: &str) -> bool {
        self.column(alternatives).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_without_white_space() {
        assert_eq!(fold_word("수취인 연락처1\n"), "수취인연락처1");
    }
}
