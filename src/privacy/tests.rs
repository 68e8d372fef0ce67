//! What is kept apart, what is destroyed and when, and what a restore does again.

mod answered;
mod history;
mod seals;

use std::collections::{BTreeMap, BTreeSet};

use crate::id::OrderId;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store;
use crate::orders::testing::{DAY_MS, Files, Shop, edit, new_order};
use crate::orders::tests::invariants;
use crate::privacy::model::DestroyedCounts;
use crate::privacy::{RetentionYears, destroy_due, store as certificates};
use crate::proofs::destroy::ProofRetention;
use crate::proofs::files::ProofFiles;
use crate::proofs::testing::receive_photos;
use crate::storage::{Result, Tx, Value};

/// Length of a word that is searched for.
const WORD_LENGTH: usize = 10;

const KEEP: u32 = 5;

/// A word that only the data of this order has.
fn mark(number: i64) -> String {
    format!("mkq{number:06}x")
}

fn marked_order(number: i64) -> NewOrder {
    let mark = mark(number);
    let mut order = new_order(&format!("{mark}-1"));
    order.customer.name.clone_from(&mark);
    order.recipient.name.clone_from(&mark);
    order.recipient.address1 = format!("경상북도 포항시 {mark}");
    order.recipient.address2.clone_from(&mark);
    order.customer_message.clone_from(&mark);
    order.bundle_number = format!("b-{mark}");
    order
}

