//! Storage: one seam, every SQL text once.
//!
//! [`Storage`] owns the engine. [`Storage::read`] and [`Storage::write`] run a closure on a
//! blocking thread inside one transaction; the closure borrows a [`Tx`] and calls the free
//! functions of the rooms' `store.rs`, so any two of them compose into one transaction. Only here
//! does a transaction begin and end.
//!
//! The closure is `Fn`, because an engine may have to run it again (a busy writer, a deadlock, a
//! lost connection). It must therefore do nothing but talk to the `Tx`: no hashing, no files, no
//! network. A caller that goes away does not stop a write that has begun, and a panic inside a
//! closure rolls back that transaction and nothing else.
//!
//! SQL is written in the dialect that SQLite and MariaDB share: `?` placeholders, integers, text
//! and blobs, moments as UTC milliseconds, dates as `YYYY-MM-DD`. What cannot be shared is a
//! method of [`Tx`].

mod blocking;
mod concurrency;
pub mod copy;
mod diagnostic;
pub mod lease;
mod mariadb;
pub mod schema;
mod sqlite;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub mod text_limits;
mod value;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use blocking::lock;
pub use diagnostic::{Diagnostic, Severity};
pub use mariadb::{MariaDbAddress, MariaDbAddressError};
pub use sqlite::{CommitBlock, CommitFeed, Wal, WalCommit, WalProgress};
pub use value::{Param, Row, Value};

use crate::time::{Clock, Moment};

/// What can go wrong below the seam.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The engine did not get its turn before the deadline, or cannot be reached.
    #[error("the database is busy or away: {0}")]
    Unavailable(String),
    /// The engine was lost at the moment of saving, and has not come back to say whether it saved.
    #[error("whether it was saved is not known: {0}")]
    CommitUnknown(String),
    /// A unique key, a foreign key or a check was violated.
    #[error("a constraint of the database was violated: {0}")]
    Constraint(String),
    /// The disk is full.
    #[error("the disk is full: {0}")]
    DiskFull(String),
    /// The file or folder cannot be opened or written.
    #[error("{0}")]
    CannotOpen(String),
    /// The schema was made by a newer program.
    #[error("the data was written by a newer version (schema {found}, this program knows {known})")]
    NewerSchema {
        /// version found in the data
        found: i64,
        /// newest version this program knows
        known: i64,
    },
    /// A stored value is not what the program wrote.
    #[error("a stored value cannot be understood: {0}")]
    Inconsistent(String),
    /// A closure panicked; its transaction was rolled back.
    #[error("a transaction panicked: {0}")]
    Panicked(String),
    /// Anything else the engine says.
    #[error("the database answered: {0}")]
    Engine(String),
}

/// The result of everything that talks to a [`Tx`].
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// The table itself, to be walked in the sequence of its identifiers.
pub const PRIMARY_KEY: &str = "PRIMARY";

/// One transaction of one engine.
pub trait Tx {
    /// Runs a statement and tells how many rows it found (found, not changed, on every engine).
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64>;

    /// Runs a statement once for each row of parameters, as fast as the engine can.
    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()>;

    /// Runs a query and hands over one row at a time, so that a download needs no more memory
    /// than one row.
    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()>;

