//! Downloads: what is offered for a search, what it is taken for, and the file.

use std::fs::File;
use std::io::{self, Seek};

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::audit::downloads::{self, NOTE_LENGTH, Purpose, Taken};
use crate::channels;
use crate::orders::export::{self, Content, ExportError, Format, SMART_STORE, Wanted};
use crate::orders::filter::FilterWords;
use crate::orders::list::{self, Total};
use crate::orders::model::OrderState;
use crate::products::store as products;
use crate::storage::StorageError;
use crate::web::{
    AppState, Error, Form, Layout, Member, PageResult, Query, content_disposition, page, page_with_status,
};

/// Bytes of a file that are sent at once.
const PIECE: usize = 64 * 1024;

/// What can be downloaded for a search, or why it cannot.
pub(super) struct Offer {
    pub(super) content: Content,
    pub(super) problem: Option<&'static str>,
    /// the page of the download, or the search that it is offered for
    pub(super) href: String,
}

/// Every content, for the orders of these words.
pub(super) fn offers(words: &FilterWords) -> Vec<Offer> {
    let filter = words.filter();
    let offer = |content: Content| {
        let problem = content.problem(&filter);
        let href = if problem.is_none() {
            format!("/orders/download?{}", query(words, content))
        } else {
            let sent = [("state", OrderState::Shipped.code()), ("channel", SMART_STORE), ("page", "")];
            format!("/orders?{}", words.query(&sent))
        };
        Offer { content, problem, href }
    };
    Content::ALL.map(offer).into()
}

/// The address of the page: the search, and what is taken of it.
fn query(words: &FilterWords, content: Content) -> String {
    let search = words.query(&[("page", ""), ("size", "")]);
    let pairs = [search, format!("content={}", content.code())];
    pairs.into_iter().filter(|pair| !pair.is_empty()).collect::<Vec<_>>().join("&")
}

impl Content {
    /// What the file is for, and what it holds.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Orders => "화면에 나온 주문을 모든 항목과 함께 담아요.",
            Self::PurchaseOrder => "공장에 보내는 파일이에요. 상품을 고르지 않으면 상품마다 시트를 나눠요.",
            Self::Dispatch => "스마트스토어의 엑셀 일괄발송에 그대로 올리는 파일이에요. 오래된 주문부터 담아요.",
        }
    }

    /// What it is mostly taken for.
    fn usual_purpose(self) -> &'static str {
        match self {
            Self::Orders => "",
            Self::PurchaseOrder => Purpose::Factory.code(),
            Self::Dispatch => Purpose::Channel.code(),
        }
    }
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct ContentQuery {
    #[serde(default)]
    content: String,
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    format: String,
    #[serde(default)]
    purpose: String,
    #[serde(default)]
    note: String,
}

impl Typed {
    /// What it is taken for, and what is wrong with the answers.
    fn checked(&self) -> Result<(Purpose, Format), Problems> {
        let purpose = Purpose::parse(&self.purpose);
        let note = self.note.trim();
        let problems = Problems {
            purpose: purpose.is_none().then_some("무엇에 쓸 파일인지 골라 주세요."),
            note: match purpose {
                Some(Purpose::Other) if note.is_empty() => Some("무엇에 쓸 파일인지 적어 주세요."),
                _ if note.chars().count() > NOTE_LENGTH => Some("200자까지 쓸 수 있어요."),
                _ => None,
            },
        };
        let format = if self.format == Format::Csv.extension() { Format::Csv } else { Format::Xlsx };
        purpose.filter(|_| problems.note.is_none()).map(|purpose| (purpose, format)).ok_or(problems)
    }
}

#[derive(Default)]
struct Problems {
    purpose: Option<&'static str>,
    note: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "orders/download.html")]
struct DownloadPage {
    layout: Layout,
    words: FilterWords,
    search: String,
    content: Content,
    total: Total,
    /// why there is no file
    refusal: Option<String>,
    typed: Typed,
    problems: Problems,
}

impl DownloadPage {
    async fn of(state: &AppState, layout: Layout, words: FilterWords, content: Content) -> PageResult<Self> {
        let filter = words.filter();
        let (channels, total) = state
            .storage
            .read(move |tx| Ok::<_, StorageError>((channels::store::all(tx)?, list::page(tx, &filter, 1, 1)?.total)))
            .await?;
        let refusal = content.problem(&words.filter()).map(str::to_owned);
        let typed = Typed { purpose: content.usual_purpose().to_owned(), ..Typed::default() };
        let search = words.in_words(&channels);
        Ok(Self { layout, words, search, content, total, refusal, typed, problems: Problems::default() })
    }

    fn here(&self) -> String {
        query(&self.words, self.content)
    }

