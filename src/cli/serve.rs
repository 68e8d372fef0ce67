//! `mukkeum serve`: runs the server, from the creation of the data folder to the graceful shutdown. It also
//! runs `mukkeum demo`.
//!
//! The shutdown: after the first signal (Ctrl-C, SIGTERM) `/health/ready` answers 503; after the drain
//! time the server stops accepting connections; requests in flight may finish until the shutdown
//! deadline, then uploads that are being applied; then the process exits with code 0. A second signal exits at once.

mod background_jobs;
mod startup_banner;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::backup::{ensure_key, write_key_sheet};
use super::{CliError, CommandResult, Outcome, block_on, endpoints, folder, open_with_wal};
use crate::access;
use crate::app;
use crate::backup::Backup;
use crate::config::{Config, ConfigError, Database, LogFormat};
use crate::demo::Demo;
use crate::members::store;
use crate::sandbox::{SandboxLimits, Sandboxes};
use crate::server::tls::{Tls, TlsError};
use crate::server::{self, ConnectionLimits, Endpoints, Server};
use crate::setup::restore_job;
use crate::storage::{OpenMode, Storage, StorageError, Wal};
use crate::time::{Clock, SystemClock};
use crate::web::{self, AppState};

/// How long a restart waits for uploads and files that members have begun. Their connections wait in the backlog.
const MAX_RESTART_WAIT: Duration = Duration::from_mins(5);

/// How long writes in progress may take after everything else has stopped.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(10);

/// Timeout of the connection that checks whether the server is already running.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Called with the startup banner when the server is ready.
type OnReady<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// Runs the server until a signal stops it, with logs on stderr and the startup banner on stdout.
pub(super) fn run(config: &Config, opens_browser: bool) -> CommandResult {
    install_logging(config, io::stderr)?;
    let mut on_ready = |banner: &[u8]| {
        let mut out = io::stdout().lock();
        out.write_all(banner)?;
        out.flush()
    };
    run_until(config, opens_browser, &mut on_ready, &Notify::new())
}

/// Runs the server until a signal or `stop` stops it. Logging must be installed.
pub(super) fn run_until(
    config: &Config,
    mut opens_browser: bool,
    on_ready: &mut OnReady<'_>,
    stop: &Notify,
) -> CommandResult {
    folder::create(&config.data, "--data")?;
    let lock = match folder::lock(&config.data) {
        // A second double click opens the browser on the running server.
        Err(_) if opens_browser && is_running(config) => {
            open_browser(&endpoints(config), "");
            return Ok(Outcome::Complete);
        }
        lock => lock?,
    };
    folder::renew_holidays(&config.data)?;
    folder::check_kind(config)?;
    folder::delete_leftovers(config)?;
    if config.demo.is_none()
        && let Err(error) = config.write_sample()
    {
        tracing::warn!(%error, "설명이 든 설정 파일을 쓰지 못했어요");
    }
    // Bind before opening the database, which may take long, so that connections queue in the backlog.
    let inherited = server::inherited_socket()?;
    let is_bound_here = inherited.is_none();
    let mut listener = match inherited {
        Some(listener) => listener,
        None => block_on(bind(config.listen))?,
    };
    let mut config = config.clone();
    // The recorder must be installed first; metrics recorded earlier are lost.
    web::metrics::install();
    loop {
        restore_job::install_restored(&config)?;
        let (storage, wal) = open_with_wal(&config, OpenMode::Migrate)?;
        block_on(async { storage.check_writable().await.map_err(|error| not_writable(&config, &error)) })?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let instance = Instance {
            config: config.clone(),
            storage,
            wal,
            listener: listener.try_clone()?,
            is_inherited: !is_bound_here,
            opens_browser: std::mem::take(&mut opens_browser),
        };
        let exit = runtime.block_on(serve(instance, on_ready, stop));
        runtime.shutdown_timeout(FLUSH_TIMEOUT);
        if let Exit::Stop = exit? {
            break;
        }
        let next = next_config(&config);
        if is_bound_here && next.listen != config.listen {
            listener = rebind(listener, config.listen, next.listen)?;
        }
        config = next;
    }
    drop(lock);
    Ok(Outcome::Complete)
}

/// Why the server has shut down.
enum Exit {
    /// by a signal
    Stop,
    /// to restart in the same process with a restored database or other settings
    Restart,
}

/// The error of a shop that cannot store anything, for example after `sudo mukkeum restore`.
fn not_writable(config: &Config, error: &StorageError) -> CliError {
    let place = match &config.database {
        Database::Sqlite(path) => path.display().to_string(),
        Database::MariaDb(address) => address.to_string(),
    };
    CliError(format!(
        "데이터에 쓸 수 없어요: {place} ({error})\n파일의 주인과 권한을 확인해 주세요. mukkeum doctor가 도와줘요."
    ))
}

