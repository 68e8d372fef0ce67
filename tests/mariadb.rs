//! Failures of MariaDB: a lost connection, a lost answer to a commit, a demoted primary.
//!
//! `tests/with-mariadb cargo test --test mariadb`. The tests change global settings of the server, so they
//! run one at a time, and no other tests run beside them.

#![expect(clippy::expect_used, reason = "a test says what it expected")]

#[path = "mariadb/copy.rs"]
mod copy;
#[path = "mariadb/dump.rs"]
mod dump;
#[path = "mariadb/migrate.rs"]
mod migrate;
#[path = "mariadb/plans.rs"]
mod plans;
#[path = "mariadb/statistics.rs"]
mod statistics;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use mukkeum::storage::{MariaDbAddress, Result, Severity, Storage, StorageError, StorageOptions, Tx};
use mukkeum::time::SystemClock;
use mysql::Conn;
use mysql::prelude::Queryable;

/// A database on the test server, dropped after the test.
struct Shop {
    server: String,
    name: String,
    /// existed before the test, and is not dropped
    is_kept: bool,
    _exclusive: MutexGuard<'static, ()>,
}

impl Shop {
    /// Creates a database.
    fn new() -> Self {
        Self::kept_or_new(None)
    }

    /// Uses the existing database of that name, or creates one.
    fn kept_or_new(kept: Option<String>) -> Self {
        static EXCLUSIVE: Mutex<()> = Mutex::new(());
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let exclusive = EXCLUSIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let server = std::env::var("MUKKEUM_TEST_DATABASE").expect("run me with tests/with-mariadb");
        let is_kept = kept.is_some();
        let name =
            kept.unwrap_or_else(|| format!("mariadb_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let shop = Self { server, name, is_kept, _exclusive: exclusive };
        if !is_kept {
            shop.on_server(&format!("CREATE DATABASE {}", shop.name));
        }
        shop
    }

    fn on_server(&self, sql: &str) {
        let mut conn = Conn::new(format!("{}/?prefer_socket=false", self.server).as_str()).expect("the server");
        conn.query_drop(sql).expect("obeys");
    }

    fn open(&self) -> Storage {
        self.open_at(self.server.rsplit('@').next().expect("a host"))
    }

    fn open_at(&self, hosts: &str) -> Storage {
        let address = format!("mysql://root@{hosts}/{}", self.name).parse().expect("an address");
        Storage::open_mariadb(&address, &StorageOptions { clock: Arc::new(SystemClock), readers: 2 }).expect("opens")
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.on_server("SET GLOBAL read_only = 0");
        if !self.is_kept {
            self.on_server(&format!("DROP DATABASE {}", self.name));
        }
    }
}

fn add_channel(tx: &mut dyn Tx, code: &str) -> Result<i64> {
    let id = tx.scalar("SELECT max(id) FROM sales_channels", &[])? + 1;
    tx.exec("INSERT INTO sales_channels (id, code, name) VALUES (?, ?, ?)", &[id.into(), code.into(), code.into()])?;
    Ok(id)
}

fn channels(tx: &mut dyn Tx) -> Result<i64> {
    tx.scalar("SELECT count(*) FROM sales_channels", &[])
}

/// Treatment of the next COMMIT by the proxy.
#[derive(Clone, Copy)]
enum CommitFault {
    Forward,
    ForwardAndDropAnswer,
    Drop,
}

/// A TCP proxy that can cut the connection at a COMMIT.
struct FaultyProxy {
    port: u16,
    next_commit: Arc<AtomicU8>,
}

impl FaultyProxy {
    fn to(server: &str) -> Self {
        let server = server.rsplit('@').next().expect("a host").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let next_commit = Arc::new(AtomicU8::new(CommitFault::Forward as u8));
        let orders = Arc::clone(&next_commit);
        std::thread::spawn(move || {
            for program in listener.incoming().map_while(std::result::Result::ok) {
                let server = TcpStream::connect(&server).expect("the server");
                let (program_too, server_too) =
                    (program.try_clone().expect("clones"), server.try_clone().expect("clones"));
                let orders = Arc::clone(&orders);
                std::thread::spawn(move || forward(program, server, &orders));
                std::thread::spawn(move || answer(server_too, program_too));
            }
        });
        Self { port, next_commit }
    }

    fn cut_at_commit(&self, how: CommitFault) {
        self.next_commit.store(how as u8, Ordering::SeqCst);
    }
}

fn forward(mut program: TcpStream, mut server: TcpStream, orders: &AtomicU8) {
    let mut bytes = [0; 1 << 16];
    while let Ok(length @ 1..) = program.read(&mut bytes) {
        let is_commit = bytes[..length].ends_with(b"\x03COMMIT");
        let order = if is_commit {
            orders.swap(CommitFault::Forward as u8, Ordering::SeqCst)
        } else {
            CommitFault::Forward as u8
        };
        if order == CommitFault::Drop as u8 {
            break;
        }
        if order == CommitFault::ForwardAndDropAnswer as u8 {
            program.shutdown(Shutdown::Both).expect("closes");
            server.write_all(&bytes[..length]).expect("sends");
            std::thread::sleep(Duration::from_millis(200));
            break;
        }
        if server.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = (program.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

fn answer(mut server: TcpStream, mut program: TcpStream) {
    let _ = std::io::copy(&mut server, &mut program);
    let _ = (program.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
}

#[tokio::test]
async fn write_with_a_lost_commit_answer_is_applied_once() {
    let shop = Shop::new();
    let proxy = FaultyProxy::to(&shop.server);
    let storage = shop.open_at(&format!("127.0.0.1:{}", proxy.port));
    for (how, runs) in [(CommitFault::ForwardAndDropAnswer, 1), (CommitFault::Drop, 2)] {
        for round in 0..5 {
            let ran = Arc::new(AtomicU32::new(0));
            let before = storage.read(channels).await.expect("counts");
            proxy.cut_at_commit(how);
            let counted = Arc::clone(&ran);
            let written = storage.write(move |tx| {
                counted.fetch_add(1, Ordering::Relaxed);
                add_channel(tx, &format!("{}-{round}", how as u8))
            });
            let id = written.await.expect("is resolved");
            assert_eq!(ran.load(Ordering::Relaxed), runs, "retried only when it was lost");
            assert_eq!(storage.read(channels).await.expect("counts"), before + 1);
            let found = storage.read(move |tx| tx.scalar("SELECT id FROM sales_channels WHERE id = ?", &[id.into()]));
            assert_eq!(found.await.expect("reads"), id, "the answer of the committed write");
        }
    }
}

#[tokio::test]
async fn transaction_is_retried_after_its_connection_is_killed() {
    let shop = Shop::new();
    let storage = shop.open();
    let (server, ran) = (shop.server.clone(), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&ran);
    let written = storage.write(move |tx| {
        add_channel(tx, "HALF")?;
        if counted.fetch_add(1, Ordering::Relaxed) == 0 {
            let id = tx.scalar("SELECT connection_id()", &[])?;
            let mut conn = Conn::new(format!("{server}/?prefer_socket=false").as_str()).expect("the server");
            conn.query_drop(format!("KILL {id}")).expect("kills");
            // The storage retries even if the closure ignores the error.
            let _ = add_channel(tx, "LOST");
            return Ok(());
        }
        add_channel(tx, "OTHER HALF").map(drop)
    });
    written.await.expect("is retried");
    assert_eq!(ran.load(Ordering::Relaxed), 2);
    let codes = storage.read(|tx| {
        let rows =
            tx.query("SELECT code FROM sales_channels WHERE code LIKE '%HALF' OR code = 'LOST' ORDER BY code", &[])?;
        rows.into_iter().map(|mut row| row.text(0)).collect::<Result<Vec<_>>>()
    });
    assert_eq!(codes.await.expect("reads"), ["HALF", "OTHER HALF"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_read_modify_writes_of_several_programs_lose_no_update() {
    let shop = Shop::new();
    let one = shop.open();
    one.write(|tx| {
        let sql = "INSERT INTO products (id, number, name, priority, created_at) VALUES (1, 'BED', '침대', 0, 0)";
        tx.exec(sql, &[])
    })
    .await
    .expect("writes");
    let counting = [one.clone(), shop.open(), shop.open()].map(|storage| {
        tokio::spawn(async move {
            for _ in 0..50 {
                let counted = storage.write(|tx| {
                    let priority = tx.scalar("SELECT priority FROM products WHERE id = 1", &[])?;
                    tx.exec("UPDATE products SET priority = ? WHERE id = 1", &[(priority + 1).into()])
                });
                counted.await.expect("counts");
            }
        })
    });
    for program in counting {
        program.await.expect("ends");
    }
    let counted = one.read(|tx| tx.scalar("SELECT priority FROM products WHERE id = 1", &[])).await;
    assert_eq!(counted.expect("reads"), 150);
}

#[tokio::test]
async fn every_program_has_its_own_node_number() {
    let shop = Shop::new();
    let programs: Vec<_> = (0..8).map(|_| shop.open()).collect();
    let numbers = programs[0].read(|tx| tx.scalar("SELECT count(*) FROM writers WHERE node BETWEEN 1 AND 1023", &[]));
    assert_eq!(numbers.await.expect("counts"), 8);
}

/// As after a suspension of more than a day.
#[tokio::test]
async fn program_that_lost_its_node_number_writes_no_more() {
    let shop = Shop::new();
    for given_away in [false, true] {
        let program = shop.open();
        program.write(|tx| add_channel(tx, "before")).await.expect("writes");
        let writers = format!("{}.writers", shop.name);
        shop.on_server(&match given_away {
            true => format!("UPDATE {writers} SET marker = marker + 1000000 WHERE node > 0"),
            false => format!("DELETE FROM {writers} WHERE node > 0"),
        });
        let refused = program.write(|tx| add_channel(tx, "after")).await.expect_err("is refused");
        assert!(refused.to_string().contains("다시 시작"), "{refused}");
        let program = shop.open();
        let after = program.read(|tx| tx.scalar("SELECT count(*) FROM sales_channels WHERE code = 'after'", &[]));
        assert_eq!(after.await.expect("answers"), 0);
        program.write(|tx| tx.exec("DELETE FROM sales_channels WHERE code = 'before'", &[])).await.expect("writes");
    }
}

#[tokio::test]
async fn write_waits_for_the_promotion_of_a_primary() {
    let shop = Shop::new();
    // An unreachable host must not delay the probes of the others.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let gone = silent.local_addr().expect("an address");
    let storage = shop.open_at(&format!("{gone},{}", shop.server.rsplit('@').next().expect("a host")));
    shop.on_server("SET GLOBAL read_only = 1");
    let began = Instant::now();
    let (writing, reading) = (storage.write(|tx| add_channel(tx, "LATE")), storage.read(channels));
    let promote = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        shop.on_server("SET GLOBAL read_only = 0");
    };
    let (written, read, ()) = tokio::join!(writing, reading, promote);
    written.expect("writes in the end");
    read.expect("reads in the end");
    let took = began.elapsed();
    assert!(took > Duration::from_secs(2) && took < Duration::from_millis(2800), "{took:?}");
}

#[tokio::test]
async fn interrupted_schema_build_is_completed() {
    let shop = Shop::new();
    drop(shop.open());
    for sql in ["DELETE FROM schema_versions", "DROP TABLE search_postings", "DROP INDEX orders_by_state ON orders"] {
        let mut conn = Conn::new(format!("{}/{}?prefer_socket=false", shop.server, shop.name).as_str()).expect("opens");
        conn.query_drop(sql).expect("breaks");
    }
    let storage = shop.open();
    let terms = storage.read(|tx| tx.scalar("SELECT count(*) FROM search_postings", &[])).await;
    assert_eq!(terms.expect("is there again"), 0);
}

#[tokio::test]
async fn wrong_password_fails_at_once() {
    let shop = Shop::new();
    let hosts = shop.server.rsplit('@').next().expect("a host");
    let address = format!("mysql://nobody:wrong@{hosts}/{}", shop.name).parse().expect("an address");
    let began = Instant::now();
    let refused = Storage::open_mariadb(&address, &StorageOptions { clock: Arc::new(SystemClock), readers: 1 });
    assert!(matches!(refused.err(), Some(StorageError::CannotOpen(_))));
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn doctor_reports_settings_that_risk_data_loss() {
    let shop = Shop::new();
    let hosts = shop.server.rsplit('@').next().expect("a host");
    let address: MariaDbAddress = format!("mysql://root@{hosts}/{}", shop.name).parse().expect("an address");
    let bad = || {
        let findings = address.diagnose(&SystemClock).into_iter().filter(|finding| finding.severity == Severity::Bad);
        findings.map(|finding| finding.found).collect::<Vec<_>>()
    };
    // The test server does not flush to disk.
    assert!(bad().iter().any(|found| found.contains("innodb_flush_log_at_trx_commit")), "{:?}", bad());
    shop.on_server("SET GLOBAL innodb_flush_log_at_trx_commit = 1");
    assert_eq!(bad(), Vec::<String>::new());
    shop.on_server("SET GLOBAL innodb_flush_log_at_trx_commit = 0, GLOBAL read_only = 1");
    assert!(bad().iter().any(|found| found.contains("쓸 수 있는 서버가 없어요")), "{:?}", bad());
}

#[tokio::test]
async fn connection_is_encrypted_and_an_invalid_certificate_is_reported() {
    let shop = Shop::new();
    let folder = std::env::var("MUKKEUM_TEST_CERTIFICATES").expect("run me with tests/with-mariadb");
    let port = shop.server.rsplit(':').next().expect("a port");
    shop.on_server("CREATE USER IF NOT EXISTS 'tls' IDENTIFIED BY 'p@ss' REQUIRE SSL");
    shop.on_server(&format!("GRANT ALL ON {}.* TO 'tls'", shop.name));
    let open = |host: &str, options: &str| {
        let url = format!("mysql://tls:p%40ss@{host}:{port}/{}{options}", shop.name);
        Storage::open_mariadb(
            &url.parse().expect("an address"),
            &StorageOptions { clock: Arc::new(SystemClock), readers: 1 },
        )
    };
    let storage = open("127.0.0.1", &format!("?ca={folder}/ca.pem")).expect("lets in");
    storage.read(channels).await.expect("reads");

    let began = Instant::now();
    for (host, options, said) in [
        ("127.0.0.1", String::new(), "Access denied"),
        ("127.0.0.1", "?tls=on".to_owned(), "인증서를 믿을 수 없어요"),
        ("127.0.0.1", format!("?ca={folder}/other.pem"), "인증서를 믿을 수 없어요"),
        ("127.0.0.2", format!("?ca={folder}/ca.pem"), "인증서를 믿을 수 없어요"),
        ("127.0.0.1", format!("?ca={folder}/missing.pem"), "missing.pem 파일을 읽지 못했어요"),
        ("127.0.0.1", format!("?ca={folder}/ca.srl"), "인증서가 들어 있지 않아요"),
    ] {
        match open(host, &options).err() {
            Some(StorageError::CannotOpen(reason)) => assert!(reason.contains(said), "{options}: {reason}"),
            other => panic!("{options}: {other:?}"),
        }
    }
    assert!(began.elapsed() < Duration::from_secs(10), "at once: an invalid certificate is not retried");
}
