//! What the access records cost: a view of a list on its page, its write afterwards, and the record in the transaction of an
//! upload.
//!
//! `cargo bench --bench access -- [--orders 1000000] [--times 500] [--data DIR] [--database URL]`
//!
//! In the shop of the benchmark `list`. The limits: 1 ms on a list page, and 5 % of an upload of 10,000 orders, which is measured
//! by `upload --into` the same shop.
#![expect(clippy::print_stdout, reason = "a benchmark")]
#![expect(dead_code, reason = "the module of the shop serves several benchmarks")]

mod shop;

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::access::{AccessAction, AccessRecorder, AccessedOrders, Accessor, NewAccess, record};
use mukkeum::id::OrderId;
use mukkeum::storage::{Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::SystemClock;

use shop::fill_shop;

/// Orders of a page of the list.
const PAGE_ORDERS: usize = 100;

/// Orders of an upload.
const UPLOAD_ORDERS: usize = 10_000;

#[derive(Parser)]
struct Arguments {
    /// Orders in the shop
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// Records of each kind
    #[arg(long, default_value_t = 500)]
    times: usize,
    /// Folder of the shop; a temporary one by default
    #[arg(long)]
    data: Option<PathBuf>,
    /// Database of MariaDB, mysql://user:password@host/name; SQLite by default
    #[arg(long)]
    database: Option<String>,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

fn view(orders: &[OrderId]) -> NewAccess {
    NewAccess {
        accessor: Accessor::Program,
        action: AccessAction::Viewed,
        page: "/orders".to_owned(),
        query: "q=bench".to_owned(),
        orders: orders.iter().copied().collect(),
    }
}

/// Median and 99th percentile as cells of a table.
fn cells(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |hundredths: usize| {
        let found = times.get((times.len() * hundredths / 100).min(times.len().saturating_sub(1)));
        format!("{:.3} ms", found.copied().unwrap_or_default().as_secs_f64() * 1000.0)
    };
    format!("{} | {}", at(50), at(99))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let data = arguments.data.unwrap_or_else(|| temporary.path().join("data"));
    fill_shop(&data, arguments.database.as_deref(), arguments.orders).await?;
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    let storage = match &arguments.database {
        Some(url) => Storage::open_mariadb(&url.parse()?, &options)?,
        None => Storage::open_sqlite(&data.join("mukkeum.db"), &options)?,
    };
    let newest = |count: usize| {
        move |tx: &mut dyn Tx| {
            let rows = tx.query(&format!("SELECT id FROM orders ORDER BY id DESC LIMIT {count}"), &[])?;
            rows.iter().map(|row| row.id(0)).collect::<Result<Vec<OrderId>, StorageError>>()
        }
    };
    let (page, upload) = (storage.read(newest(PAGE_ORDERS)).await?, storage.read(newest(UPLOAD_ORDERS)).await?);

    println!("| {} orders in the shop | p50 | p99 |\n| --- | --- | --- |", arguments.orders);
    let recorder = AccessRecorder::new(storage.clone());
    let (mut queued, mut flushed) = (Vec::new(), Vec::new());
    for _ in 0..arguments.times {
        let begin = Instant::now();
        recorder.record(view(&page)).await;
        queued.push(begin.elapsed());
        let begin = Instant::now();
        recorder.flush().await?;
        flushed.push(begin.elapsed());
    }
    println!("| on the page of {PAGE_ORDERS} orders: queued | {} |", cells(queued));
    println!("| afterwards: written and durable | {} |", cells(flushed));
    let mut inserted = Vec::new();
    for _ in 0..arguments.times {
        let orders: AccessedOrders = upload.iter().copied().collect();
        let write = move |tx: &mut dyn Tx| {
            let begin = Instant::now();
            record(tx, NewAccess { action: AccessAction::Entered, orders: orders.clone(), ..view(&[]) })?;
            Ok::<_, StorageError>(begin.elapsed())
        };
        inserted.push(storage.write(write).await?);
    }
    println!("| in the transaction of an upload of {UPLOAD_ORDERS} orders | {} |", cells(inserted));
    Ok(())
}
