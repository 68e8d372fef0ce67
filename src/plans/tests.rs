//! Plans in the database: what is due, and what dispatchers and the route engine change.

mod tasks;

use std::net::IpAddr;

use chrono::NaiveDate;

use super::assign::{NewPlan, Scope, plan};
use super::board::{self, Board, BoardStop};
use super::edit::{self, EditContext, Refusal, SeenVersions};
use super::export::DayExport;
use super::model::{ColumnKey, Hold, Job, TourState};
use super::store::{self, due::MAX_DUE};
use super::work::WorkChange;
use crate::audit::{AuditEvent, MemberActor};
use crate::deliveries::complete::complete;
use crate::districts::Districts;
use crate::id::{DeliveryId, JobId, WorkId};
use crate::members::model::Role;
use crate::members::store as members;
use crate::orders::model::{NewOrder, ShippingMethod};
use crate::orders::testing::{Files, Shop, new_order};
use crate::storage::{Result, StorageError, Tx};
use crate::time::parse_date;
use crate::trucks::model::Truck;
use crate::trucks::store as trucks;
use crate::trucks::weekdays::Weekdays;

const DAY: &str = "2026-11-24";

pub(super) fn day(text: &str) -> NaiveDate {
    parse_date(text).expect("a date")
}

pub(super) fn order(number: &str, zip_code: &str, date: Option<&str>) -> NewOrder {
    let mut order = new_order(number);
    zip_code.clone_into(&mut order.recipient.zip_code);
    order.recipient.name = format!("수취인 {number}");
    order.bundle_number = format!("B{number}");
    order.preferred_shipping_date = date.map(day);
    order
}

/// Two trucks, a depot in 구미, and orders.
pub(super) fn set_up(tx: &mut dyn Tx, files: &Files, orders: Vec<NewOrder>) -> Result<(MemberActor, Vec<ColumnKey>)> {
    let id = members::add(tx, "driver", Role::Logistics, "hash")?.expect("a free name");
    let mut settings = trucks::settings(tx)?;
    "39100".clone_into(&mut settings.depot_zip);
    trucks::save_settings(tx, &settings)?;
    let mut columns = Vec::new();
    for name in ["1호차", "2호차"] {
        let truck_id = trucks::insert(tx, &Truck::suggestion(name.to_owned()))?;
        columns.push(ColumnKey { truck_id, round: 1 });
    }
    files.order(tx, "SMART_STORE", orders)?;
    Ok((MemberActor { id, address: IpAddr::from([127, 0, 0, 1]) }, columns))
}

pub(super) fn context(actor: MemberActor, board: &Board) -> EditContext {
    let seen: SeenVersions = board.columns.iter().map(|column| (column.key(), column.version())).collect();
    EditContext { actor, day: board.day, seen }
}

fn load(tx: &mut dyn Tx) -> Result<Board> {
    board::load(tx, &Districts::embedded(), day(DAY))
}

fn pool(board: &Board) -> Vec<String> {
    let mut bundles: Vec<String> = board.pool.iter().map(|item| item.work.bundle_number.clone()).collect();
    bundles.sort();
    bundles
}

fn stops(board: &Board, column: usize) -> Vec<String> {
    board.columns[column].stops.iter().map(|stop| stop.item.work.bundle_number.clone()).collect()
}

fn delivery(tx: &mut dyn Tx, bundle: &str) -> Result<DeliveryId> {
    tx.scalar("SELECT id FROM deliveries WHERE bundle_number = ?", &[bundle.into()]).map(DeliveryId::from_raw)
}

