//! Rows of comma, semicolon or tab separated text (RFC 4180, and what people do to it).
//!
//! Every line of a file counts. A quote that is never closed, or is closed within another row, would swallow
//! the lines behind it: it is taken for a letter.

use std::borrow::Cow;
use std::ops::ControlFlow;

use super::cell::{Cell, Row};
use super::error::SheetError;
use super::limits::{HEADER_SEARCH_ROWS, LimitCounter, truncate};

/// Calls `visit` with each row of `text`. Row numbers are those of Excel: a quoted line break starts no new
/// row, an empty line does.
///
/// # Errors
/// The text exceeds the limits.
pub(super) fn rows(
    text: &str,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<(), SheetError> {
    let mut reader = Reader { text, separator: separator(text), at: 0, most_fields: 0 };
    let mut number = 0u32;
    while let Some(record) = reader.record() {
        number = number.saturating_add(1);
        let cell = |field: Cow<'_, str>| Cell::of_untyped(truncate(&field).to_owned());
        let cells: Vec<Cell<'_>> = record.into_iter().take(counter.max_columns()).map(cell).collect();
        if cells.iter().all(|cell| *cell == Cell::Empty) {
            continue;
        }
        counter.row(cells.len())?;
        let row = Row { number, cells, date1904: false, is_hidden: false };
        if visit(&row).is_break() {
            break;
        }
    }
    Ok(())
}

struct Reader<'t> {
    text: &'t str,
    separator: u8,
    at: usize,
    /// fields of the longest record so far: the width of the table
    most_fields: usize,
}

/// A parsed record and the offset behind it.
struct Record<'t> {
    fields: Vec<Cow<'t, str>>,
    end: usize,
    has_line_break: bool,
}

impl<'t> Reader<'t> {
    /// The next record; none at the end.
    fn record(&mut self) -> Option<Vec<Cow<'t, str>>> {
        if self.at >= self.text.len() {
            return None;
        }
        let mut record = self.parse(true);
        if record.has_line_break && self.most_fields > 0 && record.fields.len() != self.most_fields {
            // The quote before the line break may be one that nobody closed.
            let single = self.parse(false);
            if single.fields.len() == self.most_fields || record.fields.len() > self.most_fields {
                record = single;
            }
        }
        self.at = record.end;
        self.most_fields = self.most_fields.max(record.fields.len());
        Some(record.fields)
    }

    /// Parses the record at the current offset; `allows_breaks` of lines within quotes.
    fn parse(&self, allows_breaks: bool) -> Record<'t> {
        let bytes = self.text.as_bytes();
        let mut record = Record { fields: Vec::new(), end: self.at, has_line_break: false };
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
            record.fields.push(field);
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
        let bytes = self.text.as_bytes();
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
