//! The steps of a tour: 확정 → 상차 → 배송 중, and back.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::store::departures::{self, StopDeparture};
use super::store::{self, Load, TourRow};
use super::tour::{self, DriveStop, DriveTour, StopGoods};
use crate::audit::{self, AuditEvent, AuditObject, Departure, MemberActor};
use crate::id::{JobId, MemberId, OrderId, TourId};
use crate::plans::model::TourState;
use crate::storage::{Result, Tx};
use crate::uploads::claim_data::ClaimDataSummary;
use crate::uploads::store::claim_data_of_channels;

/// Characters of a reason.
pub const MAX_REASON_CHARS: usize = 200;

/// Why a step is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepRefusal {
    /// the tour is in another state, or was changed since the page was loaded
    Stale,
    /// the driver is unknown or may not log in
    NoDriver,
    /// the tour has no stop
    Empty,
    /// lines that are not ticked
    NotLoaded(Vec<String>),
    /// lines with fewer pieces, or despite a cancellation, without a reason
    NoReason(Vec<String>),
    /// a step back without a reason
    NoReasonBack,
    /// the claims of the channels are out of date, and the form has no reason to leave all the same
    OldClaims(String),
    /// the day has been reported in part
    Reported,
}

impl StepRefusal {
    /// Korean sentences.
    pub fn sentence(&self) -> String {
        match self {
            Self::Stale => "그 사이 이 차의 배차가 바뀌었어요. 지금 화면을 확인하고 다시 해 주세요.".to_owned(),
            Self::NoDriver => "운전할 사람을 선택해 주세요.".to_owned(),
            Self::Empty => "갈 곳이 없어요. 배송을 배차한 다음 넘겨 주세요.".to_owned(),
            Self::NotLoaded(lines) => format!("실었는지 표시하지 않은 상품이 있어요: {}", lines.join(", ")),
            Self::NoReason(lines) => format!("이유를 입력해 주세요: {}", lines.join(", ")),
            Self::NoReasonBack => "되돌리는 이유를 입력해 주세요.".to_owned(),
            Self::OldClaims(gaps) => {
                format!("{gaps} 그 뒤에 들어온 취소를 확인하고, 그대로 출발하는 이유를 입력해 주세요.")
            }
            Self::Reported => "이미 배송을 기록한 차라 되돌리지 못해요. 마감해 주세요.".to_owned(),
        }
    }
}

/// A step, or why it is refused.
pub type StepResult = Result<std::result::Result<AuditEvent, StepRefusal>>;

fn record(tx: &mut dyn Tx, actor: MemberActor, tour: &TourRow, event: AuditEvent) -> StepResult {
    audit::record(tx, actor, AuditObject::one(tour.id), &event)?;
    Ok(Ok(event))
}

/// What the office reads after a step: a driver sees a tour of a later day only then.
pub fn step_sentence(event: &AuditEvent, today: NaiveDate) -> String {
    match event {
        AuditEvent::TourHandedOut { day, .. } if *day > today.to_string() => {
            format!("{} {day}부터 기사 휴대전화에 보여요.", event.sentence())
        }
        _ => event.sentence(),
    }
}

