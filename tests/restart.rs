//! Twenty restarts under load with socket activation: no request fails, no user is logged out, and the backup
//! contains every acknowledged edit.

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

/// Number of clients; half of them use keep-alive connections.
const CLIENTS: usize = 8;

/// Time between readiness and the next stop.
const ROUND_DELAY: Duration = Duration::from_millis(300);

const PROGRAM: &str = env!("CARGO_BIN_EXE_mukkeum");
const PASSWORD: &str = "mattress-and-bed-2026";

/// Passes the socket as systemd does: as descriptor 3, with two environment variables.
const SOCKET_ACTIVATION: &str = r#"exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@""#;

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

/// A running server on the inherited socket; killed when dropped.
struct RunningServer(Child);

impl Drop for RunningServer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl RunningServer {
    fn start(socket: &TcpListener, data: &str, copies: &str) -> Self {
        let descriptor: OwnedFd = socket.try_clone().expect("a descriptor").into();
        let mut command = Command::new("sh");
        command.args(["-c", SOCKET_ACTIVATION, "sh", PROGRAM, "serve", "--data", data, "--backup", copies]);
        // An address that cannot be bound, to prove that the inherited socket is used.
        command.args(["--listen", "192.0.2.1:1", "--admin-totp", "off", "--log-level", "error"]);
        Self(command.env_clear().stdin(Stdio::from(descriptor)).stdout(Stdio::null()).spawn().expect("starts"))
    }

    fn stop(&mut self) {
        let sent = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().expect("runs");
        assert!(sent.success());
        assert_eq!(self.0.wait().expect("ends").code(), Some(0));
    }
}

struct Response {
    status: u16,
    headers: BTreeMap<String, String>,
    text: String,
}

/// An HTTP client with cookies that never retries.
struct Client {
    address: SocketAddr,
    is_keep_alive: bool,
    connection: Option<BufReader<TcpStream>>,
    cookies: BTreeMap<String, String>,
}

impl Client {
    fn new(address: SocketAddr, is_keep_alive: bool) -> Self {
        Self { address, is_keep_alive, connection: None, cookies: BTreeMap::new() }
    }

    fn send(&mut self, method: &str, path: &str, body: &str) -> io::Result<Response> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => BufReader::new(TcpStream::connect(self.address)?),
        };
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: {}\r\ncookie: {}\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            if self.is_keep_alive { "keep-alive" } else { "close" },
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
        let is_closed = headers.get("connection").is_some_and(|word| word == "close");
        self.connection = (self.is_keep_alive && !is_closed).then_some(connection);
        Ok(Response { status, headers, text: String::from_utf8_lossy(&text).into_owned() })
    }

    fn csrf_token(&mut self, path: &str) -> String {
        let page = self.send("GET", path, "").expect("a page");
        let (_, rest) = page.text.split_once("name=\"csrf\" value=\"").expect("a form");
        rest.split('"').next().expect("a value").to_owned()
    }

    fn sign_in(&mut self) -> String {
        let token = self.csrf_token("/login");
        let response = self.send("POST", "/login", &format!("csrf={token}&username=admin&password={PASSWORD}"));
        assert_eq!(response.expect("a response").status, 303);
        self.csrf_token("/shop")
    }
}

/// Results of all clients.
#[derive(Default)]
struct Results {
    requests: usize,
    edits: usize,
    logouts: usize,
    failures: Vec<String>,
    /// longest request of this round
    longest: Duration,
}

/// Alternates reads and edits until `is_over`.
fn run_client(mut client: Client, token: &str, results: &Mutex<Results>, is_over: &AtomicBool) {
    let edit = format!("csrf={token}&name=bed&tel=02-000-0000&address=");
    for (method, path, body, expected) in
        [("GET", "/orders", "", 200), ("POST", "/shop", edit.as_str(), 303)].into_iter().cycle()
    {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let started = Instant::now();
        let response = client.send(method, path, body);
        let elapsed = started.elapsed();
        let mut results = results.lock().expect("no thread panicked");
        results.requests += 1;
        results.longest = results.longest.max(elapsed);
        match response {
            Ok(response) if response.headers.get("location").is_some_and(|to| to.starts_with("/login")) => {
                results.logouts += 1
            }
            Ok(response) if response.status == expected => results.edits += usize::from(method == "POST"),
            Ok(response) => results.failures.push(format!("{method} {path}: {}", response.status)),
            Err(error) => results.failures.push(format!("{method} {path} after {elapsed:?}: {error}")),
        }
        drop(results);
        thread::sleep(Duration::from_millis(10));
    }
}

/// Stops the clients when dropped, also if the test panics.
struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn edits_in(file: &Path) -> usize {
    let database = rusqlite::Connection::open(file).expect("opens");
    let count = "SELECT count(*) FROM audit_entries WHERE verb = 'shop-saved'";
    database.query_row(count, (), |row| row.get::<_, u32>(0)).expect("counts") as usize
}

#[test]
fn twenty_restarts_lose_no_request() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (data, copies) = (path("data"), format!("file://{}", path("copies")));
    std::fs::write(path("password"), PASSWORD).expect("writes");
    let added = program(&["user", "add", "admin", "--password-file", &path("password"), "--data", &data]).status();
    assert!(added.expect("runs").success());

    let socket = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    let mut running = RunningServer::start(&socket, &data, &copies);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = Client::new(address, number % 2 == 0);
            let token = client.sign_in();
            (client, token)
        })
        .collect();

    let (results, is_over) = (Mutex::new(Results::default()), AtomicBool::new(false));
    thread::scope(|scope| {
        let (results, is_over) = (&results, &is_over);
        let _guard = StopOnDrop(is_over);
        for (client, token) in clients {
            scope.spawn(move || run_client(client, &token, results, is_over));
        }
        for round in 1..=ROUNDS {
            thread::sleep(ROUND_DELAY);
            results.lock().expect("no thread panicked").longest = Duration::ZERO;
            let started = Instant::now();
            running.stop();
            let stopped = started.elapsed();
            running = RunningServer::start(&socket, &data, &copies);
            let ready = Client::new(address, false).send("GET", "/health/ready", "");
            let served = started.elapsed();
            assert_eq!(ready.expect("a response").status, 200);
            // The requests that waited longest finish soon after.
            thread::sleep(ROUND_DELAY);
            let longest = results.lock().expect("no thread panicked").longest;
            println!(
                "restart {round:2}: stopped in {stopped:.2?}, served again after {served:.2?}, longest request {longest:.2?}"
            );
        }
    });
    running.stop();

    let Results { requests, edits, logouts, failures, .. } = results.into_inner().expect("no thread panicked");
    println!("{ROUNDS} restarts, {requests} requests, {} failed, {logouts} logged out, {edits} edits", failures.len());
    assert_eq!(failures, Vec::<String>::new());
    assert_eq!(logouts, 0);
    assert_eq!(edits_in(&folder.path().join("data/mukkeum.db")), edits);
    let restored = path("restored.db");
    let status = program(&["restore", "--from", &copies, "--out", &restored, "--data", &data]).status();
    assert!(status.expect("runs").success());
    assert_eq!(edits_in(Path::new(&restored)), edits, "the backup has the last of them");
}
