//! One transaction of MariaDB.

use mysql::consts::{ColumnFlags, ColumnType};
use mysql::prelude::Queryable;
use mysql::{Column, Conn};

use super::error::{Retry, TxError};
use crate::id::IdGenerator;
use crate::storage::{Param, Result, Row, StorageError, Tx, Value};
use crate::time::Moment;

/// Maximum rows of one INSERT; larger batches are not faster.
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

    fn insert_on_conflict(
        &mut self,
        table: &str,
        columns: &[(&str, Param<'_>)],
        set: impl Iterator<Item = String>,
    ) -> Result<()> {
        let names: Vec<_> = columns.iter().map(|(name, _)| *name).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) VALUES ({}) ON DUPLICATE KEY UPDATE {}",
            names.join(", "),
            crate::storage::placeholders(columns.len()),
            set.collect::<Vec<_>>().join(", "),
        );
        self.send(&sql, columns.iter().map(|(_, value)| bind(value)).collect()).map(drop)
    }
}

impl Tx for MariaTx<'_> {
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.send(sql, params.iter().map(bind).collect())
    }

    /// Extends a statement that ends in `VALUES (?, …)` to many rows; executes any other once for each row.
    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        let one_row = sql.rfind("VALUES ").map(|at| &sql[at + "VALUES ".len()..]);
        let batch_rows = if one_row.is_some() { INSERT_BATCH_ROWS } else { 1 };
        loop {
            let batch: Vec<_> = rows.take(batch_rows).collect();
            if batch.is_empty() {
                return Ok(());
            }
            // The last batch is split into powers of two: few distinct statements, so that the statement
            // cache holds all of them.
            let mut rest = &batch[..];
            while !rest.is_empty() {
                let count = if rest.len() == batch_rows { batch_rows } else { 1 << rest.len().ilog2() };
                let (rows, later) = rest.split_at(count);
                rest = later;
                let more = one_row.map(|row| format!(", {row}").repeat(count - 1)).unwrap_or_default();
                self.send(&format!("{sql}{more}"), rows.iter().flatten().map(bind).collect())?;
            }
        }
    }

    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
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

    /// Without a subquery, which MariaDB would materialise.
    fn count_up_to(&mut self, most: i64, from: &str, params: &[Param<'_>]) -> Result<i64> {
        let tx: &mut dyn Tx = self;
        let last = (most - 1).max(0);
        match tx.query_one(&format!("SELECT 1 {from} LIMIT 1 OFFSET {last}"), params)? {
            Some(_) => Ok(most),
            None => tx.scalar(&format!("SELECT count(*) {from}"), params),
        }
    }

    fn upsert(&mut self, table: &str, keys: &[(&str, Param<'_>)], values: &[(&str, Param<'_>)]) -> Result<()> {
        let set = values.iter().map(|(name, _)| format!("{name} = VALUES({name})"));
        self.insert_on_conflict(table, &[keys, values].concat(), set)
    }

    fn increment(&mut self, table: &str, keys: &[(&str, Param<'_>)], column: &str, amount: i64) -> Result<()> {
        let columns = [keys, &[(column, amount.into())]].concat();
        self.insert_on_conflict(table, &columns, std::iter::once(format!("{column} = {column} + VALUES({column})")))
    }

    fn delete_batch(&mut self, table: &str) -> Result<u64> {
        self.exec(&format!("DELETE FROM {table} LIMIT {DELETE_BATCH_ROWS}"), &[])
    }

    fn index_hint(&self, index: &str) -> String {
        format!("FORCE INDEX ({index})")
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let found =
            tx.query("SELECT table_name FROM information_schema.tables WHERE table_schema = database()", &[])?;
        found.into_iter().map(|mut row| row.text(0)).collect()
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

    fn new_id(&mut self) -> i64 {
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
