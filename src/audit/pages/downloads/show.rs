//! `/downloads/{id}`: the file of an earlier download.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;

use crate::access;
use crate::audit::downloads::{self, DownloadRecord};
use crate::audit::{Actor, MemberActor};
use crate::id::parse_crockford;
use crate::orders::export::Format;
use crate::storage::{Storage, StorageError};
use crate::web::{Error, FormPairs, PageResult, content_disposition};

/// The file of an earlier download as it was. Recorded as a download of its own.
pub(in crate::audit::pages) async fn download(
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
                digest: row.digest.as_deref(),
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
