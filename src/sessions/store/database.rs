//! The session store in the database: the table `sessions`.
//!
//! Invariants: `create` never overwrites an existing session, `save` never restores a deleted one (a
//! logout wins over a concurrent request), and `load` never returns an expired one. The expiry is computed
//! from the storage's clock; the expiry that tower-sessions computes from the system clock is ignored.

use std::time::Duration;

use async_trait::async_trait;
use tower_sessions::SessionStore;
use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::{Error, Result};

use super::storage_key;
use crate::sessions::LAST_SEEN_INTERVAL;
use crate::storage::{self, Storage, Tx};
use crate::time::Moment;

/// The session store in the database; cheap to clone.
#[derive(Clone)]
pub struct DatabaseStore {
    storage: Storage,
    idle_ms: i64,
}

impl std::fmt::Debug for DatabaseStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DatabaseStore").finish_non_exhaustive()
    }
}

impl DatabaseStore {
    /// A store whose sessions expire after `idle` without a request.
    pub fn new(storage: Storage, idle: Duration) -> Self {
        // Tolerance, because `last_seen_at` is saved no more often than this.
        let idle = idle.saturating_add(LAST_SEEN_INTERVAL);
        let idle_ms = i64::try_from(idle.as_millis()).unwrap_or(i64::MAX);
        Self { storage, idle_ms }
    }
}

#[async_trait]
impl SessionStore for DatabaseStore {
    async fn create(&self, record: &mut Record) -> Result<()> {
        let data = encode(record)?;
        let idle_ms = self.idle_ms;
        loop {
            let (id, data) = (storage_key(&record.id), data.clone());
            if self.storage.write(move |tx| create(tx, &id, &data, idle_ms)).await.map_err(backend)? {
                return Ok(());
            }
            record.id = Id::default();
        }
    }

    async fn save(&self, record: &Record) -> Result<()> {
        let (id, data, idle_ms) = (storage_key(&record.id), encode(record)?, self.idle_ms);
        self.storage.write(move |tx| save(tx, &id, &data, idle_ms)).await.map_err(backend).map(drop)
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let key = storage_key(id);
        let Some((data, expires_at)) = self.storage.read(move |tx| load(tx, &key)).await.map_err(backend)? else {
            return Ok(None);
        };
        let data = serde_json::from_str(&data).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(expires_at.0 / 1000)
            .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        let id = storage_key(id);
        self.storage.write(move |tx| delete(tx, &id)).await.map_err(backend)
    }
}

fn encode(record: &Record) -> Result<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

#[expect(clippy::needless_pass_by_value, reason = "signature for map_err")]
fn backend(error: storage::StorageError) -> Error {
    Error::Backend(error.to_string())
}

fn create(tx: &mut dyn Tx, id: &str, data: &str, idle_ms: i64) -> storage::Result<bool> {
    if tx.scalar("SELECT count(*) FROM sessions WHERE id = ?", &[id.into()])? > 0 {
        return Ok(false);
    }
    let expires_at = tx.now().plus_ms(idle_ms);
    tx.exec(
        "INSERT INTO sessions (id, record, expires_at) VALUES (?, ?, ?)",
        &[id.into(), data.into(), expires_at.into()],
    )?;
    Ok(true)
}

fn save(tx: &mut dyn Tx, id: &str, data: &str, idle_ms: i64) -> storage::Result<u64> {
    let expires_at = tx.now().plus_ms(idle_ms);
    tx.exec("UPDATE sessions SET record = ?, expires_at = ? WHERE id = ?", &[data.into(), expires_at.into(), id.into()])
}

fn load(tx: &mut dyn Tx, id: &str) -> storage::Result<Option<(String, Moment)>> {
    let now = tx.now();
    tx.query_one("SELECT record, expires_at FROM sessions WHERE id = ? AND expires_at > ?", &[id.into(), now.into()])?
        .map(|mut row| Ok((row.text(0)?, row.moment(1)?)))
        .transpose()
}

fn delete(tx: &mut dyn Tx, id: &str) -> storage::Result<()> {
    tx.exec("DELETE FROM sessions WHERE id = ?", &[id.into()]).map(drop)
}

/// Deletes expired sessions; returns how many.
///
/// # Errors
/// The database failed.
pub fn delete_expired(tx: &mut dyn Tx) -> storage::Result<u64> {
    let now = tx.now();
    tx.exec("DELETE FROM sessions WHERE expires_at <= ?", &[now.into()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::storage::StorageOptions;
    use crate::storage::testing::ScratchDatabase;
    use crate::time::ManualClock;

    fn store(folder: &ScratchDatabase) -> (DatabaseStore, ManualClock) {
        let clock = ManualClock::at(Moment(1_710_464_400_000));
        let options = StorageOptions { clock: Arc::new(clock.clone()), readers: 1 };
        let storage = folder.open(&options);
        (DatabaseStore::new(storage, Duration::from_hours(1)), clock)
    }

    fn record(name: &str) -> Record {
        let data = [("name".to_owned(), name.into())].into_iter().collect();
        Record { id: Id(7), data, expiry_date: OffsetDateTime::UNIX_EPOCH }
    }

    #[tokio::test]
    async fn create_never_overwrites_a_session() {
        let folder = ScratchDatabase::new();
        let (store, _) = store(&folder);
        let (mut first, mut second) = (record("first"), record("second"));
        store.create(&mut first).await.expect("creates");
        store.create(&mut second).await.expect("creates");
        assert_ne!(second.id, first.id);
        assert_eq!(store.load(&first.id).await.expect("loads").expect("is there").data, first.data);
    }

    #[tokio::test]
    async fn save_never_restores_a_deleted_session() {
        let folder = ScratchDatabase::new();
        let (store, _) = store(&folder);
        let mut session = record("gone");
        store.create(&mut session).await.expect("creates");
        store.delete(&session.id).await.expect("deletes");
        store.save(&session).await.expect("is not an error");
        assert_eq!(store.load(&session.id).await.expect("loads"), None);
    }

    #[tokio::test]
    async fn stored_key_does_not_reveal_the_cookie() {
        let folder = ScratchDatabase::new();
        let (store, _) = store(&folder);
        let mut session = record("secret");
        store.create(&mut session).await.expect("creates");
        let keys = store.storage.read(|tx| tx.query("SELECT id FROM sessions", &[])).await.expect("reads");
        let key = keys.into_iter().next().expect("a session").text(0).expect("text");
        assert!(!key.contains(&session.id.to_string()) && key.len() == 43, "{key}");
    }

    #[tokio::test]
    async fn expired_session_is_not_loaded() {
        let folder = ScratchDatabase::new();
        let (store, clock) = store(&folder);
        let mut session = record("old");
        store.create(&mut session).await.expect("creates");
        clock.advance_ms(61 * 60_000);
        assert_eq!(store.load(&session.id).await.expect("loads"), None);
    }
}
