//! The SQLite engine: one writer, several readers, write-ahead log.

mod checkpointer;
mod erasure;
mod error;
mod schema;
mod tx;
mod wal;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use self::checkpointer::{CheckpointLimits, Checkpointer};
use self::error::engine_error;
use self::tx::SqliteTx;
pub use self::wal::{CommitBlock, CommitFeed, Wal, WalCommit, WalProgress};
use super::blocking::{lock, panic_error, spawn_blocking};
use super::concurrency::ConcurrencyLimit;
use super::schema::{MigrationReport, NEWEST, Schema};
use super::{OpenMode, Result, StorageError, StorageOptions, Tx};
use crate::id::IdGenerator;
use crate::time::{Clock, Moment};

/// How long a statement waits for the lock of another process, such as a command beside the server.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Capacity of a connection's statement cache.
const CACHED_STATEMENTS: usize = 256;

/// Size to which the WAL is truncated when it starts again, in bytes.
const WAL_SIZE_LIMIT: i64 = 64 << 20;

pub(super) struct Sqlite {
    shared: Arc<SqliteInner>,
    write_limit: ConcurrencyLimit,
    read_limit: ConcurrencyLimit,
    schema_version: i64,
    created_at: Moment,
    migration_report: Option<MigrationReport>,
}

struct SqliteInner {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Idle connections. A read that finds none opens another one.
    readers: Mutex<Vec<Connection>>,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    /// whether closing a connection leaves the WAL as it is
    keeps_wal: bool,
    /// whether the holder of the [`Wal`] is asked for a checkpoint
    wants_checkpoint: AtomicBool,
    /// After the other connections, because it must be closed last. None in a read-only database, and when the
    /// holder of the [`Wal`] checkpoints.
    _checkpointer: Option<Checkpointer>,
    /// Main file of a database whose [`Wal`] is open. After all connections, because closing it drops
    /// their locks.
    main: Option<Arc<File>>,
    /// after all connections
    _wal_files: Option<WalFileCleanup>,
}

/// What an opened database needs besides its writer.
#[derive(Default)]
struct OpenParts {
    keeps_wal: bool,
    checkpointer: Option<Checkpointer>,
    main: Option<Arc<File>>,
    wal_files: Option<WalFileCleanup>,
    schema_version: i64,
    created_at: Option<Moment>,
    migration_report: Option<MigrationReport>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: &StorageOptions, mode: OpenMode) -> Result<Self> {
        Self::open_with_schema(path, options, mode, &NEWEST)
    }

    fn open_with_schema(path: &Path, options: &StorageOptions, mode: OpenMode, schema: &Schema) -> Result<Self> {
        let found = schema_version(path)?;
        mode.check_version(found, schema.version)?;
        if mode == OpenMode::ReadOnly {
            return Self::open_read_only(path, options, found);
        }
        let mut writer = connect_writer(path)?;
        let own = connect(path, OpenFlags::default())?;
        let checkpointer = Some(Checkpointer::start(&mut writer, own, CheckpointLimits::DEFAULT)?);
        let parts = OpenParts { checkpointer, ..OpenParts::migrated(&mut writer, options, schema)? };
        Self::assemble(path, writer, parts, options)
    }

    /// Opens the database without a checkpointer: the holder of the returned [`Wal`] checkpoints.
    pub(super) fn open_with_wal_feed(path: &Path, options: &StorageOptions, mode: OpenMode) -> Result<(Self, Wal)> {
        mode.check_version(schema_version(path)?, NEWEST.version)?;
        let mut writer = connect_writer(path)?;
        wal::no_checkpoint_on_close(&writer)?;
        let commits = CommitFeed::new(&options.clock);
        commits.subscribe_to(&mut writer)?;
        let parts = OpenParts::migrated(&mut writer, options, &NEWEST)?;
        let main = File::open(path).map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        let parts = OpenParts { keeps_wal: true, main: Some(Arc::new(main)), ..parts };
        let sqlite = Self::assemble(path, writer, parts, options)?;
        let wal = Wal::open(path, &sqlite, commits)?;
        Ok((sqlite, wal))
    }

    fn open_read_only(path: &Path, options: &StorageOptions, schema_version: i64) -> Result<Self> {
        let wal_files = Some(WalFileCleanup::before_opening(path));
        let writer = connect_read_only(path)?;
        wal::no_checkpoint_on_close(&writer)?;
        Self::assemble(
            path,
            writer,
            OpenParts { keeps_wal: true, wal_files, schema_version, ..OpenParts::default() },
            options,
        )
    }

    fn assemble(path: &Path, writer: Connection, parts: OpenParts, options: &StorageOptions) -> Result<Self> {
        let mut node = [0_u8; 2];
        getrandom::fill(&mut node).map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        Ok(Self {
            write_limit: ConcurrencyLimit::new("sqlite", "write", 1),
            read_limit: ConcurrencyLimit::new("sqlite", "read", options.readers.max(1)),
            schema_version: parts.schema_version,
            created_at: parts.created_at.unwrap_or(Moment(0)),
            migration_report: parts.migration_report,
            shared: Arc::new(SqliteInner {
                path: path.to_owned(),
                writer: Mutex::new(writer),
                readers: Mutex::default(),
                clock: Arc::clone(&options.clock),
                ids: IdGenerator::new(u16::from_le_bytes(node)),
                keeps_wal: parts.keeps_wal,
                wants_checkpoint: AtomicBool::new(false),
                _checkpointer: parts.checkpointer,
                main: parts.main,
                _wal_files: parts.wal_files,
            }),
        })
    }

    pub(super) async fn write<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let permit = self.write_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _permit = permit;
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
        let permit = self.read_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _permit = permit;
            let idle = lock(&shared.readers).pop();
            let mut reader = idle.map_or_else(|| shared.open_reader(), Ok)?;
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
            if shared.keeps_wal {
                wal::no_checkpoint_on_close(&own)?;
            }
            own.execute("VACUUM INTO ?", [file.to_string_lossy()]).map_err(engine_error).map(drop)
        })
        .await
    }

    pub(super) async fn release_memory(&self) -> Result<()> {
        let permit = self.write_limit.acquire().await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _permit = permit;
            lock(&shared.readers).clear();
            let writer = lock(&shared.writer);
            writer.flush_prepared_statement_cache();
            writer.execute_batch("PRAGMA shrink_memory").map_err(engine_error)
        })
        .await
    }

    pub(super) fn set_max_size(&self, bytes: i64) -> Result<()> {
        let writer = lock(&self.shared.writer);
        let page_bytes: i64 = writer.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(engine_error)?;
        writer.pragma_update(None, "max_page_count", bytes / page_bytes).map_err(engine_error)
    }

    pub(super) fn schema_version(&self) -> i64 {
        self.schema_version
    }

    pub(super) fn created_at(&self) -> Moment {
        self.created_at
    }

    pub(super) fn migration_report(&self) -> Option<&MigrationReport> {
        self.migration_report.as_ref()
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }
}

