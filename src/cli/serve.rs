//! `mukkeum serve`: from an empty folder to a page in the browser, and to an orderly end. It runs
//! `mukkeum demo` as well.
//!
//! The end: the first signal (ctrl-c, SIGTERM) makes `/health/ready` answer 503; after the drain
//! time no connection is accepted any more; requests under way have until the deadline; then the
//! program ends, done. A second signal ends it at once.

mod chores;
mod greeting;

use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

#[cfg(windows)]
use super::service;
use super::{Done, Failure, Outcome, block_on, demo, make_folder, open_with_log};
use crate::app;
use crate::backup::{self, Backup};
use crate::config::{Config, ConfigError, Database, LogFormat};
use crate::demo::Demo;
use crate::members::store;
use crate::sandbox::{SandboxLimits, Sandboxes};
use crate::server::tls::{Tls, TlsError};
use crate::server::{self, Reach, Server};
use crate::storage::{Storage, Wal};
use crate::web::{self, AppState};

/// The file in the data folder that is locked while a server runs on it.
pub(super) const LOCK_NAME: &str = "mukkeum.lock";

/// How long a write that has begun may still take when everything else has ended.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// Who hears the first lines.
type Told<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// `opens`: whether the browser is to be opened for whoever started it.
pub(super) fn run(config: &Config, opens: bool) -> Outcome {
    write_logs(config, io::stderr)?;
    attend(config, opens, &mut |words| {
        let mut out = io::stdout().lock();
        out.write_all(words)?;
        out.flush()
    })
}

/// [`run`] for whoever has the logs elsewhere. `told`: who hears the first lines, when it is about to answer.
pub(super) fn attend(config: &Config, mut opens: bool, told: &mut Told<'_>) -> Outcome {
    make_folder(&config.data, "--data")?;
    let lock = match lock(config) {
        // A second double click means: show it to me.
        Err(_) if opens && is_running(config) => {
            open_browser(&Reach::configured(config));
            return Ok(Done::Whole);
        }
        lock => lock?,
    };
    demo::keep_apart(config)?;
    // Before the data is opened, which may take a while: who comes meanwhile waits.
    let listener = block_on(bind(config.listen))?;
    // Before the data is opened: what was there earlier is not counted.
    web::metrics::install();
    loop {
        begin_with_restored(config)?;
        let (storage, log) = open_with_log(config)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let opens = std::mem::take(&mut opens);
        let outcome = runtime.block_on(serve(storage, log, config.clone(), listener.try_clone()?, opens, told));
        runtime.shutdown_timeout(LAST_WRITES);
        if let End::Whole = outcome? {
            break;
        }
    }
    drop(lock);
    Ok(Done::Whole)
}

/// Why the server ended.
enum End {
    /// it was told to
    Whole,
    /// a backup was restored and is to be begun with
    Again,
}

/// Puts in place what was restored on the page of an empty shop. Nobody has the data open.
fn begin_with_restored(config: &Config) -> io::Result<()> {
    match (config.restored(), &config.database) {
        (Some(restored), Database::Sqlite(path)) if restored.exists() => backup::install(&restored, path),
        _ => Ok(()),
    }
}

/// Whether somebody answers there.
fn is_running(config: &Config) -> bool {
    let mut address = config.listen;
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    std::net::TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok()
}

fn open_browser(reach: &Reach) {
    if let Err(error) = open::that_detached(reach.here()) {
        tracing::warn!(%error, "the browser could not be opened");
    }
}

/// Writes log lines to `writer` from now on.
pub(super) fn write_logs<W>(config: &Config, writer: W) -> Result<(), ConfigError>
where
    W: for<'writer> MakeWriter<'writer> + Send + Sync + 'static,
{
    let filter: Targets = config
        .log_level
        .parse()
        .map_err(|error: ParseError| ConfigError::Refused { setting: "log_level", reason: error.to_string() })?;
    let logs = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(writer).with_ansi(false);
    match config.log_format {
        LogFormat::Text => logs.finish().with(filter).init(),
        LogFormat::Json => logs.json().flatten_event(true).finish().with(filter).init(),
    }
    Ok(())
}

