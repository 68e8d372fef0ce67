//! Tests of the executable: start, errors, shutdown, command line.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

#[path = "program/access.rs"]
mod access;
#[path = "program/cases.rs"]
mod cases;
#[path = "program/demo.rs"]
mod demo;
#[cfg(unix)]
#[path = "program/file_modes.rs"]
mod file_modes;
#[path = "program/foreign_owner.rs"]
mod foreign_owner;
#[path = "program/full_disk.rs"]
mod full_disk;
#[path = "program/migration.rs"]
mod migration;
#[path = "program/privacy.rs"]
mod privacy;
#[path = "program/read_only.rs"]
mod read_only;
#[path = "program/shutdown.rs"]
mod shutdown;

use std::collections::BTreeMap;
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

/// A running server; killed when dropped.
struct Server {
    child: Child,
    out: BufReader<ChildStdout>,
    address: String,
    banner: String,
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
        let mut banner = String::new();
        while !banner.contains("데이터베이스") {
            assert!(out.read_line(&mut banner).expect("reads") > 0, "ended: {banner}");
        }
        let address = banner.split_once("://").expect("an address").1;
        let address = address.split_whitespace().next().expect("an address").to_owned();
        Self { child, out, address, banner }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(&self.address).expect("connects");
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("writes");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("reads");
        answer
    }

    /// Reads the startup banner until it contains `word`.
    fn banner_until(&mut self, word: &str) -> &str {
        while !self.banner.contains(word) {
            assert!(self.out.read_line(&mut self.banner).expect("reads") > 0, "ended: {}", self.banner);
        }
        &self.banner
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([name, &self.child.id().to_string()]).status().expect("runs");
        assert!(sent.success());
    }

    fn exit_code_within(&mut self, limit: Duration) -> Option<i32> {
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

/// Asserts that the command fails with exit code 2 and an error message that contains `text`.
fn assert_fails(command: &mut Command, text: &str) {
    let (code, out, error) = run(command);
    assert_eq!(code, Some(2), "{out}{error}");
    assert!(error.starts_with("mukkeum: ") && error.contains(text), "{error}");
    assert_eq!(out, "");
}

#[test]
fn health_asks_the_running_program() {
    let folder = tempdir().expect("a folder");
    let server = Server::start(&mut program(folder.path()));
    let health = |address: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.args(["health", "--listen", address, "--data"]).arg(folder.path()).env_clear();
        command
    };
    assert_eq!(run(&mut health(&server.address)), (Some(0), "ready\n".to_owned(), String::new()));
    let address = server.address.clone();
    drop(server);
    assert_fails(&mut health(&address), "응답하지 않아요");
}

#[test]
fn startup_banner_shows_version_database_and_setup_code() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(&mut program(folder.path()));
    assert!(server.banner.starts_with(&format!("묶음 {}\n", env!("CARGO_PKG_VERSION"))));
    assert!(server.banner.contains("SQLite"));
    server.banner_until("설치 확인 번호");
    assert!(server.get("/health/ready").starts_with("HTTP/1.1 200"));
    assert!(server.get("/").contains("location: /login"));
}

#[test]
fn port_in_use_is_reported() {
    let folder = tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    assert_fails(command.arg("--data").arg(folder.path()).args(["--listen", &address]), "다른 프로그램이 쓰고 있어요");
}

fn over_tls(server: &Server, ca: &Path, path: &str) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("a certificate")).expect("trusts it");
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
fn https_works_without_a_proxy_and_plain_http_is_rejected() {
    let folder = tempdir().expect("a folder");
    let (certificate, ca) = (folder.path().join("tls/cert.pem"), folder.path().join("tls/ca.pem"));
    let server = Server::start(program(folder.path()).arg("--tls"));
    assert!(server.banner.contains("https://") && server.banner.contains("인증서 지문"));
    let login = over_tls(&server, &ca, "/setup");
    assert!(login.starts_with("HTTP/1.1 200") && login.contains("; Secure"), "{login}");
    assert!(!login.contains("strict-transport-security"), "no HSTS with the shop's own CA");
    let phones = server.get("/phones");
    assert!(phones.starts_with("HTTP/1.1 200") && phones.contains("/phones/ca.crt"), "{phones}");
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
    assert!(over_tls(&server, &ca, "/setup").contains("strict-transport-security"));
    drop(server);
    std::fs::write(&key, "no key").expect("writes");
    let mut command = program(folder.path());
    own(&mut command);
    assert_fails(&mut command, "key.pem");
    assert_fails(program(folder.path()).arg("--tls-cert").arg(&certificate), "tls_key");
}

