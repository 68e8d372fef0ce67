//! The SQLite engine: one writer, several readers, write-ahead log.

mod checkpointer;
mod error;
pub(super) mod schema;
mod tx;
pub(super) mod wal;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::checkpointer::{Checkpointer, Limits};
use self::error::engine_error;
use self::tx::SqliteTx;
pub use self::wal::{CommitBlock, CommitFeed, Wal, WalCommit, WalProgress};
use super::blocking::{lock, panic_error, spawn_blocking};
use super::concurrency::ConcurrencyLimit;
use super::schema::MigrationReport;
use super::{Result, StorageError, StorageOptions, Tx};
use crate::id::IdGenerator;
use crate::time::Clock;

/// How long a statement waits for another process (a command beside the server) to finish its
/// transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Prepared statements kept by each connection.
const STATEMENTS: usize = 256;

pub(super) struct Sqlite {
    shared: Arc<Shared>,
    write_limit: ConcurrencyLimit,
    read_limit: ConcurrencyLimit,
    upgraded: Option<MigrationReport>,
}

struct Shared {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Those that nobody uses now; the first who finds none opens another.
    readers: Mutex<Vec<Connection>>,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    /// Behind the other connections, because it has to be the last to close. None when a [`Wal`]
    /// makes the checkpoints.
    _checkpointer: Option<Checkpointer>,
    /// The main file of a database whose [`Wal`] was opened. Behind all connections, because
    /// closing it drops their locks.
    main: Option<Arc<File>>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: &StorageOptions) -> Result<Self> {
        let mut writer = connect_writer(path)?;
        let checkpointer = Checkpointer::start(&mut writer, connect(path, OpenFlags::default())?, Limits::USUAL)?;
        let upgraded = schema::migrate(&mut writer, options.clock.now())?;
        Ok(Self { upgraded, ..Self::with(path, writer, Some(checkpointer), None, options)? })
    }

    /// As [`Self::open`], but the log is left to whoever gets it.
    pub(super) fn open_with_wal_feed(path: &Path, options: &StorageOptions) -> Result<(Self, Wal)> {
        let mut writer = connect_writer(path)?;
        wal::no_checkpoint_on_close(&writer)?;
        let commits = CommitFeed::new(&options.clock);
        commits.listen(&mut writer)?;
        let upgraded = schema::migrate(&mut writer, options.clock.now())?;
        let main = File::open(path).map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        let sqlite = Self { upgraded, ..Self::with(path, writer, None, Some(Arc::new(main)), options)? };
        let log = Wal::open(path, &sqlite, commits)?;
        Ok((sqlite, log))
    }

    fn with(
        path: &Path,
        writer: Connection,
        checkpointer: Option<Checkpointer>,
        main: Option<Arc<File>>,
        options: &StorageOptions,
    ) -> Result<Self> {
        let mut node = [0_u8; 2];
        getrandom::fill(&mut node).map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        Ok(Self {
            write_limit: ConcurrencyLimit::new("sqlite", "write", 1),
            read_limit: ConcurrencyLimit::new("sqlite", "read", options.readers.max(1)),
            upgraded: None,
            shared: Arc::new(Shared {
                path: path.to_owned(),
                writer: Mutex::new(writer),
                readers: Mutex::default(),
                clock: Arc::clone(&options.clock),
                ids: IdGenerator::new(u16::from_le_bytes(node)),
                _checkpointer: checkpointer,
                main,
            }),
        })
    }

    pub(super) async fn write<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let turn = self.write_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _turn = turn;
            let mut writer = lock(&shared.writer);
            transact(&mut writer, TransactionBehavior::Immediate, &shared, &work)
        })
        .await
    }

    pub(super) async fn read<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let turn = self.read_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _turn = turn;
            let free = lock(&shared.readers).pop();
            let mut reader = free.map_or_else(|| shared.open_reader(), Ok)?;
            let answer = transact(&mut reader, TransactionBehavior::Deferred, &shared, &work);
            lock(&shared.readers).push(reader);
            answer
        })
        .await
    }

    pub(super) async fn copy_to(&self, file: PathBuf) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let own = connect(&shared.path, OpenFlags::default())?;
            if shared.main.is_some() {
                wal::no_checkpoint_on_close(&own)?;
            }
            own.execute("VACUUM INTO ?", [file.to_string_lossy()]).map_err(engine_error).map(drop)
        })
        .await
    }

    pub(super) async fn release_memory(&self) -> Result<()> {
        let turn = self.write_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _turn = turn;
            lock(&shared.readers).clear();
            let writer = lock(&shared.writer);
            writer.flush_prepared_statement_cache();
            writer.execute_batch("PRAGMA shrink_memory").map_err(engine_error)
        })
        .await
    }

    pub(super) fn set_max_size(&self, bytes: i64) -> Result<()> {
        let writer = lock(&self.shared.writer);
        let page: i64 = writer.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(engine_error)?;
        writer.pragma_update(None, "max_page_count", bytes / page).map_err(engine_error)
    }

    pub(super) fn migration_report(&self) -> Option<&MigrationReport> {
        self.upgraded.as_ref()
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }
}

impl Shared {
    fn open_reader(&self) -> Result<Connection> {
        let reader = connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        // A second guard beside the read-only handle: a stray write fails by name.
        reader.pragma_update(None, "query_only", true).map_err(engine_error)?;
        if self.main.is_some() {
            wal::no_checkpoint_on_close(&reader)?;
        }
        Ok(reader)
    }
}

pub(super) fn describe() -> String {
    format!("SQLite {}", rusqlite::version())
}

fn connect_writer(path: &Path) -> Result<Connection> {
    let writer = connect(path, OpenFlags::default())?;
    // WAL: readers never wait for the writer. FULL: a commit that was answered survives a
    // power cut (NORMAL would lose the last ones).
    writer.pragma_update(None, "journal_mode", "WAL").map_err(opening(path))?;
    writer.pragma_update(None, "synchronous", "FULL").map_err(opening(path))?;
    // Pages that an upload changes are written once, when it is committed.
    writer.pragma_update(None, "cache_size", -65_536).map_err(engine_error)?;
    // After a large upload the log shrinks again to what a working day needs.
    writer.pragma_update(None, "journal_size_limit", 64 << 20).map_err(engine_error)?;
    // Off by default in SQLite, and set per connection.
    writer.pragma_update(None, "foreign_keys", true).map_err(engine_error)?;
    Ok(writer)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(opening(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine_error)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Sorting and the lists of a query stay in memory; 32 MiB of pages per connection hold the
    // upper levels of every index of a large shop.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(engine_error)?;
    connection.pragma_update(None, "cache_size", -32_768).map_err(engine_error)?;
    Ok(connection)
}

fn transact<T, E>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    shared: &Shared,
    work: &dyn Fn(&mut dyn Tx) -> Result<T, E>,
) -> Result<T, E>
where
    E: From<StorageError>,
{
    let transaction = connection.transaction_with_behavior(behavior).map_err(engine_error)?;
    let mut tx = SqliteTx::new(&transaction, shared.clock.now(), &shared.ids);
    let answer = catch_unwind(AssertUnwindSafe(|| work(&mut tx)))
        .unwrap_or_else(|panic| Err(panic_error(panic.as_ref()).into()))?;
    transaction.commit().map_err(engine_error)?;
    Ok(answer)
}

fn opening(path: &Path) -> impl Fn(rusqlite::Error) -> StorageError {
    let path = path.display().to_string();
    move |error| StorageError::CannotOpen(format!("{path}: {error}"))
}
