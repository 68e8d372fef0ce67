use chrono::{Datelike, Weekday};

use super::*;
use crate::id::{DeliveryId, OrderId};
use crate::orders::testing::Shop;
use crate::plans::promise::date_request::{AskedGoods, working_days_after};
use crate::plans::tests::{day, order, set_up};
use crate::trucks::calendar::SpecialDay;

/// The delivery of an order.
fn delivery(tx: &mut dyn Tx, number: &str) -> Result<DeliveryId> {
    let sql = "SELECT delivery_id FROM orders WHERE order_number = ?";
    tx.query_one(sql, &[number.into()])?.expect("the order").id(0)
}

fn goods(quantity: i64) -> AskedGoods {
    AskedGoods { quantity, ..AskedGoods::default() }
}

fn promise(delivery_id: DeliveryId, on: &str) -> NewPromise {
    NewPromise { delivery_id, day: day(on), channel: PromiseChannel::Phone, is_despite: false }
}

/// Trucks that take three deliveries a day, and no goods that are still to come.
fn small_trucks(tx: &mut dyn Tx) -> Result<()> {
    tx.exec("UPDATE trucks SET pieces = 3", &[])?;
    let mut settings = trucks::settings(tx)?;
    settings.lead_days = 0;
    settings.default_handling.minutes = 10;
    trucks::save_settings(tx, &settings)
}

fn offered(tx: &mut dyn Tx, delivery_id: DeliveryId) -> Result<Vec<NaiveDate>> {
    let today = tx.now().date();
    let (work, _) = find_delivery(tx, delivery_id)?.expect("the delivery");
    let request = DateRequest::of_delivery(tx, today, &work, None)?;
    let dates = find(tx, &Districts::embedded(), &request, today, None)?.expect("dates");
    Ok(dates.offers.iter().map(|offer| offer.day).collect())
}

#[test]
fn goods_are_ready_after_the_working_days_of_the_factory() {
    let off = SpecialDay { day: day("2026-12-02"), truck_id: None, is_off: true, name: "재고 조사".to_owned() };
    let calendar = WorkingCalendar::new([off]);
    let ready = |from, days| working_days_after(&calendar, day(from), days).to_string();
    assert_eq!(ready("2026-11-27", 0), "2026-11-27", "a Friday");
    assert_eq!(ready("2026-11-27", 1), "2026-11-30");
    assert_eq!(ready("2026-11-27", 3), "2026-12-03", "without the day off");
    assert_eq!(ready("2026-12-24", 1), "2026-12-28", "without 성탄절 and the weekend");
}

#[test]
fn promise_becomes_the_preferred_date_and_takes_the_room() {
    Shop::open()
        .write(|tx, files| {
            let orders = (1..=8).map(|number| order(&number.to_string(), "39200", None)).collect();
            let (actor, _) = set_up(tx, files, orders)?;
            small_trucks(tx)?;
            let cache = DistrictCache::default();
            let first = delivery(tx, "1")?;
            let offers = offered(tx, first)?;
            assert_eq!(offers.len(), MAX_OFFERS);
            for number in 1..=6 {
                let id = delivery(tx, &number.to_string())?;
                let made = make(tx, actor, &cache, &promise(id, &offers[0].to_string()))?;
                assert!(made.is_ok(), "{number}: {made:?}");
            }
            assert_eq!(find_delivery(tx, first)?.expect("it").0.preferred_date, Some(offers[0]));
            let last = delivery(tx, "7")?;
            let refused = make(tx, actor, &cache, &promise(last, &offers[0].to_string()))?;
            assert_eq!(refused, Err(PromiseError::Refused(DateRefusal::Full)), "two trucks of three pieces");
            assert_eq!(offered(tx, last)?[0], offers[1]);
            assert_eq!(offered(tx, first)?[0], offers[0], "its own place is free for itself");
            let despite = NewPromise { is_despite: true, ..promise(last, &offers[0].to_string()) };
            assert!(make(tx, actor, &cache, &despite)?.is_ok());
            assert_eq!(promises::of_delivery(tx, last)?.len(), 1);
            Ok(())
        })
        .expect("succeeds");
}

