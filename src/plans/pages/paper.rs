//! `/plans/paper?day=`: the results of the tours of a day, keyed from their papers in the order of the stops.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;

use crate::audit::MemberActor;
use crate::drive::hand_in::{self, Rejection, Reporter};
use crate::drive::model::EventSource;
use crate::drive::paper::{self, PaperLine, PaperProblem};
use crate::drive::store::events;
use crate::drive::tour::{self, DriveStop, DriveTour, stop_key};
use crate::id::{JobId, OrderId, TourId};
use crate::masking::{self, MaskPolicy, mask};
use crate::members::model::rights::Surface;
use crate::plans::model::{FailureReason, TourState};
use crate::plans::store;
use crate::random;
use crate::storage::{Result as StorageResult, Storage, StorageError, Tx};
use crate::text::hex;
use crate::time::{date_with_weekday, parse_date};
use crate::web::{
    Error, Flash, FormPairs, Layout, PageResult, PersonalData, Query, Tone, first_value, parse_id, personal_page,
    personal_page_with_status, redirect_with_flash, with_camera,
};

/// A stop with its line.
struct PaperRow {
    /// the job, in names of fields
    job: String,
    /// tour and job: what its QR code says
    key: String,
    position: usize,
    name: String,
    address: String,
    done: &'static str,
    line: PaperLine,
    /// what is known already
    known: Option<String>,
    /// why it must not be delivered
    stop: bool,
    /// what is wrong with its time
    time_problem: Option<&'static str>,
    /// what is wrong with its result
    result_problem: Option<&'static str>,
}

/// A tour whose results are keyed.
struct PaperTour {
    id: String,
    name: String,
    driver: String,
    rows: Vec<PaperRow>,
    open: usize,
}

#[derive(Template)]
#[template(path = "plans/paper.html")]
struct PaperPage {
    layout: Layout,
    day: String,
    title: String,
    tours: Vec<PaperTour>,
    /// tours that have not left
    waiting: Vec<String>,
    reasons: Vec<(&'static str, &'static str)>,
    orders: Vec<OrderId>,
}

