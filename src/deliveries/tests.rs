//! The list compared with a naive implementation, and completion with its undo.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr};

use chrono::NaiveDate;

use super::complete::{complete, undo, undoable_completion};
use super::filter::{DeliveryFilter, DeliverySearchField, PreferredDate, RegionFilter, Sort};
use super::list::{DeliveryRow, find, load_rows};
use super::log::{self, DeliveryAction};
use super::store;
use crate::audit::{self, AuditObject, MemberActor};
use crate::id::{DeliveryId, MemberId};
use crate::orders;
use crate::orders::bundle::DeliveryState;
use crate::orders::list::Total;
use crate::orders::model::{NewOrder, Order, OrderState, ShippingMethod};
use crate::orders::search::{Searchable, tokenize};
use crate::orders::store::with_changes;
use crate::orders::testing::{BY_HAND, DAY_MS, Files, NOW, Shop, all_orders, edit, new_order};
use crate::random::seeded::Random;
use crate::search::tokenizer::search_words;
use crate::search::{Limits, Window};
use crate::storage::{Result, Tx};

const ORDERS: u32 = 420;

/// So small that the shop exceeds them.
const LIMITS: Limits = Limits {
    max_postings_per_word: 80,
    max_sorted_documents: 40,
    max_scanned_rows: 90,
    scan_step_rows: 9,
    max_compared_rows: 50,
    min_dense_rows: 20,
    max_counted_rows: 60,
    ..Limits::DEFAULT
};

const SEARCHES: [&str; 14] = [
    "",
    "",
    "",
    "",
    "",
    "김",
    "김하늘",
    "ㄱㅎㄴ",
    "0504-0000-20",
    "구미",
    "예시로",
    "101동",
    "31000000",
    "3100000007 구미",
];

fn random_order(random: &mut Random, number: u32) -> NewOrder {
    let mut order = new_order(&format!("20261101{number:08}"));
    let bundle = random.below(260);
    order.bundle_number = format!("31{bundle:08}");
    let mut of_bundle = Random::for_index(9, u64::from(bundle));
    let random_of = &mut of_bundle;
    order.recipient.name =
        format!("{}{}", random_of.word(&["김", "이", "박"]), random_of.word(&["하늘", "가람", "보라", "누리"]));
    order.recipient.tel1 = format!("0504-0000-{:04}", 2000 + random_of.below(300));
    let places = [("37683", "포항시"), ("37720", "포항시"), ("39281", "구미시"), ("04524", "중구"), ("", "모르는 곳")];
    let (zip, city) = places[random_of.below(5) as usize];
    order.recipient.zip_code = zip.to_owned();
    order.recipient.address1 = format!("어느 도 {city} 예시로 101동길 12");
    order.recipient.address2 = random_of.word(&["101동 1203호", "2층", "201동"]).to_owned();
    order.shipping_method = match random_of.below(10) {
        0 => ShippingMethod::Quick,
        1..4 => ShippingMethod::Parcel,
        _ => ShippingMethod::Direct,
    };
    order.preferred_shipping_date = random.chance(60).then(|| date(random));
    order
}

fn date(random: &mut Random) -> NaiveDate {
    NOW.plus_ms(DAY_MS * i64::from(random.below(9)) - 3 * DAY_MS).date()
}

fn fill(tx: &mut dyn Tx, files: &Files) -> Result<()> {
    let mut random = Random::new(5);
    files.order(tx, "SMART_STORE", (0..ORDERS).map(|number| random_order(&mut random, number)).collect())?;
    let orders = all_orders(tx)?;
    with_changes(tx, BY_HAND, |changes| {
        for was in &orders {
            let mut order = was.clone();
            let of_bundle = Random::for_index(3, u64::try_from(was.delivery_id.raw()).unwrap_or_default()).below(9);
            let state =
                if random.chance(85) { [2, 3, 3, 3, 3, 4, 0, 5, 6][of_bundle as usize] } else { random.below(7) };
            order.set_state(OrderState::ALL[state as usize], NOW);
            assert!(changes.save(was, &order)?);
        }
        Ok(())
    })
}

