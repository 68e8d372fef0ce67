//! Time and memory of a large 발주서, compared with rust_xlsxwriter alone writing the same cells.
//!
//! `cargo bench --bench export -- [--rows 100000] [--runs 3]`
//!
//! Each run is a separate process. The time of the export is the wall-clock time of the process, including opening
//! the database and syncing the file. The time of rust_xlsxwriter alone is from the cells in memory to the written
//! file; it writes row by row, like the export. Memory is the peak resident set size (VmHWM).
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::NaiveDate;
use clap::Parser;
use mukkeum::demo::generate;
use mukkeum::storage::{Storage, StorageOptions};
use mukkeum::time::{Moment, SystemClock, parse_date};
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Workbook};

/// 2026-11-22. Any fixed day makes the data reproducible.
const NOW: Moment = Moment(1_795_316_400_000);

/// Time between two polls of the peak memory.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Columns of a 발주서 with numbers and with dates; all others are text.
const NUMBERS: [usize; 3] = [0, 11, 12];
const DAYS: std::ops::RangeInclusive<usize> = 15..=19;

#[derive(Parser)]
struct Arguments {
    /// Orders in the shop
    #[arg(long, default_value_t = 100_000)]
    rows: u64,
    /// Runs of each program
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Internal: write the cells of this .csv with rust_xlsxwriter and print the time
    #[arg(long)]
    write: Option<PathBuf>,
    /// Passed by cargo bench
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
            let figures = Figures { time: begin.elapsed(), peak_kib };
            return if status.success() { Ok(figures) } else { Err(format!("{command:?}: {status}").into()) };
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

enum Cell {
    Blank,
    Number(f64),
    Day(NaiveDate),
    Text(String),
}

fn cell((column, text): (usize, &str)) -> Cell {
    match () {
        () if text.is_empty() => Cell::Blank,
        () if NUMBERS.contains(&column) => Cell::Number(text.parse().unwrap_or_default()),
        () if DAYS.contains(&column) => parse_date(text).map_or(Cell::Blank, Cell::Day),
        () => Cell::Text(text.to_owned()),
    }
}

/// Writes the cells of a .csv with rust_xlsxwriter alone; prints the time in milliseconds.
fn write(path: &Path) -> Result<(), Box<dyn Error>> {
    let mut rows = Vec::new();
    for record in csv::Reader::from_path(path)?.records() {
        rows.push(record?.iter().enumerate().map(cell).collect::<Vec<_>>());
    }
    let begin = Instant::now();
    let plain = || Format::new().set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter).set_text_wrap();
    let (text, number, day) =
        (plain().set_num_format("@"), plain().set_num_format("#,##0"), plain().set_num_format("yyyy-mm-dd"));
    let mut workbook = Workbook::new();
    workbook.set_tempdir(path.parent().ok_or("no folder")?)?;
    let sheet = workbook.add_worksheet_with_constant_memory()?;
    for (row, cells) in (1..).zip(&rows) {
        sheet.set_row_height_pixels(row, 36)?;
        for (column, cell) in (0..).zip(cells) {
            match cell {
                Cell::Blank => sheet.write_blank(row, column, &text)?,
                Cell::Number(value) => sheet.write_number_with_format(row, column, *value, &number)?,
                Cell::Day(date) => sheet.write_datetime_with_format(row, column, date, &day)?,
                Cell::Text(value) => sheet.write_string_with_format(row, column, value, &text)?,
            };
        }
    }
    workbook.save(path.with_extension("alone.xlsx"))?;
    println!("{}", begin.elapsed().as_millis());
    Ok(())
}

fn alone(path: &Path) -> Result<Duration, Box<dyn Error>> {
    let done = Command::new(std::env::current_exe()?).arg("--write").arg(path).stderr(Stdio::inherit()).output()?;
    Ok(Duration::from_millis(String::from_utf8(done.stdout)?.trim().parse()?))
}

fn export(data: &Path, out: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(["export", "purchase-order", "--out"]).arg(out).arg("--data").arg(data);
    command
}

fn median<T: Copy>(mut all: Vec<T>, time: impl Fn(&T) -> Duration) -> Option<T> {
    all.sort_by_key(|one| time(one));
    all.get(all.len() / 2).copied()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.write {
        return write(path);
    }
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    fs::create_dir_all(&data)?;
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    generate(&Storage::open_sqlite(&data.join("mukkeum.db"), &options)?, 1, arguments.rows, NOW, |_| ()).await?;
    let cells = folder.path().join("cells.csv");
    measure(&mut export(&data, &cells))?;

    let (mut of_writer, mut of_export) = (Vec::new(), Vec::new());
    let out = folder.path().join("발주건.xlsx");
    for _ in 0..arguments.runs {
        of_writer.push(alone(&cells)?);
        of_export.push(measure(&mut export(&data, &out))?);
    }
    let peak_kib = of_export.iter().map(|figures| figures.peak_kib).max().unwrap_or_default();
    let (Some(writer), Some(whole)) = (median(of_writer, |time| *time), median(of_export, |figures| figures.time))
    else {
        return Err("no run".into());
    };
    println!("{} orders, 27 columns, {} MiB\n", arguments.rows, fs::metadata(&out)?.len() >> 20);
    println!("| median of {} | time | peak memory |\n| --- | --- | --- |", arguments.runs);
    println!("| rust_xlsxwriter alone | {} ms | |", writer.as_millis());
    println!("| mukkeum export purchase-order | {} ms | {} MiB |", whole.time.as_millis(), peak_kib / 1024);
    println!("\n{:.2} times rust_xlsxwriter alone", whole.time.as_secs_f64() / writer.as_secs_f64());
    Ok(())
}
