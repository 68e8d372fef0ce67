//! The answer to a row, with what makes a person recognise it.

use super::order_reason;
use crate::orders::model::NewOrder;
use crate::storage::text_limits;
use crate::uploads::check::{CheckedRow, Reason, RowCheck, StateRow, TrackingRow};
use crate::uploads::model::{RowOutcome, RowReport, TrackingChange};

/// A row as a person recognises it.
pub(super) trait RowContent {
    /// 수취인명, or empty if the file does not name it
    fn recipient(&self) -> &str;

    /// product and quantity, or courier and tracking number
    fn content(&self) -> String;
}

impl RowContent for NewOrder {
    fn recipient(&self) -> &str {
        &self.recipient.name
    }

    fn content(&self) -> String {
        let values: Vec<&str> = self.options.iter().map(|option| option.value.as_str()).collect();
        let options = if values.is_empty() { String::new() } else { format!(" [{}]", values.join(", ")) };
        // An invalid quantity is 0, and the reasons have what the file says.
        let quantity = if self.quantity > 0 { format!(" × {}", self.quantity) } else { String::new() };
        let most = text_limits::ROW_CONTENT.saturating_sub(quantity.chars().count());
        format!("{}{quantity}", text_limits::truncate(&format!("{}{options}", self.product_name), most))
    }
}

impl RowContent for TrackingRow {
    fn recipient(&self) -> &'static str {
        ""
    }

    fn content(&self) -> String {
        format!("{} {}", self.courier.as_deref().unwrap_or_default(), self.tracking_number).trim_start().to_owned()
    }
}

impl RowContent for StateRow {
    fn recipient(&self) -> &'static str {
        ""
    }

    fn content(&self) -> String {
        String::new()
    }
}

/// The answer to a row of a file.
pub(super) fn row_report<T: RowContent>(
    row: &CheckedRow<T>,
    outcome: RowOutcome,
    reasons: Vec<Reason>,
    conflict: Option<TrackingChange>,
) -> RowReport {
    let content = match &row.outcome {
        RowCheck::Valid(content, _) => Some(content.as_ref()),
        _ => row.partial.as_deref(),
    };
    RowReport {
        position: 0,
        recipient: content.map_or("", RowContent::recipient).to_owned(),
        content: content.map_or_else(String::new, RowContent::content),
        sheet: String::new(),
        row: row.row,
        order_number: row.key.clone(),
        outcome,
        is_unknown_order: false,
        reasons,
        changes: Vec::new(),
        conflicts: Vec::new(),
        conflict,
    }
}

/// The answer to a row of an order that the shop does not have: its order file is not uploaded yet, or the number is wrong.
pub(super) fn unknown_order<T: RowContent>(row: &CheckedRow<T>) -> RowReport {
    let reason = order_reason(&row.key, "등록되지 않은 주문이에요. 주문 파일을 먼저 올렸는지 확인해 주세요");
    RowReport { is_unknown_order: true, ..row_report(row, RowOutcome::Skipped, vec![reason], None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::OrderOption;

    #[test]
    fn row_names_product_options_and_quantity_within_the_limit() {
        let option = |value: &str| OrderOption { key: "색상".to_owned(), value: value.to_owned() };
        let order = |name: &str, options, quantity| NewOrder {
            product_name: name.to_owned(),
            options,
            quantity,
            ..NewOrder::default()
        };
        assert_eq!(order("예시 침대", vec![option("월넛"), option("퀸")], 2).content(), "예시 침대 [월넛, 퀸] × 2");
        assert_eq!(order("예시 침대", Vec::new(), 0).content(), "예시 침대");
        let long = order("예시 침대", vec![option(&"가".repeat(400))], 12).content();
        assert!(long.chars().count() <= text_limits::ROW_CONTENT && long.ends_with(" × 12"));
    }
}
