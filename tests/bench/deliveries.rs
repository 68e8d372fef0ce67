//! Latency of the delivery team's pages in a large shop, over HTTP.
//!
//! `cargo bench --bench deliveries -- [--orders 1000000] [--times 200] [--data DIR]`
//!
//! Generates the shop of the benchmark `list`; `--data` names a folder for both. A member requests each page over
//! one connection, one request at a time. A latency is the time from the request to the last byte of the response.
#![expect(clippy::print_stdout, reason = "a benchmark")]

use std::error::Error;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use mukkeum::deliveries::filter::Sort;
use mukkeum::demo::generate;
use mukkeum::members;
use mukkeum::members::model::{NewPassword, Role};
use mukkeum::members::passwords::PasswordHasher;
use mukkeum::storage::{Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Moment, SystemClock};
use reqwest::Client;

/// 2026-11-22. Any fixed day makes the data reproducible.
const NOW: Moment = Moment(1_795_316_400_000);

/// The administrator of the benchmark's shop.
const MEMBER: [(&str, &str); 2] = [("username", "bench"), ("password", "bench-of-mattresses")];

/// A page number far beyond manual paging.
const FAR_PAGE: &str = "1000";

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

/// Generates the orders of fourteen months.
async fn fill_shop(data: &Path, count: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(data)?;
    let begin = Instant::now();
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    let storage = Storage::open_sqlite(&data.join("mukkeum.db"), &options)?;
    generate(&storage, 1, count, NOW, |_| ()).await?;
    add_member(&storage).await?;
    println!("{count} orders made in {} s\n", begin.elapsed().as_secs());
    Ok(())
}

async fn serve(data: &Path) -> Result<(Server, String), Box<dyn Error>> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(["serve", "--listen", &address, "--data"]).arg(data);
    let server = Server(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
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

async fn measure(client: &Client, url: &str, path: &str, times: usize) -> Result<String, Box<dyn Error>> {
    let mut measured = Vec::with_capacity(times);
    for _ in 0..times {
        let begin = Instant::now();
        let response = client.get(format!("{url}{path}")).send().await?.error_for_status()?;
        if !path.starts_with(response.url().path()) {
            return Err(format!("{path} led to {}", response.url()).into());
        }
        response.bytes().await?;
        measured.push(begin.elapsed());
    }
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    let (middle, worst) = percentiles(measured);
    Ok(format!("{} | {}", milliseconds(middle), milliseconds(worst)))
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
    if !data.exists() {
        fill_shop(&data, arguments.orders).await?;
    }
    let (_server, url) = serve(&data).await?;
    let client = log_in(&url).await?;

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
