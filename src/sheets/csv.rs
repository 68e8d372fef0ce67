//! Rows of comma, semicolon or tab separated text (RFC 4180, and what people do to it).
//!
//! Every line of a file counts. A quote that is never closed, or is closed within another row, would swallow
//! the lines behind it: it is taken for a letter. A line of separators alone is a blank row.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::cell::{Cell, Row};
use super::error::SheetError;
use super::limits::{HEADER_SEARCH_ROWS, LimitCounter, MAX_LINE_BYTES, truncate};

/// Calls `visit` with each row of `text`. Row numbers are those of Excel: a quoted line break starts no new
/// row, an empty line does. True if the last line has no end and lacks columns: the file was cut off.
///
/// # Errors
/// The text exceeds the limits.
pub(super) fn rows(
    text: &str,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<bool, SheetError> {
    let max_fields = counter.max_columns();
    let mut reader =
        Reader { text, separator: separator(text), max_fields, at: 0, most_fields: 0, widest: 0, shorter: 0 };
    let mut number = 0u32;
    let mut is_cut_off = false;
    while let Some(record) = reader.record() {
        number = number.saturating_add(1);
        if record.is_too_long {
            return Err(SheetError::LineTooLong { row: number });
        }
        is_cut_off = record.is_cut;
        let cell = |field: Cow<'_, str>| Cell::of_untyped(truncate(&field).to_owned());
        let cells: Vec<Cell<'_>> = record.fields.into_iter().map(cell).collect();
        if cells.iter().any(|cell| *cell != Cell::Empty) {
            counter.row(cells.len())?;
        } else if record.count < 2 {
            continue;
        }
        let row = Row { number, cells, date1904: false, is_hidden: false, is_cut: is_cut_off };
        if visit(&row).is_break() {
            return Ok(false);
        }
    }
    Ok(is_cut_off)
}

struct Reader<'t> {
    text: &'t str,
    separator: u8,
    /// fields beyond are counted and not kept
    max_fields: usize,
    at: usize,
    /// fields of the longest record so far: the width of the table
    most_fields: usize,
    /// records of that width
    widest: usize,
    /// shorter records below the first one of that width
    shorter: usize,
}

/// A parsed record and the offset behind it.
#[derive(Default)]
struct Record<'t> {
    fields: Vec<Cow<'t, str>>,
    /// number of fields, also of those that are not kept
    count: usize,
    end: usize,
    has_line_break: bool,
    /// it has more than [`MAX_LINE_BYTES`] and was not read to its end
    is_too_long: bool,
    /// the text ends before the last columns
    is_cut: bool,
}

