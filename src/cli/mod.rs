//! The command line: one file per command.
//!
//! A command prints its result to stdout, and an error (a Korean sentence with advice) to stderr.
//! Exit codes: 0 done, 1 partially done, 2 failed and nothing changed (also for invalid arguments).

mod audit;
mod backup;
mod breach;
mod copy;
mod demo;
mod districts;
mod doctor;
mod export;
pub(crate) mod folder;
mod health;
mod help;
mod import;
mod migrate;
mod person;
mod profile;
mod progress;
mod reconcile;
mod restore;
mod route;
mod serve;
mod service;
mod user;
mod version;

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::config::{Config, ConfigError, Database, Settings};
use crate::districts::Districts;
use crate::server::Endpoints;
use crate::storage::copy::COPY_LEASE;
use crate::storage::schema::{self, MigrationReport};
use crate::storage::{OpenMode, Storage, StorageError, StorageOptions, Tx, Wal, lease};
use crate::time::{SystemClock, holidays};

/// Maximum number of concurrent reads.
const MAX_READERS: usize = 8;

/// 묶음: 주문을 모으고, 발주하고, 묶어서 배송하는 프로그램. 명령 없이 쓰면 serve와 같고, 브라우저도 열어요.
#[derive(Parser)]
#[command(name = "mukkeum", version, max_term_width = 100, disable_help_subcommand = true)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// 프로그램을 켜요. 브라우저에서 쓸 수 있어요
    Serve,
    /// 연습용 가게를 켜요. 연습 데이터를 채우고 정해진 간격으로 처음 상태로 되돌려요
    Demo(demo::Demo),
    /// 판매채널과 택배사의 파일을 올려요
    #[command(subcommand)]
    Import(import::Import),
    /// 판매채널의 주문 목록이나 정산 목록을 가게의 주문과 대조해요
    Reconcile(reconcile::Reconcile),
    /// 판매채널과 택배사의 파일 양식을 보고, 추가하고, 삭제해요
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// 주문과 배송을 파일로 저장해요
    #[command(subcommand)]
    Export(export::Export),
    /// 회원을 추가하고 수정해요
    #[command(subcommand)]
    User(user::User),
    /// 접속기록을 파일로 저장하고, 바뀌거나 빠진 것이 없는지 확인해요
    #[command(subcommand)]
    Audit(audit::Audit),
    /// 개인정보가 새었을 때: 누구의 정보인지 찾고, 안내문을 만들고, 한 일을 기록해요
    #[command(subcommand)]
    Breach(breach::BreachCommand),
    /// 한 사람의 정보를 찾고, 보여 주고, 정정하고, 처리를 정지하고, 지워요
    #[command(subcommand)]
    Person(person::PersonCommand),
    /// 모든 데이터를 다른 데이터베이스로 옮기고 대조해요
    Copy(copy::Copy),
    /// 이전 버전의 데이터를 이 버전에 맞게 바꿔요. 먼저 사본을 만들어요
    Migrate(migrate::Migrate),
    /// 설정과 상태를 점검하고 해결 방법을 알려 줘요
    Doctor(doctor::Doctor),
    /// 실행 중인 프로그램이 요청을 받는지 확인해요. 컨테이너의 상태 검사에 써요
    Health,
    /// 백업을 확인하고, 지금 만들고, 시험 복원해요
    #[command(subcommand)]
    Backup(backup::Backup),
    /// 백업에서 데이터를 복원해요
    Restore(restore::Restore),
    /// 배송 경로를 계산해요
    #[command(subcommand)]
    Route(route::Route),
    /// 컴퓨터를 켤 때 자동으로 실행되게 해요
    #[command(subcommand)]
    Service(service::Service),
    /// 버전을 보여 줘요
    Version(version::Version),
    /// 명령의 도움말을 보여 줘요. 예: mukkeum help serve
    Help {
        /// 명령
        #[arg(value_name = "COMMAND")]
        path: Vec<String>,
    },
}

/// Result of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// everything is done
    Complete,
    /// some rows were rejected
    Partial,
}

/// Error of a command: a Korean sentence for the user. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CliError(pub String);

/// Result of a command.
pub type CommandResult = Result<Outcome, CliError>;

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self(error.to_string())
    }
}

