//! Latency of the order list in a large shop, over HTTP, for each search, filter and sort.
//!
//! `cargo bench --bench list -- [--orders 1000000] [--times 200] [--data DIR] [--database URL]`
//!
//! Generates a shop of synthetic orders unless it exists; `--data` keeps it, `--database` puts it into MariaDB. An
//! administrator then requests each page over one connection, one request at a time. A latency is the time from
//! the request to the last byte of the response.
#![expect(clippy::print_stdout, reason = "a benchmark")]

mod shop;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use mukkeum::orders::filter::DateField;

use reqwest::redirect::Policy;
use shop::{FAR_PAGE, fill_shop, log_in, measure, serve};

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // reqwest requires a crypto provider even without TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let data = arguments.data.unwrap_or_else(|| temporary.path().join("data"));
    fill_shop(&data, arguments.database.as_deref(), arguments.orders).await?;
    let (_server, url) = serve(&data, arguments.database.as_deref()).await?;
    let client = log_in(&url, Policy::default()).await?;

    let sorts = DateField::ALL.iter().flat_map(|date| {
        [("newest first", "desc"), ("oldest first", "asc")]
            .map(|(name, way)| (format!("{} {name}", date.label()), format!("sort={}.{way}", date.code())))
    });
    let pages = PAGES.iter().map(|(name, query)| ((*name).to_owned(), (*query).to_owned())).chain(sorts);
    println!("| page | first: p50 | p99 | page {FAR_PAGE}: p50 | p99 |\n| --- | --- | --- | --- | --- |");
    for (name, query) in pages {
        let first = measure(&client, &url, &format!("/orders?{query}"), arguments.times).await?;
        let far = measure(&client, &url, &format!("/orders?{query}&page={FAR_PAGE}"), arguments.times).await?;
        println!("| {name} | {first} | {far} |");
    }
    Ok(())
}
