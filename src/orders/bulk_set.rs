//! Bulk set: one value of one field for many orders: 희망배송일, 배송방법, 택배사, 발주메모, 배송메모.

use chrono::NaiveDate;

use super::bulk_action;
use super::edit::read_memo;
use super::model::{Order, OrderState, ShippingMethod};
use super::store::Action;
use crate::audit::{AuditEvent, MemberActor, NumberList, RecordedEvent};
use crate::id::OrderId;
use crate::storage::{Result, Tx, text_limits};
use crate::text::coded;
use crate::time::parse_date;

coded! {
    /// A field that can be set for many orders at once, in the order of the form. The code is also the column.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BulkField {
        /// 희망배송일
        PreferredShippingDate = "preferred_shipping_date" "희망배송일",
        /// 배송방법
        ShippingMethod = "shipping_method" "배송방법",
        /// 택배사
        Courier = "courier" "택배사",
        /// 발주메모
        PurchaseMemo = "purchase_memo" "발주메모",
        /// 배송메모
        ShippingMemo = "shipping_memo" "배송메모",
    }
}

/// A validated value for a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkValue {
    /// 희망배송일; none clears it
    PreferredShippingDate(Option<NaiveDate>),
    /// 배송방법
    ShippingMethod(ShippingMethod),
    /// 택배사; empty clears it
    Courier(String),
    /// 발주메모; empty clears it
    PurchaseMemo(String),
    /// 배송메모; empty clears it
    ShippingMemo(String),
}

impl BulkValue {
    /// Validates the text of a form field.
    ///
    /// # Errors
    /// What is wrong and what to do, in Korean.
    pub fn parse(field: BulkField, text: &str) -> std::result::Result<Self, &'static str> {
        let text = text.trim();
        match field {
            BulkField::PreferredShippingDate if text.is_empty() => Ok(Self::PreferredShippingDate(None)),
            BulkField::PreferredShippingDate => match parse_date(text) {
                Some(date) => Ok(Self::PreferredShippingDate(Some(date))),
                None => Err("희망배송일을 날짜로 입력해 주세요."),
            },
            BulkField::ShippingMethod => {
                ShippingMethod::from_code(text).map(Self::ShippingMethod).ok_or("배송방법을 선택해 주세요.")
            }
            BulkField::Courier if text.chars().count() > text_limits::COURIER => Err("택배사 이름이 너무 길어요."),
            BulkField::Courier => Ok(Self::Courier(text.split_whitespace().collect::<Vec<_>>().join(" "))),
            BulkField::PurchaseMemo => read_memo(text).map(Self::PurchaseMemo),
            BulkField::ShippingMemo => read_memo(text).map(Self::ShippingMemo),
        }
    }

    /// Its field.
    pub const fn field(&self) -> BulkField {
        match self {
            Self::PreferredShippingDate(_) => BulkField::PreferredShippingDate,
            Self::ShippingMethod(_) => BulkField::ShippingMethod,
            Self::Courier(_) => BulkField::Courier,
            Self::PurchaseMemo(_) => BulkField::PurchaseMemo,
            Self::ShippingMemo(_) => BulkField::ShippingMemo,
        }
    }

    /// The text that a sentence shows; empty clears the field.
    fn shown(&self) -> String {
        match self {
            Self::PreferredShippingDate(date) => date.map(|date| date.to_string()).unwrap_or_default(),
            Self::ShippingMethod(method) => method.label().to_owned(),
            Self::Courier(text) | Self::PurchaseMemo(text) | Self::ShippingMemo(text) => text.clone(),
        }
    }

    /// Whether an order takes the value: dates and methods are locked once the goods are delivered, a courier is for
    /// parcels, and a parcel with a tracking number is not given to somebody else.
    fn is_allowed_for(&self, order: &Order) -> bool {
        match self {
            Self::PreferredShippingDate(date) => {
                !order.preferred_date_is_settled() || order.preferred_shipping_date == *date
            }
            Self::ShippingMethod(method) if order.shipping_method == *method => true,
            Self::ShippingMethod(method) => {
                let is_numbered = method.is_without_courier() && !order.tracking_number.is_empty();
                order.state < OrderState::Shipped && !is_numbered
            }
            Self::Courier(_) => order.shipping_method == ShippingMethod::Parcel,
            Self::PurchaseMemo(_) | Self::ShippingMemo(_) => true,
        }
    }

    /// The order with the value.
    fn apply(&self, order: &Order) -> Order {
        let mut after = order.clone();
        match self {
            Self::PreferredShippingDate(date) => after.preferred_shipping_date = *date,
            Self::ShippingMethod(method) => after.set_shipping_method(*method),
            Self::Courier(name) => after.courier.clone_from(name),
            Self::PurchaseMemo(memo) => after.purchase_memo.clone_from(memo),
            Self::ShippingMemo(memo) => after.shipping_memo.clone_from(memo),
        }
        after
    }
}

