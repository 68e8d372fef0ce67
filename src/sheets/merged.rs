//! Values of merged cells, for the rows that a merged area covers.

use super::cell::{Cell, MergedArea, Row};
use super::values;

/// Merged cells that may cover one row: one for each column, unless a file overlaps them.
const MAX_OPEN_AREAS: usize = 1_000;

/// The merged areas of a sheet over several rows, while its rows are read in order.
///
/// A file holds the value of a merged area in its first row alone; what a person sees belongs to each of them.
pub struct MergedCells {
    /// areas that have not begun, the next one last
    coming: Vec<MergedArea>,
    /// areas that have begun, with their value
    open: Vec<(MergedArea, Cell<'static>)>,
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
    pub fn fill<'c>(&mut self, row: &Row<'c>) -> Option<Row<'c>> {
        let mut filled: Option<Row<'c>> = None;
        self.open.retain(|(area, _)| area.rows.1 >= row.number);
        for (area, value) in &self.open {
            if row.cell(area.columns.0).is_blank() {
                filled.get_or_insert_with(|| row.clone()).set_cell(area.columns.0, value.clone());
            }
        }
        while let Some(area) = self.coming.pop_if(|area| area.rows.0 <= row.number) {
            if area.rows.0 == row.number && self.open.len() < MAX_OPEN_AREAS {
                self.open.push((area, row.cell(area.columns.0).to_owned()));
            }
        }
        filled
    }
}

impl Cell<'_> {
    /// A copy that does not borrow. A number loses its format, but no digit.
    fn to_owned(&self) -> Cell<'static> {
        match self {
            Cell::Text(text) => Cell::Text(text.as_ref().to_owned().into()),
            Cell::Number(number) | Cell::Formatted(number, _) => Cell::Number(*number),
            cell => Cell::Text(values::text(cell).into_owned().into()),
        }
    }
}
