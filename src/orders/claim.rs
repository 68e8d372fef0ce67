//! Claims: what a customer asks of the channel (취소요청, 반품요청, 교환요청 …).
//!
//! Every channel has its own words. [`ClaimKind::of_open`] decides which of them mean an open claim, and of which kind;
//! [`ClaimGate`] decides which orders of an act may go on. An order with an open cancellation stays where it is: buying
//! or sending its goods costs money, and a channel that is told of a dispatch refuses the cancellation. Only a member
//! who names the order lets it pass, and its log says so. Returns and exchanges concern goods that were sent, so they
//! are shown but hold nothing back.

use super::model::{Order, OrderState};
use crate::id::OrderId;

/// What the customer asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// 취소
    Cancellation,
    /// 반품
    Return,
    /// 교환
    Exchange,
    /// a claim whose word names no kind: 처리중
    Unknown,
}

/// Parts of words that name the kind. The first that a word contains counts.
const KINDS: [(&str, ClaimKind); 14] = [
    ("취소", ClaimKind::Cancellation),
    ("출고중지", ClaimKind::Cancellation),
    ("발송중지", ClaimKind::Cancellation),
    ("배송중지", ClaimKind::Cancellation),
    ("수량클레임", ClaimKind::Cancellation),
    ("CANCEL", ClaimKind::Cancellation),
    ("교환", ClaimKind::Exchange),
    ("재배송", ClaimKind::Exchange),
    ("EXCHANGE", ClaimKind::Exchange),
    ("반품", ClaimKind::Return),
    ("환불", ClaimKind::Return),
    ("수거", ClaimKind::Return),
    ("회수", ClaimKind::Return),
    ("RETURN", ClaimKind::Return),
];

/// Words that are an open claim as a whole, though they contain no step.
const OPEN_WORDS: [&str; 4] = ["부분취소", "수량클레임", "COLLECTING", "CANCELING"];

/// Endings of steps that are done while the claim itself is still open.
const OPEN_ENDINGS: [&str; 6] = ["접수완료", "신청완료", "요청완료", "수거완료", "회수완료", "COLLECT_DONE"];

/// Endings of claims that are settled, withdrawn or refused.
const SETTLED_ENDINGS: [&str; 14] = [
    "완료",
    "철회",
    "거부",
    "거절",
    "반려",
    "불가",
    "안함",
    "종료",
    "반품취소",
    "교환취소",
    "환불취소",
    "DONE",
    "REJECT",
    "WITHDRAWN",
];

/// Parts of words that say that the claim waits for someone.
const OPEN_STEPS: [&str; 21] = [
    "요청",
    "신청",
    "접수",
    "처리중",
    "진행중",
    "대기",
    "보류",
    "검수중",
    "수거중",
    "회수중",
    "배송중",
    "재배송중",
    "취소중",
    "반품중",
    "교환중",
    "환불중",
    "출고중지",
    "발송중지",
    "배송중지",
    "REQUEST",
    "REDELIVERING",
];

