//! Jobs beside deliveries on the road: goods taken back, swaps, visits, divided deliveries, attempts.

use super::*;
use crate::id::{DayKeyId, DeliveryId, JobId, WorkId};
use crate::plans::model::{Attempt, Job, JobKind, TaskState};
use crate::plans::store::tasks;
use crate::plans::task;

/// A job of the first order of a delivery, as it is suggested.
fn create(tx: &mut dyn Tx, day: &Day, delivery_id: DeliveryId, kind: JobKind) -> Result<JobId> {
    let whole = task::whole_delivery(tx, delivery_id)?.expect("a delivery");
    let suggested = task::suggestion(&whole, kind, &[whole.orders[0].id]);
    let job = Job { delivery_id, ..Job::default() };
    Ok(task::create(tx, day.actor, &job, &suggested)?.expect("creates"))
}

/// Plans these jobs on the second truck, which leaves with them.
fn second_tour(tx: &mut dyn Tx, day: &Day, keys: &[WorkId], next: u8) -> Result<Day> {
    let mut second = day.on_another_phone(DayKeyId::UNSTORED, next);
    second.tour = plan(tx, day.actor, day.columns[1], keys)?;
    leave(tx, &mut second)?;
    Ok(second)
}

fn state_of_job(tx: &mut dyn Tx, id: JobId) -> Result<TaskState> {
    Ok(tasks::by_ids(tx, &[id])?.pop().and_then(|planned| planned.job.task).expect("a job").state)
}

#[test]
fn goods_taken_back_are_counted_and_leave_the_order_as_it_is() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let first = day.load(tx)?.stops[0].clone();
            day.report(tx, 0, EventKind::Delivered)?;
            tx.exec("UPDATE orders SET claim = '반품요청' WHERE id = ?", &[first.goods[0].order_id.into()])?;
            let job = create(tx, &day, first.delivery_id, JobKind::Collect)?;
            let second = second_tour(tx, &day, &[job.into()], 100)?;
            let tour = second.load(tx)?;
            let stop = &tour.stops[0];
            assert_eq!((stop.kind(), stop.goods.len(), stop.is_stopped()), (JobKind::Collect, 0, false));
            assert!(store::loads(tx, second.tour)?.is_empty(), "nothing is loaded");
            assert_eq!(stop.order_ids().collect::<Vec<_>>(), [first.goods[0].order_id], "whose recipient is shown");
            let close = |tx: &mut dyn Tx, counts: &BTreeMap<String, (i64, i64)>| {
                close::close(tx, day.actor, second.tour, counts, true)
            };
            assert!(
                matches!(close(tx, &BTreeMap::new())?, Err(CloseRefusal::Unreported(_))),
                "somebody was to go there"
            );

            second.report(tx, 0, EventKind::Delivered)?;
            assert_eq!(state_of_job(tx, job)?, TaskState::Done);
            assert_eq!(open_findings(tx)?, []);
            let order =
                all_orders(tx)?.into_iter().find(|order| order.id == first.goods[0].order_id).expect("the order");
            assert_eq!((order.state, order.claim.as_str()), (OrderState::Shipped, "반품요청"), "the channel decides");
            let counted = lines(&second.load(tx)?, &BTreeMap::new());
            let sums: Vec<_> = counted.iter().map(|line| (line.taken, line.delivered, line.missing())).collect();
            assert_eq!(sums, [(2, 0, 2)], "a report without a number means all of it");
            assert!(matches!(close(tx, &BTreeMap::new())?, Err(CloseRefusal::Missing(_))));
            close(tx, &[(counted[0].key.clone(), (2, 0))].into())?.expect("closes");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn fewer_goods_taken_back_than_planned_are_found() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let first = day.load(tx)?.stops[0].clone();
            day.report(tx, 0, EventKind::Delivered)?;
            let job = create(tx, &day, first.delivery_id, JobKind::Collect)?;
            let second = second_tour(tx, &day, &[job.into()], 100)?;
            let tour = second.load(tx)?;
            let mut event = second.event(&tour, 0, EventKind::Delivered);
            event.details.collected = vec![CollectedGoods { what: "침대".to_owned(), count: 1, planned: true }];
            event.details.collect_reason = Some(FailureReason::Damaged);
            assert_eq!(second.hand_in(tx, &[event])?[0].1, Ok(()));
            assert_eq!(open_findings(tx)?, [DriveFinding::NotCollected]);
            let counted = lines(&second.load(tx)?, &BTreeMap::new());
            assert_eq!((counted.len(), counted[0].taken), (1, 1));
            Ok(())
        })
        .expect("writes");
}

