//! Shops of an older or newer schema.

use super::*;

#[test]
fn newer_schema_is_rejected() {
    let folder = tempdir().expect("a folder");
    drop(Server::start(&mut program(folder.path())));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    database.execute("INSERT INTO schema_versions (version, applied_at) VALUES (999, 0)", ()).expect("writes");
    drop(database);
    assert_fails(&mut program(folder.path()), "더 새로운 버전");
}

fn newest_version(database: &Path) -> i64 {
    let database = rusqlite::Connection::open(database).expect("opens");
    database.query_row("SELECT max(version) FROM schema_versions", (), |row| row.get(0)).expect("a version")
}

/// A shop of the first schema, with one member.
pub(crate) fn older_shop() -> TempDir {
    let folder = tempdir().expect("a folder");
    let old = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    old.execute_batch(include_str!("../fixtures/schema-1.sql")).expect("the first schema");
    let shop = "INSERT INTO schema_versions VALUES (1, 0);
        INSERT INTO members (id, username, role, password_hash, created_at) VALUES (1, 'boss', 'admin', '', 0)";
    old.execute_batch(shop).expect("a shop");
    folder
}

#[test]
fn other_commands_refuse_an_older_schema_and_change_nothing() {
    let folder = older_shop();
    let before = contents(folder.path());
    let out = tempdir().expect("a folder").path().join("orders.json").display().to_string();
    for arguments in [
        &["user", "list"][..],
        &["import", "orders", "Cargo.toml"],
        &["import", "districts", "Cargo.toml"],
        &["export", "orders", "--out", &out],
        &["export", "deliveries", "--out", &out],
    ] {
        let (code, _, error) = run(program(folder.path()).args(arguments));
        assert!(code == Some(2) && error.contains("mukkeum migrate"), "{arguments:?}: {error}");
        assert_eq!(error.trim().lines().count(), 1, "one sentence: {error}");
        assert!(contents(folder.path()) == before, "{arguments:?}");
    }
    let (_, out, error) = run(program(folder.path()).arg("doctor"));
    assert!(out.contains("1판") && out.contains("mukkeum migrate") && out.contains("온전해요"), "{out}{error}");
    assert!(contents(folder.path()) == before, "doctor");
}

#[test]
fn migrate_shows_what_it_would_do_migrates_once_and_reports_it_as_json() {
    let folder = older_shop();
    let before = contents(folder.path());
    let migrate = |arguments: &[&str]| run(program(folder.path()).arg("migrate").args(arguments));
    let json = |out: &str| serde_json::from_str::<serde_json::Value>(out).expect("JSON");
    let copy = folder.path().join("mukkeum.db.schema-1").display().to_string();

    let (code, out, error) = migrate(&["--dry-run"]);
    assert!(code == Some(0) && out.contains("1판에서 2판") && out.contains(&copy), "{out}{error}");
    let (_, out, _) = migrate(&["--dry-run", "--json"]);
    assert_eq!(json(&out), serde_json::json!({ "from": 1, "to": 2, "migrated": false, "copy": copy }));
    assert!(contents(folder.path()) == before, "nothing has changed");

    let (code, out, error) = migrate(&["--json"]);
    assert_eq!(code, Some(0), "{error}");
    assert_eq!(json(&out), serde_json::json!({ "from": 1, "to": 2, "migrated": true, "copy": copy }));
    assert!(error.contains("mukkeum.db.restored"), "how to roll back: {error}");
    assert_eq!(newest_version(&folder.path().join("mukkeum.db.schema-1")), 1);

    let (code, out, _) = migrate(&[]);
    assert!(code == Some(0) && out.contains("이미"), "{out}");
    let (_, out, _) = migrate(&["--json"]);
    assert_eq!(json(&out), serde_json::json!({ "from": 2, "to": 2, "migrated": false, "copy": null }));
    let (code, out, error) = run(program(folder.path()).args(["user", "list"]));
    assert!(code == Some(0) && out.contains("boss"), "{error}");
}

#[test]
fn older_schema_is_copied_before_migration_and_can_be_rolled_back() {
    let folder = older_shop();
    let path = |name: &str| folder.path().join(name);
    let (code, _, error) = run(program(folder.path()).arg("migrate"));
    assert_eq!(code, Some(0), "{error}");
    assert!(error.contains("mukkeum.db.schema-1") && error.contains("mukkeum.db.restored"), "{error}");
    assert_eq!(newest_version(&path("mukkeum.db.schema-1")), 1);
    assert!(newest_version(&path("mukkeum.db")) > 1);
    let (_, out, error) = run(program(folder.path()).arg("doctor"));
    assert!(out.contains("mukkeum.db.schema-1") && !error.contains("되돌리려면"), "{out}{error}");

    // Rollback, except that the same executable migrates the copy again.
    assert_eq!(user(&folder, &["add", "driver", "--role", "logistics"], PASSWORD).0, Some(0));
    std::fs::rename(path("mukkeum.db.schema-1"), path("mukkeum.db.restored")).expect("renames");
    drop(Server::start(&mut program(folder.path())));
    let (_, out, _) = run(program(folder.path()).args(["user", "list"]));
    assert!(out.contains("boss") && !out.contains("driver"), "{out}");
    assert_eq!(newest_version(&path("mukkeum.db.schema-1")), 1);
}
