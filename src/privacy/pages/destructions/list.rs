//! `/privacy/destructions`: preview of what is due, and the certificates.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::Uri;

use crate::config::{Config, Database};
use crate::privacy::RetentionYears;
use crate::privacy::model::{Destruction, DestructionStatus, PREVIEW_DAYS};
use crate::privacy::store;
use crate::storage::{Storage, StorageError};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, Query, page};

#[derive(Template)]
#[template(path = "privacy/destructions/list.html")]
struct ListPage {
    layout: Layout,
    status: DestructionStatus,
    certificates: Vec<Destruction>,
    pages: PageBar,
    is_mariadb: bool,
    /// months after which the backup has no snapshot with destroyed data; none without a backup
    backup_months: Option<u32>,
}

impl ListPage {
    /// The orders that are due, or become due, in the list of orders.
    fn orders_href(&self) -> Option<String> {
        let (first, last) = self.status.soon.placed?;
        Some(format!("/orders?date=placed_at&from={}&to={}", first.date(), last.date()))
    }

    #[expect(clippy::unused_self, reason = "the template calls it")]
    const fn preview_days(&self) -> u64 {
        PREVIEW_DAYS
    }
}

pub(crate) async fn list(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    let keep = RetentionYears::new(config.order_keep_years);
    let (status, certificates, pages) = storage
        .read_replica(move |tx| {
            let (_, total) = store::page(tx, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            Ok::<_, StorageError>((store::status(tx, keep)?, store::page(tx, offset, pages.size.into())?.0, pages))
        })
        .await?;
    let is_mariadb = matches!(config.database, Database::MariaDb(_));
    let backup_months = config.is_backed_up().then_some(config.backup.retention.months);
    Ok(page(ListPage { layout, status, certificates, pages, is_mariadb, backup_months }))
}
