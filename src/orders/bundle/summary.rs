//! Summary of a delivery: the columns of `deliveries` that are derived from its orders.

use chrono::NaiveDate;

use crate::id::OrderId;
use crate::orders::model::{OrderState, ShippingMethod};
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// State of a delivery; the discriminant is the stored number.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum DeliveryState {
        /// 준비: at least one order has not left the factory
        Preparing = "PREPARING" "준비",
        /// 대기: every order has left the factory
        ReadyToShip = "READY_TO_SHIP" "대기",
        /// 완료: every order is shipped or confirmed
        Completed = "COMPLETED" "완료",
        /// 반품: at least one order is refunded
        Returned = "RETURNED" "반품",
        /// 취소: no order, or all cancelled
        Cancelled = "CANCELLED" "취소됨",
    }
}

impl DeliveryState {
    /// States of open deliveries, which are not delivered yet.
    pub const UNDER_WAY: [Self; 2] = [Self::Preparing, Self::ReadyToShip];

    /// Parses a code, in any case, or a Korean label.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL.into_iter().find(|state| state.code().eq_ignore_ascii_case(text) || state.label() == text)
    }

    /// Decodes a stored number.
    pub fn from_stored(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|number| Self::ALL.get(number).copied())
    }
}

/// Fields of an order that its delivery is derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BundledOrder {
    /// identifier of the order
    pub order_id: OrderId,
    /// its state
    pub state: OrderState,
    /// 수량
    pub quantity: i64,
    /// pieces that the channel took off the quantity
    pub cancelled_quantity: i64,
    /// 주문일
    pub placed_at: Moment,
    /// 배송방법
    pub shipping_method: ShippingMethod,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// 시/군/구 code; none is 미분류
    pub sigungu_code: Option<i64>,
}

/// Columns of a delivery that are derived from its orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySummary {
    /// state of the delivery
    pub state: DeliveryState,
    /// 합배송수: its orders that are not cancelled
    pub order_count: i64,
    /// 총수량: pieces of the orders that are not cancelled
    pub total_quantity: i64,
    /// pieces of the cancelled orders, and cancelled pieces of the others
    pub cancelled_quantity: i64,
    /// 대표상품: the order shown for the whole delivery
    pub primary_order_id: Option<OrderId>,
    /// 배송방법 of the primary order
    pub shipping_method: ShippingMethod,
    /// earliest 희망배송일 of its orders that are not cancelled
    pub preferred_shipping_date: Option<NaiveDate>,
    /// 시/군/구 code of the primary order
    pub sigungu_code: Option<i64>,
}

impl DeliverySummary {
    /// Derives the columns; the order of the rows does not matter.
    pub fn of(parts: &[BundledOrder]) -> Self {
        let cancelled = |part: &&BundledOrder| part.state == OrderState::Cancelled;
        let active = || parts.iter().filter(|part| part.state != OrderState::Cancelled);
        let primary = primary(parts);
        Self {
            state: state(parts),
            order_count: i64::try_from(active().count()).unwrap_or(i64::MAX),
            total_quantity: active().map(|part| part.quantity).sum(),
            cancelled_quantity: parts.iter().filter(cancelled).map(|part| part.quantity).sum::<i64>()
                + parts.iter().map(|part| part.cancelled_quantity).sum::<i64>(),
            primary_order_id: primary.map(|part| part.order_id),
            shipping_method: primary.map_or(ShippingMethod::Direct, |part| part.shipping_method),
            preferred_shipping_date: active().filter_map(|part| part.preferred_shipping_date).min(),
            sigungu_code: primary.and_then(|part| part.sigungu_code),
        }
    }
}

fn state(parts: &[BundledOrder]) -> DeliveryState {
    let active = || parts.iter().map(|part| part.state).filter(|state| *state != OrderState::Cancelled);
    if active().next().is_none() {
        DeliveryState::Cancelled
    } else if active().any(|state| state == OrderState::Refunded) {
        DeliveryState::Returned
    } else if active().any(|state| state < OrderState::Dispatched) {
        DeliveryState::Preparing
    } else if active().all(|state| state >= OrderState::Shipped) {
        DeliveryState::Completed
    } else {
        DeliveryState::ReadyToShip
    }
}

/// Selects the order that has advanced most, then the largest quantity, then the oldest; a cancelled
/// order only if there is no other.
fn primary(parts: &[BundledOrder]) -> Option<&BundledOrder> {
    parts.iter().max_by_key(|part| {
        let active = part.state != OrderState::Cancelled;
        let oldest = (std::cmp::Reverse(part.placed_at), std::cmp::Reverse(part.order_id));
        (active, part.state, part.quantity, oldest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use OrderState::{Cancelled, Confirmed, Dispatched, Placed, Purchased, Refunded, Shipped};

    fn part(order_id: OrderId, state: OrderState, quantity: i64) -> BundledOrder {
        BundledOrder {
            order_id,
            state,
            quantity,
            cancelled_quantity: 0,
            placed_at: Moment(order_id.raw()),
            shipping_method: ShippingMethod::Direct,
            preferred_shipping_date: None,
            sigungu_code: None,
        }
    }

    fn of(states: &[OrderState]) -> DeliveryState {
        let parts: Vec<_> = (1..).zip(states).map(|(id, state)| part(OrderId::from_raw(id), *state, 1)).collect();
        let reversed: Vec<_> = parts.iter().rev().copied().collect();
        assert_eq!(
            DeliverySummary::of(&parts),
            DeliverySummary::of(&reversed),
            "the order of the rows must not matter"
        );
        DeliverySummary::of(&parts).state
    }

    #[test]
    fn delivery_state_is_derived_from_its_orders() {
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
    fn primary_order_is_most_advanced_then_largest_then_oldest() {
        let primary = |parts: &[BundledOrder]| DeliverySummary::of(parts).primary_order_id;
        assert_eq!(
            primary(&[part(OrderId::from_raw(1), Placed, 9), part(OrderId::from_raw(2), Purchased, 1)]),
            Some(OrderId::from_raw(2))
        );
        assert_eq!(
            primary(&[part(OrderId::from_raw(1), Placed, 1), part(OrderId::from_raw(2), Placed, 3)]),
            Some(OrderId::from_raw(2))
        );
        assert_eq!(
            primary(&[part(OrderId::from_raw(2), Placed, 1), part(OrderId::from_raw(1), Placed, 1)]),
            Some(OrderId::from_raw(1))
        );
        assert_eq!(
            primary(&[part(OrderId::from_raw(1), Cancelled, 9), part(OrderId::from_raw(2), Placed, 1)]),
            Some(OrderId::from_raw(2))
        );
    }

    #[test]
    fn cancelled_orders_and_pieces_are_counted_separately() {
        let summary =
            DeliverySummary::of(&[part(OrderId::from_raw(1), Placed, 2), part(OrderId::from_raw(2), Cancelled, 3)]);
        assert_eq!((summary.order_count, summary.total_quantity, summary.cancelled_quantity), (1, 2, 3));
    }
}
