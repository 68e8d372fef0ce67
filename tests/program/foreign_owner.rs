//! Files of somebody else: a restore by root, and a start as a user who may not write.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use super::*;

/// A user without rights: `nobody` on Debian. Other users are only reachable for root.
const OTHER_USER: u32 = 65_534;

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("sets the mode");
}

#[test]
fn restored_file_has_the_owner_of_its_folder() {
    let (shop, copies) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let from = format!("file://{}", copies.path().join("shop").display());
    assert_eq!(user(&shop, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    let _server = Server::start(program(shop.path()).args(["--backup", &from]));
    let until = Instant::now() + Duration::from_secs(20);
    for (folder_mode, expected) in [(0o700, 0o600), (0o750, 0o640), (0o770, 0o660), (0o755, 0o600)] {
        let elsewhere = tempdir().expect("a folder");
        set_mode(elsewhere.path(), folder_mode);
        if is_root() {
            chown(elsewhere.path(), Some(OTHER_USER), Some(OTHER_USER)).expect("gives away");
        }
        let file = elsewhere.path().join("mukkeum.db");
        let mut restore = program(elsewhere.path());
        restore.args(["restore", "--from", &from, "--out"]).arg(&file);
        restore.arg("--key-file").arg(shop.path().join("backup.key"));
        while run(&mut restore).0 != Some(0) {
            assert!(Instant::now() < until, "nothing can be restored yet");
            std::thread::sleep(Duration::from_millis(200));
        }
        let folder = std::fs::metadata(elsewhere.path()).expect("there");
        let restored = std::fs::metadata(&file).expect("restored");
        assert_eq!((restored.uid(), restored.gid()), (folder.uid(), folder.gid()));
        assert_eq!(restored.mode() & 0o777, expected, "folder {folder_mode:o}");
    }
}

#[test]
fn start_of_a_shop_that_is_not_writable_says_so() {
    let shop = tempdir().expect("a folder");
    assert_eq!(user(&shop, &["add", "boss", "--role", "admin"], PASSWORD).0, Some(0));
    set_mode(&shop.path().join("mukkeum.db"), 0o444);
    set_mode(shop.path(), 0o555);
    let mut command = program(shop.path());
    if is_root() {
        command.uid(OTHER_USER).gid(OTHER_USER);
    }
    let (code, out, error) = run(&mut command);
    assert_eq!(code, Some(2), "{out}{error}");
    assert!(error.contains("쓸 수 없어요") || error.contains("--data"), "{error}");
    set_mode(shop.path(), 0o755);
}