fn matches(row: &DeliveryRow, filter: &DeliveryFilter) -> bool {
    let delivery = &row.delivery;
    let day = delivery.preferred_shipping_date;
    let in_region = match filter.region {
        RegionFilter::Any => true,
        RegionFilter::Sido(code) => delivery.sigungu_code.is_some_and(|sigungu| sigungu / 1000 == code / 1000),
        RegionFilter::Sigungu(code) => delivery.sigungu_code == Some(code),
        RegionFilter::Gu { city, gu } => {
            let zip = row.primary().map(|primary| primary.order.recipient.zip_code.clone()).unwrap_or_default();
            delivery.sigungu_code == Some(city) && filter.zip_codes.contains(&zip) == gu.is_some()
        }
        RegionFilter::Unclassified => delivery.sigungu_code.is_none(),
    };
    let on_date = match filter.preferred_date {
        PreferredDate::Any => true,
        PreferredDate::Dated => day.is_some(),
        PreferredDate::Undated => day.is_none(),
        PreferredDate::Between(from, to) => {
            day.is_some_and(|day| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to))
        }
    };
    let words = search_words(&filter.search);
    let has_words = |order: &Order| {
        let mut order = order.clone();
        if filter.field == DeliverySearchField::AddressDetail {
            order.recipient.address1.clear();
        }
        let terms = tokenize(Searchable { order: &order, bundle_number: &delivery.bundle_number });
        terms.matches_all(filter.field.order_field().bits(), &words)
    };
    (filter.states.is_empty() || filter.states.contains(&delivery.state))
        && (filter.methods.is_empty() || filter.methods.contains(&delivery.shipping_method))
        && in_region
        && on_date
        && row.orders.iter().any(|order| has_words(&order.listed.order))
}

/// The list, filtered and sorted in memory.
fn naive(everything: &[DeliveryRow], filter: &DeliveryFilter) -> Vec<DeliveryId> {
    let mut found: Vec<&DeliveryRow> = everything.iter().filter(|row| matches(row, filter)).collect();
    let newest = |row: &&DeliveryRow| Reverse(row.delivery.id);
    let day = |row: &DeliveryRow| row.delivery.preferred_shipping_date;
    match filter.sort {
        Sort::Newest => found.sort_by_key(newest),
        Sort::DirectFirst => {
            found.sort_by_key(|row| (row.delivery.shipping_method != ShippingMethod::Direct, newest(row)));
        }
        Sort::Preferred { descending: false } => {
            found.sort_by_key(|row| (day(row).is_none(), day(row), row.delivery.id));
        }
        Sort::Preferred { descending: true } => {
            found.sort_by_key(|row| (day(row).is_none(), Reverse(day(row)), newest(row)));
        }
        Sort::District { descending: false } => {
            found.sort_by_key(|row| (row.delivery.sigungu_code, row.delivery.id));
        }
        Sort::District { descending: true } => {
            found.sort_by_key(|row| (Reverse(row.delivery.sigungu_code), newest(row)));
        }
        Sort::State { descending: false } => found.sort_by_key(|row| (row.delivery.state, newest(row))),
        Sort::State { descending: true } => {
            found.sort_by_key(|row| (Reverse(row.delivery.state), newest(row)));
        }
    }
    found.into_iter().map(|row| row.delivery.id).collect()
}

fn subset<T: Copy>(random: &mut Random, all: &[T]) -> Vec<T> {
    if random.chance(50) { Vec::new() } else { all.iter().copied().filter(|_| random.chance(40)).collect() }
}

