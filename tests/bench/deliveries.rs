//! Latency of the delivery team's pages in a large shop, over HTTP.
//!
//! `cargo bench --bench deliveries -- [--orders 1000000] [--times 200] [--data DIR] [--database URL]`
//!
//! Generates the shop of the benchmark `list`; `--data` and `--database` keep one for both. A member requests each page over
//! one connection, one request at a time. A latency is the time from the request to the last byte of the response.
#![expect(clippy::print_stdout, reason = "a benchmark")]

mod shop;

use std::error::Error;
use std::path::PathBuf;

use clap::Parser;
use mukkeum::deliveries::filter::Sort;
use reqwest::Client;
use reqwest::redirect::Policy;

use shop::{FAR_PAGE, fill_shop, log_in, measure, serve};

/// Measured lists: name and query string.
const LISTS: &[(&str, &str)] = &[
    ("as it opens", ""),
    ("page size 50", "size=50"),
    ("state 대기", "state=READY_TO_SHIP"),
    ("states 준비, 대기 by date", "state=PREPARING&state=READY_TO_SHIP&sort=preferred_shipping_date.asc"),
    ("state 완료", "state=COMPLETED"),
    ("state 반품", "state=RETURNED"),
    ("method 직접전달", "method=DIRECT"),
    ("method 퀵서비스", "method=QUICK"),
    ("대기, 직접전달 by date", "state=READY_TO_SHIP&method=DIRECT&sort=preferred_shipping_date.asc"),
    ("시/도 경기", "sido=41"),
    ("시/도 경기 by date", "sido=41&sort=preferred_shipping_date.asc"),
    ("시/도 경북, 완료", "sido=47&state=COMPLETED"),
    ("시/군/구 포항", "sido=47&sigungu=47110"),
    ("시/군/구 포항 by date", "sido=47&sigungu=47110&sort=preferred_shipping_date.desc"),
    ("미분류", "sigungu=none"),
    ("a day", "date_from=2026-11-23&date_to=2026-11-23"),
    ("a month, newest first", "date_from=2026-10-01&date_to=2026-10-31"),
    ("a month, 시/도 서울", "date_from=2026-10-01&date_to=2026-10-31&sido=11&sort=sigungu.asc"),
    ("without a date", "date=none"),
    ("without a date, 대기", "date=none&state=READY_TO_SHIP"),
    ("delivery number", "field=delivery_number&q=1000079190"),
    ("recipient by part", "field=recipient_name&q=%EC%84%9C%EC%9C%A4"),
    ("recipient by one syllable", "field=recipient_name&q=%EA%B9%80"),
    ("telephone, last four", "field=recipient_tel1&q=1234"),
    ("address by part", "field=address&q=%ED%8F%AC%ED%95%AD"),
    ("address by part, 대기", "field=address&q=%ED%8F%AC%ED%95%AD&state=READY_TO_SHIP"),
    ("detail of an address", "field=address2&q=1203%ED%98%B8"),
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

/// Path of the first delivery that a search lists.
async fn delivery(client: &Client, url: &str, query: &str) -> Result<String, Box<dyn Error>> {
    let list = client.get(format!("{url}/deliveries?{query}")).send().await?.text().await?;
    let (_, after) = list.split_once("href=\"/deliveries/0").ok_or("a list with a delivery")?;
    Ok(format!("/deliveries/0{}", after.split('"').next().unwrap_or_default().trim_end_matches("/slip")))
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

    let sorts = Sort::ALL.map(|sort| (sort.label(), format!("sort={}", sort.code())));
    let lists = LISTS.iter().map(|(name, query)| (*name, (*query).to_owned())).chain(sorts);
    println!("| list | first: p50 | p99 | page {FAR_PAGE}: p50 | p99 |\n| --- | --- | --- | --- | --- |");
    for (name, query) in lists {
        let first = measure(&client, &url, &format!("/deliveries?{query}"), arguments.times).await?;
        let far = measure(&client, &url, &format!("/deliveries?{query}&page={FAR_PAGE}"), arguments.times).await?;
        println!("| {name} | {first} | {far} |");
    }
    let one = delivery(&client, &url, "state=PREPARING").await?;
    println!("\n| page | p50 | p99 |\n| --- | --- | --- |");
    for (name, path) in [
        ("a delivery", one.clone()),
        ("its slip", format!("{one}/slip")),
        ("100 slips", "/deliveries/slips?state=READY_TO_SHIP&sort=sigungu.asc".to_owned()),
        ("districts", "/districts".to_owned()),
    ] {
        println!("| {name} | {} |", measure(&client, &url, &path, arguments.times).await?);
    }
    Ok(())
}
