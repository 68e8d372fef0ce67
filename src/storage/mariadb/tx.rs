//! One transaction of MariaDB.

use mysql::consts::{ColumnFlags, ColumnType};
use mysql::prelude::Queryable;
use mysql::{Column, Conn};

use super::error::{Retry, TxError};
use crate::id::IdGenerator;
use crate::storage::{Param, Result, Row, StorageError, Tx, Value, placeholders};
use crate::time::Moment;

/// Maximum rows of one INSERT or UPDATE; larger batches are not faster.
const INSERT_BATCH_ROWS: usize = 200;

/// Maximum rows of one DELETE, so that it finishes well within the read timeout.
const DELETE_BATCH_ROWS: usize = 5_000;

/// A running transaction.
pub(super) struct MariaTx<'c> {
    conn: &'c mut Conn,
    now: Moment,
    ids: &'c IdGenerator,
    /// whether a statement may have changed data
    pub(super) has_written: bool,
    /// Error that ended the transaction: the server has rolled it back, or the connection is lost. No
    /// further statement is sent, because it would run outside the transaction.
    pub(super) aborted: Option<TxError>,
}

/// Executes one statement for a batch of rows.
type RunBatch<'c, 'a> = dyn FnMut(&mut MariaTx<'c>, &[Vec<Param<'_>>]) -> Result<()> + 'a;

impl<'c> MariaTx<'c> {
    pub(super) fn new(conn: &'c mut Conn, now: Moment, ids: &'c IdGenerator) -> Self {
        Self { conn, now, ids, has_written: false, aborted: None }
    }

    fn run<T>(&mut self, sql: &str, work: impl FnOnce(&mut Conn) -> mysql::Result<T>) -> Result<T> {
        if self.aborted.is_some() {
            return Err(aborted());
        }
        work(self.conn).map_err(|error| {
            let tx_error = TxError::from(error);
            match tx_error.error {
                StorageError::Engine(text) => StorageError::Engine(format!("{text} in: {sql}")),
                error if tx_error.retry == Retry::Never => error,
                _ => {
                    self.aborted = Some(tx_error);
                    aborted()
                }
            }
        })
    }

    fn send(&mut self, sql: &str, params: Vec<mysql::Value>) -> Result<u64> {
        self.has_written = true;
        self.run(sql, |conn| {
            let answer = conn.exec_iter(sql, mysql::Params::from(params))?;
            Ok(answer.affected_rows())
        })
    }

    /// Passes the rows on in batches of a few distinct lengths, so that the statement cache holds the statements of all
    /// of them: the last batch is split into powers of two.
    fn in_batches(
        &mut self,
        batch_rows: usize,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
        run: &mut RunBatch<'c, '_>,
    ) -> Result<()> {
        loop {
            let batch: Vec<_> = rows.take(batch_rows).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let mut rest = &batch[..];
            while !rest.is_empty() {
                let count = if rest.len() == batch_rows { batch_rows } else { 1 << rest.len().ilog2() };
                let (rows, later) = rest.split_at(count);
                rest = later;
                run(self, rows)?;
            }
        }
    }

    /// Extends a statement that ends in `VALUES (?, …)` to many rows, and appends `ending`; executes any other once for
    /// each row.
    fn insert_many(&mut self, sql: &str, ending: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        let one_row = sql.rfind("VALUES ").map(|at| &sql[at + "VALUES ".len()..]);
        let batch_rows = if one_row.is_some() { INSERT_BATCH_ROWS } else { 1 };
        self.in_batches(batch_rows, rows, &mut |tx, rows| {
            let more = one_row.map(|row| format!(", {row}").repeat(rows.len() - 1)).unwrap_or_default();
            tx.send(&format!("{sql}{more}{ending}"), rows.iter().flatten().map(bind).collect()).map(drop)
        })
    }

    fn insert_on_conflict(
        &mut self,
        table: &str,
        columns: &[&str],
        set: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        let sql = format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), placeholders(columns.len()));
        self.insert_many(&sql, &format!(" ON DUPLICATE KEY UPDATE {set}"), rows)
    }
}

