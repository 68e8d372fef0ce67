//! Benchmark of the continuous backup.
//!
//! `cargo bench --bench backup -- [--seconds 20] [--megabytes 1024]`
//!
//! Two shops commit 200 small changes per second, one without a backup and one with a backup to a folder. They
//! alternate every second, so that other load on the machine affects both. Measured are the latency of commits in
//! each and the lag of the target. Then the second shop grows to the given size; measured are a snapshot while
//! commits continue, the latency of those commits, and a restore.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::cell::Cell;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::backup::{self, Backup};
use mukkeum::config::{BackupSettings, Retention, StoreCredentials};
use mukkeum::storage::{OpenMode, Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Clock, SystemClock};

/// Commits per second.
const COMMIT_RATE: u32 = 200;

#[derive(Parser)]
struct Arguments {
    /// Duration of the commits of each shop
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Size of the shop for snapshot and restore
    #[arg(long, default_value_t = 1024)]
    megabytes: usize,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn settings(folder: &Path) -> BackupSettings {
    BackupSettings {
        credentials: StoreCredentials::default(),
        targets: vec![address(folder)],
        snapshot_every: Duration::from_hours(24),
        verify_every: None,
        is_unsealed: true,
        spool_limit_bytes: 4 << 30,
        retention: Retention::default(),
    }
}

fn address(folder: &Path) -> String {
    format!("file://{}", folder.join("copies").display())
}

fn options() -> StorageOptions {
    StorageOptions { clock: Arc::new(SystemClock), readers: 4 }
}

/// Incompressible bytes.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = mukkeum::random::seeded::Random::new(seed);
    std::iter::repeat_with(|| random.next_u64().to_le_bytes()).flatten().take(length).collect()
}

fn add(tx: &mut dyn Tx, text: &str, bytes: &[u8]) -> Result<u64, StorageError> {
    let id = tx.scalar("SELECT max(id) FROM sales_channels", &[])? + 1;
    tx.exec(
        "INSERT INTO sales_channels (id, code, name, sealed_password) VALUES (?, ?, ?, ?)",
        &[id.into(), id.to_string().into(), text.into(), bytes.into()],
    )
}

fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Commits for that many seconds; returns the latency of each commit.
async fn commits(storage: &Storage, seconds: u32) -> Outcome<Vec<Duration>> {
    let mut tick = tokio::time::interval(Duration::from_secs(1) / COMMIT_RATE);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut took = Vec::new();
    let until = Instant::now() + Duration::from_secs(seconds.into());
    while Instant::now() < until {
        tick.tick().await;
        let begin = Instant::now();
        storage.write(|tx| add(tx, "한 줄", b"0123456789abcdef")).await?;
        took.push(begin.elapsed());
    }
    Ok(took)
}

/// Age of the target just before each update of `copied_at`, polled every 5 ms until `done`.
async fn lags(backup: &Backup, done: &Cell<bool>) -> Vec<Duration> {
    let (mut lags, mut last) = (Vec::new(), None);
    while !done.get() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let copied_at = backup.statuses()[0].copied_at;
        if copied_at != last {
            // The target was at `last` until now: a crash would have lost this much.
            let oldest = last.unwrap_or_else(|| SystemClock.now().0);
            lags.push(Duration::from_millis((SystemClock.now().0 - oldest).unsigned_abs()));
            last = copied_at;
        }
    }
    lags
}

#[tokio::main]
async fn main() -> Outcome {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let alone = Storage::open_sqlite(&folder.path().join("without.db"), &options())?;
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data)?;
    let (storage, wal) = Storage::open_with_wal_feed(OpenMode::Migrate, &data.join("mukkeum.db"), &options())?;
    let backup = Backup::start(&settings(folder.path()), &data, &storage, wal)?;
    while backup.statuses()[0].snapshot_at.is_none() {
        commits(&storage, 1).await?;
    }
    let (mut without, mut with) = (Vec::new(), Vec::new());
    for _ in 0..arguments.seconds {
        without.extend(commits(&alone, 1).await?);
        with.extend(commits(&storage, 1).await?);
    }
    let done = Cell::new(false);
    let committing = async {
        let took = commits(&storage, arguments.seconds).await;
        done.set(true);
        took
    };
    let (committed, lags) = tokio::join!(committing, lags(&backup, &done));
    with.extend(committed?);

    println!("| | p50 | p99 |\n| --- | --- | --- |");
    for (name, took) in [
        ("commit without a backup", without),
        ("commit with a backup", with),
        ("lag of the target, before each update", lags),
    ] {
        println!("| {name} | {} |", percentiles(took));
    }
    large(&arguments, folder.path(), &storage, &backup).await
}

fn percentiles(mut took: Vec<Duration>) -> String {
    took.sort_unstable();
    format!("{:.2} ms | {:.1} ms", ms(percentile(&took, 50)), ms(percentile(&took, 99)))
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

async fn large(arguments: &Arguments, folder: &Path, storage: &Storage, backup: &Backup) -> Outcome {
    for megabyte in 0..arguments.megabytes {
        let bytes = noise(1 << 19, megabyte as u64);
        let text = "글자는 잘 줄어요. ".repeat((1 << 19) / 24);
        storage.write(move |tx| add(tx, &text, &bytes)).await?;
    }
    // Waits until the new data is uploaded and the snapshot that its volume has triggered is complete.
    loop {
        let before = backup.statuses()[0].snapshot_at;
        commits(storage, 4).await?;
        let status = &backup.statuses()[0];
        if status.spool_bytes < 1 << 20 && status.snapshot_at == before {
            break;
        }
    }
    let quiet = commits(storage, 10).await?;
    let before = backup.statuses()[0].snapshot_at;
    let begin = Instant::now();
    backup.snapshot();
    let mut busy = Vec::new();
    while backup.statuses()[0].snapshot_at <= before {
        busy.extend(commits(storage, 1).await?);
    }
    println!("\nsnapshot of {} MB: {:.1} s\n", arguments.megabytes, begin.elapsed().as_secs_f64());
    println!("| | p50 | p99 |\n| --- | --- | --- |");
    println!("| commit before the snapshot | {} |", percentiles(quiet));
    println!("| commit during the snapshot | {} |", percentiles(busy));
    backup.stop(Duration::from_mins(5)).await;
    let target = backup::open_target(&address(folder))?;
    let begin = Instant::now();
    let restored = backup::restore(&target, None, None, &folder.join("restored.db"), false, &mut |_, _| ()).await?;
    println!(
        "\nrestore of {} MB with integrity check: {:.1} s, {} segments",
        restored.bytes / 1_000_000,
        begin.elapsed().as_secs_f64(),
        restored.segments
    );
    Ok(())
}
