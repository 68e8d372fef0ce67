//! What a delivery is: everything about it follows from its orders.

use chrono::NaiveDate;

use crate::orders::model::{OrderState, ShippingMethod};
use crate::time::Moment;

/// The states of a delivery. The number is the stored one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// 준비: something has not left the factory
    Preparing,
    /// 대기: everything may go
    ReadyToShip,
    /// 완료: everything arrived
    Completed,
    /// 반품: something came back
    Returned,
    /// 취소: nothing is left to deliver
    Cancelled,
}

impl DeliveryState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Preparing, Self::ReadyToShip, Self::Completed, Self::Returned, Self::Cancelled];

    /// The name in code and JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Preparing => "PREPARING",
            Self::ReadyToShip => "READY_TO_SHIP",
            Self::Completed => "COMPLETED",
            Self::Returned => "RETURNED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Preparing => "준비",
            Self::ReadyToShip => "대기",
            Self::Completed => "완료",
            Self::Returned => "반품",
            Self::Cancelled => "취소",
        }
    }

    /// The state of that code or Korean word.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL.into_iter().find(|state| state.code().eq_ignore_ascii_case(text) || state.label() == text)
    }

    /// The state of a stored number.
    pub fn from_stored(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|number| Self::ALL.get(number).copied())
    }
}

/// What a delivery needs to know of one of its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// the order
    pub order_id: i64,
    /// where it stands
    pub state: OrderState,
    /// how many pieces
    pub quantity: i64,
    /// when it was ordered
    pub placed_at: Moment,
    /// how it travels
    pub shipping_method: ShippingMethod,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// district code
    pub sigungu: Option<i64>,
}

/// All that follows from the orders of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// where the delivery stands
    pub state: DeliveryState,
    /// all its orders, cancelled ones too: 합배송수
    pub order_count: i64,
    /// pieces, cancelled ones left out
    pub total_quantity: i64,
    /// pieces that were cancelled
    pub cancelled_quantity: i64,
    /// the order that stands for all: 대표물품
    pub primary_order_id: Option<i64>,
    /// how it travels: as its primary order does
    pub shipping_method: ShippingMethod,
    /// the earliest date any of its orders asks for
    pub preferred_shipping_date: Option<NaiveDate>,
    /// district of the primary order
    pub sigungu: Option<i64>,
}

impl Summary {
    /// What follows from these orders, in whatever sequence they come.
    pub fn of(parts: &[Part]) -> Self {
        let cancelled = |part: &&Part| part.state == OrderState::Cancelled;
        let living = || parts.iter().filter(|part| part.state != OrderState::Cancelled);
        let primary = primary(parts);
        Self {
            state: state(parts),
            order_count: i64::try_from(parts.len()).unwrap_or(i64::MAX),
            total_quantity: living().map(|part| part.quantity).sum(),
            cancelled_quantity: parts.iter().filter(cancelled).map(|part| part.quantity).sum(),
            primary_order_id: primary.map(|part| part.order_id),
            shipping_method: primary.map_or(ShippingMethod::Direct, |part| part.shipping_method),
            preferred_shipping_date: living().filter_map(|part| part.preferred_shipping_date).min(),
            sigungu: primary.and_then(|part| part.sigungu),
        }
    }
}

fn state(parts: &[Part]) -> DeliveryState {
    let living = || parts.iter().map(|part| part.state).filter(|state| *state != OrderState::Cancelled);
    if living().next().is_none() {
        DeliveryState::Cancelled
    } else if living().any(|state| state == OrderState::Refunded) {
        DeliveryState::Returned
    } else if living().any(|state| state < OrderState::Dispatched) {
        DeliveryState::Preparing
    } else if living().all(|state| state >= OrderState::Shipped) {
        DeliveryState::Completed
    } else {
        DeliveryState::ReadyToShip
    }
}

/// The order furthest on, then of the largest quantity, then the oldest; a cancelled one only when
/// there is no other.
fn primary(parts: &[Part]) -> Option<&Part> {
    parts.iter().max_by_key(|part| {
        let living = part.state != OrderState::Cancelled;
        let oldest = (std::cmp::Reverse(part.placed_at), std::cmp::Reverse(part.order_id));
        (living, part.state, part.quantity, oldest)
    })
}

/// Whether an order joined the delivery unnoticed by the team: after its slip was printed, or, without a slip, after
/// the delivery was ready for the first time.
pub fn joined_late(joined_at: Moment, printed_at: Option<Moment>, ready_at: Option<Moment>) -> bool {
    printed_at.or(ready_at).is_some_and(|noticed_at| joined_at > noticed_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderState::{Cancelled, Confirmed, Dispatched, Placed, Purchased, Refunded, Shipped};

    fn part(order_id: i64, state: OrderState, quantity: i64) -> Part {
        Part {
            order_id,
            state,
            quantity,
            placed_at: Moment(order_id),
            shipping_method: ShippingMethod::Direct,
            preferred_shipping_date: None,
            sigungu: None,
        }
    }

    fn of(states: &[OrderState]) -> DeliveryState {
        let parts: Vec<_> = (1..).zip(states).map(|(id, state)| part(id, *state, 1)).collect();
        let reversed: Vec<_> = parts.iter().rev().copied().collect();
        assert_eq!(Summary::of(&parts), Summary::of(&reversed), "the sequence of the rows must not matter");
        Summary::of(&parts).state
    }

    #[test]
    fn the_state_follows_from_the_orders() {
        assert_eq!(of(&[]), DeliveryState::Cancelled);
        assert_eq!(of(&[Cancelled, Cancelled]), DeliveryState::Cancelled);
        assert_eq!(of(&[Placed, Refunded]), DeliveryState::Returned);
        assert_eq!(of(&[Cancelled, Placed, Shipped]), DeliveryState::Preparing);
        assert_eq!(of(&[Purchased]), DeliveryState::Preparing);
        assert_eq!(of(&[Shipped, Confirmed, Cancelled]), DeliveryState::Completed);
        assert_eq!(of(&[Dispatched, Shipped]), DeliveryState::ReadyToShip);
        assert_eq!(of(&[Dispatched]), DeliveryState::ReadyToShip);
    }

    #[test]
    fn the_primary_order_is_the_furthest_then_largest_then_oldest() {
        let primary = |parts: &[Part]| Summary::of(parts).primary_order_id;
        assert_eq!(primary(&[part(1, Placed, 9), part(2, Purchased, 1)]), Some(2));
        assert_eq!(primary(&[part(1, Placed, 1), part(2, Placed, 3)]), Some(2));
        assert_eq!(primary(&[part(2, Placed, 1), part(1, Placed, 1)]), Some(1));
        assert_eq!(primary(&[part(1, Cancelled, 9), part(2, Placed, 1)]), Some(2));
    }

    #[test]
    fn cancelled_pieces_are_counted_apart() {
        let summary = Summary::of(&[part(1, Placed, 2), part(2, Cancelled, 3)]);
        assert_eq!((summary.order_count, summary.total_quantity, summary.cancelled_quantity), (2, 2, 3));
    }

    #[test]
    fn an_order_that_came_after_the_slip_or_after_readiness_joined_late() {
        let (before, at, after) = (Moment(1), Moment(2), Moment(3));
        assert!(!joined_late(after, None, None), "neither printed nor ready");
        assert!(joined_late(after, None, Some(at)) && joined_late(after, Some(at), None));
        assert!(!joined_late(at, Some(at), Some(before)), "the slip printed since has it");
        assert!(!joined_late(before, Some(at), None));
    }
}
