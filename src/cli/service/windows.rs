//! A service of Windows: starts a while after the others, again when it fails, and writes its log to
//! `logs` in the data folder.
//!
//! It runs as `LocalService`, which may do little on the computer; the data folder and the program are
//! opened to it.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::fmt::MakeWriter;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept,
    ServiceErrorControl, ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo,
    ServiceStartType, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{Error, service_dispatcher};

use super::{State, Wanted, tell_installed};
use crate::cli::{Done, Failure, Outcome, serve};
use crate::config::{Config, Settings};
use crate::server::Reach;
use crate::storage::lock;

const NAME: &str = "mukkeum";

/// Beside the program, where a double click makes it. A console of the administrator begins in a folder of
/// Windows, which is no place for a shop.
pub(super) fn default_folder() -> PathBuf {
    std::env::current_exe().unwrap_or_default().with_file_name("data")
}

pub(super) const HOW_TO_START: &str = "켜려면 sc start mukkeum이라고 하고, 까닭은 데이터 폴더의 logs에서 보세요.";

/// `NT AUTHORITY\LocalService` by its number, which is the same in every language of Windows.
const ACCOUNT: &str = "*S-1-5-19";

/// How long a service may take to start (an upgrade of the schema) and to stop: what is under way, the last
/// writes and the backup.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Days of logs that are kept.
const LOGS: usize = 14;

/// Codes of Windows: ERROR_ACCESS_DENIED, ERROR_INVALID_LEVEL, ERROR_SERVICE_DOES_NOT_EXIST.
const ACCESS_DENIED: i32 = 5;
const UNKNOWN_LEVEL: i32 = 124;
const NOT_THERE: i32 = 1060;

/// Rung when Windows asks the service to stop.
pub(in crate::cli) static STOP: Notify = Notify::const_new();

/// What the service was started with, until it attends to it.
static SETTINGS: Mutex<Option<Settings>> = Mutex::new(None);

/// To whom the service says how it stands.
static HANDLE: OnceLock<ServiceStatusHandle> = OnceLock::new();

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(match &error {
            Error::Winapi(error) if error.raw_os_error() == Some(ACCESS_DENIED) => {
                "관리자 권한이 필요해요. 명령 프롬프트를 마우스 오른쪽 단추로 눌러 관리자 권한으로 실행하세요."
                    .to_owned()
            }
            Error::Winapi(error) => format!("윈도우 서비스를 다루지 못했어요: {error}"),
            error => format!("윈도우 서비스를 다루지 못했어요: {error}"),
        })
    }
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, Error> {
    ServiceManager::local_computer(None::<&OsStr>, ServiceManagerAccess::CONNECT | access)
}

