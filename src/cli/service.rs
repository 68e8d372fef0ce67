//! `mukkeum service`: installs the server as a service of systemd or Windows, which starts it at boot and
//! restarts it after a failure.

#[cfg(not(windows))]
mod systemd;
#[cfg(windows)]
mod windows;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

#[cfg(not(windows))]
use self::systemd as system;
#[cfg(windows)]
use self::windows as system;
use super::{CliError, CommandResult, Outcome, endpoints};
use crate::config::{Config, Database, Settings};
use crate::storage::{Diagnostic, Severity};

#[derive(clap::Subcommand)]
pub(super) enum Service {
    /// 서비스를 설치하고 켜요. 새 실행 파일로 다시 설치하면 업그레이드돼요
    Install {
        /// 실행할 내용을 보여 주기만 해요
        #[arg(long)]
        dry_run: bool,
    },
    /// 서비스를 끄고 제거해요. 데이터는 그대로 둬요
    Uninstall {
        /// 실행할 내용을 보여 주기만 해요
        #[arg(long)]
        dry_run: bool,
    },
    /// 서비스의 상태를 보여 줘요
    Status {
        /// JSON으로 출력해요
        #[arg(long)]
        json: bool,
    },
    /// 윈도우가 서비스를 켤 때 실행해요
    #[cfg(windows)]
    #[command(hide = true)]
    Run,
}

/// State of the service.
struct InstallationStatus {
    is_installed: bool,
    is_enabled: bool,
    is_running: bool,
}

/// Options of the installation.
struct InstallOptions {
    /// the data folder, absolute
    data: PathBuf,
    config: Config,
}

impl Service {
    pub(super) fn run(self, settings: Settings) -> CommandResult {
        match self {
            Self::Install { dry_run } => system::install(&InstallOptions::new(settings)?, dry_run),
            Self::Uninstall { dry_run } => system::uninstall(dry_run),
            Self::Status { json } => print_status(&system::status()?, json),
            #[cfg(windows)]
            Self::Run => windows::run(settings),
        }
    }
}

impl InstallOptions {
    /// Takes data folder and address from the settings.
    ///
    /// # Errors
    /// Another setting is given. A service reads the others from `mukkeum.toml`: its definition is
    /// world-readable, and the environment variables of this shell do not exist when it starts.
    fn new(mut settings: Settings) -> Result<Self, CliError> {
        let (data, listen) = (settings.data.take(), settings.listen.take());
        let flags = std::mem::take(&mut settings.flags);
        if settings != Settings::default() {
            return Err(CliError(
                "서비스로 설치할 때는 --data와 --listen만 쓸 수 있어요. 다른 설정은 데이터 폴더의 mukkeum.toml에 입력해 주세요."
                    .to_owned(),
            ));
        }
        let local = PathBuf::from("data");
        let data = data.unwrap_or_else(|| if has_shop(&local) { local } else { system::default_folder() });
        let data = std::path::absolute(data)?;
        let config = Config::load(Settings { data: Some(data.clone()), listen, flags, ..settings }, |_| None)?;
        Ok(Self { data, config })
    }
}

/// The check of the service for `mukkeum doctor`. None if no service is installed.
pub(super) fn diagnose() -> Option<Diagnostic> {
    const SUBJECT: &str = "서비스";
    let InstallationStatus { is_installed, is_enabled, is_running } = system::status().ok()?;
    let problem = |found, advice| Diagnostic::problem(Severity::Warning, SUBJECT, found, advice);
    match (is_running, is_enabled) {
        _ if !is_installed => None,
        (false, _) => Some(problem("설치되어 있지만 꺼져 있어요", system::HOW_TO_START)),
        (true, false) => {
            Some(problem("컴퓨터를 켤 때 자동으로 켜지지 않아요", "mukkeum service install로 다시 설치하세요."))
        }
        (true, true) => Some(Diagnostic::ok(SUBJECT, "켜져 있고, 컴퓨터를 켜면 자동으로 켜져요")),
    }
}

/// Prints the result of an installation.
fn print_installed(out: &mut impl Write, options: &InstallOptions) -> io::Result<()> {
    writeln!(out, "설치하고 켰어요. 컴퓨터를 켜면 자동으로 켜져요.")?;
    if endpoints(&options.config).is_insecure() {
        writeln!(out, "  조심하세요: 다른 기기와 오가는 비밀번호와 주문이 암호화되지 않아요.")?;
        writeln!(out, "  데이터 폴더의 mukkeum.toml에 tls = true라고 적고 다시 설치하면 암호화해요.")?;
    }
    writeln!(out, "  접속을 받는 주소  {}", options.config.listen)?;
    writeln!(out, "  데이터 폴더       {}", options.data.display())
}

fn has_shop(folder: &Path) -> bool {
    matches!(Database::of_folder(folder), Database::Sqlite(file) if file.exists())
}

fn print_status(status: &InstallationStatus, is_json: bool) -> CommandResult {
    let InstallationStatus { is_installed, is_enabled, is_running } = *status;
    let mut out = io::stdout().lock();
    if is_json {
        writeln!(out, "{}", json!({ "installed": is_installed, "enabled": is_enabled, "running": is_running }))?;
    } else {
        let sentence = match (is_installed, is_running) {
            (false, _) => "설치되어 있지 않아요. 설치하려면 mukkeum service install이라고 하세요.".to_owned(),
            (true, true) => "켜져 있어요.".to_owned(),
            (true, false) => format!("설치되어 있지만 꺼져 있어요. {}", system::HOW_TO_START),
        };
        writeln!(out, "{sentence}")?;
        if is_installed && !is_enabled {
            writeln!(out, "컴퓨터를 켤 때 자동으로 켜지지 않아요. 다시 설치하세요.")?;
        }
    }
    Ok(if is_running && is_enabled { Outcome::Complete } else { Outcome::Partial })
}
