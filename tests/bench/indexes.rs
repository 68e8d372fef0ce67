//! What each index of `orders` costs an upload, its size, and which pages need it.
//!
//! `cargo bench --bench indexes -- [--orders 1000000] [--rows 10000] [--runs 3] [--data DIR] [--database URL]`
//!
//! Generates a shop of synthetic orders unless it exists; `--data` keeps it, `--database` puts it into MariaDB. Each index
//! is dropped in turn. Then every page is read: one that fails names the index in a hint, one that becomes much slower used
//! it. An upload is then created and rolled back: the difference to one with all indexes is what the index costs, without
//! the flush of the commit. On SQLite the index is dropped within the same transaction and returns with its rollback; on
//! MariaDB it is created again.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::audit::Actor;
use mukkeum::deliveries::filter::{DeliveryQuery, Sort as DeliverySort};
use mukkeum::deliveries::{list as deliveries, store as delivery_store};
use mukkeum::demo::{generate, new_orders};
use mukkeum::districts::Districts;
use mukkeum::orders::filter::{DateField, OrderFilter, OrderQuery, Sort};
use mukkeum::orders::list;
use mukkeum::orders::model::NewOrder;
use mukkeum::orders::store::create::{bundles, create, findings};
use mukkeum::orders::store::{self, Action, ChangeContext};
use mukkeum::storage::{Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Moment, SystemClock};

/// 2026-11-22. Any fixed day makes the data reproducible.
const NOW: Moment = Moment(1_795_316_400_000);

const SCHEMA: &str = include_str!("../../schema.sql");

/// A page that takes this many times as long without an index, and this much longer, used it.
const SLOWER_TIMES: u32 = 3;
const SLOWER_BY: Duration = Duration::from_millis(4);

#[derive(Parser)]
struct Arguments {
    /// Orders in the shop
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// Orders of an upload
    #[arg(long, default_value_t = 10_000)]
    rows: u64,
    /// Uploads per index; the median counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
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

type Page = Box<dyn Fn(&mut dyn Tx) -> Result<(), StorageError> + Send + Sync>;

/// Ends a transaction without its changes, with what was measured.
enum Undone<T> {
    Measured(T),
    Failed(StorageError),
}

impl<T> From<StorageError> for Undone<T> {
    fn from(error: StorageError) -> Self {
        Self::Failed(error)
    }
}

/// Runs `work` in a transaction that is rolled back.
async fn rolled_back<T: Send + 'static>(
    storage: &Storage,
    work: impl Fn(&mut dyn Tx) -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let ended = storage.write(move |tx| Err::<(), _>(Undone::Measured(work(tx)?))).await;
    match ended {
        Err(Undone::Measured(measured)) => Ok(measured),
        Err(Undone::Failed(error)) => Err(error),
        Ok(()) => Err(StorageError::Inconsistent("the transaction was not rolled back".to_owned())),
    }
}

