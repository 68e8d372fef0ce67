//! The servers of one database: which is the primary, and connections to it.
//!
//! The primary is the one server that is writable, whichever that is now. It is looked for when the
//! one known so far is lost or has become read-only, on all hosts at once. Two writable servers are
//! two histories of the shop: then nobody is asked, until somebody has put that right.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use mysql::consts::CapabilityFlags;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, SslOpts};

use super::address::{MariaDbAddress, Tls};
use super::error::{Retry, TxError};
use crate::storage::blocking::lock;

/// How long a server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);

/// How long a server may be silent in the midst of an answer. A lock is waited for less long
/// ([`SESSION`]), and no page takes so long.
const SILENCE: Duration = Duration::from_secs(10);

/// How long one look at all hosts goes on: a replica that is to be promoted becomes writable meanwhile.
const LOOK: Duration = Duration::from_secs(3);

/// Between two questions to the same host.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// How long a look goes on after a writable host was found, to see whether there are two.
const SECOND_LOOK: Duration = Duration::from_millis(200);

/// How long a replica that was late or away is not asked.
const QUARANTINE_DURATION: Duration = Duration::from_secs(10);

/// Prepared statements kept by each connection.
const STATEMENTS: usize = 256;

/// What makes a session agree with SQLite: `"x"` is a name, `||` joins, `\` is a letter, a value
/// that does not fit is an error, all of an UPDATE sees the row as it was, text compares by its
/// bytes and trailing blanks count. The server ends a transaction whose program fell silent, so
/// that it cannot hold up the others' turn.
const SESSION: &str = "SET SESSION \
    sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,SIMULTANEOUS_ASSIGNMENT,\
NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
    NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, time_zone = '+00:00', tx_isolation = 'REPEATABLE-READ', \
    innodb_lock_wait_timeout = 8, idle_transaction_timeout = 20";

/// The servers, and the connections to the primary that nobody uses just now.
pub(super) struct ConnectionPool {
    address: Arc<MariaDbAddress>,
    known: Mutex<HostState>,
    /// held while the primary is looked for, so that one looks and the others wait for the answer
    looking: Mutex<()>,
}

#[derive(Default)]
struct HostState {
    /// the place of the primary among the hosts
    primary: Option<usize>,
    /// that of the one before, while none is known
    former: Option<usize>,
    /// raised whenever the primary is given up; a connection of an earlier one is not kept
    era: u64,
    idle: Vec<Conn>,
    /// connections to replicas that nobody uses just now
    replicas: Vec<Replica>,
    /// hosts that were late or away as replicas, and until when they are not asked again
    quarantined: HashMap<usize, Instant>,
}

/// A connection to the primary.
pub(super) struct PooledConnection {
    pub(super) conn: Conn,
    era: u64,
}

/// A connection to a server that is not the primary.
pub(super) struct Replica {
    pub(super) conn: Conn,
    host: usize,
    era: u64,
}

impl ConnectionPool {
    pub(super) fn new(address: MariaDbAddress) -> Self {
        Self { address: Arc::new(address), known: Mutex::default(), looking: Mutex::default() }
    }

    /// A connection to the primary: one that is free, or a new one. A primary that is not known is
    /// looked for, but not beyond `until`.
    pub(super) fn lease(&self, until: Instant) -> Result<PooledConnection, TxError> {
        let (primary, era) = {
            let mut known = lock(&self.known);
            if let Some(conn) = known.idle.pop() {
                return Ok(PooledConnection { conn, era: known.era });
            }
            (known.primary, known.era)
        };
        let (primary, era) = match primary {
            Some(primary) => (primary, era),
            None => self.find_or_wait(until)?,
        };
        match connect(&self.address, primary, SILENCE) {
            Ok(conn) => Ok(PooledConnection { conn, era }),
            Err(error) => {
                self.give_up(era);
                Err(error)
            }
        }
    }

    /// Takes back a connection that is sound.
    pub(super) fn give_back(&self, lease: PooledConnection) {
        let mut known = lock(&self.known);
        if known.era == lease.era {
            known.idle.push(lease.conn);
        }
    }

    /// The server of this connection is lost, or is the primary no more.
    pub(super) fn mark_down(&self, lease: &PooledConnection) {
        self.give_up(lease.era);
    }