fn any_filter(random: &mut Random) -> DeliveryFilter {
    let (from, to) = (date(random), date(random));
    let gu = RegionFilter::Gu { city: 47_110, gu: random.chance(50).then_some(47_111) };
    DeliveryFilter {
        zip_codes: vec!["37683".to_owned(), "37684".to_owned()],
        field: DeliverySearchField::ALL[random.below(7) as usize],
        search: random.word(&SEARCHES).to_owned(),
        states: subset(random, &DeliveryState::ALL),
        methods: subset(random, &ShippingMethod::ALL),
        region: match random.below(7) {
            3 => gu,
            0 => RegionFilter::Sido(47_000),
            1 => RegionFilter::Sigungu(47_190),
            2 => RegionFilter::Unclassified,
            _ => RegionFilter::Any,
        },
        preferred_date: match random.below(5) {
            0 => PreferredDate::Undated,
            1 => PreferredDate::Between(Some(from.min(to)), Some(from.max(to))),
            2 => PreferredDate::Between(None, Some(to)),
            _ => PreferredDate::Any,
        },
        action: None,
        sort: Sort::ALL[random.below(8) as usize],
    }
}

#[test]
fn each_page_equals_that_of_a_naive_list() {
    let shop = Shop::open();
    shop.write(fill).expect("fills");
    shop.read(|tx, _| {
        let ids: Vec<DeliveryId> =
            tx.query("SELECT id FROM deliveries", &[])?.iter().map(|row| row.id(0)).collect::<Result<_>>()?;
        let everything = load_rows(tx, &ids)?;
        let mut random = Random::new(11);
        let (mut truncated, mut full_pages) = (0, 0);
        for _ in 0..500 {
            let filter = any_filter(&mut random);
            let all = naive(&everything, &filter);
            let (offset, size) = (i64::from(random.below(5)) * 25 * i64::from(random.below(3)), 25);
            let found = find(tx, &filter, Window { offset, size }, LIMITS)?;
            let expected: Vec<DeliveryId> =
                all.iter().copied().skip(usize::try_from(offset).expect("small")).take(25).collect();
            let (total, length) = (found.total.number(), |ids: &[DeliveryId]| i64::try_from(ids.len()).expect("few"));
            full_pages += usize::from(expected.len() == 25);
            if found.is_truncated {
                truncated += 1;
                assert!(expected.starts_with(&found.ids), "{filter:?}");
                assert!(total <= length(&all));
                continue;
            }
            assert_eq!(found.ids, expected, "{filter:?} from {offset}");
            match found.total {
                Total::Exactly(_) => assert_eq!(total, length(&all), "{filter:?}"),
                Total::AtLeast(_) => {
                    assert!(total <= length(&all) && total >= offset + length(&found.ids), "{filter:?}");
                }
            }
            if filter.search.is_empty() {
                assert_eq!(find(tx, &filter, Window::ALL, LIMITS)?.ids, all, "a download of {filter:?}");
            }
        }
        assert!(truncated > 20 && full_pages > 40, "{truncated} truncated, {full_pages} full pages");
        Ok::<_, crate::storage::StorageError>(())
    })
    .expect("reads");
}

#[test]
fn no_query_scans_the_table() {
    let shop = Shop::open();
    shop.read(|tx, _| {
        for index in ["deliveries_by_state", "deliveries_by_date", "deliveries_by_district"] {
            let sql = format!(
                "SELECT id FROM deliveries {} WHERE state IN (1, 2) AND shipping_method IN ('DIRECT') \
                 AND sigungu_code = 47190 AND preferred_shipping_date >= '2026-11-22' ORDER BY id DESC LIMIT 25",
                tx.index_hint(index)
            );
            assert_eq!(tx.full_scans(&sql, &[])?, Vec::<String>::new(), "{sql}");
        }
        Ok::<_, crate::storage::StorageError>(())
    })
    .expect("plans");
}

