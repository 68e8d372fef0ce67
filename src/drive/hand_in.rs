//! Receipt of events. An event is a fact: it is stored even if the office decided otherwise in the meantime, and the
//! difference becomes a finding. Receiving an event again changes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::{ClockReading, settle};
use super::fold::{StopState, StopStatus, fold};
use super::model::{
    DriveFinding, EventDetails, EventKind, EventSource, MAX_COLLECTED, MAX_NOTE_CHARS, MAX_PHOTOS, StopEvent,
    is_event_id, is_signature,
};
use super::site;
use super::store::{self, TourRow, departures, events, findings};
use super::tour::{self, DriveStop, StopGoods};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor, NumberList, StopsReport};
use crate::deliveries::complete::{self, CompletionOptions, complete_with};
use crate::id::{DayKeyId, JobId, OrderId, TourId};
use crate::orders::model::{Order, OrderState};
use crate::orders::store as orders;
use crate::plans::model::{JobKind, TaskState, TourState};
use crate::plans::store::{self as plans, tasks};
use crate::proofs::files::is_hash;
use crate::proofs::store::{self as proofs, NamingEvent};
use crate::storage::{Result, StorageError, Tx};
use crate::text::hide_sensitive;
use crate::time::Moment;

/// Events of one request.
pub const MAX_EVENTS: usize = 200;

/// Latest time that a clock may say, in milliseconds: the year 5138.
const LATEST_MS: i64 = 100_000_000_000_000;

/// Ended attempts from which on the office should decide.
const MAX_ATTEMPTS: i64 = 3;

/// Who hands in events, of which tour.
#[derive(Clone, Copy, Debug)]
pub struct Reporter {
    /// the member, as the actor of what follows
    pub actor: MemberActor,
    /// key of the phone; none at a page or desk
    pub key_id: Option<DayKeyId>,
    /// page or paper, without a key
    pub source: EventSource,
    /// the clock of the phone at the hand-in; none if it does not tell
    pub clock: Option<Moment>,
    /// the tour
    pub tour_id: TourId,
}

/// An event as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// made by the sender
    pub id: String,
    /// the job
    pub job_id: JobId,
    /// number of the sender on this tour
    pub number: i64,
    /// time by the clock of the sender
    pub happened_at: Moment,
    /// milliseconds to add to that clock
    pub clock_offset: i64,
    /// last contact of the sender before it, by the server; now at a page or desk
    pub contact: Moment,
    /// what
    pub kind: EventKind,
    /// details
    pub details: EventDetails,
    /// digest of the stop as it was shown
    pub saw_version: String,
}

/// Why an event is not stored. The phone keeps and shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// the stop was never on this tour
    UnknownStop,
    /// the tour has not left
    NotLeft,
    /// it is not readable
    Malformed,
    /// the event that it undoes has been processed by the office
    TooLate,
}

impl Rejection {
    /// Korean sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::UnknownStop => "이 차의 배송이 아니에요. 사무실에 전화해 주세요.",
            Self::NotLeft => "아직 출발하지 않은 차예요. 상차를 마치고 출발을 눌러 주세요.",
            Self::Malformed => "기록을 읽지 못했어요. 사무실에 알려 주세요.",
            Self::TooLate => "이미 사무실에 전해진 기록이에요. 수정하려면 사무실에 전화해 주세요.",
        }
    }
}

/// What became of each event, in order.
pub type Receipts = Vec<(String, std::result::Result<(), Rejection>)>;

