//! Delivery slips (배송 전표): pages for the browser to print.
//!
//! Viewing slips changes nothing. The print button posts a form, which records who printed when and redirects to the
//! same page; with JavaScript, that page opens the print dialog.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::json;

use super::ids;
use super::list::default_sort;
use super::view::DeliveryView;
use crate::access::{self, AccessAction, NewAccess};
use crate::audit::{self, Actor, AuditEvent, MemberActor};
use crate::deliveries::filter::{DeliveryFilter, DeliveryQuery};
use crate::deliveries::list::{self, DeliveryRow, load_rows};
use crate::deliveries::log::{self, DeliveryAction};
use crate::deliveries::slip::{AddressSize, SlipLine, SlipSheet, ellipsize, fit_address, sheets};
use crate::deliveries::store;
use crate::districts::DistrictCache;
use crate::id::{DeliveryId, Id, OrderId, WorkId};
use crate::masking::{self, mask};
use crate::members::model::rights::Surface;
use crate::orders::list::OrderRow;
use crate::orders::model::{OrderState, Recipient};
use crate::plans::model::{Job, JobKind};
use crate::plans::store::{self as plans, tasks};
use crate::shop::model::{Shop, SlipPaper};
use crate::shop::store as shop;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::date_with_weekday;
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store as uploads;
use crate::web::qr::{self, QrCode};
use crate::web::{
    AppState, BaseUrl, Flash, FlashId, FormPairs, Layout, Member, PageResult, PersonalData, Query, personal_page,
    redirect, redirect_with_flash,
};

/// Deliveries whose slips one page shows.
const MAX_SLIPS: usize = 100;

/// The URL of the slips of these deliveries and jobs.
pub(super) fn slips_url(keys: &[WorkId]) -> String {
    let ids: Vec<String> = keys.iter().map(|id| format!("id={id}")).collect();
    format!("/deliveries/slips?{}", ids.join("&"))
}

/// A slip and one of its sheets.
type SheetOfSlip<'page> = (&'page Slip, &'page SlipSheet);

/// The slip of one delivery, or of another job at its door.
struct Slip {
    /// what names it in URLs: the delivery, or the job
    key: String,
    title: &'static str,
    view: DeliveryView,
    sheets: Vec<SlipSheet>,
    /// the address of the recipient and its font size
    address: (AddressSize, String),
    qr_code: Option<QrCode>,
}

#[derive(Template)]
#[template(path = "deliveries/slips.html")]
pub(super) struct SlipsPage {
    layout: Layout,
    shop: Shop,
    slips: Vec<Slip>,
    paper: SlipPaper,
    /// how old the claims of the channels are
    claims: ClaimDataSummary,
    /// whether the search has more deliveries than [`MAX_SLIPS`]
    is_truncated: bool,
    print_now: bool,
    is_training: bool,
}

impl SlipsPage {
    pub(super) fn is_empty(&self) -> bool {
        self.slips.is_empty()
    }

    /// When the newest claims of a slip's channels were uploaded.
    fn claims_of(&self, slip: &Slip) -> String {
        let has_channel = |code: &String| slip.view.row.orders.iter().any(|order| order.listed.channel_code == *code);
        let channels = self.claims.channels.iter().zip(&self.claims.descriptions);
        let own: Vec<&str> = channels
            .filter(|(data, _)| has_channel(&data.channel_code))
            .map(|(_, description)| description.as_str())
            .collect();
        own.join(", ")
    }

    /// Orders on the slips that an open cancellation keeps where they are.
    fn held(&self) -> Vec<&OrderRow> {
        let orders = self.slips.iter().flat_map(|slip| &slip.view.row.orders);
        orders.map(|order| &order.listed).filter(|listed| listed.order.is_held()).collect()
    }

    /// Slips whose recipient is masked.
    fn masked_count(&self) -> usize {
        self.slips.iter().filter(|slip| slip.view.row.is_masked).count()
    }

    /// What is printed on each sheet of A4.
    fn printed_sheets(&self) -> Vec<Vec<SheetOfSlip<'_>>> {
        let all: Vec<_> =
            self.slips.iter().flat_map(|slip| slip.sheets.iter().map(move |sheet| (slip, sheet))).collect();
        all.chunks(self.paper.slips_per_sheet()).map(<[_]>::to_vec).collect()
    }

    /// The papers with the URLs of these slips on them.
    fn paper_links(&self) -> Vec<(SlipPaper, String)> {
        let keys: Vec<WorkId> = self.slips.iter().filter_map(|slip| Id::parse(&slip.key)).collect();
        let url = slips_url(&keys);
        SlipPaper::ALL.into_iter().map(|paper| (paper, format!("{url}&paper={}", paper.code()))).collect()
    }
}

