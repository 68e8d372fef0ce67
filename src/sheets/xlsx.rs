//! Cells of an .xlsx, read from its parts (ECMA-376 Part 1, 18.3 and 18.4).
//!
//! A reader's default is never data: a number that is none, a shared string that does not exist, an unknown
//! type become [`Cell::Error`] with what the file says, and never 0, "" or the first of something. The
//! dimension of a sheet is not read.

mod batch;
mod strings;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::cell::{Cell, MergedArea, Row};
use super::error::SheetError;
use super::limits::{LimitCounter, Limits};
use super::markup::{Attributes, Scanner, Token};
use super::xlsx_package::{Package, Part};
use super::xlsx_parts::{self, Book, SheetPart, Styles};
use batch::{Batch, CellType, Value};
use strings::SharedStrings;

/// Inflated bytes of a sheet.
const MAX_SHEET_BYTES: u64 = 300 << 20;
/// Merged areas of a sheet; a list of parcels has one for each parcel of several orders.
const MAX_MERGED_AREAS: usize = 100_000;
/// A larger sheet comes from a program, and programs do not merge cells over rows; a second reading would cost an upload a
/// fifth of its time.
const MAX_MERGED_SHEET_BYTES: u64 = 8 << 20;

/// An opened .xlsx.
pub(super) struct Xlsx {
    package: Package,
    book: Book,
    /// read when a sheet is, once
    strings: Option<Result<SharedStrings, SheetError>>,
}

impl Xlsx {
    /// Opens an .xlsx: reads the list of its sheets and the styles.
    ///
    /// # Errors
    /// The file is damaged, no workbook, or has too many parts.
    pub(super) fn open(bytes: Arc<Vec<u8>>) -> Result<Self, SheetError> {
        let mut package = Package::open(bytes)?;
        let book = xlsx_parts::read(&mut |path| package.small_part(path))?;
        Ok(Self { package, book, strings: None })
    }

    pub(super) fn sheets(&self) -> &[SheetPart] {
        &self.book.sheets
    }

    /// Calls `visit` with each row of a sheet. The cells are parsed on a separate thread, in parallel with the
    /// visits. True if the sheet ends within its rows: the file was cut off when it was made.
    ///
    /// # Errors
    /// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
    pub(super) fn rows(
        &mut self,
        sheet: usize,
        counter: &mut LimitCounter,
        visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
    ) -> Result<bool, SheetError> {
        let part = self.part(sheet)?;
        let reader = self.package.reader(&part);
        let strings = self.strings.get_or_insert_with(|| read_strings(&mut self.package, self.book.strings.as_deref()));
        let (strings, styles) = (strings.as_ref().map_err(Clone::clone), &self.book.styles);
        let date1904 = self.book.date1904;
        let (batch_sender, batches) = sync_channel(1);
        let (recycle_sender, recycled) = channel();
        let limits = counter.limits;
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || {
                let mut parser = Parser::new(limits, styles, date1904, (batch_sender, recycled));
                let read = parser.read(reader);
                // Also after an error, the rows before it are visited.
                parser.send();
                read
            });
            let visited = visit_rows((batches, recycle_sender), (strings, styles), date1904, counter, visit);
            let read = reading.join().unwrap_or(Err(SheetError::Damaged));
            if visited? { read } else { Ok(false) }
        })
    }

    /// The merged areas of a sheet, which are listed behind its cells: finding them reads the sheet once more. None for a
    /// sheet of more than [`MAX_MERGED_SHEET_BYTES`].
    pub(super) fn merged_areas(&mut self, sheet: usize) -> Vec<MergedArea> {
        let Some(part) = self.part(sheet).ok().filter(|part| part.size <= MAX_MERGED_SHEET_BYTES) else {
            return Vec::new();
        };
        let mut scanner = Scanner::new(self.package.reader(&part));
        let mut areas = Vec::new();
        while let Ok(Some(token)) = scanner.next() {
            if let Token::Open { name: b"mergeCell", attributes, .. } = token
                && let Some(area) = attributes.get(b"ref").and_then(|range| merged_area(&range))
                && areas.len() < MAX_MERGED_AREAS
            {
                areas.push(area);
            }
        }
        areas
    }

    fn part(&mut self, sheet: usize) -> Result<Part, SheetError> {
        let path = self.book.sheets.get(sheet).map(|sheet| sheet.path.clone()).ok_or(SheetError::Damaged)?;
        let part = self.package.find(&path).ok_or(SheetError::Damaged)?;
        if part.size > MAX_SHEET_BYTES {
            return Err(SheetError::TooLarge { limit_mib: MAX_SHEET_BYTES >> 20 });
        }
        Ok(part)
    }
}

