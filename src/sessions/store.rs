//! The session store: the database or Redis, with metrics of its operations.

mod database;
mod redis;

use std::time::{Duration, Instant};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;

pub use self::database::{DatabaseStore, delete_expired};
pub use self::redis::RedisStore;
use crate::config::SessionBackend;
use crate::storage::Storage;

/// The key under which a session is stored: the SHA-256 of its identifier. Who reads the store, or a backup of it, does
/// not learn the value of any cookie.
fn storage_key(id: &Id) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(id.to_string()))
}

/// The session store; cheap to clone.
#[derive(Clone, Debug)]
pub enum AnySessionStore {
    /// in the database of the shop
    Database(DatabaseStore),
    /// in Redis
    Redis(RedisStore),
}

impl AnySessionStore {
    /// Opens the store of `backend`. Sessions expire after `idle` without a request.
    ///
    /// # Errors
    /// The file of CA certificates for Redis cannot be read or parsed.
    pub fn open(storage: &Storage, backend: &SessionBackend, idle: Duration) -> Result<Self> {
        Ok(match backend {
            SessionBackend::Database => Self::Database(DatabaseStore::new(storage.clone(), idle)),
            SessionBackend::Redis(address) => Self::Redis(RedisStore::new(address, idle, storage.clock().clone())?),
        })
    }

    /// Checks that the store is reachable. The database has its own readiness check.
    ///
    /// # Errors
    /// Redis does not answer.
    pub async fn ping(&self) -> Result<()> {
        match self {
            Self::Database(_) => Ok(()),
            Self::Redis(store) => store.ping().await,
        }
    }

    fn backend(&self) -> &dyn SessionStore {
        match self {
            Self::Database(store) => store,
            Self::Redis(store) => store,
        }
    }

    async fn measured<T>(&self, operation: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let store = match self {
            Self::Database(_) => "database",
            Self::Redis(_) => "redis",
        };
        let labels = [("store", store), ("operation", operation)];
        let started = Instant::now();
        let result = work.await;
        metrics::histogram!("mukkeum_sessions_duration_seconds", &labels).record(started.elapsed());
        metrics::counter!("mukkeum_sessions_errors_total", &labels).increment(result.is_err().into());
        result
    }
}

#[async_trait]
impl SessionStore for AnySessionStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.measured("create", self.backend().create(record)).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.measured("save", self.backend().save(record)).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.measured("load", self.backend().load(id)).await
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.measured("delete", self.backend().delete(id)).await
    }
}
