//! What a row of an order file says of its order at the channel: state, claim, and which fields it has.

use super::super::Reason;
use super::{OrderColumns, RowReader};
use crate::channels::{Field, StatusEffect, StatusRule};
use crate::orders::claim::ClaimKind;
use crate::orders::follow::claim::QUANTITY_CLAIM;
use crate::orders::follow::{ChannelProgress, FieldSet, FollowedField, RowStatement};
use crate::orders::model::{NewOrder, OrderState};
use crate::sheets::{Cell, values};
use crate::storage::text_limits;
use crate::text::fold_word;
use crate::time::Moment;
use crate::uploads::check::states::optional_moment;

/// Warning about a status word that no rule names.
const UNKNOWN_STATUS: &str = "모르는 상태라 아무것도 바꾸지 않았어요";

/// Warning about a mark of quantity claims that is neither Y nor N.
const UNKNOWN_MARK: &str = "Y나 N이 아니라 수량 클레임이 있는지 알 수 없어요. 판매채널에서 확인해 주세요";

/// Whether a warning is about a word of the channel that is not understood. It is told of unchanged rows as well: what the
/// channel said there may matter.
pub fn is_not_understood(warning: &Reason) -> bool {
    [UNKNOWN_STATUS, UNKNOWN_MARK].contains(&warning.message.as_str())
}

/// Warning about a word that may mean a cancellation.
const UNKNOWN_CANCELLATION: &str = "모르는 상태예요. 취소된 주문일 수 있어 멈춰 두었으니 판매채널에서 확인해 주세요";

/// The open claim of a row, or nothing, and what the row says.
pub(super) fn read(cells: &mut RowReader<'_, '_>, columns: &OrderColumns) -> (String, RowStatement) {
    let mut found = FoundStatus::default();
    for &column in columns.of(Field::Claim) {
        let word = values::line(cells.row.cell(column));
        if !word.is_empty() {
            found.add_word(cells, columns, column, &word);
        }
    }
    let profile = &cells.table.profile;
    for (rule, moments) in profile.changes.iter().zip(&columns.status_moments).filter(|(rule, _)| rule.is_dated) {
        if let Some(at) = optional_moment(cells, moments) {
            found.is_known = true;
            found.raise(rule.change, Some(at));
        }
    }
    let quantity_claim = columns.of(Field::QuantityClaim);
    let mark = super::word(cells.cell(quantity_claim));
    let is_mark_known = matches!(mark.as_str(), "" | "y" | "n");
    if !is_mark_known && let Some(column) = cells.pick(quantity_claim) {
        cells.warn(column, UNKNOWN_MARK);
    }
    if found.claim.is_none() && mark == "y" {
        if let Some(column) = cells.pick(quantity_claim) {
            cells.warn(column, "수량 클레임이 있는 주문이에요");
        }
        found.is_known = true;
        found.claim = Some((StatusEffect::SetClaim, QUANTITY_CLAIM.to_owned(), None));
    }
    // A plain state closes a claim only in a file that would name an open one.
    let is_claim_known = found.claim.is_some() || found.is_known && columns.has_claims && is_mark_known;
    let fields = said_fields(cells, columns, found.is_known, is_claim_known);
    let is_final = found.progress.is_some_and(|progress| progress.state >= OrderState::Cancelled);
    let is_of_sent = |(_, word, _): &(StatusEffect, String, Option<Moment>)| ClaimKind::concerns_sent_goods(word);
    let implies_shipped = found.progress.is_none() && found.claim.as_ref().is_some_and(is_of_sent);
    let progress = found.progress;
    let said = |withdrawn, claim_as_of| RowStatement { fields, progress, implies_shipped, withdrawn, claim_as_of };
    match found.claim {
        Some((StatusEffect::SetClaim, word, at)) if !is_final => (word, said(None, at)),
        Some((StatusEffect::ClearClaim, word, at)) => (String::new(), said(Some(word), at)),
        _ => (String::new(), said(None, None)),
    }
}

/// The status of a row while its columns are read, the most specific one first.
#[derive(Default)]
struct FoundStatus {
    /// one of the words is known
    is_known: bool,
    progress: Option<ChannelProgress>,
    claim: Option<(StatusEffect, String, Option<Moment>)>,
}

impl FoundStatus {
    fn add_word(&mut self, cells: &mut RowReader<'_, '_>, columns: &OrderColumns, column: usize, word: &str) {
        let table = cells.table;
        let Some(rule) = table.profile.status_rule(word) else {
            let is_open = ClaimKind::of_open(&fold_word(word)).is_some();
            if !is_open && !ClaimKind::may_be_cancelled(word) {
                cells.warn(column, UNKNOWN_STATUS);
            } else if self.claim.is_none() {
                self.is_known = true;
                if !is_open {
                    cells.warn(column, UNKNOWN_CANCELLATION);
                }
                self.open_claim(cells, column, word, None);
            }
            return;
        };
        self.is_known = true;
        let dates = table.profile.changes.iter().position(|other: &StatusRule| std::ptr::eq(other, rule));
        let at = dates.and_then(|rule| optional_moment(cells, columns.status_moments.get(rule)?));
        match rule.change {
            StatusEffect::Nothing => self.raise(StatusEffect::Nothing, None),
            StatusEffect::Ship | StatusEffect::Confirm => self.raise(rule.change, at),
            _ if self.claim.is_some() => {}
            StatusEffect::SetClaim => self.open_claim(cells, column, word, at),
            StatusEffect::ClearClaim => {
                self.claim = Some((rule.change, text_limits::truncate(word, text_limits::CLAIM).to_owned(), at));
            }
            StatusEffect::Cancel | StatusEffect::Refund | StatusEffect::Exchange => {
                self.claim = Some((rule.change, word.to_owned(), at));
                self.raise(rule.change, at);
            }
        }
    }