/// Creates a delivery of a dispatched, a placed, a confirmed and a cancelled order; answers its identifier.
fn bundle(tx: &mut dyn Tx, files: &Files) -> Result<DeliveryId> {
    let states = [OrderState::Dispatched, OrderState::Placed, OrderState::Confirmed, OrderState::Cancelled];
    let orders =
        (1..=4).map(|number| NewOrder { bundle_number: "3100000001".into(), ..new_order(&number.to_string()) });
    files.order(tx, "SMART_STORE", orders.collect())?;
    for (order, state) in all_orders(tx)?.iter().zip(states) {
        edit(tx, order, |order| order.set_state(state, NOW.plus_ms(-DAY_MS)))?;
    }
    Ok(all_orders(tx)?[0].delivery_id)
}

fn states(tx: &mut dyn Tx) -> Result<Vec<OrderState>> {
    Ok(all_orders(tx)?.iter().map(|order| order.state).collect())
}

/// Creates a member of the delivery team.
fn driver(tx: &mut dyn Tx) -> Result<MemberActor> {
    tx.exec(
        "INSERT INTO members (id, username, role, password_hash, created_at) VALUES (7, 'driver', 'logistics', '', 0)",
        &[],
    )?;
    Ok(MemberActor { id: MemberId::from_raw(7), address: IpAddr::V4(Ipv4Addr::LOCALHOST) })
}

#[test]
fn completion_leaves_cancelled_and_past_orders_unchanged() {
    use OrderState::{Cancelled, Confirmed, Shipped};
    let shop = Shop::open();
    shop.write(|tx, files| {
        let (driver, delivery) = (driver(tx)?, bundle(tx, files)?);
        let completed = complete(tx, driver, &[delivery], &[])?.recorded;
        assert_eq!(states(tx)?, [Shipped, Shipped, Confirmed, Cancelled]);
        let text = completed.event.sentence();
        for sentence in [
            "배송 1건을 완료했어요",
            "출고 전이던 주문도 배송됨으로 바꿨어요: 2",
            "취소나 반품된 주문은 그대로 두었어요: 4",
            "이미 배송된 주문은 그대로 두었어요: 3",
        ] {
            assert!(text.contains(sentence), "{sentence} in {text}");
        }
        assert_eq!(store::find(tx, delivery)?.expect("there").state, DeliveryState::Completed);
        let log = log::of_delivery(tx, delivery)?;
        assert_eq!((log[0].action, log[0].username.as_deref()), (DeliveryAction::Completed, Some("driver")));
        let entry = audit::find(tx, completed.audit_entry_id.expect("recorded"))?.expect("an entry");
        assert_eq!((entry.actor, entry.object), (driver.into(), AuditObject::one(delivery)));
        assert_eq!(entry.event, completed.event);
        let again = complete(tx, driver, &[delivery], &[])?.recorded;
        assert_eq!(again.audit_entry_id, None, "nothing was done");
        assert!(again.event.sentence().contains("배송할 주문이 없는 배송이에요: 3100000001"));
        Ok(())
    })
    .expect("completes");
}

#[test]
fn completion_leaves_held_orders_until_they_are_named() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let (driver, delivery) = (driver(tx)?, bundle(tx, files)?);
        let first = all_orders(tx)?.remove(0);
        edit(tx, &first, |order| "취소요청".clone_into(&mut order.claim))?;
        let completion = complete(tx, driver, &[delivery], &[])?;
        assert_eq!(completion.held, [first.id]);
        let text = completion.recorded.event.sentence();
        assert!(text.contains("취소 요청이 들어온 1건은 그대로 두었어요: 1."), "{text}");
        assert_eq!(states(tx)?[0], first.state);

        let held_only = complete(tx, driver, &[delivery], &[])?;
        assert_eq!((held_only.recorded.audit_entry_id, held_only.held), (None, vec![first.id]));
        let named = complete(tx, driver, &[delivery], &[first.id])?;
        assert!(named.held.is_empty() && states(tx)?[0] == OrderState::Shipped);
        assert_eq!(orders::store::events(tx, first.id)?[0].action, orders::store::Action::DespiteClaim);
        Ok(())
    })
    .expect("completes");
}

