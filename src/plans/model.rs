//! Tours, stops and jobs.
//!
//! A tour is one round of a truck on a day, with its stops in order. A job is work at one door: a delivery with what the
//! dispatcher knows of it, or a [`Task`] beside it (일감): goods to be taken back or swapped, a visit, some of the orders on
//! another day. A job has at most one live stop; ended ones are its attempts.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::id::{DeliveryId, JobId, OrderId, StopId, TourId, TruckId, WorkId};
use crate::text::coded;

coded! {
    /// State of a tour.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum TourState {
        /// 계획: changes freely
        Draft = "draft" "계획",
        /// 확정: is not changed by a new plan
        Fixed = "fixed" "확정",
        /// 상차: the driver has it and loads the truck
        Loading = "loading" "상차",
        /// 출발: the truck is on the road
        Out = "out" "배송 중",
        /// 마감: every piece is accounted for
        Closed = "closed" "마감",
    }
}

impl TourState {
    /// Whether a driver has it or had it.
    pub const fn is_handed_out(self) -> bool {
        matches!(self, Self::Loading | Self::Out | Self::Closed)
    }
}

coded! {
    /// What a new plan must leave of a stop as it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Hold {
        /// nothing
        Free = "free" "고정 안 함",
        /// its truck
        Truck = "truck" "차 고정",
        /// its truck and its place, and all stops before it
        Place = "place" "여기까지 고정",
    }
}

/// A truck and its round: a column of the board.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnKey {
    /// the truck
    pub truck_id: TruckId,
    /// 1 or 2
    pub round: i64,
}

impl ColumnKey {
    /// Truck and round in words: `1호차`, `1호차 2회차`.
    pub fn name(self, truck: &str) -> String {
        match self.round {
            1 => truck.to_owned(),
            round => format!("{truck} {round}회차"),
        }
    }
}

/// One round of a truck on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tour {
    /// generated identifier
    pub id: TourId,
    /// truck and round
    pub column: ColumnKey,
    /// state
    pub state: TourState,
    /// username of the member who changed it last
    pub changed_by: Option<String>,
    /// version for optimistic locking; increases with every change of its stops
    pub version: i64,
}

coded! {
    /// What is done at the door.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum JobKind {
        /// goods are delivered
        Deliver = "deliver" "배송",
        /// goods are taken back
        Collect = "collect" "회수",
        /// new goods are delivered, and the old ones taken back
        Swap = "swap" "교환",
        /// something is repaired
        Service = "service" "A/S",
        /// something is measured
        Measure = "measure" "실측",
    }
}

impl JobKind {
    /// The kinds that are made for a delivery by hand. A part of it is made where its orders are divided.
    pub const BY_HAND: [Self; 4] = [Self::Collect, Self::Swap, Self::Service, Self::Measure];

    /// Whether the truck carries goods to the door.
    pub const fn delivers(self) -> bool {
        matches!(self, Self::Deliver | Self::Swap)
    }

    /// Whether the truck takes goods from the door.
    pub const fn collects(self) -> bool {
        matches!(self, Self::Collect | Self::Swap)
    }

    /// What a driver reports when it is done.
    pub const fn done_label(self) -> &'static str {
        match self {
            Self::Deliver => "완료",
            Self::Collect => "회수 완료",
            Self::Swap => "교환 완료",
            Self::Service | Self::Measure => "방문 완료",
        }
    }

    /// What a signature at the door says.
    pub const fn signed_text(self) -> &'static str {
        match self {
            Self::Deliver => "위의 상품을 받았어요.",
            Self::Collect => "위의 물건을 돌려보냈어요.",
            Self::Swap => "위의 상품을 받고, 쓰던 것을 돌려보냈어요.",
            Self::Service | Self::Measure => "위의 일을 확인했어요.",
        }
    }
}

coded! {
    /// State of a job that is not the delivery itself.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum TaskState {
        /// to be done
        Open = "open" "할 일",
        /// done
        Done = "done" "완료",
        /// no longer needed
        Cancelled = "cancelled" "취소",
    }
}

coded! {
    /// Why a stop failed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum FailureReason {
        /// nobody there
        Absent = "absent" "부재",
        /// nobody answers
        Unreachable = "unreachable" "연락 안 됨",
        /// no way to the door
        NoAccess = "no-access" "진입 불가",
        /// it does not fit
        TooLarge = "too-large" "안 들어감",
        /// a ladder truck is needed
        Ladder = "ladder" "사다리 필요",
        /// the goods are damaged
        Damaged = "damaged" "파손",
        /// the customer does not take it, or does not give it
        Refused = "refused" "고객 거부",
        /// the day was too short
        NoTime = "no-time" "시간 부족",
        /// the truck broke down
        Truck = "truck" "차량",
    }
}

