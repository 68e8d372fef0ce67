//! The SQLite engine: one writer, several readers, write-ahead log.

mod checkpoints;
mod log;

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, OpenFlags, TransactionBehavior};

use self::checkpoints::{Checkpointer, Limits};
pub use self::log::{BetweenCommits, Commit, Commits, Log, Progress};
use super::blocking::{lock, on_a_thread, panicked};
use super::turns::Turns;
use super::{IdGenerator, Options, PRIMARY, Param, Result, Row, StorageError, Tx, Value, schema};
use crate::time::{Clock, Moment};

/// How long a statement waits for another process (a command beside the server) to finish its
/// transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(15);

/// Prepared statements kept by each connection.
const STATEMENTS: usize = 256;

pub(super) struct Sqlite {
    shared: Arc<Shared>,
    write_turn: Turns,
    read_turns: Turns,
    upgraded: Option<schema::Upgraded>,
}

struct Shared {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// Those that nobody uses now; the first who finds none opens another.
    readers: Mutex<Vec<Connection>>,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    /// Behind the other connections, because it has to be the last to close. None when a [`Log`]
    /// makes the checkpoints.
    _checkpointer: Option<Checkpointer>,
    /// The main file of a database whose [`Log`] was opened. Behind all connections, because
    /// closing it drops their locks.
    main: Option<Arc<File>>,
}

impl Sqlite {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Self> {
        let mut writer = connect_writer(path)?;
        let checkpointer = Checkpointer::start(&mut writer, connect(path, OpenFlags::default())?, Limits::USUAL)?;
        let upgraded = schema::upgrade_sqlite(&mut writer, options.clock.now())?;
        Ok(Self { upgraded, ..Self::with(path, writer, Some(checkpointer), None, options)? })
    }

    /// As [`Self::open`], but the log is left to whoever gets it.
    pub(super) fn open_followed(path: &Path, options: &Options) -> Result<(Self, Log)> {
        let mut writer = connect_writer(path)?;
        log::leave_log(&writer)?;
        let commits = Commits::new(&options.clock);
        commits.listen(&mut writer)?;
        let upgraded = schema::upgrade_sqlite(&mut writer, options.clock.now())?;
        let main = File::open(path).map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        let sqlite = Self { upgraded, ..Self::with(path, writer, None, Some(Arc::new(main)), options)? };
        let log = Log::open(path, &sqlite, commits)?;
        Ok((sqlite, log))
    }

