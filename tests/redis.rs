//! Sessions in Redis, standalone and behind Sentinel: `cargo test --test redis`. The tests start their own
//! servers on the loopback interface.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use mukkeum::sessions::RedisStore;
use mukkeum::storage::Severity;
use mukkeum::time::SystemClock;
use tempfile::TempDir;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};

/// A Redis or Sentinel process; killed when dropped.
struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port()
}

impl Server {
    fn start(port: u16, settings: &str) -> Self {
        Self::run("redis-server", port, &format!("save \"\"\nappendonly no\n{settings}"))
    }

    fn sentinel(primary: u16) -> Self {
        let settings = format!(
            "sentinel monitor sess 127.0.0.1 {primary} 2\nsentinel down-after-milliseconds sess 1000\n\
             sentinel failover-timeout sess 5000\nsentinel parallel-syncs sess 1\n"
        );
        Self::run("redis-sentinel", free_port(), &settings)
    }

    fn run(program: &str, port: u16, settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("conf");
        let own = format!(
            "bind 127.0.0.1 127.0.0.2\nport {port}\nprotected-mode no\ndir {}\n{settings}",
            folder.path().display()
        );
        fs::write(&file, own).expect("writes");
        let mut command = Command::new(program);
        let child =
            command.arg(&file).stdout(Stdio::null()).spawn().expect("Debian packages redis-server, redis-sentinel");
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed() < Duration::from_secs(20), "{program} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, folder }
    }

    fn query<T: redis::FromRedisValue>(&self, arguments: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).expect("an address");
        let mut command = redis::cmd(arguments[0]);
        command.arg(&arguments[1..]).query(&mut client.get_connection().expect("connects")).expect("answers")
    }

    fn store(&self) -> RedisStore {
        store(&format!("redis://127.0.0.1:{}", self.port))
    }
}

fn store(url: &str) -> RedisStore {
    let address = url.parse().expect("an address");
    RedisStore::new(&address, Duration::from_hours(1), Arc::new(SystemClock)).expect("a store")
}

fn record(name: &str) -> Record {
    let data = [("name".to_owned(), name.into())].into_iter().collect();
    Record { id: Id::default(), data, expiry_date: OffsetDateTime::UNIX_EPOCH }
}

#[tokio::test]
async fn create_never_overwrites_and_save_never_restores() {
    let redis = Server::start(free_port(), "");
    let store = redis.store();
    let (mut first, mut second) = (record("first"), record("second"));
    second.id = first.id;
    store.create(&mut first).await.expect("creates");
    store.create(&mut second).await.expect("creates");
    assert_ne!(second.id, first.id);
    assert_eq!(store.load(&first.id).await.expect("loads").expect("is there").data, first.data);

    store.delete(&first.id).await.expect("deletes");
    store.save(&first).await.expect("is not an error");
    assert_eq!(store.load(&first.id).await.expect("loads"), None);
}

#[tokio::test]
async fn redis_expires_sessions() {
    let redis = Server::start(free_port(), "");
    let store = redis.store();
    let mut session = record("old");
    store.create(&mut session).await.expect("creates");
    let keys: Vec<String> = redis.query(&["KEYS", "mukkeum:session:*"]);
    let [key] = keys.as_slice() else { panic!("{keys:?}") };
    assert!(!key.contains(&session.id.to_string()), "the key does not reveal the cookie");
    let left: i64 = redis.query(&["TTL", key]);
    assert!((3600..=3660).contains(&left), "{left}");
    let _: i64 = redis.query(&["EXPIRE", key, "5"]);
    store.save(&session).await.expect("saves");
    let left: i64 = redis.query(&["TTL", key]);
    assert!((3600..=3660).contains(&left), "saving extends the expiry: {left}");
    let _: i64 = redis.query(&["PEXPIRE", key, "1"]);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(store.load(&session.id).await.expect("loads"), None);
}

#[tokio::test]
async fn store_reconnects_after_a_restart_of_redis() {
    let redis = Server::start(free_port(), "");
    let (store, port) = (redis.store(), redis.port);
    let mut session = record("before");
    store.create(&mut session).await.expect("creates");
    drop(redis);
    assert!(store.ping().await.is_err());
    let started = Instant::now();
    assert!(store.load(&session.id).await.is_err(), "an outage is not a logout");
    assert!(started.elapsed() < Duration::from_secs(8), "{:?}", started.elapsed());
    let _redis = Server::start(port, "");
    store.ping().await.expect("answers");
    assert_eq!(store.load(&session.id).await.expect("loads"), None, "no persistence");
}

#[tokio::test]
async fn doctor_reports_eviction_and_persistence() {
    let redis = Server::start(free_port(), "maxmemory-policy allkeys-lru\n");
    let store = redis.store();
    let wrong = async || {
        let findings = store.diagnose().await.into_iter().filter(|finding| finding.severity != Severity::Good);
        findings.map(|finding| finding.found).collect::<Vec<_>>()
    };
    let found = wrong().await;
    assert!(found.iter().any(|found| found.contains("maxmemory-policy가 allkeys-lru")), "{found:?}");
    assert!(found.iter().any(|found| found.contains("디스크에 적지 않아요")), "{found:?}");
    for setting in [["maxmemory-policy", "noeviction"], ["appendonly", "yes"]] {
        let _: String = redis.query(&["CONFIG", "SET", setting[0], setting[1]]);
    }
    assert_eq!(wrong().await, Vec::<String>::new());
    drop(redis);
    assert!(wrong().await.iter().any(|found| found.contains("답하지 않아요")));
}

