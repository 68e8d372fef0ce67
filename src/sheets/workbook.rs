//! An opened file and its rows, whatever its container.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use calamine::{DataRef, Xlsx};
use chrono::{Duration, NaiveDate, NaiveDateTime};

use super::container::{self, Container};
use super::package::{self, Allowance, Package};
use super::refusal::Refusal;
use super::text;
use super::xls::Xls;

/// Excel's longest text, in characters (UTF-16 units, but nobody writes a description of emoji).
const MAX_TEXT: usize = 32_767;

/// What a file may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// bytes of the file
    pub bytes: usize,
    /// bytes of an .xls, which is held in memory
    pub xls_bytes: usize,
    /// rows of a sheet that hold something
    pub rows: u32,
    /// columns; cells beyond are ignored
    pub columns: usize,
    /// cells of a sheet
    pub cells: u64,
}

impl Default for Limits {
    /// A month of a large shop: 50,000 rows of 300 columns in 32 MiB.
    fn default() -> Self {
        Self { bytes: 32 << 20, xls_bytes: 20 << 20, rows: 50_000, columns: 300, cells: 6_000_000 }
    }
}

/// A cell as it stands in the file. Dates are Korean wall-clock time, rounded to the second.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Cell<'a> {
    /// nothing
    #[default]
    Empty,
    /// text, not yet trimmed
    Text(Cow<'a, str>),
    /// a number
    Number(f64),
    /// a number shown as a date
    DateTime(NaiveDateTime),
    /// TRUE, FALSE
    Bool(bool),
    /// `#N/A` and the like: as good as nothing
    Error,
}

/// A row that holds something.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Excel's number, from 1
    pub number: u32,
    /// from column A; may be shorter than the header
    pub cells: Vec<Cell<'a>>,
    /// day numbers count from 1904
    pub date1904: bool,
}

impl<'a> Row<'a> {
    /// The cell of a column, from 0.
    pub fn cell(&self, column: usize) -> &Cell<'a> {
        self.cells.get(column).unwrap_or(&Cell::Empty)
    }

    /// Nothing but empty cells and white space.
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(Cell::is_blank)
    }
}

impl Cell<'_> {
    /// Nothing but white space, or an error.
    pub fn is_blank(&self) -> bool {
        match self {
            Cell::Empty | Cell::Error => true,
            Cell::Text(text) => text.chars().all(char::is_whitespace),
            _ => false,
        }
    }

    /// The moment of an Excel day number, rounded to the second; nothing outside the calendar.
    pub fn date_of_serial(serial: f64, date1904: bool) -> Option<NaiveDateTime> {
        const DAY: f64 = 86_400.0;
        if !(0.0..3_000_000.0).contains(&serial) {
            return None;
        }
        let zero = if date1904 { NaiveDate::from_ymd_opt(1904, 1, 1) } else { NaiveDate::from_ymd_opt(1899, 12, 30) }?;
        #[expect(clippy::cast_possible_truncation, reason = "bounded above")]
        let seconds = (serial * DAY).round() as i64;
        zero.and_hms_opt(0, 0, 0)?.checked_add_signed(Duration::seconds(seconds))
    }
}

/// Counts what a sheet costs.
pub(super) struct Counter {
    limits: Limits,
    rows: u32,
    cells: u64,
}

impl Counter {
    fn new(limits: Limits) -> Self {
        Self { limits, rows: 0, cells: 0 }
    }

    pub(super) fn max_columns(&self) -> usize {
        self.limits.columns
    }

    /// One more cell, used or not.
    pub(super) fn cell(&mut self) -> Result<(), Refusal> {
        self.cells += 1;
        if self.cells > self.limits.cells { Err(Refusal::TooManyCells) } else { Ok(()) }
    }

    /// One more row with `cells` cells. The header and what stands above it come on top of the limit.
    pub(super) fn row(&mut self, cells: usize) -> Result<(), Refusal> {
        self.rows += 1;
        self.cells += cells as u64;
        if self.cells > self.limits.cells {
            return Err(Refusal::TooManyCells);
        }
        if self.rows > self.limits.rows.saturating_add(HEAD_ROWS) {
            return Err(Refusal::TooManyRows { limit: self.limits.rows });
        }
        Ok(())
    }
}

/// Rows in which a header is looked for.
pub(super) const HEAD_ROWS: u32 = 12;

/// The first rows of a sheet, as text.
pub(super) struct Head {
    pub(super) sheet: usize,
    pub(super) rows: Vec<(u32, Vec<String>)>,
}

enum Content {
    Xlsx { xlsx: Box<Xlsx<Package>>, allowance: Allowance },
    Xls(Box<Xls>),
    Csv(String),
}

