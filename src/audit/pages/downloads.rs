//! `/downloads`: log of downloads of personal data.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::IntoResponse;

use crate::access;
use crate::audit::downloads::{self, DownloadRecord, DownloadRow};
use crate::audit::{Actor, MemberActor};
use crate::channels;
use crate::id::parse_crockford;
use crate::orders::export::Format;
use crate::orders::filter::OrderQuery;
use crate::storage::{Storage, StorageError};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Error, FormPairs, Layout, PageResult, Query, content_disposition, page};

#[derive(Template)]
#[template(path = "audit/downloads.html")]
struct ListPage {
    layout: Layout,
    downloads: Vec<DownloadRow>,
    pages: PageBar,
    channels: Vec<(String, String)>,
}

pub(super) async fn list(
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

/// The file of an earlier download as it was. Recorded as a download of its own.
pub(super) async fn download(
    State(storage): State<Storage>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let id = parse_crockford(&id).ok_or(Error::NotFound)?;
    let found = storage
        .write(move |tx| {
            let (Some(row), Some(file)) = (downloads::by_id(tx, id)?, downloads::file(tx, id)?) else {
                return Ok(None);
            };
            let note = format!("{}에 받은 파일을 다시 받음", row.at);
            let again = DownloadRecord {
                content: &row.content,
                source: &row.source,
                rows: u64::try_from(row.rows).unwrap_or_default(),
                purpose: row.purpose,
                note: &note,
            };
            downloads::record(tx, Some(actor.id), &again)?;
            let orders = downloads::orders_of(tx, id)?.into_iter().collect();
            access::record_download(tx, Actor::from(actor).into(), &row.source, &note, orders)?;
            Ok::<_, StorageError>(Some(file))
        })
        .await?;
    let (name, bytes) = found.ok_or(Error::NotFound)?;
    let format = Format::of(std::path::Path::new(&name)).unwrap_or(Format::Xlsx);
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(&name)),
    ];
    Ok((headers, bytes).into_response())
}

impl ListPage {
    /// Description of the search that the file was made from.
    fn search(&self, download: &DownloadRow) -> String {
        let Some(query) = download.source.strip_prefix("/orders?") else { return "보기".to_owned() };
        let words: OrderQuery = serde_html_form::from_str(query).unwrap_or_default();
        words.describe(&self.channels)
    }
}
