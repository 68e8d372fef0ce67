//! `/drive/{stop}`: one stop, and what happened there. The office types what a paper list says on the same page.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{NaiveDate, NaiveTime};

use super::view::{StopView, reasons};
use super::{check_access, hides, mask_tour};
use crate::audit::MemberActor;
use crate::drive::hand_in::{self, NewEvent, Reporter};
use crate::drive::model::{CollectedGoods, EventDetails, EventKind, EventSource, StopEvent};
use crate::drive::site;
use crate::drive::store::events;
use crate::drive::tour::{self, DriveStop, DriveTour, parse_stop_key, stop_key};
use crate::id::{OrderId, TourId};
use crate::masking;
use crate::members::model::rights::Surface;
use crate::plans::model::{FailureReason, JobKind, TourState};
use crate::proofs::files::ProofFiles;
use crate::proofs::store::{self, ProofRow};
use crate::random;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::{hex, nfkc};
use crate::time::Moment;
use crate::trucks::form::parse_clock;
use crate::vault::Vault;
use crate::web::{
    Error, Flash, FormPairs, Layout, Member, PageAction, PageKind, PageResult, PersonalData, Tone, first_value,
    parse_id, personal_page, personal_page_with_status, redirect_with_flash,
};

/// An event of the stop in words.
struct EventRow {
    at: String,
    text: String,
    source: &'static str,
    note: String,
    /// strokes as an SVG path
    signature: String,
    /// photographs
    photos: Vec<ProofRow>,
    /// what was taken back
    collected: String,
    /// whether another event rules
    is_remark: bool,
    /// clock of the phone and time of receipt, if they differ by minutes
    clock: Option<String>,
}

#[derive(Template)]
#[template(path = "drive/show.html")]
struct StopPage {
    layout: Layout,
    title: String,
    stop: StopView,
    reasons: Vec<(&'static str, &'static str)>,
    events: Vec<EventRow>,
    /// whether the time of a paper list is asked for
    paper: PaperField,
    /// whether the tour is on the road
    is_out: bool,
    back: String,
    office_tel: String,
    problem: Option<String>,
    /// whether a photograph can be sent: the stop has ended, and this server has a place for it
    takes_photos: bool,
    orders: Vec<OrderId>,
}

impl PersonalData for StopPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

/// Whether what is typed comes from a paper list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PaperField {
    /// never: a driver reports what he has just done
    Never,
    /// if the time of the list is typed: the member drives, and has a desk
    Optional,
    /// always: another member drove, or on another day
    Required,
}

impl PaperField {
    fn new(member: &Member, tour: &DriveTour, today: NaiveDate) -> Self {
        if !tour.tour.is_of(member.id) || tour.tour.day != today {
            Self::Required
        } else if member.may(PageKind::Plans, PageAction::View) {
            Self::Optional
        } else {
            Self::Never
        }
    }

    /// Whether a form with this time comes from paper.
    fn is_paper(self, typed: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Optional => !typed.trim().is_empty(),
            Self::Required => true,
        }
    }
}

impl StopPage {
    fn new(
        layout: Layout,
        (tour, stop, paper): (&DriveTour, &DriveStop, PaperField),
        (files, proofs): (&ProofFiles, &[ProofRow]),
    ) -> Self {
        let position = tour.stops.iter().position(|other| other.job_id == stop.job_id).map_or(1, |at| at + 1);
        let events = stop.events.iter().map(|event| EventRow {
            at: event.at().to_string(),
            text: match event.details.reason {
                Some(reason) => format!("{}: {}", event.kind.label(), reason.label()),
                None if event.kind == EventKind::Delivered => stop.kind().done_label().to_owned(),
                None => event.kind.label().to_owned(),
            },
            source: event.source.label(),
            note: event.details.note.clone(),
            signature: event.details.signature.clone(),
            photos: proofs.iter().filter(|proof| proof.event_id == event.id).cloned().collect(),
            collected: collected(&event.details),
            is_remark: stop.status.remarks.contains(event),
            clock: event.has_wrong_clock().then(|| clock_note(event)),
        });
        let id = tour.tour.id.to_string();
        Self {
            layout,
            title: tour.tour.name(),
            stop: StopView::new(position, stop),
            reasons: reasons(),
            events: events.collect(),
            paper,
            is_out: matches!(tour.tour.state, TourState::Out | TourState::Closed),
            back: if paper == PaperField::Required { format!("/plans/tours/{id}") } else { "/drive".to_owned() },
            office_tel: tour.office_tel.clone(),
            problem: None,
            takes_photos: files.is_available() && stop.status.ruling.is_some(),
            orders: stop.order_ids().collect(),
        }
    }
}

