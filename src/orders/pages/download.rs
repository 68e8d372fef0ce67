//! Downloads of the order list. A member states the purpose, and the download is recorded before the file is sent.

use std::fs::File;
use std::io::Seek;

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::access;
use crate::audit::downloads::{self, DownloadRecord, MAX_NOTE_CHARS, Purpose};
use crate::audit::{Actor, MemberActor};
use crate::channels;
use crate::id::parse_crockford;
use crate::orders::export::{self, ExportError, ExportKind, ExportOutcome, ExportRequest, Format, SMART_STORE};
use crate::orders::filter::OrderQuery;
use crate::orders::list::{self, OrderRow, Total};
use crate::orders::model::OrderState;
use crate::orders::store::claims;
use crate::products::store as products;
use crate::storage::{Storage, StorageError};
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store as uploads;
use crate::web::{
    AppState, Error, Form, Layout, PageResult, PersonalData, Query, content_disposition, personal_page,
    personal_page_with_status,
};

/// Size of the chunks in which a file is sent.
const CHUNK_BYTES: usize = 64 * 1024;

/// A kind of file for a search, or the reason why the search has none.
pub(super) struct DownloadOffer {
    pub(super) content: ExportKind,
    pub(super) problem: Option<&'static str>,
    /// URL of the download page, or of a search that has this kind of file
    pub(super) href: String,
}

/// The offers of a search, one per kind of file.
pub(super) fn offers(query: &OrderQuery) -> Vec<DownloadOffer> {
    let filter = query.filter();
    let offer = |content: ExportKind| {
        let problem = content.problem(&filter);
        let href = if problem.is_none() {
            format!("/orders/download?{}", download_query(query, content))
        } else {
            let dispatchable = [("state", OrderState::Shipped.code()), ("channel", SMART_STORE), ("page", "")];
            format!("/orders?{}", query.to_query_string(&dispatchable))
        };
        DownloadOffer { content, problem, href }
    };
    ExportKind::ALL.map(offer).into()
}

/// The query string of the download page: the search and the kind of file.
fn download_query(query: &OrderQuery, content: ExportKind) -> String {
    let search = query.to_query_string(&[("page", ""), ("size", "")]);
    let pairs = [search, format!("content={}", content.code())];
    pairs.into_iter().filter(|pair| !pair.is_empty()).collect::<Vec<_>>().join("&")
}

impl ExportKind {
    /// The hint on the page.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Orders => "화면에 나온 주문을 모든 항목과 함께 담아요.",
            Self::PurchaseOrder => "공장에 보내는 파일이에요. 상품을 고르지 않으면 상품마다 시트를 나눠요.",
            Self::Dispatch => "스마트스토어의 엑셀 일괄발송에 그대로 올리는 파일이에요. 오래된 주문부터 담아요.",
        }
    }

    /// The preselected purpose.
    fn default_purpose(self) -> &'static str {
        match self {
            Self::Orders => "",
            Self::PurchaseOrder => Purpose::Factory.code(),
            Self::Dispatch => Purpose::Channel.code(),
        }
    }
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct KindQuery {
    #[serde(default)]
    content: String,
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct DownloadForm {
    #[serde(default)]
    format: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    note: String,
    /// orders with an open cancellation that the page named as left out
    #[serde(default)]
    held: Vec<String>,
    /// those of them that the member puts into the file all the same
    #[serde(default)]
    despite: Vec<String>,
}

impl DownloadForm {
    fn despite_claims(&self) -> Vec<i64> {
        self.despite.iter().filter_map(|id| parse_crockford(id)).collect()
    }

    /// Whether the page named the order as left out.
    fn has_named(&self, id: i64) -> bool {
        self.held.iter().any(|held| parse_crockford(held) == Some(id))
    }

    /// Validates the form.
    fn validate(&self) -> Result<(Purpose, Format), FormProblems> {
        let purpose = Purpose::parse(&self.purpose);
        let note = self.note.trim();
        let problems = FormProblems {
            purpose: purpose.is_none().then_some("무엇에 쓸 파일인지 골라 주세요."),
            note: match purpose {
                Some(Purpose::Other) if note.is_empty() => Some("무엇에 쓸 파일인지 적어 주세요."),
                _ if note.chars().count() > MAX_NOTE_CHARS => Some("200자까지 쓸 수 있어요."),
                _ => None,
            },
        };
        let format = if self.format == Format::Csv.extension() { Format::Csv } else { Format::Xlsx };
        purpose.filter(|_| problems.note.is_none()).map(|purpose| (purpose, format)).ok_or(problems)
    }
}

#[derive(Default)]
struct FormProblems {
    purpose: Option<&'static str>,
    note: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "orders/download.html")]
