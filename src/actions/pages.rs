//! `/actions`: recent bulk actions and their undo.

use askama::Template;
use axum::extract::{Path, State};

use crate::actions::{self, ActionRow};
use crate::audit::MemberActor;
use crate::id::parse_crockford;
use crate::orders::bulk_job::{self, BulkJob};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::{
    Access, Error, Flash, FlashId, FormPairs, Layout, PageAction, PageKind, PageResult, Routes, local_path, page,
    redirect_with_flash,
};

/// The pages of this room.
pub fn routes() -> Routes {
    Routes::new().get("/actions", Access::Page(PageKind::Deliveries, PageAction::Process), list).post(
        "/actions/{id}/undo",
        Access::Page(PageKind::Deliveries, PageAction::Process),
        undo,
    )
}

#[derive(Template)]
#[template(path = "actions/list.html")]
struct ListPage {
    layout: Layout,
    rows: Vec<ActionRow>,
    /// what runs in the background
    job: Option<BulkJob>,
}

async fn list(State(storage): State<Storage>, layout: Layout) -> PageResult {
    let with_orders = layout.processes_orders();
    let read = move |tx: &mut dyn Tx| Ok::<_, StorageError>((actions::newest(tx, with_orders)?, bulk_job::newest(tx)?));
    let (rows, (job, is_under_way)) = storage.read(read).await?;
    let job = job.filter(|job| with_orders && is_under_way && job.outcome.is_none());
    Ok(page(ListPage { layout, rows, job }))
}

async fn undo(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (id, with_orders) = (parse_crockford(&id).ok_or(Error::NotFound)?, layout.processes_orders());
    let undo = move |tx: &mut dyn Tx| -> StorageResult<Option<FlashId>> {
        let recorded = actions::undo(tx, actor, id, with_orders)?;
        recorded.map(|recorded| Flash::from(&recorded).save(tx, actor.id)).transpose()
    };
    let flash = storage.write(undo).await?.ok_or(Error::NotFound)?;
    let back = pairs.iter().find(|(name, _)| name == "back").and_then(|(_, back)| local_path(back));
    Ok(redirect_with_flash(back.unwrap_or("/actions"), flash))
}
