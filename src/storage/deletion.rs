//! Deletion of many rows by their identifiers.

use super::{Param, Result, Tx, VALUES_PER_STATEMENT, placeholders};
use crate::id::Identifier;

impl dyn Tx + '_ {
    /// Deletes the rows of `table` whose `column` has one of these values; answers how many.
    pub fn delete_ids<I: Identifier>(&mut self, table: &str, column: &str, ids: &[I]) -> Result<u64> {
        let mut deleted = 0;
        for batch in ids.chunks(VALUES_PER_STATEMENT) {
            let length = batch.len().next_power_of_two().min(VALUES_PER_STATEMENT);
            let padded = batch.iter().chain(batch.last().into_iter().cycle()).take(length);
            let params: Vec<Param<'_>> = padded.map(|id| id.raw().into()).collect();
            deleted +=
                self.exec(&format!("DELETE FROM {table} WHERE {column} IN ({})", placeholders(length)), &params)?;
        }
        Ok(deleted)
    }
}
