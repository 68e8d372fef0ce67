//! Lists of 구매확정, 취소, 반품 and 교환.

use super::{Cells, Checked, Key, Visit, columns, each, ignored, is_total};
use crate::channels::{Field, StatusEffect, StatusRule, Table};
use crate::sheets::{Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::time::Moment;

/// What a list says about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateChange {
    /// 구매확정, when
    Confirm(Moment),
    /// 취소, when
    Cancel(Moment),
    /// 반품 or 교환, when
    Refund {
        /// 교환
        exchange: bool,
        /// when
        at: Moment,
    },
    /// a wish is pending: its word
    SetClaim(String),
    /// the wish was withdrawn or refused
    ClearClaim,
}

/// A row of such a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// of the order
    pub order_number: String,
    /// what to do
    pub change: StateChange,
}

struct Plan {
    key: Key,
    status: Vec<usize>,
    changes: Vec<(StatusRule, Vec<usize>)>,
}

/// Checks the rows of a state list. 배송중 and the like are skipped.
///
/// # Errors
/// The file broke off; rows may have been visited before.
pub fn states(workbook: &mut Workbook, table: &Table, visit: &mut Visit<'_, StateRow>) -> Result<(), SheetError> {
    let moments = |change: &StatusRule| change.moments.iter().filter_map(|header| table.column(header)).collect();
    let plan = Plan {
        key: Key::of(table),
        status: columns(table, Field::Status),
        changes: table.profile.changes.iter().map(|change| (change.clone(), moments(change))).collect(),
    };
    each(workbook, table, visit, |row| check(table, row, &plan))
}

fn check(table: &Table, row: &Row<'_>, plan: &Plan) -> Checked<StateRow> {
    let mut cells = Cells::new(table, row);
    let word = cells.line(&plan.status, text_limits::CLAIM);
    if plan.key.is_blank(row) && (word.is_empty() || is_total(row)) {
        return ignored(row.number);
    }
    let order_number = plan.key.read(&mut cells);
    let status = cells.pick(&plan.status).unwrap_or_default();
    if word.is_empty() {
        cells.problem(status, "상태가 비어 있어요");
        return cells.rejected(order_number);
    }
    let Some((change, moments)) = plan.changes.iter().find(|(change, _)| change.words.iter().any(|of| fits(of, &word)))
    else {
        cells.problem(status, &format!("모르는 상태예요: '{word}'"));
        return cells.rejected(order_number);
    };
    let change = match change.change {
        StatusEffect::SetClaim => StateChange::SetClaim(word),
        StatusEffect::ClearClaim => StateChange::ClearClaim,
        StatusEffect::Nothing if cells.problems.is_empty() => {
            return cells.skipped(order_number, status, &format!("바꿀 것이 없는 상태예요: '{word}'"));
        }
        StatusEffect::Nothing => return cells.rejected(order_number),
        done => match moment(&mut cells, moments, &change.moments) {
            Some(at) => finished(done, at),
            None => return cells.rejected(order_number),
        },
    };
    cells.finish(order_number.clone(), StateRow { order_number, change })
}

const fn finished(kind: StatusEffect, at: Moment) -> StateChange {
    match kind {
        StatusEffect::Confirm => StateChange::Confirm(at),
        StatusEffect::Cancel => StateChange::Cancel(at),
        kind => StateChange::Refund { exchange: matches!(kind, StatusEffect::Exchange), at },
    }
}

fn moment(cells: &mut Cells<'_, '_>, columns: &[usize], headers: &[String]) -> Option<Moment> {
    let blank = cells.cell(columns).is_blank();
    let Some(column) = cells.pick(columns).filter(|_| !blank) else {
        let column = headers.first().cloned().unwrap_or_default();
        cells.problems.push(super::Reason {
            message: format!("{column}이 없어 언제인지 알 수 없어요"),
            column,
            value: String::new(),
        });
        return None;
    };
    match values::moment(cells.row.cell(column), cells.row.date1904) {
        Ok(moment) => Some(Moment::from_kst(moment)),
        Err(problem) => {
            cells.problem(column, problem);
            None
        }
    }
}

/// `*요청` fits every word that ends so.
fn fits(pattern: &str, word: &str) -> bool {
    pattern.strip_prefix('*').map_or(pattern == word, |ending| word.ends_with(ending))
}
