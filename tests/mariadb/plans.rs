//! Which rows the pages really make MariaDB read, in a shop large enough for its optimiser to matter.
//! The server counts them for each statement (its log of slow statements, with everything slow), so
//! that a page that walks or sorts a whole table is found, whatever a plan had promised.
//!
//! MUKKEUM_PLANS_ORDERS makes the shop larger: of 1,000,000 orders, say, which takes a while.

use std::net::SocketAddr;

use mukkeum::config::{Config, Settings};
use mukkeum::demo;
use mukkeum::time::Moment;
use mukkeum::web::{AppState, router};
use mysql::Row;
use reqwest::Client;

use super::*;

/// 2026-11-22, as the orders of the demonstration have it.
const NOW: Moment = Moment(1_795_316_400_000);

/// The orders of the shop.
fn orders() -> u64 {
    std::env::var("MUKKEUM_PLANS_ORDERS").ok().and_then(|orders| orders.parse().ok()).unwrap_or(50_000)
}

/// Rows that a statement may examine: a page has 25 or 50, a search compares a thousand, and what is
/// gathered, up to 50,000, is sorted once more. A tenth of the shop's orders is more than enough.
fn allowed() -> u64 {
    orders() / 10
}

/// Totals are counted, up to 50,000, through an index.
const COUNTS: &str = "SELECT count(*)";

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

/// The statements since the last look, and how many rows each examined.
fn statements(server: &mut Conn, database: &str) -> Vec<(String, u64)> {
    let sql = "SELECT CONVERT(sql_text USING utf8mb4), rows_examined FROM mysql.slow_log WHERE db = ?";
    let found = server.exec(sql, (database,)).expect("reads");
    server.query_drop("TRUNCATE TABLE mysql.slow_log").expect("empties");
    found
}

/// What is wrong with a statement.
fn fault(server: &mut Conn, sql: &str, examined: u64) -> Option<String> {
    if examined <= allowed() {
        return None;
    }
    let fault = format!("{examined} rows: {sql}");
    if !sql.starts_with(COUNTS) {
        return Some(fault);
    }
    let plan: Vec<Row> = server.query(format!("EXPLAIN {sql}")).expect("explains");
    let is_read_whole = |step: &Row| {
        let word = |name| step.get::<Option<String>, _>(name).flatten();
        word("key").is_none() && word("table").is_some_and(|table| !table.starts_with('<'))
    };
    plan.iter().any(is_read_whole).then_some(fault)
}

/// The pages, and a browser that is signed in as their administrator.
async fn serve(storage: &Storage, data: &std::path::Path) -> (Client, String) {
    let settings = Settings { data: Some(data.to_owned()), ..Settings::default() };
    let state = AppState::new(storage.clone(), Config::load(settings, |_| None).expect("settings")).expect("starts");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let service = router(&state).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });

    // The client can speak TLS and wants to know whose, though nothing here does.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().cookie_store(true).build().expect("a client");
    for page in ["/setup", "/login"] {
        let answer = client.get(format!("{url}{page}")).send().await.expect("answers");
        if answer.url().path() != page {
            continue;
        }
        let text = answer.text().await.expect("text");
        let csrf = text.split_once("name=\"csrf\" value=\"").expect("a form").1.split('"').next().expect("a token");
        let form = [
            ("username", "boss"),
            ("password", "long enough for one"),
            ("again", "long enough for one"),
            ("csrf", csrf),
        ];
        let sent = client.post(format!("{url}{page}")).header("origin", &url).form(&form).send().await;
        sent.and_then(reqwest::Response::error_for_status).expect("signs in");
    }
    (client, url)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_reads_or_sorts_a_whole_table_of_a_large_shop() {
    let shop = Shop::new();
    demo::fill(&shop.open(), 1, orders(), NOW, |_| ()).await.expect("fills");
    shop.on_server("SET GLOBAL log_output = 'TABLE', GLOBAL long_query_time = 0, GLOBAL slow_query_log = 1");
    // Connections that begin now are watched.
    let storage = shop.open();
    let mut server =
        Conn::new(format!("{}/{}?prefer_socket=false", shop.server, shop.name).as_str()).expect("the server");
    server.query_drop("SET SESSION slow_query_log = 0, sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT'").expect("obeys");
    let folder = tempfile::tempdir().expect("a folder");
    let (client, url) = serve(&storage, folder.path()).await;

    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for page in PAGES {
        statements(&mut server, &shop.name);
        let answer = client.get(format!("{url}{page}")).send().await.expect("answers");
        assert!(answer.status().is_success() && !answer.url().path().starts_with("/login"), "{page}: {answer:?}");
        answer.bytes().await.expect("the page");
        for (sql, examined) in statements(&mut server, &shop.name) {
            looked_at += 1;
            wrong.extend(fault(&mut server, &sql, examined).map(|fault| format!("{page}: {fault}")));
        }
    }
    let whole = "SELECT id FROM orders IGNORE INDEX (PRIMARY) ORDER BY concat(recipient_name, id) LIMIT 25";
    storage.read(move |tx| tx.query(whole, &[])).await.expect("reads");
    let seen = statements(&mut server, &shop.name);
    shop.on_server("SET GLOBAL slow_query_log = 0, GLOBAL long_query_time = 10, GLOBAL log_output = 'FILE'");
    assert!(looked_at > 100, "{looked_at}");
    assert!(seen.iter().any(|(sql, examined)| fault(&mut server, sql, *examined).is_some()), "a whole table is seen");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
