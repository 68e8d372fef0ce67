//! `mukkeum demo`: creation, reset, and separation from real shops.

use super::*;

fn demo(data: &Path, arguments: &[&str]) -> Command {
    let mut command = program(data);
    command.args(["demo", "--reset-every", "1h", "--orders"]).args(arguments);
    command
}

fn orders(data: &Path) -> (i64, i64) {
    let database = rusqlite::Connection::open(data.join("mukkeum.db")).expect("opens");
    database
        .query_row("SELECT count(*), min(created_at) FROM orders", (), |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("counts")
}

#[test]
fn demo_shop_is_created_once_per_number_of_orders() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(&mut demo(folder.path(), &["30"]));
    assert!(server.banner.starts_with(&format!("묶음 {} 교육용\n", env!("CARGO_PKG_VERSION"))));
    let banner = server.banner_until("처음으로 돌아가요");
    assert!(banner.contains("demo-admin") && banner.contains("demo-team"), "{banner}");
    let login = server.get("/login");
    assert!(login.contains("교육용 · 연습 데이터예요.") && login.contains("demo-admin"), "{login}");
    drop(server);
    let created = orders(folder.path());
    assert_eq!(created.0, 30);

    drop(Server::start(&mut demo(folder.path(), &["30"])));
    assert_eq!(orders(folder.path()), created, "the same shop");
    drop(Server::start(&mut demo(folder.path(), &["40"])));
    assert_eq!(orders(folder.path()).0, 40);
}

#[test]
fn demo_shop_is_reset_while_the_server_runs() {
    let folder = tempdir().expect("a folder");
    let _server = Server::start(&mut demo(folder.path(), &["30"]));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    database.busy_timeout(Duration::from_secs(5)).expect("waits");
    database.execute("UPDATE orders SET quantity = 4321", ()).expect("writes");
    database
        .execute("UPDATE settings SET value = CAST(value - 3600000 AS TEXT) WHERE name = 'demo.created_at'", ())
        .expect("writes");
    let until = Instant::now() + Duration::from_secs(30);
    while database.query_row("SELECT max(quantity) FROM orders", (), |row| row.get(0)) == Ok(4321) {
        assert!(Instant::now() < until, "not reset");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(orders(folder.path()).0, 30);
}

#[test]
fn demo_and_real_shop_never_share_a_folder() {
    let (real, demo_folder) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    drop(Server::start(&mut program(real.path())));
    let untouched = std::fs::read(real.path().join("mukkeum.db")).expect("reads");
    assert_fails(&mut demo(real.path(), &["30"]), "교육용 가게가 아닌 데이터");
    assert_eq!(std::fs::read(real.path().join("mukkeum.db")).expect("reads"), untouched);
    assert!(!real.path().join("demo").exists());

    drop(Server::start(&mut demo(demo_folder.path(), &["30"])));
    assert_fails(program(demo_folder.path()).arg("serve"), "교육용 가게의 폴더예요");
    let database = format!("sqlite:{}", demo_folder.path().join("mukkeum.db").display());
    assert_fails(program(real.path()).args(["--database", &database]), "교육용 가게의 폴더예요");
    let database = format!("sqlite:{}", real.path().join("mukkeum.db").display());
    assert_fails(&mut demo(demo_folder.path(), &["30", "--database", &database]), "--database");
    assert_fails(&mut demo(demo_folder.path(), &["5001", "--public"]), "5000건까지");
}

#[test]
fn default_folder_of_a_demo_is_separate() {
    let folder = tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(["demo", "--orders", "1", "--reset-every", "never", "--listen", "127.0.0.1:0"]);
    Server::start(command.env_clear().current_dir(folder.path()));
    assert!(folder.path().join("demo-data/mukkeum.db").is_file() && !folder.path().join("data").exists());
    for arguments in [["--orders", "1000001"], ["--orders", "0"], ["--reset-every", "soon"]] {
        let (code, _, _) = run(program(folder.path()).arg("demo").args(arguments));
        assert_eq!(code, Some(2), "{arguments:?}");
    }
}
