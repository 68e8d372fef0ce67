//! Values of merged cells, for the rows that a merged area covers.

use super::cell::{Cell, MergedArea, Row};
use super::number_format::NumberFormat;

/// Merged cells that may cover one row: one for each column, unless a file overlaps them.
const MAX_OPEN_AREAS: usize = 1_000;

/// The merged areas of a sheet over several rows, while its rows are read in order.
///
/// A file holds the value of a merged area in its first row alone; what a person sees belongs to each of them.
pub struct MergedCells {
    /// areas that have not begun, the next one last
    coming: Vec<MergedArea>,
    /// areas that have begun, with their value
    open: Vec<(MergedArea, MergedValue)>,
}

/// A value that outlives its row. A number keeps its format: it makes a tracking number of 12 digits, and a date.
enum MergedValue {
    Plain(Cell<'static>),
    Formatted(f64, NumberFormat),
}

impl MergedCells {
    /// The areas that begin below the header in one of the columns that `is_repeated` names.
    pub fn new(areas: Vec<MergedArea>, header_row: u32, is_repeated: impl Fn(usize) -> bool) -> Self {
        let is_needed =
            |area: &MergedArea| area.rows.0 < area.rows.1 && area.rows.0 > header_row && is_repeated(area.columns.0);
        let mut coming: Vec<MergedArea> = areas.into_iter().filter(is_needed).collect();
        coming.sort_by_key(|area| std::cmp::Reverse(area.rows.0));
        Self { coming, open: Vec::new() }
    }

    /// The row with the values of the merged cells above it; none if it needs none.
    pub fn fill<'r>(&'r mut self, row: &Row<'r>) -> Option<Row<'r>> {
        self.open.retain(|(area, _)| area.rows.1 >= row.number);
        while let Some(area) = self.coming.pop_if(|area| area.rows.0 <= row.number) {
            if area.rows.0 == row.number && self.open.len() < MAX_OPEN_AREAS {
                self.open.push((area, MergedValue::of(row.cell(area.columns.0))));
            }
        }
        let mut filled: Option<Row<'r>> = None;
        for (area, value) in self.open.iter().filter(|(area, _)| area.rows.0 < row.number) {
            if row.cell(area.columns.0).is_blank() {
                filled.get_or_insert_with(|| row.clone()).set_cell(area.columns.0, value.cell());
            }
        }
        filled
    }
}

impl MergedValue {
    fn of(cell: &Cell<'_>) -> Self {
        let text = |text: &str| text.to_owned().into();
        Self::Plain(match cell {
            Cell::Formatted(number, format) => return Self::Formatted(*number, (*format).clone()),
            Cell::Empty => Cell::Empty,
            Cell::Text(word) => Cell::Text(text(word)),
            Cell::Number(number) => Cell::Number(*number),
            Cell::DateTime(moment) => Cell::DateTime(*moment),
            Cell::Bool(truth) => Cell::Bool(*truth),
            Cell::Error(word) => Cell::Error(text(word)),
        })
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Plain(cell) => cell.clone(),
            Self::Formatted(number, format) => Cell::Formatted(*number, format),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use super::*;
    use crate::sheets::tests::package;
    use crate::sheets::{Limits, open, values};

    const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId='176' formatCode='000000000000'/></numFmts>\
        <cellXfs><xf numFmtId='0'/><xf numFmtId='176'/><xf numFmtId='14'/></cellXfs></styleSheet>";

    /// The number, the date and the plain number of each row of a sheet whose cells are merged over rows 2 to 4.
    fn merged_rows(book: &str) -> Vec<(String, String, String)> {
        let cells = "<row r='1'><c><v>1</v></c></row><row r='2'><c r='A2' s='1'><v>12345678901</v></c><c r='B2' s='2'>\
            <v>44623</v></c><c r='C2'><v>7</v></c></row><row r='3'><c r='D3'><v>1</v></c></row>\
            <row r='4'><c r='C4'><v>8</v></c></row>";
        let merged = "<mergeCell ref='A2:A4'/><mergeCell ref='B2:B4'/><mergeCell ref='C2:C3'/>";
        let sheet = format!("<worksheet><sheetData>{cells}</sheetData><mergeCells>{merged}</mergeCells></worksheet>");
        let parts = [("xl/workbook.xml", book), ("xl/worksheets/sheet1.xml", &sheet), ("xl/styles.xml", STYLES)];
        let mut workbook = open(package(&parts), None, Limits::default()).expect("opens");
        let mut areas = MergedCells::new(workbook.merged_areas(0), 1, |_| true);
        let mut rows = Vec::new();
        let mut visit = |row: &Row<'_>| {
            if row.number > 1 {
                let filled = areas.fill(row);
                let row = filled.as_ref().unwrap_or(row);
                let date = values::date(row.cell(1), row.date1904).map(|date| date.to_string()).unwrap_or_default();
                let number = values::tracking_number(row.cell(0)).unwrap_or_default();
                rows.push((number, date, values::line(row.cell(2))));
            }
            ControlFlow::Continue(())
        };
        workbook.rows(0, &mut visit).expect("read");
        rows
    }

    #[test]
    fn merged_number_keeps_its_zeros_and_its_date_in_each_row() {
        for (property, day) in [("", "2022-03-03"), ("<workbookPr date1904='1'/>", "2026-03-04")] {
            let book = format!(
                "<workbook xmlns:r='r'>{property}<sheets><sheet name='주문' sheetId='1' r:id='s'/></sheets></workbook>"
            );
            let row = |plain: &str| ("012345678901".to_owned(), day.to_owned(), plain.to_owned());
            assert_eq!(merged_rows(&book), [row("7"), row("7"), row("8")]);
        }
    }
}