impl Tx for MariaTx<'_> {
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.send(sql, params.iter().map(bind).collect())
    }

    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        self.insert_many(sql, "", rows)
    }

    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        // MariaDB reorders a CROSS JOIN like any other.
        let sql = &sql.replace(" CROSS JOIN ", " STRAIGHT_JOIN ");
        let params: Vec<_> = params.iter().map(bind).collect();
        self.run(sql, |conn| {
            let answer = conn.exec_iter(sql, mysql::Params::from(params))?;
            let columns = answer.columns().as_ref().to_vec();
            for row in answer {
                let values = row?.unwrap().into_iter().zip(&columns);
                let visited = values.map(|(value, column)| read(value, column)).collect::<Result<_>>().map(Row);
                if let Err(error) = visited.and_then(&mut *visit) {
                    return Ok(Err(error));
                }
            }
            Ok(Ok(()))
        })?
    }

    fn upsert_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        let set: Vec<_> = columns.iter().map(|name| format!("{name} = VALUES({name})")).collect();
        self.insert_on_conflict(table, &[keys, columns].concat(), &set.join(", "), rows)
    }

    fn increment_many(
        &mut self,
        table: &str,
        keys: &[&str],
        column: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        let set = format!("{column} = {column} + VALUES({column})");
        self.insert_on_conflict(table, &[keys, &[column]].concat(), &set, rows)
    }

    /// Joins the table with a derived table of the new values.
    fn update_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<u64> {
        // A column may be a key too, with another value: the derived columns are numbered.
        let length = keys.len() + columns.len();
        let first: Vec<_> = (0..length).map(|place| format!("? AS v{place}")).collect();
        let other = format!(" UNION ALL SELECT {}", placeholders(length));
        let equal = |(name, place): (&&str, usize)| format!("old.{name} = new.v{place}");
        let key: Vec<_> = keys.iter().zip(0..).map(equal).collect();
        let set: Vec<_> = columns.iter().zip(keys.len()..).map(equal).collect();
        let (first, key, set) = (first.join(", "), key.join(" AND "), set.join(", "));
        let update = |count: usize| {
            format!(
                "UPDATE (SELECT {first}{}) AS new STRAIGHT_JOIN {table} AS old FORCE INDEX (PRIMARY) ON {key} SET {set}",
                other.repeat(count - 1)
            )
        };
        let mut matched = 0;
        self.in_batches(INSERT_BATCH_ROWS, rows, &mut |tx, rows| {
            matched += tx.send(&update(rows.len()), rows.iter().flatten().map(bind).collect())?;
            Ok(())
        })?;
        Ok(matched)
    }

    fn delete_batch(&mut self, table: &str) -> Result<u64> {
        self.exec(&format!("DELETE FROM {table} LIMIT {DELETE_BATCH_ROWS}"), &[])
    }

    fn index_hint(&self, index: &str) -> String {
        format!("FORCE INDEX ({index})")
    }

    fn primary_key_hint(&self, _: &str) -> String {
        self.index_hint("PRIMARY")
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let found =
            tx.query("SELECT table_name FROM information_schema.tables WHERE table_schema = database()", &[])?;
        found.into_iter().map(|mut row| row.text(0)).collect()
    }

    fn trigger_count(&mut self) -> Result<i64> {
        let tx: &mut dyn Tx = self;
        tx.scalar("SELECT count(*) FROM information_schema.triggers WHERE trigger_schema = database()", &[])
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let sql =
            "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = ?";
        tx.query(sql, &[table.into()])?.into_iter().map(|mut row| row.text(0)).collect()
    }

    #[cfg(test)]
    fn full_scans(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let plan = tx.query(&format!("EXPLAIN {sql}"), params)?;
        let steps =
            plan.into_iter().map(|mut row| Ok((row.opt_text(2)?, row.opt_text(3)?))).collect::<Result<Vec<_>>>()?;
        Ok(steps
            .into_iter()
            .filter(|(_, access)| access.as_deref() == Some("ALL"))
            .filter_map(|(table, _)| table)
            .collect())
    }

    fn now(&self) -> Moment {
        self.now
    }

    fn new_number(&mut self) -> i64 {
        self.ids.next(self.now.0)
    }
}

/// Error that the closure gets; its caller gets [`MariaTx::aborted`].
fn aborted() -> StorageError {
    StorageError::Unavailable("the transaction was aborted".to_owned())
}

fn bind(param: &Param<'_>) -> mysql::Value {
    match param {
        Param::Null => mysql::Value::NULL,
        Param::Int(number) => mysql::Value::Int(*number),
        Param::Text(text) => mysql::Value::Bytes(text.as_bytes().to_vec()),
        Param::Blob(bytes) => mysql::Value::Bytes(bytes.to_vec()),
    }
}

fn read(value: mysql::Value, column: &Column) -> Result<Value> {
    let inconsistent = |reason: String| StorageError::Inconsistent(format!("column {}: {reason}", column.name_str()));
    match value {
        mysql::Value::NULL => Ok(Value::Null),
        mysql::Value::Int(number) => Ok(Value::Int(number)),
        mysql::Value::UInt(number) => {
            i64::try_from(number).map(Value::Int).map_err(|error| inconsistent(error.to_string()))
        }
        mysql::Value::Bytes(bytes) if is_binary(column) => Ok(Value::Blob(bytes)),
        mysql::Value::Bytes(bytes) => {
            let text = String::from_utf8(bytes).map_err(|error| inconsistent(error.to_string()))?;
            // Sums of integers have the type DECIMAL, which the protocol sends as text.
            match column.column_type() {
                ColumnType::MYSQL_TYPE_NEWDECIMAL => {
                    text.parse().map(Value::Int).map_err(|error| inconsistent(format!("{text}: {error}")))
                }
                _ => Ok(Value::Text(text)),
            }
        }
        other => Err(inconsistent(format!("{other:?} where none is stored"))),
    }
}

/// Whether a column has bytes rather than text: character set 63 means none.
fn is_binary(column: &Column) -> bool {
    const BINARY: u16 = 63;
    column.character_set() == BINARY
        && column.column_type() != ColumnType::MYSQL_TYPE_NEWDECIMAL
        && column.flags().contains(ColumnFlags::BINARY_FLAG)
}
