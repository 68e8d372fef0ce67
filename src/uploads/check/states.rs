//! Validation of status files: 구매확정, 취소, 반품, 교환.

use super::{CheckedRow, OrderKey, RowReader, VisitRow, for_each_row, ignored, is_total};
use crate::channels::{Field, StatusEffect, StatusRule, Table};
use crate::orders::claim::ClaimKind;
use crate::orders::follow::{ChannelProgress, ChannelRow, ClaimStatement};
use crate::orders::model::OrderState;
use crate::sheets::{Cell, Row, SheetError, Workbook, values};
use crate::storage::text_limits;
use crate::time::Moment;

/// A state change or claim of an order.
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
    /// a claim is open: the channel's word, and when it was made
    SetClaim(String, Option<Moment>),
    /// the claim was withdrawn or refused: the channel's word, and when
    ClearClaim(String, Option<Moment>),
}

impl StateChange {
    /// The change as a statement of the channel.
    pub fn as_channel_row(&self) -> ChannelRow<'static> {
        let done = |state, at, is_exchange| ChannelRow {
            progress: Some(ChannelProgress { state, at: Some(at), is_exchange }),
            ..ChannelRow::default()
        };
        let claim = |claim, word: &str| ChannelRow {
            implies_shipped: ClaimKind::concerns_sent_goods(word),
            claim: Some(claim),
            ..ChannelRow::default()
        };
        match self {
            Self::Confirm(at) => done(OrderState::Confirmed, *at, false),
            Self::Cancel(at) => done(OrderState::Cancelled, *at, false),
            Self::Refund { exchange, at } => done(OrderState::Refunded, *at, *exchange),
            Self::SetClaim(word, at) => claim(ClaimStatement::open(word, *at), word),
            Self::ClearClaim(word, at) => claim(ClaimStatement::withdrawn(word, *at), word),
        }
    }
}

/// A row of a status file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateRow {
    /// order number
    pub order_number: String,
    /// the change
    pub change: StateChange,
}

struct StateColumns {
    key: OrderKey,
    status: Vec<usize>,
    changes: Vec<(StatusRule, Vec<usize>)>,
}

/// Validates the rows of a status file. Rows with an intermediate state (배송중) are skipped.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn check_states(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, StateRow>,
) -> Result<(), SheetError> {
    let moments = |change: &StatusRule| change.moments.iter().filter_map(|header| table.column(header)).collect();
    let columns = StateColumns {
        key: OrderKey::new(table),
        status: table.columns(Field::Status),
        changes: table.profile.changes.iter().map(|change| (change.clone(), moments(change))).collect(),
    };
    for_each_row(workbook, table, visit, |row| check(table, row, &columns))
}

fn check(table: &Table, row: &Row<'_>, columns: &StateColumns) -> CheckedRow<StateRow> {
    let mut cells = RowReader::new(table, row);
    let word = cells.line(&columns.status, text_limits::CLAIM);
    if columns.key.is_heading(table, row) || columns.key.is_blank(row) && (word.is_empty() || is_total(row)) {
        return ignored(row.number);
    }
    let order_number = columns.key.parse(&mut cells);
    let status = cells.pick(&columns.status).unwrap_or_default();
    if word.is_empty() {
        cells.problem(
            status,
            match cells.cell(&columns.status) {
                Cell::Error(_) => super::blank_message(cells.cell(&columns.status)),
                _ => "상태가 비어 있어요",
            },
        );
        return cells.rejected(order_number);
    }
    let rule = table.profile.status_rule(&word);
    let Some((change, moments)) = rule.and_then(|rule| columns.changes.iter().find(|(change, _)| change == rule))
    else {
        cells.problem(status, &format!("모르는 상태예요: '{word}'"));
        return cells.rejected(order_number);
    };
    let change = match change.change {
        StatusEffect::SetClaim => StateChange::SetClaim(word, optional_moment(&cells, moments)),
        StatusEffect::ClearClaim => StateChange::ClearClaim(word, optional_moment(&cells, moments)),
        StatusEffect::Nothing | StatusEffect::Ship if cells.problems.is_empty() => {
            return cells.skipped(order_number, status, &format!("바꿀 것이 없는 상태예요: '{word}'"));
        }
        StatusEffect::Nothing | StatusEffect::Ship => return cells.rejected(order_number),
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

/// The first date in these columns, if any.
pub(super) fn optional_moment(cells: &RowReader<'_, '_>, columns: &[usize]) -> Option<Moment> {
    let cells = columns.iter().map(|&column| (cells.row.cell(column), cells.row.date1904));
    cells
        .filter(|(cell, _)| !cell.is_blank())
        .find_map(|(cell, date1904)| values::moment(cell, date1904).ok().map(Moment::from_kst))
}

fn moment(cells: &mut RowReader<'_, '_>, columns: &[usize], headers: &[String]) -> Option<Moment> {
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