    fn open_claim(&mut self, cells: &mut RowReader<'_, '_>, column: usize, word: &str, at: Option<Moment>) {
        cells.warn(column, "취소·반품·교환 요청이 들어온 주문이에요");
        let word = text_limits::truncate(word, text_limits::CLAIM).to_owned();
        self.claim = Some((StatusEffect::SetClaim, word, at));
    }

    /// Takes a state that is further on. The word of a claim names none.
    fn raise(&mut self, effect: StatusEffect, at: Option<Moment>) {
        let state = match effect {
            StatusEffect::Ship => OrderState::Shipped,
            StatusEffect::Confirm => OrderState::Confirmed,
            StatusEffect::Cancel => OrderState::Cancelled,
            StatusEffect::Refund | StatusEffect::Exchange => OrderState::Refunded,
            StatusEffect::Nothing => OrderState::Placed,
            StatusEffect::SetClaim | StatusEffect::ClearClaim => return,
        };
        if self.progress.is_none_or(|progress| progress.state < state) {
            self.progress = Some(ChannelProgress { state, at, is_exchange: effect == StatusEffect::Exchange });
        }
    }
}

fn is_filled(cells: &RowReader<'_, '_>, columns: &OrderColumns, field: Field) -> bool {
    let cell = cells.cell(columns.of(field));
    !cell.is_blank() && !values::is_nothing(cell)
}

/// The fields of which a row says something: their column is there, and filled where an empty cell says nothing.
fn said_fields(
    cells: &RowReader<'_, '_>,
    columns: &OrderColumns,
    is_status_known: bool,
    is_claim_known: bool,
) -> FieldSet {
    let has = |field: Field| !columns.of(field).is_empty();
    let is_filled = |field: Field| has(field) && is_filled(cells, columns, field);
    let charge = super::word(cells.cell(columns.of(Field::ChargeType)));
    let fields = [
        (FollowedField::State, is_status_known),
        (FollowedField::Claim, is_claim_known),
        (FollowedField::Quantity, has(Field::Quantity)),
        (FollowedField::Options, has(Field::Options)),
        (FollowedField::RecipientName, has(Field::RecipientName)),
        (FollowedField::RecipientTel1, has(Field::RecipientTel1)),
        (FollowedField::RecipientTel2, has(Field::RecipientTel2)),
        (FollowedField::RecipientAddress, !columns.address.is_empty()),
        (FollowedField::CustomerName, is_filled(Field::CustomerName)),
        (FollowedField::CustomerTel, is_filled(Field::CustomerTel)),
        (FollowedField::CustomerMessage, has(Field::CustomerMessage)),
        (FollowedField::ShippingMethod, is_filled(Field::ShippingMethod)),
        (FollowedField::ChargeType, cells.table.profile.values.charge_type.contains_key(&charge)),
        (FollowedField::Price, is_filled(Field::Price)),
        (FollowedField::DispatchDeadline, is_filled(Field::DispatchDeadline)),
        (FollowedField::PreferredShippingDate, has(Field::PreferredShippingDate)),
        (FollowedField::Tracking, is_filled(Field::TrackingNumber)),
    ];
    let said = fields.into_iter().filter(|(_, is_said)| *is_said);
    said.fold(FieldSet::NONE, |set, (field, _)| set.with(field))
}

/// The fields that could be read: without those whose cells are errors, and those that were left empty or 0 because their
/// cells could not be understood.
pub(super) fn readable_fields(cells: &RowReader<'_, '_>, columns: &OrderColumns, order: &NewOrder) -> FieldSet {
    let sources = [
        (FollowedField::Quantity, Field::Quantity),
        (FollowedField::Options, Field::Options),
        (FollowedField::RecipientName, Field::RecipientName),
        (FollowedField::RecipientTel1, Field::RecipientTel1),
        (FollowedField::RecipientTel2, Field::RecipientTel2),
        (FollowedField::CustomerName, Field::CustomerName),
        (FollowedField::CustomerTel, Field::CustomerTel),
        (FollowedField::CustomerMessage, Field::CustomerMessage),
        (FollowedField::ShippingMethod, Field::ShippingMethod),
        (FollowedField::Price, Field::Price),
        (FollowedField::DispatchDeadline, Field::DispatchDeadline),
        (FollowedField::PreferredShippingDate, Field::PreferredShippingDate),
        (FollowedField::Tracking, Field::TrackingNumber),
    ];
    let is_unreadable =
        |column: &usize| cells.unreadable.contains(column) || matches!(cells.row.cell(*column), Cell::Error(_));
    let is_address_unreadable = columns
        .address
        .iter()
        .any(|(first, second, _)| is_unreadable(first) || second.is_some_and(|second| is_unreadable(&second)));
    let is_not_understood = |field: FollowedField, source: Field| match field {
        FollowedField::Price => values::money(cells.cell(columns.of(source))).is_err(),
        field => is_filled(cells, columns, source) && field.of_row(order).is_empty(),
    };
    let readable = sources
        .into_iter()
        .filter(|(field, source)| columns.of(*source).iter().any(is_unreadable) || is_not_understood(*field, *source))
        .fold(order.said.fields, |fields, (field, _)| fields.without(field));
    if is_address_unreadable { readable.without(FollowedField::RecipientAddress) } else { readable }
}
