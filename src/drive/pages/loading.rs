//! `/drive/loading/{id}`: the goods of a tour, ticked as they go onto the truck, and 출발. Last stop first.

use askama::Template;
use axum::extract::{Path, State};

use super::show::parse_tour;
use super::{check_access, mask_tour};
use crate::audit::{AuditEvent, MemberActor};
use crate::drive::hand_out::{self, MAX_REASON_CHARS, StepRefusal, Tick, claims_of};
use crate::drive::tour::{self, DriveTour};
use crate::id::{Id, OrderId};
use crate::masking;
use crate::members::model::Role;
use crate::members::model::rights::Surface;
use crate::plans::model::TourState;
use crate::storage::{Storage, StorageError, Tx};
use crate::text::nfkc;
use crate::web::{
    Error, Flash, FormPairs, Layout, Member, PageResult, PersonalData, personal_page, redirect_with_flash, with_camera,
};

/// A line of the list.
struct LoadingRow {
    id: String,
    /// what is done at its stop
    job: String,
    delivery: String,
    position: usize,
    name: String,
    product: String,
    expected: i64,
    loaded: Option<i64>,
    reason: String,
    stop: Option<String>,
}

impl LoadingRow {
    fn is_ticked(&self) -> bool {
        self.loaded.is_some_and(|pieces| pieces > 0)
    }

    fn pieces(&self) -> i64 {
        self.loaded.unwrap_or(self.expected)
    }
}

#[derive(Template)]
#[template(path = "drive/loading.html")]
struct LoadingPage {
    layout: Layout,
    id: String,
    title: String,
    rows: Vec<LoadingRow>,
    /// what is known of cancellations, if that is old
    gaps: Vec<String>,
    is_driver: bool,
    is_loading: bool,
    back: String,
    office_tel: String,
    orders: Vec<OrderId>,
}

impl PersonalData for LoadingPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

impl LoadingPage {
    fn ticked(&self) -> usize {
        self.rows.iter().filter(|row| row.loaded.is_some()).count()
    }
}

fn rows(tour: &DriveTour) -> Vec<LoadingRow> {
    let mut rows = Vec::new();
    for (position, stop) in (1..).zip(&tour.stops).filter(|(_, stop)| stop.is_loadable()) {
        for goods in &stop.goods {
            let Some(load) = goods.load.as_ref().filter(|_| !goods.is_delivered) else { continue };
            rows.push(LoadingRow {
                id: goods.order_id.to_string(),
                job: stop.job_id.to_string(),
                delivery: stop.delivery_id.to_string(),
                position,
                name: stop.name.clone(),
                product: goods.product.clone(),
                expected: load.expected,
                loaded: load.loaded,
                reason: load.reason.clone(),
                stop: goods.stop_reason.clone(),
            });
        }
    }
    rows.reverse();
    rows
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    member: Member,
    Path(id): Path<String>,
) -> PageResult {
    let tour_id = parse_tour(&id)?;
    let viewer = member.clone();
    let read = storage.read(move |tx| {
        let Some(mut tour) = tour::load(tx, tour_id)? else { return Ok(None) };
        let claims = claims_of(tx, &tour)?;
        mask_tour(&mut tour, &viewer, &masking::store::load(tx, &viewer, Surface::Plan)?);
        Ok::<_, StorageError>(Some((tour, claims)))
    });
    let (tour, claims) = read.await?.ok_or(Error::NotFound)?;
    check_access(&member, &tour, storage.clock().now().date())?;
    let back = if tour.tour.is_of(member.id) { "/drive".to_owned() } else { format!("/plans/tours/{id}") };
    Ok(with_camera(personal_page(LoadingPage {
        layout,
        id,
        title: tour.tour.name(),
        rows: rows(&tour),
        gaps: claims.gaps,
        is_driver: member.role == Role::Driver,
        is_loading: tour.tour.state == TourState::Loading,
        back,
        orders: tour.order_ids(),
        office_tel: tour.office_tel,
    })))
}

fn reason(text: &str) -> String {
    text.trim().chars().take(MAX_REASON_CHARS).collect()
}

/// Lines of the form: a ticked box is the whole line, a number fewer pieces.
fn ticks(pairs: &[(String, String)]) -> Vec<Tick> {
    let value = |name: String| pairs.iter().find(|(other, _)| *other == name).map_or("", |(_, value)| value.as_str());
    let lines = pairs.iter().filter(|(name, _)| name == "line");
    lines
        .filter_map(|(_, id)| {
            let order_id = Id::parse(id)?;
            let pieces = nfkc(value(format!("pieces-{id}"))).trim().parse::<i64>().ok();
            let is_ticked = pairs.iter().any(|(name, value)| name == "tick" && value == id);
            let loaded =
                if is_ticked { Some(pieces.unwrap_or(i64::MAX)) } else { pieces.filter(|pieces| *pieces == 0) };
            Some(Tick { order_id, loaded, reason: reason(value(format!("reason-{id}"))) })
        })
        .collect()
}

pub(super) async fn update(
    State(storage): State<Storage>,
    member: Member,
    actor: MemberActor,
    Path(id): Path<String>,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let tour_id = parse_tour(&id)?;
    let tour = storage.read(move |tx| tour::load(tx, tour_id)).await?.ok_or(Error::NotFound)?;
    check_access(&member, &tour, storage.clock().now().date())?;
    let ticks = ticks(&pairs);
    let act = pairs.iter().find(|(name, _)| name == "act").map_or("", |(_, act)| act.as_str());
    let is_leaving = match act {
        "save" => false,
        "leave" => true,
        _ => return Err(Error::BadRequest("어떤 작업인지 알 수 없어요. 화면의 버튼을 눌러 주세요.".to_owned())),
    };
    let despite = reason(pairs.iter().find(|(name, _)| name == "despite").map_or("", |(_, text)| text));
    let write = move |tx: &mut dyn Tx| {
        let step: Result<Option<AuditEvent>, StepRefusal> = match hand_out::tick(tx, actor.id, tour_id, &ticks)? {
            Err(refusal) => Err(refusal),
            Ok(()) if !is_leaving => Ok(None),
            Ok(()) => hand_out::leave(tx, actor, tour_id, &despite)?.map(Some),
        };
        let flash = match &step {
            Ok(None) => Flash::success("실은 것을 저장했어요."),
            Ok(Some(event)) => Flash::success(event.sentence()),
            Err(refusal) => Flash::warning(refusal.sentence()),
        };
        Ok::<_, StorageError>((step.is_ok_and(|event| event.is_some()), flash.save(tx, actor.id)?))
    };
    let (has_left, flash) = storage.write(write).await?;
    let is_own = tour.tour.is_of(member.id);
    let to = match (has_left, is_own) {
        (true, true) => "/drive".to_owned(),
        (true, false) => format!("/plans/tours/{id}"),
        (false, _) => format!("/drive/loading/{id}"),
    };
    Ok(redirect_with_flash(&to, flash))
}
