//! Graceful shutdown, and clients that never finish a request.

use super::*;

#[cfg(unix)]
#[test]
fn signal_starts_a_graceful_shutdown() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(program(folder.path()).args(["--drain-seconds", "3"]));
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(400));
    assert!(server.get("/health/ready").starts_with("HTTP/1.1 503"), "accepting but not ready");
    assert_eq!(server.exit_code_within(Duration::from_secs(10)), Some(0));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    let leases: i64 = database.query_row("SELECT count(*) FROM leases", (), |row| row.get(0)).expect("counts");
    assert_eq!(leases, 0, "leases are released");
}

#[cfg(unix)]
#[test]
fn shutdown_deadline_limits_requests_in_flight() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(program(folder.path()).args(["--shutdown-seconds", "1"]));
    let mut stream = std::net::TcpStream::connect(&server.address).expect("connects");
    write!(stream, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf").expect("writes");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("-TERM");
    assert_eq!(server.exit_code_within(Duration::from_secs(5)), Some(0));
}

#[test]
fn incomplete_request_header_times_out() {
    let folder = tempdir().expect("a folder");
    let server = Server::start(&mut program(folder.path()));
    let mut stream = std::net::TcpStream::connect(&server.address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(40))).expect("sets");
    write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\n").expect("writes");
    let mut answer = Vec::new();
    assert!(stream.read_to_end(&mut answer).is_ok(), "closed by the server, not by the timeout of this client");
}

#[cfg(unix)]
#[test]
fn second_signal_exits_at_once() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(program(folder.path()).args(["--drain-seconds", "60"]));
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("-INT");
    server.exit_code_within(Duration::from_secs(2));
}