pub(super) fn lock(config: &Config) -> Result<File, Failure> {
    let path = config.data.join(LOCK_NAME);
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|error| {
        Failure(format!(
            "데이터 폴더에 쓸 수 없어요: {} ({error})\n폴더의 권한을 고치거나 다른 폴더를 --data로 알려 주세요.",
            config.data.display()
        ))
    })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Failure(format!(
            "이 데이터 폴더로 이미 켜져 있어요: {}\n켜져 있는 프로그램을 쓰거나, 끈 다음 다시 켜세요.",
            config.data.display()
        ))),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    server::listen(address).await.map_err(|error| refused(address, &error))
}

fn refused(address: SocketAddr, error: &io::Error) -> Failure {
    Failure(match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!(
                "{address} 주소를 다른 프로그램이 쓰고 있어요. 그 프로그램을 끄거나 --listen으로 다른 주소를 알려 주세요."
            )
        }
        _ => format!("{address} 주소로 접속을 받지 못해요 ({error}). --listen으로 다른 주소를 알려 주세요."),
    })
}

impl From<TlsError> for Failure {
    fn from(error: TlsError) -> Self {
        Self(error.to_string())
    }
}

async fn serve(
    storage: Storage,
    log: Option<Wal>,
    config: Config,
    listener: TcpListener,
    opens: bool,
    told: &mut Told<'_>,
) -> Result<End, Failure> {
    let tls = config.tls.as_ref().map(|source| Tls::open(source, storage.clock().now())).transpose()?;
    let reach = Reach::new(listener.local_addr()?, tls.as_ref().map(|tls| tls.facts.clone()), &config);
    let metrics_listener = match config.metrics_listen {
        Some(address) => Some(tokio::net::TcpListener::bind(address).await.map_err(|error| refused(address, &error))?),
        None => None,
    };
    let backup = log.map(|log| Backup::start(&config.backup, &config.data, &storage, log)).transpose()?;
    let mut state = AppState::new(storage, config).map_err(|error| Failure(error.to_string()))?;
    state.backup = backup;
    state.urls = reach;
    if let Some(demo) = &state.demo {
        demo.reset_if_due(&state.storage, &state.passwords).await?;
    }
    let is_new = !state.storage.read(store::has_members).await?;
    let mut signals = Signals::listen()?;
    let mut words = Vec::new();
    greeting::write(&mut words, &state, is_new)?;
    told(&words)?;

    if let Some(listener) = metrics_listener {
        tokio::spawn(async move { axum::serve(listener, web::metrics::router::<()>()).await });
    }
    let mut chores = chores::begin(&state, tls.clone());
    let pages = if state.demo.as_ref().is_some_and(Demo::is_public) {
        let sandboxes = Sandboxes::open(&state, SandboxLimits::default())?;
        chores.spawn(sandboxes.clone().run_evictor());
        sandboxes.router()
    } else {
        app::router(&state)
    };
    if opens {
        open_browser(&state.urls);
    }
    let mut server = Server::start(listener, tls.as_ref(), pages)?;

    let why = tokio::select! {
        error = server.failed() => {
            return Err(Failure(format!("접속을 더 받지 못하게 되어 끝났어요: {error}")));
        }
        () = signals.next() => End::Whole,
        () = state.restart.requested() => End::Again,
    };
    let end = async {
        wind_down(&state, server).await;
        chores::end(chores, &state.storage).await;
        // Nobody writes any more: what is copied now is all there is.
        if let Some(backup) = &state.backup {
            backup.stop(state.config.shutdown).await;
        }
    };
    tokio::select! {
        () = end => {}
        () = signals.next() => {
            tracing::warn!("a second signal: ending at once");
            return Ok(End::Whole);
        }
    }
    Ok(why)
}

async fn wind_down(state: &AppState, server: Server) {
    tracing::info!("stopping: no longer ready");
    state.drain();
    tokio::time::sleep(state.config.drain).await;
    if server.stop(state.config.shutdown).await {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped at the deadline with requests under way");
    }
}

/// What asks the program to end. Listened for before it says that it is there: from then on whoever
/// stops it is heard.
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
    /// the window is closed
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
            () = service::windows::STOP.notified() => {}
        }
    }
}
