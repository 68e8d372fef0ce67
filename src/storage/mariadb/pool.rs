//! Connection pool: finds the primary among the hosts of the address and keeps connections to it.
//!
//! The primary is the one writable host. It is determined again when its connection is lost or it has
//! become read-only, by probing all hosts concurrently. Two writable hosts mean diverging data: no
//! connection is handed out until an operator has fixed that.

use std::collections::HashMap;
use std::fs::File;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use mysql::consts::CapabilityFlags;
use mysql::prelude::Queryable;
use mysql::{Conn, DriverError, Error, OptsBuilder, SslOpts};

use super::address::{MariaDbAddress, TlsMode};
use super::error::{Retry, TxError};
use crate::storage::blocking::lock;

/// Timeout of establishing a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);

/// Read timeout of a connection. Longer than the lock wait timeout ([`SESSION_SETTINGS`]) and than any
/// query of a page.
const READ_TIMEOUT: Duration = Duration::from_secs(10);

/// Read timeout of a connection that migrates: building an index of a large table takes long.
const MIGRATION_READ_TIMEOUT: Duration = Duration::from_hours(6);

/// How long one round of probing waits for a writable host, for example for a promotion.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

/// Delay between two probes of a host.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// How long probing continues after the first writable host, to detect a second one.
const SPLIT_BRAIN_CHECK: Duration = Duration::from_millis(200);

/// How long a replica that lagged or was unreachable is not used.
const QUARANTINE: Duration = Duration::from_secs(10);

/// Capacity of a connection's statement cache.
const CACHED_STATEMENTS: usize = 256;

/// Session settings that make MariaDB behave like SQLite: `"x"` is an identifier, `||` concatenates, `\`
/// is a normal character, a value that does not fit is an error, all assignments of an UPDATE see the old
/// row, and text compares by bytes including trailing spaces. `idle_transaction_timeout` ends the
/// transaction of a hung program, which would otherwise hold the write lock.
const SESSION_SETTINGS: &str = "SET SESSION \
    sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES,SIMULTANEOUS_ASSIGNMENT,\
NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
    NAMES utf8mb4 COLLATE utf8mb4_nopad_bin, time_zone = '+00:00', tx_isolation = 'REPEATABLE-READ', \
    innodb_lock_wait_timeout = 8, idle_transaction_timeout = 20";

/// SQL expression: 1 on the primary.
pub(super) const IS_WRITABLE: &str = "CAST(@@global.read_only AS CHAR) IN ('0', 'OFF')";

/// Connections to the hosts of one address.
pub(super) struct ConnectionPool {
    address: Arc<MariaDbAddress>,
    state: Mutex<HostState>,
    /// Held while the primary is determined: one thread probes, the others wait for its result.
    probing: Mutex<()>,
}

#[derive(Default)]
struct HostState {
    /// index of the primary among the hosts
    primary: Option<usize>,
    /// index of the previous primary, while none is known
    former: Option<usize>,
    /// Increases when the primary is marked down; connections of an earlier epoch are not pooled.
    epoch: u64,
    idle: Vec<Conn>,
    /// idle connections to replicas
    replicas: Vec<ReplicaConnection>,
    /// hosts that are not used as replicas, and until when
    quarantined: HashMap<usize, Instant>,
}

/// A connection to the primary.
pub(super) struct PooledConnection {
    pub(super) conn: Conn,
    epoch: u64,
}

/// A connection to a host that is not the primary.
pub(super) struct ReplicaConnection {
    pub(super) conn: Conn,
    host: usize,
    epoch: u64,
}

impl ConnectionPool {
    pub(super) fn new(address: MariaDbAddress) -> Self {
        Self { address: Arc::new(address), state: Mutex::default(), probing: Mutex::default() }
    }

    /// An idle or new connection to the primary. Determines the primary if necessary, but not beyond
    /// `deadline`.
    pub(super) fn acquire(&self, deadline: Instant) -> Result<PooledConnection, TxError> {
        let (primary, epoch) = {
            let mut state = lock(&self.state);
            if let Some(conn) = state.idle.pop() {
                return Ok(PooledConnection { conn, epoch: state.epoch });
            }
            (state.primary, state.epoch)
        };
        let (primary, epoch) = match primary {
            Some(primary) => (primary, epoch),
            None => self.determine_primary(deadline)?,
        };
        match connect(&self.address, primary, READ_TIMEOUT) {
            Ok(conn) => Ok(PooledConnection { conn, epoch }),
            Err(error) => {
                self.forget_primary(epoch);
                Err(error)
            }
        }
    }

    /// Returns a valid connection to the pool.
    pub(super) fn release(&self, connection: PooledConnection) {
        let mut state = lock(&self.state);
        if state.epoch == connection.epoch {
            state.idle.push(connection.conn);
        }
    }

    /// Marks the primary of this connection as down or demoted.
    pub(super) fn mark_down(&self, connection: &PooledConnection) {
        self.forget_primary(connection.epoch);
    }

