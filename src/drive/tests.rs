//! A driver's day in the database: hand-out, loading, what phones hand in against what the office did, 마감.

mod conflicts;
mod corrections;
mod histories;
mod jobs;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use chrono::NaiveDate;

use super::close::{self, CloseRefusal, lines};
use super::fold::StopState;
use super::hand_in::{self, NewEvent, Receipts, Rejection, Reporter};
use super::hand_out::{self, StepRefusal, Tick};
use super::key;
use super::model::{CollectedGoods, DriveFinding, EventDetails, EventKind, EventSource};
use super::store::{self, findings};
use super::tour::{self, DriveTour};
use crate::audit::MemberActor;
use crate::districts::Districts;
use crate::id::{DayKeyId, DeliveryId, JobId, OrderId, TourId, WorkId};
use crate::members::model::Role;
use crate::members::store as members;
use crate::orders::bundle::DeliveryState;
use crate::orders::model::{NewOrder, OrderState};
use crate::orders::testing::{Files, NOW, Shop, all_orders, new_order};
use crate::plans::board;
use crate::plans::edit::{self, EditContext};
use crate::plans::model::{ColumnKey, FailureReason, TourState};
use crate::random::seeded::Random;
use crate::storage::{Result, Tx};
use crate::time::Moment;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// A tour on the road.
struct Day {
    actor: MemberActor,
    columns: Vec<ColumnKey>,
    tour: TourId,
    key: DayKeyId,
    next: Cell<u8>,
}

fn day() -> NaiveDate {
    NOW.date()
}

fn set_up(tx: &mut dyn Tx, files: &Files, numbers: &[&str]) -> Result<Day> {
    let id = members::add(tx, "gisa", Role::Driver, "hash")?.expect("a free name");
    let actor = MemberActor { id, address: IpAddr::from([127, 0, 0, 1]) };
    let mut settings = trucks::settings(tx)?;
    "39100".clone_into(&mut settings.depot_zip);
    trucks::save_settings(tx, &settings)?;
    let mut columns = Vec::new();
    for name in ["1호차", "2호차"] {
        let truck = Truck {
            weekdays: crate::trucks::weekdays::Weekdays::from_numbers(1..=7),
            ..Truck::suggestion(name.to_owned())
        };
        columns.push(ColumnKey { truck_id: trucks::insert(tx, &truck)?, round: 1 });
    }
    let orders = numbers.iter().map(|number| due_order(number, &format!("B{number}")));
    files.order(tx, "SMART_STORE", orders.collect())?;
    let due = deliveries(tx)?;
    let tour = plan(tx, actor, columns[0], &WorkId::of_deliveries(&due))?;
    let mut day = Day { actor, columns, tour, key: DayKeyId::UNSTORED, next: Cell::new(0) };
    leave(tx, &mut day)?;
    Ok(day)
}

/// Two pieces that are due today.
fn due_order(number: &str, bundle_number: &str) -> NewOrder {
    let mut order = new_order(number);
    "39160".clone_into(&mut order.recipient.zip_code);
    bundle_number.clone_into(&mut order.bundle_number);
    order.preferred_shipping_date = Some(day());
    order.quantity = 2;
    order
}

fn deliveries(tx: &mut dyn Tx) -> Result<Vec<DeliveryId>> {
    tx.query("SELECT id FROM deliveries WHERE state IN (0, 1) ORDER BY id", &[])?.iter().map(|row| row.id(0)).collect()
}

fn context(tx: &mut dyn Tx, actor: MemberActor) -> Result<EditContext> {
    let board = board::load(tx, &Districts::embedded(), day())?;
    let seen = board.columns.iter().map(|column| (column.key(), column.version())).collect();
    Ok(EditContext { actor, day: day(), seen })
}

/// Puts deliveries on a truck and fixes it.
fn plan(tx: &mut dyn Tx, actor: MemberActor, column: ColumnKey, ids: &[WorkId]) -> Result<TourId> {
    let districts = Districts::embedded();
    let now = context(tx, actor)?;
    edit::move_to(tx, &districts, &now, (column, None), ids)?.expect("moves");
    let now = context(tx, actor)?;
    edit::set_state(tx, &districts, &now, TourState::Fixed, Some(column))?.expect("fixes");
    let sql = "SELECT id FROM tours WHERE truck_id = ? AND day = ?";
    tx.scalar(sql, &[column.truck_id.into(), day().into()]).map(TourId::from_raw)
}

