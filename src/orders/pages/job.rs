//! `/orders/job`: the bulk action that runs in the background.

use askama::Template;
use axum::extract::State;

use crate::orders::bulk_job::{self, BulkJob, BulkJobs, JobOutcome};
use crate::storage::Storage;
use crate::web::{Flash, Layout, Member, PageResult, page, redirect, redirect_with_flash};

/// The page of a job.
pub(super) const JOB_PATH: &str = "/orders/job";

#[derive(Template)]
#[template(path = "orders/job.html")]
struct JobPage {
    layout: Layout,
    /// none if it runs on another node, or if its program has just crashed
    job: Option<BulkJob>,
    /// why nothing was changed
    failure: Option<String>,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(jobs): State<BulkJobs>,
    layout: Layout,
    member: Member,
) -> PageResult {
    let job = jobs.current();
    match job.as_ref().map(|job| (job.member_id == member.id, job.outcome.clone())) {
        Some((_, None)) => Ok(page(JobPage { layout, job, failure: None })),
        Some((true, Some(JobOutcome::Done(to)))) => Ok(redirect(&to)),
        Some((true, Some(JobOutcome::Failed(reason)))) => Ok(page(JobPage { layout, job, failure: Some(reason) })),
        Some((false, Some(_))) | None if bulk_job::is_under_way(&storage).await? => {
            Ok(page(JobPage { layout, job: None, failure: None }))
        }
        Some((false, Some(_))) | None => {
            let told = "작업이 끝났으면 여기에 있어요. 없으면 중간에 멈춘 것이고, 바뀐 것은 없어요.";
            let flash = storage.write(move |tx| Flash::success(told).save(tx, member.id)).await?;
            Ok(redirect_with_flash("/actions", flash))
        }
    }
}
