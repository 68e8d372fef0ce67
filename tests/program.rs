//! The executable itself: how it starts, refuses and ends.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

#[path = "program/end.rs"]
mod end;
#[path = "program/training.rs"]
mod training;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::{TempDir, tempdir};

const PASSWORD: &str = "비밀번호 열두 글자";

fn program(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.arg("--data").arg(data).args(["--listen", "127.0.0.1:0", "--log-level", "error"]);
    command.env_clear().stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = command.output().expect("runs");
    (status.code(), String::from_utf8(stdout).expect("text"), String::from_utf8(stderr).expect("text"))
}

/// A server that ends with the test.
struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
    introduction: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("starts");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut introduction = String::new();
        while !introduction.contains("데이터베이스") {
            assert!(out.read_line(&mut introduction).expect("reads") > 0, "ended: {introduction}");
        }
        let address = introduction.split_once("://").expect("an address").1;
        let address = address.split_whitespace().next().expect("an address").to_owned();
        Self { child, out, address, introduction }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(&self.address).expect("connects");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    }

    /// Goes on reading what it says of itself until that word.
    fn introduced_until(&mut self, word: &str) -> &str {
        while !self.introduction.contains(word) {
            assert!(self.out.read_line(&mut self.introduction).expect("reads") > 0, "ended: {}", self.introduction);
        }
        &self.introduction
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("runs");
        assert!(sent.success());
    }

    fn ended_within(&mut self, limit: Duration) -> Option<i32> {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("asks") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running");
    }
}

fn refused(command: &mut Command, words: &str) {
    let (code, out, complaint) = run(command);
    assert_eq!(code, Some(2), "{out}{complaint}");
    assert!(complaint.starts_with("mukkeum: ") && complaint.contains(words), "{complaint}");
    assert_eq!(out, "");
}

#[test]
fn it_introduces_itself_and_tells_how_to_begin() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(&mut program(folder.path()));
    assert!(server.introduction.starts_with(&format!("묶음 {}\n", env!("CARGO_PKG_VERSION"))));
    assert!(server.introduction.contains("SQLite"));
    server.introduced_until("설치 확인 번호");
    assert!(server.get("/health/ready").starts_with("HTTP/1.1 200"));
    assert!(server.get("/").contains("location: /login"));
}

#[test]
fn a_port_in_use_is_told() {
    let folder = tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    refused(command.arg("--data").arg(folder.path()).args(["--listen", &address]), "다른 프로그램이 쓰고 있어요");
}

fn over_tls(server: &Server, certificate: &Path, path: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("a certificate")).expect("trusts it");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let settings = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let settings = settings.expect("versions").with_root_certificates(roots).with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let tls = rustls::ClientConnection::new(Arc::new(settings), name).expect("a client");
    let stream = std::net::TcpStream::connect(&server.address).expect("connects");
    let mut stream = rustls::StreamOwned::new(tls, stream);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("writes");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("reads");
    answer
}

#[test]
fn it_speaks_https_without_a_proxy_and_tells_who_comes_without() {
    let folder = tempdir().expect("a folder");
    let certificate = folder.path().join("tls/cert.pem");
    let server = Server::start(program(folder.path()).arg("--tls"));
    assert!(server.introduction.contains("https://") && server.introduction.contains("인증서 지문"));
    let login = over_tls(&server, &certificate, "/setup");
    assert!(login.starts_with("HTTP/1.1 200") && login.contains("; Secure"), "{login}");
    assert!(!login.contains("strict-transport-security"), "a browser must not insist on a certificate of nobody");
    let plain = server.get("/login");
    assert!(plain.starts_with("HTTP/1.1 400") && plain.contains("https://로"), "{plain}");
    drop(server);

    let key = folder.path().join("tls/key.pem");
    let own = |command: &mut Command| {
        command.arg("--tls-cert").arg(&certificate).arg("--tls-key").arg(&key);
    };
    let mut command = program(folder.path());
    own(&mut command);
    let server = Server::start(&mut command);
    assert!(over_tls(&server, &certificate, "/setup").contains("strict-transport-security"));
    drop(server);
    std::fs::write(&key, "no key").expect("writes");
    let mut command = program(folder.path());
    own(&mut command);
    refused(&mut command, "key.pem");
    refused(program(folder.path()).arg("--tls-cert").arg(&certificate), "tls_key");
}

