//! `/setup/restore/progress`: how far the restore is. The page may be left and opened again; it ends at the login page, once
//! the program has started again with the restored shop.

use askama::Template;
use axum::extract::State;

use super::super::Setup;
use super::RestoreQuery;
use crate::setup::restore_job::{RestoreJob, RestoreState};
use crate::text::format_size;
use crate::web::{Layout, PageResult, Query, page, percent_encode, redirect};

/// The path of the page, for those who have the setup code.
pub(super) fn path(code: &str) -> String {
    format!("/setup/restore/progress?code={}", percent_encode(code))
}

#[derive(Template)]
#[template(path = "setup/restore/progress.html")]
struct ProgressPage {
    layout: Layout,
    code: String,
    state: RestoreState,
}

impl ProgressPage {
    fn title(&self) -> &'static str {
        match self.state {
            RestoreState::Failed { .. } => "백업 복원",
            RestoreState::Done { .. } => "복원했어요",
            RestoreState::None | RestoreState::Running { .. } => "복원하는 중",
        }
    }

    /// How much of the database is here, in percent and in bytes; None before its size is known.
    fn downloaded(&self) -> Option<(u64, String)> {
        let RestoreState::Running { bytes, all_bytes, .. } = self.state else { return None };
        let percent = (bytes * 100).checked_div(all_bytes)?;
        Some((percent, format!("{} 중 {}", format_size(all_bytes), format_size(bytes))))
    }

    fn has_failed(&self) -> bool {
        matches!(self.state, RestoreState::Failed { .. })
    }
}

/// `GET /setup/restore/progress`
pub(in super::super) async fn show(
    State(setup): State<Setup>,
    State(job): State<RestoreJob>,
    layout: Layout,
    Query(RestoreQuery { code, .. }): Query<RestoreQuery>,
) -> PageResult {
    let state = job.state();
    if setup.is_done().await? || !setup.code.matches(&code) || state == RestoreState::None {
        return Ok(redirect("/setup"));
    }
    Ok(page(ProgressPage { layout, code, state }))
}
