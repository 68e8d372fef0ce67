//! The file of a download: written, recorded, then sent; one of many orders in the background.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::sync::Arc;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio_util::io::ReaderStream;

use super::{DownloadContext, DownloadForm};
use crate::access;
use crate::audit::downloads::{self, DownloadRecord, NewFile, Purpose, PurposeProblems};
use crate::audit::{Actor, MemberActor};
use crate::id::{FileJobId, OrderId};
use crate::orders::export::{self, ExportError, ExportKind, ExportOutcome, ExportRequest, Format, sent_before};
use crate::orders::file_job::{BUSY_MESSAGE, FILES_PATH, NewFileJob};
use crate::orders::filter::OrderQuery;
use crate::orders::store::{claims, file_jobs};
use crate::products::store as products;
use crate::storage::{RowCount, StorageError, Tx};
use crate::uploads::store as uploads;
use crate::web::{Error, Flash, PageResult, content_disposition, redirect, redirect_with_flash};

/// Size of the chunks in which a file is sent.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why a file was not made in the background after all.
const CHANGED_MESSAGE: &str = "만드는 사이 파일에서 빼는 주문이 바뀌었어요. 다시 받아 주세요.";

/// Why there is no file.
pub(super) enum DownloadRejection {
    /// the form is invalid
    Form(PurposeProblems),
    /// the search has no such file
    NoFile(String),
}

/// A file that a member asks for.
pub(super) struct WantedFile {
    context: DownloadContext,
    actor: MemberActor,
    query: OrderQuery,
    form: DownloadForm,
    purpose: Purpose,
    request: ExportRequest,
}

/// A written file and its name.
struct MadeFile {
    file: File,
    name: String,
}

impl WantedFile {
    /// The file of a valid form.
    pub(super) fn new(
        context: DownloadContext,
        actor: MemberActor,
        query: OrderQuery,
        content: ExportKind,
        form: DownloadForm,
    ) -> Result<Self, DownloadRejection> {
        let (purpose, format) = form.validate(content).map_err(DownloadRejection::Form)?;
        let filter = form.filter(&query);
        if let Some(problem) = content.problem(&filter) {
            return Err(DownloadRejection::NoFile(problem.to_owned()));
        }
        let request = ExportRequest {
            kind: content,
            format,
            filter,
            despite_claims: form.despite_claims(),
            claim_note: String::new(),
            masks_contact: !purpose.needs_contact(),
            repeats: form.repeats(),
        };
        Ok(Self { context, actor, query, form, purpose, request })
    }

    /// The file, recorded before its first byte is sent; for many orders the page of the files, where it is made.
    pub(super) async fn send(self) -> PageResult<Result<Response, DownloadRejection>> {
        let no_file = |reason: String| Ok(Err(DownloadRejection::NoFile(reason)));
        let count = match self.count().await? {
            Ok(count) => count,
            Err(reason) => return no_file(reason.to_owned()),
        };
        if count > self.context.jobs.max_direct_orders {
            return Ok(Ok(self.begin(count).await?));
        }
        let format = self.request.format;
        match self.make(&RowCount::default(), None).await? {
            Ok(made) => Ok(Ok(file_response(made, format)?)),
            Err(reason) => no_file(reason),
        }
    }

