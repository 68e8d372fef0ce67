//! The MariaDB engine: several programs on one database, which may be replicated on several servers.
//!
//! One program writes at a time, as on SQLite, so every rule that reads before it writes holds on both
//! engines. A write transaction first locks row 0 of `writers`, the lock of all programs, and only then
//! reads data.
//!
//! When a server fails, the closure is retried on the new primary until [`TX_TIMEOUT`]. A COMMIT whose
//! answer was lost may or may not have been executed. Each write therefore stores a marker in the
//! program's own row of `writers`. The retry first acquires the write lock (an unfinished COMMIT still
//! holds it) and looks for the marker: if it is there, the write is done; if not, the write runs again.
//! No write is applied twice, and every acknowledged write was committed.
//!
//! A program that was suspended for longer than [`NODE_EXPIRY_MS`] may find its row gone or given to another program. Its
//! writes are refused then: they would have no marker, and their identifiers might exist.

mod address;
mod diagnostics;
mod error;
mod pool;
mod replica;
mod schema;
mod tx;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use mysql::Conn;
use mysql::prelude::Queryable;

pub use self::address::{MariaDbAddress, MariaDbAddressError};
use self::error::{Retry, TxError};
use self::pool::{ConnectionPool, IS_WRITABLE, PooledConnection};
use self::tx::MariaTx;
use super::blocking::{panic_error, spawn_blocking};
use super::concurrency::{ConcurrencyLimit, Permit};
use super::schema::{MigrationReport, NEWEST};
use super::{OpenMode, Result, StorageError, StorageOptions, Tx};
use crate::id::IdGenerator;
use crate::time::{Clock, Moment};

/// How long a transaction is retried, including the wait for its permit. Longer than a promotion by MHA
/// (7 to 23 s), shorter than the timeouts of browsers and proxies.
const TX_TIMEOUT: Duration = Duration::from_secs(30);

/// Delay between two attempts.
const RETRY_DELAY: Duration = Duration::from_millis(100);

/// Largest node number. Identifiers have ten bits for it, and row 0 of `writers` is the write lock.
const MAX_NODE: i64 = 1023;

/// Age of a node's last write after which its number is reused. A running server writes several times an
/// hour.
const NODE_EXPIRY_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) struct MariaDb {
    shared: Arc<MariaDbInner>,
    write_limit: ConcurrencyLimit,
    read_limit: ConcurrencyLimit,
    migration_report: Option<MigrationReport>,
}

struct MariaDbInner {
    pool: ConnectionPool,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    /// This program's row of `writers`; 0, which writes nothing, when it was opened read-only.
    node: i64,
    /// The marker of the reserved row. Those of a program that gets the same number later are larger than any of this one.
    first_marker: i64,
    next_marker: AtomicI64,
    schema_version: i64,
    created_at: Moment,
    server_version: String,
}

/// A write whose COMMIT got no answer.
struct UncertainCommit<T> {
    marker: i64,
    answer: T,
}

/// A closure of the program that runs in a transaction.
type Work<'w, T, E> = &'w dyn Fn(&mut dyn Tx) -> Result<T, E>;

/// What opening the database found and did.
struct OpenedDatabase {
    node: i64,
    first_marker: i64,
    schema_version: i64,
    created_at: Moment,
    server_version: String,
    migration_report: Option<MigrationReport>,
}