/// Hands the tour out, loads everything and leaves.
fn leave(tx: &mut dyn Tx, day: &mut Day) -> Result<()> {
    let version = store::tour(tx, day.tour)?.expect("a tour").version;
    hand_out::hand_out(tx, day.actor, (day.tour, version), (Some(day.actor.id), None))?.expect("hands out");
    let ticks: Vec<Tick> = store::loads(tx, day.tour)?
        .into_values()
        .map(|load| Tick { order_id: load.order_id, loaded: Some(load.expected), reason: String::new() })
        .collect();
    assert_eq!(hand_out::tick(tx, day.actor.id, day.tour, &ticks)?, Ok(()));
    hand_out::leave(tx, day.actor, day.tour, "전화로 확인")?.expect("leaves");
    day.key =
        key::issue(tx, (day.tour, self::day(), day.actor.id), &format!("secret {:?} {version}", day.tour), "전화")?;
    Ok(())
}

impl Day {
    fn load(&self, tx: &mut dyn Tx) -> Result<DriveTour> {
        Ok(tour::load(tx, self.tour)?.expect("a tour"))
    }

    /// The same tour on a phone with another key, whose identifiers start at another number.
    fn on_another_phone(&self, key: DayKeyId, next: u8) -> Self {
        Self { actor: self.actor, columns: self.columns.clone(), tour: self.tour, key, next: Cell::new(next) }
    }

    fn event(&self, tour: &DriveTour, stop: usize, kind: EventKind) -> NewEvent {
        self.next.set(self.next.get() + 1);
        let reason = (kind == EventKind::Failed).then_some(FailureReason::Absent);
        NewEvent {
            id: format!("{:032x}", self.next.get()),
            job_id: tour.stops[stop].job_id,
            number: i64::from(self.next.get()),
            happened_at: NOW.plus_ms(-HOUR_MS),
            clock_offset: 0,
            contact: NOW.plus_ms(-10 * HOUR_MS),
            kind,
            details: EventDetails { reason, ..EventDetails::default() },
            saw_version: tour.stops[stop].version.clone(),
        }
    }

    fn hand_in(&self, tx: &mut dyn Tx, events: &[NewEvent]) -> Result<Receipts> {
        self.hand_in_by(tx, None, events)
    }

    /// Hands in from a phone whose clock says this.
    fn hand_in_by(&self, tx: &mut dyn Tx, clock: Option<Moment>, events: &[NewEvent]) -> Result<Receipts> {
        let (key_id, source) = (Some(self.key), EventSource::Phone);
        hand_in::receive(tx, Reporter { actor: self.actor, key_id, source, clock, tour_id: self.tour }, events)
    }

    /// Types how a stop ended from a paper list.
    fn type_paper(&self, tx: &mut dyn Tx, event: &NewEvent) -> Result<Receipts> {
        let (key_id, source) = (None, EventSource::Paper);
        let reporter = Reporter { actor: self.actor, key_id, source, clock: None, tour_id: self.tour };
        hand_in::receive(tx, reporter, std::slice::from_ref(event))
    }

    fn report(&self, tx: &mut dyn Tx, stop: usize, kind: EventKind) -> Result<NewEvent> {
        let event = self.event(&self.load(tx)?, stop, kind);
        let receipts = self.hand_in(tx, std::slice::from_ref(&event))?;
        assert_eq!(receipts, [(event.id.clone(), Ok(()))]);
        Ok(event)
    }
}

fn open_findings(tx: &mut dyn Tx) -> Result<Vec<DriveFinding>> {
    Ok(findings::open(tx)?.into_iter().map(|row| row.finding).collect())
}

