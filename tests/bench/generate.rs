//! Writes a 스마트스토어 file of synthetic orders.
//!
//! `cargo run --example generate -- --rows 10000 --out orders.xlsx`

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use clap::Parser;
use mukkeum::demo::{files, new_orders};
use mukkeum::time::{Clock, Moment, SystemClock};

/// A 스마트스토어 file of synthetic orders, the same for the same seed and day.
#[derive(Parser)]
struct Arguments {
    /// Number of orders
    #[arg(long, default_value_t = 10_000)]
    rows: u64,
    /// Seed of the random data
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Eight digits that replace the date at the start of order and bundle numbers
    #[arg(long)]
    prefix: Option<String>,
    /// End of the fourteen months of the orders (UTC milliseconds); now by default
    #[arg(long)]
    now: Option<i64>,
    /// Output file
    #[arg(long)]
    out: PathBuf,
}

/// Length of the running number at the end of order and bundle numbers.
const RUNNING_DIGITS: usize = 8;

fn renumbered(prefix: &str, number: &str) -> String {
    let running = number.len().saturating_sub(RUNNING_DIGITS);
    format!("{prefix}{}", number.get(running..).unwrap_or(number))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let now = arguments.now.map_or_else(|| SystemClock.now(), Moment);
    let orders = new_orders(arguments.seed, arguments.rows, now).map(|mut order| {
        if let Some(prefix) = &arguments.prefix {
            order.order_number = renumbered(prefix, &order.order_number);
            order.bundle_number = renumbered(prefix, &order.bundle_number);
        }
        order
    });
    files::write_smart_store(BufWriter::new(File::create(&arguments.out)?), orders)?;
    Ok(())
}
