//! `/plans/tours/{id}`: one tour with its times and a sketch of its route, to be looked at and printed (배차표).

use askama::Template;
use axum::extract::{Path, State};
use chrono::NaiveDate;
use serde::Deserialize;

use super::driving::DriverView;
use super::view::{Card, ColumnView};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor, PhoneOfTour};
use crate::districts::{DistrictCache, Districts};
use crate::drive::hand_out::{self, MAX_REASON_CHARS, StepResult};
use crate::drive::store::{self as drive, keys};
use crate::drive::tour::stop_key;
use crate::id::{DayKeyId, Id, OrderId, TourId};
use crate::masking::{self, MaskPolicy};
use crate::members::model::rights::Surface;
use crate::plans::board::{self, Board, BoardStop, Column};
use crate::plans::model::window_label;
use crate::plans::sketch::{Sketch, sketch};
use crate::plans::store;
use crate::shop::store as shop;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::time::{date_with_weekday, duration_label};
use crate::trucks::model::{clock_label, volume_label};
use crate::web::qr::{self, QrCode};
use crate::web::{
    BaseUrl, Error, Flash, Form, Layout, Member, PageResult, PersonalData, Query, parse_id, personal_page,
    redirect_with_flash,
};

/// A stop in the table.
pub(super) struct StopRow {
    pub(super) card: Card,
    pub(super) id: String,
    pub(super) tel: String,
    pub(super) address: String,
    pub(super) window: String,
    /// what a stop that is done is called
    pub(super) done: &'static str,
    /// opens the stop, and its line on the page of results on paper
    pub(super) qr_code: Option<QrCode>,
}

impl StopRow {
    pub(super) fn code_label(&self) -> String {
        format!("{}. {}을(를) 여는 QR 코드", self.card.position, self.card.name)
    }
}

/// The QR code of a stop of a stored tour.
pub(super) fn stop_code(base: &str, column: &Column, stop: &BoardStop) -> Option<QrCode> {
    qr::svg(&stop_url(base, column, stop)?)
}

/// A QR code that opens the stop, and names one of its orders to a page that loads the truck.
pub(super) fn line_code(base: &str, column: &Column, stop: &BoardStop, order_id: OrderId) -> Option<QrCode> {
    qr::svg(&format!("{}#{}", stop_url(base, column, stop)?, order_id))
}

fn stop_url(base: &str, column: &Column, stop: &BoardStop) -> Option<String> {
    let tour = column.tour.as_ref()?;
    Some(format!("{base}/drive/{}", stop_key(tour.id, stop.stop.job.id)))
}

