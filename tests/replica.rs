//! Reads from a replica, metrics of a failover, and diagnostics of two servers: `cargo test --test replica`.
//! The tests start source and replica themselves, on local ports and in temporary folders.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mukkeum::storage::{MariaDbAddress, Result, Severity, Storage, StorageOptions, Tx};
use mukkeum::time::SystemClock;
use mukkeum::web::metrics;
use mysql::Conn;
use mysql::prelude::Queryable;
use tempfile::TempDir;

/// A MariaDB server, killed at the end of the test.
struct Server {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

fn done(command: &mut Command) {
    let ended = command.stdout(Stdio::null()).status().expect("Debian package mariadb-server-core");
    assert!(ended.success(), "{command:?}");
}

fn user() -> String {
    let told = Command::new("id").arg("-un").output().expect("id").stdout;
    String::from_utf8_lossy(&told).trim().to_owned()
}

/// Creates an initialised, empty data folder.
fn template() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    done(
        Command::new("mariadb-install-db")
            .args(["--no-defaults", "--force", "--skip-test-db", "--skip-name-resolve", "--innodb-log-file-size=16M"])
            .arg("--auth-root-authentication-method=normal")
            .arg(format!("--user={}", user()))
            .arg(format!("--datadir={}", folder.path().join("data").display())),
    );
    folder
}

impl Server {
    fn start(template: &Path, number: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        done(Command::new("cp").arg("-a").arg(template.join("data")).arg(folder.path()));
        let (at, port) = (folder.path().display(), free_port());
        // Like deploy/ha/mariadb/mukkeum.cnf.
        let settings = format!(
            "--no-defaults --user={} --datadir={at}/data --socket={at}/socket --pid-file={at}/pid --log-error={at}/log \
             --bind-address=127.0.0.1 --port={port} --server-id={number} --skip-name-resolve --skip-slave-start \
             --log-bin=binlog --relay-log=relay --log-slave-updates --binlog-format=ROW --gtid-strict-mode=1 \
             --sync-binlog=1 --binlog-expire-logs-seconds=604800 --innodb-flush-log-at-trx-commit=1 --rpl-semi-sync-slave-enabled=1 \
             --rpl-semi-sync-master-timeout=500 --rpl-semi-sync-master-wait-point=AFTER_SYNC \
             --rpl-semi-sync-slave-kill-conn-timeout=1 --innodb-buffer-pool-size=32M --innodb-log-file-size=16M \
             --performance-schema=0",
            user()
        );
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let mut command = Command::new("mariadbd");
        command.args(settings.split_whitespace()).env("PATH", path).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("Debian package mariadb-server-core");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "MariaDB does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, _folder: folder }
    }

    fn conn(&self) -> Conn {
        Conn::new(format!("mysql://root@127.0.0.1:{}/?prefer_socket=false", self.port).as_str()).expect("connects")
    }

    fn execute(&self, statements: &[&str]) {
        let mut conn = self.conn();
        statements.iter().for_each(|sql| conn.query_drop(sql).expect("obeys"));
    }
}

/// The source is server 1, the replica server 2.
struct Pair {
    source: Server,
    replica: Server,
    _exclusive: MutexGuard<'static, ()>,
}

impl Pair {
    fn start() -> Self {
        static EXCLUSIVE: Mutex<()> = Mutex::new(());
        let exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let template = template();
        let pair = Self {
            source: Server::start(template.path(), 1),
            replica: Server::start(template.path(), 2),
            _exclusive: exclusive,
        };
        let change = format!(
            "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = {}, MASTER_USER = 'repl', \
             MASTER_PASSWORD = 'repl', MASTER_CONNECT_RETRY = 1, MASTER_USE_GTID = slave_pos",
            pair.source.port
        );
        pair.source.execute(&[
            "CREATE USER repl@'127.%' IDENTIFIED BY 'repl'",
            "GRANT REPLICATION SLAVE ON *.* TO repl@'127.%'",
            "RESET MASTER",
            "SET GLOBAL rpl_semi_sync_master_enabled = 1",
        ]);
        pair.replica.execute(&["RESET MASTER", "SET GLOBAL gtid_slave_pos = ''", &change, "START SLAVE"]);
        pair.replica.execute(&["SET GLOBAL read_only = 1"]);
        pair.source.execute(&["CREATE DATABASE shop"]);
        wait_until("the replica follows", || {
            let found: Option<String> = pair.replica.conn().query_first("SHOW DATABASES LIKE 'shop'").expect("asks");
            found.is_some()
        });
        pair
    }

    fn address(&self, more: &str) -> MariaDbAddress {
        let (source, replica) = (self.source.port, self.replica.port);
        format!("mysql://root@127.0.0.1:{source},127.0.0.1:{replica}/shop{more}").parse().expect("an address")
    }

