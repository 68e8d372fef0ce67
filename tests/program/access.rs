//! Access records on the command line: export, verification, a kill.

use super::*;

/// A shop with the orders of a file.
fn shop() -> TempDir {
    let folder = tempdir().expect("a folder");
    assert_eq!(user(&folder, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/01_smartstore_orders_72col.xlsx");
    assert_eq!(run(program(folder.path()).args(["import", "orders"]).arg(&file)).0, Some(0));
    folder
}

fn verify(shop: &TempDir, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    let (code, out, error) = run(program(shop.path()).args(["audit", "verify", "--json"]).args(arguments));
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}")))
}

#[test]
fn import_and_export_are_recorded_and_verify() {
    let shop = shop();
    let out = shop.path().join("orders.json");
    let export = ["export", "orders", "--purpose", "정산", "--out", out.to_str().expect("text")];
    assert_eq!(run(program(shop.path()).args(export)).0, Some(0));
    let (code, report) = verify(&shop, &[]);
    assert_eq!((code, &report["records"], &report["faults"]), (Some(0), &2.into(), &serde_json::json!([])));

    let (code, lines, _) = run(program(shop.path()).args(["audit", "export", "--out", "-"]));
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!((code, lines.len()), (Some(0), 2), "an export does not have its own record");
    assert_eq!([&lines[0]["action"], &lines[1]["action"]], ["enter", "download"]);
    assert_eq!((&lines[1]["actor"], &lines[1]["page"]), (&"command-line".into(), &"/orders".into()));
    assert!(lines[1]["query"].as_str().is_some_and(|query| query.ends_with("purpose=정산")), "{}", lines[1]);
    assert_eq!(lines[0]["order_ids"], lines[1]["order_ids"]);
    assert_eq!(verify(&shop, &[]).1["records"], 3);

    let digest = format!("2:{}", lines[1]["digest"].as_str().expect("a digest"));
    assert_eq!(verify(&shop, &["--digest", &digest]).0, Some(0));
    let other = format!("2:{}", "0".repeat(64));
    let (code, report) = verify(&shop, &["--digest", &other]);
    assert_eq!((code, &report["faults"][0]["kind"]), (Some(2), &"digest".into()));
}

#[test]
fn kill_leaves_a_mark_and_an_intact_chain() {
    let shop = shop();
    for _ in 0..3 {
        let mut server = Server::start(&mut program(shop.path()));
        server.child.kill().expect("kills");
        server.child.wait().expect("ends");
        assert_eq!(verify(&shop, &[]).0, Some(0));
    }
    let mut server = Server::start(&mut program(shop.path()));
    server.signal("-TERM");
    assert_eq!(server.exit_code_within(Duration::from_secs(20)), Some(0));
    let (_, lines, _) = run(program(shop.path()).args(["audit", "export", "--out", "-"]));
    let found: Vec<(String, String)> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|line| (line["action"].as_str().unwrap_or("").to_owned(), line["query"].as_str().unwrap_or("").to_owned()))
        .skip(1)
        .collect();
    let start = |query: &str| ("start".to_owned(), query.to_owned());
    let stop = ("stop".to_owned(), String::new());
    assert_eq!(found, [start(""), start("unclean"), start("unclean"), start("unclean"), stop]);
}

#[test]
fn database_changed_outside_of_the_program_fails_verification() {
    let shop = shop();
    let database = rusqlite::Connection::open(shop.path().join("mukkeum.db")).expect("opens");
    let sql = "UPDATE access_records SET recorded_at = recorded_at - 60000 WHERE sequence = 1";
    assert!(database.execute(sql, []).is_err(), "a trigger refuses it");
    database.execute_batch("DROP TRIGGER access_records_no_update").expect("drops");
    assert_eq!(database.execute(sql, []).expect("changes"), 1);
    let (code, report) = verify(&shop, &[]);
    assert_eq!((code, &report["faults"][0]["details"]["sequence"]), (Some(2), &1.into()));
    let (code, found, _) = run(program(shop.path()).arg("doctor"));
    assert_eq!(code, Some(2));
    assert!(found.contains("1번 기록이 적힌 뒤에 바뀌었어요") && found.contains("접속기록의 잠금"), "{found}");
}
