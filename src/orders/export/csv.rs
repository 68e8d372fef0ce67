//! CSV in UTF-8 with a byte order mark and CRLF, as Excel expects it. A text that a spreadsheet would read as a
//! formula is prefixed with an apostrophe, as customers write these cells.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Error, Write};

use ::csv::{Terminator, WriterBuilder};

use super::table::OrderLine;
use super::{ExportError, ExportKind, Orders, each_line};
use crate::orders::fields::Cell;
use crate::storage::Tx;

pub(super) fn write(tx: &mut dyn Tx, kind: ExportKind, orders: &Orders<'_>, file: File) -> Result<(), ExportError> {
    let columns = kind.table().columns;
    let mut out = BufWriter::new(file);
    out.write_all("\u{FEFF}".as_bytes())?;
    let mut table = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
    table.write_record(columns.iter().map(|column| column.header.as_ref())).map_err(Error::from)?;
    let mut number = 0;
    each_line(tx, kind, orders.ids, orders, &mut |listed| {
        number += 1;
        let Some(line) = OrderLine::new(listed, orders, number) else { return Ok(()) };
        for column in columns {
            table.write_field(format_cell(column.cell(&line)).as_bytes()).map_err(Error::from)?;
        }
        Ok(table.write_record(None::<&[u8]>).map_err(Error::from)?)
    })?;
    Ok(table.flush()?)
}

/// Whether a spreadsheet may take a text for a formula. Full-width signs count, and so does a sign after an invisible
/// character, as a program may normalise both.
fn is_formula(text: &str) -> bool {
    let visible = text.trim_start_matches(['\u{FEFF}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}']);
    text.starts_with(['\t', '\r', '\n']) || visible.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠'])
}

/// Text of a cell.
pub(crate) fn format_cell(cell: Cell<'_>) -> Cow<'_, str> {
    match cell {
        Cell::Text(text) if is_formula(&text) => Cow::Owned(format!("'{text}")),
        Cell::Text(text) => text,
        Cell::Number(number) => Cow::Owned(number.to_string()),
        Cell::Date(date) => date.map(|date| Cow::Owned(date.to_string())).unwrap_or_default(),
        Cell::At(moment) => moment.map(|moment| Cow::Owned(moment.to_string())).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_a_spreadsheet_may_take_for_a_formula_gets_an_apostrophe() {
        let written = |text: &str| format_cell(Cell::Text(text.to_owned().into())).into_owned();
        for text in [
            "=1+1",
            "+82",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "＝1+1",
            "＋1",
            "－1",
            "＠a",
            "\u{200B}=1",
            "\u{FEFF}\u{2060}＝1",
        ] {
            assert_eq!(written(text), format!("'{text}"), "{}", text.escape_unicode());
        }
        for text in ["", "문 앞", "010-0000-0001", "a=b", "\u{200B}문 앞"] {
            assert_eq!(written(text), text);
        }
    }
}