impl MariaDb {
    pub(super) fn open(address: &MariaDbAddress, options: &StorageOptions, mode: OpenMode) -> Result<Self> {
        let pool = ConnectionPool::new(address.clone());
        let deadline = Instant::now() + TX_TIMEOUT;
        let prepared = loop {
            match prepare(&pool, options.clock.now(), mode) {
                Ok(prepared) => break prepared,
                Err(error) => back_off(error, deadline).map_err(|error| match error {
                    StorageError::Unavailable(reason) => StorageError::CannotOpen(format!("{address}: {reason}")),
                    other => other,
                })?,
            }
        };
        Ok(Self {
            write_limit: ConcurrencyLimit::new("mariadb", "write", 1),
            read_limit: ConcurrencyLimit::new("mariadb", "read", options.readers.max(1)),
            migration_report: prepared.migration_report,
            shared: Arc::new(MariaDbInner {
                pool,
                clock: Arc::clone(&options.clock),
                ids: IdGenerator::new(u16::try_from(prepared.node).unwrap_or_default()),
                node: prepared.node,
                first_marker: prepared.first_marker,
                next_marker: AtomicI64::new(prepared.first_marker + 1),
                schema_version: prepared.schema_version,
                created_at: prepared.created_at,
                server_version: prepared.server_version,
            }),
        })
    }

    pub(super) async fn write<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        if self.shared.node == 0 {
            return Err(StorageError::CannotOpen("the database was opened read-only".to_owned()).into());
        }
        self.with_permit(&self.write_limit, move |shared, deadline| shared.write(&work, deadline)).await
    }

    pub(super) async fn read<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.with_permit(&self.read_limit, move |shared, deadline| shared.read(&work, deadline)).await
    }

    pub(super) async fn read_replica<T, E>(
        &self,
        work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.with_permit(&self.read_limit, move |shared, deadline| shared.read_replica(&work, deadline)).await
    }

    /// Acquires a permit, then runs `work` on a blocking thread. One deadline limits both.
    async fn with_permit<T, E>(
        &self,
        limit: &ConcurrencyLimit,
        work: impl FnOnce(&MariaDbInner, Instant) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let deadline = Instant::now() + TX_TIMEOUT;
        let permit = acquire_before(limit, deadline).await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _permit = permit;
            work(&shared, deadline)
        })
        .await
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    pub(super) fn node(&self) -> i64 {
        self.shared.node
    }

    pub(super) fn schema_version(&self) -> i64 {
        self.shared.schema_version
    }

    pub(super) fn created_at(&self) -> Moment {
        self.shared.created_at
    }

    pub(super) fn migration_report(&self) -> Option<&MigrationReport> {
        self.migration_report.as_ref()
    }

    pub(super) fn describe(&self) -> String {
        format!("MariaDB {}", self.shared.server_version)
    }
}

async fn acquire_before(limit: &ConcurrencyLimit, deadline: Instant) -> Result<Permit> {
    let timed_out = |_| Err(StorageError::Unavailable("the wait for a permit timed out".to_owned()));
    tokio::time::timeout_at(deadline.into(), limit.acquire()).await.unwrap_or_else(timed_out)
}

/// Waits before the next attempt, or returns the error when there is none: it is permanent, or the
/// deadline is too close.
fn back_off(error: TxError, deadline: Instant) -> Result<()> {
    if error.retry == Retry::Never || Instant::now() + RETRY_DELAY >= deadline {
        return Err(error.error);
    }
    tracing::debug!(error = %error.error, "retrying a transaction");
    metrics::counter!("mukkeum_storage_retries_total").increment(1);
    std::thread::sleep(RETRY_DELAY);
    Ok(())
}

