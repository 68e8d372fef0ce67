//! Compares the list with a naive one that filters and sorts all orders in memory.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::id::{ChannelId, OrderId, ProductId};
use crate::orders::filter::{DEFAULT_SORT, DateField, OrderFilter, PAGE_SIZES, Sort};
use crate::orders::list::{self, Total, find};
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::search::{Searchable, tokenize};
use crate::orders::search_field::SearchField;
use crate::orders::store;
use crate::orders::testing::{BY_HAND, DAY_MS, Files, NOW, Shop, all_orders, new_order};
use crate::random::seeded::Random;
use crate::search::tokenizer::{Postings, search_words};
use crate::search::{Limits, Window};
use crate::storage::{Param, Result, Row, Tx};
use crate::time::Moment;

const CHANNELS: [&str; 3] = ["SMART_STORE", "COUPANG", "KAKAO"];
const ORDERS: u32 = 420;
const FILTERS: u64 = 300;

/// So small that the shop exceeds them.
const LIMITS: Limits = Limits {
    max_postings_per_word: 80,
    max_sorted_documents: 40,
    max_scanned_rows: 200,
    scan_step_rows: 40,
    max_compared_rows: 150,
    max_counted_rows: 60,
    ..Limits::DEFAULT
};

const SEARCHES: [&str; 22] = [
    "김",
    "ㄱ",
    "ㄱㅎ",
    "하늘",
    "김하늘",
    "박가람",
    "없는사람",
    "zzz",
    "010-0000-00",
    "0101",
    "1017",
    "포항",
    "구미 예시로",
    "예시로 12",
    "서울",
    "2026",
    "31000",
    "3100000003",
    "45168",
    "김 포항",
    "하늘 0000",
    "()",
];

fn bought(random: &mut Random, place: u32) -> NewOrder {
    let mut order = new_order(&format!("20261101{place:08}"));
    let name = |random: &mut Random| {
        format!("{}{}", random.word(&["김", "이", "박"]), random.word(&["하늘", "가람", "보라", "누리"]))
    };
    let bundle = random.below(60);
    order.customer.name = name(random);
    order.customer.tel = format!("010-0000-{:04}", 1000 + random.below(60));
    if bundle > 0 {
        order.bundle_number = format!("31{bundle:08}");
    }
    let mut like_bundle = Random::for_index(9, u64::from(bundle));
    order.recipient.name = name(&mut like_bundle);
    order.recipient.tel1 = format!("0504-0000-{:04}", 2000 + random.below(40));
    order.recipient.address1 = format!("경상북도 {} 예시로 12", like_bundle.word(&["포항시", "구미시", "경주시"]));
    order.product_number = format!("P{}", random.below(7));
    order.product_name = format!("상품 {}", order.product_number);
    order.placed_at = NOW.plus_ms(-DAY_MS * i64::from(random.below(25)) - 3_600_000 * i64::from(random.below(3)));
    order.dispatch_deadline = random.chance(70).then(|| date(random));
    order.preferred_shipping_date = random.chance(30).then(|| date(random));
    order
}

fn date(random: &mut Random) -> NaiveDate {
    NOW.plus_ms(DAY_MS * i64::from(random.below(20)) - 12 * DAY_MS).date()
}

fn moment(random: &mut Random) -> Moment {
    NOW.plus_ms(-DAY_MS * i64::from(random.below(12)))
}

fn fill(tx: &mut dyn Tx, files: &Files) -> Result<()> {
    let mut random = Random::new(7);
    for (code, most) in CHANNELS.into_iter().zip([300, 100, 20]) {
        let orders = (0..most).map(|place| bought(&mut random, place)).collect();
        files.order(tx, code, orders)?;
    }
    tx.exec("UPDATE products SET enabled = 0 WHERE number IN ('P1', 'P4')", &[])?;
    let orders = all_orders(tx)?;
    store::with_changes(tx, BY_HAND, |changes| {
        for was in &orders {
            let mut order = was.clone();
            let target = OrderState::ALL[random.below(7).min(random.below(9)) as usize];
            for state in OrderState::ALL.into_iter().filter(|state| *state <= target) {
                if state == target || random.chance(60) {
                    order.set_state(state, moment(&mut random));
                }
            }
            if random.chance(30) {
                order.tracking_number = format!("45168{:06}", random.below(999_999));
            }
            if order.id.raw() % 5 == 0 {
                "취소요청".clone_into(&mut order.claim);
            }
            assert!(changes.save(was, &order)?);
        }
        Ok(())
    })
}