    fn back(&self) -> String {
        self.words.query(&[])
    }

    fn is_empty(&self) -> bool {
        self.total == Total::Exactly(0)
    }

    /// Nobody counted further.
    fn may_be_more(&self) -> bool {
        matches!(self.total, Total::AtLeast(_))
    }
}

pub(super) async fn show(
    State(state): State<AppState>,
    layout: Layout,
    Query(words): Query<FilterWords>,
    Query(asked): Query<ContentQuery>,
) -> PageResult {
    let content = Content::parse(&asked.content).ok_or(Error::NotFound)?;
    Ok(page(DownloadPage::of(&state, layout, words, content).await?))
}

pub(super) async fn download(
    State(state): State<AppState>,
    layout: Layout,
    member: Member,
    Query(words): Query<FilterWords>,
    Query(asked): Query<ContentQuery>,
    Form(typed): Form<Typed>,
) -> PageResult {
    let content = Content::parse(&asked.content).ok_or(Error::NotFound)?;
    match answer(&state, member.id, &words, content, &typed).await? {
        Ok(file) => Ok(file),
        Err(refused) => {
            let mut page = DownloadPage { typed, ..DownloadPage::of(&state, layout, words, content).await? };
            match refused {
                Refused::Answers(problems) => page.problems = problems,
                Refused::Because(reason) => page.refusal = Some(reason),
            }
            Ok(page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

/// Why there is no file.
enum Refused {
    /// what was answered is wrong
    Answers(Problems),
    /// there is nothing to take
    Because(String),
}

/// The file; it is written down that it was taken before the first byte of it is sent.
async fn answer(
    state: &AppState,
    member_id: i64,
    words: &FilterWords,
    content: Content,
    typed: &Typed,
) -> PageResult<Result<Response, Refused>> {
    let (purpose, format) = match typed.checked() {
        Ok(checked) => checked,
        Err(problems) => return Ok(Err(Refused::Answers(problems))),
    };
    let filter = words.filter();
    if let Some(problem) = content.problem(&filter) {
        return Ok(Err(Refused::Because(problem.to_owned())));
    }
    let (file, orders) = match write(state, Wanted { content, format, filter: filter.clone() }).await {
        Ok((_, 0)) => return Ok(Err(Refused::Because("조건에 맞는 주문이 없어요.".to_owned()))),
        Ok(written) => written,
        Err(error @ ExportError::TooManySheets { .. }) => return Ok(Err(Refused::Because(error.to_string()))),
        Err(error) => return Err(error.into()),
    };
    let (source, note) =
        (format!("/orders?{}", words.query(&[("page", ""), ("size", "")])), typed.note.trim().to_owned());
    let product = state
        .storage
        .write(move |tx| {
            let taken =
                Taken { content: content.code(), source: &source, rows: orders, purpose: Some(purpose), note: &note };
            downloads::record(tx, Some(member_id), &taken)?;
            let product = filter.product.as_deref().map(|number| products::by_number(tx, [number])).transpose()?;
            Ok::<_, StorageError>(product.and_then(|found| found.into_values().next()))
        })
        .await?;
    let stem = content.file_stem(state.now().date(), product.as_ref().map(|product| product.name.as_str()));
    Ok(Ok(sent(file, &stem, format)?))
}

/// A file on its way, piece by piece.
fn sent(file: File, stem: &str, format: Format) -> Result<Response, ExportError> {
    let headers = [
        (header::CONTENT_TYPE, format.content_type().to_owned()),
        (header::CONTENT_LENGTH, file.metadata()?.len().to_string()),
        (header::CONTENT_DISPOSITION, content_disposition(&format!("{stem}.{}", format.extension()))),
    ];
    let pieces = ReaderStream::with_capacity(tokio::fs::File::from_std(file), PIECE);
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Writes the file into one without a name, which is gone as soon as it is sent.
async fn write(state: &AppState, wanted: Wanted) -> Result<(File, u64), ExportError> {
    let (districts, folder) = (state.uploads.districts.cached(), state.config.data.clone());
    state
        .storage
        .read_replica(move |tx| {
            let mut file = tempfile::tempfile_in(&folder)?;
            let orders = export::write(tx, &wanted, &districts, file.try_clone()?, &folder)?;
            file.rewind()?;
            Ok((file, orders))
        })
        .await
}

impl From<ExportError> for Error {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::Storage(error) => error.into(),
            ExportError::Write(error) if error.kind() == io::ErrorKind::StorageFull => {
                Self::DiskFull(error.to_string())
            }
            ExportError::Write(error) => Self::Internal(error.to_string()),
            error @ ExportError::TooManySheets { .. } => Self::BadRequest(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
