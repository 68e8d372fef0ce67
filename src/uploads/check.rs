//! The rows of a file, checked: what is right with each, and everything that is wrong with it.
//!
//! Pure: no database, no clock. What depends on what is stored (known orders, conflicts, going back)
//! and duplicates within a file are for the caller. Rules: a bad row never stops the others; all
//! problems of a row are told at once; a telephone number of the buyer never rejects a row, since gifts
//! mask it; a row without postal code or seller's product code becomes an order, with a warning.

mod orders;
mod states;
mod tracking;

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::channels::{Field, Table};
use crate::sheets::{Cell, Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::text::Parsed;

pub use orders::orders;
pub use states::{StateChange, StateRow, states};
pub use tracking::{TrackingRow, tracking};

/// Longer values are cut in a report.
const MAX_SHOWN: usize = 60;
/// Words of a row of totals.
const TOTALS: [&str; 5] = ["소계", "합계", "총계", "총합계", "계"];

/// What is wrong, or worth knowing, about a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// the header in the file
    pub column: String,
    /// what stands there, cut
    pub value: String,
    /// a Korean sentence
    pub message: String,
}

/// What became of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<T> {
    /// right, perhaps with warnings; boxed, because a list of them is moved while it grows
    Ok(Box<T>, Vec<Reason>),
    /// nothing to be done, and why
    Skipped(Vec<Reason>),
    /// wrong, and all that is wrong
    Rejected(Vec<Reason>),
    /// no row at all: blank, totals
    Ignored,
}

/// A row, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T> {
    /// Excel's number of the row
    pub row: u32,
    /// order number, or empty
    pub key: String,
    /// what became of it
    pub outcome: Outcome<T>,
}

/// Takes one row after another; may stop.
pub type Visit<'v, T> = dyn FnMut(Checked<T>) -> ControlFlow<()> + 'v;

/// Where a table keeps its key.
struct Key {
    parts: Vec<KeyPart>,
    digits: Option<[usize; 2]>,
}

struct KeyPart {
    column: usize,
    /// only a digest of the cell belongs to the key, and it may be empty
    digest: bool,
}

impl Key {
    fn of(table: &Table) -> Self {
        let part = |header: &String| {
            let name = header.strip_prefix('#');
            table.column(name.unwrap_or(header)).map(|column| KeyPart { column, digest: name.is_some() })
        };
        Self { parts: table.profile.key.iter().filter_map(part).collect(), digits: table.profile.key_digits }
    }

    fn is_blank(&self, row: &Row<'_>) -> bool {
        self.parts.iter().filter(|part| !part.digest).all(|part| row.cell(part.column).is_blank())
    }

    fn read(&self, cells: &mut Cells<'_, '_>) -> String {
        let mut key = Vec::new();
        for part in &self.parts {
            let cell = cells.row.cell(part.column);
            if part.digest {
                if !cell.is_blank() {
                    key.push(digest(&values::line(cell)));
                }
            } else if cell.is_blank() {
                cells.problem(part.column, "비어 있어요");
            } else {
                match values::id(cell).and_then(|id| self.in_form(&id).map(|()| id)) {
                    Ok(id) => key.push(id),
                    Err(problem) => cells.problem(part.column, problem),
                }
            }
        }
        let key = key.join("-");
        if let Some(first) = self.parts.first().filter(|_| key.chars().count() > text_limits::ORDER_NUMBER) {
            cells.too_long(first.column, &key, text_limits::ORDER_NUMBER);
        }
        key
    }

    fn in_form(&self, id: &str) -> Parsed<()> {
        self.digits.map_or(Ok(()), |[least, most]| values::check_digits(id, least, most))
    }
}

/// Six hexadecimal digits that tell texts apart within one order.
fn digest(text: &str) -> String {
    use sha2::Digest;
    let hash = sha2::Sha256::digest(text.as_bytes());
    let [first, second, third, ..] = hash.0;
    format!("{first:02x}{second:02x}{third:02x}")
}

