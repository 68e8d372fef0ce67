//! End-to-end tests: a shop writes, its backup is restored and compared.

mod faulty;
mod proofs;
mod requests;
mod targets;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use self::faulty::FaultyStore;
use super::object_keys::ObjectKey;
use super::*;
use crate::config::{Retention, StoreCredentials};
use crate::demo;
use crate::orders::model::NewOrder;
use crate::orders::testing::{DAY_MS, Files, new_order};
use crate::privacy::{RetentionYears, destroy_due};
use crate::proofs::destroy::ProofRetention;
use crate::storage::{OpenMode, StorageOptions};
use crate::time::{Clock, Moment, SystemClock};

/// A shop with a backup to a folder.
struct BackedUpShop {
    folder: TempDir,
    storage: Storage,
    backup: Backup,
}

fn settings(folder: &Path, targets: &[&str]) -> BackupSettings {
    BackupSettings {
        credentials: StoreCredentials::default(),
        targets: targets.iter().map(|target| format!("file://{}", folder.join(target).display())).collect(),
        snapshot_every: Duration::from_hours(24),
        verify_every: None,
        is_unsealed: true,
        spool_limit_bytes: 1 << 30,
        retention: Retention::default(),
    }
}

impl BackedUpShop {
    fn open(folder: TempDir, settings: &BackupSettings, targets: Vec<Target>) -> Self {
        let timing = UploadTiming { ownership_check_interval: Duration::from_secs(1), ..UploadTiming::default() };
        let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
        let data = folder.path().join("data");
        fs::create_dir_all(&data).expect("a folder");
        let (storage, wal) =
            Storage::open_with_wal_feed(OpenMode::Migrate, &data.join("mukkeum.db"), &options).expect("opens");
        let backup = Backup::start_with(targets, settings, timing, &data, &storage, wal).expect("starts");
        Self { folder, storage, backup }
    }

    fn reopen(folder: TempDir) -> Self {
        let settings = settings(folder.path(), &["copies"]);
        let targets = super::targets(&settings).expect("addresses");
        Self::open(folder, &settings, targets)
    }

    fn new() -> Self {
        Self::reopen(tempfile::tempdir().expect("a folder"))
    }

    /// A shop whose only target is `store`.
    fn with_store(store: &Arc<FaultyStore>, spool_limit_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = BackupSettings { spool_limit_bytes, ..settings(folder.path(), &[]) };
        Self::open(folder, &settings, vec![Target::from_store(Arc::clone(store) as _)])
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/mukkeum.db")
    }

    /// Asserts that the restored target equals the shop, row by row.
    async fn assert_restorable_from(&self, target: &Target) {
        let out = self.folder.path().join("restored.db");
        let key = self.backup.inner.key.clone();
        restore(target, key.as_ref(), None, &out, true, &mut |_, _| ()).await.expect("restores");
        assert!(rows(&self.database()) == rows(&out), "every row is there");
    }

    /// Waits until every commit so far is at the target.
    async fn wait_until_copied(&self) {
        let now = SystemClock.now();
        self.wait_for("copies", |status| status.copied_at.is_some_and(|at| at > now.0)).await;
    }

    /// Commits a row of at least that many bytes. Returns the time after the commit.
    async fn commit(&self, bytes: usize) -> Moment {
        let write = move |tx: &mut dyn crate::storage::Tx| {
            let (name, text) = (format!("note.{}", tx.new_number()), "0123456789abcdef".repeat(bytes / 16 + 1));
            tx.upsert("settings", &[("name", name.into())], &[("value", text.into())])
        };
        self.storage.write(write).await.expect("writes");
        SystemClock.now()
    }

    async fn stop(self) -> TempDir {
        self.backup.stop(Duration::from_secs(20)).await;
        let status = &self.backup.statuses()[0];
        assert_eq!((&status.problem, status.spool_bytes), (&None, 0), "{status:?}");
        drop((self.backup, self.storage));
        self.folder
    }

