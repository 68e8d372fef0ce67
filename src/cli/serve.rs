//! `mukkeum serve`: from an empty folder to a page in the browser, and to an orderly end. It runs
//! `mukkeum demo` as well.
//!
//! The end: the first signal (ctrl-c, SIGTERM) makes `/health/ready` answer 503; after the drain
//! time no connection is accepted any more; requests under way have until the deadline; then the
//! program ends, done. A second signal ends it at once.

use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use tokio::task::JoinSet;
use tracing_subscriber::fmt::MakeWriter;

#[cfg(windows)]
use super::service;
use super::{Done, Failure, Outcome, block_on, demo, make_folder, open_with_log};
use crate::backup::{self, Backup, Dump};
use crate::config::{Config, ConfigError, Database, LogFormat};
use crate::demo::{ACCOUNTS, Demo};
use crate::districts;
use crate::members::{self, store};
use crate::orders;
use crate::server::tls::{Tls, TlsError};
use crate::server::{self, Reach, Server};
use crate::sessions::{self, staying};
use crate::storage::{Log, Storage, lease};
use crate::uploads;
use crate::web::{self, AppState, OpenHouse};

/// The file in the data folder that is locked while a server runs on it.
pub(super) const LOCK_NAME: &str = "mukkeum.lock";

/// How long a write that has begun may still take when everything else has ended.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// How often what has expired is deleted.
const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// A node that has not swept for so long has died, and another one does.
const LEASE_MS: i64 = 25 * 60 * 1000;

/// Originals of uploads that are put away in one sweep, so that no sweep holds the writer long.
const FILES_A_SWEEP: i64 = 100;

/// How often it is looked whether search terms are to be merged.
const TIDY_EVERY: Duration = Duration::from_secs(5);

/// How long others have the writer between two steps of a merge.
const TIDY_PAUSE: Duration = Duration::from_millis(20);

/// How often the training shop's age is looked at.
const AGE_EVERY: Duration = Duration::from_secs(5);

/// How often histograms are condensed.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// `opens`: whether the browser is to be opened for whoever started it.
pub(super) fn run(config: &Config, opens: bool) -> Outcome {
    write_logs(config, io::stderr)?;
    attend(config, opens)
}

