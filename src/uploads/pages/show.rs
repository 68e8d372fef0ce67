//! `GET /uploads/{id}`: the preview or report of an upload.

use std::collections::{BTreeSet, HashMap};

use askama::Template;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde::Deserialize;

use super::{parse_id, upload_path};
use crate::audit::downloads::Purpose;
use crate::channels::{ColumnDrift, FileKind, MissingColumn};
use crate::id::crockford;
use crate::orders::bulk_action;
use crate::orders::export::{ExportKind, SMART_STORE};
use crate::orders::findings::{DisabledProduct, Findings};
use crate::orders::follow::{FieldChange, FollowedField, HoldReason, display_value};
use crate::orders::labels::field_label;
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store as orders;
use crate::orders::store::channel_conflicts::{self, ChannelConflict};
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::uploads::check::Reason;
use crate::uploads::decisions::describe;
use crate::uploads::model::{ResolvedBy, TrackingChange};
use crate::uploads::store::{self, RowFilter};
use crate::uploads::{ApplyProgress, RowOutcome, RowReport, Stage, StoredRow, Upload, Uploads, change_value};
use crate::web::paging::{PageBar, PageQuery};
use crate::web::{Error, Layout, PageResult, PersonalData, Query, personal_page};

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

/// A row of the report, with the current state of its order.
pub(super) struct RowView {
    report: RowReport,
    resolved: Option<ResolvedBy>,
    order_id: Option<String>,
    /// the orders with the row's number
    order_ids: Vec<i64>,
    /// the order's current tracking number
    tracking: TrackingChange,
    /// the open claim that keeps the order where it is, or empty
    claim: String,
    /// the method of an order that no courier has
    method: Option<ShippingMethod>,
    pub(super) is_ticked: bool,
    pub(super) problem: Option<String>,
}

/// A value of the channel to decide about.
pub(super) struct DecisionView {
    /// the conflict; none in a preview, or where another upload has it
    pub(super) id: Option<i64>,
    place: String,
    order_number: String,
    order_id: Option<String>,
    label: String,
    ours: String,
    channel: String,
    reason: HoldReason,
    /// who edited the value, and when
    edited: String,
    /// how it was decided
    resolved: Option<String>,
    pub(super) problem: Option<String>,
}

