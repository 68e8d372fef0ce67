//! Couriers' result lists: order number and tracking number.

use super::{Cells, Checked, Key, Visit, columns, each, ignored, is_total};
use crate::channels::{Field, Table};
use crate::sheets::{Row, SheetError, Workbook, values};
use crate::storage::text_limits;

/// A parcel's number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingRow {
    /// of the order
    pub order_number: String,
    /// digits, or an EMS number
    pub tracking_number: String,
    /// of the row, or of the file; nothing when neither tells
    pub courier: Option<String>,
}

/// Checks the rows of a tracking table.
///
/// # Errors
/// The file broke off; rows may have been visited before.
pub fn tracking(workbook: &mut Workbook, table: &Table, visit: &mut Visit<'_, TrackingRow>) -> Result<(), SheetError> {
    let key = Key::of(table);
    let number = columns(table, Field::TrackingNumber);
    let courier = columns(table, Field::Courier);
    each(workbook, table, visit, |row| check(table, row, &key, &number, &courier))
}

fn check(table: &Table, row: &Row<'_>, key: &Key, number: &[usize], courier: &[usize]) -> Checked<TrackingRow> {
    let mut cells = Cells::new(table, row);
    let no_number = cells.cell(number).is_blank();
    if key.is_blank(row) && (no_number || is_total(row)) {
        return ignored(row.number);
    }
    let order_number = key.read(&mut cells);
    let tracking_number = if no_number {
        cells.problem(number.first().copied().unwrap_or_default(), "송장번호가 비어 있어요");
        String::new()
    } else {
        cells.read(number, values::tracking_number)
    };
    let named = cells.line(courier, text_limits::COURIER);
    let courier = if named.is_empty() { table.profile.courier.clone() } else { Some(named) };
    cells.finish(order_number.clone(), TrackingRow { order_number, tracking_number, courier })
}
