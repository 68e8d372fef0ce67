//! `GET /uploads/{id}`: the preview or report of an upload.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use super::rows::{DecisionView, RowView, decision_views, row_views};
use super::upload_path;
use crate::audit::downloads::Purpose;
use crate::channels::{ColumnDrift, FileKind, MissingColumn};
use crate::id::{OrderId, UploadId};
use crate::orders::bulk_action;
use crate::orders::export::{ExportKind, SMART_STORE};
use crate::orders::findings::{DisabledProduct, Findings};
use crate::orders::labels::field_label;
use crate::orders::model::OrderState;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::uploads::store::{self, RowFilter};
use crate::uploads::{ApplyProgress, RowOutcome, Stage, Upload, Uploads};
use crate::web::paging::{PageBar, PageQuery, grouped};
use crate::web::{Error, Layout, PageResult, PersonalData, Query, parse_id, personal_page};

/// Code of the tab with conflicting tracking numbers.
pub(super) const CONFLICTS: &str = "conflicts";

/// Code of the tab with values of the channel that wait for a decision.
pub(super) const DECISIONS: &str = "decisions";

/// A tab of the page: a filter of the rows.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Tab {
    code: &'static str,
    label: &'static str,
    filter: RowFilter,
    count: i64,
}

/// A count above the rows: code of its colour, label, number of rows.
type OutcomeCount = (&'static str, &'static str, i64);

#[derive(Template)]
#[template(path = "uploads/show.html")]
pub(super) struct ShowPage {
    pub(super) layout: Layout,
    upload: Upload,
    channel_name: String,
    pub(super) rows: Vec<RowView>,
    pub(super) decisions: Vec<DecisionView>,
    tabs: Vec<Tab>,
    tab: Option<Tab>,
    pages: PageBar,
    products: Vec<ProductView>,
    disabled: Vec<DisabledView>,
    pub(super) password_problem: Option<String>,
    pub(super) courier_problem: Option<String>,
    /// how far it is, while it is being applied
    progress: Option<ApplyProgress>,
    pub(super) teach_problem: Option<String>,
    /// the decision that redirected here, if it can be undone
    undo: Option<String>,
    /// the typed columns to teach, after an error: header of the profile and of the file
    pub(super) chosen: Option<Vec<(String, String)>>,
}

/// A product or variants that the upload creates; `id` links to the product if it exists.
struct ProductView {
    number: String,
    name: String,
    id: Option<String>,
    is_new: bool,
    variants: Vec<(String, String)>,
}

/// A disabled product, and its number of orders in the upload.
struct DisabledView {
    id: String,
    name: String,
    orders: i64,
}

impl ShowPage {
    fn id(&self) -> String {
        self.upload.id.to_string()
    }

    /// How the columns of the file differ from those of its profile, while the file can be read again.
    fn drift(&self) -> Option<&ColumnDrift> {
        let is_open = matches!(self.upload.stage, Stage::Refused | Stage::Previewed | Stage::Applied);
        self.upload.findings.columns.as_ref().filter(|drift| is_open && self.upload.file_kept && drift.is_teachable())
    }

    /// Whether a refused file can be read by a profile that the shop makes for it.
    fn is_mappable(&self) -> bool {
        self.upload.stage == Stage::Refused && self.upload.file_kept
    }

    /// Whether a column of the file is chosen for a missing one: what was typed, or what is suggested.
    fn is_chosen(&self, column: &MissingColumn, name: &str) -> bool {
        match &self.chosen {
            Some(chosen) => chosen.iter().any(|(header, typed)| header == column.header() && typed == name),
            None => column.suggestion.as_deref() == Some(name),
        }
    }