/// Receives events. All of them are judged by the tour as it is now.
pub fn receive(tx: &mut dyn Tx, reporter: Reporter, new: &[NewEvent]) -> Result<Receipts> {
    let Some(tour) = store::tour(tx, reporter.tour_id)? else {
        return Ok(new.iter().map(|event| (event.id.clone(), Err(Rejection::UnknownStop))).collect());
    };
    let jobs = known_jobs(tx, &tour)?;
    let received_at = tx.now();
    let sent_offset = reporter.clock.map(|clock| received_at.0.saturating_sub(clock.0));
    let offsets = offsets(new, sent_offset, received_at);
    let mut receipts = Vec::with_capacity(new.len());
    let mut changed: Vec<(JobId, Vec<StopEvent>)> = Vec::new();
    let mut stored_now: BTreeSet<&str> = BTreeSet::new();
    for (event, clock_offset) in new.iter().zip(offsets) {
        let verdict = match judge(tx, &tour, &jobs, event, &stored_now)? {
            Verdict::Known => Ok(()),
            Verdict::Rejected(rejection) => Err(rejection),
            Verdict::New => {
                let stored = StopEvent {
                    id: event.id.clone(),
                    tour_id: tour.id,
                    job_id: event.job_id,
                    key_id: reporter.key_id,
                    member_id: reporter.actor.id,
                    source: if reporter.key_id.is_some() { EventSource::Phone } else { reporter.source },
                    number: event.number.max(1),
                    happened_at: event.happened_at,
                    clock_offset,
                    sent_offset,
                    received_at,
                    kind: event.kind,
                    details: storable(&event.details),
                    saw_version: event.saw_version.clone(),
                };
                events::insert(tx, &stored)?;
                stored_now.insert(&event.id);
                name_photos(tx, &stored)?;
                match changed.iter_mut().find(|(job_id, _)| *job_id == event.job_id) {
                    Some((_, list)) => list.push(stored),
                    None => changed.push((event.job_id, vec![stored])),
                }
                Ok(())
            }
        };
        receipts.push((event.id.clone(), verdict));
    }
    if !changed.is_empty() {
        follow(tx, reporter, &tour, changed)?;
    }
    Ok(receipts)
}

/// The details without numbers that are not stored. They are not refused: the driver may be out of reach.
fn storable(details: &EventDetails) -> EventDetails {
    let mut stored = details.clone();
    stored.note = hide_sensitive(&stored.note);
    for goods in &mut stored.collected {
        goods.what = hide_sensitive(&goods.what);
    }
    stored
}

/// The offset of each event's clock: its own, unless the clock was moved before it.
fn offsets(new: &[NewEvent], sent_offset: Option<i64>, now: Moment) -> Vec<i64> {
    let reading = |event: &NewEvent| ClockReading {
        happened_at: event.happened_at,
        offset: event.clock_offset,
        contact: event.contact,
    };
    let readings: Vec<ClockReading> = new.iter().map(reading).collect();
    match sent_offset {
        Some(sent_offset) => settle(&readings, sent_offset, now),
        None => readings.iter().map(|reading| reading.offset).collect(),
    }
}

/// Jobs of which a phone may report.
struct KnownJobs {
    /// on the tour, or handed out with it
    of_tour: BTreeSet<JobId>,
    /// with which the truck left once, whatever the office did since
    departed: BTreeSet<JobId>,
}

fn known_jobs(tx: &mut dyn Tx, tour: &TourRow) -> Result<KnownJobs> {
    let departed: BTreeSet<JobId> = departures::of_tour(tx, tour.id)?.into_keys().collect();
    let stops: BTreeSet<JobId> = store::stops(tx, tour.id)?.into_iter().map(|stop| stop.job_id).collect();
    let loads = store::loads(tx, tour.id)?.into_values().map(|load| load.job_id);
    Ok(KnownJobs { of_tour: loads.chain(stops).collect(), departed })
}

/// Stores which photographs an event names. From then on their files are accepted, for its stop alone.
fn name_photos(tx: &mut dyn Tx, event: &StopEvent) -> Result<()> {
    let naming =
        NamingEvent { tour_id: event.tour_id, job_id: event.job_id, event_id: &event.id, member_id: event.member_id };
    for photo in &event.details.photos {
        let taken_at = Moment(photo.taken_at).plus_ms(event.clock_offset).min(event.received_at);
        proofs::name(tx, naming, &photo.hash, taken_at)?;
    }
    Ok(())
}

enum Verdict {
    Known,
    New,
    Rejected(Rejection),
}

