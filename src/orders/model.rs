//! Types of an order and the rules that need no database.

use std::ops::{Index, IndexMut};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::follow::RowStatement;
pub use crate::channels::model::{ChargeType, OrderOption, ShippingMethod};
use crate::districts::Districts;
use crate::id::{ChannelId, DeliveryId, OrderId, ProductId, UploadId};
use crate::text::coded;
use crate::time::Moment;

coded! {
    /// State of an order; the variants are in the order of progress.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum OrderState {
        /// 주문
        #[default]
        Placed = "PLACED" "주문",
        /// 발주: ordered from the factory
        Purchased = "PURCHASED" "발주",
        /// 출고: left the factory
        Dispatched = "DISPATCHED" "출고",
        /// 배송: delivered, or handed to the courier
        Shipped = "SHIPPED" "배송됨",
        /// 확정: the customer confirmed
        Confirmed = "CONFIRMED" "확정",
        /// 취소
        Cancelled = "CANCELLED" "취소됨",
        /// 반품
        Refunded = "REFUNDED" "반품",
    }
}

impl OrderState {
    /// What a sentence says of an order in this state: `배송된 주문`.
    pub const fn participle(self) -> &'static str {
        match self {
            Self::Placed => "접수된",
            Self::Purchased => "발주된",
            Self::Dispatched => "출고된",
            Self::Shipped => "배송된",
            Self::Confirmed => "확정된",
            Self::Cancelled => "취소된",
            Self::Refunded => "반품된",
        }
    }

    /// The label with its particle, for an act that leads to this state: `배송됨으로`.
    pub const fn towards(self) -> &'static str {
        match self {
            Self::Placed => "주문으로",
            Self::Purchased => "발주로",
            Self::Dispatched => "출고로",
            Self::Shipped => "배송됨으로",
            Self::Confirmed => "확정으로",
            Self::Cancelled => "취소됨으로",
            Self::Refunded => "반품으로",
        }
    }

    /// Parses a code, in any case, or a Korean label (`PURCHASED`, `purchased`, `발주`). The short words 배송, 취소 and 환불
    /// are understood too.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL.into_iter().find(|state| state.code().eq_ignore_ascii_case(text) || state.label() == text).or(
            match text {
                "배송" => Some(Self::Shipped),
                "취소" => Some(Self::Cancelled),
                "환불" => Some(Self::Refunded),
                _ => None,
            },
        )
    }

    /// Stored number: the position in the order of progress.
    pub const fn ordinal(self) -> i64 {
        self as i64
    }

    /// Decodes a stored number.
    pub fn from_ordinal(rank: i64) -> Option<Self> {
        usize::try_from(rank).ok().and_then(|rank| Self::ALL.get(rank).copied())
    }
}

/// 구매자: the person who paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// 구매자명; masked by the channel for gifts (`홍*동`)
    pub name: String,
    /// 구매자연락처 with hyphens; empty when the channel gives none
    pub tel: String,
}

impl Customer {
    /// Whether the telephone number identifies the customer. Channels mask it (`010-****-1234`), or use
    /// `010-0000-0000` for gifts, which many customers share.
    pub fn is_known_by_tel(&self) -> bool {
        let digits: String = self.tel.chars().filter(char::is_ascii_digit).collect();
        let own = digits.len().checked_sub(8).and_then(|from| digits.get(from..)).unwrap_or_default();
        !self.tel.contains('*') && digits.len() >= 9 && own.bytes().any(|digit| digit != b'0')
    }
}

/// 수취인: the person who receives the goods, with the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipient {
    /// 수취인명
    pub name: String,
    /// 수취인연락처1 with hyphens
    pub tel1: String,
    /// 수취인연락처2, or empty
    pub tel2: String,
    /// five digits, or empty
    pub zip_code: String,
    /// road address
    pub address1: String,
    /// detailed address: 동, 호, floor
    pub address2: String,
}

