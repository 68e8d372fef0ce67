//! The common vocabulary of all channels: profiles translate a channel's words into it.

use serde::{Deserialize, Serialize};

use crate::text::coded;

coded! {
    /// How an order is shipped. The label, except 기타, is also the word of 스마트스토어.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum ShippingMethod {
        /// 직접전달: the own delivery team
        #[default]
        Direct = "DIRECT" "직접전달",
        /// 택배,등기,소포
        Parcel = "PARCEL" "택배,등기,소포",
        /// 퀵서비스
        Quick = "QUICK" "퀵서비스",
        /// 방문수령
        Pickup = "PICKUP" "방문수령",
        /// 기타: any other method; the order also stores the channel's word
        Other = "OTHER" "기타",
    }
}

impl ShippingMethod {
    /// Whether no courier has the goods: the own team or a quick service brings them, or the customer fetches them. 기타 may
    /// be a parcel.
    pub const fn is_without_courier(self) -> bool {
        matches!(self, Self::Direct | Self::Quick | Self::Pickup)
    }

    /// The icon of the method: each has its own, because colour alone tells nothing to some.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Direct => "truck",
            Self::Parcel => "box-seam",
            Self::Quick => "lightning-charge",
            Self::Pickup => "shop",
            Self::Other => "three-dots",
        }
    }
}

coded! {
    /// Who pays the shipping charge, and when.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
    pub enum ChargeType {
        /// 선결제, 선불
        #[default]
        Prepaid = "PREPAID" "선결제",
        /// 착불: on delivery
        Cod = "COD" "착불",
        /// 무료
        Free = "FREE" "무료",
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

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn every_shipping_method_has_an_icon_of_its_own() {
        let icons: Vec<&str> = ShippingMethod::ALL.into_iter().map(ShippingMethod::icon).collect();
        for (at, icon) in icons.iter().enumerate() {
            assert!(!icons[..at].contains(icon), "{icon}");
            let file = format!("{}/assets/web/icons/{icon}.svg", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&file).exists(), "{file}");
        }
    }
}
