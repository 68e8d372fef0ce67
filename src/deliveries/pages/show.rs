//! The page of one delivery.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::completion::complete_or_ask;
use super::view::DeliveryView;
use crate::audit::MemberActor;
use crate::channels::TYPED_COURIER;
use crate::deliveries::complete;
use crate::deliveries::list::{DeliveryRow, load_rows};
use crate::deliveries::log::{self, DeliveryEvent};
use crate::deliveries::memo;
use crate::deliveries::tracking::{self, Parcel};
use crate::districts::DistrictCache;
use crate::drive::model::StopEvent;
use crate::drive::store::events as stop_events;
use crate::drive::tour::stop_key;
use crate::id::{DeliveryId, MemberId, OrderId};
use crate::masking::{self, mask};
use crate::members::model::rights::Surface;
use crate::notices::model::{Notice, day_label};
use crate::notices::store as notices;
use crate::orders::bulk_action;
use crate::orders::bundle::DeliveryState;
use crate::orders::edit::{Problem, read_memo};
use crate::orders::model::{Order, OrderState, ShippingMethod};
use crate::orders::store::member_lists;
use crate::plans::model::{JobKind, window_label};
use crate::plans::store::{PlannedJob, tasks};
use crate::proofs::store::{self as proofs, ProofRow};
use crate::sites::address::{building, floor_of};
use crate::sites::store as sites;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::date_with_weekday;
use crate::web::{
    Answer, Error, Flash, FlashId, Form, Layout, Member, PageAction, PageKind, PageResult, PersonalData, Tone,
    parse_id, personal_page, personal_page_with_status, redirect_with_flash,
};

#[derive(Template)]
#[template(path = "deliveries/show.html")]
struct ShowPage {
    layout: Layout,
    view: DeliveryView,
    events: Vec<DeliveryEvent>,
    /// what drivers reported
    stops: Vec<ReportedStop>,
    /// texts for the customer, oldest first
    notices: Vec<Notice>,
    /// jobs beside the delivery
    jobs: Vec<JobLine>,
    /// orders whose goods an open job takes back
    collected: Vec<OrderId>,
    /// the card of its building in lines
    site: Vec<String>,
    /// whether the last completion can be undone
    is_undoable: bool,
    memo: MemoField,
    /// courier and tracking number, if all parcels share them
    parcel: Option<ParcelField>,
    /// the action of the page's message, if it can be undone
    undo: Option<String>,
    /// whether the member may open masked data with a reason
    can_open: bool,
}

/// A job beside the delivery (일감).
struct JobLine {
    id: String,
    label: &'static str,
    goods: String,
    state: &'static str,
    day: String,
}

impl JobLine {
    fn new(planned: &PlannedJob, row: &DeliveryRow) -> Option<Self> {
        let task = planned.job.task.as_ref()?;
        let is_part = task.kind == JobKind::Deliver;
        let of_part = row.orders.iter().map(|order| &order.listed).filter(|row| task.orders.contains(&row.order.id));
        let goods: Vec<&str> = of_part.map(|row| row.product_name.as_str()).collect();
        let day = planned.planned.map(|(day, _)| day).or(planned.job.day);
        Some(Self {
            id: planned.job.id.to_string(),
            label: if is_part { "나눈 배송" } else { task.kind.label() },
            goods: if is_part { goods.join(", ") } else { task.goods.clone() },
            state: task.state.label(),
            day: day.map(date_with_weekday).unwrap_or_default(),
        })
    }
}

/// An event that a driver reported.
struct ReportedStop {
    /// the page with the whole record
    href: String,
    at: String,
    text: String,
    source: &'static str,
    note: String,
    photos: Vec<ProofRow>,
}

impl ReportedStop {
    fn new(event: StopEvent, proofs: &[ProofRow]) -> Self {
        let reason = event.details.reason.map(|reason| format!(": {}", reason.label())).unwrap_or_default();
        Self {
            href: format!("/drive/{}", stop_key(event.tour_id, event.job_id)),
            at: event.at().to_string(),
            text: format!("{}{reason}", event.kind.label()),
            source: event.source.label(),
            photos: proofs.iter().filter(|proof| proof.event_id == event.id).cloned().collect(),
            note: event.details.note,
        }
    }
}

/// The form field of the team's memo.
struct MemoField {
    typed: String,
    /// the stored memo that the form started with
    was: String,
    problem: Option<String>,
}

/// The form fields of the parcel.
struct ParcelField {
    typed: Parcel,
    /// the stored parcel that the form started with
    was: Parcel,
    problems: Vec<Problem>,
}

impl ParcelField {
    /// The stored parcel; before its number is entered, the form offers the courier that the member entered last.
    fn of(was: Parcel, last_courier: String) -> Self {
        let mut typed = was.clone();
        if typed.courier.is_empty() {
            typed.courier = last_courier;
        }
        Self { typed, was, problems: Vec::new() }
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }
}

impl ShowPage {
    /// Address of this page.
    fn here(&self) -> String {
        format!("/deliveries/{}", self.view.id())
    }