impl ClaimKind {
    /// Korean label.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Cancellation => "취소",
            Self::Return => "반품",
            Self::Exchange => "교환",
            Self::Unknown => "클레임",
        }
    }

    /// The kind of a channel's word, if the word means an open claim. Spaces and letter case do not matter.
    pub fn of_open(word: &str) -> Option<Self> {
        let word = compact(word);
        let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
        if OPEN_WORDS.contains(&word.as_str()) || ends(&OPEN_ENDINGS) {
            return Some(kind_in(&word).unwrap_or(Self::Return));
        }
        if ends(&SETTLED_ENDINGS) || !OPEN_STEPS.iter().any(|step| word.contains(step)) {
            return None;
        }
        kind_in(&word)
    }

    /// Whether a word that no rule knows may mean a cancellation: it names one, and does not say that it was withdrawn or
    /// refused.
    pub fn may_be_cancelled(word: &str) -> bool {
        let word = compact(word);
        let is_over = ["철회", "거부", "거절", "반려", "불가", "안함", "REJECT", "WITHDRAWN"]
            .iter()
            .any(|end| word.ends_with(end));
        let names_other = ["반품취소", "교환취소", "환불취소"].iter().any(|part| word.contains(part));
        !is_over && !names_other && kind_in(&word) == Some(Self::Cancellation)
    }

    /// Whether a word, of an open claim or a settled one, is about goods that were sent: a return or an exchange.
    pub fn concerns_sent_goods(word: &str) -> bool {
        let word = compact(word);
        ["반품", "교환", "재배송", "수거", "회수", "RETURN", "EXCHANGE"].iter().any(|part| word.contains(part))
    }

    /// The kind of a claim that an order has: any word that was stored as a claim is one.
    fn of_stored(word: &str) -> Self {
        Self::of_open(word).or_else(|| kind_in(&compact(word))).unwrap_or(Self::Unknown)
    }

    /// Whether an order with this claim stays where it is. A claim of unknown kind may be a cancellation.
    pub const fn holds_back(self) -> bool {
        matches!(self, Self::Cancellation | Self::Unknown)
    }
}

fn compact(word: &str) -> String {
    word.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_uppercase).collect()
}

fn kind_in(word: &str) -> Option<ClaimKind> {
    KINDS.iter().find(|(part, _)| word.contains(part)).map(|(_, kind)| *kind)
}

impl Order {
    /// The kind of the open claim, if there is one.
    pub fn open_claim(&self) -> Option<ClaimKind> {
        self.has_open_claim().then(|| ClaimKind::of_stored(&self.claim))
    }

    /// Whether an open claim keeps the order where it is.
    pub fn is_held(&self) -> bool {
        self.open_claim().is_some_and(ClaimKind::holds_back)
    }

    /// Whether an open claim keeps the order from going on to `state`. Corrections backwards and 취소 are free.
    pub fn is_held_from(&self, state: OrderState) -> bool {
        self.is_held() && self.state < state && state < OrderState::Cancelled
    }
}

/// The orders of an act, as the gate divides them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimGate {
    /// orders without a claim that holds them back
    pub free: Vec<Order>,
    /// orders that pass because the member named them, which their log records
    pub despite_claim: Vec<Order>,
    /// orders that stay as they are
    pub held: Vec<Order>,
}

impl ClaimGate {
    /// Divides the orders of an act that moves them to `state`. `despite` are the orders that the member named.
    pub fn advance(orders: Vec<Order>, state: OrderState, despite: &[OrderId]) -> Self {
        Self::divide(orders, |order| order.is_held_from(state), despite)
    }

    /// Divides the orders of a file that is about sending them. `despite` are the orders that the member named.
    pub fn send(orders: Vec<Order>, despite: &[OrderId]) -> Self {
        Self::divide(orders, Order::is_held, despite)
    }

