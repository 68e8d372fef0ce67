//! Compares the retention plan with the tables of the database.

use super::plan;
use crate::storage::{Result, Tx};

/// Tables and columns of the database without a retention class.
pub fn unclassified(tx: &mut dyn Tx) -> Result<Vec<String>> {
    let mut missing = Vec::new();
    for table in tx.tables()? {
        let columns = tx.columns(&table)?;
        missing.extend(plan().missing(&table, &columns));
    }
    missing.sort_unstable();
    Ok(missing)
}
