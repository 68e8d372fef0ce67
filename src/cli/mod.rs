//! The command line: one file a command.
//!
//! A command answers on the standard output and complains, in a sentence that says what to do, on
//! the standard error. Exit codes: 0 done, 1 done in part, 2 refused or failed and nothing changed
//! (a flag that does not exist as well).

mod backup;
mod copy;
mod demo;
mod districts;
mod doctor;
mod export;
mod import;
mod restore;
mod serve;
mod service;
mod user;
mod version;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigError, Database, Settings};
use crate::districts::Districts;
use crate::storage::schema::{self, MigrationReport};
use crate::storage::{Storage, StorageError, StorageOptions, Wal, lease};
use crate::time::SystemClock;

/// How many readers of the database run at once.
const READERS: usize = 8;

/// 묶음: 주문을 모으고, 발주하고, 묶어서 배송하는 프로그램. 명령 없이 쓰면 serve와 같고, 브라우저도 열어요.
#[derive(Parser)]
#[command(name = "mukkeum", version, max_term_width = 100)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// 프로그램을 켜요. 브라우저로 열 수 있어요
    Serve,
    /// 교육용 가게를 켜요. 연습 데이터로 채우고 때가 되면 처음으로 되돌려요
    Demo(demo::Demo),
    /// 판매채널과 택배사의 파일을 올려요
    #[command(subcommand)]
    Import(import::Import),
    /// 목록을 파일로 저장해요
    #[command(subcommand)]
    Export(export::Export),
    /// 회원을 추가하고 고쳐요
    #[command(subcommand)]
    User(user::User),
    /// 모든 데이터를 다른 데이터베이스로 옮기고 맞춰 봐요
    Copy(copy::Copy),
    /// 무엇이 잘못되었고 어떻게 하면 되는지 알려 줘요
    Doctor(doctor::Doctor),
    /// 백업을 살피고, 지금 뜨고, 되살려 확인해요
    #[command(subcommand)]
    Backup(backup::Backup),
    /// 백업에서 데이터를 되살려요
    Restore(restore::Restore),
    /// 컴퓨터를 켜면 저절로 켜지게 해요
    #[command(subcommand)]
    Service(service::Service),
    /// 버전을 알려 줘요
    Version(version::Version),
}

/// How a command ended that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// all of it
    Whole,
    /// some rows were rejected
    Part,
}

/// Why a command did nothing, in a sentence for the person who typed it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// How a command ends.
pub type Outcome = Result<Done, Failure>;

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self(error.to_string())
    }
}

impl From<StorageError> for Failure {
    fn from(error: StorageError) -> Self {
        Self(match &error {
            StorageError::NewerSchema { found, known } => format!(
                "데이터가 더 새로운 버전의 프로그램으로 저장되어 있어요 (데이터 {found}, 이 프로그램 {known}). 새 버전의 프로그램을 쓰세요."
            ),
            StorageError::CannotOpen(reason) => format!("데이터베이스를 열지 못했어요: {reason}"),
            StorageError::Unavailable(_) => "데이터베이스가 바빠요. 잠시 뒤에 다시 해 보세요.".to_owned(),
            StorageError::CommitUnknown(_) => {
                "저장하는 중에 데이터베이스와 연결이 끊겨, 저장되었는지 아직 알 수 없어요. 저장되었는지 확인한 다음 다시 하세요.".to_owned()
            }
            StorageError::DiskFull(_) => "디스크에 자리가 없어요. 자리를 비운 뒤 다시 해 보세요.".to_owned(),
            StorageError::Constraint(_)
            | StorageError::Inconsistent(_)
            | StorageError::Panicked(_)
            | StorageError::Engine(_) => format!("데이터베이스에 문제가 생겼어요: {error}"),
        })
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self(format!("읽거나 쓰지 못했어요: {error}"))
    }
}

/// Runs the program as it was called.
pub fn run() -> ExitCode {
    let line = CommandLine::parse();
    let is_bare = line.command.is_none();
    let outcome = execute(line);
    match outcome {
        Ok(Done::Whole) => ExitCode::SUCCESS,
        Ok(Done::Part) => ExitCode::from(1),
        Err(failure) => {
            // Nobody is left to tell when the standard error is closed.
            let _ = writeln!(io::stderr().lock(), "mukkeum: {failure}");
            if is_bare && cfg!(windows) && io::stdin().is_terminal() {
                // The window of a double click goes with the program, and what it says.
                let _ = writeln!(io::stderr().lock(), "\n엔터를 누르면 닫혀요.");
                let _ = io::stdin().read_line(&mut String::new());
            }
            ExitCode::from(2)
        }
    }
}

