//! Downloads of the order list. A member states the purpose, and the download is recorded before the file is sent.

mod file;

use std::path::PathBuf;

use askama::Template;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use serde::Deserialize;

use self::file::{DownloadRejection, WantedFile};
use crate::audit::MemberActor;
use crate::audit::downloads::{Purpose, PurposeProblems};
use crate::channels;
use crate::districts::DistrictCache;
use crate::id::{Id, OrderId};
use crate::orders::export::{
    self, ExportError, ExportKind, ExportOutcome, Format, LeftOut, LeftOutReason, SMART_STORE,
};
use crate::orders::file_job::FileJobs;
use crate::orders::filter::{OrderFilter, OrderQuery};
use crate::orders::list::{self, OrderRow, Total};
use crate::orders::model::OrderState;
use crate::orders::store;
use crate::shop;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store as uploads;
use crate::web::{
    AppState, Error, Flash, Form, Layout, PageResult, PersonalData, Query, personal_page, personal_page_with_status,
    redirect_with_flash,
};

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
    /// numbers of the orders that the page named as left out: see [`LeftOut::code`]
    #[serde(default)]
    left_out: String,
    /// number of orders whose courier the page named as unknown to the channel
    #[serde(default)]
    unknown_couriers: String,
    /// channels whose claims the page named as too old
    #[serde(default)]
    claims_seen: String,
    /// `1`: with the orders that an earlier file has
    #[serde(default)]
    repeats: String,
}

impl DownloadForm {
    fn despite_claims(&self) -> Vec<OrderId> {
        self.despite.iter().filter_map(|id| Id::parse(id)).collect()
    }

    /// The ticked orders, unless the whole search is meant.
    fn chosen(&self) -> Option<Vec<OrderId>> {
        let ids: Vec<OrderId> = self.tick.iter().filter_map(|id| Id::parse(id)).collect();
        (!ids.is_empty() && self.all != "1").then_some(ids)
    }

    fn repeats(&self) -> bool {
        self.repeats == "1"
    }

    /// The orders that the file is made of: the ticked ones, or those of the search.
    fn filter(&self, query: &OrderQuery) -> OrderFilter {
        match self.chosen() {
            Some(chosen) => OrderFilter { chosen: Some(chosen), ..OrderFilter::default() },
            None => query.filter(),
        }
    }

    /// Whether the page named the order as left out.
    fn has_named(&self, id: OrderId) -> bool {
        self.held.iter().any(|held| Id::parse(held) == Some(id))
    }

    /// Whether a button of the list was pressed, which asks nothing: the kind of file tells its purpose.
    fn is_from_list(&self) -> bool {
        self.purpose.is_empty() && self.left_out.is_empty() && (self.all == "1" || !self.tick.is_empty())
    }

    /// Validates the form.
    fn validate(&self, content: ExportKind) -> Result<(Purpose, Format), PurposeProblems> {
        let purpose = if self.is_from_list() { content.default_purpose() } else { &self.purpose };
        let format = if self.format == Format::Csv.extension() { Format::Csv } else { Format::Xlsx };
        Ok((Purpose::stated(purpose, self.note.trim())?, format))
    }
}

/// Orders with an unknown courier that the page lists one by one.
const MAX_LISTED_COURIERS: usize = 20;

/// Orders of a reason to leave them out that the page names.
const MAX_NAMED_ORDERS: usize = 50;

/// Orders that the file leaves out for one reason.
struct LeftOutView {
    reason: LeftOutReason,
    count: usize,
    /// identifier in URLs and number of the first ones
    named: Vec<(String, String)>,
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
    problems: PurposeProblems,
    /// orders that an open cancellation keeps out of the file
    held: Vec<OrderRow>,
    /// the other orders that are left out
    left_out: Vec<LeftOutView>,
    /// their numbers, which the form confirms
    left_out_code: String,
    /// orders whose courier the channel does not know
    unknown_courier: Vec<OrderRow>,
    /// how old the claims of the channels are
    claims: ClaimDataSummary,
    /// what the shop has not filled in of the file's sender
    missing_sender: Vec<&'static str>,
}

