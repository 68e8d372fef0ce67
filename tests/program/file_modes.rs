//! Files of the program are for its user alone, also in a folder that others can enter.

use std::os::unix::fs::PermissionsExt;

use super::*;

/// The command under the usual umask of a login, which lets everybody read new files.
fn under_open_umask(command: &Command) -> Command {
    let mut open = Command::new("/bin/sh");
    open.args(["-c", "umask 022; exec \"$0\" \"$@\""]).arg(command.get_program()).args(command.get_args());
    open.env_clear().stdin(Stdio::null());
    open
}

#[test]
fn database_log_export_and_backup_are_for_one_user() {
    let (shop, out) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    for folder in [&shop, &out] {
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).expect("opens the folder");
    }
    let (export, backup) = (out.path().join("orders.csv"), out.path().join("backup"));
    assert_eq!(user(&shop, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let target = format!("file://{}", backup.display());
    let _server = Server::start(&mut under_open_umask(program(shop.path()).args(["--backup", &target])));
    let until = Instant::now() + Duration::from_secs(20);
    while !backup.exists() {
        assert!(Instant::now() < until, "nothing is copied yet");
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut command = program(shop.path());
    command.args(["export", "orders", "--purpose", "정산", "--out"]).arg(&export);
    let (code, _, error) = run(&mut under_open_umask(&command));
    assert_eq!(code, Some(0), "{error}");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o077;
    for name in ["mukkeum.db-wal", "secret.key", "backup.key"] {
        assert_eq!(mode(&shop.path().join(name)), 0, "{name}");
    }
    assert_eq!((mode(&export), mode(&backup)), (0, 0));
}

#[test]
fn new_database_is_for_one_user() {
    let shop = tempdir().expect("a folder");
    std::fs::set_permissions(shop.path(), std::fs::Permissions::from_mode(0o755)).expect("opens the folder");
    let _server = Server::start(&mut under_open_umask(&program(shop.path())));
    let mode = std::fs::metadata(shop.path().join("mukkeum.db")).expect("there").permissions().mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}
