//! 마감: loaded + collected = delivered + handed in + aboard, for each line. Otherwise the tour does not close, and the
//! page says what is missing where.

use std::collections::BTreeMap;

use super::fold::StopState;
use super::key::DayKey;
use super::model::{EventSource, StopEvent};
use super::store::{self, TourRow, keys};
use super::tour::{self, DriveStop, DriveTour, StopGoods};
use crate::audit::{self, AuditEvent, AuditObject, MemberActor};
use crate::id::{Id, TourId};
use crate::plans::model::{JobKind, TourState};
use crate::plans::store as plans;
use crate::proofs::store as proofs;
use crate::storage::{Result, Tx};

/// A line of the count: an order, or a thing that the driver collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountLine {
    /// the order, or the event of the collected thing and its position
    pub key: String,
    /// recipient of the stop
    pub name: String,
    /// goods
    pub what: String,
    /// pieces that came onto the truck
    pub taken: i64,
    /// pieces that are with the customer
    pub delivered: i64,
    /// pieces that came back
    pub returned: i64,
    /// pieces that stayed on the truck
    pub aboard: i64,
}

impl CountLine {
    /// Pieces that are neither delivered nor counted.
    pub const fn missing(&self) -> i64 {
        self.taken - self.delivered - self.returned - self.aboard
    }

    /// Pieces that still have to be counted.
    pub const fn remaining(&self) -> i64 {
        self.taken - self.delivered
    }
}

/// The lines of a tour, with the counts so far.
pub fn lines(tour: &DriveTour, counts: &BTreeMap<String, (i64, i64)>) -> Vec<CountLine> {
    let mut lines = Vec::new();
    let counted = |key: &str| counts.get(key).copied().unwrap_or_default();
    for stop in &tour.stops {
        for goods in &stop.goods {
            let key = goods.order_id.to_string();
            let (returned, aboard) = counted(&key);
            let delivered = stop.accepted(goods);
            // What was delivered before the office took the tour back is not loaded again.
            let taken = loaded(goods).max(delivered);
            if taken > 0 {
                let (name, what) = (stop.name.clone(), goods.product.clone());
                lines.push(CountLine { key, name, what, taken, delivered, returned, aboard });
            }
        }
        let Some(ruling) = &stop.status.ruling else { continue };
        for (at, goods) in stop.collected().iter().enumerate().filter(|(_, goods)| goods.count > 0) {
            let key = format!("{}-{at}", ruling.id);
            let (returned, aboard) = counted(&key);
            lines.push(CountLine {
                key,
                name: stop.name.clone(),
                what: format!("{}: {}", if goods.planned { "회수" } else { "가져온 상품" }, goods.what),
                taken: goods.count,
                delivered: 0,
                returned,
                aboard,
            });
        }
    }
    lines
}

fn loaded(goods: &StopGoods) -> i64 {
    goods.load.as_ref().and_then(|load| load.loaded).unwrap_or_default()
}

/// Why a tour does not close.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseRefusal {
    /// it is not on the road
    Stale,
    /// pieces without an account: product, stop, number
    Missing(Vec<String>),
    /// phones that still have records, or may have
    Phones(Vec<String>),
    /// stops without a record, though goods for them left, or something was to be done there
    Unreported(Vec<String>),
}

impl CloseRefusal {
    /// Korean sentences.
    pub fn sentence(&self) -> String {
        match self {
            Self::Stale => "배송 중인 차가 아니에요. 지금 화면을 확인하고 다시 해 주세요.".to_owned(),
            Self::Missing(lines) => format!("수량이 맞지 않아 마감하지 못했어요. {}", lines.join(" / ")),
            Self::Phones(phones) => format!("휴대전화를 확인해 주세요: {}", phones.join(", ")),
            Self::Unreported(stops) => {
                format!("기록이 없는 곳이 있어요: {}. 기사에게 확인하고 ‘종이 결과’에 입력해 주세요.", stops.join(", "))
            }
        }
    }
}

/// What is still on phones, or may be: records, and photographs that a record names.
pub fn waiting(tx: &mut dyn Tx, tour: &DriveTour) -> Result<Vec<String>> {
    let keys = keys::of_tour(tx, tour.tour.id)?;
    let mut waiting = waiting_phones(tour, &keys);
    let proofs = proofs::of_tour(tx, tour.tour.id)?;
    for stop in &tour.stops {
        let missing = proofs.iter().filter(|proof| proof.job_id == stop.job_id && proof.received_at.is_none());
        match missing.count() {
            0 => {}
            count => waiting.push(format!("{} 사진 {count}장", stop.name)),
        }
    }
    Ok(waiting)
}

