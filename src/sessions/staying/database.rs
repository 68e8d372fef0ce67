//! The series in the table `stays`.

use async_trait::async_trait;

use super::{Result, Series, SeriesStore};
use crate::storage::{Storage, StorageError, Tx};

/// Series in the database.
#[derive(Clone)]
pub struct DatabaseSeries(Storage);

impl DatabaseSeries {
    /// The series of that database.
    pub fn new(storage: Storage) -> Self {
        Self(storage)
    }
}

#[async_trait]
impl SeriesStore for DatabaseSeries {
    async fn create(&self, number: &str, series: &Series) -> Result<()> {
        let (number, expires_at, record) = (number.to_owned(), series.expires_at, encode(series)?);
        self.0
            .write(move |tx| {
                let sql = "INSERT INTO stays (series, record, expires_at) VALUES (?, ?, ?)";
                tx.exec(sql, &[(&number).into(), (&record).into(), expires_at.into()])
            })
            .await
            .map(drop)
    }

    async fn find(&self, number: &str) -> Result<Option<Series>> {
        let number = number.to_owned();
        self.0
            .read(move |tx| {
                tx.query_one("SELECT record FROM stays WHERE series = ?", &[(&number).into()])?
                    .map(|mut row| decode(&row.text(0)?))
                    .transpose()
            })
            .await
    }

    /// The record itself is compared, so no two requests can both replace it.
    async fn replace(&self, number: &str, before: &Series, after: &Series) -> Result<bool> {
        let (number, before, after) = (number.to_owned(), encode(before)?, encode(after)?);
        self.0
            .write(move |tx| {
                let sql = "UPDATE stays SET record = ? WHERE series = ? AND record = ?";
                Ok(tx.exec(sql, &[(&after).into(), (&number).into(), (&before).into()])? == 1)
            })
            .await
    }

    async fn delete(&self, number: &str) -> Result<()> {
        let number = number.to_owned();
        self.0.write(move |tx| tx.exec("DELETE FROM stays WHERE series = ?", &[(&number).into()])).await.map(drop)
    }
}

fn encode(series: &Series) -> Result<String> {
    serde_json::to_string(series).map_err(|error| StorageError::Inconsistent(error.to_string()))
}

fn decode(record: &str) -> Result<Series> {
    serde_json::from_str(record).map_err(|error| StorageError::Inconsistent(format!("stays.record: {error}")))
}

/// Forgets the series that have expired.
pub fn delete_expired(tx: &mut dyn Tx) -> Result<u64> {
    let now = tx.now();
    tx.exec("DELETE FROM stays WHERE expires_at <= ?", &[now.into()])
}
