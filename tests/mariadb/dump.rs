//! The scripts of `deploy/ha/mariadb`: online dump, continuous copy of the binary logs, and point-in-time
//! recovery from both.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use mukkeum::demo;
use mukkeum::time::Moment;

use super::*;

const ORDERS: u64 = 400;

struct Scripts {
    folder: tempfile::TempDir,
    url: String,
}

impl Scripts {
    /// Creates the files that the scripts expect on a server.
    fn of(shop: &Shop) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let host = shop.server.rsplit('@').next().expect("a host");
        let (host, port) = host.split_once(':').expect("a port");
        for (file, user, password) in [("restore.cnf", "root", ""), ("dump.cnf", "dump", "change-me-4")] {
            let text = format!("[client]\nhost={host}\nport={port}\nuser={user}\npassword={password}\n");
            std::fs::write(folder.path().join(file), text).expect("writes");
        }
        std::fs::create_dir(folder.path().join("binlogs")).expect("a folder");
        Self { folder, url: format!("{}/{}", shop.server, shop.name) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn script(&self, name: &str, login: &str) -> Command {
        let mut script = Command::new(format!("{}/deploy/ha/mariadb/{name}", env!("CARGO_MANIFEST_DIR")));
        let program = env!("CARGO_BIN_EXE_mukkeum");
        script.env("LOGIN", self.path(login)).env("MUKKEUM", program).env("MUKKEUM_DATABASE", &self.url);
        script.env("MUKKEUM_DATA", self.path("data")).stdin(Stdio::null());
        script
    }

    fn restore(&self, dump: &Path, until: &str) -> Output {
        let mut logs: Vec<_> = files(&self.path("binlogs"));
        logs.sort();
        self.script("restore", "restore.cnf").arg(dump).arg(until).args(logs).output().expect("runs")
    }
}

/// A process that is killed at the end of the test.
struct ChildGuard(Child);

impl Drop for ChildGuard {
    fn drop(&mut self) {
        let _ = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).expect("a folder").map(|file| file.expect("a file").path());
    files.filter(|path| path.is_file()).collect()
}

fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Checksums of all tables.
fn checksums(conn: &mut Conn) -> Vec<(String, Option<i64>)> {
    let tables: Vec<String> = conn.query("SHOW TABLES").expect("lists");
    assert!(tables.len() > 20, "{tables:?}");
    conn.query(format!("CHECKSUM TABLE {}", tables.join(", "))).expect("adds up")
}

/// The present second in the format of the scripts, without writes before and after it.
async fn quiet_second() -> String {
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let date = Command::new("date").arg("+%F %T").output().expect("a date").stdout;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    String::from_utf8(date).expect("text").trim().to_owned()
}

/// Waits until a copied binary log contains `text`.
fn wait_for_binlog(folder: &Path, text: &str) {
    for _ in 0..300 {
        let holds = |file: &PathBuf| {
            std::fs::read(file).is_ok_and(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
        };
        if files(folder).iter().any(holds) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("{text} did not arrive in {:?}", files(folder));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dump_and_binary_logs_restore_any_moment_and_doctor_shows_the_age() {
    let shop = Shop::new();
    let scripts = Scripts::of(&shop);
    let accounts =
        include_str!("../../deploy/ha/mariadb/accounts.sql").replace("mukkeum.*", &format!("{}.*", shop.name));
    let of_dump: Vec<_> = accounts.lines().filter(|line| line.contains("'dump'@")).collect();
    assert_eq!(of_dump.len(), 3);
    of_dump.into_iter().for_each(|sql| shop.on_server(sql));
    let storage = shop.open();
    demo::generate(&storage, 1, ORDERS, Moment(1_795_316_400_000), |_| ()).await.expect("fills");

    let doctor = || {
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        let output = doctor.args(["doctor", "--database", &scripts.url, "--data"]).arg(scripts.folder.path()).output();
        String::from_utf8(output.expect("runs").stdout).expect("text")
    };
    assert!(doctor().contains("[살펴보세요] MariaDB 백업: 아직 없어요"), "{}", doctor());
    let logs = scripts.path("binlogs");
    let fetching = scripts.script("binlogs", "dump.cnf").arg(&logs).spawn().expect("starts");
    let _fetching = ChildGuard(fetching);
    assert_success(
        &scripts.script("dump", "dump.cnf").arg(scripts.folder.path()).arg(&shop.name).output().expect("runs"),
    );
    let dump = files(scripts.folder.path()).into_iter().find(|file| file.extension().is_some_and(|end| end == "zst"));
    let dump = dump.expect("a dump");
    assert!(doctor().contains("[좋아요] MariaDB 백업"), "{}", doctor());

    storage.write(|tx| add_channel(tx, "EARLIER")).await.expect("writes");
    let earlier = quiet_second().await;
    storage.write(|tx| add_channel(tx, "LATER")).await.expect("writes");
    let end = quiet_second().await;
    wait_for_binlog(&logs, "LATER");
    drop(storage);

    let open = || Conn::new(format!("{}?prefer_socket=false", scripts.url).as_str()).expect("opens");
    let (before, is_full) = (checksums(&mut open()), scripts.restore(&dump, ""));
    assert!(!is_full.status.success() && String::from_utf8_lossy(&is_full.stderr).contains("is not empty"));
    for (until, channels) in [(end.as_str(), 5_u64), (&earlier, 4), ("", 3)] {
        shop.on_server(&format!("DROP DATABASE {}", shop.name));
        shop.on_server(&format!("CREATE DATABASE {}", shop.name));
        assert_success(&scripts.restore(&dump, until));
        let mut conn = open();
        if until == end {
            assert_eq!(checksums(&mut conn), before, "every row of every table");
        }
        let mut count = |table| conn.query_first::<u64, _>(format!("SELECT count(*) FROM {table}")).expect("counts");
        assert_eq!((count("orders"), count("sales_channels")), (Some(ORDERS), Some(channels)), "{until}");
    }
}