impl Slip {
    fn new(view: DeliveryView, work: &SlipWork, base: &str, paper: SlipPaper) -> Self {
        let task = work.job.as_ref().and_then(|job| job.task.as_ref());
        let kind = task.map_or(JobKind::Deliver, |task| task.kind);
        let (own, apart): (Vec<_>, Vec<_>) =
            view.row.orders.iter().partition(|order| work.is_about(order.listed.order.id));
        let brought = own.into_iter().filter(|_| kind.delivers());
        let mut lines: Vec<SlipLine> = brought.map(|order| line(&order.listed, view.other_recipient(order))).collect();
        let mut memos = vec![view.memos()];
        if let Some(task) = task {
            if kind == JobKind::Swap {
                for line in &mut lines {
                    line.state = "새것";
                }
            }
            if kind != JobKind::Deliver {
                let (state, product) = (if kind.collects() { "회수" } else { kind.label() }, task.goods.clone());
                lines.push(SlipLine { state, product, quantity: task.pieces.max(1), other_recipient: None });
            }
            if !task.note.is_empty() {
                memos.push(task.note.clone());
            }
        }
        let later: Vec<String> = apart
            .iter()
            .filter(|order| kind == JobKind::Deliver && order.listed.order.state < OrderState::Cancelled)
            .map(|order| work.apart_text(&order.listed))
            .collect();
        if !later.is_empty() {
            memos.push(format!("다른 날 배송: {}", later.join(", ")));
        }
        let address = view.recipient().map(|recipient| format!("{} {}", recipient.address1, recipient.address2));
        Self {
            address: fit_address(paper, address.unwrap_or_default().trim()),
            sheets: sheets(paper, &lines, &view.messages(), memos.join("\n").trim()),
            qr_code: qr::svg(&format!("{base}/deliveries/{}", view.id())),
            key: work.key.to_string(),
            title: match kind {
                JobKind::Deliver => "배송 전표",
                JobKind::Collect => "회수 전표",
                JobKind::Swap => "교환 전표",
                JobKind::Service => "A/S 전표",
                JobKind::Measure => "실측 전표",
            },
            view,
        }
    }

    /// The name of the recipient, truncated to its cell.
    fn name(&self) -> String {
        self.view.recipient().map(|recipient| ellipsize(&recipient.name, 20.0, 1.0)).unwrap_or_default()
    }
}

fn line(listed: &OrderRow, other_recipient: Option<&Recipient>) -> SlipLine {
    let labels = &listed.labels;
    let mut product = if labels.is_empty() {
        listed.product_name.clone()
    } else {
        format!("{} [{}]", listed.product_name, labels.join(", "))
    };
    if listed.order.has_open_claim() {
        product = format!("【{}】 {product}", listed.order.claim);
    }
    let other_recipient = other_recipient.map(|to| {
        let zip_code = if to.zip_code.is_empty() { String::new() } else { format!("({}) ", to.zip_code) };
        let address = format!("{zip_code}{} {}", to.address1, to.address2);
        let texts = [&to.name, &to.tel1, &to.tel2, address.trim()];
        texts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<&str>>().join(" · ")
    });
    // The customer reads it at the door: that an order is still with the factory is no word for the paper.
    let state = if listed.order.state < OrderState::Shipped { "" } else { listed.order.state.label() };
    SlipLine { state, product, quantity: listed.order.quantity, other_recipient }
}

/// The deliveries whose slips to show; without `id`, those of the search in the same query string.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct SlipsQuery {
    id: Vec<String>,
    print: Option<String>,
    /// [`SlipPaper::code`]; without it, the paper of the shop
    paper: Option<String>,
}

impl SlipsQuery {
    fn paper(&self) -> Option<SlipPaper> {
        self.paper.as_deref().and_then(SlipPaper::from_code)
    }
}

impl PersonalData for SlipsPage {
    fn orders(&self) -> Vec<OrderId> {
        self.slips.iter().flat_map(|slip| slip.view.row.order_ids()).collect()
    }
}

/// What the pages of slips use.
#[derive(Clone)]
pub(super) struct SlipContext {
    storage: Storage,
    districts: DistrictCache,
    /// whether browsers reach this shop by HTTPS
    is_behind_tls: bool,
    /// whether the slips say that they are of a demo shop
    is_training: bool,
}

