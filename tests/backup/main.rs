//! Crash test of the backup. Each round kills a shop that commits, restores its backup, and asserts that every
//! acknowledged and copied commit is restored, and nothing that was never written. Then random moments are
//! restored and compared with the acknowledged state.
//!
//! `MUKKEUM_BACKUP_ROUNDS=60 cargo test --test backup` runs 60 rounds and 60 moments; the default is 12.
//! `MUKKEUM_BACKUP_SEED` selects other random choices. The shop is this executable with the argument `shop`: it
//! commits notes of random length, deletes old ones, requests snapshots, and aborts within a transaction or after
//! a commit, unless it is killed before.
//!
//! The target is a folder, or the object store in `MUKKEUM_BACKUP_TARGET`. An object store is also tested for
//! complete lists, large objects, and conditional puts by several shops. `MUKKEUM_BACKUP_HASTY` marks a store in
//! which several concurrent conditional puts may succeed: then all shops but one must detect it later.

#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test program")]

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mukkeum::backup::{self, Backup, RestoreOutcome};
use mukkeum::config::{BackupSettings, Retention, StoreCredentials};
use mukkeum::random::seeded::Random;
use mukkeum::storage::{OpenMode, Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Clock, Moment, SystemClock};
use rusqlite::Connection;

/// Number of notes that the shop keeps.
const KEPT_NOTES: i64 = 150;

/// Pause between two commits, so that their times differ.
const COMMIT_PAUSE: Duration = Duration::from_millis(2);

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let outcome = match words.get(1).map(String::as_str) {
        Some("shop") => shop(Path::new(&words[2]), words[3].parse().expect("a seed")),
        // The filter of `cargo test` selects other tests.
        Some(filter) if !filter.starts_with('-') && !"backup".contains(filter) => Ok(()),
        _ => rounds().and_then(|()| store().map_or(Ok(()), |target| whole_store(&target))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}\ntest result: FAILED. 0 passed; 1 failed; 0 ignored");
            ExitCode::FAILURE
        }
    }
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

// ── the shop ────────────────────────────────────────────────────────────────────────────────

fn settings(folder: &Path) -> BackupSettings {
    BackupSettings {
        credentials: StoreCredentials::default(),
        targets: vec![address(folder)],
        snapshot_every: Duration::from_hours(24),
        verify_every: None,
        is_unsealed: true,
        spool_limit_bytes: 1 << 30,
        retention: Retention::default(),
    }
}

/// Address of the object store, if the target is not a folder.
fn store() -> Option<String> {
    std::env::var("MUKKEUM_BACKUP_TARGET").ok().filter(|target| !target.is_empty())
}

fn address(folder: &Path) -> String {
    store().unwrap_or_else(|| format!("file://{}", folder.join("copies").display()))
}

/// Text of note number `n`: of random length, deterministic.
fn note(n: i64) -> String {
    let length = Random::new(n.unsigned_abs()).below(200_000) as usize;
    format!("{n} {}", "묶음".repeat(length / 6))
}

/// Name of the setting that contains the note; names sort as numbers do.
fn note_name(n: i64) -> String {
    format!("note.{n:010}")
}

/// SQL: the number of a note, from its name.
const NOTE_NUMBER: &str = "CAST(substr(name, 6) AS INTEGER)";

fn write_note(tx: &mut dyn Tx, n: i64) -> Result<(), StorageError> {
    tx.exec("INSERT INTO settings (name, value) VALUES (?, ?)", &[note_name(n).into(), note(n).into()])?;
    let oldest = note_name((n - KEPT_NOTES).max(0));
    tx.exec("DELETE FROM settings WHERE name LIKE 'note.%' AND name <= ?", &[oldest.into()]).map(drop)
}

