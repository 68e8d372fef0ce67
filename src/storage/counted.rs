//! A transaction that counts the rows that it updates in a table, so that others see how far its work is before it commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Param, Result, Row, Tx};
use crate::time::Moment;

/// How many rows were updated or written so far; clones count together.
#[derive(Clone, Debug, Default)]
pub struct RowCount(Arc<AtomicUsize>);

impl RowCount {
    /// The number.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts from 0 again: an engine may retry a transaction.
    pub fn reset(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Counts one row.
    pub fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// See the module.
pub struct CountedTx<'t> {
    tx: &'t mut dyn Tx,
    table: &'static str,
    count: RowCount,
}

impl<'t> CountedTx<'t> {
    /// Counts the rows of `table`, from 0.
    pub fn new(tx: &'t mut dyn Tx, table: &'static str, count: RowCount) -> Self {
        count.reset();
        Self { tx, table, count }
    }
}

impl Tx for CountedTx<'_> {
    fn update_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<u64> {
        if table != self.table {
            return self.tx.update_many(table, keys, columns, rows);
        }
        // An engine takes a row when it is about to write it, or its batch.
        let count = self.count.clone();
        let mut rows = rows.inspect(move |_| count.add_one());
        self.tx.update_many(table, keys, columns, &mut rows)
    }

    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        self.tx.exec(sql, params)
    }

    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        self.tx.exec_many(sql, rows)
    }

    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        self.tx.for_each(sql, params, visit)
    }

    fn upsert_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        self.tx.upsert_many(table, keys, columns, rows)
    }

    fn increment_many(
        &mut self,
        table: &str,
        keys: &[&str],
        column: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()> {
        self.tx.increment_many(table, keys, column, rows)
    }

    fn delete_batch(&mut self, table: &str) -> Result<u64> {
        self.tx.delete_batch(table)
    }

    fn index_hint(&self, index: &str) -> String {
        self.tx.index_hint(index)
    }

    fn primary_key_hint(&self, table: &str) -> String {
        self.tx.primary_key_hint(table)
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        self.tx.tables()
    }

    fn trigger_count(&mut self) -> Result<i64> {
        self.tx.trigger_count()
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        self.tx.columns(table)
    }

    #[cfg(test)]
    fn full_scans(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>> {
        self.tx.full_scans(sql, params)
    }

    fn now(&self) -> Moment {
        self.tx.now()
    }

    fn new_number(&mut self) -> i64 {
        self.tx.new_number()
    }
}