/// The pages and commands that read orders, by name.
fn pages() -> Vec<(String, Page)> {
    fn of_list(filter: OrderFilter) -> Page {
        Box::new(move |tx| list::page(tx, &filter, 1, 25).map(drop))
    }
    let mut pages: Vec<(String, Page)> = Vec::new();
    let queries = [
        ("list", OrderQuery::default()),
        ("list, state 주문", OrderQuery { state: "PLACED".into(), ..OrderQuery::default() }),
        ("list, state 확정", OrderQuery { state: "CONFIRMED".into(), ..OrderQuery::default() }),
        ("list, channel", OrderQuery { channel: "SMART_STORE".into(), ..OrderQuery::default() }),
        ("list, product", OrderQuery { product: "BED-LOW".into(), ..OrderQuery::default() }),
        ("search, a name", OrderQuery { q: "서윤".into(), ..OrderQuery::default() }),
        ("search, one syllable", OrderQuery { q: "김".into(), ..OrderQuery::default() }),
        ("search, order number", OrderQuery { q: "20261001".into(), ..OrderQuery::default() }),
    ];
    pages.extend(queries.into_iter().map(|(name, query)| (name.to_owned(), of_list(query.filter()))));
    for by in DateField::ALL {
        for (direction, descending) in [("newest", true), ("oldest", false)] {
            let filter = OrderFilter { sort: Some(Sort { by, descending }), ..OrderFilter::default() };
            pages.push((format!("list by {}, {direction} first", by.code()), of_list(filter)));
        }
        let day = NOW.plus_ms(-40 * 24 * 60 * 60 * 1000).date();
        let filter = OrderFilter { date: by, from: Some(day), to: Some(day), ..OrderFilter::default() };
        pages.push((format!("list, {} of a day", by.code()), of_list(filter)));
    }
    let of_numbers = |tx: &mut dyn Tx, column: &str| {
        let sql = format!("SELECT {column} FROM orders WHERE {column} <> '' ORDER BY id DESC LIMIT 200");
        let found = tx.query(&sql, &[])?.into_iter().map(|mut row| row.text(0)).collect::<Result<Vec<_>, _>>()?;
        let numbers: Vec<&str> = found.iter().map(String::as_str).collect();
        store::ids_by_field(tx, column, None, &numbers).map(drop)
    };
    for column in ["order_number", "channel_order_number", "tracking_number"] {
        pages.push((format!("files that name {column}"), Box::new(move |tx| of_numbers(tx, column))));
    }
    pages.push((
        "deliveries, with their orders".to_owned(),
        Box::new(|tx| {
            let filter = DeliveryQuery::default().filter(DeliverySort::Newest, &Districts::embedded());
            let ids = deliveries::page(tx, &filter, 0, 25)?.ids;
            deliveries::load_rows(tx, &ids)?;
            delivery_store::joined_orders(tx, &ids).map(drop)
        }),
    ));
    pages
}

/// The name and the statement of each index of `orders`.
fn indexes() -> Vec<(&'static str, String)> {
    let statements = SCHEMA.split(';').filter_map(|statement| statement.find("CREATE ").map(|at| &statement[at..]));
    let of_orders = statements.filter(|statement| statement.contains("INDEX") && statement.contains(" ON orders ("));
    let named = of_orders.filter_map(|statement| {
        let at = statement.find("orders_by_")?;
        let name = statement[at..].split_whitespace().next()?;
        Some((name, statement.to_owned()))
    });
    named.collect()
}

/// Orders that the shop does not have: of a day to come, in new bundles.
fn upload(rows: u64) -> Vec<NewOrder> {
    let numbered = new_orders(1, rows, NOW).zip(0_i64..).map(|(order, place)| NewOrder {
        order_number: format!("29991231{place:08}"),
        bundle_number: format!("29991231{}", order.bundle_number),
        placed_at: NOW.plus_ms(place * 1_000),
        ..order
    });
    numbered.collect()
}

/// Creates the orders of an upload; the time it takes.
fn create_all(tx: &mut dyn Tx, orders: &[NewOrder], districts: &Districts) -> Result<Duration, StorageError> {
    let begin = Instant::now();
    let orders: Vec<&NewOrder> = orders.iter().collect();
    let found = findings(tx, &orders)?;
    let bundles = bundles(tx, "SMART_STORE", &orders)?.bundles;
    let context = ChangeContext { actor: Actor::Program, upload_id: None, action: Action::Created };
    create(tx, context, ("SMART_STORE", "스마트스토어"), &bundles, &found, districts, &|_| ())?;
    Ok(begin.elapsed())
}

/// The time of each page; none for one that fails.
fn times(tx: &mut dyn Tx, pages: &[(String, Page)]) -> Vec<Option<Duration>> {
    let time = |(_, page): &(String, Page)| {
        // The first reading fills caches and prepares statements.
        page(tx).ok()?;
        let begin = Instant::now();
        page(tx).ok().map(|()| begin.elapsed())
    };
    pages.iter().map(time).collect()
}

/// How long a page takes with an index and without it; none is longer than the limit.
type Times<'t> = (&'t Option<Duration>, &'t Option<Duration>);

/// The pages that need an index, and how they show it.
fn needing(pages: &[(String, Page)], with: &[Option<Duration>], without: &[Option<Duration>]) -> BTreeSet<String> {
    let needs = |((name, _), (with, without)): (&(String, Page), Times<'_>)| match (with, without) {
        (Some(_), None) => Some(name.clone()),
        (Some(with), Some(without)) if *without > *with * SLOWER_TIMES && *without > *with + SLOWER_BY => {
            Some(format!("{name} ({with:.1?} → {without:.1?})"))
        }
        _ => None,
    };
    pages.iter().zip(with.iter().zip(without)).filter_map(needs).collect()
}