#[test]
fn swap_loads_the_new_goods_and_takes_the_old_ones_back() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let first = day.load(tx)?.stops[0].clone();
            day.report(tx, 0, EventKind::Delivered)?;
            let order_id = first.goods[0].order_id;
            tx.exec(
                "UPDATE orders SET claim = '교환요청', state = 6, refunded_at = 1 WHERE id = ?",
                &[order_id.into()],
            )?;
            let job = create(tx, &day, first.delivery_id, JobKind::Swap)?;
            let second = second_tour(tx, &day, &[job.into()], 100)?;
            let stop = second.load(tx)?.stops[0].clone();
            assert_eq!((stop.goods.len(), stop.is_stopped()), (1, false), "an exchange that the channel has settled");
            second.report(tx, 0, EventKind::Delivered)?;
            let sums: Vec<_> = lines(&second.load(tx)?, &BTreeMap::new())
                .iter()
                .map(|line| (line.taken, line.delivered, line.missing()))
                .collect();
            assert_eq!(sums, [(2, 2, 0), (2, 0, 2)], "new ones delivered, old ones aboard");
            assert_eq!((state_of_job(tx, job)?, open_findings(tx)?), (TaskState::Done, Vec::new()));
            Ok(())
        })
        .expect("writes");
}

#[test]
fn failed_collection_returns_to_the_pool_with_its_reason() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let first = day.load(tx)?.stops[0].clone();
            day.report(tx, 0, EventKind::Delivered)?;
            let job = create(tx, &day, first.delivery_id, JobKind::Collect)?;
            let second = second_tour(tx, &day, &[job.into()], 100)?;
            second.report(tx, 0, EventKind::Failed)?;
            let board = board::load(tx, &Districts::embedded(), self::day())?;
            let item = board.pool.iter().find(|item| item.work.key == job.into()).expect("in the pool");
            let label = format!("{} 부재", self::day().format("%-m/%-d"));
            assert_eq!(item.attempts.iter().map(Attempt::label).collect::<Vec<_>>(), std::slice::from_ref(&label));
            assert_eq!(state_of_job(tx, job)?, TaskState::Open);
            // The next driver sees it too.
            tx.exec("UPDATE tours SET state = 'draft', left_at = NULL WHERE id = ?", &[day.tour.into()])?;
            plan(tx, day.actor, day.columns[0], &[job.into()])?;
            let stop = day.load(tx)?.stop(job).expect("planned again").clone();
            assert_eq!(stop.attempts.iter().map(Attempt::label).collect::<Vec<_>>(), [label]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn divided_delivery_is_completed_part_by_part() {
    Shop::open()
        .write(|tx, files| {
            let mut day = set_up(tx, files, &["1"])?;
            let order = |number: &str| {
                let mut order: NewOrder = new_order(number);
                "39160".clone_into(&mut order.recipient.zip_code);
                order.bundle_number = "B9".to_owned();
                order.preferred_shipping_date = Some(self::day());
                order
            };
            files.order(tx, "SMART_STORE", vec![order("91"), order("92")])?;
            let id = DeliveryId::from_raw(tx.scalar("SELECT id FROM deliveries WHERE bundle_number = 'B9'", &[])?);
            let part = create(tx, &day, id, JobKind::Deliver)?;
            let districts = Districts::embedded();
            let pool: Vec<(WorkId, usize)> = board::load(tx, &districts, self::day())?
                .pool
                .iter()
                .map(|item| (item.work.key, item.work.orders.len()))
                .collect();
            assert_eq!(pool.iter().copied().collect::<BTreeSet<_>>(), [(id.into(), 1), (part.into(), 1)].into());
            tx.exec("UPDATE tours SET state = 'closed' WHERE id = ?", &[day.tour.into()])?;
            day.tour = plan(tx, day.actor, day.columns[1], &[id.into()])?;
            leave(tx, &mut day)?;
            let stop = day.load(tx)?.stops[0].clone();
            assert_eq!((stop.goods.len(), stop.apart.len(), stop.orders.len()), (1, 1, 2));
            day.report(tx, 0, EventKind::Delivered)?;
            assert_ne!(state_of(tx, id)?, DeliveryState::Completed, "the other part is still to come");
            let left: Vec<WorkId> =
                board::load(tx, &districts, self::day())?.pool.iter().map(|item| item.work.key).collect();
            assert_eq!(left, [part.into()]);

            tx.exec("UPDATE tours SET state = 'draft', left_at = NULL WHERE id = ?", &[day.tour.into()])?;
            plan(tx, day.actor, day.columns[1], &[part.into()])?;
            leave(tx, &mut day)?;
            let at = day.load(tx)?.stops.iter().position(|stop| stop.job_id == part).expect("the part");
            day.report(tx, at, EventKind::Delivered)?;
            assert_eq!((state_of(tx, id)?, state_of_job(tx, part)?), (DeliveryState::Completed, TaskState::Done));
            Ok(())
        })
        .expect("writes");
}