fn state_of(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<DeliveryState> {
    Ok(crate::deliveries::store::find(tx, delivery_id)?.expect("a delivery").state)
}

#[test]
fn delivered_stop_completes_its_delivery_at_the_time_of_the_event_once() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let event = day.report(tx, 0, EventKind::Delivered)?;
            let tour = day.load(tx)?;
            assert_eq!((tour.stops[0].status.state.clone(), tour.ended()), (StopState::Delivered, 1));
            assert!(tour.stops[0].tels.is_empty() && !tour.stops[1].tels.is_empty(), "the number is hidden once done");
            assert_eq!(state_of(tx, tour.stops[0].delivery_id)?, DeliveryState::Completed);
            let order = all_orders(tx)?.into_iter().find(|order| order.id == tour.stops[0].goods[0].order_id);
            assert_eq!(order.expect("the order").moments.of(OrderState::Shipped), Some(NOW.plus_ms(-HOUR_MS)));
            let entries: i64 = tx.scalar("SELECT count(*) FROM audit_entries", &[])?;
            assert_eq!(day.hand_in(tx, std::slice::from_ref(&event))?, [(event.id, Ok(()))], "the same answer again");
            assert_eq!(tx.scalar("SELECT count(*) FROM stop_events", &[])?, 1);
            assert_eq!(tx.scalar("SELECT count(*) FROM audit_entries", &[])?, entries, "nothing happens twice");
            assert_eq!(open_findings(tx)?, []);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn failed_stop_returns_to_the_pool_with_its_history() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            day.report(tx, 0, EventKind::Failed)?;
            let board = board::load(tx, &Districts::embedded(), self::day())?;
            let tour = day.load(tx)?;
            assert_eq!((board.pool.len(), board.columns[0].stops.len(), tour.stops.len()), (1, 1, 2));
            assert_eq!(tour.stops[0].status.state.label(), "실패: 부재");
            // The third attempt of one job asks the office to decide.
            let job = tour.stops[0].job_id;
            tx.exec("UPDATE stops SET attempt = 2 WHERE job_id = ? AND attempt = 1", &[job.into()])?;
            let mut second = day.on_another_phone(DayKeyId::UNSTORED, 100);
            second.tour = plan(tx, day.actor, day.columns[1], &[tour.stops[0].delivery_id.into()])?;
            leave(tx, &mut second)?;
            second.report(tx, 0, EventKind::Failed)?;
            assert_eq!(open_findings(tx)?, [DriveFinding::ThirdFailure]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn cancelled_order_that_was_delivered_stays_cancelled_and_is_found() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let before = day.load(tx)?;
            let cancelled = before.stops[0].goods[0].order_id;
            tx.exec("UPDATE orders SET state = 5, cancelled_at = 1 WHERE id = ?", &[cancelled.into()])?;
            tx.exec("UPDATE orders SET claim = '취소요청' WHERE id <> ?", &[cancelled.into()])?;
            let now = day.load(tx)?;
            assert!(now.stops.iter().all(tour::DriveStop::is_stopped), "the phone shows STOP after the next contact");
            for stop in 0..2 {
                let event = NewEvent { saw_version: String::new(), ..day.event(&before, stop, EventKind::Delivered) };
                assert_eq!(day.hand_in(tx, &[event])?[0].1, Ok(()), "a fact");
            }
            assert_eq!(open_findings(tx)?, [DriveFinding::Cancelled, DriveFinding::Cancelled]);
            assert!(all_orders(tx)?.iter().all(|order| order.state != OrderState::Shipped));
            Ok(())
        })
        .expect("writes");
}