/// Whether a server accepts connections at the configured address.
fn is_running(config: &Config) -> bool {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    std::net::TcpStream::connect_timeout(&address, PROBE_TIMEOUT).is_ok()
}

fn open_browser(endpoints: &Endpoints, path: &str) {
    if let Err(error) = open::that_detached(endpoints.local_url() + path) {
        tracing::warn!(%error, "브라우저를 열지 못했어요");
    }
}

/// Korean local time, as on all pages.
struct KoreanTime;

impl FormatTime for KoreanTime {
    fn format_time(&self, out: &mut Writer<'_>) -> std::fmt::Result {
        write!(out, "{}", SystemClock.now().precise())
    }
}

/// Installs the global subscriber, which writes log lines to `writer`.
pub(super) fn install_logging<W>(config: &Config, writer: W) -> Result<(), ConfigError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter: Targets = config
        .log_level
        .parse()
        .map_err(|error: ParseError| ConfigError::InvalidValue { setting: "log_level", reason: error.to_string() })?;
    // It warns of each session that has ended: of every browser that comes back later.
    let filter = filter.with_target("tower_sessions_core", LevelFilter::ERROR);
    let logs = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(writer).with_ansi(false);
    match config.log_format {
        LogFormat::Text => logs.with_timer(KoreanTime).finish().with(filter).init(),
        LogFormat::Json => logs.json().flatten_event(true).finish().with(filter).init(),
    }
    Ok(())
}

/// The settings of a restart. Invalid ones were written by hand meanwhile; the old ones stay in use.
fn next_config(config: &Config) -> Config {
    config.reload().unwrap_or_else(|error| {
        tracing::error!(%error, "바뀐 설정이 맞지 않아 이전 설정을 그대로 써요");
        config.clone()
    })
}

/// Replaces the socket by one at another address, or keeps the old address if that fails. The old socket must be closed
/// first: the same port cannot be bound twice.
fn rebind(listener: TcpListener, old: SocketAddr, new: SocketAddr) -> Result<TcpListener, CliError> {
    let old = SocketAddr::new(old.ip(), listener.local_addr()?.port());
    drop(listener);
    block_on(async {
        match bind(new).await {
            Ok(listener) => Ok(listener),
            Err(error) => {
                tracing::error!(%error, "새 주소로 접속을 받지 못해 이전 주소를 그대로 써요");
                bind(old).await
            }
        }
    })
}

async fn bind(address: SocketAddr) -> Result<TcpListener, CliError> {
    server::listen(address).await.map_err(|error| bind_error(address, &error))
}

fn bind_error(address: SocketAddr, error: &io::Error) -> CliError {
    CliError(match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "{address} 주소를 다른 프로그램이 쓰고 있어요. 그 프로그램을 끄거나 --listen으로 다른 주소를 알려 주세요."
            )
        }
        _ => format!("{address} 주소로 접속을 받지 못해요 ({error}). --listen으로 다른 주소를 알려 주세요."),
    })
}

impl From<TlsError> for CliError {
    fn from(error: TlsError) -> Self {
        Self(error.to_string())
    }
}

/// What one run of the server consists of; a restart in the same process creates another.
struct Instance {
    config: Config,
    storage: Storage,
    wal: Option<Wal>,
    listener: TcpListener,
    is_inherited: bool,
    opens_browser: bool,
}

