//! The whole way: a shop that works, its copies, and what comes back of them.

mod faulty;
mod targets;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;
use tempfile::TempDir;

use self::faulty::Faulty;
use super::object_keys::Name;
use super::*;
use crate::audit;
use crate::demo;
use crate::storage::{StorageError, StorageOptions};
use crate::time::{Clock, Moment, SystemClock};

/// A shop with a backup into folders.
struct Shop {
    folder: TempDir,
    storage: Storage,
    backup: Backup,
}

fn plan(folder: &Path, targets: &[&str]) -> Plan {
    Plan {
        targets: targets.iter().map(|target| format!("file://{}", folder.join(target).display())).collect(),
        snapshot_every: Duration::from_hours(24),
        verify_every: None,
        queue_bytes: 1 << 30,
        keep: Keep::default(),
    }
}

impl Shop {
    fn open(folder: TempDir, plan: &Plan, targets: Vec<Target>) -> Self {
        let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
        let data = folder.path().join("data");
        fs::create_dir_all(&data).expect("a folder");
        let (storage, log) = Storage::open_with_wal_feed(&data.join("mukkeum.db"), &options).expect("opens");
        let backup = Backup::start_to(targets, plan, &data, &storage, log).expect("starts");
        Self { folder, storage, backup }
    }

    fn again(folder: TempDir) -> Self {
        let plan = plan(folder.path(), &["copies"]);
        let targets = plan.targets().expect("addresses");
        Self::open(folder, &plan, targets)
    }

    fn new() -> Self {
        Self::again(tempfile::tempdir().expect("a folder"))
    }

    /// A shop whose only target fails as it is told to.
    fn beside(store: &Arc<Faulty>, queue_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = Plan { queue_bytes, ..plan(folder.path(), &[]) };
        Self::open(folder, &plan, vec![Target::of(Arc::clone(store) as _)])
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("data/mukkeum.db")
    }

    /// What the target holds is the shop, row by row.
    async fn comes_back_from(&self, target: &Target) {
        let out = self.folder.path().join("restored.db");
        let key = self.backup.inner.key.clone();
        restore(target, key.as_ref(), None, &out, true, &mut |_, _| ()).await.expect("restores");
        assert!(rows(&self.database()) == rows(&out), "every row is there");
    }

    /// Everything that was committed until now is away.
    async fn is_copied(&self) {
        let now = SystemClock.now();
        self.until("copies", |status| status.copied_at.is_some_and(|at| at > now.0)).await;
    }

    /// Commits something of so many bytes and tells when.
    async fn work(&self, bytes: usize) -> Moment {
        let write = move |tx: &mut dyn crate::storage::Tx| {
            let id = audit::record(tx, None, "worked", &json!({ "text": "0123456789abcdef".repeat(bytes / 16 + 1) }))?;
            Ok::<_, StorageError>(id)
        };
        self.storage.write(write).await.expect("writes");
        SystemClock.now()
    }

    async fn stop(self) -> TempDir {
        self.backup.stop(Duration::from_secs(20)).await;
        let status = &self.backup.statuses()[0];
        assert_eq!((&status.trouble, status.waiting_bytes), (&None, 0), "{status:?}");
        drop((self.backup, self.storage));
        self.folder
    }