fn judge(
    tx: &mut dyn Tx,
    tour: &TourRow,
    jobs: &KnownJobs,
    event: &NewEvent,
    stored_now: &BTreeSet<&str>,
) -> Result<Verdict> {
    if !is_readable(event) {
        return Ok(Verdict::Rejected(Rejection::Malformed));
    }
    if events::is_known(tx, &event.id)? {
        return Ok(Verdict::Known);
    }
    let has_left_with_it = jobs.departed.contains(&event.job_id);
    if !has_left_with_it && !jobs.of_tour.contains(&event.job_id) {
        return Ok(Verdict::Rejected(Rejection::UnknownStop));
    }
    if !has_left_with_it && tour.left_at.is_none() {
        return Ok(Verdict::Rejected(Rejection::NotLeft));
    }
    // A mistake is taken back as long as nobody acted on it: what it takes back was stored by this request. What a lost answer
    // left on the phone is sent again, and has had its effect.
    let target = event.details.undone.as_deref();
    if event.kind == EventKind::Undone && !target.is_some_and(|target| stored_now.contains(target)) {
        return Ok(Verdict::Rejected(Rejection::TooLate));
    }
    Ok(Verdict::New)
}

/// Whether a clock may say so: no sum of such times overflows.
pub fn is_time(moment: Moment) -> bool {
    (0..=LATEST_MS).contains(&moment.0)
}

fn is_readable(event: &NewEvent) -> bool {
    let details = &event.details;
    let is_short = |text: &str| text.chars().count() <= MAX_NOTE_CHARS;
    is_event_id(&event.id)
        && event.saw_version.len() <= 16
        && event.saw_version.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && event.number >= 1
        && is_time(event.happened_at)
        && event.clock_offset.saturating_abs() <= LATEST_MS
        && is_short(&details.note)
        && is_signature(&details.signature)
        && details.collected.len() <= MAX_COLLECTED
        && details
            .collected
            .iter()
            .all(|goods| is_short(&goods.what) && (i64::from(!goods.planned)..=1_000).contains(&goods.count))
        && details.accepted.len() <= 500
        && details.accepted.iter().all(|(order, count)| order.len() <= 13 && (0..=100_000).contains(count))
        && details.photos.len() <= MAX_PHOTOS
        && details.photos.iter().all(|photo| is_hash(&photo.hash) && is_time(Moment(photo.taken_at)))
        && details.undone.as_deref().is_none_or(is_event_id)
        && (event.kind != EventKind::Failed || details.reason.is_some())
}

/// What follows from new events: completed deliveries, ended stops, findings, the log.
fn follow(tx: &mut dyn Tx, reporter: Reporter, tour: &TourRow, changed: Vec<(JobId, Vec<StopEvent>)>) -> Result<()> {
    let inconsistent = || StorageError::Inconsistent(format!("tours {}", tour.id.raw()));
    let loaded = tour::load(tx, tour.id)?.ok_or_else(inconsistent)?;
    let mut report = StopsReport {
        day: tour.day.to_string(),
        truck: tour.name(),
        source: if reporter.key_id.is_some() { EventSource::Phone } else { reporter.source }.code().to_owned(),
        delivered: NumberList::default(),
        failed: NumberList::default(),
        findings: Vec::new(),
    };
    for (job_id, new) in changed {
        let Some(stop) = loaded.stop(job_id) else { continue };
        let is_new = |event: &&StopEvent| new.iter().any(|other| other.id == event.id);
        let before = fold(stop.events.iter().filter(|event| !is_new(event)));
        let mut found = findings_of(tour, stop, &before, &new);
        let ruling = stop.status.ruling.as_ref();
        if let Some(event) = ruling.filter(|event| before.ruling.as_ref() != Some(*event)) {
            if before.state == StopState::Delivered && event.kind == EventKind::Failed {
                found.push((event.id.clone(), DriveFinding::Reversed));
                reverse(tx, reporter.actor, stop)?;
            }
            if event.kind == EventKind::Delivered {
                report.delivered.push(&stop.bundle_number);
                finish(tx, reporter.actor, stop, event, &mut found)?;
                site::forget_code(tx, &loaded, stop)?;
            } else {
                report.failed.push(&stop.bundle_number);
                fail(tx, stop, event, &mut found)?;
            }
        }
        for (event_id, finding) in found {
            if findings::insert(tx, &event_id, finding)? {
                report.findings.push(finding.code().to_owned());
            }
        }
    }
    if tour.state == TourState::Closed {
        let reopened = TourRow { state: TourState::Out, closed_at: None, ..tour.clone() };
        store::save_tour(tx, &reopened, reporter.actor.id)?;
    }
    audit::record(tx, reporter.actor, AuditObject::one(tour.id), &AuditEvent::StopsReported(report)).map(drop)
}

