//! How long one big upload takes, and how much memory, beside calamine alone reading the same cells.
//!
//! `cargo bench --bench upload -- [--rows 10000] [--runs 5]`
//!
//! Each run is a process of its own. Its time is the wall clock from start to end, so that of the
//! upload includes making the database, and ends when the transaction is durable. Its memory is the
//! high-water mark of what was resident (VmHWM).
#![expect(clippy::print_stdout, reason = "a program that shows figures")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use calamine::{DataRef, Reader, Xlsx, open_workbook};
use clap::Parser;
use mukkeum::demo::{files, new_orders};
use mukkeum::time::Moment;

/// 2026-11-22: the day does not matter, only that it is always the same.
const NOW: Moment = Moment(1_795_316_400_000);

/// How often a running process is asked for its high-water mark. The mark only rises, so what is
/// lost is at most what the last moments added.
const LOOK_EVERY: Duration = Duration::from_millis(1);

#[derive(Parser)]
struct Arguments {
    /// Orders in the file
    #[arg(long, default_value_t = 10_000)]
    rows: u64,
    /// How often each is measured
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Only read this file with calamine; what a measured process does
    #[arg(long)]
    read: Option<PathBuf>,
    /// Said by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy)]
struct Figures {
    time: Duration,
    peak_kib: u64,
}

fn high_water_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn measure(command: &mut Command) -> Result<Figures, Box<dyn Error>> {
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit()).spawn()?;
    let mut peak_kib = 0;
    loop {
        peak_kib = high_water_kib(child.id()).unwrap_or_default().max(peak_kib);
        if let Some(status) = child.try_wait()? {
            let time = begin.elapsed();
            return if status.success() {
                Ok(Figures { time, peak_kib })
            } else {
                Err(format!("{command:?}: {status}").into())
            };
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What calamine alone needs for the same cells: every cell is looked at, none is kept.
fn read(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut workbook: Xlsx<BufReader<File>> = open_workbook(path)?;
    let sheet = workbook.sheet_names().into_iter().next().ok_or("no sheet")?;
    let mut cells = workbook.worksheet_cells_reader(&sheet)?;
    let (mut count, mut letters) = (0_u64, 0);
    while let Some(cell) = cells.next_cell()? {
        count += 1;
        if let DataRef::String(text) = cell.get_value() {
            letters += text.len();
        }
    }
    println!("{count} cells, {letters} bytes of text");
    Ok(())
}

fn median(mut all: Vec<Figures>) -> Option<Figures> {
    all.sort_by_key(|figures| figures.time);
    let peak_kib = all.iter().map(|figures| figures.peak_kib).max()?;
    all.get(all.len() / 2).map(|middle| Figures { peak_kib, ..*middle })
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.read {
        return read(path);
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("orders.xlsx");
    files::write_smart_store(BufWriter::new(File::create(&path)?), new_orders(1, arguments.rows, NOW))?;
    println!("{} orders, 72 columns, {} KiB\n", arguments.rows, fs::metadata(&path)?.len() / 1024);

    let (mut alone, mut whole) = (Vec::new(), Vec::new());
    for run in 0..arguments.runs {
        alone.push(measure(Command::new(std::env::current_exe()?).arg("--read").arg(&path))?);
        let data = folder.path().join(format!("data-{run}"));
        let mut import = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        import.args(["import", "orders"]).arg(&path).arg("--json").arg("--data").arg(&data);
        whole.push(measure(&mut import)?);
    }
    let (Some(alone), Some(whole)) = (median(alone), median(whole)) else { return Err("no run".into()) };
    println!("| median of {} | time | peak memory |\n| --- | --- | --- |", arguments.runs);
    for (name, figures) in [("calamine alone", alone), ("mukkeum import, durable", whole)] {
        println!("| {name} | {} ms | {} MiB |", figures.time.as_millis(), figures.peak_kib / 1024);
    }
    println!("\n{:.2} times calamine alone", whole.time.as_secs_f64() / alone.time.as_secs_f64());
    Ok(())
}
