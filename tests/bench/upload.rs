//! Time and memory of one large upload, compared with calamine alone reading the same cells.
//!
//! `cargo bench --bench upload -- [--rows 10000] [--runs 5] [--into DIR [--database URL]]`
//!
//! Each run is a separate process. The time (`answered`) is from its start to its output, so the upload includes
//! creating the database and ends when all data is durable. `ended` also includes the final checkpoint of the WAL.
//! Memory is the peak resident set size (VmHWM); `log` is the peak size of the WAL.
//!
//! `--changed 500` uploads the file again, without changes and with another telephone number in so many of its orders.
//! `--reconcile` compares lists of the orders with the shop that has them (`mukkeum reconcile`).
//!
//! `--into` uploads into an existing shop, such as that of the benchmark `list`: each run adds that many new orders.
//! `--database` names the MariaDB database of that shop; it may be empty.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use calamine::{DataRef, Reader, Xlsx, open_workbook};
use clap::Parser;
use mukkeum::demo::{files, new_orders};
use mukkeum::orders::model::NewOrder;
use mukkeum::storage::{Storage, StorageOptions};
use mukkeum::time::{Moment, SystemClock};

/// 2026-11-22. Any fixed day makes the data reproducible.
const NOW: Moment = Moment(1_795_316_400_000);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Rows that one file of an import may have.
const MAX_IMPORTED_ROWS: usize = 50_000;

/// Time between two polls of the peak memory. The peak never falls, so polling misses only growth in the last
/// interval.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

#[derive(Parser)]
struct Arguments {
    /// Orders in the file
    #[arg(long, default_value_t = 10_000)]
    rows: u64,
    /// Runs of each program
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Upload into this shop instead of an empty one
    #[arg(long)]
    into: Option<PathBuf>,
    /// Database of that shop, if not SQLite: mysql://user:password@host/name
    #[arg(long, requires = "into")]
    database: Option<String>,
    /// Upload the file again, without changes and with so many changed orders
    #[arg(long)]
    changed: Option<usize>,
    /// Compare lists of the orders with the shop
    #[arg(long)]
    reconcile: bool,
    /// Internal: read this file with calamine
    #[arg(long)]
    read: Option<PathBuf>,
    /// Passed by cargo bench
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy)]
struct Figures {
    answered: Duration,
    ended: Duration,
    peak_kib: u64,
    log_kib: u64,
}

