//! Streaming parser of .xls: BIFF8 and BIFF5 ([MS-XLS]).
//!
//! Holds the stream and its shared strings in memory, and visits one row at a time. Nothing is allocated for
//! the size that a sheet declares: a file of a few megabytes can declare a hundred gigabytes.

mod decrypt;
mod strings;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use encoding_rs::EUC_KR;

use super::cell::{Cell, MergedArea, Row};
use super::error::SheetError;
use super::limits::{LimitCounter, truncate};
use super::xlsx_parts::Styles;

const MAX_FORMATS: usize = 65_536;
const MAX_SHEETS: usize = 100;
/// Records before the one that says how the stream is encrypted; it is among the first.
const MAX_RECORDS_TO_PASSWORD: usize = 20;
/// Kind of a stream that is a sheet.
const SHEET_STREAM: u16 = 0x0010;
/// Flag of a row record: its height is zero.
const ROW_IS_HIDDEN: u32 = 0x20;
/// Days between the epochs of the two date systems.
const DAYS_1904: f64 = 1462.0;

mod record {
    pub(super) const BOF: u16 = 0x0809;
    /// beginnings of BIFF2, 3 and 4
    pub(super) const OLD_BOFS: [u16; 3] = [0x0009, 0x0209, 0x0409];
    /// cells of BIFF2
    pub(super) const OLD_INTEGER: u16 = 0x0002;
    pub(super) const OLD_NUMBER: u16 = 0x0003;
    pub(super) const OLD_LABEL: u16 = 0x0004;
    pub(super) const EOF: u16 = 0x000A;
    pub(super) const CONTINUE: u16 = 0x003C;
    pub(super) const FILE_PASS: u16 = 0x002F;
    pub(super) const DATE_MODE: u16 = 0x0022;
    pub(super) const FORMAT: u16 = 0x041E;
    pub(super) const XF: u16 = 0x00E0;
    pub(super) const BOUND_SHEET: u16 = 0x0085;
    pub(super) const SST: u16 = 0x00FC;
    pub(super) const LABEL_SST: u16 = 0x00FD;
    pub(super) const LABEL: u16 = 0x0204;
    pub(super) const RICH_STRING: u16 = 0x00D6;
    pub(super) const NUMBER: u16 = 0x0203;
    pub(super) const RK: u16 = 0x027E;
    pub(super) const MUL_RK: u16 = 0x00BD;
    pub(super) const BOOL_ERROR: u16 = 0x0205;
    pub(super) const FORMULA: u16 = 0x0006;
    pub(super) const STRING: u16 = 0x0207;
    pub(super) const ROW: u16 = 0x0208;
    pub(super) const MERGED_CELLS: u16 = 0x00E5;
}

/// An opened .xls.
pub(super) struct Xls {
    stream: Vec<u8>,
    biff8: bool,
    sheets: Vec<XlsSheet>,
    strings: Vec<String>,
    styles: Styles,
    date1904: bool,
}

struct XlsSheet {
    name: String,
    is_hidden: bool,
    /// offset of its first record
    at: usize,
}

/// Iterator of the records of a stream: type and data.
struct Records<'a> {
    stream: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let kind = u16_at(self.stream, self.at)?;
        let length = usize::from(u16_at(self.stream, self.at + 2)?);
        let data = self.stream.get(self.at + 4..self.at + 4 + length)?;
        self.at += 4 + length;
        Some((kind, data))
    }
}