    /// Whether the member may write the memo of the team: what is masked is not edited.
    fn takes_memo(&self) -> bool {
        !self.view.row.is_masked && self.layout.may(PageKind::Deliveries, PageAction::Edit)
    }

    /// What a text says in short: `방문 안내 12월 1일(화) 09:30~11:30 · SMS`.
    fn notice_label(notice: &Notice) -> String {
        let window = notice.window.map(|window| format!(" {}", window_label(window))).unwrap_or_default();
        format!("{} {}{window} · {}", notice.kind.label(), day_label(notice.day), notice.form.label())
    }

    /// Whether the own team has still to deliver it.
    fn is_plannable(&self) -> bool {
        let delivery = &self.view.row.delivery;
        delivery.shipping_method == ShippingMethod::Direct && DeliveryState::UNDER_WAY.contains(&delivery.state)
    }

    /// The job that the claim of an order asks for, unless there is one.
    fn claim_job(&self, order: &Order) -> Option<JobKind> {
        let is_offered = self.layout.edits_plans()
            && self.view.row.delivery.shipping_method == ShippingMethod::Direct
            && !self.collected.contains(&order.id);
        JobKind::of_claim(&order.claim).filter(|_| is_offered)
    }

    /// Whether 배송 완료 would change any order.
    fn is_completable(&self) -> bool {
        self.view.row.orders.iter().any(|order| order.listed.order.state < OrderState::Shipped)
    }
}

impl PersonalData for ShowPage {
    fn orders(&self) -> Vec<OrderId> {
        self.view.row.order_ids().collect()
    }
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    Path(id): Path<String>,
) -> PageResult {
    let id = parse_id(&id)?;
    Ok(personal_page(show_page(&storage, &districts, layout, id).await?))
}

async fn show_page(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    id: DeliveryId,
) -> PageResult<ShowPage> {
    let (member, sees_plans) = (layout.member.clone(), layout.sees_plans());
    let entry = layout.flash.as_ref().and_then(|flash| flash.audit_entry_id);
    let takes_parcel = layout.processes_orders();
    let (row, mut events, (stops, proofs, mut notices), is_undoable, (can_open, site), jobs, (collected, parcel, undo)) =
        storage
            .read(move |tx| {
                let masking = masking::of_member(tx, member.as_ref(), Surface::DeliveryPage)?;
                let row = load_rows(tx, &[id])?.pop().map(|row| row.masked(&masking));
                let own = tasks::ids_of(tx, id)?;
                let mut notices: Vec<Notice> = notices::of_jobs(tx, &own)?.into_values().flatten().collect();
                notices.sort_by_key(|notice| notice.id);
                let mut stops = (Vec::new(), Vec::new(), notices);
                for job in own {
                    stops.0.extend(stop_events::of_job(tx, job)?);
                    stops.1.extend(proofs::of_job(tx, job)?);
                }
                stops.0.sort_by_key(StopEvent::at);
                let jobs = tasks::of_delivery(tx, id)?;
                let orders: Vec<OrderId> = row.iter().flat_map(DeliveryRow::order_ids).collect();
                let collected = tasks::orders_with_collection(tx, &orders)?;
                let site = match &row {
                    Some(row) if !row.is_masked => site_lines(tx, row)?,
                    Some(_) | None => Vec::new(),
                };
                let is_undoable = complete::undoable_completion(tx, id)?.is_some();
                let events = log::of_delivery(tx, id)?;
                let last_courier =
                    member_lists::last_courier(tx, member.as_ref().map_or(MemberId::UNSTORED, |member| member.id))?;
                let parcel = row.as_ref().filter(|row| takes_parcel && !row.is_masked).and_then(|row| {
                    let parcel = Parcel::of(row.orders.iter().map(|order| &order.listed.order))?;
                    Some(ParcelField::of(parcel, last_courier))
                });
                let undo = match entry {
                    Some(entry) if bulk_action::undoable(tx, entry)?.is_some() => Some(entry.to_string()),
                    _ => None,
                };
                let more = (collected, parcel, undo);
                Ok::<_, StorageError>((row, events, stops, is_undoable, (masking.can_open(), site), jobs, more))
            })
            .await?;
    let mut stops: Vec<ReportedStop> = stops.into_iter().map(|event| ReportedStop::new(event, &proofs)).collect();
    let view = DeliveryView::new(row.ok_or(Error::NotFound)?, &*districts.refresh(storage).await?);
    if view.row.is_masked || !sees_plans {
        for stop in &mut stops {
            stop.photos.clear();
        }
    }
    if view.row.is_masked {
        for notice in &mut notices {
            notice.message.clear();
        }
        for text in stops.iter_mut().map(|stop| &mut stop.note) {
            *text = mask::memo(text);
        }
        for event in &mut events {
            if let Some(text) = event.details["is"].as_str().map(mask::memo) {
                event.details["is"] = text.into();
            }
        }
    }
    let memo = view.row.delivery.memo.clone();
    let memo = MemoField { typed: memo.clone(), was: memo, problem: None };
    let jobs = jobs.iter().filter_map(|planned| JobLine::new(planned, &view.row)).collect();
    Ok(ShowPage {
        layout,
        view,
        events,
        stops,
        notices,
        jobs,
        collected,
        site,
        is_undoable,
        memo,
        parcel,
        undo,
        can_open,
    })
}

