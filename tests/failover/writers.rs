//! Writes during a failover and verifies every acknowledged row afterwards; run by `tests/failover/run`.
//!
//! Two storages write to one database from several tasks each: mostly single rows, sometimes an upload of many rows
//! in one transaction. They write until standard input ends. Then each acknowledged row must exist exactly once, no
//! row may exist twice, and every upload must be complete or absent. The last line of the output is the longest gap
//! between two acknowledgements: `silent FROM TO`, in UTC milliseconds.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a test program")]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use mukkeum::storage::{Result, Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Clock, Moment, SystemClock};

/// Rows of an upload.
const UPLOAD_ROWS: usize = 300;

/// Concurrent writers per storage.
const WRITERS: usize = 4;

/// Outcomes of all writes.
#[derive(Default)]
struct WriteLog {
    /// number of rows by summary
    acknowledged: BTreeMap<String, usize>,
    /// commits with unknown outcome: saved and not saved are both correct
    unknown: u64,
    failed: u64,
    /// times of the acknowledgements
    times: Vec<Moment>,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    match runtime.block_on(run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

async fn run() -> Result<bool, Box<dyn Error>> {
    let address = std::env::args().nth(1).ok_or("usage: writers URL <input")?.parse()?;
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 2 };
    let storages = [Storage::open_mariadb(&address, &options)?, Storage::open_mariadb(&address, &options)?];

    let (log, stop) = (Arc::new(Mutex::new(WriteLog::default())), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..WRITERS * storages.len())
        .map(|writer| tokio::spawn(write(storages[writer % 2].clone(), writer, Arc::clone(&log), Arc::clone(&stop))))
        .collect();
    println!("writing");
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?;
    }
    let found = storages[0].read(summaries).await?;
    let log = Arc::into_inner(log).expect("all writers have ended").into_inner()?;
    Ok(verify(&log, &found))
}

async fn write(storage: Storage, writer: usize, log: Arc<Mutex<WriteLog>>, stop: Arc<AtomicBool>) {
    let count = AtomicU64::new(0);
    while !stop.load(Ordering::Relaxed) {
        let number = count.fetch_add(1, Ordering::Relaxed);
        let rows = if number % 50 == 49 { UPLOAD_ROWS } else { 1 };
        let summary = format!("{writer}-{number}-{rows}");
        let name = summary.clone();
        let written = storage.write(move |tx| insert(tx, &name, rows)).await;
        let mut log = log.lock().expect("nobody panics");
        match written {
            Ok(()) => {
                log.acknowledged.insert(summary, rows);
                log.times.push(SystemClock.now());
            }
            Err(StorageError::CommitUnknown(_)) => log.unknown += 1,
            Err(error) => {
                println!("refused: {error}");
                log.failed += 1;
            }
        }
    }
}

fn insert(tx: &mut dyn Tx, summary: &str, rows: usize) -> Result<()> {
    let ids: Vec<i64> = (0..rows).map(|_| tx.new_number()).collect();
    tx.exec_many(
        "INSERT INTO settings (name, value) VALUES (?, ?)",
        &mut ids.into_iter().map(|id| vec![format!("written.{id}").into(), summary.into()]),
    )
}

fn summaries(tx: &mut dyn Tx) -> Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    tx.for_each("SELECT value FROM settings WHERE name LIKE 'written.%'", &[], &mut |mut row| {
        *found.entry(row.text(0)?).or_default() += 1;
        Ok(())
    })?;
    Ok(found)
}

/// Prints the result; false if a row is missing or exists twice, or an upload is incomplete.
fn verify(log: &WriteLog, found: &BTreeMap<String, usize>) -> bool {
    let lost = log.acknowledged.keys().filter(|summary| !found.contains_key(*summary)).count();
    let expected_rows =
        |summary: &str| summary.rsplit('-').next().and_then(|rows| rows.parse().ok()).unwrap_or(0_usize);
    let twice = found.iter().filter(|(summary, rows)| **rows > expected_rows(summary)).count();
    let in_part = found.iter().filter(|(summary, rows)| **rows < expected_rows(summary)).count();
    println!(
        "acknowledged {}, lost {lost}, twice {twice}, in part {in_part}, unsettled {}, refused {}",
        log.acknowledged.len(),
        log.unknown,
        log.failed,
    );
    if let Some(gap) = log.times.windows(2).max_by_key(|pair| pair[1].0 - pair[0].0) {
        println!("silent {} {}", gap[0].0, gap[1].0);
    }
    lost == 0 && twice == 0 && in_part == 0 && !log.acknowledged.is_empty()
}
