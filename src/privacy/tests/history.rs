//! Seven years of a shop: what has to go is in no table and in no byte of the files, and what has to stay is there.
//!
//! `MUKKEUM_DESTRUCTION_ORDERS=100000` makes the shop larger and prints the time of its parts.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;
use crate::audit::{self, Actor, AuditEvent, AuditObject, downloads};
use crate::backup::{self, Backup};
use crate::config::{BackupSettings, Config};
use crate::deliveries;
use crate::id::{AuditEntryId, MemberId, OrderId};
use crate::orders::store::channel_conflicts::{self, ConflictResolution};
use crate::orders::testing::{all_orders, move_to_segments};
use crate::search::{Limits, store as index};
use crate::storage::{OpenMode, Storage, StorageOptions};
use crate::time::SystemClock;
use crate::uploads::store as uploads;

/// Days between two orders.
const STEP_DAYS: i64 = 20;

/// Days with orders in the history: seven years. The first order of each day has a row in every table that an order can have one in.
const ORDERS: i64 = 128;

/// Orders of one upload.
const UPLOAD_ORDERS: usize = 500;

/// Number of the further orders of each day.
fn further_orders() -> i64 {
    let all = std::env::var("MUKKEUM_DESTRUCTION_ORDERS").map_or(0, |all| all.parse().expect("a number of orders"));
    (all / ORDERS - 1).max(0)
}

/// Numbers of the further orders of a day.
fn further_of(day: i64) -> std::ops::Range<i64> {
    let first = ORDERS + day * further_orders();
    first..first + further_orders()
}

/// The day of an order.
fn day_of(number: i64) -> i64 {
    if number < ORDERS { number } else { (number - ORDERS) / further_orders() }
}

/// A word that only this upload, download or entry has.
fn other_mark(number: i64) -> String {
    format!("mku{number:06}x")
}

/// An order with a row in every table that an order can have one in.
fn add_order(tx: &mut dyn Tx, files: &Files, number: i64) -> Result<OrderId> {
    let (now, mark) = (tx.now(), mark(number));
    let new = |name: &str| {
        let mut order = marked_order(number);
        order.placed_at = now;
        order.recipient.name.push_str(name);
        order
    };
    files.order(tx, "SMART_STORE", vec![new("")])?;
    let id = OrderId::from_raw(tx.scalar("SELECT max(id) FROM orders", &[])?);
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
    let undecided: Vec<_> = undecided.iter().map(|conflict| (conflict.id, conflict.upload_id)).collect();
    channel_conflicts::close(tx, &undecided, ConflictResolution::Own, None)?;
    let delivery = store::find(tx, &[id])?.remove(0).delivery_id;
    let member = MemberId::from_raw(1);
    let details = serde_json::json!({ "memo": mark });
    deliveries::log::record(
        tx,
        (AuditEntryId::from_raw(1), member),
        delivery,
        deliveries::log::DeliveryAction::MemoChanged,
        &details,
    )?;
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
    let (order_id, id) = (id, id.raw());
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
    Ok(order_id)
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

/// Files of a folder, and of those in it, that have one of these words.
fn files_with(folder: &Path, words: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files_with(&path, words));
            continue;
        }
        let bytes = std::fs::read(&path).expect("a file");
        let has = |at: usize| bytes.get(at..at + WORD_LENGTH).and_then(|word| std::str::from_utf8(word).ok());
        let words = (0..bytes.len())
            .filter(|at| bytes[*at..].starts_with(b"mk"))
            .filter_map(|at| has(at).filter(|word| words.contains(*word)));
        found.extend(words.map(|word| format!("{}: {word}", path.display())));
    }
    found
}

struct History {
    shop: Shop,
    /// identifiers of the orders of [`ORDERS`]
    orders: Vec<OrderId>,
    /// identifiers of the further ones, by number
    further: BTreeMap<i64, OrderId>,
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
    let (mut orders, mut further, mut runs) = (Vec::new(), BTreeMap::new(), Vec::new());
    for number in 0..ORDERS {
        shop.clock.advance_ms(STEP_DAYS * DAY_MS);
        let id = shop.write(move |tx, files| {
            add_others(tx, number)?;
            add_order(tx, files, number)
        });
        orders.push(id.expect("an order"));
        for numbers in further_of(number).collect::<Vec<_>>().chunks(UPLOAD_ORDERS) {
            let numbers = numbers.to_vec();
            further.extend(shop.write(move |tx, files| add_further(tx, files, &numbers)).expect("orders"));
        }
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
        // The job of a large shop runs once a year: each run writes the whole file again.
        if further_orders() > 0 && (ORDERS - 1 - number) % 18 != 0 {
            continue;
        }
        runs.push(
            shop.block_on(destroy_due(&shop.storage, RetentionYears::new(KEEP), &ProofRetention::none()))
                .expect("destroys"),
        );
    }
    History { shop, orders, further, runs }
}

