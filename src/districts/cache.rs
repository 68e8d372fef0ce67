//! The cached districts of this process, and how they follow the database.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::model::Districts;
use super::store;
use crate::storage::{Result, Storage, Tx};

/// Caches the [`Districts`] of the database; clones share one cache. Every import and correction
/// changes a version number in the database. [`DistrictCache::current`] compares it inside a transaction
/// that is open anyway, so an import on another node is visible from the next request on.
#[derive(Clone)]
pub struct DistrictCache {
    entry: Arc<Mutex<(i64, Arc<Districts>)>>,
}

impl Default for DistrictCache {
    /// Version 0, the embedded table.
    fn default() -> Self {
        static EMBEDDED: LazyLock<Arc<Districts>> = LazyLock::new(|| Arc::new(Districts::embedded()));
        Self { entry: Arc::new(Mutex::new((0, Arc::clone(&EMBEDDED)))) }
    }
}

impl DistrictCache {
    /// The districts as this transaction sees them; reloads them when their version has changed. Call it
    /// before the transaction itself changes districts: the cache must not hold uncommitted data.
    pub fn current(&self, tx: &mut dyn Tx) -> Result<Arc<Districts>> {
        let version = store::version(tx)?;
        let (cached_version, districts) = self.entry();
        if cached_version == version {
            return Ok(districts);
        }
        let districts = Arc::new(store::load(tx)?);
        // A long-lived read transaction sees an older version. It must not replace the newer entry.
        if version > cached_version || version == 0 {
            *self.entry.lock().unwrap_or_else(PoisonError::into_inner) = (version, Arc::clone(&districts));
        }
        Ok(districts)
    }

    /// As [`Self::current`], in a transaction of its own.
    ///
    /// # Errors
    /// The database failed.
    pub async fn refresh(&self, storage: &Storage) -> Result<Arc<Districts>> {
        let cache = self.clone();
        storage.read(move |tx| cache.current(tx)).await
    }

    /// The newest districts this process has loaded, without a look at the database.
    pub fn cached(&self) -> Arc<Districts> {
        self.entry().1
    }

    fn entry(&self) -> (i64, Arc<Districts>) {
        self.entry.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
