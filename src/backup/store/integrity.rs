//! Integrity check of a restored database: SQLite's own check, foreign keys, and invariants of the shop.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::id::PersonRequestId;
use crate::storage::schema;

/// Invariants: a query that returns a row if the invariant is violated, and the message for that case.
const INVARIANTS: [(&str, &str); 7] = [
    (
        "SELECT 1 FROM (SELECT state, channel_id, product_id, order_count FROM order_tallies WHERE order_count <> 0
         EXCEPT SELECT state, channel_id, product_id, count(*) FROM orders GROUP BY state, channel_id, product_id) AS wrong",
        "주문 수의 합계가 주문과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM (SELECT state, channel_id, product_id, count(*) FROM orders GROUP BY state, channel_id, product_id
         EXCEPT SELECT state, channel_id, product_id, order_count FROM order_tallies) AS wrong",
        "주문 수의 합계가 주문과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM (SELECT state, shipping_method, is_dated, delivery_count FROM delivery_tallies
         WHERE region = 0 AND delivery_count <> 0
         EXCEPT SELECT state, shipping_method, preferred_shipping_date IS NOT NULL, count(*) FROM deliveries
         GROUP BY 1, 2, 3) AS wrong",
        "배송 수의 합계가 배송과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM (SELECT coalesce(sigungu_code, -1), state, shipping_method, preferred_shipping_date IS NOT NULL, count(*)
         FROM deliveries GROUP BY 1, 2, 3, 4
         EXCEPT SELECT region, state, shipping_method, is_dated, delivery_count FROM delivery_tallies) AS wrong",
        "배송 수의 합계가 배송과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM orders WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = orders.delivery_id)",
        "배송이 없는 주문이 있어요",
    ),
    (
        "SELECT 1 FROM (SELECT id, order_count FROM deliveries
         EXCEPT SELECT deliveries.id, count(orders.id) FROM deliveries LEFT JOIN orders
         ON orders.delivery_id = deliveries.id AND orders.state <> 5 GROUP BY deliveries.id) AS wrong",
        "배송의 주문 수가 주문과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM deliveries LEFT JOIN orders ON orders.id = deliveries.primary_order_id
         WHERE deliveries.order_count > 0 AND orders.id IS NULL",
        "대표 주문이 없는 배송이 있어요",
    ),
];

/// Content of a shop, for comparison with another copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShopSummary {
    /// number of orders
    pub orders: i64,
    /// identifier and number of the newest order
    pub newest: Option<(i64, String)>,
}

/// Why a database is rejected.
#[derive(Debug, thiserror::Error)]
pub enum IntegrityError {
    /// SQLite reports damage, or cannot open the file.
    #[error("데이터베이스가 깨져 있어요: {0}")]
    Damaged(String),
    /// A newer version of the program wrote it.
    #[error("더 새로운 버전의 프로그램이 쓴 데이터예요 (데이터 {found}, 이 프로그램 {known})")]
    Newer {
        /// schema version of the database
        found: i64,
        /// newest schema version that this program supports
        known: i64,
    },
    /// An invariant is violated.
    #[error("{0}")]
    Inconsistent(&'static str),
}

impl From<rusqlite::Error> for IntegrityError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Hashes of the photographs that the database at `path` expects, which no program may have open.
///
/// # Errors
/// The database cannot be read.
pub(in crate::backup) fn live_proofs(path: &Path) -> Result<Vec<String>, IntegrityError> {
    let shop = Connection::open(path)?;
    let mut rows = shop.prepare(
        "SELECT DISTINCT hash FROM proofs WHERE destroyed_at IS NULL AND received_at IS NOT NULL ORDER BY hash",
    )?;
    let hashes = rows.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(hashes)
}

/// Identifiers of the demands that the database at `path` has an answer to, which no program may have open.
///
/// # Errors
/// The database cannot be read.
pub(in crate::backup) fn answered_requests(path: &Path) -> Result<BTreeSet<PersonRequestId>, IntegrityError> {
    let shop = Connection::open(path)?;
    let mut rows = shop.prepare("SELECT id FROM person_requests WHERE answered_at IS NOT NULL")?;
    let ids = rows.query_map([], |row| row.get(0).map(PersonRequestId::from_raw))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

/// Checks the database at `path`, which no program may have open.
///
/// # Errors
/// The first violation that is found.
pub fn check_integrity(path: &Path) -> Result<ShopSummary, IntegrityError> {
    let shop = Connection::open(path)?;
    let verdict: String = shop.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(IntegrityError::Damaged(verdict));
    }
    if shop.query_row("PRAGMA foreign_key_check", [], |_| Ok(())).optional()?.is_some() {
        return Err(IntegrityError::Inconsistent("서로 이어져야 할 데이터가 끊어져 있어요"));
    }
    let found = shop.query_row("SELECT max(version) FROM schema_versions", [], |row| row.get(0))?;
    if found > schema::VERSION {
        return Err(IntegrityError::Newer { found, known: schema::VERSION });
    }
    for (query, message) in INVARIANTS {
        if shop.query_row(query, [], |_| Ok(())).optional()?.is_some() {
            return Err(IntegrityError::Inconsistent(message));
        }
    }
    let orders = shop.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
    let newest = "SELECT id, order_number FROM orders ORDER BY id DESC LIMIT 1";
    let newest = shop.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(ShopSummary { orders, newest })
}
