//! Excel workbook with typed dates and numbers; everything else is text, never a formula.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use chrono::{Datelike, NaiveDateTime};
use rust_xlsxwriter::{DocProperties, Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};
use zip::result::ZipError;

use super::csv::format_cell;
use super::sheets::sheet_names;
use super::table::{OrderLine, Table, TableStyle};
use super::{ExportError, ExportKind, Orders, dispatch, each_line, purchase_order};
use crate::id::OrderId;
use crate::orders::fields::Cell;
use crate::storage::Tx;

/// Maximum number of orders on a sheet (Excel ends at row 1,048,576); more are split into several sheets.
pub(crate) const MAX_SHEET_ROWS: usize = 1_000_000;

/// Maximum number of sheets; each is a temporary file until the workbook is complete.
const MAX_SHEETS: usize = 250;

/// Maximum length of a cell in Excel, in UTF-16 code units.
const MAX_CELL_UTF16: usize = 32_767;

/// Font of what is printed, which every Korean Excel has.
const PRINT_FONT: &str = "맑은 고딕";

/// Size of that font in points.
const PRINT_FONT_POINTS: u32 = 11;

/// Height of a line of that font.
const LINE_PIXELS: u32 = 22;

/// Highest row of Excel: 409 points.
const MAX_ROW_PIXELS: u32 = 545;

/// Number of A4 among the paper sizes of Excel.
const A4: u8 = 9;

/// Fill colour of the header.
const HEADER_FILL: u32 = 0x00C2_FFC0;

impl From<XlsxError> for ExportError {
    fn from(error: XlsxError) -> Self {
        Self::Write(match error {
            XlsxError::IoError(error) | XlsxError::ZipError(ZipError::Io(error)) => error,
            other => io::Error::other(other),
        })
    }
}

/// Runs a writer of a workbook. `rust_xlsxwriter` unwraps the errors of its temporary files, so a full disk is a panic there.
///
/// # Errors
/// That of the writer; [`io::ErrorKind::StorageFull`] where it panics because the disk is full.
pub(crate) fn catch_full_disk(write: impl FnOnce() -> Result<(), ExportError>) -> Result<(), ExportError> {
    catch_unwind(AssertUnwindSafe(write)).unwrap_or_else(|panic| {
        let is_full = panic.downcast_ref::<String>().is_some_and(|message| {
            [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded]
                .iter()
                .any(|kind| message.contains(&format!("{kind:?}")))
        });
        if is_full { Err(io::Error::from(io::ErrorKind::StorageFull).into()) } else { resume_unwind(panic) }
    })
}

pub(super) fn write(
    tx: &mut dyn Tx,
    (kind, claim_note): (ExportKind, &str),
    orders: &Orders<'_>,
    file: File,
    folder: &Path,
) -> Result<(), ExportError> {
    let products = match kind {
        ExportKind::PurchaseOrder => purchase_order::by_product(tx, orders.ids)?,
        ExportKind::Orders | ExportKind::Dispatch | ExportKind::CourierOrder(_) => Vec::new(),
    };
    let label = kind.label();
    let groups: Vec<(&str, &[OrderId])> = match kind {
        ExportKind::Orders => vec![("주문", orders.ids)],
        ExportKind::Dispatch => vec![(dispatch::SHEET, orders.ids)],
        ExportKind::CourierOrder(courier) => vec![(courier.file().sheet.as_str(), orders.ids)],
        ExportKind::PurchaseOrder if products.is_empty() => vec![(label.as_str(), &[])],
        ExportKind::PurchaseOrder => products.iter().map(|(name, ids)| (name.as_str(), ids.as_slice())).collect(),
    };
    let parts = |ids: &[OrderId]| ids.len().div_ceil(MAX_SHEET_ROWS).max(1);
    let sheets: Vec<(&str, &[OrderId])> = groups
        .iter()
        .flat_map(|(name, ids)| {
            (0..parts(ids)).map(|part| (*name, &ids[part * MAX_SHEET_ROWS..ids.len().min((part + 1) * MAX_SHEET_ROWS)]))
        })
        .collect();
    if sheets.len() > MAX_SHEETS {
        return Err(ExportError::TooManySheets { most: MAX_SHEETS });
    }
    let mut workbook = Workbook::new();
    workbook.set_tempdir(folder)?;
    if !claim_note.is_empty() {
        workbook.set_properties(&DocProperties::new().set_comment(claim_note));
    }
    let table = kind.table();
    let formats = CellFormats::new(table.look);
    let names = sheet_names(sheets.iter().map(|(name, _)| *name));
    for ((_, ids), name) in sheets.iter().zip(&names) {
        let sheet = begin(&mut workbook, name, &table, &formats)?;
        let mut row = 0;
        each_line(tx, kind, ids, orders, &mut |listed| {
            row += 1;
            let Some(line) = OrderLine::new(listed, orders, row) else { return Ok(()) };
            write_line(sheet, &line, &table, &formats)
        })?;
    }
    let mut out = BufWriter::new(file);
    workbook.save_to_writer(&mut out)?;
    Ok(out.flush()?)
}

/// Formats of the cells.
pub(crate) struct CellFormats {
    pub(crate) header: Format,
    text: Format,
    number: Format,
    date: Format,
    moment: Format,
}

