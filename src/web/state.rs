//! The application state, and the sub-states that handlers take.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRef;
use tokio::sync::Notify;

use super::health::WriteCheck;
use crate::access::AccessRecorder;
use crate::backup::Backup;
use crate::config::Config;
use crate::demo::Demo;
use crate::districts::DistrictCache;
use crate::members::passwords::PasswordHasher;
use crate::objects::TargetError;
use crate::orders::bulk_job::BulkJobs;
use crate::orders::file_job::FileJobs;
use crate::proofs::files::ProofFiles;
use crate::random::RandomnessError;
use crate::server::Endpoints;
use crate::sessions::remember_me::RememberTokenStore;
use crate::sessions::{AnySessionStore, CookieOptions};
use crate::setup::SetupCode;
use crate::setup::practice::PracticeShop;
use crate::setup::restore_job::RestoreJob;
use crate::storage::Storage;
use crate::time::Moment;
use crate::today::watch::{CountCache, Watch};
use crate::uploads::{OpenError, Uploads};
use crate::vault::Vault;

/// Why the application state cannot be created.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// the random number generator failed
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// the channel profiles or the secret key in the data folder are unusable
    #[error(transparent)]
    Uploads(#[from] OpenError),
    /// the address of the photographs is invalid
    #[error("배송 증빙 사진의 저장소 주소를 알아볼 수 없어요: {0}")]
    Proofs(#[from] TargetError),
    /// the session store is unusable
    #[error("세션을 두는 곳을 쓰지 못해요: {0}")]
    Sessions(#[from] tower_sessions::session_store::Error),
}

/// The state of the running application; cheap to clone. Handlers take its fields as sub-states: `State<Storage>`,
/// `State<Arc<Config>>`, `State<Option<Demo>>` …
#[derive(Clone, FromRef)]
pub struct AppState {
    /// database
    pub storage: Storage,
    /// settings
    pub config: Arc<Config>,
    /// import of files
    pub uploads: Uploads,
    /// photographs of deliveries
    pub proofs: ProofFiles,
    /// cache of the postal code table
    pub districts: DistrictCache,
    /// session store
    pub(super) sessions: AnySessionStore,
    /// names and attributes of the cookies
    pub cookies: CookieOptions,
    /// password hashing
    pub passwords: PasswordHasher,
    /// key of the secrets in the database
    pub vault: Vault,
    /// access records of views
    pub access: AccessRecorder,
    /// persistent logins
    pub(super) remember_tokens: RememberTokenStore,
    /// code for the first start from another computer
    pub setup_code: SetupCode,
    /// demo shop that the setup page opens
    pub practice: PracticeShop,
    /// backup that the setup page restores
    pub restore_job: RestoreJob,
    /// address of the listening socket, and its URLs
    pub urls: Endpoints,
    /// backup to the configured targets
    pub backup: Option<Backup>,
    /// demo shop
    pub demo: Option<Demo>,
    /// bulk actions in the background
    pub bulk_jobs: BulkJobs,
    /// files of many orders in the background
    pub file_jobs: FileJobs,
    /// restart of the server
    pub restart: Restart,
    /// count of the notices that wait, for the bar
    pub(super) counted_notices: CountCache,
    /// graceful shutdown
    draining: DrainFlag,
    /// last check whether data can be written
    write_check: WriteCheck,
}

impl AppState {
    /// The state of a program that starts now, without backup and listening socket.
    ///
    /// # Errors
    /// The random number generator failed, a file in the data folder is unusable, or the session store is.
    pub fn new(storage: Storage, config: Config) -> Result<Self, StartError> {
        let districts = DistrictCache::default();
        let uploads = Uploads::open(&storage, &config, districts.clone())?;
        Ok(Self {
            vault: uploads.vault.clone(),
            uploads,
            proofs: ProofFiles::open(&config)?,
            districts,
            remember_tokens: RememberTokenStore::new(storage.clone()),
            sessions: AnySessionStore::open(&storage, &config.sessions, config.session_idle)?,
            access: AccessRecorder::new(storage.clone()),
            cookies: CookieOptions::new(config.behind_tls, storage.created_at()),
            storage,
            urls: Endpoints::of(&config),
            backup: None,
            demo: config.demo.map(Demo::new),
            config: Arc::new(config),
            passwords: PasswordHasher::default(),
            setup_code: SetupCode::generate()?,
            practice: PracticeShop::default(),
            restore_job: RestoreJob::default(),
            bulk_jobs: BulkJobs::default(),
            file_jobs: FileJobs::default(),
            restart: Restart::default(),
            counted_notices: CountCache::default(),
            draining: DrainFlag::default(),
            write_check: WriteCheck::default(),
        })
    }

    /// The current time of the storage's clock.
    pub fn now(&self) -> Moment {
        self.storage.clock().now()
    }

    /// Starts draining: `/health/ready` fails and connections are closed after their response.
    pub fn drain(&self) {
        self.draining.request();
    }
}

impl FromRef<AppState> for Watch {
    fn from_ref(state: &AppState) -> Self {
        let (config, urls, backup) = (Arc::clone(&state.config), state.urls.clone(), state.backup.clone());
        Self::new(config, urls, backup, state.demo.is_some(), state.counted_notices.clone())
    }
}

/// Whether the server drains: it answers the requests that it has, and wants no others.
#[derive(Clone, Default)]
pub(super) struct DrainFlag(Arc<AtomicBool>);

impl DrainFlag {
    fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A signal to shut the server down and start it again in this process, with a restored database or other settings.
#[derive(Clone, Default)]
pub struct Restart {
    signal: Arc<Notify>,
    is_pending: Arc<AtomicBool>,
}

impl Restart {
    /// Requests the restart.
    pub fn request(&self) {
        self.is_pending.store(true, Ordering::Relaxed);
        self.signal.notify_one();
    }

    /// Completes when a restart is requested.
    pub async fn requested(&self) {
        self.signal.notified().await;
    }

    /// Whether this server is about to end. Its successor has another signal.
    pub fn is_pending(&self) -> bool {
        self.is_pending.load(Ordering::Relaxed)
    }
}