#[test]
fn unencrypted_public_server_prints_a_warning() {
    let folder = tempdir().expect("a folder");
    let start = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command
            .arg("--data")
            .arg(folder.path())
            .args(["--listen", "0.0.0.0:0", "--log-level", "error"])
            .args(arguments);
        let mut server = Server::start(command.env_clear().stdin(Stdio::null()));
        server.banner_until("설치 확인 번호").to_owned()
    };
    assert!(start(&[]).contains("암호화되지 않아요"));
    let safe = start(&["--tls"]);
    assert!(!safe.contains("암호화되지 않아요") && safe.contains("https://localhost:"), "{safe}");
}

#[cfg(target_os = "linux")]
#[test]
fn dry_run_of_service_install_prints_the_units() {
    let folder = tempdir().expect("a folder");
    let install = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.args(["service", "install", "--dry-run"]).args(arguments).current_dir(folder.path()).env_clear();
        command
    };
    let (code, out, error) = run(&mut install(&["--listen", "0.0.0.0"]));
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains("ListenStream=0.0.0.0:8080") && out.contains("DynamicUser=yes"), "{out}");

    // An existing shop in ./data is used.
    drop(Server::start(&mut program(&folder.path().join("data"))));
    let (_, out, _) = run(&mut install(&[]));
    let data = folder.path().join("data").display().to_string();
    assert!(out.contains(&format!("serve --data \"{data}\"")) && !out.contains("DynamicUser"), "{out}");
    assert_fails(&mut install(&["--tls"]), "mukkeum.toml");
    assert_fails(&mut install(&["--data", "nowhere"]), "데이터 폴더를 찾지 못했어요");
}

#[test]
fn second_server_on_the_same_data_folder_is_rejected() {
    let folder = tempdir().expect("a folder");
    let _server = Server::start(&mut program(folder.path()));
    assert_fails(&mut program(folder.path()), "이미 켜져 있어요");
}

#[test]
fn unusable_data_folder_is_reported() {
    let folder = tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("writes");
    assert_fails(&mut program(&file.join("data")), "--data");
    assert_fails(&mut program(&file), "--data");
}

/// Names and contents of the files in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let files = entries.map(|path| (path.display().to_string(), std::fs::read(path).expect("a file")));
    files.collect()
}