/// Hands a fixed tour out to a driver: its state becomes 상차.
pub fn hand_out(
    tx: &mut dyn Tx,
    actor: MemberActor,
    (tour_id, version): (TourId, i64),
    (driver_id, helper_id): (Option<MemberId>, Option<MemberId>),
) -> StepResult {
    let Some(loaded) = tour::load(tx, tour_id)? else { return Ok(Err(StepRefusal::Stale)) };
    let drivers = store::drivers(tx)?;
    let name =
        |id: Option<MemberId>| drivers.iter().find(|(known, _)| Some(*known) == id).map(|(_, name)| name.clone());
    let Some(driver) = name(driver_id) else { return Ok(Err(StepRefusal::NoDriver)) };
    if loaded.tour.state != TourState::Fixed || loaded.tour.version != version {
        return Ok(Err(StepRefusal::Stale));
    }
    let helper_id = helper_id.filter(|id| Some(*id) != driver_id && name(Some(*id)).is_some());
    let mut known = BTreeSet::new();
    let goods = || loaded.stops.iter().filter(|stop| stop.is_loadable());
    if goods().next().is_none() {
        return Ok(Err(StepRefusal::Empty));
    }
    let loads: Vec<Load> = goods()
        .flat_map(|stop| stop.goods.iter().map(move |goods| (stop.job_id, goods)))
        .filter(|(_, goods)| !goods.is_delivered && known.insert(goods.order_id))
        .map(|(job_id, goods)| Load {
            order_id: goods.order_id,
            job_id,
            expected: goods.quantity,
            loaded: None,
            reason: String::new(),
        })
        .collect();
    store::delete_loads(tx, tour_id)?;
    store::insert_loads(tx, tour_id, &loads)?;
    let tour = TourRow { state: TourState::Loading, driver_id, helper_id, ..loaded.tour };
    if !store::save_tour(tx, &tour, actor.id)? {
        return Ok(Err(StepRefusal::Stale));
    }
    let event = AuditEvent::TourHandedOut { day: tour.day.to_string(), truck: tour.name(), driver };
    record(tx, actor, &tour, event)
}

/// A line of the loading list as it was ticked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tick {
    /// the order
    pub order_id: OrderId,
    /// pieces on the truck; none: not ticked
    pub loaded: Option<i64>,
    /// why fewer, or despite a cancellation
    pub reason: String,
}

/// Saves the ticks of a loading list. A line that must stop is saved as loaded only with a reason.
pub fn tick(
    tx: &mut dyn Tx,
    member_id: MemberId,
    tour_id: TourId,
    ticks: &[Tick],
) -> Result<std::result::Result<(), StepRefusal>> {
    let Some(loaded) = tour::load(tx, tour_id)?.filter(|loaded| loaded.tour.state == TourState::Loading) else {
        return Ok(Err(StepRefusal::Stale));
    };
    let known = store::loads(tx, tour_id)?;
    let (mut saved, mut stopped) = (Vec::new(), Vec::new());
    for tick in ticks {
        let Some(load) = known.get(&tick.order_id) else { continue };
        let goods = loaded.stops.iter().flat_map(|stop| &stop.goods).find(|goods| goods.order_id == tick.order_id);
        let pieces = tick.loaded.map(|pieces| pieces.clamp(0, load.expected));
        if let Some(goods) = goods.filter(|goods| goods.stop_reason.is_some())
            && pieces.is_some_and(|pieces| pieces > 0)
            && tick.reason.is_empty()
        {
            stopped.push(stop_label(goods));
            continue;
        }
        saved.push(Load { loaded: pieces, reason: tick.reason.clone(), ..load.clone() });
    }
    store::save_loads(tx, tour_id, &saved, member_id)?;
    Ok(if stopped.is_empty() { Ok(()) } else { Err(StepRefusal::NoReason(stopped)) })
}

fn stop_label(goods: &StopGoods) -> String {
    format!("{} ({})", goods.product, goods.stop_reason.as_deref().unwrap_or_default())
}

/// How old the claims are that the channels of a tour's orders told.
pub fn claims_of(tx: &mut dyn Tx, tour: &DriveTour) -> Result<ClaimDataSummary> {
    let mut codes: Vec<String> =
        tour.stops.iter().flat_map(|stop| &stop.goods).map(|goods| goods.channel_code.clone()).collect();
    codes.sort();
    codes.dedup();
    claim_data_of_channels(tx, &codes)
}