    /// Heading above the changes, by kind of file.
    fn changed_heading(&self) -> &'static str {
        let (before, after) = match self.upload.kind {
            Some(FileKind::Tracking) => ("송장을 넣을 주문", "송장을 넣은 주문"),
            Some(FileKind::States) => ("상태가 바뀔 주문", "상태가 바뀐 주문"),
            _ => ("판매채널에서 바뀐 주문", "판매채널을 따라 바뀐 주문"),
        };
        if self.is_preview() { before } else { after }
    }

    fn is_preview(&self) -> bool {
        self.upload.stage == Stage::Previewed
    }

    /// Whether the courier has to be stated before the list can be applied.
    fn asks_courier(&self) -> bool {
        self.is_preview() && self.upload.findings.courier_missing
    }

    fn is_being_applied(&self) -> bool {
        self.upload.stage.is_open() && self.progress.as_ref().is_some_and(ApplyProgress::is_under_way)
    }

    /// URL of the file that tells the channel the tracking numbers of an applied list.
    fn dispatch_href(&self) -> Option<String> {
        let is_list = self.upload.stage == Stage::Applied && self.upload.kind == Some(FileKind::Tracking);
        let (state, kind) = (OrderState::Shipped.code(), ExportKind::Dispatch.code());
        (is_list && self.upload.imported() > 0).then(|| {
            format!("/orders/download?upload={}&state={state}&channel={SMART_STORE}&content={kind}", self.id())
        })
    }

    /// The new products and options in one line: `상품 2개, 옵션 5개: 예시 침대, 예시 소파`.
    fn found_goods(&self) -> String {
        let products = self.products.iter().filter(|product| product.is_new).count();
        let variants: usize = self.products.iter().map(|product| product.variants.len()).sum();
        let counts = [("상품", products), ("옵션", variants)];
        let counts = counts.iter().filter(|(_, count)| *count > 0).map(|(what, count)| format!("{what} {count}개"));
        let names: Vec<&str> = self.products.iter().map(|product| product.name.as_str()).collect();
        format!("{}: {}", counts.collect::<Vec<_>>().join(", "), names.join(", "))
    }

    fn row_count(&self) -> i64 {
        self.upload.counts.iter().sum()
    }

    /// Why the last attempt to apply it failed.
    fn failure(&self) -> Option<&str> {
        match &self.progress {
            Some(ApplyProgress::Failed(reason)) if self.upload.stage.is_open() => Some(reason),
            _ => None,
        }
    }

    fn shows_conflicts(&self) -> bool {
        self.tab.is_some_and(|tab| tab.filter == RowFilter::Conflicts) && self.upload.stage == Stage::Applied
    }

    fn shows_decisions(&self) -> bool {
        self.tab.is_some_and(|tab| tab.filter == RowFilter::Decisions)
    }

    /// Known orders that the file changes, by kind: label and number of orders.
    fn changes(&self) -> Vec<(String, i64)> {
        let kinds = self.upload.changes.kinds.iter();
        kinds.map(|(kind, count)| (kind_label(kind), *count)).collect()
    }

    /// The outcomes that a file of this kind can have, with their counts. What is unknown or warned of counts only if
    /// there is some.
    fn counts(&self) -> Vec<OutcomeCount> {
        let upload = &self.upload;
        let of = |outcome: RowOutcome| (outcome.code(), outcome.label(), upload.count(outcome));
        let unchanged = (RowOutcome::Skipped.code(), RowOutcome::Skipped.label(), upload.unchanged());
        let created = (upload.kind == Some(FileKind::Orders)).then(|| of(RowOutcome::Created));
        let told = [("warned", "모르는 주문", upload.unknown_orders), ("warned", "주의", upload.warned)];
        created
            .into_iter()
            .chain([of(RowOutcome::Updated), unchanged, of(RowOutcome::Rejected)])
            .chain(told.into_iter().filter(|(.., count)| *count > 0))
            .collect()
    }

    /// Whether applying changes an order, or leads to something to decide: otherwise it only tells until when claims are known.
    fn has_effect(&self) -> bool {
        let to_decide = self.tabs.iter().any(|tab| tab.code == CONFLICTS && tab.count > 0);
        self.upload.imported() > 0 || self.upload.changes.conflicts > 0 || to_decide
    }

    /// What the button does: `적용`, or `13건 빼고 3건 적용` where rows are left out.
    fn apply_label(&self) -> String {
        if !self.has_effect() {
            return "바꿀 것 없이 적용".to_owned();
        }
        let left_out = self.upload.count(RowOutcome::Rejected) + self.upload.unknown_orders;
        if left_out == 0 || self.upload.imported() == 0 {
            return "적용".to_owned();
        }
        format!("{}건 빼고 {}건 적용", grouped(left_out), grouped(self.upload.imported()))
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<OrderId> {
        self.rows.iter().flat_map(|row| &row.order_ids).copied().collect()
    }
}

