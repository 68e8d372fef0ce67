//! Effect of a row of a channel's file on the order that it names.

use super::claim::{ClaimStatement, QUANTITY_CLAIM, decide_claim};
use super::{
    ChannelProgress, Comparison, Decision, FileAge, FollowedField, HoldReason, StateDecision, Statement, decide,
    decide_state,
};
use crate::orders::fields::FIELDS;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::storage::Value;
use crate::time::Moment;

/// The claim of an order after an exchange.
pub const EXCHANGED: &str = "교환완료";

/// What a row says of an order.
#[derive(Clone, Debug, Default)]
pub struct ChannelRow<'a> {
    /// the values of an order file; none in a list of states
    pub values: Option<&'a NewOrder>,
    /// the state
    pub progress: Option<ChannelProgress>,
    /// the claim concerns goods that were sent, so that the order is 배송됨 at least
    pub implies_shipped: bool,
    /// the claim
    pub claim: Option<ClaimStatement>,
    /// the row names another product than the order has: its goods are not compared
    pub is_other_product: bool,
    /// the personal data of the order is sealed: what the row says of it is neither compared nor taken
    pub is_sealed: bool,
}

impl<'a> ChannelRow<'a> {
    /// The row of an order file.
    pub fn of_order_file(new: &'a NewOrder, is_other_product: bool) -> Self {
        let claim = match &new.said.withdrawn {
            Some(word) => ClaimStatement::withdrawn(word, new.said.claim_as_of),
            None => ClaimStatement::open(&new.claim, new.said.claim_as_of),
        };
        Self {
            values: Some(new),
            progress: new.said.progress.filter(|_| new.said.fields.contains(FollowedField::State)),
            implies_shipped: new.said.implies_shipped && new.said.fields.contains(FollowedField::Claim),
            claim: Some(claim).filter(|_| new.said.fields.contains(FollowedField::Claim)),
            is_other_product,
            is_sealed: false,
        }
    }
}

/// A new statement of the channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidNow {
    /// the field
    pub field: FollowedField,
    /// its value
    pub value: String,
    /// moment that the statement itself has
    pub as_of: Option<Moment>,
}

/// A value that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldValue {
    /// the field
    pub field: FollowedField,
    /// why
    pub reason: HoldReason,
    /// what the channel says
    pub channel: String,
    /// what the order has
    pub ours: String,
}

/// Effect of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowEffect {
    /// the order afterwards
    pub after: Order,
    /// what the channel says for the first time
    pub said: Vec<SaidNow>,
    /// what a member decides
    pub held: Vec<HeldValue>,
    /// the file says an earlier state than the channel said before, which is this one
    pub earlier_state: Option<OrderState>,
    /// the channel has taken this state back, for an earlier one
    pub taken_back: Option<OrderState>,
    /// the order has the state that a list of states names, or is further on
    pub is_state_known: bool,
    /// fields that differ although the order is cancelled or refunded
    pub closed: Vec<FollowedField>,
}

impl RowEffect {
    /// Whether the row has a value that the channel has replaced since.
    pub fn is_older(&self) -> bool {
        self.earlier_state.is_some() || self.held.iter().any(|held| held.reason == HoldReason::Older)
    }

    /// Whether the row says something for the first time.
    pub fn is_newer(&self) -> bool {
        !self.said.is_empty()
    }
}

/// Compares a row with the order and with what the channel said before. `said` answers the statements of a field, oldest
/// first; `now` is the moment of states without one of their own.
pub fn follow<'s>(
    order: &Order,
    said: &dyn Fn(FollowedField) -> &'s [Statement],
    row: &ChannelRow<'_>,
    age: &FileAge,
    now: Moment,
) -> RowEffect {
    let mut effect = RowEffect {
        after: order.clone(),
        said: Vec::new(),
        held: Vec::new(),
        earlier_state: None,
        taken_back: None,
        is_state_known: false,
        closed: Vec::new(),
    };
    if let Some(progress) = row.progress {
        follow_state(&mut effect, said(FollowedField::State), progress, age, now);
    } else if row.implies_shipped && said_state(said(FollowedField::State)) < OrderState::Shipped {
        let progress = ChannelProgress { state: OrderState::Shipped, at: None, is_exchange: false };
        follow_state(&mut effect, said(FollowedField::State), progress, age, now);
    }
    let mut is_reduced = false;
    if let Some(new) = row.values {
        for field in FollowedField::ALL {
            let is_goods = matches!(field, FollowedField::Quantity | FollowedField::Options | FollowedField::Price);
            let is_value = !matches!(field, FollowedField::State | FollowedField::Claim);
            let is_left_out = is_goods && row.is_other_product || row.is_sealed && field.is_personal();
            if is_value && new.said.fields.contains(field) && !is_left_out {
                let decision = follow_value(&mut effect, (order, said(field)), field, new, age);
                is_reduced |= field == FollowedField::Quantity
                    && matches!(decision, Decision::Take | Decision::Note)
                    && Some(new.quantity) < field.last_said(said(field), order).parse().ok();
            }
        }
        fill_later(&mut effect.after, new);
    }
    if let Some(claim) = &row.claim {
        follow_claim(&mut effect, (order, said(FollowedField::Claim)), claim, is_reduced, age);
    }
    effect
}