impl From<StorageError> for CliError {
    fn from(error: StorageError) -> Self {
        Self(match &error {
            StorageError::NewerSchema { found, known } => format!(
                "데이터가 더 새로운 버전의 프로그램으로 저장되어 있어요 (데이터 {found}, 이 프로그램 {known}). 새 버전의 프로그램을 쓰세요."
            ),
            StorageError::OlderSchema { found, known } => format!(
                "이전 버전의 데이터라서(스키마 버전 {found}, 이 프로그램은 {known}) 먼저 mukkeum migrate로 바꿔 주세요."
            ),
            StorageError::NoShop => "아직 가게가 없어요.".to_owned(),
            StorageError::CannotOpen(reason) => format!("데이터베이스를 열지 못했어요: {reason}"),
            StorageError::Unavailable(_) => "데이터베이스가 바빠요. 잠시 뒤에 다시 해 보세요.".to_owned(),
            StorageError::CommitUnknown(_) => {
                "저장하는 중에 데이터베이스와 연결이 끊겨, 저장되었는지 아직 알 수 없어요. 저장되었는지 확인한 다음 다시 하세요.".to_owned()
            }
            StorageError::DiskFull(_) => "디스크 공간이 없어요. 공간을 비운 뒤 다시 해 보세요.".to_owned(),
            StorageError::Constraint(_)
            | StorageError::Inconsistent(_)
            | StorageError::Panicked(_)
            | StorageError::Engine(_) => format!("데이터베이스에 문제가 생겼어요: {error}"),
        })
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> Self {
        Self(format!("읽거나 쓰지 못했어요: {error}"))
    }
}

/// Parses the arguments of the process and runs the command.
pub fn run() -> ExitCode {
    protect_new_files();
    let mut is_bare = false;
    let result = parse().and_then(|line| match line {
        Some(line) => {
            is_bare = line.command.is_none();
            execute(line)
        }
        None => Ok(Outcome::Complete),
    });
    match result {
        Ok(Outcome::Complete) => ExitCode::SUCCESS,
        Ok(Outcome::Partial) => ExitCode::from(1),
        Err(error) => {
            // Nothing can be done if stderr is closed.
            let _ = writeln!(io::stderr().lock(), "mukkeum: {error}");
            if is_bare && cfg!(windows) && io::stdin().is_terminal() {
                // After a double click the console window would close before the user has read the message.
                let _ = writeln!(io::stderr().lock(), "\n엔터를 누르면 닫혀요.");
                let _ = io::stdin().read_line(&mut String::new());
            }
            ExitCode::from(2)
        }
    }
}

/// Parses the arguments. None if they requested the help or the version, which is then printed.
fn parse() -> Result<Option<CommandLine>, CliError> {
    let mut command = help::localise(CommandLine::command());
    let matches = command.try_get_matches_from_mut(std::env::args_os());
    match matches.and_then(|mut matches| {
        let flags = Settings::NAMES.iter().copied().filter(|name| is_flag(&matches, name)).collect();
        let mut line = CommandLine::from_arg_matches_mut(&mut matches)?;
        line.settings.flags = flags;
        Ok(line)
    }) {
        Ok(line) => Ok(Some(line)),
        Err(error) => match help::explain(&error) {
            Some(message) => Err(CliError(message)),
            None => Ok(error.print().map(|()| None)?),
        },
    }
}

/// Whether a flag has given the setting, in contrast to an environment variable.
fn is_flag(matches: &ArgMatches, name: &str) -> bool {
    matches.try_contains_id(name).is_ok() && matches.value_source(name) == Some(ValueSource::CommandLine)
}

fn execute(CommandLine { mut settings, command }: CommandLine) -> CommandResult {
    let reads_holidays_itself = matches!(command, None | Some(Command::Serve | Command::Demo(_) | Command::Doctor(_)));
    let load = |settings| {
        let config = Config::load(settings, |name| std::env::var(name).ok())?;
        // A server reads the file itself and refuses a broken one. A broken file keeps nobody from a backup or an export.
        if !reads_holidays_itself && let Err(error) = holidays::renew_from(&config.data) {
            writeln!(io::stderr().lock(), "mukkeum: {}", folder::unread_holidays(&config.data, &error))?;
        }
        Ok::<_, CliError>(config)
    };
    match command {
        None => serve::run(&load(settings)?, has_desktop()),
        Some(Command::Serve) => serve::run(&load(settings)?, false),
        Some(Command::Demo(demo)) => {
            settings.data.get_or_insert_with(|| folder::DEMO_FOLDER.into());
            demo.run(load(settings)?, has_desktop())
        }
        Some(Command::Import(import)) => import.run(&load(settings)?),
        Some(Command::Reconcile(reconcile)) => reconcile.run(&load(settings)?),
        Some(Command::Profile(profile)) => profile.run(&load(settings)?),
        Some(Command::Export(export)) => export.run(&load(settings)?),
        Some(Command::User(user)) => user.run(&load(settings)?),
        Some(Command::Audit(audit)) => audit.run(&load(settings)?),
        Some(Command::Breach(breach)) => breach.run(&load(settings)?),
        Some(Command::Person(person)) => person.run(&load(settings)?),
        Some(Command::Copy(copy)) => copy.run(&load(settings)?),
        Some(Command::Migrate(migrate)) => migrate.run(&load(settings)?),
        Some(Command::Doctor(doctor)) => doctor.run(&load(settings)?),
        Some(Command::Health) => health::run(&load(settings)?),
        Some(Command::Backup(backup)) => backup.run(&load(settings)?),
        Some(Command::Restore(restore)) => restore.run(&load(settings)?),
        Some(Command::Route(route)) => route.run(),
        // A service reads its settings when it starts, not when it is installed.
        Some(Command::Service(service)) => service.run(settings),
        Some(Command::Version(version)) => version.run(),
        Some(Command::Help { path }) => help::print(CommandLine::command(), &path),
    }
}

/// Makes the files and folders that this program creates readable by its own user only: they hold names and telephone
/// numbers.
fn protect_new_files() {
    #[cfg(unix)]
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Whether a browser can be opened for the user.
fn has_desktop() -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return io::stdout().is_terminal();
    }
    ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}