#[test]
fn stop_that_the_office_moved_is_done_by_the_old_truck() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let before = day.load(tx)?;
            let moved = &before.stops[0];
            // The office reopens the tour by hand and gives the stop to the other truck.
            tx.exec("UPDATE tours SET state = 'draft' WHERE id = ?", &[day.tour.into()])?;
            plan(tx, day.actor, day.columns[1], &[moved.delivery_id.into()])?;
            tx.exec("UPDATE tours SET state = 'out' WHERE id = ?", &[day.tour.into()])?;
            let shown = day.load(tx)?;
            let stop = shown.stop(moved.job_id).expect("still shown");
            assert_eq!(stop.moved_to.as_deref(), Some("2호차"));
            let event = day.event(&before, 0, EventKind::Delivered);
            assert_eq!(day.hand_in(tx, &[event])?[0].1, Ok(()));
            assert_eq!(open_findings(tx)?, [DriveFinding::Moved]);
            assert_eq!(store::live_tour(tx, moved.job_id)?, None, "the stop of the other truck falls away");
            assert_eq!(state_of(tx, moved.delivery_id)?, DeliveryState::Completed);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn changed_address_wrong_clock_and_second_phone_are_found() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let before = day.load(tx)?;
            tx.exec("UPDATE orders SET recipient_address2 = '다른 동'", &[])?;
            day.hand_in(tx, &[day.event(&before, 0, EventKind::Delivered)])?;
            assert_eq!(open_findings(tx)?, [DriveFinding::Changed]);

            let now = day.load(tx)?;
            let late = NewEvent {
                happened_at: NOW.plus_ms(-4 * HOUR_MS),
                clock_offset: 3 * HOUR_MS,
                ..day.event(&now, 1, EventKind::Failed)
            };
            day.hand_in(tx, &[late])?;
            assert_eq!(day.load(tx)?.stops[1].status.ended_at(), Some(NOW.plus_ms(-HOUR_MS)), "the corrected time");
            let helper = key::issue(tx, (day.tour, self::day(), day.actor.id), "another", "전화 2")?;
            let earlier =
                NewEvent { happened_at: NOW.plus_ms(-2 * HOUR_MS), ..day.event(&now, 1, EventKind::Delivered) };
            let second = day.on_another_phone(helper, 50);
            second.hand_in(tx, &[earlier])?;
            let stop = &day.load(tx)?.stops[1];
            assert_eq!((stop.status.state.clone(), stop.status.remarks.len()), (StopState::Delivered, 1));
            assert_eq!(open_findings(tx)?, [DriveFinding::Changed, DriveFinding::Clock, DriveFinding::SecondReport]);
            assert_eq!(state_of(tx, stop.delivery_id)?, DeliveryState::Completed);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn events_of_strangers_unreadable_ones_and_late_regrets_are_rejected() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let tour = day.load(tx)?;
            let stranger = NewEvent { job_id: JobId::from_raw(7), ..day.event(&tour, 0, EventKind::Delivered) };
            let unreadable = NewEvent { id: "x".to_owned(), ..day.event(&tour, 0, EventKind::Delivered) };
            let reasonless = NewEvent { details: EventDetails::default(), ..day.event(&tour, 0, EventKind::Failed) };
            let verdicts: Vec<_> =
                day.hand_in(tx, &[stranger, unreadable, reasonless])?.into_iter().map(|(_, verdict)| verdict).collect();
            assert_eq!(verdicts, [Err(Rejection::UnknownStop), Err(Rejection::Malformed), Err(Rejection::Malformed)]);

            let done = day.event(&tour, 0, EventKind::Delivered);
            let mut undo = day.event(&tour, 0, EventKind::Undone);
            undo.details.undone = Some(done.id.clone());
            let receipts = day.hand_in(tx, &[done, undo])?;
            assert!(receipts.iter().all(|(_, verdict)| verdict.is_ok()), "together: nobody acted on it");
            assert_eq!(day.load(tx)?.stops[0].status.state, StopState::Open);
            let done = day.report(tx, 1, EventKind::Delivered)?;
            let mut undo = day.event(&tour, 1, EventKind::Undone);
            undo.details.undone = Some(done.id);
            assert_eq!(day.hand_in(tx, &[undo])?[0].1, Err(Rejection::TooLate));
            Ok(())
        })
        .expect("writes");
}