#[test]
fn whoever_opens_it_to_others_is_warned() {
    let folder = tempdir().expect("a folder");
    let open = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.arg("--data").arg(folder.path()).args(["--listen", "0.0.0.0:0", "--log-level", "error"]).args(words);
        let mut server = Server::start(command.env_clear().stdin(Stdio::null()));
        server.introduced_until("설치 확인 번호").to_owned()
    };
    assert!(open(&[]).contains("암호화되지 않아요"));
    let safe = open(&["--tls"]);
    assert!(!safe.contains("암호화되지 않아요") && safe.contains("https://localhost:"), "{safe}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_service_would_be_is_shown() {
    let folder = tempdir().expect("a folder");
    let install = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.args(["service", "install", "--dry-run"]).args(words).current_dir(folder.path()).env_clear();
        command
    };
    let (code, out, told) = run(&mut install(&["--listen", "0.0.0.0"]));
    assert_eq!(code, Some(0), "{told}");
    assert!(out.contains("ListenStream=0.0.0.0:8080") && out.contains("DynamicUser=yes"), "{out}");

    // A shop that is already here is the one that is meant.
    drop(Server::start(&mut program(&folder.path().join("data"))));
    let (_, out, _) = run(&mut install(&[]));
    let here = folder.path().join("data").display().to_string();
    assert!(out.contains(&format!("serve --data \"{here}\"")) && !out.contains("DynamicUser"), "{out}");
    refused(&mut install(&["--tls"]), "mukkeum.toml");
    refused(&mut install(&["--data", "nowhere"]), "데이터 폴더를 찾지 못했어요");
}

#[test]
fn a_second_program_on_the_same_data_is_refused() {
    let folder = tempdir().expect("a folder");
    let _server = Server::start(&mut program(folder.path()));
    refused(&mut program(folder.path()), "이미 켜져 있어요");
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("writes");
    refused(&mut program(&file.join("data")), "--data");
    refused(&mut program(&file), "--data");
}

#[test]
fn data_of_a_newer_program_is_left_alone() {
    let folder = tempdir().expect("a folder");
    drop(Server::start(&mut program(folder.path())));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    database.execute("INSERT INTO schema_versions (version, applied_at) VALUES (999, 0)", ()).expect("writes");
    drop(database);
    refused(&mut program(folder.path()), "더 새로운 버전");
}

fn newest_version(database: &Path) -> i64 {
    let database = rusqlite::Connection::open(database).expect("opens");
    database.query_row("SELECT max(version) FROM schema_versions", (), |row| row.get(0)).expect("a version")
}

#[test]
fn data_of_an_older_program_is_copied_before_it_is_brought_up_and_can_go_back() {
    let folder = tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let old = rusqlite::Connection::open(path("mukkeum.db")).expect("opens");
    old.execute_batch(include_str!("fixtures/schema-1.sql")).expect("the first schema");
    let shop = "INSERT INTO schema_versions VALUES (1, 0);
        INSERT INTO members (id, username, role, password_hash, created_at) VALUES (1, 'boss', 'admin', '', 0)";
    old.execute_batch(shop).expect("a shop");
    drop(old);

    let (code, out, told) = run(program(folder.path()).args(["user", "list"]));
    assert!(code == Some(0) && out.contains("boss"), "{told}");
    assert!(told.contains("mukkeum.db.schema-1") && told.contains("mukkeum.db.restored"), "{told}");
    assert_eq!(newest_version(&path("mukkeum.db.schema-1")), 1);
    assert!(newest_version(&path("mukkeum.db")) > 1);
    let (_, out, told) = run(program(folder.path()).arg("doctor"));
    assert!(out.contains("mukkeum.db.schema-1") && !told.contains("되돌리려면"), "{out}{told}");

    // The way back, but that the program is this one again, and brings it up again.
    assert_eq!(user(&folder, &["add", "driver", "--role", "logistics"], PASSWORD).0, Some(0));
    std::fs::rename(path("mukkeum.db.schema-1"), path("mukkeum.db.restored")).expect("renames");
    drop(Server::start(&mut program(folder.path())));
    let (_, out, _) = run(program(folder.path()).args(["user", "list"]));
    assert!(out.contains("boss") && !out.contains("driver"), "{out}");
    assert_eq!(newest_version(&path("mukkeum.db.schema-1")), 1);
}

