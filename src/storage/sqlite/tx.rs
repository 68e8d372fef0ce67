//! One transaction of SQLite.

#[cfg(test)]
use std::collections::HashSet;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection};

use super::error::engine_error;
use super::schema::primary_key;
use crate::id::IdGenerator;
use crate::storage::{Param, Result, Row, StorageError, Tx, Value, placeholders};
use crate::time::Moment;

/// A running transaction.
pub(super) struct SqliteTx<'c> {
    connection: &'c Connection,
    now: Moment,
    ids: &'c IdGenerator,
}

impl<'c> SqliteTx<'c> {
    pub(super) fn new(connection: &'c Connection, now: Moment, ids: &'c IdGenerator) -> Self {
        Self { connection, now, ids }
    }

    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql).map_err(|error| StorageError::Engine(format!("{error} in: {sql}")))
    }

    fn insert_on_conflict(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        set: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {set}",
            [keys, columns].concat().join(", "),
            placeholders(keys.len() + columns.len()),
            keys.join(", "),
        );
        self.exec_many(&sql, rows)
    }
}

impl Tx for SqliteTx<'_> {
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let mut statement = self.prepare(sql)?;
        let found = statement.execute(rusqlite::params_from_iter(params)).map_err(engine_error)?;
        Ok(found as u64)
    }

    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        for params in rows {
            statement.execute(rusqlite::params_from_iter(params)).map_err(engine_error)?;
        }
        Ok(())
    }

    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(engine_error)?;
        while let Some(row) = rows.next().map_err(engine_error)? {
            let values = (0..columns)
                .map(|column| row.get_ref(column).map_err(engine_error).and_then(value))
                .collect::<Result<Vec<_>>>()?;
            visit(Row(values))?;
        }
        Ok(())
    }

    fn upsert_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        let set: Vec<_> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        self.insert_on_conflict(table, keys, columns, &set.join(", "), rows)
    }

    fn increment_many(
        &mut self,
        table: &str,
        keys: &[&str],
        column: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        let set = format!("{column} = {table}.{column} + excluded.{column}");
        self.insert_on_conflict(table, keys, &[column], &set, rows)
    }

    fn update_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<u64> {
        // The numbers of the parameters are their places in a row.
        let equal = |names: &[&str], first: usize| -> Vec<String> {
            names.iter().zip(first..).map(|(name, place)| format!("{name} = ?{place}")).collect()
        };
        let (set, key) = (equal(columns, keys.len() + 1).join(", "), equal(keys, 1).join(" AND "));
        let mut statement = self.prepare(&format!("UPDATE {table} SET {set} WHERE {key}"))?;
        let mut matched = 0;
        for params in rows {
            matched += statement.execute(rusqlite::params_from_iter(params)).map_err(engine_error)? as u64;
        }
        Ok(matched)
    }

    fn delete_batch(&mut self, table: &str) -> Result<u64> {
        self.exec(&format!("DELETE FROM {table}"), &[])
    }

    fn index_hint(&self, index: &str) -> String {
        format!("INDEXED BY {index}")
    }

    /// Without a rowid, the primary key is an index like any other.
    fn primary_key_hint(&self, table: &str) -> String {
        primary_key(table).map_or_else(|| "NOT INDEXED".to_owned(), |index| self.index_hint(index))
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let found =
            tx.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", &[])?;
        found.into_iter().map(|mut row| row.text(0)).collect()
    }

    fn trigger_count(&mut self) -> Result<i64> {
        let tx: &mut dyn Tx = self;
        tx.scalar("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'", &[])
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let found = tx.query("SELECT name FROM pragma_table_info(?)", &[table.into()])?;
        found.into_iter().map(|mut row| row.text(0)).collect()
    }

    #[cfg(test)]
    fn full_scans(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let plan = tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), params)?;
        let (mut scans, mut outer) = (Vec::new(), HashSet::new());
        for mut row in plan {
            let (parent, step) = (row.int(1)?, row.text(3)?);
            let is_inner = (step.starts_with("SCAN ") || step.starts_with("SEARCH ")) && !outer.insert(parent);
            let scanned = step.strip_prefix("SCAN ").filter(|_| is_inner || !step.contains(" USING "));
            scans.extend(scanned.and_then(|step| step.split(' ').next()).map(str::to_owned));
        }
        Ok(scans)
    }

    fn now(&self) -> Moment {
        self.now
    }

    fn new_number(&mut self) -> i64 {
        self.ids.next(self.now.0)
    }
}

fn value(value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(
            String::from_utf8(text.to_vec()).map_err(|error| StorageError::Inconsistent(error.to_string()))?,
        ),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Real(number) => {
            return Err(StorageError::Inconsistent(format!("a fraction ({number}) where none is stored")));
        }
    })
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