#[tokio::test]
async fn password_is_checked() {
    let redis = Server::start(free_port(), "requirepass s%cret\n");
    let with = |password: &str| store(&format!("redis://:{password}@127.0.0.1:{}", redis.port));
    assert!(with("wrong").ping().await.is_err());
    with("s%25cret").ping().await.expect("accepts the password");
}

/// Configuration of a server with TLS only, this certificate, and a password.
fn tls_config(port: u16, folder: &Path, certificate: &str) -> String {
    let file = |name: &str| folder.join(name).display().to_string();
    format!(
        "port 0\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-ca-cert-file {}\ntls-auth-clients no\n\
         tls-replication yes\nrequirepass s%cret\n",
        file(&format!("{certificate}.pem")),
        file(&format!("{certificate}.key")),
        file("ca.pem"),
    )
}

#[tokio::test]
async fn tls_works_and_invalid_certificates_are_reported() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("tests/certificates").arg(folder.path()).output().expect("Debian package openssl");
    assert!(output.status.success(), "{output:?}");
    let start = |certificate| {
        let port = free_port();
        Server::start(port, &tls_config(port, folder.path(), certificate))
    };
    let (server, expired) = (start("server"), start("old"));
    let sentinel_port = free_port();
    let sentinel_config = format!(
        "{}sentinel monitor sess 127.0.0.1 {} 1\nsentinel auth-pass sess s%cret\n",
        tls_config(sentinel_port, folder.path(), "server"),
        server.port
    );
    let _sentinel = Server::run("redis-sentinel", sentinel_port, &sentinel_config);
    let with_ca = |url: String, options: &str| store(&format!("{url}?ca={}/{options}", folder.path().display()));
    let standalone =
        |host: &str, server: &Server, ca: &str| with_ca(format!("rediss://:s%25cret@{host}:{}", server.port), ca);
    let via_sentinel = |ca: &str| {
        with_ca(
            format!("rediss-sentinel://:s%25cret@127.0.0.1:{sentinel_port}/sess"),
            &format!("{ca}&sentinel_password=s%25cret"),
        )
    };

    let mut session = record("secret");
    standalone("127.0.0.1", &server, "ca.pem").create(&mut session).await.expect("creates");
    let found = via_sentinel("ca.pem").load(&session.id).await.expect("loads");
    assert_eq!(found.expect("is there").data, session.data);
    let plain = store(&format!("redis://:s%25cret@127.0.0.1:{}", server.port));
    assert!(plain.ping().await.is_err(), "plaintext is rejected");

    for bad in [
        standalone("127.0.0.1", &server, "other.pem"),
        standalone("127.0.0.2", &server, "ca.pem"),
        standalone("127.0.0.1", &expired, "ca.pem"),
        via_sentinel("other.pem"),
    ] {
        let started = Instant::now();
        let error = bad.load(&session.id).await.expect_err("is refused").to_string();
        assert!(error.contains("인증서를 믿을 수 없어요"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(1), "no retries for certificate errors");
    }
}

#[tokio::test]
async fn failover_keeps_sessions_and_restores_no_deleted_one() {
    let primary = Server::start(free_port(), "repl-diskless-sync-delay 0\n");
    let follow = format!("replicaof 127.0.0.1 {}\n", primary.port);
    let replica = Server::start(free_port(), &follow);
    wait_until("the replica follows", || replica.query::<String>(&["INFO", "replication"]).contains("link_status:up"));
    let sentinels: Vec<_> = (0..3).map(|_| Server::sentinel(primary.port)).collect();
    wait_until("the sentinels know each other", || {
        sentinels.iter().all(|sentinel| {
            let known: Vec<String> = sentinel.query(&["SENTINEL", "MASTER", "sess"]);
            let of = |name: &str| known.iter().skip_while(|word| *word != name).nth(1).cloned();
            of("num-other-sentinels").as_deref() == Some("2") && of("num-slaves").as_deref() == Some("1")
        })
    });
    let hosts: Vec<_> = sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
    let store = store(&format!("redis-sentinel://{}/sess", hosts.join(",")));

    let (mut kept, mut deleted) = (record("kept"), record("deleted"));
    store.create(&mut kept).await.expect("creates");
    store.create(&mut deleted).await.expect("creates");
    store.delete(&deleted.id).await.expect("deletes");
    tokio::time::sleep(Duration::from_secs(1)).await;

    let folder = primary.folder.path().to_owned();
    drop(primary);
    let started = Instant::now();
    assert!(folder.metadata().is_err(), "the primary is gone");
    let found = store.load(&kept.id).await.expect("retries until the failover is over");
    let took = started.elapsed();
    assert_eq!(found.expect("still logged in").data, kept.data);
    assert!(took < Duration::from_secs(6), "{took:?}");
    store.save(&deleted).await.expect("saves");
    assert_eq!(store.load(&deleted.id).await.expect("loads"), None, "still logged out");
    println!("without sessions for {took:?}");
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
