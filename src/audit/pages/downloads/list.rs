//! `/downloads`: log of downloads of personal data.

use askama::Template;
use axum::extract::State;
use axum::http::Uri;

use crate::audit::downloads::{self, DownloadRow};
use crate::channels;
use crate::orders::filter::OrderQuery;
use crate::storage::{Storage, StorageError};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Layout, PageResult, Query, page};

#[derive(Template)]
#[template(path = "audit/downloads/list.html")]
struct ListPage {
    layout: Layout,
    downloads: Vec<DownloadRow>,
    pages: PageBar,
    channels: Vec<(String, String)>,
}

pub(in crate::audit::pages) async fn list(
    State(storage): State<Storage>,
    layout: Layout,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    let (downloads, pages, channels) = storage
        .read(move |tx| {
            let (_, total) = downloads::page(tx, 0, 0)?;
            let pages = PageBar::new(&uri, paging, u64::try_from(total).unwrap_or_default());
            let offset = i64::try_from(pages.offset()).unwrap_or_default();
            Ok::<_, StorageError>((downloads::page(tx, offset, pages.size.into())?.0, pages, channels::store::all(tx)?))
        })
        .await?;
    Ok(page(ListPage { layout, downloads, pages, channels }))
}

impl ListPage {
    /// Description of the search that the file was made from.
    fn search(&self, download: &DownloadRow) -> String {
        let Some(query) = download.source.strip_prefix("/orders?") else { return "보기".to_owned() };
        let words: OrderQuery = serde_html_form::from_str(query).unwrap_or_default();
        words.describe(&self.channels)
    }
}
