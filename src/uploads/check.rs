//! Validation of the rows of a file.
//!
//! Pure: no database, no clock. Checks against stored orders, and duplicates within a file, are left to
//! [`plan`](super::plan). An invalid row does not stop the others, and all problems of a row are reported
//! together. The customer's telephone number never causes a rejection, since channels mask it for gifts. A
//! missing postal code or seller's product code is only a warning.

mod listed;
mod orders;
mod repeated;
mod states;
mod tracking;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::channels::Table;
use crate::sheets::{Cell, Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::text::{ParseResult, fold_word, hex};

pub use listed::{ListedRow, PurchaseLine, check_listed};
pub use orders::{UNCLASSIFIED, check_orders, is_not_understood};
pub use repeated::{combine_repeated, place};
pub use states::{StateChange, StateRow, check_states};
pub use tracking::{TrackingRow, check_tracking};

/// Values in a report are truncated to so many characters.
pub(super) const MAX_VALUE_CHARS: usize = 60;
/// Words that mark a row of totals.
const TOTAL_WORDS: [&str; 6] = ["소계", "합계", "총계", "총합계", "계", "total"];

/// An error or warning about a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// header in the file
    pub column: String,
    /// the cell's value, truncated
    pub value: String,
    /// Korean sentence
    pub message: String,
}

/// Result of validating a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowCheck<T> {
    /// valid, with warnings; boxed to keep vectors of rows cheap to grow
    Valid(Box<T>, Vec<Reason>),
    /// no effect, with the reasons
    Skipped(Vec<Reason>),
    /// invalid, with all reasons
    Rejected(Vec<Reason>),
    /// no data row: blank, totals, notes
    Ignored,
}

/// A validated row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedRow<T> {
    /// row number in Excel
    pub row: u32,
    /// order number, or empty if it is invalid
    pub key: String,
    /// validation result
    pub outcome: RowCheck<T>,
    /// a spreadsheet may have rounded the order number: it counts only if it is known as it is, see
    /// [`values::is_inexact`]
    pub is_inexact: bool,
    /// the row is hidden in the spreadsheet
    pub is_hidden: bool,
    /// index of its sheet among those that were read
    pub sheet: usize,
    /// of an invalid row with a valid order number: what could be read of it, for a known order
    pub partial: Option<Box<T>>,
}

/// Callback for each row; may stop.
pub type VisitRow<'v, T> = dyn FnMut(CheckedRow<T>) -> ControlFlow<()> + 'v;

/// The columns that form the order number.
struct OrderKey {
    columns: Vec<KeyColumn>,
    digits: Option<[usize; 2]>,
}

struct KeyColumn {
    /// the columns with this header; the first that holds something counts
    columns: Vec<usize>,
    /// the key has only a digest of this cell, which may be blank
    is_digest: bool,
}

impl KeyColumn {
    fn column(&self, row: &Row<'_>) -> usize {
        let first = self.columns.first().copied().unwrap_or_default();
        self.columns.iter().copied().find(|column| !row.cell(*column).is_blank()).unwrap_or(first)
    }
}

impl OrderKey {
    fn new(table: &Table) -> Self {
        let key_column = |header: &String| {
            let name = header.strip_prefix('#');
            let columns = table.all_columns(name.unwrap_or(header));
            (!columns.is_empty()).then(|| KeyColumn { columns: columns.to_vec(), is_digest: name.is_some() })
        };
        Self { columns: table.profile.key.iter().filter_map(key_column).collect(), digits: table.profile.key_digits }
    }

    fn is_blank(&self, row: &Row<'_>) -> bool {
        self.columns.iter().filter(|part| !part.is_digest).all(|part| row.cell(part.column(row)).is_blank())
    }

    /// Whether a row is no order although the columns of the order number are filled: it has the word of a total there, or
    /// the header once more.
    fn is_heading(&self, table: &Table, row: &Row<'_>) -> bool {
        let mut has_total = false;
        let mut is_header = !self.columns.is_empty();
        for part in self.columns.iter().filter(|part| !part.is_digest) {
            let column = part.column(row);
            let word = match row.cell(column) {
                Cell::Text(text) if !text.starts_with(|letter: char| letter.is_ascii_digit()) => fold_word(text),
                _ => String::new(),
            };
            has_total |= is_total_word(&word);
            is_header &= !word.is_empty() && word == fold_word(&table.header(column));
        }
        has_total || is_header
    }

