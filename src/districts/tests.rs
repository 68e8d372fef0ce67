//! Lists loaded and loaded again, corrections, and orders that follow them.

use std::io::Cursor;

use chrono::NaiveDate;

use super::official::Reader;
use super::official::tests::{HEAD, postal};
use super::{DistrictCache, classify, store};
use crate::deliveries;
use crate::orders::export::{self, Content, Format, Wanted};
use crate::orders::filter::OrderFilter;
use crate::orders::model::{Order, OrderState};
use crate::orders::testing::{NOW, Shop, all_orders, edit, new_order};
use crate::storage::{Result, Tx};

fn day(text: &str) -> NaiveDate {
    crate::time::parse_date(text).expect("a date")
}

/// Brings a list of these addresses and puts it in force.
fn load(tx: &mut dyn Tx, shared: &DistrictCache, addresses: &[String], from: &str) -> Result<i64> {
    let districts = shared.current(tx)?;
    let text = [&[HEAD.to_owned()], addresses].concat().join("\n");
    let mut reader = Reader::new(&districts);
    reader.read("경상북도.txt", Cursor::new(text)).expect("a list");
    let id = store::keep(tx, &reader.finish().expect("a list"), None)?;
    assert!(store::apply(tx, id, day(from))?);
    Ok(id)
}

/// 포항 37683 becomes 새시, whose first edition is called as given.
fn new_city(name: &str) -> Vec<String> {
    vec![postal("37683", "경상북도", name, "47999")]
}

fn classify_all(tx: &mut dyn Tx, shared: &DistrictCache) -> Result<u32> {
    let mut steps = 1;
    while classify::step(tx, shared, 2)? {
        steps += 1;
    }
    Ok(steps)
}

/// Orders `1` … `count`, each to 37683 and in a bundle of its own.
fn orders(shop: &Shop, count: usize) {
    let ordered = shop.write(move |tx, files| {
        let orders = (1..=count).map(|number| new_order(&number.to_string())).collect();
        files.order(tx, "SMART_STORE", orders)
    });
    assert_eq!(ordered.expect("uploads").rows.len(), count);
}

fn find(tx: &mut dyn Tx, number: &str) -> Result<Order> {
    Ok(all_orders(tx)?.into_iter().find(|order| order.order_number == number).expect("an order"))
}

fn districts_of(tx: &mut dyn Tx) -> Result<Vec<Option<i64>>> {
    Ok(all_orders(tx)?.iter().map(|order| order.sigungu).collect())
}

#[test]
fn orders_under_way_follow_a_newer_list_and_delivered_ones_keep_their_district() {
    let shop = Shop::open();
    orders(&shop, 3);
    let shared = DistrictCache::default();
    let answer = shop.write(move |tx, _| {
        let delivered = find(tx, "1")?;
        edit(tx, &delivered, |order| order.put(OrderState::Shipped, NOW))?;
        load(tx, &shared, &new_city("새시"), "2026-11-23")?;
        classify_all(tx, &shared)?;
        let codes = districts_of(tx)?;
        load(tx, &shared, &new_city("더새시"), "2026-12-01")?;
        classify_all(tx, &shared)?;
        let bundles: Vec<Option<i64>> = all_orders(tx)?
            .iter()
            .map(|order| Ok(deliveries::store::find(tx, order.delivery_id)?.expect("a delivery").sigungu))
            .collect::<Result<_>>()?;
        let second = find(tx, "2")?;
        let log = crate::orders::store::events(tx, second.id)?;
        Ok((codes, districts_of(tx)?, bundles, log[0].action.label(), shared.current(tx)?))
    });
    let (first, second, bundles, logged, districts) = answer.expect("loads");
    assert_eq!(first, [Some(47110), Some(47999), Some(47999)]);
    assert_eq!((&second, &bundles), (&first, &first));
    assert_eq!(logged, "지역 분류");
    let name = |on: &str| districts.display_name_on(47999, Some(day(on)));
    assert_eq!(districts.display_name(47999).as_deref(), Some("경북 더새시"));
    assert_eq!(name("2026-11-30").as_deref(), Some("경북 새시"), "what it was called that day");
    assert_eq!(districts.lookup_on("37683", day("2026-11-22")).district(), Some(47110));
}

#[test]
fn what_the_factory_is_told_has_the_name_of_the_day_of_delivery() {
    let shop = Shop::open();
    let shared = DistrictCache::default();
    let path = shop.folder.path().join("발주.csv");
    let to = path.clone();
    let written = shop.write(move |tx, files| {
        load(tx, &shared, &new_city("새시"), "2026-11-01")?;
        files.order(tx, "SMART_STORE", vec![new_order("1"), new_order("2")])?;
        classify_all(tx, &shared)?;
        let delivered = find(tx, "1")?;
        edit(tx, &delivered, |order| order.put(OrderState::Shipped, NOW))?;
        load(tx, &shared, &new_city("더새시"), "2026-12-01")?;
        let format = Format::of(&to).expect("a known ending");
        let wanted = Wanted { content: Content::PurchaseOrder, format, filter: OrderFilter::default() };
        let districts = shared.current(tx)?;
        Ok(export::save(tx, &wanted, &districts, &to).expect("writes"))
    });
    assert_eq!(written.expect("writes"), 2);
    let text = std::fs::read_to_string(path).expect("reads");
    let of = |name: &str| text.lines().filter(|line| line.contains(name)).count();
    assert_eq!((of("경북 새시"), of("경북 더새시")), (1, 1), "{text}");
}

