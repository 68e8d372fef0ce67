//! Validation of tracking lists: order number and tracking number.

use super::{CheckedRow, OrderKey, RowReader, VisitRow, ignored, is_total};
use crate::channels::{Field, Table, courier_name, find_courier};
use crate::orders::model::PARCEL_SEPARATOR;
use crate::sheets::{Cell, MergedArea, Row, SheetError, Workbook, values};
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

/// Validates the rows of a tracking list. A merged cell counts for each of its rows, and a cell with several order
/// numbers for each of them.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn tracking(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, TrackingRow>,
) -> Result<(), SheetError> {
    let columns = TrackingColumns {
        key: OrderKey::new(table),
        number: table.columns(Field::TrackingNumber),
        courier: table.columns(Field::Courier),
    };
    let mut merged = MergedCells::new(workbook.merged_areas(table.sheet), table.header_row, &columns);
    table.rows(workbook, &mut |row| {
        let filled = merged.fill(row);
        let row = filled.as_ref().unwrap_or(row);
        let keys = columns.joined_keys(row);
        if keys.is_empty() {
            return visit(if row.is_blank() { ignored(row.number) } else { check(table, row, &columns, None) });
        }
        keys.iter().try_for_each(|key| visit(check(table, row, &columns, Some(key))))
    })
}

/// Merged cells that may cover one row: one for each column, unless a file overlaps them.
const MAX_OPEN_AREAS: usize = 1_000;

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
        let is_number = |key: &String| key.len() >= SHORTEST && key.bytes().all(|byte| byte.is_ascii_digit());
        if keys.len() > 1 && keys.iter().all(is_number) { keys } else { Vec::new() }
    }
}

/// The merged cells of a list, whose value is in their first row alone.
struct MergedCells {
    /// areas over several rows that have not begun, the next one last
    coming: Vec<MergedArea>,
    /// areas that have begun, with their value
    open: Vec<(MergedArea, Cell<'static>)>,
}

impl MergedCells {
    fn new(areas: Vec<MergedArea>, header_row: u32, columns: &TrackingColumns) -> Self {
        let is_needed = |column: usize| {
            columns.number.contains(&column) || columns.courier.contains(&column) || columns.key.has_column(column)
        };
        let is_needed =
            |area: &MergedArea| area.rows.0 < area.rows.1 && area.rows.0 > header_row && is_needed(area.columns.0);
        let mut coming: Vec<MergedArea> = areas.into_iter().filter(is_needed).collect();
        coming.sort_by_key(|area| std::cmp::Reverse(area.rows.0));
        Self { coming, open: Vec::new() }
    }

    /// The row with the values of the merged cells above it; none if it needs none.
    fn fill<'c>(&mut self, row: &Row<'c>) -> Option<Row<'c>> {
        let mut filled: Option<Row<'c>> = None;
        self.open.retain(|(area, _)| area.rows.1 >= row.number);
        for (area, value) in &self.open {
            if row.cell(area.columns.0).is_blank() {
                filled.get_or_insert_with(|| row.clone()).set_cell(area.columns.0, value.clone());
            }
        }
        while let Some(area) = self.coming.pop_if(|area| area.rows.0 <= row.number) {
            if area.rows.0 == row.number && self.open.len() < MAX_OPEN_AREAS {
                self.open.push((area, owned(row.cell(area.columns.0))));
            }
        }
        filled
    }
}

/// A copy that does not borrow; a number loses its format, but no digit.
fn owned(cell: &Cell<'_>) -> Cell<'static> {
    match cell {
        Cell::Text(text) => Cell::Text(text.as_ref().to_owned().into()),
        Cell::Number(number) | Cell::Formatted(number, _) => Cell::Number(*number),
        cell => Cell::Text(values::text(cell).into_owned().into()),
    }
}

/// Validates a row; `joined` is one of several order numbers of its cell.
fn check(table: &Table, row: &Row<'_>, columns: &TrackingColumns, joined: Option<&str>) -> CheckedRow<TrackingRow> {
    let mut cells = RowReader::new(table, row);
    let number = &columns.number;
    let no_number = cells.cell(number).is_blank() || values::is_nothing(cells.cell(number));
    if columns.key.is_blank(row) && (no_number || is_total(row)) {
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
