//! Leaks and demands of people on the command line.

use super::*;

/// A shop with the orders of a file.
fn shop() -> TempDir {
    let folder = tempdir().expect("a folder");
    assert_eq!(user(&folder, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/01_smartstore_orders_72col.xlsx");
    assert_eq!(run(program(folder.path()).args(["import", "orders"]).arg(&file)).0, Some(0));
    folder
}

fn json(shop: &TempDir, arguments: &[&str]) -> (Option<i32>, serde_json::Value) {
    let (code, out, error) = run(program(shop.path()).args(arguments));
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}")))
}

#[test]
fn leak_is_opened_worked_on_and_closed() {
    let shop = shop();
    let open =
        ["breach", "open", "--cause", "file", "--from", "2020-01-01 00:00", "--to", "2099-01-01 00:00", "--json"];
    let (code, opened) = json(&shop, &open);
    assert_eq!((code, &opened["cause"]), (Some(0), &"file".into()));
    let number = opened["number"].as_str().expect("a number").to_owned();
    let (_, shown) = json(&shop, &["breach", "show", &number, "--json"]);
    assert!(shown["people"].as_u64().is_some_and(|people| people > 0), "the import entered them: {shown}");
    assert_eq!((&shown["due_steps"], &shown["must_report"]), (&serde_json::json!(["notify"]), &false.into()));
    let out = shop.path().join("people.csv");
    let people = ["breach", "people", &number, "--out", out.to_str().expect("text")];
    assert_eq!(run(program(shop.path()).args(people)).0, Some(0));
    assert!(std::fs::read_to_string(&out).expect("a file").starts_with("\u{FEFF}이름,전화번호"));
    assert_eq!(run(program(shop.path()).args(["breach", "close", &number])).0, Some(2), "nothing was done yet");
    for step in ["contain", "preserve", "identify", "notify", "publish", "report", "prevent"] {
        let done = ["breach", "step", &number, step, "--note", "했어요"];
        assert_eq!(run(program(shop.path()).args(done)).0, Some(0), "{step}");
    }
    assert_eq!(run(program(shop.path()).args(["breach", "close", &number])).0, Some(0));
    let (_, list) = json(&shop, &["breach", "list", "--json"]);
    assert_eq!(list[0]["people"], shown["people"]);
    assert_eq!(run(program(shop.path()).args(["audit", "verify"])).0, Some(0));
}

#[test]
fn person_is_found_corrected_and_answered() {
    let shop = shop();
    let (_, found) = json(&shop, &["person", "find", "0000", "--json"]);
    let person = &found["people"][0];
    let number = person["order_number"].as_str().expect("an order number").to_owned();
    let role = person["role"].as_str().expect("a role").to_owned();
    let of = [number.as_str(), "--role", &role, "--demand", "본인이 전화로 요구함", "--json"];
    let correct = [&["person", "correct"][..], &of, &["--name", "홍길동", "--tel", "010-1234-9876"]].concat();
    assert_eq!(json(&shop, &correct).1["answer"], "done");
    let (_, found) = json(&shop, &["person", "find", "12349876", "--json"]);
    assert_eq!(found["people"][0]["name"], "홍길동");
    let (_, plan) = json(&shop, &[&["person", "delete", "--dry-run"][..], &of].concat());
    assert!(plan["kept"].is_array() && plan["memos"].is_u64(), "{plan}");
    let (code, deleted) = json(&shop, &[&["person", "delete"][..], &of].concat());
    assert_eq!((code, &deleted["answer"]), (Some(1), &"in-part".into()), "contracts are kept");
    let (_, requests) = json(&shop, &["person", "requests", "--json"]);
    assert_eq!(requests.as_array().map(Vec::len), Some(2));
    let out = ["person", "export", &number, "--role", &role, "--purpose", "본인", "--out", "-"];
    assert_eq!(json(&shop, &out).1["person"]["name"], "홍길동");
}
