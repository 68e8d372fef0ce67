//! A delivery as the pages show it.

use crate::deliveries::list::{DeliveryOrder, DeliveryRow};
use crate::districts::Districts;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::{Recipient, ShippingMethod};
use crate::time::date_with_weekday;
use crate::web::percent_encode;

/// A delivery with the names of its district.
pub(super) struct DeliveryView {
    pub(super) row: DeliveryRow,
    pub(super) sido: String,
    /// the full name of the 시/도
    sido_name: String,
    pub(super) sigungu: String,
    /// whether the district was found by the written address, without a postal code
    pub(super) is_found_by_address: bool,
}

impl DeliveryView {
    pub(super) fn new(row: DeliveryRow, districts: &Districts) -> Self {
        let code = row.delivery.sigungu_code;
        let sido = code.and_then(|code| districts.sido(code));
        let sigungu = code.and_then(|code| districts.sigungu(code));
        let recipient = row.primary().map(|primary| &primary.order.recipient);
        Self {
            is_found_by_address: recipient
                .is_some_and(|recipient| districts.is_found_by_address(code, &recipient.zip_code, &recipient.address1)),
            sido: sido.map_or_else(|| "미분류".to_owned(), |sido| sido.short_name.clone()),
            sido_name: sido.map_or_else(String::new, |sido| sido.full_name.clone()),
            sigungu: sigungu.map(|region| region.short_name.clone()).unwrap_or_default(),
            row,
        }
    }

    pub(super) fn id(&self) -> String {
        self.row.delivery.id.to_string()
    }

    pub(super) fn preferred_date(&self) -> String {
        self.row.delivery.preferred_shipping_date.map(date_with_weekday).unwrap_or_default()
    }

    /// Whether 완료 would change any order.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.row.delivery.state, DeliveryState::Preparing | DeliveryState::ReadyToShip)
    }

    pub(super) fn recipient(&self) -> Option<&Recipient> {
        self.row.primary().map(|primary| &primary.order.recipient)
    }

    /// Identifier of the order whose recipient that is, in URLs.
    pub(super) fn primary_order(&self) -> Option<String> {
        self.row.primary().map(|primary| primary.order.id.to_string())
    }

    /// The address in two parts: the words at its beginning that name the district, and the rest.
    pub(super) fn address(&self) -> (String, String) {
        let address = self.recipient().map(|recipient| format!("{} {}", recipient.address1, recipient.address2));
        let address = address.unwrap_or_default();
        let (district, rest) = split_district(address.trim(), [&self.sido_name, &self.sido], &self.sigungu);
        (district.to_owned(), rest.to_owned())
    }

    pub(super) fn charge_type(&self) -> &'static str {
        self.row.primary().map_or("", |primary| primary.order.charge_type.label())
    }

    /// The label of the shipping method; for [`ShippingMethod::Other`], the text of the channel.
    pub(super) fn method(&self) -> &str {
        let word = self.row.primary().map_or("", |primary| primary.order.shipping_method_raw.as_str());
        match self.row.delivery.shipping_method {
            ShippingMethod::Other if !word.is_empty() => word,
            method => method.label(),
        }
    }

    pub(super) fn messages(&self) -> String {
        self.row.customer_messages().join("\n")
    }

    pub(super) fn memos(&self) -> String {
        self.row.shipping_memos().join("\n")
    }

    /// Whether the list shows each order: if there are several, or one joined late or has a claim.
    pub(super) fn shows_orders(&self) -> bool {
        let is_marked = |order: &DeliveryOrder| order.joined_late || !order.listed.order.claim.is_empty();
        self.row.orders.len() > 1 || self.row.orders.iter().any(is_marked)
    }

    /// Links to map services: URL and name. None where the address is masked.
    pub(super) fn map_links(&self) -> Vec<(String, &'static str)> {
        let address = self.recipient().map_or("", |recipient| recipient.address1.trim());
        if address.is_empty() || self.row.is_masked {
            return Vec::new();
        }
        let address = percent_encode(address);
        vec![
            (format!("https://map.kakao.com/?q={address}"), "카카오맵"),
            (format!("https://map.naver.com/p/search/{address}"), "네이버 지도"),
        ]
    }

    /// The recipient of an order, if it differs from that of the delivery in name or address. Compares the joined
    /// address, because channels split it differently.
    pub(super) fn other_recipient<'p>(&self, order: &'p DeliveryOrder) -> Option<&'p Recipient> {
        let recipient = &order.listed.order.recipient;
        let key = |of: &Recipient| (of.name.clone(), format!("{} {}", of.address1, of.address2).trim().to_owned());
        (self.recipient().map(key) != Some(key(recipient))).then_some(recipient)
    }

    /// Whether any order has another recipient than the delivery.
    pub(super) fn has_other_recipient(&self) -> bool {
        self.row.orders.iter().any(|order| self.other_recipient(order).is_some())
    }
}

/// Splits the words that name the district from the beginning of an address. `sido` has the full and the short name.
fn split_district<'a>(address: &'a str, [sido, short]: [&str; 2], sigungu: &str) -> (&'a str, &'a str) {
    let mut rest = address;
    while let Some((word, after)) = rest.split_once(' ') {
        let is_sido = rest.len() == address.len() && (word == sido || word.starts_with(short));
        if !is_sido && !sigungu.split(' ').any(|name| name == word) {
            break;
        }
        rest = after;
    }
    address.split_at(address.len() - rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_is_split_behind_the_words_of_its_district() {
        let pohang = |address| split_district(address, ["경상북도", "경북"], "포항시 남구");
        assert_eq!(pohang("경상북도 포항시 남구 예시로 12"), ("경상북도 포항시 남구 ", "예시로 12"));
        assert_eq!(pohang("경북 포항시 남구 예시로 12 101동"), ("경북 포항시 남구 ", "예시로 12 101동"));
        assert_eq!(pohang("예시로 12 (경북 포항시)"), ("", "예시로 12 (경북 포항시)"));
        assert_eq!(pohang("경상북도"), ("", "경상북도"), "something is left");
        let sejong = split_district("세종특별자치시 한누리대로 1", ["세종특별자치시", "세종"], "세종특별자치시");
        assert_eq!(sejong.1, "한누리대로 1");
        assert_eq!(split_district("예시로 12", ["", "미분류"], "").1, "예시로 12");
    }
}