/// An opened file.
pub struct Workbook {
    content: Content,
    sheets: Vec<String>,
    date1904: bool,
    limits: Limits,
}

/// Opens a file of any kind. Blocks for 0.1 s and more when it is encrypted.
///
/// # Errors
/// What the file is instead, and what to do.
pub fn open(bytes: impl Into<Arc<Vec<u8>>>, password: Option<&str>, limits: Limits) -> Result<Workbook, Refusal> {
    match container::recognise(bytes.into(), password, limits.bytes)? {
        Container::Zip(bytes) => {
            let opened = package::open(bytes)?;
            Ok(Workbook {
                content: Content::Xlsx { xlsx: Box::new(opened.xlsx), allowance: opened.allowance },
                sheets: opened.sheets,
                date1904: opened.date1904,
                limits,
            })
        }
        Container::Biff(stream) => {
            if stream.len() > limits.xls_bytes {
                return Err(Refusal::TooLarge { limit_mib: (limits.xls_bytes >> 20) as u64 });
            }
            let xls = Xls::open(stream)?;
            Ok(Workbook {
                sheets: xls.sheet_names(),
                date1904: xls.date1904(),
                content: Content::Xls(Box::new(xls)),
                limits,
            })
        }
        Container::Csv(text) => {
            Ok(Workbook { content: Content::Csv(text), sheets: vec![String::from("CSV")], date1904: false, limits })
        }
    }
}

impl Workbook {
    /// Names of the sheets, in order.
    pub fn sheets(&self) -> &[String] {
        &self.sheets
    }

    /// Whether it is text with separators.
    pub fn is_csv(&self) -> bool {
        matches!(self.content, Content::Csv(_))
    }

    /// Hands out the rows of a sheet that hold something, in the order of the file.
    ///
    /// # Errors
    /// Damaged, or more than the limits allow; rows may have been handed out before.
    pub fn rows(&mut self, sheet: usize, visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>) -> Result<(), Refusal> {
        let mut counter = Counter::new(self.limits);
        match &mut self.content {
            Content::Xlsx { xlsx, allowance } => xlsx_rows(xlsx, allowance, sheet, self.date1904, &mut counter, visit),
            Content::Xls(xls) => xls.rows(sheet, &mut counter, visit),
            Content::Csv(text) => text::rows(text, &mut counter, visit),
        }
    }

    /// The first rows of every sheet, and why a sheet could not be read to its twelfth row: another
    /// one may be what is wanted.
    pub(super) fn heads(&mut self) -> (Vec<Head>, Option<Refusal>) {
        let mut failure = None;
        let mut heads = Vec::new();
        for sheet in 0..self.sheets.len() {
            let mut rows = Vec::new();
            let read = self.rows(sheet, &mut |row| {
                rows.push((row.number, row.cells.iter().map(|cell| super::values::text(cell).into_owned()).collect()));
                if rows.len() >= HEAD_ROWS as usize { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            failure = failure.or(read.err());
            heads.push(Head { sheet, rows });
        }
        (heads, failure)
    }
}

/// What calamine says, or a refusal when it fails: overflows and slices of broken files are panics
/// there. Nothing of it is used after a panic.
pub(super) fn guarded<T, E>(read: impl FnOnce() -> Result<T, E>) -> Result<T, Refusal> {
    catch_unwind(AssertUnwindSafe(read)).ok().and_then(Result::ok).ok_or(Refusal::Damaged)
}

/// Bytes of cells that are handed over at once.
const BATCH: usize = 128 << 10;

/// A cell as calamine reads it.
type Read<'x> = calamine::Cell<DataRef<'x>>;

/// Reads the cells of a sheet on a thread of its own, while the rows before are visited here.
fn xlsx_rows(
    xlsx: &mut Xlsx<Package>,
    allowance: &Allowance,
    sheet: usize,
    date1904: bool,
    counter: &mut Counter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), Refusal> {
    let (hand_over, batches) = sync_channel(1);
    let (give_back, used) = channel();
    let limits = counter.limits;
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut batch = Batch { cells: Vec::new(), bytes: 0 };
            let read = read_cells(xlsx, allowance, sheet, limits, &mut batch, (&hand_over, &used));
            // What was read before it broke off is seen; nobody waits for it when the visit is over.
            let _ = hand_over.send(batch.cells);
            read
        });
        let visited = visit_rows((batches, give_back), date1904, counter, visit);
        let read = reading.join().unwrap_or(Err(Refusal::Damaged));
        if visited? { read } else { Ok(()) }
    })
}

/// Cells that are handed over together.
struct Batch<'x> {
    cells: Vec<Read<'x>>,
    bytes: usize,
}

