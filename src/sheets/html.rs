//! Tables of HTML that malls give out as .xls.
//!
//! As in Excel, the tables of a page follow one another on one sheet, and a cell over several rows or columns
//! has its text in the first one.

use std::ops::ControlFlow;

use super::cell::{Cell, MergedArea, Row};
use super::error::SheetError;
use super::limits::{LimitCounter, MAX_TEXT_CHARS, truncate};
use super::markup::{Attributes, Scanner, Token, decode_into};

/// Rows or columns that a cell may cover.
const MAX_SPAN: usize = 10_000;

/// Whether the text has a table.
pub(super) fn has_table(text: &str) -> bool {
    memchr::memchr_iter(b'<', text.as_bytes())
        .any(|at| text.as_bytes().get(at + 1..at + 6).is_some_and(|name| name.eq_ignore_ascii_case(b"table")))
}

/// Calls `visit` with each row of the tables. True if a table has no end: the file was cut off.
///
/// # Errors
/// The tables exceed the limits.
pub(super) fn rows(
    text: &str,
    counter: &mut LimitCounter,
    visit: &mut dyn FnMut(&Row<'_>) -> ControlFlow<()>,
) -> Result<bool, SheetError> {
    read(text, counter, &mut |row, _| visit(row))
}

/// The cells over several rows.
pub(super) fn merged_areas(text: &str, counter: &mut LimitCounter) -> Vec<MergedArea> {
    let mut areas = Vec::new();
    let mut visit = |_: &Row<'_>, merged: &[MergedArea]| {
        areas.extend_from_slice(merged);
        ControlFlow::Continue(())
    };
    // What exceeds the limits is refused when the rows are read.
    let _ = read(text, counter, &mut visit);
    areas
}

type VisitRow<'v> = dyn FnMut(&Row<'_>, &[MergedArea]) -> ControlFlow<()> + 'v;

fn read(text: &str, counter: &mut LimitCounter, visit: &mut VisitRow<'_>) -> Result<bool, SheetError> {
    let mut scanner = Scanner::new(text.as_bytes());
    let mut table = TableReader { max_columns: counter.max_columns(), ..TableReader::default() };
    loop {
        let token = scanner.next().map_err(|_| SheetError::Damaged)?;
        let is_end = token.is_none();
        let is_row_over = match token {
            Some(Token::Open { name, attributes, is_empty }) => table.open(name, attributes, is_empty),
            Some(Token::Close(name)) => table.close(name),
            Some(Token::Text(text)) => table.text(text),
            Some(Token::Literal(_)) => false,
            None => true,
        };
        if let Some(raw) = table.raw.take() {
            scanner.skip_raw(raw).map_err(|_| SheetError::Damaged)?;
        }
        if (is_row_over || is_end)
            && let Some((mut row, merged)) = table.take_row()
        {
            row.is_cut = is_end && table.open_tables > 0;
            counter.row(row.cells.len())?;
            if visit(&row, &merged).is_break() {
                return Ok(false);
            }
        }
        if is_end {
            return Ok(table.open_tables > 0);
        }
    }
}

#[derive(Default)]
struct TableReader {
    max_columns: usize,
    /// tables that have been opened and not closed
    open_tables: usize,
    number: u32,
    is_hidden: bool,
    cells: Vec<Cell<'static>>,
    merged: Vec<MergedArea>,
    /// for each column, how many of the next rows a cell above covers
    covered: Vec<usize>,
    next_column: usize,
    is_in_row: bool,
    /// the row is over, and a tag has opened the next one
    next_row: Option<bool>,
    text: Option<OpenCell>,
    /// the element that has been opened and whose content is no markup
    raw: Option<&'static [u8]>,
}

struct OpenCell {
    text: String,
    columns: usize,
    rows: usize,
}

impl TableReader {
    /// Handles a start tag; whether the row before it is over.
    fn open(&mut self, name: &[u8], attributes: Attributes<'_>, is_empty: bool) -> bool {
        let is = |tag: &[u8]| name.eq_ignore_ascii_case(tag);
        if is(b"tr") {
            self.close_cell();
            let style = attributes.get(b"style").unwrap_or_default().to_ascii_lowercase().replace(' ', "");
            self.next_row = Some(style.contains("display:none"));
            if !self.is_in_row {
                self.begin_row();
                return false;
            }
            return true;
        }
        if is(b"td") || is(b"th") {
            self.close_cell();
            if !self.is_in_row {
                self.begin_row();
            }
            let span = |name| {
                let span = attributes.get(name).and_then(|span| span.trim().parse::<usize>().ok());
                span.unwrap_or(1).clamp(1, MAX_SPAN)
            };
            self.text = Some(OpenCell { text: String::new(), columns: span(b"colspan"), rows: span(b"rowspan") });
        } else if is(b"br") || is(b"p") || is(b"div") {
            if let Some(cell) = self.text.as_mut().filter(|cell| is(b"br") || !cell.text.trim().is_empty()) {
                cell.text.push('\n');
            }
        } else if is(b"table") {
            self.open_tables += 1;
        } else if !is_empty {
            self.raw = [b"script".as_slice(), b"style"].into_iter().find(|raw| is(raw));
        }
        false
    }

    fn close(&mut self, name: &[u8]) -> bool {
        let is = |tag: &[u8]| name.eq_ignore_ascii_case(tag);
        if is(b"td") || is(b"th") {
            self.close_cell();
        } else if is(b"tr") || is(b"table") {
            if is(b"table") {
                self.open_tables = self.open_tables.saturating_sub(1);
            }
            self.close_cell();
            return self.is_in_row;
        }
        false
    }

