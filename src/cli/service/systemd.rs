//! The units of systemd: those of `deploy/systemd`, with this shop's folder and address.
//!
//! Without a folder of one's own the shop is in `/var/lib/mukkeum` and belongs to a user that systemd
//! makes for it. A folder somewhere else keeps its owner, who then runs the program.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{State, Wanted, tell_installed};
use crate::cli::{Done, Failure, Outcome};

const SERVICE: &str = include_str!("../../../deploy/systemd/mukkeum.service");
const SOCKET: &str = include_str!("../../../deploy/systemd/mukkeum.socket");

const SERVICE_FILE: &str = "/etc/systemd/system/mukkeum.service";
const SOCKET_FILE: &str = "/etc/systemd/system/mukkeum.socket";

/// Where the program is put: what a user may write is no place for what root starts.
const PROGRAM: &str = "/usr/local/bin/mukkeum";

/// The folder of `deploy/systemd/mukkeum.service`, which systemd makes.
const DEFAULT_FOLDER: &str = "/var/lib/mukkeum";

pub(super) const HOW_TO_START: &str =
    "켜려면 systemctl start mukkeum, 까닭을 보려면 journalctl -u mukkeum -n 50이라고 하세요.";

pub(super) fn default_folder() -> PathBuf {
    DEFAULT_FOLDER.into()
}

/// One thing to do.
enum Step {
    /// put a copy of the file that is running there
    Copy(&'static str),
    Write(&'static str, String),
    Remove(&'static str),
    Run(&'static [&'static str]),
}

pub(super) fn install(wanted: &Wanted, dry_run: bool) -> Outcome {
    let data = wanted.data.as_path();
    let service = if data == Path::new(DEFAULT_FOLDER) {
        SERVICE.to_owned()
    } else {
        let owner = fs::metadata(data).map_err(|error| {
            Failure(format!("데이터 폴더를 찾지 못했어요: {} ({error})\n폴더를 먼저 만들어 주세요.", data.display()))
        })?;
        service_in(data, owner.uid())?
    };
    let service = with_writable(&service, &folders_of_backups(&wanted.config.backup.targets))?;
    let socket = replace(SOCKET, "ListenStream=", &wanted.config.listen.to_string());
    // A socket that stays keeps who connects while the program is replaced.
    let stays = fs::read_to_string(SOCKET_FILE).is_ok_and(|there| there == socket);
    let mut steps = vec![
        Step::Copy(PROGRAM),
        Step::Write(SERVICE_FILE, service),
        Step::Write(SOCKET_FILE, socket),
        Step::Run(&["daemon-reload"]),
        Step::Run(&["enable", "--quiet", "mukkeum.socket", "mukkeum.service"]),
    ];
    if !stays {
        steps.push(Step::Run(&["stop", "mukkeum.service"]));
        steps.push(Step::Run(&["restart", "mukkeum.socket"]));
    }
    steps.push(Step::Run(&["restart", "mukkeum.service"]));
    carry_out(&steps, dry_run)?;
    if !dry_run {
        let mut out = io::stdout().lock();
        tell_installed(&mut out, wanted)?;
        writeln!(
            out,
            "  로그              journalctl -u mukkeum (첫 관리자를 만들 때의 설치 확인 번호도 여기에 있어요)"
        )?;
        writeln!(out, "  설정을 바꾸려면   데이터 폴더의 mukkeum.toml을 고치고 systemctl restart mukkeum")?;
        writeln!(out, "  주소를 바꾸려면   --listen을 붙여 다시 설치하세요.")?;
    }
    Ok(Done::Whole)
}

pub(super) fn uninstall(dry_run: bool) -> Outcome {
    let steps = [
        Step::Run(&["disable", "--now", "--quiet", "mukkeum.socket", "mukkeum.service"]),
        Step::Remove(SERVICE_FILE),
        Step::Remove(SOCKET_FILE),
        Step::Run(&["daemon-reload"]),
    ];
    if !dry_run && !Path::new(SERVICE_FILE).exists() {
        return Err(Failure("설치되어 있지 않아요.".to_owned()));
    }
    carry_out(&steps, dry_run)?;
    if !dry_run {
        writeln!(io::stdout(), "껐고, 저절로 켜지지 않게 했어요. 데이터와 {PROGRAM} 파일은 그대로 있어요.")?;
    }
    Ok(Done::Whole)
}

pub(super) fn state() -> Result<State, Failure> {
    wants_systemd()?;
    let asks = |question: &str| {
        let asked = Command::new("systemctl").args([question, "--quiet", "mukkeum.service"]).status();
        asked.is_ok_and(|status| status.success())
    };
    Ok(State {
        is_installed: Path::new(SERVICE_FILE).exists(),
        is_enabled: asks("is-enabled"),
        is_running: asks("is-active"),
    })
}

fn wants_systemd() -> Result<(), Failure> {
    if Path::new("/run/systemd/system").is_dir() {
        return Ok(());
    }
    Err(Failure(
        "이 컴퓨터는 systemd를 쓰지 않아서 서비스로 설치하지 못해요. 컴퓨터가 켜질 때 mukkeum serve를 실행하게 해 주세요."
            .to_owned(),
    ))
}

fn carry_out(steps: &[Step], dry_run: bool) -> Result<(), Failure> {
    if dry_run {
        steps.iter().try_for_each(show)?;
        return Ok(());
    }
    wants_systemd()?;
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Err(Failure("관리자 권한이 필요해요. 앞에 sudo를 붙여 다시 하세요.".to_owned()));
    }
    steps.iter().try_for_each(|step| match step {
        Step::Copy(to) => put(Path::new(to), |whole| fs::copy(std::env::current_exe()?, whole).map(drop), 0o755),
        Step::Write(to, text) => put(Path::new(to), |whole| fs::write(whole, text), 0o644),
        Step::Remove(file) => Ok(fs::remove_file(file)?),
        Step::Run(words) => systemctl(words),
    })
}

fn show(step: &Step) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match step {
        Step::Copy(to) => writeln!(out, "# 실행 파일을 {to}에 복사"),
        Step::Write(to, text) => writeln!(out, "# {to}\n{text}"),
        Step::Remove(file) => writeln!(out, "# {file} 파일을 지움"),
        Step::Run(words) => writeln!(out, "# systemctl {}", words.join(" ")),
    }
}

