//! `/uploads/{id}/undo`: what taking an applied upload back does, and doing it.

use askama::Template;
use axum::extract::{Path, State};

use super::{redirect_with_error, upload_path};
use crate::audit::MemberActor;
use crate::id::OrderId;
use crate::orders::follow::FieldChange;
use crate::orders::labels::field_label;
use crate::orders::model::Order;
use crate::storage::{Storage, Tx};
use crate::uploads::undo::rules::KeptChange;
use crate::uploads::undo::{self, UndoPlan};
use crate::uploads::{UploadError, change_value};
use crate::web::{
    Flash, FlashId, FormPairs, Layout, PageResult, PersonalData, parse_id, personal_page, redirect_with_flash,
};

/// A changed column: label, value now and value then.
type FieldView = (String, String, String);

/// Orders of each kind on the page.
const MAX_LISTED: usize = 200;

#[derive(Template)]
#[template(path = "uploads/undo.html")]
struct UndoPage {
    layout: Layout,
    plan: UndoPlan,
}

impl UndoPage {
    fn id(&self) -> String {
        self.plan.upload.id.to_string()
    }

    fn deleted(&self) -> &[Order] {
        &self.plan.deleted[..self.plan.deleted.len().min(MAX_LISTED)]
    }

    /// Orders with former values, and the changed columns: label, value now and value then.
    fn restored(&self) -> Vec<(&Order, Vec<FieldView>)> {
        let changed = self.plan.restored.iter().filter(|order| order.before != order.after);
        let view = |change: FieldChange| {
            let label = field_label(&change.field).unwrap_or(&change.field).to_owned();
            (label, change_value(&change.field, &change.old), change_value(&change.field, &change.new))
        };
        changed.take(MAX_LISTED).map(|order| (&order.before, order.changes().into_iter().map(view).collect())).collect()
    }

    /// Orders that stay as a whole or in part, with what stays and why.
    fn kept(&self) -> Vec<(&Order, &KeptChange)> {
        let parts = self.plan.restored.iter().flat_map(|order| order.kept.iter().map(|kept| (&order.before, kept)));
        self.plan.kept.iter().map(|(order, kept)| (order, kept)).chain(parts).take(MAX_LISTED).collect()
    }

    fn has_more(&self) -> bool {
        let plan = &self.plan;
        [plan.deleted.len(), plan.restored_count(), plan.kept_count()].into_iter().any(|count| count > MAX_LISTED)
    }
}

impl PersonalData for UndoPage {
    fn orders(&self) -> Vec<OrderId> {
        let restored = self.restored().into_iter().map(|(order, _)| order.id);
        let kept = self.kept().into_iter().map(|(order, _)| order.id);
        self.deleted().iter().map(|order| order.id).chain(restored).chain(kept).collect()
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    match storage.read(move |tx| undo::plan_undo(tx, id)).await? {
        Some(plan) => Ok(personal_page(UndoPage { layout, plan })),
        None => redirect_with_error(&storage, actor.id, id, UploadError::NotOpen).await,
    }
}

pub(super) async fn undo(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_id(&id)?;
    let work = move |tx: &mut dyn Tx| -> crate::storage::Result<Option<FlashId>> {
        let done = undo::undo(tx, id, actor.into())?;
        done.map(|(_, recorded)| Flash::from(&recorded).save(tx, actor.id)).transpose()
    };
    match storage.write(work).await? {
        Some(flash) => Ok(redirect_with_flash(&upload_path(id), flash)),
        None => redirect_with_error(&storage, actor.id, id, UploadError::NotOpen).await,
    }
}