fn read_cells<'x>(
    xlsx: &'x mut Xlsx<Package>,
    allowance: &Allowance,
    sheet: usize,
    limits: Limits,
    batch: &mut Batch<'x>,
    (hand_over, used): (&SyncSender<Vec<Read<'x>>>, &Receiver<Vec<Read<'x>>>),
) -> Result<(), Refusal> {
    let mut counter = Counter::new(limits);
    allowance.renew();
    let mut reader = guarded(|| xlsx.worksheet_cells_reader(&sheet.to_string()))?;
    // One guard around all cells: a cell that is handed through one by itself takes as long again.
    guarded(|| {
        while let Some(cell) = reader.next_cell()? {
            allowance.renew();
            if let Err(refusal) = counter.cell() {
                return Ok(Err(refusal));
            }
            if cell.get_position().1 as usize >= limits.columns {
                continue;
            }
            if let DataRef::String(text) = cell.get_value() {
                batch.bytes += text.len();
            }
            batch.bytes += size_of::<Read<'_>>();
            batch.cells.push(cell);
            if batch.bytes >= BATCH {
                // Memory that went around and came back is warm; what a cell held is freed where it was made.
                let mut room = used.try_recv().unwrap_or_default();
                room.clear();
                batch.bytes = 0;
                if hand_over.send(std::mem::replace(&mut batch.cells, room)).is_err() {
                    break;
                }
            }
        }
        Ok::<_, calamine::XlsxError>(Ok(()))
    })?
}

/// Puts cells together into rows. Tells whether all of them were visited.
fn visit_rows<'x>(
    (batches, give_back): (Receiver<Vec<Read<'x>>>, Sender<Vec<Read<'x>>>),
    date1904: bool,
    counter: &mut Counter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<bool, Refusal> {
    let mut begun = Row { number: 0, cells: Vec::new(), date1904 };
    for batch in batches {
        let mut row = begun;
        for cell in &batch {
            let (number, column) = cell.get_position();
            let number = number.saturating_add(1);
            if number != row.number {
                if !row.cells.is_empty() {
                    counter.row(0)?;
                    if visit(&row).is_break() {
                        return Ok(false);
                    }
                    row.cells.clear();
                }
                row.number = number;
            }
            row.put(column as usize, value_of(cell.get_value(), date1904));
        }
        begun = row.into_owned();
        // The reading may have come to its end.
        let _ = give_back.send(batch);
    }
    if !begun.cells.is_empty() {
        counter.row(0)?;
        let _ = visit(&begun);
    }
    Ok(true)
}

impl<'a> Row<'a> {
    fn put(&mut self, column: usize, value: Cell<'a>) {
        if value == Cell::Empty {
            return;
        }
        if column >= self.cells.len() {
            self.cells.resize(column + 1, Cell::Empty);
        }
        if let Some(place) = self.cells.get_mut(column) {
            *place = value;
        }
    }

    /// The row when the cells it was read from have gone.
    fn into_owned(self) -> Row<'static> {
        let owned = |cell| match cell {
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
            Cell::Empty => Cell::Empty,
            Cell::Number(number) => Cell::Number(number),
            Cell::DateTime(moment) => Cell::DateTime(moment),
            Cell::Bool(truth) => Cell::Bool(truth),
            Cell::Error => Cell::Error,
        };
        Row { number: self.number, cells: self.cells.into_iter().map(owned).collect(), date1904: self.date1904 }
    }
}

fn value_of<'a>(value: &'a DataRef<'_>, date1904: bool) -> Cell<'a> {
    match value {
        DataRef::SharedString(text) => Cell::Text(cut(text).into()),
        DataRef::String(text) if text.is_empty() => Cell::Empty,
        DataRef::String(text) => Cell::Text(cut(text).into()),
        DataRef::Float(number) => Cell::Number(*number),
        #[expect(clippy::cast_precision_loss, reason = "Excel numbers are doubles")]
        DataRef::Int(number) => Cell::Number(*number as f64),
        DataRef::Bool(truth) => Cell::Bool(*truth),
        DataRef::DateTime(date) => {
            Cell::date_of_serial(date.as_f64(), date1904).map_or(Cell::Number(date.as_f64()), Cell::DateTime)
        }
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::Text(text.into()),
        DataRef::Error(_) => Cell::Error,
        DataRef::Empty => Cell::Empty,
    }
}

/// At most [`MAX_TEXT`] bytes of `text`, or characters where they are wider.
pub(super) fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT {
        return text;
    }
    text.char_indices().nth(MAX_TEXT).map_or(text, |(end, _)| &text[..end])
}
