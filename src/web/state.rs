//! What every handler shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::backup::Backup;
use crate::config::Config;
use crate::demo::Demo;
use crate::members::passwords::Passwords;
use crate::server::Reach;
use crate::sessions::Store;
use crate::sessions::staying::{DatabaseSeries, SeriesStore};
use crate::storage::Storage;
use crate::time::Moment;
use crate::uploads::{OpenError, Uploads};
use crate::web::csrf;

/// Why the program cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// no randomness
    #[error(transparent)]
    Randomness(#[from] csrf::NoRandomness),
    /// the folder of profiles or the key of secrets
    #[error(transparent)]
    Uploads(#[from] OpenError),
    /// where sessions are kept
    #[error("세션을 두는 곳을 쓰지 못해요: {0}")]
    Sessions(#[from] tower_sessions::session_store::Error),
}

/// What every handler shares; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    /// the data
    pub storage: Storage,
    /// the settings
    pub config: Arc<Config>,
    /// the way of files
    pub uploads: Uploads,
    /// who is signed in
    pub sessions: Store,
    /// hashes passwords, a bounded number at once
    pub passwords: Passwords,
    /// the browsers that stay signed in
    pub stays: Arc<dyn SeriesStore>,
    /// What the first administrator proves with, when not at this computer, that they own it.
    pub setup_code: Arc<str>,
    /// where the program listens
    pub reach: Reach,
    /// the copies of the data, where they are made
    pub backup: Option<Backup>,
    /// the training shop, where this is one
    pub demo: Option<Demo>,
    /// Rung when the program is to end and begin again with what was restored.
    pub again: Arc<Notify>,
    draining: Arc<AtomicBool>,
}

impl AppState {
    /// The state of a program that starts now.
    ///
    /// # Errors
    /// When the operating system gives no randomness, or a file of the data folder is of no use.
    pub fn new(storage: Storage, config: Config) -> Result<Self, StartError> {
        Ok(Self {
            uploads: Uploads::open(&storage, &config)?,
            stays: Arc::new(DatabaseSeries::new(storage.clone())),
            sessions: Store::open(&storage, &config)?,
            storage,
            reach: Reach::new(config.listen, None, &config),
            backup: None,
            demo: config.demo.map(Demo::new),
            config: Arc::new(config),
            passwords: Passwords::default(),
            setup_code: csrf::code()?.into(),
            again: Arc::default(),
            draining: Arc::default(),
        })
    }

    /// The present moment.
    pub fn now(&self) -> Moment {
        self.storage.clock().now()
    }

    /// What stands above every page: a training shop says so there.
    pub(super) fn banner(&self) -> Option<String> {
        self.demo.as_ref().map(|demo| demo.banner(self.now()))
    }

    /// From now on `/health/ready` answers that no more requests should come.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether the program is about to stop.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}
