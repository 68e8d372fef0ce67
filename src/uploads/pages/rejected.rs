//! `GET /uploads/{id}/rejected.xlsx`: downloads the rejected rows.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;

use crate::access::{self, AccessedOrders};
use crate::audit::downloads::{self, DownloadRecord};
use crate::audit::{Actor, MemberActor};
use crate::storage::{Storage, Tx};
use crate::uploads::{RowOutcome, Uploads, store};
use crate::web::{Error, PageResult, parse_id};

pub(super) async fn download(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    actor: MemberActor,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    let upload = storage.read(move |tx| store::find(tx, id)).await?.ok_or(Error::NotFound)?;
    let turn = uploads.turns.wait().await;
    let bytes = uploads.export_rejected(id).await?;
    drop(turn);
    let rows = u64::try_from(upload.count(RowOutcome::Rejected)).unwrap_or_default();
    let record = move |tx: &mut dyn Tx| {
        let source = format!("/uploads/{id}?rows=rejected");
        let record =
            DownloadRecord { content: "rejected-rows", source: &source, rows, purpose: None, note: "", digest: None };
        downloads::record(tx, Some(actor.id), &record)?;
        // Nobody is asked for a purpose, so that none is recorded: the inspection lists it.
        access::record_download(tx, Actor::from(actor).into(), &source, "", AccessedOrders::NONE)
    };
    storage.write(record).await?;
    let stem = upload.file_name.rsplit_once('.').map_or(upload.file_name.as_str(), |(stem, _)| stem);
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned()),
        (header::CONTENT_DISPOSITION, crate::web::content_disposition(&format!("{stem} 오류 행.xlsx"))),
    ];
    Ok((headers, bytes).into_response())
}