/// The card of the delivery's building in lines.
fn site_lines(tx: &mut dyn Tx, row: &DeliveryRow) -> StorageResult<Vec<String>> {
    let Some(recipient) = row.primary().map(|primary| &primary.order.recipient) else { return Ok(Vec::new()) };
    let Some(key) = building(&recipient.address1, &recipient.address2) else { return Ok(Vec::new()) };
    let floor = floor_of(&recipient.address2).or_else(|| floor_of(&recipient.address1));
    Ok(sites::find(tx, &key)?.map(|card| card.facts.lines(floor)).unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct DeliveryForm {
    act: String,
    memo: String,
    was: String,
    answer: String,
    courier: String,
    courier_other: String,
    tracking_number: String,
    courier_was: String,
    number_was: String,
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<DeliveryForm>,
) -> PageResult {
    let id = parse_id(&id)?;
    match form.act.as_str() {
        "complete" if !member.may(PageKind::Deliveries, PageAction::Process) => Err(Error::Forbidden),
        "complete" => {
            let here = format!("/deliveries/{id}");
            complete_or_ask(&storage, layout, actor, vec![id], Answer::from_code(&form.answer), &here).await
        }
        "parcel" if !layout.processes_orders() => Err(Error::Forbidden),
        "parcel" => save_parcel(&storage, &districts, layout, actor, id, form).await,
        "memo" => save_memo(&storage, &districts, layout, actor, id, form).await,
        _ => Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 새로고침한 뒤 다시 시도해 주세요.".to_owned())),
    }
}

async fn save_parcel(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    actor: MemberActor,
    id: DeliveryId,
    form: DeliveryForm,
) -> PageResult {
    if show_page(storage, districts, layout.clone(), id).await?.parcel.is_none() {
        return Err(Error::BadRequest("이 배송의 송장은 주문 화면에서 입력해 주세요.".to_owned()));
    }
    let courier = if form.courier == TYPED_COURIER { form.courier_other } else { form.courier };
    let typed = Parcel { courier, number: form.tracking_number };
    let (was, is) = (Parcel { courier: form.courier_was, number: form.number_was }, typed.clone());
    let save = move |tx: &mut dyn Tx| -> StorageResult<Result<FlashId, Vec<Problem>>> {
        match tracking::set(tx, actor, id, &was, &is)? {
            Ok(recorded) => Flash::from(&recorded).save(tx, actor.id).map(Ok),
            Err(problems) => Ok(Err(problems)),
        }
    };
    match storage.write(save).await? {
        Ok(flash) => Ok(redirect_with_flash(&format!("/deliveries/{id}"), flash)),
        Err(problems) => {
            let mut page = show_page(storage, districts, layout, id).await?;
            page.layout.flash = Some(Flash::warning("송장을 저장하지 못했어요. 표시된 곳을 확인해 주세요."));
            let was = page.parcel.take().map(|field| field.was).unwrap_or_default();
            page.parcel = Some(ParcelField { typed, was, problems });
            Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
        }
    }
}

async fn save_memo(
    storage: &Storage,
    districts: &DistrictCache,
    layout: Layout,
    actor: MemberActor,
    id: DeliveryId,
    form: DeliveryForm,
) -> PageResult {
    if !show_page(storage, districts, layout.clone(), id).await?.takes_memo() {
        let message = "가린 배송의 메모는 수정할 수 없어요. 배송 화면에서 이유를 입력하고 연 다음 수정해 주세요.";
        return Err(Error::BadRequest(message.to_owned()));
    }
    let normalise = |text: &str| text.replace("\r\n", "\n");
    let (typed, was) = (normalise(&form.memo), normalise(&form.was));
    let parsed = read_memo(&typed);
    if let Ok(is) = parsed.clone() {
        let before = was.clone();
        let save = move |tx: &mut dyn Tx| -> StorageResult<Option<FlashId>> {
            let saved = memo::set(tx, actor, id, &before, &is)?;
            let told = saved.map(|saved| Flash { tone: Tone::Success, ..Flash::from(&saved) });
            told.map(|flash| flash.save(tx, actor.id)).transpose()
        };
        let saved = storage.write(save).await?;
        if let Some(flash) = saved {
            return Ok(redirect_with_flash(&format!("/deliveries/{id}"), flash));
        }
    }
    let mut page = show_page(storage, districts, layout, id).await?;
    page.layout.flash = Some(Flash::new(Tone::Warning, "메모를 저장하지 못했어요. 표시된 곳을 확인해 주세요."));
    page.memo = if let Err(problem) = parsed {
        MemoField { typed, was, problem: Some(problem.to_owned()) }
    } else {
        let stored = page.memo.was;
        let shown = if stored.is_empty() { "비어 있음".to_owned() } else { format!("‘{stored}’") };
        let problem = format!("그 사이 다른 사람이 메모를 바꿨어요. 지금 {shown}. 확인하고 다시 저장해 주세요.");
        MemoField { typed, was: stored, problem: Some(problem) }
    };
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}
