//! Builds and upgrades the schema.
//!
//! `schema.sql` is the schema of the newest version and builds an empty database. An older one is
//! brought up by the numbered [`STEPS`], forward only; a newer one is refused, because a program
//! that does not know a column cannot keep it right. Before a file of SQLite is brought up, it is
//! copied ([`before_upgrade`]): with that copy and the program before this one the way back is open.
//!
//! On MariaDB the next version's program upgrades while this one still serves, for as long as a switch
//! takes, and again after a way back. A step therefore only adds what the version before it can do without: a
//! column has a default, a table is one that nobody else has to keep right. What a version has stopped using
//! goes in the step after the next (expand, then contract). A step that cannot keep to this takes two numbers,
//! the first of them empty: then programs of the version before are not ready any more ([`goes_on`]).

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use tempfile::NamedTempFile;

use super::{Result, StorageError, sqlite::engine};
use crate::time::Moment;

/// The schema of this program.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The version `schema.sql` stands for.
pub const VERSION: i64 = 2;

/// Whether this program, when it runs already, goes on with the schema `found`: its own, or the next one's.
pub fn goes_on(found: i64) -> bool {
    found == VERSION || found == VERSION + 1
}

/// What leads from version n to n + 1, starting at 1.
pub(super) const STEPS: &[&str] = &[include_str!("upgrades/2.sql")];

/// The tables that hold the shop's data, none before those it refers to. What the engines keep for
/// themselves is left out.
pub fn tables() -> impl DoubleEndedIterator<Item = &'static str> {
    let names = SCHEMA.lines().filter_map(|line| line.strip_prefix("CREATE TABLE ")?.split([' ', '(']).next());
    names.filter(|name| !OF_THE_ENGINE.contains(name))
}

/// Which schema it is, whose turn to write, whose work.
const OF_THE_ENGINE: [&str; 3] = ["schema_versions", "writers", "leases"];

/// That data of an older program was brought up when it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// the version it had
    pub from: i64,
    /// the file that has it as it was
    pub copy: PathBuf,
}

/// The file beside a database that has it as it was before it was brought up from `version`:
/// `mukkeum.db.schema-1`.
pub fn before_upgrade(database: &Path, version: i64) -> PathBuf {
    database.with_added_extension(format!("schema-{version}"))
}

pub(super) fn upgrade_sqlite(connection: &mut Connection, now: Moment) -> Result<Option<Upgraded>> {
    let found = version(connection)?;
    if found == VERSION {
        return Ok(None);
    }
    if found > VERSION {
        return Err(StorageError::NewerSchema { found, known: VERSION });
    }
    let copy = if found > 0 { copy_before(connection, found)? } else { None };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(engine)?;
    // Another process may have been faster while this one waited for its turn.
    let found = version(&transaction)?;
    if found == 0 {
        transaction.execute_batch(SCHEMA).map_err(engine)?;
        record(&transaction, VERSION, now)?;
    } else {
        let behind = usize::try_from(found - 1).unwrap_or(usize::MAX);
        for (step, version) in STEPS.iter().skip(behind).zip(found + 1..) {
            transaction.execute_batch(step).map_err(engine)?;
            record(&transaction, version, now)?;
        }
    }
    transaction.commit().map_err(engine)?;
    Ok(copy.map(|copy| Upgraded { from: found, copy }))
}

/// Copies the file of the database, if it is one. Nothing is brought up that could not be copied.
fn copy_before(connection: &Connection, found: i64) -> Result<Option<PathBuf>> {
    let Some(database) = connection.path().filter(|path| !path.is_empty()).map(Path::new) else { return Ok(None) };
    let failed =
        |error: std::io::Error| StorageError::CannotOpen(format!("업그레이드 전에 사본을 만들지 못했어요: {error}"));
    let folder = database.parent().unwrap_or(Path::new("."));
    let whole = NamedTempFile::new_in(folder).map_err(failed)?;
    connection.execute("VACUUM INTO ?", [whole.path().to_string_lossy()]).map_err(engine)?;
    // Another process may have brought it up meanwhile, and has made the copy.
    if version(&Connection::open(whole.path()).map_err(engine)?)? != found {
        return Ok(None);
    }
    whole.as_file().sync_all().map_err(failed)?;
    let copy = before_upgrade(database, found);
    whole.persist(&copy).map_err(|error| failed(error.error))?;
    Ok(Some(copy))
}

