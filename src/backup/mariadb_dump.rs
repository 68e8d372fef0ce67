//! Dumps of a shop in MariaDB. `mariadb-dump` makes them (`deploy/ha/mariadb/dump`); this program verifies each
//! and stores the newest, for the page and the metrics.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::store;
use crate::storage::{Result as StorageResult, Storage, Tx};
use crate::time::Moment;

/// Age of an overdue dump. One is made every night.
const STALE_AFTER_MS: i64 = 30 * 60 * 60 * 1000;

/// Time between two updates of the metric.
const METRICS_INTERVAL: Duration = Duration::from_mins(1);

/// A complete dump by `mariadb-dump`, compressed with zstd.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MariaDbDump {
    /// file name without the folder
    pub name: String,
    /// modification time of the file, UTC milliseconds
    pub at: i64,
    /// size of the compressed file
    pub bytes: u64,
    /// GTID position of the binary log at the dump; empty if the server writes none
    pub position: String,
}

/// Why a file is no dump of a shop.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The file cannot be read or decompressed.
    #[error("백업을 읽지 못했어요: {0}")]
    Io(#[from] io::Error),
    /// The dump is truncated.
    #[error("끝까지 만들지 못한 백업이에요. 다시 만들어 주세요.")]
    Incomplete,
    /// The dump is of another application's database.
    #[error("이 프로그램의 데이터가 아닌 백업이에요. 데이터베이스 이름을 확인해 주세요.")]
    ForeignDatabase,
}

impl MariaDbDump {
    /// Reads and verifies a compressed dump.
    ///
    /// # Errors
    /// [`DumpError::Incomplete`] without the final comment of `mariadb-dump`, [`DumpError::ForeignDatabase`]
    /// without this program's tables, [`DumpError::Io`] for an unreadable file.
    pub fn verify_file(path: &Path) -> Result<Self, DumpError> {
        let file = File::open(path)?;
        let (bytes, modified) = (file.metadata()?.len(), file.metadata()?.modified()?);
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut lines = BufReader::new(zstd::Decoder::new(file)?);
        let (mut line, mut is_ours, mut is_complete, mut position) = (Vec::new(), false, false, String::new());
        while lines.read_until(b'\n', &mut line)? > 0 {
            is_ours |= line.starts_with(b"CREATE TABLE `schema_versions`");
            is_complete = line.starts_with(b"-- Dump completed");
            if let Some(gtid) = line.strip_prefix(b"-- SET GLOBAL gtid_slave_pos='") {
                position =
                    gtid.split(|byte| *byte == b'\'').next().map(String::from_utf8_lossy).unwrap_or_default().into();
            }
            line.clear();
        }
        if !is_complete {
            return Err(DumpError::Incomplete);
        }
        if !is_ours {
            return Err(DumpError::ForeignDatabase);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, at: i64::try_from(since.as_millis()).unwrap_or(i64::MAX), bytes, position })
    }

    /// Whether the next dump is overdue.
    pub fn is_stale(&self, now: Moment) -> bool {
        now.0 - self.at > STALE_AFTER_MS
    }

    /// Stores it as the newest dump.
    ///
    /// # Errors
    /// An error of the database.
    pub fn save(&self, tx: &mut dyn Tx) -> StorageResult<()> {
        store::save_dump(tx, self)
    }

    /// The newest stored dump.
    ///
    /// # Errors
    /// An error of the database.
    pub fn newest(tx: &mut dyn Tx) -> StorageResult<Option<Self>> {
        store::newest_dump(tx)
    }

    /// Background job that exports the age of the newest dump to `/metrics`; never returns.
    pub async fn report_age(storage: Storage) {
        let mut interval = tokio::time::interval(METRICS_INTERVAL);
        loop {
            interval.tick().await;
            // Other metrics report an unreachable database.
            if let Ok(Some(dump)) = storage.read(Self::newest).await {
                let age = u32::try_from((storage.clock().now().0 - dump.at) / 1000).unwrap_or_default();
                metrics::gauge!("mukkeum_backup_dump_age_seconds").set(age);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str =
        "-- MariaDB dump\nCREATE TABLE `schema_versions` (\n-- SET GLOBAL gtid_slave_pos='0-1-42,1-2-3';\n";

    fn verify(text: &str, keep_bytes: usize) -> Result<MariaDbDump, DumpError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.sql.zst");
        let packed = zstd::encode_all(text.as_bytes(), 0).expect("packs");
        std::fs::write(&file, &packed[..packed.len().min(keep_bytes)]).expect("writes");
        MariaDbDump::verify_file(&file)
    }

    #[test]
    fn complete_dump_has_a_binary_log_position() {
        let dump = verify(&format!("{OURS}-- Dump completed on 2026-11-22 03:30:00\n"), usize::MAX).expect("whole");
        assert_eq!((dump.name.as_str(), dump.position.as_str()), ("shop.sql.zst", "0-1-42,1-2-3"));
        assert!(
            !dump.is_stale(Moment(dump.at + STALE_AFTER_MS)) && dump.is_stale(Moment(dump.at + STALE_AFTER_MS + 1))
        );
    }

    #[test]
    fn truncated_and_foreign_dumps_are_rejected() {
        assert!(matches!(verify(OURS, usize::MAX), Err(DumpError::Incomplete)));
        let more = format!("{OURS}-- Dump completed\nINSERT INTO `orders` VALUES (1);\n");
        assert!(
            matches!(verify(&more, usize::MAX), Err(DumpError::Incomplete)),
            "a truncated dump after a complete one"
        );
        assert!(matches!(
            verify("CREATE TABLE `t` (\n-- Dump completed\n", usize::MAX),
            Err(DumpError::ForeignDatabase)
        ));
        assert!(matches!(verify(&format!("{OURS}-- Dump completed\n"), 40), Err(DumpError::Io(_))), "a truncated file");
    }
}
