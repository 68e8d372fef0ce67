//! A delivery in the words of the screen.

use crate::deliveries::list::{Carried, Part};
use crate::districts::Districts;
use crate::orders::model::{Recipient, ShippingMethod};
use crate::storage::crockford;
use crate::time::date_with_weekday;
use crate::web::percent_encode;

/// A delivery as a page shows it.
pub(super) struct View {
    pub(super) carried: Carried,
    pub(super) sido: String,
    pub(super) sigungu: String,
}

impl View {
    pub(super) fn new(carried: Carried, districts: &Districts) -> Self {
        let code = carried.delivery.sigungu;
        let sido = code.and_then(|code| districts.sido(code));
        let sigungu = code.and_then(|code| districts.sigungu(code));
        Self {
            sido: sido.map_or_else(|| "미분류".to_owned(), |sido| sido.short_name.clone()),
            sigungu: sigungu.map(|region| region.short_name.clone()).unwrap_or_default(),
            carried,
        }
    }

    pub(super) fn id(&self) -> String {
        crockford(self.carried.delivery.id)
    }

    pub(super) fn preferred(&self) -> String {
        self.carried.delivery.preferred_shipping_date.map(date_with_weekday).unwrap_or_default()
    }

    /// Its icon: the own team's, or a parcel.
    pub(super) fn icon(&self) -> &'static str {
        match self.carried.delivery.shipping_method {
            ShippingMethod::Direct => "truck",
            ShippingMethod::Pickup => "shop",
            ShippingMethod::Parcel | ShippingMethod::Quick | ShippingMethod::Other => "box-seam",
        }
    }

    pub(super) fn recipient(&self) -> Option<&Recipient> {
        self.carried.primary().map(|primary| &primary.order.recipient)
    }

    pub(super) fn charge(&self) -> &'static str {
        self.carried.primary().map_or("", |primary| primary.order.charge_type.label())
    }

    /// The method, in the channel's own word where it is none of ours.
    pub(super) fn method(&self) -> &str {
        let word = self.carried.primary().map_or("", |primary| primary.order.shipping_method_word.as_str());
        match self.carried.delivery.shipping_method {
            ShippingMethod::Other if !word.is_empty() => word,
            method => method.label(),
        }
    }

    pub(super) fn messages(&self) -> String {
        self.carried.customer_messages().join("\n")
    }

    pub(super) fn memos(&self) -> String {
        self.carried.shipping_memos().join("\n")
    }

    /// Whether its orders have to be told apart: several, or one that is not what the state says.
    pub(super) fn tells_orders(&self) -> bool {
        let odd = |part: &Part| part.came_later || !part.listed.order.claim.is_empty();
        self.carried.orders.len() > 1 || self.carried.orders.iter().any(odd)
    }

    /// Map searches of the address: where, and what they are called.
    pub(super) fn maps(&self) -> Vec<(String, &'static str)> {
        let address = self.recipient().map_or("", |recipient| recipient.address1.trim());
        if address.is_empty() {
            return Vec::new();
        }
        let address = percent_encode(address);
        vec![
            (format!("https://map.kakao.com/?q={address}"), "카카오맵"),
            (format!("https://map.naver.com/p/search/{address}"), "네이버 지도"),
        ]
    }

    /// To whom an order goes, when that is not where the delivery goes. Channels differ in where they
    /// cut an address.
    pub(super) fn elsewhere<'p>(&self, part: &'p Part) -> Option<&'p Recipient> {
        let there = &part.listed.order.recipient;
        let place = |of: &Recipient| (of.name.clone(), format!("{} {}", of.address1, of.address2).trim().to_owned());
        (self.recipient().map(place) != Some(place(there))).then_some(there)
    }

    /// Whether any of its orders goes elsewhere.
    pub(super) fn goes_elsewhere(&self) -> bool {
        self.carried.orders.iter().any(|part| self.elsewhere(part).is_some())
    }
}
