//! Latency of the order list in a large shop, over HTTP, for each search, filter and sort.
//!
//! `cargo bench --bench list -- [--orders 1000000] [--times 200] [--data DIR] [--database URL]`
//!
//! Generates a shop of synthetic orders unless it exists; `--data` keeps it, `--database` puts it into MariaDB. An
//! administrator then requests each page over one connection, one request at a time. A latency is the time from
//! the request to the last byte of the response.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::error::Error;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::demo::generate;
use mukkeum::members;
use mukkeum::members::model::{NewPassword, Role};
use mukkeum::members::passwords::PasswordHasher;
use mukkeum::orders::filter::DateField;
use mukkeum::storage::{Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Moment, SystemClock};
use reqwest::Client;

/// 2026-11-22. Any fixed day makes the data reproducible.
const NOW: Moment = Moment(1_795_316_400_000);

/// The administrator of the benchmark's shop.
const MEMBER: [(&str, &str); 2] = [("username", "bench"), ("password", "bench-of-mattresses")];

/// A page number far beyond manual paging.
const FAR_PAGE: &str = "1000";

/// Measured pages: name and query string.
const PAGES: &[(&str, &str)] = &[
    ("as it opens", ""),
    ("page size 50", "size=50"),
    ("state 주문", "state=PLACED"),
    ("state 배송", "state=SHIPPED"),
    ("channel", "channel=SMART_STORE"),
    ("product", "product=BED-LOW"),
    ("product and state", "product=BED-LOW&state=PURCHASED"),
    ("주문일 of a month", "date=placed_at&from=2026-10-01&to=2026-10-31"),
    ("발송기한 of a day", "date=dispatch_deadline&from=2026-10-01&to=2026-10-01"),
    ("everywhere, a name", "q=%EC%84%9C%EC%9C%A4"),
    ("recipient by part", "field=recipient_name&q=%EC%84%9C%EC%9C%A4"),
    ("recipient by 초성", "field=recipient_name&q=%E3%84%B1%E3%85%85%E3%85%87"),
    ("recipient by one syllable", "field=recipient_name&q=%EA%B9%80"),
    ("recipient unknown", "field=recipient_name&q=zzzz"),
    ("telephone, last four", "field=recipient_tel1&q=1234"),
    ("telephone, whole", "field=recipient_tel1&q=01000001234"),
    ("address by part", "field=address&q=%ED%8F%AC%ED%95%AD"),
    ("order number", "field=order_number&q=20261001"),
    ("bundle number", "field=bundle_number&q=1000079190"),
];

#[derive(Parser)]
struct Arguments {
    /// Orders in the shop
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// Requests per page
    #[arg(long, default_value_t = 200)]
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

/// Kills the server when the benchmark ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

fn mukkeum(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Generates the orders of fourteen months, unless the shop has orders.
async fn fill_shop(data: &Path, database: Option<&str>, count: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(data)?;
    let begin = Instant::now();
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    let storage = match database {
        Some(url) => Storage::open_mariadb(&url.parse()?, &options)?,
        None => Storage::open_sqlite(&data.join("mukkeum.db"), &options)?,
    };
    let has_orders = storage.read(|tx| tx.query_one("SELECT 1 FROM orders LIMIT 1", &[])).await?.is_some();
    if !has_orders {
        generate(&storage, 1, count, NOW, |_| ()).await?;
        println!("{count} orders made in {} s\n", begin.elapsed().as_secs());
    }
    add_member(&storage).await
}

async fn serve(data: &Path, database: Option<&str>) -> Result<(Server, String), Box<dyn Error>> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut serve = mukkeum(&["serve", "--listen", &address], data);
    serve.args(database.map(|url| format!("--database={url}")));
    let server = Server(serve.stderr(Stdio::null()).spawn()?);
    let url = format!("http://{address}");
    for _ in 0..600 {
        if reqwest::get(format!("{url}/health/ready")).await.is_ok_and(|response| response.status().is_success()) {
            return Ok((server, url));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("the server did not become ready".into())
}

/// The CSRF token of the first form.
fn token(page: &str) -> Option<&str> {
    let (_, after) = page.split_once("name=\"csrf\"")?;
    after.split_once("value=\"")?.1.split_once('"').map(|(token, _)| token)
}

/// Adds the member who measures, unless the shop has members.
async fn add_member(storage: &Storage) -> Result<(), Box<dyn Error>> {
    let [(_, username), (_, password)] = MEMBER;
    let hash = PasswordHasher::default().hash(NewPassword::of_program(password)).await?;
    let add = move |tx: &mut dyn Tx| {
        if !members::store::has_members(tx)? {
            members::store::add(tx, username, Role::Admin, &hash)?.ok();
        }
        Ok::<_, StorageError>(())
    };
    Ok(storage.write(add).await?)
}

async fn log_in(url: &str) -> Result<Client, Box<dyn Error>> {
    let client = Client::builder().cookie_store(true).build()?;
    let text = client.get(format!("{url}/login")).send().await?.text().await?;
    let csrf = token(&text).ok_or("a form without its token")?;
    let form = [MEMBER[0], MEMBER[1], ("csrf", csrf)];
    client.post(format!("{url}/login")).header("origin", url).form(&form).send().await?.error_for_status()?;
    Ok(client)
}

/// Median and 99th percentile.
fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |hundredths: usize| times.get((times.len() * hundredths / 100).min(times.len().saturating_sub(1)));
    (at(50).copied().unwrap_or_default(), at(99).copied().unwrap_or_default())
}

async fn measure(client: &Client, url: &str, times: usize) -> Result<(Duration, Duration), Box<dyn Error>> {
    let mut measured = Vec::with_capacity(times);
    for _ in 0..times {
        let begin = Instant::now();
        let response = client.get(url).send().await?.error_for_status()?;
        if response.url().path() != "/orders" {
            return Err(format!("{url} led to {}", response.url()).into());
        }
        response.bytes().await?;
        measured.push(begin.elapsed());
    }
    Ok(percentiles(measured))
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // reqwest requires a crypto provider even without TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let data = arguments.data.unwrap_or_else(|| temporary.path().join("data"));
    fill_shop(&data, arguments.database.as_deref(), arguments.orders).await?;
    let (_server, url) = serve(&data, arguments.database.as_deref()).await?;
    let client = log_in(&url).await?;

    let sorts = DateField::ALL.iter().flat_map(|date| {
        [("newest first", "desc"), ("oldest first", "asc")]
            .map(|(name, way)| (format!("{} {name}", date.label()), format!("sort={}.{way}", date.code())))
    });
    let pages = PAGES.iter().map(|(name, query)| ((*name).to_owned(), (*query).to_owned())).chain(sorts);
    println!("| page | first: p50 | p99 | page {FAR_PAGE}: p50 | p99 |\n| --- | --- | --- | --- | --- |");
    for (name, query) in pages {
        let (first_50, first_99) = measure(&client, &format!("{url}/orders?{query}"), arguments.times).await?;
        let (far_50, far_99) =
            measure(&client, &format!("{url}/orders?{query}&page={FAR_PAGE}"), arguments.times).await?;
        let figures = [first_50, first_99, far_50, far_99].map(milliseconds).join(" | ");
        println!("| {name} | {figures} |");
    }
    Ok(())
}