impl Recipient {
    /// The 시/군/구 code: by the postal code; without one by the written address.
    pub fn district(&self, districts: &Districts) -> Option<i64> {
        districts.district_of(&self.zip_code, &self.address1)
    }

    /// Whether a change of `before` to this is one of the place, so that the district has to be found again.
    pub fn is_elsewhere(&self, before: &Self, districts: &Districts) -> bool {
        self.zip_code != before.zip_code || self.district(districts) != before.district(districts)
    }
}

/// Moments at which the order reached each state; set for the current state and the states it has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments([Option<Moment>; 7]);

impl Index<OrderState> for Moments {
    type Output = Option<Moment>;

    fn index(&self, state: OrderState) -> &Option<Moment> {
        &self.0[state as usize]
    }
}

impl IndexMut<OrderState> for Moments {
    fn index_mut(&mut self, state: OrderState) -> &mut Option<Moment> {
        &mut self.0[state as usize]
    }
}

impl Moments {
    /// Moments of a new order.
    pub fn placed(at: Moment) -> Self {
        let mut moments = [None; 7];
        moments[0] = Some(at);
        Self(moments)
    }

    /// Moment at which the state was reached.
    pub fn of(&self, state: OrderState) -> Option<Moment> {
        self[state]
    }

    /// Records that `state` was reached at `at`, and clears the moments of later states.
    pub fn record_moment(&mut self, state: OrderState, at: Moment) {
        for later in OrderState::ALL.into_iter().filter(|later| *later > state) {
            self[later] = None;
        }
        if state != OrderState::Placed {
            self[state] = Some(at);
        }
    }
}

/// Separates the tracking numbers of an order that is sent in several parcels.
pub const PARCEL_SEPARATOR: &str = ", ";

/// The tracking numbers of an order; the channel gets the first.
pub fn parcels(tracking_number: &str) -> impl Iterator<Item = &str> {
    tracking_number.split(PARCEL_SEPARATOR).filter(|number| !number.is_empty())
}

/// Stored order. Its fields are also in the table [`FIELDS`](super::fields::FIELDS), from which SQL, log, search, forms and
/// exports follow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// generated identifier
    pub id: OrderId,
    /// 상품주문번호 of the channel
    pub order_number: String,
    /// 주문번호 of the purchase, as the customer knows it; empty where the channel gives none
    pub channel_order_number: String,
    /// its sales channel
    pub channel_id: ChannelId,
    /// its product
    pub product_id: ProductId,
    /// delivery of its bundle
    pub delivery_id: DeliveryId,
    /// current state
    pub state: OrderState,
    /// moment of each state
    pub moments: Moments,
    /// chosen options, in the channel's wording
    pub options: Vec<OrderOption>,
    /// 옵션정보 as in the file
    pub options_raw: String,
    /// 수량, at least 1, without what was cancelled
    pub quantity: i64,
    /// pieces that the channel took off the quantity
    pub cancelled_quantity: i64,
    /// 정산예정금액, in won
    pub price: i64,
    /// 구매자
    pub customer: Customer,
    /// 고객메시지, from the channel
    pub customer_message: String,
    /// 수취인
    pub recipient: Recipient,
    /// 시/군/구 code of the postal code; none is 미분류
    pub sigungu_code: Option<i64>,
    /// 배송방법
    pub shipping_method: ShippingMethod,
    /// 배송방법 in the channel's wording
    pub shipping_method_raw: String,
    /// 배송비 형태
    pub charge_type: ChargeType,
    /// 택배사, or empty
    pub courier: String,
    /// 송장번호, or empty; several parcels of one order are separated by [`PARCEL_SEPARATOR`]
    pub tracking_number: String,
    /// claim of the customer (cancellation, return or exchange request), or empty
    pub claim: String,
    /// 발주메모, for the factory
    pub purchase_memo: String,
    /// 배송메모, for the delivery team
    pub shipping_memo: String,
    /// 관리자메모, visible to administrators only
    pub admin_memo: String,
    /// 발송기한
    pub dispatch_deadline: Option<NaiveDate>,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// upload that created the order
    pub upload_id: Option<UploadId>,
    /// incremented by every change
    pub version: i64,
}