    /// Counts the rows of `SELECT 1 {from}`, but no further than `most`.
    fn count_up_to(&mut self, most: i64, from: &str, params: &[Param<'_>]) -> Result<i64>;

    /// Inserts `keys` and `values`, or sets `values` where a row with these `keys` exists.
    fn upsert(&mut self, table: &str, keys: &[(&str, Param<'_>)], values: &[(&str, Param<'_>)]) -> Result<()>;

    /// Adds `amount` to `column` of the row with these `keys`, making the row where there is none.
    fn increment(&mut self, table: &str, keys: &[(&str, Param<'_>)], column: &str, amount: i64) -> Result<()>;

    /// Deletes rows of a table, as many as the engine does well at once, and tells how many; 0 when the
    /// table is empty.
    fn delete_batch(&mut self, table: &str) -> Result<u64>;

    /// The words after a table's name that make the engine walk `index`; [`PRIMARY_KEY`] is the table in
    /// the sequence of its identifiers.
    fn index_hint(&self, index: &str) -> String;

    /// The names of all tables there are.
    fn tables(&mut self) -> Result<Vec<String>>;

    /// The names of a table's columns.
    fn columns(&mut self, table: &str) -> Result<Vec<String>>;

    /// The tables, by their names within `sql`, that the engine would read whole to answer it.
    #[cfg(test)]
    fn full_scans(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>>;

    /// The moment this transaction began; the same throughout.
    fn now(&self) -> Moment;

    /// A new time-sorted identifier, unique over all nodes.
    fn new_id(&mut self) -> i64;
}

impl dyn Tx + '_ {
    /// All rows of a query that is known to be short.
    pub fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.for_each(sql, params, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// The first row, if there is one.
    pub fn query_one(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// The single number a counting query answers; 0 for no row or null.
    pub fn scalar(&mut self, sql: &str, params: &[Param<'_>]) -> Result<i64> {
        self.query_one(sql, params)?.map_or(Ok(0), |row| Ok(row.opt_int(0)?.unwrap_or(0)))
    }
}

/// `?, ?, ?`: as many placeholders as a list has members, at least one: `IN ()` is an error to MariaDB,
/// though not to SQLite.
pub fn placeholders(count: usize) -> String {
    debug_assert!(count > 0, "an empty list");
    let mut text = "?, ".repeat(count);
    text.truncate(text.len().saturating_sub(2));
    text
}

/// The engine behind the seam, shared by every part of the program.
#[derive(Clone)]
pub struct Storage {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Sqlite>),
    MariaDb(Arc<mariadb::MariaDb>),
}

/// How to open a [`Storage`].
#[derive(Clone)]
pub struct StorageOptions {
    /// where the present moment comes from
    pub clock: Arc<dyn Clock>,
    /// how many readers may run at once
    pub readers: usize,
}

impl Storage {
    /// Opens the SQLite file at `path`, makes it when it is missing, and brings its schema up to
    /// date.
    ///
    /// # Errors
    /// [`StorageError::CannotOpen`] when the file cannot be read or written,
    /// [`StorageError::NewerSchema`] when a newer program wrote it.
    pub fn open_sqlite(path: &Path, options: &StorageOptions) -> Result<Self> {
        Ok(Self { engine: Engine::Sqlite(Arc::new(sqlite::Sqlite::open(path, options)?)) })
    }

    /// Opens the MariaDB database at `address`, builds its schema when it is empty, and brings it up
    /// to date.
    ///
    /// # Errors
    /// [`StorageError::CannotOpen`] when no writable server lets this program in before the deadline,
    /// [`StorageError::NewerSchema`] when a newer program wrote the data.
    pub fn open_mariadb(address: &MariaDbAddress, options: &StorageOptions) -> Result<Self> {
        Ok(Self { engine: Engine::MariaDb(Arc::new(mariadb::MariaDb::open(address, options)?)) })
    }

    /// As [`Storage::open_sqlite`], for a database that is backed up: nobody makes checkpoints but
    /// the holder of the [`Wal`], and the log stays when the database is closed.
    ///
    /// # Errors
    /// As [`Storage::open_sqlite`].
    pub fn open_with_wal_feed(path: &Path, options: &StorageOptions) -> Result<(Self, Wal)> {
        let (engine, log) = sqlite::Sqlite::open_with_wal_feed(path, options)?;
        Ok((Self { engine: Engine::Sqlite(Arc::new(engine)) }, log))
    }

    /// Runs `work` with a consistent view of the data that it cannot change.
    pub async fn read<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(work).await,
            Engine::MariaDb(engine) => engine.read(work).await,
        }
    }

    /// [`Self::read`] for what reads much, downloads and overviews: where the address allows it, from a
    /// replica that has everything the primary has at this moment.
    pub async fn read_replica<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.read(work).await,
            Engine::MariaDb(engine) => engine.read_replica(work).await,
        }
    }

    /// Runs `work` in a transaction that is durable when this returns `Ok`, and undone entirely
    /// when `work` answers with an error.
    pub async fn write<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite(engine) => engine.write(work).await,
            Engine::MariaDb(engine) => engine.write(work).await,
        }
    }

    /// Writes the data as it is at this moment to a file that must not exist, while everybody works.
    ///
    /// # Errors
    /// The file cannot be written, or the data lies in no file.
    pub async fn copy_to(&self, file: PathBuf) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.copy_to(file).await,
            Engine::MariaDb(_) => Err(StorageError::CannotOpen("MariaDB keeps no file to copy".to_owned())),
        }
    }

    /// Lets go of the memory that only makes the next request faster: connections of readers, pages,
    /// prepared statements. For one of many files whose owner pauses.
    ///
    /// # Errors
    /// The database is busy.
    pub async fn release_memory(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.release_memory().await,
            Engine::MariaDb(_) => Ok(()),
        }
    }

    /// Lets the file grow to so many bytes and no further; what wants more is undone with
    /// [`StorageError::DiskFull`]. It holds until the storage is closed. MariaDB has bounds of its own.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn set_max_size(&self, bytes: i64) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.set_max_size(bytes),
            Engine::MariaDb(_) => Ok(()),
        }
    }

    /// What was done to a file of SQLite that an older program wrote, when it was opened.
    pub fn migration_report(&self) -> Option<&schema::MigrationReport> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.migration_report(),
            Engine::MariaDb(_) => None,
        }
    }

    /// Whether the engine refuses a text that is longer than its column.
    pub const fn enforces_text_limits(&self) -> bool {
        matches!(self.engine, Engine::MariaDb(_))
    }

    /// The engine and its version, for people: `SQLite 3.54.1`.
    pub fn describe(&self) -> String {
        match &self.engine {
            Engine::Sqlite(_) => sqlite::describe(),
            Engine::MariaDb(engine) => engine.describe(),
        }
    }

    /// This program's number among those that write into the same data.
    pub fn node(&self) -> i64 {
        match &self.engine {
            Engine::Sqlite(_) => 0,
            Engine::MariaDb(engine) => engine.node(),
        }
    }

    /// The clock of this storage.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.clock(),
            Engine::MariaDb(engine) => engine.clock(),
        }
    }
}
