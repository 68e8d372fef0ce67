//! Rows of comma, semicolon or tab separated text.

use std::ops::ControlFlow;

use super::cell::{Cell, Row};
use super::error::SheetError;
use super::limits::LimitCounter;

/// Calls `visit` with each row of `text`. Row numbers are those of Excel: a quoted line break starts no new
/// row, an empty line does.
///
/// # Errors
/// The text is no CSV, or exceeds the limits.
pub(super) fn rows(
    text: &str,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), SheetError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(separator(text))
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut number = 0u64;
    loop {
        let line = reader.position().line();
        if !reader.read_record(&mut record).map_err(|_| SheetError::Damaged)? {
            break;
        }
        let breaks = record.iter().flat_map(str::bytes).filter(|&byte| byte == b'\n').count() as u64;
        let unfinished = u64::from(reader.position().byte() == text.len() as u64 && !text.ends_with('\n'));
        number += (reader.position().line() + unfinished).saturating_sub(line + breaks).max(1);
        let cells: Vec<Cell<'_>> = record
            .iter()
            .take(counter.max_columns())
            .map(|field| if field.is_empty() { Cell::Empty } else { Cell::Text(field.into()) })
            .collect();
        counter.row(cells.len())?;
        let row = Row { number: u32::try_from(number).unwrap_or(u32::MAX), cells, date1904: false, is_hidden: false };
        if visit(&row).is_break() {
            break;
        }
    }
    Ok(())
}

/// The separator that is most frequent in the first lines; a comma if there is none.
fn separator(text: &str) -> u8 {
    let head: String = text.lines().take(3).collect();
    let count = |separator: char| head.matches(separator).count();
    [(',', b','), ('\t', b'\t'), (';', b';')]
        .into_iter()
        .max_by_key(|&(separator, _)| (count(separator), separator == ','))
        .map_or(b',', |(_, byte)| byte)
}
