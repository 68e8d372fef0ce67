//! Where sessions are kept: one of two places.

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
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> Result<()> {
        match self {
            Self::Database(store) => store.create(record).await,
            Self::Redis(store) => store.create(record).await,
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        match self {
            Self::Database(store) => store.save(record).await,
            Self::Redis(store) => store.save(record).await,
        }
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        match self {
            Self::Database(store) => store.load(id).await,
            Self::Redis(store) => store.load(id).await,
        }
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        match self {
            Self::Database(store) => store.delete(id).await,
            Self::Redis(store) => store.delete(id).await,
        }
    }
}
