//! Rows of a channel's own list, as far as they are compared with the shop: order number, amount, state words and date.
//!
//! A list is any file of the channel that names orders: its order list, a list of claims, or its settlement list.

use super::{OrderKey, RowReader, VisitRow, for_each_row, ignored, is_total};
use crate::channels::{Field, FileKind, StatusEffect, StatusRule, Table};
use crate::sheets::{SheetError, Workbook, values};
use crate::text::fold_word;
use crate::time::Moment;

/// An order as a channel lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedRow {
    /// order number
    pub order_number: String,
    /// won; none if the list has no readable amount
    pub amount: Option<i64>,
    /// words of the claim and state columns
    pub words: Vec<String>,
    /// 주문일
    pub placed_at: Option<Moment>,
    /// column and effect of a date that says by itself what happened, in a list without state words
    pub dated: Option<(String, StatusEffect)>,
    /// where the order number has a digest of the option
    pub line: Option<PurchaseLine>,
}

/// What a line of a purchase is known by, although its option was changed at the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseLine {
    /// number of the purchase
    pub channel_order_number: String,
    /// the option as the channel writes it
    pub options: String,
}

/// Reads the rows of a list. A row of a settlement that its profile names as another charge (배송비) is ignored.
///
/// # Errors
/// The sheet is damaged, or exceeds the limits; some rows may have been visited before.
pub fn check_listed(
    workbook: &mut Workbook,
    table: &Table,
    visit: &mut VisitRow<'_, ListedRow>,
) -> Result<(), SheetError> {
    let key = OrderKey::new(table);
    let amounts = table.columns(Field::Price);
    let words: Vec<usize> = [Field::Claim, Field::Status].into_iter().flat_map(|field| table.columns(field)).collect();
    let placed = table.columns(Field::PlacedAt);
    let has_digest = table.profile.key.iter().any(|part| part.starts_with('#'));
    let (purchase, options) = (table.columns(Field::ChannelOrderNumber), table.columns(Field::Options));
    let moments = |rule: &StatusRule| rule.moments.iter().filter_map(|header| table.column(header)).collect();
    let dated_rules = table.profile.changes.iter().filter(|rule| rule.is_dated);
    let dated_rules: Vec<(StatusEffect, Vec<usize>)> = dated_rules.map(|rule| (rule.change, moments(rule))).collect();
    let is_settlement = table.profile.kind == FileKind::Settlement;
    let other_charges: Vec<String> = table
        .profile
        .changes
        .iter()
        .filter(|rule| is_settlement && rule.change == StatusEffect::Nothing)
        .flat_map(|rule| rule.words.iter().map(|word| fold_word(word)))
        .collect();
    for_each_row(workbook, table, visit, |row| {
        let words: Vec<String> =
            words.iter().map(|column| values::line(row.cell(*column))).filter(|word| !word.is_empty()).collect();
        let is_other_charge = words.iter().any(|word| other_charges.contains(&fold_word(word)));
        if is_other_charge
            || key.is_blank(row)
            || key.is_heading(table, row)
            || is_total(row) && values::line(row.cell(0)).is_empty()
        {
            return ignored(row.number);
        }
        let mut cells = RowReader::new(table, row);
        let order_number = key.parse(&mut cells);
        let amount_of = |column: &usize| values::money(row.cell(*column)).ok();
        // The columns of a settlement are its parts: the base and the fees, which are negative.
        let amount = if is_settlement {
            let parts: Vec<i64> = amounts.iter().filter_map(amount_of).collect();
            (!parts.is_empty()).then(|| parts.iter().sum())
        } else {
            amounts.iter().find_map(amount_of)
        };
        let placed_at =
            placed.iter().find_map(|column| values::moment(row.cell(*column), row.date1904).ok()).map(Moment::from_kst);
        // The rules follow the course of an order.
        let dated = dated_rules.iter().rev().find_map(|(effect, columns)| {
            let is_date = |column: &&usize| values::moment(row.cell(**column), row.date1904).is_ok();
            columns.iter().find(is_date).map(|column| (table.header(*column), *effect))
        });
        let line = has_digest.then(|| PurchaseLine {
            channel_order_number: values::exact_id(cells.cell(&purchase)).unwrap_or_default(),
            options: values::lines(cells.cell(&options)),
        });
        let listed = ListedRow { order_number: order_number.clone(), amount, words, placed_at, dated, line };
        cells.finish(order_number, listed)
    })
}
