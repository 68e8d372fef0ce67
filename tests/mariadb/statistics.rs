//! Plans do not depend on statistics: a page reads few rows in a shop of one channel, of one product, of one state and
//! of one day, whether the statistics are new, up to date, or those of an empty shop.
//!
//! The counters `Handler_read_%` and `Handler_icp_attempts` of the server count every row and index entry that the engine
//! reads. `Rows_examined` of the slow query log omits those that a condition pushed into an index rejects.

use mukkeum::demo;
use mukkeum::time::Moment;
use reqwest::Client;

use super::plans::serve;
use super::*;

/// Orders of the shop. A page that reads an index or a table from end to end exceeds [`MAX_READS`].
const ORDERS: u64 = 20_000;

/// 2026-11-22, the date of the generated orders.
const NOW: Moment = Moment(1_795_316_400_000);

/// Requests of a page of which the one with the fewest reads counts.
const ATTEMPTS: usize = 3;

/// Rows and index entries that a list without a search reads, and those of its menu and filters.
const MAX_READS: i64 = 2_000;

/// Those of a search: it reads up to 12,000 postings, or compares a thousand orders.
const MAX_SEARCH_READS: i64 = 9_000;

/// Lists without a search, orders, deliveries and slips. The first page and ranges of days are not among them: they count
/// up to 50,000 entries of an index.
const LISTS: &[&str] = &[
    "/orders",
    "/orders?size=50",
    "/orders?page=20",
    "/orders?state=PLACED",
    "/orders?state=PURCHASED",
    "/orders?state=PURCHASED&sort=placed_at.asc",
    "/orders?channel=SMART_STORE",
    "/orders?product={product}",
    "/orders?product={product}&state=PURCHASED",
    "/orders?channel=SMART_STORE&product={product}&state=PURCHASED",
    "/orders?sort=dispatch_deadline.asc",
    "/orders?sort=preferred_shipping_date.asc",
    "/orders?sort=purchased_at.desc",
    "/orders?sort=purchased_at.asc",
    "/orders?sort=refunded_at.desc",
    "/orders?claim=open",
    "/orders/{order}",
    "/deliveries",
    "/deliveries?size=50",
    "/deliveries?page=20",
    "/deliveries?state=PREPARING",
    "/deliveries?state=PREPARING&state=READY_TO_SHIP",
    "/deliveries?state=COMPLETED",
    "/deliveries?method=DIRECT",
    "/deliveries?sort=direct",
    "/deliveries?sort=sigungu.asc",
    "/deliveries?sort=state.asc",
    "/deliveries?sort=state.desc",
    "/deliveries/{delivery}",
    "/deliveries/{delivery}/slip",
    "/products",
    "/uploads",
    "/districts/unknown",
];

/// Searches.
const SEARCHES: &[&str] = &[
    "/orders?q=%EC%84%9C%EC%9C%A4",
    "/orders?field=recipient_name&q=%EA%B9%80",
    "/orders?field=recipient_tel1&q=1234",
    "/orders?field=recipient_tel1&q=zzzz",
    "/orders?field=order_number&q={number}",
    "/orders?q=%EC%84%9C%EC%9C%A4&state=PURCHASED&channel=SMART_STORE",
    "/deliveries?q=%EC%84%9C%EC%9C%A4",
    "/deliveries?field=recipient_name&q=%EA%B9%80",
    "/deliveries?field=recipient_tel1&q=1234&state=PREPARING",
];

/// Statements that make the shop more uniform, each step on top of those before.
const STEPS: &[(&str, &[&str])] = &[
    ("several channels", &[]),
    ("one channel", &["UPDATE orders SET channel_id = (SELECT id FROM sales_channels WHERE code = 'SMART_STORE')"]),
    ("one product", &["UPDATE orders SET product_id = (SELECT min(id) FROM products)"]),
    (
        "one state",
        &[
            "UPDATE orders SET state = 1, purchased_at = placed_at, dispatched_at = NULL, shipped_at = NULL, \
             confirmed_at = NULL, cancelled_at = NULL, refunded_at = NULL",
            "UPDATE deliveries SET state = 0, cancelled_quantity = 0",
        ],
    ),
    ("all of today", &["UPDATE orders SET placed_at = {now}, purchased_at = {now}"]),
];

/// Recomputes the tallies.
const COUNT: &[&str] = &[
    "DELETE FROM order_tallies",
    "INSERT INTO order_tallies SELECT state, channel_id, product_id, count(*) FROM orders GROUP BY 1, 2, 3",
    "DELETE FROM delivery_tallies",
    "INSERT INTO delivery_tallies SELECT 0, state, shipping_method, preferred_shipping_date IS NOT NULL, count(*) \
     FROM deliveries GROUP BY 1, 2, 3, 4",
];