    /// Appends text in which line breaks are spaces.
    fn text(&mut self, raw: &[u8]) -> bool {
        if let Some(cell) = self.text.as_mut()
            && cell.text.len() < MAX_TEXT_CHARS * 4
        {
            let mut decoded = String::new();
            decode_into(raw, &mut decoded);
            for letter in decoded.chars() {
                match letter {
                    ' ' | '\t' | '\r' | '\n' if cell.text.ends_with([' ', '\n']) => {}
                    ' ' | '\t' | '\r' | '\n' => cell.text.push(' '),
                    letter => cell.text.push(letter),
                }
            }
        }
        false
    }

    fn begin_row(&mut self) {
        self.is_in_row = true;
        self.number = self.number.saturating_add(1);
        self.is_hidden = self.next_row.take().unwrap_or_default();
        self.next_column = 0;
    }

    fn close_cell(&mut self) {
        let Some(cell) = self.text.take() else { return };
        while self.covered.get(self.next_column).is_some_and(|rows| *rows > 0) {
            self.next_column += 1;
        }
        let first = self.next_column;
        self.next_column = (first + cell.columns).min(self.max_columns);
        if first >= self.max_columns {
            return;
        }
        if cell.rows > 1 {
            if self.covered.len() < self.next_column {
                self.covered.resize(self.next_column, 0);
            }
            // One more than the rows below: the present row is counted off at its end.
            self.covered[first..self.next_column].fill(cell.rows);
            let last = self.number.saturating_add(u32::try_from(cell.rows - 1).unwrap_or(u32::MAX));
            self.merged.push(MergedArea { rows: (self.number, last), columns: (first, self.next_column - 1) });
        }
        let text = cell.text.trim();
        if !text.is_empty() {
            self.cells.resize(first.max(self.cells.len()), Cell::Empty);
            self.cells.push(Cell::of_untyped(truncate(text).to_owned()));
        }
    }

    /// The finished row, if it has a cell; begins the next one if its tag has been read.
    fn take_row(&mut self) -> Option<(Row<'static>, Vec<MergedArea>)> {
        let is_row = std::mem::take(&mut self.is_in_row);
        if is_row {
            for rows in &mut self.covered {
                *rows = rows.saturating_sub(1);
            }
        }
        let cells = std::mem::take(&mut self.cells);
        let merged = std::mem::take(&mut self.merged);
        let row = Row { number: self.number, cells, date1904: false, is_hidden: self.is_hidden, is_cut: false };
        if self.next_row.is_some() {
            self.begin_row();
        }
        (is_row && !row.cells.is_empty()).then_some((row, merged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sheets::{Limits, values};

    fn counter() -> LimitCounter {
        LimitCounter::new(Limits::default())
    }

    fn cells(text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        rows(text, &mut counter(), &mut |row| {
            let cells: Vec<_> = row.cells.iter().map(|cell| values::text(cell).into_owned()).collect();
            let hidden = if row.is_hidden { " hidden" } else { "" };
            seen.push(format!("{}:{}{hidden}", row.number, cells.join("|")));
            ControlFlow::Continue(())
        })
        .expect("within the limits");
        seen
    }

    #[test]
    fn tables_are_read_with_and_without_end_tags() {
        assert_eq!(
            cells(
                "<html><style>td{a<b}</style><TABLE border=1><tr><th>가</th><th> 나&nbsp;다 </th></tr><tr><td>1<td>2\n 3<br>4</table>"
            ),
            ["1:가|나\u{a0}다", "2:1|2 3\n4"]
        );
        assert_eq!(cells("<table><tr><td></td></tr><tr style='display: none'><td>x</td></tr></table>"), ["2:x hidden"]);
        assert_eq!(cells("<p>로그인</p>"), Vec::<String>::new());
        assert!(has_table("<META x><Table>") && !has_table("<p>tables</p>"));
    }

    #[test]
    fn table_without_an_end_was_cut_off_within_its_last_row() {
        let cut = |text: &str| {
            let mut seen = Vec::new();
            let is_cut_off = rows(text, &mut counter(), &mut |row| {
                seen.push(row.is_cut);
                ControlFlow::Continue(())
            });
            (seen, is_cut_off.expect("within the limits"))
        };
        let text = "<table><tr><td>1</td><td>서울</td></tr><tr><td>2</td><td>부산</td><td>해운대</td></tr></table>";
        assert_eq!(cut(text), (vec![false, false], false));
        let end = text.find("운대").expect("there");
        assert_eq!(cut(&text[..end]), (vec![false, true], true));
        assert_eq!(cut(&text[..text.find("</table>").expect("there")]), (vec![false, false], true));
        assert_eq!(cut(&text[..text.find("<tr><td>2").expect("there")]), (vec![false], true));
    }

    #[test]
    fn guards_of_text_are_removed_and_errors_are_no_text() {
        assert_eq!(
            cells("<table><tr><td>=&quot;0012&quot;<td>=\"0610001\"<td>#N/A<td>a</table>"),
            ["1:0012|0610001||a"]
        );
    }

    #[test]
    fn cells_over_rows_and_columns_have_their_text_in_the_first() {
        let text = "<table><tr><td rowspan=2>1<td colspan=2>2<td>3</tr><tr><td>4<td>5<td>6</tr><tr><td>7</tr></table>";
        assert_eq!(cells(text), ["1:1|2||3", "2:|4|5|6", "3:7"]);
        assert_eq!(merged_areas(text, &mut counter()), [MergedArea { rows: (1, 2), columns: (0, 0) }]);
    }
}
