//! The answer to a row, with what makes a person recognise it.

use super::order_reason;
use crate::orders::model::NewOrder;
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
        // An invalid quantity is 0, and the reasons have what the file says.
        match self.quantity {
            quantity @ 1.. => format!("{} × {quantity}", self.product_name),
            _ => self.product_name.clone(),
        }
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
        reasons,
        changes: Vec::new(),
        conflicts: Vec::new(),
        conflict,
    }
}

/// The answer to a row that has no effect, and why.
pub(super) fn skipped<T: RowContent>(row: &CheckedRow<T>, message: &str) -> RowReport {
    row_report(row, RowOutcome::Skipped, vec![order_reason(&row.key, message)], None)
}