/// Commits until it aborts or is killed. Prints each acknowledged commit and `copied_at`.
#[tokio::main]
async fn shop(folder: &Path, seed: u64) -> Outcome {
    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
    let (storage, wal) = Storage::open_with_wal_feed(OpenMode::Migrate, &data.join("mukkeum.db"), &options)?;
    let backup = Backup::start(&settings(folder), &data, &storage, wal)?;
    let mut random = Random::new(seed);
    let newest = |tx: &mut dyn Tx| {
        tx.scalar(&format!("SELECT coalesce(max({NOTE_NUMBER}), 0) FROM settings WHERE name LIKE 'note.%'"), &[])
    };
    let newest: i64 = storage.read(newest).await?;
    let last = newest + 1 + i64::from(random.below(150));
    let aborts_in_transaction = random.below(3) == 0;
    let mut out = std::io::stdout().lock();
    for n in newest + 1.. {
        let aborts = n == last && aborts_in_transaction;
        storage
            .write(move |tx| {
                write_note(tx, n)?;
                if aborts {
                    std::process::abort();
                }
                Ok::<_, StorageError>(())
            })
            .await?;
        writeln!(out, "acknowledged {n} {}", SystemClock.now().0)?;
        writeln!(out, "copied {}", backup.statuses()[0].copied_at.unwrap_or(0))?;
        out.flush()?;
        if n == last && random.below(2) == 0 {
            std::process::abort();
        }
        match random.below(40) {
            0 => backup.snapshot(),
            1 => tokio::time::sleep(Duration::from_millis(300)).await,
            2 => drop(storage.write(move |tx| write_note(tx, n + 1).and(Err::<(), _>(abandoned()))).await),
            _ => {}
        }
        tokio::time::sleep(COMMIT_PAUSE).await;
    }
    Ok(())
}

fn abandoned() -> StorageError {
    StorageError::Unavailable("changed my mind".to_owned())
}

// ── the rounds ──────────────────────────────────────────────────────────────────────────────

/// Output of a killed shop.
#[derive(Default)]
struct ShopOutput {
    /// note and time of each acknowledged commit
    acknowledged: Vec<(i64, i64)>,
    copied: i64,
}

impl ShopOutput {
    /// The newest acknowledged note that is known to be copied.
    fn safe(&self) -> i64 {
        let safe = self.acknowledged.iter().filter(|(_, at)| *at <= self.copied);
        safe.map(|(n, _)| *n).max().unwrap_or(0)
    }
}

/// Runs a shop for `delay`, kills it and returns its output.
fn run_until_killed(folder: &Path, seed: u64, delay: Duration) -> Outcome<ShopOutput> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("shop").arg(folder).arg(seed.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::null()).spawn()?;
    let out = BufReader::new(child.stdout.take().expect("a pipe"));
    let reader = std::thread::spawn(move || {
        let mut output = ShopOutput::default();
        for line in out.lines().map_while(Result::ok) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["acknowledged", n, at] => {
                    output.acknowledged.push((n.parse().unwrap_or(0), at.parse().unwrap_or(i64::MAX)));
                }
                ["copied", at] => output.copied = at.parse().unwrap_or(0),
                _ => {}
            }
        }
        output
    });
    std::thread::sleep(delay);
    let _ = child.kill();
    child.wait()?;
    Ok(reader.join().expect("listens"))
}

async fn restore(folder: &Path, at: Option<Moment>) -> Outcome<(RestoreOutcome, PathBuf)> {
    let out = folder.join("restored.db");
    let target = backup::open_target(&address(folder))?;
    let restored = backup::restore(&target, None, at, &out, true, &mut |_, _| ()).await?;
    Ok((restored, out))
}

/// The newest note of a restored shop.
///
/// # Errors
/// The shop does not contain exactly the kept notes up to it.
fn newest_note(path: &Path) -> Outcome<i64> {
    let shop = Connection::open(path)?;
    let mut notes =
        shop.prepare(&format!("SELECT {NOTE_NUMBER}, value FROM settings WHERE name LIKE 'note.%' ORDER BY name"))?;
    let notes: Vec<(i64, String)> =
        notes.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let newest = notes.last().map_or(0, |(n, _)| *n);
    let expected: Vec<_> = ((newest - KEPT_NOTES).max(0) + 1..=newest).map(|n| (n, note(n))).collect();
    if notes == expected {
        Ok(newest)
    } else {
        Err(format!("the notes up to {newest} are not what was written").into())
    }
}