struct DownloadPage {
    layout: Layout,
    query: OrderQuery,
    search: String,
    content: ExportKind,
    total: Total,
    /// why there is no file
    problem: Option<String>,
    form: DownloadForm,
    problems: FormProblems,
    /// orders that an open cancellation keeps out of the file
    held: Vec<OrderRow>,
    /// how old the claims of the channels are
    claims: ClaimDataSummary,
}

impl DownloadPage {
    async fn of(storage: &Storage, layout: Layout, query: OrderQuery, content: ExportKind) -> PageResult<Self> {
        let filter = query.filter();
        let (channels, total, held, claims) = storage
            .read(move |tx| {
                let held: Vec<i64> = export::held(tx, content, &filter)?.iter().map(|order| order.id).collect();
                let total = list::page(tx, &filter, 1, 1)?.total;
                let claims = if content.is_held_by_claims() {
                    uploads::claim_data_of_search(tx, &filter)?
                } else {
                    ClaimDataSummary::default()
                };
                Ok::<_, StorageError>((channels::store::all(tx)?, total, list::load_rows(tx, &held)?, claims))
            })
            .await?;
        let problem = content.problem(&query.filter()).map(str::to_owned);
        let form = DownloadForm { purpose: content.default_purpose().to_owned(), ..DownloadForm::default() };
        let search = query.describe(&channels);
        Ok(Self {
            layout,
            query,
            search,
            content,
            total,
            problem,
            form,
            problems: FormProblems::default(),
            held,
            claims,
        })
    }

    fn here(&self) -> String {
        download_query(&self.query, self.content)
    }

    fn back(&self) -> String {
        self.query.to_query_string(&[])
    }

    fn is_empty(&self) -> bool {
        self.total == Total::Exactly(0)
    }

    fn is_dispatch(&self) -> bool {
        self.content == ExportKind::Dispatch
    }

    /// Whether the form puts a held order into the file.
    fn is_named(&self, row: &OrderRow) -> bool {
        self.form.despite_claims().contains(&row.order.id)
    }

    /// Whether the total is a lower bound.
    fn may_be_more(&self) -> bool {
        matches!(self.total, Total::AtLeast(_))
    }
}

