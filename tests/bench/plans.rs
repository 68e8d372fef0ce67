//! Latency of the pages of the own trucks in a large shop with many plans, and of promises by many clerks at once, over HTTP.
//!
//! `cargo bench --bench plans -- [--orders 1000000] [--plans 2000] [--times 200] [--clerks 20] [--data DIR] [--database URL]`
//!
//! Generates the shop of the benchmark `list`, six trucks and the plans of past days, ten stops each; `--data` and
//! `--database` keep them. A member requests each page over one connection, one request at a time. Then the clerks promise one
//! day, all at once, more often than it has places; the program fails if more are sold.
#![expect(clippy::print_stdout, reason = "a benchmark")]

mod shop;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{Datelike, Days, NaiveDate, Weekday};
use clap::Parser;
use mukkeum::id::{DeliveryId, MemberId, StopId, TourId};
use mukkeum::orders::bundle::DeliveryState;
use mukkeum::plans::model::{ColumnKey, Hold, Job, Stop, TourState};
use mukkeum::plans::store as plans;
use mukkeum::storage::{Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::{Moment, SystemClock};
use mukkeum::trucks::model::Truck;
use mukkeum::trucks::store as trucks;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use shop::{FAR_PAGE, fill_shop, log_in, measure, percentiles, serve, token};

/// Trucks of the shop.
const TRUCKS: usize = 6;

/// Stops of a generated plan.
const STOPS: usize = 10;

/// Plans that one transaction inserts.
const PLANS_AT_ONCE: usize = 100;

/// Pieces of a truck: what the clerks sell.
const PIECES: i64 = 12;

/// 경상북도 칠곡군: the depot.
const DEPOT_ZIP: &str = "39867";

/// 경상북도, from its first 시/군/구 to the next 시/도: where the clerks' customers live.
const PROVINCE: (i64, i64) = (47000, 48000);

/// Days from today to the one that is promised, on which nothing of the generated shop is due.
const FAR_DAYS: u64 = 40;

#[derive(Parser)]
struct Arguments {
    /// Orders in the shop
    #[arg(long, default_value_t = 1_000_000)]
    orders: u64,
    /// Plans of past days
    #[arg(long, default_value_t = 2_000)]
    plans: usize,
    /// Requests per page
    #[arg(long, default_value_t = 200)]
    times: usize,
    /// Clerks who promise at once
    #[arg(long, default_value_t = 20)]
    clerks: usize,
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

/// What the measured pages are about.
struct Subjects {
    /// day of the newest plans
    day: NaiveDate,
    tour: TourId,
    delivery: DeliveryId,
    /// open deliveries without a date around the depot
    wanted: Vec<DeliveryId>,
}

fn open(data: &Path, database: Option<&str>) -> Result<Storage, Box<dyn Error>> {
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: 1 };
    Ok(match database {
        Some(url) => Storage::open_mariadb(&url.parse()?, &options)?,
        None => Storage::open_sqlite(&data.join("mukkeum.db"), &options)?,
    })
}

/// Inserts trucks and plans, unless the shop has some; returns what is measured.
async fn fill_plans(storage: &Storage, count: usize, wanted: usize) -> Result<Subjects, Box<dyn Error>> {
    let begin = Instant::now();
    let columns = storage.write(|tx| trucks_of(tx)).await?;
    let have = storage.read(|tx| tx.scalar("SELECT count(*) FROM tours", &[])).await?;
    let last = Moment::date(storage.clock().now()) - Days::new(1);
    let mut done = usize::try_from(have)?;
    while done < count {
        let columns = columns.clone();
        let numbers = done..(done + PLANS_AT_ONCE).min(count);
        done = numbers.end;
        storage.write(move |tx| insert_plans(tx, &columns, last, numbers.clone())).await?;
    }
    println!("{done} plans, {have} of them before, in {} s\n", begin.elapsed().as_secs());
    let read = storage.read(move |tx| {
        let sql = "SELECT t.id, s.delivery_id FROM tours t JOIN stops p ON p.tour_id = t.id JOIN jobs s ON s.id = p.job_id \
                   ORDER BY t.day DESC, t.id LIMIT 1";
        let row = tx.query_one(sql, &[])?.ok_or_else(|| StorageError::Inconsistent("no plan".to_owned()))?;
        let (tour, delivery) = (row.id(0)?, row.id(1)?);
        let day = plans::day_of_tour(tx, tour)?.ok_or_else(|| StorageError::Inconsistent("no day".to_owned()))?;
        let [preparing, ready] = DeliveryState::UNDER_WAY.map(|state| state as i64);
        let (first, end) = PROVINCE;
        let sql = format!(
            "SELECT id FROM deliveries WHERE state IN ({preparing}, {ready}) AND shipping_method = 'DIRECT' \
             AND sigungu_code >= {first} AND sigungu_code < {end} AND preferred_shipping_date IS NULL \
             ORDER BY id DESC LIMIT ?"
        );
        let params = [i64::try_from(wanted).unwrap_or(1).into()];
        let wanted = tx.query(&sql, &params)?.iter().map(|row| row.id(0)).collect::<Result<_, _>>()?;
        Ok::<_, StorageError>(Subjects { day, tour, delivery, wanted })
    });
    Ok(read.await?)
}

/// The columns of the trucks, which are inserted once.
fn trucks_of(tx: &mut dyn Tx) -> Result<Vec<ColumnKey>, StorageError> {
    if trucks::all(tx)?.is_empty() {
        let mut settings = trucks::settings(tx)?;
        DEPOT_ZIP.clone_into(&mut settings.depot_zip);
        trucks::save_settings(tx, &settings)?;
        for number in 1..=TRUCKS {
            trucks::insert(tx, &Truck { pieces: PIECES, ..Truck::suggestion(format!("{number}호차")) })?;
        }
    }
    Ok(trucks::all(tx)?.iter().map(|truck| ColumnKey { truck_id: truck.id, round: 1 }).collect())
}

/// Inserts plans of past days, the last day first, with deliveries that are over.
fn insert_plans(
    tx: &mut dyn Tx,
    columns: &[ColumnKey],
    last: NaiveDate,
    numbers: std::ops::Range<usize>,
) -> Result<(), StorageError> {
    let member = MemberId::from_raw(tx.scalar("SELECT min(id) FROM members", &[])?);
    let sql =
        "SELECT id FROM deliveries WHERE state = ? AND shipping_method = 'DIRECT' ORDER BY id DESC LIMIT ? OFFSET ?";
    let count = i64::try_from(numbers.len() * STOPS).unwrap_or_default();
    let offset = i64::try_from(numbers.start * STOPS).unwrap_or_default();
    let params = [(DeliveryState::Completed as i64).into(), count.into(), offset.into()];
    let deliveries: Vec<DeliveryId> = tx.query(sql, &params)?.iter().map(|row| row.id(0)).collect::<Result<_, _>>()?;
    let (mut tours, mut ids) = (Vec::new(), Vec::new());
    for (number, deliveries) in numbers.zip(deliveries.chunks(STOPS)) {
        let day = last - Days::new(u64::try_from(number / columns.len()).unwrap_or_default());
        let tour = plans::insert_tour(tx, day, columns[number % columns.len()], member)?;
        let mut jobs: Vec<Job> = deliveries.iter().map(|id| Job { delivery_id: *id, ..Job::default() }).collect();
        plans::insert_jobs(tx, &mut jobs)?;
        let stop = |job: Job| Stop { id: StopId::UNSTORED, job, hold: Hold::Free, basis: "{}".to_owned() };
        tours.push((tour.id, jobs.into_iter().map(stop).collect::<Vec<Stop>>()));
        ids.push(tour.id);
    }
    plans::replace_stops(tx, &tours)?;
    plans::set_state(tx, &ids, TourState::Fixed)
}

/// Promises the day for every delivery, by as many clerks at once; the latencies, and how many were sold.
async fn promise_all(
    clerks: &[Client],
    url: &str,
    day: NaiveDate,
    deliveries: &[DeliveryId],
) -> Result<(Vec<Duration>, usize), Box<dyn Error>> {
    let page = clerks[0].get(format!("{url}/plans/dates?delivery={}", deliveries[0])).send().await?;
    page.error_for_status()?;
    let mut working = tokio::task::JoinSet::new();
    let share = deliveries.len().div_ceil(clerks.len());
    for (clerk, deliveries) in clerks.iter().zip(deliveries.chunks(share)) {
        let (clerk, deliveries, url) = (clerk.clone(), deliveries.to_vec(), url.to_owned());
        working.spawn(async move {
            let text = clerk.get(format!("{url}/plans/dates")).send().await.ok()?.text().await.ok()?;
            let csrf = token(&text)?.to_owned();
            let (mut times, mut sold) = (Vec::new(), 0);
            for id in deliveries {
                let form = [
                    ("csrf", csrf.clone()),
                    ("delivery", id.to_string()),
                    ("day", day.to_string()),
                    ("channel", "phone".to_owned()),
                ];
                let begin = Instant::now();
                let request = clerk.post(format!("{url}/plans/dates")).header("origin", &url).form(&form);
                let response = request.send().await.ok()?;
                times.push(begin.elapsed());
                match response.status() {
                    StatusCode::SEE_OTHER => sold += 1,
                    StatusCode::UNPROCESSABLE_ENTITY => {}
                    _ => return None,
                }
            }
            Some((times, sold))
        });
    }
    let (mut times, mut sold) = (Vec::new(), 0);
    for clerk in working.join_all().await {
        let (own_times, own_sold) = clerk.ok_or("a clerk was refused")?;
        times.extend(own_times);
        sold += own_sold;
    }
    Ok((times, sold))
}

/// A Wednesday far ahead, when every truck drives.
fn far_day(today: NaiveDate) -> NaiveDate {
    let first = today + Days::new(FAR_DAYS);
    first.iter_days().find(|day| day.weekday() == Weekday::Wed).unwrap_or(first)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // reqwest requires a crypto provider even without TLS.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir()?;
    let data = arguments.data.unwrap_or_else(|| temporary.path().join("data"));
    let database = arguments.database.as_deref();
    fill_shop(&data, database, arguments.orders).await?;
    let storage = open(&data, database)?;
    let places = TRUCKS * usize::try_from(PIECES)?;
    let subjects = fill_plans(&storage, arguments.plans, 2 * places).await?;
    let today = Moment::date(storage.clock().now());
    drop(storage);
    let (_server, url) = serve(&data, database).await?;
    let client = log_in(&url, Policy::default()).await?;

    let (tour, delivery) = (subjects.tour.to_string(), subjects.delivery.to_string());
    let wanted = subjects.wanted.first().ok_or("an open delivery around the depot")?;
    println!("| page | p50 | p99 |\n| --- | --- | --- |");
    for (name, path) in [
        ("board of a past day", format!("/plans?day={}", subjects.day)),
        ("board of today", format!("/plans?day={today}")),
        ("board of tomorrow", format!("/plans?day={}", today + Days::new(1))),
        ("a tour", format!("/plans/tours/{tour}")),
        ("its loading list", format!("/plans/tours/{tour}/loading")),
        ("papers of a day", format!("/plans/print?day={}", subjects.day)),
        ("a job", format!("/plans/jobs/{delivery}")),
        ("three dates", format!("/plans/dates?delivery={wanted}")),
        ("promises", "/plans/promises".to_owned()),
        ("texts of a day", format!("/notices?day={}", subjects.day)),
        ("trucks", "/trucks".to_owned()),
        ("own stops", "/drive".to_owned()),
        ("deliveries of the own team beside them", format!("/deliveries?method=DIRECT&page={FAR_PAGE}")),
    ] {
        println!("| {name} | {} |", measure(&client, &url, &path, arguments.times).await?);
    }

    let mut clerks = Vec::new();
    for _ in 0..arguments.clerks.max(1) {
        // The latency is that of the promise, not of the page that follows.
        clerks.push(log_in(&url, Policy::none()).await?);
    }
    let day = far_day(today);
    let (times, sold) = promise_all(&clerks, &url, day, &subjects.wanted).await?;
    let (count, (middle, worst)) = (times.len(), percentiles(times));
    println!("\n{} clerks promised {day} {count} times: {sold} of at most {places} places sold", clerks.len());
    println!("p50 {:.1} ms, p99 {:.1} ms", middle.as_secs_f64() * 1e3, worst.as_secs_f64() * 1e3);
    if sold > places {
        return Err(format!("{sold} sold, {places} places").into());
    }
    Ok(())
}