#[derive(Template)]
#[template(path = "plans/tours.html")]
struct TourPage {
    layout: Layout,
    id: String,
    day: String,
    title: String,
    column: ColumnView,
    rows: Vec<StopRow>,
    sketch: Option<Sketch>,
    /// times and loads in words
    facts: Vec<(&'static str, String)>,
    /// query of the slips, in the order of the route
    slips: String,
    print_now: bool,
    driving: DriverView,
    orders: Vec<OrderId>,
}

impl PersonalData for TourPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TourQuery {
    pub(super) print: Option<String>,
}

/// The board of the day of a tour, and the position of its column.
pub(super) fn load(tx: &mut dyn Tx, districts: &Districts, id: TourId) -> StorageResult<Option<(Board, usize)>> {
    let Some(day) = store::day_of_tour(tx, id)? else { return Ok(None) };
    let board = board::load_without_pool(tx, districts, day)?;
    let at = board.columns.iter().position(|column| column.tour.as_ref().is_some_and(|tour| tour.id == id));
    Ok(at.map(|at| (board, at)))
}

pub(super) async fn show(
    State(storage): State<Storage>,
    State(districts): State<DistrictCache>,
    layout: Layout,
    this_host: BaseUrl,
    Path(id): Path<String>,
    Query(query): Query<TourQuery>,
) -> PageResult {
    let id = parse_id(&id)?;
    let districts = districts.refresh(&storage).await?;
    let for_read = districts.clone();
    let member = layout.member.clone();
    let read = storage.read(move |tx| {
        let Some(driving) = DriverView::load(tx, id)? else { return Ok(None) };
        let masking = masking::of_member(tx, member.as_ref(), Surface::Plan)?;
        let shop = shop::find(tx)?;
        Ok::<_, StorageError>(load(tx, &for_read, id)?.map(|(board, at)| (board, at, driving, masking, shop)))
    });
    let (board, at, mut driving, masking, shop) = read.await?.ok_or(Error::NotFound)?;
    let column = &board.columns[at];
    let mut view = ColumnView::new(column, &districts);
    let cards = std::mem::take(&mut view.cards);
    driving.mask(&masking, board.day);
    let rows = stop_rows(cards, column, (&masking, board.day), this_host.or_of_shop(&shop.origin));
    let slips: Vec<String> = column.stops.iter().map(|stop| format!("id={}", stop.item.work.key)).collect();
    Ok(personal_page(TourPage {
        id: id.to_string(),
        day: board.day.to_string(),
        title: format!("{} {}", view.name, date_with_weekday(board.day)),
        rows,
        sketch: draw(column, &districts),
        facts: facts(column),
        slips: slips.join("&"),
        orders: column
            .stops
            .iter()
            .flat_map(|stop| stop.item.work.order_ids())
            .chain(driving.orders.iter().copied())
            .collect(),
        driving,
        column: view,
        layout,
        print_now: query.print.is_some(),
    }))
}

/// The rows of a column's stops, masked as the member may see them.
pub(super) fn stop_rows(
    cards: Vec<Card>,
    column: &Column,
    (masking, day): (&MaskPolicy, NaiveDate),
    base: &str,
) -> Vec<StopRow> {
    let row = |(mut card, stop): (Card, &BoardStop)| {
        let mut recipient = stop.item.work.recipient.clone();
        card.mask(masking, day);
        if masking.hides(stop.item.work.delivery_id, masking.is_due_on(day)) {
            recipient.mask();
        }
        StopRow {
            id: stop.item.work.delivery_id.to_string(),
            tel: [&recipient.tel1, &recipient.tel2].map(String::as_str).join(" ").trim().to_owned(),
            address: format!("{} {}", recipient.address1, recipient.address2).trim().to_owned(),
            window: stop.item.window().map(window_label).unwrap_or_default(),
            done: stop.item.work.kind().done_label(),
            qr_code: stop_code(base, column, stop),
            card,
        }
    };
    cards.into_iter().zip(&column.stops).map(row).collect()
}

fn draw(column: &Column, districts: &Districts) -> Option<Sketch> {
    let points: Vec<_> = column.stops.iter().map(|stop| stop.item.place.map(|(place, _)| place.point)).collect();
    sketch(districts, column.depot.map(|place| place.point), &points)
}

/// Times and loads of a tour in words.
pub(super) fn facts(column: &Column) -> Vec<(&'static str, String)> {
    let (schedule, round, truck) = (&column.schedule, &column.round, &column.truck);
    let facts = [
        ("출발", clock_label(round.starts_at)),
        ("도착", clock_label(schedule.returns_at)),
        ("운전", duration_label(schedule.driving)),
        ("연장", duration_label(schedule.overtime)),
        ("부피", format!("{} / {}m³", volume_label(schedule.volume), volume_label(truck.volume))),
        ("개수", format!("{} / {}개", schedule.pieces, truck.pieces)),
        ("인원", format!("{}명", truck.crew)),
        ("회수", if schedule.collected > 0 { format!("{}개", schedule.collected) } else { String::new() }),
    ];
    facts.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

/// A step of the tour, or a phone that is cut off.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StepForm {
    act: String,
    version: String,
    driver: String,
    helper: String,
    reason: String,
}

pub(super) async fn update(
    State(storage): State<Storage>,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    Form(form): Form<StepForm>,
) -> PageResult {
    let tour_id = parse_id(&id)?;
    let version = form.version.parse().unwrap_or(-1);
    let (act, object) = form.act.split_once(':').unwrap_or((form.act.as_str(), ""));
    let (act, key_id) = (act.to_owned(), Id::parse(object));
    let reason: String = form.reason.trim().chars().take(MAX_REASON_CHARS).collect();
    let who = (Id::parse(&form.driver), Id::parse(&form.helper));
    match act.as_str() {
        "hand-out" => {}
        "back" if member.is_admin() => {}
        "back" => return Err(Error::Forbidden),
        "cut-off" if key_id.is_some() => {}
        _ => return Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 화면의 버튼을 눌러 주세요.".to_owned())),
    }
    let write = move |tx: &mut dyn Tx| {
        let step: StepResult = match act.as_str() {
            "hand-out" => hand_out::hand_out(tx, actor, (tour_id, version), who),
            "back" => hand_out::take_back(tx, actor, (tour_id, version), &reason),
            _ => return cut_off(tx, actor, tour_id, key_id.unwrap_or_default()),
        };
        match step? {
            Ok(event) => Flash::success(hand_out::step_sentence(&event, tx.now().date())),
            Err(refusal) => Flash::warning(refusal.sentence()),
        }
        .save(tx, actor.id)
    };
    Ok(redirect_with_flash(&format!("/plans/tours/{id}"), storage.write(write).await?))
}

/// Revokes the key of a phone.
fn cut_off(
    tx: &mut dyn Tx,
    actor: MemberActor,
    tour_id: TourId,
    key_id: DayKeyId,
) -> StorageResult<crate::web::FlashId> {
    let key = keys::find(tx, key_id)?.filter(|key| key.tour_id == tour_id);
    let (Some(key), Some(tour)) = (key, drive::tour(tx, tour_id)?) else {
        return Flash::warning("그런 휴대전화가 없어요.").save(tx, actor.id);
    };
    if !keys::revoke(tx, key_id, actor.id)? {
        return Flash::warning("이미 끊은 휴대전화예요.").save(tx, actor.id);
    }
    let event =
        AuditEvent::PhoneCutOff(PhoneOfTour { day: tour.day.to_string(), truck: tour.name(), phone: key.description });
    audit::record(tx, actor, AuditObject::one(tour_id), &event)?;
    Flash::success(event.sentence()).save(tx, actor.id)
}
