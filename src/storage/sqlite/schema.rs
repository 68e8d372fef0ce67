//! Builds and migrates the schema of a SQLite file.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use tempfile::NamedTempFile;

use super::error::engine_error;
use crate::storage::schema::{MIGRATIONS, MigrationReport, SCHEMA, VERSION, pre_migration_copy};
use crate::storage::{Result, StorageError};
use crate::time::Moment;

pub(super) fn migrate(connection: &mut Connection, now: Moment) -> Result<Option<MigrationReport>> {
    let found = version(connection)?;
    if found == VERSION {
        return Ok(None);
    }
    if found > VERSION {
        return Err(StorageError::NewerSchema { found, known: VERSION });
    }
    let copy = if found > 0 { back_up_before_migrating(connection, found)? } else { None };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(engine_error)?;
    // Another process may have been faster while this one waited for its turn.
    let found = version(&transaction)?;
    if found == 0 {
        transaction.execute_batch(SCHEMA).map_err(engine_error)?;
        record(&transaction, VERSION, now)?;
    } else {
        let behind = usize::try_from(found - 1).unwrap_or(usize::MAX);
        for (step, version) in MIGRATIONS.iter().skip(behind).zip(found + 1..) {
            transaction.execute_batch(step).map_err(engine_error)?;
            record(&transaction, version, now)?;
        }
    }
    transaction.commit().map_err(engine_error)?;
    Ok(copy.map(|copy| MigrationReport { from: found, copy }))
}

/// Copies the file of the database, if it is one. Nothing is brought up that could not be copied.
fn back_up_before_migrating(connection: &Connection, found: i64) -> Result<Option<PathBuf>> {
    let Some(database) = connection.path().filter(|path| !path.is_empty()).map(Path::new) else { return Ok(None) };
    let failed =
        |error: std::io::Error| StorageError::CannotOpen(format!("업그레이드 전에 사본을 만들지 못했어요: {error}"));
    let folder = database.parent().unwrap_or(Path::new("."));
    let whole = NamedTempFile::new_in(folder).map_err(failed)?;
    connection.execute("VACUUM INTO ?", [whole.path().to_string_lossy()]).map_err(engine_error)?;
    // Another process may have brought it up meanwhile, and has made the copy.
    if version(&Connection::open(whole.path()).map_err(engine_error)?)? != found {
        return Ok(None);
    }
    whole.as_file().sync_all().map_err(failed)?;
    let copy = pre_migration_copy(database, found);
    whole.persist(&copy).map_err(|error| failed(error.error))?;
    Ok(Some(copy))
}

fn version(connection: &Connection) -> Result<i64> {
    let built: bool = connection
        .query_row("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'schema_versions'", [], |row| row.get(0))
        .map_err(engine_error)?;
    if !built {
        return Ok(0);
    }
    connection
        .query_row("SELECT coalesce(max(version), 0) FROM schema_versions", [], |row| row.get(0))
        .map_err(engine_error)
}

fn record(connection: &Connection, version: i64, now: Moment) -> Result<()> {
    connection
        .execute("INSERT INTO schema_versions (version, applied_at) VALUES (?, ?)", (version, now.0))
        .map_err(engine_error)
        .map(drop)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

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
        old.execute_batch(include_str!("../../../tests/fixtures/schema-1.sql")).expect("the first schema");
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
        migrate(&mut old, Moment(1)).expect("upgrades");

        let mut new = Connection::open_in_memory().expect("opens");
        migrate(&mut new, Moment(0)).expect("builds");
        let (is, should) = (shape(&old), shape(&new));
        assert_eq!(is.difference(&should).collect::<Vec<_>>(), Vec::<&String>::new(), "too much");
        assert_eq!(should.difference(&is).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
        let kept = "SELECT order_number FROM open_claims JOIN orders ON orders.id = order_id";
        assert_eq!(old.query_row(kept, [], |row| row.get::<_, String>(0)).expect("the order"), "O-1");
    }

    #[test]
    fn an_empty_file_is_built_once_and_a_newer_one_refused() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection, Moment(0)).expect("builds");
        migrate(&mut connection, Moment(0)).expect("finds it built");
        record(&connection, VERSION + 1, Moment(0)).expect("records");
        let refused = migrate(&mut connection, Moment(0));
        assert!(matches!(refused, Err(StorageError::NewerSchema { .. })));
    }
}
