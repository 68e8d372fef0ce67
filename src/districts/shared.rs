//! The one value that every part of the program asks, and how it follows the database.

use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use super::model::Districts;
use super::store;
use crate::storage::{Result, Tx};

/// The districts as this process knows them; clones share what they know. Each edition and
/// correction has a version in the database, which is looked at within a transaction that is open
/// anyway: another node's import is seen with the next request.
#[derive(Clone)]
pub struct Shared {
    kept: Arc<Mutex<(i64, Arc<Districts>)>>,
}

impl Default for Shared {
    /// The table that ships with the program, until a transaction tells of more.
    fn default() -> Self {
        static EMBEDDED: LazyLock<Arc<Districts>> = LazyLock::new(|| Arc::new(Districts::embedded()));
        Self { kept: Arc::new(Mutex::new((0, Arc::clone(&EMBEDDED)))) }
    }
}

impl Shared {
    /// The districts as this transaction sees them. Asked for before the transaction changes them.
    pub fn of(&self, tx: &mut dyn Tx) -> Result<Arc<Districts>> {
        let version = store::version(tx)?;
        let (kept, districts) = self.kept();
        if kept == version {
            return Ok(districts);
        }
        let districts = Arc::new(store::load(tx)?);
        // A reader that began long ago still sees an older version; others do not have to.
        if version > kept || version == 0 {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = (version, Arc::clone(&districts));
        }
        Ok(districts)
    }

    /// The newest that this process has seen: at least what held when the request under way began.
    pub fn latest(&self) -> Arc<Districts> {
        self.kept().1
    }

    fn kept(&self) -> (i64, Arc<Districts>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