/// Phones that said at their last contact that they still have records, and those that have said nothing since something
/// happened on the tour: `gisa 안드로이드 휴대전화 · 크롬 3건`.
fn waiting_phones(tour: &DriveTour, keys: &[DayKey]) -> Vec<String> {
    let events = tour.stops.iter().flat_map(|stop| &stop.events).map(StopEvent::at);
    let last = events.chain(tour.tour.left_at).max();
    // A phone gets another key when it has lost the first one. The same member with two equal phones is not known from that.
    let is_newest = |at: usize, key: &DayKey| {
        let of_phone = |other: &DayKey| other.member_id == key.member_id && other.description == key.description;
        !keys[at + 1..].iter().any(of_phone)
    };
    let mut waiting = Vec::new();
    for (at, key) in keys.iter().enumerate().filter(|(_, key)| key.revoked_at.is_none()) {
        let mut left = Vec::new();
        if key.waiting > 0 {
            left.push(format!("{}건", key.waiting));
        }
        let unsettled = key.rejected.iter().filter(|job| !is_settled(tour, job)).count();
        if unsettled > 0 {
            left.push(format!("받아들이지 않은 기록 {unsettled}건"));
        }
        if is_newest(at, key) && last.is_some_and(|last| key.seen_at < last) {
            left.push(format!("{} 뒤로 연락 없음", key.seen_at.kst().format("%H:%M")));
        }
        if !left.is_empty() {
            waiting.push(format!("{} {} {}", key.username, key.description, left.join(", ")));
        }
    }
    waiting
}

/// Whether somebody has typed how the stop of a record that was not accepted ended.
fn is_settled(tour: &DriveTour, job: &str) -> bool {
    let stop = Id::parse(job).and_then(|job_id| tour.stop(job_id));
    let is_typed = |event: &StopEvent| event.is_outcome() && event.source != EventSource::Phone;
    stop.is_some_and(|stop| stop.events.iter().any(is_typed))
}

/// Closes a tour with these counts; they are saved even if it does not close. `without_phones` closes it while phones
/// still have records, which are received later as late ones.
pub fn close(
    tx: &mut dyn Tx,
    actor: MemberActor,
    tour_id: TourId,
    counts: &BTreeMap<String, (i64, i64)>,
    without_phones: bool,
) -> Result<std::result::Result<AuditEvent, CloseRefusal>> {
    let Some(loaded) = tour::load(tx, tour_id)?.filter(|loaded| loaded.tour.state == TourState::Out) else {
        return Ok(Err(CloseRefusal::Stale));
    };
    let lines = lines(&loaded, counts);
    let known: BTreeMap<String, (i64, i64)> =
        lines.iter().map(|line| (line.key.clone(), (line.returned, line.aboard))).collect();
    store::save_counts(tx, tour_id, &known, actor.id)?;
    if let Some(refusal) = refusal(&loaded, &lines) {
        return Ok(Err(refusal));
    }
    let phones = waiting(tx, &loaded)?;
    if !phones.is_empty() && !without_phones {
        return Ok(Err(CloseRefusal::Phones(phones)));
    }
    let left = loaded.stops.iter().filter(|stop| stop.moved_to.is_none());
    for stop in left.filter(|stop| stop.status.state != StopState::Delivered) {
        if store::live_tour(tx, stop.job_id)?.is_some_and(|(live, _)| live == tour_id) {
            plans::end_attempt(tx, stop.job_id, None)?;
        }
    }
    let tour = TourRow { state: TourState::Closed, closed_at: Some(tx.now()), ..loaded.tour };
    if !store::save_tour(tx, &tour, actor.id)? {
        return Ok(Err(CloseRefusal::Stale));
    }
    let event = AuditEvent::TourClosed {
        day: tour.day.to_string(),
        truck: tour.name(),
        returned: lines.iter().map(|line| line.returned).sum(),
        aboard: lines.iter().map(|line| line.aboard).sum(),
    };
    audit::record(tx, actor, AuditObject::one(tour_id), &event)?;
    Ok(Ok(event))
}

/// Stops without a record, though goods for them left, or something was to be done there. Of a cancelled stop nothing is
/// expected but its goods, which are counted.
pub fn unreported(tour: &DriveTour) -> Vec<String> {
    let is_expected = |stop: &&DriveStop| {
        let has_left = stop.kind() != JobKind::Deliver || stop.goods.iter().any(|goods| loaded(goods) > 0);
        has_left && !stop.is_stopped() && !stop.status.state.is_ended() && stop.moved_to.is_none()
    };
    tour.stops.iter().filter(is_expected).map(|stop| stop.name.clone()).collect()
}

/// Why these lines do not close the tour.
fn refusal(tour: &DriveTour, lines: &[CountLine]) -> Option<CloseRefusal> {
    let silent = unreported(tour);
    if !silent.is_empty() {
        return Some(CloseRefusal::Unreported(silent));
    }
    let missing: Vec<String> = lines
        .iter()
        .filter(|line| line.missing() != 0)
        .map(|line| {
            let what = if line.missing() > 0 { "모자라요" } else { "남아요" };
            format!("{} {}: {}개 {what}", line.name, line.what, line.missing().abs())
        })
        .collect();
    (!missing.is_empty()).then_some(CloseRefusal::Missing(missing))
}