#[tokio::main]
async fn rounds() -> Outcome {
    let (count, seed) = (number("MUKKEUM_BACKUP_ROUNDS", 12), number("MUKKEUM_BACKUP_SEED", 20_261_122));
    let folder = tempfile::tempdir()?;
    let mut random = Random::new(seed);
    let mut moments = Vec::new();
    let mut windows = Vec::new();
    // Restored commits must never disappear. In each round one commit may be restored that the shop was killed
    // before acknowledging.
    let (mut before, mut max_restorable) = (0, 0);
    let mut round = 0;
    while (windows.len() as u64) < count {
        round += 1;
        if round > 4 * count + 20 {
            return Err("hardly anything is copied before the shop is killed".into());
        }
        let delay = Duration::from_millis(u64::from(150 + random.below(1_800)));
        let output = run_until_killed(folder.path(), seed + round, delay)?;
        let safe = output.safe().max(before);
        let (last, at) = output.acknowledged.last().copied().unwrap_or((max_restorable, 0));
        max_restorable = last + 1;
        // Killed before anything was copied: nothing to assert.
        if safe == 0 {
            continue;
        }
        let (restored, path) = restore(folder.path(), None).await?;
        let newest = newest_note(&path)?;
        if newest < safe || newest > max_restorable {
            let when = output.acknowledged.iter().find(|(n, _)| *n == safe).map_or(0, |(_, at)| *at);
            let copied = output.copied;
            return Err(format!(
                "round {round}: {newest} of {last}; {safe} was acknowledged at {when}, copied was everything until {copied}"
            )
            .into());
        }
        before = newest;
        let lost = output.acknowledged.iter().find(|(n, _)| *n > newest).map_or(0, |(_, first)| at - first);
        windows.push((last - newest).max(0));
        println!(
            "round {round}: {last} acknowledged, {safe} known to be copied, {newest} restored from {} segments; window {lost} ms",
            restored.segments
        );
        moments.extend(output.acknowledged.into_iter().filter(|(n, _)| *n <= safe));
    }
    windows.sort_unstable();
    let proven = windows.len();
    println!(
        "{proven} kills, 0 rows different; commits lost that were not copied yet: median {:?}, max {:?}",
        windows.get(proven / 2),
        windows.last()
    );
    let (mut exact, mut refused) = (0, 0);
    while exact < count {
        let (n, at) = moments[random.below(u32::try_from(moments.len())?) as usize];
        let (_, path) = match restore(folder.path(), Some(Moment(at))).await {
            // The moment is before the first snapshot of a generation, which the error says.
            Err(error) if ["가장 오래된", "끊어져"].iter().any(|words| error.to_string().contains(words)) => {
                refused += 1;
                if refused > 3 * count + 20 {
                    return Err("hardly any moment can be restored".into());
                }
                continue;
            }
            other => other?,
        };
        let newest = newest_note(&path)?;
        if newest != n {
            return Err(format!("at {at} the newest note was {n}; restored: {newest}").into());
        }
        exact += 1;
    }
    println!(
        "{count} moments, each as it was; {refused} refused, between two generations\ntest result: ok. 2 passed; 0 failed; 0 ignored"
    );
    Ok(())
}

// ── the store ───────────────────────────────────────────────────────────────────────────────

/// Number of objects, more than one page of a list.
const MANY_OBJECTS: usize = 1_100;

/// Size of a snapshot that is uploaded in parts.
const LARGE_SNAPSHOT_BYTES: usize = 20 << 20;