/// A row being read, and what was found.
struct Cells<'r, 'c> {
    table: &'r Table,
    row: &'r Row<'c>,
    problems: Vec<Reason>,
    warnings: Vec<Reason>,
}

impl<'r, 'c> Cells<'r, 'c> {
    const fn new(table: &'r Table, row: &'r Row<'c>) -> Self {
        Self { table, row, problems: Vec::new(), warnings: Vec::new() }
    }

    fn reason(&self, column: usize, message: &str) -> Reason {
        let value: String = values::line(self.row.cell(column)).chars().take(MAX_SHOWN).collect();
        Reason { column: self.table.header(column), value, message: message.to_owned() }
    }

    fn problem(&mut self, column: usize, message: &str) {
        let reason = self.reason(column, message);
        self.problems.push(reason);
    }

    fn warn(&mut self, column: usize, message: &str) {
        let reason = self.reason(column, message);
        self.warnings.push(reason);
    }

    /// The first column that is not blank, else the first.
    fn pick(&self, columns: &[usize]) -> Option<usize> {
        columns.iter().find(|&&column| !self.row.cell(column).is_blank()).or(columns.first()).copied()
    }

    fn cell(&self, columns: &[usize]) -> &'r Cell<'c> {
        self.pick(columns).map_or(&Cell::Empty, |column| self.row.cell(column))
    }

    /// One line without which the row cannot be taken whole; longer than `most` it is a problem.
    fn line(&mut self, columns: &[usize], most: usize) -> String {
        let line = values::line(self.cell(columns));
        if line.chars().count() > most {
            self.too_long(self.pick(columns).unwrap_or_default(), &line, most);
        }
        line
    }

    /// One line that is only a word beside the rest of the row: what is longer than `most` is cut.
    fn word(&mut self, columns: &[usize], most: usize) -> String {
        let line = values::line(self.cell(columns));
        if line.chars().count() > most {
            let message = format!("너무 길어 앞의 {most}자만 남겼어요");
            self.warn(self.pick(columns).unwrap_or_default(), &message);
        }
        text_limits::truncate(&line, most).to_owned()
    }

    fn too_long(&mut self, column: usize, text: &str, most: usize) {
        self.problem(column, &format!("{}자예요. {most}자까지 등록할 수 있어요", text.chars().count()));
    }

    /// A value, or its default and a problem.
    fn read<T: Default>(&mut self, columns: &[usize], read: impl FnOnce(&Cell<'_>) -> Parsed<T>) -> T {
        read(self.cell(columns)).unwrap_or_else(|problem| {
            self.problem(self.pick(columns).unwrap_or_default(), problem);
            T::default()
        })
    }

    fn finish<T>(self, key: String, value: T) -> Checked<T> {
        let outcome = if self.problems.is_empty() {
            Outcome::Ok(Box::new(value), self.warnings)
        } else {
            Outcome::Rejected(self.problems)
        };
        Checked { row: self.row.number, key, outcome }
    }

    fn rejected<T>(self, key: String) -> Checked<T> {
        Checked { row: self.row.number, key, outcome: Outcome::Rejected(self.problems) }
    }

    fn skipped<T>(&self, key: String, column: usize, message: &str) -> Checked<T> {
        Checked { row: self.row.number, key, outcome: Outcome::Skipped(vec![self.reason(column, message)]) }
    }
}

const fn ignored<T>(row: u32) -> Checked<T> {
    Checked { row, key: String::new(), outcome: Outcome::Ignored }
}

fn is_total(row: &Row<'_>) -> bool {
    row.cells.iter().any(|cell| TOTALS.contains(&values::line(cell).replace([' ', ':'], "").as_str()))
}

/// Calls `check` for each row of a table.
fn each<T>(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut Visit<'_, T>,
    mut check: impl FnMut(&Row<'_>) -> Checked<T>,
) -> Result<(), SheetError> {
    table.rows(workbook, &mut |row| if row.is_blank() { visit(ignored(row.number)) } else { visit(check(row)) })
}

fn columns(table: &Table, field: Field) -> Vec<usize> {
    table.columns(field)
}

#[cfg(test)]
mod tests;