#[test]
fn a_correction_stays_when_a_newer_list_is_loaded_and_goes_when_it_is_taken_back() {
    let shop = Shop::open();
    orders(&shop, 2);
    let shared = DistrictCache::default();
    let steps = shop.write(move |tx, _| {
        let mut seen = Vec::new();
        let mut look = |tx: &mut dyn Tx| {
            classify_all(tx, &shared)?;
            seen.push(districts_of(tx)?);
            Ok::<_, crate::storage::StorageError>(())
        };
        store::correct_zip(tx, "37683", 47130, None)?;
        look(tx)?;
        let one = find(tx, "1")?;
        store::correct_order(tx, one.id, &one.recipient.zip_code, 47150, None)?;
        load(tx, &DistrictCache::default(), &new_city("새시"), "2026-11-23")?;
        look(tx)?;
        assert_eq!(store::corrections(tx, 10)?.len(), 2);
        assert!(store::forget_zip(tx, "37683")? && !store::forget_zip(tx, "37683")?);
        look(tx)?;
        assert!(store::forget_order(tx, one.id)?);
        store::touch(tx)?;
        look(tx)?;
        Ok(seen)
    });
    let of = |one, other| vec![Some(one), Some(other)];
    assert_eq!(steps.expect("corrects"), [of(47130, 47130), of(47150, 47130), of(47150, 47999), of(47999, 47999)]);
}

#[test]
fn what_was_said_of_an_order_ends_with_its_postal_code() {
    let shop = Shop::open();
    orders(&shop, 1);
    let shared = DistrictCache::default();
    let seen = shop.write(move |tx, _| {
        let order = find(tx, "1")?;
        store::correct_order(tx, order.id, "37683", 47150, None)?;
        edit(tx, &order, |order| "04524".clone_into(&mut order.recipient.zip_code))?;
        store::touch(tx)?;
        classify_all(tx, &shared)?;
        districts_of(tx)
    });
    assert_eq!(seen.expect("classifies"), [Some(11140)]);
}

/// Each step is a transaction of its own; the program ends after any of them and another goes on.
#[test]
fn classifying_that_was_broken_off_is_gone_on_with() {
    let shop = Shop::open();
    orders(&shop, 7);
    shop.write(|tx, _| load(tx, &DistrictCache::default(), &new_city("새시"), "2026-11-23")).expect("loads");
    for done in [2, 4, 6] {
        let more = shop.write(|tx, _| classify::step(tx, &DistrictCache::default(), 2)).expect("a step");
        let moved = shop.read(|tx, _| districts_of(tx)).expect("reads");
        let there = moved.iter().filter(|code| **code == Some(47999)).count();
        assert_eq!((more, there), (true, done));
    }
    let broken_off: Result<()> = shop.write(|tx, _| {
        classify::step(tx, &DistrictCache::default(), 2)?;
        Err(crate::storage::StorageError::Inconsistent("killed".to_owned()))
    });
    assert!(broken_off.is_err());
    assert_eq!(shop.read(|tx, _| districts_of(tx)).expect("reads")[6], Some(47110), "the step is undone whole");
    assert!(!shop.write(|tx, _| classify::step(tx, &DistrictCache::default(), 2)).expect("the last step"));
    assert!(!shop.write(|tx, _| classify::step(tx, &DistrictCache::default(), 2)).expect("nothing left"));
    assert_eq!(shop.read(|tx, _| districts_of(tx)).expect("reads"), [Some(47999); 7]);
}

#[test]
fn every_node_sees_what_another_loaded_and_a_list_can_be_withdrawn() {
    let shop = Shop::open();
    orders(&shop, 1);
    let (one, other) = (DistrictCache::default(), DistrictCache::default());
    let seen = shop.write(move |tx, _| {
        let name = |shared: &DistrictCache, tx: &mut dyn Tx| {
            Ok::<_, crate::storage::StorageError>(shared.current(tx)?.full_name("37683").map(str::to_owned))
        };
        let mut seen = vec![name(&other, tx)?];
        let id = load(tx, &one, &new_city("새시"), "2026-11-23")?;
        seen.push(name(&other, tx)?);
        assert_eq!(other.cached().full_name("37683"), Some("경상북도 새시"));
        assert_eq!(classify::affected(tx, &other.cached())?, 1);
        assert!(store::forget(tx, id, store::Stage::Applied)?);
        assert!(!store::forget(tx, id, store::Stage::Applied)?);
        seen.push(name(&other, tx)?);
        Ok(seen)
    });
    let seen = seen.expect("loads");
    assert_eq!(
        seen.iter().flatten().collect::<Vec<_>>(),
        ["경상북도 포항시 남구", "경상북도 새시", "경상북도 포항시 남구"]
    );
}