    fn give_up(&self, era: u64) {
        let dropped = {
            let mut known = lock(&self.known);
            if known.era != era {
                return;
            }
            known.era += 1;
            known.former = known.primary.take().or(known.former);
            known.quarantined.clear();
            (std::mem::take(&mut known.idle), std::mem::take(&mut known.replicas))
        };
        metrics::counter!("mukkeum_storage_primary_lost_total").increment(1);
        drop(dropped);
    }

    /// A connection of its own, which may be silent as long as it likes: building an index of a
    /// large table takes its time.
    pub(super) fn without_timeout(&self) -> Result<Conn, TxError> {
        let (primary, _) = self.find_or_wait(Instant::now() + LOOK)?;
        connect(&self.address, primary, Duration::from_hours(6))
    }

    /// How far behind a replica may be that heavy reads go to; None: they go to none.
    pub(super) fn max_lag(&self) -> Option<Duration> {
        self.address.max_lag
    }

    /// A connection to a host that is not the primary, if one is not left alone just now.
    pub(super) fn replica(&self) -> Option<Replica> {
        let (primary, era) = {
            let mut known = lock(&self.known);
            if let Some(replica) = known.replicas.pop() {
                return Some(replica);
            }
            (known.primary?, known.era)
        };
        (0..self.address.hosts.len()).filter(|host| *host != primary && !self.is_quarantined(*host)).find_map(|host| {
            let found = connect(&self.address, host, SILENCE).ok();
            if found.is_none() {
                lock(&self.known).quarantined.insert(host, Instant::now() + QUARANTINE_DURATION);
            }
            found.map(|conn| Replica { conn, host, era })
        })
    }

    /// Takes back a connection to a replica that has answered.
    pub(super) fn give_back_replica(&self, replica: Replica) {
        let mut known = lock(&self.known);
        if known.era == replica.era {
            known.replicas.push(replica);
        }
    }

    /// This replica is late: others are asked for a while, and connections to it are not kept.
    pub(super) fn quarantine(&self, replica: &Replica) {
        let mut known = lock(&self.known);
        known.quarantined.insert(replica.host, Instant::now() + QUARANTINE_DURATION);
        let of_it = |other: &mut Replica| other.host == replica.host;
        let dropped: Vec<_> = known.replicas.extract_if(.., of_it).collect();
        drop((known, dropped));
    }

    fn is_quarantined(&self, host: usize) -> bool {
        lock(&self.known).quarantined.get(&host).is_some_and(|until| Instant::now() < *until)
    }

    fn find_or_wait(&self, until: Instant) -> Result<(usize, u64), TxError> {
        let _looking = lock(&self.looking);
        let era = {
            let known = lock(&self.known);
            if let Some(primary) = known.primary {
                return Ok((primary, known.era));
            }
            known.era
        };
        if Instant::now() >= until {
            return Err(TxError::connection_lost("no primary was found before the deadline"));
        }
        let primary = find_primary(&self.address, until)?;
        let (host, port) = &self.address.hosts[primary];
        tracing::info!(host, port, "found the database's primary");
        let mut known = lock(&self.known);
        known.primary = Some(primary);
        if known.former.is_some_and(|former| former != primary) {
            metrics::counter!("mukkeum_storage_failovers_total").increment(1);
        }
        Ok((primary, era))
    }
}

/// Asks all hosts at once which of them is writable, again and again, so that a host that is gone
/// holds up nobody who waits for another to be promoted.
fn find_primary(address: &Arc<MariaDbAddress>, until: Instant) -> Result<usize, TxError> {
    let mut until = until.min(Instant::now() + LOOK);
    let (tell, told) = channel();
    for host in 0..address.hosts.len() {
        let (address, tell) = (Arc::clone(address), tell.clone());
        std::thread::spawn(move || watch(&address, host, until, &tell));
    }
    drop(tell);
    let mut said: Vec<_> = address.hosts.iter().map(|_| None).collect();
    let is_writable = |answer: &Option<Result<bool, TxError>>| matches!(answer, Some(Ok(true)));
    while let Ok((host, answer)) = told.recv_timeout(until.saturating_duration_since(Instant::now())) {
        said[host] = Some(answer);
        if said.iter().any(is_writable) {
            until = until.min(Instant::now() + SECOND_LOOK);
            if said.iter().all(Option::is_some) {
                break;
            }
        }
    }
    let writable: Vec<_> = (0..said.len()).filter(|host| is_writable(&said[*host])).collect();
    match writable[..] {
        [primary] => Ok(primary),
        [] => Err(most_informative(address, said)),
        [one, other, ..] => Err(TxError::connection_lost(format!(
            "{} and {} are both writable: one of them must be stopped",
            address.hosts[one].0, address.hosts[other].0
        ))),
    }
}