/// Findings that the new events of a stop show by themselves.
fn findings_of(
    tour: &TourRow,
    stop: &DriveStop,
    before: &StopStatus,
    new: &[StopEvent],
) -> Vec<(String, DriveFinding)> {
    let mut found = Vec::new();
    for event in new {
        let mut mark = |finding| found.push((event.id.clone(), finding));
        if event.has_wrong_clock() {
            mark(DriveFinding::Clock);
        }
        if tour.state == TourState::Closed {
            mark(DriveFinding::Closed);
        }
        let is_live = stop.status.ruling.as_ref() == Some(event) || stop.status.remarks.contains(event);
        if !event.is_outcome() || !is_live {
            continue;
        }
        let other = |known: &StopEvent| known.reporter() != event.reporter();
        if before.ruling.as_ref().is_some_and(other) {
            mark(DriveFinding::SecondReport);
        }
        if event.details.collected.iter().any(|goods| !goods.planned) {
            mark(DriveFinding::Collected);
        }
        let planned = event.details.collected.iter().find(|goods| goods.planned);
        if let (Some(task), Some(goods)) = (stop.planned_collection(), planned)
            && event.kind == EventKind::Delivered
            && goods.count < task.pieces
        {
            mark(DriveFinding::NotCollected);
        }
        if tour.left_at.is_none() && stop.moved_to.is_none() {
            mark(DriveFinding::TakenBack);
        }
        if event.kind == EventKind::Delivered {
            if stop.moved_to.is_some() {
                mark(DriveFinding::Moved);
            } else if !event.saw_version.is_empty() && event.saw_version != stop.version {
                mark(DriveFinding::Changed);
            }
        }
    }
    found
}

/// What follows from a stop that was done.
fn finish(
    tx: &mut dyn Tx,
    actor: MemberActor,
    stop: &DriveStop,
    event: &StopEvent,
    found: &mut Vec<(String, DriveFinding)>,
) -> Result<()> {
    if stop.kind() == JobKind::Deliver {
        return deliver(tx, actor, stop, event, found);
    }
    // The orders stay as the channel says: a return or an exchange is settled there.
    if stop.is_stopped() {
        found.push((event.id.clone(), DriveFinding::Cancelled));
    }
    if stop.goods.iter().any(|goods| stop.accepted(goods) < goods.quantity) {
        found.push((event.id.clone(), DriveFinding::Partial));
    }
    tasks::set_state(tx, stop.job_id, TaskState::Done)?;
    drop_moved_stop(tx, stop)
}

/// Another truck that has the stop now need not go there.
fn drop_moved_stop(tx: &mut dyn Tx, stop: &DriveStop) -> Result<()> {
    let live = store::live_tour(tx, stop.job_id)?;
    if live.is_some_and(|(other, _)| stop.moved_to.is_some() && other != stop.tour_id) {
        tasks::remove_stop(tx, stop.job_id)?;
    }
    Ok(())
}