impl Xls {
    /// Parses the globals of a `Workbook` stream: sheets, formats, shared strings. Decrypts the stream with the first
    /// of `passwords` that is right.
    ///
    /// # Errors
    /// The stream is damaged, or needs another password.
    pub(super) fn open(mut stream: Vec<u8>, passwords: &[String]) -> Result<Self, SheetError> {
        if let Some(file_pass) = file_pass(&stream).map(<[u8]>::to_vec) {
            let is_wrong = |result: &Result<(), SheetError>| *result == Err(SheetError::WrongPassword);
            let mut tries = passwords.iter().map(|password| decrypt::decrypt(&mut stream, &file_pass, password));
            tries.find(|result| !is_wrong(result)).unwrap_or(Err(SheetError::WrongPassword))?;
        }
        let mut xls = Self {
            stream: Vec::new(),
            biff8: true,
            sheets: Vec::new(),
            strings: Vec::new(),
            styles: Styles::default(),
            date1904: false,
        };
        let mut custom: HashMap<u32, String> = HashMap::new();
        let mut formats = Vec::new();
        let mut records = Records { stream: &stream, at: 0 };
        match records.next() {
            Some((record::BOF, data)) => xls.biff8 = u16_at(data, 0) == Some(0x0600),
            Some((kind, _)) if record::OLD_BOFS.contains(&kind) => xls.biff8 = false,
            _ => return Err(SheetError::Damaged),
        }
        if u16_at(&stream, 6) == Some(SHEET_STREAM) {
            // A sheet alone, without a workbook around it.
            xls.sheets.push(XlsSheet { name: "Sheet1".to_owned(), is_hidden: false, at: 0 });
            xls.stream = stream;
            return Ok(xls);
        }
        while let Some((kind, data)) = records.next() {
            match kind {
                record::DATE_MODE => xls.date1904 = u16_at(data, 0) == Some(1),
                record::FORMAT => {
                    if let (Some(id), Some(code)) = (u16_at(data, 0), data.get(2..).and_then(|rest| xls.string(rest))) {
                        custom.insert(u32::from(id), code);
                    }
                }
                record::XF if formats.len() < MAX_FORMATS => formats.push(u32::from(u16_at(data, 2).unwrap_or(0))),
                record::BOUND_SHEET if xls.sheets.len() < MAX_SHEETS => xls.bound_sheet(data),
                record::SST => {
                    let mut segments = vec![data.get(8..).unwrap_or_default()];
                    while u16_at(&stream, records.at) == Some(record::CONTINUE) {
                        let Some((_, data)) = records.next() else { break };
                        segments.push(data);
                    }
                    xls.strings = strings::read(segments)?;
                }
                record::EOF => break,
                _ => {}
            }
        }
        xls.styles = Styles::new(formats, &custom);
        if xls.sheets.is_empty() {
            return Err(SheetError::Damaged);
        }
        xls.stream = stream;
        Ok(xls)
    }

    /// Names of the sheets, and whether they are hidden.
    pub(super) fn sheets(&self) -> impl Iterator<Item = (&str, bool)> {
        self.sheets.iter().map(|sheet| (sheet.name.as_str(), sheet.is_hidden))
    }

    /// The merged areas of a sheet.
    pub(super) fn merged_areas(&self, sheet: usize) -> Vec<MergedArea> {
        let Ok(records) = self.records(sheet) else { return Vec::new() };
        let areas = records.filter(|(kind, _)| *kind == record::MERGED_CELLS);
        let area = |ends: &[u8]| {
            let end = |index: usize| u16_at(ends, index * 2);
            Some(MergedArea {
                rows: (u32::from(end(0)?) + 1, u32::from(end(1)?) + 1),
                columns: (usize::from(end(2)?), usize::from(end(3)?)),
            })
        };
        areas.flat_map(|(_, data)| data.get(2..).unwrap_or_default().chunks_exact(8)).filter_map(area).collect()
    }

