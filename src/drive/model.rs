//! Events of a stop.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::clock;
use crate::id::{DayKeyId, JobId, MemberId, TourId};
use crate::plans::model::FailureReason;
use crate::text::coded;
use crate::time::Moment;

/// Characters of an event identifier: 128 bits in hexadecimal.
pub const EVENT_ID_CHARS: usize = 32;

/// Characters of a note.
pub const MAX_NOTE_CHARS: usize = 500;

/// Things that one event may collect.
pub const MAX_COLLECTED: usize = 20;

/// Characters of the path of a signature.
pub const MAX_SIGNATURE_CHARS: usize = 20_000;

/// Photographs that one event may name.
pub const MAX_PHOTOS: usize = 6;

/// Clock error from which on the event is marked, in milliseconds.
pub const MAX_CLOCK_ERROR_MS: i64 = 2 * 60 * 1000;

coded! {
    /// What happened.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum EventKind {
        /// the driver is at the door
        Arrived = "arrived" "도착",
        /// the goods are with the customer, all or some
        Delivered = "delivered" "완료",
        /// the goods are still on the truck
        Failed = "failed" "실패",
        /// an earlier event of the same phone was a mistake
        Undone = "undone" "취소",
    }
}

coded! {
    /// Where an event comes from.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum EventSource {
        /// the queue of a phone
        Phone = "phone" "휴대전화",
        /// a form, while the server answered
        Page = "page" "화면",
        /// a paper list, typed in the office
        Paper = "paper" "종이",
    }
}

coded! {
    /// What does not fit between the office and the phone.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DriveFinding {
        /// an order that the office cancelled, or that has an open cancellation, was delivered
        Cancelled = "cancelled" "취소 뒤 배송됨",
        /// the office had moved the stop to another tour
        Moved = "moved" "다른 차로 옮긴 뒤 배송됨",
        /// the office had taken the tour back to loading or to the plan
        TakenBack = "taken-back" "되돌린 차의 기록",
        /// address, goods or window changed after the phone saw them
        Changed = "changed" "바뀌기 전 내용을 보고 배송함",
        /// the tour was closed
        Closed = "closed" "마감 뒤에 들어온 기록",
        /// two phones reported the stop
        SecondReport = "second-report" "두 곳에서 전한 기록",
        /// a stop that was reported as done failed after all: its completion is taken back
        Reversed = "reversed" "완료라고 한 뒤 실패함",
        /// the clock of the phone is wrong
        Clock = "clock" "휴대전화 시계가 틀림",
        /// the customer took fewer pieces of an order than ordered
        Partial = "partial" "일부만 받음",
        /// the driver took goods back
        Collected = "collected" "가져온 상품",
        /// the driver took back fewer pieces than planned
        NotCollected = "not-collected" "다 가져오지 못한 상품",
        /// the delivery failed three times
        ThirdFailure = "third-failure" "세 번째 실패",
    }
}

/// Goods that the driver took with him.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CollectedGoods {
    /// in words
    pub what: String,
    /// pieces; 0 only of the planned goods
    pub count: i64,
    /// whether the job says that they are to be taken back
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub planned: bool,
}

/// A photograph that an event names. Its bytes follow apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPhoto {
    /// SHA-256 of the file
    pub hash: String,
    /// when it was taken, by the clock of the phone
    pub taken_at: i64,
}

/// Details of an event, by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EventDetails {
    /// why it failed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<FailureReason>,
    /// pieces that the customer took, by order; empty: everything
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub accepted: BTreeMap<String, i64>,
    /// goods that were taken back; without the planned ones: all of these
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collected: Vec<CollectedGoods>,
    /// why fewer of the planned goods were taken back
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collect_reason: Option<FailureReason>,
    /// note
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// strokes of a signature as an SVG path
    #[serde(skip_serializing_if = "String::is_empty")]
    pub signature: String,
    /// photographs
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub photos: Vec<EventPhoto>,
    /// event that was a mistake
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undone: Option<String>,
}

/// Something that happened at a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopEvent {
    /// made on the phone
    pub id: String,
    /// the tour
    pub tour_id: TourId,
    /// the job
    pub job_id: JobId,
    /// key of the phone; none for other sources
    pub key_id: Option<DayKeyId>,
    /// who
    pub member_id: MemberId,
    /// from where
    pub source: EventSource,
    /// number of the phone on this tour
    pub number: i64,
    /// time by the clock of the phone
    pub happened_at: Moment,
    /// milliseconds to add to that clock
    pub clock_offset: i64,
    /// the same when the phone handed it in; none from other sources
    pub sent_offset: Option<i64>,
    /// time of the server
    pub received_at: Moment,
    /// what
    pub kind: EventKind,
    /// details
    pub details: EventDetails,
    /// digest of the stop as the phone showed it
    pub saw_version: String,
}

