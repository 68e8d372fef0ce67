//! The Windows service: delayed automatic start, restart after a failure, logs in the folder `logs` of the
//! data folder.
//!
//! It runs as the unprivileged account `LocalService`, which is granted access to the data folder and the
//! executable.

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

use super::{InstallOptions, InstallationStatus, print_installed};
use crate::cli::{CliError, CommandResult, Outcome, endpoints, serve};
use crate::config::{Config, Settings};
use crate::storage::lock;

const NAME: &str = "mukkeum";

/// The data folder beside the executable, as after a double click. The working directory of an administrator's
/// console is a system folder.
pub(super) fn default_folder() -> PathBuf {
    std::env::current_exe().unwrap_or_default().with_file_name("data")
}

pub(super) const HOW_TO_START: &str = "켜려면 sc start mukkeum이라고 하고, 이유는 데이터 폴더의 logs에서 보세요.";

/// SID of `NT AUTHORITY\LocalService`; the name depends on the language of Windows.
const ACCOUNT_SID: &str = "*S-1-5-19";

/// Timeout of starting (may include a schema migration) and of stopping (requests in flight, last writes,
/// backup).
const TRANSITION_TIMEOUT: Duration = Duration::from_secs(60);

/// How often the state is polled during a transition.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Number of retained log files, one per day.
const MAX_LOG_FILES: usize = 14;

/// Error codes of Windows: ERROR_ACCESS_DENIED, ERROR_INVALID_LEVEL, ERROR_SERVICE_DOES_NOT_EXIST.
const ACCESS_DENIED: i32 = 5;
const INVALID_LEVEL: i32 = 124;
const SERVICE_DOES_NOT_EXIST: i32 = 1060;

/// Notified when Windows requests a stop.
static STOP: Notify = Notify::const_new();

/// The settings, passed from [`run`] to the service thread.
static SETTINGS: Mutex<Option<Settings>> = Mutex::new(None);

/// Reports the status to Windows.
static STATUS_HANDLE: OnceLock<ServiceStatusHandle> = OnceLock::new();

impl From<Error> for CliError {
    fn from(error: Error) -> Self {
        Self(match &error {
            Error::Winapi(error) if error.raw_os_error() == Some(ACCESS_DENIED) => {
                "관리자 권한이 필요해요. 명령 프롬프트를 마우스 오른쪽 버튼으로 눌러 관리자 권한으로 실행하세요."
                    .to_owned()
            }
            Error::Winapi(error) => format!("윈도우 서비스를 다루지 못했어요: {error}"),
            error => format!("윈도우 서비스를 다루지 못했어요: {error}"),
        })
    }
}

fn service_manager(access: ServiceManagerAccess) -> Result<ServiceManager, Error> {
    ServiceManager::local_computer(None::<&OsStr>, ServiceManagerAccess::CONNECT | access)
}

