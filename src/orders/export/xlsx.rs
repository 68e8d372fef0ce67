//! An Excel workbook: real dates and numbers, everything else text, never a formula.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use chrono::{Datelike, NaiveDateTime};
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook, Worksheet, XlsxError};

use super::table::{COLUMNS, Cell};
use super::{ExportError, each};
use crate::districts::Districts;
use crate::orders::filter::OrderFilter;
use crate::storage::Tx;

/// Orders of one sheet; Excel ends at row 1,048,576. The rest goes on the next sheet.
const PER_SHEET: u32 = 1_000_000;

/// Characters Excel keeps of a cell, counted in UTF-16 as it counts.
const CELL_LENGTH: usize = 32_767;

/// Fill of the header, as in every table this shop sends out.
const HEADER_FILL: u32 = 0x00C2_FFC0;

impl From<XlsxError> for ExportError {
    fn from(error: XlsxError) -> Self {
        Self::Write(match error {
            XlsxError::IoError(error) => error,
            other => io::Error::other(other),
        })
    }
}

pub(super) fn write(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    districts: &Districts,
    file: File,
    folder: &Path,
) -> Result<u64, ExportError> {
    let mut workbook = Workbook::new();
    workbook.set_tempdir(folder)?;
    let looks = Looks::new();
    let (mut sheets, mut row) = (0, 0);
    begin(&mut workbook, &mut sheets, &looks)?;
    let orders = each(tx, filter, &mut |listed| {
        if row == PER_SHEET {
            begin(&mut workbook, &mut sheets, &looks)?;
            row = 0;
        }
        row += 1;
        let sheet = workbook.worksheet_from_index(sheets - 1)?;
        for (place, column) in (0..).zip(COLUMNS) {
            write_cell(sheet, row, place, (column.cell)(listed, districts), &looks)?;
        }
        Ok(())
    })?;
    let mut out = BufWriter::new(file);
    workbook.save_to_writer(&mut out)?;
    out.flush()?;
    Ok(orders)
}

struct Looks {
    header: Format,
    text: Format,
    number: Format,
    date: Format,
    moment: Format,
}

impl Looks {
    fn new() -> Self {
        let plain = || Format::new().set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter);
        Self {
            header: plain().set_bold().set_align(FormatAlign::Center).set_background_color(HEADER_FILL),
            text: plain().set_num_format("@"),
            number: plain().set_num_format("#,##0"),
            date: plain().set_num_format("yyyy-mm-dd"),
            moment: plain().set_num_format("yyyy-mm-dd hh:mm"),
        }
    }
}

fn begin(workbook: &mut Workbook, sheets: &mut usize, looks: &Looks) -> Result<(), XlsxError> {
    *sheets += 1;
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    sheet.set_name(if *sheets == 1 { "주문".to_owned() } else { format!("주문 {sheets}") })?;
    sheet.set_freeze_panes(1, 0)?;
    for (place, column) in (0..).zip(COLUMNS) {
        sheet.set_column_width(place, f64::from(column.width))?;
        sheet.write_string_with_format(0, place, column.header, &looks.header)?;
    }
    Ok(())
}

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: Cell<'_>, looks: &Looks) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) if text.is_empty() => sheet.write_blank(row, column, &looks.text)?,
        Cell::Text(text) => sheet.write_string_with_format(row, column, kept(&text), &looks.text)?,
        Cell::Number(number) => sheet.write_with_format(row, column, number, &looks.number)?,
        Cell::Date(None) | Cell::At(None) => sheet.write_blank(row, column, &looks.text)?,
        Cell::Date(Some(date)) => match date.and_hms_opt(0, 0, 0).filter(in_calendar) {
            Some(_) => sheet.write_datetime_with_format(row, column, date, &looks.date)?,
            None => sheet.write_string_with_format(row, column, date.to_string(), &looks.text)?,
        },
        Cell::At(Some(moment)) => match Some(moment.kst()).filter(in_calendar) {
            Some(wall) => sheet.write_datetime_with_format(row, column, wall, &looks.moment)?,
            None => sheet.write_string_with_format(row, column, moment.to_string(), &looks.text)?,
        },
    };
    Ok(())
}

/// Whether Excel's calendar has that day.
fn in_calendar(wall: &NaiveDateTime) -> bool {
    (1900..=9999).contains(&wall.year())
}

fn kept(text: &str) -> &str {
    if text.len() <= CELL_LENGTH {
        return text;
    }
    let mut length = 0;
    let end = text.char_indices().find(|(_, letter)| {
        length += letter.len_utf16();
        length > CELL_LENGTH
    });
    end.map_or(text, |(end, _)| &text[..end])
}