fn version(connection: &Connection) -> Result<i64> {
    let built: bool = connection
        .query_row("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'schema_versions'", [], |row| row.get(0))
        .map_err(engine)?;
    if !built {
        return Ok(0);
    }
    connection.query_row("SELECT coalesce(max(version), 0) FROM schema_versions", [], |row| row.get(0)).map_err(engine)
}

fn record(connection: &Connection, version: i64, now: Moment) -> Result<()> {
    connection
        .execute("INSERT INTO schema_versions (version, applied_at) VALUES (?, ?)", (version, now.0))
        .map_err(engine)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_steps_lead_to_the_version_of_the_schema() {
        assert_eq!(i64::try_from(STEPS.len()).expect("few"), VERSION - 1);
    }

    /// What each table and index is made of, whatever the sequence and the layout of the text.
    fn shape(connection: &Connection) -> BTreeSet<String> {
        let ask = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).expect("a query");
            let rows = statement.query_map([], |row| row.get(0)).expect("answers");
            rows.map(|row| row.expect("a text")).collect()
        };
        let columns = "SELECT m.name || ': ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || c.pk || ' ' \
                       || coalesce(c.dflt_value, '') || coalesce(' -> ' || f.\"table\" || '.' || f.\"to\", '') \
                       FROM sqlite_master m, pragma_table_info(m.name) c \
                       LEFT JOIN pragma_foreign_key_list(m.name) f ON f.\"from\" = c.name WHERE m.type = 'table'";
        let indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
        let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        ask(columns).into_iter().chain(ask(indexes).into_iter().map(words)).collect()
    }

    #[test]
    fn a_shop_of_the_first_schema_becomes_one_of_this_and_keeps_its_data() {
        let mut old = Connection::open_in_memory().expect("opens");
        old.execute_batch(include_str!("../../tests/fixtures/schema-1.sql")).expect("the first schema");
        record(&old, 1, Moment(0)).expect("records");
        let shop = "INSERT INTO sales_channels (id, code, name) VALUES (1, 'LOCAL', '매장');
            INSERT INTO products (id, number, name, priority, created_at) VALUES (1, 'BED', '침대', 1, 0);
            INSERT INTO deliveries VALUES (1, 'B-1', 0, 1, 1, 0, 1, 'DIRECT', NULL, NULL, 0);
            INSERT INTO orders (id, order_number, channel_id, product_id, delivery_id, state, options, options_text,
                quantity, price, customer_name, customer_tel, customer_message, recipient_name, recipient_tel1,
                recipient_tel2, recipient_zip_code, recipient_address1, recipient_address2, shipping_method,
                shipping_method_word, charge_type, courier, tracking_number, claim, purchase_memo, shipping_memo,
                admin_memo, placed_at, created_at)
            SELECT 1, 'O-1', 1, 1, 1, 1, '[]', '', 1, 0, '', '', '', '', '', '', '', '', '', 'DIRECT', '', 'FREE', '',
                '', '취소요청', '', '', '', 0, 0";
        old.execute_batch(shop).expect("an order with a claim");
        upgrade_sqlite(&mut old, Moment(1)).expect("upgrades");

        let mut new = Connection::open_in_memory().expect("opens");
        upgrade_sqlite(&mut new, Moment(0)).expect("builds");
        let (is, should) = (shape(&old), shape(&new));
        assert_eq!(is.difference(&should).collect::<Vec<_>>(), Vec::<&String>::new(), "too much");
        assert_eq!(should.difference(&is).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
        let kept = "SELECT order_number FROM open_claims JOIN orders ON orders.id = order_id";
        assert_eq!(old.query_row(kept, [], |row| row.get::<_, String>(0)).expect("the order"), "O-1");
    }

    #[test]
    fn an_empty_file_is_built_once_and_a_newer_one_refused() {
        let mut connection = Connection::open_in_memory().expect("opens");
        upgrade_sqlite(&mut connection, Moment(0)).expect("builds");
        upgrade_sqlite(&mut connection, Moment(0)).expect("finds it built");
        record(&connection, VERSION + 1, Moment(0)).expect("records");
        let refused = upgrade_sqlite(&mut connection, Moment(0));
        assert!(matches!(refused, Err(StorageError::NewerSchema { .. })));
    }
}