#[test]
fn days_around_the_wished_one_are_offered() {
    Shop::open()
        .write(|tx, files| {
            let (_, _) = set_up(tx, files, vec![order("1", "39200", None)])?;
            small_trucks(tx)?;
            let today = tx.now().date();
            let id = delivery(tx, "1")?;
            let (work, _) = find_delivery(tx, id)?.expect("the delivery");
            let request = DateRequest::of_delivery(tx, today, &work, None)?;
            let judged = |tx: &mut dyn Tx, wish: NaiveDate| {
                find(tx, &Districts::embedded(), &request, today, Some(wish)).map(|dates| dates.expect("dates"))
            };
            // A Sunday, when no truck drives: the days beside it, the earlier one first.
            let sunday = (14..21).map(|days| today + Days::new(days)).find(|day| day.weekday() == Weekday::Sun);
            let sunday = sunday.expect("a Sunday");
            let found = judged(tx, sunday)?;
            assert!(matches!(&found.wished, Some((day, Err(_))) if *day == sunday), "{:?}", found.wished);
            let days: Vec<i64> = found.offers.iter().map(|offer| (offer.day - sunday).num_days()).collect();
            assert_eq!(days, [-1, 1, -2]);
            // A day before the goods are ready says when they are; the next days follow.
            let early = judged(tx, today)?;
            assert!(matches!(early.wished, Some((_, Err(DateRefusal::TooEarly { .. })))));
            assert!(early.offers.iter().is_sorted_by_key(|offer| offer.day));
            // A day beyond those whose room is known: the last ones of them.
            let far = judged(tx, today + Days::new(2 * HORIZON_DAYS))?;
            assert!(matches!(far.wished, Some((_, Err(DateRefusal::TooFar { .. })))));
            let known = today + Days::new(HORIZON_DAYS - 6);
            assert!(far.offers.len() == MAX_OFFERS && far.offers.iter().all(|offer| offer.day > known));
            Ok(())
        })
        .expect("succeeds");
}

#[test]
fn twenty_clerks_at_once_sell_no_place_twice() {
    let shop = Shop::open();
    let (actor, offer, deliveries) = shop
        .write(|tx, files| {
            let orders = (1..=20).map(|number| order(&number.to_string(), "39200", None)).collect();
            let (actor, _) = set_up(tx, files, orders)?;
            small_trucks(tx)?;
            let deliveries: Vec<DeliveryId> =
                (1..=20).map(|number| delivery(tx, &number.to_string())).collect::<Result<_>>()?;
            Ok((actor, offered(tx, deliveries[0])?[0], deliveries))
        })
        .expect("succeeds");
    let sold = shop.block_on(async {
        let mut clerks = tokio::task::JoinSet::new();
        for id in deliveries {
            let storage = shop.storage.clone();
            let promise = promise(id, &offer.to_string());
            clerks.spawn(
                async move { storage.write(move |tx| make(tx, actor, &DistrictCache::default(), &promise)).await },
            );
        }
        let made = clerks.join_all().await.into_iter().map(|made| made.expect("no clerk fails"));
        made.flatten().count()
    });
    assert_eq!(sold, 6, "two trucks of three pieces");
    shop.write(move |tx, _| {
        let sql = "SELECT count(*) FROM promises WHERE day = ? AND replaced_at IS NULL";
        assert_eq!(tx.scalar(sql, &[offer.into()])?, 6);
        Ok(())
    })
    .expect("reads");
}

#[test]
fn new_promise_replaces_the_former_and_both_stay_on_record() {
    Shop::open()
        .write(|tx, files| {
            let (actor, _) = set_up(tx, files, vec![order("1", "39200", None)])?;
            small_trucks(tx)?;
            let cache = DistrictCache::default();
            let id = delivery(tx, "1")?;
            let offers = offered(tx, id)?;
            make(tx, actor, &cache, &promise(id, &offers[0].to_string()))?.expect("made");
            let event = make(tx, actor, &cache, &promise(id, &offers[1].to_string()))?.expect("made");
            assert!(matches!(event, AuditEvent::DeliveryPromised(PromisedDay { was: Some(_), .. })));
            let history = promises::of_delivery(tx, id)?;
            let basis: PromiseBasis = serde_json::from_str(&history[0].basis).expect("a basis");
            assert_eq!((basis.offer.day, basis.lead_days, basis.district_days), (offers[1], 0, None));
            assert_eq!(basis.offer.room.pieces, 2, "of three");
            assert_eq!(history.iter().map(|promise| promise.day).collect::<Vec<_>>(), [offers[1], offers[0]]);
            assert_eq!(history.iter().filter(|promise| promise.replaced_at.is_none()).count(), 1);
            let open = open_promises(tx, &Districts::embedded())?;
            assert_eq!(open.iter().map(|open| open.promise.day).collect::<Vec<_>>(), [offers[1]]);
            Ok(())
        })
        .expect("succeeds");
}

#[test]
fn changed_date_is_a_call_and_never_a_silent_move() {
    Shop::open()
        .write(|tx, files| {
            let (actor, _) = set_up(tx, files, vec![order("1", "39200", None)])?;
            small_trucks(tx)?;
            let id = delivery(tx, "1")?;
            let offers = offered(tx, id)?;
            make(tx, actor, &DistrictCache::default(), &promise(id, &offers[2].to_string()))?.expect("made");
            let problem = |tx: &mut dyn Tx| -> Result<Option<PromiseProblem>> {
                Ok(open_promises(tx, &Districts::embedded())?.pop().expect("the promise").problem)
            };
            assert!(problem(tx)?.is_none_or(|problem| !problem.needs_call()));
            let ids: Vec<OrderId> = find_delivery(tx, id)?.expect("it").0.order_ids().collect();
            let found = orders::find(tx, &ids)?;
            bulk_set::set(tx, actor, &found, &BulkValue::PreferredShippingDate(Some(offers[0])), &[])?;
            assert_eq!(problem(tx)?, Some(PromiseProblem::MovedTo(offers[0])));
            Ok(())
        })
        .expect("succeeds");
}

