//! Jobs beside deliveries (일감): made, divided, cancelled, opened again, planned with the others.

use super::*;
use crate::id::{DeliveryId, JobId, OrderId, WorkId};
use crate::plans::model::{JobKind, Task, TaskState};
use crate::plans::store::tasks;
use crate::plans::task::{self, TaskRefusal};

/// A job of these orders of a delivery, as it is suggested, on a day.
fn create(
    tx: &mut dyn Tx,
    actor: MemberActor,
    delivery_id: DeliveryId,
    kind: JobKind,
    orders: &[usize],
    on: Option<&str>,
) -> Result<std::result::Result<JobId, TaskRefusal>> {
    let whole = task::whole_delivery(tx, delivery_id)?.expect("a delivery");
    let orders: Vec<OrderId> = orders.iter().map(|at| whole.orders[*at].id).collect();
    let suggested = task::suggestion(&whole, kind, &orders);
    task::create(tx, actor, &Job { delivery_id, day: on.map(day), ..Job::default() }, &suggested)
}

fn job_of(tx: &mut dyn Tx, id: JobId) -> Result<Job> {
    Ok(tasks::by_ids(tx, &[id])?.pop().expect("a job").job)
}

fn keys(board: &Board) -> Vec<WorkId> {
    board.pool.iter().map(|item| item.work.key).collect()
}

/// A bundle of two orders and another of one.
fn orders() -> Vec<NewOrder> {
    let second = NewOrder { bundle_number: "B1".to_owned(), ..order("2", "39160", Some(DAY)) };
    vec![order("1", "39160", Some(DAY)), second, order("3", "39160", Some(DAY))]
}