/// Asks a host until it is writable, until asking is of no use, or until nobody listens any more.
fn watch(address: &MariaDbAddress, host: usize, until: Instant, tell: &Sender<(usize, Result<bool, TxError>)>) {
    let mut open = None;
    loop {
        let answer = is_writable(address, host, &mut open);
        let is_last = match &answer {
            Ok(is_writable) => *is_writable,
            Err(error) => error.retry == Retry::Never,
        };
        if tell.send((host, answer)).is_err() || is_last || Instant::now() + ASK_AGAIN >= until {
            return;
        }
        std::thread::sleep(ASK_AGAIN);
    }
}

/// What the person should hear when no host is writable: a wrong password before a host that is away.
fn most_informative(address: &MariaDbAddress, said: Vec<Option<Result<bool, TxError>>>) -> TxError {
    let (mut named, mut texts) = (None, Vec::new());
    for ((host, _), answer) in address.hosts.iter().zip(said) {
        match answer {
            Some(Err(error)) if error.retry == Retry::Never => named = named.or(Some(error)),
            Some(Err(error)) => texts.push(format!("{host}: {}", error.error)),
            Some(Ok(_)) => texts.push(format!("{host} is read-only")),
            None => texts.push(format!("{host} does not answer")),
        }
    }
    named.unwrap_or_else(|| TxError::connection_lost(format!("no host is writable ({})", texts.join("; "))))
}

/// Asks through the connection that is open, or a new one.
fn is_writable(address: &MariaDbAddress, host: usize, open: &mut Option<Conn>) -> Result<bool, TxError> {
    let mut conn = match open.take() {
        Some(conn) => conn,
        None => connect_briefly(address, host)?,
    };
    let is_writable = conn.query_first(format!("SELECT {IS_WRITABLE}"))? == Some(1);
    *open = Some(conn);
    Ok(is_writable)
}

/// A connection for a look.
pub(super) fn connect_briefly(address: &MariaDbAddress, host: usize) -> Result<Conn, TxError> {
    connect(address, host, CONNECT)
}

/// 1 on the primary.
pub(super) const IS_WRITABLE: &str = "CAST(@@global.read_only AS CHAR) IN ('0', 'OFF')";

fn connect(address: &MariaDbAddress, host: usize, silence: Duration) -> Result<Conn, TxError> {
    let (host, port) = &address.hosts[host];
    let tls = match &address.tls {
        Tls::Off => None,
        Tls::On { authority } => {
            if let Some(file) = authority {
                File::open(file).map_err(|error| TxError::unreadable(file, &error))?;
            }
            Some(SslOpts::default().with_root_cert_path(authority.clone()))
        }
    };
    let options = OptsBuilder::new()
        .ip_or_hostname(Some(host))
        .tcp_port(*port)
        .user(Some(&address.user))
        .pass(Some(&address.password))
        .db_name(Some(&address.name))
        .prefer_socket(false)
        .ssl_opts(tls)
        .tcp_connect_timeout(Some(CONNECT))
        .read_timeout(Some(silence))
        .write_timeout(Some(silence.min(SILENCE)))
        .tcp_keepalive_time_ms(Some(2000))
        .stmt_cache_size(STATEMENTS)
        // An UPDATE tells how many rows it found, as SQLite does, not how many it changed.
        .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
        .init(vec![SESSION]);
    Conn::new(with_keepalive(options)).map_err(|error| TxError::of_connecting(host, error))
}

/// A host that is cut off is noticed within a few seconds: nobody says goodbye then.
#[cfg(target_os = "linux")]
fn with_keepalive(options: OptsBuilder) -> OptsBuilder {
    options
        .tcp_keepalive_probe_interval_secs(Some(1))
        .tcp_keepalive_probe_count(Some(3))
        .tcp_user_timeout_ms(Some(4000))
}

#[cfg(not(target_os = "linux"))]
fn with_keepalive(options: OptsBuilder) -> OptsBuilder {
    options
}
