//! Rows that MariaDB examines for each page, in a shop large enough for its optimiser to matter. The slow
//! query log, with `long_query_time = 0`, counts them for every statement, so the test finds pages that
//! scan or sort a whole table regardless of the expected plan.
//!
//! The test generates a shop of 50,000 orders. MUKKEUM_PLANS_SHOP names an existing database on the server
//! MUKKEUM_TEST_DATABASE instead, for example one with 1,000,000 orders. The test logs in as the member
//! `boss`, and adds it if it is missing.

use std::net::SocketAddr;

use mukkeum::app::router;
use mukkeum::config::{Config, Settings};
use mukkeum::demo;
use mukkeum::members::model::{NewPassword, Role};
use mukkeum::members::passwords::PasswordHasher;
use mukkeum::members::store as members;
use mukkeum::time::Moment;
use mukkeum::web::AppState;
use mysql::Row;
use reqwest::Client;

use super::*;

/// 2026-11-22, the date of the generated orders.
const NOW: Moment = Moment(1_795_316_400_000);

/// Orders of a generated shop.
const ORDERS: u64 = 50_000;

const BOSS: &str = "boss";
const PASSWORD: &str = "long enough for one";

/// Prefixes of counting queries, which may examine up to 50,000 rows of an index.
const COUNTS: [&str; 2] = ["SELECT count(*)", "SELECT 1 FROM"];

const PAGES: &[&str] = &[
    "/",
    "/orders",
    "/orders?state=PLACED",
    "/orders?state=SHIPPED",
    "/orders?state=CONFIRMED&sort=placed_at.asc",
    "/orders?channel=SMART_STORE",
    "/orders?product=BED-LOW&state=PURCHASED",
    "/orders?date=placed_at&from=2026-10-01&to=2026-10-31",
    "/orders?date=dispatch_deadline&from=2026-10-01&to=2026-10-01&sort=dispatch_deadline.asc",
    "/orders?sort=shipped_at.desc",
    "/orders?q=%EC%84%9C%EC%9C%A4",
    "/orders?field=recipient_name&q=%E3%84%B1%E3%85%85%E3%85%87",
    "/orders?field=recipient_tel1&q=1234",
    "/orders?field=order_number&q=20261001",
    "/deliveries",
    "/deliveries?state=COMPLETED",
    "/deliveries?q=%EC%84%9C%EC%9C%A4",
    "/districts/unknown",
    "/products",
    "/deliveries?sort=preferred_shipping_date.desc",
    "/deliveries?sort=direct",
    "/deliveries?state=PREPARING&sort=sigungu.asc",
    "/uploads",
];

/// Statements since the last call, with the number of rows each examined.
fn statements(server: &mut Conn, database: &str) -> Vec<(String, u64)> {
    let sql = "SELECT CONVERT(sql_text USING utf8mb4), rows_examined FROM mysql.slow_log WHERE db = ?";
    let found = server.exec(sql, (database,)).expect("reads");
    server.query_drop("TRUNCATE TABLE mysql.slow_log").expect("empties");
    found
}

/// Describes a statement that examines too many rows.
fn describe_if_slow(server: &mut Conn, sql: &str, examined: u64, allowed: u64) -> Option<String> {
    if examined <= allowed {
        return None;
    }
    let fault = format!("{examined} rows: {sql}");
    if !COUNTS.iter().any(|count| sql.starts_with(count)) {
        return Some(fault);
    }
    let plan: Vec<Row> = server.query(format!("EXPLAIN {sql}")).expect("explains");
    let is_read_whole = |step: &Row| {
        let word = |name| step.get::<Option<String>, _>(name).flatten();
        word("key").is_none() && word("table").is_some_and(|table| !table.starts_with('<'))
    };
    plan.iter().any(is_read_whole).then_some(fault)
}

/// Starts the server; returns a client that is logged in as administrator, and the URL.
pub(super) async fn serve(storage: &Storage, data: &std::path::Path) -> (Client, String) {
    let password = NewPassword::new(PASSWORD.to_owned(), &[]).expect("long enough");
    let hash = PasswordHasher::default().hash(password).await.expect("hashes");
    let _known = storage.write(move |tx| members::add(tx, BOSS, Role::Admin, &hash)).await.expect("adds");
    let settings = Settings { data: Some(data.to_owned()), ..Settings::default() };
    let state = AppState::new(storage.clone(), Config::load(settings, |_| None).expect("settings")).expect("starts");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let service = router(&state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    // reqwest requires a TLS provider, although the test uses plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().cookie_store(true).build().expect("a client");
    let answer = client.get(format!("{url}/login")).send().await.expect("answers");
    let text = answer.text().await.expect("text");
    let csrf = text.split_once("name=\"csrf\" value=\"").expect("a form").1.split('"').next().expect("a token");
    let form = [("username", BOSS), ("password", PASSWORD), ("csrf", csrf)];
    let sent = client.post(format!("{url}/login")).header("origin", &url).form(&form).send().await;
    sent.and_then(reqwest::Response::error_for_status).expect("signs in");
    (client, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_scans_or_sorts_a_whole_table_of_a_large_shop() {
    let shop = Shop::kept_or_new(std::env::var("MUKKEUM_PLANS_SHOP").ok());
    if !shop.is_kept {
        demo::generate(&shop.open(), 1, ORDERS, NOW, |_| ()).await.expect("fills");
    }
    let orders = shop.open().read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await.expect("counts");
    let orders = u64::try_from(orders).expect("a number");
    // A page has 25 or 50 rows, a search compares a thousand, and sorting a collected set reads it twice.
    // A tenth of the shop's orders is a generous limit.
    let allowed = orders / 10;
    // A page after the refunded orders, which are less than 2 percent.
    let undated = format!("/orders?sort=refunded_at.desc&page={}", orders / 1_000);
    shop.on_server("TRUNCATE TABLE mysql.slow_log");
    shop.on_server("SET GLOBAL log_output = 'TABLE', GLOBAL long_query_time = 0, GLOBAL slow_query_log = 1");
    // The settings apply to new connections.
    let storage = shop.open();
    let mut server =
        Conn::new(format!("{}/{}?prefer_socket=false", shop.server, shop.name).as_str()).expect("the server");
    server.query_drop("SET SESSION slow_query_log = 0, sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'").expect("obeys");
    let folder = tempfile::tempdir().expect("a folder");
    let (client, url) = serve(&storage, folder.path()).await;

    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for page in PAGES.iter().copied().chain([undated.as_str()]) {
        statements(&mut server, &shop.name);
        let answer = client.get(format!("{url}{page}")).send().await.expect("answers");
        assert!(answer.status().is_success() && !answer.url().path().starts_with("/login"), "{page}: {answer:?}");
        answer.bytes().await.expect("the page");
        for (sql, examined) in statements(&mut server, &shop.name) {
            looked_at += 1;
            wrong
                .extend(describe_if_slow(&mut server, &sql, examined, allowed).map(|fault| format!("{page}: {fault}")));
        }
    }
    let whole = "SELECT id FROM orders IGNORE INDEX (PRIMARY) ORDER BY concat(recipient_name, id) LIMIT 25";
    storage.read(move |tx| tx.query(whole, &[])).await.expect("reads");
    let seen = statements(&mut server, &shop.name);
    shop.on_server("SET GLOBAL slow_query_log = 0, GLOBAL long_query_time = 10, GLOBAL log_output = 'FILE'");
    assert!(looked_at > 100, "{looked_at}");
    assert!(
        seen.iter().any(|(sql, examined)| describe_if_slow(&mut server, sql, *examined, allowed).is_some()),
        "a full scan is detected"
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
}