/// The times that a wrong clock leaves to choose from.
fn clock_note(event: &StopEvent) -> String {
    let by_now = event.sent_offset.filter(|_| event.has_moved_clock());
    let by_now = by_now.map(|offset| format!("전할 때의 시계로는 {}, ", event.happened_at.plus_ms(offset)));
    format!("휴대전화 시계 {}, {}받은 때 {}", event.happened_at, by_now.unwrap_or_default(), event.received_at)
}

/// `헌 매트리스 1개`.
fn collected(details: &EventDetails) -> String {
    let mut goods: Vec<String> =
        details.collected.iter().map(|goods| format!("{} {}개", goods.what, goods.count)).collect();
    goods.extend(details.collect_reason.map(|reason| format!("다 가져오지 못한 이유: {}", reason.label())));
    goods.join(", ")
}

pub(super) async fn load(storage: &Storage, member: &Member, key: &str) -> PageResult<(DriveTour, usize)> {
    let (tour_id, job_id) = parse_stop_key(key).ok_or(Error::NotFound)?;
    let viewer = member.clone();
    let read = storage.read(move |tx| {
        let masking = masking::store::load(tx, &viewer, Surface::Plan)?;
        Ok::<_, StorageError>(tour::load(tx, tour_id)?.map(|tour| (tour, masking)))
    });
    let (mut tour, masking) = read.await?.ok_or(Error::NotFound)?;
    check_access(member, &tour, storage.clock().now().date())?;
    mask_tour(&mut tour, member, &masking);
    let at = tour.stops.iter().position(|stop| stop.job_id == job_id).ok_or(Error::NotFound)?;
    Ok((tour, at))
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(files): State<ProofFiles>,
    State(vault): State<Vault>,
    layout: Layout,
    member: Member,
    Path(key): Path<String>,
) -> PageResult {
    let (mut tour, at) = load(&storage, &member, &key).await?;
    let today = storage.clock().now().date();
    site::open_codes(&mut tour, &vault, today);
    let (stop, paper) = (&tour.stops[at], PaperField::new(&member, &tour, today));
    let proofs = proofs_of(&storage, &member, (&tour, stop)).await?;
    Ok(personal_page(StopPage::new(layout, (&tour, stop, paper), (&files, &proofs))))
}

/// The photographs of a stop, unless its recipient is hidden from the member.
async fn proofs_of(
    storage: &Storage,
    member: &Member,
    (tour, stop): (&DriveTour, &DriveStop),
) -> Result<Vec<ProofRow>, StorageError> {
    let (job_id, viewer) = (stop.job_id, member.clone());
    let read = storage.read(move |tx| {
        Ok::<_, StorageError>((store::of_job(tx, job_id)?, masking::store::load(tx, &viewer, Surface::Plan)?))
    });
    let (proofs, masking) = read.await?;
    Ok(if hides(tour, stop.delivery_id, member, &masking) { Vec::new() } else { proofs })
}

/// The event of a form, or what is wrong with it.
fn parse(
    pairs: &[(String, String)],
    stop: &DriveStop,
    (day, is_paper, now): (NaiveDate, bool, Moment),
) -> Result<NewEvent, &'static str> {
    let kind = match first_value(pairs, "act") {
        "arrived" => EventKind::Arrived,
        "delivered" => EventKind::Delivered,
        "failed" => EventKind::Failed,
        _ => return Err("어떤 작업인지 알 수 없어요. 화면의 버튼을 눌러 주세요."),
    };
    let reason = FailureReason::from_code(first_value(pairs, "reason"));
    if kind == EventKind::Failed && reason.is_none() {
        return Err("실패한 이유를 선택해 주세요.");
    }
    let mut accepted = Vec::new();
    for goods in stop.goods.iter().filter(|_| kind == EventKind::Delivered) {
        let field = format!("accepted-{}", goods.order_id);
        let Some((_, typed)) = pairs.iter().find(|(name, _)| *name == field) else { continue };
        let most = goods.on_board();
        let count = nfkc(typed).trim().parse::<i64>().ok().filter(|count| (0..=most).contains(count));
        accepted.push((goods.order_id, count.ok_or("받은 수량은 0부터 실은 수량까지 입력해 주세요.")?, most));
    }
    let collection = if kind == EventKind::Delivered { collection(pairs, stop)? } else { None };
    if kind == EventKind::Delivered && !accepted.is_empty() && accepted.iter().all(|(_, count, _)| *count == 0) {
        return Err("받은 상품이 하나도 없으면 ‘실패’를 눌러 주세요.");
    }
    let is_partial = accepted.iter().any(|(_, count, most)| count < most);
    let accepted = accepted.into_iter().filter(|_| is_partial).map(|(order, count, _)| (order, count));
    let what = nfkc(first_value(pairs, "collected")).trim().to_owned();
    let (planned, collect_reason) = collection.unzip();
    let count = nfkc(first_value(pairs, "collected_count")).trim().parse::<i64>().unwrap_or(1).clamp(1, 1_000);
    let happened_at = if is_paper {
        let minute = parse_clock(first_value(pairs, "at")).ok_or("종이에 적힌 시각을 14:05처럼 입력해 주세요.")?;
        let minutes = u32::try_from(minute).unwrap_or_default();
        let time = NaiveTime::from_hms_opt(minutes / 60, minutes % 60, 0).unwrap_or_default();
        Moment::from_kst(day.and_time(time))
    } else {
        now
    };
    Ok(NewEvent {
        id: hex(&random::bytes::<16>().map_err(|_| "지금은 기록하지 못해요. 다시 해 주세요.")?),
        job_id: stop.job_id,
        number: 1,
        happened_at,
        clock_offset: 0,
        contact: now,
        kind,
        details: EventDetails {
            reason: reason.filter(|_| kind == EventKind::Failed),
            accepted: hand_in::accepted_pairs(accepted),
            collected: planned
                .into_iter()
                .chain((!what.is_empty()).then_some(CollectedGoods { what, count, planned: false }))
                .collect(),
            collect_reason: collect_reason.flatten(),
            note: first_value(pairs, "note").trim().chars().take(crate::drive::model::MAX_NOTE_CHARS).collect(),
            ..EventDetails::default()
        },
        saw_version: first_value(pairs, "version").to_owned(),
    })
}

