//! The systemd units: those of `deploy/systemd` with the data folder and address of this shop.
//!
//! The default data folder is `/var/lib/mukkeum`, owned by a dynamic user of systemd. Another folder keeps
//! its owner, and the service runs as that user.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{InstallOptions, InstallationStatus, print_installed};
use crate::cli::{CliError, CommandResult, Outcome};

const SERVICE: &str = include_str!("../../../deploy/systemd/mukkeum.service");
const SOCKET: &str = include_str!("../../../deploy/systemd/mukkeum.socket");

const SERVICE_FILE: &str = "/etc/systemd/system/mukkeum.service";
const SOCKET_FILE: &str = "/etc/systemd/system/mukkeum.socket";

/// Install path. Must not be user-writable, since root executes it.
const PROGRAM: &str = "/usr/local/bin/mukkeum";

/// The data folder of `deploy/systemd/mukkeum.service`; systemd creates it.
const DEFAULT_FOLDER: &str = "/var/lib/mukkeum";

pub(super) const HOW_TO_START: &str =
    "켜려면 systemctl start mukkeum, 이유를 보려면 journalctl -u mukkeum -n 50이라고 하세요.";

pub(super) fn default_folder() -> PathBuf {
    DEFAULT_FOLDER.into()
}

/// One step of the installation.
enum Step {
    /// copies the running executable
    Copy(&'static str),
    Write(&'static str, String),
    Remove(&'static str),
    Run(&'static [&'static str]),
}

pub(super) fn install(options: &InstallOptions, dry_run: bool) -> CommandResult {
    let data = options.data.as_path();
    let service = if data == Path::new(DEFAULT_FOLDER) {
        SERVICE.to_owned()
    } else {
        let owner = fs::metadata(data).map_err(|error| {
            CliError(format!("데이터 폴더를 찾지 못했어요: {} ({error})\n폴더를 먼저 만들어 주세요.", data.display()))
        })?;
        unit_for_folder(data, owner.uid())?
    };
    let service = with_writable_folders(&service, &backup_folders(&options.config.backup.targets))?;
    let socket = with_value(SOCKET, "ListenStream=", &options.config.listen.to_string());
    // An unchanged socket unit stays active, so that connections queue while the program is replaced.
    let is_unchanged = fs::read_to_string(SOCKET_FILE).is_ok_and(|installed| installed == socket);
    let mut steps = vec![
        Step::Copy(PROGRAM),
        Step::Write(SERVICE_FILE, service),
        Step::Write(SOCKET_FILE, socket),
        Step::Run(&["daemon-reload"]),
        Step::Run(&["enable", "--quiet", "mukkeum.socket", "mukkeum.service"]),
    ];
    if !is_unchanged {
        steps.push(Step::Run(&["stop", "mukkeum.service"]));
        steps.push(Step::Run(&["restart", "mukkeum.socket"]));
    }
    steps.push(Step::Run(&["restart", "mukkeum.service"]));
    run_steps(&steps, dry_run)?;
    if !dry_run {
        let mut out = io::stdout().lock();
        print_installed(&mut out, options)?;
        writeln!(
            out,
            "  로그              journalctl -u mukkeum (첫 관리자를 만들 때의 설치 확인 번호도 여기에 있어요)"
        )?;
        writeln!(out, "  설정을 바꾸려면   데이터 폴더의 mukkeum.toml을 수정하고 systemctl restart mukkeum")?;
        writeln!(out, "  주소를 바꾸려면   --listen을 붙여 다시 설치하세요.")?;
    }
    Ok(Outcome::Complete)
}

pub(super) fn uninstall(dry_run: bool) -> CommandResult {
    let steps = [
        Step::Run(&["disable", "--now", "--quiet", "mukkeum.socket", "mukkeum.service"]),
        Step::Remove(SERVICE_FILE),
        Step::Remove(SOCKET_FILE),
        Step::Run(&["daemon-reload"]),
    ];
    if !dry_run && !Path::new(SERVICE_FILE).exists() {
        return Err(CliError("설치되어 있지 않아요.".to_owned()));
    }
    run_steps(&steps, dry_run)?;
    if !dry_run {
        writeln!(io::stdout(), "껐고, 자동으로 켜지지 않게 했어요. 데이터와 {PROGRAM} 파일은 그대로 있어요.")?;
    }
    Ok(Outcome::Complete)
}

pub(super) fn status() -> Result<InstallationStatus, CliError> {
    require_systemd()?;
    let query = |verb: &str| {
        let status = Command::new("systemctl").args([verb, "--quiet", "mukkeum.service"]).status();
        status.is_ok_and(|status| status.success())
    };
    Ok(InstallationStatus {
        is_installed: Path::new(SERVICE_FILE).exists(),
        is_enabled: query("is-enabled"),
        is_running: query("is-active"),
    })
}

fn require_systemd() -> Result<(), CliError> {
    if Path::new("/run/systemd/system").is_dir() {
        return Ok(());
    }
    Err(CliError(
        "이 컴퓨터는 systemd를 쓰지 않아서 서비스로 설치하지 못해요. 컴퓨터가 켜질 때 mukkeum serve를 실행하게 해 주세요."
            .to_owned(),
    ))
}

fn run_steps(steps: &[Step], dry_run: bool) -> Result<(), CliError> {
    if dry_run {
        steps.iter().try_for_each(show)?;
        return Ok(());
    }
    require_systemd()?;
    if fs::metadata("/proc/self")?.uid() != 0 {
        return Err(CliError("관리자 권한이 필요해요. 앞에 sudo를 붙여 다시 하세요.".to_owned()));
    }
    steps.iter().try_for_each(|step| match step {
        Step::Copy(to) => install_file(Path::new(to), |path| fs::copy(std::env::current_exe()?, path).map(drop), 0o755),
        Step::Write(to, text) => install_file(Path::new(to), |path| fs::write(path, text), 0o644),
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

/// Writes a file atomically (temporary file and rename): a running executable cannot be overwritten, only
/// replaced.
fn install_file(to: &Path, write: impl Fn(&Path) -> io::Result<()>, mode: u32) -> Result<(), CliError> {
    if std::env::current_exe().is_ok_and(|running| running == to) {
        return Ok(());
    }
    let temporary = to.with_added_extension("new");
    let installed = write(&temporary)
        .and_then(|()| fs::set_permissions(&temporary, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&temporary, to));
    installed.map_err(|error| CliError(format!("{} 파일을 쓰지 못했어요: {error}", to.display())))
}

fn systemctl(arguments: &[&str]) -> Result<(), CliError> {
    let output = Command::new("systemctl").args(arguments).output()?;
    if output.status.success() {
        return Ok(());
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    Err(CliError(format!("systemctl {}: {}", arguments.join(" "), stderr.trim())))
}

/// The service unit for a data folder other than the default: runs as the owner of the folder, and only
/// that folder and drives are writable.
fn unit_for_folder(data: &Path, owner: u32) -> Result<String, CliError> {
    let data = quoted(data)?;
    let mut unit = String::new();
    for line in SERVICE.lines() {
        let key = line.split_once('=').map_or(line, |(key, _)| key);
        let line = match key {
            "ExecStart" => format!("ExecStart={PROGRAM} serve --data {data}"),
            "DynamicUser" => format!("User={owner}"),
            "# A dynamic user, and a data folder owned by it." => "# The owner of the data folder.".to_owned(),
            "StateDirectory" => format!("ReadWritePaths={data}"),
            // The folder may be in a home directory.
            "ProtectHome" => "ProtectHome=read-only".to_owned(),
            "StateDirectoryMode" | "WorkingDirectory" => continue,
            _ => line.to_owned(),
        };
        // Writing to a String never fails.
        let _ = writeln!(unit, "{line}");
    }
    Ok(unit)
}

/// Makes the folders of local backups writable. The prefix `-` ignores a missing folder, for example an
/// unplugged USB stick.
fn with_writable_folders(unit: &str, folders: &[PathBuf]) -> Result<String, CliError> {
    let lines: Vec<String> = folders
        .iter()
        .map(|folder| Ok(format!("ReadWritePaths=-{}\n", quoted(folder)?)))
        .collect::<Result<_, CliError>>()?;
    Ok(unit.replacen("ProtectSystem=strict\n", &format!("ProtectSystem=strict\n{}", lines.concat()), 1))
}

fn backup_folders(targets: &[String]) -> Vec<PathBuf> {
    let urls = targets.iter().filter_map(|target| url::Url::parse(target).ok());
    urls.filter(|url| url.scheme() == "file").filter_map(|url| url.to_file_path().ok()).collect()
}

fn with_value(unit: &str, key: &str, value: &str) -> String {
    let line = |line: &str| if line.starts_with(key) { format!("{key}{value}\n") } else { format!("{line}\n") };
    unit.lines().map(line).collect()
}

/// Quotes a path for a unit file, see systemd.syntax(7).
fn quoted(path: &Path) -> Result<String, CliError> {
    let text = path.to_str().filter(|text| !text.contains(char::is_control));
    let text = text.ok_or_else(|| CliError(format!("서비스가 쓸 수 없는 폴더 이름이에요: {}", path.display())))?;
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
    fn default_units_equal_those_of_deploy() {
        assert!(SERVICE.contains(&format!("ExecStart={PROGRAM} serve --data {DEFAULT_FOLDER}\n")));
        assert_eq!(with_value(SOCKET, "ListenStream=", "127.0.0.1:8080"), SOCKET);
        assert_eq!(with_writable_folders(SERVICE, &[]).expect("is right"), SERVICE);
        let open = with_value(SOCKET, "ListenStream=", "0.0.0.0:443");
        assert!(open.contains("\nListenStream=0.0.0.0:443\n") && !open.contains("8080"));
    }

    #[test]
    fn unit_for_another_folder_runs_as_its_owner() {
        let unit = unit_for_folder(Path::new("/home/kim/50% 침대/da\"ta"), 1000).expect("is right");
        let data = r#""/home/kim/50%% 침대/da\"ta""#;
        for line in [
            &format!("ExecStart={PROGRAM} serve --data {data}") as &str,
            "User=1000",
            &format!("ReadWritePaths={data}"),
            "ProtectHome=read-only",
            "ProtectSystem=strict",
            "ReadWritePaths=-/media -/run/media -/mnt",
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
    fn local_backup_folders_are_writable() {
        let targets = ["file:///media/usb%20stick/mukkeum", "s3://bucket/mukkeum"].map(str::to_owned);
        let unit = with_writable_folders(SERVICE, &backup_folders(&targets)).expect("is right");
        assert!(unit.contains("\nReadWritePaths=-\"/media/usb stick/mukkeum\"\n"), "{unit}");
        assert_eq!(unit.lines().count(), SERVICE.lines().count() + 1);
    }
}