    /// Waits up to 30 s for a status.
    async fn wait_for(&self, what: &str, holds: impl Fn(&TargetStatus) -> bool) {
        for _ in 0..1_500 {
            if holds(&self.backup.statuses()[0]) {
                return;
            }
            // Skips the backoff of the uploaders.
            self.backup.inner.shipper.send(Command::RetryUploads);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: {:?}", self.backup.statuses());
    }

    async fn snapshot(&self) {
        let before = self.backup.statuses()[0].snapshot_at;
        self.backup.snapshot();
        self.wait_for("a snapshot", |status| status.snapshot_at > before).await;
    }
}

fn target(folder: &Path) -> Target {
    open_target(&format!("file://{}", folder.join("copies").display())).expect("an address")
}

/// Every row of every table.
fn rows(path: &Path) -> Vec<(String, Vec<Vec<Value>>)> {
    let shop = Connection::open(path).expect("opens");
    let mut tables = shop.prepare("PRAGMA table_list").expect("asks");
    let mut tables: Vec<String> =
        tables.query_map([], |row| row.get(1)).expect("asks").map(|name| name.expect("text")).collect();
    tables.sort_unstable();
    tables
        .into_iter()
        .map(|table| {
            let mut rows = shop.prepare(&format!("SELECT * FROM {table}")).expect("asks");
            let columns = rows.column_count();
            let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
            let rows = rows.query_map([], row).expect("reads").map(|row| row.expect("a row")).collect();
            (table, rows)
        })
        .collect()
}

async fn restore_copies(folder: &Path, at: Option<Moment>) -> Result<RestoreOutcome, RestoreError> {
    let out = folder.join("restored.db");
    let key = Key::load(&folder.join("data")).expect("reads");
    restore(&target(folder), key.as_ref(), at, &out, true, &mut |_, _| ()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restored_shop_equals_the_original_after_checkpoints_and_snapshots() {
    let shop = BackedUpShop::new();
    demo::generate(&shop.storage, 1, 300, SystemClock.now(), |_| ()).await.expect("fills");
    for round in 0..60 {
        shop.commit(round * 20_000).await;
        if round % 20 == 7 {
            shop.snapshot().await;
        }
    }
    let folder = shop.stop().await;
    let restored = restore_copies(folder.path(), None).await.expect("restores");
    assert_eq!(restored.summary.orders, 300);
    assert!(restored.segments > 1);
    let (live, copy) = (folder.path().join("data/mukkeum.db"), folder.path().join("restored.db"));
    assert!(rows(&live) == rows(&copy), "every row is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restart_keeps_the_generation_unless_another_program_wrote() {
    let mut folder = BackedUpShop::new().stop().await;
    let mut generations = Vec::new();
    for changes in [false, true, false] {
        let shop = BackedUpShop::reopen(folder);
        shop.commit(10).await;
        shop.wait_until_copied().await;
        generations.push(shop.backup.statuses()[0].generation.clone().expect("one"));
        shop.assert_restorable_from(&target(shop.folder.path())).await;
        folder = shop.stop().await;
        if changes {
            // An external sqlite3: closing its last connection checkpoints and deletes the WAL.
            let foreign = Connection::open(folder.path().join("data/mukkeum.db")).expect("opens");
            foreign.execute("UPDATE settings SET value = 'changed'", []).expect("writes");
        }
    }
    assert_eq!(generations[0], generations[1]);
    assert_ne!(generations[1], generations[2], "the foreign commit is in no segment");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_database_starts_a_generation_and_newer_moments_stay_restorable() {
    let shop = BackedUpShop::new();
    shop.commit(10).await;
    shop.wait_until_copied().await;
    let folder = shop.stop().await;
    let data = folder.path().join("data");
    let files = ["mukkeum.db", "mukkeum.db-wal"];
    let older = files.map(|file| fs::read(data.join(file)).unwrap_or_default());
    let shop = BackedUpShop::reopen(folder);
    let newer = shop.commit(2_000_000).await.plus_ms(1);
    shop.wait_until_copied().await;
    let folder = shop.stop().await;
    for (file, bytes) in files.iter().zip(older) {
        fs::write(data.join(file), bytes).expect("writes");
    }
    let shop = BackedUpShop::reopen(folder);
    shop.commit(10).await;
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&target(shop.folder.path())).await;
    let folder = shop.stop().await;
    let after = restore_copies(folder.path(), Some(newer)).await;
    let Err(RestoreError::Plan(PlanError::Between { until, .. })) = after else {
        panic!("nobody knows what followed: {after:?}")
    };
    let back = restore_copies(folder.path(), Some(until)).await.expect("restores");
    assert!(back.bytes > 2_000_000, "the newer notes: {back:?}");
}

/// Whether one of the files has this word in its bytes.
fn has_word(files: &[PathBuf], word: &str) -> bool {
    let has = |bytes: &[u8]| bytes.windows(word.len()).any(|some| some == word.as_bytes());
    files.iter().any(|file| fs::read(file).is_ok_and(|bytes| has(&bytes)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destroyed_data_leaves_the_files_and_returns_only_with_an_older_backup() {
    const WORD: &str = "mkqdestroyed";
    let keep = RetentionYears::new(5);
    let shop = BackedUpShop::new();
    let files = Files::open();
    let created = shop.storage.write(move |tx| {
        let mut old = new_order("1");
        (old.customer.name, old.placed_at) = (WORD.to_owned(), tx.now().plus_ms(-6 * 366 * DAY_MS));
        let new = NewOrder { placed_at: tx.now(), ..new_order("2") };
        files.order(tx, "SMART_STORE", vec![old, new]).map(drop)
    });
    created.await.expect("orders");
    shop.wait_until_copied().await;
    let before = SystemClock.now();
    let database = shop.database();
    let wal = database.with_file_name("mukkeum.db-wal");
    assert!(has_word(&[database.clone(), wal.clone()], WORD));

    let destroyed = destroy_due(&shop.storage, keep, &ProofRetention::none()).await.expect("destroys");
    assert_eq!(destroyed.orders, 1);
    assert!(!has_word(&[database, wal], WORD), "the file and the WAL have nothing of it");
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&target(shop.folder.path())).await;
    let folder = shop.stop().await;
    let restored = folder.path().join("restored.db");
    assert_eq!(restore_copies(folder.path(), None).await.expect("restores").summary.orders, 1);
    assert!(!has_word(std::slice::from_ref(&restored), WORD));

    assert_eq!(restore_copies(folder.path(), Some(before)).await.expect("restores").summary.orders, 2);
    assert!(has_word(std::slice::from_ref(&restored), WORD), "an older moment has it");
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
    let storage = Storage::open_sqlite(&restored, &options).expect("opens");
    assert_eq!(destroy_due(&storage, keep, &ProofRetention::none()).await.expect("destroys again").orders, 1);
    drop(storage);
    assert!(!has_word(&[restored.clone(), folder.path().join("restored.db-wal")], WORD));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_moment_can_be_restored() {
    let shop = BackedUpShop::new();
    shop.commit(1).await;
    shop.wait_until_copied().await;
    let mut moments = Vec::new();
    for round in 0..40 {
        // One commit is larger than a segment.
        let bytes = if round == 21 { 20 << 20 } else { round * 3_000 };
        moments.push((shop.commit(bytes).await, round + 2));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let folder = shop.stop().await;
    for (at, notes) in moments.iter().step_by(3) {
        restore_copies(folder.path(), Some(*at)).await.expect("restores");
        let shop = Connection::open(folder.path().join("restored.db")).expect("opens");
        let found: u32 = shop.query_row("SELECT count(*) FROM settings", [], |row| row.get(0)).expect("counts");
        assert_eq!(found as usize, *notes, "at {}", at.precise());
    }
    let before = restore_copies(folder.path(), Some(Moment(1))).await;
    assert!(matches!(before, Err(RestoreError::Plan(PlanError::TooEarly { .. }))), "{before:?}");
}

/// Folder of a stopped shop with several segments, and the files of those.
async fn folder_with_segments() -> (TempDir, Vec<PathBuf>) {
    let shop = BackedUpShop::new();
    shop.commit(1).await;
    shop.wait_until_copied().await;
    for _ in 0..6 {
        shop.commit(50_000).await;
        shop.wait_until_copied().await;
    }
    let folder = shop.stop().await;
    let copies = folder.path().join("copies");
    let mut segments = Vec::new();
    for (key, _) in list::list_objects(&target(folder.path()), "").await.expect("lists") {
        if matches!(key, ObjectKey::Segment { .. }) {
            segments.push(copies.join(key.path()));
        }
    }
    assert!(segments.len() > 5, "{segments:?}");
    (folder, segments)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_segments_are_named_and_never_installed() {
    let (folder, segments) = folder_with_segments().await;
    let [.., victim, _] = segments.as_slice() else { panic!("few") };
    let (whole, name) = (fs::read(victim).expect("reads"), victim.file_name().expect("a name").to_string_lossy());
    let out = folder.path().join("restored.db");
    fs::write(&out, "precious").expect("writes");

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(victim, damaged).expect("writes");
        let refused = restore_copies(folder.path(), None).await.expect_err("damaged").to_string();
        assert!(refused.contains(name.as_ref()) && refused.contains("깨졌거나"), "{refused}");
        assert!(refused.contains("까지는 시각을 정해"), "names the last moment that can be restored: {refused}");
    }
    // Another segment under that key.
    fs::copy(&segments[1], victim).expect("copies");
    let replaced = restore_copies(folder.path(), None).await;
    assert!(matches!(replaced, Err(RestoreError::BrokenChain { .. })), "{replaced:?}");
    fs::remove_file(victim).expect("removes");
    let gap = restore_copies(folder.path(), None).await;
    let Err(RestoreError::Plan(PlanError::Gap { until, .. })) = gap else { panic!("{gap:?}") };
    assert_eq!(fs::read(&out).expect("reads"), b"precious", "the output file is unchanged");
    restore_copies(folder.path(), until).await.expect("moments before the gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn duplicate_segment_is_no_gap_and_a_wrong_one_is_named() {
    let (folder, segments) = folder_with_segments().await;
    let [.., victim, _] = segments.as_slice() else { panic!("few") };
    let key =
        ObjectKey::parse(&victim.strip_prefix(folder.path().join("copies")).expect("below").display().to_string());
    let Some(ObjectKey::Segment { generation, number, at }) = key else { panic!("{key:?}") };
    let twin = |at| {
        let key = ObjectKey::Segment { generation: generation.clone(), number, at };
        folder.path().join("copies").join(key.path())
    };
    fs::copy(victim, twin(at + 1)).expect("copies");
    restore_copies(folder.path(), None).await.expect("the right one comes first");
    fs::copy(victim, twin(at - 1)).expect("copies");
    let wrong = restore_copies(folder.path(), None).await;
    assert!(matches!(wrong, Err(RestoreError::BrokenChain { .. })), "{wrong:?}");
}

/// Writes to `/dev/full` fail like those to a full disk.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn full_local_disk_costs_no_commit_and_a_generation_follows() {
    let shop = BackedUpShop::new();
    shop.commit(1).await;
    shop.wait_until_copied().await;
    let before = shop.backup.statuses()[0].generation.clone();
    let no_room = shop.backup.inner.targets[0].folder.join("spool/tmp-object");
    std::os::unix::fs::symlink("/dev/full", &no_room).expect("links");
    let full_at = shop.commit(10_000).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    shop.commit(10_000).await;
    let status = shop.backup.statuses().remove(0);
    assert!(status.copied_at.is_some_and(|at| at < full_at.0), "copied_at does not pass the gap: {status:?}");
    let is_reported =
        |status: &TargetStatus| status.problem.as_ref().is_some_and(|problem| problem.to_string().contains("디스크"));
    shop.wait_for("the full disk is reported", is_reported).await;
    fs::remove_file(no_room).expect("removes");
    shop.wait_for("another generation", |status| status.generation != before).await;
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&target(shop.folder.path())).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_commits_and_checkpoints_lose_nothing() {
    let shop = BackedUpShop::new();
    let foreign = Connection::open(shop.database()).expect("opens");
    foreign.busy_timeout(Duration::from_secs(5)).expect("waits");
    for round in 0..60_i64 {
        shop.commit(30_000).await;
        let mode = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][usize::try_from(round % 4).expect("few")];
        foreign
            .execute("INSERT INTO sales_channels (id, code, name) VALUES (?, ?, '')", [round + 1; 2])
            .expect("writes");
        // May fail: SQLite decides whether the checkpoint is possible.
        let _ = foreign.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        if round % 10 == 3 {
            shop.wait_until_copied().await;
        }
    }
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&target(shop.folder.path())).await;
    drop(foreign);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn existing_files_are_not_overwritten_by_default() {
    let (folder, _) = folder_with_segments().await;
    let out = folder.path().join("restored.db");
    fs::write(folder.path().join("restored.db-wal"), "precious").expect("writes");
    let refused = restore(&target(folder.path()), None, None, &out, false, &mut |_, _| ()).await;
    assert!(matches!(refused, Err(RestoreError::Exists(_))), "{refused:?}");
    assert!(!out.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encrypted_backup_needs_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("data")).expect("a folder");
    Key::generate(&folder.path().join("data")).expect("makes");
    let shop = BackedUpShop::reopen(folder);
    demo::generate(&shop.storage, 3, 20, SystemClock.now(), |_| ()).await.expect("fills");
    shop.wait_until_copied().await;
    shop.assert_restorable_from(&target(shop.folder.path())).await;
    let folder = shop.stop().await;
    let out = folder.path().join("stolen.db");
    let without = restore(&target(folder.path()), None, None, &out, false, &mut |_, _| ()).await;
    assert!(
        matches!(without, Err(RestoreError::Object { error: object::ObjectError::NeedsKey { .. }, .. })),
        "{without:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verification_compares_with_the_shop_and_detects_missing_objects() {
    let shop = BackedUpShop::new();
    demo::generate(&shop.storage, 5, 50, SystemClock.now(), |_| ()).await.expect("fills");
    shop.wait_until_copied().await;
    let verification = shop.backup.verify(0).await.expect("a target");
    assert_eq!((verification.failure, verification.orders), (None, Some(50)));
    let copies = list_snapshots(&target(shop.folder.path())).await.expect("lists");
    assert!(copies[0].verified_at.is_some(), "{copies:?}");
    crate::web::metrics::install();
    shop.backup.update_metrics(SystemClock.now());
    let text = crate::web::metrics::render();
    for figure in ["age_seconds", "snapshot_age_seconds", "verification_age_seconds", "spool_bytes", "failing"] {
        assert!(text.contains(&format!("\nmukkeum_backup_{figure}{{target=\"file://")), "{figure}: {text}");
    }

    fs::remove_dir_all(shop.folder.path().join("copies").join(&copies[0].generation)).expect("removes");
    let verification = shop.backup.verify(0).await.expect("a target");
    assert!(verification.failure.is_some_and(|failure| failure.contains("없어요")));
    assert!(shop.backup.verify(1).await.is_none());
    shop.backup.stop(Duration::from_secs(1)).await;
}
