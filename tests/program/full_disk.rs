//! A full disk is named for what it is, at each place that writes, and the program works on once there is room.
//!
//! The data folder is a small file system in a mount namespace of the program: needs Linux, and root or user namespaces.

use super::*;

/// A demo on a file system of its own. `unshare` and `sh` are replaced by the program, so its process is ours.
fn demo_on_small_disk(data: &Path) -> Server {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-euc"]);
    command.arg("mount -t tmpfs -o size=48m,mode=700 none \"$1\"; exec \"$2\" --data \"$1\" --listen 127.0.0.1:0 --log-level error demo --orders 3000 --reset-every never");
    command.arg("sh").arg(data).arg(env!("CARGO_BIN_EXE_mukkeum"));
    Server::start(command.stdin(Stdio::null()))
}

/// A file that takes all room of the disk.
struct Filler(std::path::PathBuf);

impl Filler {
    fn new(disk: &Path) -> Self {
        let path = disk.join("filler");
        let mut file = std::fs::File::create(&path).expect("creates");
        for block in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![1; block]).is_ok() {}
        }
        Self(path)
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A browser: keeps cookies, fills in the fields of a form.
struct Browser<'a> {
    server: &'a Server,
    cookies: BTreeMap<String, String>,
}

impl Browser<'_> {
    fn send(&mut self, method: &str, path: &str, kind: &str, body: &[u8]) -> String {
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut stream = std::net::TcpStream::connect(&self.server.address).expect("connects");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nConnection: close\r\nCookie: {cookies}\r\n\
             Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n",
            host = self.server.address,
            cookies = cookies.join("; "),
            length = body.len(),
        )
        .expect("writes");
        stream.write_all(body).expect("writes");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("reads");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        for line in answer.lines().take_while(|line| !line.is_empty()) {
            if let Some((name, value)) = line.strip_prefix("set-cookie: ").and_then(|cookie| cookie.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.split(';').next().unwrap_or("").to_owned());
            }
        }
        answer
    }

    fn get(&mut self, path: &str) -> String {
        self.send("GET", path, "text/plain", b"")
    }

    fn token(&mut self, path: &str) -> String {
        let page = self.get(path);
        let rest = page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("no form: {page}")).1;
        rest.split('"').next().expect("a token").to_owned()
    }

    fn post(&mut self, form: &str, path: &str, fields: &str) -> String {
        let body = format!("csrf={}&{fields}", self.token(form));
        self.send("POST", path, "application/x-www-form-urlencoded", body.as_bytes())
    }

    fn upload(&mut self, file: &[u8]) -> String {
        let mut body = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{}\r\n--edge\r\nContent-Disposition: form-data; \
             name=\"files\"; filename=\"orders.xlsx\"\r\nContent-Type: application/octet-stream\r\n\r\n",
            self.token("/uploads")
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--edge--\r\n");
        self.send("POST", "/uploads", "multipart/form-data; boundary=edge", &body)
    }
}

#[cfg(target_os = "linux")]
#[test]
fn full_disk_is_named_by_download_upload_and_readiness() {
    let folder = tempdir().expect("a folder");
    let server = demo_on_small_disk(folder.path());
    let disk = Path::new("/proc")
        .join(server.child.id().to_string())
        .join("root")
        .join(&folder.path().display().to_string()[1..]);
    let orders = std::fs::read("tests/fixtures/01_smartstore_orders_72col.xlsx").expect("reads");
    let mut browser = Browser { server: &server, cookies: BTreeMap::new() };
    let login = browser.get("/login");
    let password = login.split_once("name=\"password\" value=\"").unwrap_or_else(|| panic!("{login}")).1;
    let password = password.split('"').next().expect("a password").to_owned();
    let answer = browser.post("/login", "/login", &format!("next=%2F&username=demo-admin&password={password}"));
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");

    let download = |browser: &mut Browser<'_>| {
        // Of ended orders, which no open claim holds back: the download asks about those first.
        let page = "/orders/download?content=orders&state=CONFIRMED";
        browser.post(page, page, "format=xlsx&purpose=factory&note=")
    };
    // More than the log of the database has room for.
    let large: Vec<u8> = (0..1_500_000_u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let filler = Filler::new(&disk);
    for (act, answer) in [("download", download(&mut browser)), ("upload", browser.upload(&large))] {
        assert!(answer.starts_with("HTTP/1.1 507") && answer.contains("디스크"), "{act}: {answer}");
    }
    let ready = browser.get("/health/ready");
    assert!(ready.starts_with("HTTP/1.1 503") && ready.ends_with("disk full\n"), "{ready}");
    assert!(browser.get("/orders").starts_with("HTTP/1.1 200"), "reading goes on");
    let (_, found, error) = run(program(&disk).arg("doctor"));
    assert!(found.contains("쓸 수 없어요"), "{found}{error}");

    drop(filler);
    let answer = download(&mut browser);
    assert!(answer.starts_with("HTTP/1.1 200"), "there is room again: {answer}");
    let answer = browser.upload(&orders);
    assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
}
