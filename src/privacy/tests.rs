//! A shop of seven years: what has to go is in no table and in no byte of the files, and what has to stay is there.

mod seals;

use std::collections::{BTreeMap, BTreeSet};

use crate::audit::{self, Actor, AuditEvent, AuditObject, downloads};
use crate::deliveries;
use crate::orders::model::{NewOrder, Order, OrderState};
use crate::orders::store;
use crate::orders::store::channel_conflicts::{self, ConflictResolution};
use crate::orders::testing::{DAY_MS, Files, Shop, all_orders, edit, move_to_segments, new_order};
use crate::orders::tests::invariants;
use crate::privacy::model::DestroyedCounts;
use crate::privacy::{RetentionYears, destroy_due, store as certificates};
use crate::proofs::destroy::ProofRetention;
use crate::proofs::files::ProofFiles;
use crate::proofs::testing::receive_photos;
use crate::search::{Limits, store as index};
use crate::storage::{Result, Tx, Value};
use crate::uploads::store as uploads;

/// Days between two orders.
const STEP_DAYS: i64 = 20;

/// Orders of the history: seven years.
const ORDERS: i64 = 128;

const KEEP: u32 = 5;

/// A word that only the data of this order has.
fn mark(number: i64) -> String {
    format!("mkq{number:04}x")
}

