//! Several nodes that start at the same time on an empty database.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use super::*;

/// A node of the program with its own data folder; killed at the end of the test.
struct Node {
    child: Child,
    stdout: Receiver<String>,
}

impl Node {
    fn start(url: &str, data: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--database", url, "--data"]).arg(data).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("starts");
        let stdout = lines(child.stdout.take().expect("a pipe"));
        Self { child, stdout }
    }

    /// Waits for the line of the startup banner that names the database.
    fn wait_until_it_serves(&self) {
        let line = |_| self.stdout.recv_timeout(Duration::from_secs(60)).expect("the node serves");
        assert!((0..100).map(line).any(|line| line.contains("데이터베이스")));
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        BufReader::new(pipe).lines().map_while(std::result::Result::ok).try_for_each(|line| sender.send(line))
    });
    receiver
}

#[test]
fn one_of_several_nodes_builds_the_schema_and_the_others_wait() {
    let shop = Shop::new();
    let url = format!("{}/{}", shop.server, shop.name);
    let mut conn = Conn::new(format!("{url}?prefer_socket=false").as_str()).expect("connects");
    let locked: Option<i64> = conn.query_first("SELECT GET_LOCK(concat('schema ', database()), 0)").expect("answers");
    assert_eq!(locked, Some(1));

    let folders = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let nodes = folders.each_ref().map(|folder| Node::start(&url, folder.path()));
    std::thread::sleep(Duration::from_secs(3));
    assert!(nodes.iter().all(|node| node.stdout.try_recv().is_err()), "no node serves before the schema exists");
    assert_eq!(conn.query::<String, _>("SHOW TABLES").expect("answers"), Vec::<String>::new());

    conn.query_drop("DO RELEASE_LOCK(concat('schema ', database()))").expect("releases");
    nodes.iter().for_each(Node::wait_until_it_serves);
    let versions: Vec<i64> = conn.query("SELECT version FROM schema_versions").expect("answers");
    assert_eq!(versions, [1]);
}

#[test]
fn doctor_and_migrate_change_nothing_and_reserve_no_node_number() {
    let shop = Shop::new();
    let (url, folder) = (format!("{}/{}", shop.server, shop.name), tempfile::tempdir().expect("a folder"));
    drop(shop.open());
    let mut conn = Conn::new(format!("{url}?prefer_socket=false").as_str()).expect("connects");
    conn.query_drop("DELETE FROM writers").expect("obeys");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mukkeum"));
        command.args(arguments).args(["--database", &url, "--data"]).arg(folder.path()).env_clear();
        let output = command.stdin(Stdio::null()).output().expect("runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    run(&["doctor"]);
    for arguments in [&["migrate", "--dry-run", "--json"][..], &["migrate", "--json"]] {
        let (code, out, error) = run(arguments);
        assert!(code == Some(0) && out.contains("\"migrated\":false"), "{out}{error}");
    }
    let written: Option<i64> = conn.query_first("SELECT count(*) FROM writers").expect("answers");
    assert_eq!(written, Some(0));
    assert_eq!(run(&["user", "list"]).0, Some(0));
}