/// The endpoints of a server with this configuration.
fn endpoints(config: &Config) -> Endpoints {
    Endpoints::of(config)
}

/// Opens the configured database; creates folder and database if they do not exist, and refuses data of an
/// older version.
fn open_storage(config: &Config) -> Result<Storage, CliError> {
    Ok(open_with_wal(config, OpenMode::Create)?.0)
}

/// Opens the database of an existing shop; refuses data of an older version.
fn open_existing(config: &Config) -> Result<Storage, CliError> {
    Ok(open_with_wal(config, OpenMode::Existing)?.0)
}

/// Opens the database read-only, also of an older version, and changes nothing. None if there is no shop.
fn open_read_only(config: &Config) -> Result<Option<Storage>, CliError> {
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: MAX_READERS };
    let opened = match &config.database {
        Database::Sqlite(path) => Storage::open_sqlite_in(OpenMode::ReadOnly, path, &options),
        Database::MariaDb(address) => Storage::open_mariadb_in(OpenMode::ReadOnly, address, &options),
    };
    match opened {
        Ok(storage) => reject_incomplete_copy(&storage).map(|()| Some(storage)),
        Err(StorageError::NoShop) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Checks that the database holds a shop of this version, without changing anything: for a command that would leave
/// files behind if it failed later.
fn require_shop(config: &Config) -> Result<(), CliError> {
    let storage = open_read_only(config)?.ok_or_else(|| no_shop(config))?;
    Ok(storage.require_current_schema()?)
}

/// Opens the configured database in `mode`, and creates the folder unless the database must exist. Also returns the WAL
/// feed if the shop is backed up: a command that drops it leaves the WAL to the server, whose backup then copies it.
fn open_with_wal(config: &Config, mode: OpenMode) -> Result<(Storage, Option<Wal>), CliError> {
    if mode != OpenMode::Existing {
        folder::create(&config.data, "--data")?;
    }
    // Most commands need the districts next; decode them in parallel.
    std::thread::spawn(Districts::embedded);
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: MAX_READERS };
    let (storage, wal) = match &config.database {
        Database::Sqlite(path) if config.is_backed_up() => {
            let (storage, wal) =
                Storage::open_with_wal_feed(mode, path, &options).map_err(|error| open_error(config, error))?;
            (storage, Some(wal))
        }
        Database::Sqlite(path) => {
            (Storage::open_sqlite_in(mode, path, &options).map_err(|error| open_error(config, error))?, None)
        }
        Database::MariaDb(address) => {
            (Storage::open_mariadb_in(mode, address, &options).map_err(|error| open_error(config, error))?, None)
        }
    };
    if let Some(report) = storage.migration_report() {
        print_rollback_instructions(config, report)?;
    }
    reject_incomplete_copy(&storage)?;
    Ok((storage, wal))
}

/// Fails if the database is the incomplete target of a copy.
fn reject_incomplete_copy(storage: &Storage) -> Result<(), CliError> {
    let is_incomplete = |tx: &mut dyn Tx| lease::exists(tx, COPY_LEASE);
    // The first schema has no leases.
    if storage.schema_version() == schema::VERSION && block_on(async { Ok(storage.read(is_incomplete).await?) })? {
        return Err(CliError("옮기다 만 데이터베이스예요. mukkeum copy를 다시 해서 끝까지 옮겨 주세요.".to_owned()));
    }
    Ok(())
}

fn open_error(config: &Config, error: StorageError) -> CliError {
    match error {
        StorageError::NoShop => no_shop(config),
        error => error.into(),
    }
}

/// Error of a command that needs an existing shop.
fn no_shop(config: &Config) -> CliError {
    CliError(match &config.database {
        Database::Sqlite(path) => format!("이 폴더에는 아직 가게가 없어요: {}", path.display()),
        Database::MariaDb(address) => format!("이 데이터베이스에는 아직 가게가 없어요: {address}"),
    })
}

/// Prints that the schema was migrated, and how to roll back.
fn print_rollback_instructions(config: &Config, upgraded: &MigrationReport) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let from = upgraded.from;
    writeln!(out, "데이터를 이 프로그램에 맞게 바꿨어요 (스키마 버전 {from}에서 {}(으)로).", schema::VERSION)?;
    let Some(copy) = &upgraded.copy else { return Ok(()) };
    writeln!(out, "  바꾸기 전의 데이터  {}", copy.display())?;
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

/// Runs a future on a single-threaded runtime, for commands other than the server.
fn block_on<T>(work: impl Future<Output = Result<T, CliError>>) -> Result<T, CliError> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_valid() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn every_setting_has_flag_variable_and_help_text() {
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