/// 출발. Refused while a line is not ticked, has fewer pieces without a reason, or is loaded despite a cancellation
/// without one; and while the claims are old, unless `despite` says why.
pub fn leave(tx: &mut dyn Tx, actor: MemberActor, tour_id: TourId, despite: &str) -> StepResult {
    let Some(loaded) = tour::load(tx, tour_id)?.filter(|loaded| loaded.tour.state == TourState::Loading) else {
        return Ok(Err(StepRefusal::Stale));
    };
    let (mut open, mut unexplained, mut reasons, mut pieces) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for goods in loaded.stops.iter().filter(|stop| stop.is_loadable()).flat_map(|stop| &stop.goods) {
        let Some(load) = goods.load.as_ref().filter(|_| !goods.is_delivered) else { continue };
        match load.loaded {
            None if goods.stop_reason.is_some() => {}
            None => open.push(goods.product.clone()),
            Some(count) => {
                pieces += count;
                let is_short = count < load.expected && goods.stop_reason.is_none();
                let is_despite = count > 0 && goods.stop_reason.is_some();
                if (is_short || is_despite) && load.reason.is_empty() {
                    unexplained.push(if is_despite { stop_label(goods) } else { goods.product.clone() });
                } else if is_short || is_despite {
                    reasons.push(format!("{}: {}", goods.order_id, load.reason));
                }
            }
        }
    }
    if !open.is_empty() {
        return Ok(Err(StepRefusal::NotLoaded(open)));
    }
    if !unexplained.is_empty() {
        return Ok(Err(StepRefusal::NoReason(unexplained)));
    }
    let claims = claims_of(tx, &loaded)?;
    if !claims.warnings.is_empty() {
        if despite.is_empty() {
            return Ok(Err(StepRefusal::OldClaims(claims.gaps.join(" "))));
        }
        reasons.push(format!("클레임 확인: {despite}"));
    }
    let tour = TourRow { state: TourState::Out, left_at: Some(tx.now()), ..loaded.tour };
    if !store::save_tour(tx, &tour, actor.id)? {
        return Ok(Err(StepRefusal::Stale));
    }
    departures::save(tx, tour.id, &departures_of(&loaded.stops, tour.driver_id.unwrap_or(actor.id)))?;
    let event = AuditEvent::TourLeft(Departure { day: tour.day.to_string(), truck: tour.name(), pieces, reasons });
    record(tx, actor, &tour, event)
}

/// What the truck leaves with, by job. What was reported before keeps what it had then.
fn departures_of(stops: &[DriveStop], driver_id: MemberId) -> BTreeMap<JobId, StopDeparture> {
    let leaving = stops.iter().filter(|stop| stop.is_live && !stop.status.state.is_ended());
    let loaded = |goods: &StopGoods| {
        let pieces = goods.load.as_ref().and_then(|load| load.loaded)?;
        Some((goods.order_id.to_string(), pieces))
    };
    let departure =
        |stop: &DriveStop| StopDeparture { driver_id, loaded: stop.goods.iter().filter_map(loaded).collect() };
    leaving.map(|stop| (stop.job_id, departure(stop))).collect()
}

/// Takes a tour one step back, with a reason: from the road to loading, from loading to the office. Not once anything was
/// reported. What the truck left with stays known: a phone without a signal does not know of it, and its driver goes on.
pub fn take_back(tx: &mut dyn Tx, actor: MemberActor, (tour_id, version): (TourId, i64), reason: &str) -> StepResult {
    let Some(tour) = store::tour(tx, tour_id)?.filter(|tour| tour.version == version) else {
        return Ok(Err(StepRefusal::Stale));
    };
    if reason.is_empty() {
        return Ok(Err(StepRefusal::NoReasonBack));
    }
    if !store::events::of_tour(tx, tour_id)?.is_empty() {
        return Ok(Err(StepRefusal::Reported));
    }
    let tour = match tour.state {
        TourState::Out => TourRow { state: TourState::Loading, left_at: None, ..tour },
        TourState::Loading => TourRow { state: TourState::Fixed, driver_id: None, helper_id: None, ..tour },
        TourState::Draft | TourState::Fixed | TourState::Closed => return Ok(Err(StepRefusal::Stale)),
    };
    if !store::save_tour(tx, &tour, actor.id)? {
        return Ok(Err(StepRefusal::Stale));
    }
    if tour.state == TourState::Fixed {
        // The office may change the stops now: the next driver gets a list of what they are then.
        store::delete_loads(tx, tour_id)?;
    }
    let event = AuditEvent::TourTakenBack { day: tour.day.to_string(), truck: tour.name(), reason: reason.to_owned() };
    record(tx, actor, &tour, event)
}