#[test]
fn undo_restores_states_and_moments_exactly() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let (driver, delivery) = (driver(tx)?, bundle(tx, files)?);
        let (ready, before) = (store::find(tx, delivery)?, all_orders(tx)?);
        complete(tx, driver, &[delivery], &[])?;
        undo(tx, driver, &[delivery])?;
        for (was, is) in before.iter().zip(all_orders(tx)?) {
            assert_eq!(Order { version: is.version, ..was.clone() }, is, "states and moments are as they were");
        }
        assert_eq!(store::find(tx, delivery)?.map(|it| it.state), ready.map(|it| it.state));
        assert!(undoable_completion(tx, delivery)?.is_none(), "only once");
        let again = undo(tx, driver, &[delivery])?;
        assert!(again.event.sentence().contains("완료한 지 하루 안의 배송만 되돌릴 수 있어요: 3100000001"));
        Ok(())
    })
    .expect("undoes");
}

#[test]
fn undo_leaves_orders_changed_since_unchanged() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let (driver, delivery) = (driver(tx)?, bundle(tx, files)?);
        complete(tx, driver, &[delivery], &[])?;
        let first = all_orders(tx)?.remove(0);
        edit(tx, &first, |order| order.set_state(OrderState::Confirmed, NOW))?;
        let undone = undo(tx, driver, &[delivery])?;
        assert_eq!(states(tx)?[..2], [OrderState::Confirmed, OrderState::Placed]);
        assert!(undone.event.sentence().contains("그 사이 바뀐 주문은 그대로 두었어요: 1"));
        Ok(())
    })
    .expect("undoes");
}

#[test]
fn completion_of_another_day_cannot_be_undone() {
    let shop = Shop::open();
    shop.write(|tx, files| {
        let (driver, delivery) = (driver(tx)?, bundle(tx, files)?);
        complete(tx, driver, &[delivery], &[])?;
        tx.exec("UPDATE delivery_events SET logged_at = logged_at - ?", &[DAY_MS.into()])?;
        undo(tx, driver, &[delivery])?;
        assert_eq!(states(tx)?[0], OrderState::Shipped);
        Ok(())
    })
    .expect("refuses");
}

#[test]
fn order_joined_after_the_slip_is_marked_until_the_next_slip() {
    let shop = Shop::open();
    let later = |shop: &Shop| {
        shop.read(|tx, _| {
            let delivery = all_orders(tx)?[0].delivery_id;
            let orders = load_rows(tx, &[delivery])?.remove(0).orders;
            Ok::<_, crate::storage::StorageError>(orders.iter().map(|order| order.joined_late).collect::<Vec<_>>())
        })
        .expect("reads")
    };
    shop.write(|tx, files| {
        let order = |number: &str, bundle: &str| NewOrder { bundle_number: bundle.into(), ..new_order(number) };
        files.order(tx, "SMART_STORE", vec![order("1", "31"), order("2", "32"), order("3", "33")])?;
        let orders = all_orders(tx)?;
        store::set_printed(tx, &[orders[0].delivery_id], MemberId::from_raw(1))?;
        tx.exec("UPDATE deliveries SET printed_at = printed_at - 1000 WHERE id = ?", &[orders[0].delivery_id.into()])?;
        tx.exec("UPDATE orders SET created_at = created_at - 2000", &[])?;
        edit(tx, &orders[1], |order| order.delivery_id = orders[0].delivery_id).map(drop)
    })
    .expect("joins");
    assert_eq!(later(&shop), [false, true], "it came from another bundle");
    shop.write(|tx, _| {
        let delivery = all_orders(tx)?[0].delivery_id;
        store::set_printed(tx, &[delivery], MemberId::from_raw(1))
    })
    .expect("prints");
    assert_eq!(later(&shop), [false, false]);
}