/// Where a word is: `orders.customer_name`. Blocks of the search index are compressed and are searched by document.
fn places_of(tx: &mut dyn Tx, words: &BTreeSet<String>) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for table in tx.tables()? {
        let columns = tx.columns(&table)?;
        tx.for_each(&format!("SELECT {} FROM {table}", columns.join(", ")), &[], &mut |row| {
            for (column, value) in columns.iter().zip(&row.0) {
                let text = match value {
                    Value::Text(text) => text.clone(),
                    Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    _ => continue,
                };
                for (at, _) in text.match_indices("mk") {
                    if let Some(word) = text.get(at..at + WORD_LENGTH).filter(|word| words.contains(*word)) {
                        places.entry(word.to_owned()).or_default().insert(format!("{table}.{column}"));
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(places)
}

/// A shop with one order that was delivered six years ago, and how many orders a run leaves.
fn six_years_later(happens: impl Fn(&mut dyn Tx, OrderId) -> Result<()> + Send + 'static) -> i64 {
    let shop = Shop::open();
    shop.clock.advance_ms(-6 * 366 * DAY_MS);
    let id = shop.write(|tx, files| {
        let placed_at = tx.now();
        files.order(tx, "SMART_STORE", vec![NewOrder { placed_at, ..marked_order(1) }])?;
        let id = OrderId::from_raw(tx.scalar("SELECT max(id) FROM orders", &[])?);
        let (order, now) = (store::find(tx, &[id])?.remove(0), tx.now());
        edit(tx, &order, |order| order.set_state(OrderState::Shipped, now))?;
        Ok(id)
    });
    let id = id.expect("an order");
    shop.clock.advance_ms(6 * 366 * DAY_MS);
    shop.write(move |tx, _| happens(tx, id)).expect("happens");
    shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none())).expect("runs");
    let status = shop.read(|tx, _| certificates::status(tx, RetentionYears::new(KEEP))).expect("reads");
    assert_eq!((status.due.orders, status.overdue), (0, 0));
    let left = shop.read(|tx, _| tx.scalar("SELECT count(*) FROM orders", &[])).expect("counts");
    assert!(status.open <= left);
    left
}

/// A job of the delivery of the order.
fn add_job(tx: &mut dyn Tx, order: OrderId, kind: &str, ended_at: Option<crate::time::Moment>) -> Result<()> {
    let state = if ended_at.is_some() { "done" } else { "open" };
    tx.exec(
        "INSERT INTO jobs (id, delivery_id, number, kind, state, ended_at, goods, pieces, volume, note) \
         SELECT 5, delivery_id, 1, ?, ?, ?, '서랍', 1, 0, '' FROM orders WHERE id = ?",
        &[kind.into(), state.into(), ended_at.into(), order.into()],
    )
    .map(drop)
}

#[test]
fn order_is_kept_while_something_of_it_is_open_or_ended_lately() {
    assert_eq!(six_years_later(|_, _| Ok(())), 0, "it is due");
    assert_eq!(six_years_later(|tx, id| add_job(tx, id, "service", None)), 1, "a visit is still to come");
    let claimed = |tx: &mut dyn Tx, id: OrderId| {
        let order = store::find(tx, &[id])?.remove(0);
        edit(tx, &order, |order| order.claim = "반품요청".to_owned()).map(drop)
    };
    assert_eq!(six_years_later(claimed), 1, "a claim is open");
    let conflicting = |tx: &mut dyn Tx, id: OrderId| {
        tx.exec(
            "INSERT INTO channel_conflicts (id, order_id, field, reason, channel_value, own_value, upload_id, position, \
             is_open) VALUES (5, ?, 'price', 'late', '1', '2', 1, 1, 1)",
            &[id.into()],
        )
        .map(drop)
    };
    assert_eq!(six_years_later(conflicting), 1, "a value is undecided");
    for (kind, days, left) in [
        ("service", 30, 1),
        ("service", 3 * 365 - 1, 1),
        ("service", 3 * 365 + 3, 0),
        ("collect", 3 * 365 + 3, 1),
        ("collect", 5 * 365 + 3, 0),
    ] {
        let job = move |tx: &mut dyn Tx, id: OrderId| {
            let at = tx.now().plus_ms(-days * DAY_MS);
            add_job(tx, id, kind, Some(at))
        };
        assert_eq!(six_years_later(job), left, "{kind} {days}");
    }
}

#[test]
fn tours_and_saved_searches_end_with_their_class() {
    let shop = Shop::open();
    let add = |tx: &mut dyn Tx, _: &Files| {
        let today = tx.now().date();
        for sql in [
            "INSERT INTO members (id, username, role, password_hash, created_at) VALUES (1, 'a', 'admin', '', 0)",
            "INSERT INTO trucks (id, name, plate, enabled, crew, volume, pieces, weekdays, starts_at, shift_minutes, \
             overtime_minutes) VALUES (1, '1호', '', 1, 2, 100, 50, 127, 540, 480, 60)",
        ] {
            tx.exec(sql, &[])?;
        }
        let sql = "INSERT INTO tours (id, day, truck_id, round, state, driver_id, changed_by, changed_at) \
                   VALUES (1, ?, 1, 1, 'closed', 1, 1, 0)";
        tx.exec(sql, &[today.into()])?;
        tx.exec(
            "INSERT INTO tour_counts (tour_id, line, returned, aboard, counted_by, counted_at) VALUES (1, 'A', 1, 0, 1, 0)",
            &[],
        )?;
        tx.exec(
            "INSERT INTO drive_keys (id, tour_id, member_id, key_hash, description, created_at, seen_at, waiting, \
             rejected, expires_at) VALUES (1, 1, 1, 'h', '크롬', 0, 0, 0, '[]', 0)",
            &[],
        )?;
        tx.exec(
            "INSERT INTO proofs (id, tour_id, job_id, event_id, member_id, hash, taken_at, named_at, destroyed_at) \
             VALUES (1, 1, 1, 'e', 1, 'h', 0, 0, 1)",
            &[],
        )?;
        for (name, query) in [("홍길동", "q=%ED%99%8D&state=PLACED"), ("주문", "state=PLACED")] {
            let id = tx.new_number();
            let sql = "INSERT INTO saved_searches (id, member_id, name, query) VALUES (?, 1, ?, ?)";
            tx.exec(sql, &[id.into(), name.into(), query.into()])?;
        }
        Ok(())
    };
    shop.write(add).expect("writes");
    let left = || {
        shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none())).expect("runs");
        ["tours", "tour_counts", "drive_keys", "proofs", "saved_searches"].map(|table| {
            let sql = format!("SELECT count(*) FROM {table}");
            shop.read(move |tx, _| tx.scalar(&sql, &[])).expect("counts")
        })
    };
    shop.clock.advance_ms((3 * 366 - 5) * DAY_MS);
    assert_eq!(left(), [1, 1, 1, 1, 2]);
    shop.clock.advance_ms(6 * DAY_MS);
    assert_eq!(left(), [1, 1, 1, 1, 1], "the search for a name");
    shop.clock.advance_ms(2 * 366 * DAY_MS);
    assert_eq!(left(), [0, 0, 0, 0, 1]);
}

#[test]
fn photograph_past_its_own_retention_is_destroyed_with_a_certificate() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ProofFiles::in_folder(folder.path().to_owned());
    let shop = Shop::open();
    let hashes = shop.block_on(receive_photos(&shop.storage, &files, 0..3));
    let photos = ProofRetention { files: files.clone(), days: 30 };
    let run = || shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &photos)).expect("destroys");
    shop.clock.advance_ms(29 * DAY_MS);
    assert!(run().is_empty());
    assert_eq!(shop.block_on(files.list()).expect("lists").len(), hashes.len());
    shop.clock.advance_ms(2 * DAY_MS);
    assert_eq!(run(), DestroyedCounts { photos: 3, ..DestroyedCounts::default() });
    assert!(shop.block_on(files.list()).expect("lists").is_empty());
    assert!(run().is_empty(), "once");
    let found = shop.read(|tx, _| certificates::page(tx, 0, 9)).expect("reads");
    assert_eq!((found.1, found.0[0].counts.photos), (1, 3));
}