impl PersonalData for PaperPage {
    fn orders(&self) -> Vec<OrderId> {
        self.orders.clone()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct PaperQuery {
    day: String,
}

/// A form that was not recorded.
struct RefusedForm {
    tour_id: TourId,
    lines: Vec<(JobId, PaperLine)>,
    problems: Vec<PaperProblem>,
}

impl PaperRow {
    fn new(position: usize, stop: &DriveStop, refused: Option<&RefusedForm>, is_hidden: bool) -> Self {
        let typed = refused.and_then(|form| form.lines.iter().find(|(job, _)| *job == stop.job_id));
        let problems = refused.map(|form| form.problems.as_slice()).unwrap_or_default();
        let problem = |is_of_result| {
            let of_stop =
                |problem: &&PaperProblem| problem.job_id == stop.job_id && problem.is_of_result == is_of_result;
            problems.iter().find(of_stop).map(|problem| problem.message)
        };
        let known = stop.status.state.is_ended().then(|| {
            let at = stop.status.ended_at().map(|at| at.kst().format(" %H:%M").to_string()).unwrap_or_default();
            format!("{}{at}", stop.status.state.label())
        });
        Self {
            job: stop.job_id.to_string(),
            key: stop_key(stop.tour_id, stop.job_id),
            position,
            name: if is_hidden { mask::name(&stop.name) } else { stop.name.clone() },
            address: if is_hidden { mask::address(&stop.address) } else { stop.address.clone() },
            done: stop.kind().done_label(),
            line: typed.map_or_else(|| PaperLine::empty(stop), |(_, line)| line.clone()),
            known,
            stop: stop.is_stopped(),
            time_problem: problem(false),
            result_problem: problem(true),
        }
    }
}

impl PaperTour {
    fn new(tour: &DriveTour, masking: &MaskPolicy, refused: Option<&RefusedForm>) -> Self {
        let refused = refused.filter(|form| form.tour_id == tour.tour.id);
        let day = tour.tour.day;
        let own = tour.stops.iter().filter(|stop| stop.moved_to.is_none());
        let row = |(position, stop): (usize, &DriveStop)| {
            let is_hidden = masking.hides(stop.delivery_id, masking.is_due_on(day));
            PaperRow::new(position, stop, refused, is_hidden)
        };
        let rows: Vec<PaperRow> = (1..).zip(own).map(row).collect();
        Self {
            id: tour.tour.id.to_string(),
            name: tour.tour.name(),
            driver: tour.tour.driver.clone().unwrap_or_default(),
            open: rows.iter().filter(|row| row.known.is_none()).count(),
            rows,
        }
    }
}

async fn load(storage: &Storage, layout: Layout, day: &str, refused: Option<&RefusedForm>) -> PageResult<PaperPage> {
    let day = parse_date(day).unwrap_or_else(|| storage.clock().now().date());
    let member = layout.member.clone();
    let (tours, masking) = storage
        .read(move |tx| {
            let mut tours = Vec::new();
            for tour in store::tours_of_day(tx, day)? {
                tours.extend(tour::load(tx, tour.id)?);
            }
            Ok::<_, StorageError>((tours, masking::of_member(tx, member.as_ref(), Surface::Plan)?))
        })
        .await?;
    let (left, waiting): (Vec<DriveTour>, Vec<DriveTour>) =
        tours.into_iter().partition(|tour| matches!(tour.tour.state, TourState::Out | TourState::Closed));
    Ok(PaperPage {
        layout,
        day: day.to_string(),
        title: date_with_weekday(day),
        tours: left.iter().map(|tour| PaperTour::new(tour, &masking, refused)).collect(),
        waiting: waiting.iter().filter(|tour| !tour.stops.is_empty()).map(|tour| tour.tour.name()).collect(),
        reasons: FailureReason::ALL.iter().map(|reason| (reason.code(), reason.label())).collect(),
        orders: left.iter().flat_map(DriveTour::order_ids).collect(),
    })
}

pub(super) async fn show(
    State(storage): State<Storage>,
    layout: Layout,
    Query(query): Query<PaperQuery>,
) -> PageResult {
    Ok(with_camera(personal_page(load(&storage, layout, &query.day, None).await?)))
}

/// What became of a form.
enum PaperOutcome {
    /// the stops that were recorded, and why others were not
    Events(usize, Vec<Rejection>),
    Problems(Vec<PaperProblem>),
}

fn record(
    tx: &mut dyn Tx,
    actor: MemberActor,
    tour_id: TourId,
    pairs: &[(String, String)],
) -> StorageResult<Option<PaperOutcome>> {
    let Some(tour) = tour::load(tx, tour_id)? else { return Ok(None) };
    let lines = lines(&tour, pairs);
    let first_number = events::next_number(tx, tour_id, actor.id)?;
    let failed = |_| StorageError::Inconsistent("the system has no randomness".to_owned());
    let mut ids = (0..lines.len())
        .map(|_| random::bytes::<16>().map(|bytes| hex(&bytes)))
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)?
        .into_iter();
    let new = match paper::events(&tour, &lines, (first_number, tx.now()), || ids.next().unwrap_or_default()) {
        Ok(new) => new,
        Err(problems) => return Ok(Some(PaperOutcome::Problems(problems))),
    };
    let reporter = Reporter { actor, key_id: None, source: EventSource::Paper, clock: None, tour_id };
    let receipts = hand_in::receive(tx, reporter, &new)?;
    let rejections: Vec<Rejection> = receipts.into_iter().filter_map(|(_, receipt)| receipt.err()).collect();
    Ok(Some(PaperOutcome::Events(new.len() - rejections.len(), rejections)))
}

fn lines(tour: &DriveTour, pairs: &[(String, String)]) -> Vec<(JobId, PaperLine)> {
    tour.stops.iter().map(|stop| (stop.job_id, PaperLine::of(pairs, stop))).collect()
}

pub(super) async fn update(
    State(storage): State<Storage>,
    layout: Layout,
    actor: MemberActor,
    FormPairs(pairs): FormPairs,
) -> PageResult {
    let tour_id = parse_id(first_value(&pairs, "tour"))?;
    let day = first_value(&pairs, "day").to_owned();
    let typed = pairs.clone();
    let write = move |tx: &mut dyn Tx| {
        let Some(recorded) = record(tx, actor, tour_id, &pairs)? else { return Ok(None) };
        let flash = match &recorded {
            PaperOutcome::Problems(_) => None,
            PaperOutcome::Events(0, rejections) if rejections.is_empty() => {
                Some(Flash::warning("기록할 것이 없어요. 종이에 적힌 시각을 입력해 주세요."))
            }
            PaperOutcome::Events(count, rejections) if rejections.is_empty() => {
                Some(Flash::success(format!("{count}곳의 결과를 기록했어요.")))
            }
            PaperOutcome::Events(count, rejections) => {
                let reason = rejections.first().map(|rejection| rejection.sentence()).unwrap_or_default();
                Some(Flash::warning(format!("{count}곳만 기록했어요. {reason}")))
            }
        };
        let flash = flash.map(|flash| flash.save(tx, actor.id)).transpose()?;
        Ok::<_, StorageError>(Some((recorded, flash)))
    };
    let (recorded, flash) = storage.write(write).await?.ok_or(Error::NotFound)?;
    if let Some(flash) = flash {
        return Ok(redirect_with_flash(&format!("/plans/paper?day={day}"), flash));
    }
    let PaperOutcome::Problems(problems) = recorded else { return Err(Error::NotFound) };
    let tour = storage.read(move |tx| tour::load(tx, tour_id)).await?.ok_or(Error::NotFound)?;
    let refused = RefusedForm { tour_id, lines: lines(&tour, &typed), problems };
    let mut page = load(&storage, layout, &day, Some(&refused)).await?;
    page.layout.flash = Some(Flash::new(Tone::Warning, "기록하지 않았어요. 표시된 곳의 시각과 결과를 확인해 주세요."));
    Ok(with_camera(personal_page_with_status(StatusCode::UNPROCESSABLE_ENTITY, page)))
}