/// Puts a file in place whole: a program that runs cannot be written to, but replaced.
fn put(to: &Path, fill: impl Fn(&Path) -> io::Result<()>, mode: u32) -> Result<(), Failure> {
    if std::env::current_exe().is_ok_and(|running| running == to) {
        return Ok(());
    }
    let whole = to.with_added_extension("new");
    let placed = fill(&whole)
        .and_then(|()| fs::set_permissions(&whole, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&whole, to));
    placed.map_err(|error| Failure(format!("{} 파일을 쓰지 못했어요: {error}", to.display())))
}

fn systemctl(words: &[&str]) -> Result<(), Failure> {
    let done = Command::new("systemctl").args(words).output()?;
    if done.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&done.stderr);
    Err(Failure(format!("systemctl {}: {}", words.join(" "), said.trim())))
}

/// The unit for a folder that is not systemd's own: its owner runs the program, and nothing but the
/// folder can be written.
fn service_in(data: &Path, owner: u32) -> Result<String, Failure> {
    let data = quoted(data)?;
    let mut unit = String::new();
    for line in SERVICE.lines() {
        let key = line.split_once('=').map_or(line, |(key, _)| key);
        let line = match key {
            "ExecStart" => format!("ExecStart={PROGRAM} serve --data {data}"),
            "DynamicUser" => format!("User={owner}"),
            "# A user of its own that is made for it, and a folder that belongs to that user." => {
                "# The folder's owner.".to_owned()
            }
            "StateDirectory" => format!("ReadWritePaths={data}"),
            // It may lie in somebody's home.
            "ProtectHome" => "ProtectHome=read-only".to_owned(),
            "StateDirectoryMode" | "WorkingDirectory" => continue,
            _ => line.to_owned(),
        };
        // Writing into a text does not fail.
        let _ = writeln!(unit, "{line}");
    }
    Ok(unit)
}

/// Backups go to folders too; one that is not there (a stick that is not plugged in) is no reason not to start.
fn with_writable(unit: &str, folders: &[PathBuf]) -> Result<String, Failure> {
    let lines: Vec<String> = folders
        .iter()
        .map(|folder| Ok(format!("ReadWritePaths=-{}\n", quoted(folder)?)))
        .collect::<Result<_, Failure>>()?;
    Ok(unit.replacen("ProtectSystem=strict\n", &format!("ProtectSystem=strict\n{}", lines.concat()), 1))
}

fn folders_of_backups(targets: &[String]) -> Vec<PathBuf> {
    let urls = targets.iter().filter_map(|target| url::Url::parse(target).ok());
    urls.filter(|url| url.scheme() == "file").filter_map(|url| url.to_file_path().ok()).collect()
}

fn replace(unit: &str, key: &str, value: &str) -> String {
    let line = |line: &str| if line.starts_with(key) { format!("{key}{value}\n") } else { format!("{line}\n") };
    unit.lines().map(line).collect()
}

/// A path as a unit wants it, in its way of quoting (systemd.syntax(7)).
fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    let text = text.ok_or_else(|| Failure(format!("서비스가 쓸 수 없는 폴더 이름이에요: {}", path.display())))?;
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '%' | '$' => quoted.extend([letter, letter]),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    Ok(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_of_deploy_are_those_that_are_written() {
        assert!(SERVICE.contains(&format!("ExecStart={PROGRAM} serve --data {DEFAULT_FOLDER}\n")));
        assert_eq!(replace(SOCKET, "ListenStream=", "127.0.0.1:8080"), SOCKET);
        assert_eq!(with_writable(SERVICE, &[]).expect("is right"), SERVICE);
        let open = replace(SOCKET, "ListenStream=", "0.0.0.0:443");
        assert!(open.contains("\nListenStream=0.0.0.0:443\n") && !open.contains("8080"));
    }

    #[test]
    fn a_folder_of_ones_own_keeps_its_owner_and_alone_can_be_written() {
        let unit = service_in(Path::new("/home/kim/50% 침대/da\"ta"), 1000).expect("is right");
        let data = r#""/home/kim/50%% 침대/da\"ta""#;
        for line in [
            &format!("ExecStart={PROGRAM} serve --data {data}") as &str,
            "User=1000",
            &format!("ReadWritePaths={data}"),
            "ProtectHome=read-only",
            "ProtectSystem=strict",
            "Restart=on-failure",
        ] {
            assert!(unit.lines().any(|one| one == line), "{line}:\n{unit}");
        }
        for key in ["DynamicUser", "StateDirectory", "WorkingDirectory"] {
            assert!(!unit.contains(key), "{key}:\n{unit}");
        }
        assert!(quoted(Path::new("/a\nb")).is_err());
    }

    #[test]
    fn folders_of_backups_can_be_written_where_they_are_there() {
        let targets = ["file:///media/usb%20stick/mukkeum", "s3://bucket/mukkeum"].map(str::to_owned);
        let unit = with_writable(SERVICE, &folders_of_backups(&targets)).expect("is right");
        assert!(unit.contains("\nReadWritePaths=-\"/media/usb stick/mukkeum\"\n"), "{unit}");
        assert_eq!(unit.lines().count(), SERVICE.lines().count() + 1);
    }
}
