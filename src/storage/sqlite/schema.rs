//! Builds and migrates the schema of a SQLite file.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use tempfile::NamedTempFile;

use super::error::engine_error;
use crate::storage::schema::{MigrationReport, SCHEMA, VERSION, migrations_after, pre_migration_copy};
use crate::storage::{Result, StorageError};
use crate::time::Moment;

/// Builds a missing schema, or copies the file and migrates an older schema in one transaction. Returns
/// None when there was nothing to migrate.
///
/// # Errors
/// [`StorageError::NewerSchema`]; [`StorageError::CannotOpen`] when the copy cannot be written.
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
    // Another process may have migrated the file while this one waited for the write lock.
    let found = version(&transaction)?;
    if found == 0 {
        transaction.execute_batch(SCHEMA).map_err(engine_error)?;
        record(&transaction, VERSION, now)?;
    } else {
        for (migration, version) in migrations_after(found) {
            transaction.execute_batch(migration).map_err(engine_error)?;
            record(&transaction, version, now)?;
        }
    }
    transaction.commit().map_err(engine_error)?;
    Ok((1..VERSION).contains(&found).then_some(MigrationReport { from: found, to: VERSION, copy }))
}

/// Copies the file of the database; a database in memory has none. Without the copy there is no
/// migration.
fn back_up_before_migrating(connection: &Connection, found: i64) -> Result<Option<PathBuf>> {
    let Some(database) = connection.path().filter(|path| !path.is_empty()).map(Path::new) else { return Ok(None) };
    let failed =
        |error: io::Error| StorageError::CannotOpen(format!("업그레이드 전에 사본을 만들지 못했어요: {error}"));
    let folder = database.parent().unwrap_or(Path::new("."));
    let temporary = NamedTempFile::new_in(folder).map_err(failed)?;
    connection.execute("VACUUM INTO ?", [temporary.path().to_string_lossy()]).map_err(engine_error)?;
    // Another process may have migrated the file in the meantime, and has made the copy.
    if version(&Connection::open(temporary.path()).map_err(engine_error)?)? != found {
        return Ok(None);
    }
    temporary.as_file().sync_all().map_err(failed)?;
    let copy = pre_migration_copy(database, found);
    temporary.persist(&copy).map_err(|error| failed(error.error))?;
    Ok(Some(copy))
}

/// Version of the schema in this database; 0 when it has none.
pub(super) fn version(connection: &Connection) -> Result<i64> {
    let has_schema: bool = connection
        .query_row("SELECT count(*) > 0 FROM sqlite_master WHERE name = 'schema_versions'", [], |row| row.get(0))
        .map_err(engine_error)?;
    if !has_schema {
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

    /// Columns, defaults, references and indexes, regardless of the order and layout of the text.
    fn structure(connection: &Connection) -> BTreeSet<String> {
        let texts = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).expect("a query");
            let rows = statement.query_map([], |row| row.get(0)).expect("rows");
            rows.map(|row| row.expect("a text")).collect()
        };
        let columns = "SELECT m.name || ': ' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || c.pk || ' ' \
                       || coalesce(c.dflt_value, '') || coalesce(' -> ' || f.\"table\" || '.' || f.\"to\", '') \
                       FROM sqlite_master m, pragma_table_info(m.name) c \
                       LEFT JOIN pragma_foreign_key_list(m.name) f ON f.\"from\" = c.name WHERE m.type = 'table'";
        let indexes = "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
        let one_line = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
        texts(columns).into_iter().chain(texts(indexes).into_iter().map(one_line)).collect()
    }

    #[test]
    fn migrated_schema_equals_a_new_one_and_keeps_its_data() {
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
        let report = migrate(&mut old, Moment(1)).expect("migrates");
        assert_eq!(report, Some(MigrationReport { from: 1, to: VERSION, copy: None }));

        let mut new = Connection::open_in_memory().expect("opens");
        assert_eq!(migrate(&mut new, Moment(0)).expect("builds"), None);
        let (migrated, expected) = (structure(&old), structure(&new));
        assert_eq!(migrated.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new(), "too much");
        assert_eq!(expected.difference(&migrated).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
        let claims = "SELECT order_number FROM open_claims JOIN orders ON orders.id = order_id";
        assert_eq!(old.query_row(claims, [], |row| row.get::<_, String>(0)).expect("the order"), "O-1");
    }

    #[test]
    fn empty_file_is_built_once_and_newer_schema_is_refused() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection, Moment(0)).expect("builds");
        migrate(&mut connection, Moment(0)).expect("does nothing");
        record(&connection, VERSION + 1, Moment(0)).expect("records");
        assert!(matches!(migrate(&mut connection, Moment(0)), Err(StorageError::NewerSchema { .. })));
    }
}