    fn divide(orders: Vec<Order>, is_held: impl Fn(&Order) -> bool, despite: &[OrderId]) -> Self {
        let mut gate = Self::default();
        for order in orders {
            match (is_held(&order), despite.contains(&order.id)) {
                (false, _) => gate.free.push(order),
                (true, true) => gate.despite_claim.push(order),
                (true, false) => gate.held.push(order),
            }
        }
        gate
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;

    fn claimed(id: OrderId, state: OrderState, claim: &str) -> Order {
        Order { id, claim: claim.to_owned(), ..order(state) }
    }

    #[test]
    fn words_of_all_channels_are_classified() {
        for (words, kind) in [
            (
                "취소요청 취소처리중 취소신청 취소접수 취소중 취소승인대기 구매취소요청 출고중지요청 부분취소 수량클레임 \
                 취소요청접수완료 cancel_request CANCELING",
                ClaimKind::Cancellation,
            ),
            (
                "반품요청 반품신청 반품접수 반품처리중 수거중 수거완료 회수중 반품수거중 반품보류 환불요청 \
                 RETURN_REQUEST COLLECTING COLLECT_DONE",
                ClaimKind::Return,
            ),
            (
                "교환요청 교환신청 교환처리중 교환재배송중 교환배송중 교환수거중 재배송중 EXCHANGE_REQUEST",
                ClaimKind::Exchange,
            ),
        ] {
            for word in words.split_whitespace() {
                assert_eq!(ClaimKind::of_open(word), Some(kind), "{word}");
            }
        }
        assert_eq!(ClaimKind::of_open(" 취소 요청 "), Some(ClaimKind::Cancellation));
    }

    #[test]
    fn settled_claims_and_plain_states_are_no_open_claim() {
        let words = "취소 취소완료 취소철회 취소거부 취소안함 반품완료 반품철회 반품취소 교환완료 교환거부 교환철회 결제완료 \
                     발주확인 배송중 배송완료 구매확정 신규주문 발송대기 상품준비중 CANCEL_DONE RETURN_REJECT PAYED";
        for word in words.split_whitespace().chain([""]) {
            assert_eq!(ClaimKind::of_open(word), None, "{word}");
        }
    }

    #[test]
    fn open_cancellation_holds_the_order_back_and_a_return_does_not() {
        let held = |state, claim| claimed(OrderId::from_raw(1), state, claim).is_held();
        assert!(held(OrderState::Placed, "취소요청") && held(OrderState::Shipped, "취소처리중"));
        assert!(held(OrderState::Placed, "처리중"), "a claim of unknown kind may be a cancellation");
        assert!(!held(OrderState::Shipped, "반품요청") && !held(OrderState::Placed, "교환요청"));
        assert!(!held(OrderState::Cancelled, "취소요청") && !held(OrderState::Placed, ""));
    }

    #[test]
    fn held_order_may_be_corrected_backwards_and_cancelled() {
        let order = claimed(OrderId::from_raw(1), OrderState::Dispatched, "취소요청");
        assert!(order.is_held_from(OrderState::Shipped) && order.is_held_from(OrderState::Confirmed));
        for state in [OrderState::Placed, OrderState::Dispatched, OrderState::Cancelled, OrderState::Refunded] {
            assert!(!order.is_held_from(state), "{state:?}");
        }
    }

    #[test]
    fn only_orders_that_the_member_named_pass_the_gate() {
        let ids = |orders: &[Order]| orders.iter().map(|order| order.id).collect::<Vec<_>>();
        let orders = vec![
            claimed(OrderId::from_raw(1), OrderState::Placed, ""),
            claimed(OrderId::from_raw(2), OrderState::Placed, "취소요청"),
            claimed(OrderId::from_raw(3), OrderState::Placed, "취소처리중"),
            claimed(OrderId::from_raw(4), OrderState::Shipped, "취소요청"),
            claimed(OrderId::from_raw(5), OrderState::Placed, "반품요청"),
        ];
        let gate =
            ClaimGate::advance(orders.clone(), OrderState::Shipped, &[OrderId::from_raw(3), OrderId::from_raw(9)]);
        assert_eq!(
            (ids(&gate.free), ids(&gate.despite_claim), ids(&gate.held)),
            (
                vec![OrderId::from_raw(1), OrderId::from_raw(4), OrderId::from_raw(5)],
                vec![OrderId::from_raw(3)],
                vec![OrderId::from_raw(2)]
            )
        );
        let gate = ClaimGate::send(orders, &[]);
        assert_eq!(
            (ids(&gate.free), ids(&gate.held)),
            (
                vec![OrderId::from_raw(1), OrderId::from_raw(5)],
                vec![OrderId::from_raw(2), OrderId::from_raw(3), OrderId::from_raw(4)]
            ),
            "a file leaves sent ones out too"
        );
    }
}