    /// Whether a number has the format of the order numbers of its source.
    fn is_valid(&self, number: &str) -> bool {
        self.check_format(number).is_ok()
    }

    /// The cell of the order number, if it is in one cell.
    fn only_cell<'r, 'c>(&self, row: &'r Row<'c>) -> Option<&'r Cell<'c>> {
        if let [only] = &self.columns[..] { Some(row.cell(only.column(row))) } else { None }
    }

    /// Parses the order number of a row; empty if a part of it is wrong.
    fn parse(&self, cells: &mut RowReader<'_, '_>) -> String {
        let mut key = Vec::new();
        let problems = cells.problems.len();
        for part in &self.columns {
            let column = part.column(cells.row);
            let cell = cells.row.cell(column);
            if part.is_digest {
                if !cell.is_blank() {
                    key.push(digest(&values::line(cell)));
                }
            } else if cell.is_blank() {
                cells.problem(column, blank_message(cell));
            } else {
                match values::key(cell).and_then(|id| self.check_format(&id).map(|()| id)) {
                    Ok(id) => {
                        cells.is_inexact |= values::is_inexact(cell);
                        key.push(id);
                    }
                    Err(problem) => cells.problem(column, problem),
                }
            }
        }
        if cells.problems.len() > problems {
            return String::new();
        }
        let key = key.join("-");
        if let Some(first) = self.columns.first().filter(|_| key.chars().count() > text_limits::ORDER_NUMBER) {
            cells.too_long(first.column(cells.row), &key, text_limits::ORDER_NUMBER);
        }
        key
    }

    fn check_format(&self, id: &str) -> ParseResult<()> {
        self.digits.map_or(Ok(()), |[min, max]| values::check_digits(id, min, max))
    }
}

/// Six hexadecimal digits of SHA-256, to distinguish the texts of one order.
fn digest(text: &str) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(text.as_bytes());
    hex(&hash[..3])
}

/// Reads the cells of a row and collects errors and warnings.
struct RowReader<'r, 'c> {
    table: &'r Table,
    row: &'r Row<'c>,
    problems: Vec<Reason>,
    warnings: Vec<Reason>,
    /// a spreadsheet may have rounded the order number
    is_inexact: bool,
    /// columns with problems
    unreadable: Vec<usize>,
}

impl<'r, 'c> RowReader<'r, 'c> {
    const fn new(table: &'r Table, row: &'r Row<'c>) -> Self {
        Self { table, row, problems: Vec::new(), warnings: Vec::new(), is_inexact: false, unreadable: Vec::new() }
    }

    fn reason(&self, column: usize, message: &str) -> Reason {
        let value: String = values::shown(self.row.cell(column)).chars().take(MAX_VALUE_CHARS).collect();
        Reason { column: self.table.header(column), value, message: message.to_owned() }
    }

    fn problem(&mut self, column: usize, message: &str) {
        let reason = self.reason(column, message);
        self.problems.push(reason);
        self.unreadable.push(column);
    }

    fn warn(&mut self, column: usize, message: &str) {
        let reason = self.reason(column, message);
        self.warnings.push(reason);
    }

    /// Warns that numbers in a cell were masked. The value is the masked one.
    fn warn_of_masked(&mut self, column: usize, masked: &str, names: &str) {
        let value = masked.chars().take(MAX_VALUE_CHARS).collect();
        let message = format!("저장하면 안 되는 번호를 가렸어요: {names}");
        self.warnings.push(Reason { column: self.table.header(column), value, message });
    }

    /// The first non-blank column, or else the first one.
    fn pick(&self, columns: &[usize]) -> Option<usize> {
        columns.iter().find(|&&column| !self.row.cell(column).is_blank()).or(columns.first()).copied()
    }

    fn cell(&self, columns: &[usize]) -> &'r Cell<'c> {
        self.pick(columns).map_or(&Cell::Empty, |column| self.row.cell(column))
    }

    /// A text on one line; more than `max_chars` is an error.
    fn line(&mut self, columns: &[usize], max_chars: usize) -> String {
        let line = values::line(self.cell(columns));
        if line.chars().count() > max_chars {
            self.too_long(self.pick(columns).unwrap_or_default(), &line, max_chars);
        }
        line
    }

