//! The copies of a shop in MariaDB: its own tools make them (`deploy/ha/mariadb/dump`), the program
//! reads each through and remembers the newest, so that its age can be told.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::storage::{Result as Stored, Storage, StorageError, Tx};
use crate::time::Moment;

/// One is made every night; an older one is worth a look.
const STALE_MS: i64 = 30 * 60 * 60 * 1000;

/// How often `/metrics` is told how old the newest is.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Its name among the settings.
const SETTING: &str = "backup.dump";

/// A whole copy that `mariadb-dump` made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    /// the file's name, without its folder
    pub name: String,
    /// when it was finished, UTC milliseconds
    pub at: i64,
    /// length of the file as it lies there, compressed
    pub bytes: u64,
    /// where the binary logs continue it (GTID); empty: the server writes none
    pub position: String,
}

/// Why a file is no copy of a shop.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// It cannot be read, or is not what zstd wrote.
    #[error("사본을 읽지 못했어요: {0}")]
    Io(#[from] io::Error),
    /// It ends too early.
    #[error("끝까지 뜨지 못한 사본이에요. 다시 떠 주세요.")]
    NotWhole,
    /// It is of something else.
    #[error("이 프로그램의 데이터가 아닌 사본이에요. 데이터베이스 이름을 확인해 주세요.")]
    NotOurs,
}

impl Dump {
    /// Reads a compressed dump through.
    ///
    /// # Errors
    /// A [`DumpError`].
    pub fn of_file(path: &Path) -> Result<Self, DumpError> {
        let file = File::open(path)?;
        let (bytes, modified) = (file.metadata()?.len(), file.metadata()?.modified()?);
        let since = modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mut lines = BufReader::new(zstd::Decoder::new(file)?);
        let (mut line, mut is_ours, mut is_whole, mut position) = (Vec::new(), false, false, String::new());
        while lines.read_until(b'\n', &mut line)? > 0 {
            is_ours |= line.starts_with(b"CREATE TABLE `schema_versions`");
            is_whole = line.starts_with(b"-- Dump completed");
            if let Some(told) = line.strip_prefix(b"-- SET GLOBAL gtid_slave_pos='") {
                position =
                    told.split(|byte| *byte == b'\'').next().map(String::from_utf8_lossy).unwrap_or_default().into();
            }
            line.clear();
        }
        if !is_whole {
            return Err(DumpError::NotWhole);
        }
        if !is_ours {
            return Err(DumpError::NotOurs);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, at: i64::try_from(since.as_millis()).unwrap_or(i64::MAX), bytes, position })
    }

    /// Whether the next one should have been made.
    pub fn is_stale(&self, now: Moment) -> bool {
        now.0 - self.at > STALE_MS
    }

    /// Remembers it as the newest.
    ///
    /// # Errors
    /// The database.
    pub fn remember(&self, tx: &mut dyn Tx) -> Stored<()> {
        let text = serde_json::json!(self).to_string();
        tx.upsert("settings", &[("name", SETTING.into())], &[("value", text.into())]).map(drop)
    }

    /// The newest that was remembered.
    ///
    /// # Errors
    /// The database.
    pub fn newest(tx: &mut dyn Tx) -> Stored<Option<Self>> {
        let row = tx.query_one("SELECT value FROM settings WHERE name = ?", &[SETTING.into()])?;
        row.map(|mut row| {
            serde_json::from_str(&row.text(0)?)
                .map_err(|error| StorageError::Inconsistent(format!("{SETTING}: {error}")))
        })
        .transpose()
    }

    /// Tells `/metrics` how old the newest is, as long as it runs.
    pub async fn tell_age(storage: Storage) {
        let mut tell = tokio::time::interval(TELL_EVERY);
        loop {
            tell.tick().await;
            // A database that is away has figures of its own.
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

    fn of(text: &str, keep: usize) -> Result<Dump, DumpError> {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("shop.sql.zst");
        let packed = zstd::encode_all(text.as_bytes(), 0).expect("packs");
        std::fs::write(&file, &packed[..packed.len().min(keep)]).expect("writes");
        Dump::of_file(&file)
    }

    #[test]
    fn a_whole_dump_says_where_the_logs_continue_it() {
        let dump = of(&format!("{OURS}-- Dump completed on 2026-11-22 03:30:00\n"), usize::MAX).expect("whole");
        assert_eq!((dump.name.as_str(), dump.position.as_str()), ("shop.sql.zst", "0-1-42,1-2-3"));
        assert!(!dump.is_stale(Moment(dump.at + STALE_MS)) && dump.is_stale(Moment(dump.at + STALE_MS + 1)));
    }

    #[test]
    fn a_dump_that_ends_early_and_one_of_something_else_are_refused() {
        assert!(matches!(of(OURS, usize::MAX), Err(DumpError::NotWhole)));
        let more = format!("{OURS}-- Dump completed\nINSERT INTO `orders` VALUES (1);\n");
        assert!(matches!(of(&more, usize::MAX), Err(DumpError::NotWhole)), "another dump, cut, behind a whole one");
        assert!(matches!(of("CREATE TABLE `t` (\n-- Dump completed\n", usize::MAX), Err(DumpError::NotOurs)));
        assert!(matches!(of(&format!("{OURS}-- Dump completed\n"), 40), Err(DumpError::Io(_))), "a cut file");
    }
}
