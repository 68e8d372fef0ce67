//! `mukkeum service`: starts with the computer and again when it fails, by systemd or as a service of
//! Windows.

#[cfg(not(windows))]
mod systemd;
#[cfg(windows)]
pub(super) mod windows;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

#[cfg(not(windows))]
use self::systemd as system;
#[cfg(windows)]
use self::windows as system;
use super::{Done, Failure, Outcome};
use crate::config::{Config, Database, Settings};
use crate::server::Reach;
use crate::storage::{Diagnostic, Severity};

#[derive(clap::Subcommand)]
pub(super) enum Service {
    /// 컴퓨터를 켜면 저절로 켜지게 해요. 새 실행 파일로 다시 하면 업그레이드해요
    Install {
        /// 무엇을 할지 보여 주기만 해요
        #[arg(long)]
        dry_run: bool,
    },
    /// 저절로 켜지지 않게 하고 꺼요. 데이터는 그대로 둬요
    Uninstall {
        /// 무엇을 할지 보여 주기만 해요
        #[arg(long)]
        dry_run: bool,
    },
    /// 설치되어 있고 켜져 있는지 알려 줘요
    Status {
        /// 다른 프로그램이 읽을 수 있게 JSON으로
        #[arg(long)]
        json: bool,
    },
    /// 윈도우가 서비스를 켤 때 써요
    #[cfg(windows)]
    #[command(hide = true)]
    Run,
}

/// How a service stands.
struct State {
    is_installed: bool,
    is_enabled: bool,
    is_running: bool,
}

/// What is to be started.
struct Wanted {
    /// the folder of the data, absolute
    data: PathBuf,
    config: Config,
}

impl Service {
    pub(super) fn run(self, settings: Settings) -> Outcome {
        match self {
            Self::Install { dry_run } => system::install(&Wanted::new(settings)?, dry_run),
            Self::Uninstall { dry_run } => system::uninstall(dry_run),
            Self::Status { json } => tell(&system::state()?, json),
            #[cfg(windows)]
            Self::Run => windows::run(settings),
        }
    }
}

impl Wanted {
    /// # Errors
    /// A setting was given that a service takes from `mukkeum.toml`: what starts a service may be read
    /// by everybody, and a variable of this console is not there then.
    fn new(mut settings: Settings) -> Result<Self, Failure> {
        let (data, listen) = (settings.data.take(), settings.listen.take());
        if settings != Settings::default() {
            return Err(Failure(
                "서비스로 설치할 때는 --data와 --listen만 쓸 수 있어요. 다른 설정은 데이터 폴더의 mukkeum.toml에 적어 주세요."
                    .to_owned(),
            ));
        }
        let here = PathBuf::from("data");
        let data = data.unwrap_or_else(|| if has_a_shop(&here) { here } else { system::default_folder() });
        let data = std::path::absolute(data)?;
        let config = Config::load(Settings { data: Some(data.clone()), listen, ..settings }, |_| None)?;
        Ok(Self { data, config })
    }
}

/// What `doctor` says of it; nothing where there is none.
pub(super) fn examine() -> Option<Diagnostic> {
    const SUBJECT: &str = "서비스";
    let State { is_installed, is_enabled, is_running } = system::state().ok()?;
    let wrong = |found, advice| Diagnostic::problem(Severity::Warning, SUBJECT, found, advice);
    match (is_running, is_enabled) {
        _ if !is_installed => None,
        (false, _) => Some(wrong("설치되어 있지만 꺼져 있어요", system::HOW_TO_START)),
        (true, false) => {
            Some(wrong("컴퓨터를 켤 때 저절로 켜지지 않아요", "mukkeum service install로 다시 설치하세요."))
        }
        (true, true) => Some(Diagnostic::ok(SUBJECT, "켜져 있고, 컴퓨터를 켜면 저절로 켜져요")),
    }
}

/// The first of what whoever installed it reads.
fn tell_installed(out: &mut impl Write, wanted: &Wanted) -> io::Result<()> {
    writeln!(out, "설치하고 켰어요. 컴퓨터를 켜면 저절로 켜져요.")?;
    if Reach::configured(&wanted.config).is_unsafe() {
        writeln!(out, "  조심하세요: 다른 기기와 오가는 비밀번호와 주문이 암호화되지 않아요.")?;
        writeln!(out, "  데이터 폴더의 mukkeum.toml에 tls = true라고 적고 다시 설치하면 암호화해요.")?;
    }
    writeln!(out, "  접속을 받는 주소  {}", wanted.config.listen)?;
    writeln!(out, "  데이터 폴더       {}", wanted.data.display())
}

fn has_a_shop(folder: &Path) -> bool {
    matches!(Database::of_folder(folder), Database::Sqlite(file) if file.exists())
}

fn tell(state: &State, is_json: bool) -> Outcome {
    let State { is_installed, is_enabled, is_running } = *state;
    let mut out = io::stdout().lock();
    if is_json {
        writeln!(out, "{}", json!({ "installed": is_installed, "enabled": is_enabled, "running": is_running }))?;
    } else {
        let words = match (is_installed, is_running) {
            (false, _) => "설치되어 있지 않아요. 설치하려면 mukkeum service install이라고 하세요.".to_owned(),
            (true, true) => "켜져 있어요.".to_owned(),
            (true, false) => format!("설치되어 있지만 꺼져 있어요. {}", system::HOW_TO_START),
        };
        writeln!(out, "{words}")?;
        if is_installed && !is_enabled {
            writeln!(out, "컴퓨터를 켤 때 저절로 켜지지 않아요. 다시 설치하세요.")?;
        }
    }
    Ok(if is_running && is_enabled { Done::Whole } else { Done::Part })
}
