//! `/privacy/breaches/{id}/people`: the people of a case as a file, to be told.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};

use crate::access::{self, AccessRecorder, AccessedOrders};
use crate::audit::downloads::{self, DownloadRecord, Purpose};
use crate::audit::{Actor, MemberActor};
use crate::privacy::breach::file;
use crate::privacy::store::breaches;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::hex;
use crate::web::{Error, FormPairs, PageResult, content_disposition, parse_id};

pub(crate) async fn download(
    State(storage): State<Storage>,
    State(recorder): State<AccessRecorder>,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(_): FormPairs,
) -> PageResult {
    let number = parse_id(&id)?;
    recorder.flush().await?;
    let source = format!("/privacy/breaches/{id}");
    let write = move |tx: &mut dyn Tx| {
        let Some(breach) = breaches::find(tx, number)? else { return Ok(None) };
        let exposed = breaches::exposed(tx, &breach)?;
        let people = breaches::affected(tx, &exposed)?.people.into_list();
        let csv = file::csv(&people);
        let digest = hex(&Sha256::digest(&csv));
        let note = "유출을 알리려고 받은 명단";
        let logged = DownloadRecord {
            content: "breach",
            source: &source,
            rows: people.len() as u64,
            purpose: Some(Purpose::Customer),
            note,
            digest: Some(&digest),
        };
        downloads::record(tx, Some(actor.id), &logged)?;
        let orders: AccessedOrders = people.iter().flat_map(|person| person.order_ids.iter().copied()).collect();
        access::record_download(tx, Actor::from(actor).into(), &source, note, orders)?;
        Ok::<_, StorageError>(Some((csv, tx.now().date())))
    };
    let (csv, day) = storage.write(write).await?.ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, content_disposition(&format!("{day} 유출 대상자.csv"))),
    ];
    Ok((headers, csv).into_response())
}