impl Order {
    /// The order that a row or a form describes; its identifiers are those of nothing yet.
    pub fn of_new(new: &NewOrder) -> Self {
        Self {
            order_number: new.order_number.clone(),
            channel_order_number: new.channel_order_number.clone(),
            moments: Moments::placed(new.placed_at),
            options: new.options.clone(),
            options_raw: new.options_raw.clone(),
            quantity: new.quantity,
            price: new.price,
            customer: new.customer.clone(),
            customer_message: new.customer_message.clone(),
            recipient: new.recipient.clone(),
            shipping_method: new.shipping_method,
            shipping_method_raw: new.shipping_method_raw.clone(),
            charge_type: new.charge_type,
            courier: new.courier.clone(),
            tracking_number: new.tracking_number.clone(),
            claim: new.claim.clone(),
            dispatch_deadline: new.dispatch_deadline,
            preferred_shipping_date: new.preferred_shipping_date,
            ..Self::default()
        }
    }

    /// Advances to `state` at `at`. Returns false, and changes nothing, if the order has reached or passed that
    /// state: advancing never moves back.
    pub fn advance(&mut self, state: OrderState, at: Moment) -> bool {
        let forward = self.state < state;
        if forward {
            self.set_state(state, at);
        }
        forward
    }

    /// Sets any state, forward or back: members may correct mistakes.
    pub fn set_state(&mut self, state: OrderState, at: Moment) {
        if self.state != state {
            self.state = state;
            self.moments.record_moment(state, at);
        }
    }

    /// Sets the method, in the words of its label; those of the channel stay with the method that they name.
    pub fn set_shipping_method(&mut self, method: ShippingMethod) {
        if self.shipping_method != method {
            self.shipping_method = method;
            method.label().clone_into(&mut self.shipping_method_raw);
        }
    }

    /// Day of delivery or handover. From then on the order keeps the district that was valid on this day.
    pub fn delivered_on(&self) -> Option<NaiveDate> {
        self.moments.of(OrderState::Shipped).map(Moment::date)
    }

    /// Whether a claim waits for an answer.
    pub fn has_open_claim(&self) -> bool {
        !self.claim.is_empty() && self.state < OrderState::Cancelled
    }

    /// Whether it goes by courier and nobody has entered its parcel: the customer and the channel could not follow it.
    pub fn lacks_tracking_number(&self) -> bool {
        self.shipping_method == ShippingMethod::Parcel && self.tracking_number.is_empty()
    }

    /// Whether nothing is left to do for the order.
    pub fn has_ended(&self) -> bool {
        self.state >= OrderState::Shipped && !self.has_open_claim()
    }

    /// Options and quantity are locked once the goods have left the factory.
    pub fn goods_are_locked(&self) -> bool {
        self.state >= OrderState::Dispatched
    }

    /// 발송기한 is locked once the goods have left the factory.
    pub fn deadline_is_settled(&self) -> bool {
        self.state >= OrderState::Dispatched
    }

    /// 희망배송일 is locked once the goods are delivered.
    pub fn preferred_date_is_settled(&self) -> bool {
        self.state >= OrderState::Shipped
    }
}

