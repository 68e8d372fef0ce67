//! Bodies of requests with a minimum rate, so that a client which stops sending does not hold its connection for ever.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::{Body, BodyDataStream, Bytes, HttpBody};
use axum::extract::{ConnectInfo, Request};
use axum::middleware::Next;
use axum::response::Response;
use futures_util::Stream;
use tokio::time::{Sleep, sleep_until};

use super::connections::{ConnectionLimits, ConnectionState};
use super::rate::RateLimit;

/// The client has sent less than the minimum rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client sends too slowly")]
pub struct SlowBodyError;

impl SlowBodyError {
    /// Whether `error` or one of its sources is this error: extractors wrap the errors of a body.
    pub fn is_cause_of(error: &(dyn std::error::Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<Self>)
    }
}

/// The client of a connection, as the HTTP library hands it to each request.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: SocketAddr,
    pub(super) connection: Arc<ConnectionState>,
    pub(super) slow_client_timeout: Duration,
}

impl Peer {
    /// A client whose connection is not limited.
    pub(super) fn unregistered(address: SocketAddr) -> Self {
        let connection = Arc::new(ConnectionState::new(Instant::now()));
        Self { address, connection, slow_client_timeout: ConnectionLimits::default().slow_client_timeout }
    }
}

/// Middleware: limits the body, and marks the connection as busy while the server works on the request. Provides
/// `ConnectInfo<SocketAddr>`.
pub(super) async fn limit_body(ConnectInfo(peer): ConnectInfo<Peer>, mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(ConnectInfo(peer.address));
    let Peer { connection, slow_client_timeout, .. } = peer;
    let request = request.map(|body| {
        if body.is_end_stream() {
            return body;
        }
        let rate = RateLimit::new(slow_client_timeout);
        let body = body.into_data_stream();
        Body::from_stream(LimitedBody { body, connection: Arc::clone(&connection), rate, deadline: None })
    });
    connection.set_busy(true);
    let response = next.run(request).await;
    connection.record_answer();
    response
}

struct LimitedBody {
    body: BodyDataStream,
    connection: Arc<ConnectionState>,
    rate: RateLimit,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Stream for LimitedBody {
    type Item = Result<Bytes, axum::BoxError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Poll::Ready(chunk) = Pin::new(&mut self.body).poll_next(context) {
            self.connection.set_busy(true);
            self.deadline = None;
            let bytes = chunk.as_ref().and_then(|chunk| chunk.as_ref().ok()).map_or(0, Bytes::len);
            self.rate.advance(bytes, Instant::now());
            return Poll::Ready(chunk.map(|chunk| chunk.map_err(Into::into)));
        }
        self.connection.set_busy(false);
        let until = self.rate.wait(Instant::now()).into();
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if deadline.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        metrics::counter!("mukkeum_connections_closed_total", "reason" => "slow_sender").increment(1);
        Poll::Ready(Some(Err(SlowBodyError.into())))
    }
}