impl FromRef<AppState> for SlipContext {
    fn from_ref(state: &AppState) -> Self {
        Self {
            storage: state.storage.clone(),
            districts: state.districts.clone(),
            is_behind_tls: state.config.behind_tls,
            is_training: state.demo.is_some(),
        }
    }
}

pub(super) async fn show(
    State(context): State<SlipContext>,
    layout: Layout,
    member: Member,
    headers: HeaderMap,
    Query(selection): Query<SlipsQuery>,
    Query(query): Query<DeliveryQuery>,
) -> PageResult {
    let filter = query.filter(default_sort(&member), &*context.districts.refresh(&context.storage).await?);
    let keys: Vec<WorkId> = selection.id.iter().filter_map(|id| Id::parse(id)).take(MAX_SLIPS).collect();
    let is_search = selection.id.is_empty();
    let load = move |tx: &mut dyn Tx| if is_search { search(tx, &filter) } else { Ok((load_slips(tx, &keys)?, false)) };
    let mut slips = slips_page(&context, layout, &headers, selection.paper(), load).await?;
    slips.print_now = selection.print.is_some();
    Ok(personal_page(slips))
}

/// What a slip is about.
#[derive(Clone, Debug)]
pub(super) struct SlipWork {
    key: WorkId,
    /// another job than the delivery itself
    job: Option<Job>,
    /// orders that other jobs of the delivery deliver, with their day
    divided: BTreeMap<OrderId, Option<NaiveDate>>,
    /// day on which the delivery itself is planned
    own_day: Option<NaiveDate>,
}

impl SlipWork {
    /// Whether the order comes with this slip.
    fn is_about(&self, order_id: OrderId) -> bool {
        match self.job.as_ref().and_then(|job| job.task.as_ref()) {
            Some(task) => task.orders.contains(&order_id),
            None => !self.divided.contains_key(&order_id),
        }
    }

    /// Goods of another day: `예시 침대 12-03 (목)`.
    fn apart_text(&self, listed: &OrderRow) -> String {
        let day = self.divided.get(&listed.order.id).copied().unwrap_or(self.own_day);
        let day = day.map(|day| format!(" {}", &date_with_weekday(day)[5..])).unwrap_or_default();
        format!("{}{day}", listed.product_name)
    }
}

/// The slips of these deliveries and jobs, in order.
pub(super) fn load_slips(tx: &mut dyn Tx, keys: &[WorkId]) -> StorageResult<Vec<(DeliveryRow, SlipWork)>> {
    let jobs: BTreeMap<WorkId, Job> =
        tasks::of_works(tx, keys)?.into_iter().map(|planned| (planned.job.key(), planned.job)).collect();
    let of_key = |key: &WorkId| jobs.get(key).map_or(key.as_delivery(), |job| job.delivery_id);
    let ids: BTreeSet<DeliveryId> = keys.iter().map(of_key).collect();
    let ids: Vec<DeliveryId> = ids.into_iter().collect();
    let rows: BTreeMap<DeliveryId, DeliveryRow> =
        load_rows(tx, &ids)?.into_iter().map(|row| (row.delivery.id, row)).collect();
    let days = tasks::divided_days(tx, &ids)?;
    let own = plans::jobs_of(tx, &ids)?;
    let slip = |key: &WorkId| {
        let id = of_key(key);
        let divided = days.get(&id).cloned().unwrap_or_default();
        let own_day = own.get(&id).and_then(|own| own.planned.map(|(day, _)| day).or(own.job.day));
        Some((rows.get(&id)?.clone(), SlipWork { key: *key, job: jobs.get(key).cloned(), divided, own_day }))
    };
    Ok(keys.iter().filter_map(slip).collect())
}

/// The first [`MAX_SLIPS`] deliveries of a search, and whether there are more.
fn search(tx: &mut dyn Tx, filter: &DeliveryFilter) -> StorageResult<(Vec<(DeliveryRow, SlipWork)>, bool)> {
    let limit = i64::try_from(MAX_SLIPS).unwrap_or(i64::MAX);
    let found = list::page(tx, filter, 0, limit)?;
    Ok((load_slips(tx, &WorkId::of_deliveries(&found.ids))?, found.total.number() > limit))
}