impl PersonalData for DownloadPage {
    fn orders(&self) -> Vec<i64> {
        self.held.iter().map(|row| row.order.id).collect()
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<OrderQuery>,
    Query(kind): Query<KindQuery>,
) -> PageResult {
    let content = ExportKind::parse(&kind.content).ok_or(Error::NotFound)?;
    Ok(personal_page(DownloadPage::of(&storage, layout, query, content).await?))
}

pub(super) async fn download(
    State(state): State<AppState>,
    layout: Layout,
    actor: MemberActor,
    Query(query): Query<OrderQuery>,
    Query(kind): Query<KindQuery>,
    Form(form): Form<DownloadForm>,
) -> PageResult {
    let content = ExportKind::parse(&kind.content).ok_or(Error::NotFound)?;
    match write_and_record(&state, actor, &query, content, &form).await? {
        Ok(file) => Ok(file),
        Err(rejection) => {
            let mut page = DownloadPage { form, ..DownloadPage::of(&state.storage, layout, query, content).await? };
            match rejection {
                DownloadRejection::Form(problems) => page.problems = problems,
                DownloadRejection::NoFile(reason) => page.problem = Some(reason),
            }
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// Why there is no file.
enum DownloadRejection {
    /// the form is invalid
    Form(FormProblems),
    /// the search has no such file
    NoFile(String),
}

/// The file. Records the download before the first byte is sent.
async fn write_and_record(
    state: &AppState,
    actor: MemberActor,
    query: &OrderQuery,
    content: ExportKind,
    form: &DownloadForm,
) -> PageResult<Result<Response, DownloadRejection>> {
    let (purpose, format) = match form.validate() {
        Ok(valid) => valid,
        Err(problems) => return Ok(Err(DownloadRejection::Form(problems))),
    };
    let filter = query.filter();
    if let Some(problem) = content.problem(&filter) {
        return Ok(Err(DownloadRejection::NoFile(problem.to_owned())));
    }
    let request = ExportRequest {
        kind: content,
        format,
        filter: filter.clone(),
        despite_claims: form.despite_claims(),
        claim_note: String::new(),
    };
    let (file, written) = match write(state, request).await {
        Ok((_, written)) if written.held.iter().any(|order| !form.has_named(order.id)) => {
            let reason = "취소 요청이 들어온 주문이 있어요. 아래에서 확인하고 다시 눌러 주세요.";
            return Ok(Err(DownloadRejection::NoFile(reason.to_owned())));
        }
        Ok((_, ExportOutcome { orders: 0, held, .. })) => {
            let reason = if held.is_empty() {
                "조건에 맞는 주문이 없어요."
            } else {
                "취소 요청이 들어온 주문뿐이라 파일에 넣을 주문이 없어요."
            };
            return Ok(Err(DownloadRejection::NoFile(reason.to_owned())));
        }
        Ok(written) => written,
        Err(error @ ExportError::TooManySheets { .. }) => return Ok(Err(DownloadRejection::NoFile(error.to_string()))),
        Err(error) => return Err(error.into()),
    };
    let (source, note) =
        (format!("/orders?{}", query.to_query_string(&[("page", ""), ("size", "")])), form.note.trim().to_owned());
    let product = state
        .storage
        .write(move |tx| {
            let taken = DownloadRecord {
                content: content.code(),
                source: &source,
                rows: written.orders,
                purpose: Some(purpose),
                note: &note,
            };
            downloads::record(tx, Some(actor.id), &taken)?;
            let purpose =
                if note.is_empty() { purpose.label().to_owned() } else { format!("{} {note}", purpose.label()) };
            access::record_download(tx, Actor::from(actor).into(), &source, &purpose, written.accessed.clone())?;
            let despite: Vec<i64> = written.despite_claim.iter().map(|order| order.id).collect();
            claims::log_file_despite_claim(tx, actor.into(), &despite, content.label())?;
            let product = filter.product.as_deref().map(|number| products::by_number(tx, [number])).transpose()?;
            Ok::<_, StorageError>(product.and_then(|found| found.into_values().next()))
        })
        .await?;
    let stem = content.file_stem(state.now().date(), product.as_ref().map(|product| product.name.as_str()));
    Ok(Ok(file_response(file, &stem, format)?))
}

/// A response that streams the file.
fn file_response(file: File, stem: &str, format: Format) -> Result<Response, ExportError> {
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_LENGTH, file.metadata()?.len().to_string()),
        (header::CONTENT_DISPOSITION, content_disposition(&format!("{stem}.{}", format.extension()))),
    ];
    let stream = ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK_BYTES);
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// Writes the export to an unnamed temporary file, which the system deletes when it is closed.
async fn write(state: &AppState, wanted: ExportRequest) -> Result<(File, ExportOutcome), ExportError> {
    let (districts, folder) = (state.districts.refresh(&state.storage).await?, state.config.data.clone());
    state
        .storage
        .read_replica(move |tx| {
            let mut file = tempfile::tempfile_in(&folder)?;
            let mut wanted = wanted.clone();
            if wanted.kind.is_held_by_claims() {
                wanted.claim_note = uploads::claim_data_of_search(tx, &wanted.filter)?.note();
            }
            let written = export::write(tx, &wanted, &districts, file.try_clone()?, &folder)?;
            file.rewind()?;
            Ok((file, written))
        })
        .await
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Storage(error) => error.into(),
            ExportError::Write(error) => error.into(),
            error @ ExportError::TooManySheets { .. } => Self::BadRequest(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