pub(super) fn install(options: &InstallOptions, dry_run: bool) -> CommandResult {
    let program = std::env::current_exe()?;
    let mut arguments: Vec<OsString> = ["service", "run", "--data"].map(OsString::from).to_vec();
    arguments.push(options.data.clone().into());
    // Without the option the page 설정 and the file decide.
    if options.config.layers.source("listen").is_fixed() {
        arguments.extend(["--listen".into(), options.config.listen.to_string().into()]);
    }
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
        return Ok(Outcome::Complete);
    }
    std::fs::create_dir_all(&options.data)?;
    let rights =
        ServiceAccess::CHANGE_CONFIG | ServiceAccess::START | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
    let services = service_manager(ServiceManagerAccess::CREATE_SERVICE)?;
    let service = match services.open_service(NAME, rights) {
        Ok(service) => {
            stop(&service)?;
            service.change_config(&info)?;
            service
        }
        Err(error) if is_missing(&error) => services.create_service(&info, rights)?,
        Err(error) => return Err(error.into()),
    };
    service.set_description("주문을 모으고, 발주하고, 묶어서 배송해요")?;
    let restart =
        |seconds| ServiceAction { action_type: ServiceActionType::Restart, delay: Duration::from_secs(seconds) };
    service.update_failure_actions(ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(Duration::from_hours(24)),
        reboot_msg: None,
        command: None,
        actions: Some(vec![restart(2), restart(10), restart(60)]),
    })?;
    let is_delayed = is_supported(service.set_delayed_auto_start(true))?;
    let is_restarted = is_supported(service.set_failure_actions_on_non_crash_failures(true))?;
    grant_access(&options.data, "(OI)(CI)M")?;
    grant_access(&program, "RX")?;
    delete_firewall_rule();
    // The page 설정 may admit other devices later, and a service cannot ask for the permission.
    let has_rule = add_firewall_rule(&program);
    let is_reachable = has_rule || !endpoints(&options.config).listens_to_others();
    let logs = log_folder(&options.data);
    let started = service.start::<&OsStr>(&[]).map_err(CliError::from).and_then(|()| wait_for_transition(&service));
    if !matches!(started, Ok(ServiceState::Running)) {
        let reason = started.err().map_or_else(String::new, |error| format!(" {error}"));
        return Err(CliError(format!("설치했지만 켜지지 않았어요.{reason} 이유는 {}에 있어요.", logs.display())));
    }

    let mut out = io::stdout().lock();
    print_installed(&mut out, options)?;
    writeln!(out, "  로그              {} (첫 관리자를 만들 때의 설치 확인 번호도 여기에 있어요)", logs.display())?;
    writeln!(
        out,
        "  설정을 바꾸려면   브라우저의 설정 화면에서 바꾸거나, 데이터 폴더의 mukkeum.toml을 수정하고 다시 설치하세요."
    )?;
    writeln!(out, "  이 실행 파일을 옮기거나 지우지 마세요: {}", program.display())?;
    if !is_reachable {
        writeln!(
            out,
            "  윈도우 방화벽을 열지 못했어요. 다른 기기에서 열리지 않으면 방화벽에서 이 실행 파일을 허용하세요."
        )?;
    }
    if !is_delayed || !is_restarted {
        writeln!(out, "  이 윈도우에서는 켜지는 때를 늦추거나 실패한 뒤 다시 켜게 할 수 없어요.")?;
    }
    Ok(Outcome::Complete)
}

/// Whether this version of Windows supports the request; Wine does not support all.
fn is_supported(result: Result<(), Error>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Winapi(error)) if error.raw_os_error() == Some(INVALID_LEVEL) => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn uninstall(dry_run: bool) -> CommandResult {
    if dry_run {
        writeln!(io::stdout(), "서비스 {NAME}을 끄고 지워요.")?;
        return Ok(Outcome::Complete);
    }
    let rights = ServiceAccess::DELETE | ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
    match service_manager(ServiceManagerAccess::empty())?.open_service(NAME, rights) {
        Ok(service) => {
            stop(&service)?;
            service.delete()?;
            delete_firewall_rule();
        }
        Err(error) if is_missing(&error) => return Err(CliError("설치되어 있지 않아요.".to_owned())),
        Err(error) => return Err(error.into()),
    }
    writeln!(io::stdout(), "껐고, 자동으로 켜지지 않게 했어요. 데이터는 그대로 있어요.")?;
    Ok(Outcome::Complete)
}

pub(super) fn status() -> Result<InstallationStatus, CliError> {
    let rights = ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG;
    match service_manager(ServiceManagerAccess::empty())?.open_service(NAME, rights) {
        Ok(service) => Ok(InstallationStatus {
            is_installed: true,
            is_enabled: service.query_config()?.start_type == ServiceStartType::AutoStart,
            is_running: service.query_status()?.current_state == ServiceState::Running,
        }),
        Err(error) if is_missing(&error) => {
            Ok(InstallationStatus { is_installed: false, is_enabled: false, is_running: false })
        }
        Err(error) => Err(error.into()),
    }
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Winapi(error) if error.raw_os_error() == Some(SERVICE_DOES_NOT_EXIST))
}

fn stop(service: &Service) -> Result<(), CliError> {
    if wait_for_transition(service)? == ServiceState::Running {
        service.stop()?;
    }
    if wait_for_transition(service)? != ServiceState::Stopped {
        return Err(CliError("서비스가 꺼지지 않아요. 컴퓨터를 다시 켠 다음 해 보세요.".to_owned()));
    }
    Ok(())
}