#[test]
fn deliveries_of_the_day_and_overdue_ones_are_due() {
    Shop::open()
        .write(|tx, files| {
            let mut parcel = order("5", "39100", Some(DAY));
            parcel.shipping_method = ShippingMethod::Parcel;
            let orders = vec![
                order("1", "39100", Some(DAY)),
                order("2", "39160", Some("2026-11-20")),
                order("3", "39160", Some("2026-11-25")),
                order("4", "39160", None),
                parcel,
                order("6", "39160", Some("2026-08-01")),
            ];
            set_up(tx, files, orders)?;
            assert_eq!(pool(&load(tx)?), ["B1", "B2"], "not tomorrow's, not at the factory, no parcel, not months ago");

            let ready = delivery(tx, "B4")?;
            tx.exec("UPDATE deliveries SET state = 1 WHERE id = ?", &[ready.into()])?;
            assert_eq!(pool(&load(tx)?), ["B1", "B2", "B4"], "ready without a date");
            let gumi = Districts::embedded().lookup("39160").district().expect("a district");
            trucks::set_district_weekdays(tx, gumi, None, Some(Weekdays::from_numbers([4])))?;
            let board = load(tx)?;
            assert_eq!((pool(&board), board.other_days), (vec!["B1".to_owned(), "B2".to_owned()], 1));
            assert!(board.pool.iter().all(|item| item.not_served.is_some()), "a Tuesday");

            let moved = delivery(tx, "B3")?;
            store::insert_jobs(tx, &mut [Job { delivery_id: moved, day: parse_date(DAY), ..Job::default() }])?;
            let later = delivery(tx, "B1")?;
            let to = parse_date("2026-11-26");
            store::insert_jobs(tx, &mut [Job { delivery_id: later, day: to, ..Job::default() }])?;
            assert_eq!(pool(&load(tx)?), ["B2", "B3"], "moved by hand");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn fixed_tour_refuses_changes_until_it_is_reopened() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let numbers = ["1", "2", "3", "4"];
            let orders = numbers.iter().map(|number| order(number, "39160", Some(DAY))).collect();
            let (actor, columns) = set_up(tx, files, orders)?;
            let before = load(tx)?;
            let new = plan(&before, &Scope::Everything).expect("plans");
            let applied = edit::apply(tx, &districts, &context(actor, &before), &new)?;
            assert!(matches!(applied, Ok(AuditEvent::StopsAssigned { planned: 4, left_out: 0, .. })), "{applied:?}");
            let planned = load(tx)?;
            assert!(pool(&planned).is_empty() && planned.columns.iter().all(|column| column.excesses().is_empty()));
            assert_eq!(stops(&planned, 0).len() + stops(&planned, 1).len(), 4);
            let export = DayExport::from(&planned);
            let exported: usize = export.tours.iter().map(|tour| tour.stops.len()).sum();
            assert_eq!((exported, export.unassigned.len(), export.tours[0].state), (4, 0, "draft"));
            assert!(export.tours.iter().all(|tour| tour.stops[0].arrives_at > tour.departs_at));
            assert!(export.to_text(&planned).ends_with("미배차 0곳"));
            let week = store::days_between(tx, day("2026-11-23"), day("2026-11-29"))?;
            assert_eq!(week.get(&day(DAY)).map(|count| (count.stops, count.fixed)), Some((4, 0)));

            let stale = edit::apply(tx, &districts, &context(actor, &before), &new)?;
            assert!(matches!(stale, Err(Refusal::Stale { by: Some(_), .. })), "{stale:?}");

            let fixed = edit::set_state(tx, &districts, &context(actor, &planned), TourState::Fixed, None)?;
            assert!(matches!(fixed, Ok(AuditEvent::ToursFixed { .. })), "{fixed:?}");
            let board = load(tx)?;
            let column = columns.iter().position(|_| board.columns[0].is_fixed()).expect("a fixed tour");
            let id = board.columns[column].stops[0].item.work.delivery_id;
            let refused = edit::unassign(tx, &districts, &context(actor, &board), &[id.into()])?;
            assert!(matches!(refused, Err(Refusal::Fixed { .. })), "{refused:?}");
            let key = board.columns[column].key();
            assert!(edit::set_state(tx, &districts, &context(actor, &board), TourState::Draft, Some(key))?.is_ok());
            let board = load(tx)?;
            assert!(edit::unassign(tx, &districts, &context(actor, &board), &[id.into()])?.is_ok());
            assert_eq!(load(tx)?.pool.len(), 1);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn moved_stop_is_pinned_to_its_truck() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let orders = ["1", "2", "3"].iter().map(|number| order(number, "39160", Some(DAY))).collect();
            let (actor, columns) = set_up(tx, files, orders)?;
            let ids: Vec<DeliveryId> =
                ["B1", "B2", "B3"].into_iter().map(|bundle| delivery(tx, bundle)).collect::<Result<_>>()?;
            let moved = |tx: &mut dyn Tx, to: usize, at: Option<usize>, ids: &[WorkId]| {
                let board = load(tx)?;
                edit::move_to(tx, &districts, &context(actor, &board), (columns[to], at), ids)
            };
            assert!(moved(tx, 0, Some(0), &WorkId::of_deliveries(&ids[..2]))?.is_ok());
            assert!(moved(tx, 0, None, &WorkId::of_deliveries(&ids[2..]))?.is_ok());
            let board = load(tx)?;
            assert_eq!(stops(&board, 0).len(), 3);
            assert!(board.columns[0].stops.iter().all(|stop| stop.stop.hold == Hold::Truck));

            let first = board.columns[0].stops[0].item.work.delivery_id;
            assert!(edit::move_by_one(tx, &districts, &context(actor, &board), first.into(), true)?.is_ok());
            let board = load(tx)?;
            assert_eq!(board.columns[0].stops[1].item.work.delivery_id, first);
            assert_eq!(board.columns[0].stops[1].stop.hold, Hold::Place, "its place stays");
            let up = edit::move_by_one(
                tx,
                &districts,
                &context(actor, &board),
                board.columns[0].stops[0].item.work.delivery_id.into(),
                false,
            )?;
            assert_eq!(up, Err(Refusal::Nothing), "the first stop");

            assert!(edit::set_hold(tx, &districts, &context(actor, &board), Hold::Free, &[first.into()])?.is_ok());
            assert!(moved(tx, 1, None, &[first.into()])?.is_ok());
            let board = load(tx)?;
            assert_eq!((stops(&board, 0).len(), stops(&board, 1).len()), (2, 1));
            let nothing =
                edit::move_to(tx, &districts, &context(actor, &board), (columns[1], None), &[WorkId::from_raw(99)])?;
            assert_eq!(nothing, Err(Refusal::Nothing));
            assert_eq!(tx.scalar("SELECT count(*) FROM jobs", &[])?, 3, "one job a delivery");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn undone_move_restores_trucks_places_and_holds() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let orders = ["1", "2", "3", "4"].iter().map(|number| order(number, "39160", Some(DAY))).collect();
            let (actor, columns) = set_up(tx, files, orders)?;
            let bundles = ["B1", "B2", "B3", "B4"];
            let ids: Vec<DeliveryId> = bundles.into_iter().map(|bundle| delivery(tx, bundle)).collect::<Result<_>>()?;
            let moved = |tx: &mut dyn Tx, to: usize, at: Option<usize>, ids: &[WorkId]| {
                let board = load(tx)?;
                edit::move_to(tx, &districts, &context(actor, &board), (columns[to], at), ids)
            };
            let state = |tx: &mut dyn Tx| -> Result<Vec<Vec<(WorkId, Hold)>>> {
                let stop = |stop: &BoardStop| (stop.item.work.key, stop.stop.hold);
                Ok(load(tx)?.columns.iter().map(|column| column.stops.iter().map(stop).collect()).collect())
            };
            moved(tx, 0, Some(0), &WorkId::of_deliveries(&ids[..2]))?.expect("moves");
            moved(tx, 1, None, &WorkId::of_deliveries(&ids[2..3]))?.expect("moves");
            let board = load(tx)?;
            edit::set_hold(tx, &districts, &context(actor, &board), Hold::Place, &WorkId::of_deliveries(&ids[1..2]))?
                .expect("holds");
            let before = state(tx)?;
            let undone = |tx: &mut dyn Tx, to: usize, at: Option<usize>, ids: &[WorkId]| {
                let former = moved(tx, to, at, ids)?.expect("moves").former;
                assert_ne!(state(tx)?, before);
                let board = load(tx)?;
                edit::put_back(tx, &districts, &context(actor, &board), &former)?.expect("undoes");
                assert_eq!(state(tx)?, before);
                Ok::<_, StorageError>(())
            };
            undone(tx, 1, None, &WorkId::of_deliveries(&ids))?;
            undone(tx, 0, Some(0), &WorkId::of_deliveries(&ids[1..2]))?;
            undone(tx, 0, None, &WorkId::of_deliveries(&ids[3..]))?;
            let again = moved(tx, 0, None, &WorkId::of_deliveries(&ids[..2]))?;
            assert_eq!(again, Err(Refusal::AlreadyThere { column: "1호차".to_owned() }));
            let same = moved(tx, 0, Some(0), &WorkId::of_deliveries(&ids[..1]))?;
            assert!(matches!(same, Err(Refusal::AlreadyThere { .. })), "{same:?}");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn overfilled_truck_is_named_with_both_numbers() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let orders = ["1", "2"].iter().map(|number| order(number, "39160", Some(DAY))).collect();
            let (actor, columns) = set_up(tx, files, orders)?;
            tx.exec("UPDATE trucks SET pieces = 1", &[])?;
            let ids = [delivery(tx, "B1")?, delivery(tx, "B2")?];
            let board = load(tx)?;
            let fits = edit::move_to(
                tx,
                &districts,
                &context(actor, &board),
                (columns[0], None),
                &WorkId::of_deliveries(&ids[..1]),
            )?;
            assert!(fits.expect("moves").exceeded.is_empty());
            let board = load(tx)?;
            let over = edit::move_to(
                tx,
                &districts,
                &context(actor, &board),
                (columns[0], None),
                &WorkId::of_deliveries(&ids[1..]),
            )?;
            assert_eq!(over.expect("moves").exceeded, ["개수 초과 (2 / 1개)"]);
            let board = load(tx)?;
            let down = edit::move_by_one(
                tx,
                &districts,
                &context(actor, &board),
                board.columns[0].stops[0].item.work.key,
                true,
            )?;
            assert!(down.expect("moves").exceeded.is_empty(), "the truck was too full before");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn changes_after_the_plan_are_shown_until_acknowledged() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let (actor, columns) = set_up(tx, files, vec![order("1", "39160", Some(DAY))])?;
            let id = delivery(tx, "B1")?;
            let board = load(tx)?;
            edit::move_to(tx, &districts, &context(actor, &board), (columns[0], None), &[id.into()])?.expect("moves");
            tx.exec("UPDATE orders SET recipient_address2 = '다른 동', claim = '취소요청'", &[])?;
            files.order(
                tx,
                "SMART_STORE",
                vec![NewOrder { bundle_number: "B1".to_owned(), ..order("2", "39160", Some(DAY)) }],
            )?;
            let board = load(tx)?;
            let labels: Vec<String> = board.columns[0].stops[0].changes.iter().map(WorkChange::label).collect();
            assert_eq!(labels, ["주문 1건 추가", "취소요청", "주소 바뀜"]);
            assert_eq!(board.columns[0].schedule.pieces, 2, "the load is that of now");
            edit::set_state(tx, &districts, &context(actor, &board), TourState::Fixed, None)?.expect("fixes");
            let board = load(tx)?;
            assert!(
                edit::acknowledge(tx, &districts, &context(actor, &board), &[id.into()])?.is_ok(),
                "also in a fixed tour"
            );
            assert!(load(tx)?.columns[0].stops[0].changes.is_empty());
            Ok(())
        })
        .expect("writes");
}

