//! `/actions`: recent bulk actions and their undo.

use askama::Template;
use axum::extract::{FromRef, Path, State};

use crate::actions::{self, ActionRow};
use crate::audit::MemberActor;
use crate::orders::bulk_job::{self, BUSY_MESSAGE, BulkJob, BulkJobs, JOB_PATH, JobOutcome, NewBulkJob};
use crate::orders::store::bulk_actions;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::web::{
    Access, AppState, Error, Flash, FlashId, FormPairs, Layout, PageAction, PageKind, PageResult, Routes, local_path,
    page, parse_id, redirect, redirect_with_flash, url_with_flash,
};

/// What the pages of this room use.
#[derive(Clone)]
struct ActionContext {
    storage: Storage,
    jobs: BulkJobs,
}

impl FromRef<AppState> for ActionContext {
    fn from_ref(state: &AppState) -> Self {
        Self { storage: state.storage.clone(), jobs: state.bulk_jobs.clone() }
    }
}

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
    /// what runs in the background, and how many orders it has saved
    job: Option<(BulkJob, usize)>,
}

async fn list(State(ActionContext { storage, jobs }): State<ActionContext>, layout: Layout) -> PageResult {
    let with_orders = layout.processes_orders();
    let read = move |tx: &mut dyn Tx| Ok::<_, StorageError>((actions::newest(tx, with_orders)?, bulk_job::newest(tx)?));
    let (rows, (job, is_under_way)) = storage.read(read).await?;
    let job = job.filter(|job| with_orders && is_under_way && job.outcome.is_none());
    let job = job.map(|job| (job.clone(), jobs.saved_count(&job)));
    Ok(page(ListPage { layout, rows, job }))
}

async fn undo(
    State(ActionContext { storage, jobs }): State<ActionContext>,
    layout: Layout,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (id, with_orders) = (parse_id(&id)?, layout.processes_orders());
    let back = pairs.iter().find(|(name, _)| name == "back").and_then(|(_, back)| local_path(back));
    let back = back.unwrap_or("/actions").to_owned();
    let undo = move |tx: &mut dyn Tx| -> StorageResult<Option<FlashId>> {
        let recorded = actions::undo(tx, actor, id, with_orders)?;
        recorded.map(|recorded| Flash::from(&recorded).save(tx, actor.id)).transpose()
    };
    let action = storage.read(move |tx| bulk_actions::by_id(tx, id)).await?;
    let order_count = action.map_or(0, |action| usize::try_from(action.order_count).unwrap_or_default());
    if order_count <= jobs.max_foreground_orders {
        let flash = storage.write(undo).await?.ok_or(Error::NotFound)?;
        return Ok(redirect_with_flash(&back, flash));
    }
    let job = NewBulkJob { member_id: actor.id, title: "작업 되돌리기".to_owned(), order_count };
    let act = move |tx: &mut dyn Tx| {
        let done = undo(tx)?.map(|flash| JobOutcome::Done(url_with_flash(&back, flash)));
        Ok(done.unwrap_or_else(|| JobOutcome::Failed("되돌릴 작업이 없어요.".to_owned())))
    };
    if jobs.start(&storage, job, act).await? {
        return Ok(redirect(JOB_PATH));
    }
    let flash = storage.write(move |tx| Flash::warning(BUSY_MESSAGE).save(tx, actor.id)).await?;
    Ok(redirect_with_flash(JOB_PATH, flash))
}
