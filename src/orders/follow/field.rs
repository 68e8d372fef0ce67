//! Fields that an order takes from its channel, and their values as text.
//!
//! What belongs together is one field: a postal code without its address, or a number without its courier, would be
//! worse than neither.

use std::borrow::Cow;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::Statement;
use crate::channels::model::OrderOption;
use crate::orders::fields::{FIELDS, OrderField};
use crate::orders::labels::field_label;
use crate::orders::masked::is_personal;
use crate::orders::model::{ChargeType, NewOrder, Order, OrderState, ShippingMethod, parcels};
use crate::text::{coded, fold_word};

/// Separates the parts of a value; no part has a line break.
const SEPARATOR: char = '\n';

coded! {
    /// A field that follows the channel.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum FollowedField {
        /// state at the channel
        State = "state",
        /// 클레임
        Claim = "claim",
        /// 수량
        Quantity = "quantity",
        /// 옵션
        Options = "options",
        /// 수취인명
        RecipientName = "recipient_name",
        /// 수취인연락처1
        RecipientTel1 = "recipient_tel1",
        /// 수취인연락처2
        RecipientTel2 = "recipient_tel2",
        /// 우편번호, 주소, 상세주소
        RecipientAddress = "recipient_address",
        /// 구매자명
        CustomerName = "customer_name",
        /// 구매자연락처
        CustomerTel = "customer_tel",
        /// 고객메시지
        CustomerMessage = "customer_message",
        /// 배송방법
        ShippingMethod = "shipping_method",
        /// 배송비 형태
        ChargeType = "charge_type",
        /// 정산예정금액
        Price = "price",
        /// 발송기한
        DispatchDeadline = "dispatch_deadline",
        /// 희망배송일
        PreferredShippingDate = "preferred_shipping_date",
        /// 송장번호, 택배사
        Tracking = "tracking_number",
    }
}