/// An ended attempt at a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// its tour
    pub tour_id: TourId,
    /// its day
    pub day: NaiveDate,
    /// name of the truck
    pub truck: String,
    /// why it failed; none if the day ended before it, or if it was done in part
    pub reason: Option<FailureReason>,
}

impl Attempt {
    /// `11/28 부재`.
    pub fn label(&self) -> String {
        format!("{} {}", self.day.format("%-m/%-d"), self.reason.map_or("끝내지 못함", FailureReason::label))
    }
}

/// What a job is, if it is not the delivery itself (일감).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// within its delivery, from 1 on
    pub number: i64,
    /// what is done
    pub kind: JobKind,
    /// state
    pub state: TaskState,
    /// what is taken back, or what is to be done; empty for a delivery
    pub goods: String,
    /// pieces taken back
    pub pieces: i64,
    /// of these, hundredths of a cubic metre
    pub volume: i64,
    /// for the driver
    pub note: String,
    /// the orders that it is about
    pub orders: Vec<OrderId>,
}

/// What the dispatcher knows of a delivery, or of another job at its door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// generated identifier; 0 before it is stored
    pub id: JobId,
    /// the delivery
    pub delivery_id: DeliveryId,
    /// what it is; none: the delivery itself
    pub task: Option<Task>,
    /// day to which it was moved by hand; none is the 희망배송일 of its delivery
    pub day: Option<NaiveDate>,
    /// first and last minute of the day at which the work may begin
    pub window: Option<(i64, i64)>,
    /// minutes at the door, instead of those of its products
    pub minutes: Option<i64>,
    /// people needed, instead of those of its products
    pub crew: Option<i64>,
    /// day and rules (codes) by which the last plan left it out
    pub left_out: Option<(NaiveDate, Vec<String>)>,
    /// version for optimistic locking
    pub version: i64,
}

impl Job {
    /// What names it on the board and in URLs. The delivery itself may have no row, so the delivery names it; identifiers
    /// of different tables do not collide.
    pub fn key(&self) -> WorkId {
        if self.task.is_none() { self.delivery_id.into() } else { self.id.into() }
    }

    /// What is done.
    pub fn kind(&self) -> JobKind {
        self.task.as_ref().map_or(JobKind::Deliver, |task| task.kind)
    }
}

/// A stop of a tour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// generated identifier; [`Id::UNSTORED`](crate::id::Id::UNSTORED) before it is stored
    pub id: StopId,
    /// what is done there
    pub job: Job,
    /// what a new plan must leave
    pub hold: Hold,
    /// the delivery as it was planned, see [`WorkBasis`](super::work::WorkBasis)
    pub basis: String,
}

/// Two minutes of a day as times: `09:00~12:00`.
pub fn window_label(window: (i64, i64)) -> String {
    let clock = |minute: i64| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}~{}", clock(window.0), clock(window.1))
}

/// Moves the items at `moved` (sorted positions) so that they stand before the item now at `at`.
pub fn reordered<T>(items: Vec<T>, moved: &[usize], at: usize) -> Vec<T> {
    let mut taken = Vec::new();
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for (position, item) in items.into_iter().enumerate() {
        if moved.contains(&position) {
            taken.push(item);
        } else if position < at {
            before.push(item);
        } else {
            after.push(item);
        }
    }
    before.into_iter().chain(taken).chain(after).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{AuditEvent, JobOfDelivery};

    #[test]
    fn items_move_before_the_item_at_a_position() {
        let order = |moved: &[usize], at| reordered(vec!["a", "b", "c", "d"], moved, at).concat();
        assert_eq!(order(&[0], 2), "bacd");
        assert_eq!(order(&[3], 1), "adbc");
        assert_eq!(order(&[0, 2], 4), "bdac");
        assert_eq!(order(&[1], 1), "abcd");
        assert_eq!(order(&[], 9), "abcd");
    }

    #[test]
    fn kinds_of_jobs_have_the_names_of_the_log() {
        for kind in JobKind::BY_HAND {
            let job = JobOfDelivery { bundle_number: String::new(), kind: kind.code().to_owned() };
            let sentence = AuditEvent::JobCreated(job).sentence();
            assert_eq!(sentence, format!("일감을 만들었어요: {}", kind.label()));
        }
    }

    #[test]
    fn attempt_is_written_as_day_and_reason() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 8).expect("a date");
        let attempt = Attempt {
            tour_id: TourId::from_raw(1),
            day,
            truck: "1호차".to_owned(),
            reason: Some(FailureReason::Absent),
        };
        assert_eq!(attempt.label(), "11/8 부재");
        assert_eq!(Attempt { reason: None, ..attempt }.label(), "11/8 끝내지 못함");
    }

    #[test]
    fn window_is_written_as_two_times() {
        assert_eq!(window_label((540, 720)), "09:00~12:00");
    }
}