impl CellFormats {
    pub(super) fn new(look: TableStyle) -> Self {
        let plain = || match look {
            TableStyle::Plain => Format::new(),
            TableStyle::Framed => Format::new().set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter),
            TableStyle::Printed { .. } => Format::new()
                .set_border(FormatBorder::Thin)
                .set_align(FormatAlign::VerticalCenter)
                .set_text_wrap()
                .set_font_name(PRINT_FONT)
                .set_font_size(PRINT_FONT_POINTS),
        };
        let header = match look {
            TableStyle::Plain => plain(),
            TableStyle::Framed | TableStyle::Printed { .. } => {
                plain().set_bold().set_align(FormatAlign::Center).set_background_color(HEADER_FILL)
            }
        };
        Self {
            header,
            text: plain().set_num_format("@"),
            number: plain().set_num_format("#,##0"),
            date: plain().set_num_format("yyyy-mm-dd"),
            moment: plain().set_num_format("yyyy-mm-dd hh:mm"),
        }
    }

    /// Formats with thin borders and a filled header.
    pub(crate) fn framed() -> Self {
        Self::new(TableStyle::Framed)
    }
}

fn begin<'w>(
    workbook: &'w mut Workbook,
    name: &str,
    table: &Table,
    formats: &CellFormats,
) -> Result<&'w mut Worksheet, XlsxError> {
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name(name)?;
    if table.look != TableStyle::Plain {
        sheet.set_freeze_panes(1, 0)?;
    }
    if let TableStyle::Printed { header, .. } = table.look {
        sheet.set_landscape().set_paper_size(A4).set_repeat_rows(0, 0)?.set_row_height_pixels(0, header.into())?;
    }
    for (place, column) in (0..).zip(table.columns) {
        sheet.set_column_width(place, f64::from(column.width))?;
        sheet.write_string_with_format(0, place, column.header.as_ref(), &formats.header)?;
    }
    Ok(sheet)
}

fn write_line(
    sheet: &mut Worksheet,
    line: &OrderLine<'_>,
    table: &Table,
    formats: &CellFormats,
) -> Result<(), ExportError> {
    if let TableStyle::Printed { row, .. } = table.look {
        let cells = table.columns.iter().map(|column| (column.cell(line), column.width));
        let lines = cells.map(|(cell, width)| printed_lines(&format_cell(cell), width)).max().unwrap_or(1);
        let height = lines.saturating_mul(LINE_PIXELS).clamp(row.into(), MAX_ROW_PIXELS);
        sheet.set_row_height_pixels(line.number, height)?;
    }
    for (place, column) in (0..).zip(table.columns) {
        write_cell(sheet, line.number, place, column.cell(line), formats)?;
    }
    Ok(())
}

/// Lines that a text takes in a cell of a width in characters. Excel does not fit the height of rows in a file that it opens
/// for the first time, so that it is written.
fn printed_lines(text: &str, width: u8) -> u32 {
    // A Hangul syllable of the font is a little wider than two digits of Excel's default font, in which widths are measured.
    let tenths = |letter: char| if letter.is_ascii() { 11 } else { 22 };
    let lines = |line: &str| line.chars().map(tenths).sum::<u32>().div_ceil(u32::from(width) * 10).max(1);
    text.lines().map(lines).sum::<u32>().max(1)
}

/// Writes a cell.
pub(crate) fn write_cell(
    sheet: &mut Worksheet,
    row: u32,
    column: u16,
    cell: Cell<'_>,
    formats: &CellFormats,
) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) if text.is_empty() => sheet.write_blank(row, column, &formats.text)?,
        Cell::Text(text) => sheet.write_string_with_format(row, column, truncate_cell(&text), &formats.text)?,
        Cell::Number(number) => sheet.write_with_format(row, column, number, &formats.number)?,
        Cell::Date(None) | Cell::At(None) => sheet.write_blank(row, column, &formats.text)?,
        Cell::Date(Some(date)) => match date.and_hms_opt(0, 0, 0).filter(in_calendar) {
            Some(_) => sheet.write_datetime_with_format(row, column, date, &formats.date)?,
            None => sheet.write_string_with_format(row, column, date.to_string(), &formats.text)?,
        },
        Cell::At(Some(moment)) => match Some(moment.kst()).filter(in_calendar) {
            Some(wall) => sheet.write_datetime_with_format(row, column, wall, &formats.moment)?,
            None => sheet.write_string_with_format(row, column, moment.to_string(), &formats.text)?,
        },
    };
    Ok(())
}

/// Whether Excel can represent the date.
fn in_calendar(wall: &NaiveDateTime) -> bool {
    (1900..=9999).contains(&wall.year())
}

fn truncate_cell(text: &str) -> &str {
    if text.len() <= MAX_CELL_UTF16 {
        return text;
    }
    let mut length = 0;
    let end = text.char_indices().find(|(_, letter)| {
        length += letter.len_utf16();
        length > MAX_CELL_UTF16
    });
    end.map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::printed_lines;

    #[test]
    fn row_is_as_high_as_its_longest_text() {
        assert_eq!((printed_lines("", 9), printed_lines("주문", 9)), (1, 1));
        assert_eq!(printed_lines("경상북도 포항시 북구 예시로 12, 101동 1203호", 60), 1);
        assert_eq!(printed_lines(&"가".repeat(42), 42), 3, "two columns and a little for each syllable");
        assert_eq!(printed_lines("문 앞\n경비실\n\n전화", 42), 4);
    }
}
