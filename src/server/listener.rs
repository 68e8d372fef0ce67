//! The listener and the acceptor of connections: pausable, with TLS if there is a certificate.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use axum::extract::connect_info::Connected;
use axum_server::accept::Accept;
use axum_server::{AddrListener, Address};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use super::tls::Tls;
use super::{DRAIN_GRACE, HEADER_READ_TIMEOUT};

/// First byte of a TLS connection: the content type of a handshake record (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Response to a plaintext HTTP request on a TLS port.
const PLAINTEXT_ON_TLS_RESPONSE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
     이 주소는 https로만 열려요. 주소 앞의 http://를 https://로 바꿔 주세요.\n";

/// How much of a plaintext request is read and discarded, in bytes.
const MAX_DRAINED_BYTES: u64 = 64 << 10;

/// Address of the client. A newtype because `axum_server` selects the listener by this type.
#[derive(Clone, Copy, Debug)]
pub(super) struct PeerAddr(SocketAddr);

impl Address for PeerAddr {
    type Stream = TcpStream;
    type Listener = PausableListener;
}

impl Connected<PeerAddr> for SocketAddr {
    fn connect_info(peer: PeerAddr) -> Self {
        peer.0
    }
}

/// A listener that can stop accepting without closing its socket: new connections stay in the
/// backlog for the next server on this socket.
#[derive(Debug)]
pub(super) struct PausableListener {
    listener: TcpListener,
    is_paused: watch::Receiver<bool>,
}

impl PausableListener {
    pub(super) fn new(listener: TcpListener, is_paused: watch::Receiver<bool>) -> Self {
        Self { listener, is_paused }
    }
}

impl AddrListener<TcpStream, PeerAddr> for PausableListener {
    async fn bind_to(PeerAddr(address): PeerAddr) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, watch::channel(false).1))
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, PeerAddr)> {
        let mut is_paused = self.is_paused.clone();
        let paused = async move { is_paused.wait_for(|is_paused| *is_paused).await.is_ok() };
        tokio::select! {
            biased;
            true = paused => pending().await,
            accepted = self.listener.accept() => accepted.map(|(stream, address)| (stream, PeerAddr(address))),
        }
    }

    fn get_local_addr(&self) -> io::Result<PeerAddr> {
        self.listener.local_addr().map(PeerAddr)
    }
}

/// Sets up an accepted connection: performs the TLS handshake if there is a certificate.
#[derive(Clone)]
pub(super) struct TlsOrPlainAcceptor(Option<TlsAcceptor>);

impl TlsOrPlainAcceptor {
    pub(super) fn new(tls: Option<&Tls>) -> Self {
        Self(tls.map(Tls::acceptor))
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for TlsOrPlainAcceptor {
    type Stream = Either<TlsStream<TcpStream>, TcpStream>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let tls = self.0.clone();
        Box::pin(async move {
            // Responses are small; Nagle's algorithm would delay each until the previous one is acknowledged.
            stream.set_nodelay(true)?;
            let stream = match tls {
                Some(tls) => Either::Left(timeout(HEADER_READ_TIMEOUT, handshake(&tls, stream)).await??),
                None => Either::Right(stream),
            };
            Ok((stream, service))
        })
    }
}

async fn handshake(tls: &TlsAcceptor, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [TLS_HANDSHAKE] {
        stream.write_all(PLAINTEXT_ON_TLS_RESPONSE.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing a socket with unread data sends RST, and the client might lose the response.
        let _ = timeout(DRAIN_GRACE, copy(&mut stream.take(MAX_DRAINED_BYTES), &mut sink())).await;
        return Err(io::ErrorKind::InvalidData.into());
    }
    tls.accept(stream).await
}