    fn forget_primary(&self, epoch: u64) {
        let dropped = {
            let mut state = lock(&self.state);
            if state.epoch != epoch {
                return;
            }
            state.epoch += 1;
            state.former = state.primary.take().or(state.former);
            state.quarantined.clear();
            (std::mem::take(&mut state.idle), std::mem::take(&mut state.replicas))
        };
        metrics::counter!("mukkeum_storage_primary_lost_total").increment(1);
        drop(dropped);
    }

    /// A connection to the primary for migrations: not pooled, practically without read timeout.
    pub(super) fn connect_without_timeout(&self) -> Result<Conn, TxError> {
        let (primary, _) = self.determine_primary(Instant::now() + PROBE_TIMEOUT)?;
        connect(&self.address, primary, MIGRATION_READ_TIMEOUT)
    }

    /// Maximum lag of a replica that is read from; None: replicas are not used.
    pub(super) fn max_lag(&self) -> Option<Duration> {
        self.address.max_lag
    }

    /// A connection to a host that is neither the primary nor quarantined.
    pub(super) fn acquire_replica(&self) -> Option<ReplicaConnection> {
        let (primary, epoch) = {
            let mut state = lock(&self.state);
            if let Some(replica) = state.replicas.pop() {
                return Some(replica);
            }
            (state.primary?, state.epoch)
        };
        let is_candidate = |host: &usize| *host != primary && !self.is_quarantined(*host);
        (0..self.address.hosts.len()).filter(is_candidate).find_map(|host| {
            let connected = connect(&self.address, host, READ_TIMEOUT).ok();
            if connected.is_none() {
                lock(&self.state).quarantined.insert(host, Instant::now() + QUARANTINE);
            }
            connected.map(|conn| ReplicaConnection { conn, host, epoch })
        })
    }

    /// Returns a valid connection to a replica to the pool.
    pub(super) fn release_replica(&self, replica: ReplicaConnection) {
        let mut state = lock(&self.state);
        if state.epoch == replica.epoch {
            state.replicas.push(replica);
        }
    }

    /// Stops using a lagging replica for [`QUARANTINE`] and closes its idle connections.
    pub(super) fn quarantine(&self, replica: &ReplicaConnection) {
        let mut state = lock(&self.state);
        state.quarantined.insert(replica.host, Instant::now() + QUARANTINE);
        let is_same_host = |other: &mut ReplicaConnection| other.host == replica.host;
        let dropped: Vec<_> = state.replicas.extract_if(.., is_same_host).collect();
        drop((state, dropped));
    }

    fn is_quarantined(&self, host: usize) -> bool {
        lock(&self.state).quarantined.get(&host).is_some_and(|until| Instant::now() < *until)
    }

    /// The known primary, or the result of probing; with the epoch of its connections.
    fn determine_primary(&self, deadline: Instant) -> Result<(usize, u64), TxError> {
        let _probing = lock(&self.probing);
        let epoch = {
            let state = lock(&self.state);
            if let Some(primary) = state.primary {
                return Ok((primary, state.epoch));
            }
            state.epoch
        };
        if Instant::now() >= deadline {
            return Err(TxError::connection_lost("no primary was found before the deadline"));
        }
        let primary = find_primary(&self.address, deadline)?;
        let (host, port) = &self.address.hosts[primary];
        tracing::info!(host, port, "쓰기를 받는 데이터베이스를 찾았어요");
        let mut state = lock(&self.state);
        state.primary = Some(primary);
        if state.former.is_some_and(|former| former != primary) {
            metrics::counter!("mukkeum_storage_failovers_total").increment(1);
        }
        Ok((primary, epoch))
    }
}

/// Whether a host is writable.
type ProbeResult = Result<bool, TxError>;

/// Probes all hosts concurrently and repeatedly, so that an unreachable host does not delay the detection
/// of a promoted one.
fn find_primary(address: &Arc<MariaDbAddress>, deadline: Instant) -> Result<usize, TxError> {
    let mut deadline = deadline.min(Instant::now() + PROBE_TIMEOUT);
    let (sender, results) = channel();
    for host in 0..address.hosts.len() {
        let (address, sender) = (Arc::clone(address), sender.clone());
        std::thread::spawn(move || probe_until(&address, host, deadline, &sender));
    }
    drop(sender);
    let mut newest: Vec<Option<ProbeResult>> = address.hosts.iter().map(|_| None).collect();
    let is_writable = |result: &Option<ProbeResult>| matches!(result, Some(Ok(true)));
    while let Ok((host, result)) = results.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        newest[host] = Some(result);
        if newest.iter().any(is_writable) {
            deadline = deadline.min(Instant::now() + SPLIT_BRAIN_CHECK);
            if newest.iter().all(Option::is_some) {
                break;
            }
        }
    }
    let writable: Vec<_> = (0..newest.len()).filter(|host| is_writable(&newest[*host])).collect();
    match writable[..] {
        [primary] => Ok(primary),
        [] => Err(most_informative(address, newest)),
        [one, other, ..] => Err(TxError::connection_lost(format!(
            "{} and {} are both writable: one of them must be stopped",
            address.hosts[one].0, address.hosts[other].0
        ))),
    }
}