    /// A secondary text on one line; more than `max_chars` is truncated, with a warning.
    fn truncated_line(&mut self, columns: &[usize], max_chars: usize) -> String {
        let line = values::line(self.cell(columns));
        if line.chars().count() > max_chars {
            let message = format!("너무 길어 앞의 {max_chars}자만 남겼어요");
            self.warn(self.pick(columns).unwrap_or_default(), &message);
        }
        text_limits::truncate(&line, max_chars).to_owned()
    }

    fn too_long(&mut self, column: usize, text: &str, max_chars: usize) {
        self.problem(column, &format!("{}자예요. {max_chars}자까지 등록할 수 있어요", text.chars().count()));
    }

    /// Parses a cell; on an error, records it and returns the default.
    fn parse<T: Default>(&mut self, columns: &[usize], parse: impl FnOnce(&Cell<'_>) -> ParseResult<T>) -> T {
        let cell = self.cell(columns);
        parse(cell).unwrap_or_else(|problem| {
            let problem = if matches!(cell, Cell::Error(_)) { blank_message(cell) } else { problem };
            self.problem(self.pick(columns).unwrap_or_default(), problem);
            T::default()
        })
    }

    /// A row within which the file ends is rejected, whatever could be read of it.
    fn checked<T>(&self, key: String, outcome: RowCheck<T>) -> CheckedRow<T> {
        let (row, is_hidden) = (self.row.number, self.row.is_hidden);
        let outcome = if self.row.is_cut {
            let message = "파일이 이 행에서 끊겼어요. 다시 내려받아 올려 주세요".to_owned();
            RowCheck::Rejected(vec![Reason { column: "주문번호".to_owned(), value: key.clone(), message }])
        } else {
            outcome
        };
        CheckedRow { row, key, outcome, is_inexact: self.is_inexact, is_hidden, sheet: 0, partial: None }
    }

    fn finish<T>(mut self, key: String, value: T) -> CheckedRow<T> {
        let (problems, warnings) = (std::mem::take(&mut self.problems), std::mem::take(&mut self.warnings));
        let outcome =
            if problems.is_empty() { RowCheck::Valid(Box::new(value), warnings) } else { RowCheck::Rejected(problems) };
        self.checked(key, outcome)
    }

    fn rejected<T>(mut self, key: String) -> CheckedRow<T> {
        let problems = std::mem::take(&mut self.problems);
        self.checked(key, RowCheck::Rejected(problems))
    }

    fn skipped<T>(&self, key: String, column: usize, message: &str) -> CheckedRow<T> {
        let outcome = RowCheck::Skipped(vec![self.reason(column, message)]);
        self.checked(key, outcome)
    }
}

/// What is wrong with a needed cell that is treated as empty.
const fn blank_message(cell: &Cell<'_>) -> &'static str {
    match cell {
        Cell::Error(_) => values::ERROR_VALUE,
        _ => "비어 있어요",
    }
}

const fn ignored<T>(row: u32) -> CheckedRow<T> {
    CheckedRow {
        row,
        key: String::new(),
        outcome: RowCheck::Ignored,
        is_inexact: false,
        is_hidden: false,
        sheet: 0,
        partial: None,
    }
}

fn is_total(row: &Row<'_>) -> bool {
    row.cells.iter().any(|cell| match cell {
        Cell::Text(text) => is_total_word(&fold_word(text)),
        _ => false,
    })
}

/// Whether a folded word is that of a total, alone or with the number of rows: `합계`, `합계(3건)`, `총 3건`.
fn is_total_word(word: &str) -> bool {
    let is_count = |rest: &str| {
        let count = rest.trim_start_matches([':', '(', '[']).trim_end_matches([')', ']', '건', '행']);
        count.len() < rest.len() && !count.is_empty() && count.bytes().all(|byte| byte.is_ascii_digit() || byte == b',')
    };
    TOTAL_WORDS.contains(&word.trim_end_matches(':'))
        || TOTAL_WORDS.iter().chain(&["총"]).any(|total| word.strip_prefix(total).is_some_and(is_count))
}

/// Validates each row of a table with `check`.
fn for_each_row<T>(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, T>,
    mut check: impl FnMut(&Row<'_>) -> CheckedRow<T>,
) -> Result<(), SheetError> {
    table.rows(workbook, &mut |row| if row.is_blank() { visit(ignored(row.number)) } else { visit(check(row)) })
}

#[cfg(test)]
mod tests;
