//! The open connections: counted by client network, and closed where there are too many.
//!
//! A connection costs a file descriptor and memory, and anybody may open one. Above a limit the connection that has kept
//! the server waiting longest is closed in favour of the new one; one whose request the server is working on is never
//! closed. Slow clients therefore displace each other, and a person who clicks gets in.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use crate::config::TrustedProxies;

/// Minimum interval between two warnings about closed connections.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// Limits of the connections to the server.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// Connections of one client network. An office, or a proxy that is not configured, may share one address; the limit
    /// leaves room for others. Fewer would close those of honest clients beside an attacker at the same address.
    pub max_per_network: usize,
    /// Connections in total. Each takes 45 KB of memory.
    pub max_total: usize,
    /// how long a client may keep the server waiting for 10,000 bytes
    pub slow_client_timeout: Duration,
    /// proxies, which may open any number of connections
    pub trusted_proxies: TrustedProxies,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            max_per_network: 1_500,
            max_total: 2_048,
            slow_client_timeout: Duration::from_secs(20),
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// The network of a client: the address in IPv4, the /64 in IPv6, all of whose addresses one customer can use.
pub fn client_network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// All open connections; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Connections(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    limits: ConnectionLimits,
    start: Instant,
    open: Mutex<OpenConnections>,
}

#[derive(Debug, Default)]
struct OpenConnections {
    by_network: HashMap<IpAddr, Vec<Arc<ConnectionState>>>,
    total: usize,
    warned_at: Option<Instant>,
}

/// One connection, shared by its stream, the body of its request and the registry.
#[derive(Debug)]
pub(super) struct ConnectionState {
    start: Instant,
    /// milliseconds from `start` to the last byte in either direction
    moved_at: AtomicU64,
    has_answered: AtomicBool,
    is_busy: AtomicBool,
    is_plaintext: AtomicBool,
    is_evicted: AtomicBool,
    waker: AtomicWaker,
}

impl ConnectionState {
    /// A connection that is accepted now; `start` is the origin of its times.
    pub(super) fn new(start: Instant) -> Self {
        let state = Self {
            start,
            moved_at: AtomicU64::new(0),
            has_answered: AtomicBool::new(false),
            is_busy: AtomicBool::new(false),
            is_plaintext: AtomicBool::new(false),
            is_evicted: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        };
        state.record_progress();
        state
    }

    /// Bytes have moved.
    pub(super) fn record_progress(&self) {
        let elapsed = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved_at.store(elapsed, Ordering::Relaxed);
    }

    /// The server works on a request of this connection, or waits for the client again.
    pub(super) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// The client speaks plain HTTP to a server with HTTPS.
    pub(super) fn set_plaintext(&self) {
        self.is_plaintext.store(true, Ordering::Relaxed);
    }

    /// Whether the client speaks plain HTTP to a server with HTTPS.
    pub(super) fn is_plaintext(&self) -> bool {
        self.is_plaintext.load(Ordering::Relaxed)
    }

    /// A request has been answered.
    pub(super) fn record_answer(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
        self.set_busy(false);
    }

    /// Whether the connection must end; otherwise wakes the task of `context` when it must.
    pub(super) fn poll_evicted(&self, context: &Context<'_>) -> bool {
        self.waker.register(context.waker());
        self.is_evicted.load(Ordering::Acquire)
    }

    fn evict(&self) {
        self.is_evicted.store(true, Ordering::Release);
        self.waker.take().iter().for_each(Waker::wake_by_ref);
    }

    /// The sort key of connections to close: the smallest is closed first. None while the server is busy with it.
    fn rank(&self) -> Option<(bool, u64)> {
        let is_evictable = !self.is_busy.load(Ordering::Relaxed) && !self.is_evicted.load(Ordering::Relaxed);
        is_evictable.then(|| (self.has_answered.load(Ordering::Relaxed), self.moved_at.load(Ordering::Relaxed)))
    }
}

impl Connections {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self(Arc::new(Registry { limits, start: Instant::now(), open: Mutex::default() }))
    }

    pub(super) fn slow_client_timeout(&self) -> Duration {
        self.0.limits.slow_client_timeout
    }

    /// Registers a new connection, and closes another one if there are too many.
    pub(super) fn register(&self, address: IpAddr) -> ConnectionGuard {
        let (network, limits) = (client_network(address), &self.0.limits);
        let state = Arc::new(ConnectionState::new(self.0.start));
        let mut open = self.0.lock();
        let of_network = open.by_network.entry(network).or_default();
        if of_network.len() >= limits.max_per_network && !limits.trusted_proxies.contains(address) {
            evict_slowest(of_network);
            open.warn(network);
        } else if open.total >= limits.max_total {
            if let Some(largest) = open.by_network.values().max_by_key(|connections| connections.len()) {
                evict_slowest(largest);
            }
            open.warn(network);
        }
        open.by_network.entry(network).or_default().push(Arc::clone(&state));
        open.total += 1;
        open.report();
        ConnectionGuard { state, network, connections: self.clone() }
    }
}

