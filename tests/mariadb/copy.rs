//! `mukkeum copy` that is killed in its midst, from SQLite to MariaDB and back.

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

/// Kills the copy (-9) when its first table has arrived.
fn killed(from: &str, to: &str) {
    let mut copy = mukkeum(&["copy", "--from", from, "--to", to]).stderr(Stdio::piped()).spawn().expect("starts");
    let mut told = String::new();
    BufReader::new(copy.stderr.take().expect("a pipe")).read_line(&mut told).expect("reads");
    assert!(told.contains('행'), "{told}");
    copy.kill().expect("dies");
    assert_eq!(copy.wait().expect("ends").code(), None, "it was not done yet");
}

/// The killed one is taken to be alive for half a minute; a test does not wait for that.
async fn let_the_lease_run_out(target: &Storage) {
    let expire = |tx: &mut dyn Tx| tx.exec("UPDATE leases SET expires_at = 0 WHERE name = 'copy'", &[]);
    assert_eq!(target.write(expire).await.expect("writes"), 1);
}

async fn orders(storage: &Storage) -> i64 {
    storage.read(|tx| tx.scalar("SELECT count(*) FROM orders", &[])).await.expect("counts")
}

#[tokio::test]
async fn a_copy_that_is_killed_is_begun_anew_and_complete() {
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
        killed(from, to);
        let data = folder.path().join("data");
        let serve = ["serve", "--listen", "127.0.0.1:0", "--database", to, "--data", &data.display().to_string()];
        let (code, _, complaint) = run(&serve);
        assert!(code == Some(2) && complaint.contains("옮기다 만 데이터베이스"), "{complaint}");
        let copy = ["copy", "--from", from, "--to", to, "--json"];
        let (code, _, complaint) = run(&copy);
        assert!(code == Some(2) && complaint.contains("다른 mukkeum copy"), "{complaint}");
        let target = if to == &mysql { shop.open() } else { sqlite(&back) };
        assert!(orders(&target).await < i64::try_from(ORDERS).expect("small"), "killed in its midst");
        let_the_lease_run_out(&target).await;
        let (code, answer, complaint) = run(&copy);
        assert_eq!(code, Some(0), "{complaint}");
        assert_eq!(orders(&target).await, i64::try_from(ORDERS).expect("small"));
        answers.push(answer);
    }
    assert_eq!(answers[0], answers[1], "what was read here is what was read there");
}