impl OpenParts {
    fn migrated(writer: &mut Connection, options: &StorageOptions, schema: &Schema) -> Result<Self> {
        let migration_report = schema::migrate(writer, schema, options.clock.now())?;
        let (schema_version, created_at) = (schema::version(writer)?, schema::created_at(writer)?);
        Ok(Self { schema_version, created_at: Some(created_at), migration_report, ..Self::default() })
    }
}

impl SqliteInner {
    fn open_reader(&self) -> Result<Connection> {
        let reader = connect_read_only(&self.path)?;
        if self.keeps_wal {
            wal::no_checkpoint_on_close(&reader)?;
        }
        Ok(reader)
    }
}

pub(super) fn describe() -> String {
    format!("SQLite {}", rusqlite::version())
}

/// Version of the schema in the file at `path`, 0 when there is none. Changes nothing.
fn schema_version(path: &Path) -> Result<i64> {
    // An empty file is a database without tables.
    if !path.exists() {
        return Ok(0);
    }
    let _wal_files = WalFileCleanup::before_opening(path);
    let reader = connect_read_only(path)?;
    wal::no_checkpoint_on_close(&reader)?;
    schema::version(&reader)
}

/// Deletes the empty `-wal` and the `-shm` file that a read-only connection creates beside a closed
/// database and cannot delete itself.
struct WalFileCleanup {
    path: PathBuf,
    wal: PathBuf,
    was_closed: bool,
}

impl WalFileCleanup {
    fn before_opening(path: &Path) -> Self {
        let wal = wal::wal_path(path);
        Self { path: path.to_owned(), was_closed: !wal.exists(), wal }
    }
}

impl Drop for WalFileCleanup {
    fn drop(&mut self) {
        let is_empty = || std::fs::metadata(&self.wal).is_ok_and(|wal| wal.len() == 0);
        if !self.was_closed || !is_empty() {
            return;
        }
        // SQLite deletes both files when the last connection that can write is closed; not while another
        // process has the database open. A failure leaves them, which is harmless.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        if let Ok(connection) = Connection::open_with_flags(&self.path, flags) {
            let _ = connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()));
        }
    }
}

fn connect_writer(path: &Path) -> Result<Connection> {
    let writer = connect(path, OpenFlags::default())?;
    // WAL: readers never wait for the writer. FULL: an acknowledged commit survives a power failure;
    // NORMAL might lose the last ones.
    writer.pragma_update(None, "journal_mode", "WAL").map_err(cannot_open(path))?;
    writer.pragma_update(None, "synchronous", "FULL").map_err(cannot_open(path))?;
    // 64 MiB: pages that an upload changes more than once are written once, at the commit.
    writer.pragma_update(None, "cache_size", -65_536).map_err(engine_error)?;
    // Truncates the WAL after a large upload to the size that a working day needs.
    writer.pragma_update(None, "journal_size_limit", WAL_SIZE_LIMIT).map_err(engine_error)?;
    // Deleted orders and files are overwritten with zeros, so that nobody reads them in the file or in a backup of it.
    writer.pragma_update(None, "secure_delete", true).map_err(engine_error)?;
    // Per connection, and off by default.
    writer.pragma_update(None, "foreign_keys", true).map_err(engine_error)?;
    Ok(writer)
}