fn read_strings(package: &mut Package, path: Option<&str>) -> Result<SharedStrings, SheetError> {
    let Some(part) = path.and_then(|path| package.find(path)) else { return Ok(SharedStrings::default()) };
    SharedStrings::read(package.reader(&part), part.size)
}

/// Builds rows from batches and visits them; returns false when the visitor stopped.
fn visit_rows(
    (batches, recycle_sender): (Receiver<Batch>, Sender<Batch>),
    (strings, styles): (Result<&SharedStrings, SheetError>, &Styles),
    date1904: bool,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<bool, SheetError> {
    for batch in batches {
        let mut row = Row { number: 0, cells: Vec::new(), date1904, is_hidden: false, is_cut: false };
        for raw in batch.rows() {
            row.cells.clear();
            (row.number, row.is_hidden, row.is_cut) = (raw.number, raw.is_hidden, raw.is_cut);
            for (column, value) in raw.cells {
                let cell = match value {
                    Value::Text(text) => Cell::of_text(text),
                    Value::Shared(index) => match strings.as_ref().map_err(|error| (*error).clone())?.get(index) {
                        Some(text) => Cell::of_text(text),
                        None => Cell::Error(format!("공유 문자열 {index}").into()),
                    },
                    Value::Number(number, format) => match format.and_then(|index| styles.format(index)) {
                        Some(format) => Cell::Formatted(number, format),
                        None => Cell::Number(number),
                    },
                    Value::Moment(moment) => Cell::DateTime(moment),
                    Value::Bool(truth) => Cell::Bool(truth),
                    Value::Error(text) => Cell::Error(text.into()),
                };
                row.set_cell(column, cell);
            }
            if row.cells.is_empty() {
                continue;
            }
            counter.row(0)?;
            if visit(&row).is_break() {
                return Ok(false);
            }
        }
        drop(row);
        // Fails when the parsing thread has finished.
        let _ = recycle_sender.send(batch);
    }
    Ok(true)
}

/// Parses the tokens of a sheet into batches of rows.
#[expect(clippy::struct_excessive_bools, reason = "facts of a row and of the sheet that do not depend on one another")]
struct Parser<'x> {
    batch: Batch,
    counter: LimitCounter,
    styles: &'x Styles,
    date1904: bool,
    sender: SyncSender<Batch>,
    recycled: Receiver<Batch>,
    /// the visitor has stopped
    is_stopped: bool,
    /// number of the present row, and its next column
    place: (u32, usize),
    /// the row has a number of its own
    is_numbered: bool,
    /// the row has no end yet
    is_row_open: bool,
    cell: Option<OpenCell>,
    inside: Inside,
}

/// What the parser is inside of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// nothing whose text counts
    Markup,
    /// a value or text of the open cell
    Value,
    /// the phonetic reading of a text
    Phonetic,
}

/// A cell whose end has not been read.
#[derive(Clone, Copy)]
struct OpenCell {
    column: usize,
    kind: CellType,
    style: usize,
}

impl<'x> Parser<'x> {
    fn new(
        limits: Limits,
        styles: &'x Styles,
        date1904: bool,
        (sender, recycled): (SyncSender<Batch>, Receiver<Batch>),
    ) -> Self {
        Self {
            batch: Batch::default(),
            counter: LimitCounter::new(limits),
            styles,
            date1904,
            sender,
            recycled,
            is_stopped: false,
            place: (0, 0),
            is_numbered: false,
            is_row_open: false,
            cell: None,
            inside: Inside::Markup,
        }
    }

    /// Reads the sheet; true if it ends within its rows.
    fn read(&mut self, source: impl Read) -> Result<bool, SheetError> {
        let mut scanner = Scanner::new(source);
        let mut is_within_rows = false;
        while let Some(token) = scanner.next().map_err(|_| SheetError::Damaged)? {
            match token {
                Token::Open { name: b"sheetData", is_empty, .. } => is_within_rows = !is_empty,
                Token::Open { name, attributes, is_empty } => self.open(name, attributes, is_empty)?,
                Token::Close(b"c") => self.close_cell(),
                Token::Close(b"row") => self.is_row_open = false,
                Token::Close(b"v" | b"t") if self.inside == Inside::Value => self.inside = Inside::Markup,
                Token::Close(b"rPh") => self.inside = Inside::Markup,
                Token::Text(text) if self.inside == Inside::Value => self.batch.push_text(text),
                Token::Literal(text) if self.inside == Inside::Value => self.batch.push_literal(text),
                Token::Close(b"sheetData") => {
                    self.close_cell();
                    is_within_rows = false;
                    break;
                }
                _ => {}
            }
            if self.is_stopped {
                return Ok(false);
            }
        }
        self.close_cell();
        if is_within_rows && self.is_row_open {
            self.batch.cut_row();
        }
        // To the end, where the checksum is compared.
        io::copy(&mut scanner.into_source(), &mut io::sink()).map(|_| is_within_rows).map_err(|_| SheetError::Damaged)
    }

