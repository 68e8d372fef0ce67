//! Rules by which an order follows its sales channel.
//!
//! Each field of an order is compared with three values: what the channel said before, what it says now, and what the
//! order has. [`decide`] answers what to do. It is used by order files, by the lists of claims and by every later source.
//! The channel is the authority for what it says for the first time; members are for what they edited; and a value that
//! the channel has replaced since is never applied by itself, because the file may be an older one.

pub mod claim;
pub mod effect;
pub mod field;

use serde::{Deserialize, Serialize};

pub use self::claim::{ClaimStatement, decide_claim};
pub use self::effect::{ChannelRow, HeldValue, RowEffect, follow};
pub use self::field::{FieldChange, FieldSet, FollowedField, changes_between, display_value};
use super::model::{Order, OrderState};
use crate::text::coded;
use crate::time::Moment;

/// What a file proves about its age.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileAge {
    /// when the channel made the file, if its name has it
    pub made_at: Option<Moment>,
    /// the newest order in it: the file was made no earlier
    pub newest_order: Option<Moment>,
    /// the file as a whole is older than what the shop has: most rows that differ have replaced values
    pub is_older: bool,
    /// its name proves that it is
    pub is_surely_older: bool,
    /// its name, or an order in it, proves that it is newer than every file before
    pub is_surely_newer: bool,
}

impl FileAge {
    /// Whether the file was made after a statement that was received at `said_at` and is itself of `as_of`.
    pub fn is_after(&self, as_of: Option<Moment>, said_at: Moment) -> bool {
        let made_later = self.made_at.zip(as_of).is_some_and(|(made_at, as_of)| made_at > as_of);
        !self.is_older && (made_later || self.made_at.max(self.newest_order).is_some_and(|made_at| made_at > said_at))
    }
}

/// What a channel said before of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// the value, as [`FollowedField::of_order`] writes it
    pub value: String,
    /// moment that the statement itself has
    pub as_of: Option<Moment>,
    /// when the shop received it
    pub said_at: Moment,
}

/// A field with the values to compare.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// the field
    pub field: FollowedField,
    /// statements of the channel so far, oldest first; empty if it never said anything but what the order had at first
    pub said: &'a [Statement],
    /// what the channel said before
    pub before: &'a str,
    /// what it says now
    pub now: &'a str,
    /// what the order has
    pub ours: &'a str,
}

coded! {
    /// Why a value of the channel is not applied by itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    pub enum HoldReason {
        /// a member edited the field
        Edited = "edited",
        /// the channel said the value before and has replaced it since, or the file is an older one
        Older = "older",
        /// it cannot be right any more: the goods have left, or the quantity grew
        Late = "late",
        /// a tracking number, although no courier has the goods
        Method = "method",
    }
}

/// What to do with a value that the channel says now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// nothing: the channel says what it said before
    Nothing,
    /// the order has the value already; only note that the channel says it
    Note,
    /// the order takes the value
    Take,
    /// a member decides
    Hold(HoldReason),
    /// nothing: the order is cancelled or refunded
    Closed,
}

/// Decides about a field other than state and claim.
pub fn decide(comparison: &Comparison<'_>, order: &Order, age: &FileAge) -> Decision {
    let Comparison { field, said, before, now, ours } = *comparison;
    if field.is_same(now, before) {
        return Decision::Nothing;
    }
    if order.state >= OrderState::Cancelled {
        return Decision::Closed;
    }
    if is_older(field, said, now, age) {
        return if field.is_same(now, ours) { Decision::Nothing } else { Decision::Hold(HoldReason::Older) };
    }
    if field.is_same(now, ours) {
        Decision::Note
    } else if field == FollowedField::Tracking && order.shipping_method.is_without_courier() {
        Decision::Hold(HoldReason::Method)
    } else if field.is_late(order, before, now) {
        Decision::Hold(HoldReason::Late)
    } else if !field.is_same(ours, before) {
        Decision::Hold(HoldReason::Edited)
    } else {
        Decision::Take
    }
}

/// Whether the channel has replaced a value since, and the file cannot be shown to be newer.
pub fn is_older(field: FollowedField, said: &[Statement], now: &str, age: &FileAge) -> bool {
    let was_replaced = said.iter().rev().skip(1).any(|statement| field.is_same(&statement.value, now));
    let is_after = said.last().is_some_and(|last| age.is_after(last.as_of, last.said_at));
    age.is_older || (was_replaced && !is_after)
}

/// What a row of a file says besides the values of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowStatement {
    /// fields of which the row says something
    pub fields: FieldSet,
    /// the state, where its word is known
    pub progress: Option<ChannelProgress>,
    /// whether its claim concerns goods that were sent: a return or an exchange. It says that the order is 배송됨 at
    /// least, where no word names its state.
    pub implies_shipped: bool,
    /// the word of a claim that was withdrawn or refused
    pub withdrawn: Option<String>,
    /// moment of the claim, where the file has it
    pub claim_as_of: Option<Moment>,
}

impl Default for RowStatement {
    fn default() -> Self {
        Self { fields: FieldSet::ALL, progress: None, implies_shipped: false, withdrawn: None, claim_as_of: None }
    }
}

/// Progress of an order at its channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelProgress {
    /// 주문 as long as nothing was sent, else 배송됨, 확정, 취소됨, 반품
    pub state: OrderState,
    /// moment of the state, where the file has it
    pub at: Option<Moment>,
    /// 교환
    pub is_exchange: bool,
}

/// What to do about the state that the channel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateDecision {
    /// nothing: the channel said it before
    Nothing,
    /// the order is there, or further on
    Note,
    /// the order takes the state
    Take,
    /// nothing: the channel said a later state before, so the file is an older one
    Older,
    /// nothing but to tell it: the channel has taken its state back
    TakenBack,
}

/// Decides about the state: an order takes a state that is further on, and never goes back by itself.
pub fn decide_state(before: OrderState, now: OrderState, ours: OrderState, age: &FileAge) -> StateDecision {
    match now.cmp(&before) {
        std::cmp::Ordering::Equal => StateDecision::Nothing,
        std::cmp::Ordering::Less if age.is_surely_newer => StateDecision::TakenBack,
        std::cmp::Ordering::Less => StateDecision::Older,
        std::cmp::Ordering::Greater if ours >= now => StateDecision::Note,
        std::cmp::Ordering::Greater => StateDecision::Take,
    }
}

#[cfg(test)]
mod tests;