impl<'t> Reader<'t> {
    /// The next record; none at the end.
    fn record(&mut self) -> Option<Record<'t>> {
        if self.at >= self.text.len() {
            return None;
        }
        let mut record = self.parse(true);
        if record.has_line_break && (self.most_fields > 0 && record.count != self.most_fields || record.is_too_long) {
            // The quote before the line break may be one that nobody closed.
            let single = self.parse(false);
            if single.count == self.most_fields || record.count > self.most_fields || record.is_too_long {
                record = single;
            }
        }
        self.at = record.end;
        // Some programs leave empty fields out at the end of a line: their lines are of many widths.
        let has_no_end = record.end > self.text.len();
        let is_even = self.widest > 1 && self.shorter == 0;
        record.is_cut = has_no_end && is_even && (2..self.most_fields).contains(&record.count);
        match record.count.cmp(&self.most_fields) {
            Ordering::Less => self.shorter += usize::from(record.count > 1),
            Ordering::Equal => self.widest += 1,
            Ordering::Greater => (self.most_fields, self.widest, self.shorter) = (record.count, 1, 0),
        }
        Some(record)
    }

    /// Parses the record at the current offset; `allows_breaks` of lines within quotes.
    fn parse(&self, allows_breaks: bool) -> Record<'t> {
        let bytes = self.text.as_bytes();
        let mut record = Record { end: self.at, ..Record::default() };
        loop {
            let start = record.end;
            let (field, end) = match self.quoted(start) {
                Some((field, end)) if allows_breaks || !self.text[start..end].contains('\n') => {
                    record.has_line_break |= field.contains('\n');
                    (field, end)
                }
                _ => {
                    let rest = &bytes[start..];
                    let end = rest.iter().position(|&byte| byte == self.separator || byte == b'\n' || byte == b'\r');
                    let end = end.map_or(bytes.len(), |end| start + end);
                    (self.text[start..end].into(), end)
                }
            };
            if end - self.at > MAX_LINE_BYTES {
                record.is_too_long = true;
                return record;
            }
            record.count += 1;
            if record.fields.len() < self.max_fields {
                record.fields.push(field);
            }
            match bytes.get(end) {
                Some(b'\r') if bytes.get(end + 1) == Some(&b'\n') => record.end = end + 2,
                Some(b'\r' | b'\n') | None => record.end = end + 1,
                Some(_) => {
                    record.end = end + 1;
                    continue;
                }
            }
            return record;
        }
    }

    /// A quoted field and the offset behind it: `"…"`, or Excel's guard of text `="…"`. None if the quotes are
    /// not closed before a separator or the end of a line.
    fn quoted(&self, start: usize) -> Option<(Cow<'t, str>, usize)> {
        // A quote that is not closed within the longest line is not looked for further on.
        let bytes = self.text.as_bytes();
        let bytes = &bytes[..bytes.len().min(self.at + 2 * MAX_LINE_BYTES)];
        let open = if bytes.get(start) == Some(&b'=') { start + 1 } else { start };
        if bytes.get(open) != Some(&b'"') {
            return None;
        }
        let (mut at, mut has_quotes) = (open + 1, false);
        loop {
            at += memchr::memchr(b'"', bytes.get(at..)?)?;
            if bytes.get(at + 1) != Some(&b'"') {
                break;
            }
            has_quotes = true;
            at += 2;
        }
        let field = &self.text[open + 1..at];
        let spaces = bytes[at + 1..].iter().take_while(|byte| **byte == b' ').count();
        let end = at + 1 + spaces;
        if bytes.get(end).is_some_and(|&byte| byte != self.separator && byte != b'\n' && byte != b'\r') {
            return None;
        }
        Some((if has_quotes { field.replace("\"\"", "\"").into() } else { field.into() }, end))
    }
}

