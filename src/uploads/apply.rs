//! Execution of a plan.

use super::parse::ParsedFile;
use super::plan::ImportPlan;
use crate::audit::Actor;
use crate::channels::FileKind;
use crate::districts::Districts;
use crate::id::UploadId;
use crate::orders::model::Order;
use crate::orders::store::channel_conflicts::{self, ConflictResolution};
use crate::orders::store::create::{adopt_options, create};
use crate::orders::store::{self as orders, Action, ChangeContext, statements};
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
    upload_id: UploadId,
    actor: Actor,
) -> Result<()> {
    let action = match file.profile.kind {
        FileKind::Orders => Action::Followed,
        FileKind::Tracking => Action::TrackingSet,
        FileKind::States | FileKind::Settlement => Action::StateSet,
    };
    let cause = ChangeContext { actor, upload_id: Some(upload_id), action };
    if action == Action::TrackingSet {
        // Held orders are among the changes only if the caller named them.
        let is_despite = |(before, after): &&(Order, Order)| before.is_held_from(after.state);
        let (despite, free): (Vec<_>, Vec<_>) = plan.changes.iter().partition(is_despite);
        let owned = |changes: Vec<&(Order, Order)>| changes.into_iter().cloned().collect::<Vec<_>>();
        save_changes(tx, cause, &owned(free), districts)?;
        save_changes(tx, ChangeContext { action: Action::DespiteClaim, ..cause }, &owned(despite), districts)?;
    } else {
        save_changes(tx, cause, &plan.changes, districts)?;
    }
    statements::insert(tx, Some(upload_id), &plan.statements)?;
    channel_conflicts::close(tx, &plan.replaced, ConflictResolution::Replaced, actor.member_id())?;
    channel_conflicts::insert(tx, upload_id, &plan.conflicts)?;
    if plan.bundles.is_empty() {
        return Ok(());
    }
    let channel = (file.profile.code.as_str(), file.profile.name.as_str());
    let cause = ChangeContext { action: Action::Created, ..cause };
    create(tx, cause, channel, &plan.bundles, &plan.report.findings, districts, &|_| ())
}

/// Saves changed orders with their districts, after the variants that their options name.
fn save_changes(
    tx: &mut dyn Tx,
    cause: ChangeContext,
    changes: &[(Order, Order)],
    districts: &Districts,
) -> Result<()> {
    let changed = prepared(tx, cause, changes, districts)?;
    orders::with_changes(tx, cause, |writer| {
        writer.save_all_current(&changed.iter().map(|(before, after)| (*before, after)).collect::<Vec<_>>())
    })
}

/// The changes with their districts, after the variants that their options name were inserted.
pub(super) fn prepared<'c>(
    tx: &mut dyn Tx,
    cause: ChangeContext,
    changes: &'c [(Order, Order)],
    districts: &Districts,
) -> Result<Vec<(&'c Order, Order)>> {
    let mut changed = Vec::with_capacity(changes.len());
    for (before, after) in changes {
        let mut after = after.clone();
        if after.recipient.is_elsewhere(&before.recipient, districts) {
            after.sigungu_code = after.recipient.district(districts);
        }
        if after.options != before.options {
            adopt_options(tx, &mut after, cause.upload_id)?;
        }
        changed.push((before, after));
    }
    Ok(changed)
}
