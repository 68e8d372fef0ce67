//! `mukkeum copy` from SQLite to MariaDB and back, killed in the middle.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use mukkeum::demo;
use mukkeum::time::Moment;

use super::*;

const ORDERS: u64 = 1_500;

fn mukkeum(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let ended = mukkeum(arguments).output().expect("runs");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (ended.status.code(), text(ended.stdout), text(ended.stderr))
}

fn sqlite(path: &Path) -> Storage {
    Storage::open_sqlite(path, &StorageOptions { clock: Arc::new(SystemClock), readers: 1 }).expect("opens")
}

/// Kills the copy (SIGKILL) after its first table.
fn kill_copy(from: &str, to: &str) {
    let mut copy = mukkeum(&["copy", "--from", from, "--to", to]).stderr(Stdio::piped()).spawn().expect("starts");
    let mut line = String::new();
    BufReader::new(copy.stderr.take().expect("a pipe")).read_line(&mut line).expect("reads");
    assert!(line.contains('행'), "{line}");
    copy.kill().expect("dies");
    assert_eq!(copy.wait().expect("ends").code(), None, "it had not finished");
}

/// Expires the lease of the killed copy, which is valid for half a minute.
async fn expire_lease(target: &Storage) {
    let expire = |tx: &mut dyn Tx| tx.exec("UPDATE leases SET expires_at = 0 WHERE name = 'copy'", &[]);
    assert_eq!(target.write(expire).await.expect("writes"), 1);
}

async fn orders(storage: &Storage) -> i64 {
    storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await.expect("counts")
}

#[tokio::test]
async fn killed_copy_starts_over_and_is_complete() {
    let shop = Shop::new();
    let folder = tempfile::tempdir().expect("a folder");
    let (old, back) = (folder.path().join("old.db"), folder.path().join("back.db"));
    let source = sqlite(&old);
    demo::generate(&source, 1, ORDERS, Moment(1_795_316_400_000), |_| ()).await.expect("fills");
    drop(source);
    let of = |path: &Path| format!("sqlite:{}", path.display());
    let (old, back_url) = (of(&old), of(&back));
    let mysql = format!("{}/{}", shop.server, shop.name);
    drop(shop.open());

    let mut answers = Vec::new();
    for (from, to) in [(&old, &mysql), (&mysql, &back_url)] {
        kill_copy(from, to);
        let data = folder.path().join("data");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--database", to, "--data", &data.display().to_string()];
        let (code, _, complaint) = run(&serve);
        assert!(code == Some(2) && complaint.contains("옮기다 만 데이터베이스"), "{complaint}");
        let copy = ["copy", "--from", from, "--to", to, "--json"];
        let (code, _, complaint) = run(&copy);
        assert!(code == Some(2) && complaint.contains("다른 mukkeum copy"), "{complaint}");
        let target = if to == &mysql { shop.open() } else { sqlite(&back) };
        assert!(orders(&target).await < i64::try_from(ORDERS).expect("small"), "killed in the middle");
        expire_lease(&target).await;
        let (code, answer, complaint) = run(&copy);
        assert_eq!(code, Some(0), "{complaint}");
        assert_eq!(orders(&target).await, i64::try_from(ORDERS).expect("small"));
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1], "both directions have the same checksums");
}