async fn serve(instance: Instance, on_ready: &mut OnReady<'_>, stop: &Notify) -> Result<Exit, CliError> {
    let Instance { config, storage, wal, listener, is_inherited, opens_browser } = instance;
    let tls = config.tls.as_ref().map(|source| Tls::open(source, storage.clock().now())).transpose()?;
    let endpoints = Endpoints { address: listener.local_addr()?, tls: tls.clone(), is_inherited, ..endpoints(&config) };
    let metrics_listener = match config.metrics_listen {
        Some(address) => {
            Some(tokio::net::TcpListener::bind(address).await.map_err(|error| bind_error(address, &error))?)
        }
        None => None,
    };
    let new_key = if wal.is_some() { ensure_key(&config)? } else { None };
    let backup = wal.map(|wal| Backup::start(&config.backup, &config.data, &storage, wal)).transpose()?;
    let mut state = AppState::new(storage, config).map_err(|error| CliError(error.to_string()))?;
    state.backup = backup;
    state.urls = endpoints;
    if let Some(demo) = &state.demo
        && demo.reset_if_due(&state.storage, &state.passwords).await?
    {
        state.proofs.clear().await.map_err(|error| CliError(error.to_string()))?;
    }
    let host = gethostname::gethostname().to_string_lossy().into_owned();
    let (starting, stopping) = (host.clone(), host);
    state.storage.write(move |tx| access::record_start(tx, &starting)).await?;
    let is_new = !state.storage.read(store::has_members).await?;
    let mut signals = Signals::listen()?;
    let mut banner = Vec::new();
    startup_banner::write(&mut banner, &state, is_new)?;
    if let Some(key) = new_key {
        writeln!(banner)?;
        write_key_sheet(&mut banner, &key)?;
    }
    on_ready(&banner)?;

    if let Some(listener) = metrics_listener {
        tokio::spawn(async move { axum::serve(listener, web::metrics::router::<()>()).await });
    }
    let mut jobs = background_jobs::spawn(&state, tls.clone());
    let router = if state.demo.as_ref().is_some_and(Demo::is_public) {
        let sandboxes = Sandboxes::open(&state, SandboxLimits::default())?;
        jobs.spawn(sandboxes.clone().run_evictor());
        sandboxes.router()
    } else {
        app::router(&state)
    };
    if opens_browser {
        let path = if is_new { state.setup_code.path() } else { String::new() };
        open_browser(&state.urls, &path);
    }
    let limits =
        ConnectionLimits { trusted_proxies: state.config.trusted_proxies.clone(), ..ConnectionLimits::default() };
    let mut server = Server::start(listener, tls.as_ref(), limits, router)?;

    let exit = tokio::select! {
        error = server.failed() => {
            return Err(CliError(format!("접속을 더 받지 못하게 되어 끝났어요: {error}")));
        }
        () = signals.next() => Exit::Stop,
        () = stop.notified() => Exit::Stop,
        () = state.restart.requested() => Exit::Restart,
    };
    let deadline = if matches!(exit, Exit::Restart) { MAX_RESTART_WAIT } else { state.config.shutdown };
    let shutdown = async {
        let began = Instant::now();
        shut_down(&state, server).await;
        finish_work(&state, deadline.saturating_sub(began.elapsed())).await;
        background_jobs::stop(jobs, &state.storage).await;
        record_stop(&state, stopping).await;
        // The last writes are done, so the backup is complete when it stops.
        if let Some(backup) = &state.backup {
            backup.stop(state.config.shutdown).await;
        }
    };
    tokio::select! {
        () = shutdown => {}
        () = signals.next() => {
            tracing::warn!("끄라는 신호를 한 번 더 받아 바로 꺼요");
            return Ok(Exit::Stop);
        }
    }
    Ok(exit)
}

/// Waits for the uploads and files that members have begun: they outlive the request that began them.
async fn finish_work(state: &AppState, deadline: Duration) {
    let work = async { tokio::join!(state.uploads.idle(), state.file_jobs.idle()) };
    if tokio::time::timeout(deadline, work).await.is_err() {
        tracing::warn!("업로드나 파일을 끝내지 못하고 프로그램이 꺼져요. 다시 적용하거나 다시 받아 주세요");
    }
}

/// Writes the last access records, and that the program stops.
async fn record_stop(state: &AppState, host: String) {
    let written = async {
        state.access.flush().await?;
        state.storage.write(move |tx| access::record_stop(tx, &host)).await
    };
    match tokio::time::timeout(FLUSH_TIMEOUT, written).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(%error, "마지막 접속기록을 쓰지 못했어요"),
        Err(_) => tracing::error!("마지막 접속기록을 제때 쓰지 못했어요"),
    }
}

/// Drains and stops the server.
async fn shut_down(state: &AppState, server: Server) {
    tracing::info!("프로그램을 끄고 있어요. 새 접속은 받지 않아요");
    state.drain();
    tokio::time::sleep(state.config.drain).await;
    if server.stop(state.config.shutdown).await {
        tracing::info!("프로그램이 꺼졌어요");
    } else {
        tracing::warn!("처리 중인 요청이 있지만 기다리는 시간이 지나 프로그램이 꺼졌어요");
    }
}

/// Signals that stop the program. Registered before the startup banner, so that a signal after it is never
/// lost.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals {
    ctrl_c: tokio::signal::windows::CtrlC,
    /// the console window is closed
    close: tokio::signal::windows::CtrlClose,
    shutdown: tokio::signal::windows::CtrlShutdown,
}

#[cfg(windows)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::windows::{ctrl_c, ctrl_close, ctrl_shutdown};
        Ok(Self { ctrl_c: ctrl_c()?, close: ctrl_close()?, shutdown: ctrl_shutdown()? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.ctrl_c.recv() => {}
            _ = self.close.recv() => {}
            _ = self.shutdown.recv() => {}
        }
    }
}
