//! One connection: taken from the socket, through TLS where there is a certificate.

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
use super::{HEAD_WITHIN, LAST_WORDS};

/// The first byte of a TLS connection: a record of the handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

/// What somebody hears who speaks HTTP where HTTPS is spoken.
const HTTPS_PLEASE: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\n\r\n\
     이 주소는 https로만 열려요. 주소 앞의 http://를 https://로 바꿔 주세요.\n";

/// Bytes of such a request that are read and forgotten.
const MOST_IGNORED: u64 = 64 << 10;

/// Who connected. A type of its own, because the listener is chosen by it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(SocketAddr);

impl Address for Peer {
    type Stream = TcpStream;
    type Listener = Gate;
}

impl Connected<Peer> for SocketAddr {
    fn connect_info(peer: Peer) -> Self {
        peer.0
    }
}

/// A listener that can be closed without closing its socket: who connects then waits for the next
/// program that has it.
#[derive(Debug)]
pub(super) struct Gate {
    listener: TcpListener,
    is_closed: watch::Receiver<bool>,
}

impl Gate {
    pub(super) fn new(listener: TcpListener, is_closed: watch::Receiver<bool>) -> Self {
        Self { listener, is_closed }
    }
}

impl AddrListener<TcpStream, Peer> for Gate {
    async fn bind_to(Peer(address): Peer) -> io::Result<Self> {
        Ok(Self::new(TcpListener::bind(address).await?, watch::channel(false).1))
    }

    async fn accept_stream(&self) -> io::Result<(TcpStream, Peer)> {
        let mut is_closed = self.is_closed.clone();
        let closing = async move { is_closed.wait_for(|is_closed| *is_closed).await.is_ok() };
        tokio::select! {
            biased;
            true = closing => pending().await,
            accepted = self.listener.accept() => accepted.map(|(stream, address)| (stream, Peer(address))),
        }
    }

    fn get_local_addr(&self) -> io::Result<Peer> {
        self.listener.local_addr().map(Peer)
    }
}

/// What happens to a connection before its first request.
#[derive(Clone)]
pub(super) struct Door(Option<TlsAcceptor>);

impl Door {
    pub(super) fn new(tls: Option<&Tls>) -> Self {
        Self(tls.map(Tls::acceptor))
    }
}

impl<S: Send + 'static> Accept<TcpStream, S> for Door {
    type Stream = Either<TlsStream<TcpStream>, TcpStream>;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Self::Stream, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let tls = self.0.clone();
        Box::pin(async move {
            // A page is one small answer: it must not wait for the acknowledgement of the one before.
            stream.set_nodelay(true)?;
            let stream = match tls {
                Some(tls) => Either::Left(timeout(HEAD_WITHIN, encrypted(&tls, stream)).await??),
                None => Either::Right(stream),
            };
            Ok((stream, service))
        })
    }
}

async fn encrypted(tls: &TlsAcceptor, mut stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first != [HANDSHAKE] {
        stream.write_all(HTTPS_PLEASE.as_bytes()).await?;
        stream.shutdown().await?;
        // Bytes that nobody reads would reset the connection before the answer is read.
        let _ = timeout(LAST_WORDS, copy(&mut stream.take(MOST_IGNORED), &mut sink())).await;
        return Err(io::ErrorKind::InvalidData.into());
    }
    tls.accept(stream).await
}