    /// The records of a sheet, behind its first one.
    fn records(&self, sheet: usize) -> Result<Records<'_>, SheetError> {
        let start = self.sheets.get(sheet).map(|sheet| sheet.at).ok_or(SheetError::Damaged)?;
        let mut records = Records { stream: &self.stream, at: start };
        match records.next() {
            Some((kind, _)) if kind == record::BOF || record::OLD_BOFS.contains(&kind) => Ok(records),
            _ => Err(SheetError::Damaged),
        }
    }

    /// Adds the sheet of a BOUNDSHEET record: offset, visibility, type (0 is a worksheet), name.
    fn bound_sheet(&mut self, data: &[u8]) {
        let Some(at) = u32_at(data, 0) else { return };
        let (Some(0), Some(&length), Some(rest)) = (data.get(5), data.get(6), data.get(7..)) else { return };
        let name = if self.biff8 {
            decode_unicode(rest, usize::from(length))
        } else {
            Some(decode_cp949(rest, usize::from(length)))
        };
        let is_hidden = data.get(4).is_some_and(|state| state & 3 != 0);
        self.sheets.push(XlsSheet { name: name.unwrap_or_default(), is_hidden, at: at as usize });
    }

    /// A string with a 16-bit length; BIFF8 has a flags byte, BIFF5 uses the code page.
    fn string(&self, data: &[u8]) -> Option<String> {
        let length = usize::from(u16_at(data, 0)?);
        let rest = data.get(2..)?;
        if self.biff8 { decode_unicode(rest, length) } else { Some(decode_cp949(rest, length)) }
    }

    /// Calls `visit` with each row of a sheet. True if the sheet has no end: the file was cut off.
    ///
    /// # Errors
    /// The sheet is damaged, or exceeds the limits.
    pub(super) fn rows(
        &self,
        sheet: usize,
        counter: &mut LimitCounter,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<bool, SheetError> {
        let mut records = self.records(sheet)?;
        let mut hidden = HashSet::new();
        let mut row = Row { number: 0, cells: Vec::new(), date1904: self.date1904, is_hidden: false, is_cut: false };
        let mut nested = 0u32;
        let mut formula = None;
        let mut is_cut_off = true;
        for (kind, data) in records.by_ref() {
            match kind {
                record::BOF => nested += 1,
                record::EOF if nested == 0 => {
                    is_cut_off = false;
                    break;
                }
                record::EOF => nested -= 1,
                _ if nested > 0 => {}
                // The records of rows precede the cells of the block.
                record::ROW if u32_at(data, 12).is_some_and(|flags| flags & ROW_IS_HIDDEN != 0) => {
                    hidden.extend(u16_at(data, 0));
                }
                _ => {
                    for (place, cell) in self.cells(kind, data, &mut formula) {
                        counter.cell()?;
                        if push_cell(&mut row, place, (cell, hidden.contains(&place.0)), counter, visit)?.is_break() {
                            return Ok(false);
                        }
                    }
                }
            }
        }
        if !row.cells.is_empty() {
            counter.row(0)?;
            // A stream that ends with a whole record may come from a program that writes no end.
            row.is_cut = is_cut_off && records.at < self.stream.len();
            let _ = visit(&row);
        }
        Ok(is_cut_off)
    }

    /// The cells of a record. `formula` is the position of the last formula, whose text follows in a STRING
    /// record.
    fn cells<'s>(&'s self, kind: u16, data: &[u8], formula: &mut Option<(u16, u16)>) -> Vec<((u16, u16), Cell<'s>)> {
        let (Some(row), Some(column)) = (u16_at(data, 0), u16_at(data, 2)) else { return Vec::new() };
        let place = (row, column);
        let format = u16_at(data, 4).unwrap_or(0);
        let one = |cell: Option<Cell<'s>>| cell.map(|cell| (place, cell)).into_iter().collect();
        match kind {
            record::LABEL_SST => {
                let index = u32_at(data, 6).unwrap_or(u32::MAX);
                let cell = match self.strings.get(index as usize) {
                    Some(text) => self.text(truncate(text).into(), format),
                    None => Cell::Error(format!("공유 문자열 {index}").into()),
                };
                vec![(place, cell)]
            }
            record::LABEL | record::RICH_STRING => data
                .get(6..)
                .and_then(|rest| self.string(rest))
                .map(|text| (place, self.text(text.into(), format)))
                .into_iter()
                .collect(),
            record::OLD_LABEL => {
                let length = data.get(7).copied().map_or(0, usize::from);
                one(data.get(8..).map(|rest| Cell::of_text(decode_cp949(rest, length))))
            }
            record::OLD_NUMBER => one(f64_at(data, 7).map(Cell::Number)),
            record::OLD_INTEGER => one(u16_at(data, 7).map(|number| Cell::Number(f64::from(number)))),
            record::NUMBER => one(f64_at(data, 6).map(|number| self.number(number, format))),
            record::RK => one(u32_at(data, 6).map(|number| self.number(rk(number), format))),
            record::MUL_RK => {
                let numbers = data.get(4..data.len().saturating_sub(2)).unwrap_or_default();
                let cell = |(column, piece): (u16, &[u8])| {
                    let number = rk(u32_at(piece, 2).unwrap_or(0));
                    ((row, column), self.number(number, u16_at(piece, 0).unwrap_or(0)))
                };
                (column..=u16::MAX).zip(numbers.chunks_exact(6)).map(cell).collect()
            }
            record::BOOL_ERROR => one(match data.get(6..8) {
                Some(&[value, 0]) => Some(Cell::Bool(value != 0)),
                value => Some(error_cell(value.and_then(|value| value.first()).copied())),
            }),
            record::FORMULA => {
                *formula = Some(place);
                one(match data.get(6..14) {
                    Some(&[0 | 3, .., 0xFF, 0xFF]) | None => None,
                    Some(&[1, _, value, .., 0xFF, 0xFF]) => Some(Cell::Bool(value != 0)),
                    Some(&[_, _, code, .., 0xFF, 0xFF]) => Some(error_cell(Some(code))),
                    Some(_) => f64_at(data, 6).map(|number| self.number(number, format)),
                })
            }
            record::STRING => formula
                .take()
                .and_then(|place| self.string(data).map(|text| (place, Cell::of_text(text))))
                .into_iter()
                .collect(),
            _ => Vec::new(),
        }
    }

    fn number(&self, number: f64, style: u16) -> Cell<'_> {
        match self.styles.format_of(usize::from(style)).and_then(|index| self.styles.format(index)) {
            Some(format) if self.date1904 && format.is_date() => Cell::Formatted(number + DAYS_1904, format),
            Some(format) => Cell::Formatted(number, format),
            None => Cell::Number(number),
        }
    }

    fn text<'t>(&self, text: Cow<'t, str>, style: u16) -> Cell<'t> {
        let format = self.styles.format_of(usize::from(style)).and_then(|index| self.styles.format(index));
        match format.filter(|format| format.changes_text()).and_then(|format| format.show_text(&text)) {
            Some(shown) => Cell::Text(shown.into()),
            None => Cell::of_text(text),
        }
    }
}

