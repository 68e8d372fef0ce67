//! What the office changed while a phone had no signal.

use super::*;
use crate::id::{DeliveryId, OrderId, WorkId};

/// Takes a tour back to the office, step by step.
fn take_back(tx: &mut dyn Tx, day: &Day, steps: usize) -> Result<()> {
    for _ in 0..steps {
        let version = store::tour(tx, day.tour)?.expect("a tour").version;
        hand_out::take_back(tx, day.actor, (day.tour, version), "다시 배차")?.expect("takes back");
    }
    Ok(())
}

/// Takes the tour back, moves stops to the second truck, and hands out the first one again.
pub(super) fn move_away(tx: &mut dyn Tx, day: &mut Day, deliveries: &[DeliveryId]) -> Result<()> {
    take_back(tx, day, 2)?;
    let districts = Districts::embedded();
    let now = context(tx, day.actor)?;
    edit::set_state(tx, &districts, &now, TourState::Draft, Some(day.columns[0]))?.expect("reopens");
    plan(tx, day.actor, day.columns[1], &WorkId::of_deliveries(deliveries))?;
    let now = context(tx, day.actor)?;
    edit::set_state(tx, &districts, &now, TourState::Fixed, Some(day.columns[0]))?.expect("fixes");
    leave(tx, day)
}

#[test]
fn stop_that_was_moved_to_another_truck_is_done_by_the_phone_that_does_not_know() {
    Shop::open()
        .write(|tx, files| {
            let mut day = set_up(tx, files, &["1", "2"])?;
            let before = day.load(tx)?;
            let moved = &before.stops[0];
            let phone = day.on_another_phone(day.key, 100);
            let event = phone.event(&before, 0, EventKind::Delivered);
            move_away(tx, &mut day, &[moved.delivery_id])?;
            let shown = day.load(tx)?;
            assert_eq!(shown.stop(moved.job_id).expect("still shown").moved_to.as_deref(), Some("2호차"));
            assert!(!store::loads(tx, day.tour)?.values().any(|load| load.job_id == moved.job_id), "not loaded again");

            assert_eq!(phone.hand_in(tx, std::slice::from_ref(&event))?, [(event.id, Ok(()))]);
            assert_eq!(open_findings(tx)?, [DriveFinding::Moved]);
            assert_eq!(store::live_tour(tx, moved.job_id)?, None, "the stop of the other truck falls away");
            assert_eq!(state_of(tx, moved.delivery_id)?, DeliveryState::Completed);
            let lines = lines(&day.load(tx)?, &BTreeMap::new());
            let sums: Vec<_> = lines.iter().map(|line| (line.taken, line.delivered, line.missing())).collect();
            assert_eq!(sums, [(2, 0, 2), (2, 2, 0)], "what it had left with before");
            Ok(())
        })
        .expect("writes");
}

#[test]
fn phone_of_a_tour_that_was_taken_back_is_heard() {
    for steps in [1, 2] {
        Shop::open()
            .write(move |tx, files| {
                let mut day = set_up(tx, files, &["1", "2", "3"])?;
                let before = day.load(tx)?;
                let phone = day.on_another_phone(day.key, 100);
                take_back(tx, &day, steps)?;
                let events =
                    [phone.event(&before, 0, EventKind::Delivered), phone.event(&before, 1, EventKind::Failed)];
                assert!(phone.hand_in(tx, &events)?.iter().all(|(_, verdict)| verdict.is_ok()));
                assert_eq!(open_findings(tx)?, [DriveFinding::TakenBack, DriveFinding::TakenBack]);
                assert_eq!(state_of(tx, before.stops[0].delivery_id)?, DeliveryState::Completed);

                // The truck comes back for the rest, and leaves again.
                if steps == 2 {
                    leave(tx, &mut day)?;
                    assert_eq!(store::loads(tx, day.tour)?.len(), 1, "what is still to be done");
                } else {
                    hand_out::leave(tx, day.actor, day.tour, "전화로 확인")?.expect("leaves");
                }
                day.next.set(150);
                day.report(tx, 2, EventKind::Delivered)?;
                let lines = lines(&day.load(tx)?, &BTreeMap::new());
                let delivered: Vec<_> =
                    lines.iter().filter(|line| line.delivered > 0).map(|line| (line.taken, line.missing())).collect();
                assert_eq!(delivered, [(2, 0), (2, 0)]);
                Ok(())
            })
            .expect("writes");
    }
}

#[test]
fn tour_that_never_left_is_not_reported() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let tour = day.load(tx)?;
            take_back(tx, &day, 1)?;
            tx.exec("DELETE FROM departures", &[])?;
            let receipts = day.hand_in(tx, &[day.event(&tour, 0, EventKind::Delivered)])?;
            assert_eq!(receipts[0].1, Err(Rejection::NotLeft));
            Ok(())
        })
        .expect("writes");
}

