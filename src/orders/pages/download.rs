//! Downloads of the order list. A member states the purpose, and the download is recorded before the file is sent.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;

use askama::Template;
use axum::body::Body;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use crate::access;
use crate::audit::downloads::{self, DownloadRecord, MAX_NOTE_CHARS, NewFile, Purpose};
use crate::audit::{Actor, MemberActor};
use crate::channels;
use crate::districts::DistrictCache;
use crate::id::parse_crockford;
use crate::orders::export::{
    self, ExportError, ExportKind, ExportOutcome, ExportRequest, Format, LeftOut, SMART_STORE,
};
use crate::orders::filter::{OrderFilter, OrderQuery};
use crate::orders::list::{self, OrderRow, Total};
use crate::orders::model::OrderState;
use crate::orders::store::claims;
use crate::products::store as products;
use crate::storage::{Storage, StorageError, Tx};
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store as uploads;
use crate::web::{
    AppState, Error, Flash, Form, Layout, PageResult, PersonalData, Query, content_disposition, personal_page,
    personal_page_with_status, redirect_with_flash,
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
    ExportKind::all().into_iter().map(offer).collect()
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
            Self::PurchaseOrder => "공장에 보내는 파일이에요. 상품을 선택하지 않으면 상품마다 시트를 나눠요.",
            Self::Dispatch => "스마트스토어의 엑셀 일괄발송에 그대로 올리는 파일이에요. 오래된 주문부터 담아요.",
            Self::CourierOrder(courier) => courier.hint(),
        }
    }

    /// The preselected purpose.
    fn default_purpose(self) -> &'static str {
        match self {
            Self::Orders => "",
            Self::PurchaseOrder => Purpose::Factory.code(),
            Self::Dispatch => Purpose::Channel.code(),
            Self::CourierOrder(_) => Purpose::Shipping.code(),
        }
    }
}

#[derive(Clone, Default, Deserialize)]
pub(super) struct KindQuery {
    #[serde(default)]
    content: String,
    /// `1`: the ticked orders of the list
    #[serde(default)]
    chosen: String,
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
    /// ticked orders; none is the whole search
    #[serde(default)]
    tick: Vec<String>,
    /// `1`: the whole search instead of the ticked orders
    #[serde(default)]
    all: String,
    /// numbers of orders that the page named as already sent, and as not belonging into the file
    #[serde(default)]
    left_out: String,
    /// number of orders whose courier the page named as unknown to the channel
    #[serde(default)]
    unknown_couriers: String,
    /// `1`: with the orders that an earlier file has
    #[serde(default)]
    repeats: String,
}

impl DownloadForm {
    fn despite_claims(&self) -> Vec<i64> {
        self.despite.iter().filter_map(|id| parse_crockford(id)).collect()
    }

    /// The ticked orders, unless the whole search is meant.
    fn chosen(&self) -> Option<Vec<i64>> {
        let ids: Vec<i64> = self.tick.iter().filter_map(|id| parse_crockford(id)).collect();
        (!ids.is_empty() && self.all != "1").then_some(ids)
    }

    fn repeats(&self) -> bool {
        self.repeats == "1"
    }

    /// The orders of the file: the ticked ones, or those of the search.
    fn filter(&self, query: &OrderQuery, content: ExportKind) -> OrderFilter {
        let Some(chosen) = self.chosen() else { return query.filter() };
        let is_dispatch = content == ExportKind::Dispatch;
        OrderFilter {
            chosen: Some(chosen),
            states: is_dispatch.then_some(OrderState::Shipped).into_iter().collect(),
            channels: is_dispatch.then(|| SMART_STORE.to_owned()).into_iter().collect(),
            ..OrderFilter::default()
        }
    }

    /// Whether the page named the order as left out.
    fn has_named(&self, id: i64) -> bool {
        self.held.iter().any(|held| parse_crockford(held) == Some(id))
    }