/// Probes a host until it is writable, a retry is pointless, the deadline has passed or the receiver is gone.
fn probe_until(address: &MariaDbAddress, host: usize, deadline: Instant, results: &Sender<(usize, ProbeResult)>) {
    let mut idle = None;
    loop {
        let result = probe(address, host, &mut idle);
        let is_final = match &result {
            Ok(is_writable) => *is_writable,
            Err(error) => error.retry == Retry::Never,
        };
        if results.send((host, result)).is_err() || is_final || Instant::now() + PROBE_INTERVAL >= deadline {
            return;
        }
        std::thread::sleep(PROBE_INTERVAL);
    }
}

/// The error to report when no host is writable: a permanent one, such as a wrong password, rather than an
/// unreachable host.
fn most_informative(address: &MariaDbAddress, results: Vec<Option<ProbeResult>>) -> TxError {
    let (mut permanent, mut reasons) = (None, Vec::new());
    for ((host, _), result) in address.hosts.iter().zip(results) {
        match result {
            Some(Err(error)) if error.retry == Retry::Never => permanent = permanent.or(Some(error)),
            Some(Err(error)) => reasons.push(format!("{host}: {}", error.error)),
            Some(Ok(_)) => reasons.push(format!("{host} is read-only")),
            None => reasons.push(format!("{host} does not answer")),
        }
    }
    permanent.unwrap_or_else(|| TxError::connection_lost(format!("no host is writable ({})", reasons.join("; "))))
}

/// Asks a host whether it is writable, on the idle connection or a new one.
fn probe(address: &MariaDbAddress, host: usize, idle: &mut Option<Conn>) -> ProbeResult {
    let mut conn = match idle.take() {
        Some(conn) => conn,
        None => connect_briefly(address, host)?,
    };
    let is_writable = conn.query_first(format!("SELECT {IS_WRITABLE}"))? == Some(1);
    *idle = Some(conn);
    Ok(is_writable)
}

/// A connection with a short read timeout, for probes and diagnostics.
pub(super) fn connect_briefly(address: &MariaDbAddress, host: usize) -> Result<Conn, TxError> {
    connect(address, host, CONNECT_TIMEOUT)
}

fn connect(address: &MariaDbAddress, host: usize, read_timeout: Duration) -> Result<Conn, TxError> {
    let (host, port) = &address.hosts[host];
    let tls = match &address.tls {
        TlsMode::Disabled => None,
        TlsMode::Required { ca } => {
            if let Some(file) = ca {
                File::open(file).map_err(|error| TxError::unreadable(file, &error))?;
            }
            Some(SslOpts::default().with_root_cert_path(ca.clone()))
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
        .tcp_connect_timeout(Some(CONNECT_TIMEOUT))
        .read_timeout(Some(read_timeout))
        .write_timeout(Some(read_timeout.min(READ_TIMEOUT)))
        .tcp_keepalive_time_ms(Some(2000))
        .stmt_cache_size(CACHED_STATEMENTS)
        // UPDATE returns the number of matched rows, as on SQLite, not of changed ones.
        .additional_capabilities(CapabilityFlags::CLIENT_FOUND_ROWS)
        .init(vec![SESSION_SETTINGS]);
    let mut failure = None;
    for from in local_addresses(host, *port) {
        match Conn::new(with_keepalive(options.clone().bind_address(from))) {
            Ok(conn) => return Ok(conn),
            Err(error @ Error::DriverError(DriverError::CouldNotConnect(_))) => failure = failure.or(Some(error)),
            Err(error) => return Err(TxError::of_connecting(host, error)),
        }
    }
    Err(failure.map_or_else(|| TxError::connection_lost(host.clone()), |error| TxError::of_connecting(host, error)))
}

/// The local addresses to connect from, in this order; none leaves it to the system.
///
/// The driver gives up after the first address of a name that refuses. That of `localhost` is often `::1`, where MariaDB
/// does not listen by default. Bound to a local address, the driver tries all addresses of that family.
fn local_addresses(host: &str, port: u16) -> Vec<Option<SocketAddr>> {
    let remote: Vec<SocketAddr> = (host, port).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    let ipv4 = remote.iter().any(SocketAddr::is_ipv4).then_some((Ipv4Addr::UNSPECIFIED, 0).into());
    let ipv6 = remote.iter().any(SocketAddr::is_ipv6).then_some((Ipv6Addr::UNSPECIFIED, 0).into());
    match remote.len() {
        0 | 1 => vec![None],
        _ => [ipv4, ipv6].into_iter().flatten().map(Some).collect(),
    }
}

/// Enables TCP keepalive: a partitioned host sends no FIN, and is detected within seconds this way.
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
