//! Twenty restarts under load behind a listening socket that outlives the program, as systemd keeps one:
//! no request fails, nobody is signed out, and the backup has every edit that was answered.

#![cfg(unix)]
#![expect(clippy::expect_used, clippy::print_stdout, reason = "a test says what it expected, and its figures")]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const ROUNDS: usize = 20;

/// Half of them keep their connections.
const VISITORS: usize = 8;

/// A round's time between ready and the next stop.
const PAUSE: Duration = Duration::from_millis(300);

const PROGRAM: &str = env!("CARGO_BIN_EXE_mukkeum");
const PASSWORD: &str = "mattress-and-bed-2026";

/// What systemd does for a unit with a socket: it is descriptor 3, and two variables say so.
const HAND_OVER: &str = r#"exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@""#;

fn program(words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(words).env_clear().stdin(Stdio::null());
    command
}

/// A program that has the socket, and ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn start(socket: &TcpListener, data: &str, copies: &str) -> Self {
        let held: OwnedFd = socket.try_clone().expect("a descriptor").into();
        let mut command = Command::new("sh");
        command.args(["-c", HAND_OVER, "sh", PROGRAM, "serve", "--data", data, "--backup", copies]);
        // An address it could not listen at: it must be the socket that is used.
        command.args(["--listen", "192.0.2.1:1", "--log-level", "error"]);
        Self(command.env_clear().stdin(Stdio::from(held)).stdout(Stdio::null()).spawn().expect("starts"))
    }

    fn stop(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("runs");
        assert!(sent.success());
        assert_eq!(self.0.wait().expect("ends").code(), Some(0));
    }
}

struct Answer {
    status: u16,
    headers: BTreeMap<String, String>,
    text: String,
}

/// A browser that never asks twice: what a request meets, it meets.
struct Visitor {
    address: SocketAddr,
    keeps: bool,
    connection: Option<BufReader<TcpStream>>,
    cookies: BTreeMap<String, String>,
}

impl Visitor {
    fn new(address: SocketAddr, keeps: bool) -> Self {
        Self { address, keeps, connection: None, cookies: BTreeMap::new() }
    }

    fn ask(&mut self, method: &str, path: &str, body: &str) -> io::Result<Answer> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.address)?),
        };
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: {}\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            if self.keeps { "keep-alive" } else { "close" },
            cookies.join("; "),
            body.len(),
        );
        connection.get_ref().set_read_timeout(Some(Duration::from_secs(30)))?;
        connection.get_mut().write_all(request.as_bytes())?;

        let mut line = String::new();
        connection.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|word| word.parse().ok())
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
        let mut headers = BTreeMap::new();
        loop {
            line.clear();
            connection.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            if let ("set-cookie", Some((name, value))) =
                (name, value.split(';').next().and_then(|one| one.split_once('=')))
            {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
            headers.insert(name.to_owned(), value.to_owned());
        }
        let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        let mut text = vec![0; length];
        connection.read_exact(&mut text)?;
        let ends = headers.get("connection").is_some_and(|word| word == "close");
        self.connection = (self.keeps && !ends).then_some(connection);
        Ok(Answer { status, headers, text: String::from_utf8_lossy(&text).into_owned() })
    }

    fn token(&mut self, path: &str) -> String {
        let page = self.ask("GET", path, "").expect("a page");
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    }

    fn sign_in(&mut self) -> String {
        let token = self.token("/login");
        let answer = self.ask("POST", "/login", &format!("csrf={token}&username=admin&password={PASSWORD}"));
        assert_eq!(answer.expect("an answer").status, 303);
        self.token("/shop")
    }
}

/// What happened to the visitors.
#[derive(Default)]
struct Tally {
    requests: usize,
    edits: usize,
    signed_out: usize,
    failures: Vec<String>,
    /// in this round
    longest: Duration,
}

