//! `GET /uploads`: the upload form and the list of uploads.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use serde::Deserialize;

use super::batch::{MAX_UPLOADS, batch_path};
use crate::config::Config;
use crate::id::UploadId;
use crate::storage::{Storage, StorageError};
use crate::uploads::store::{self, UploadFilter};
use crate::uploads::{RowOutcome, Stage, Upload};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Flash, Layout, PageResult, Query, Tone, page, page_with_status};

/// How long after its end an idle login is noticed by a page without JavaScript.
const IDLE_MARGIN_SECONDS: u64 = 30;

#[derive(Template)]
#[template(path = "uploads/list.html")]
struct ListPage {
    layout: Layout,
    uploads: Vec<Upload>,
    pages: PageBar,
    filter: UploadFilter,
    /// uploads that wait for their password or for being applied
    waiting: usize,
    /// uploads with unresolved rejected rows
    unresolved: usize,
    /// uploads with values of the channel that wait for a decision
    undecided: usize,
    max_mb: u64,
    keep_days: u32,
    /// seconds after which a login without use has run out
    idle_seconds: u64,
}

impl ListPage {
    /// The page that applies the listed files together, if there are several that wait.
    fn batch_href(&self) -> Option<String> {
        let ids: Vec<UploadId> = self.uploads.iter().map(|upload| upload.id).take(MAX_UPLOADS).collect();
        (self.filter == UploadFilter::Stage(Stage::Previewed) && ids.len() > 1).then(|| batch_path(&ids))
    }
}

#[derive(Default, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    stage: String,
    #[serde(default)]
    rows: String,
}

impl ListQuery {
    fn filter(&self) -> UploadFilter {
        match self.rows.as_str() {
            "rejected" => UploadFilter::Unresolved,
            "decisions" => UploadFilter::Undecided,
            _ => Stage::from_code(&self.stage).map_or(UploadFilter::All, UploadFilter::Stage),
        }
    }
}

pub(super) async fn list(
    State(storage): State<Storage>,
    State(config): State<Arc<Config>>,
    layout: Layout,
    Query(query): Query<ListQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    list_page(&storage, &config, layout, query.filter(), paging, &uri).await.map(page)
}

/// The list with an error message. Files of the same form that were stored already are in the list.
pub(super) async fn render_with_error(
    storage: &Storage,
    config: &Config,
    layout: Layout,
    uri: &Uri,
    message: &str,
) -> PageResult {
    let mut answer = list_page(storage, config, layout, UploadFilter::All, PageQuery::default(), uri).await?;
    answer.layout.flash = Some(Flash::new(Tone::Warning, message));
    Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, answer))
}

async fn list_page(
    storage: &Storage,
    config: &Config,
    layout: Layout,
    filter: UploadFilter,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<ListPage> {
    let uri = uri.clone();
    let (uploads, pages, waiting, unresolved, undecided) = storage
        .read(move |tx| {
            let (_, total) = store::page(tx, filter, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            let (uploads, _) = store::page(tx, filter, offset, pages.size.into())?;
            let mut count = |filter| Ok::<_, StorageError>(store::page(tx, filter, 0, 0)?.1);
            let waiting = count(UploadFilter::Stage(Stage::Previewed))? + count(UploadFilter::Stage(Stage::Locked))?;
            let (unresolved, undecided) = (count(UploadFilter::Unresolved)?, count(UploadFilter::Undecided)?);
            Ok::<_, StorageError>((uploads, pages, waiting, unresolved, undecided))
        })
        .await?;
    Ok(ListPage {
        layout,
        uploads,
        pages,
        filter,
        waiting: usize::try_from(waiting).unwrap_or_default(),
        unresolved: usize::try_from(unresolved).unwrap_or_default(),
        undecided: usize::try_from(undecided).unwrap_or_default(),
        max_mb: config.upload_max_bytes >> 20,
        keep_days: config.upload_keep_days,
        idle_seconds: config.session_idle.as_secs() + IDLE_MARGIN_SECONDS,
    })
}