#[test]
fn partial_acceptance_leaves_the_rest_to_be_planned() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1"])?;
            let tour = day.load(tx)?;
            let mut event = day.event(&tour, 0, EventKind::Delivered);
            event.details.accepted = hand_in::accepted_pairs([(tour.stops[0].goods[0].order_id, 1)]);
            event.details.collected =
                vec![CollectedGoods { what: "헌 매트리스".to_owned(), count: 1, planned: false }];
            day.hand_in(tx, &[event])?;
            assert_eq!(open_findings(tx)?, [DriveFinding::Collected, DriveFinding::Partial]);
            assert_eq!(state_of(tx, tour.stops[0].delivery_id)?, DeliveryState::Preparing);
            let tour = day.load(tx)?;
            let lines = lines(&tour, &BTreeMap::new());
            let sums: Vec<_> = lines.iter().map(|line| (line.taken, line.delivered, line.missing())).collect();
            assert_eq!(sums, [(2, 1, 1), (1, 0, 1)]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn truck_leaves_with_every_piece_ticked_or_explained() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let version = store::tour(tx, day.tour)?.expect("a tour").version;
            hand_out::take_back(tx, day.actor, (day.tour, version), "짐을 다시 실음")?.expect("back to loading");
            let leave = |tx: &mut dyn Tx, despite| hand_out::leave(tx, day.actor, day.tour, despite);
            let orders: Vec<OrderId> = store::loads(tx, day.tour)?.into_keys().collect();
            let tick = |tx: &mut dyn Tx, loaded, reason: &str| {
                let tick = Tick { order_id: orders[0], loaded, reason: reason.to_owned() };
                hand_out::tick(tx, day.actor.id, day.tour, &[tick])
            };
            tick(tx, None, "")?.expect("saves");
            assert!(matches!(leave(tx, "확인")?, Err(StepRefusal::NotLoaded(lines)) if lines.len() == 1));
            tick(tx, Some(1), "")?.expect("saves");
            assert!(matches!(leave(tx, "확인")?, Err(StepRefusal::NoReason(_))));
            tick(tx, Some(1), "한 개 파손")?.expect("saves");
            assert!(matches!(leave(tx, "")?, Err(StepRefusal::OldClaims(_))), "no claims were ever uploaded");
            tx.exec("UPDATE orders SET claim = '취소요청' WHERE id = ?", &[orders[0].into()])?;
            assert!(matches!(tick(tx, Some(1), "")?, Err(StepRefusal::NoReason(_))), "STOP");
            leave(tx, "전화로 확인")?.expect("leaves");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn cancelled_stop_needs_no_record_but_its_pieces_are_counted() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let cancelled = day.load(tx)?.stops[0].goods[0].order_id;
            tx.exec("UPDATE orders SET state = 5, cancelled_at = 1 WHERE id = ?", &[cancelled.into()])?;
            day.report(tx, 1, EventKind::Delivered)?;
            let close = |tx: &mut dyn Tx, counts| close::close(tx, day.actor, day.tour, &counts, false);
            assert!(matches!(close(tx, BTreeMap::new())?, Err(CloseRefusal::Missing(lines)) if lines.len() == 1));
            let lines = close::lines(&day.load(tx)?, &BTreeMap::new());
            let counts = lines.iter().map(|line| (line.key.clone(), (line.remaining(), 0))).collect();
            assert!(close(tx, counts)?.is_ok());
            Ok(())
        })
        .expect("writes");
}

