//! Validation of tracking lists: order number and tracking number.

use super::{CheckedRow, OrderKey, RowReader, VisitRow, for_each_row, ignored, is_total};
use crate::channels::{Field, Table};
use crate::sheets::{Cell, Row, SheetError, Workbook, values};
use crate::storage::text_limits;

/// A row of a tracking list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingRow {
    /// order number
    pub order_number: String,
    /// digits, or an EMS number
    pub tracking_number: String,
    /// courier of the row or of the file, if any
    pub courier: Option<String>,
}

/// Validates the rows of a tracking list.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn tracking(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, TrackingRow>,
) -> Result<(), SheetError> {
    let key = OrderKey::new(table);
    let number = table.columns(Field::TrackingNumber);
    let courier = table.columns(Field::Courier);
    for_each_row(workbook, table, visit, |row| check(table, row, &key, &number, &courier))
}

fn check(table: &Table, row: &Row<'_>, key: &OrderKey, number: &[usize], courier: &[usize]) -> CheckedRow<TrackingRow> {
    let mut cells = RowReader::new(table, row);
    let no_number = cells.cell(number).is_blank();
    if key.is_blank(row) && (no_number || is_total(row)) {
        return ignored(row.number);
    }
    let order_number = key.parse(&mut cells);
    let tracking_number = if no_number {
        cells.problem(
            number.first().copied().unwrap_or_default(),
            match cells.cell(number) {
                cell @ Cell::Error(_) => super::blank_message(cell),
                _ => "송장번호가 비어 있어요",
            },
        );
        String::new()
    } else {
        cells.parse(number, values::tracking_number)
    };
    let named = cells.line(courier, text_limits::COURIER);
    let courier = if named.is_empty() { table.profile.courier.clone() } else { Some(named) };
    cells.finish(order_number.clone(), TrackingRow { order_number, tracking_number, courier })
}
