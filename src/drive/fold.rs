//! Events → state of a stop. Pure: the same events in any order of arrival give the same state.
//!
//! An undone event counts for nothing. Of one phone its last outcome counts: a driver may come back to a door. Of
//! several phones the outcome that happened first rules, and the others are remarks.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{EventDetails, EventKind, StopEvent};
use crate::id::{DayKeyId, MemberId};
use crate::plans::model::FailureReason;
use crate::time::Moment;

/// State of a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopState {
    /// nothing is known
    Open,
    /// the driver was at the door
    Arrived,
    /// the goods are with the customer, all or some
    Delivered,
    /// the goods are still on the truck
    Failed(Option<FailureReason>),
}

impl StopState {
    /// Whether the stop has ended.
    pub const fn is_ended(&self) -> bool {
        matches!(self, Self::Delivered | Self::Failed(_))
    }

    /// Korean label.
    pub fn label(&self) -> String {
        match self {
            Self::Open => "아직".to_owned(),
            Self::Arrived => "도착".to_owned(),
            Self::Delivered => "완료".to_owned(),
            Self::Failed(None) => "실패".to_owned(),
            Self::Failed(Some(reason)) => format!("실패: {}", reason.label()),
        }
    }
}

/// What is known of a stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopStatus {
    /// state
    pub state: StopState,
    /// the event that rules
    pub ruling: Option<StopEvent>,
    /// when the driver was at the door
    pub arrived_at: Option<Moment>,
    /// outcomes that other phones reported
    pub remarks: Vec<StopEvent>,
}

impl StopStatus {
    /// When the stop ended.
    pub fn ended_at(&self) -> Option<Moment> {
        self.ruling.as_ref().map(StopEvent::at)
    }

    /// Details of the outcome.
    pub fn details(&self) -> EventDetails {
        self.ruling.as_ref().map(|event| event.details.clone()).unwrap_or_default()
    }
}

