//! Korean labels for columns and values of the log.

use super::model::{ChargeType, OrderState, ShippingMethod};
use crate::districts::Districts;
use crate::storage::Value;
use crate::time::Moment;

/// Label of a column of orders; none for internal columns.
pub fn field_label(name: &str) -> Option<&'static str> {
    Some(match name {
        "order_number" => "주문번호",
        "product_id" => "상품",
        "delivery_id" => "묶음배송",
        "state" => "상태",
        "options" => "옵션",
        "quantity" => "수량",
        "cancelled_quantity" => "취소 수량",
        "customer_message" => "고객메시지",
        "price" => "정산예정금액",
        "customer_name" => "구매자명",
        "customer_tel" => "구매자연락처",
        "recipient_name" => "수취인명",
        "recipient_tel1" => "수취인연락처1",
        "recipient_tel2" => "수취인연락처2",
        "recipient_zip_code" => "우편번호",
        "recipient_address1" => "주소",
        "recipient_address2" => "상세주소",
        "sigungu_code" => "시/군/구",
        "shipping_method" => "배송방법",
        "charge_type" => "배송비 형태",
        "courier" => "택배사",
        "tracking_number" => "송장번호",
        "claim" => "클레임",
        "act" => "작업",
        "purchase_memo" => "발주메모",
        "shipping_memo" => "배송메모",
        "admin_memo" => "관리자메모",
        "placed_at" => "주문일",
        "dispatch_deadline" => "발송기한",
        "preferred_shipping_date" => "희망배송일",
        "purchased_at" => "발주일",
        "dispatched_at" => "출고일",
        "shipped_at" => "배송일",
        "confirmed_at" => "확정일",
        "cancelled_at" => "취소일",
        "refunded_at" => "반품일",
        _ => return None,
    })
}

/// Formats a stored value.
pub fn format_value(column: &str, value: Value, districts: &Districts) -> String {
    match value {
        Value::Null | Value::Blob(_) => String::new(),
        Value::Int(number) => match column {
            "state" => {
                OrderState::from_ordinal(number).map_or_else(|| number.to_string(), |state| state.label().to_owned())
            }
            "sigungu_code" => districts.display_name(number).unwrap_or_default(),
            "product_id" | "delivery_id" => crate::id::crockford(number),
            _ if column.ends_with("_at") => Moment(number).to_string(),
            _ => number.to_string(),
        },
        Value::Text(text) => match column {
            "shipping_method" => ShippingMethod::from_code(&text).map_or(text, |method| method.label().to_owned()),
            "charge_type" => ChargeType::from_code(&text).map_or(text, |charge| charge.label().to_owned()),
            "options" => serde_json::from_str::<Vec<(String, String)>>(&text).map_or(text, |options| {
                options.into_iter().map(|(key, value)| format!("{key}: {value}")).collect::<Vec<_>>().join(" / ")
            }),
            _ => text,
        },
    }
}