/// A word that only this upload, download or entry has.
fn other_mark(number: i64) -> String {
    format!("mku{number:04}x")
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

/// An order with a row in every table that an order can have one in.
fn add_order(tx: &mut dyn Tx, files: &Files, number: i64) -> Result<i64> {
    let (now, mark) = (tx.now(), mark(number));
    let new = |name: &str| {
        let mut order = marked_order(number);
        order.placed_at = now;
        order.recipient.name.push_str(name);
        order
    };
    files.order(tx, "SMART_STORE", vec![new("")])?;
    let id = tx.scalar("SELECT max(id) FROM orders", &[])?;
    if number % 2 == 0 {
        move_to_segments(tx, &[id, id, id, id])?;
    }
    let change = |tx: &mut dyn Tx, change: &dyn Fn(&mut Order)| {
        let order = store::find(tx, &[id])?.remove(0);
        edit(tx, &order, |order| change(order))
    };
    change(tx, &|order| order.recipient.name = format!("{mark} 고침"))?;
    change(tx, &|order| order.admin_memo.clone_from(&mark))?;
    files.order(tx, "SMART_STORE", vec![new(" 다름")])?;
    let undecided = channel_conflicts::of_orders(tx, &[id])?;
    let undecided: Vec<(i64, i64)> = undecided.iter().map(|conflict| (conflict.id, conflict.upload_id)).collect();
    channel_conflicts::close(tx, &undecided, ConflictResolution::Own, None)?;
    let delivery = store::find(tx, &[id])?.remove(0).delivery_id;
    let member = 1;
    let details = serde_json::json!({ "memo": mark });
    deliveries::log::record(tx, (1, member), delivery, deliveries::log::DeliveryAction::MemoChanged, &details)?;
    tx.exec("UPDATE deliveries SET memo = ? WHERE id = ?", &[mark.as_str().into(), delivery.into()])?;
    let download = downloads::DownloadRecord {
        content: "orders",
        source: "/orders",
        rows: 1,
        purpose: None,
        note: "",
        digest: None,
    };
    let download = downloads::record(tx, None, &download)?;
    let file = downloads::NewFile {
        name: &mark,
        bytes: mark.as_bytes(),
        sent_to: downloads::SentTo::Factory,
        order_ids: &[id],
    };
    downloads::record_file(tx, download, file)?;
    for (sql, params) in [
        (
            "INSERT INTO jobs (id, delivery_id, number, kind, goods, pieces, volume, note) \
             VALUES (?, ?, 0, 'deliver', '', 0, 0, '')",
            vec![id.into(), delivery.into()],
        ),
        (
            "INSERT INTO jobs (id, delivery_id, number, kind, state, ended_at, goods, pieces, volume, note) \
             VALUES (?, ?, 1, 'collect', 'done', ?, ?, 1, 0, ?)",
            vec![(-id).into(), delivery.into(), now.into(), mark.as_str().into(), mark.as_str().into()],
        ),
        ("INSERT INTO job_orders (job_id, order_id) VALUES (?, ?)", vec![(-id).into(), id.into()]),
        (
            "INSERT INTO promises (id, delivery_id, day, channel, basis, promised_by, promised_at) \
             VALUES (?, ?, '2026-12-03', 'phone', '{}', 1, 0)",
            vec![id.into(), delivery.into()],
        ),
        (
            "INSERT INTO notices (id, job_id, kind, form, day, message, download_id, written_at) \
             VALUES (?, ?, 'visit', 'sms', '2026-12-03', ?, ?, 0)",
            vec![id.into(), id.into(), mark.as_str().into(), download.into()],
        ),
        (
            "INSERT INTO order_districts (order_id, zip_code, sigungu_code, corrected_at) VALUES (?, '37683', 47110, 0)",
            vec![id.into()],
        ),
        ("INSERT INTO bulk_actions (id, acted_at, member_id, order_count) VALUES (?, 0, 1, 1)", vec![id.into()]),
        (
            "INSERT INTO bulk_action_orders (action_id, order_id, version_before, version_after, former) \
             VALUES (?, ?, 0, 1, ?)",
            vec![id.into(), id.into(), mark.as_str().into()],
        ),
    ] {
        tx.exec(sql, &params)?;
    }
    Ok(id)
}

/// An upload with its report about an order, a download and an entry of the audit log.
fn add_others(tx: &mut dyn Tx, number: i64) -> Result<()> {
    let (mark, of_order) = (other_mark(number), format!("{}-1", self::mark(number)));
    let new = uploads::NewUpload {
        member_id: None,
        file_name: &format!("{mark}.xlsx"),
        bytes: mark.as_bytes(),
        sha256: &mark,
        courier: "",
    };
    let upload = uploads::insert(tx, new)?;
    let reasons = format!("[{{\"column\":\"주소\",\"value\":\"{mark}\",\"message\":\"없어요\"}}]");
    for (position, number, open) in [(1_i64, of_order.as_str(), None), (2, "1", Some("1"))] {
        tx.exec(
            "INSERT INTO upload_rows (upload_id, position, sheet_row, order_number, outcome, reasons, changes, conflicts, \
             open_order) VALUES (?, ?, 2, ?, 'rejected', ?, '[]', '[]', ?)",
            &[upload.into(), position.into(), number.into(), reasons.as_str().into(), open.into()],
        )?;
    }
    tx.exec("UPDATE uploads SET open_rows = 1, refusal = ? WHERE id = ?", &[mark.as_str().into(), upload.into()])?;
    let source = format!("/orders?q={mark}");
    let download = downloads::DownloadRecord {
        content: "orders",
        source: &source,
        rows: 1,
        purpose: None,
        note: &mark,
        digest: None,
    };
    downloads::record(tx, None, &download)?;
    audit::record(tx, Actor::Program, AuditObject::UNNUMBERED, &AuditEvent::AccessInspected { month: mark }).map(drop)
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
                    if let Some(word) = text.get(at..at + 8).filter(|word| words.contains(*word)) {
                        places.entry(word.to_owned()).or_default().insert(format!("{table}.{column}"));
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(places)
}

/// Files of a folder that have one of these words.
fn files_with(folder: &std::path::Path, words: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let bytes = std::fs::read(&path).expect("a file");
        let has = |at: usize| bytes.get(at..at + 8).and_then(|word| std::str::from_utf8(word).ok());
        let words = (0..bytes.len())
            .filter(|at| bytes[*at..].starts_with(b"mk"))
            .filter_map(|at| has(at).filter(|word| words.contains(*word)));
        found.extend(words.map(|word| format!("{}: {word}", path.display())));
    }
    found
}

struct History {
    shop: Shop,
    /// identifiers of the orders
    orders: Vec<i64>,
    /// what each run destroyed
    runs: Vec<DestroyedCounts>,
}

/// Seven years, in which the job runs after each order.
fn history() -> History {
    let shop = Shop::open();
    shop.clock.advance_ms(-7 * 366 * DAY_MS);
    shop.write(|tx, _| {
        tx.exec(
            "INSERT INTO members (id, username, role, password_hash, created_at) VALUES (1, 'a', 'admin', '', 0)",
            &[],
        )
        .map(drop)
    })
    .expect("a member");
    let (mut orders, mut runs) = (Vec::new(), Vec::new());
    for number in 0..ORDERS {
        shop.clock.advance_ms(STEP_DAYS * DAY_MS);
        let id = shop.write(move |tx, files| {
            add_others(tx, number)?;
            add_order(tx, files, number)
        });
        orders.push(id.expect("an order"));
        // Every fifth order is confirmed two years later.
        if let Some(late) = Some(number - 36).filter(|late| *late >= 0 && late % 5 == 0) {
            let id = orders[usize::try_from(late).expect("positive")];
            let confirm = move |tx: &mut dyn Tx, _: &Files| {
                let now = tx.now();
                let before = store::find(tx, &[id])?.remove(0);
                edit(tx, &before, |order| {
                    order.set_state(OrderState::Confirmed, now);
                })
            };
            shop.write(confirm).expect("confirms");
        }
        shop.write(|tx, _| {
            while index::compact_step(tx, &Limits::DEFAULT)? {}
            let now = tx.now();
            downloads::delete_old_files(tx, now.plus_ms(-downloads::FILE_RETENTION_MS))?;
            uploads::delete_old_files(tx, now.plus_ms(-90 * DAY_MS), 100).map(drop)
        })
        .expect("the other jobs");
        runs.push(
            shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none()))
                .expect("destroys"),
        );
    }
    History { shop, orders, runs }
}

