//! Public demo (`mukkeum demo --public`): gives each visitor a sandbox (own database and application) and rate-limits by
//! client network.
//!
//! A sandbox is a copy of the program's demo shop in its own folder; a cookie routes the visitor's requests to it. It is
//! evicted after an hour without a request, or earlier when another visitor needs its capacity. Assets, health checks and metrics are served by the program's own application.

mod rate_limit;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use tempfile::TempDir;
use tower_service::Service;

use self::rate_limit::RateLimiter;
use crate::app;
use crate::config::{Config, Database, SessionBackend};
use crate::random;
use crate::server::client_network;
use crate::storage::{Storage, StorageOptions, lock};
use crate::time::Moment;
use crate::web::cookies::{self, Cookie};
use crate::web::{self, AppState, ClientInfo, Error, redirect};

/// The purpose of the cookie with the identifier of a visitor's sandbox.
const COOKIE: &str = "visitor";

/// The subfolder of the data folder with the sandboxes.
const FOLDER: &str = "visitors";

/// Maximum size of a sandbox's database in bytes.
const MAX_DATABASE_BYTES: i64 = 64 << 20;

/// Milliseconds without a request after which a sandbox's caches are released.
const RELEASE_AFTER_MS: i64 = 2 * 60 * 1000;

/// Milliseconds without a request after which a sandbox is evicted.
const EVICT_AFTER_MS: i64 = 60 * 60 * 1000;

/// Milliseconds without a request after which a sandbox may be evicted for another visitor.
const RECLAIM_AFTER_MS: i64 = 10 * 60 * 1000;

/// Interval of the evictor.
const EVICT_INTERVAL: Duration = Duration::from_mins(1);

/// Path prefixes served by the program's own application.
const SHARED_PATHS: [&str; 7] = [
    "/assets/",
    "/favicon.ico",
    "/manifest.webmanifest",
    "/drive/manifest.webmanifest",
    "/health/",
    "/metrics",
    "/version",
];

/// Paths that a public demo does not offer: they tell of the host, or take more of its disk than a visitor may have.
const HIDDEN_PATHS: [&str; 6] = ["/other-devices", "/phones", "/settings", "/backup", "/districts/import", "/setup"];

/// Milliseconds without a request after which a sandbox of the largest network may be evicted for another network.
const YIELD_AFTER_MS: i64 = 60 * 1000;

/// Maximum numbers of sandboxes.
#[derive(Clone, Copy, Debug)]
pub struct SandboxLimits {
    /// in total; each takes some megabytes of disk and memory (`tests/bench/README.md`)
    pub max_total: usize,
    /// of one client network, which may be that of a school
    pub max_per_network: usize,
}

impl Default for SandboxLimits {
    fn default() -> Self {
        Self { max_total: 50, max_per_network: 10 }
    }
}

/// All sandboxes; cheap to clone.
#[derive(Clone)]
pub struct Sandboxes {
    inner: Arc<Inner>,
}

struct Inner {
    /// the program's own state
    state: AppState,
    /// the program's own application, which also renders the errors of [`reject_early`]
    own: Router,
    limits: SandboxLimits,
    rate_limiter: RateLimiter,
    folder: PathBuf,
    sandboxes: Mutex<HashMap<String, Arc<Sandbox>>>,
    /// Creation time of the shop in the template file, None before the first copy. The lock also serialises the creation
    /// of sandboxes.
    template: tokio::sync::Mutex<Option<Moment>>,
}

/// One visitor's sandbox.
struct Sandbox {
    router: Router,
    storage: Storage,
    network: IpAddr,
    used_at: AtomicI64,
    /// Declared last, so that files are closed before they are deleted.
    _folder: TempDir,
}