fn connect_read_only(path: &Path) -> Result<Connection> {
    let reader = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    // In addition to the read-only handle: a stray write fails with a clear error.
    reader.pragma_update(None, "query_only", true).map_err(engine_error)?;
    Ok(reader)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(cannot_open(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine_error)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Temporary tables and sorts use memory; 32 MiB of page cache hold the upper levels of every index
    // of a large shop.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(engine_error)?;
    connection.pragma_update(None, "cache_size", -32_768).map_err(engine_error)?;
    Ok(connection)
}

fn transact<T, E>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    shared: &SqliteInner,
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

fn cannot_open(path: &Path) -> impl Fn(rusqlite::Error) -> StorageError {
    let path = path.display().to_string();
    move |error| StorageError::CannotOpen(format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SystemClock;

    fn options() -> StorageOptions {
        StorageOptions { clock: Arc::new(SystemClock), readers: 2 }
    }

    fn file_names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<_> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    async fn count(sqlite: &Sqlite) -> Result<i64> {
        sqlite.read(|tx| tx.scalar("SELECT count(*) FROM sales_channels", &[])).await
    }

    const INSERT: &str = "INSERT INTO sales_channels (id, code, name) VALUES (1, 'A', 'A')";

    #[tokio::test]
    async fn read_only_mode_changes_no_file_of_a_closed_database() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let open = |mode| Sqlite::open(&path, &options(), mode);
        assert!(matches!(open(OpenMode::ReadOnly), Err(StorageError::NoShop)));
        assert!(matches!(open(OpenMode::Existing), Err(StorageError::NoShop)));
        assert_eq!(file_names(folder.path()), Vec::<String>::new());
        drop(open(OpenMode::Create).expect("builds"));
        let before = std::fs::read(&path).expect("bytes");

        let reader = open(OpenMode::ReadOnly).expect("opens");
        assert_eq!(count(&reader).await.expect("counts"), 0);
        let refused = reader.write(|tx| tx.exec(INSERT, &[])).await;
        assert!(matches!(refused, Err(StorageError::CannotOpen(_))), "{refused:?}");
        drop(reader);
        assert_eq!(file_names(folder.path()), ["shop.db"]);
        assert_eq!(std::fs::read(&path).expect("bytes"), before);
    }

    #[tokio::test]
    async fn read_only_mode_reads_the_wal_of_a_running_program() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        let server = Sqlite::open(&path, &options(), OpenMode::Migrate).expect("opens");
        let before = count(&server).await.expect("counts");
        server.write(|tx| tx.exec(INSERT, &[])).await.expect("writes");
        let reader = Sqlite::open(&path, &options(), OpenMode::ReadOnly).expect("opens");
        assert_eq!(count(&reader).await.expect("counts"), before + 1);
        drop(reader);
        server.write(|tx| tx.exec("DELETE FROM sales_channels WHERE id = 1", &[])).await.expect("writes on");
        assert_eq!(count(&server).await.expect("counts"), before);
    }

    #[test]
    fn refused_older_schema_changes_no_byte() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.db");
        drop(Sqlite::open(&path, &options(), OpenMode::Migrate).expect("builds"));
        let before = std::fs::read(&path).expect("bytes");
        let next = super::super::schema::testing::next();
        let open = |mode| Sqlite::open_with_schema(&path, &options(), mode, &next);
        for mode in [OpenMode::Create, OpenMode::Existing] {
            let refused = open(mode).err();
            assert!(matches!(refused, Some(StorageError::OlderSchema { found: 1, known: 2 })), "{refused:?}");
        }
        let reader = open(OpenMode::ReadOnly).expect("opens");
        assert_eq!(reader.schema_version(), 1);
        drop(reader);
        assert_eq!(std::fs::read(&path).expect("bytes"), before);
        assert_eq!(file_names(folder.path()), ["shop.db"]);

        let migrated = open(OpenMode::Migrate).expect("migrates");
        let copy = folder.path().join("shop.db.schema-1");
        let report = MigrationReport { from: 1, to: 2, copy: Some(copy.clone()) };
        assert_eq!((migrated.migration_report(), migrated.schema_version()), (Some(&report), 2));
        drop(migrated);
        assert!(matches!(
            Sqlite::open(&path, &options(), OpenMode::Migrate).err(),
            Some(StorageError::NewerSchema { found: 2, known: 1 })
        ));
        // The previous program opens the copy after a rollback.
        assert_eq!(Sqlite::open(&copy, &options(), OpenMode::Existing).expect("opens").schema_version(), 1);
    }
}
