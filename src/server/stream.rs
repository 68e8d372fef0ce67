//! The stream of a connection: ends when its client does not take the response, or when the connection is closed in favour
//! of others.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep_until};

use super::connections::{ConnectionGuard, Connections};
use super::rate::RateLimit;

/// A TCP stream with a minimum rate of writes. Reads have none: while the server works or the connection is idle, the
/// client owes nothing (`super::body` limits bodies, the HTTP library limits headers and idle connections).
#[derive(Debug)]
pub(super) struct ClientStream {
    tcp: TcpStream,
    guard: ConnectionGuard,
    rate: RateLimit,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub(super) fn new(tcp: TcpStream, guard: ConnectionGuard, connections: &Connections) -> Self {
        Self { tcp, guard, rate: RateLimit::new(connections.slow_client_timeout()), deadline: None }
    }

    /// Reads the first bytes without removing them from the stream.
    pub(super) async fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.peek(buffer).await
    }

    /// The client speaks plain HTTP to a server with HTTPS.
    pub(super) fn set_plaintext(&self) {
        self.guard.state.set_plaintext();
    }

    fn check_evicted(&self, context: &Context<'_>) -> io::Result<()> {
        if self.guard.state.poll_evicted(context) { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }

    /// Waits for the client to take bytes, up to the deadline.
    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let until = self.rate.wait(Instant::now()).into();
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if deadline.deadline() != until {
            deadline.as_mut().reset(until);
        }
        ready!(deadline.as_mut().poll(context));
        metrics::counter!("mukkeum_connections_closed_total", "reason" => "slow_reader").increment(1);
        Poll::Ready(io::ErrorKind::TimedOut.into())
    }

    fn record_write(&mut self, written: io::Result<usize>) -> io::Result<usize> {
        if let Ok(bytes) = written {
            self.guard.state.record_progress();
            self.rate.advance(bytes, Instant::now());
            self.deadline = None;
        }
        written
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check_evicted(context)?;
        let before = buffer.filled().len();
        let read = ready!(Pin::new(&mut self.tcp).poll_read(context, buffer));
        if buffer.filled().len() > before {
            self.guard.state.record_progress();
        }
        Poll::Ready(read)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check_evicted(context)?;
        match Pin::new(&mut self.tcp).poll_write(context, bytes) {
            Poll::Ready(written) => Poll::Ready(self.record_write(written)),
            Poll::Pending => self.poll_deadline(context).map(Err),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_evicted(context)?;
        match Pin::new(&mut self.tcp).poll_write_vectored(context, slices) {
            Poll::Ready(written) => Poll::Ready(self.record_write(written)),
            Poll::Pending => self.poll_deadline(context).map(Err),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