impl Sandboxes {
    /// Sandboxes that are copies of the shop of `state`. Deletes those of an earlier run.
    ///
    /// # Errors
    /// The data folder is not writable.
    pub fn open(state: &AppState, limits: SandboxLimits) -> std::io::Result<Self> {
        let folder = state.config.data.join(FOLDER);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let inner = Inner {
            own: web::router_with(state, app::rooms(), |pages| pages.layer(from_fn(reject_early))),
            state: state.clone(),
            limits,
            rate_limiter: RateLimiter::default(),
            folder,
            sandboxes: Mutex::default(),
            template: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Routes requests to the sandboxes.
    pub fn router(&self) -> Router {
        let router = Router::new().fallback(dispatch).with_state(self.clone());
        web::base_path::strip(router, &self.inner.state.config.base_path)
    }

    /// Evicts idle sandboxes, and releases caches before, until the program ends.
    pub async fn run_evictor(self) {
        loop {
            tokio::time::sleep(EVICT_INTERVAL).await;
            self.evict_idle();
            self.release_caches().await;
        }
    }

    async fn release_caches(&self) {
        let now = self.inner.state.now();
        let idle: Vec<_> = lock(&self.inner.sandboxes)
            .values()
            .filter(|sandbox| sandbox.idle_for(now) >= RELEASE_AFTER_MS)
            .map(Arc::clone)
            .collect();
        for sandbox in idle {
            if let Err(error) = sandbox.storage.release_memory().await {
                tracing::warn!(%error, "쉬는 체험 가게의 메모리를 비우지 못했어요. 곧 다시 해요");
            }
        }
    }

    fn evict_idle(&self) {
        let now = self.inner.state.now();
        let mut sandboxes = lock(&self.inner.sandboxes);
        let evicted: Vec<_> = sandboxes.extract_if(|_, sandbox| sandbox.idle_for(now) >= EVICT_AFTER_MS).collect();
        // Deleting files takes time: not under the lock.
        drop(sandboxes);
        drop(evicted);
    }

    /// The sandbox of the visitor with these headers.
    fn find(&self, headers: &HeaderMap) -> Option<Arc<Sandbox>> {
        self.evict_idle();
        let sandboxes = lock(&self.inner.sandboxes);
        let sandbox =
            cookies::values(headers, &self.inner.state.cookies.name(COOKIE)).find_map(|id| sandboxes.get(id))?;
        sandbox.used_at.store(self.inner.state.now().0, Ordering::Relaxed);
        Some(Arc::clone(sandbox))
    }

    /// Creates a sandbox; returns it with the cookie that identifies it.
    async fn create(&self, network: IpAddr) -> Result<(Arc<Sandbox>, HeaderValue), Error> {
        let inner = &self.inner;
        let mut template = inner.template.lock().await;
        self.evict_lru(network)?;
        let file = inner.folder.join("template.db");
        let created_at = inner.state.demo.as_ref().map(crate::demo::Demo::created_at);
        if *template != created_at {
            // A consistent copy, also while the shop is in use.
            let copy = inner.folder.join("fresh.db");
            let _ = std::fs::remove_file(&copy);
            inner.state.storage.copy_to(copy.clone()).await?;
            std::fs::rename(&copy, &file).map_err(internal)?;
            *template = created_at;
        }
        let (state, folder) = (inner.state.clone(), inner.folder.clone());
        let opened = tokio::task::spawn_blocking(move || open(&state, &file, &folder)).await.map_err(internal)??;
        let (state, folder) = opened;
        if let Some(demo) = &state.demo {
            demo.reset_if_due(&state.storage, &state.passwords).await.map_err(internal)?;
        }
        let used_at = AtomicI64::new(state.now().0);
        let (router, storage) = (app::router(&state), state.storage.clone());
        let sandbox = Arc::new(Sandbox { router, storage, network, used_at, _folder: folder });
        let id = random::secret()?;
        let name = inner.state.cookies.name(COOKIE);
        let cookie = Cookie { name: &name, value: &id, same_site: "Lax", max_age: None };
        let cookie = cookie.header(&inner.state.cookies)?;
        lock(&inner.sandboxes).insert(id, Arc::clone(&sandbox));
        Ok((sandbox, cookie))
    }

    /// Makes room for a sandbox of `network`. Those used within [`RECLAIM_AFTER_MS`] are kept, and the newcomer is refused:
    /// a class behind one address must not evict each other. Only a network without a sandbox gets one of the network that
    /// has most, so that a few networks cannot take all.
    fn evict_lru(&self, network: IpAddr) -> Result<(), Error> {
        let (now, limits) = (self.inner.state.now(), self.inner.limits);
        let mut sandboxes = lock(&self.inner.sandboxes);
        let least_recently_used = |is_candidate: &dyn Fn(&Sandbox) -> bool| {
            let candidates = sandboxes.iter().filter(|(_, sandbox)| is_candidate(sandbox));
            candidates.max_by_key(|(_, sandbox)| sandbox.idle_for(now)).map(|(id, _)| id.clone())
        };
        let is_idle = |sandbox: &Sandbox| sandbox.idle_for(now) >= RECLAIM_AFTER_MS;
        let mut of_networks: HashMap<IpAddr, usize> = HashMap::new();
        for sandbox in sandboxes.values() {
            *of_networks.entry(sandbox.network).or_default() += 1;
        }
        let of_network = of_networks.get(&network).copied().unwrap_or(0);
        let id = if of_network >= limits.max_per_network {
            let idle = least_recently_used(&|sandbox| sandbox.network == network && is_idle(sandbox));
            Some(idle.ok_or(Error::AtCapacity)?)
        } else if sandboxes.len() >= limits.max_total {
            let largest = of_networks.into_iter().max_by_key(|(_, count)| *count);
            let largest = largest.filter(|(_, count)| of_network == 0 && *count > 1).map(|(network, _)| network);
            let yields =
                |sandbox: &Sandbox| Some(sandbox.network) == largest && sandbox.idle_for(now) >= YIELD_AFTER_MS;
            let evicted = least_recently_used(&is_idle).or_else(|| least_recently_used(&yields));
            Some(evicted.ok_or(Error::AtCapacity)?)
        } else {
            None
        };
        let evicted = id.and_then(|id| sandboxes.remove(&id));
        drop(sandboxes);
        drop(evicted);
        Ok(())
    }
}

impl Sandbox {
    /// Milliseconds since the last request.
    fn idle_for(&self, now: Moment) -> i64 {
        now.0 - self.used_at.load(Ordering::Relaxed)
    }
}

/// Opens a copy of the template file in a new folder.
fn open(state: &AppState, template: &Path, folder: &Path) -> Result<(AppState, TempDir), Error> {
    let folder = TempDir::new_in(folder).map_err(internal)?;
    let data = folder.path().to_owned();
    let database = Database::of_folder(&data);
    let Database::Sqlite(file) = &database else { return Err(Error::Internal("no file".to_owned())) };
    std::fs::copy(template, file).map_err(internal)?;
    let options = StorageOptions { clock: Arc::clone(state.storage.clock()), readers: 2 };
    let storage = Storage::open_sqlite(file, &options)?;
    storage.set_max_size(MAX_DATABASE_BYTES)?;
    let config = Config { data, database, sessions: SessionBackend::Database, proofs: None, ..(*state.config).clone() };
    let mut sandbox = AppState::new(storage, config).map_err(internal)?;
    // Hashing takes much memory, so all sandboxes share one concurrency limit.
    sandbox.passwords = state.passwords.clone();
    sandbox.uploads.turns = state.uploads.turns.clone();
    Ok((sandbox, folder))
}

#[expect(clippy::needless_pass_by_value, reason = "the signature that map_err requires")]
fn internal(error: impl ToString) -> Error {
    Error::Internal(error.to_string())
}

/// Handler of all requests: forwards each to the visitor's sandbox, which is created by the first GET.
async fn dispatch(State(sandboxes): State<Sandboxes>, request: Request) -> Response {
    let inner = &sandboxes.inner;
    if SHARED_PATHS.iter().any(|path| request.uri().path().starts_with(path)) {
        return forward(&inner.own, request).await;
    }
    let (mut parts, body) = request.into_parts();
    let sandbox = async {
        let client = ClientInfo::from_request_parts(&mut parts, &inner.state).await?;
        if inner.rate_limiter.exceeds(client.address, inner.state.now()) {
            return Err(Error::RateLimited);
        }
        let path = parts.uri.path();
        if HIDDEN_PATHS
            .iter()
            .any(|hidden| path.strip_prefix(hidden).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
        {
            return Err(Error::NotInDemo);
        }
        match sandboxes.find(&parts.headers) {
            Some(sandbox) => Ok(Some((sandbox, None))),
            None if parts.method == Method::GET => {
                let (sandbox, cookie) = sandboxes.create(client_network(client.address)).await?;
                Ok(Some((sandbox, Some(cookie))))
            }
            // A form of an evicted sandbox.
            None => Ok(None),
        }
    };
    let found = sandbox.await;
    let mut request = Request::from_parts(parts, body);
    match found {
        Ok(Some((sandbox, cookie))) => {
            let mut response = forward(&sandbox.router, request).await;
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(None) => redirect("/login"),
        Err(error) => {
            request.extensions_mut().insert(error);
            forward(&inner.own, request).await
        }
    }
}

async fn forward(router: &Router, request: Request) -> Response {
    match router.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Middleware: answers a request that [`dispatch`] has rejected, before session and authentication. Error pages, log and
/// metrics are those of the program's own application.
async fn reject_early(request: Request, next: Next) -> Response {
    match request.extensions().get::<Error>() {
        Some(error) => error.clone().into_response(),
        None => next.run(request).await,
    }
}
