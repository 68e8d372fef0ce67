//! Clients that keep the server waiting.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::{ConnectionLimits, Server, SlowBodyError};

const TIMEOUT: Duration = Duration::from_millis(300);

async fn receive(request: Request) -> StatusCode {
    match to_bytes(request.into_body(), usize::MAX).await {
        Ok(_) => StatusCode::OK,
        Err(error) if SlowBodyError::is_cause_of(&error) => StatusCode::REQUEST_TIMEOUT,
        Err(_) => StatusCode::BAD_REQUEST,
    }
}

fn start(max_per_network: usize) -> (Server, SocketAddr) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let large = || async { Bytes::from(vec![0_u8; 64 << 20]) };
    let router = Router::new().route("/", post(receive)).route("/", get(large)).route(
        "/work",
        get(|| async {
            tokio::time::sleep(TIMEOUT * 4).await;
            "done"
        }),
    );
    let limits = ConnectionLimits { max_per_network, slow_client_timeout: TIMEOUT, ..ConnectionLimits::default() };
    (Server::start(listener, None, limits, router).expect("starts"), address)
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("sets");
    stream
}

/// What the server sends until it closes the connection.
async fn read_to_end(mut stream: TcpStream) -> String {
    let read = tokio::task::spawn_blocking(move || {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    read.await.expect("reads")
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_stops_times_out() {
    let (_server, address) = start(100);
    let mut stream = connect(address);
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf").expect("writes");
    let started = Instant::now();
    assert!(read_to_end(stream).await.starts_with("HTTP/1.1 408"));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_trickles_times_out() {
    let (_server, address) = start(100);
    let mut stream = connect(address);
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n").expect("writes");
    let mut sender = stream.try_clone().expect("clones");
    std::thread::spawn(move || {
        while sender.write_all(b"a").is_ok() {
            std::thread::sleep(TIMEOUT / 10);
        }
    });
    assert!(read_to_end(stream).await.starts_with("HTTP/1.1 408"));
}

#[tokio::test(flavor = "multi_thread")]
async fn reader_that_takes_nothing_is_disconnected() {
    let (server, address) = start(100);
    let mut stream = connect(address);
    stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").expect("writes");
    tokio::time::sleep(TIMEOUT * 4).await;
    assert_eq!(server.handle.connection_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_work_of_the_server_is_no_fault_of_the_client() {
    let (_server, address) = start(100);
    let mut stream = connect(address);
    stream.write_all(b"GET /work HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("writes");
    assert!(read_to_end(stream).await.ends_with("done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn newcomer_is_answered_while_slow_connections_are_held() {
    let (server, address) = start(3);
    let slow: Vec<_> = std::iter::repeat_with(|| connect(address)).take(10).collect();
    tokio::time::sleep(TIMEOUT / 3).await;
    assert_eq!(server.handle.connection_count(), 3);
    let mut stream = connect(address);
    stream.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").expect("writes");
    assert!(read_to_end(stream).await.starts_with("HTTP/1.1 200"));
    drop(slow);
}