    fn open(&self, more: &str) -> Storage {
        let options = StorageOptions { clock: Arc::new(SystemClock), readers: 4 };
        Storage::open_mariadb(&self.address(more), &options).expect("opens")
    }
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn add_channel(tx: &mut dyn Tx) -> Result<()> {
    let id = tx.scalar("SELECT max(id) FROM sales_channels", &[])? + 1;
    let code = id.to_string();
    let sql = "INSERT INTO sales_channels (id, code, name) VALUES (?, ?, ?)";
    tx.exec(sql, &[id.into(), code.as_str().into(), code.as_str().into()]).map(drop)
}

/// Id of the server that answers, and its number of channels.
fn server_and_channels(tx: &mut dyn Tx) -> Result<(i64, i64)> {
    Ok((tx.scalar("SELECT @@server_id", &[])?, tx.scalar("SELECT count(*) FROM sales_channels", &[])?))
}

#[tokio::test]
async fn replica_reads_see_every_earlier_write() {
    let pair = Pair::start();
    let (storage, without) = (pair.open("?max_lag=5"), pair.open(""));
    let (_, before) = storage.read(server_and_channels).await.expect("counts");
    for round in 1..=40 {
        storage.write(add_channel).await.expect("writes");
        assert_eq!(storage.read_replica(server_and_channels).await.expect("counts"), (2, before + round));
        assert_eq!(
            without.read_replica(server_and_channels).await.expect("counts"),
            (1, before + round),
            "only if the address allows it"
        );
    }
    // The read waits for a lagging replica.
    let mut late = pair.replica.conn();
    late.query_drop("FLUSH TABLES WITH READ LOCK").expect("locks");
    storage.write(add_channel).await.expect("writes");
    let unlock = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(late);
    };
    let (answer, ()) = tokio::join!(storage.read_replica(server_and_channels), unlock);
    assert_eq!(answer.expect("counts"), (2, before + 41));
}

#[tokio::test]
async fn stopped_or_dead_replica_delays_only_one_read() {
    let mut pair = Pair::start();
    let storage = pair.open("?max_lag=1");
    let (_, before) = storage.read_replica(server_and_channels).await.expect("counts");
    pair.replica.execute(&["STOP SLAVE SQL_THREAD"]);
    storage.write(add_channel).await.expect("writes");
    let began = Instant::now();
    assert_eq!(storage.read_replica(server_and_channels).await.expect("counts"), (1, before + 1));
    let waited = began.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(3), "{waited:?}");
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(storage.read_replica(server_and_channels).await.expect("counts"), (1, before + 1));
    }
    assert!(began.elapsed() < Duration::from_secs(1), "quarantined: {:?}", began.elapsed());

    pair.replica.execute(&["START SLAVE"]);
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(storage.read_replica(server_and_channels).await.expect("counts"), (2, before + 1), "used again");
    pair.replica.child.kill().and_then(|()| pair.replica.child.wait()).expect("dies");
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(storage.read_replica(server_and_channels).await.expect("counts"), (1, before + 1));
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

/// Value of a metric without labels.
async fn metric(url: &str, name: &str) -> f64 {
    // reqwest requires a TLS provider, although the test uses plain HTTP.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let text = reqwest::get(url).await.expect("an answer").text().await.expect("text");
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn failover_is_counted_and_replica_reads_continue() {
    metrics::install();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/metrics", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, metrics::router::<()>()).await });

    let mut pair = Pair::start();
    let storage = pair.open("?max_lag=2");
    let (_, before) = storage.read_replica(server_and_channels).await.expect("counts");
    let names = ["retries", "failovers", "primary_lost", "replica_reads", "replica_misses"]
        .map(|name| format!("mukkeum_storage_{name}_total"));
    let mut earlier = Vec::new();
    for name in &names {
        earlier.push(metric(&url, name).await);
    }
    assert!(earlier[3] >= 1.0, "the replica has answered: {earlier:?}");

    pair.source.child.kill().and_then(|()| pair.source.child.wait()).expect("dies");
    let promote = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        pair.replica.execute(&["STOP SLAVE", "RESET SLAVE ALL", "SET GLOBAL read_only = 0"]);
    };
    let (written, ()) = tokio::join!(storage.write(add_channel), promote);
    written.expect("waits for the new primary");
    assert_eq!(storage.read_replica(server_and_channels).await.expect("counts"), (2, before + 1), "no replica is left");
    let mut later = Vec::new();
    for name in &names {
        later.push(metric(&url, name).await);
    }
    assert!(later[0] > earlier[0], "retries: {later:?}");
    assert_eq!((later[1] - earlier[1]) as i64, 1, "failovers: {later:?}");
    assert!(later[2] > earlier[2], "primary lost: {later:?}");
    assert!(later[4] > earlier[4], "replica misses: {later:?}");
}

#[test]
fn doctor_reports_the_state_of_replication() {
    let pair = Pair::start();
    drop(pair.open(""));
    let address = pair.address("");
    let wrong = || {
        let findings = address.diagnose(&SystemClock).into_iter();
        let wrong = findings.filter(|finding| finding.severity != Severity::Good);
        wrong.map(|finding| finding.found).collect::<Vec<_>>()
    };
    // Free space of this computer's disk is not part of the test.
    let wrong = || wrong().into_iter().filter(|found| !found.contains("남았어요")).collect::<Vec<_>>();
    wait_until("the replica has caught up", || wrong().is_empty());

    pair.replica.execute(&["STOP SLAVE"]);
    let found = wrong();
    assert!(found.iter().any(|found| found.contains("복제가 멈췄어요")), "{found:?}");
    pair.replica.execute(&["RESET SLAVE ALL"]);
    wait_until("nobody follows the source", || {
        wrong().iter().any(|found| found.contains("Rpl_semi_sync_master_clients"))
    });
    let found = wrong();
    assert!(found.iter().any(|found| found.contains("복제하고 있지 않아요")), "{found:?}");
    pair.replica.execute(&["SET GLOBAL read_only = 0"]);
    let found = wrong();
    assert!(found.iter().any(|found| found.contains("데이터가 갈라져요")), "{found:?}");
}
