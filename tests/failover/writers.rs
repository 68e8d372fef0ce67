//! Writers that remember what was acknowledged, and afterwards look for it: `tests/failover/run`.
//!
//! Two programs write into one database from several threads each: single rows, and now and then an
//! upload of many rows in one transaction. They write until their standard input ends. Then each
//! acknowledged row must be there exactly once, no row twice, and every upload whole or absent. The
//! last line tells between which two answers the longest time lay: `silent FROM TO`, in milliseconds
//! since 1970.

#![expect(clippy::expect_used, clippy::print_stdout, clippy::print_stderr, reason = "a program of the tests")]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use mukkeum::storage::{Result, Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Clock, Moment, SystemClock};

/// Rows of an upload.
const UPLOAD: usize = 300;

const WRITERS: usize = 4;

/// What was heard back.
#[derive(Default)]
struct Heard {
    acknowledged: BTreeMap<String, usize>,
    /// nobody knows whether it was saved: both are right
    unsettled: u64,
    refused: u64,
    /// when something was acknowledged
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
    let programs = [Storage::open_mariadb(&address, &options)?, Storage::open_mariadb(&address, &options)?];

    let (heard, stop) = (Arc::new(Mutex::new(Heard::default())), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (0..WRITERS * programs.len())
        .map(|writer| tokio::spawn(write(programs[writer % 2].clone(), writer, Arc::clone(&heard), Arc::clone(&stop))))
        .collect();
    println!("writing");
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await?;
    }
    let found = programs[0].read(summaries).await?;
    let heard = Arc::into_inner(heard).expect("all writers have ended").into_inner()?;
    Ok(judge(&heard, &found))
}

async fn write(storage: Storage, writer: usize, heard: Arc<Mutex<Heard>>, stop: Arc<AtomicBool>) {
    let turns = AtomicU64::new(0);
    while !stop.load(Ordering::Relaxed) {
        let turn = turns.fetch_add(1, Ordering::Relaxed);
        let rows = if turn % 50 == 49 { UPLOAD } else { 1 };
        let summary = format!("{writer}-{turn}-{rows}");
        let name = summary.clone();
        let written = storage.write(move |tx| insert(tx, &name, rows)).await;
        let mut heard = heard.lock().expect("nobody panics");
        match written {
            Ok(()) => {
                heard.acknowledged.insert(summary, rows);
                heard.times.push(SystemClock.now());
            }
            Err(StorageError::CommitUnknown(_)) => heard.unsettled += 1,
            Err(error) => {
                println!("refused: {error}");
                heard.refused += 1;
            }
        }
    }
}

fn insert(tx: &mut dyn Tx, summary: &str, rows: usize) -> Result<()> {
    let now = tx.now();
    let ids: Vec<i64> = (0..rows).map(|_| tx.new_id()).collect();
    tx.exec_many(
        "INSERT INTO activities (id, at, action, summary) VALUES (?, ?, 'written', ?)",
        &mut ids.into_iter().map(|id| vec![id.into(), now.into(), summary.into()]),
    )
}

fn summaries(tx: &mut dyn Tx) -> Result<BTreeMap<String, usize>> {
    let mut found = BTreeMap::new();
    tx.for_each("SELECT summary FROM activities WHERE action = 'written'", &[], &mut |mut row| {
        *found.entry(row.text(0)?).or_default() += 1;
        Ok(())
    })?;
    Ok(found)
}

fn judge(heard: &Heard, found: &BTreeMap<String, usize>) -> bool {
    let lost = heard.acknowledged.keys().filter(|summary| !found.contains_key(*summary)).count();
    let should_be = |summary: &str| summary.rsplit('-').next().and_then(|rows| rows.parse().ok()).unwrap_or(0_usize);
    let twice = found.iter().filter(|(summary, rows)| **rows > should_be(summary)).count();
    let in_part = found.iter().filter(|(summary, rows)| **rows < should_be(summary)).count();
    println!(
        "acknowledged {}, lost {lost}, twice {twice}, in part {in_part}, unsettled {}, refused {}",
        heard.acknowledged.len(),
        heard.unsettled,
        heard.refused,
    );
    if let Some(silence) = heard.times.windows(2).max_by_key(|pair| pair[1].0 - pair[0].0) {
        println!("silent {} {}", silence[0].0, silence[1].0);
    }
    lost == 0 && twice == 0 && in_part == 0 && !heard.acknowledged.is_empty()
}