    fn open(&mut self, name: &[u8], attributes: Attributes<'_>, is_empty: bool) -> Result<(), SheetError> {
        match name {
            b"c" => {
                self.close_cell();
                self.counter.cell()?;
                self.open_cell(attributes);
                if is_empty {
                    self.cell = None;
                }
            }
            b"v" | b"t" if !is_empty && self.cell.is_some() && self.inside != Inside::Phonetic => {
                self.inside = Inside::Value;
            }
            b"rPh" if !is_empty => self.inside = Inside::Phonetic,
            b"row" => {
                self.close_cell();
                if self.batch.is_full() {
                    self.send();
                }
                let number = attributes.raw(b"r").and_then(parse_number).filter(|number| *number > 0);
                (self.is_numbered, self.is_row_open) = (number.is_some(), !is_empty);
                self.place = (number.unwrap_or(self.place.0.saturating_add(1)), 0);
                let flag = |name| attributes.get(name).is_some_and(|flag| xlsx_parts::is_true(&flag));
                let is_flat = attributes.raw(b"ht") == Some(b"0");
                self.batch.push_row(self.place.0, flag(b"hidden") || is_flat);
            }
            _ => {}
        }
        Ok(())
    }

    fn open_cell(&mut self, attributes: Attributes<'_>) {
        let (mut reference, mut kind, mut style) = (None, CellType::Number, 0);
        for (name, value) in attributes {
            match name {
                b"r" => reference = parse_reference(value),
                b"t" => kind = CellType::parse(value),
                b"s" => style = parse_number(value).map_or(usize::MAX, |number| number as usize),
                _ => {}
            }
        }
        let column = reference.map_or(self.place.1, |(column, _)| column);
        if let (false, Some((_, Some(row)))) = (self.is_numbered, reference)
            && row != self.place.0
        {
            self.place.0 = row;
            self.batch.renumber_row(row);
        }
        self.place.1 = column + 1;
        self.cell = Some(OpenCell { column, kind, style });
        self.inside = Inside::Markup;
    }

    fn close_cell(&mut self) {
        let Some(cell) = self.cell.take() else { return };
        self.inside = Inside::Markup;
        if cell.column >= self.counter.limits.columns {
            self.batch.drop_text();
            return;
        }
        let format = self.styles.format_of(cell.style);
        self.batch.push_cell(cell.column, cell.kind, format, |index| self.styles.format(index), self.date1904);
    }

    /// Sends the batch, and continues with an empty one. The visitor returns used batches: their memory is
    /// reused.
    fn send(&mut self) {
        let mut empty = self.recycled.try_recv().unwrap_or_default();
        empty.clear();
        let full = std::mem::replace(&mut self.batch, empty);
        self.is_stopped |= self.sender.send(full).is_err();
    }
}

fn parse_number(text: &[u8]) -> Option<u32> {
    if text.is_empty() || text.len() > 9 {
        return None;
    }
    text.iter().try_fold(0u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

/// Column from 0, and row if there is one, of a reference such as `AB12` or `$A$1`.
fn parse_reference(reference: &[u8]) -> Option<(usize, Option<u32>)> {
    let reference = reference.strip_prefix(b"$").unwrap_or(reference);
    let end = reference.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(reference.len());
    if !(1..=3).contains(&end) {
        return None;
    }
    let column =
        reference[..end].iter().fold(0, |column, byte| column * 26 + usize::from(byte.to_ascii_uppercase() - b'A') + 1);
    let row = reference[end..].strip_prefix(b"$").unwrap_or(&reference[end..]);
    Some((column - 1, parse_number(row)))
}

fn merged_area(range: &str) -> Option<MergedArea> {
    let (first, last) = range.split_once(':')?;
    let (first_column, first_row) = parse_reference(first.as_bytes())?;
    let (last_column, last_row) = parse_reference(last.as_bytes())?;
    Some(MergedArea { rows: (first_row?, last_row?), columns: (first_column, last_column) })
}

#[cfg(test)]
mod tests;