    async fn until(&self, what: &str, holds: impl Fn(&Status) -> bool) {
        for _ in 0..1_500 {
            if holds(&self.backup.statuses()[0]) {
                return;
            }
            // A target is asked again when something arrives for it, or after a rest.
            self.backup.inner.voice.ask(Ask::Look);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: {:?}", self.backup.statuses());
    }

    async fn snapshot(&self) {
        let before = self.backup.statuses()[0].snapshot_at;
        self.backup.snapshot();
        self.until("a snapshot", |status| status.snapshot_at > before).await;
    }
}

fn target(folder: &Path) -> Target {
    open(&format!("file://{}", folder.join("copies").display())).expect("an address")
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

async fn restored(folder: &Path, at: Option<Moment>) -> Result<Restored, RestoreError> {
    let out = folder.join("restored.db");
    let key = Key::of_folder(&folder.join("data")).expect("reads");
    restore(&target(folder), key.as_ref(), at, &out, true, &mut |_, _| ()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_worked_through_checkpoints_and_snapshots_comes_back_row_by_row() {
    let shop = Shop::new();
    demo::generate(&shop.storage, 1, 300, SystemClock.now(), |_| ()).await.expect("fills");
    for round in 0..60 {
        shop.work(round * 20_000).await;
        if round % 20 == 7 {
            shop.snapshot().await;
        }
    }
    let folder = shop.stop().await;
    let restored = restored(folder.path(), None).await.expect("restores");
    assert_eq!(restored.figures.orders, 300);
    assert!(restored.segments > 1);
    let (live, copy) = (folder.path().join("data/mukkeum.db"), folder.path().join("restored.db"));
    assert!(rows(&live) == rows(&copy), "every row is there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_that_was_stopped_goes_on_in_the_same_generation_and_one_that_was_changed_meanwhile_does_not() {
    let mut folder = Shop::new().stop().await;
    let mut generations = Vec::new();
    for changes in [false, true, false] {
        let shop = Shop::again(folder);
        shop.work(10).await;
        shop.is_copied().await;
        generations.push(shop.backup.statuses()[0].generation.clone().expect("one"));
        shop.comes_back_from(&target(shop.folder.path())).await;
        folder = shop.stop().await;
        if changes {
            // As a curious sqlite3 does: its last connection empties the log into the file.
            let foreign = Connection::open(folder.path().join("data/mukkeum.db")).expect("opens");
            foreign.execute("UPDATE activities SET action = 'changed'", []).expect("writes");
        }
    }
    assert_eq!(generations[0], generations[1]);
    assert_ne!(generations[1], generations[2], "what the foreign program wrote was in no log");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_file_put_in_place_begins_a_generation_and_what_was_newer_can_still_be_restored() {
    let shop = Shop::new();
    shop.work(10).await;
    shop.is_copied().await;
    let folder = shop.stop().await;
    let data = folder.path().join("data");
    let files = ["mukkeum.db", "mukkeum.db-wal"];
    let older = files.map(|file| fs::read(data.join(file)).unwrap_or_default());
    let shop = Shop::again(folder);
    let newer = shop.work(2_000_000).await.plus_ms(1);
    shop.is_copied().await;
    let folder = shop.stop().await;
    for (file, bytes) in files.iter().zip(older) {
        fs::write(data.join(file), bytes).expect("writes");
    }
    let shop = Shop::again(folder);
    shop.work(10).await;
    shop.is_copied().await;
    shop.comes_back_from(&target(shop.folder.path())).await;
    let folder = shop.stop().await;
    let after = restored(folder.path(), Some(newer)).await;
    let Err(RestoreError::Plan(PlanError::Between { until, .. })) = after else {
        panic!("nobody knows what followed: {after:?}")
    };
    let back = restored(folder.path(), Some(until)).await.expect("restores");
    assert!(back.bytes > 2_000_000, "the newer notes: {back:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_moment_comes_back_as_it_was() {
    let shop = Shop::new();
    shop.work(1).await;
    shop.is_copied().await;
    let mut moments = Vec::new();
    for round in 0..40 {
        // One of them is larger than a segment becomes.
        let bytes = if round == 21 { 20 << 20 } else { round * 3_000 };
        moments.push((shop.work(bytes).await, round + 2));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let folder = shop.stop().await;
    for (at, notes) in moments.iter().step_by(3) {
        restored(folder.path(), Some(*at)).await.expect("restores");
        let shop = Connection::open(folder.path().join("restored.db")).expect("opens");
        let found: u32 = shop.query_row("SELECT count(*) FROM activities", [], |row| row.get(0)).expect("counts");
        assert_eq!(found as usize, *notes, "at {}", at.precise());
    }
    let before = restored(folder.path(), Some(Moment(1))).await;
    assert!(matches!(before, Err(RestoreError::Plan(PlanError::TooEarly { .. }))), "{before:?}");
}

/// A shop with several segments, stopped, and the files of those.
async fn with_segments() -> (TempDir, Vec<PathBuf>) {
    let shop = Shop::new();
    shop.work(1).await;
    shop.is_copied().await;
    for _ in 0..6 {
        shop.work(50_000).await;
        shop.is_copied().await;
    }
    let folder = shop.stop().await;
    let copies = folder.path().join("copies");
    let mut segments = Vec::new();
    for (name, _) in target(folder.path()).list("").await.expect("lists") {
        if matches!(name, Name::Segment { .. }) {
            segments.push(copies.join(name.path()));
        }
    }
    assert!(segments.len() > 5, "{segments:?}");
    (folder, segments)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_copies_are_named_and_never_put_in_place() {
    let (folder, segments) = with_segments().await;
    let [.., victim, _] = segments.as_slice() else { panic!("few") };
    let (whole, name) = (fs::read(victim).expect("reads"), victim.file_name().expect("a name").to_string_lossy());
    let out = folder.path().join("restored.db");
    fs::write(&out, "precious").expect("writes");

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [flipped, whole[..whole.len() / 2].to_vec(), Vec::new()] {
        fs::write(victim, damaged).expect("writes");
        let refused = restored(folder.path(), None).await.expect_err("damaged").to_string();
        assert!(refused.contains(name.as_ref()) && refused.contains("깨졌거나"), "{refused}");
        assert!(refused.contains("까지는 --at으로"), "says what is still possible: {refused}");
    }
    // Another segment under its name.
    fs::copy(&segments[1], victim).expect("copies");
    let stranger = restored(folder.path(), None).await;
    assert!(matches!(stranger, Err(RestoreError::Stranger { .. })), "{stranger:?}");
    fs::remove_file(victim).expect("removes");
    let gap = restored(folder.path(), None).await;
    let Err(RestoreError::Plan(PlanError::Gap { until, .. })) = gap else { panic!("{gap:?}") };
    assert_eq!(fs::read(&out).expect("reads"), b"precious", "nothing was put in place");
    restored(folder.path(), until).await.expect("what lies before the gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_segment_that_is_there_twice_is_no_gap_and_a_wrong_one_is_named() {
    let (folder, segments) = with_segments().await;
    let [.., victim, _] = segments.as_slice() else { panic!("few") };
    let name = Name::parse(&victim.strip_prefix(folder.path().join("copies")).expect("below").display().to_string());
    let Some(Name::Segment { generation, number, at }) = name else { panic!("{name:?}") };
    let twin = |at| {
        let name = Name::Segment { generation: generation.clone(), number, at };
        folder.path().join("copies").join(name.path())
    };
    fs::copy(victim, twin(at + 1)).expect("copies");
    restored(folder.path(), None).await.expect("the right one comes first");
    fs::copy(victim, twin(at - 1)).expect("copies");
    let wrong = restored(folder.path(), None).await;
    assert!(matches!(wrong, Err(RestoreError::Stranger { .. })), "{wrong:?}");
}

/// Writing to this device says that the disk is full.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_the_shop_costs_no_commit_and_a_generation_begins_when_there_is_room() {
    let shop = Shop::new();
    shop.work(1).await;
    shop.is_copied().await;
    let before = shop.backup.statuses()[0].generation.clone();
    let no_room = shop.backup.inner.places[0].folder.join("waiting/tmp-object");
    std::os::unix::fs::symlink("/dev/full", &no_room).expect("links");
    let full_at = shop.work(10_000).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    shop.work(10_000).await;
    let status = shop.backup.statuses().remove(0);
    assert!(status.copied_at.is_some_and(|at| at < full_at.0), "nothing is called copied that is not: {status:?}");
    let told = |status: &Status| status.trouble.as_ref().is_some_and(|trouble| trouble.to_string().contains("디스크"));
    shop.until("the full disk is told of", told).await;
    fs::remove_file(no_room).expect("removes");
    shop.until("another generation", |status| status.generation != before).await;
    shop.is_copied().await;
    shop.comes_back_from(&target(shop.folder.path())).await;
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_foreign_program_that_writes_and_makes_checkpoints_meanwhile_costs_nothing() {
    let shop = Shop::new();
    let foreign = Connection::open(shop.database()).expect("opens");
    foreign.busy_timeout(Duration::from_secs(5)).expect("waits");
    for round in 0..60_i64 {
        shop.work(30_000).await;
        let mode = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"][usize::try_from(round % 4).expect("few")];
        foreign.execute("INSERT INTO sales_channels (id, code, name) VALUES (?, ?, '')", [round; 2]).expect("writes");
        // Whether it is let is SQLite's business; what is copied is ours.
        let _ = foreign.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(()));
        if round % 10 == 3 {
            shop.is_copied().await;
        }
    }
    shop.is_copied().await;
    shop.comes_back_from(&target(shop.folder.path())).await;
    drop(foreign);
    shop.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_over_without_being_told() {
    let (folder, _) = with_segments().await;
    let out = folder.path().join("restored.db");
    fs::write(folder.path().join("restored.db-wal"), "precious").expect("writes");
    let refused = restore(&target(folder.path()), None, None, &out, false, &mut |_, _| ()).await;
    assert!(matches!(refused, Err(RestoreError::Exists(_))), "{refused:?}");
    assert!(!out.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_backup_opens_with_its_key_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("data")).expect("a folder");
    Key::make(&folder.path().join("data")).expect("makes");
    let shop = Shop::again(folder);
    demo::generate(&shop.storage, 3, 20, SystemClock.now(), |_| ()).await.expect("fills");
    shop.is_copied().await;
    shop.comes_back_from(&target(shop.folder.path())).await;
    let folder = shop.stop().await;
    let out = folder.path().join("stolen.db");
    let without = restore(&target(folder.path()), None, None, &out, false, &mut |_, _| ()).await;
    assert!(
        matches!(without, Err(RestoreError::Object { error: object::ObjectError::NeedsKey { .. }, .. })),
        "{without:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_restores_and_compares_and_a_copy_that_is_gone_is_noticed() {
    let shop = Shop::new();
    demo::generate(&shop.storage, 5, 50, SystemClock.now(), |_| ()).await.expect("fills");
    shop.is_copied().await;
    let proof = shop.backup.prove(0).await.expect("a place");
    assert_eq!((proof.failure, proof.orders), (None, Some(50)));
    let copies = list(&target(shop.folder.path())).await.expect("lists");
    assert!(copies[0].proven_at.is_some(), "{copies:?}");
    crate::web::metrics::install();
    shop.backup.measure(SystemClock.now());
    let told = crate::web::metrics::render();
    for figure in ["age_seconds", "snapshot_age_seconds", "proof_age_seconds", "waiting_bytes", "in_trouble"] {
        assert!(told.contains(&format!("\nmukkeum_backup_{figure}{{target=\"file://")), "{figure}: {told}");
    }

    fs::remove_dir_all(shop.folder.path().join("copies").join(&copies[0].generation)).expect("removes");
    let proof = shop.backup.prove(0).await.expect("a place");
    assert!(proof.failure.is_some_and(|failure| failure.contains("없어요")));
    assert!(shop.backup.prove(1).await.is_none());
    shop.backup.stop(Duration::from_secs(1)).await;
}
