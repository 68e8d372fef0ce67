//! Commands that change nothing: they create no shop, no key and no lock.

use super::*;

#[test]
fn reading_commands_create_no_shop() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    let out = folder.path().join("orders.json").display().to_string();
    let backup = format!("file://{}", folder.path().join("backup").display());
    for arguments in [
        &["export", "orders", "--out", &out][..],
        &["user", "list"],
        &["import", "orders", "--dry-run", "Cargo.toml"],
        &["import", "districts", "--dry-run", "Cargo.toml"],
        &["migrate"],
        &["migrate", "--dry-run"],
        &["backup", "status"],
        &["backup", "now"],
        &["backup", "verify"],
    ] {
        let (code, _, error) = run(program(&data).args(["--backup", &backup]).args(arguments));
        assert!(code == Some(2) && error.contains("아직 가게가 없어요"), "{arguments:?}: {error}");
    }
    let (code, found, error) = run(program(&data).arg("doctor"));
    assert!(code == Some(1) && found.contains("아직 가게가 없어요"), "{found}{error}");
    assert!(contents(&data).is_empty());
}

#[test]
fn doctor_warns_of_a_missing_folder_and_does_not_create_it() {
    let folder = tempdir().expect("a folder");
    let data = folder.path().join("data");
    let (code, found, error) = run(program(&data).arg("doctor"));
    assert!(code == Some(1) && found.contains(&format!("{}: 아직 없어요", data.display())), "{found}{error}");
    assert!(!data.exists());
}

/// A shop with one member, as the command line creates it.
fn shop() -> TempDir {
    let folder = tempdir().expect("a folder");
    assert_eq!(user(&folder, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    folder
}

#[test]
fn dry_run_of_an_import_creates_no_key() {
    let shop = shop();
    let before = contents(shop.path());
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/01_smartstore_orders_72col.xlsx");
    let import = |arguments: &[&str]| run(program(shop.path()).args(["import", "orders"]).args(arguments).arg(&file));
    let (code, out, error) = import(&["--dry-run"]);
    assert!(code == Some(0) && out.contains("아무것도 바꾸지 않았어요"), "{out}{error}");
    assert!(contents(shop.path()) == before);
    assert_eq!(import(&[]).0, Some(0));
    assert!(shop.path().join("secret.key").exists());
}

#[test]
fn copy_leaves_its_source_unchanged() {
    let (source, target) = (shop(), tempdir().expect("a folder"));
    let url = |folder: &TempDir| format!("sqlite:{}", folder.path().join("mukkeum.db").display());
    let before = contents(source.path());
    let mut copy = program(target.path());
    let (code, _, error) = run(copy.args(["copy", "--from", &url(&source), "--to", &url(&target)]));
    assert_eq!(code, Some(0), "{error}");
    assert!(contents(source.path()) == before);
}

#[test]
fn copy_refuses_a_newer_schema() {
    let (source, target) = (migration::newer_shop(), tempdir().expect("a folder"));
    let before = contents(source.path());
    let url = |folder: &TempDir| format!("sqlite:{}", folder.path().join("mukkeum.db").display());
    let mut copy = program(target.path());
    assert_fails(copy.args(["copy", "--from", &url(&source), "--to", &url(&target)]), "더 새로운 버전");
    assert!(contents(source.path()) == before);
}

#[test]
fn refused_backup_leaves_no_file() {
    let shop = migration::newer_shop();
    let before = contents(shop.path());
    let backup = format!("file://{}", shop.path().join("backup").display());
    assert_fails(program(shop.path()).args(["backup", "now", "--backup", &backup]), "더 새로운 버전");
    assert!(contents(shop.path()) == before);
}

/// A file of holidays that cannot be used keeps a server from starting with wrong deadlines, and nobody from the data.
#[test]
fn broken_holidays_stop_the_server_and_nothing_else() {
    let shop = shop();
    let file = shop.path().join("holidays.csv");
    for break_it in
        [|file: &Path| std::fs::write(file, "2026-13-01,없는 날\n"), |file: &Path| std::fs::create_dir(file)]
    {
        break_it(&file).expect("writes");
        let (code, _, error) = run(&mut program(shop.path()));
        assert!(code == Some(2) && error.contains("공휴일 파일을 읽지 못했어요"), "{error}");
        let (code, found, error) = run(program(shop.path()).args(["user", "list"]));
        assert!(code == Some(0) && found.contains("boss") && error.contains("공휴일 파일"), "{found}{error}");
        let (code, found, _) = run(program(shop.path()).arg("doctor"));
        assert!(code == Some(2) && found.contains("[수정하세요] 공휴일"), "{found}");
        let _ = std::fs::remove_file(&file);
    }
}
