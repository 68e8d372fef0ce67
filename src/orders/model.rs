//! What an order is, and the rules that need nothing but an order.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use crate::channels::model::{ChargeType, OrderOption, ShippingMethod};
use crate::time::Moment;

/// The seven states, in the order of progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum OrderState {
    /// 주문
    Placed,
    /// 발주: ordered from the factory
    Purchased,
    /// 출고: left the factory
    Dispatched,
    /// 배송: delivered, or handed to the courier
    Shipped,
    /// 확정: the customer confirmed
    Confirmed,
    /// 취소
    Cancelled,
    /// 환불, 반품
    Refunded,
}

impl OrderState {
    /// Every state, in the order of progress.
    pub const ALL: [Self; 7] = [
        Self::Placed,
        Self::Purchased,
        Self::Dispatched,
        Self::Shipped,
        Self::Confirmed,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The name in code, JSON and the command line.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Placed => "PLACED",
            Self::Purchased => "PURCHASED",
            Self::Dispatched => "DISPATCHED",
            Self::Shipped => "SHIPPED",
            Self::Confirmed => "CONFIRMED",
            Self::Cancelled => "CANCELLED",
            Self::Refunded => "REFUNDED",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Placed => "주문",
            Self::Purchased => "발주",
            Self::Dispatched => "출고",
            Self::Shipped => "배송",
            Self::Confirmed => "확정",
            Self::Cancelled => "취소",
            Self::Refunded => "환불",
        }
    }

    /// The state of that code or Korean word (`PURCHASED`, `purchased`, `발주`; `반품` is 환불).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|state| state.code().eq_ignore_ascii_case(text) || state.label() == text)
            .or((text == "반품").then_some(Self::Refunded))
    }

    /// The stored number: the place in the order of progress.
    pub const fn ordinal(self) -> i64 {
        self as i64
    }

    /// The state of a stored number.
    pub fn from_ordinal(rank: i64) -> Option<Self> {
        usize::try_from(rank).ok().and_then(|rank| Self::ALL.get(rank).copied())
    }
}

/// Who paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// 구매자명; masked by the channel for gifts (`홍*동`)
    pub name: String,
    /// 구매자연락처 with hyphens; empty when the channel gives none
    pub tel: String,
}

impl Customer {
    /// Whether the telephone number tells who this is. Channels mask it (`010-****-1234`) and put
    /// `010-0000-0000` where somebody gave a present: many people share those.
    pub fn is_known_by_tel(&self) -> bool {
        let digits: String = self.tel.chars().filter(char::is_ascii_digit).collect();
        let own = digits.len().checked_sub(8).and_then(|from| digits.get(from..)).unwrap_or_default();
        !self.tel.contains('*') && digits.len() >= 9 && own.bytes().any(|digit| digit != b'0')
    }
}

/// Who receives, and where.
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
    /// detail: 동, 호, floor
    pub address2: String,
}

/// The moments of the seven states; each is set while the order is at or past its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moments([Option<Moment>; 7]);

impl Moments {
    /// The moments of an order that was just placed.
    pub fn placed(at: Moment) -> Self {
        let mut moments = [None; 7];
        moments[0] = Some(at);
        Self(moments)
    }

    /// The moments as stored, in the order of the states.
    pub const fn stored(moments: [Option<Moment>; 7]) -> Self {
        Self(moments)
    }

    /// When that state was reached.
    pub fn of(&self, state: OrderState) -> Option<Moment> {
        self.0[state as usize]
    }

    /// Enters `state` at `at` and gives up every state after it.
    pub fn record_moment(&mut self, state: OrderState, at: Moment) {
        for later in OrderState::ALL.into_iter().filter(|later| *later > state) {
            self.0[later as usize] = None;
        }
        if state != OrderState::Placed {
            self.0[state as usize] = Some(at);
        }
    }
}

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// identifier made here
    pub id: i64,
    /// the channel's 상품주문번호
    pub order_number: String,
    /// its sales channel
    pub channel_id: i64,
    /// its product
    pub product_id: i64,
    /// the bundle it travels in
    pub delivery_id: i64,
    /// where it stands
    pub state: OrderState,
    /// when it reached each state
    pub moments: Moments,
    /// the channel's words for what was chosen
    pub options: Vec<OrderOption>,
    /// 옵션정보 as it stood in the file
    pub options_text: String,
    /// at least 1
    pub quantity: i64,
    /// whole won
    pub price: i64,
    /// who paid
    pub customer: Customer,
    /// what the customer wrote at the channel
    pub customer_message: String,
    /// who receives
    pub recipient: Recipient,
    /// district code of the postal code; none is 미분류
    pub sigungu: Option<i64>,
    /// how it travels
    pub shipping_method: ShippingMethod,
    /// the channel's own word for the method
    pub shipping_method_word: String,
    /// who pays the transport
    pub charge_type: ChargeType,
    /// 택배사, or empty
    pub courier: String,
    /// 송장번호, or empty
    pub tracking_number: String,
    /// a pending wish of the customer, or empty
    pub claim: String,
    /// for the factory
    pub purchase_memo: String,
    /// for the delivery team
    pub shipping_memo: String,
    /// for admins alone
    pub admin_memo: String,
    /// 발송기한
    pub dispatch_deadline: Option<NaiveDate>,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// the upload that brought it
    pub upload_id: Option<i64>,
    /// rises with every change
    pub version: i64,
}

