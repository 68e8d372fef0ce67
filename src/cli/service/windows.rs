//! A service of Windows: starts a while after the others, again when it fails, and writes its log to
//! `logs` in the data folder.
//!
//! It runs as `LocalService`, which may do little on the computer; the data folder and the program are
//! opened to it.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use windows_service::service::{
    ServiceAccess, ServiceAction, ServiceActionType, ServiceControl, ServiceControlAccept, ServiceErrorControl,
    ServiceExitCode, ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState,
    ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_service::{Error, service_dispatcher};

use super::{State, Wanted};
use crate::cli::{Done, Failure, Outcome, serve};
use crate::config::{Config, Settings};

const NAME: &str = "mukkeum";

/// As for every other command.
pub(super) const DEFAULT_FOLDER: &str = "data";

pub(super) const NOT_RUNNING: &str =
    "설치되어 있지만 꺼져 있어요. 켜려면 sc start mukkeum이라고 하고, 까닭은 데이터 폴더의 logs에서 보세요.";

/// `NT AUTHORITY\LocalService` by its number, which is the same in every language of Windows.
const ACCOUNT: &str = "*S-1-5-19";

/// How long a service may take to stop: what is under way, the last writes and the backup.
const STOPS_WITHIN: Duration = Duration::from_secs(60);

/// Days of logs that are kept.
const LOGS: usize = 14;

/// Codes of Windows: ERROR_ACCESS_DENIED, ERROR_SERVICE_DOES_NOT_EXIST.
const ACCESS_DENIED: i32 = 5;
const NOT_THERE: i32 = 1060;

/// Rung when Windows asks the service to stop.
pub(in crate::cli) static STOP: Notify = Notify::const_new();

static CONFIG: OnceLock<Config> = OnceLock::new();

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
    service.set_delayed_auto_start(true)?;
    let again =
        |seconds| ServiceAction { action_type: ServiceActionType::Restart, delay: Duration::from_secs(seconds) };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_hours(24)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![again(2), again(10), again(60)]),
    })?;
    service.set_failure_actions_on_non_crash_failures(true)?;
    open_to_the_service(&wanted.data, "(OI)(CI)M")?;
    open_to_the_service(&program, "RX")?;
    service.start::<&OsStr>(&[])?;

    let mut out = io::stdout().lock();
    writeln!(out, "설치하고 켰어요. 컴퓨터를 켜면 저절로 켜져요.")?;
    writeln!(out, "  접속을 받는 주소  {}", wanted.config.listen)?;
    writeln!(out, "  데이터 폴더       {}", wanted.data.display())?;
    writeln!(out, "  로그              {}", logs(&wanted.config).display())?;
    writeln!(out, "  이 실행 파일을 옮기거나 지우지 마세요: {}", program.display())?;
    Ok(Done::Whole)
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

fn stop(service: &windows_service::service::Service) -> Result<(), Failure> {
    if service.query_status()?.current_state != ServiceState::Stopped {
        service.stop()?;
    }
    let until = Instant::now() + STOPS_WITHIN;
    while service.query_status()?.current_state != ServiceState::Stopped {
        if Instant::now() > until {
            return Err(Failure("서비스가 꺼지지 않아요. 컴퓨터를 다시 켠 다음 해 보세요.".to_owned()));
        }
        sleep(Duration::from_millis(200));
    }
    Ok(())
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

fn logs(config: &Config) -> PathBuf {
    config.data.join("logs")
}

/// What Windows starts.
pub(super) fn run(settings: Settings) -> Outcome {
    let config = Config::load(settings, |name| std::env::var(name).ok())?;
    let _ = CONFIG.set(config);
    service_dispatcher::start(NAME, service_main)?;
    Ok(Done::Whole)
}

extern "system" fn service_main(_: u32, _: *mut *mut u16) {
    if let Err(error) = attend() {
        tracing::error!(%error, "the service ended");
    }
}

fn attend() -> Result<(), Failure> {
    let Some(config) = CONFIG.get() else { return Ok(()) };
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(NAME)
        .filename_suffix("log")
        .max_log_files(LOGS)
        .build(logs(config))
        .map_err(|error| Failure(error.to_string()))?;
    serve::write_logs(config, std::sync::Mutex::new(appender))?;
    let handle = service_control_handler::register(NAME, |control| match control {
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        ServiceControl::Stop | ServiceControl::Shutdown => {
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        _ => ServiceControlHandlerResult::NotImplemented,
    })?;
    report(&handle, ServiceState::Running, 0)?;
    let outcome = serve::attend(config, false);
    report(&handle, ServiceState::Stopped, u32::from(outcome.is_err()))?;
    outcome.map(drop)
}

fn report(handle: &ServiceStatusHandle, state: ServiceState, code: u32) -> Result<(), Error> {
    let is_running = state == ServiceState::Running;
    handle.set_service_status(ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if is_running {
            ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        exit_code: if code == 0 { ServiceExitCode::NO_ERROR } else { ServiceExitCode::ServiceSpecific(code) },
        checkpoint: 0,
        wait_hint: Duration::default(),
        process_id: None,
    })
}
