//! Destruction of photographs: the file first, then the row says when. If the program is killed in between, the next run
//! does it again. The copies of the backup are removed by the program that writes them.

use super::files::{ProofFileError, ProofFiles};
use super::store::{self, ProofRow};
use crate::id::ProofId;
use crate::storage::{Storage, StorageError, Tx};
use crate::time::Moment;

/// Photographs of one transaction.
const BATCH: i64 = 100;

/// Milliseconds of a day.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// How long photographs are kept, and where they are.
#[derive(Clone)]
pub struct ProofRetention {
    /// the files
    pub files: ProofFiles,
    /// days from the receipt on
    pub days: u32,
}

impl ProofRetention {
    /// Photographs that came before this moment are due.
    pub fn before(&self, now: Moment) -> Moment {
        now.plus_ms(-i64::from(self.days) * DAY_MS)
    }
}

#[cfg(test)]
impl ProofRetention {
    /// A year, of a shop without photographs.
    pub(crate) const fn none() -> Self {
        Self { files: ProofFiles::none(), days: 365 }
    }
}

/// Why photographs are not destroyed yet.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// the files
    #[error(transparent)]
    File(#[from] ProofFileError),
    /// the database
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// The next batch of photographs that are due.
pub async fn due(storage: &Storage, retention: &ProofRetention) -> Result<Vec<ProofRow>, StorageError> {
    let before = retention.before(storage.clock().now());
    storage.read(move |tx| store::due(tx, before, BATCH)).await
}

/// Removes the files of photographs. A file that another photograph shares stays.
///
/// # Errors
/// [`DestroyError`]. What was removed so far is found again by the next call.
pub async fn remove_files(storage: &Storage, files: &ProofFiles, rows: &[ProofRow]) -> Result<(), DestroyError> {
    let ids: Vec<ProofId> = rows.iter().map(|row| row.id).collect();
    for row in rows.iter().filter(|row| row.received_at.is_some()) {
        let (hash, ids) = (row.hash.clone(), ids.clone());
        let is_shared = storage.read(move |tx: &mut dyn Tx| store::is_shared(tx, &hash, &ids)).await?;
        if !is_shared {
            files.delete(&row.hash).await?;
        }
    }
    Ok(())
}