/// Completes what the customer took.
fn deliver(
    tx: &mut dyn Tx,
    actor: MemberActor,
    stop: &DriveStop,
    event: &StopEvent,
    found: &mut Vec<(String, DriveFinding)>,
) -> Result<()> {
    let taken = |goods: &&StopGoods| stop.accepted(goods) > 0;
    let was_stopped = |goods: &StopGoods| goods.stop_reason.is_some();
    if stop.goods.iter().filter(taken).any(was_stopped) {
        found.push((event.id.clone(), DriveFinding::Cancelled));
    }
    let rest: Vec<&StopGoods> =
        stop.goods.iter().filter(|goods| !was_stopped(goods) && stop.accepted(goods) < goods.quantity).collect();
    // More than was loaded cannot be with the customer; the office asks.
    let reported =
        |goods: &StopGoods| event.details.accepted.get(&goods.order_id.to_string()).is_some_and(|count| *count > 0);
    if rest.iter().any(|goods| stop.accepted(goods) > 0 || reported(goods)) {
        found.push((event.id.clone(), DriveFinding::Partial));
    }
    let is_own = |id: &OrderId| stop.goods.iter().any(|goods| goods.order_id == *id);
    let of_other_jobs = stop.order_ids().filter(|id| !is_own(id));
    let except: Vec<OrderId> = rest.iter().map(|goods| goods.order_id).chain(of_other_jobs).collect();
    let options = CompletionOptions { except: &except, at: Some(event.at()), ..CompletionOptions::default() };
    complete_with(tx, actor, &[stop.delivery_id], options)?;
    if stop.moved_to.is_none() && !rest.is_empty() {
        return plans::end_attempt(tx, stop.job_id, None).map(drop);
    }
    if stop.task.is_some() && rest.is_empty() {
        tasks::set_state(tx, stop.job_id, TaskState::Done)?;
    }
    drop_moved_stop(tx, stop)
}

/// Takes back what followed from a stop that was reported as done, and has failed after all: the goods are on the truck.
/// What the office changed since stays.
fn reverse(tx: &mut dyn Tx, actor: MemberActor, stop: &DriveStop) -> Result<()> {
    if stop.kind() == JobKind::Deliver {
        let own: Vec<OrderId> = stop.goods.iter().map(|goods| goods.order_id).collect();
        let shipped = complete::undoable_orders(tx, stop.delivery_id)?;
        let reported: Vec<Moment> =
            stop.events.iter().filter(|event| event.kind == EventKind::Delivered).map(StopEvent::at).collect();
        let is_reported =
            |order: &Order| order.moments.of(OrderState::Shipped).is_some_and(|at| reported.contains(&at));
        if shipped.iter().all(|id| own.contains(id)) && orders::find(tx, &shipped)?.iter().any(is_reported) {
            complete::undo(tx, actor, &[stop.delivery_id])?;
        }
    }
    let Some(task) = stop.task.as_ref().filter(|task| task.state == TaskState::Done) else { return Ok(()) };
    // What another job has come to take back meanwhile is not taken back twice.
    if !task.kind.collects() || tasks::orders_with_collection(tx, &task.orders)?.is_empty() {
        tasks::set_state(tx, stop.job_id, TaskState::Open)?;
    }
    Ok(())
}

/// Returns a failed stop to the pool.
fn fail(tx: &mut dyn Tx, stop: &DriveStop, event: &StopEvent, found: &mut Vec<(String, DriveFinding)>) -> Result<()> {
    let stored = tasks::by_ids(tx, &[stop.job_id])?.pop().and_then(|stored| stored.job.task);
    let is_open = match stored {
        Some(task) => task.state == TaskState::Open,
        None => tasks::is_under_way(tx, stop.delivery_id)?,
    };
    let is_here = store::live_tour(tx, stop.job_id)?.is_some_and(|(tour_id, _)| tour_id == stop.tour_id);
    if is_open
        && is_here
        && plans::end_attempt(tx, stop.job_id, event.details.reason)?.is_some_and(|attempt| attempt >= MAX_ATTEMPTS)
    {
        found.push((event.id.clone(), DriveFinding::ThirdFailure));
    }
    Ok(())
}

/// The accepted pieces of a form, as details name them.
pub fn accepted_pairs(pairs: impl IntoIterator<Item = (OrderId, i64)>) -> BTreeMap<String, i64> {
    pairs.into_iter().map(|(order, count)| (order.to_string(), count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::model::CollectedGoods;

    #[test]
    fn numbers_that_are_not_stored_are_masked_in_a_report() {
        let goods = |what: &str| CollectedGoods { what: what.to_owned(), planned: false, count: 1 };
        let details = EventDetails {
            note: "수취인 900101-1234567 확인, 010-1234-5678".to_owned(),
            collected: vec![goods("카드 4111-1111-1111-1111")],
            ..EventDetails::default()
        };
        let stored = storable(&details);
        assert_eq!(stored.note, "수취인 ******-******* 확인, 010-1234-5678");
        assert_eq!(stored.collected, [goods("카드 ****-****-****-1111")]);
    }
}