/// The naive model of the shop, with the search terms of each order.
struct Everything {
    orders: Vec<(Order, Postings)>,
    channels: BTreeMap<String, ChannelId>,
    products: BTreeMap<String, (ProductId, bool)>,
}

fn everything(tx: &mut dyn Tx) -> Result<Everything> {
    let orders = all_orders(tx)?.into_iter().map(|order| {
        let sql = "SELECT bundle_number FROM deliveries WHERE id = ?";
        let bundle_number = tx.query_one(sql, &[order.delivery_id.into()])?.expect("is there").text(0)?;
        let terms = tokenize(Searchable { order: &order, bundle_number: &bundle_number });
        Ok((order, terms))
    });
    let orders = orders.collect::<Result<_>>()?;
    let mut channels = BTreeMap::new();
    for mut row in tx.query("SELECT code, id FROM sales_channels", &[])? {
        channels.insert(row.text(0)?, row.id(1)?);
    }
    let mut products = BTreeMap::new();
    for mut row in tx.query("SELECT number, id, enabled FROM products", &[])? {
        products.insert(row.text(0)?, (row.id(1)?, row.bool(2)?));
    }
    Ok(Everything { orders, channels, products })
}

/// Date of an order, and its sort key.
fn dated(order: &Order, field: DateField) -> Option<(NaiveDate, i64)> {
    let of_date = |date: Option<NaiveDate>| date.map(|date| (date, Moment::start_of(date).0));
    let at = |state| order.moments.of(state).map(|moment| (moment.date(), moment.0));
    match field {
        DateField::Placed => at(OrderState::Placed),
        DateField::DispatchDeadline => of_date(order.dispatch_deadline),
        DateField::PreferredShipping => of_date(order.preferred_shipping_date),
        DateField::Purchased => at(OrderState::Purchased),
        DateField::Dispatched => at(OrderState::Dispatched),
        DateField::Shipped => at(OrderState::Shipped),
        DateField::Confirmed => at(OrderState::Confirmed),
        DateField::Cancelled => at(OrderState::Cancelled),
        DateField::Refunded => at(OrderState::Refunded),
    }
}

impl Everything {
    /// Sorted list without the search.
    fn list(&self, filter: &OrderFilter) -> Vec<&(Order, Postings)> {
        let sort = filter.sort.unwrap_or(DEFAULT_SORT);
        let disabled: BTreeSet<ProductId> = self.products.values().filter(|(_, on)| !on).map(|(id, _)| *id).collect();
        let channels: Vec<ChannelId> =
            filter.channels.iter().filter_map(|code| self.channels.get(code).copied()).collect();
        let product = filter.product.as_ref().map(|number| self.products.get(number).map(|(id, _)| *id));
        let mut orders: Vec<&(Order, Postings)> = self
            .orders
            .iter()
            .filter(|(order, _)| {
                let date = dated(order, filter.date).map(|(date, _)| date);
                !disabled.contains(&order.product_id)
                    && (!filter.claim_open || order.has_open_claim())
                    && (filter.states.is_empty() || filter.states.contains(&order.state))
                    && (filter.channels.is_empty() || channels.contains(&order.channel_id))
                    && product.is_none_or(|id| id == Some(order.product_id))
                    && filter.from.is_none_or(|from| date.is_some_and(|date| from <= date))
                    && filter.to.is_none_or(|to| date.is_some_and(|date| date <= to))
            })
            .collect();
        orders.sort_by(|(one, _), (other, _)| {
            let key = |order: &Order| (dated(order, sort.by).map(|(_, key)| key), order.id);
            let (one, other) = (key(one), key(other));
            let sequence = if sort.descending { other.cmp(&one) } else { one.cmp(&other) };
            one.0.is_none().cmp(&other.0.is_none()).then(sequence)
        });
        orders
    }
}

fn found(orders: &[&(Order, Postings)], filter: &OrderFilter) -> Vec<OrderId> {
    let words = search_words(&filter.search);
    let wanted = |terms: &Postings| words.is_empty() || terms.matches_all(filter.field.bits(), &words);
    orders.iter().filter(|(_, terms)| wanted(terms)).map(|(order, _)| order.id).collect()
}