/// Takes fields that the order lacks because an earlier file did not have their columns, and the postal code of an address
/// that came without one.
fn fill_later(order: &mut Order, new: &NewOrder) {
    for field in FIELDS.iter().filter(|field| field.is_filled_later) {
        if field.text(order).is_empty() {
            let value = field.text(&Order::of_new(new)).to_owned();
            // A text is always a value of a text field.
            let _ = field.set(order, Value::Text(value));
        }
    }
    let is_there = FollowedField::RecipientAddress
        .is_same(&FollowedField::RecipientAddress.of_row(new), &FollowedField::RecipientAddress.of_order(order));
    if order.recipient.zip_code.is_empty() && is_there {
        order.recipient.zip_code.clone_from(&new.recipient.zip_code);
    }
}

/// The state that the channel said last.
fn said_state(said: &[Statement]) -> OrderState {
    said.last().and_then(|last| OrderState::parse(&last.value)).unwrap_or(OrderState::Placed)
}

fn follow_state(effect: &mut RowEffect, said: &[Statement], progress: ChannelProgress, age: &FileAge, now: Moment) {
    let before = said_state(said);
    let decision = decide_state(before, progress.state, effect.after.state, age);
    let says = |effect: &mut RowEffect| {
        let value = progress.state.code().to_owned();
        effect.said.push(SaidNow { field: FollowedField::State, value, as_of: progress.at });
    };
    match decision {
        StateDecision::Nothing => effect.is_state_known = true,
        StateDecision::Older => effect.earlier_state = Some(before),
        StateDecision::TakenBack => {
            says(effect);
            effect.taken_back = Some(before);
        }
        StateDecision::Note => {
            says(effect);
            effect.is_state_known = true;
        }
        StateDecision::Take => {
            says(effect);
            effect.after.advance(progress.state, progress.at.unwrap_or(now));
            if progress.state >= OrderState::Cancelled {
                effect.after.claim = if progress.is_exchange { EXCHANGED.to_owned() } else { String::new() };
            }
        }
    }
}

/// Takes what the channel says of the claim. `is_reduced`: the order has the smaller quantity that the same row says.
fn follow_claim(
    effect: &mut RowEffect,
    (order, said): (&Order, &[Statement]),
    claim: &ClaimStatement,
    is_reduced: bool,
    age: &FileAge,
) {
    // The channel marks an order for good once a part of it was cancelled. The smaller quantity has settled that claim, but
    // not one that could not be read, is of another product or waits for a decision.
    let settled = ClaimStatement::open("", claim.as_of);
    let is_settled = claim.claim() == QUANTITY_CLAIM && (order.cancelled_quantity > 0 || is_reduced);
    let claim = if is_settled { &settled } else { claim };
    let decision = match decide_claim(said, claim, &effect.after, age) {
        // That the claim is over is no word of the channel that a later one could have replaced.
        Decision::Hold(_) if is_settled && order.claim == QUANTITY_CLAIM => Decision::Take,
        decision => decision,
    };
    match decision {
        Decision::Nothing | Decision::Closed => {}
        Decision::Note | Decision::Take => {
            claim.claim().clone_into(&mut effect.after.claim);
            let value = claim.text().to_owned();
            effect.said.push(SaidNow { field: FollowedField::Claim, value, as_of: claim.as_of });
        }
        Decision::Hold(reason) => effect.held.push(HeldValue {
            field: FollowedField::Claim,
            reason,
            channel: claim.text().to_owned(),
            ours: order.claim.clone(),
        }),
    }
}

fn follow_value(
    effect: &mut RowEffect,
    (order, said): (&Order, &[Statement]),
    field: FollowedField,
    new: &NewOrder,
    age: &FileAge,
) -> Decision {
    let (ours, now) = (field.of_order(order), field.of_row(new));
    let begins = said.is_empty() && !field.begins_empty();
    if (begins && field.is_same(&now, &ours)) || field.is_silent(&now, &ours) {
        return Decision::Nothing;
    }
    let before = field.last_said(said, order);
    let comparison = Comparison { field, said, before: &before, now: &now, ours: &ours };
    let decision = decide(&comparison, &effect.after, age);
    match decision {
        Decision::Nothing => {}
        Decision::Closed => effect.closed.push(field),
        decision => {
            if decision == Decision::Take && !field.set(&mut effect.after, &now) {
                return Decision::Nothing;
            }
            if let Decision::Hold(reason) = decision {
                let (channel, ours) = (now.to_string(), ours.to_string());
                effect.held.push(HeldValue { field, reason, channel, ours });
            }
            if decision != Decision::Hold(HoldReason::Older) {
                effect.said.push(SaidNow { field, value: now.into_owned(), as_of: age.made_at });
            }
        }
    }
    decision
}
