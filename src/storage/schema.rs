//! Builds and upgrades the schema.
//!
//! `schema.sql` is the schema of the newest version and builds an empty database. An older one is
//! brought up by the numbered [`STEPS`], forward only; a newer one is refused, because a program
//! that does not know a column cannot keep it right.

use rusqlite::{Connection, TransactionBehavior};

use super::{Result, StorageError, sqlite::engine};
use crate::time::Moment;

/// The schema of this program.
pub const SCHEMA: &str = include_str!("../../schema.sql");

/// The version `schema.sql` stands for.
pub const VERSION: i64 = 1;

/// What leads from version n to n + 1, starting at 1.
const STEPS: &[&str] = &[];

pub(super) fn upgrade_sqlite(connection: &mut Connection, now: Moment) -> Result<()> {
    let found = version(connection)?;
    if found == VERSION {
        return Ok(());
    }
    if found > VERSION {
        return Err(StorageError::NewerSchema { found, known: VERSION });
    }
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
    transaction.commit().map_err(engine)
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
    use super::*;

    #[test]
    fn the_steps_lead_to_the_version_of_the_schema() {
        assert_eq!(i64::try_from(STEPS.len()).expect("few"), VERSION - 1);
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