/// How many values a filter has: none, one, or sometimes two.
fn chosen(random: &mut Random, percent: u32) -> u64 {
    if random.chance(percent) { 1 + u64::from(random.chance(25)) } else { 0 }
}

fn filter(random: &mut Random, turn: u64) -> OrderFilter {
    let pick = |random: &mut Random| *random.pick(&DateField::ALL).expect("some");
    let sort = match turn % 19 {
        0 => None,
        other => Some(Sort {
            by: DateField::ALL[usize::try_from((other - 1) / 2).expect("small")],
            descending: other % 2 == 0,
        }),
    };
    let date = if random.chance(30) { sort.map_or(DateField::Placed, |sort| sort.by) } else { pick(random) };
    let ranged = random.chance(45);
    let far = NaiveDate::from_ymd_opt(9999, 12, 31).filter(|_| random.chance(10));
    let from = (ranged && random.chance(75)).then(|| self::date(random));
    let to = (ranged && random.chance(75)).then(|| far.unwrap_or_else(|| self::date(random)));
    let searched = random.chance(50);
    OrderFilter {
        field: if random.chance(50) { SearchField::All } else { *random.pick(&SearchField::ALL).expect("some") },
        search: if searched { random.word(&SEARCHES).to_owned() } else { String::new() },
        date,
        from,
        to,
        states: (0..chosen(random, 35)).map(|_| *random.pick(&OrderState::ALL).expect("some")).collect(),
        channels: (0..chosen(random, 30))
            .map(|_| random.word(&["SMART_STORE", "COUPANG", "KAKAO", "NOWHERE"]).to_owned())
            .collect(),
        product: random.chance(30).then(|| format!("P{}", random.below(8))),
        claim_open: turn % 8 == 5,
        deadline_missing: false,
        action: None,
        upload: None,
        numbers: Vec::new(),
        chosen: None,
        sort,
    }
}

fn window(page: u32, size: u32) -> Window {
    Window { offset: i64::from(page - 1) * i64::from(size), size: i64::from(size) }
}

fn compare(tx: &mut dyn Tx, all: &Everything, filter: &OrderFilter, page: u32, size: u32) -> Result<()> {
    let shown = find(tx, filter, window(page, size), LIMITS)?;
    let ids = shown.ids;
    let list = all.list(filter);
    let skip = usize::try_from((page - 1) * size).expect("small");
    let expected = |looked_at: usize| -> Vec<OrderId> {
        let first = found(&list[..looked_at.min(list.len())], filter);
        first.iter().copied().skip(skip).take(size as usize).collect()
    };
    let looked_at =
        if shown.is_truncated { usize::try_from(LIMITS.max_compared_rows).expect("small") } else { list.len() };
    assert_eq!(ids, expected(looked_at), "page {page} of {size}: {filter:?}");
    let total = i64::try_from(found(&list, filter).len()).expect("small");
    match shown.total {
        Total::Exactly(number) => assert_eq!(number, total, "{filter:?}"),
        Total::AtLeast(number) => {
            let seen = if ids.is_empty() { 0 } else { i64::try_from(skip + ids.len()).expect("small") };
            assert!(seen <= number && number <= total, "{seen} {number} {total}: {filter:?}");
        }
    }
    Ok(())
}