#[test]
fn photograph_that_cannot_be_removed_keeps_its_order_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = ProofFiles::in_folder(folder.path().join("proofs"));
    let shop = Shop::open();
    shop.clock.advance_ms(-6 * 366 * DAY_MS);
    shop.block_on(receive_photos(&shop.storage, &files, 0..1));
    shop.write(|tx, files| {
        let placed_at = tx.now();
        files.order(tx, "SMART_STORE", vec![NewOrder { placed_at, ..marked_order(1) }])?;
        // The job that the photograph names.
        tx.exec(
            "INSERT INTO jobs (id, delivery_id, number, kind, goods, pieces, volume, note) \
             SELECT 7, delivery_id, 0, 'deliver', '', 0, 0, '' FROM orders",
            &[],
        )?;
        let now = tx.now();
        let upload = "INSERT INTO uploads (id, created_at, channel_code, courier, file_name, file_size, file_sha256, \
                      file_kept, stage, refusal, findings) VALUES (9, ?, '', '', 'a', 1, 'a', 0, 'applied', '', '')";
        tx.exec(upload, &[now.into()])
    })
    .expect("writes");
    shop.clock.advance_ms(6 * 366 * DAY_MS);
    let destroy = |files: ProofFiles| {
        let photos = ProofRetention { files, days: 3650 };
        shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &photos))
    };
    let left = || {
        shop.read(|tx, _| -> Result<_> {
            let uploads = tx.scalar("SELECT count(*) FROM uploads WHERE file_sha256 IS NOT NULL", &[])?;
            Ok((tx.scalar("SELECT count(*) FROM orders", &[])?, uploads))
        })
        .expect("counts")
    };
    // A store that cannot be reached: a file is where the folder should be.
    std::fs::write(folder.path().join("file"), "").expect("writes");
    destroy(ProofFiles::in_folder(folder.path().join("file"))).expect_err("says so");
    assert_eq!(left(), (1, 0));
    destroy(files).expect("destroys");
    assert_eq!(left(), (0, 0));
}

#[test]
fn interrupted_run_is_continued_under_the_same_certificate() {
    let shop = Shop::open();
    shop.clock.advance_ms(-6 * 366 * DAY_MS);
    shop.write(|tx, files| {
        let orders = (0..3).map(|number| NewOrder { placed_at: tx.now(), ..marked_order(number) }).collect();
        files.order(tx, "SMART_STORE", orders).map(drop)
    })
    .expect("orders");
    shop.clock.advance_ms(6 * 366 * DAY_MS);
    let day = RetentionYears::new(KEEP).first_kept_day(shop.storage.clock().now().date());
    // A run that was killed after its first transaction.
    let interrupted = shop.write(move |tx, _| {
        let id = certificates::start(tx, day)?;
        certificates::add(tx, id, &DestroyedCounts { search_terms: 7, ..DestroyedCounts::default() })?;
        Ok(id)
    });
    let interrupted = interrupted.expect("starts");
    let counts = shop
        .block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none()))
        .expect("destroys");
    assert_eq!(counts.orders, 3);
    let again = shop
        .block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none()))
        .expect("finds nothing");
    assert!(again.is_empty());
    let found = shop.read(|tx, _| certificates::page(tx, 0, 9)).expect("reads");
    assert_eq!(found.1, 1);
    let certificate = &found.0[0];
    assert_eq!((certificate.id, certificate.counts.orders), (interrupted, 3));
    assert_eq!(certificate.counts.search_terms, counts.search_terms + 7);
    assert!(certificate.finished_at.is_some());
    let deleted = shop.read(|tx, _| {
        let sql =
            "SELECT count(*) FROM access_records WHERE action = 'delete' AND actor = 'program' AND order_count = 3";
        tx.scalar(sql, &[])
    });
    assert_eq!(deleted.expect("counts"), 1, "the destruction is in the access records");
}
