//! Downloads of files that may have to be recognised later ([`crate::documents`]): written, recorded with their digest, then sent.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest as _, Sha256};

use super::{Error, PageResult, content_disposition};
use crate::access;
use crate::audit::downloads::{self, DownloadRecord, Purpose};
use crate::audit::{Actor, MemberActor};
use crate::documents::{Document, DocumentError};
use crate::id::OrderId;
use crate::storage::{Storage, StorageError};
use crate::text::hex;

/// A file that a member takes away.
#[derive(Clone, Debug)]
pub struct FileDownload {
    /// code of the content, see [`DownloadRecord`]
    pub content: &'static str,
    /// path and query of the page that it is made from
    pub source: String,
    /// name of the file without its extension
    pub name: String,
    /// what the member stated
    pub purpose: Purpose,
    /// what the member stated besides
    pub note: String,
    /// orders whose data it has
    pub orders: Vec<OrderId>,
}

impl FileDownload {
    /// Writes the document, records the download with the SHA-256 of the file, and answers with it. The digest is what proves
    /// later that a file is the one that was handed out: `/downloads/verify` finds it.
    pub async fn send_document(
        self,
        storage: &Storage,
        actor: MemberActor,
        document: impl FnOnce() -> Result<Document, DocumentError> + Send + 'static,
    ) -> PageResult<Response> {
        let write = move || {
            let bytes = document()?.to_pdf()?;
            let digest = hex(&Sha256::digest(&bytes));
            Ok::<_, DocumentError>((bytes, digest))
        };
        let (bytes, digest) =
            tokio::task::spawn_blocking(write).await.map_err(Error::internal)?.map_err(Error::internal)?;
        self.send(storage, actor, (bytes, digest), ("pdf", "application/pdf")).await
    }

    /// As [`Self::send_document`], for another program.
    pub async fn send_json(
        self,
        storage: &Storage,
        actor: MemberActor,
        json: serde_json::Value,
    ) -> PageResult<Response> {
        let bytes = json.to_string().into_bytes();
        let digest = hex(&Sha256::digest(&bytes));
        self.send(storage, actor, (bytes, digest), ("json", "application/json; charset=utf-8")).await
    }

    async fn send(
        self,
        storage: &Storage,
        actor: MemberActor,
        (bytes, digest): (Vec<u8>, String),
        (extension, content_type): (&'static str, &'static str),
    ) -> PageResult<Response> {
        let file_name = format!("{}.{extension}", self.name);
        storage
            .write(move |tx| {
                let record = DownloadRecord {
                    content: self.content,
                    source: &self.source,
                    rows: self.orders.len() as u64,
                    purpose: Some(self.purpose),
                    note: &self.note,
                    digest: Some(&digest),
                };
                downloads::record(tx, Some(actor.id), &record)?;
                let (purpose, orders) = (self.purpose.with_note(&self.note), self.orders.iter().copied().collect());
                access::record_download(tx, Actor::from(actor).into(), &self.source, &purpose, orders)?;
                Ok::<_, StorageError>(())
            })
            .await?;
        let headers = [
            (header::CONTENT_TYPE, content_type.to_owned()),
            (header::CONTENT_DISPOSITION, content_disposition(&file_name)),
        ];
        Ok((headers, bytes).into_response())
    }
}