pub(super) async fn slips_page(
    context: &SlipContext,
    layout: Layout,
    headers: &HeaderMap,
    chosen_paper: Option<SlipPaper>,
    load: impl Fn(&mut dyn Tx) -> StorageResult<(Vec<(DeliveryRow, SlipWork)>, bool)> + Send + 'static,
) -> PageResult<SlipsPage> {
    let (this_host, districts) =
        (BaseUrl::of(context.is_behind_tls, headers), context.districts.refresh(&context.storage).await?);
    let member = layout.member.clone();
    let read = move |tx: &mut dyn Tx| {
        let ((rows, is_truncated), shop) = (load(tx)?, shop::find(tx)?);
        let masking = masking::of_member(tx, member.as_ref(), Surface::Slip)?;
        let masked = |(row, mut work): (DeliveryRow, SlipWork)| {
            let row = row.masked(&masking);
            if let Some(task) = work.job.as_mut().and_then(|job| job.task.as_mut()).filter(|_| row.is_masked) {
                task.note = mask::memo(&task.note);
            }
            (row, work)
        };
        let rows: Vec<(DeliveryRow, SlipWork)> = rows.into_iter().map(masked).collect();
        let base = this_host.or_of_shop(&shop.origin);
        let paper = chosen_paper.unwrap_or(shop.slip_paper);
        let slip =
            |(row, work): (DeliveryRow, SlipWork)| Slip::new(DeliveryView::new(row, &districts), &work, base, paper);
        let orders = rows.iter().flat_map(|(row, _)| &row.orders);
        let mut codes: Vec<String> = orders.map(|order| order.listed.channel_code.clone()).collect();
        codes.sort_unstable();
        codes.dedup();
        let claims = uploads::claim_data_of_channels(tx, &codes)?;
        Ok::<_, StorageError>((rows.into_iter().map(slip).collect(), is_truncated, shop, claims, paper))
    };
    let (slips, is_truncated, shop, claims, paper) = context.storage.read(read).await?;
    Ok(SlipsPage {
        slips,
        paper,
        layout,
        shop,
        claims,
        is_truncated,
        print_now: false,
        is_training: context.is_training,
    })
}

/// 인쇄: records the print and redirects to the slips.
pub(super) async fn print(
    State(storage): State<Storage>,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let keys: Vec<WorkId> = ids(&pairs, "id");
    if keys.is_empty() {
        return Ok(redirect("/deliveries"));
    }
    let paper = pairs.iter().find(|(name, _)| name == "paper").and_then(|(_, code)| SlipPaper::from_code(code));
    let paper = paper.map(|paper| format!("&paper={}", paper.code())).unwrap_or_default();
    let url = format!("{}{paper}", slips_url(&keys));
    let flash = storage.write(move |tx| record_print(tx, actor, &keys)).await?;
    Ok(redirect_with_flash(&format!("{url}&print=now"), flash))
}

/// Records a print of the slips of these deliveries and jobs. A delivery counts as printed by a slip of its goods.
fn record_print(tx: &mut dyn Tx, actor: MemberActor, keys: &[WorkId]) -> StorageResult<FlashId> {
    let jobs = tasks::of_works(tx, keys)?;
    let job = |key: &WorkId| jobs.iter().map(|planned| &planned.job).find(|job| job.key() == *key);
    let of_key = |key: &WorkId| job(key).map_or(key.as_delivery(), |job| job.delivery_id);
    let ids: BTreeSet<DeliveryId> = keys.iter().map(of_key).collect();
    let deliveries = store::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
    let ids: Vec<DeliveryId> = deliveries.iter().map(|delivery| delivery.id).collect();
    let delivers = |key: &&WorkId| job(key).is_none_or(|job| job.kind() == JobKind::Deliver);
    let printed: BTreeSet<DeliveryId> =
        keys.iter().filter(delivers).map(of_key).filter(|id| ids.contains(id)).collect();
    store::set_printed(tx, &printed.into_iter().collect::<Vec<_>>(), actor.id)?;
    let event =
        AuditEvent::SlipsPrinted { bundles: deliveries.into_iter().map(|delivery| delivery.bundle_number).collect() };
    let recorded = audit::record_effect(tx, actor, &ids, event)?;
    if let Some(entry) = recorded.audit_entry_id {
        let orders = store::joined_orders(tx, &ids)?.into_iter().map(|joined| joined.order_id).collect();
        let (accessor, page) = (Actor::from(actor).into(), "/deliveries/slips".to_owned());
        access::record(tx, NewAccess { accessor, action: AccessAction::Printed, page, query: String::new(), orders })?;
        for id in ids {
            log::record(tx, (entry, actor.id), id, DeliveryAction::Printed, &json!({}))?;
        }
    }
    let advice = "인쇄 창이 열리지 않으면 브라우저의 인쇄(Ctrl+P)를 눌러 주세요.";
    Flash::success(format!("{} {advice}", recorded.event.sentence())).save(tx, actor.id)
}
