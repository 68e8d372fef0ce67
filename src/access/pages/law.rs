//! `/access/law`: 법 점검, what is measured now about the law's duties.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use crate::access::law;
use crate::access::retention::{self, RetentionPlan};
use crate::config::Config;
use crate::privacy::{self, LawScope};
use crate::server::Endpoints;
use crate::storage::{Diagnostic, Severity, Storage, StorageError};
use crate::web::{Layout, PageResult, page};

#[derive(Template)]
#[template(path = "access/law.html")]
struct LawPage {
    layout: Layout,
    checks: Vec<Diagnostic>,
    plan: &'static RetentionPlan,
}

impl LawPage {
    /// Class of the mark, its icon and its word.
    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    fn mark(&self, severity: &Severity) -> (&'static str, &'static str, &'static str) {
        match severity {
            Severity::Good => ("good", "check-circle", "좋아요"),
            Severity::Warning => ("warn", "exclamation-triangle", "살펴보세요"),
            Severity::Bad => ("bad", "x-circle", "수정하세요"),
        }
    }

    /// Tables of a class.
    fn tables(&self, class: &str) -> usize {
        self.plan.table.values().filter(|table| table.class == class).count()
    }

    /// Columns of a class with personal data.
    fn personal(&self, class: &str) -> usize {
        self.plan.table.values().filter(|table| table.class == class).map(|table| table.personal.len()).sum()
    }

    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "the template calls it")]
    fn period(&self, days: &i64) -> String {
        match days {
            ..0 => "계속".to_owned(),
            0 => "쓰는 동안".to_owned(),
            days if days % 365 == 0 => format!("{}년", days / 365),
            days => format!("{days}일"),
        }
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    State(urls): State<Endpoints>,
    layout: Layout,
) -> PageResult {
    let scope = LawScope::of(&config, urls.is_public(), urls.is_insecure());
    let checks = storage
        .read_replica(move |tx| {
            let mut checks = law::checks(&privacy::store::law::measure(tx, scope)?);
            checks.extend(privacy::store::law::more_checks(tx, scope)?);
            Ok::<_, StorageError>(checks)
        })
        .await?;
    Ok(page(LawPage { layout, checks, plan: retention::plan() }))
}
