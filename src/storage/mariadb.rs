//! The MariaDB engine: several programs on one database, which may be several servers.
//!
//! One program writes at a time, as with SQLite, and so every rule of the rooms that reads before
//! it writes holds on both engines. A write begins by locking row 0 of `writers`, which is the turn
//! of all programs, and only then looks at the data.
//!
//! When a server dies, the same closure is run again on the primary that there is then, up to
//! [`DEADLINE`]. A COMMIT whose answer was lost may have been carried out or not. Each write
//! therefore leaves its number in the program's own row of `writers`; the next attempt, having got
//! the turn (which an unfinished COMMIT still holds), finds that number, and the write is done, or
//! does not find it, and the write is run again. Nothing is applied twice, and what was
//! acknowledged was committed.

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
use super::{Result, StorageError, StorageOptions, Tx};
use crate::id::IdGenerator;
use crate::time::{Clock, Moment};

/// How long a transaction is tried, from the moment it was asked for: longer than MHA takes to
/// promote a replica (7 to 23 s), shorter than a person or a proxy waits.
const DEADLINE: Duration = Duration::from_secs(30);

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(100);

/// Numbers of programs that write; identifiers have ten bits for them, and 0 is the turn.
const NODES: i64 = 1023;

/// A program that has written nothing for so long is gone, and its number free. A server writes
/// several times an hour.
const GONE_MS: i64 = 24 * 60 * 60 * 1000;

pub(super) struct MariaDb {
    shared: Arc<Shared>,
    write_limit: ConcurrencyLimit,
    read_limit: ConcurrencyLimit,
}

struct Shared {
    pool: ConnectionPool,
    clock: Arc<dyn Clock>,
    ids: IdGenerator,
    /// this program's row of `writers`
    node: i64,
    writes: AtomicI64,
    version: String,
}

/// A write whose COMMIT got no answer.
struct UncertainCommit<T> {
    marker: i64,
    answer: T,
}

type Work<'w, T, E> = &'w dyn Fn(&mut dyn Tx) -> Result<T, E>;

impl MariaDb {
    pub(super) fn open(address: &MariaDbAddress, options: &StorageOptions) -> Result<Self> {
        let hosts = ConnectionPool::new(address.clone());
        let until = Instant::now() + DEADLINE;
        let (node, version) = loop {
            match prepare(&hosts, options.clock.now()) {
                Ok(prepared) => break prepared,
                Err(error) => wait(error, until).map_err(|error| match error {
                    StorageError::Unavailable(reason) => StorageError::CannotOpen(format!("{address}: {reason}")),
                    other => other,
                })?,
            }
        };
        Ok(Self {
            write_limit: ConcurrencyLimit::new("mariadb", "write", 1),
            read_limit: ConcurrencyLimit::new("mariadb", "read", options.readers.max(1)),
            shared: Arc::new(Shared {
                pool: hosts,
                clock: Arc::clone(&options.clock),
                ids: IdGenerator::new(u16::try_from(node).unwrap_or_default()),
                node,
                writes: AtomicI64::new(options.clock.now().0),
                version,
            }),
        })
    }

    pub(super) async fn write<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.with_permit(&self.write_limit, move |shared, until| shared.write(&work, until)).await
    }

    pub(super) async fn read<T, E>(&self, work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.with_permit(&self.read_limit, move |shared, until| shared.read(&work, until)).await
    }

    pub(super) async fn read_replica<T, E>(
        &self,
        work: impl Fn(&mut dyn Tx) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.with_permit(&self.read_limit, move |shared, until| shared.read_replica(&work, until)).await
    }

    /// Waits for a turn and then works on a thread, both until the same moment.
    async fn with_permit<T, E>(
        &self,
        turns: &ConcurrencyLimit,
        work: impl FnOnce(&Shared, Instant) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let until = Instant::now() + DEADLINE;
        let turn = turn(turns, until).await?;
        let shared = Arc::clone(&self.shared);
        spawn_blocking(move || {
            let _turn = turn;
            work(&shared, until)
        })
        .await
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.shared.clock
    }

    pub(super) fn node(&self) -> i64 {
        self.shared.node
    }

    pub(super) fn describe(&self) -> String {
        format!("MariaDB {}", self.shared.version)
    }
}

