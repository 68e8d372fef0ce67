//! Storage: one interface to SQLite and MariaDB, every SQL text once.
//!
//! [`Storage`] owns the engine. [`Storage::read`] and [`Storage::write`] run a closure on a blocking
//! thread inside one transaction. The closure borrows a [`Tx`] and calls the free functions of the
//! rooms' `store.rs`, so that any of them compose into one transaction. Transactions begin and end
//! only here.
//!
//! The closure is `Fn`, because an engine may retry it (busy writer, deadlock, lost connection). Its
//! only side effects are therefore calls of the `Tx`: no hashing, no files, no network. Dropping the
//! future does not cancel a running write. A panic in a closure rolls back its transaction and has no
//! other effect.
//!
//! SQL is limited to the dialect that SQLite and MariaDB share: `?` placeholders; integers, text and
//! blobs; moments as UTC milliseconds; dates as `YYYY-MM-DD`. Everything else is a method of [`Tx`].
//!
//! No plan depends on statistics, which can be wrong (a new shop has those of an empty one) and mislead even when they
//! are right (a shop with one channel). `CROSS JOIN … ON` joins in the order of the text on either engine, and
//! [`Tx::index_hint`] names the index of each table.

mod blocking;
mod concurrency;
pub mod copy;
mod counted;
mod deletion;
mod diagnostic;
mod error;
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
mod work;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use blocking::lock;
pub use counted::{CountedTx, RowCount};
pub use diagnostic::{Diagnostic, Severity};
pub use error::{Result, StorageError};
pub use mariadb::{MariaDbAddress, MariaDbAddressError};
pub use sqlite::{CommitBlock, CommitFeed, Wal, WalCommit, WalProgress};
pub use value::{ColumnReader, FromValue, Param, Row, Value, from_json};

use self::work::boxed;
use crate::id::{Identifier, number_code};
use crate::time::{Clock, Moment};

/// Values in the `IN (…)` of one statement.
const VALUES_PER_STATEMENT: usize = 256;

/// One transaction.
pub trait Tx {
    /// Executes a statement; returns how many rows it matched (matched, not changed, on either engine).
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64>;

    /// Executes a statement once for each row of parameters, in batches where the engine supports them.
    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()>;

    /// Runs a query and passes each row to `visit`, so that memory holds one row at a time.
    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()>;

    /// For each row, which has the values of `keys` and then of `columns`: inserts it, or sets `columns` where a row with
    /// these keys exists. In batches where the engine supports them.
    fn upsert_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()>;

