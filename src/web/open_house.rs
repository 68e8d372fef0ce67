//! A training shop that is open to everybody (`mukkeum demo --public`): each visitor gets a small shop of
//! their own, and nobody asks too often.
//!
//! A shop is a copy of the one that the program made, in a folder of its own, with the whole
//! application around it. Its visitor finds it again by a cookie. It goes when nobody has used it for an
//! hour, when one household wants too many, or when there is no room and it has not been used for a
//! while. What is the same for all (styles, health, figures) the program's own application answers.

mod pace;

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tempfile::TempDir;
use tower_service::Service;

use self::pace::{Pace, household};
use super::client::Client;
use super::cookies::{Cookie, sent};
use super::{AppState, Error, csrf, redirect};
use crate::config::{Config, Database};
use crate::sessions::Place;
use crate::storage::{Options, Storage, lock};
use crate::time::Moment;

/// The cookie by which a visitor finds their shop.
const COOKIE: &str = "mukkeum_visitor";

/// The folder in the data folder with the visitors' shops.
const FOLDER: &str = "visitors";

/// Shops at once; each is some megabytes of disk and of memory (`tests/bench/README.md`).
const MOST: usize = if cfg!(test) { 4 } else { 50 };

/// … and of one address, behind which may be a whole school.
const MOST_OF_A_HOUSEHOLD: usize = if cfg!(test) { 2 } else { 10 };

/// What one visitor may fill.
const MOST_BYTES: i64 = 64 << 20;

/// A shop that nobody has used for so long lets go of the memory that makes it fast.
const PAUSE_MS: i64 = 2 * 60 * 1000;

/// A shop that nobody has used for so long goes.
const IDLE_MS: i64 = 60 * 60 * 1000;

/// … for so long it goes when another visitor finds no room.
const RESTING_MS: i64 = 10 * 60 * 1000;

/// How often it is looked for such shops.
const LOOK_EVERY: Duration = Duration::from_mins(1);

/// What everybody is answered from one place.
const SHARED: [&str; 5] = ["/assets/", "/favicon.ico", "/health/", "/metrics", "/version"];

/// Every visitor's shop; cheap to clone.
#[derive(Clone)]
pub struct OpenHouse {
    inner: Arc<Inner>,
}

struct Inner {
    /// the program's own
    state: AppState,
    /// what answers the requests to a shop
    app: fn(&AppState) -> Router,
    shared: Router,
    pace: Pace,
    folder: PathBuf,
    shops: Mutex<HashMap<String, Arc<Shop>>>,
    /// The file that is copied and when the shop in it was made. One shop is made at a time.
    template: tokio::sync::Mutex<Option<Moment>>,
}

/// One visitor's shop.
struct Shop {
    router: Router,
    storage: Storage,
    household: IpAddr,
    used_at: AtomicI64,
    /// Behind router and storage, so that the files are closed before they go.
    _folder: TempDir,
}

impl OpenHouse {
    /// Where `state` is the shop that is copied, and `app` makes what answers. What an earlier run left
    /// goes.
    ///
    /// # Errors
    /// The data folder cannot be written to.
    pub fn open(state: &AppState, app: fn(&AppState) -> Router) -> std::io::Result<Self> {
        let folder = state.config.data.join(FOLDER);
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder)?;
        let inner = Inner {
            shared: app(state),
            state: state.clone(),
            app,
            pace: Pace::default(),
            folder,
            shops: Mutex::default(),
            template: tokio::sync::Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The application of all of them.
    pub fn router(&self) -> Router {
        Router::new().fallback(visit).with_state(self.clone())
    }

    /// Lets shops go that nobody uses, and rest before, for as long as the program runs.
    pub async fn look_after(self) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.forget_idle();
            self.rest_paused().await;
        }
    }

    async fn rest_paused(&self) {
        let now = self.inner.state.now();
        let paused: Vec<_> =
            lock(&self.inner.shops).values().filter(|shop| shop.rests(now) >= PAUSE_MS).map(Arc::clone).collect();
        for shop in paused {
            if let Err(error) = shop.storage.rest().await {
                tracing::warn!(%error, "a visitor's shop keeps its memory");
            }
        }
    }

    fn forget_idle(&self) {
        let now = self.inner.state.now();
        // They are closed when nobody waits for the others any more.
        let _gone: Vec<_> = lock(&self.inner.shops).extract_if(|_, shop| shop.rests(now) >= IDLE_MS).collect();
    }

    /// The shop of whoever sends these headers.
    fn find(&self, headers: &HeaderMap) -> Option<Arc<Shop>> {
        self.forget_idle();
        let shops = lock(&self.inner.shops);
        let shop = sent(headers, COOKIE).find_map(|id| shops.get(id))?;
        shop.used_at.store(self.inner.state.now().0, Ordering::Relaxed);
        Some(Arc::clone(shop))
    }

    /// A new shop, and the cookie that finds it.
    async fn begin(&self, household: IpAddr) -> Result<(Arc<Shop>, HeaderValue), Error> {
        let inner = &self.inner;
        let mut template = inner.template.lock().await;
        self.make_room(household)?;
        let file = inner.folder.join("template.db");
        let made_at = inner.state.demo.as_ref().map(crate::demo::Demo::created_at);
        if *template != made_at {
            // The copy is of one moment, whoever works there.
            let fresh = inner.folder.join("fresh.db");
            let _ = std::fs::remove_file(&fresh);
            inner.state.storage.copy_to(fresh.clone()).await?;
            std::fs::rename(&fresh, &file).map_err(internal)?;
            *template = made_at;
        }
        let (state, folder) = (inner.state.clone(), inner.folder.clone());
        let opened = tokio::task::spawn_blocking(move || open(&state, &file, &folder)).await.map_err(internal)??;
        let (state, folder) = opened;
        if let Some(demo) = &state.demo {
            demo.reset_if_due(&state.storage, &state.passwords).await.map_err(internal)?;
        }
        let used_at = AtomicI64::new(state.now().0);
        let (router, storage) = ((inner.app)(&state), state.storage.clone());
        let shop = Arc::new(Shop { router, storage, household, used_at, _folder: folder });
        let id = csrf::secret()?;
        let cookie = Cookie { name: COOKIE, value: &id, same_site: "Lax", max_age: None }.header(&state.config)?;
        lock(&inner.shops).insert(id, Arc::clone(&shop));
        Ok((shop, cookie))
    }

    /// Lets the shop go that has rested longest, where there would be one too many.
    fn make_room(&self, household: IpAddr) -> Result<(), Error> {
        let now = self.inner.state.now();
        let mut shops = lock(&self.inner.shops);
        let longest = |among: &dyn Fn(&Shop) -> bool| {
            let resting = shops.iter().filter(|(_, shop)| among(shop));
            resting.max_by_key(|(_, shop)| shop.rests(now)).map(|(id, _)| id.clone())
        };
        let theirs = shops.values().filter(|shop| shop.household == household).count();
        let goes = if theirs >= MOST_OF_A_HOUSEHOLD {
            longest(&|shop| shop.household == household)
        } else if shops.len() >= MOST {
            Some(longest(&|shop| shop.rests(now) >= RESTING_MS).ok_or(Error::NoRoom)?)
        } else {
            None
        };
        let gone = goes.and_then(|id| shops.remove(&id));
        drop(shops);
        drop(gone);
        Ok(())
    }
}