pub(super) fn install(wanted: &Wanted, dry_run: bool) -> Outcome {
    let program = std::env::current_exe()?;
    let mut arguments: Vec<OsString> = ["service", "run", "--data"].map(OsString::from).to_vec();
    arguments.push(wanted.data.clone().into());
    arguments.extend(["--listen".into(), wanted.config.listen.to_string().into()]);
    let info = ServiceInfo {
        name: NAME.into(),
        display_name: "묶음".into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program.clone(),
        launch_arguments: arguments,
        dependencies: Vec::new(),
        account_name: Some(r"NT AUTHORITY\LocalService".into()),
        account_password: None,
    };
    if dry_run {
        let words: Vec<String> = info.launch_arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        writeln!(io::stdout(), "{} {}", program.display(), words.join(" "))?;
        return Ok(Done::Whole);
    }
    std::fs::create_dir_all(&wanted.data)?;
    let rights =
        ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
    let services = manager(ServiceManagerAccess::CREATE_SERVICE)?;
    let service = match services.open_service(NAME, rights) {
        Ok(service) => {
            stop(&service)?;
            service.change_config(&info)?;
            service
        }
        Err(error) if is_not_there(&error) => services.create_service(&info, rights)?,
        Err(error) => return Err(error.into()),
    };
    service.set_description("주문을 모으고, 발주하고, 묶어서 배송해요")?;
    let again =
        |seconds| ServiceAction { action_type: ServiceActionType::Restart, delay: Duration::from_secs(seconds) };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_hours(24)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![again(2), again(10), again(60)]),
    })?;
    let is_delayed = is_known(service.set_delayed_auto_start(true))?;
    let is_started_again = is_known(service.set_failure_actions_on_non_crash_failures(true))?;
    open_to_the_service(&wanted.data, "(OI)(CI)M")?;
    open_to_the_service(&program, "RX")?;
    let reach = Reach::configured(&wanted.config);
    close_the_firewall();
    let is_let_in = !reach.is_open() || open_the_firewall(&program);
    let logs = logs(&wanted.data);
    let started = service.start::<&OsStr>(&[]).map_err(Failure::from).and_then(|()| settled(&service));
    if !matches!(started, Ok(ServiceState::Running)) {
        let why = started.err().map_or_else(String::new, |failure| format!(" {failure}"));
        return Err(Failure(format!("설치했지만 켜지지 않았어요.{why} 까닭은 {}에 있어요.", logs.display())));
    }

    let mut out = io::stdout().lock();
    tell_installed(&mut out, wanted)?;
    writeln!(out, "  로그              {} (첫 관리자를 만들 때의 설치 확인 번호도 여기에 있어요)", logs.display())?;
    writeln!(out, "  설정을 바꾸려면   데이터 폴더의 mukkeum.toml을 고치고 다시 설치하세요.")?;
    writeln!(out, "  이 실행 파일을 옮기거나 지우지 마세요: {}", program.display())?;
    if !is_let_in {
        writeln!(
            out,
            "  윈도우 방화벽을 열지 못했어요. 다른 기기에서 열리지 않으면 방화벽에서 이 실행 파일을 허용하세요."
        )?;
    }
    if !is_delayed || !is_started_again {
        writeln!(out, "  이 윈도우에서는 켜지는 때를 늦추거나 실패한 뒤 다시 켜게 할 수 없어요.")?;
    }
    Ok(Done::Whole)
}

