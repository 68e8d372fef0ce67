//! The store of persistent logins: the table `remember_tokens`.

use super::PersistentLogin;
use crate::storage::{Result, Storage, StorageError, Tx};

/// Stores persistent logins under the identifier of their series; cheap to clone.
#[derive(Clone)]
pub struct RememberTokenStore(Storage);

impl RememberTokenStore {
    /// The store in the database of `storage`.
    pub fn new(storage: Storage) -> Self {
        Self(storage)
    }

    /// Inserts a new login.
    ///
    /// # Errors
    /// The database failed.
    pub async fn create(&self, series: &str, login: &PersistentLogin) -> Result<()> {
        let (series, expires_at, record) = (series.to_owned(), login.expires_at, encode(login)?);
        self.0
            .write(move |tx| {
                let sql = "INSERT INTO remember_tokens (series, record, expires_at) VALUES (?, ?, ?)";
                tx.exec(sql, &[(&series).into(), (&record).into(), expires_at.into()])
            })
            .await
            .map(drop)
    }

    /// Loads the login of a series.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find(&self, series: &str) -> Result<Option<PersistentLogin>> {
        let series = series.to_owned();
        self.0
            .read(move |tx| {
                tx.query_one("SELECT record FROM remember_tokens WHERE series = ?", &[(&series).into()])?
                    .map(|mut row| decode(&row.text(0)?))
                    .transpose()
            })
            .await
    }

    /// Replaces `before` by `after` (compare-and-swap on the whole record). False if another request
    /// has changed the login.
    ///
    /// # Errors
    /// The database failed.
    pub async fn replace(&self, series: &str, before: &PersistentLogin, after: &PersistentLogin) -> Result<bool> {
        let (series, before, after) = (series.to_owned(), encode(before)?, encode(after)?);
        self.0
            .write(move |tx| {
                let sql = "UPDATE remember_tokens SET record = ? WHERE series = ? AND record = ?";
                Ok(tx.exec(sql, &[(&after).into(), (&series).into(), (&before).into()])? == 1)
            })
            .await
    }

    /// Deletes the login of a series.
    ///
    /// # Errors
    /// The database failed.
    pub async fn delete(&self, series: &str) -> Result<()> {
        let series = series.to_owned();
        self.0
            .write(move |tx| tx.exec("DELETE FROM remember_tokens WHERE series = ?", &[(&series).into()]))
            .await
            .map(drop)
    }
}

fn encode(login: &PersistentLogin) -> Result<String> {
    serde_json::to_string(login).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

fn decode(record: &str) -> Result<PersistentLogin> {
    serde_json::from_str(record).map_err(|error| StorageError::Inconsistent(format!("remember_tokens.record: {error}")))
}

/// Deletes expired logins; returns how many.
///
/// # Errors
/// The database failed.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let now = tx.now();
    tx.exec("DELETE FROM remember_tokens WHERE expires_at <= ?", &[now.into()])
}