/// Validated order of a channel file or a form, from which an [`Order`] is created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewOrder {
    /// 상품주문번호 of the channel, or the line key that its profile composes
    pub order_number: String,
    /// 주문번호 of the purchase, or empty
    pub channel_order_number: String,
    /// code of the sales channel: `SMART_STORE`
    pub sales_channel: String,
    /// 판매자 상품코드, or 상품번호 of the channel if that is empty
    pub product_number: String,
    /// 상품명 in the file
    pub product_name: String,
    /// parsed 옵션정보
    pub options: Vec<OrderOption>,
    /// 옵션정보 as in the file
    pub options_raw: String,
    /// 수량, at least 1
    pub quantity: i64,
    /// 정산예정금액, in won
    pub price: i64,
    /// 구매자
    pub customer: Customer,
    /// 수취인
    pub recipient: Recipient,
    /// 고객메시지, with its line breaks
    pub customer_message: String,
    /// 배송방법
    pub shipping_method: ShippingMethod,
    /// 배송방법 in the channel's wording
    pub shipping_method_raw: String,
    /// 배송비 형태
    pub charge_type: ChargeType,
    /// 배송비 묶음번호; empty if the channel gives none, the order then gets a bundle of its own
    pub bundle_number: String,
    /// 주문일
    pub placed_at: Moment,
    /// 발송기한
    pub dispatch_deadline: Option<NaiveDate>,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// claim at the channel (취소요청 …), or empty
    pub claim: String,
    /// 택배사 of the file, or empty
    pub courier: String,
    /// 송장번호 of the file, digits only, or empty
    pub tracking_number: String,
    /// state at the channel, and which fields the row has
    pub said: RowStatement,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A plain order in that state.
    pub(crate) fn order(state: OrderState) -> Order {
        let mut moments = Moments::placed(Moment(1));
        moments.record_moment(state, Moment(2));
        Order {
            id: OrderId::from_raw(1),
            order_number: "2024031500000001".to_owned(),
            channel_id: ChannelId::from_raw(1),
            product_id: ProductId::from_raw(1),
            delivery_id: DeliveryId::from_raw(1),
            state,
            moments,
            quantity: 1,
            ..Order::default()
        }
    }

    #[test]
    fn safe_numbers_do_not_identify_a_customer() {
        let known = |tel: &str| Customer { name: "박*자".to_owned(), tel: tel.to_owned() }.is_known_by_tel();
        assert!(known("010-0000-1001") && known("0504-0000-1010") && known("02-123-4567"));
        for tel in ["", "010-0000-0000", "0504-0000-0000", "010-****-1234", "1234"] {
            assert!(!known(tel), "{tel}");
        }
    }

    #[test]
    fn advancing_only_moves_forward() {
        for (from, to) in OrderState::ALL.into_iter().flat_map(|from| OrderState::ALL.map(|to| (from, to))) {
            let mut order = order(from);
            let before = order.clone();
            assert_eq!(order.advance(to, Moment(9)), from < to);
            assert_eq!(order.state, from.max(to));
            if from >= to {
                assert_eq!(order, before);
            } else {
                assert_eq!(order.moments.of(to), Some(Moment(9)));
            }
        }
    }

    #[test]
    fn going_back_clears_the_moments_of_later_states() {
        let mut order = order(OrderState::Placed);
        order.set_state(OrderState::Purchased, Moment(10));
        order.set_state(OrderState::Shipped, Moment(20));
        order.set_state(OrderState::Purchased, Moment(30));
        assert_eq!(order.moments.of(OrderState::Shipped), None);
        assert_eq!(order.moments.of(OrderState::Purchased), Some(Moment(30)));
        order.set_state(OrderState::Placed, Moment(40));
        assert_eq!(order.moments, Moments::placed(Moment(1)));
    }

    #[test]
    fn dates_are_locked_by_the_state() {
        assert!(!order(OrderState::Purchased).deadline_is_settled());
        assert!(order(OrderState::Dispatched).deadline_is_settled());
        assert!(!order(OrderState::Dispatched).preferred_date_is_settled());
        assert!(order(OrderState::Shipped).preferred_date_is_settled());
    }

    #[test]
    fn state_is_parsed_from_code_and_label() {
        assert_eq!(OrderState::parse("purchased"), Some(OrderState::Purchased));
        assert_eq!(OrderState::parse(" 반품 "), Some(OrderState::Refunded));
        assert_eq!(OrderState::parse("배송"), Some(OrderState::Shipped));
        assert_eq!(OrderState::parse("배송됨"), Some(OrderState::Shipped));
        assert_eq!(OrderState::parse("배달"), None);
        assert!(OrderState::ALL.iter().all(|state| OrderState::from_ordinal(state.ordinal()) == Some(*state)));
    }
}