async fn turn(turns: &ConcurrencyLimit, until: Instant) -> Result<Permit> {
    let late = |_| Err(StorageError::Unavailable("no turn came before the deadline".to_owned()));
    tokio::time::timeout_at(until.into(), turns.acquire()).await.unwrap_or_else(late)
}

/// Waits a moment before the next attempt, or says that there is to be none.
fn wait(error: TxError, until: Instant) -> Result<()> {
    if error.retry == Retry::Never || Instant::now() + PAUSE >= until {
        return Err(error.error);
    }
    tracing::debug!(error = %error.error, "a transaction is tried again");
    metrics::counter!("mukkeum_storage_retries_total").increment(1);
    std::thread::sleep(PAUSE);
    Ok(())
}

impl Shared {
    fn read<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, until: Instant) -> Result<T, E> {
        loop {
            match self.on_primary(until, |conn| self.try_read(conn, work)) {
                Ok(answer) => return answer,
                Err(error) => wait(error, until)?,
            }
        }
    }

    fn finish_read<T, E>(&self, conn: &mut Conn, work: Work<'_, T, E>) -> Result<Result<T, E>, TxError>
    where
        E: From<StorageError>,
    {
        let answer = self.run(conn, work)?.0;
        conn.query_drop("COMMIT")?;
        Ok(answer)
    }

    fn write<T, E: From<StorageError>>(&self, work: Work<'_, T, E>, until: Instant) -> Result<T, E> {
        let mut unsettled = None;
        loop {
            match self.on_primary(until, |conn| self.try_write(conn, work, &mut unsettled)) {
                Ok(answer) => return answer,
                Err(error) => wait(error, until).map_err(|error| match unsettled {
                    Some(_) => StorageError::CommitUnknown(error.to_string()),
                    None => error,
                })?,
            }
        }
    }

    /// Lends a connection to the primary, and keeps it when it is still sound afterwards.
    fn on_primary<T>(
        &self,
        until: Instant,
        attempt: impl FnOnce(&mut Conn) -> Result<T, TxError>,
    ) -> Result<T, TxError> {
        let mut lease = self.pool.lease(until)?;
        let outcome = attempt(&mut lease.conn);
        match outcome.as_ref().err().map(|error| error.retry) {
            None => self.pool.give_back(lease),
            Some(Retry::OtherHost) => self.pool.mark_down(&lease),
            Some(Retry::SameHost | Retry::Never) => self.return_clean(lease),
        }
        outcome
    }

    fn return_clean(&self, mut lease: PooledConnection) {
        if lease.conn.query_drop("ROLLBACK").is_ok() {
            self.pool.give_back(lease);
        }
    }

    fn try_read<T, E>(&self, conn: &mut Conn, work: Work<'_, T, E>) -> Result<Result<T, E>, TxError>
    where
        E: From<StorageError>,
    {
        begin(conn, READ, "")?;
        self.finish_read(conn, work)
    }

    fn try_write<T, E>(
        &self,
        conn: &mut Conn,
        work: Work<'_, T, E>,
        unsettled: &mut Option<UncertainCommit<T>>,
    ) -> Result<Result<T, E>, TxError>
    where
        E: From<StorageError>,
    {
        begin(conn, "START TRANSACTION", LOCK_WRITER)?;
        if let Some(UncertainCommit { marker, .. }) = unsettled {
            let last: Option<i64> = conn.exec_first("SELECT marker FROM writers WHERE node = ?", (self.node,))?;
            if last == Some(*marker) {
                conn.query_drop("ROLLBACK")?;
                return Ok(Ok(unsettled.take().map(|write| write.answer).ok_or_else(no_uncertain_commit)?));
            }
            *unsettled = None;
        }
        let (answer, wrote) = self.run(conn, work)?;
        let answer = match answer {
            Ok(answer) if wrote => answer,
            other => {
                conn.query_drop("ROLLBACK")?;
                return Ok(other);
            }
        };
        let marker = self.writes.fetch_add(1, Ordering::Relaxed);
        conn.exec_drop(
            "UPDATE writers SET marker = ?, at = ? WHERE node = ?",
            (marker, self.clock.now().0, self.node),
        )?;
        match conn.query_drop("COMMIT") {
            Ok(()) => Ok(Ok(answer)),
            // Whatever went wrong here, only the marker tells whether it was before or after.
            Err(error) => {
                *unsettled = Some(UncertainCommit { marker, answer });
                Err(TxError::connection_lost(error.to_string()))
            }
        }
    }

    /// Runs the closure; tells what it answered and whether it may have changed anything.
    fn run<T, E>(&self, conn: &mut Conn, work: Work<'_, T, E>) -> Result<(Result<T, E>, bool), TxError>
    where
        E: From<StorageError>,
    {
        let mut tx = MariaTx::new(conn, self.clock.now(), &self.ids);
        let answer = catch_unwind(AssertUnwindSafe(|| work(&mut tx)))
            .unwrap_or_else(|panic| Err(panic_error(panic.as_ref()).into()));
        match tx.ended {
            // Whatever the closure made of it: the transaction is gone.
            Some(error) => Err(error),
            None => Ok((answer, tx.wrote)),
        }
    }
}

fn no_uncertain_commit() -> TxError {
    TxError { error: StorageError::Inconsistent("no write is unsettled".to_owned()), retry: Retry::Never }
}

const READ: &str = "START TRANSACTION READ ONLY";

/// Waits until no other program writes.
const LOCK_WRITER: &str = "; SELECT marker FROM writers WHERE node = 0 FOR UPDATE";

/// Begins a transaction, if this still is the primary.
fn begin(conn: &mut Conn, begin: &str, more: &str) -> Result<(), TxError> {
    let mut answers = conn.query_iter(format!("{begin}; SELECT {IS_WRITABLE}{more}"))?;
    let mut first_number = None;
    while let Some(set) = answers.iter() {
        for row in set {
            first_number = first_number.or(row?.get::<i64, _>(0));
        }
    }
    drop(answers);
    if first_number == Some(1) {
        Ok(())
    } else {
        Err(TxError::connection_lost("this server is not the primary any more"))
    }
}

/// Builds or upgrades the schema and gives this program its number.
fn prepare(hosts: &ConnectionPool, now: Moment) -> Result<(i64, String), TxError> {
    let mut conn = hosts.without_timeout()?;
    schema::upgrade(&mut conn, now)?;
    conn.query_drop("INSERT IGNORE INTO writers (node, marker, at) VALUES (0, 0, 0)")?;
    begin(&mut conn, "START TRANSACTION", LOCK_WRITER)?;
    conn.exec_drop("DELETE FROM writers WHERE node > 0 AND at < ?", (now.0 - GONE_MS,))?;
    let taken: Vec<i64> = conn.query("SELECT node FROM writers")?;
    let node = free_node(&taken)?;
    conn.exec_drop("INSERT INTO writers (node, marker, at) VALUES (?, 0, ?)", (node, now.0))?;
    conn.query_drop("COMMIT")?;
    let version: Option<String> = conn.query_first("SELECT version()")?;
    let version = version.unwrap_or_default();
    Ok((node, version.split('-').next().unwrap_or_default().to_owned()))
}

/// A number that no program has, beginning anywhere.
fn free_node(taken: &[i64]) -> Result<i64, TxError> {
    let refused = |reason: String| TxError { error: StorageError::CannotOpen(reason), retry: Retry::Never };
    let mut random = [0; 2];
    getrandom::fill(&mut random).map_err(|error| refused(error.to_string()))?;
    let from = i64::from(u16::from_le_bytes(random));
    (0..NODES)
        .map(|step| 1 + (from + step) % NODES)
        .find(|node| !taken.contains(node))
        .ok_or_else(|| refused(format!("{NODES} programs have written here within a day")))
}
