//! What an order is, and the rules that need nothing but an order.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

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
    pub const fn rank(self) -> i64 {
        self as i64
    }

    /// The state of a stored number.
    pub fn from_rank(rank: i64) -> Option<Self> {
        usize::try_from(rank).ok().and_then(|rank| Self::ALL.get(rank).copied())
    }
}

/// How an order travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShippingMethod {
    /// 직접전달: the own delivery team
    Direct,
    /// 택배,등기,소포
    Parcel,
    /// 퀵서비스
    Quick,
    /// 방문수령
    Pickup,
    /// 기타: a word not known here; the channel's word is kept beside it
    Other,
}

impl ShippingMethod {
    /// Every method; the delivery team's own first.
    pub const ALL: [Self; 5] = [Self::Direct, Self::Parcel, Self::Quick, Self::Pickup, Self::Other];

    /// The name in code, JSON and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Direct => "DIRECT",
            Self::Parcel => "PARCEL",
            Self::Quick => "QUICK",
            Self::Pickup => "PICKUP",
            Self::Other => "OTHER",
        }
    }

    /// The word on the screen; for the four known ones also the word of 스마트스토어.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Direct => "직접전달",
            Self::Parcel => "택배,등기,소포",
            Self::Quick => "퀵서비스",
            Self::Pickup => "방문수령",
            Self::Other => "기타",
        }
    }

    /// The method of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.code() == code)
    }
}

/// Who pays for the transport, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChargeType {
    /// 선결제, 선불
    Prepaid,
    /// 착불: on delivery
    Cod,
    /// 무료
    Free,
}

impl ChargeType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Prepaid, Self::Cod, Self::Free];

    /// The name in code, JSON and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prepaid => "PREPAID",
            Self::Cod => "COD",
            Self::Free => "FREE",
        }
    }

    /// The word on the screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Prepaid => "선결제",
            Self::Cod => "착불",
            Self::Free => "무료",
        }
    }

    /// The type of that code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|charge| charge.code() == code)
    }
}

/// One option as the channel wrote it: `색상: 아이보리`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderOption {
    /// What is chosen: 색상
    pub key: String,
    /// The choice: 아이보리
    pub value: String,
}

/// Who paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Customer {
    /// 구매자명; masked by the channel for gifts (`홍*동`)
    pub name: String,
    /// 구매자연락처 with hyphens; empty when the channel gives none
    pub tel: String,
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
