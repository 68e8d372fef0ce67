//! The server: where requests come in, and how it ends without losing one.
//!
//! The listening socket is made once and outlives a beginning anew; under systemd it is systemd's
//! and outlives the program ([`listen`]). Whoever connects while nobody serves waits in its queue.
//!
//! The end ([`Server::stop`]) has three steps. No connection is taken from the socket any more. Those
//! that were taken have [`LAST_WORDS`] to say what they came for, and every answer tells its client
//! that the connection ends with it (`web` does that while the program drains). Then connections on
//! which nothing was asked are closed, and requests under way have until the deadline.

mod accept;
pub mod pages;
mod reach;
pub mod tls;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::accept::{Door, Gate, Peer};
pub use self::reach::Reach;
use self::tls::Tls;

/// How long a client may take to send the head of a request; also how long an idle connection is kept.
/// Somebody who sends a letter a minute must not hold a connection for ever.
const HEAD_WITHIN: Duration = Duration::from_secs(20);

/// How long a client whose connection was taken may need until its request arrives: TCP, TLS and the
/// head over a bad wireless network.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How often it is looked whether anybody is left.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// The socket that systemd holds for this program, or one of its own at `address`.
///
/// # Errors
/// The address is in use or not this computer's, or systemd handed over something that is no TCP socket.
pub async fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    match handed_over()? {
        Some(listener) => Ok(listener),
        None => TcpListener::bind(address).await?.into_std(),
    }
}

#[cfg(unix)]
fn handed_over() -> io::Result<Option<std::net::TcpListener>> {
    listenfd::ListenFd::from_env().take_tcp_listener(0)
}

#[cfg(not(unix))]
fn handed_over() -> io::Result<Option<std::net::TcpListener>> {
    Ok(None)
}

/// A running server.
pub struct Server {
    handle: Handle<Peer>,
    gate: watch::Sender<bool>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Begins to answer who connects to `listener`, through TLS where there is a certificate.
    ///
    /// # Errors
    /// The socket is of no use.
    pub fn start(listener: std::net::TcpListener, tls: Option<&Tls>, pages: Router) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let (gate, is_closed) = watch::channel(false);
        let handle = Handle::new();
        let mut server = axum_server::Server::from_listener(Gate::new(TcpListener::from_std(listener)?, is_closed))
            .acceptor(Door::new(tls))
            .http1_only()
            .first_request_timeout(HEAD_WITHIN)
            .handle(handle.clone());
        server.http_builder().http1().header_read_timeout(HEAD_WITHIN);
        let task = tokio::spawn(server.serve(pages.into_make_service_with_connect_info::<SocketAddr>()));
        Ok(Self { handle, gate, task })
    }

    /// Returns when it can accept no more connections, which it never should.
    pub async fn failed(&mut self) -> io::Error {
        match (&mut self.task).await {
            Ok(Err(error)) => error,
            Ok(Ok(())) => io::Error::other("the server ended"),
            Err(error) => error.into(),
        }
    }

    /// Ends it, at the latest after `deadline`; tells whether every request was answered.
    pub async fn stop(self, deadline: Duration) -> bool {
        self.gate.send_replace(true);
        let nobody = async {
            while self.handle.connection_count() > 0 {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        // Whoever keeps a connection for later is told by its end.
        let _ = tokio::time::timeout(LAST_WORDS.min(deadline), nobody).await;
        self.handle.graceful_shutdown(None);
        tokio::time::timeout(deadline, self.task).await.is_ok()
    }
}