/// Orders of one upload; answers their identifiers by number.
fn add_further(tx: &mut dyn Tx, files: &Files, numbers: &[i64]) -> Result<Vec<(i64, OrderId)>> {
    let (placed_at, last) = (tx.now(), tx.scalar("SELECT max(id) FROM orders", &[])?);
    let new = numbers.iter().map(|number| NewOrder { placed_at, ..marked_order(*number) });
    files.order(tx, "SMART_STORE", new.collect())?;
    let mut added = Vec::new();
    for mut row in tx.query("SELECT id, order_number FROM orders WHERE id > ?", &[last.into()])? {
        let (id, order_number) = (row.id(0)?, row.text(1)?);
        added.push((order_number[3..9].parse().expect("a number"), id));
    }
    assert_eq!(added.len(), numbers.len());
    Ok(added)
}

/// Backs the database up and restores it: the folders of the backup's objects and of the restored file.
fn restored_copy(database: &Path) -> (tempfile::TempDir, tempfile::TempDir) {
    let folder = || tempfile::tempdir().expect("a folder");
    let (data, copies, out) = (folder(), folder(), folder());
    let address = format!("file://{}", copies.path().display());
    let settings = BackupSettings {
        targets: vec![address.clone()],
        ..Config::defaults(data.path()).expect("valid settings").backup
    };
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    tokio::runtime::Runtime::new().expect("a runtime").block_on(async {
        let (storage, wal) = Storage::open_with_wal_feed(OpenMode::Migrate, database, &options).expect("opens");
        let backup = Backup::start(&settings, data.path(), &storage, wal).expect("starts");
        while backup.statuses()[0].snapshot_at.is_none() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        backup.stop(Duration::from_mins(1)).await;
        let target = backup::open_target(&address).expect("valid");
        let restored = out.path().join("restored.db");
        backup::restore(&target, None, None, &restored, false, &mut |_, _| ()).await.expect("restores");
    });
    (copies, out)
}

#[test]
fn destroyed_orders_leave_no_byte_and_kept_ones_stay_whole() {
    let started = Instant::now();
    let History { shop, orders, further, runs } = history();
    let numbers = || 0..ORDERS * (1 + further_orders());
    let kept_days = 5 * 365 + 1;
    let is_due = |number: i64| {
        let age = (ORDERS - 1 - day_of(number)) * STEP_DAYS;
        let is_late = number % 5 == 0 && number + 36 < ORDERS;
        age - if is_late { 36 * STEP_DAYS } else { 0 } > kept_days
    };
    let (due, kept): (Vec<i64>, Vec<i64>) = numbers().partition(|number| is_due(*number));
    assert!(due.len() > 25 && kept.iter().any(|number| *number < due[due.len() - 1]), "{due:?}");
    assert_eq!(runs.iter().map(|run| run.orders).sum::<u64>(), due.len() as u64);
    let first = runs.iter().position(|run| run.orders > 0).expect("a run");
    let is_every_day = further.is_empty();
    assert!(!is_every_day || i64::try_from(first).expect("small") * STEP_DAYS >= kept_days - STEP_DAYS, "{first}");
    report(&format!("{} orders, {} of them destroyed in seven years", due.len() + kept.len(), due.len()), started);

    let old = |number: &i64| (ORDERS - 1 - *number) * STEP_DAYS > kept_days;
    let gone: BTreeSet<String> =
        due.iter().map(|number| mark(*number)).chain((0..ORDERS).filter(old).map(other_mark)).collect();
    let there: BTreeSet<String> = kept.iter().map(|number| mark(*number)).collect();
    let due_orders: std::collections::BTreeSet<OrderId> =
        due.iter().map(|number| further.get(number).copied().unwrap_or_else(|| orders[place(*number)])).collect();
    let (searched, present) = (gone.clone(), there.clone());
    let first_of_days: Vec<String> = (0..ORDERS).map(mark).collect();
    let (started, is_mariadb) = (Instant::now(), shop.folder.address().is_some());
    shop.write(move |tx, _| {
        // The server takes a program for hung that computes for twenty seconds between two statements.
        if is_mariadb {
            tx.exec("SET SESSION idle_transaction_timeout = 0", &[])?;
        }
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
        for word in first_of_days.iter().filter(|word| present.contains(*word)) {
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
    report("tables and search index searched", started);
    let Shop { storage, folder, .. } = shop;
    if is_mariadb {
        return;
    }
    let started = Instant::now();
    assert_eq!(files_with(folder.path(), &gone), Vec::<String>::new());
    assert!(!files_with(folder.path(), &there).is_empty());
    report("files searched, with free pages and write-ahead log", started);
    drop(storage);
    let started = Instant::now();
    let (objects, restored) = restored_copy(&folder.path().join("test.db"));
    for folder in [&objects, &restored] {
        assert_eq!(files_with(folder.path(), &gone), Vec::<String>::new());
    }
    assert!(!files_with(restored.path(), &there).is_empty());
    report("backed up, restored, and both searched", started);
}

/// Place of one of [`ORDERS`].
fn place(number: i64) -> usize {
    usize::try_from(number).expect("positive")
}

/// Prints the time of a part of a large shop.
fn report(part: &str, started: Instant) {
    if further_orders() > 0 {
        println!("{part}: {:.1} s", started.elapsed().as_secs_f64());
    }
}