/// The state that these events of one stop of a tour give.
pub fn fold<'e>(events: impl IntoIterator<Item = &'e StopEvent>) -> StopStatus {
    let mut events: Vec<&StopEvent> = events.into_iter().collect();
    events.sort_by(|one, other| (one.at(), one.received_at, &one.id).cmp(&(other.at(), other.received_at, &other.id)));
    let undone: BTreeSet<&str> = events
        .iter()
        .filter(|event| event.kind == EventKind::Undone)
        .filter_map(|event| {
            let id = event.details.undone.as_deref()?;
            let own = |target: &&&StopEvent| target.id == id && target.reporter() == event.reporter();
            events.iter().find(own).filter(|target| target.number < event.number).map(|target| target.id.as_str())
        })
        .collect();
    events.retain(|event| !undone.contains(event.id.as_str()));

    let mut last = BTreeMap::<(Option<DayKeyId>, MemberId), &StopEvent>::new();
    for event in events.iter().filter(|event| event.is_outcome()) {
        let known = last.entry(event.reporter()).or_insert(event);
        if event.number > known.number {
            *known = event;
        }
    }
    let mut outcomes: Vec<&StopEvent> = events
        .iter()
        .copied()
        .filter(|event| last.get(&event.reporter()).is_some_and(|last| last.id == event.id))
        .collect();
    let arrived_at = events.iter().find(|event| event.kind == EventKind::Arrived).map(|event| event.at());
    let ruling = (!outcomes.is_empty()).then(|| outcomes.remove(0).clone());
    let state = match &ruling {
        Some(event) if event.kind == EventKind::Delivered => StopState::Delivered,
        Some(event) => StopState::Failed(event.details.reason),
        None if arrived_at.is_some() => StopState::Arrived,
        None => StopState::Open,
    };
    StopStatus { state, ruling, arrived_at, remarks: outcomes.into_iter().cloned().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drive::model::tests::event;
    use crate::random::seeded::Random;

    fn failed(id: u8, key: DayKeyId, number: i64, at: i64) -> StopEvent {
        let details = EventDetails { reason: Some(FailureReason::Absent), ..EventDetails::default() };
        StopEvent { details, ..event(id, Some(key), number, at, EventKind::Failed) }
    }

    fn undone(id: u8, key: DayKeyId, number: i64, target: u8) -> StopEvent {
        let details = EventDetails { undone: Some(format!("{target:032x}")), ..EventDetails::default() };
        StopEvent { details, ..event(id, Some(key), number, i64::from(id), EventKind::Undone) }
    }

    #[test]
    fn stop_is_open_arrived_delivered() {
        let arrived = event(1, Some(DayKeyId::from_raw(1)), 1, 10, EventKind::Arrived);
        let delivered = event(2, Some(DayKeyId::from_raw(1)), 2, 20, EventKind::Delivered);
        assert_eq!(fold([]).state, StopState::Open);
        assert_eq!(fold([&arrived]).state, StopState::Arrived);
        let status = fold([&delivered, &arrived]);
        assert_eq!((status.state, status.arrived_at), (StopState::Delivered, Some(Moment(10))));
    }

    #[test]
    fn second_attempt_of_one_phone_rules() {
        let events = [
            failed(1, DayKeyId::from_raw(1), 1, 10),
            event(2, Some(DayKeyId::from_raw(1)), 2, 500, EventKind::Delivered),
        ];
        let status = fold(&events);
        assert_eq!((status.state, status.remarks), (StopState::Delivered, Vec::new()));
    }

    #[test]
    fn first_report_of_two_phones_rules_and_the_other_is_a_remark() {
        let events = [
            failed(1, DayKeyId::from_raw(1), 1, 30),
            event(2, Some(DayKeyId::from_raw(2)), 1, 20, EventKind::Delivered),
        ];
        let status = fold(&events);
        assert_eq!((status.state, status.remarks.len()), (StopState::Delivered, 1));
    }

    #[test]
    fn undone_event_counts_for_nothing_unless_another_phone_undoes_it() {
        let delivered = event(1, Some(DayKeyId::from_raw(1)), 1, 10, EventKind::Delivered);
        assert_eq!(fold([&delivered, &undone(2, DayKeyId::from_raw(1), 2, 1)]).state, StopState::Open);
        assert_eq!(fold([&delivered, &undone(2, DayKeyId::from_raw(2), 2, 1)]).state, StopState::Delivered);
        assert_eq!(
            fold([
                &undone(2, DayKeyId::from_raw(1), 1, 1),
                &event(1, Some(DayKeyId::from_raw(1)), 2, 10, EventKind::Delivered)
            ])
            .state,
            StopState::Delivered
        );
    }

    /// The rule, written another way: phone after phone, each with the list of events that it undid.
    fn model(events: &[StopEvent]) -> (bool, Option<String>) {
        let mut ends = Vec::new();
        for key in 0..4 {
            let mut own: Vec<&StopEvent> =
                events.iter().filter(|event| event.key_id == Some(DayKeyId::from_raw(key))).collect();
            own.sort_by_key(|event| event.number);
            let mut live: Vec<&StopEvent> = Vec::new();
            for event in own {
                match event.kind {
                    EventKind::Undone => live.retain(|other| Some(&other.id) != event.details.undone.as_ref()),
                    EventKind::Arrived => {}
                    EventKind::Delivered | EventKind::Failed => live.push(event),
                }
            }
            ends.extend(live.last().map(|event| (event.at(), event.received_at, event.id.clone(), event.kind)));
        }
        ends.sort_by(|one, other| (one.0, one.1, &one.2).cmp(&(other.0, other.1, &other.2)));
        ends.first().map_or((false, None), |end| (end.3 == EventKind::Delivered, Some(end.2.clone())))
    }

    #[test]
    fn two_hundred_random_histories_agree_with_a_model_in_any_order() {
        let mut random = Random::new(11);
        for history in 0..200 {
            let mut events: Vec<StopEvent> = Vec::new();
            for id in 0..random.below(14) {
                let id = u8::try_from(id).expect("small") + 1;
                let key = DayKeyId::from_raw(i64::from(random.below(4)));
                let number = i64::from(id);
                let at = i64::from(random.below(1_000));
                let targets: Vec<u8> = (1..id).collect();
                let new = match random.below(5) {
                    0 => event(id, Some(key), number, at, EventKind::Arrived),
                    1 | 2 => event(id, Some(key), number, at, EventKind::Delivered),
                    3 => failed(id, key, number, at),
                    _ if targets.is_empty() => event(id, Some(key), number, at, EventKind::Arrived),
                    _ => undone(
                        id,
                        key,
                        number,
                        targets[random.below(u32::try_from(targets.len()).expect("small")) as usize],
                    ),
                };
                let offset = i64::from(random.below(7)) - 3;
                events.push(StopEvent { clock_offset: offset * 60, ..new });
            }
            let expected = model(&events);
            for _ in 0..5 {
                for at in (1..events.len()).rev() {
                    events.swap(at, random.below(u32::try_from(at + 1).expect("small")) as usize);
                }
                let status = fold(&events);
                let is_delivered = status.state == StopState::Delivered;
                assert_eq!((is_delivered, status.ruling.map(|event| event.id)), expected, "history {history}");
            }
        }
    }
}
