//! Korean labels for columns and values of the log.

use super::fields::OrderField;
use super::model::{ChargeType, OrderState, ShippingMethod};
use crate::districts::Districts;
use crate::storage::Value;
use crate::time::Moment;

/// Label of a column of orders; none for internal columns.
pub fn field_label(name: &str) -> Option<&'static str> {
    if name == "act" {
        return Some("작업");
    }
    OrderField::of(name).map(|field| field.label).filter(|label| !label.is_empty())
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
            "product_id" | "delivery_id" => crate::id::number_code(number),
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