impl FollowedField {
    /// Korean label.
    pub fn label(self) -> &'static str {
        match self {
            Self::RecipientAddress => "주소",
            field => field_label(field.columns()[0]).unwrap_or("주문"),
        }
    }

    /// Columns of `orders` that the field has.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::State => &["state"],
            Self::Claim => &["claim"],
            Self::Quantity => &["quantity"],
            Self::Options => &["options", "options_raw"],
            Self::RecipientName => &["recipient_name"],
            Self::RecipientTel1 => &["recipient_tel1"],
            Self::RecipientTel2 => &["recipient_tel2"],
            Self::RecipientAddress => &["recipient_zip_code", "recipient_address1", "recipient_address2"],
            Self::CustomerName => &["customer_name"],
            Self::CustomerTel => &["customer_tel"],
            Self::CustomerMessage => &["customer_message"],
            Self::ShippingMethod => &["shipping_method", "shipping_method_raw"],
            Self::ChargeType => &["charge_type"],
            Self::Price => &["price"],
            Self::DispatchDeadline => &["dispatch_deadline"],
            Self::PreferredShippingDate => &["preferred_shipping_date"],
            Self::Tracking => &["tracking_number", "courier"],
        }
    }

    /// Whether it is about a person: the field of a sealed order has nothing to compare with.
    pub fn is_personal(self) -> bool {
        self.columns().iter().any(|column| is_personal(column))
    }

    /// Whether most orders get the field from members or couriers, so that without a statement the channel said
    /// nothing, rather than what the order has.
    pub const fn begins_empty(self) -> bool {
        matches!(self, Self::State | Self::Claim | Self::PreferredShippingDate | Self::Tracking)
    }

    /// Whether an empty value says nothing. An emptied message or second telephone number is meant; a list without the
    /// deadline or the tracking number only leaves it out.
    const fn is_silent_when_empty(self) -> bool {
        matches!(self, Self::DispatchDeadline | Self::Tracking | Self::CustomerName | Self::CustomerTel)
    }

    /// The field of an order.
    pub fn of_order(self, order: &Order) -> Cow<'_, str> {
        let recipient = &order.recipient;
        match self {
            Self::State => order.state.code().into(),
            Self::Claim => order.claim.as_str().into(),
            Self::Quantity => order.quantity.to_string().into(),
            Self::Options => options_text(&order.options_raw, &order.options).into(),
            Self::RecipientName => recipient.name.as_str().into(),
            Self::RecipientTel1 => recipient.tel1.as_str().into(),
            Self::RecipientTel2 => recipient.tel2.as_str().into(),
            Self::RecipientAddress => joined(&[&recipient.zip_code, &recipient.address1, &recipient.address2]).into(),
            Self::CustomerName => order.customer.name.as_str().into(),
            Self::CustomerTel => order.customer.tel.as_str().into(),
            Self::CustomerMessage => order.customer_message.as_str().into(),
            Self::ShippingMethod => joined(&[order.shipping_method.code(), &order.shipping_method_raw]).into(),
            Self::ChargeType => order.charge_type.code().into(),
            Self::Price => order.price.to_string().into(),
            Self::DispatchDeadline => date_text(order.dispatch_deadline),
            Self::PreferredShippingDate => date_text(order.preferred_shipping_date),
            Self::Tracking => tracking_text(&order.tracking_number, &order.courier),
        }
    }

    /// The field of a row of a file. State and claim are in [`NewOrder::said`].
    pub fn of_row(self, new: &NewOrder) -> Cow<'_, str> {
        let recipient = &new.recipient;
        match self {
            Self::State => new.said.progress.map_or(OrderState::Placed, |progress| progress.state).code().into(),
            Self::Claim => new.claim.as_str().into(),
            Self::Quantity => new.quantity.to_string().into(),
            Self::Options => options_text(&new.options_raw, &new.options).into(),
            Self::RecipientName => recipient.name.as_str().into(),
            Self::RecipientTel1 => recipient.tel1.as_str().into(),
            Self::RecipientTel2 => recipient.tel2.as_str().into(),
            Self::RecipientAddress => joined(&[&recipient.zip_code, &recipient.address1, &recipient.address2]).into(),
            Self::CustomerName => new.customer.name.as_str().into(),
            Self::CustomerTel => new.customer.tel.as_str().into(),
            Self::CustomerMessage => new.customer_message.as_str().into(),
            Self::ShippingMethod => joined(&[new.shipping_method.code(), &new.shipping_method_raw]).into(),
            Self::ChargeType => new.charge_type.code().into(),
            Self::Price => new.price.to_string().into(),
            Self::DispatchDeadline => date_text(new.dispatch_deadline),
            Self::PreferredShippingDate => date_text(new.preferred_shipping_date),
            Self::Tracking => tracking_text(&new.tracking_number, &new.courier),
        }
    }

    /// What the channel said last: the last statement, or what it said when the order was created.
    pub fn last_said<'a>(self, said: &'a [Statement], order: &'a Order) -> Cow<'a, str> {
        match said.last() {
            Some(last) => last.value.as_str().into(),
            None if self == Self::State => OrderState::Placed.code().into(),
            None if self.begins_empty() => "".into(),
            None => self.of_order(order),
        }
    }

    /// Sets the field of an order to a value. Returns false, and changes nothing, if the value is not one of the field.
    /// A smaller quantity keeps the difference as cancelled; a larger one takes it back.
    pub fn set(self, order: &mut Order, value: &str) -> bool {
        let mut parts = value.split(SEPARATOR);
        let mut part = || parts.next().unwrap_or_default().to_owned();
        match self {
            Self::State => return false,
            Self::Claim => super::claim::claim_of(value).clone_into(&mut order.claim),
            Self::Quantity => {
                let Ok(quantity) = value.parse::<i64>() else { return false };
                order.cancelled_quantity = (order.cancelled_quantity + order.quantity - quantity).max(0);
                order.quantity = quantity;
            }
            Self::Options => {
                let Ok((raw, pairs)) = serde_json::from_str::<(String, Vec<(String, String)>)>(value) else {
                    return false;
                };
                order.options_raw = raw;
                order.options = pairs.into_iter().map(|(key, value)| OrderOption { key, value }).collect();
            }
            Self::RecipientName => value.clone_into(&mut order.recipient.name),
            Self::RecipientTel1 => value.clone_into(&mut order.recipient.tel1),
            Self::RecipientTel2 => value.clone_into(&mut order.recipient.tel2),
            Self::RecipientAddress => {
                order.recipient.zip_code = part();
                order.recipient.address1 = part();
                order.recipient.address2 = part();
            }
            Self::CustomerName => value.clone_into(&mut order.customer.name),
            Self::CustomerTel => value.clone_into(&mut order.customer.tel),
            Self::CustomerMessage => value.clone_into(&mut order.customer_message),
            Self::ShippingMethod => {
                let Some(method) = ShippingMethod::from_code(&part()) else { return false };
                order.shipping_method = method;
                order.shipping_method_raw = part();
            }
            Self::ChargeType => {
                let Some(charge) = ChargeType::from_code(value) else { return false };
                order.charge_type = charge;
            }
            Self::Price => {
                let Ok(price) = value.parse() else { return false };
                order.price = price;
            }
            Self::DispatchDeadline => {
                let Ok(date) = parse_date(value) else { return false };
                order.dispatch_deadline = date;
            }
            Self::PreferredShippingDate => {
                let Ok(date) = parse_date(value) else { return false };
                order.preferred_shipping_date = date;
            }
            Self::Tracking => {
                order.tracking_number = part();
                let courier = part();
                if !courier.is_empty() {
                    order.courier = courier;
                }
            }
        }
        true
    }

    /// Whether two values mean the same: an address that is split or spaced otherwise, a number whose courier one of them
    /// leaves out, or options in another spelling (`Ivory`, `ivory`).
    pub fn is_same(self, one: &str, other: &str) -> bool {
        let split = |value: &'_ str| {
            value.split_once(SEPARATOR).map_or((value.to_owned(), String::new()), |(a, b)| (a.to_owned(), b.to_owned()))
        };
        match self {
            _ if one == other => true,
            Self::RecipientAddress => {
                let ((zip, address), (other_zip, other_address)) = (split(one), split(other));
                let visible = |text: String| text.chars().filter(|letter| !letter.is_whitespace()).collect::<String>();
                (zip == other_zip || zip.is_empty() || other_zip.is_empty())
                    && visible(address) == visible(other_address)
            }
            Self::Tracking => parcels(&split(one).0).next() == parcels(&split(other).0).next(),
            Self::ShippingMethod => split(one).0 == split(other).0,
            Self::Options => fold_word(one) == fold_word(other),
            _ => false,
        }
    }

    /// Whether a value says nothing about the order: it is left out, or the channel masks it after a while.
    pub fn is_silent(self, now: &str, ours: &str) -> bool {
        let is_personal = matches!(
            self,
            Self::RecipientName
                | Self::RecipientTel1
                | Self::RecipientTel2
                | Self::RecipientAddress
                | Self::CustomerName
                | Self::CustomerTel
        );
        let is_masked = |text: &str| text.contains(['*', '＊']);
        (self.is_silent_when_empty() && now.is_empty()) || (is_personal && is_masked(now) && !is_masked(ours))
    }

    /// Whether the value cannot be right any more for an order in this state.
    pub fn is_late(self, order: &Order, before: &str, now: &str) -> bool {
        match self {
            Self::State | Self::Claim | Self::Price | Self::CustomerName | Self::CustomerTel | Self::Tracking => false,
            Self::Quantity => {
                let grows = now.parse::<i64>().ok() > before.parse().ok();
                grows || order.goods_are_locked()
            }
            Self::Options => order.goods_are_locked(),
            Self::DispatchDeadline => order.deadline_is_settled(),
            _ => order.state >= OrderState::Shipped,
        }
    }

    /// Whether a change of the field concerns people who have the old value already: the factory, or the driver.
    pub fn is_known_elsewhere(self, order: &Order) -> bool {
        match self {
            Self::Quantity | Self::Options => order.state >= OrderState::Purchased,
            Self::RecipientName
            | Self::RecipientTel1
            | Self::RecipientTel2
            | Self::RecipientAddress
            | Self::ShippingMethod => order.state >= OrderState::Dispatched,
            _ => false,
        }
    }
}