#[cfg(unix)]
#[test]
fn backup_is_restored_into_an_empty_folder() {
    let (shop, copies, elsewhere) = (tempdir().expect("one"), tempdir().expect("two"), tempdir().expect("three"));
    let from = format!("file://{}", copies.path().join("shop").display());
    assert_eq!(user(&shop, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let mut server = Server::start(program(shop.path()).args(["--backup", &from]));
    let until = Instant::now() + Duration::from_secs(20);
    let data = elsewhere.path().join("new").join("data");
    let out = data.join("mukkeum.db");
    let mut restore = program(&data);
    restore.args(["restore", "--from", &from, "--out"]).arg(&out);
    assert_fails(&mut restore, "--unsealed");
    restore.arg("--key-file").arg(shop.path().join("backup.key"));
    while run(&mut restore).0 != Some(0) {
        assert!(Instant::now() < until, "nothing can be restored yet");
        std::thread::sleep(Duration::from_millis(200));
    }
    server.signal("-TERM");
    assert_eq!(server.exit_code_within(Duration::from_secs(10)), Some(0));
    assert_fails(&mut restore, "--overwrite");
    let (_, members, _) = run(program(&data).args(["user", "list"]));
    assert!(members.contains("boss"), "{members}");
}

#[test]
fn invalid_settings_are_reported() {
    let folder = tempdir().expect("a folder");
    std::fs::write(folder.path().join("mukkeum.toml"), "lisen = '127.0.0.1:1'\n").expect("writes");
    assert_fails(&mut program(folder.path()), "lisen");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    assert_fails(command.args(["--database", "postgres://user:secret@host/name"]), "mysql://");
    assert_fails(program(folder.path()).arg("--no-such-flag"), "없는 옵션이에요: --no-such-flag");
}

#[test]
fn flags_override_variables_and_variables_override_the_file() {
    let folder = tempdir().expect("a folder");
    std::fs::write(folder.path().join("mukkeum.toml"), "log_level = 'file=broken=x'\n").expect("writes");
    let bare = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.arg("--data").arg(folder.path()).args(["--listen", "127.0.0.1:0"]);
        command
    };
    assert_fails(&mut bare(), "log_level");
    assert_fails(bare().env("MUKKEUM_LOG_LEVEL", "variable=broken=x"), "log_level");
    Server::start(bare().env("MUKKEUM_LOG_LEVEL", "error"));
    Server::start(bare().env("MUKKEUM_LOG_LEVEL", "variable=broken=x").args(["--log-level", "error"]));
}

fn user(folder: &TempDir, arguments: &[&str], password: &str) -> (Option<i32>, String, String) {
    let mut child = program(folder.path())
        .arg("user")
        .args(arguments)
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
fn help_is_korean() {
    let help = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        let (code, out, error) = run(command.args(arguments).env_clear().stdin(Stdio::null()));
        assert_eq!((code, error.as_str()), (Some(0), ""), "{out}");
        out
    };
    assert!(help(&["help"]).contains("사용법: mukkeum [옵션] [명령]"));
    assert_eq!(help(&["help", "import", "orders"]), help(&["import", "orders", "--help"]));
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    assert_fails(command.args(["help", "nothing"]).env_clear(), "없는 명령이에요: nothing");
}

#[test]
fn members_are_managed_on_the_command_line() {
    let folder = tempdir().expect("a folder");
    let _server = Server::start(&mut program(folder.path()));
    assert_eq!(user(&folder, &["add", "사장님", "--password-file", "-"], PASSWORD).0, Some(0));
    assert_eq!(user(&folder, &["add", "driver", "--role", "logistics"], PASSWORD).0, Some(0));
    let (code, _, error) = user(&folder, &["add", "driver"], PASSWORD);
    assert!(code == Some(2) && error.contains("이미 쓰고 있는"), "{error}");
    let (code, _, error) = user(&folder, &["add", "short"], "1234567");
    assert!(code == Some(2) && error.contains("8자"), "{error}");
    let (code, _, error) = user(&folder, &["disable", "사장님"], "");
    assert!(code == Some(2) && error.contains("마지막 관리자"), "{error}");
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
    let one_time = out.rsplit(' ').next().expect("a password").trim().to_owned();
    assert!(code == Some(0) && one_time.len() == "XXXX-XXXX-XXXX".len(), "{out}");
    let (_, out, _) = user(&folder, &["list"], "");
    assert!(out.contains("임시 비밀번호, 바꿔야 함") && !out.contains(&one_time), "{out}");
    assert_eq!(user(&folder, &["passwd", "nobody", "--one-time"], "").0, Some(2));
}

#[test]
fn version_is_printed_as_text_and_json() {
    let folder = tempdir().expect("a folder");
    let (_, out, _) = run(program(folder.path()).arg("version"));
    assert!(out.contains(env!("CARGO_PKG_VERSION")));
    let (_, out, _) = run(program(folder.path()).args(["version", "--json"]));
    let version: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn copied_shop_has_its_members_and_passes_doctor() {
    let (old, new) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let (code, _, error) = user(&old, &["add", "boss", "--role", "admin"], PASSWORD);
    assert_eq!(code, Some(0), "{error}");
    let of = |folder: &TempDir| format!("sqlite:{}", folder.path().join("mukkeum.db").display());
    let (from, to) = (of(&old), of(&new));
    let copy = || run(program(new.path()).args(["copy", "--from", &from, "--to", &to, "--json"]));
    let (code, out, error) = copy();
    assert_eq!(code, Some(0), "{error}");
    assert!(out.contains(r#"{"checksum":"#) && out.contains(r#""rows":1,"table":"members""#), "{out}");
    assert!(run(program(new.path()).args(["user", "list"])).1.contains("boss"));

    let (code, _, error) = copy();
    assert!(code == Some(2) && error.contains("이미 데이터가 있어요"), "{error}");
    let (code, out, _) = run(program(new.path()).args(["doctor", "--json"]));
    assert!(code != Some(2) && out.contains(r#""severity":"good""#) && !out.contains("bad"), "{out}");
}
