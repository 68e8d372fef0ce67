//! Carries a plan out.

use super::plan::Plan;
use super::read::ReadFile;
use crate::channels::FileKind;
use crate::districts::Districts;
use crate::orders::store::create::create;
use crate::orders::store::{self as orders, Action, Cause};
use crate::storage::{Result, Tx};

/// Carries `plan` of `file` out, as part of upload `upload_id` by `member_id`.
pub fn apply(
    tx: &mut dyn Tx,
    plan: &Plan<'_>,
    file: &ReadFile,
    districts: &Districts,
    upload_id: i64,
    member_id: Option<i64>,
) -> Result<()> {
    let action = match file.profile.kind {
        FileKind::Orders => Action::Created,
        FileKind::Tracking => Action::Tracked,
        FileKind::States => Action::Stated,
    };
    let cause = Cause { member_id, upload_id: Some(upload_id), action };
    if plan.bundles.is_empty() {
        return orders::changing(tx, cause, |changes| {
            for (was, is) in &plan.change {
                changes.save_current(was, is)?;
            }
            Ok(())
        });
    }
    let channel = (file.profile.code.as_str(), file.profile.name.as_str());
    create(tx, cause, channel, &plan.bundles, &plan.report.findings, districts, &|_| ())
}