/// Contact at 08:12, the clock set back by three hours, 완료 at 11:00, home at 18:00.
#[test]
fn record_of_a_clock_that_was_set_back_has_a_sane_time_and_is_found() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let tour = day.load(tx)?;
            let (contact, happened_at) = (NOW.plus_ms(-10 * HOUR_MS + 12 * 60_000), NOW.plus_ms(-10 * HOUR_MS));
            let event = NewEvent { happened_at, contact, ..day.event(&tour, 0, EventKind::Delivered) };
            day.hand_in_by(tx, Some(NOW.plus_ms(-3 * HOUR_MS)), &[event])?;
            let stop = day.load(tx)?.stops[0].clone();
            assert_eq!(stop.status.ended_at(), Some(NOW.plus_ms(-7 * HOUR_MS)), "11:00, not 08:00");
            assert_eq!(open_findings(tx)?, [DriveFinding::Clock]);

            // Moved after the record: its time stays, and both are shown.
            let event = day.event(&tour, 1, EventKind::Delivered);
            day.hand_in_by(tx, Some(NOW.plus_ms(-3 * HOUR_MS)), &[event])?;
            let stop = day.load(tx)?.stops[1].clone();
            assert_eq!(stop.status.ended_at(), Some(NOW.plus_ms(-HOUR_MS)));
            assert!(stop.events[0].has_moved_clock());
            assert_eq!(open_findings(tx)?, [DriveFinding::Clock, DriveFinding::Clock]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn order_that_joined_after_the_departure_is_not_completed() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1", "2"])?;
            let before = day.load(tx)?;
            let loaded: BTreeSet<OrderId> = before.stops[0].goods.iter().map(|goods| goods.order_id).collect();
            files.order(tx, "SMART_STORE", vec![due_order("9", &before.stops[0].bundle_number)])?;
            let tour = day.load(tx)?;
            let stop = &tour.stops[0];
            let pieces: Vec<i64> = stop.goods.iter().map(|goods| stop.pieces(goods)).collect();
            assert_eq!(pieces, [2, 0], "it is not on the truck");
            let joined = stop.goods.iter().find(|goods| !loaded.contains(&goods.order_id)).expect("the new order");
            let mut event = day.event(&tour, 0, EventKind::Delivered);
            event.details.accepted = hand_in::accepted_pairs(stop.goods.iter().map(|goods| (goods.order_id, 2)));
            day.hand_in(tx, &[event])?;
            assert_eq!(open_findings(tx)?, [DriveFinding::Partial], "more than was loaded");
            for order in
                all_orders(tx)?.into_iter().filter(|order| order.id == joined.order_id || loaded.contains(&order.id))
            {
                assert_eq!(order.state == OrderState::Shipped, loaded.contains(&order.id));
            }
            let lines = lines(&day.load(tx)?, &BTreeMap::new());
            assert_eq!(lines.iter().map(|line| (line.taken, line.delivered)).collect::<Vec<_>>(), [(2, 2), (2, 0)]);
            Ok(())
        })
        .expect("writes");
}

#[test]
fn phone_that_was_silent_since_the_last_record_is_named_at_the_close() {
    Shop::open()
        .write(|tx, files| {
            let day = set_up(tx, files, &["1"])?;
            let seen = |tx: &mut dyn Tx, at: Moment| {
                tx.exec("UPDATE drive_keys SET seen_at = ? WHERE id = ?", &[at.into(), day.key.into()])
            };
            let tour = day.load(tx)?;
            seen(tx, NOW.plus_ms(-2 * HOUR_MS))?;
            let named = |tx: &mut dyn Tx| -> Result<Vec<String>> {
                let tour = day.load(tx)?;
                close::waiting(tx, &tour)
            };
            assert!(named(tx)?[0].contains("뒤로 연락 없음"), "since before 출발");
            seen(tx, NOW)?;
            assert!(named(tx)?.is_empty());
            day.type_paper(tx, &day.event(&tour, 0, EventKind::Delivered))?;
            assert!(named(tx)?.is_empty(), "it has had contact since");
            seen(tx, NOW.plus_ms(-HOUR_MS - 1))?;
            tx.exec("UPDATE tours SET left_at = ?", &[NOW.plus_ms(-3 * HOUR_MS).into()])?;
            assert!(named(tx)?[0].contains("뒤로 연락 없음"), "paper says more than the phone");
            key::issue(tx, (day.tour, self::day(), day.actor.id), "renewed", "전화")?;
            assert!(named(tx)?.is_empty(), "the same phone, with another key");
            Ok(())
        })
        .expect("writes");
}