fn high_water_kib(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

fn measure(command: &mut Command, log: &Path) -> Result<Figures, Box<dyn Error>> {
    let begin = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn()?;
    let answer = child.stdout.take().ok_or("no answer")?;
    let answered = std::thread::spawn(move || {
        BufReader::with_capacity(1 << 20, answer).read_until(b'\n', &mut Vec::new()).map(|_| begin.elapsed())
    });
    let (mut peak_kib, mut log_kib) = (0, 0);
    loop {
        peak_kib = high_water_kib(child.id()).unwrap_or_default().max(peak_kib);
        log_kib = fs::metadata(log).map_or(0, |log| log.len() / 1024).max(log_kib);
        if let Some(status) = child.try_wait()? {
            let ended = begin.elapsed();
            let answered = answered.join().map_err(|_| "nobody read the answer")??;
            return if status.success() {
                Ok(Figures { answered, ended, peak_kib, log_kib })
            } else {
                Err(format!("{command:?}: {status}").into())
            };
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Reads every cell of a file with calamine alone and keeps none.
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
    all.sort_by_key(|figures| figures.answered);
    let peak_kib = all.iter().map(|figures| figures.peak_kib).max()?;
    all.get(all.len() / 2).map(|middle| Figures { peak_kib, ..*middle })
}

fn import(file: &Path, data: &Path, database: Option<&str>) -> Result<Figures, Box<dyn Error>> {
    run(&["import", "orders"], &[file], data, database)
}

fn run(words: &[&str], files: &[&Path], data: &Path, database: Option<&str>) -> Result<Figures, Box<dyn Error>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(words).args(files).arg("--json").arg("--data").arg(data);
    command.args(database.map(|url| format!("--database={url}")));
    measure(&mut command, &data.join("mukkeum.db-wal"))
}

/// Uploads the file of `orders` again, and then with `changed` of them changed; each pair of runs changes them anew.
fn import_again(
    path: &Path,
    (shop, database): (&Path, Option<&str>),
    orders: &[NewOrder],
    (changed, runs): (usize, usize),
) -> Result<(), Box<dyn Error>> {
    let step = (orders.len() / changed.max(1)).max(1);
    let (mut same, mut other, mut current) = (Vec::new(), Vec::new(), orders.to_vec());
    for run in 0..runs {
        write(path, current.iter().cloned())?;
        if run == 0 {
            import(path, shop, database)?;
        }
        same.push(import(path, shop, database)?);
        for order in current.iter_mut().step_by(step).take(changed) {
            order.recipient.tel1 = format!("010-0000-{run:04}");
        }
        write(path, current.iter().cloned())?;
        other.push(import(path, shop, database)?);
    }
    let (Some(same), Some(other)) = (median(same), median(other)) else { return Err("no run".into()) };
    let name = format!("{changed} orders changed");
    table(&[("the file again, unchanged", same), (&name, other)], runs);
    println!("\n{:.2} times the unchanged file", other.answered.as_secs_f64() / same.answered.as_secs_f64());
    Ok(())
}

/// Compares `orders`, in as few lists as a file may have rows, with the shop, which has them.
fn reconcile(
    folder: &Path,
    (shop, database): (&Path, Option<&str>),
    orders: &[NewOrder],
    runs: usize,
) -> Result<(), Box<dyn Error>> {
    let mut lists = Vec::new();
    for (part, number) in orders.chunks(MAX_IMPORTED_ROWS).zip(1..) {
        let list = folder.join(format!("list-{number}.xlsx"));
        write(&list, part.iter().cloned())?;
        import(&list, shop, database)?;
        lists.push(list);
    }
    let lists: Vec<&Path> = lists.iter().map(PathBuf::as_path).collect();
    let figures = (0..runs).map(|_| run(&["reconcile"], &lists, shop, database)).collect::<Result<Vec<_>, _>>()?;
    table(&[("mukkeum reconcile", median(figures).ok_or("no run")?)], runs);
    Ok(())
}

fn write(path: &Path, orders: impl Iterator<Item = NewOrder>) -> Result<(), Box<dyn Error>> {
    Ok(files::write_smart_store(BufWriter::new(File::create(path)?), orders)?)
}

/// Orders that the shop does not have: of a new day, in new bundles.
fn new_to(shop: &Path, database: Option<&str>, rows: u64) -> Result<impl Iterator<Item = NewOrder>, Box<dyn Error>> {
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    let storage = match database {
        Some(url) => Storage::open_mariadb(&url.parse()?, &options)?,
        None => Storage::open_sqlite(&shop.join("mukkeum.db"), &options)?,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let uploads = runtime.block_on(storage.read(|tx| tx.scalar("SELECT count(*) FROM uploads", &[])))?;
    let today = NOW.plus_ms(uploads * DAY_MS);
    let day = today.date().format("%Y%m%d").to_string();
    Ok(new_orders(1, rows, NOW).zip(0_i64..).map(move |(order, place)| NewOrder {
        order_number: format!("{day}{place:08}"),
        bundle_number: format!("{day}{}", order.bundle_number),
        placed_at: today.plus_ms(place * 1_000),
        ..order
    }))
}

fn table(figures: &[(&str, Figures)], runs: usize) {
    println!("| median of {runs} | answered | ended | peak memory | log |\n| --- | --- | --- | --- | --- |");
    for (name, Figures { answered, ended, peak_kib, log_kib }) in figures {
        let (answered, ended) = (answered.as_millis(), ended.as_millis());
        println!("| {name} | {answered} ms | {ended} ms | {} MiB | {} MiB |", peak_kib / 1024, log_kib / 1024);
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    if let Some(path) = &arguments.read {
        return read(path);
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("orders.xlsx");
    if arguments.changed.is_some() || arguments.reconcile {
        let (own, database) = (folder.path().join("data"), arguments.database.as_deref());
        let shop = (arguments.into.as_deref().unwrap_or(&own), database);
        let orders: Vec<NewOrder> = match &arguments.into {
            Some(into) => new_to(into, database, arguments.rows)?.collect(),
            None => new_orders(1, arguments.rows, NOW).collect(),
        };
        if let Some(changed) = arguments.changed {
            import_again(&path, shop, &orders, (changed, arguments.runs))?;
        }
        if arguments.reconcile {
            reconcile(folder.path(), shop, &orders, arguments.runs)?;
        }
        return Ok(());
    }
    if let Some(shop) = &arguments.into {
        let (mut whole, database) = (Vec::new(), arguments.database.as_deref());
        for _ in 0..arguments.runs {
            write(&path, new_to(shop, database, arguments.rows)?)?;
            whole.push(import(&path, shop, database)?);
        }
        table(&[("mukkeum import, durable", median(whole).ok_or("no run")?)], arguments.runs);
        return Ok(());
    }
    write(&path, new_orders(1, arguments.rows, NOW))?;
    println!("{} orders, 72 columns, {} KiB\n", arguments.rows, fs::metadata(&path)?.len() / 1024);

    let (mut alone, mut whole) = (Vec::new(), Vec::new());
    for run in 0..arguments.runs {
        alone.push(measure(Command::new(std::env::current_exe()?).arg("--read").arg(&path), &path.join("none"))?);
        whole.push(import(&path, &folder.path().join(format!("data-{run}")), None)?);
    }
    let (Some(alone), Some(whole)) = (median(alone), median(whole)) else { return Err("no run".into()) };
    table(&[("calamine alone", alone), ("mukkeum import, durable", whole)], arguments.runs);
    println!("\n{:.2} times calamine alone", whole.answered.as_secs_f64() / alone.answered.as_secs_f64());
    Ok(())
}
