//! Export of the rejected rows of a file as an .xlsx that can be corrected and uploaded again.

use std::collections::HashMap;
use std::ops::ControlFlow;

use rust_xlsxwriter::{Format, Workbook as Writer, Worksheet, XlsxError};

use super::table::Table;
use crate::sheets::{Cell, Row, SheetError, Workbook};

/// Header of the column with the reasons.
const REASON_HEADER: &str = "사유";
/// Excel's limit.
const MAX_SHEET_NAME_CHARS: usize = 31;
/// In characters.
const REASON_COLUMN_WIDTH: f64 = 60.0;

/// Writes the rows with the given numbers and a last column with their reasons, each table on a sheet of its own.
/// The sheet names and the headers are those of the original; text is written as text, never as a formula.
///
/// # Errors
/// The original cannot be read.
pub fn write_rejected_rows(
    workbook: &mut Workbook,
    tables: &[(&Table, Vec<(u32, String)>)],
) -> Result<Vec<u8>, SheetError> {
    let mut writer = Writer::new();
    let mut names = Vec::new();
    for (table, reasons) in tables {
        let sheet = writer.add_worksheet_with_constant_memory().map_err(damaged)?;
        let name = workbook.sheets().get(table.sheet).map(|sheet| sheet_name(&sheet.name)).unwrap_or_default();
        if !name.is_empty() && !names.contains(&name.to_lowercase()) {
            names.push(name.to_lowercase());
            sheet.set_name(name).map_err(damaged)?;
        }
        write_table(sheet, workbook, table, reasons)?;
    }
    writer.save_to_buffer().map_err(damaged)
}

fn write_table(
    sheet: &mut Worksheet,
    workbook: &mut Workbook,
    table: &Table,
    reasons: &[(u32, String)],
) -> Result<(), SheetError> {
    let reasons: HashMap<u32, &str> = reasons.iter().map(|(row, reason)| (*row, reason.as_str())).collect();
    let previous = table.column(REASON_HEADER);
    let reason_index = previous.unwrap_or(table.headers.len());
    let reason_column = u16::try_from(reason_index).unwrap_or(u16::MAX);
    sheet.set_column_width(reason_column, REASON_COLUMN_WIDTH).map_err(damaged)?;
    let bold = Format::new().set_bold();
    for (column, header) in (0u16..).zip(&table.headers) {
        sheet.write_string_with_format(0, column, header, &bold).map_err(damaged)?;
    }
    sheet.write_string_with_format(0, reason_column, REASON_HEADER, &bold).map_err(damaged)?;

    let mut line = 0;
    let mut failure = None;
    table.rows(workbook, &mut |row| {
        let Some(reason) = reasons.get(&row.number) else { return ControlFlow::Continue(()) };
        line += 1;
        match write_row(sheet, line, row, reason_index, reason) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failure = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    failure.map_or(Ok(()), |error| Err(damaged(error)))
}

fn write_row(
    sheet: &mut Worksheet,
    line: u32,
    row: &Row<'_>,
    reason_column: usize,
    reason: &str,
) -> Result<(), XlsxError> {
    let date = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    for (column, cell) in row.cells.iter().enumerate().take(reason_column) {
        let column = u16::try_from(column).unwrap_or(u16::MAX);
        match cell {
            Cell::Text(text) | Cell::Error(text) => sheet.write_string(line, column, text.as_ref())?,
            Cell::Number(number) => sheet.write_number(line, column, *number)?,
            Cell::Formatted(number, format) => {
                let format = Format::new().set_num_format(format.code());
                sheet.write_number_with_format(line, column, *number, &format)?
            }
            Cell::DateTime(moment) => sheet.write_datetime_with_format(line, column, moment, &date)?,
            Cell::Bool(truth) => sheet.write_boolean(line, column, *truth)?,
            Cell::Empty => continue,
        };
    }
    sheet.write_string(line, u16::try_from(reason_column).unwrap_or(u16::MAX), reason)?;
    Ok(())
}

fn sheet_name(name: &str) -> String {
    name.chars().filter(|letter| !"[]:*?/\\'".contains(*letter)).take(MAX_SHEET_NAME_CHARS).collect()
}

fn damaged(_: XlsxError) -> SheetError {
    SheetError::Damaged
}
