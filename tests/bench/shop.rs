//! The shop of the benchmarks over HTTP: its data, its server, and a client who is logged in.

use std::error::Error;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mukkeum::demo::generate;
use mukkeum::members;
use mukkeum::members::model::{NewPassword, Role};
use mukkeum::members::passwords::PasswordHasher;
use mukkeum::storage::{Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Moment, SystemClock};
use reqwest::Client;
use reqwest::redirect::Policy;

/// A page number far beyond manual paging.
pub(super) const FAR_PAGE: &str = "1000";

/// 2026-11-22. Any fixed day makes the data reproducible.
const NOW: Moment = Moment(1_795_316_400_000);

/// The administrator of the benchmark's shop.
const MEMBER: [(&str, &str); 2] = [("username", "bench"), ("password", "bench-of-mattresses")];

/// Kills the server when the benchmark ends.
pub(super) struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).ok();
    }
}

/// Generates the orders of fourteen months, unless the shop has orders.
pub(super) async fn fill_shop(data: &Path, database: Option<&str>, count: u64) -> Result<(), Box<dyn Error>> {
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

pub(super) async fn serve(data: &Path, database: Option<&str>) -> Result<(Server, String), Box<dyn Error>> {
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(["serve", "--listen", &address, "--data"]).arg(data);
    command.args(database.map(|url| format!("--database={url}")));
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
pub(super) fn token(page: &str) -> Option<&str> {
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

pub(super) async fn log_in(url: &str, redirects: Policy) -> Result<Client, Box<dyn Error>> {
    let client = Client::builder().cookie_store(true).redirect(redirects).build()?;
    let text = client.get(format!("{url}/login")).send().await?.text().await?;
    let csrf = token(&text).ok_or("a form without its token")?;
    let form = [MEMBER[0], MEMBER[1], ("csrf", csrf)];
    client.post(format!("{url}/login")).header("origin", url).form(&form).send().await?.error_for_status()?;
    Ok(client)
}

/// Median and 99th percentile.
pub(super) fn percentiles(mut times: Vec<Duration>) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |hundredths: usize| times.get((times.len() * hundredths / 100).min(times.len().saturating_sub(1)));
    (at(50).copied().unwrap_or_default(), at(99).copied().unwrap_or_default())
}

/// Requests a page `times` times; its median and 99th percentile as cells of a table.
pub(super) async fn measure(client: &Client, url: &str, path: &str, times: usize) -> Result<String, Box<dyn Error>> {
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
