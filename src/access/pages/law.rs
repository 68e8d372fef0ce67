//! `/access/law`: 법 점검, what is measured now about the law's duties.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;

use crate::access::law::{self, Measurements};
use crate::access::retention::{self, RetentionPlan};
use crate::config::Config;
use crate::consumer;
use crate::privacy::{self, RetentionYears, SealDays};
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
    let years = config.access_keep_years;
    let (keep, days) = (RetentionYears::new(config.order_keep_years), SealDays(config.order_seal_days));
    let is_demo = config.demo.is_some();
    let (measured, more) = storage
        .read_replica(move |tx| {
            let now = tx.now();
            let mut more = vec![
                consumer::store::check(tx)?,
                privacy::store::status(tx, keep)?.check(now),
                privacy::store::breaches::check(tx)?,
                privacy::store::requests::check(tx)?,
            ];
            if !is_demo {
                more.push(privacy::store::seals::status(tx)?.check(days, now));
            }
            Ok::<_, StorageError>((law::measure(tx, years)?, more))
        })
        .await?;
    let measured = Measurements { is_public: urls.is_public(), is_insecure: urls.is_insecure(), ..measured };
    let checks = law::checks(&measured).into_iter().chain(more).collect();
    Ok(page(LawPage { layout, checks, plan: retention::plan() }))
}