#[cfg(unix)]
#[test]
fn a_backup_is_restored_on_a_computer_that_has_nothing_yet() {
    let (shop, copies, elsewhere) = (tempdir().expect("one"), tempdir().expect("two"), tempdir().expect("three"));
    let from = format!("file://{}", copies.path().join("shop").display());
    assert_eq!(user(&shop, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let mut server = Server::start(program(shop.path()).args(["--backup", &from]));
    let until = Instant::now() + Duration::from_secs(20);
    let data = elsewhere.path().join("new").join("data");
    let out = data.join("mukkeum.db");
    let mut restore = program(&data);
    restore.args(["restore", "--from", &from, "--out"]).arg(&out);
    while run(&mut restore).0 != Some(0) {
        assert!(Instant::now() < until, "nothing is there to be restored");
        std::thread::sleep(Duration::from_millis(200));
    }
    server.signal("-TERM");
    assert_eq!(server.ended_within(Duration::from_secs(10)), Some(0));
    refused(&mut restore, "--overwrite");
    let (_, members, _) = run(program(&data).args(["user", "list"]));
    assert!(members.contains("boss"), "{members}");
}

#[test]
fn settings_that_cannot_be_are_told() {
    let folder = tempdir().expect("a folder");
    std::fs::write(folder.path().join("mukkeum.toml"), "lisen = '127.0.0.1:1'\n").expect("writes");
    refused(&mut program(folder.path()), "lisen");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    refused(command.args(["--database", "postgres://user:secret@host/name"]), "mysql://");
    let (code, _, _) = run(program(folder.path()).arg("--no-such-flag"));
    assert_eq!(code, Some(2));
}

#[test]
fn a_flag_goes_before_a_variable_and_a_variable_before_the_file() {
    let folder = tempdir().expect("a folder");
    std::fs::write(folder.path().join("mukkeum.toml"), "log_level = 'file=broken=x'\n").expect("writes");
    let bare = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.arg("--data").arg(folder.path()).args(["--listen", "127.0.0.1:0"]);
        command
    };
    refused(&mut bare(), "log_level");
    refused(bare().env("MUKKEUM_LOG_LEVEL", "variable=broken=x"), "log_level");
    Server::start(bare().env("MUKKEUM_LOG_LEVEL", "error"));
    Server::start(bare().env("MUKKEUM_LOG_LEVEL", "variable=broken=x").args(["--log-level", "error"]));
}

fn user(folder: &TempDir, words: &[&str], password: &str) -> (Option<i32>, String, String) {
    let mut child = program(folder.path())
        .arg("user")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    writeln!(child.stdin.take().expect("a pipe"), "{password}").unwrap_or_default();
    let Output { status, stdout, stderr } = child.wait_with_output().expect("ends");
    (status.code(), String::from_utf8(stdout).expect("text"), String::from_utf8(stderr).expect("text"))
}

#[test]
fn members_are_kept_from_the_command_line_too() {
    let folder = tempdir().expect("a folder");
    let _server = Server::start(&mut program(folder.path()));
    assert_eq!(user(&folder, &["add", "사장님", "--password-file", "-"], PASSWORD).0, Some(0));
    assert_eq!(user(&folder, &["add", "driver", "--role", "logistics"], PASSWORD).0, Some(0));
    let (code, _, complaint) = user(&folder, &["add", "driver"], PASSWORD);
    assert!(code == Some(2) && complaint.contains("이미 쓰고 있는"), "{complaint}");
    let (code, _, complaint) = user(&folder, &["add", "short"], "1234567");
    assert!(code == Some(2) && complaint.contains("8자"), "{complaint}");
    let (code, _, complaint) = user(&folder, &["disable", "사장님"], "");
    assert!(code == Some(2) && complaint.contains("마지막 관리자"), "{complaint}");
    assert_eq!(user(&folder, &["disable", "driver"], "").0, Some(0));
    assert_eq!(user(&folder, &["passwd", "driver"], "다른 비밀번호예요").0, Some(0));
    assert_eq!(user(&folder, &["role", "nobody", "admin"], "").0, Some(2));

    let (code, out, _) = user(&folder, &["list", "--json"], "");
    assert_eq!(code, Some(0));
    let members: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(members[0]["username"], "driver");
    assert_eq!(members[0]["enabled"], false);
    assert_eq!(members[1]["role"], "admin");
    assert_eq!(members[1]["must_change_password"], false);
    assert!(!out.contains("argon2"));

    let (code, out, _) = user(&folder, &["passwd", "사장님", "--one-time"], "");
    let made = out.rsplit(' ').next().expect("a password").trim().to_owned();
    assert!(code == Some(0) && made.len() == "XXXX-XXXX-XXXX".len(), "{out}");
    let (_, out, _) = user(&folder, &["list"], "");
    assert!(out.contains("일회용 비밀번호, 바꿔야 함") && !out.contains(&made), "{out}");
    assert_eq!(user(&folder, &["passwd", "nobody", "--one-time"], "").0, Some(2));
}

#[test]
fn version_is_for_people_and_programs() {
    let folder = tempdir().expect("a folder");
    let (_, out, _) = run(program(folder.path()).arg("version"));
    assert!(out.contains(env!("CARGO_PKG_VERSION")));
    let (_, out, _) = run(program(folder.path()).args(["version", "--json"]));
    let version: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn a_copied_shop_has_its_members_and_is_sound() {
    let (old, new) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let (code, _, complaint) = user(&old, &["add", "boss", "--role", "admin"], PASSWORD);
    assert_eq!(code, Some(0), "{complaint}");
    let of = |folder: &TempDir| format!("sqlite:{}", folder.path().join("mukkeum.db").display());
    let (from, to) = (of(&old), of(&new));
    let copy = || run(program(new.path()).args(["copy", "--from", &from, "--to", &to, "--json"]));
    let (code, answer, complaint) = copy();
    assert_eq!(code, Some(0), "{complaint}");
    assert!(answer.contains(r#"{"checksum":"#) && answer.contains(r#""rows":1,"table":"members""#), "{answer}");
    assert!(run(program(new.path()).args(["user", "list"])).1.contains("boss"));

    let (code, _, complaint) = copy();
    assert!(code == Some(2) && complaint.contains("이미 데이터가 있어요"), "{complaint}");
    let (code, answer, _) = run(program(new.path()).args(["doctor", "--json"]));
    assert!(code != Some(2) && answer.contains(r#""severity":"good""#) && !answer.contains("bad"), "{answer}");
}
