//! `/orders/job`: the bulk action that runs in the background, on whichever node, and how it ended.

use askama::Template;
use axum::extract::State;

use super::bulk::BulkContext;
use crate::orders::bulk_job::{self, BulkJob, JobOutcome};
use crate::web::{Layout, Member, PageResult, page, redirect};

/// Why a job without an outcome does not run.
const STOPPED: &str = "프로그램이 꺼져서 끝내지 못했어요. 바뀐 것은 없어요. 다시 해 주세요.";

#[derive(Template)]
#[template(path = "orders/job.html")]
struct JobPage {
    layout: Layout,
    job: BulkJob,
    /// orders saved so far
    saved_count: usize,
    /// why nothing was changed
    failure: Option<String>,
}

pub(super) async fn show(
    State(BulkContext { storage, jobs }): State<BulkContext>,
    layout: Layout,
    member: Member,
) -> PageResult {
    let (Some(job), is_under_way) = storage.read(bulk_job::newest).await? else { return Ok(redirect("/actions")) };
    let failure = match (&job.outcome, job.member_id == member.id) {
        (None, _) if is_under_way => None,
        (Some(JobOutcome::Done(url)), true) => return Ok(redirect(url)),
        (Some(JobOutcome::Failed(reason)), true) => Some(reason.clone()),
        (None, true) => Some(STOPPED.to_owned()),
        (_, false) => return Ok(redirect("/actions")),
    };
    Ok(page(JobPage { layout, saved_count: jobs.saved_count(&job), job, failure }))
}