impl DownloadPage {
    async fn of(
        storage: &Storage,
        layout: Layout,
        query: OrderQuery,
        content: ExportKind,
        mut form: DownloadForm,
    ) -> PageResult<Self> {
        let filter = form.filter(&query);
        let (despite, repeats) = (form.despite_claims(), form.repeats());
        let problem = content.problem(&filter).map(str::to_owned);
        let is_chosen = filter.chosen.is_some();
        let (channels, total, held, (left_out, left_out_code), unknown_courier, (claims, missing_sender)) = storage
            .read(move |tx| {
                let total = list::page(tx, &filter, 1, 1)?.total;
                // A list leaves nothing out.
                let contents = match content.recipient() {
                    Some(_) => export::contents(tx, content, &filter, &despite, repeats)?,
                    None => ExportOutcome::default(),
                };
                let held: Vec<OrderId> =
                    contents.held.iter().chain(&contents.despite_claim).map(|order| order.id).collect();
                let left_out = (left_out_views(tx, &contents.left_out)?, contents.left_out.code());
                // Also those that a claim holds back: the member may put them in.
                let held_back = contents.held.iter().filter(|order| content.has_unknown_courier(order));
                let unknown_courier: Vec<OrderId> =
                    contents.unknown_courier.iter().chain(held_back).map(|order| order.id).collect();
                let claims = if content.is_held_by_claims() {
                    uploads::claim_data_of_search(tx, &filter)?
                } else {
                    ClaimDataSummary::default()
                };
                let missing_sender = match content {
                    ExportKind::CourierOrder(courier) => courier.missing_sender(&shop::store::find(tx)?),
                    ExportKind::Orders | ExportKind::PurchaseOrder | ExportKind::Dispatch => Vec::new(),
                };
                let held = list::load_rows(tx, &held)?;
                let unknown_courier = list::load_rows(tx, &unknown_courier)?;
                let about = (claims, missing_sender);
                Ok::<_, StorageError>((channels::store::all(tx)?, total, held, left_out, unknown_courier, about))
            })
            .await?;
        if form.purpose.is_empty() {
            content.default_purpose().clone_into(&mut form.purpose);
        }
        let search = if is_chosen { "선택한 주문".to_owned() } else { query.describe(&channels) };
        let problems = PurposeProblems::default();
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
            left_out_code,
            unknown_courier,
            claims,
            missing_sender,
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

    /// Number of orders that an open cancellation keeps out of the file.
    fn held_count(&self) -> usize {
        self.held.iter().filter(|row| !self.is_named(row)).count()
    }

    /// The other orders that the file leaves out.
    fn left_out(&self) -> impl Iterator<Item = &LeftOutView> {
        self.left_out.iter().filter(|view| !(self.form.repeats() && view.reason == LeftOutReason::Sent))
    }

    /// Number of all orders that the file leaves out.
    fn left_out_count(&self) -> usize {
        self.held_count() + self.left_out().map(|view| view.count).sum::<usize>()
    }

    /// Number of orders that an earlier file has.
    fn sent_count(&self) -> usize {
        self.left_out.iter().find(|view| view.reason == LeftOutReason::Sent).map_or(0, |view| view.count)
    }

    /// Orders of the file.
    fn in_file(&self) -> u64 {
        u64::try_from(self.total.number()).unwrap_or_default().saturating_sub(self.left_out_count() as u64)
    }

    /// Whether the total is a lower bound.
    fn may_be_more(&self) -> bool {
        matches!(self.total, Total::AtLeast(_))
    }
}

/// The orders that a file leaves out, with the numbers of the first ones.
fn left_out_views(tx: &mut dyn Tx, left_out: &LeftOut) -> StorageResult<Vec<LeftOutView>> {
    let view = |(reason, ids): (LeftOutReason, &[OrderId])| {
        let first = &ids[..ids.len().min(MAX_NAMED_ORDERS)];
        let mut numbers = store::numbers(tx, first)?;
        let named = first.iter().filter_map(|id| Some((id.to_string(), numbers.remove(id)?))).collect();
        Ok(LeftOutView { reason, count: ids.len(), named })
    };
    left_out.by_reason().map(view).collect()
}

impl PersonalData for DownloadPage {
    fn orders(&self) -> Vec<OrderId> {
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
    jobs: FileJobs,
}

impl FromRef<AppState> for DownloadContext {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            districts: state.districts.clone(),
            folder: state.config.data.clone(),
            jobs: state.file_jobs.clone(),
        }
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<OrderQuery>,
    Query(kind): Query<KindQuery>,
) -> PageResult {
    let content = ExportKind::from_code(&kind.content).ok_or(Error::NotFound)?;
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
    let content = ExportKind::from_code(&kind.content).ok_or(Error::NotFound)?;
    if kind.chosen == "1" && form.tick.is_empty() && form.all != "1" {
        let flash = Flash::warning("선택한 주문이 없어요. 주문을 먼저 선택해 주세요.");
        let flash = context.storage.write(move |tx| flash.save(tx, actor.id)).await?;
        return Ok(redirect_with_flash(&format!("/orders?{}", query.to_query_string(&[])), flash));
    }
    if form.is_from_list() && content.default_purpose().is_empty() {
        return Ok(personal_page(DownloadPage::of(&context.storage, layout, query, content, form).await?));
    }
    let sent = match WantedFile::new(context.clone(), actor, query.clone(), content, form.clone()) {
        Ok(wanted) => wanted.send().await?,
        Err(rejection) => Err(rejection),
    };
    match sent {
        Ok(answer) => Ok(answer),
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
