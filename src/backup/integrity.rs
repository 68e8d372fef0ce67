//! Is a restored file a whole and right shop?

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use crate::storage::schema;

/// What is looked for after SQLite's own check: a query, and what is wrong when it finds a row.
const WRONG: [(&str, &str); 5] = [
    (
        "SELECT 1 FROM (SELECT state, channel_id, product_id, orders FROM order_tallies WHERE orders <> 0
         EXCEPT SELECT state, channel_id, product_id, count(*) FROM orders GROUP BY state, channel_id, product_id) AS wrong",
        "주문 수의 합계가 주문과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM (SELECT state, channel_id, product_id, count(*) FROM orders GROUP BY state, channel_id, product_id
         EXCEPT SELECT state, channel_id, product_id, orders FROM order_tallies) AS wrong",
        "주문 수의 합계가 주문과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM orders WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = orders.delivery_id)",
        "배송이 없는 주문이 있어요",
    ),
    (
        "SELECT 1 FROM (SELECT id, order_count FROM deliveries
         EXCEPT SELECT deliveries.id, count(orders.id) FROM deliveries LEFT JOIN orders ON orders.delivery_id = deliveries.id
         GROUP BY deliveries.id) AS wrong",
        "배송의 주문 수가 주문과 맞지 않아요",
    ),
    (
        "SELECT 1 FROM deliveries LEFT JOIN orders ON orders.id = deliveries.primary_order_id
         WHERE deliveries.order_count > 0 AND orders.id IS NULL",
        "대표 주문이 없는 배송이 있어요",
    ),
];

/// What a shop holds, to compare two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// how many orders
    pub orders: i64,
    /// the newest one's id and number
    pub newest: Option<(i64, String)>,
}

/// Why a file is not put in place.
#[derive(Debug, thiserror::Error)]
pub enum Finding {
    /// SQLite finds it damaged, or cannot open it.
    #[error("데이터베이스가 깨져 있어요: {0}")]
    Damaged(String),
    /// A newer program wrote it.
    #[error("더 새로운 버전의 프로그램이 쓴 데이터예요 (데이터 {found}, 이 프로그램 {known})")]
    Newer {
        /// version found
        found: i64,
        /// newest version this program knows
        known: i64,
    },
    /// Whole, but not as this program keeps a shop.
    #[error("{0}")]
    Wrong(&'static str),
}

impl From<rusqlite::Error> for Finding {
    fn from(error: rusqlite::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Checks the file at `path`, which nobody uses, and counts what it holds.
///
/// # Errors
/// The first [`Finding`].
pub fn examine(path: &Path) -> Result<Figures, Finding> {
    let shop = Connection::open(path)?;
    let verdict: String = shop.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(Finding::Damaged(verdict));
    }
    if shop.query_row("PRAGMA foreign_key_check", [], |_| Ok(())).optional()?.is_some() {
        return Err(Finding::Wrong("서로 이어져야 할 데이터가 끊어져 있어요"));
    }
    let found = shop.query_row("SELECT max(version) FROM schema_versions", [], |row| row.get(0))?;
    if found > schema::VERSION {
        return Err(Finding::Newer { found, known: schema::VERSION });
    }
    for (query, words) in WRONG {
        if shop.query_row(query, [], |_| Ok(())).optional()?.is_some() {
            return Err(Finding::Wrong(words));
        }
    }
    let orders = shop.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
    let newest = "SELECT id, order_number FROM orders ORDER BY id DESC LIMIT 1";
    let newest = shop.query_row(newest, [], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    Ok(Figures { orders, newest })
}
