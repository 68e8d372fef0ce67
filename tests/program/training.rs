//! `mukkeum demo`: a training shop opens by itself, is made anew, and keeps out of a real one.

use super::*;

fn demo(data: &Path, words: &[&str]) -> Command {
    let mut command = program(data);
    command.args(["demo", "--reset-every", "1h", "--orders"]).args(words);
    command
}

fn orders(data: &Path) -> (i64, i64) {
    let database = rusqlite::Connection::open(data.join("mukkeum.db")).expect("opens");
    database
        .query_row("SELECT count(*), min(created_at) FROM orders", (), |row| Ok((row.get(0)?, row.get(1)?)))
        .expect("counts")
}

#[test]
fn a_training_shop_opens_by_itself_and_stays_until_its_time() {
    let folder = tempdir().expect("a folder");
    let mut server = Server::start(&mut demo(folder.path(), &["30"]));
    assert!(server.introduction.starts_with(&format!("묶음 {} 교육용\n", env!("CARGO_PKG_VERSION"))));
    let introduction = server.introduced_until("처음으로 돌아가요");
    assert!(introduction.contains("demo-admin") && introduction.contains("demo-team"), "{introduction}");
    let login = server.get("/login");
    assert!(login.contains("교육용 · 연습 데이터예요.") && login.contains("demo-admin"), "{login}");
    drop(server);
    let made = orders(folder.path());
    assert_eq!(made.0, 30);

    drop(Server::start(&mut demo(folder.path(), &["30"])));
    assert_eq!(orders(folder.path()), made, "the same shop");
    drop(Server::start(&mut demo(folder.path(), &["40"])));
    assert_eq!(orders(folder.path()).0, 40);
}

#[test]
fn a_training_shop_is_made_anew_while_it_runs() {
    let folder = tempdir().expect("a folder");
    let _server = Server::start(&mut demo(folder.path(), &["30"]));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    database.busy_timeout(Duration::from_secs(5)).expect("waits");
    database.execute("UPDATE orders SET quantity = 4321", ()).expect("writes");
    database.execute("UPDATE activities SET at = at - 3600000", ()).expect("writes");
    let until = Instant::now() + Duration::from_secs(30);
    while database.query_row("SELECT max(quantity) FROM orders", (), |row| row.get(0)) == Ok(4321) {
        assert!(Instant::now() < until, "still the old shop");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(orders(folder.path()).0, 30);
}

#[test]
fn a_training_shop_and_a_real_one_never_share_a_folder() {
    let (real, training) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    drop(Server::start(&mut program(real.path())));
    let untouched = std::fs::read(real.path().join("mukkeum.db")).expect("reads");
    refused(&mut demo(real.path(), &["30"]), "교육용 가게가 아닌 데이터");
    assert_eq!(std::fs::read(real.path().join("mukkeum.db")).expect("reads"), untouched);
    assert!(!real.path().join("demo").exists());

    drop(Server::start(&mut demo(training.path(), &["30"])));
    refused(program(training.path()).arg("serve"), "교육용 가게의 폴더예요");
    let database = format!("sqlite:{}", training.path().join("mukkeum.db").display());
    refused(program(real.path()).args(["--database", &database]), "교육용 가게의 폴더예요");
    let database = format!("sqlite:{}", real.path().join("mukkeum.db").display());
    refused(&mut demo(training.path(), &["30", "--database", &database]), "--database");
    refused(&mut demo(training.path(), &["5001", "--public"]), "5000건까지");
}

#[test]
fn without_a_folder_named_a_training_shop_lies_in_one_of_its_own() {
    let folder = tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(["demo", "--orders", "1", "--reset-every", "never", "--listen", "127.0.0.1:0"]);
    Server::start(command.env_clear().current_dir(folder.path()));
    assert!(folder.path().join("demo-data/mukkeum.db").is_file() && !folder.path().join("data").exists());
    for words in [["--orders", "1000001"], ["--orders", "0"], ["--reset-every", "soon"]] {
        let (code, _, _) = run(program(folder.path()).arg("demo").args(words));
        assert_eq!(code, Some(2), "{words:?}");
    }
}
