//! Files of earlier downloads, which the shop keeps: read from the database and sent piece by piece.

use std::path::Path;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::stream::try_unfold;

use super::{Error, PageResult, content_disposition};
use crate::access::{self, AccessedOrders};
use crate::audit::downloads::{self, DownloadRecord, KeptFile};
use crate::audit::{Actor, MemberActor};
use crate::id::DownloadId;
use crate::orders::export::Format;
use crate::storage::{Storage, StorageError};

/// The file of a download as it was.
///
/// # Errors
/// [`Error::NotFound`] if it is not kept any more.
pub async fn send_kept_file(storage: &Storage, download_id: DownloadId) -> PageResult {
    let found = storage.read(move |tx| downloads::file(tx, download_id)).await?;
    let KeptFile { name, size, .. } = found.ok_or(Error::NotFound)?;
    let format = Format::of(Path::new(&name)).unwrap_or(Format::Xlsx);
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_DISPOSITION, content_disposition(&name)),
    ];
    let storage = storage.clone();
    let chunks = try_unfold(0_i64, move |position| {
        let storage = storage.clone();
        async move {
            let chunk = storage.read(move |tx| downloads::file_chunk(tx, download_id, position)).await?;
            Ok::<_, StorageError>(chunk.map(|chunk| (chunk, position + 1)))
        }
    });
    Ok((headers, Body::from_stream(chunks)).into_response())
}

/// The file of a download once more, which is recorded as a download of its own.
///
/// # Errors
/// [`Error::NotFound`] if it is not kept any more.
pub async fn send_kept_file_again(
    storage: &Storage,
    actor: MemberActor,
    download_id: DownloadId,
) -> PageResult<Response> {
    let record = storage.write(move |tx| {
        let (Some(row), Some(file)) = (downloads::by_id(tx, download_id)?, downloads::file(tx, download_id)?) else {
            return Ok(());
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
        let orders = match file.range {
            Some(range) => AccessedOrders { count: again.rows, range: Some(range), listed: None },
            None => downloads::orders_of(tx, download_id)?.into_iter().collect(),
        };
        access::record_download(tx, Actor::from(actor).into(), &row.source, &note, orders)
    });
    record.await?;
    send_kept_file(storage, download_id).await
}
