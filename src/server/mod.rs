//! The HTTP server: listening socket, TLS, graceful shutdown.
//!
//! The listening socket is bound once and survives an in-process restart (with systemd socket
//! activation, also a process restart, see [`inherited_socket`]); connections queue in the backlog until then.
//!
//! A client that keeps the server waiting does not hold its connection for ever: headers and idle connections have a
//! timeout, bodies ([`SlowBodyError`]) and responses a minimum rate, and the number of connections is limited
//! ([`ConnectionLimits`]).
//!
//! The graceful shutdown ([`Server::stop`]) has three steps:
//!
//! 1. Accepting stops.
//! 2. Accepted connections get [`DRAIN_GRACE`] to send their request. Responses close their connection
//!    (`web` adds `Connection: close` while the program drains).
//! 3. Idle connections are closed. Requests in flight may finish until the deadline.

mod body;
pub mod certificate;
mod connections;
mod listener;
pub mod pages;
pub mod plain_http;
mod public_urls;
mod rate;
mod server_names;
pub mod shop_ca;
mod stream;
#[cfg(test)]
mod tests;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum_server::Handle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::body::Peer;
pub use self::body::SlowBodyError;
pub use self::connections::{ConnectionLimits, client_network};
use self::connections::{Connections, raise_file_limit};
use self::listener::{PausableListener, PeerAddr, TlsOrPlainAcceptor};
pub use self::public_urls::Endpoints;
use self::tls::Tls;

/// How long a client may take to send the header of a request; also the keep-alive timeout. Limits
/// slow clients that would hold a connection for ever (slowloris).
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an accepted connection may take to send its request during a shutdown: TCP, TLS and the
/// header over a slow wireless network.
const DRAIN_GRACE: Duration = Duration::from_millis(500);

/// How often a shutdown polls for open connections.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Binds a listening socket at `address`.
///
/// # Errors
/// The address is in use or does not belong to this computer.
pub async fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    TcpListener::bind(address).await?.into_std()
}

/// The listening socket that systemd passes by socket activation (`sd_listen_fds(3)`).
///
/// # Errors
/// The inherited descriptor is no TCP socket.
#[cfg(unix)]
pub fn inherited_socket() -> io::Result<Option<std::net::TcpListener>> {
    listenfd::ListenFd::from_env().take_tcp_listener(0)
}

/// None: other systems pass no socket.
///
/// # Errors
/// Never.
#[cfg(not(unix))]
pub fn inherited_socket() -> io::Result<Option<std::net::TcpListener>> {
    Ok(None)
}

/// A running server.
pub struct Server {
    handle: Handle<PeerAddr>,
    pause: watch::Sender<bool>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Starts to serve `router` on `listener`, with TLS if there is a certificate.
    ///
    /// # Errors
    /// The socket cannot be used.
    pub fn start(
        listener: std::net::TcpListener,
        tls: Option<&Tls>,
        mut limits: ConnectionLimits,
        router: Router,
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        limits.max_total = raise_file_limit(limits.max_total);
        limits.max_per_network = limits.max_per_network.min(limits.max_total / 4 * 3);
        let (pause, is_paused) = watch::channel(false);
        let handle = Handle::new();
        let connections = Connections::new(limits);
        let listener = PausableListener::new(TcpListener::from_std(listener)?, is_paused, connections);
        let mut server = axum_server::Server::from_listener(listener)
            .acceptor(TlsOrPlainAcceptor::new(tls))
            .http1_only()
            .first_request_timeout(HEADER_READ_TIMEOUT)
            .accept_error_handler(log_accept_error)
            .handle(handle.clone());
        server.http_builder().http1().header_read_timeout(HEADER_READ_TIMEOUT);
        let mut router = router.layer(from_fn(body::limit_body));
        if tls.is_some() {
            router = router.layer(from_fn(plain_http::restrict));
        }
        let task = tokio::spawn(server.serve(router.into_make_service_with_connect_info::<Peer>()));
        Ok(Self { handle, pause, task })
    }

    /// Completes only if the server cannot accept connections any more.
    pub async fn failed(&mut self) -> io::Error {
        match (&mut self.task).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => io::Error::other("the server ended"),
            Err(error) => error.into(),
        }
    }

    /// Shuts down gracefully, at the latest after `deadline`. True if every request was answered.
    pub async fn stop(self, deadline: Duration) -> bool {
        self.pause.send_replace(true);
        let drained = async {
            while self.handle.connection_count() > 0 {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        };
        // A timeout is fine: the remaining connections are idle and are closed next.
        let _ = tokio::time::timeout(DRAIN_GRACE.min(deadline), drained).await;
        self.handle.graceful_shutdown(None);
        tokio::time::timeout(deadline, self.task).await.is_ok()
    }
}

/// A failure with a client is the client's, such as a TLS handshake that is given up. One without a client is the
/// server's: most likely it has no file descriptors left. The library waits a second before it accepts again.
fn log_accept_error(client: Option<&PeerAddr>, error: &io::Error) {
    if client.is_some() {
        tracing::debug!(%error, "a connection was not established");
    } else {
        tracing::error!(%error, "접속을 받지 못해요");
    }
}