/// What was taken back of the planned goods, and why not all, if the form says less than all.
fn collection(
    pairs: &[(String, String)],
    stop: &DriveStop,
) -> Result<Option<(CollectedGoods, Option<FailureReason>)>, &'static str> {
    let Some(task) = stop.planned_collection() else { return Ok(None) };
    let Some((_, typed)) = pairs.iter().find(|(name, _)| name == "planned") else { return Ok(None) };
    let count = nfkc(typed).trim().parse::<i64>().ok().filter(|count| (0..=task.pieces).contains(count));
    let count = count.ok_or("회수한 수량은 0부터 회수할 수량까지 입력해 주세요.")?;
    if count == task.pieces {
        return Ok(None);
    }
    if count == 0 && task.kind == JobKind::Collect {
        return Err("하나도 가져오지 못했으면 ‘실패’를 눌러 주세요.");
    }
    let reason = FailureReason::from_code(first_value(pairs, "collect_reason"))
        .ok_or("다 가져오지 못한 이유를 선택해 주세요.")?;
    Ok(Some((CollectedGoods { what: task.goods.clone(), count, planned: true }, Some(reason))))
}

pub(super) async fn update(
    State(storage): State<Storage>,
    State(files): State<ProofFiles>,
    layout: Layout,
    member: Member,
    actor: MemberActor,
    Path(key): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let (tour, at) = load(&storage, &member, &key).await?;
    let stop = &tour.stops[at];
    let proofs = proofs_of(&storage, &member, (&tour, stop)).await?;
    let now = storage.clock().now();
    let paper = PaperField::new(&member, &tour, now.date());
    let is_paper = paper.is_paper(first_value(&pairs, "at"));
    let mut page = StopPage::new(layout, (&tour, stop, paper), (&files, &proofs));
    let problem = match parse(&pairs, stop, (tour.tour.day, is_paper, now)) {
        Err(problem) => problem,
        Ok(event) => {
            let source = if is_paper { EventSource::Paper } else { EventSource::Page };
            let reporter = Reporter { actor, key_id: None, source, clock: None, tour_id: tour.tour.id };
            let label = if event.kind == EventKind::Delivered { stop.kind().done_label() } else { event.kind.label() };
            let sentence = format!("{}: {label}", stop.name);
            let outcome = storage
                .write(move |tx: &mut dyn Tx| {
                    let number = events::next_number(tx, reporter.tour_id, actor.id)?;
                    let receipts = hand_in::receive(tx, reporter, &[NewEvent { number, ..event.clone() }])?;
                    if let Some((_, Err(rejection))) = receipts.first() {
                        return Ok(Err(*rejection));
                    }
                    Ok::<_, StorageError>(Ok(Flash::success(sentence.clone()).save(tx, actor.id)?))
                })
                .await?;
            match outcome {
                Ok(flash) => {
                    let is_arrival = first_value(&pairs, "act") == "arrived";
                    let back =
                        if is_arrival { format!("/drive/{}", stop_key(stop.tour_id, stop.job_id)) } else { page.back };
                    return Ok(redirect_with_flash(&back, flash));
                }
                Err(rejection) => rejection.sentence(),
            }
        }
    };
    page.layout.flash = Some(Flash::new(Tone::Warning, problem));
    page.problem = Some(problem.to_owned());
    Ok(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page))
}

/// Parses the identifier of a tour in a path.
pub(super) fn parse_tour(id: &str) -> Result<TourId, Error> {
    parse_id(id)
}
