//! UTF-8 with a byte order mark, so that Excel knows it; lines end as Excel ends them. Text that a
//! spreadsheet would take for a formula gets an apostrophe before it: customers write these cells.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Error, Write};

use ::csv::{Terminator, WriterBuilder};

use super::table::{COLUMNS, Cell};
use super::{ExportError, each};
use crate::districts::Districts;
use crate::orders::filter::OrderFilter;
use crate::storage::Tx;

pub(super) fn write(
    tx: &mut dyn Tx,
    filter: &OrderFilter,
    districts: &Districts,
    file: File,
) -> Result<u64, ExportError> {
    let mut out = BufWriter::new(file);
    out.write_all("\u{FEFF}".as_bytes())?;
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    table.write_record(COLUMNS.iter().map(|column| column.header)).map_err(Error::from)?;
    let orders = each(tx, filter, &mut |listed| {
        for column in COLUMNS {
            table.write_field(words((column.cell)(listed, districts)).as_bytes()).map_err(Error::from)?;
        }
        Ok(table.write_record(None::<&[u8]>).map_err(Error::from)?)
    })?;
    table.flush()?;
    Ok(orders)
}

fn words(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => Cow::Owned(format!("'{text}")),
        Cell::Text(text) => text,
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Date(date) => date.map(|date| Cow::Owned(date.to_string())).unwrap_or_default(),
        Cell::At(moment) => moment.map(|moment| Cow::Owned(moment.to_string())).unwrap_or_default(),
    }
}
