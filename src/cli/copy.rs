//! `mukkeum copy`: copies all data from one database to another and verifies it, and the photographs of deliveries.
//!
//! Photographs are beside a SQLite file; those of MariaDB are in the store of the setting `proofs`.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{CliError, CommandResult, MAX_READERS, Outcome, block_on, folder};
use crate::config::{Config, Database, Settings};
use crate::proofs::files::{PROOFS_FOLDER, ProofFileError, ProofFiles};
use crate::proofs::store;
use crate::storage::copy::{CopyError, copy};
use crate::storage::{OpenMode, Storage, StorageError, StorageOptions};
use crate::time::SystemClock;

#[derive(clap::Args)]
pub(super) struct Copy {
    /// 원본 데이터베이스, sqlite:PATH 또는 mysql://…
    #[arg(long, value_name = "URL", env = "MUKKEUM_COPY_FROM", hide_env_values = true)]
    from: String,
    /// 옮길 데이터베이스, 비어 있어야 해요
    #[arg(long, value_name = "URL", env = "MUKKEUM_COPY_TO", hide_env_values = true)]
    to: String,
    /// JSON으로 출력해요
    #[arg(long)]
    json: bool,
}

impl From<CopyError> for CliError {
    fn from(error: CopyError) -> Self {
        match error {
            CopyError::Storage(error) => error.into(),
            other => Self(other.to_string()),
        }
    }
}

impl Copy {
    pub(super) fn run(self, config: &Config) -> CommandResult {
        let places = (proof_files(&self.from, config)?, proof_files(&self.to, config)?);
        let (from, _from_lock) = open(self.from, OpenMode::ReadOnly)?;
        let (to, _to_lock) = open(self.to, OpenMode::Create)?;
        let copied = block_on(async {
            let copying = copy(&from, &to, |table, sum| {
                // The progress is optional: continue if stderr is closed.
                let _ = writeln!(io::stderr().lock(), "{table}: {}행", sum.rows);
            });
            Ok(copying.await?)
        })?;
        let photos = block_on(async { copy_proofs(&from, &places.0, &places.1).await })?;
        let mut out = io::stdout().lock();
        if self.json {
            let tables: Vec<_> = copied
                .iter()
                .map(|(table, sum)| json!({ "table": table, "rows": sum.rows, "checksum": format!("{:016x}", sum.checksum) }))
                .collect();
            writeln!(
                out,
                "{}",
                json!({ "tables": tables, "photos": photos.copied, "photos_missing": photos.missing })
            )?;
        } else {
            let rows: u64 = copied.iter().map(|(_, sum)| sum.rows).sum();
            writeln!(out, "표 {}개, {rows}행을 옮기고 하나하나 맞춰 봤어요.", copied.len())?;
            if photos.copied > 0 {
                writeln!(out, "배송 증빙 사진 {}장도 옮겼어요.", photos.copied)?;
            }
            if photos.missing > 0 {
                let advice = "--proofs로 사진을 둘 저장소를 알려 주고, 원본 폴더의 proofs가 있는지 확인해 주세요.";
                writeln!(out, "배송 증빙 사진 {}장을 옮기지 못했어요. {advice}", photos.missing)?;
            }
        }
        Ok(if photos.missing == 0 { Outcome::Complete } else { Outcome::Partial })
    }
}

/// Photographs of a copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct CopiedProofs {
    copied: usize,
    missing: usize,
}

/// Where the photographs of a database are: beside a SQLite file, or in the store of the settings.
fn proof_files(url: &str, config: &Config) -> Result<ProofFiles, CliError> {
    let settings = Settings { database: Some(url.to_owned()), ..Settings::default() };
    let database = Config::load(settings, |_| None)?.database;
    match (database, &config.proofs) {
        (Database::Sqlite(path), _) => {
            Ok(ProofFiles::in_folder(path.parent().unwrap_or(Path::new(".")).join(PROOFS_FOLDER)))
        }
        (Database::MariaDb(_), None) => Ok(ProofFiles::none()),
        (Database::MariaDb(_), Some(_)) => ProofFiles::open(config).map_err(|error| CliError(error.to_string())),
    }
}

/// Copies the photographs that the new place lacks.
async fn copy_proofs(shop: &Storage, from: &ProofFiles, to: &ProofFiles) -> Result<CopiedProofs, CliError> {
    let mut photos = CopiedProofs::default();
    for (hash, _) in shop.read(store::live).await? {
        if to.get(&hash).await.is_ok() {
            continue;
        }
        let Ok(bytes) = from.get(&hash).await else {
            photos.missing += 1;
            continue;
        };
        match to.put(bytes).await {
            Ok(_) => photos.copied += 1,
            Err(ProofFileError::NoPlace) => photos.missing += 1,
            Err(error) => return Err(CliError(error.to_string())),
        }
    }
    Ok(photos)
}

/// Only the source has to be a shop.
fn open_error(error: StorageError) -> CliError {
    match error {
        StorageError::NoShop => CliError("--from의 데이터베이스에는 아직 가게가 없어요.".to_owned()),
        error => error.into(),
    }
}

/// Opens one of the two databases and locks its folder: writes of a running server would be lost. The source is opened
/// read-only.
fn open(url: String, mode: OpenMode) -> Result<(Storage, Option<File>), CliError> {
    let settings = Settings { database: Some(url), ..Settings::default() };
    let options = StorageOptions { clock: Arc::new(SystemClock), readers: MAX_READERS };
    let (storage, lock) = match Config::load(settings, |_| None)?.database {
        Database::MariaDb(address) => (Storage::open_mariadb_in(mode, &address, &options).map_err(open_error)?, None),
        Database::Sqlite(path) => {
            if mode == OpenMode::ReadOnly && !path.is_file() {
                return Err(CliError(format!("그런 파일이 없어요: {}", path.display())));
            }
            let data = path.parent().unwrap_or(Path::new("."));
            let lock = folder::lock_if_used(data, || {
                CliError(format!("프로그램이 켜져 있어요: {}\n끈 다음 다시 하세요.", data.display()))
            })?;
            (Storage::open_sqlite_in(mode, &path, &options).map_err(open_error)?, lock)
        }
    };
    storage.require_current_schema()?;
    Ok((storage, lock))
}