fn size(tx: &mut dyn Tx, is_mariadb: bool, index: &str) -> Result<i64, StorageError> {
    let sql = if is_mariadb {
        "SELECT CAST(coalesce(max(stat_value), 0) * @@innodb_page_size AS SIGNED) FROM mysql.innodb_index_stats \
         WHERE database_name = database() AND table_name = 'orders' AND stat_name = 'size' AND index_name = ?"
    } else {
        "SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = ?"
    };
    tx.scalar(sql, &[index.into()])
}

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    times.get(times.len() / 2).copied()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let folder = tempfile::tempdir()?;
    let data = arguments.data.clone().unwrap_or_else(|| folder.path().to_owned());
    std::fs::create_dir_all(&data)?;
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    let is_mariadb = arguments.database.is_some();
    let storage = match &arguments.database {
        Some(url) => Storage::open_mariadb(&url.parse()?, &options)?,
        None => Storage::open_sqlite(&data.join("mukkeum.db"), &options)?,
    };
    if storage.read(|tx| tx.query_one("SELECT 1 FROM orders LIMIT 1", &[])).await?.is_none() {
        generate(&storage, 1, arguments.orders, NOW, |_| ()).await?;
    }
    let (pages, orders) = (Arc::new(pages()), Arc::new(upload(arguments.rows)));
    let districts = Arc::new(Districts::embedded());
    let one_upload = || {
        let (orders, districts) = (Arc::clone(&orders), Arc::clone(&districts));
        rolled_back(&storage, move |tx| create_all(tx, &orders, &districts))
    };

    let with = {
        let pages = Arc::clone(&pages);
        rolled_back(&storage, move |tx| Ok(times(tx, &pages))).await?
    };
    let mut whole = Vec::new();
    for _ in 0..arguments.runs {
        whole.push(one_upload().await?);
    }
    let whole = median(whole).ok_or("no run")?;
    let count = storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await?;
    let engine = if is_mariadb { "MariaDB" } else { "SQLite" };
    println!("{engine}, {count} orders: an upload of {} takes {whole:.0?} with all indexes\n", arguments.rows);
    println!("| index | size | upload without it | costs | needed by |\n| --- | --- | --- | --- | --- |");

    for (index, statement) in indexes() {
        let bytes = storage.read(move |tx| size(tx, is_mariadb, index)).await?;
        let drop = if is_mariadb { format!("DROP INDEX {index} ON orders") } else { format!("DROP INDEX {index}") };
        let again = statement.split(" WHERE ").next().unwrap_or_default().to_owned();
        if is_mariadb {
            let drop = drop.clone();
            storage.write(move |tx| tx.exec(&drop, &[]).map(|_| ())).await?;
        }
        let (mut uploads, mut without, mut is_needed) = (Vec::new(), Vec::new(), false);
        for run in 0..arguments.runs {
            let (pages, orders, districts, drop) =
                (Arc::clone(&pages), Arc::clone(&orders), Arc::clone(&districts), drop.clone());
            let measured = rolled_back(&storage, move |tx| {
                if !is_mariadb {
                    tx.exec(&drop, &[])?;
                }
                let read = if run == 0 { times(tx, &pages) } else { Vec::new() };
                Ok((read, create_all(tx, &orders, &districts).ok()))
            });
            let (read, created) = measured.await?;
            without = if run == 0 { read } else { without };
            is_needed |= created.is_none();
            uploads.extend(created);
        }
        if is_mariadb {
            storage.write(move |tx| tx.exec(&again, &[]).map(|_| ())).await?;
        }
        let mut needing = needing(&pages, &with, &without);
        needing.extend(is_needed.then(|| "an upload".to_owned()));
        let (shown, costs) = match median(uploads) {
            Some(time) => {
                (format!("{time:.0?}"), format!("{:.0} ms", (whole.as_secs_f64() - time.as_secs_f64()) * 1e3))
            }
            None => ("–".to_owned(), "–".to_owned()),
        };
        let needing: Vec<String> = needing.into_iter().collect();
        println!("| {index} | {} KB | {shown} | {costs} | {} |", bytes / 1_000, needing.join(", "));
    }
    Ok(())
}