/// Whether this Windows knows what was asked of it. Wine does not know everything, and does without.
fn is_known(asked: Result<(), Error>) -> Result<bool, Error> {
    match asked {
        Ok(()) => Ok(true),
        Err(Error::Winapi(error)) if error.raw_os_error() == Some(UNKNOWN_LEVEL) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn uninstall(dry_run: bool) -> Outcome {
    if dry_run {
        writeln!(io::stdout(), "서비스 {NAME}을 끄고 지워요.")?;
        return Ok(Done::Whole);
    }
    let rights = ServiceAccess::DELETE | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
    match manager(ServiceManagerAccess::empty())?.open_service(NAME, rights) {
        Ok(service) => {
            stop(&service)?;
            service.delete()?;
            close_the_firewall();
        }
        Err(error) if is_not_there(&error) => return Err(Failure("설치되어 있지 않아요.".to_owned())),
        Err(error) => return Err(error.into()),
    }
    writeln!(io::stdout(), "껐고, 저절로 켜지지 않게 했어요. 데이터는 그대로 있어요.")?;
    Ok(Done::Whole)
}

pub(super) fn state() -> Result<State, Failure> {
    let rights = ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG;
    match manager(ServiceManagerAccess::empty())?.open_service(NAME, rights) {
        Ok(service) => Ok(State {
            is_installed: true,
            is_enabled: service.query_config()?.start_type == ServiceStartType::AutoStart,
            is_running: service.query_status()?.current_state == ServiceState::Running,
        }),
        Err(error) if is_not_there(&error) => Ok(State { is_installed: false, is_enabled: false, is_running: false }),
        Err(error) => Err(error.into()),
    }
}

fn is_not_there(error: &Error) -> bool {
    matches!(error, Error::Winapi(error) if error.raw_os_error() == Some(NOT_THERE))
}

fn stop(service: &Service) -> Result<(), Failure> {
    if settled(service)? == ServiceState::Running {
        service.stop()?;
    }
    if settled(service)? != ServiceState::Stopped {
        return Err(Failure("서비스가 꺼지지 않아요. 컴퓨터를 다시 켠 다음 해 보세요.".to_owned()));
    }
    Ok(())
}

/// How it stands when it has started or stopped, or has taken too long to.
fn settled(service: &Service) -> Result<ServiceState, Failure> {
    let until = Instant::now() + SETTLES_WITHIN;
    loop {
        let state = service.query_status()?.current_state;
        if !matches!(state, ServiceState::StartPending | ServiceState::StopPending) || Instant::now() > until {
            return Ok(state);
        }
        sleep(LOOK_EVERY);
    }
}

fn open_to_the_service(path: &Path, rights: &str) -> Result<(), Failure> {
    let opened =
        Command::new("icacls").arg(path).args(["/grant", &format!("{ACCOUNT}:{rights}"), "/T", "/Q"]).output()?;
    if opened.status.success() {
        return Ok(());
    }
    Err(Failure(format!(
        "{}에 서비스의 권한을 주지 못했어요: {}",
        path.display(),
        String::from_utf8_lossy(&opened.stderr)
    )))
}

/// Lets the devices of this network in. Windows asks nobody when it is a service that listens.
fn open_the_firewall(program: &Path) -> bool {
    let mut of_program = OsString::from("program=");
    of_program.push(program);
    let words = ["dir=in", "action=allow", "remoteip=localsubnet"].map(OsString::from);
    netsh("add", words.into_iter().chain([of_program]).collect())
}

/// Takes the rule away, where there is one.
fn close_the_firewall() {
    netsh("delete", Vec::new());
}

fn netsh(what: &str, words: Vec<OsString>) -> bool {
    let mut command = Command::new("netsh");
    command.args(["advfirewall", "firewall", what, "rule", &format!("name={NAME}")]).args(words);
    command.output().is_ok_and(|done| done.status.success())
}

fn logs(data: &Path) -> PathBuf {
    data.join("logs")
}

/// What Windows starts.
pub(super) fn run(settings: Settings) -> Outcome {
    *lock(&SETTINGS) = Some(settings);
    service_dispatcher::start(NAME, service_main)?;
    Ok(Done::Whole)
}

extern "system" fn service_main(_: u32, _: *mut *mut u16) {
    let registered = service_control_handler::register(NAME, |control| match control {
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        ServiceControl::Stop | ServiceControl::Shutdown => {
            // From now on nothing else is asked of it. Where it cannot be said, it ends all the same.
            let _ = report(ServiceState::StopPending, 0);
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        _ => ServiceControlHandlerResult::NotImplemented,
    });
    let Ok(handle) = registered else { return };
    let _ = HANDLE.set(handle);
    let outcome = attend();
    // Nobody is left to tell when Windows does not listen.
    let _ = report(ServiceState::Stopped, u32::from(outcome.is_err()));
}

fn attend() -> Outcome {
    report(ServiceState::StartPending, 0)?;
    let settings = lock(&SETTINGS).take().unwrap_or_default();
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(NAME)
        .filename_suffix("log")
        .max_log_files(LOGS)
        .build(logs(settings.data.as_deref().unwrap_or(Path::new("data"))))
        .map_err(|error| Failure(error.to_string()))?;
    // The program ends with it.
    let log: &'static RollingFileAppender = Box::leak(Box::new(appender));
    let outcome = attend_to(settings, log);
    if let Err(failure) = &outcome {
        writeln!(log.make_writer(), "mukkeum: {failure}")?;
    }
    outcome
}

/// What a console would show is in the log.
fn attend_to(settings: Settings, log: &'static RollingFileAppender) -> Outcome {
    let config = Config::load(settings, |name| std::env::var(name).ok())?;
    serve::write_logs(&config, move || log.make_writer())?;
    serve::attend(&config, false, &mut |words| {
        log.make_writer().write_all(words)?;
        report(ServiceState::Running, 0).map_err(io::Error::other)
    })
}

fn report(state: ServiceState, code: u32) -> Result<(), Error> {
    let Some(handle) = HANDLE.get() else { return Ok(()) };
    let is_settled = matches!(state, ServiceState::Running | ServiceState::Stopped);
    handle.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if state == ServiceState::Running {
            ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        exit_code: if code == 0 { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(code) },
        checkpoint: 0,
        wait_hint: if is_settled { Duration::ZERO } else { SETTLES_WITHIN },
        process_id: None,
    })
}