impl Order {
    /// Proceeds to `state` at `at`. Answers false, changing nothing, when the order is there or
    /// past it already: proceeding only moves forward.
    pub fn advance(&mut self, state: OrderState, at: Moment) -> bool {
        let forward = self.state < state;
        if forward {
            self.set_state(state, at);
        }
        forward
    }

    /// Puts the order in any state, forward or back, as somebody who corrects a mistake may.
    pub fn set_state(&mut self, state: OrderState, at: Moment) {
        if self.state != state {
            self.state = state;
            self.moments.record_moment(state, at);
        }
    }

    /// The day it was delivered or handed over, whose districts it belongs to from then on.
    pub fn delivered_on(&self) -> Option<NaiveDate> {
        self.moments.of(OrderState::Shipped).map(Moment::date)
    }

    /// A wish of the customer waits for an answer.
    pub fn has_open_claim(&self) -> bool {
        !self.claim.is_empty() && self.state < OrderState::Cancelled
    }

    /// Options and quantity are settled once the goods left the factory.
    pub fn goods_are_locked(&self) -> bool {
        self.state >= OrderState::Dispatched
    }

    /// 발송기한 is settled once the goods left the factory.
    pub fn deadline_is_settled(&self) -> bool {
        self.state >= OrderState::Dispatched
    }

    /// 희망배송일 is settled once the goods were delivered.
    pub fn preferred_date_is_settled(&self) -> bool {
        self.state >= OrderState::Shipped
    }
}

/// An order as a channel's file tells it, checked and ready to become an [`Order`](crate::orders).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// the channel's 상품주문번호 (or the line key its profile makes)
    pub order_number: String,
    /// code of the channel: `SMART_STORE`
    pub sales_channel: String,
    /// 판매자 상품코드, or the channel's 상품번호 where that is empty
    pub product_number: String,
    /// 상품명 in the file
    pub product_name: String,
    /// 옵션정보, read
    pub options: Vec<OrderOption>,
    /// 옵션정보 as it stood in the file
    pub options_text: String,
    /// at least 1
    pub quantity: i64,
    /// 정산예정금액, whole won
    pub price: i64,
    /// who paid
    pub customer: Customer,
    /// who receives
    pub recipient: Recipient,
    /// what the customer wrote at the channel; line breaks kept
    pub customer_message: String,
    /// how it travels
    pub shipping_method: ShippingMethod,
    /// the channel's own word for the method
    pub shipping_method_word: String,
    /// who pays the transport
    pub charge_type: ChargeType,
    /// 배송비 묶음번호; empty when the channel gives none (the order then travels alone)
    pub bundle_number: String,
    /// when it was ordered
    pub placed_at: Moment,
    /// 발송기한
    pub dispatch_deadline: Option<NaiveDate>,
    /// 희망배송일
    pub preferred_shipping_date: Option<NaiveDate>,
    /// a pending wish of the customer at the channel (취소요청 …), or empty
    pub claim: String,
    /// 택배사 already in the file, or empty
    pub courier: String,
    /// 송장번호 already in the file, digits, or empty
    pub tracking_number: String,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A plain order in that state.
    pub(crate) fn order(state: OrderState) -> Order {
        let mut moments = Moments::placed(Moment(1));
        moments.record_moment(state, Moment(2));
        Order {
            id: 1,
            order_number: "2024031500000001".to_owned(),
            channel_id: 1,
            product_id: 1,
            delivery_id: 1,
            state,
            moments,
            options: Vec::new(),
            options_text: String::new(),
            quantity: 1,
            price: 0,
            customer: Customer::default(),
            customer_message: String::new(),
            recipient: Recipient::default(),
            sigungu: None,
            shipping_method: ShippingMethod::Direct,
            shipping_method_word: String::new(),
            charge_type: ChargeType::Prepaid,
            courier: String::new(),
            tracking_number: String::new(),
            claim: String::new(),
            purchase_memo: String::new(),
            shipping_memo: String::new(),
            admin_memo: String::new(),
            dispatch_deadline: None,
            preferred_shipping_date: None,
            upload_id: None,
            version: 0,
        }
    }

    #[test]
    fn a_number_that_many_share_is_nobodys() {
        let known = |tel: &str| Customer { name: "박*자".to_owned(), tel: tel.to_owned() }.is_known_by_tel();
        assert!(known("010-0000-1001") && known("0504-0000-1010") && known("02-123-4567"));
        for tel in ["", "010-0000-0000", "0504-0000-0000", "010-****-1234", "1234"] {
            assert!(!known(tel), "{tel}");
        }
    }

    #[test]
    fn proceeding_only_moves_forward() {
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
    fn going_back_clears_the_moments_of_the_states_given_up() {
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
    fn dates_settle_with_the_state() {
        assert!(!order(OrderState::Purchased).deadline_is_settled());
        assert!(order(OrderState::Dispatched).deadline_is_settled());
        assert!(!order(OrderState::Dispatched).preferred_date_is_settled());
        assert!(order(OrderState::Shipped).preferred_date_is_settled());
    }

    #[test]
    fn a_state_is_known_by_code_and_by_word() {
        assert_eq!(OrderState::parse("purchased"), Some(OrderState::Purchased));
        assert_eq!(OrderState::parse(" 반품 "), Some(OrderState::Refunded));
        assert_eq!(OrderState::parse("배달"), None);
        assert!(OrderState::ALL.iter().all(|state| OrderState::from_ordinal(state.ordinal()) == Some(*state)));
    }
}
