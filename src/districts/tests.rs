//! Imports, corrections, and the orders that follow them.

use std::io::Cursor;

use chrono::NaiveDate;

use super::official::ListParser;
use super::official::tests::{HEADER, postal};
use super::{DistrictCache, store};
use crate::deliveries;
use crate::id::EditionId;
use crate::orders::classification::classify_batch;
use crate::orders::export::{self, ExportKind, ExportRequest, Format};
use crate::orders::filter::OrderFilter;
use crate::orders::model::{Order, OrderState};
use crate::orders::store::classification::affected;
use crate::orders::testing::{NOW, Shop, all_orders, edit, new_order};
use crate::storage::{Result, Tx};

fn day(text: &str) -> NaiveDate {
    crate::time::parse_date(text).expect("a date")
}

/// Imports a list of these addresses and applies it.
fn import(tx: &mut dyn Tx, cache: &DistrictCache, addresses: &[String], from: &str) -> Result<EditionId> {
    let districts = cache.current(tx)?;
    let text = [&[HEADER.to_owned()], addresses].concat().join("\n");
    let mut parser = ListParser::new(&districts);
    parser.parse("경상북도.txt", Cursor::new(text)).expect("a list");
    let id = store::insert_preview(tx, &parser.finish().expect("a list"), None)?;
    assert!(store::apply(tx, id, day(from))?);
    Ok(id)
}

/// An address of 37683, which is in 포항시, in a new 시/군/구 of that name.
fn new_city(name: &str) -> Vec<String> {
    vec![postal("37683", "경상북도", name, "47999")]
}

fn classify_all(tx: &mut dyn Tx, cache: &DistrictCache) -> Result<u32> {
    let mut steps = 1;
    while classify_batch(tx, cache, 2)? {
        steps += 1;
    }
    Ok(steps)
}

/// Creates orders `1` … `count`, all to 37683, each in its own bundle.
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
    Ok(all_orders(tx)?.iter().map(|order| order.sigungu_code).collect())
}

#[test]
fn only_orders_under_way_follow_a_newer_list() {
    let shop = Shop::open();
    orders(&shop, 3);
    let cache = DistrictCache::default();
    let answer = shop.write(move |tx, _| {
        let delivered = find(tx, "1")?;
        edit(tx, &delivered, |order| order.set_state(OrderState::Shipped, NOW))?;
        import(tx, &cache, &new_city("새시"), "2026-11-23")?;
        classify_all(tx, &cache)?;
        let codes = districts_of(tx)?;
        import(tx, &cache, &new_city("더새시"), "2026-12-01")?;
        classify_all(tx, &cache)?;
        let bundles: Vec<Option<i64>> = all_orders(tx)?
            .iter()
            .map(|order| Ok(deliveries::store::find(tx, order.delivery_id)?.expect("a delivery").sigungu_code))
            .collect::<Result<_>>()?;
        let second = find(tx, "2")?;
        let log = crate::orders::store::events(tx, second.id)?;
        Ok((codes, districts_of(tx)?, bundles, log[0].action.label(), cache.current(tx)?))
    });
    let (first, second, bundles, logged, districts) = answer.expect("loads");
    assert_eq!(first, [Some(47110), Some(47999), Some(47999)]);
    assert_eq!((&second, &bundles), (&first, &first));
    assert_eq!(logged, "지역 분류");
    let name = |on: &str| districts.display_name_on(47999, Some(day(on)));
    assert_eq!(districts.display_name(47999).as_deref(), Some("경북 더새시"));
    assert_eq!(name("2026-11-30").as_deref(), Some("경북 새시"), "its name on that date");
}

#[test]
fn purchase_order_has_the_district_name_of_the_delivery_date() {
    let shop = Shop::open();
    let cache = DistrictCache::default();
    let path = shop.folder.path().join("발주.csv");
    let to = path.clone();
    let written = shop.write(move |tx, files| {
        import(tx, &cache, &new_city("새시"), "2026-11-01")?;
        files.order(tx, "SMART_STORE", vec![new_order("1"), new_order("2")])?;
        classify_all(tx, &cache)?;
        let delivered = find(tx, "1")?;
        edit(tx, &delivered, |order| order.set_state(OrderState::Shipped, NOW))?;
        import(tx, &cache, &new_city("더새시"), "2026-12-01")?;
        let format = Format::of(&to).expect("a known ending");
        let wanted = ExportRequest {
            kind: ExportKind::PurchaseOrder,
            format,
            filter: OrderFilter::default(),
            despite_claims: Vec::new(),
            claim_note: String::new(),
            masks_contact: false,
            repeats: true,
        };
        let districts = cache.current(tx)?;
        Ok(export::save(tx, &wanted, &districts, &to).expect("writes").orders())
    });
    assert_eq!(written.expect("writes"), 2);
    let text = std::fs::read_to_string(path).expect("reads");
    let of = |name: &str| text.lines().filter(|line| line.contains(name)).count();
    assert_eq!((of("경북 새시"), of("경북 더새시")), (1, 1), "{text}");
}