async fn open(folder: &Path, target: &str) -> Outcome<(Storage, Backup)> {
    let data = folder.join("data");
    std::fs::create_dir_all(&data)?;
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
    let (storage, wal) = Storage::open_with_wal_feed(OpenMode::Migrate, &data.join("mukkeum.db"), &options)?;
    let settings = BackupSettings { targets: vec![target.to_owned()], ..settings(folder) };
    let backup = Backup::start(&settings, &data, &storage, wal)?;
    storage.write(|tx| write_note(tx, 1)).await?;
    Ok((storage, backup))
}

async fn wait_for(what: &str, holds: impl Fn() -> bool) -> Outcome {
    for _ in 0..1_200 {
        if holds() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(format!("in vain: {what}").into())
}

#[tokio::main]
async fn whole_store(target: &str) -> Outcome {
    let target = format!("{target}-whole");
    let (objects, root) = object_store::parse_url_opts(&target.parse()?, std::env::vars())?;
    let forgotten = |number: usize| {
        root.clone().join("0000000000000").join("segments").join(format!("{number:010}-{number:013}.seg"))
    };
    for number in 1..=MANY_OBJECTS {
        objects
            .put_opts(&forgotten(number), b"of another age".to_vec().into(), object_store::PutOptions::default())
            .await?;
    }
    let folders = [(); 4].map(|()| tempfile::tempdir().expect("a folder"));
    let opened = folders.each_ref().map(|folder| open(folder.path(), &target));
    let [one, two, three, four] = opened;
    let (one, two, three, four) = tokio::try_join!(one, two, three, four)?;
    let shops = [one, two, three, four];
    let settled = || {
        shops.iter().all(|(_, backup)| {
            let status = &backup.statuses()[0];
            status.copied_at.is_some() || status.problem.is_some()
        })
    };
    let owners = || shops.iter().filter(|(_, backup)| backup.statuses()[0].problem.is_none()).collect::<Vec<_>>();
    let is_hasty = std::env::var_os("MUKKEUM_BACKUP_HASTY").is_some();
    wait_for("an owner", || settled() && (!is_hasty || owners().len() == 1)).await?;
    let owners = owners();
    let [(storage, backup)] = owners[..] else { return Err(format!("{} owners", owners.len()).into()) };
    if backup.statuses()[0].supports_conditional_put != Some(true) {
        return Err("the store does not keep the first".into());
    }

    let mut random = Random::new(1);
    let noise: Vec<u8> =
        std::iter::repeat_with(|| random.next_u64().to_le_bytes()).flatten().take(LARGE_SNAPSHOT_BYTES).collect();
    let write = move |tx: &mut dyn Tx| {
        tx.exec(
            "INSERT INTO sales_channels (id, code, name, sealed_password) VALUES (9, '9', '9', ?)",
            &[noise.as_slice().into()],
        )
    };
    storage.write(write).await?;
    let before = backup.statuses()[0].snapshot_at;
    backup.snapshot();
    wait_for("a large snapshot", || backup.statuses()[0].snapshot_at > before).await?;
    let snapshots = backup::list_snapshots(&backup::open_target(&target)?).await?;
    let largest = snapshots.iter().map(|snapshot| snapshot.bytes).max().unwrap_or(0);
    if largest < LARGE_SNAPSHOT_BYTES as u64 {
        return Err(format!(
            "no snapshot is large: {snapshots:?}, status {:?}, before {before:?}",
            backup.statuses()[0]
        )
        .into());
    }
    let verification = backup.verify(0).await.ok_or("no target")?;
    if let Some(failure) = verification.failure {
        return Err(failure.into());
    }
    let mut polls = 0;
    while objects.get_opts(&forgotten(MANY_OBJECTS), object_store::GetOptions::default()).await.is_ok() {
        polls += 1;
        if polls > 600 {
            return Err("the end of a long list was not seen".into());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for (_, backup) in &shops {
        backup.stop(Duration::from_secs(5)).await;
    }
    println!(
        "one owner of four, lists of {MANY_OBJECTS}, a snapshot of {largest} bytes in parts\ntest result: ok. 1 passed; 0 failed; 0 ignored"
    );
    Ok(())
}