/// [`run`] for whoever has the logs elsewhere.
pub(super) fn attend(config: &Config, mut opens: bool) -> Outcome {
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
        let outcome =
            runtime.block_on(serve(storage, log, config.clone(), listener.try_clone()?, std::mem::take(&mut opens)));
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
        (Some(restored), Database::Sqlite(path)) if restored.exists() => backup::put_in_place(&restored, path),
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
    let filter = tracing_subscriber::EnvFilter::try_new(&config.log_level)
        .map_err(|error| ConfigError::Refused { setting: "log_level", reason: error.to_string() })?;
    let logs = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false);
    match config.log_format {
        LogFormat::Text => logs.init(),
        LogFormat::Json => logs.json().flatten_event(true).init(),
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
    log: Option<Log>,
    config: Config,
    listener: TcpListener,
    opens: bool,
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
    state.reach = reach;
    if let Some(demo) = &state.demo {
        demo.keep_fresh(&state.storage, &state.passwords).await?;
    }
    let is_new = !state.storage.read(store::any).await?;
    let mut signals = Signals::listen()?;
    introduce(&state, is_new)?;

    if let Some(listener) = metrics_listener {
        tokio::spawn(async move { axum::serve(listener, web::metrics::router::<()>()).await });
    }
    let mut chores = JoinSet::new();
    chores.spawn(sweep(state.clone()));
    chores.spawn(tidy(state.storage.clone()));
    chores.spawn(districts::classify::keep(state.storage.clone(), state.uploads.districts.clone()));
    if let Some(demo) = state.demo.clone() {
        chores.spawn(keep_fresh(demo, state.clone()));
    }
    if let Some(backup) = state.backup.clone() {
        let every = state.config.backup.verify_every;
        chores.spawn(async move { backup.look_after(every).await });
    }
    if matches!(state.config.database, Database::MariaDb(_)) {
        chores.spawn(Dump::tell_age(state.storage.clone()));
    }
    if let Some(tls) = tls.clone() {
        chores.spawn(tls.keep_current());
    }
    let pages = if state.demo.as_ref().is_some_and(Demo::is_public) {
        let house = OpenHouse::open(&state)?;
        chores.spawn(house.clone().look_after());
        house.router()
    } else {
        web::router(&state)
    };
    if opens {
        open_browser(&state.reach);
    }
    let mut server = Server::start(listener, tls.as_ref(), pages)?;

    let why = tokio::select! {
        error = server.failed() => {
            return Err(Failure(format!("접속을 더 받지 못하게 되어 끝났어요: {error}")));
        }
        () = signals.next() => End::Whole,
        () = state.again.notified() => End::Again,
    };
    let end = async {
        wind_down(&state, server).await;
        chores.shutdown().await;
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

/// The first lines that somebody who has just started it reads.
fn introduce(state: &AppState, is_new: bool) -> io::Result<()> {
    let data = state.config.data.canonicalize().unwrap_or_else(|_| state.config.data.clone());
    let elsewhere = state.reach.elsewhere();
    let mut out = io::stdout().lock();
    let training = if state.demo.is_some() { " 교육용" } else { "" };
    writeln!(out, "묶음 {}{training}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "  주소          {}", state.reach.here())?;
    for address in &elsewhere {
        writeln!(out, "  다른 기기     {address}")?;
    }
    if let Some(certificate) = &state.reach.certificate {
        writeln!(out, "  인증서 지문   {}", certificate.fingerprint)?;
    }
    writeln!(out, "  데이터 폴더   {}", data.display())?;
    writeln!(out, "  데이터베이스  {}", state.storage.describe())?;
    let square = elsewhere.first().and_then(|address| web::qr::on_console(address));
    if let Some(square) = square.filter(|_| out.is_terminal()) {
        writeln!(out, "\n{square}\n  휴대전화로 찍으면 열려요.")?;
    }
    if state.reach.is_unsafe() {
        writeln!(out)?;
        writeln!(out, "  조심하세요: 다른 기기와 오가는 비밀번호와 주문이 암호화되지 않아요.")?;
        writeln!(out, "  --tls를 붙여 다시 켜면 암호화해요.")?;
        tracing::warn!(address = %state.reach.address, "listening beyond this computer without TLS");
    }
    if let Some(demo) = &state.demo {
        writeln!(out)?;
        writeln!(out, "  연습 데이터로 채운 교육용 가게예요. 진짜 주문은 올리지 마세요.")?;
        for account in ACCOUNTS {
            writeln!(out, "  {}: 아이디 {}, 비밀번호 {}", account.role.label(), account.username, account.password)?;
        }
        if let Some(returns) = demo.returns(state.now()) {
            writeln!(out, "  {returns}")?;
        }
    }
    if is_new {
        writeln!(out)?;
        writeln!(out, "  아직 회원이 없어요. 이 컴퓨터에서 위 주소를 열어 첫 관리자를 만들어 주세요.")?;
        writeln!(out, "  다른 컴퓨터에서 열면 설치 확인 번호를 적어야 해요: {}", state.setup_code)?;
    }
    out.flush()
}

/// Makes the training shop anew when its time comes.
async fn keep_fresh(demo: Demo, state: AppState) {
    let mut age = tokio::time::interval(AGE_EVERY);
    loop {
        age.tick().await;
        if let Err(error) = demo.keep_fresh(&state.storage, &state.passwords).await {
            tracing::error!(%error, "the training shop could not be made anew");
        }
    }
}

async fn sweep(state: AppState) {
    let kept_ms = i64::from(state.config.upload_keep_days) * 24 * 60 * 60 * 1000;
    let node = state.storage.node();
    let mut upkeep = tokio::time::interval(UPKEEP_EVERY);
    let mut expired = tokio::time::interval(SWEEP_EVERY);
    loop {
        tokio::select! {
            _ = upkeep.tick() => web::metrics::upkeep(),
            _ = expired.tick() => {
                let swept = state.storage.write(move |tx| {
                    if !lease::hold(tx, "sweep", node, LEASE_MS)? {
                        return Ok(0);
                    }
                    sessions::delete_expired(tx)?;
                    staying::delete_expired(tx)?;
                    members::forget_old(tx)?;
                    let before = tx.now().plus_ms(-kept_ms);
                    uploads::store::forget_old_files(tx, before, FILES_A_SWEEP)
                }).await;
                if let Err(error) = swept {
                    tracing::error!(%error, "what has expired could not be deleted");
                }
            }
        }
    }
}

/// Merges the search terms of uploads, a little at a time.
async fn tidy(storage: Storage) {
    let mut look = tokio::time::interval(TIDY_EVERY);
    loop {
        look.tick().await;
        loop {
            match storage.write(orders::store::terms::tidy).await {
                Ok(true) => tokio::time::sleep(TIDY_PAUSE).await,
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%error, "search terms could not be merged");
                    break;
                }
            }
        }
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
