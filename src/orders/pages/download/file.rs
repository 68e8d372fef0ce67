//! The file of a download: written, recorded, then sent.

use std::fs::File;
use std::io::{self, Read, Seek};

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use tokio_util::io::ReaderStream;

use super::{DownloadContext, DownloadForm};
use crate::access;
use crate::audit::downloads::{self, DownloadRecord, NewFile, Purpose, PurposeProblems};
use crate::audit::{Actor, MemberActor};
use crate::orders::export::{self, ExportError, ExportKind, ExportOutcome, ExportRequest, Format, sent_before};
use crate::orders::filter::OrderQuery;
use crate::orders::store::claims;
use crate::products::store as products;
use crate::storage::{StorageError, Tx};
use crate::uploads::store as uploads;
use crate::web::{Error, PageResult, content_disposition};

/// Size of the chunks in which a file is sent.
const CHUNK_BYTES: usize = 64 * 1024;

/// Why there is no file.
pub(super) enum DownloadRejection {
    /// the form is invalid
    Form(PurposeProblems),
    /// the search has no such file
    NoFile(String),
}

/// The file. Records the download before the first byte is sent.
pub(super) async fn write_and_record(
    context: &DownloadContext,
    actor: MemberActor,
    query: &OrderQuery,
    content: ExportKind,
    form: &DownloadForm,
) -> PageResult<Result<Response, DownloadRejection>> {
    let (purpose, format) = match form.validate(content) {
        Ok(valid) => valid,
        Err(problems) => return Ok(Err(DownloadRejection::Form(problems))),
    };
    let filter = form.filter(query);
    let no_file = |reason: &str| Ok(Err(DownloadRejection::NoFile(reason.to_owned())));
    if let Some(problem) = content.problem(&filter) {
        return no_file(problem);
    }
    let request = ExportRequest {
        kind: content,
        format,
        filter: filter.clone(),
        despite_claims: form.despite_claims(),
        claim_note: String::new(),
        masks_contact: !purpose.needs_contact(),
        repeats: form.repeats(),
    };
    for _ in 0..MAX_ATTEMPTS {
        let (file, written, stale) = match write(context, request.clone()).await {
            Ok(written) => written,
            Err(error @ ExportError::TooManySheets { .. }) => return no_file(&error.to_string()),
            Err(error) => return Err(error.into()),
        };
        if let Some(reason) = unconfirmed(&written, &stale, form) {
            return no_file(reason);
        }
        let name = product_name(context, filter.product.clone()).await?;
        let stem = content.file_stem(context.storage.clock().now().date(), name.as_deref());
        let name = format!("{stem}.{}", format.extension());
        let record = Record { content, query, form, purpose, repeats: request.repeats };
        if record.save(context, actor, &file, &name, written).await? {
            return Ok(Ok(file_response(file, &name, format)?));
        }
    }
    Err(Error::Internal("other members download the same orders".to_owned()))
}

/// The name of the product that the search has chosen.
async fn product_name(context: &DownloadContext, number: Option<String>) -> PageResult<Option<String>> {
    let Some(number) = number else { return Ok(None) };
    let found = context.storage.read(move |tx| products::by_number(tx, [number.as_str()])).await?;
    Ok(found.into_values().next().map(|product| product.name))
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
        return Some("클레임 정보가 오래됐어요. 아래에서 확인하고 다시 눌러 주세요.");
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

/// A download to record.
struct Record<'a> {
    content: ExportKind,
    query: &'a OrderQuery,
    form: &'a DownloadForm,
    purpose: Purpose,
    repeats: bool,
}

impl Record<'_> {
    /// Records the download, and the orders of a file that is sent. False if another member has downloaded one of them
    /// since the file was written.
    async fn save(
        &self,
        context: &DownloadContext,
        actor: MemberActor,
        file: &File,
        name: &str,
        written: ExportOutcome,
    ) -> PageResult<bool> {
        let Self { content, purpose, repeats, .. } = *self;
        let source = format!("/orders?{}", self.query.to_query_string(&[("page", ""), ("size", "")]));
        let (note, name) = (self.form.note.trim().to_owned(), name.to_owned());
        let bytes = if content.recipient().is_some() { read_all(file).map_err(ExportError::from)? } else { Vec::new() };
        let save = move |tx: &mut dyn Tx| {
            let sent_to = content.recipient();
            if let (Some(sent_to), false) = (sent_to, repeats)
                && !sent_before(tx, sent_to, &written.ids)?.is_empty()
            {
                return Ok(false);
            }
            let taken = DownloadRecord {
                content: content.code(),
                source: &source,
                rows: written.orders(),
                purpose: Some(purpose),
                note: &note,
                digest: None,
            };
            let id = downloads::record(tx, Some(actor.id), &taken)?;
            if let Some(sent_to) = sent_to {
                let file = NewFile { name: &name, bytes: &bytes, sent_to, order_ids: &written.ids };
                downloads::record_file(tx, id, file)?;
            }
            let purpose = purpose.with_note(&note);
            access::record_download(tx, Actor::from(actor).into(), &source, &purpose, written.accessed())?;
            let despite: Vec<i64> = written.despite_claim.iter().map(|order| order.id).collect();
            claims::log_file_despite_claim(tx, actor.into(), &despite, &content.label())?;
            Ok::<_, StorageError>(true)
        };
        Ok(context.storage.write(save).await?)
    }
}

/// The bytes of a written file, which is rewound again.
fn read_all(mut file: &File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    file.rewind()?;
    Ok(bytes)
}

/// A response that streams the file.
fn file_response(file: File, name: &str, format: Format) -> Result<Response, ExportError> {
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_LENGTH, file.metadata()?.len().to_string()),
        (header::CONTENT_DISPOSITION, content_disposition(name)),
    ];
    let stream = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// Writes the export to an unnamed temporary file, which the system deletes when it is closed. Answers the channels whose
/// claims are too old, too.
async fn write(context: &DownloadContext, wanted: ExportRequest) -> Result<(File, ExportOutcome, String), ExportError> {
    let (districts, folder) = (context.districts.refresh(&context.storage).await?, context.folder.clone());
    context
        .storage
        .read_replica(move |tx| {
            let mut file = tempfile::tempfile_in(&folder)?;
            let (mut wanted, mut stale) = (wanted.clone(), String::new());
            if wanted.kind.is_held_by_claims() {
                let claims = uploads::claim_data_of_search(tx, &wanted.filter)?;
                (wanted.claim_note, stale) = (claims.note(), claims.stale);
            }
            let written = export::write(tx, &wanted, &districts, file.try_clone()?, &folder)?;
            file.rewind()?;
            Ok((file, written, stale))
        })
        .await
}
