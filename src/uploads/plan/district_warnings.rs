//! Warnings of new orders whose postal code belongs to no district.

use std::collections::HashMap;

use super::{ImportPlan, plan};
use crate::districts::Districts;
use crate::orders::model::Recipient;
use crate::storage::{Result, Tx};
use crate::uploads::check::{Reason, UNCLASSIFIED};
use crate::uploads::model::{RowOutcome, RowReport};
use crate::uploads::parse::ParsedFile;

/// Plans a file, and warns of new orders without a district.
///
/// # Errors
/// The database failed.
pub fn plan_with_districts<'f>(tx: &mut dyn Tx, file: &'f ParsedFile, districts: &Districts) -> Result<ImportPlan<'f>> {
    let mut plan = plan(tx, file)?;
    let created = plan.bundles.iter().flat_map(|bundle| &bundle.orders);
    let places: HashMap<&str, &Recipient> =
        created.map(|order| (order.order_number.as_str(), &order.recipient)).collect();
    for row in plan.report.rows.iter_mut().filter(|row| row.outcome == RowOutcome::Created) {
        if let Some(recipient) = places.get(row.order_number.as_str()) {
            warn_of_district(row, recipient, districts);
        }
    }
    Ok(plan)
}

/// Warns of a postal code that belongs to no district, and tells a district that was found by the address.
fn warn_of_district(row: &mut RowReport, recipient: &Recipient, districts: &Districts) {
    const COLUMN: &str = "우편번호";
    let district = recipient.district(districts);
    let warned = row.reasons.iter_mut().find(|reason| reason.message.contains(UNCLASSIFIED));
    match (warned, district) {
        (Some(reason), Some(code)) => {
            let name = districts.display_name(code).unwrap_or_default();
            reason.message = reason.message.replace(UNCLASSIFIED, &format!("주소로 지역을 찾았어요: {name}"));
        }
        (None, None) => row.reasons.push(Reason {
            column: COLUMN.to_owned(),
            value: recipient.zip_code.clone(),
            message: format!("모르는 우편번호라 {UNCLASSIFIED}. 지역의 미분류에서 정해 주세요"),
        }),
        (Some(_), None) | (None, Some(_)) => {}
    }
}