/// Reads and edits in turns until told to stop.
fn work(mut visitor: Visitor, token: &str, tally: &Mutex<Tally>, is_over: &AtomicBool) {
    let edit = format!("csrf={token}&name=bed&tel=02-000-0000&address=");
    for (method, path, body, wanted) in
        [("GET", "/orders", "", 200), ("POST", "/shop", edit.as_str(), 303)].into_iter().cycle()
    {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let started = Instant::now();
        let answer = visitor.ask(method, path, body);
        let elapsed = started.elapsed();
        let mut tally = tally.lock().expect("nobody panicked");
        tally.requests += 1;
        tally.longest = tally.longest.max(elapsed);
        match answer {
            Ok(answer) if answer.headers.get("location").is_some_and(|to| to.starts_with("/login")) => {
                tally.signed_out += 1
            }
            Ok(answer) if answer.status == wanted => tally.edits += usize::from(method == "POST"),
            Ok(answer) => tally.failures.push(format!("{method} {path}: {}", answer.status)),
            Err(error) => tally.failures.push(format!("{method} {path} after {elapsed:?}: {error}")),
        }
        drop(tally);
        thread::sleep(Duration::from_millis(10));
    }
}

/// Ends the visitors, also when the test has failed.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn edits_in(file: &Path) -> usize {
    let database = rusqlite::Connection::open(file).expect("opens");
    let count = "SELECT count(*) FROM activities WHERE action = 'shop.saved'";
    database.query_row(count, (), |row| row.get::<_, u32>(0)).expect("counts") as usize
}

#[test]
fn nothing_is_lost_by_twenty_restarts() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, copies) = (path("data"), format!("file://{}", path("copies")));
    std::fs::write(path("password"), PASSWORD).expect("writes");
    let added = program(&["user", "add", "admin", "--password-file", &path("password"), "--data", &data]).status();
    assert!(added.expect("runs").success());

    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    let mut running = Running::start(&socket, &data, &copies);
    let visitors: Vec<_> = (0..VISITORS)
        .map(|number| {
            let mut visitor = Visitor::new(address, number % 2 == 0);
            let token = visitor.sign_in();
            (visitor, token)
        })
        .collect();

    let (tally, is_over) = (Mutex::new(Tally::default()), AtomicBool::new(false));
    thread::scope(|scope| {
        let (tally, is_over) = (&tally, &is_over);
        let _over = Over(is_over);
        for (visitor, token) in visitors {
            scope.spawn(move || work(visitor, &token, tally, is_over));
        }
        for round in 1..=ROUNDS {
            thread::sleep(PAUSE);
            tally.lock().expect("nobody panicked").longest = Duration::ZERO;
            let started = Instant::now();
            running.stop();
            let stopped = started.elapsed();
            running = Running::start(&socket, &data, &copies);
            let ready = Visitor::new(address, false).ask("GET", "/health/ready", "");
            let served = started.elapsed();
            assert_eq!(ready.expect("an answer").status, 200);
            // Those who waited longest have their answers soon after.
            thread::sleep(PAUSE);
            let longest = tally.lock().expect("nobody panicked").longest;
            println!(
                "restart {round:2}: stopped in {stopped:.2?}, served again after {served:.2?}, longest request {longest:.2?}"
            );
        }
    });
    running.stop();

    let Tally { requests, edits, signed_out, failures, .. } = tally.into_inner().expect("nobody panicked");
    println!(
        "{ROUNDS} restarts, {requests} requests, {} failed, {signed_out} signed out, {edits} edits",
        failures.len()
    );
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(signed_out, 0);
    assert_eq!(edits_in(&folder.path().join("data/mukkeum.db")), edits);
    let restored = path("restored.db");
    let status = program(&["restore", "--from", &copies, "--out", &restored, "--data", &data]).status();
    assert!(status.expect("runs").success());
    assert_eq!(edits_in(Path::new(&restored)), edits, "the backup has the last of them");
}