#[test]
fn pages_equal_those_of_a_naive_list() {
    let shop = Shop::open();
    shop.write(fill).expect("fills");
    let reached = shop
        .read(|tx, _| {
            let all = everything(tx)?;
            assert_eq!(all.orders.len(), ORDERS as usize);
            let mut random = Random::new(11);
            let mut reached: BTreeMap<&str, u32> = BTreeMap::new();
            for turn in 0..FILTERS {
                let filter = filter(&mut random, turn);
                let size = *random.pick(&PAGE_SIZES).expect("some");
                let first = find(tx, &filter, window(1, size), LIMITS)?;
                let last = u32::try_from(all.list(&filter).len()).expect("small") / size + 1;
                for page in [1, 2, 1 + random.below(last), last, last + 1, last + 100] {
                    compare(tx, &all, &filter, page, size)?;
                }
                if let Total::Exactly(counted) = find(tx, &filter, Window { offset: 0, size: 0 }, LIMITS)?.total {
                    assert_eq!(counted, i64::try_from(found(&all.list(&filter), &filter).len()).expect("small"));
                }
                *reached.entry(if first.is_truncated { "cut" } else { "whole" }).or_default() += 1;
                *reached.entry(if first.ids.is_empty() { "empty" } else { "found" }).or_default() += 1;
                if matches!(first.total, Total::AtLeast(_)) && search_words(&filter.search).is_empty() {
                    *reached.entry("uncounted").or_default() += 1;
                }
                // An export is the whole list, without pages and without a limit of comparisons.
                let expected = found(&all.list(&filter), &filter);
                assert_eq!(find(tx, &filter, Window::ALL, LIMITS)?.ids, expected, "{filter:?}");
                if turn % 10 == 0 && !first.is_truncated {
                    let mut walked = Vec::new();
                    for page in 1..=last {
                        walked.extend(find(tx, &filter, window(page, size), LIMITS)?.ids);
                    }
                    assert!(expected.starts_with(&walked), "no page overlaps another: {filter:?}");
                }
            }
            Ok::<_, crate::storage::StorageError>(reached)
        })
        .expect("the same pages");
    for way in ["cut", "whole", "empty", "found", "uncounted"] {
        assert!(reached.get(way).is_some_and(|times| *times >= 3), "{way}: {reached:?}");
    }
}

/// Asks the engine for the plan of every query.
struct Explaining<'t> {
    tx: &'t mut dyn Tx,
    known: BTreeSet<String>,
    scans: RefCell<Vec<String>>,
}

impl Tx for Explaining<'_> {
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.tx.exec(sql, params)
    }

    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        self.tx.exec_many(sql, rows)
    }

    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        if self.known.insert(sql.to_owned()) {
            let big = ["orders", "o", "deliveries", "d", "search_postings", "variants"];
            let whole = self.tx.full_scans(sql, params)?;
            // Orders without the date of the sort are read by identifier until the page is full.
            let is_page = sql.contains(" IS NULL ORDER BY id ") && sql.ends_with(" LIMIT ? OFFSET ?");
            let scans = whole.iter().filter(|table| big.contains(&table.as_str()) && !is_page);
            self.scans.borrow_mut().extend(scans.map(|table| format!("{table} in {sql}")));
        }
        self.tx.for_each(sql, params, visit)
    }

    fn upsert_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        self.tx.upsert_many(table, keys, columns, rows)
    }

    fn increment_many(
        &mut self,
        table: &str,
        keys: &[&str],
        column: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        self.tx.increment_many(table, keys, column, rows)
    }

    fn update_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<u64> {
        self.tx.update_many(table, keys, columns, rows)
    }

    fn delete_batch(&mut self, table: &str) -> Result<u64> {
        self.tx.delete_batch(table)
    }

    fn index_hint(&self, index: &str) -> String {
        self.tx.index_hint(index)
    }

    fn primary_key_hint(&self, table: &str) -> String {
        self.tx.primary_key_hint(table)
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        self.tx.tables()
    }

    fn trigger_count(&mut self) -> Result<i64> {
        self.tx.trigger_count()
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        self.tx.columns(table)
    }

    fn full_scans(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>> {
        self.tx.full_scans(sql, params)
    }

    fn now(&self) -> Moment {
        self.tx.now()
    }

    fn new_number(&mut self) -> i64 {
        self.tx.new_number()
    }
}

#[test]
fn no_query_of_the_list_reads_a_whole_table() {
    let shop = Shop::open();
    shop.write(fill).expect("fills");
    let (queries, scans) = shop
        .read(|tx, _| {
            let mut explaining = Explaining { tx, known: BTreeSet::new(), scans: RefCell::default() };
            let mut random = Random::new(12);
            for turn in 0..FILTERS {
                let filter = filter(&mut random, turn);
                let found = find(&mut explaining, &filter, window(1 + random.below(3), 10), LIMITS)?;
                if let Some(first) = list::load_rows(&mut explaining, &found.ids)?.first() {
                    store::bundles::merge_candidates(&mut explaining, &first.order)?;
                }
            }
            Ok::<_, crate::storage::StorageError>((explaining.known.len(), explaining.scans.into_inner()))
        })
        .expect("lists");
    assert!(queries > 100, "{queries}");
    assert!(scans.is_empty(), "{scans:#?}");
}