fn execute(line: CommandLine) -> Outcome {
    if let Some(Command::Version(version)) = &line.command {
        return version.run();
    }
    let mut settings = line.settings;
    if let Some(Command::Service(service)) = line.command {
        return service.run(settings);
    }
    if let Some(Command::Demo(_)) = &line.command {
        settings.data.get_or_insert_with(|| demo::FOLDER.into());
    }
    let config = Config::load(settings, |name| std::env::var(name).ok())?;
    match line.command {
        None => serve::run(&config, has_desktop()),
        Some(Command::Serve) => serve::run(&config, false),
        Some(Command::Demo(demo)) => demo.run(config),
        Some(Command::Import(import)) => import.run(&config),
        Some(Command::Export(export)) => export.run(&config),
        Some(Command::User(user)) => user.run(&config),
        Some(Command::Copy(copy)) => copy.run(),
        Some(Command::Doctor(doctor)) => doctor.run(&config),
        Some(Command::Backup(backup)) => backup.run(&config),
        Some(Command::Restore(restore)) => restore.run(&config),
        Some(Command::Service(service)) => service.run(Settings::default()),
        Some(Command::Version(version)) => version.run(),
    }
}

/// Whether somebody sits before it who can be shown a browser.
fn has_desktop() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return io::stdout().is_terminal();
    }
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// Opens the data that the settings name, making folder and database when they are missing.
fn open_storage(config: &Config) -> Result<Storage, Failure> {
    Ok(open_with_log(config)?.0)
}

/// As [`open_storage`], with the log of data that is backed up. A command that has no use for it
/// leaves it to the server, which copies what is in it.
fn open_with_log(config: &Config) -> Result<(Storage, Option<Wal>), Failure> {
    make_folder(&config.data, "--data")?;
    // Most commands want them next, and they can be read meanwhile.
    std::thread::spawn(Districts::embedded);
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: READERS };
    let (storage, log) = match &config.database {
        Database::Sqlite(path) if config.is_backed_up() => {
            let (storage, log) = Storage::open_with_wal_feed(path, &options)?;
            (storage, Some(log))
        }
        Database::Sqlite(path) => (Storage::open_sqlite(path, &options)?, None),
        Database::MariaDb(address) => (Storage::open_mariadb(address, &options)?, None),
    };
    if let Some(upgraded) = storage.migration_report() {
        tell_the_way_back(config, upgraded)?;
    }
    if block_on(async { Ok(storage.read(|tx| lease::exists(tx, crate::storage::copy::COPY_LEASE)).await?) })? {
        return Err(Failure("옮기다 만 데이터베이스예요. mukkeum copy를 다시 해서 끝까지 옮겨 주세요.".to_owned()));
    }
    Ok((storage, log))
}

/// Says that the data was brought up, and how to go back to what it was.
fn tell_the_way_back(config: &Config, upgraded: &MigrationReport) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let (copy, from) = (upgraded.copy.display(), upgraded.from);
    writeln!(out, "데이터를 이 프로그램에 맞게 바꿨어요 (스키마 {from}판에서 {}판으로).", schema::VERSION)?;
    writeln!(out, "  바꾸기 전의 데이터  {copy}")?;
    if let Some(restored) = config.restored() {
        writeln!(
            out,
            "  되돌리려면          프로그램을 끄고, 이 파일의 이름을 {}(으)로 바꾼 다음,",
            restored.display()
        )?;
        writeln!(out, "                      이전 실행 파일을 켜세요. 그동안 새로 저장한 것은 없어져요.")?;
    }
    Ok(())
}

/// The folder that `flag` names. Names, addresses and telephone numbers will lie in it: it is for its
/// owner alone.
fn make_folder(folder: &Path, flag: &str) -> Result<(), Failure> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Failure(format!("폴더를 만들지 못했어요: {} ({error})\n다른 폴더를 {flag}로 알려 주세요.", folder.display()))
    })
}

/// A runtime for a command that is not the server.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_fits_together() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_setting_has_a_flag_a_variable_and_a_word_of_help() {
        let command = CommandLine::command();
        for name in Settings::NAMES {
            let flag = command.get_arguments().find(|argument| argument.get_id() == *name).expect(name);
            assert_eq!(flag.get_long(), Some(name.replace('_', "-").as_str()));
            let variable = format!("MUKKEUM_{}", name.to_uppercase());
            assert_eq!(flag.get_env().and_then(|env| env.to_str()), Some(variable.as_str()));
            assert!(flag.get_help().is_some_and(|help| !help.to_string().is_empty()), "{name}");
        }
    }
}