    /// How many orders the file has, or why the member has to look at the page first.
    async fn count(&self) -> PageResult<Result<usize, &'static str>> {
        let (request, form) = (self.request.clone(), self.form.clone());
        let count = move |tx: &mut dyn Tx| {
            let stale = if request.kind.is_held_by_claims() {
                uploads::claim_data_of_search(tx, &request.filter)?.stale
            } else {
                String::new()
            };
            let ExportRequest { kind, filter, despite_claims, repeats, .. } = &request;
            let contents = export::contents(tx, *kind, filter, despite_claims, *repeats)?;
            Ok::<_, StorageError>(match unconfirmed(&contents, &stale, &form) {
                Some(reason) => Err(reason),
                None => Ok(contents.ids.len()),
            })
        };
        Ok(self.context.storage.read_replica(count).await?)
    }

    /// Begins to make the file in the background.
    async fn begin(self, order_count: usize) -> PageResult {
        let (storage, member_id) = (self.context.storage.clone(), self.actor.id);
        let jobs = self.context.jobs.clone();
        let job = NewFileJob { member_id, title: self.request.kind.label(), order_count };
        let make = |id, written: RowCount| async move {
            let made = self.make(&written, Some(id)).await.map(|made| made.map(drop));
            made.unwrap_or_else(|error| {
                tracing::error!(?error, "파일을 만들지 못했어요");
                Err("파일을 만들지 못했어요. 디스크에 자리가 있는지 확인하고 다시 받아 주세요.".to_owned())
            })
            .err()
        };
        if jobs.start(&storage, job, make).await? {
            return Ok(redirect(FILES_PATH));
        }
        let flash = storage.write(move |tx| Flash::warning(BUSY_MESSAGE).save(tx, member_id)).await?;
        Ok(redirect_with_flash(FILES_PATH, flash))
    }

    /// Writes the file and records it, or answers why there is none. `job` is the job that keeps it.
    async fn make(&self, written: &RowCount, job: Option<FileJobId>) -> PageResult<Result<MadeFile, String>> {
        for _ in 0..MAX_ATTEMPTS {
            let (file, contents, stale) = match self.write(written.clone()).await {
                Ok(written) => written,
                Err(error @ ExportError::TooManySheets { .. }) => return Ok(Err(error.to_string())),
                Err(error) => return Err(error.into()),
            };
            if let Some(reason) = unconfirmed(&contents, &stale, &self.form) {
                return Ok(Err(if job.is_some() { CHANGED_MESSAGE } else { reason }.to_owned()));
            }
            let made = MadeFile { name: self.name().await?, file };
            if self.record(&made, contents, job).await? {
                return Ok(Ok(made));
            }
        }
        Err(Error::Internal("other members download the same orders".to_owned()))
    }

    /// Writes the export to an unnamed temporary file, which the system deletes when it is closed. Answers the channels
    /// whose claims are too old, too.
    async fn write(&self, written: RowCount) -> Result<(File, ExportOutcome, String), ExportError> {
        let DownloadContext { storage, districts, folder, .. } = self.context.clone();
        let (districts, wanted) = (districts.refresh(&storage).await?, self.request.clone());
        storage
            .read_replica(move |tx| {
                let mut file = tempfile::tempfile_in(&folder)?;
                let (mut wanted, mut stale) = (wanted.clone(), String::new());
                if wanted.kind.is_held_by_claims() {
                    let claims = uploads::claim_data_of_search(tx, &wanted.filter)?;
                    (wanted.claim_note, stale) = (claims.note(), claims.stale);
                }
                let contents = export::write(tx, &wanted, &districts, (file.try_clone()?, &folder), &written)?;
                file.rewind()?;
                Ok((file, contents, stale))
            })
            .await
    }

    /// The name of the file: day, content, and the product that the search has chosen.
    async fn name(&self) -> PageResult<String> {
        let ExportRequest { kind, format, filter, .. } = &self.request;
        let storage = &self.context.storage;
        let product = match filter.product.clone() {
            Some(number) => {
                let found = storage.read(move |tx| products::by_number(tx, [number.as_str()])).await?;
                found.into_values().next().map(|product| product.name)
            }
            None => None,
        };
        let stem = kind.file_stem(storage.clock().now().date(), product.as_deref());
        Ok(format!("{stem}.{}", format.extension()))
    }

    /// Records the download, and the orders of a file that is sent. A job keeps the file. False if another member has
    /// downloaded one of the orders since the file was written.
    async fn record(&self, made: &MadeFile, contents: ExportOutcome, job: Option<FileJobId>) -> PageResult<bool> {
        let Self { actor, purpose, .. } = *self;
        let ExportRequest { kind: content, repeats, .. } = self.request;
        let source = format!("/orders?{}", self.query.to_query_string(&[("page", ""), ("size", "")]));
        let (note, name) = (self.form.note.trim().to_owned(), made.name.clone());
        let sent_to = content.recipient();
        let file = Arc::new(made.file.try_clone().map_err(ExportError::from)?);
        let bytes = match (sent_to, job) {
            (Some(_), None) => read_all(&made.file).map_err(ExportError::from)?,
            _ => Vec::new(),
        };
        let save = move |tx: &mut dyn Tx| {
            if let (Some(sent_to), false) = (sent_to, repeats)
                && !sent_before(tx, sent_to, &contents.ids)?.is_empty()
            {
                return Ok(false);
            }
            let taken = DownloadRecord {
                content: content.code(),
                source: &source,
                rows: contents.orders(),
                purpose: Some(purpose),
                note: &note,
                digest: None,
            };
            let id = downloads::record(tx, Some(actor.id), &taken)?;
            if let Some(job) = job {
                let mut file = &*file;
                file.rewind()?;
                let range = contents.accessed().range.filter(|_| sent_to.is_none());
                downloads::keep_file::<ExportError>(tx, id, (&name, range), file)?;
                file_jobs::finish(tx, job, id)?;
                if let Some(sent_to) = sent_to {
                    downloads::record_orders(tx, id, sent_to, &contents.ids)?;
                }
            } else if let Some(sent_to) = sent_to {
                let file = NewFile { name: &name, bytes: &bytes, sent_to, order_ids: &contents.ids };
                downloads::record_file(tx, id, file)?;
            }
            let purpose = purpose.with_note(&note);
            access::record_download(tx, Actor::from(actor).into(), &source, &purpose, contents.accessed())?;
            let despite: Vec<OrderId> = contents.despite_claim.iter().map(|order| order.id).collect();
            claims::log_file_despite_claim(tx, actor.into(), &despite, &content.label())?;
            Ok::<_, ExportError>(true)
        };
        Ok(self.context.storage.write(save).await?)
    }
}