    fn with(
        path: &Path,
        writer: Connection,
        checkpointer: Option<Checkpointer>,
        main: Option<Arc<File>>,
        options: &Options,
    ) -> Result<Self> {
        let mut node = [0_u8; 2];
        getrandom::fill(&mut node).map_err(|error| StorageError::CannotOpen(error.to_string()))?;
        Ok(Self {
            write_turn: Turns::new("sqlite", "write", 1),
            read_turns: Turns::new("sqlite", "read", options.readers.max(1)),
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
        let turn = self.write_turn.take().await?;
        let shared = Arc::clone(&self.shared);
        on_a_thread(move || {
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
        let turn = self.read_turns.take().await?;
        let shared = Arc::clone(&self.shared);
        on_a_thread(move || {
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
        on_a_thread(move || {
            let own = connect(&shared.path, OpenFlags::default())?;
            if shared.main.is_some() {
                log::leave_log(&own)?;
            }
            own.execute("VACUUM INTO ?", [file.to_string_lossy()]).map_err(engine).map(drop)
        })
        .await
    }

    pub(super) async fn rest(&self) -> Result<()> {
        let turn = self.write_turn.take().await?;
        let shared = Arc::clone(&self.shared);
        on_a_thread(move || {
            let _turn = turn;
            lock(&shared.readers).clear();
            let writer = lock(&shared.writer);
            writer.flush_prepared_statement_cache();
            writer.execute_batch("PRAGMA shrink_memory").map_err(engine)
        })
        .await
    }

    pub(super) fn bound(&self, bytes: i64) -> Result<()> {
        let writer = lock(&self.shared.writer);
        let page: i64 = writer.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(engine)?;
        writer.pragma_update(None, "max_page_count", bytes / page).map_err(engine)
    }

    pub(super) fn upgraded(&self) -> Option<&schema::Upgraded> {
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
        reader.pragma_update(None, "query_only", true).map_err(engine)?;
        if self.main.is_some() {
            log::leave_log(&reader)?;
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
    writer.pragma_update(None, "cache_size", -65_536).map_err(engine)?;
    // After a large upload the log shrinks again to what a working day needs.
    writer.pragma_update(None, "journal_size_limit", 64 << 20).map_err(engine)?;
    // Off by default in SQLite, and set per connection.
    writer.pragma_update(None, "foreign_keys", true).map_err(engine)?;
    Ok(writer)
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let connection = Connection::open_with_flags(path, flags).map_err(opening(path))?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(engine)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Sorting and the lists of a query stay in memory; 32 MiB of pages per connection hold the
    // upper levels of every index of a large shop.
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(engine)?;
    connection.pragma_update(None, "cache_size", -32_768).map_err(engine)?;
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
    let transaction = connection.transaction_with_behavior(behavior).map_err(engine)?;
    let mut tx = SqliteTx { connection: &transaction, now: shared.clock.now(), ids: &shared.ids };
    let answer = catch_unwind(AssertUnwindSafe(|| work(&mut tx)))
        .unwrap_or_else(|panic| Err(panicked(panic.as_ref()).into()))?;
    transaction.commit().map_err(engine)?;
    Ok(answer)
}

fn opening(path: &Path) -> impl Fn(rusqlite::Error) -> StorageError {
    let path = path.display().to_string();
    move |error| StorageError::CannotOpen(format!("{path}: {error}"))
}

/// Sorts an error of the engine by its code, never by its text.
#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
pub(super) fn engine(error: rusqlite::Error) -> StorageError {
    let text = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StorageError::Constraint(text),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StorageError::Unavailable(text),
        Some(ErrorCode::DiskFull) => StorageError::Full(text),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::NotADatabase) => StorageError::CannotOpen(text),
        _ => StorageError::Engine(text),
    }
}

struct SqliteTx<'c> {
    connection: &'c Connection,
    now: Moment,
    ids: &'c IdGenerator,
}

impl SqliteTx<'_> {
    fn prepare(&self, sql: &str) -> Result<CachedStatement<'_>> {
        self.connection.prepare_cached(sql).map_err(|error| StorageError::Engine(format!("{error} in: {sql}")))
    }

    fn insert_or(
        &mut self,
        table: &str,
        columns: &[(&str, Param<'_>)],
        keys: &[(&str, Param<'_>)],
        set: &str,
    ) -> Result<()> {
        let names = names(columns).join(", ");
        let sql = format!(
            "INSERT INTO {table} ({names}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {set}",
            super::placeholders(columns.len()),
            self::names(keys).join(", "),
        );
        let params: Vec<_> = columns.iter().map(|(_, value)| value.clone()).collect();
        self.exec(&sql, &params).map(drop)
    }
}

fn names<'a>(columns: &[(&'a str, Param<'_>)]) -> Vec<&'a str> {
    columns.iter().map(|(name, _)| *name).collect()
}

impl Tx for SqliteTx<'_> {
    fn exec(&mut self, sql: &str, params: &[Param<'_>]) -> Result<u64> {
        let mut statement = self.prepare(sql)?;
        let found = statement.execute(rusqlite::params_from_iter(params)).map_err(engine)?;
        Ok(found as u64)
    }

    fn exec_many(&mut self, sql: &str, rows: &mut dyn Iterator<Item = Vec<Param<'_>>>) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        for params in rows {
            statement.execute(rusqlite::params_from_iter(params)).map_err(engine)?;
        }
        Ok(())
    }

    fn for_each(&mut self, sql: &str, params: &[Param<'_>], visit: &mut dyn FnMut(Row) -> Result<()>) -> Result<()> {
        let mut statement = self.prepare(sql)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params)).map_err(engine)?;
        while let Some(row) = rows.next().map_err(engine)? {
            let values = (0..columns)
                .map(|column| row.get_ref(column).map_err(engine).and_then(value))
                .collect::<Result<Vec<_>>>()?;
            visit(Row(values))?;
        }
        Ok(())
    }

    fn count_up_to(&mut self, most: i64, from: &str, params: &[Param<'_>]) -> Result<i64> {
        let tx: &mut dyn Tx = self;
        tx.number(&format!("SELECT count(*) FROM (SELECT 1 {from} LIMIT {most}) AS counted"), params)
    }

    fn upsert(&mut self, table: &str, keys: &[(&str, Param<'_>)], values: &[(&str, Param<'_>)]) -> Result<()> {
        let set: Vec<_> = names(values).iter().map(|name| format!("{name} = excluded.{name}")).collect();
        self.insert_or(table, &[keys, values].concat(), keys, &set.join(", "))
    }

    fn add(&mut self, table: &str, keys: &[(&str, Param<'_>)], column: &str, amount: i64) -> Result<()> {
        let columns = [keys, &[(column, amount.into())]].concat();
        self.insert_or(table, &columns, keys, &format!("{column} = {table}.{column} + excluded.{column}"))
    }

    fn delete_some(&mut self, table: &str) -> Result<u64> {
        self.exec(&format!("DELETE FROM {table}"), &[])
    }

    fn walking(&self, index: &str) -> String {
        if index == PRIMARY { "NOT INDEXED".to_owned() } else { format!("INDEXED BY {index}") }
    }

    fn tables(&mut self) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let found =
            tx.query("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", &[])?;
        found.into_iter().map(|mut row| row.text(0)).collect()
    }

    fn columns(&mut self, table: &str) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let found = tx.query("SELECT name FROM pragma_table_info(?)", &[table.into()])?;
        found.into_iter().map(|mut row| row.text(0)).collect()
    }

    #[cfg(test)]
    fn read_whole(&mut self, sql: &str, params: &[Param<'_>]) -> Result<Vec<String>> {
        let tx: &mut dyn Tx = self;
        let plan = tx.query(&format!("EXPLAIN QUERY PLAN {sql}"), params)?;
        let steps = plan.into_iter().map(|mut row| row.text(3)).collect::<Result<Vec<_>>>()?;
        let scans = steps.iter().filter(|step| !step.contains(" USING "));
        Ok(scans.filter_map(|step| step.strip_prefix("SCAN ")?.split(' ').next().map(str::to_owned)).collect())
    }

    fn now(&self) -> Moment {
        self.now
    }

    fn new_id(&mut self) -> i64 {
        self.ids.next(self.now.0)
    }
}

fn value(value: ValueRef<'_>) -> Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Int(number),
        ValueRef::Text(text) => Value::Text(
            String::from_utf8(text.to_vec()).map_err(|error| StorageError::Inconsistent(error.to_string()))?,
        ),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
        ValueRef::Real(number) => {
            return Err(StorageError::Inconsistent(format!("a fraction ({number}) where none is stored")));
        }
    })
}

impl ToSql for Param<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}