impl DecisionView {
    const fn reason_text(&self) -> &'static str {
        match self.reason {
            HoldReason::Edited => "여기서 수정한 값이 있어요",
            HoldReason::Older => "전에 알렸던 값이에요. 더 오래된 파일 같아요",
            HoldReason::Late => "이미 나갔거나 수량이 늘었어요",
            HoldReason::Method => "택배로 보내는 주문이 아니에요. 판매채널 값으로 정하면 택배로 바꿔요",
        }
    }
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
        crockford(self.upload.id)
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
        (is_list && self.imported() > 0).then(|| {
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

    fn imported(&self) -> i64 {
        self.upload.count(RowOutcome::Created) + self.upload.count(RowOutcome::Updated)
    }

    /// The outcomes that a file of this kind can have, with their counts.
    fn counts(&self) -> Vec<(RowOutcome, i64)> {
        let makes_orders = self.upload.kind == Some(FileKind::Orders);
        RowOutcome::ALL
            .into_iter()
            .filter(|outcome| match outcome {
                RowOutcome::Created => makes_orders,
                RowOutcome::Updated | RowOutcome::Skipped | RowOutcome::Rejected => true,
            })
            .map(|outcome| (outcome, self.upload.count(outcome)))
            .collect()
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<i64> {
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
    id: i64,
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
                Some(entry) if bulk_action::undoable(tx, entry)?.is_some() => Some(crockford(entry)),
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
pub(super) async fn reload_page(storage: &Storage, uploads: &Uploads, layout: Layout, id: i64) -> PageResult<ShowPage> {
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
    let conflicts =
        Tab { code: CONFLICTS, label: "정할 송장번호", filter: RowFilter::Conflicts, count: conflicts };
    let decisions = Tab { code: DECISIONS, label: "결정할 값", filter: RowFilter::Decisions, count: decisions };
    [
        of(RowOutcome::Rejected, "오류"),
        conflicts,
        decisions,
        warned,
        of(RowOutcome::Skipped, "변경 없음"),
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
            view.id = Some(crockford(product.id));
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
        Some(DisabledView { id: crockford(product.id), name: product.name.clone(), orders: disabled.orders })
    };
    Ok(findings.disabled.iter().filter_map(view).collect())
}

/// The values to decide about in these rows.
fn decision_views(tx: &mut dyn Tx, id: i64, is_applied: bool, rows: &[RowView]) -> StorageResult<Vec<DecisionView>> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(Vec::new()) };
    let stored = channel_conflicts::of_upload(tx, id, first.number()..=last.number())?;
    let mut views = Vec::new();
    for row in rows {
        for conflict in &row.report.conflicts {
            let field = FollowedField::from_code(&conflict.field);
            let of_row = |stored: &&ChannelConflict| stored.position == row.number() && Some(stored.field) == field;
            let stored = stored.iter().find(of_row);
            let settled = |stored: &ChannelConflict| {
                let (resolution, by, at) = stored.resolved.as_ref()?;
                Some(describe(*resolution, by.as_deref(), *at))
            };
            let ours = stored.filter(|stored| stored.resolved.is_none());
            let edited = [conflict.edited_by.as_deref(), conflict.edited_at.as_deref()];
            views.push(DecisionView {
                id: stored.filter(|stored| stored.resolved.is_none()).map(|stored| stored.id),
                place: row.report.place(),
                order_number: row.report.order_number.clone(),
                order_id: row.order_id.clone(),
                label: field.map_or(conflict.field.as_str(), |field| field.label()).to_owned(),
                ours: ours
                    .map_or_else(|| conflict.ours.clone(), |stored| display_value(stored.field, &stored.own_value)),
                channel: conflict.channel.clone(),
                reason: conflict.reason,
                edited: edited.into_iter().flatten().collect::<Vec<_>>().join(" · "),
                resolved: match stored {
                    Some(stored) => settled(stored),
                    None if is_applied => Some("앞선 업로드에서 정했거나 정할 값이에요".to_owned()),
                    None => None,
                },
                problem: None,
            });
        }
    }
    Ok(views)
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

/// The value of a reason in quotation marks.
fn quoted(reason: &Reason) -> String {
    if reason.value.is_empty() { String::new() } else { format!("‘{}’", reason.value) }
}

/// The rows of a page with their orders.
fn row_views(tx: &mut dyn Tx, channel: Option<i64>, stored: Vec<StoredRow>) -> StorageResult<Vec<RowView>> {
    let numbers: Vec<&str> = stored.iter().map(|row| row.report.order_number.as_str()).collect();
    let ids = orders::ids_by_number(tx, channel, &numbers)?;
    let ids_of = |row: &StoredRow| ids.get(&row.report.order_number).cloned().unwrap_or_default();
    let of_parcels = stored.iter().filter(|row| names_parcel(&row.report));
    let shown: BTreeSet<i64> = of_parcels.filter_map(|row| ids_of(row).pop()).collect();
    let found = orders::find(tx, &shown.into_iter().collect::<Vec<_>>())?;
    let found: HashMap<i64, Order> = found.into_iter().map(|order| (order.id, order)).collect();
    let view = |row: StoredRow| {
        let ids = ids_of(&row);
        let order = ids.last().filter(|_| names_parcel(&row.report)).and_then(|id| found.get(id)).cloned();
        RowView::new(row, ids, order)
    };
    Ok(stored.into_iter().map(view).collect())
}

/// Whether a row shows a tracking number of its order.
fn names_parcel(report: &RowReport) -> bool {
    report.conflict.is_some() || report.changes.iter().any(|change| change.field == "tracking_number")
}

impl RowView {
    fn new(StoredRow { report, resolved }: StoredRow, ids: Vec<i64>, order: Option<Order>) -> Self {
        let held = order.as_ref().filter(|order| order.is_held_from(OrderState::Shipped));
        let claim = held.map_or_else(String::new, |order| order.claim.clone());
        let method = order.as_ref().map(|order| order.shipping_method);
        let method = method.filter(|method| method.is_without_courier());
        let tracking = order.map_or_else(TrackingChange::default, |order| TrackingChange {
            tracking_number: order.tracking_number,
            courier: order.courier,
        });
        let order_id = ids.first().copied().map(crockford);
        Self { report, resolved, order_id, order_ids: ids, tracking, claim, method, is_ticked: false, problem: None }
    }

    /// The row's position in the report, which forms name.
    pub(super) fn number(&self) -> u32 {
        self.report.position
    }

    /// The courier of the changed tracking number.
    fn courier(&self) -> &str {
        let changed = self.report.changes.iter().find(|change| change.field == "courier");
        changed.map_or(&self.tracking.courier, |change| &change.new)
    }

    /// Changed columns: label, former and new value.
    fn changes(&self) -> Vec<(&str, String, String)> {
        let changes = self.report.changes.iter().map(|FieldChange { field, old, new }| {
            (field_label(field).unwrap_or(field), change_value(field, old), change_value(field, new))
        });
        changes.collect()
    }

    fn reasons(&self) -> Vec<(&str, String, &str)> {
        self.report
            .reasons
            .iter()
            .map(|reason| (reason.column.as_str(), quoted(reason), reason.message.as_str()))
            .collect()
    }
}