/// Attempts to write a file without orders that another member downloads at the same moment.
const MAX_ATTEMPTS: usize = 3;

/// Why the member has to look at the page first: some orders are left out that it has not named, or all of them, or it has
/// not named that the claims of the `stale` channels are old.
fn unconfirmed(written: &ExportOutcome, stale: &str, form: &DownloadForm) -> Option<&'static str> {
    let left_out = &written.left_out;
    if written.held.iter().any(|order| !form.has_named(order.id)) {
        return Some("취소 요청이 들어온 주문이 있어요. 아래에서 확인하고 다시 눌러 주세요.");
    }
    if written.ids.is_empty() {
        return Some(if left_out.sent() > 0 {
            "모두 이미 파일로 받은 주문이에요. 다시 넣으려면 아래에서 선택해 주세요."
        } else if !left_out.is_empty(false) {
            "파일에 넣을 주문이 없어요. 아래에서 이유를 확인해 주세요."
        } else if written.held.is_empty() {
            "조건에 맞는 주문이 없어요."
        } else {
            "취소 요청이 들어온 주문뿐이라 파일에 넣을 주문이 없어요."
        });
    }
    let is_seen = |code: &str| form.claims_seen.split(',').any(|seen| seen == code);
    if stale.split(',').any(|code| !code.is_empty() && !is_seen(code)) {
        return Some("파일을 아직 받지 않았어요. 클레임 정보를 확인하고 ‘내려받기’를 다시 눌러 주세요.");
    }
    let is_named = left_out.is_empty(form.repeats()) || form.left_out == left_out.code();
    if !is_named {
        return Some("빼고 받는 주문이 있어요. 아래에서 확인하고 다시 눌러 주세요.");
    }
    let unknown = written.unknown_courier.len();
    // The page names those of the orders that claims hold back, too.
    let is_named = form.unknown_couriers.parse().unwrap_or(0) >= unknown;
    (!is_named).then_some("판매채널이 모르는 택배사가 있어요. 아래에서 확인하고 다시 눌러 주세요.")
}

/// The bytes of a written file, which is rewound again.
fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    file.rewind()?;
    Ok(bytes)
}

/// A response that streams the file.
fn file_response(MadeFile { file, name }: MadeFile, format: Format) -> Result<Response, ExportError> {
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_LENGTH, file.metadata()?.len().to_string()),
        (header::CONTENT_DISPOSITION, content_disposition(&name)),
    ];
    let stream = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    Ok((headers, Body::from_stream(stream)).into_response())
}