/// Two stops in order, of which the first was delivered in another way since.
fn one_of_two_is_delivered(tx: &mut dyn Tx, files: &Files) -> Result<(MemberActor, DeliveryId)> {
    let (actor, columns) = set_up(tx, files, vec![order("1", "39160", Some(DAY)), order("2", "39177", Some(DAY))])?;
    let ids = [delivery(tx, "B1")?, delivery(tx, "B2")?];
    let board = load(tx)?;
    edit::move_to(
        tx,
        &Districts::embedded(),
        &context(actor, &board),
        (columns[0], None),
        &WorkId::of_deliveries(&ids),
    )?
    .expect("moves");
    complete(tx, actor, &ids[..1], &[])?;
    Ok((actor, ids[0]))
}

#[test]
fn delivered_stop_leaves_its_tour_also_a_fixed_one() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let (actor, id) = one_of_two_is_delivered(tx, files)?;
            let board = load(tx)?;
            let stop = board.columns[0].stops.iter().find(|stop| stop.item.work.key == id.into()).expect("its stop");
            assert_eq!(stop.changes, [WorkChange::Completed]);
            edit::set_state(tx, &districts, &context(actor, &board), TourState::Fixed, None)?.expect("fixes");
            let board = load(tx)?;
            edit::acknowledge(tx, &districts, &context(actor, &board), &[id.into()])?.expect("leaves");
            let board = load(tx)?;
            assert_eq!((stops(&board, 0), pool(&board)), (vec!["B2".to_owned()], Vec::new()));
            assert!(board.columns[0].is_fixed());
            Ok(())
        })
        .expect("writes");
}