#[test]
fn destroyed_orders_leave_no_byte_and_kept_ones_stay_whole() {
    let History { shop, orders, runs } = history();
    let kept_days = 5 * 365 + 1;
    let is_due = |number: i64| {
        let age = (ORDERS - 1 - number) * STEP_DAYS;
        let is_late = number % 5 == 0 && number + 36 < ORDERS;
        age - if is_late { 36 * STEP_DAYS } else { 0 } > kept_days
    };
    let (due, kept): (Vec<i64>, Vec<i64>) = (0..ORDERS).partition(|number| is_due(*number));
    assert!(due.len() > 25 && kept.iter().any(|number| *number < due[due.len() - 1]), "{due:?}");
    assert_eq!(runs.iter().map(|run| run.orders).sum::<u64>(), due.len() as u64);
    let first = runs.iter().position(|run| run.orders > 0).expect("a run");
    assert!(i64::try_from(first).expect("small") * STEP_DAYS >= kept_days - STEP_DAYS, "{first}");

    let old = |number: &i64| (ORDERS - 1 - *number) * STEP_DAYS > kept_days;
    let gone: BTreeSet<String> =
        due.iter().map(|number| mark(*number)).chain((0..ORDERS).filter(old).map(other_mark)).collect();
    let there: BTreeSet<String> = kept.iter().map(|number| mark(*number)).collect();
    let due_orders: std::collections::BTreeSet<i64> =
        due.iter().map(|number| orders[usize::try_from(*number).expect("positive")]).collect();
    let (searched, present) = (gone.clone(), there.clone());
    shop.write(move |tx, _| {
        assert_eq!(places_of(tx, &searched)?, BTreeMap::new());
        let places = places_of(tx, &present)?;
        let everywhere = [
            "orders.customer_name",
            "orders.recipient_address1",
            "order_events.changes",
            "channel_statements.value",
            "channel_conflicts.channel_value",
            "deliveries.memo",
            "delivery_events.details",
        ];
        for word in &present {
            let missing: Vec<_> = everywhere.iter().filter(|place| !places[word].contains(**place)).collect();
            assert!(missing.is_empty(), "{word} is missing in {missing:?}");
        }
        assert!(index::find_terms(tx, &due_orders)?.is_empty());
        assert_eq!(all_orders(tx)?.len(), present.len());
        invariants::hold(tx)?;
        let open = "SELECT count(*) FROM uploads u WHERE u.open_rows <> (SELECT count(*) FROM upload_rows r \
                    WHERE r.upload_id = u.id AND r.open_order IS NOT NULL)";
        assert_eq!(tx.scalar(open, &[])?, 0);
        let conflicts = "SELECT count(*) FROM channel_conflicts WHERE order_id NOT IN (SELECT id FROM orders)";
        assert_eq!(tx.scalar(conflicts, &[])?, 0);
        let status = certificates::status(tx, RetentionYears::new(KEEP))?;
        assert_eq!((status.due.orders, status.overdue, status.due.uploads), (0, 0, 0));
        assert!(status.soon.orders > 0, "a run is expected within a month");
        assert!(status.last.is_some_and(|last| last.finished_at.is_some()));
        Ok(())
    })
    .expect("reads");
    if shop.folder.address().is_none() {
        assert_eq!(files_with(shop.folder.path(), &gone), Vec::<String>::new());
        assert!(!files_with(shop.folder.path(), &there).is_empty());
    }
}

/// A shop with one order that was delivered six years ago, and how many orders a run leaves.
fn six_years_later(happens: impl Fn(&mut dyn Tx, i64) -> Result<()> + Send + 'static) -> i64 {
    let shop = Shop::open();
    shop.clock.advance_ms(-6 * 366 * DAY_MS);
    let id = shop.write(|tx, files| {
        let placed_at = tx.now();
        files.order(tx, "SMART_STORE", vec![NewOrder { placed_at, ..marked_order(1) }])?;
        let id = tx.scalar("SELECT max(id) FROM orders", &[])?;
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
fn add_job(tx: &mut dyn Tx, order: i64, kind: &str, ended_at: Option<crate::time::Moment>) -> Result<()> {
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
    let claimed = |tx: &mut dyn Tx, id: i64| {
        let order = store::find(tx, &[id])?.remove(0);
        edit(tx, &order, |order| order.claim = "반품요청".to_owned()).map(drop)
    };
    assert_eq!(six_years_later(claimed), 1, "a claim is open");
    let conflicting = |tx: &mut dyn Tx, id: i64| {
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
        let job = move |tx: &mut dyn Tx, id: i64| {
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
            let id = tx.new_id();
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