    /// Whether a button of the list was pressed, which asks nothing: the kind of file tells its purpose.
    fn is_from_list(&self) -> bool {
        self.purpose.is_empty() && self.left_out.is_empty() && (self.all == "1" || !self.tick.is_empty())
    }

    /// Validates the form.
    fn validate(&self, content: ExportKind) -> Result<(Purpose, Format), FormProblems> {
        let purpose = Purpose::from_code(if self.is_from_list() { content.default_purpose() } else { &self.purpose });
        let note = self.note.trim();
        let problems = FormProblems {
            purpose: purpose.is_none().then_some("무엇에 쓸 파일인지 선택해 주세요."),
            note: match purpose {
                Some(Purpose::Other) if note.is_empty() => Some("무엇에 쓸 파일인지 입력해 주세요."),
                _ if note.chars().count() > MAX_NOTE_CHARS => Some("200자까지 입력할 수 있어요."),
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

/// Orders with an unknown courier that the page lists one by one.
const MAX_LISTED_COURIERS: usize = 20;

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
    /// numbers of the other orders that are left out
    left_out: LeftOut,
    /// orders whose courier the channel does not know
    unknown_courier: Vec<OrderRow>,
    /// how old the claims of the channels are
    claims: ClaimDataSummary,
}

impl DownloadPage {
    async fn of(
        storage: &Storage,
        layout: Layout,
        query: OrderQuery,
        content: ExportKind,
        mut form: DownloadForm,
    ) -> PageResult<Self> {
        let filter = form.filter(&query, content);
        let problem = content.problem(&filter).map(str::to_owned);
        let is_chosen = filter.chosen.is_some();
        let (channels, total, held, left_out, unknown_courier, claims) = storage
            .read(move |tx| {
                let held: Vec<i64> = export::held(tx, content, &filter)?.iter().map(|order| order.id).collect();
                let total = list::page(tx, &filter, 1, 1)?.total;
                let left_out = export::left_out(tx, content, &filter)?;
                let unknown_courier = export::unknown_courier(tx, content, &filter)?;
                let unknown_courier: Vec<i64> = unknown_courier.iter().map(|order| order.id).collect();
                let claims = if content.is_held_by_claims() {
                    uploads::claim_data_of_search(tx, &filter)?
                } else {
                    ClaimDataSummary::default()
                };
                let held = list::load_rows(tx, &held)?;
                let unknown_courier = list::load_rows(tx, &unknown_courier)?;
                Ok::<_, StorageError>((channels::store::all(tx)?, total, held, left_out, unknown_courier, claims))
            })
            .await?;
        if form.purpose.is_empty() {
            content.default_purpose().clone_into(&mut form.purpose);
        }
        let search = if is_chosen { "선택한 주문".to_owned() } else { query.describe(&channels) };
        let problems = FormProblems::default();
        Ok(Self {
            layout,
            query,
            search,
            content,
            total,
            problem,
            form,
            problems,
            held,
            left_out,
            unknown_courier,
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
        self.held.iter().chain(&self.unknown_courier).map(|row| row.order.id).collect()
    }
}

/// What a download uses.
#[derive(Clone)]
pub(super) struct DownloadContext {
    storage: Storage,
    districts: DistrictCache,
    /// folder of the temporary files
    folder: PathBuf,
}

impl FromRef<AppState> for DownloadContext {
    fn from_ref(state: &AppState) -> Self {
        Self { storage: state.storage.clone(), districts: state.districts.clone(), folder: state.config.data.clone() }
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<OrderQuery>,
    Query(kind): Query<KindQuery>,
) -> PageResult {
    let content = ExportKind::parse(&kind.content).ok_or(Error::NotFound)?;
    Ok(personal_page(DownloadPage::of(&storage, layout, query, content, DownloadForm::default()).await?))
}

pub(super) async fn download(
    State(context): State<DownloadContext>,
    layout: Layout,
    actor: MemberActor,
    Query(query): Query<OrderQuery>,
    Query(kind): Query<KindQuery>,
    Form(form): Form<DownloadForm>,
) -> PageResult {
    let content = ExportKind::parse(&kind.content).ok_or(Error::NotFound)?;
    if kind.chosen == "1" && form.tick.is_empty() && form.all != "1" {
        let flash = Flash::warning("선택한 주문이 없어요. 주문을 먼저 선택해 주세요.");
        let flash = context.storage.write(move |tx| flash.save(tx, actor.id)).await?;
        return Ok(redirect_with_flash(&format!("/orders?{}", query.to_query_string(&[])), flash));
    }
    if form.is_from_list() && content.default_purpose().is_empty() {
        return Ok(personal_page(DownloadPage::of(&context.storage, layout, query, content, form).await?));
    }
    match write_and_record(&context, actor, &query, content, &form).await? {
        Ok(file) => Ok(file),
        Err(rejection) => {
            let mut page = DownloadPage::of(&context.storage, layout, query, content, form).await?;
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
    let filter = form.filter(query, content);
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
        repeats: form.repeats(),
    };
    for _ in 0..MAX_ATTEMPTS {
        let (file, written) = match write(context, request.clone()).await {
            Ok(written) => written,
            Err(error @ ExportError::TooManySheets { .. }) => return no_file(&error.to_string()),
            Err(error) => return Err(error.into()),
        };
        if let Some(reason) = unconfirmed(&written, form) {
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

/// Why the member has to look at the page first: some orders are left out that it has not named, or all of them.
fn unconfirmed(written: &ExportOutcome, form: &DownloadForm) -> Option<&'static str> {
    let left_out = LeftOut { already_sent: written.already_sent, not_due: written.not_due };
    if written.held.iter().any(|order| !form.has_named(order.id)) {
        return Some("취소 요청이 들어온 주문이 있어요. 아래에서 확인하고 다시 눌러 주세요.");
    }
    if written.ids.is_empty() {
        return Some(if written.already_sent > 0 {
            "모두 이미 파일로 받은 주문이에요. 다시 넣으려면 아래에서 선택해 주세요."
        } else if written.not_due > 0 {
            "택배로 보낼 주문이 없어요. 송장번호가 없고 아직 배송되지 않은 택배 주문만 넣어요."
        } else if written.held.is_empty() {
            "조건에 맞는 주문이 없어요."
        } else {
            "취소 요청이 들어온 주문뿐이라 파일에 넣을 주문이 없어요."
        });
    }
    let is_named = left_out == LeftOut::default() || form.left_out == left_out.code();
    if !is_named {
        return Some("빼고 받는 주문이 있어요. 아래에서 확인하고 다시 눌러 주세요.");
    }
    let unknown = written.unknown_courier.len();
    let is_named = unknown == 0 || form.unknown_couriers == unknown.to_string();
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
                && !downloads::orders_in_files(tx, sent_to, &written.ids)?.is_empty()
            {
                return Ok(false);
            }
            let taken = DownloadRecord {
                content: content.code(),
                source: &source,
                rows: written.orders(),
                purpose: Some(purpose),
                note: &note,
            };
            let id = downloads::record(tx, Some(actor.id), &taken)?;
            if let Some(sent_to) = sent_to {
                let file = NewFile { name: &name, bytes: &bytes, sent_to, order_ids: &written.ids };
                downloads::record_file(tx, id, file)?;
            }
            let purpose =
                if note.is_empty() { purpose.label().to_owned() } else { format!("{} {note}", purpose.label()) };
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

/// Writes the export to an unnamed temporary file, which the system deletes when it is closed.
async fn write(context: &DownloadContext, wanted: ExportRequest) -> Result<(File, ExportOutcome), ExportError> {
    let (districts, folder) = (context.districts.refresh(&context.storage).await?, context.folder.clone());
    context
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
