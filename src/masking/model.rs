//! What is hidden from a member on a page.

use std::collections::HashSet;

use chrono::{Days, NaiveDate};

use crate::id::DeliveryId;
use crate::members::model::rights::Sight;
use crate::text::coded;

/// Maximum length of the note of a [`RevealReason`] in characters.
pub const MAX_NOTE_CHARS: usize = 200;

coded! {
    /// Why a member opens masked data.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum RevealReason {
        /// the customer asks
        Enquiry = "enquiry" "고객 문의",
        /// the date or the way to the door is settled
        Delivery = "delivery" "배송 연락",
        /// return, exchange or repair
        Claim = "claim" "반품·교환·수리",
        /// an order is checked or corrected
        Check = "check" "주문 확인",
        /// something else, which the note says
        Other = "other" "기타",
    }
}

/// What a member sees of the deliveries on a page.
#[derive(Clone, Debug)]
pub struct MaskPolicy {
    /// what the role sees on the surface
    sight: Sight,
    /// deliveries that the member opened, and those on a tour of today or tomorrow
    open: HashSet<DeliveryId>,
    /// deliveries whose use was stopped on demand (처리정지) and that the member has not opened
    restricted: HashSet<DeliveryId>,
    today: NaiveDate,
}

impl MaskPolicy {
    /// A page that shows `sight`; `open` are the deliveries that are shown all the same.
    pub fn new(sight: Sight, open: HashSet<DeliveryId>, today: NaiveDate) -> Self {
        Self { sight, open, restricted: HashSet::new(), today }
    }

    /// The same page, which hides these deliveries from every role.
    #[must_use]
    pub fn restricting(self, restricted: HashSet<DeliveryId>) -> Self {
        Self { restricted, ..self }
    }

    /// What the role sees on the surface.
    pub fn sight(&self) -> Sight {
        self.sight
    }

    /// Whether the role sees everything, apart from deliveries whose use was stopped.
    pub fn is_full(&self) -> bool {
        self.sight == Sight::Full
    }

    /// Whether the page masks nothing at all.
    pub fn masks_nothing(&self) -> bool {
        self.is_full() && self.restricted.is_empty()
    }

    /// Whether 보기 opens a hidden delivery.
    pub fn can_open(&self) -> bool {
        self.is_full() || self.sight.can_be_opened()
    }

    /// Whether a day is today.
    pub fn is_today(&self, day: NaiveDate) -> bool {
        day == self.today
    }

    /// Whether a day is today or tomorrow.
    pub fn is_due_on(&self, day: NaiveDate) -> bool {
        day == self.today || day == self.today + Days::new(1)
    }

    /// Whether the data of a delivery is hidden. `is_due` tells whether it goes out today or tomorrow.
    pub fn hides(&self, delivery_id: DeliveryId, is_due: bool) -> bool {
        if self.restricted.contains(&delivery_id) {
            return true;
        }
        match self.sight {
            Sight::Full => false,
            Sight::Due => !is_due && !self.open.contains(&delivery_id),
            Sight::Opened => !self.open.contains(&delivery_id),
            Sight::Masked | Sight::None => true,
        }
    }

    /// Whether an open delivery with this 희망배송일 may go out today or tomorrow: it is due, overdue, or it waits for the
    /// truck without a date.
    pub fn is_due(&self, preferred_date: Option<NaiveDate>, is_ready: bool) -> bool {
        preferred_date.map_or(is_ready, |date| date <= self.today + Days::new(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_date;

    fn masking(sight: Sight) -> MaskPolicy {
        MaskPolicy::new(sight, [DeliveryId::from_raw(7)].into(), parse_date("2026-11-22").expect("a date"))
    }

    #[test]
    fn opened_delivery_is_hidden_from_nobody_who_may_open_it() {
        for (sight, hidden) in [
            (Sight::Full, [false, false, false]),
            (Sight::Due, [false, true, false]),
            (Sight::Opened, [false, true, true]),
            (Sight::Masked, [true, true, true]),
            (Sight::None, [true, true, true]),
        ] {
            let masking = masking(sight);
            let found =
                [(7, false), (8, false), (8, true)].map(|(id, is_due)| masking.hides(DeliveryId::from_raw(id), is_due));
            assert_eq!(found, hidden, "{sight:?}");
        }
    }

    #[test]
    fn delivery_whose_use_was_stopped_is_hidden_from_every_role() {
        for sight in [Sight::Full, Sight::Due, Sight::Opened, Sight::Masked] {
            let masking = masking(sight).restricting([DeliveryId::from_raw(8)].into());
            assert!(masking.hides(DeliveryId::from_raw(8), true) && !masking.masks_nothing(), "{sight:?}");
        }
        let full = masking(Sight::Full).restricting([DeliveryId::from_raw(8)].into());
        assert!(!full.hides(DeliveryId::from_raw(9), false) && full.is_full() && full.can_open());
    }

    #[test]
    fn delivery_of_today_tomorrow_or_before_is_due() {
        let masking = masking(Sight::Due);
        let is_due = |date: &str| masking.is_due(parse_date(date), true);
        assert!(is_due("2026-11-22") && is_due("2026-11-23") && is_due("2026-11-01"));
        assert!(!is_due("2026-11-24"));
        assert!(masking.is_due(None, true) && !masking.is_due(None, false), "without a date: what waits for the truck");
    }
}