#[test]
fn day_without_a_depot_or_a_point_is_not_judged() {
    Shop::open()
        .write(|tx, files| {
            let (_, _) = set_up(tx, files, Vec::new())?;
            let today = tx.now().date();
            let districts = Districts::embedded();
            let unknown = DateRequest::of_goods(tx, &districts, today, "00000", &[goods(1)])?;
            assert_eq!(find(tx, &districts, &unknown, today, None)?, Err(NoDates::Point));
            let mut settings = trucks::settings(tx)?;
            settings.depot_zip.clear();
            trucks::save_settings(tx, &settings)?;
            let known = DateRequest::of_goods(tx, &districts, today, "39200", &[goods(2)])?;
            assert_eq!(find(tx, &districts, &known, today, None)?, Err(NoDates::Depot));
            assert_eq!((known.effort.minutes, known.effort.pieces), (40, 2));
            Ok(())
        })
        .expect("succeeds");
}

#[test]
fn cancelled_finished_and_held_deliveries_take_no_room() {
    Shop::open()
        .write(|tx, files| {
            let orders = (1..=7).map(|number| order(&number.to_string(), "39200", None)).collect();
            let (actor, _) = set_up(tx, files, orders)?;
            small_trucks(tx)?;
            let cache = DistrictCache::default();
            let ids: Vec<DeliveryId> =
                (1..=7).map(|number| delivery(tx, &number.to_string())).collect::<Result<_>>()?;
            let on = offered(tx, ids[0])?[0].to_string();
            for id in &ids[..6] {
                make(tx, actor, &cache, &promise(*id, &on))?.expect("made");
            }
            let full = Err(PromiseError::Refused(DateRefusal::Full));
            assert_eq!(make(tx, actor, &cache, &promise(ids[6], &on))?, full, "two trucks of three pieces");
            // Whichever way a delivery leaves the day, its place is free.
            let ways: [(&str, &str); 3] = [
                (
                    "UPDATE orders SET claim = '취소요청' WHERE delivery_id = ?",
                    "UPDATE orders SET claim = '' WHERE delivery_id = ?",
                ),
                (
                    "UPDATE orders SET state = 5 WHERE delivery_id = ?",
                    "UPDATE orders SET state = 2 WHERE delivery_id = ?",
                ),
                (
                    "UPDATE orders SET state = 3 WHERE delivery_id = ?",
                    "UPDATE orders SET state = 2 WHERE delivery_id = ?",
                ),
            ];
            for (leave, come_back) in ways {
                tx.exec("UPDATE orders SET claim = ''", &[])?;
                tx.exec(leave, &[ids[0].into()])?;
                let (work, _) = find_delivery(tx, ids[6])?.expect("the delivery");
                let today = tx.now().date();
                let request = DateRequest::of_delivery(tx, today, &work, None)?;
                let answer = check(tx, &Districts::embedded(), &request, day(&on))?.expect("is judged");
                assert!(answer.is_ok(), "{leave}: {answer:?}");
                tx.exec(come_back, &[ids[0].into()])?;
                let answer = check(tx, &Districts::embedded(), &request, day(&on))?.expect("is judged");
                assert_eq!(answer, Err(DateRefusal::Full), "{come_back}");
            }
            Ok(())
        })
        .expect("succeeds");
}

#[test]
fn day_far_ahead_is_promised_in_spite_of_its_refusal_and_a_mistyped_year_never() {
    Shop::open()
        .write(|tx, files| {
            let (actor, _) = set_up(tx, files, vec![order("1", "39200", None)])?;
            small_trucks(tx)?;
            let cache = DistrictCache::default();
            let (id, today) = (delivery(tx, "1")?, tx.now().date());
            let on = |days| (today + Days::new(days)).to_string();
            let far = make(tx, actor, &cache, &promise(id, &on(HORIZON_DAYS + 20)))?;
            assert!(matches!(far, Err(PromiseError::Refused(DateRefusal::TooFar { .. }))), "{far:?}");
            let despite = |days| NewPromise { is_despite: true, ..promise(id, &on(days)) };
            assert!(make(tx, actor, &cache, &despite(HORIZON_DAYS + 20))?.is_ok(), "a customer who moves in then");
            for days in [MAX_DAYS_AHEAD + 1, 2_900_000] {
                assert_eq!(make(tx, actor, &cache, &despite(days))?, Err(PromiseError::TooFar));
            }
            Ok(())
        })
        .expect("succeeds");
}
