//! Where sessions are kept: one of two places.

use std::time::Instant;

use async_trait::async_trait;
use tower_sessions::SessionStore;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Result;

use super::{DatabaseStore, RedisAddress, RedisStore};
use crate::config::Config;
use crate::storage::Storage;

/// Where sessions are to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// beside the data
    Database,
    /// in Redis, for several nodes
    Redis(RedisAddress),
}

/// The store of sessions; cheap to clone.
#[derive(Clone, Debug)]
pub enum Store {
    /// beside the data
    Database(DatabaseStore),
    /// in Redis
    Redis(RedisStore),
}

impl Store {
    /// The store that the settings name.
    ///
    /// # Errors
    /// A file of certificates cannot be read or used.
    pub fn open(storage: &Storage, config: &Config) -> Result<Self> {
        Ok(match &config.sessions {
            Place::Database => Self::Database(DatabaseStore::new(storage.clone(), config.session_idle)),
            Place::Redis(address) => {
                Self::Redis(RedisStore::new(address, config.session_idle, storage.clock().clone())?)
            }
        })
    }

    /// Whether sessions can be reached. Those beside the data can when the data can.
    ///
    /// # Errors
    /// They cannot.
    pub async fn ping(&self) -> Result<()> {
        match self {
            Self::Database(_) => Ok(()),
            Self::Redis(store) => store.ping().await,
        }
    }

    fn one(&self) -> &dyn SessionStore {
        match self {
            Self::Database(store) => store,
            Self::Redis(store) => store,
        }
    }

    async fn counted<T>(&self, operation: &'static str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let store = match self {
            Self::Database(_) => "database",
            Self::Redis(_) => "redis",
        };
        let labels = [("store", store), ("operation", operation)];
        let began = Instant::now();
        let answer = work.await;
        metrics::histogram!("mukkeum_sessions_duration_seconds", &labels).record(began.elapsed());
        metrics::counter!("mukkeum_sessions_errors_total", &labels).increment(answer.is_err().into());
        answer
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        self.counted("create", self.one().create(record)).await
    }

    async fn save(&self, record: &Record) -> Result<()> {
        self.counted("save", self.one().save(record)).await
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        self.counted("load", self.one().load(id)).await
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        self.counted("delete", self.one().delete(id)).await
    }
}