/// Sets the value for all orders that take it. `apart` are orders whose bundle would be torn apart by a change of the
/// method: the rest of their bundle was not chosen.
pub fn set(
    tx: &mut dyn Tx,
    actor: MemberActor,
    orders: &[Order],
    value: &BulkValue,
    apart: &[OrderId],
) -> Result<RecordedEvent> {
    set_edited(tx, actor, orders.iter().map(|order| (order.clone(), order.clone())).collect(), value, apart)
}

/// As [`set`], with what was typed into the orders: each is given as it is stored, and as it was edited.
pub fn set_edited(
    tx: &mut dyn Tx,
    actor: MemberActor,
    edits: Vec<(Order, Order)>,
    value: &BulkValue,
    apart: &[OrderId],
) -> Result<RecordedEvent> {
    let (mut pairs, mut changed, mut rejected) = (Vec::new(), NumberList::default(), NumberList::default());
    let (mut unchanged, mut saved) = (0, NumberList::default());
    for (before, edited) in edits {
        if before != edited {
            saved.push(before.order_number.as_str());
        }
        let mut after = edited.clone();
        if !value.is_allowed_for(&edited) || apart.contains(&edited.id) {
            rejected.push(before.order_number.as_str());
        } else {
            after = value.apply(&edited);
            if after == edited {
                unchanged += 1;
            } else {
                changed.push(before.order_number.as_str());
            }
        }
        if after != before {
            pairs.push((before, after));
        }
    }
    let field = value.field().code().to_owned();
    let event = AuditEvent::OrdersBulkSet { field, value: value.shown(), changed, unchanged, rejected, saved };
    bulk_action::save(tx, actor, Action::Edited, pairs, event)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::tests::order;

    fn date(text: &str) -> BulkValue {
        BulkValue::parse(BulkField::PreferredShippingDate, text).expect("a date")
    }

    #[test]
    fn invalid_bulk_values_are_rejected() {
        assert_eq!(date(""), BulkValue::PreferredShippingDate(None));
        assert!(BulkValue::parse(BulkField::PreferredShippingDate, "내일").is_err());
        assert!(BulkValue::parse(BulkField::ShippingMethod, "BICYCLE").is_err());
        assert!(BulkValue::parse(BulkField::Courier, &"가".repeat(65)).is_err());
        assert!(BulkValue::parse(BulkField::ShippingMemo, &"가".repeat(2_001)).is_err());
        let courier = BulkValue::parse(BulkField::Courier, " 로젠  택배 ").expect("a courier");
        assert_eq!(courier, BulkValue::Courier("로젠 택배".to_owned()));
    }

    #[test]
    fn delivered_orders_keep_their_date_and_method() {
        let placed = order(OrderState::Dispatched);
        let shipped = order(OrderState::Shipped);
        assert!(date("2026-12-01").is_allowed_for(&placed) && !date("2026-12-01").is_allowed_for(&shipped));
        let parcel = BulkValue::ShippingMethod(ShippingMethod::Parcel);
        assert!(parcel.is_allowed_for(&placed) && !parcel.is_allowed_for(&shipped));
        let numbered = Order {
            shipping_method: ShippingMethod::Parcel,
            tracking_number: "45168300137".to_owned(),
            ..placed.clone()
        };
        let direct = BulkValue::ShippingMethod(ShippingMethod::Direct);
        assert!(!direct.is_allowed_for(&numbered) && parcel.is_allowed_for(&numbered), "a courier has it");
        let after = parcel.apply(&placed);
        assert_eq!(
            (after.shipping_method, after.shipping_method_raw.as_str()),
            (ShippingMethod::Parcel, "택배,등기,소포")
        );
        assert!(!BulkValue::Courier("로젠택배".to_owned()).is_allowed_for(&placed), "not a parcel");
        assert!(BulkValue::ShippingMemo("문 앞".to_owned()).is_allowed_for(&shipped));
    }
}
