//! The common vocabulary of all channels: profiles translate a channel's words into it.

use serde::{Deserialize, Serialize};

/// How an order is shipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShippingMethod {
    /// 직접전달: the own delivery team
    #[default]
    Direct,
    /// 택배,등기,소포
    Parcel,
    /// 퀵서비스
    Quick,
    /// 방문수령
    Pickup,
    /// 기타: any other method; the order also stores the channel's word
    Other,
}

impl ShippingMethod {
    /// Every method, the own delivery team's first.
    pub const ALL: [Self; 5] = [Self::Direct, Self::Parcel, Self::Quick, Self::Pickup, Self::Other];

    /// Code in JSON and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Direct => "DIRECT",
            Self::Parcel => "PARCEL",
            Self::Quick => "QUICK",
            Self::Pickup => "PICKUP",
            Self::Other => "OTHER",
        }
    }

    /// Korean label; except for 기타 also the word of 스마트스토어.
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

/// Who pays the shipping charge, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ChargeType {
    /// 선결제, 선불
    #[default]
    Prepaid,
    /// 착불: on delivery
    Cod,
    /// 무료
    Free,
}

impl ChargeType {
    /// Every type.
    pub const ALL: [Self; 3] = [Self::Prepaid, Self::Cod, Self::Free];

    /// Code in JSON and the database.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Prepaid => "PREPAID",
            Self::Cod => "COD",
            Self::Free => "FREE",
        }
    }

    /// Korean label.
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

/// A chosen option in the channel's words: `색상: 아이보리`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OrderOption {
    /// option name: 색상
    pub key: String,
    /// chosen value: 아이보리
    pub value: String,
}