impl Shop {
    /// How long nobody has used it.
    fn rests(&self, now: Moment) -> i64 {
        now.0 - self.used_at.load(Ordering::Relaxed)
    }
}

/// Opens a copy of the file in a folder of its own.
fn open(state: &AppState, template: &Path, folder: &Path) -> Result<(AppState, TempDir), Error> {
    let folder = TempDir::new_in(folder).map_err(internal)?;
    let data = folder.path().to_owned();
    let database = Database::of_folder(&data);
    let Database::Sqlite(file) = &database else { return Err(Error::Internal("no file".to_owned())) };
    std::fs::copy(template, file).map_err(internal)?;
    let options = Options { clock: Arc::clone(state.storage.clock()), readers: 2 };
    let storage = Storage::open_sqlite(file, &options)?;
    storage.bound(MOST_BYTES)?;
    let config = Config { data, database, sessions: Place::Database, ..(*state.config).clone() };
    let mut shop = AppState::new(storage, config).map_err(internal)?;
    // Hashing takes much memory: there are no more turns than for one shop.
    shop.passwords = state.passwords.clone();
    Ok((shop, folder))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape map_err wants")]
fn internal(error: impl ToString) -> Error {
    Error::Internal(error.to_string())
}

/// Leads a request to its visitor's shop.
async fn visit(State(house): State<OpenHouse>, request: Request) -> Response {
    let inner = &house.inner;
    if SHARED.iter().any(|path| request.uri().path().starts_with(path)) {
        return pass(&inner.shared, request).await;
    }
    let (mut parts, body) = request.into_parts();
    let shop = async {
        let client = Client::from_request_parts(&mut parts, &inner.state).await?;
        if inner.pace.is_too_fast(client.address, inner.state.now()) {
            return Err(Error::TooFast);
        }
        match house.find(&parts.headers) {
            Some(shop) => Ok(Some((shop, None))),
            None if parts.method == Method::GET => {
                let (shop, cookie) = house.begin(household(client.address)).await?;
                Ok(Some((shop, Some(cookie))))
            }
            // What was sent belonged to a shop that has gone.
            None => Ok(None),
        }
    };
    let found = shop.await;
    let mut request = Request::from_parts(parts, body);
    match found {
        Ok(Some((shop, cookie))) => {
            let mut response = pass(&shop.router, request).await;
            if let Some(cookie) = cookie {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(None) => redirect("/login"),
        Err(error) => {
            request.extensions_mut().insert(error);
            pass(&inner.shared, request).await
        }
    }
}

async fn pass(router: &Router, request: Request) -> Response {
    match router.clone().call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Answers a request that comes with an error, before anybody looks who sends it.
pub(super) async fn turn_away(request: Request, next: Next) -> Response {
    match request.extensions().get::<Error>() {
        Some(error) => error.clone().into_response(),
        None => next.run(request).await,
    }
}

#[cfg(test)]
mod tests;