#[derive(Default, Deserialize)]
pub(super) struct ShowQuery {
    #[serde(default)]
    rows: String,
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(uploads): State<Uploads>,
    layout: Layout,
    Path(id): Path<String>,
    Query(query): Query<ShowQuery>,
    Query(paging): Query<PageQuery>,
    uri: Uri,
) -> PageResult {
    show_page(&storage, &uploads, layout, parse_id(&id)?, &query.rows, paging, &uri).await.map(personal_page)
}

pub(super) async fn show_page(
    storage: &Storage,
    uploads: &Uploads,
    layout: Layout,
    id: UploadId,
    rows: &str,
    paging: PageQuery,
    uri: &Uri,
) -> PageResult<ShowPage> {
    let found = storage
        .read(move |tx| {
            let Some(upload) = store::find(tx, id)? else { return Ok(None) };
            let conflicts = if upload.kind == Some(FileKind::Tracking) { store::conflict_count(tx, id)? } else { 0 };
            let decisions = if upload.changes.conflicts > 0 { store::decision_count(tx, id)? } else { 0 };
            Ok::<_, StorageError>(Some((upload, conflicts, decisions)))
        })
        .await?;
    let (upload, conflicts, decisions) = found.ok_or(Error::NotFound)?;
    let tabs = tabs(&upload, conflicts, decisions);
    let tab = tabs.iter().find(|tab| tab.code == rows).or(tabs.first()).copied();
    let pages = PageBar::new(uri, paging, u64::try_from(tab.map_or(0, |tab| tab.count)).unwrap_or_default());
    let (filter, offset, size) =
        (tab.map(|tab| tab.filter), i64::try_from(pages.offset()).unwrap_or_default(), i64::from(pages.size));
    let findings = upload.findings.clone();
    let is_applied = upload.stage == Stage::Applied;
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let (rows, decisions, products, disabled, undo) = storage
        .read(move |tx| {
            let stored = filter.map_or(Ok(Vec::new()), |filter| store::rows(tx, id, filter, offset, size))?;
            let channel = store::channel_id(tx, id)?;
            let rows = row_views(tx, channel, stored)?;
            let decisions = if filter == Some(RowFilter::Decisions) {
                decision_views(tx, id, is_applied, &rows)?
            } else {
                Vec::new()
            };
            let undo = match entry {
                Some(entry) if bulk_action::undoable(tx, entry)?.is_some() => Some(entry.to_string()),
                _ => None,
            };
            let (products, disabled) = (product_views(tx, &findings)?, disabled_views(tx, &findings)?);
            Ok::<_, StorageError>((rows, decisions, products, disabled, undo))
        })
        .await?;
    let profiles = uploads.profiles().await?;
    let profile = profiles.all().iter().find(|profile| profile.code == upload.channel_code);
    let channel_name = match profile {
        Some(profile) => profile.name.clone(),
        // The profile was taken back; the orders have their channel.
        None => stored_name(storage, &upload.channel_code).await?,
    };
    Ok(ShowPage {
        layout,
        upload,
        channel_name,
        rows,
        decisions,
        tabs,
        tab,
        pages,
        products,
        disabled,
        password_problem: None,
        courier_problem: None,
        progress: uploads.queue.progress(id),
        teach_problem: None,
        undo,
        chosen: None,
    })
}

/// The stored name of a channel; empty for a courier.
async fn stored_name(storage: &Storage, code: &str) -> PageResult<String> {
    let known = storage.read(|tx| crate::channels::store::all(tx)).await?;
    Ok(known.into_iter().find(|(known, _)| known == code).map(|(_, name)| name).unwrap_or_default())
}

