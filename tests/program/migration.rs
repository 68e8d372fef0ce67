//! Shops of an older or newer schema.

use super::*;

/// A shop of a newer schema.
pub(crate) fn newer_shop() -> TempDir {
    let folder = tempdir().expect("a folder");
    assert_eq!(user(&folder, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let database = rusqlite::Connection::open(folder.path().join("mukkeum.db")).expect("opens");
    database.execute("INSERT INTO schema_versions (version, applied_at) VALUES (999, 0)", ()).expect("writes");
    folder
}

#[test]
fn newer_schema_is_rejected_and_not_changed() {
    let folder = newer_shop();
    let before = contents(folder.path());
    let out = tempdir().expect("a folder").path().join("orders.json").display().to_string();
    for arguments in [
        &["user", "list"][..],
        &["import", "orders", "Cargo.toml"],
        &["export", "orders", "--out", &out],
        &["migrate"],
        &["migrate", "--dry-run"],
    ] {
        let (code, _, error) = run(program(folder.path()).args(arguments));
        assert!(code == Some(2) && error.contains("더 새로운 버전"), "{arguments:?}: {error}");
        assert!(contents(folder.path()) == before, "{arguments:?}");
    }
    assert_fails(&mut program(folder.path()), "더 새로운 버전");
}

#[test]
fn migrate_changes_nothing_when_the_schema_is_the_newest() {
    let folder = tempdir().expect("a folder");
    assert_eq!(user(&folder, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let migrate = |arguments: &[&str]| run(program(folder.path()).arg("migrate").args(arguments));
    for arguments in [&[][..], &["--dry-run"]] {
        let (code, out, error) = migrate(arguments);
        assert!(code == Some(0) && out.contains("이미"), "{out}{error}");
    }
    let (_, out, _) = migrate(&["--json"]);
    let result: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(result, serde_json::json!({ "from": 1, "to": 1, "migrated": false, "copy": null }));
}