/// The separator of the first lines: the one that most often divides a line into equally many fields. Lines of a title above
/// the table have none. A comma if there is none at all.
fn separator(text: &str) -> u8 {
    let lines = || text.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).take(HEADER_SEARCH_ROWS as usize);
    let evidence = |separator: u8| {
        let counts: Vec<usize> = lines().map(|line| memchr::memchr_iter(separator, line.as_bytes()).count()).collect();
        let same = |count: usize| counts.iter().filter(|other| **other == count).count();
        counts.iter().map(|&count| (count * same(count), same(count))).max().unwrap_or_default()
    };
    [b';', b'\t', b','].into_iter().max_by_key(|&separator| evidence(separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::{Limits, values};

    fn read(text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        rows(text, &mut LimitCounter::new(Limits::default()), &mut |row| {
            let cells: Vec<_> = row.cells.iter().map(|cell| values::text(cell).into_owned()).collect();
            seen.push(format!("{}:{}", row.number, cells.join("|")));
            ControlFlow::Continue(())
        })
        .expect("within the limits");
        seen
    }

    #[test]
    fn quotes_hold_separators_line_breaks_and_quotes() {
        assert_eq!(read("a,\"b,c\",d\r\n\"1\r\n2\",\"x\"\"y\",\n"), ["1:a|b,c|d", "2:1\r\n2|x\"y|"]);
        assert_eq!(read("a;b\n\n\n1;2"), ["1:a|b", "4:1|2"]);
        assert_eq!(read("a,b\n\"1\" ,2"), ["1:a|b", "2:1|2"]);
    }

    #[test]
    fn open_quote_swallows_no_line() {
        assert_eq!(read("a,b,c\n1,\"x,3\n4,5,6\n"), ["1:a|b|c", "2:1|\"x|3", "3:4|5|6"]);
        assert_eq!(read("a,b,c\n1,\"x,3\n4,\"5,5\",6\n"), ["1:a|b|c", "2:1|\"x|3", "3:4|5,5|6"]);
        assert_eq!(read("a,b,c\n1,2,\"x\n4,5,\"6\"\n"), ["1:a|b|c", "2:1|2|\"x", "3:4|5|6"]);
        assert_eq!(read("a,b\n1,\"x \"y\" z\"\n3,4"), ["1:a|b", "2:1|\"x \"y\" z\"", "3:3|4"]);
    }

    #[test]
    fn line_of_a_megabyte_is_refused_and_no_more_columns_are_kept_than_allowed() {
        let mut widths = Vec::new();
        let mut widths_of = |text: &str| {
            let result = rows(text, &mut LimitCounter::new(Limits::default()), &mut |row| {
                widths.push(row.cells.len());
                ControlFlow::Continue(())
            });
            (std::mem::take(&mut widths), result)
        };
        assert_eq!(widths_of(&format!("a{}\nb,c\n", ",".repeat(1000))), (vec![300, 2], Ok(false)));
        let too_long = |row| Err(SheetError::LineTooLong { row });
        assert_eq!(widths_of(&format!("a,b\n{}", ",".repeat(30 << 20))), (vec![2], too_long(2)));
        assert_eq!(widths_of(&format!("a,b\n1,{}", "x".repeat(30 << 20))), (vec![2], too_long(2)));
        let open_quote = format!("a,b\n1,\"x\n{}5,6\"\n", "3,4\n".repeat(1 << 18));
        assert_eq!(
            rows(&open_quote, &mut LimitCounter::new(Limits { rows: 1 << 20, ..Limits::default() }), &mut |_| {
                ControlFlow::Continue(())
            }),
            Ok(false),
            "a quote that would swallow a megabyte is a letter"
        );
    }

    #[test]
    fn line_of_separators_is_a_blank_row_and_counts_against_no_limit() {
        assert_eq!(read("a,b\n,\n\n1,2\n"), ["1:a|b", "2:|", "4:1|2"]);
        let text = format!("a,b\n{}1,2\n", ",\n".repeat(60_000));
        let mut counter = LimitCounter::new(Limits::default());
        assert_eq!(rows(&text, &mut counter, &mut |_| ControlFlow::Continue(())), Ok(false));
    }

    #[test]
    fn last_line_that_ends_before_its_columns_was_cut_off() {
        let cut = |text: &str| {
            let mut last = false;
            let read = rows(text, &mut LimitCounter::new(Limits::default()), &mut |row| {
                last = row.is_cut;
                ControlFlow::Continue(())
            });
            assert_eq!(read, Ok(last));
            last
        };
        assert!(cut("a,b,c\n1,2,3\n4,5") && cut("a,b,c\n1,2,3\n4,\"5"));
        assert!(!cut("a,b,c\n1,2,3\n4,5\n"), "the line has an end");
        assert!(!cut("a,b,c\n1,2,3\n1,2\n1,2,3\n4,5"), "the program leaves out empty fields");
        assert!(!cut("a,b,c\n1,2,3\n4,5,6") && !cut("a,b,c\n4,5") && !cut("a,b,c\n1,2,3\n합계 1건"));
    }

    #[test]
    fn guards_of_text_are_removed() {
        assert_eq!(read("a,b\n=\"0101\",\"=\"\"04524\"\"\"\n"), ["1:a|b", "2:0101|04524"]);
        assert_eq!(read("a,b\n=\"0,1\",=1+1\n"), ["1:a|b", "2:0,1|=1+1"]);
    }

    #[test]
    fn separator_is_found_below_a_title_without_one() {
        let text = "주문, 발송관리\n\n조회기간 2026-11-27\n\n\n번호\t이름\t주소\n1\t김\t서울, 중구, 1\n";
        assert_eq!(
            read(text),
            ["1:주문, 발송관리", "3:조회기간 2026-11-27", "6:번호|이름|주소", "7:1|김|서울, 중구, 1"]
        );
        assert_eq!(read("a;b\r1,5,5;2\r2;3"), ["1:a|b", "2:1,5,5|2", "3:2|3"]);
        assert_eq!(read("한 열\n1"), ["1:한 열", "2:1"]);
    }

    #[test]
    fn errors_of_a_spreadsheet_are_no_text() {
        let mut errors = Vec::new();
        rows("#N/A,#,#REF!,########,# 3,a#\n", &mut LimitCounter::new(Limits::default()), &mut |row| {
            errors.extend(row.cells.iter().map(|cell| matches!(cell, Cell::Error(_))));
            ControlFlow::Continue(())
        })
        .expect("within the limits");
        assert_eq!(errors, [true, false, true, true, false, false]);
    }
}