/// A value for people: without separators and codes.
pub fn display_value(field: FollowedField, value: &str) -> String {
    match field {
        FollowedField::State => OrderState::parse(value).map_or(value, |state| state.label()).to_owned(),
        FollowedField::Claim => super::claim::claim_of(value).to_owned(),
        FollowedField::Options => serde_json::from_str::<(String, Vec<(String, String)>)>(value)
            .map_or_else(|_| value.to_owned(), |(raw, _)| raw),
        FollowedField::ShippingMethod => {
            let (code, raw) = value.split_once(SEPARATOR).unwrap_or((value, ""));
            let label = ShippingMethod::from_code(code).map_or(code, |method| method.label());
            if raw.is_empty() { label.to_owned() } else { raw.to_owned() }
        }
        FollowedField::ChargeType => ChargeType::from_code(value).map_or(value, |charge| charge.label()).to_owned(),
        FollowedField::CustomerMessage => value.to_owned(),
        _ => value.split(SEPARATOR).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "),
    }
}

fn joined(parts: &[&str]) -> String {
    parts.join("\n")
}

fn options_text(raw: &str, options: &[OrderOption]) -> String {
    let pairs: Vec<_> = options.iter().map(|option| (&option.key, &option.value)).collect();
    serde_json::to_string(&(raw, pairs)).unwrap_or_default()
}

