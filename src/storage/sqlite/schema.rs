//! Builds and migrates the schema of a SQLite file.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use rusqlite::{Connection, TransactionBehavior};
use tempfile::NamedTempFile;

use super::error::engine_error;
use crate::storage::schema::{MigrationReport, SCHEMA, Schema, pre_migration_copy};
use crate::storage::{Result, StorageError};
use crate::time::Moment;

/// The index that is the primary key, of each table whose rows have no rowid. SQLite numbers the indexes of the constraints
/// of a table; that of the primary key is the last.
static PRIMARY_KEYS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
    let tables = SCHEMA.split("\nCREATE TABLE ").skip(1).filter_map(|table| {
        let (name, rest) = table.split_once(" (")?;
        let (columns, options) = rest.split_once(") STRICT")?;
        let number = columns.matches(" UNIQUE").count() + 1;
        let has_rowid = !options.split(';').next()?.contains("WITHOUT ROWID");
        (!has_rowid).then(|| (name, format!("sqlite_autoindex_{name}_{number}")))
    });
    tables.collect()
});

/// The index that is the primary key; none where the identifier is the rowid.
pub(super) fn primary_key(table: &str) -> Option<&'static str> {
    PRIMARY_KEYS.get(table).map(String::as_str)
}

/// Builds a missing schema, or copies the file and migrates an older schema in one transaction. Returns
/// None when there was nothing to migrate.
///
/// # Errors
/// [`StorageError::NewerSchema`]; [`StorageError::CannotOpen`] when the copy cannot be written.
pub(super) fn migrate(connection: &mut Connection, schema: &Schema, now: Moment) -> Result<Option<MigrationReport>> {
    let (found, known) = (version(connection)?, schema.version);
    if found == known {
        return Ok(None);
    }
    if found > known {
        return Err(StorageError::NewerSchema { found, known });
    }
    let copy = if found > 0 { back_up_before_migrating(connection, found)? } else { None };
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(engine_error)?;
    // Another process may have migrated the file while this one waited for the write lock.
    let found = version(&transaction)?;
    if found == 0 {
        transaction.execute_batch(schema.sql).map_err(engine_error)?;
        record(&transaction, known, now)?;
    } else {
        for (migration, version) in schema.migrations_after(found) {
            transaction.execute_batch(migration).map_err(engine_error)?;
            record(&transaction, version, now)?;
        }
    }
    transaction.commit().map_err(engine_error)?;
    Ok((1..known).contains(&found).then_some(MigrationReport { from: found, to: known, copy }))
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

/// When the database was created.
pub(super) fn created_at(connection: &Connection) -> Result<Moment> {
    connection
        .query_row("SELECT coalesce(min(applied_at), 0) FROM schema_versions", [], |row| row.get(0).map(Moment))
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
    use crate::storage::schema::{self, NEWEST};

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
    fn primary_key_of_each_table_without_rowid_is_named() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection, &NEWEST, Moment(0)).expect("builds");
        assert!(primary_key("orders").is_some() && primary_key("deliveries").is_some());
        assert_eq!(primary_key("products"), None);
        for (table, index) in PRIMARY_KEYS.iter() {
            let sql = "SELECT name FROM pragma_index_list(?) WHERE origin = 'pk'";
            let named: String = connection.query_row(sql, [table], |row| row.get(0)).expect("a primary key");
            assert_eq!(&named, index);
        }
    }

    #[test]
    fn migrated_schema_equals_a_new_one_and_keeps_its_data() {
        let mut old = Connection::open_in_memory().expect("opens");
        assert_eq!(migrate(&mut old, &NEWEST, Moment(0)).expect("builds"), None);
        let channel = "INSERT INTO sales_channels (id, code, name) VALUES (1, 'LOCAL', '매장')";
        old.execute_batch(channel).expect("a channel");
        let next = schema::testing::next();
        let report = migrate(&mut old, &next, Moment(1)).expect("migrates");
        assert_eq!(report, Some(MigrationReport { from: NEWEST.version, to: next.version, copy: None }));

        let mut new = Connection::open_in_memory().expect("opens");
        assert_eq!(migrate(&mut new, &next, Moment(0)).expect("builds"), None);
        let (migrated, expected) = (structure(&old), structure(&new));
        assert_eq!(migrated.difference(&expected).collect::<Vec<_>>(), Vec::<&String>::new(), "too much");
        assert_eq!(expected.difference(&migrated).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
        assert!(migrated.iter().any(|column| column.starts_with("badges: name")), "{migrated:?}");
        let channels = "SELECT code FROM sales_channels";
        assert_eq!(old.query_row(channels, [], |row| row.get::<_, String>(0)).expect("the channel"), "LOCAL");
    }

    #[test]
    fn empty_file_is_built_once_and_newer_schema_is_refused() {
        let mut connection = Connection::open_in_memory().expect("opens");
        migrate(&mut connection, &NEWEST, Moment(0)).expect("builds");
        migrate(&mut connection, &NEWEST, Moment(0)).expect("does nothing");
        record(&connection, NEWEST.version + 1, Moment(0)).expect("records");
        assert!(matches!(migrate(&mut connection, &NEWEST, Moment(0)), Err(StorageError::NewerSchema { .. })));
    }
}