impl MariaDbInner {
    fn read<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, deadline: Instant) -> Result<T, E> {
        loop {
            match self.on_primary(deadline, |conn| self.try_read(conn, work)) {
                Ok(answer) => return answer,
                Err(error) => back_off(error, deadline)?,
            }
        }
    }

    /// Runs the closure in a read transaction that has begun, and ends it.
    fn finish_read<T, E>(&self, conn: &mut Conn, work: Work<'_, T, E>) -> Result<Result<T, E>, TxError>
    where
        E: From<StorageError>,
    {
        let answer = self.run(conn, work)?.0;
        conn.query_drop("COMMIT")?;
        Ok(answer)
    }

    fn write<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, deadline: Instant) -> Result<T, E> {
        let mut uncertain = None;
        loop {
            match self.on_primary(deadline, |conn| self.try_write(conn, work, &mut uncertain)) {
                Ok(answer) => return answer,
                Err(error) => back_off(error, deadline).map_err(|error| match uncertain {
                    Some(_) => StorageError::CommitUnknown(error.to_string()),
                    None => error,
                })?,
            }
        }
    }

    /// Makes one attempt on a connection to the primary, and returns the connection to the pool if it is
    /// still valid.
    fn on_primary<T>(
        &self,
        deadline: Instant,
        attempt: impl FnOnce(&mut Conn) -> Result<T, TxError>,
    ) -> Result<T, TxError> {
        let mut connection = self.pool.acquire(deadline)?;
        let outcome = attempt(&mut connection.conn);
        match outcome.as_ref().err().map(|error| error.retry) {
            None => self.pool.release(connection),
            Some(Retry::OtherHost) => self.pool.mark_down(&connection),
            Some(Retry::SameHost | Retry::Never) => self.return_clean(connection),
        }
        outcome
    }

    fn return_clean(&self, mut connection: PooledConnection) {
        if connection.conn.query_drop("ROLLBACK").is_ok() {
            self.pool.release(connection);
        }
    }

    fn try_read<T, E>(&self, conn: &mut Conn, work: Work<'_, T, E>) -> Result<Result<T, E>, TxError>
    where
        E: From<StorageError>,
    {
        begin(conn, START_READ, "")?;
        self.finish_read(conn, work)
    }

    fn try_write<T, E>(
        &self,
        conn: &mut Conn,
        work: Work<'_, T, E>,
        uncertain: &mut Option<UncertainCommit<T>>,
    ) -> Result<Result<T, E>, TxError>
    where
        E: From<StorageError>,
    {
        begin(conn, START_WRITE, LOCK_WRITER)?;
        if let Some(answer) = self.resolve_uncertain_commit(conn, uncertain)? {
            return Ok(Ok(answer));
        }
        let (answer, has_written) = self.run(conn, work)?;
        let answer = match answer {
            Ok(answer) if has_written => answer,
            other => {
                conn.query_drop("ROLLBACK")?;
                return Ok(other);
            }
        };
        let marker = self.next_marker.fetch_add(1, Ordering::Relaxed);
        conn.exec_drop(
            "UPDATE writers SET marker = ?, written_at = ? WHERE node = ? AND marker BETWEEN ? AND ?",
            (marker, self.clock.now().0, self.node, self.first_marker, marker),
        )?;
        if conn.affected_rows() == 0 {
            conn.query_drop("ROLLBACK")?;
            let reason = "이 프로그램이 하루 넘게 멈춰 있어서 번호가 회수됐어요. 프로그램을 다시 시작해 주세요.";
            return Err(TxError::permanent(StorageError::CannotOpen(reason.to_owned())));
        }
        match conn.query_drop("COMMIT") {
            Ok(()) => Ok(Ok(answer)),
            // Of any error here, only the marker shows whether the commit was executed.
            Err(error) => {
                *uncertain = Some(UncertainCommit { marker, answer });
                Err(TxError::connection_lost(error.to_string()))
            }
        }
    }

    /// Returns the answer of the previous attempt if its COMMIT was executed; otherwise the write must run
    /// again. Requires the write lock, which an unfinished COMMIT holds.
    fn resolve_uncertain_commit<T>(
        &self,
        conn: &mut Conn,
        uncertain: &mut Option<UncertainCommit<T>>,
    ) -> Result<Option<T>, TxError> {
        let Some(UncertainCommit { marker, .. }) = uncertain else { return Ok(None) };
        let stored: Option<i64> = conn.exec_first("SELECT marker FROM writers WHERE node = ?", (self.node,))?;
        if stored != Some(*marker) {
            *uncertain = None;
            return Ok(None);
        }
        conn.query_drop("ROLLBACK")?;
        Ok(uncertain.take().map(|commit| commit.answer))
    }

    /// Runs the closure; returns its answer and whether it may have changed data.
    fn run<T, E>(&self, conn: &mut Conn, work: Work<'_, T, E>) -> Result<(Result<T, E>, bool), TxError>
    where
        E: From<StorageError>,
    {
        let mut tx = MariaTx::new(conn, self.clock.now(), &self.ids);
        let answer = catch_unwind(AssertUnwindSafe(|| work(&mut tx)))
            .unwrap_or_else(|panic| Err(panic_error(panic.as_ref()).into()));
        match tx.aborted {
            // Regardless of the closure's answer: the server has rolled the transaction back.
            Some(error) => Err(error),
            None => Ok((answer, tx.has_written)),
        }
    }
}

const START_READ: &str = "START TRANSACTION READ ONLY";
const START_WRITE: &str = "START TRANSACTION";

/// Waits for the write lock.
const LOCK_WRITER: &str = "; SELECT marker FROM writers WHERE node = 0 FOR UPDATE";

/// Begins a transaction and checks in the same round trip that the server still is the primary.
fn begin(conn: &mut Conn, start: &str, lock: &str) -> Result<(), TxError> {
    let mut results = conn.query_iter(format!("{start}; SELECT {IS_WRITABLE}{lock}"))?;
    let mut is_writable = None;
    while let Some(set) = results.iter() {
        for row in set {
            is_writable = is_writable.or(row?.get::<i64, _>(0));
        }
    }
    drop(results);
    if is_writable == Some(1) { Ok(()) } else { Err(TxError::not_primary()) }
}

/// Checks, builds or migrates the schema as `mode` allows, and reserves a node number unless `mode` is
/// read-only.
fn prepare(pool: &ConnectionPool, now: Moment, mode: OpenMode) -> Result<OpenedDatabase, TxError> {
    let mut conn = pool.connect_without_timeout()?;
    let found = schema::version(&mut conn)?;
    mode.check_version(found, NEWEST.version).map_err(TxError::permanent)?;
    let server_version: Option<String> = conn.query_first("SELECT version()")?;
    let server_version = server_version.unwrap_or_default().split('-').next().unwrap_or_default().to_owned();
    if mode == OpenMode::ReadOnly {
        let created_at = schema::created_at(&mut conn)?;
        return Ok(OpenedDatabase {
            node: 0,
            first_marker: 0,
            schema_version: found,
            created_at,
            server_version,
            migration_report: None,
        });
    }
    let migration_report = schema::migrate(&mut conn, &NEWEST, now, schema::LOCK_TIMEOUT)?;
    let node = reserve_node(&mut conn, now)?;
    let created_at = schema::created_at(&mut conn)?;
    Ok(OpenedDatabase {
        node,
        first_marker: now.0,
        schema_version: NEWEST.version,
        created_at,
        server_version,
        migration_report,
    })
}

fn reserve_node(conn: &mut Conn, now: Moment) -> Result<i64, TxError> {
    conn.query_drop("INSERT IGNORE INTO writers (node, marker, written_at) VALUES (0, 0, 0)")?;
    begin(conn, START_WRITE, LOCK_WRITER)?;
    conn.exec_drop("DELETE FROM writers WHERE node > 0 AND written_at < ?", (now.0 - NODE_EXPIRY_MS,))?;
    let reserved: Vec<i64> = conn.query("SELECT node FROM writers")?;
    let node = free_node(&reserved)?;
    conn.exec_drop("INSERT INTO writers (node, marker, written_at) VALUES (?, ?, ?)", (node, now.0, now.0))?;
    conn.query_drop("COMMIT")?;
    Ok(node)
}

/// The first free number after a random one.
fn free_node(reserved: &[i64]) -> Result<i64, TxError> {
    let failed = |reason: String| TxError::permanent(StorageError::CannotOpen(reason));
    let mut random = [0; 2];
    getrandom::fill(&mut random).map_err(|error| failed(error.to_string()))?;
    let start = i64::from(u16::from_le_bytes(random));
    (0..MAX_NODE)
        .map(|step| 1 + (start + step) % MAX_NODE)
        .find(|node| !reserved.contains(node))
        .ok_or_else(|| failed(format!("{MAX_NODE} programs have written to this database within a day")))
}
