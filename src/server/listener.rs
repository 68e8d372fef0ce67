//! The listener and the acceptor of connections: pausable, with TLS if there is a certificate.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum_server::accept::Accept;
use axum_server::{AddrListener, Address};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::HEADER_READ_TIMEOUT;
use super::body::Peer;
use super::connections::{ConnectionGuard, ConnectionLimits, Connections};
use super::stream::ClientStream;
use super::tls::Tls;

/// First byte of a TLS connection: the content type of a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// The client of an accepted connection. A newtype because `axum_server` selects the listener by this type.
#[derive(Clone, Debug)]
pub(super) struct PeerAddr {
    address: SocketAddr,
    /// None for the address of the listener itself
    peer: Option<Peer>,
}

impl Address for PeerAddr {
    type Stream = ClientStream;
    type Listener = PausableListener;
}

impl Connected<PeerAddr> for Peer {
    fn connect_info(PeerAddr { address, peer }: PeerAddr) -> Self {
        peer.unwrap_or_else(|| Self::unregistered(address))
    }
}

/// A listener that can stop accepting without closing its socket: new connections stay in the
/// backlog for the next server on this socket.
#[derive(Debug)]
pub(super) struct PausableListener {
    listener: TcpListener,
    is_paused: watch::Receiver<bool>,
    connections: Connections,
}

impl PausableListener {
    pub(super) fn new(listener: TcpListener, is_paused: watch::Receiver<bool>, connections: Connections) -> Self {
        Self { listener, is_paused, connections }
    }

    /// Registers an accepted connection.
    fn admit(&self, stream: TcpStream, address: SocketAddr) -> io::Result<(ClientStream, PeerAddr)> {
        // Responses are small; Nagle's algorithm would delay each until the previous one is acknowledged.
        stream.set_nodelay(true)?;
        let guard: ConnectionGuard = self.connections.register(address.ip());
        let slow_client_timeout = self.connections.slow_client_timeout();
        let peer = Peer { address, connection: Arc::clone(&guard.state), slow_client_timeout };
        Ok((ClientStream::new(stream, guard, &self.connections), PeerAddr { address, peer: Some(peer) }))
    }
}

impl AddrListener<ClientStream, PeerAddr> for PausableListener {
    async fn bind_to(PeerAddr { address, .. }: PeerAddr) -> io::Result<Self> {
        let connections = Connections::new(ConnectionLimits::default());
        Ok(Self::new(TcpListener::bind(address).await?, watch::channel(false).1, connections))
    }

    async fn accept_stream(&self) -> io::Result<(ClientStream, PeerAddr)> {
        let mut is_paused = self.is_paused.clone();
        let paused = async move { is_paused.wait_for(|is_paused| *is_paused).await.is_ok() };
        tokio::select! {
            biased;
            true = paused => pending().await,
            accepted = self.listener.accept() => accepted.and_then(|(stream, address)| self.admit(stream, address)),
        }
    }

    fn get_local_addr(&self) -> io::Result<PeerAddr> {
        self.listener.local_addr().map(|address| PeerAddr { address, peer: None })
    }
}

/// Sets up an accepted connection: performs the TLS handshake if there is a certificate and the client speaks TLS.
#[derive(Clone)]
pub(super) struct TlsOrPlainAcceptor(Option<TlsAcceptor>);

impl TlsOrPlainAcceptor {
    pub(super) fn new(tls: Option<&Tls>) -> Self {
        Self(tls.map(Tls::acceptor))
    }
}

impl<S: Send + 'static> Accept<ClientStream, S> for TlsOrPlainAcceptor {
    type Stream = Either<TlsStream<ClientStream>, ClientStream>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, stream: ClientStream, service: S) -> Self::Future {
        let tls = self.0.clone();
        Box::pin(async move {
            let stream = match tls {
                Some(tls) => timeout(HEADER_READ_TIMEOUT, handshake(&tls, stream)).await??,
                None => Either::Right(stream),
            };
            Ok((stream, service))
        })
    }
}

/// Performs the handshake. A client that begins with something else speaks plain HTTP, which `super::plain_http` restricts.
async fn handshake(
    tls: &TlsAcceptor,
    stream: ClientStream,
) -> io::Result<Either<TlsStream<ClientStream>, ClientStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [TLS_HANDSHAKE] {
        stream.set_plaintext();
        return Ok(Either::Right(stream));
    }
    tls.accept(stream).await.map(Either::Left)
}