#[test]
fn tour_closes_when_every_piece_is_accounted_for_and_late_events_reopen_it() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2", "3"])?;
            day.report(tx, 0, EventKind::Delivered)?;
            let close = |tx: &mut dyn Tx, counts: &BTreeMap<String, (i64, i64)>, force| {
                close::close(tx, day.actor, day.tour, counts, force)
            };
            assert!(matches!(close(tx, &BTreeMap::new(), false)?, Err(CloseRefusal::Unreported(names)) if names.len() == 2));
            day.report(tx, 1, EventKind::Failed)?;
            let late = day.event(&day.load(tx)?, 2, EventKind::Delivered);
            day.report(tx, 2, EventKind::Failed)?;
            let tour = day.load(tx)?;
            let key = |stop: usize| tour.stops[stop].goods[0].order_id.to_string();
            let mut counts: BTreeMap<String, (i64, i64)> = [(key(1), (1, 0)), (key(2), (2, 0))].into();
            let refused = close(tx, &counts, false)?;
            assert!(matches!(&refused, Err(CloseRefusal::Missing(lines)) if lines.len() == 1 && lines[0].contains("1개 모자라요")));
            counts.insert(key(1), (1, 1));
            store::keys::save_left(tx, day.key, 3, &[])?;
            assert!(matches!(close(tx, &counts, false)?, Err(CloseRefusal::Phones(phones)) if phones[0].ends_with("3건")));
            // A record that was not accepted is settled by what the office types.
            let job = tour.stops[2].job_id.to_string();
            store::keys::save_left(tx, day.key, 0, &[job])?;
            let refused = close(tx, &counts, false)?;
            assert!(matches!(refused, Err(CloseRefusal::Phones(phones)) if phones[0].ends_with("받아들이지 않은 기록 1건")));
            day.type_paper(tx, &day.event(&tour, 2, EventKind::Failed))?;
            close(tx, &counts, false)?.expect("closes");
            assert_eq!(store::tour(tx, day.tour)?.expect("a tour").state, TourState::Closed);

            let helper = key::issue(tx, (day.tour, self::day(), day.actor.id), "late", "전화 2")?;
            let second = day.on_another_phone(helper, 90);
            let late = NewEvent { happened_at: NOW.plus_ms(-3 * HOUR_MS), ..late };
            second.hand_in(tx, &[late])?;
            assert_eq!(store::tour(tx, day.tour)?.expect("a tour").state, TourState::Out);
            assert_eq!(open_findings(tx)?, [DriveFinding::SecondReport, DriveFinding::Closed, DriveFinding::SecondReport]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn random_days_lose_and_double_nothing() {
    Shop::open()
        .write(|tx, files| {
            let mut random = Random::new(19);
            let numbers: Vec<String> = (1..=60).map(|number| number.to_string()).collect();
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            let day = set_up(tx, files, &numbers)?;
            let tour = day.load(tx)?;
            let mut sent = Vec::new();
            let mut expected = BTreeSet::new();
            for stop in 0..tour.stops.len() {
                let mut last = None;
                for _ in 0..=random.below(3) {
                    let kind = [EventKind::Arrived, EventKind::Delivered, EventKind::Failed][random.below(3) as usize];
                    sent.push(day.event(&tour, stop, kind));
                    last = if kind == EventKind::Arrived { last } else { Some(kind) };
                }
                if last == Some(EventKind::Delivered) {
                    expected.insert(tour.stops[stop].delivery_id);
                }
            }
            // A queue is handed in in order, in pieces, some of them again because the answer was lost.
            let mut at = 0;
            while at < sent.len() {
                let to = (at + 1 + random.below(9) as usize).min(sent.len());
                for _ in 0..=random.below(2) {
                    assert!(day.hand_in(tx, &sent[at..to])?.iter().all(|(_, verdict)| verdict.is_ok()));
                }
                at = to;
            }
            let stored: i64 = tx.scalar("SELECT count(*) FROM stop_events", &[])?;
            assert_eq!(usize::try_from(stored).expect("a count"), sent.len());
            let tour = day.load(tx)?;
            let delivered: BTreeSet<DeliveryId> = tour
                .stops
                .iter()
                .filter(|stop| stop.status.state == StopState::Delivered)
                .map(|stop| stop.delivery_id)
                .collect();
            assert_eq!(delivered, expected);
            for stop in &tour.stops {
                let is_completed = state_of(tx, stop.delivery_id)? == DeliveryState::Completed;
                assert_eq!(is_completed, delivered.contains(&stop.delivery_id), "orders follow the last word");
            }
            // Truck zero: closed exactly when every line is accounted for.
            let counts: BTreeMap<String, (i64, i64)> = lines(&tour, &BTreeMap::new())
                .into_iter()
                .map(|line| (line.key.clone(), (line.missing(), 0)))
                .collect();
            let balanced = lines(&tour, &counts);
            assert!(balanced.iter().all(|line| line.missing() == 0));
            for (key, (returned, _)) in counts.iter().take(5) {
                let mut wrong = counts.clone();
                wrong.insert(key.clone(), (returned + 1, 0));
                assert!(lines(&tour, &wrong).iter().any(|line| line.missing() == -1));
            }
            Ok(())
        })
        .expect("writes");
}
