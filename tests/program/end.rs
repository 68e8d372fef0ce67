//! How a running program ends, and how it gets rid of those who never finish.

use super::*;

#[cfg(unix)]
#[test]
fn a_signal_ends_it_in_order() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(program(folder.path()).args(["--drain-seconds", "3"]));
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(400));
    assert!(server.get("/health/ready").starts_with("HTTP/1.1 503"), "still accepting, no longer ready");
    assert_eq!(server.ended_within(Duration::from_secs(10)), Some(0));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    let leases: i64 = database.query_row("SELECT count(*) FROM leases", (), |row| row.get(0)).expect("counts");
    assert_eq!(leases, 0, "what one node does for all is left to another");
}

#[cfg(unix)]
#[test]
fn a_request_that_never_ends_does_not_keep_it_from_ending() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(program(folder.path()).args(["--shutdown-seconds", "1"]));
    let mut stream = std::net::TcpStream::connect(&server.address).expect("connects");
    write!(stream, "POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf").expect("writes");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("-TERM");
    assert_eq!(server.ended_within(Duration::from_secs(5)), Some(0));
}

#[test]
fn whoever_never_finishes_asking_is_hung_up_on() {
    let folder = tempdir().expect("a folder");
    let server = Server::start(&mut program(folder.path()));
    let mut stream = std::net::TcpStream::connect(&server.address).expect("connects");
    stream.set_read_timeout(Some(Duration::from_secs(40))).expect("sets");
    write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\n").expect("writes");
    let mut answer = Vec::new();
    assert!(stream.read_to_end(&mut answer).is_ok(), "closed from the other side, not given up here");
}

#[cfg(unix)]
#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(program(folder.path()).args(["--drain-seconds", "60"]));
    server.signal("-TERM");
    std::thread::sleep(Duration::from_millis(300));
    server.signal("-INT");
    server.ended_within(Duration::from_secs(2));
}
