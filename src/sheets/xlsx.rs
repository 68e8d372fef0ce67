//! Rows of an .xlsx, parsed by calamine from an [`xlsx_package`](super::xlsx_package).

use std::ops::ControlFlow;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use calamine::{DataRef, Xlsx};

use super::cell::{Cell, Row};
use super::error::SheetError;
use super::limits::{LimitCounter, Limits, catch_parser_panic, truncate};
use super::xlsx_package::{InflateBudget, Package};

/// Bytes of a batch of cells that is sent to the visiting thread.
const BATCH_BYTES: usize = 128 << 10;

/// A cell as calamine reads it.
type RawCell<'x> = calamine::Cell<DataRef<'x>>;

/// Calls `visit` with each row of a sheet. The cells are parsed on a separate thread, in parallel with the
/// visits.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits.
pub(super) fn rows(
    xlsx: &mut Xlsx<Package>,
    budget: &InflateBudget,
    sheet: usize,
    date1904: bool,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), SheetError> {
    let (batch_sender, batches) = sync_channel(1);
    let (recycle_sender, recycled) = channel();
    let limits = counter.limits;
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || {
            let mut batch = Batch { cells: Vec::new(), bytes: 0 };
            let read = read_cells(xlsx, budget, sheet, limits, &mut batch, (&batch_sender, &recycled));
            // Also after an error, the rows before it are visited. Sending fails when the visitor has stopped.
            let _ = batch_sender.send(batch.cells);
            read
        });
        let visited = visit_rows((batches, recycle_sender), date1904, counter, visit);
        let read = reading.join().unwrap_or(Err(SheetError::Damaged));
        if visited? { read } else { Ok(()) }
    })
}

/// Cells that are sent together.
struct Batch<'x> {
    cells: Vec<RawCell<'x>>,
    bytes: usize,
}

/// Parses all cells of a sheet and sends them in batches; the last batch is left in `batch`.
fn read_cells<'x>(
    xlsx: &'x mut Xlsx<Package>,
    budget: &InflateBudget,
    sheet: usize,
    limits: Limits,
    batch: &mut Batch<'x>,
    (batch_sender, recycled): (&SyncSender<Vec<RawCell<'x>>>, &Receiver<Vec<RawCell<'x>>>),
) -> Result<(), SheetError> {
    let mut counter = LimitCounter::new(limits);
    budget.reset();
    let mut reader = catch_parser_panic(|| xlsx.worksheet_cells_reader(&sheet.to_string()))?;
    // One guard for the whole loop: a guard per cell would double the time.
    catch_parser_panic(|| {
        while let Some(cell) = reader.next_cell()? {
            budget.reset();
            if let Err(refusal) = counter.cell() {
                return Ok(Err(refusal));
            }
            if cell.get_position().1 as usize >= limits.columns {
                continue;
            }
            if let DataRef::String(text) = cell.get_value() {
                batch.bytes += text.len();
            }
            batch.bytes += size_of::<RawCell<'_>>();
            batch.cells.push(cell);
            if batch.bytes >= BATCH_BYTES {
                // The visitor returns used batches: their memory is reused, and the cells are freed by the
                // thread that allocated them.
                let mut empty = recycled.try_recv().unwrap_or_default();
                empty.clear();
                batch.bytes = 0;
                if batch_sender.send(std::mem::replace(&mut batch.cells, empty)).is_err() {
                    break;
                }
            }
        }
        Ok::<_, calamine::XlsxError>(Ok(()))
    })?
}

/// Assembles cells into rows and visits them; returns false when the visitor stopped.
fn visit_rows<'x>(
    (batches, recycle_sender): (Receiver<Vec<RawCell<'x>>>, Sender<Vec<RawCell<'x>>>),
    date1904: bool,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<bool, SheetError> {
    let mut unfinished = Row { number: 0, cells: Vec::new(), date1904 };
    for batch in batches {
        let mut row = unfinished;
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
            row.set_cell(column as usize, value_of(cell.get_value(), date1904));
        }
        unfinished = row.into_owned();
        // Fails when the parsing thread has finished.
        let _ = recycle_sender.send(batch);
    }
    if !unfinished.cells.is_empty() {
        counter.row(0)?;
        let _ = visit(&unfinished);
    }
    Ok(true)
}

fn value_of<'a>(value: &'a DataRef<'_>, date1904: bool) -> Cell<'a> {
    match value {
        DataRef::SharedString(text) => Cell::Text(truncate(text).into()),
        DataRef::String(text) if text.is_empty() => Cell::Empty,
        DataRef::String(text) => Cell::Text(truncate(text).into()),
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