/// Nothing without a number: a courier alone is the channel's default for the parcel.
fn tracking_text<'a>(number: &str, courier: &str) -> Cow<'a, str> {
    if number.is_empty() { "".into() } else { joined(&[number, courier]).into() }
}

fn date_text<'a>(date: Option<NaiveDate>) -> Cow<'a, str> {
    date.map_or_else(String::new, |date| date.to_string()).into()
}

/// A date, or none for an empty text.
fn parse_date(text: &str) -> Result<Option<NaiveDate>, chrono::ParseError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some) }
}

/// A set of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldSet(u32);

impl FieldSet {
    /// Every field.
    pub const ALL: Self = Self(u32::MAX);

    /// No field.
    pub const NONE: Self = Self(0);

    /// The set with this field.
    #[must_use]
    pub const fn with(self, field: FollowedField) -> Self {
        Self(self.0 | 1 << field as u32)
    }

    /// The set without this field.
    #[must_use]
    pub const fn without(self, field: FollowedField) -> Self {
        Self(self.0 & !(1 << field as u32))
    }

    /// Whether the set has this field.
    pub const fn contains(self, field: FollowedField) -> bool {
        self.0 & 1 << field as u32 != 0
    }
}

/// A column of an order that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// column: `recipient_address1`
    pub field: String,
    /// former value: a code, a date, a text
    pub old: String,
    /// new value
    pub new: String,
}

/// The columns that a file changed, for its report.
pub fn changes_between(before: &Order, after: &Order) -> Vec<FieldChange> {
    let change = |field: &OrderField| {
        let name = field.reported?;
        let (old, new) = (field.plain_text(before), field.plain_text(after));
        (old != new).then(|| FieldChange { field: name.to_owned(), old: old.into_owned(), new: new.into_owned() })
    };
    FIELDS.iter().filter_map(change).collect()
}