impl Registry {
    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenConnections {
    fn report(&self) {
        #[expect(clippy::cast_precision_loss, reason = "a gauge; there are far fewer connections than 2^52")]
        metrics::gauge!("mukkeum_connections").set(self.total as f64);
    }

    fn warn(&mut self, network: IpAddr) {
        if self.warned_at.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
            self.warned_at = Some(Instant::now());
            tracing::warn!(%network, open = self.total, "접속이 너무 많아 가장 느린 접속을 끊었어요");
        }
    }
}

fn evict_slowest(connections: &[Arc<ConnectionState>]) {
    let ranked = connections.iter().filter_map(|connection| Some((connection.rank()?, connection)));
    if let Some((_, slowest)) = ranked.min_by_key(|(rank, _)| *rank) {
        slowest.evict();
        metrics::counter!("mukkeum_connections_closed_total", "reason" => "limit").increment(1);
    }
}

/// A registered connection; it is deregistered when this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    pub(super) state: Arc<ConnectionState>,
    network: IpAddr,
    connections: Connections,
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.connections.0.lock();
        if let Some(of_network) = open.by_network.get_mut(&self.network) {
            of_network.retain(|other| !Arc::ptr_eq(other, &self.state));
            if of_network.is_empty() {
                open.by_network.remove(&self.network);
            }
        }
        open.total -= 1;
        open.report();
    }
}

/// Raises the soft limit of open files to the hard limit: systemd and shells start programs with 1,024. Returns the limit
/// of connections that leaves room for the files of the program.
#[cfg(unix)]
pub(super) fn raise_file_limit(max_connections: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    /// Descriptors of the database, the backup and files being read or written.
    const RESERVED: u64 = 256;
    /// Descriptors that suffice; more would only make the kernel's tables larger.
    const WANTED: u64 = 65_536;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(WANTED, |maximum| maximum.min(WANTED));
    let raised = match current {
        Some(current) if current < wanted => {
            let limit = Rlimit { current: Some(wanted), maximum };
            if setrlimit(Resource::Nofile, limit).is_ok() { wanted } else { current }
        }
        Some(current) => current,
        None => WANTED,
    };
    max_connections.min(usize::try_from(raised.saturating_sub(RESERVED).max(raised / 2)).unwrap_or(usize::MAX))
}

#[cfg(not(unix))]
pub(super) fn raise_file_limit(max_connections: usize) -> usize {
    max_connections
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connections(max_per_network: usize, max_total: usize) -> Connections {
        let trusted_proxies = "10.0.0.0/8".parse().map(|proxy| TrustedProxies::new(vec![proxy])).expect("a network");
        Connections::new(ConnectionLimits {
            max_per_network,
            max_total,
            trusted_proxies,
            ..ConnectionLimits::default()
        })
    }

    fn open(connections: &Connections, address: &str) -> ConnectionGuard {
        connections.register(address.parse().expect("an address"))
    }

    fn is_evicted(guard: &ConnectionGuard) -> bool {
        guard.state.is_evicted.load(Ordering::Relaxed)
    }

    #[test]
    fn slowest_connection_of_a_network_is_closed() {
        let connections = connections(3, 100);
        let [answered, slow, busy] = [(); 3].map(|()| open(&connections, "192.0.2.1"));
        answered.state.record_answer();
        busy.state.set_busy(true);
        let neighbour = open(&connections, "192.0.2.2");
        let newcomer = open(&connections, "192.0.2.1");
        assert!(is_evicted(&slow), "it never had an answer");
        assert!([&answered, &busy, &neighbour, &newcomer].into_iter().all(|one| !is_evicted(one)));
    }

    #[test]
    fn busy_connections_are_never_closed() {
        let connections = connections(1, 100);
        let busy = open(&connections, "2001:db8::1");
        busy.state.set_busy(true);
        let _second = open(&connections, "2001:db8::2");
        assert!(!is_evicted(&busy));
    }

    #[test]
    fn trusted_proxies_open_any_number() {
        let connections = connections(1, 100);
        let of_proxy = [(); 5].map(|()| open(&connections, "10.1.2.3"));
        assert!(of_proxy.iter().all(|one| !is_evicted(one)));
    }

    #[test]
    fn largest_network_makes_room_when_all_is_full() {
        let connections = connections(100, 3);
        let many = [(); 2].map(|()| open(&connections, "192.0.2.1"));
        let one = open(&connections, "192.0.2.2");
        let _newcomer = open(&connections, "192.0.2.3");
        assert!(is_evicted(&many[0]) && !is_evicted(&one));
    }

    #[test]
    fn closed_connections_are_forgotten() {
        let connections = connections(100, 3);
        drop([(); 2].map(|()| open(&connections, "192.0.2.1")));
        let open = connections.0.lock();
        assert_eq!((open.total, open.by_network.len()), (0, 0));
    }
}