/// Rows and index entries that the server has read since it started.
fn reads(server: &mut Conn) -> i64 {
    let sql = "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Handler_read_%' OR Variable_name = 'Handler_icp_attempts'";
    let counters: Vec<(String, i64)> = server.query(sql).expect("counts");
    counters.into_iter().map(|(_, count)| count).sum()
}

/// Makes the statistics of every table those of an empty one, as a shop has on its first day.
fn forget_statistics(server: &mut Conn, database: &str) {
    for sql in [
        "UPDATE mysql.innodb_table_stats SET n_rows = 0, clustered_index_size = 1, sum_of_other_index_sizes = 1 \
         WHERE database_name = ?",
        "UPDATE mysql.innodb_index_stats SET stat_value = 1 WHERE database_name = ?",
    ] {
        server.exec_drop(sql, (database,)).expect("changes");
    }
    server.query_drop("FLUSH TABLES").expect("flushes");
}

/// Pages that read more than they may, with their numbers.
async fn excesses(client: &Client, url: &str, server: &mut Conn, replaced: &[(&str, String)]) -> Vec<String> {
    let (before, after) = (reads(server), reads(server));
    let own = after - before;
    let mut excesses = Vec::new();
    let pages = LISTS.iter().map(|page| (page, MAX_READS));
    for (page, allowed) in pages.chain(SEARCHES.iter().map(|page| (page, MAX_SEARCH_READS))) {
        let page = replaced.iter().fold((*page).to_owned(), |page, (name, value)| page.replace(name, value));
        let mut read = i64::MAX;
        // Jobs of the program read beside the page at times; a wrong plan reads as much each time.
        for _ in 0..ATTEMPTS {
            let before = reads(server);
            let answer = client.get(format!("{url}{page}")).send().await.expect("answers");
            assert!(answer.status().is_success() && !answer.url().path().starts_with("/login"), "{page}: {answer:?}");
            answer.bytes().await.expect("the page");
            read = read.min(reads(server) - before - own);
            if read <= allowed {
                break;
            }
        }
        if read > allowed {
            excesses.push(format!("{read} reads: {page}"));
        }
    }
    excesses
}

#[tokio::test(flavor = "multi_thread")]
async fn no_statistics_make_a_page_read_many_rows() {
    let shop = Shop::new();
    demo::generate(&shop.open(), 1, ORDERS, NOW, |_| ()).await.expect("fills");
    let storage = shop.open();
    let mut server =
        Conn::new(format!("{}/{}?prefer_socket=false", shop.server, shop.name).as_str()).expect("the server");
    let folder = tempfile::tempdir().expect("a folder");
    let (client, url) = serve(&storage, folder.path()).await;

    let mut wrong = Vec::new();
    for (step, statements) in STEPS {
        for sql in statements.iter().chain(COUNT) {
            server.query_drop(sql.replace("{now}", &NOW.0.to_string())).expect("obeys");
        }
        let text = |server: &mut Conn, sql: &str| server.query_first::<String, _>(sql).expect("reads").expect("a row");
        let id = |id: String| mukkeum::id::number_code(id.parse().expect("a number"));
        let replaced = [
            ("{product}", text(&mut server, "SELECT number FROM products ORDER BY id LIMIT 1")),
            ("{number}", text(&mut server, "SELECT left(order_number, 8) FROM orders ORDER BY id DESC LIMIT 1")),
            ("{order}", id(text(&mut server, "SELECT CAST(id AS CHAR) FROM orders ORDER BY id DESC LIMIT 1"))),
            ("{delivery}", id(text(&mut server, "SELECT CAST(id AS CHAR) FROM deliveries ORDER BY id DESC LIMIT 1"))),
        ];
        for statistics in ["as they are", "analyzed", "of an empty shop"] {
            match statistics {
                "analyzed" => {
                    let tables =
                        "ANALYZE TABLE orders, deliveries, products, sales_channels, order_tallies, term_blocks";
                    server.query_drop(tables).expect("analyzes");
                }
                "of an empty shop" => forget_statistics(&mut server, &shop.name),
                _ => {}
            }
            let found = excesses(&client, &url, &mut server, &replaced).await;
            wrong.extend(found.into_iter().map(|excess| format!("{step}, statistics {statistics}: {excess}")));
        }
    }
    let before = reads(&mut server);
    server.query_drop("SELECT max(recipient_name) FROM orders").expect("reads");
    assert!(reads(&mut server) - before > MAX_SEARCH_READS, "a full scan is counted");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
