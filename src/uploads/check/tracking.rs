//! Validation of tracking lists: order number and tracking number.

use super::{CheckedRow, OrderKey, RowReader, VisitRow, ignored, is_total};
use crate::channels::{Field, Table, courier_name, find_courier};
use crate::orders::model::PARCEL_SEPARATOR;
use crate::sheets::{Cell, Row, SheetError, Workbook, values};
use crate::storage::text_limits;

/// A row of a tracking list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackingRow {
    /// order number
    pub order_number: String,
    /// digits, or an EMS number; several are separated by [`PARCEL_SEPARATOR`]
    pub tracking_number: String,
    /// courier of the row or of the file, if any
    pub courier: Option<String>,
}

/// Validates the rows of a tracking list. A cell with several order numbers counts for each of them.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn check_tracking(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, TrackingRow>,
) -> Result<(), SheetError> {
    let columns = TrackingColumns {
        key: OrderKey::new(table),
        number: table.columns(Field::TrackingNumber),
        courier: table.columns(Field::Courier),
    };
    table.rows(workbook, &mut |row| {
        let keys = columns.joined_keys(row);
        if keys.is_empty() {
            return visit(if row.is_blank() { ignored(row.number) } else { check(table, row, &columns, None) });
        }
        keys.iter().try_for_each(|key| visit(check(table, row, &columns, Some(key))))
    })
}

struct TrackingColumns {
    key: OrderKey,
    number: Vec<usize>,
    courier: Vec<usize>,
}

impl TrackingColumns {
    /// The order numbers of a cell that has several: `2026112700000001, 2026112700000002`.
    fn joined_keys(&self, row: &Row<'_>) -> Vec<String> {
        const SHORTEST: usize = 8;
        let Some(Cell::Text(text)) = self.key.only_cell(row) else { return Vec::new() };
        let is_separator = |letter: char| letter.is_whitespace() || ",/;|+·、，".contains(letter);
        let keys: Vec<String> =
            text.split(is_separator).map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
        let lengths = SHORTEST..=text_limits::ORDER_NUMBER;
        let is_number = |key: &String| {
            lengths.contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_digit()) && self.key.is_valid(key)
        };
        if keys.len() > 1 && keys.iter().all(is_number) { keys } else { Vec::new() }
    }
}

/// Validates a row; `joined` is one of several order numbers of its cell.
fn check(table: &Table, row: &Row<'_>, columns: &TrackingColumns, joined: Option<&str>) -> CheckedRow<TrackingRow> {
    let mut cells = RowReader::new(table, row);
    let number = &columns.number;
    let no_number = cells.cell(number).is_blank() || values::is_nothing(cells.cell(number));
    if columns.key.is_heading(table, row) || columns.key.is_blank(row) && (no_number || is_total(row)) {
        return ignored(row.number);
    }
    let order_number = joined.map_or_else(|| columns.key.parse(&mut cells), str::to_owned);
    let tracking_number = if no_number {
        let message = match cells.cell(number) {
            cell @ Cell::Error(_) => super::blank_message(cell),
            _ => "송장번호가 비어 있어요",
        };
        cells.problem(number.first().copied().unwrap_or_default(), message);
        String::new()
    } else {
        tracking_numbers(&mut cells, number)
    };
    let courier = courier(&mut cells, &columns.courier);
    cells.finish(order_number.clone(), TrackingRow { order_number, tracking_number, courier })
}

/// The tracking number; all of a cell with several, for an order of several parcels.
fn tracking_numbers(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> String {
    let cell = cells.cell(columns);
    if let (Err(_), Cell::Text(text)) = (values::tracking_number(cell), cell) {
        let parts = text.split(|letter: char| ",/;|+、，\n".contains(letter)).filter(|part| !part.trim().is_empty());
        let numbers: Option<Vec<String>> =
            parts.map(|part| values::tracking_number(&Cell::Text(part.trim().into())).ok()).collect();
        let joined = numbers.filter(|numbers| numbers.len() > 1).map(|numbers| numbers.join(PARCEL_SEPARATOR));
        if let Some(joined) = joined.filter(|joined| joined.len() <= text_limits::TRACKING_NUMBER) {
            let message = "한 주문의 송장번호가 여럿이라 모두 등록했어요. 판매채널에는 첫 번째를 보내요";
            cells.warn(cells.pick(columns).unwrap_or_default(), message);
            return joined;
        }
    }
    cells.parse(columns, values::tracking_number)
}

/// The courier of the row in the channel's words, or that of the file.
fn courier(cells: &mut RowReader<'_, '_>, columns: &[usize]) -> Option<String> {
    let named = cells.line(columns, text_limits::COURIER);
    if named.is_empty() {
        return cells.table.profile.courier.clone();
    }
    if find_courier(&named).is_none() {
        cells.warn(
            cells.pick(columns).unwrap_or_default(),
            "판매채널이 모르는 택배사 이름이에요. 발송처리 파일을 받기 전에 수정해 주세요",
        );
    }
    Some(courier_name(&named).to_owned())
}