/// Waits until the service has started or stopped, or until the timeout; returns its state.
fn wait_for_transition(service: &Service) -> Result<ServiceState, CliError> {
    let deadline = Instant::now() + TRANSITION_TIMEOUT;
    loop {
        let state = service.query_status()?.current_state;
        if !matches!(state, ServiceState::StartPending | ServiceState::StopPending) || Instant::now() > deadline {
            return Ok(state);
        }
        sleep(POLL_INTERVAL);
    }
}

fn grant_access(path: &Path, rights: &str) -> Result<(), CliError> {
    let output =
        Command::new("icacls").arg(path).args(["/grant", &format!("{ACCOUNT_SID}:{rights}"), "/T", "/Q"]).output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(CliError(format!(
        "{}에 서비스의 권한을 주지 못했어요: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    )))
}

/// Allows connections from the local subnet. Windows shows no firewall prompt for a service.
fn add_firewall_rule(program: &Path) -> bool {
    let mut of_program = OsString::from("program=");
    of_program.push(program);
    let arguments = ["dir=in", "action=allow", "remoteip=localsubnet"].map(OsString::from);
    netsh("add", arguments.into_iter().chain([of_program]).collect())
}

/// Deletes the firewall rule if it exists.
fn delete_firewall_rule() {
    netsh("delete", Vec::new());
}

fn netsh(verb: &str, arguments: Vec<OsString>) -> bool {
    let mut command = Command::new("netsh");
    command.args(["advfirewall", "firewall", verb, "rule", &format!("name={NAME}")]).args(arguments);
    command.output().is_ok_and(|output| output.status.success())
}

fn log_folder(data: &Path) -> PathBuf {
    data.join("logs")
}

/// Entry point when Windows starts the service.
pub(super) fn run(settings: Settings) -> CommandResult {
    *lock(&SETTINGS) = Some(settings);
    service_dispatcher::start(NAME, service_main)?;
    Ok(Outcome::Complete)
}

extern "system" fn service_main(_: u32, _: *mut *mut u16) {
    let registered = service_control_handler::register(NAME, |control| match control {
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        ServiceControl::Stop | ServiceControl::Shutdown => {
            // Stops even if the status cannot be reported.
            let _ = report(ServiceState::StopPending, 0);
            STOP.notify_one();
            ServiceControlHandlerResult::NoError
        }
        _ => ServiceControlHandlerResult::NotImplemented,
    });
    let Ok(handle) = registered else { return };
    let _ = STATUS_HANDLE.set(handle);
    let result = run_service();
    // Nothing can be done if the status cannot be reported.
    let _ = report(ServiceState::Stopped, u32::from(result.is_err()));
}

fn run_service() -> CommandResult {
    report(ServiceState::StartPending, 0)?;
    let settings = lock(&SETTINGS).take().unwrap_or_default();
    let appender = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(NAME)
        .filename_suffix("log")
        .max_log_files(MAX_LOG_FILES)
        .build(log_folder(settings.data.as_deref().unwrap_or(Path::new("data"))))
        .map_err(|error| CliError(error.to_string()))?;
    // Lives until the process exits.
    let log: &'static RollingFileAppender = Box::leak(Box::new(appender));
    let result = serve_with_log(settings, log);
    if let Err(error) = &result {
        writeln!(log.make_writer(), "mukkeum: {error}")?;
    }
    result
}

/// Runs the server; writes the startup banner to the log.
fn serve_with_log(settings: Settings, log: &'static RollingFileAppender) -> CommandResult {
    let config = Config::load(settings, |name| std::env::var(name).ok())?;
    serve::install_logging(&config, move || log.make_writer())?;
    let mut on_ready = |banner: &[u8]| {
        log.make_writer().write_all(banner)?;
        report(ServiceState::Running, 0).map_err(io::Error::other)
    };
    serve::run_until(&config, false, &mut on_ready, &STOP)
}

fn report(state: ServiceState, code: u32) -> Result<(), Error> {
    let Some(handle) = STATUS_HANDLE.get() else { return Ok(()) };
    let is_final = matches!(state, ServiceState::Running | ServiceState::Stopped);
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
        wait_hint: if is_final { Duration::ZERO } else { TRANSITION_TIMEOUT },
        process_id: None,
    })
}