/// Renders the page of an upload again, for an error of one of its forms; the links of the page point to
/// its own path.
pub(super) async fn reload_page(
    storage: &Storage,
    uploads: &Uploads,
    layout: Layout,
    id: UploadId,
) -> PageResult<ShowPage> {
    let uri = upload_path(id).parse().map_err(|_| Error::NotFound)?;
    show_page(storage, uploads, layout, id, "", PageQuery::default(), &uri).await
}

fn tabs(upload: &Upload, conflicts: i64, decisions: i64) -> Vec<Tab> {
    let of = |outcome: RowOutcome, label| Tab {
        code: outcome.code(),
        label,
        filter: RowFilter::Outcome(outcome),
        count: upload.count(outcome),
    };
    let all = Tab { code: "all", label: "전체", filter: RowFilter::All, count: upload.counts.iter().sum() };
    let warned = Tab { code: "warned", label: "주의", filter: RowFilter::Warned, count: upload.warned };
    let unchanged = Tab {
        code: RowOutcome::Skipped.code(),
        label: RowOutcome::Skipped.label(),
        filter: RowFilter::Unchanged,
        count: upload.unchanged(),
    };
    let unknown_orders =
        Tab {
            code: "unknown", label: "모르는 주문", filter: RowFilter::UnknownOrders, count: upload.unknown_orders
        };
    let conflicts =
        Tab { code: CONFLICTS, label: "정할 송장번호", filter: RowFilter::Conflicts, count: conflicts };
    let decisions = Tab { code: DECISIONS, label: "결정할 값", filter: RowFilter::Decisions, count: decisions };
    [
        of(RowOutcome::Rejected, "오류"),
        conflicts,
        decisions,
        unknown_orders,
        warned,
        unchanged,
        of(RowOutcome::Created, "등록"),
        of(RowOutcome::Updated, "반영"),
        all,
    ]
    .into_iter()
    .filter(|tab| tab.count > 0)
    .collect()
}

fn product_views(tx: &mut dyn Tx, findings: &Findings) -> StorageResult<Vec<ProductView>> {
    let mut views: Vec<ProductView> = findings
        .products_created
        .iter()
        .map(|found| ProductView {
            number: found.product_number.clone(),
            name: found.product_name.clone(),
            id: None,
            is_new: true,
            variants: Vec::new(),
        })
        .collect();
    for found in &findings.variants_created {
        let place = views.iter().position(|view| view.number == found.product_number).unwrap_or_else(|| {
            views.push(ProductView {
                number: found.product_number.clone(),
                name: String::new(),
                id: None,
                is_new: false,
                variants: Vec::new(),
            });
            views.len() - 1
        });
        views[place].variants.push((found.key.clone(), found.value.clone()));
    }
    let known = crate::products::store::by_number(tx, views.iter().map(|view| view.number.as_str()))?;
    for view in &mut views {
        if let Some(product) = known.get(&view.number) {
            view.id = Some(product.id.to_string());
            view.name.clone_from(&product.name);
        }
    }
    Ok(views)
}

fn disabled_views(tx: &mut dyn Tx, findings: &Findings) -> StorageResult<Vec<DisabledView>> {
    let numbers = findings.disabled.iter().map(|disabled| disabled.product_number.as_str());
    let known = crate::products::store::by_number(tx, numbers)?;
    let view = |disabled: &DisabledProduct| {
        let product = known.get(&disabled.product_number)?;
        Some(DisabledView { id: product.id.to_string(), name: product.name.clone(), orders: disabled.orders })
    };
    Ok(findings.disabled.iter().filter_map(view).collect())
}

/// Label of a kind of change: `취소`, `취소요청`, `주소`.
fn kind_label(kind: &str) -> String {
    match kind.split_once(':') {
        Some(("state", code)) => OrderState::parse(code).map_or(code, |state| state.label()).to_owned(),
        Some(("claim", "")) => "클레임 해제".to_owned(),
        Some(("claim", word)) => word.to_owned(),
        _ => field_label(kind).unwrap_or(kind).to_owned(),
    }
}