#[test]
fn correction_overrides_newer_lists_until_it_is_deleted() {
    let shop = Shop::open();
    orders(&shop, 2);
    let cache = DistrictCache::default();
    let steps = shop.write(move |tx, _| {
        let mut seen = Vec::new();
        let mut observe = |tx: &mut dyn Tx| {
            classify_all(tx, &cache)?;
            seen.push(districts_of(tx)?);
            Ok::<_, crate::storage::StorageError>(())
        };
        store::set_zip_correction(tx, "37683", 47130, None)?;
        observe(tx)?;
        let one = find(tx, "1")?;
        store::set_order_correction(tx, one.id, &one.recipient.zip_code, 47150, None)?;
        import(tx, &DistrictCache::default(), &new_city("새시"), "2026-11-23")?;
        observe(tx)?;
        assert_eq!(store::corrections(tx, 10)?.len(), 2);
        assert!(store::delete_zip_correction(tx, "37683")? && !store::delete_zip_correction(tx, "37683")?);
        observe(tx)?;
        assert!(store::delete_order_correction(tx, one.id)?);
        store::bump_version(tx)?;
        observe(tx)?;
        Ok(seen)
    });
    let of = |one, other| vec![Some(one), Some(other)];
    assert_eq!(steps.expect("corrects"), [of(47130, 47130), of(47150, 47130), of(47150, 47999), of(47999, 47999)]);
}

#[test]
fn order_correction_ends_when_the_postal_code_changes() {
    let shop = Shop::open();
    orders(&shop, 1);
    let cache = DistrictCache::default();
    let seen = shop.write(move |tx, _| {
        let order = find(tx, "1")?;
        store::set_order_correction(tx, order.id, "37683", 47150, None)?;
        edit(tx, &order, |order| "04524".clone_into(&mut order.recipient.zip_code))?;
        store::bump_version(tx)?;
        classify_all(tx, &cache)?;
        districts_of(tx)
    });
    assert_eq!(seen.expect("classifies"), [Some(11140)]);
}

/// Each batch is its own transaction, so a process may stop after any of them.
#[test]
fn interrupted_reclassification_resumes() {
    let shop = Shop::open();
    orders(&shop, 7);
    shop.write(|tx, _| import(tx, &DistrictCache::default(), &new_city("새시"), "2026-11-23")).expect("loads");
    for done in [2, 4, 6] {
        let more = shop.write(|tx, _| classify_batch(tx, &DistrictCache::default(), 2)).expect("a batch");
        let moved = shop.read(|tx, _| districts_of(tx)).expect("reads");
        let there = moved.iter().filter(|code| **code == Some(47999)).count();
        assert_eq!((more, there), (true, done));
    }
    let interrupted: Result<()> = shop.write(|tx, _| {
        classify_batch(tx, &DistrictCache::default(), 2)?;
        Err(crate::storage::StorageError::Inconsistent("killed".to_owned()))
    });
    assert!(interrupted.is_err());
    assert_eq!(shop.read(|tx, _| districts_of(tx)).expect("reads")[6], Some(47110), "the whole batch is rolled back");
    assert!(!shop.write(|tx, _| classify_batch(tx, &DistrictCache::default(), 2)).expect("the last batch"));
    assert!(!shop.write(|tx, _| classify_batch(tx, &DistrictCache::default(), 2)).expect("nothing left"));
    assert_eq!(shop.read(|tx, _| districts_of(tx)).expect("reads"), [Some(47999); 7]);
}

#[test]
fn other_nodes_see_an_imported_and_a_withdrawn_list() {
    let shop = Shop::open();
    orders(&shop, 1);
    let (one, other) = (DistrictCache::default(), DistrictCache::default());
    let seen = shop.write(move |tx, _| {
        let name = |cache: &DistrictCache, tx: &mut dyn Tx| {
            Ok::<_, crate::storage::StorageError>(cache.current(tx)?.full_name("37683").map(str::to_owned))
        };
        let mut seen = vec![name(&other, tx)?];
        let id = import(tx, &one, &new_city("새시"), "2026-11-23")?;
        seen.push(name(&other, tx)?);
        assert_eq!(other.cached().full_name("37683"), Some("경상북도 새시"));
        assert_eq!(affected(tx, &other.cached())?, 1);
        assert!(store::delete_edition(tx, id, store::EditionStage::Applied)?);
        assert!(!store::delete_edition(tx, id, store::EditionStage::Applied)?);
        seen.push(name(&other, tx)?);
        Ok(seen)
    });
    let seen = seen.expect("loads");
    assert_eq!(
        seen.iter().flatten().collect::<Vec<_>>(),
        ["경상북도 포항시 남구", "경상북도 새시", "경상북도 포항시 남구"]
    );
}
