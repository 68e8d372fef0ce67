//! Rules of the claim: it opens by itself, and it closes only by what the channel says later.

use super::{Decision, FileAge, FollowedField, HoldReason, Statement};
use crate::orders::model::{Order, OrderState};
use crate::time::Moment;

/// Marks the text of a withdrawn claim, to tell it from an order that never had one.
const WITHDRAWN: char = '-';

/// The claim of an order of which a part is cancelled: the channel has a mark, and no word.
pub const QUANTITY_CLAIM: &str = "수량클레임";

/// What a channel says about a claim.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimStatement {
    /// the statement as it is stored: `취소요청`, `-취소철회`, or empty without a claim
    text: String,
    /// moment of the claim, where the file has it
    pub as_of: Option<Moment>,
}

impl ClaimStatement {
    /// An open claim, in the channel's word; without a claim if the word is empty.
    pub fn open(word: &str, as_of: Option<Moment>) -> Self {
        Self { text: word.to_owned(), as_of }
    }

    /// A claim that was withdrawn or refused.
    pub fn withdrawn(word: &str, as_of: Option<Moment>) -> Self {
        Self { text: format!("{WITHDRAWN}{word}"), as_of }
    }

    /// The statement as it is stored.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The claim of an order by this statement.
    pub fn claim(&self) -> &str {
        claim_of(&self.text)
    }
}

/// The claim of an order by a stored statement.
pub fn claim_of(text: &str) -> &str {
    if text.starts_with(WITHDRAWN) { "" } else { text }
}

fn is_older(said: &[Statement], now: &str, age: &FileAge) -> bool {
    super::is_older(FollowedField::Claim, said, now, age)
}

/// Decides about the claim.
pub fn decide_claim(said: &[Statement], now: &ClaimStatement, order: &Order, age: &FileAge) -> Decision {
    let before = said.last().map_or("", |last| last.value.as_str());
    let last_moment = said.last().and_then(|last| last.as_of);
    let (is_newer, is_earlier) = match last_moment.zip(now.as_of) {
        Some((last, moment)) => (moment > last, moment < last),
        None => (false, false),
    };
    if now.text == before && !is_newer {
        return Decision::Nothing;
    }
    if order.state >= OrderState::Cancelled {
        return Decision::Closed;
    }
    let (claim, has_claim) = (now.claim(), !order.claim.is_empty());
    if order.claim == claim {
        return if is_older(said, &now.text, age) { Decision::Nothing } else { Decision::Note };
    }
    let is_opening = !claim.is_empty() && !has_claim;
    let was_replaced = is_older(said, &now.text, &FileAge { is_older: false, is_surely_older: false, ..*age });
    if !is_newer && (is_earlier || was_replaced || age.is_surely_older || (age.is_older && !is_opening)) {
        return Decision::Hold(HoldReason::Older);
    }
    Decision::Take
}