#[test]
fn jobs_are_planned_with_deliveries_and_keep_their_goods() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let (actor, _) = set_up(tx, files, orders())?;
            let id = delivery(tx, "B3")?;
            tx.exec(
                "UPDATE orders SET state = 3, shipped_at = 1, claim = '반품요청' WHERE delivery_id = ?",
                &[id.into()],
            )?;
            tx.exec("UPDATE deliveries SET state = 2 WHERE id = ?", &[id.into()])?;
            let collect = create(tx, actor, id, JobKind::Collect, &[0], Some(DAY))?.expect("creates");
            let visit = create(tx, actor, id, JobKind::Service, &[0], Some("2026-11-25"))?.expect("creates");
            assert_eq!(
                create(tx, actor, id, JobKind::Swap, &[0], None)?,
                Err(TaskRefusal::Known),
                "it is taken back already"
            );
            let before = load(tx)?;
            assert_eq!(
                keys(&before),
                [WorkId::from(delivery(tx, "B1")?), collect.into()],
                "not tomorrow's, not the delivery that is over"
            );
            let new = plan(&before, &Scope::Everything).expect("plans");
            edit::apply(tx, &districts, &context(actor, &before), &new)?.expect("applies");
            let board = load(tx)?;
            let stops: Vec<_> = board.columns.iter().flat_map(|column| &column.stops).collect();
            let stop = stops.iter().find(|stop| stop.item.work.key == collect.into()).expect("planned");
            assert_eq!((stops.len(), stop.item.work.kind(), stop.item.effort.pieces), (2, JobKind::Collect, 0));
            assert!(stop.item.effort.collected_pieces > 0 && stop.changes.is_empty());
            assert_eq!(stop.stop.job.task.as_ref().map(|task| task.orders.len()), Some(1));
            let export = DayExport::from(&board);
            let exported: Vec<_> = export.tours.iter().flat_map(|tour| &tour.stops).map(|stop| stop.kind).collect();
            assert!(exported.contains(&"collect") && export.to_text(&board).contains(" 회수 수취인 3"));
            tx.exec("UPDATE orders SET claim = '' WHERE delivery_id = ?", &[id.into()])?;
            let board = load(tx)?;
            let stop =
                board.columns.iter().flat_map(|column| &column.stops).find(|stop| stop.item.work.key == collect.into());
            assert_eq!(stop.expect("planned").changes, [WorkChange::ClaimSettled]);

            let job = job_of(tx, visit)?;
            assert!(task::set_state(tx, actor, &job, TaskState::Cancelled)?.is_ok());
            assert_eq!(task::set_state(tx, actor, &job, TaskState::Cancelled)?, Err(TaskRefusal::Stale));
            assert!(task::set_state(tx, actor, &job, TaskState::Open)?.is_ok());
            let job = job_of(tx, collect)?;
            task::set_state(tx, actor, &job, TaskState::Cancelled)?.expect("cancels");
            assert_eq!(load(tx)?.columns.iter().map(|column| column.stops.len()).sum::<usize>(), 1, "it left its tour");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn divided_delivery_is_two_jobs_of_one_bundle() {
    Shop::open()
        .write(|tx, files| {
            let districts = Districts::embedded();
            let (actor, columns) = set_up(tx, files, orders())?;
            let id = delivery(tx, "B1")?;
            assert_eq!(create(tx, actor, id, JobKind::Deliver, &[0, 1], Some(DAY))?, Err(TaskRefusal::AllOrders));
            let part = create(tx, actor, id, JobKind::Deliver, &[1], Some("2026-11-25"))?.expect("creates");
            assert_eq!(create(tx, actor, id, JobKind::Deliver, &[1], None)?, Err(TaskRefusal::NotDivisible));
            let board = load(tx)?;
            let own = board.pool.iter().find(|item| item.work.key == id.into()).expect("due");
            assert_eq!((own.work.orders.len(), own.work.apart.len(), own.effort.pieces), (1, 1, 1));
            let tomorrow = super::board::load(tx, &districts, day("2026-11-25"))?;
            assert!(keys(&tomorrow).contains(&part.into()) && keys(&tomorrow).contains(&id.into()));
            edit::move_to(tx, &districts, &context(actor, &tomorrow), (columns[0], None), &[part.into()])?
                .expect("moves");
            let days = tasks::divided_days(tx, &[id])?;
            let planned: Vec<_> = days[&id].values().copied().collect();
            assert_eq!(planned, [Some(day("2026-11-25"))]);
            assert!(keys(&load(tx)?).contains(&id.into()), "the rest is still to be planned");
            assert_eq!(tx.scalar("SELECT count(*) FROM deliveries", &[])?, 2, "the bundle stays one");

            let job = job_of(tx, part)?;
            task::set_state(tx, actor, &job, TaskState::Cancelled)?.expect("cancels");
            let board = load(tx)?;
            let own = board.pool.iter().find(|item| item.work.key == id.into()).expect("due");
            assert_eq!((own.work.orders.len(), own.work.apart.len()), (2, 0), "together again");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn job_needs_goods_and_a_swap_its_order() {
    Shop::open()
        .write(|tx, files| {
            let (actor, columns) = set_up(tx, files, orders())?;
            let id = delivery(tx, "B1")?;
            assert_eq!(create(tx, actor, id, JobKind::Measure, &[], None)?, Err(TaskRefusal::NoGoods));
            let goods = Task {
                number: 0,
                kind: JobKind::Swap,
                state: TaskState::Open,
                goods: "헌 침대".to_owned(),
                pieces: 1,
                volume: 0,
                note: String::new(),
                orders: Vec::new(),
            };
            let job = Job { delivery_id: id, ..Job::default() };
            assert_eq!(task::create(tx, actor, &job, &goods)?, Err(TaskRefusal::NoOrder));
            let stranger = Task { orders: vec![OrderId::from_raw(7)], ..goods.clone() };
            assert_eq!(task::create(tx, actor, &job, &stranger)?, Err(TaskRefusal::Stale));
            let visit =
                task::create(tx, actor, &job, &Task { kind: JobKind::Service, pieces: 0, ..goods })?.expect("creates");
            let board = load(tx)?;
            let districts = Districts::embedded();
            edit::move_to(tx, &districts, &context(actor, &board), (columns[0], None), &[visit.into()])?
                .expect("moves");
            tx.exec("UPDATE tours SET state = 'out', driver_id = ?", &[actor.id.into()])?;
            let job = job_of(tx, visit)?;
            assert_eq!(task::set_state(tx, actor, &job, TaskState::Cancelled)?, Err(TaskRefusal::HandedOut));
            assert_eq!(tasks::find_deliveries(tx, "B1")?, [id]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn reopening_an_open_job_leaves_its_stop_on_the_road() {
    Shop::open()
        .write(|tx, files| {
            let (actor, columns) = set_up(tx, files, orders())?;
            let id = delivery(tx, "B1")?;
            let visit = create(tx, actor, id, JobKind::Service, &[0], Some(DAY))?.expect("creates");
            let board = load(tx)?;
            let districts = Districts::embedded();
            edit::move_to(tx, &districts, &context(actor, &board), (columns[0], None), &[visit.into()])?
                .expect("moves");
            tx.exec("UPDATE tours SET state = 'out', driver_id = ?", &[actor.id.into()])?;
            let job = job_of(tx, visit)?;
            assert_eq!(task::set_state(tx, actor, &job, TaskState::Open)?, Err(TaskRefusal::Stale), "an old page");
            assert_eq!(stops(&load(tx)?, 0), ["B1"]);

            // Done and reopened, it is to be planned again; pages of its tour are stale.
            tasks::set_state(tx, visit, TaskState::Done)?;
            let version = load(tx)?.columns[0].version();
            let job = job_of(tx, visit)?;
            task::set_state(tx, actor, &job, TaskState::Open)?.expect("opens");
            let board = load(tx)?;
            assert!(keys(&board).contains(&visit.into()) && board.columns[0].stops.is_empty());
            assert_eq!(board.columns[0].version(), version + 1);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn order_that_is_named_twice_is_divided_once() {
    Shop::open()
        .write(|tx, files| {
            let (actor, _) = set_up(tx, files, orders())?;
            let id = delivery(tx, "B1")?;
            let whole = task::whole_delivery(tx, id)?.expect("a delivery");
            let twice = [whole.orders[1].id, whole.orders[1].id];
            let suggested = task::suggestion(&whole, JobKind::Deliver, &twice);
            let part = task::create(tx, actor, &Job { delivery_id: id, ..Job::default() }, &suggested)?;
            assert_eq!(job_of(tx, part.expect("creates"))?.task.expect("a job").orders, [twice[0]]);
            Ok(())
        })
        .expect("writes");
}
