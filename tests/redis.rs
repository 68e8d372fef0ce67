//! Sessions in Redis, alone and behind Sentinel: `cargo test --test redis`. The servers are started
//! here, on this machine only, with folders of their own.

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

/// A server that ends with the test.
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
        let own =
            format!("bind 127.0.0.1\nport {port}\nprotected-mode no\ndir {}\n{settings}", folder.path().display());
        fs::write(&file, own).expect("writes");
        let mut command = Command::new(program);
        let child =
            command.arg(&file).stdout(Stdio::null()).spawn().expect("Debian packages redis-server, redis-sentinel");
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "{program} does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, folder }
    }

    fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(format!("redis://127.0.0.1:{}", self.port)).expect("an address");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]).query(&mut client.get_connection().expect("connects")).expect("answers")
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
async fn create_never_writes_over_a_session_and_save_brings_none_back() {
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
async fn redis_itself_forgets_what_has_expired() {
    let redis = Server::start(free_port(), "");
    let store = redis.store();
    let mut session = record("old");
    store.create(&mut session).await.expect("creates");
    let key = format!("mukkeum:session:{}", session.id);
    let left: i64 = redis.ask(&["TTL", &key]);
    assert!((3600..=3660).contains(&left), "{left}");
    let _: i64 = redis.ask(&["EXPIRE", &key, "5"]);
    store.save(&session).await.expect("saves");
    let left: i64 = redis.ask(&["TTL", &key]);
    assert!((3600..=3660).contains(&left), "used again, kept again: {left}");
    let _: i64 = redis.ask(&["PEXPIRE", &key, "1"]);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(store.load(&session.id).await.expect("loads"), None);
}

#[tokio::test]
async fn when_redis_comes_back_nobody_has_to_restart_anything() {
    let redis = Server::start(free_port(), "");
    let (store, port) = (redis.store(), redis.port);
    let mut session = record("before");
    store.create(&mut session).await.expect("creates");
    drop(redis);
    assert!(store.ping().await.is_err());
    let began = Instant::now();
    assert!(store.load(&session.id).await.is_err(), "away is not the same as signed out");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    let _redis = Server::start(port, "");
    store.ping().await.expect("answers");
    assert_eq!(store.load(&session.id).await.expect("loads"), None, "this Redis kept nothing");
}

#[tokio::test]
async fn the_doctor_says_how_redis_keeps_sessions() {
    let redis = Server::start(free_port(), "maxmemory-policy allkeys-lru\n");
    let store = redis.store();
    let wrong = async || {
        let findings = store.examine().await.into_iter().filter(|finding| finding.severity != Severity::Good);
        findings.map(|finding| finding.found).collect::<Vec<_>>()
    };
    let found = wrong().await;
    assert!(found.iter().any(|found| found.contains("maxmemory-policy가 allkeys-lru")), "{found:?}");
    assert!(found.iter().any(|found| found.contains("디스크에 적지 않아요")), "{found:?}");
    for setting in [["maxmemory-policy", "noeviction"], ["appendonly", "yes"]] {
        let _: String = redis.ask(&["CONFIG", "SET", setting[0], setting[1]]);
    }
    assert_eq!(wrong().await, Vec::<String>::new());
    drop(redis);
    assert!(wrong().await.iter().any(|found| found.contains("답하지 않아요")));
}

#[tokio::test]
async fn a_wrong_password_is_an_error_and_the_right_one_lets_in() {
    let redis = Server::start(free_port(), "requirepass s%cret\n");
    let with = |password: &str| store(&format!("redis://:{password}@127.0.0.1:{}", redis.port));
    assert!(with("wrong").ping().await.is_err());
    with("s%25cret").ping().await.expect("lets in");
}

/// Settings of a server that takes TLS alone, with the certificate of that name, and a password.
fn encrypted(port: u16, folder: &Path, certificate: &str) -> String {
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
async fn a_line_is_encrypted_and_a_certificate_that_is_not_good_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("tests/certificates").arg(folder.path()).output().expect("Debian package openssl");
    assert!(made.status.success(), "{made:?}");
    let start = |certificate| {
        let port = free_port();
        Server::start(port, &encrypted(port, folder.path(), certificate))
    };
    let (server, old) = (start("server"), start("old"));
    let watcher = free_port();
    let watches = format!(
        "{}sentinel monitor sess 127.0.0.1 {} 1\nsentinel auth-pass sess s%cret\n",
        encrypted(watcher, folder.path(), "server"),
        server.port
    );
    let _watcher = Server::run("redis-sentinel", watcher, &watches);
    let to = |place: String, options: &str| store(&format!("{place}?ca={}/{options}", folder.path().display()));
    let alone = |host: &str, server: &Server, authority: &str| {
        to(format!("rediss://:s%25cret@{host}:{}", server.port), authority)
    };
    let watched = |authority: &str| {
        to(
            format!("rediss-sentinel://:s%25cret@127.0.0.1:{watcher}/sess"),
            &format!("{authority}&sentinel_password=s%25cret"),
        )
    };

    let mut session = record("secret");
    alone("127.0.0.1", &server, "ca.pem").create(&mut session).await.expect("creates");
    let found = watched("ca.pem").load(&session.id).await.expect("loads");
    assert_eq!(found.expect("is there").data, session.data);
    let open = store(&format!("redis://:s%25cret@127.0.0.1:{}", server.port));
    assert!(open.ping().await.is_err(), "nothing without TLS");

    for bad in [
        alone("127.0.0.1", &server, "other.pem"),
        alone("localhost", &server, "ca.pem"),
        alone("127.0.0.1", &old, "ca.pem"),
        watched("other.pem"),
    ] {
        let began = Instant::now();
        let error = bad.load(&session.id).await.expect_err("is refused").to_string();
        assert!(error.contains("인증서를 믿을 수 없어요"), "{error}");
        assert!(began.elapsed() < Duration::from_secs(1), "at once: trying again mends no certificate");
    }
}

#[tokio::test]
async fn a_failover_of_sentinel_loses_nobody_and_revives_nobody() {
    let primary = Server::start(free_port(), "repl-diskless-sync-delay 0\n");
    let follow = format!("replicaof 127.0.0.1 {}\n", primary.port);
    let replica = Server::start(free_port(), &follow);
    wait_until("the replica follows", || replica.ask::<String>(&["INFO", "replication"]).contains("link_status:up"));
    let sentinels: Vec<_> = (0..3).map(|_| Server::sentinel(primary.port)).collect();
    wait_until("the sentinels know each other", || {
        sentinels.iter().all(|sentinel| {
            let known: Vec<String> = sentinel.ask(&["SENTINEL", "MASTER", "sess"]);
            let of = |name: &str| known.iter().skip_while(|word| *word != name).nth(1).cloned();
            of("num-other-sentinels").as_deref() == Some("2") && of("num-slaves").as_deref() == Some("1")
        })
    });
    let hosts: Vec<_> = sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
    let store = store(&format!("redis-sentinel://{}/sess", hosts.join(",")));

    let (mut stays, mut leaves) = (record("stays"), record("leaves"));
    store.create(&mut stays).await.expect("creates");
    store.create(&mut leaves).await.expect("creates");
    store.delete(&leaves.id).await.expect("deletes");
    tokio::time::sleep(Duration::from_secs(1)).await;

    let folder = primary.folder.path().to_owned();
    drop(primary);
    let began = Instant::now();
    assert!(folder.metadata().is_err(), "the primary is gone");
    let found = store.load(&stays.id).await.expect("the request waits for the failover");
    let took = began.elapsed();
    assert_eq!(found.expect("still signed in").data, stays.data);
    assert!(took < Duration::from_secs(6), "{took:?}");
    store.save(&leaves).await.expect("saves");
    assert_eq!(store.load(&leaves.id).await.expect("loads"), None, "still signed out");
    println!("without sessions for {took:?}");
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