impl StopEvent {
    /// When it happened: the phone's time, corrected, and not after its receipt.
    pub fn at(&self) -> Moment {
        self.corrected().min(self.received_at)
    }

    fn corrected(&self) -> Moment {
        self.happened_at.plus_ms(self.clock_offset)
    }

    /// Whether the clock of the phone was wrong by minutes, or was moved since.
    pub fn has_wrong_clock(&self) -> bool {
        clock::differ(self.clock_offset, 0)
            || self.has_moved_clock()
            || clock::differ(self.corrected().0.max(self.received_at.0), self.received_at.0)
    }

    /// Whether the clock of the phone had another offset when it handed in.
    pub fn has_moved_clock(&self) -> bool {
        self.sent_offset.is_some_and(|sent| clock::differ(sent, self.clock_offset))
    }

    /// What made it: a phone, or a member at a page or desk.
    pub const fn reporter(&self) -> (Option<DayKeyId>, MemberId) {
        match self.key_id {
            Some(key) => (Some(key), MemberId::UNSTORED),
            None => (None, self.member_id),
        }
    }

    /// Whether it says how the stop ended.
    pub const fn is_outcome(&self) -> bool {
        matches!(self.kind, EventKind::Delivered | EventKind::Failed)
    }
}

/// Whether a text is an event identifier: lower-case hexadecimal.
pub fn is_event_id(text: &str) -> bool {
    text.len() == EVENT_ID_CHARS && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether a text is an SVG path of straight strokes: `M10 20L11 22`. Nothing else is shown on a page.
pub fn is_signature(text: &str) -> bool {
    text.len() <= MAX_SIGNATURE_CHARS
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'M' | b'L' | b' '))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn event(id: u8, key: Option<DayKeyId>, number: i64, at: i64, kind: EventKind) -> StopEvent {
        StopEvent {
            id: format!("{id:032x}"),
            tour_id: TourId::from_raw(1),
            job_id: JobId::from_raw(1),
            key_id: key,
            member_id: MemberId::from_raw(1),
            source: if key.is_some() { EventSource::Phone } else { EventSource::Paper },
            number,
            happened_at: Moment(at),
            clock_offset: 0,
            sent_offset: None,
            received_at: Moment(1_000_000_000),
            kind,
            details: EventDetails::default(),
            saw_version: String::new(),
        }
    }

    #[test]
    fn time_is_corrected_and_never_after_the_receipt() {
        let right = event(1, Some(DayKeyId::from_raw(1)), 1, 5_000, EventKind::Arrived);
        assert_eq!((right.at(), right.has_wrong_clock()), (Moment(5_000), false));
        let slow = StopEvent { clock_offset: 3 * 60 * 60 * 1000, ..right.clone() };
        assert_eq!((slow.at(), slow.has_wrong_clock()), (Moment(10_805_000), true));
        let early = StopEvent { happened_at: Moment(2_000_000_000), ..right };
        assert_eq!((early.at(), early.has_wrong_clock()), (Moment(1_000_000_000), true));
        let moved = StopEvent {
            sent_offset: Some(3 * 60 * 60 * 1000),
            ..event(1, Some(DayKeyId::from_raw(1)), 1, 5_000, EventKind::Arrived)
        };
        assert_eq!((moved.at(), moved.has_wrong_clock()), (Moment(5_000), true), "both times are shown");
    }

    #[test]
    fn codes_and_details_round_trip() {
        for finding in DriveFinding::ALL {
            assert_eq!(DriveFinding::from_code(finding.code()), Some(finding));
        }
        let details = EventDetails {
            reason: Some(FailureReason::Absent),
            accepted: [("ABC".to_owned(), 1)].into(),
            ..EventDetails::default()
        };
        let text = serde_json::to_string(&details).expect("JSON");
        assert_eq!(text, r#"{"reason":"absent","accepted":{"ABC":1}}"#);
        assert_eq!(serde_json::from_str::<EventDetails>(&text).expect("details"), details);
        assert_eq!(serde_json::from_str::<EventDetails>("{}").expect("details"), EventDetails::default());
    }

    #[test]
    fn identifiers_and_signatures_have_their_form() {
        assert!(is_event_id(&"0a".repeat(16)) && !is_event_id(&"0A".repeat(16)) && !is_event_id("0a"));
        assert!(is_signature("M10 20L11 22") && is_signature(""));
        assert!(!is_signature("M10\"/><script>") && !is_signature(&"1".repeat(MAX_SIGNATURE_CHARS + 1)));
    }
}