#[test]
fn new_plan_leaves_out_what_is_delivered() {
    Shop::open()
        .write(|tx, files| {
            let (actor, _) = one_of_two_is_delivered(tx, files)?;
            let board = load(tx)?;
            let new = plan(&board, &Scope::Everything).expect("plannable");
            edit::apply(tx, &Districts::embedded(), &context(actor, &board), &new)?.expect("applies");
            let board = load(tx)?;
            assert_eq!([stops(&board, 0), stops(&board, 1)].concat(), ["B2"]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn delivery_left_out_has_its_rule_until_it_is_planned() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let (actor, columns) = set_up(tx, files, vec![order("1", "39160", Some(DAY))])?;
            let id = delivery(tx, "B1")?;
            let before = load(tx)?;
            let new = NewPlan {
                columns: vec![(columns[0], Vec::new())],
                left_out: vec![(id.into(), vec!["capacity", "shift"])],
            };
            edit::apply(tx, &districts, &context(actor, &before), &new)?.expect("applies");
            let job = load(tx)?.pool[0].job.clone().expect("a job");
            let rules = vec!["capacity".to_owned(), "shift".to_owned()];
            assert_eq!(job.left_out, Some((day(DAY), rules)));
            assert_eq!(tx.scalar("SELECT count(*) FROM tours", &[])?, 0, "no empty tour is stored");
            let board = load(tx)?;
            let planned = NewPlan { columns: vec![(columns[0], vec![id.into()])], left_out: Vec::new() };
            edit::apply(tx, &districts, &context(actor, &board), &planned)?.expect("applies");
            assert_eq!(load(tx)?.columns[0].stops[0].stop.job.left_out, None);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn acknowledged_change_leaves_the_positions_that_a_driver_has() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let orders = ["1", "2", "3"].iter().map(|number| order(number, "39160", Some(DAY))).collect();
            let (actor, columns) = set_up(tx, files, orders)?;
            let ids: Vec<DeliveryId> =
                ["B1", "B2", "B3"].into_iter().map(|bundle| delivery(tx, bundle)).collect::<Result<_>>()?;
            let board = load(tx)?;
            edit::move_to(
                tx,
                &districts,
                &context(actor, &board),
                (columns[0], Some(0)),
                &WorkId::of_deliveries(&ids),
            )?
            .expect("moves");
            tx.exec("UPDATE tours SET state = 'out', driver_id = ?", &[actor.id.into()])?;
            let first = load(tx)?.columns[0].stops[0].stop.clone();
            store::end_attempt(tx, first.job.id, None)?;
            tx.exec("UPDATE orders SET recipient_address2 = '다른 동'", &[])?;
            let positions = |tx: &mut dyn Tx| -> Result<Vec<(JobId, i64)>> {
                let rows = tx.query("SELECT job_id, position FROM stops ORDER BY position, job_id", &[])?;
                rows.into_iter().map(|row| Ok((row.id(0)?, row.int(1)?))).collect()
            };
            let before = positions(tx)?;
            let board = load(tx)?;
            assert!(!board.columns[0].stops[0].changes.is_empty());
            let last = board.columns[0].stops[1].item.work.key;
            edit::acknowledge(tx, &districts, &context(actor, &board), &[last])?.expect("acknowledges");
            assert_eq!(positions(tx)?, before, "as on the phone and the paper");
            let board = load(tx)?;
            let changed: Vec<bool> = board.columns[0].stops.iter().map(|stop| !stop.changes.is_empty()).collect();
            assert_eq!(changed, [true, false]);
            let again = edit::acknowledge(tx, &districts, &context(actor, &board), &[last])?;
            assert_eq!(again, Err(Refusal::Nothing));
            Ok(())
        })
        .expect("writes");
}

#[test]
fn finished_deliveries_that_were_moved_by_hand_hide_no_overdue_one() {
    Shop::open()
        .write(|tx, files| {
            let count = MAX_DUE + 2;
            let orders = (1..=count).map(|number| order(&number.to_string(), "39160", Some("2026-12-24"))).collect();
            set_up(tx, files, orders)?;
            let all: Vec<DeliveryId> =
                tx.query("SELECT id FROM deliveries", &[])?.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
            let moved = |id: &DeliveryId| Job { delivery_id: *id, day: parse_date(DAY), ..Job::default() };
            let mut jobs: Vec<Job> = all.iter().map(moved).collect();
            let overdue = all[all.len() / 2];
            jobs.iter_mut().filter(|job| job.delivery_id == overdue).for_each(|job| job.day = parse_date("2026-11-20"));
            store::insert_jobs(tx, &mut jobs)?;
            let board = load(tx)?;
            assert!(board.is_truncated && board.pool.len() == MAX_DUE);
            tx.exec("UPDATE orders SET state = 3, shipped_at = 1 WHERE delivery_id <> ?", &[overdue.into()])?;
            tx.exec("UPDATE deliveries SET state = 2 WHERE id <> ?", &[overdue.into()])?;
            let board = load(tx)?;
            let keys: Vec<WorkId> = board.pool.iter().map(|item| item.work.key).collect();
            assert_eq!((keys, board.is_truncated), (vec![overdue.into()], false));
            Ok(())
        })
        .expect("writes");
}
