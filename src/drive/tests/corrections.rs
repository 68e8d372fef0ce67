//! What is taken back: reports, tours, and the keys of members.

use super::*;
use crate::audit::AuditEvent;
use crate::drive::key::KeyRefusal;

fn undo_of(day: &Day, tour: &DriveTour, stop: usize, target: &NewEvent) -> NewEvent {
    let event = day.event(tour, stop, EventKind::Undone);
    NewEvent { details: EventDetails { undone: Some(target.id.clone()), ..event.details }, ..event }
}

#[test]
fn regret_after_a_lost_answer_is_too_late() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let done = day.report(tx, 0, EventKind::Delivered)?;
            // The phone had no answer: it still has the record, and its driver takes it back there.
            let undo = undo_of(&day, &day.load(tx)?, 0, &done);
            let receipts = day.hand_in(tx, &[done, undo])?;
            let verdicts: Vec<_> = receipts.into_iter().map(|(_, verdict)| verdict).collect();
            assert_eq!(verdicts, [Ok(()), Err(Rejection::TooLate)]);
            let tour = day.load(tx)?;
            assert_eq!(tour.stops[0].status.state, StopState::Delivered, "as the orders say");
            assert_eq!(state_of(tx, tour.stops[0].delivery_id)?, DeliveryState::Completed);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn failure_after_done_takes_the_completion_back_and_is_found() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let before = day.load(tx)?;
            let order = before.stops[0].goods[0].order_id;
            let state = |tx: &mut dyn Tx| -> Result<OrderState> {
                Ok(all_orders(tx)?.into_iter().find(|found| found.id == order).expect("the order").state)
            };
            let was = state(tx)?;
            day.report(tx, 0, EventKind::Delivered)?;
            assert_eq!(state(tx)?, OrderState::Shipped);
            day.report(tx, 0, EventKind::Failed)?;
            let tour = day.load(tx)?;
            assert_eq!((tour.stops[0].status.state.label(), state(tx)?), ("실패: 부재".to_owned(), was));
            assert_ne!(state_of(tx, tour.stops[0].delivery_id)?, DeliveryState::Completed);
            assert_eq!(open_findings(tx)?, [DriveFinding::Reversed]);
            let board = board::load(tx, &Districts::embedded(), self::day())?;
            assert_eq!(board.pool.len(), 1, "it is to be planned again");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn completion_of_the_office_stays_when_a_stop_fails_after_all() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1"])?;
            let tour = day.load(tx)?;
            let order = tour.stops[0].goods[0].order_id;
            let mut partial = day.event(&tour, 0, EventKind::Delivered);
            partial.details.accepted = hand_in::accepted_pairs([(order, 1)]);
            day.hand_in(tx, &[partial])?;
            crate::deliveries::complete::complete(tx, day.actor, &[tour.stops[0].delivery_id], &[])?;
            day.report(tx, 0, EventKind::Failed)?;
            assert_eq!(state_of(tx, tour.stops[0].delivery_id)?, DeliveryState::Completed, "the office decided");
            assert_eq!(open_findings(tx)?, [DriveFinding::Partial, DriveFinding::Reversed]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn tour_that_was_taken_back_is_loaded_anew() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let back = |tx: &mut dyn Tx| {
                let version = store::tour(tx, day.tour)?.expect("a tour").version;
                hand_out::take_back(tx, day.actor, (day.tour, version), "다시 배차")
            };
            back(tx)?.expect("from the road");
            assert!(store::loads(tx, day.tour)?.values().all(|load| load.loaded == Some(2)), "it is still aboard");
            back(tx)?.expect("to the office");
            assert!(store::loads(tx, day.tour)?.is_empty());

            let districts = Districts::embedded();
            let tour = day.load(tx)?;
            let (kept, gone) = (&tour.stops[0], &tour.stops[1]);
            let now = context(tx, day.actor)?;
            edit::set_state(tx, &districts, &now, TourState::Draft, Some(day.columns[0]))?.expect("reopens");
            let now = context(tx, day.actor)?;
            edit::unassign(tx, &districts, &now, &[gone.delivery_id.into()])?.expect("takes one off");
            tx.exec("UPDATE orders SET quantity = 3", &[])?;
            let now = context(tx, day.actor)?;
            let fixed = edit::set_state(tx, &districts, &now, TourState::Fixed, Some(day.columns[0]))?;
            assert!(matches!(fixed, Ok(AuditEvent::ToursFixed { .. })), "{fixed:?}");
            let version = store::tour(tx, day.tour)?.expect("a tour").version;
            let who = (Some(day.actor.id), None);
            hand_out::hand_out(tx, day.actor, (day.tour, version), who)?.expect("hands out");
            let loads: Vec<_> = store::loads(tx, day.tour)?.into_values().collect();
            let [load] = loads.as_slice() else { panic!("one line: {loads:?}") };
            assert_eq!((load.order_id, load.expected, load.loaded), (kept.goods[0].order_id, 3, None));
            let tour = day.load(tx)?;
            let away = tour.stop(gone.job_id).expect("his phone has it").moved_to.as_deref();
            assert_eq!((tour.stops.len(), away), (2, Some("미배차")));
            assert!(lines(&tour, &BTreeMap::new()).is_empty(), "no piece of the other stop");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn day_key_is_worth_as_much_as_its_member() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1"])?;
            let id = day.actor.id;
            members::add(tx, "boss", Role::Admin, "hash")?.expect("a free name");
            key::issue(tx, (day.tour, self::day(), id), "phone", "전화")?;
            let opens = |tx: &mut dyn Tx| Ok::<_, crate::storage::StorageError>(key::open(tx, "phone")?.is_ok());
            assert!(opens(tx)?);
            for role in [Role::Viewer, Role::Support] {
                members::set_role(tx, id, role)?.expect("sets");
                assert!(!opens(tx)?, "{}", role.label());
            }
            members::set_role(tx, id, Role::Logistics)?.expect("sets");
            assert!(opens(tx)?, "drives too");
            members::set_enabled(tx, id, false)?.expect("sets");
            assert!(!opens(tx)?);
            store::keys::expire_of_member(tx, id)?;
            members::set_enabled(tx, id, true)?.expect("sets");
            assert_eq!(key::open(tx, "phone")?.err(), Some(KeyRefusal::Ended), "a key that has ended stays so");
            let lost = key::issue(tx, (day.tour, self::day(), id), "lost phone", "전화 2")?;
            store::keys::revoke(tx, lost, id)?;
            assert_eq!(key::open(tx, "lost phone")?.err(), Some(KeyRefusal::CutOff));
            Ok(())
        })
        .expect("writes");
}
