//! The fields that the columns of an unknown file can have, by the kind of the file.

use crate::channels::{ColumnRole, Field, FileKind, StatusEffect};
use crate::orders::fields::{FIELDS, OrderField};

/// Kinds of files that can be mapped, the usual one first.
pub const MAPPED_KINDS: [FileKind; 3] = [FileKind::Orders, FileKind::Tracking, FileKind::States];

/// The kind that a form names; none for a kind that cannot be mapped.
pub fn mapped_kind(code: &str) -> Option<FileKind> {
    FileKind::from_code(code).filter(|kind| MAPPED_KINDS.contains(kind))
}

/// A field that a column can have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedField {
    /// meaning of the column
    pub role: ColumnRole,
    /// name in forms
    pub code: String,
    /// Korean label
    pub label: &'static str,
    /// whether a file of its kind cannot be read without it
    pub is_needed: bool,
}

impl MappedField {
    fn new(role: ColumnRole, label: &'static str, is_needed: bool) -> Self {
        let code = match role {
            ColumnRole::OrderNumber => "order_number".to_owned(),
            ColumnRole::Address => "address".to_owned(),
            ColumnRole::AddressDetail => "address_detail".to_owned(),
            ColumnRole::Moment => "moment".to_owned(),
            ColumnRole::Field(field) => field.code(),
        };
        Self { role, code, label, is_needed }
    }
}

/// Fields without which a row is no order, beside its number and address.
const NEEDED: [Field; 5] =
    [Field::RecipientName, Field::RecipientTel1, Field::ProductName, Field::Quantity, Field::PlacedAt];

/// The fields that a column of a file of this kind can have; those of an order in the order of [`FIELDS`].
pub fn mapped_fields(kind: FileKind) -> Vec<MappedField> {
    let order_number = MappedField::new(ColumnRole::OrderNumber, "상품주문번호", true);
    let field = |field, label, is_needed| MappedField::new(ColumnRole::Field(field), label, is_needed);
    match kind {
        FileKind::Orders => FIELDS.iter().flat_map(order_fields).collect(),
        FileKind::Tracking => {
            vec![order_number, field(Field::TrackingNumber, "송장번호", true), field(Field::Courier, "택배사", false)]
        }
        FileKind::States => vec![
            order_number,
            field(Field::Status, "주문상태", true),
            MappedField::new(ColumnRole::Moment, "처리일시", true),
        ],
        FileKind::Settlement => Vec::new(),
    }
}

/// The columns of a file from which a column of `orders` is read, with their labels.
fn order_fields(field: &OrderField) -> Vec<MappedField> {
    let of = |field: Field, label: &'static str| (ColumnRole::Field(field), label);
    let roles = match field.column {
        "order_number" => vec![(ColumnRole::OrderNumber, field.label)],
        "channel_order_number" => vec![of(Field::ChannelOrderNumber, field.label)],
        "product_id" => vec![
            of(Field::ProductName, "상품명"),
            of(Field::ProductNumber, "판매자 상품코드"),
            of(Field::ChannelProductNumber, "판매채널의 상품번호"),
        ],
        "delivery_id" => vec![of(Field::BundleNumber, "묶음배송번호")],
        "options" => vec![of(Field::Options, field.label)],
        "quantity" => vec![of(Field::Quantity, field.label)],
        "price" => vec![of(Field::Price, field.label)],
        "customer_name" => vec![of(Field::CustomerName, field.label)],
        "customer_tel" => vec![of(Field::CustomerTel, field.label)],
        "customer_message" => vec![of(Field::CustomerMessage, field.label)],
        "recipient_name" => vec![of(Field::RecipientName, field.label)],
        "recipient_tel1" => vec![of(Field::RecipientTel1, field.label)],
        "recipient_tel2" => vec![of(Field::RecipientTel2, field.label)],
        "recipient_zip_code" => vec![of(Field::ZipCode, field.label)],
        "recipient_address1" => vec![(ColumnRole::Address, field.label)],
        "recipient_address2" => vec![(ColumnRole::AddressDetail, field.label)],
        "shipping_method" => vec![of(Field::ShippingMethod, field.label)],
        "charge_type" => vec![of(Field::ChargeType, field.label)],
        "tracking_number" => vec![of(Field::TrackingNumber, field.label)],
        "courier" => vec![of(Field::Courier, field.label)],
        "dispatch_deadline" => vec![of(Field::DispatchDeadline, field.label)],
        "preferred_shipping_date" => vec![of(Field::PreferredShippingDate, field.label)],
        "placed_at" => vec![of(Field::PlacedAt, field.label)],
        "claim" => vec![of(Field::Claim, "주문상태")],
        _ => Vec::new(),
    };
    let is_needed = |role| match role {
        ColumnRole::OrderNumber | ColumnRole::Address => true,
        ColumnRole::AddressDetail | ColumnRole::Moment => false,
        ColumnRole::Field(field) => NEEDED.contains(&field),
    };
    roles.into_iter().map(|(role, label)| MappedField::new(role, label, is_needed(role))).collect()
}

/// An effect that words of a state column can be given, its name in forms, and its label.
pub(super) type WordEffect = (StatusEffect, &'static str, &'static str);

const CANCEL: WordEffect = (StatusEffect::Cancel, "cancel", "취소된 주문의 낱말");
const REFUND: WordEffect = (StatusEffect::Refund, "refund", "반품된 주문의 낱말");
const SET_CLAIM: WordEffect = (StatusEffect::SetClaim, "set_claim", "취소·반품을 요청한 주문의 낱말");

/// Effects that words of the state column of a kind of file can be given.
pub const fn word_effects(kind: FileKind) -> &'static [WordEffect] {
    match kind {
        FileKind::Orders => &[(StatusEffect::Ship, "ship", "보낸 주문의 낱말"), CANCEL, REFUND, SET_CLAIM],
        FileKind::States => &[
            (StatusEffect::Confirm, "confirm", "구매확정된 주문의 낱말"),
            CANCEL,
            REFUND,
            (StatusEffect::Exchange, "exchange", "교환된 주문의 낱말"),
            SET_CLAIM,
            (StatusEffect::ClearClaim, "clear_claim", "요청이 철회되거나 거부된 주문의 낱말"),
            (StatusEffect::Nothing, "nothing", "바꿀 것이 없는 낱말"),
        ],
        FileKind::Tracking | FileKind::Settlement => &[],
    }
}