/// An error value ([MS-XLS] 2.5.10).
fn error_cell(code: Option<u8>) -> Cell<'static> {
    let word = match code {
        Some(0x00) => "#NULL!",
        Some(0x07) => "#DIV/0!",
        Some(0x0F) => "#VALUE!",
        Some(0x17) => "#REF!",
        Some(0x1D) => "#NAME?",
        Some(0x24) => "#NUM!",
        Some(0x2A) => "#N/A",
        _ => "#?",
    };
    Cell::Error(word.into())
}

/// Whether a stream is encrypted.
pub(super) fn is_encrypted(stream: &[u8]) -> bool {
    file_pass(stream).is_some()
}

/// The record that says how a stream is encrypted.
fn file_pass(stream: &[u8]) -> Option<&[u8]> {
    let mut records = Records { stream, at: 0 }.take(MAX_RECORDS_TO_PASSWORD);
    records.find(|(kind, _)| *kind == record::FILE_PASS).map(|(_, data)| data)
}

/// Adds a cell to `row`; visits the row first if the cell belongs to the next one.
fn push_cell<'a>(
    row: &mut Row<'a>,
    (number, column): (u16, u16),
    (cell, is_hidden): (Cell<'a>, bool),
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, SheetError> {
    let number = u32::from(number) + 1;
    let column = usize::from(column);
    if number != row.number {
        if !row.cells.is_empty() {
            counter.row(0)?;
            if visit(row).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            row.cells.clear();
        }
        row.number = number;
        row.is_hidden = is_hidden;
    }
    if column < counter.max_columns() {
        row.set_cell(column, cell);
    }
    Ok(ControlFlow::Continue(()))
}

/// Decodes an RkNumber: 30 bits of an integer or a double, optionally multiplied by 100.
fn rk(bits: u32) -> f64 {
    let number =
        if bits & 2 == 0 { f64::from_bits(u64::from(bits & !3) << 32) } else { f64::from(bits.cast_signed() >> 2) };
    if bits & 1 == 0 { number } else { number / 100.0 }
}

/// Decodes `length` characters after a flags byte: Latin-1 or UTF-16.
fn decode_unicode(data: &[u8], length: usize) -> Option<String> {
    let (flags, rest) = data.split_first()?;
    Some(if flags & 1 == 0 {
        rest.iter().take(length).map(|&byte| char::from(byte)).collect()
    } else {
        decode_utf16(rest.get(..rest.len().min(length * 2))?)
    })
}

fn decode_utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Decodes text of BIFF5 and before, which is CP949 in Korean files, or UTF-8 if a script wrote it.
fn decode_cp949(data: &[u8], length: usize) -> String {
    let text = data.get(..length.min(data.len())).unwrap_or_default();
    match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => EUC_KR.decode_without_bom_handling(text).0.into_owned(),
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u16::from_le_bytes(*bytes))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_le_bytes(*bytes))
}

fn f64_at(bytes: &[u8], at: usize) -> Option<f64> {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map(|bytes| f64::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests;