    /// For each row, which has the values of `keys` and then an amount: adds it to `column` of the row with these keys,
    /// or inserts the row where it is missing. In batches where the engine supports them.
    fn increment_many(
        &mut self,
        table: &str,
        keys: &[&str],
        column: &str,
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<()>;

    /// For each row, which has the values of `keys` and then of `columns`: sets `columns` of the row with these keys.
    /// `keys` begin with the primary key. Returns how many rows it matched. In batches where the engine supports them.
    fn update_many(
        &mut self,
        table: &str,
        keys: &[&str],
        columns: &[&str],
        rows: &mut dyn Iterator<Item = Vec<Param<'_>>>,
    ) -> Result<u64>;

    /// Deletes a batch of a table's rows and returns its size; 0 when the table is empty.
    fn delete_batch(&mut self, table: &str) -> Result<u64>;

    /// The hint behind a table's name that forces the engine to use `index`.
    fn index_hint(&self, index: &str) -> String;

    /// As [`Tx::index_hint`] for the primary key of `table`: rows by identifier, or a scan in the order of the identifiers.
    fn primary_key_hint(&self, table: &str) -> String;

    /// Names of all tables.
    fn tables(&mut self) -> Result<Vec<String>>;

    /// Number of triggers.
    fn trigger_count(&mut self) -> Result<i64>;

    /// Names of a table's columns.
    fn columns(&mut self, table: &str) -> Result<Vec<String>>;

    /// Tables, by their names in `sql`, that the query plan scans without an index, or for each row of another table.
    #[cfg(test)]
    fn full_scans(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>>;

    /// Start of this transaction; constant within it.
    fn now(&self) -> Moment;

    /// The number of a new identifier, for `new_id`; also for what is unique and no identifier, such as a version.
    fn new_number(&mut self) -> i64;
}

impl dyn Tx + '_ {
    /// A new time-sorted identifier, unique across nodes.
    pub fn new_id<I: Identifier>(&mut self) -> I {
        I::from_raw(self.new_number())
    }

    /// A new identifier as text, for a number that the shop gives: 묶음배송번호.
    pub fn new_code(&mut self) -> String {
        number_code(self.new_number())
    }

    /// All rows of a query. For results that fit in memory.
    pub fn query(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<Row>> {
        let mut rows = Vec::new();
        self.for_each(sql, params, &mut |row| {
            rows.push(row);
            Ok(())
        })?;
        Ok(rows)
    }

    /// First row of a query.
    pub fn query_one(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Option<Row>> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// Inserts `keys` and `values`, or updates `values` where a row with these `keys` exists.
    pub fn upsert(&mut self, table: &str, keys: &[(&str, Param<'_>)], values: &[(&str, Param<'_>)]) -> Result<()> {
        let row = keys.iter().chain(values).map(|(_, value)| value.clone()).collect();
        self.upsert_many(table, &names(keys), &names(values), &mut std::iter::once(row))
    }

    /// Adds `amount` to `column` of the row with these `keys`; inserts the row where it is missing.
    pub fn increment(&mut self, table: &str, keys: &[(&str, Param<'_>)], column: &str, amount: i64) -> Result<()> {
        let row = keys.iter().map(|(_, value)| value.clone()).chain([amount.into()]).collect();
        self.increment_many(table, &names(keys), column, &mut std::iter::once(row))
    }

    /// Counts the rows of `SELECT 1 {from}`, and stops at `most`.
    pub fn count_up_to(&mut self, most: i64, from: &str, params: &[Param<'_>]) -> Result<i64> {
        self.scalar(&format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT {most}) AS counted"), params)
    }

    /// Runs a query for many identifiers, in batches, and passes each row to `visit`. `sql` gets the placeholders of a
    /// batch in its `IN ({})`; `params` are those before it.
    pub fn for_ids<I: Identifier>(
        &mut self,
        ids: &[I],
        params: &[Param<'_>],
        sql: impl Fn(&str) -> String,
        visit: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        let values: Vec<Param<'_>> = ids.iter().map(|id| id.raw().into()).collect();
        self.for_values(&values, params, sql, visit)
    }

    /// As `for_ids`, for values of any type.
    ///
    /// A batch is padded to one of a few lengths by repeating its last value, so that the engine prepares few
    /// statements.
    pub fn for_values(
        &mut self,
        values: &[Param<'_>],
        params: &[Param<'_>],
        sql: impl Fn(&str) -> String,
        visit: &mut dyn FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        for batch in values.chunks(VALUES_PER_STATEMENT) {
            let length = batch.len().next_power_of_two().min(VALUES_PER_STATEMENT);
            let padded = batch.iter().chain(batch.last().into_iter().cycle()).take(length);
            let params: Vec<Param<'_>> = params.iter().chain(padded).cloned().collect();
            self.for_each(&sql(&placeholders(length)), &params, visit)?;
        }
        Ok(())
    }

    /// The single number of an aggregate query; 0 for no row or NULL.
    pub fn scalar(&mut self, sql: &str, params: &[Param<'_>]) -> Result<i64> {
        self.query_one(sql, params)?.map_or(Ok(0), |row| Ok(row.opt_int(0)?.unwrap_or(0)))
    }
}

fn names<'a>(columns: &[(&'a str, Param<'_>)]) -> Vec<&'a str> {
    columns.iter().map(|(name, _)| *name).collect()
}

/// `count` placeholders: `?, ?, ?`. At least one, because MariaDB rejects `IN ()`.
pub fn placeholders(count: usize) -> String {
    debug_assert!(count > 0, "an empty list");
    let mut text = "?, ".repeat(count);
    text.truncate(text.len().saturating_sub(2));
    text
}

/// A database; cheap to clone, all clones share connections and limits.
#[derive(Clone)]
pub struct Storage {
    engine: Engine,
}

#[derive(Clone)]
enum Engine {
    Sqlite(Arc<sqlite::Sqlite>),
    MariaDb(Arc<mariadb::MariaDb>),
}

/// Options for opening a [`Storage`].
#[derive(Clone)]
pub struct StorageOptions {
    /// source of the present moment
    pub clock: Arc<dyn Clock>,
    /// maximum number of concurrent reads
    pub readers: usize,
}

/// What opening a database may do to its schema. All modes refuse a newer schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// builds a missing schema, migrates an older one
    Migrate,
    /// builds a missing schema, refuses an older one
    Create,
    /// refuses a missing and an older schema
    Existing,
    /// refuses a missing schema, leaves an older one as it is; reads only, and changes nothing
    ReadOnly,
}

impl Storage {
    /// Opens the SQLite file at `path` in [`OpenMode::Migrate`].
    ///
    /// # Errors
    /// As [`Self::open_sqlite_in`].
    pub fn open_sqlite(path: &Path, options: &StorageOptions) -> Result<Self> {
        Self::open_sqlite_in(OpenMode::Migrate, path, options)
    }

    /// Opens the SQLite file at `path`. Migrating copies the file first.
    ///
    /// # Errors
    /// [`StorageError::CannotOpen`] when the file cannot be read or written;
    /// [`StorageError::NoShop`], [`StorageError::OlderSchema`] or [`StorageError::NewerSchema`] when `mode`
    /// refuses its schema, and then nothing has changed.
    pub fn open_sqlite_in(mode: OpenMode, path: &Path, options: &StorageOptions) -> Result<Self> {
        Ok(Self { engine: Engine::Sqlite(Arc::new(sqlite::Sqlite::open(path, options, mode)?)) })
    }

    /// Opens the MariaDB database at `address` in [`OpenMode::Migrate`].
    ///
    /// # Errors
    /// As [`Self::open_mariadb_in`].
    pub fn open_mariadb(address: &MariaDbAddress, options: &StorageOptions) -> Result<Self> {
        Self::open_mariadb_in(OpenMode::Migrate, address, options)
    }

    /// Opens the MariaDB database at `address`. One of several programs builds or migrates the schema, and
    /// the others wait for it.
    ///
    /// # Errors
    /// [`StorageError::CannotOpen`] when no writable server accepts the connection before the deadline, or
    /// when another program's migration takes too long;
    /// [`StorageError::NoShop`], [`StorageError::OlderSchema`] or [`StorageError::NewerSchema`] when `mode`
    /// refuses its schema, and then nothing has changed.
    pub fn open_mariadb_in(mode: OpenMode, address: &MariaDbAddress, options: &StorageOptions) -> Result<Self> {
        Ok(Self { engine: Engine::MariaDb(Arc::new(mariadb::MariaDb::open(address, options, mode)?)) })
    }

    /// As [`Self::open_sqlite_in`], for a database that is backed up: only the holder of the [`Wal`]
    /// checkpoints, and closing the database keeps the WAL.
    ///
    /// # Errors
    /// As [`Self::open_sqlite_in`].
    pub fn open_with_wal_feed(mode: OpenMode, path: &Path, options: &StorageOptions) -> Result<(Self, Wal)> {
        let (engine, wal) = sqlite::Sqlite::open_with_wal_feed(path, options, mode)?;
        Ok((Self { engine: Engine::Sqlite(Arc::new(engine)) }, wal))
    }

    /// Runs `work` in a read transaction: a consistent snapshot that it cannot change.
    pub async fn read<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (work, answer) = boxed(work);
        answer.after(match &self.engine {
            Engine::Sqlite(engine) => engine.read(work).await,
            Engine::MariaDb(engine) => engine.read(work).await,
        })
    }

    /// [`Self::read`] for expensive queries (downloads, overviews): uses a replica where the address allows
    /// it and the replica has every commit of the primary; otherwise the primary.
    pub async fn read_replica<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (work, answer) = boxed(work);
        answer.after(match &self.engine {
            Engine::Sqlite(engine) => engine.read(work).await,
            Engine::MariaDb(engine) => engine.read_replica(work).await,
        })
    }

    /// Runs `work` in a write transaction, which is durable when this returns `Ok` and rolled back when
    /// `work` returns an error.
    pub async fn write<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (work, answer) = boxed(work);
        answer.after(match &self.engine {
            Engine::Sqlite(engine) => engine.write(work).await,
            Engine::MariaDb(engine) => engine.write(work).await,
        })
    }

    /// Writes a snapshot of a SQLite database to a file that must not exist. Reads and writes continue.
    ///
    /// # Errors
    /// [`StorageError::CannotOpen`] on MariaDB; other errors when the file cannot be written.
    pub async fn copy_to(&self, file: PathBuf) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.copy_to(file).await,
            Engine::MariaDb(_) => Err(StorageError::CannotOpen("MariaDB keeps no file to copy".to_owned())),
        }
    }

    /// Releases caches of an idle SQLite database: reader connections, page cache, prepared statements. For
    /// programs with many databases (sandboxes).
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database is busy.
    pub async fn release_memory(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.release_memory().await,
            Engine::MariaDb(_) => Ok(()),
        }
    }

    /// Writes a SQLite database again as a whole, so that its pages have no remains of deleted rows: the engine overwrites
    /// what it deletes, but not the copies that splitting a page left. Blocks writes for as long as that takes, some
    /// seconds for a large shop. No effect on MariaDB.
    ///
    /// # Errors
    /// [`StorageError::DiskFull`]: it needs as much room again as the database has.
    pub async fn compact(&self) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.compact().await,
            Engine::MariaDb(_) => Ok(()),
        }
    }

    /// Erases what the write-ahead log of SQLite still has of deleted rows. False if readers or a backup prevented it.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when the database is busy.
    pub async fn erase_log(&self) -> Result<bool> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.erase_wal().await,
            Engine::MariaDb(_) => Ok(true),
        }
    }

    /// Limits the size of a SQLite file until it is closed; a write that exceeds it fails with
    /// [`StorageError::DiskFull`]. No effect on MariaDB.
    ///
    /// # Errors
    /// [`StorageError::Engine`] when the page size cannot be read.
    pub fn set_max_size(&self, bytes: i64) -> Result<()> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.set_max_size(bytes),
            Engine::MariaDb(_) => Ok(()),
        }
    }

    /// Version of the schema when the database was opened.
    pub fn schema_version(&self) -> i64 {
        match &self.engine {
            Engine::Sqlite(engine) => engine.schema_version(),
            Engine::MariaDb(engine) => engine.schema_version(),
        }
    }

    /// Checks that the database accepts writes. Changes nothing in SQLite, only the program's own marker in MariaDB.
    ///
    /// # Errors
    /// It is read-only, cannot be reached or has no room.
    pub async fn check_writable(&self) -> Result<()> {
        self.write(|tx| tx.exec("UPDATE schema_versions SET applied_at = 0 WHERE version < 0", &[])).await.map(drop)
    }

    /// When the database was created; identifies the shop among those of a host.
    pub fn created_at(&self) -> Moment {
        match &self.engine {
            Engine::Sqlite(engine) => engine.created_at(),
            Engine::MariaDb(engine) => engine.created_at(),
        }
    }

    /// Refuses a schema that is not this program's, which [`OpenMode::ReadOnly`] opens.
    ///
    /// # Errors
    /// [`StorageError::OlderSchema`].
    pub fn require_current_schema(&self) -> Result<()> {
        OpenMode::Existing.check_version(self.schema_version(), schema::VERSION)
    }

    /// The migration that opening this database performed.
    pub fn migration_report(&self) -> Option<&schema::MigrationReport> {
        match &self.engine {
            Engine::Sqlite(engine) => engine.migration_report(),
            Engine::MariaDb(engine) => engine.migration_report(),
        }
    }

    /// Engine and version for display: `SQLite 3.54.1`.
    pub fn describe(&self) -> String {
        match &self.engine {
            Engine::Sqlite(_) => sqlite::describe(),
            Engine::MariaDb(engine) => engine.describe(),
        }
    }

    /// Number of this process among those that write to the same MariaDB database; 0 on SQLite.
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
