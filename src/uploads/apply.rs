//! Execution of a plan.

use super::parse::ParsedFile;
use super::plan::ImportPlan;
use crate::audit::Actor;
use crate::channels::FileKind;
use crate::districts::Districts;
use crate::orders::store::create::create;
use crate::orders::store::{self as orders, Action, ChangeContext};
use crate::storage::{Result, Tx};

/// Executes the plan of a file: creates or changes orders, with log entries that name the upload and the
/// member.
///
/// # Errors
/// The database failed, or an order changed within the transaction.
pub fn apply(
    tx: &mut dyn Tx,
    plan: &ImportPlan<'_>,
    file: &ParsedFile,
    districts: &Districts,
    upload_id: i64,
    actor: Actor,
) -> Result<()> {
    let action = match file.profile.kind {
        FileKind::Orders => Action::Created,
        FileKind::Tracking => Action::TrackingSet,
        FileKind::States => Action::StateSet,
    };
    let cause = ChangeContext { actor, upload_id: Some(upload_id), action };
    if plan.bundles.is_empty() {
        return orders::with_changes(tx, cause, |changes| {
            changes.save_all_current(&plan.changes.iter().map(|(was, is)| (was, is)).collect::<Vec<_>>())
        });
    }
    let channel = (file.profile.code.as_str(), file.profile.name.as_str());
    create(tx, cause, channel, &plan.bundles, &plan.report.findings, districts, &|_| ())
}
